/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_ORDER_H
#define GW_STORE_ORDER_H

/*
 * Sorting very many entries that have most of their text in common.
 */

#include "store/store.h"

/* By principal ARN in byte order. The ARNs are different, and hold no NUL. */
void gw_order_entries(struct gw_access_entry **entries, size_t count);

#endif
