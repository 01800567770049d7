/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_SHARED_H
#define GW_BASE_SHARED_H

/*
 * Bytes that several objects of different lifetimes keep in common: immutable,
 * counted, freed with the last holder. Any thread may hold and drop.
 */

#include "base/str.h"

struct gw_shared;

/* new: a copy, held once; NULL for {NULL,0}. */
struct gw_shared *gw_shared_new(struct gw_str bytes);

/* new: another hold of the same bytes. NULL gives NULL. */
struct gw_shared *gw_shared_hold(struct gw_shared *shared);

/* Gives a hold back and clears the pointer. NULL is nothing. */
void gw_shared_drop(struct gw_shared **shared);

/* borrows: valid while held. {NULL,0} for NULL. */
struct gw_str gw_shared_str(const struct gw_shared *shared);

#endif
