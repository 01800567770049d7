/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_FAULT_TABLE_H
#define GW_GATEWAY_FAULT_TABLE_H

/*
 * The faults that an operator has ordered for a mock, in JSON:
 *
 *   {"faults":[{"operation":"CreateAccessEntry","cluster":"c","error":"ThrottlingException","times":2},
 *              {"operation":"*","delay":1.5,"after":3,"probability":0.1}, {"operation":"ListClusters","drop":true}]}
 *
 *   operation     a name of the service model, or * for all
 *   cluster       requests about that cluster alone
 *   error         what it is answered with; message goes with it
 *   delay         seconds that it waits before it goes on, 60 at most
 *   drop          its connection ends without a reply
 *   after         so many matching requests pass first
 *   times         so many are hit then; all when absent
 *   probability   0 to 1: whether one that could be hit is
 *
 * A request meets them in their order; each that matches counts it, and the first
 * that hits is its fault. Any thread.
 */

#include "base/random.h"
#include "gateway/policy.h"

#define GW_FAULT_TABLE_MAX 1000

struct gw_fault_table;

/* Where chance comes from: draws follow from `seed` and from how many requests a fault has counted. */
struct gw_fault_chance {
    bool seeded;
    uint64_t seed;
    const struct gw_random *random; /* borrowed; where it isn't seeded */
};

/* new: without faults. */
struct gw_fault_table *gw_fault_table_new(const struct gw_fault_chance *chance);
void gw_fault_table_free(struct gw_fault_table **table);

/* Replaces all of them; counts begin anew. Otherwise nothing changes, and err names element and member. */
GW_NODISCARD enum gw_status gw_fault_table_set(struct gw_fault_table *table, struct gw_str json, struct gw_err *err);

/* Takes all of them away. */
void gw_fault_table_clear(struct gw_fault_table *table);

/* The fault of a request, counted; GW_FAULT_NONE mostly. `cluster` may be {NULL,0}. Its texts are put into the arena.
 */
void gw_fault_table_take(struct gw_fault_table *table, struct gw_str operation, struct gw_str cluster,
                         struct gw_arena *arena, struct gw_fault *fault);

/* {"faults":[...]}: each as it was set, and `hits`, how many requests it has hit. */
void gw_fault_table_encode(struct gw_fault_table *table, struct gw_buf *out);

#endif
