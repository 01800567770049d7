/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_EPOCH_H
#define GW_BASE_EPOCH_H

/*
 * Safe reading without locks. A reader enters before it follows a shared pointer
 * and leaves when it holds none any more (once per event-loop callback). Whoever
 * unlinks an object retires it; it is freed when every reader that could have
 * seen it has left.
 *
 * Readers never wait. Retiring and reclaiming take a mutex of their own.
 */

#include "base/gw.h"

#define GW_EPOCH_READERS 256

struct gw_epoch;
struct gw_epoch_reader;

/* new: free with gw_epoch_free after the last reader has unregistered. */
struct gw_epoch *gw_epoch_new(void);

/* Frees everything retired, whatever readers say; none may be inside. */
void gw_epoch_free(struct gw_epoch **epoch);

/* One per thread that reads; borrows, belongs to `epoch`. Aborts past GW_EPOCH_READERS. */
struct gw_epoch_reader *gw_epoch_register(struct gw_epoch *epoch);
void gw_epoch_unregister(struct gw_epoch_reader *reader);

/* Not nested. Between the two, retired objects that were reachable stay valid. */
void gw_epoch_enter(struct gw_epoch_reader *reader);
void gw_epoch_leave(struct gw_epoch_reader *reader);

/* takes: `object`, already unreachable for new readers, is given to `release` later, by some thread that retires or
 * reclaims. Any thread, also inside an epoch. */
void gw_epoch_retire(struct gw_epoch *epoch, void *object, void (*release)(void *object));

/* Frees what nobody can see any more. */
void gw_epoch_reclaim(struct gw_epoch *epoch);

#endif
