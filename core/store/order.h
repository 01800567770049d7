/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_ORDER_H
#define GW_STORE_ORDER_H

/*
 * Sorting very many texts that begin alike.
 */

#include "base/str.h"

/* Fills `order` with the indexes of the texts in byte order. The texts hold no NUL. */
void gw_order_texts(const struct gw_str *texts, size_t count, size_t *order);

#endif
