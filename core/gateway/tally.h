/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_TALLY_H
#define GW_GATEWAY_TALLY_H

/*
 * A number for each of many things, which are named by digests: how often it was
 * made, or whether it was deleted. Bounded: past the bound the things that came
 * first are forgotten. One thread at a time.
 */

#include "base/buf.h"

#define GW_TALLY_KEY 16

struct gw_tally_slot;

struct gw_tally {
    struct gw_tally_slot *slots; /* a ring once it is full */
    uint32_t *heads;             /* 1 + index of a chain's first slot; a power of two of them */
    size_t head_count;
    size_t count;
    size_t capacity;
    size_t max;
    size_t oldest; /* the slot that is given away next, once there are `max` */
};

/* Takes no memory yet. `max` is at least 1 and fits 32 bits. */
void gw_tally_init(struct gw_tally *tally, size_t max);
void gw_tally_fini(struct gw_tally *tally);

/* 0 for what was never set, set to 0, or forgotten. The key's bytes are those of a keyed or cryptographic hash. */
uint32_t gw_tally_get(const struct gw_tally *tally, const unsigned char key[GW_TALLY_KEY]);
void gw_tally_set(struct gw_tally *tally, const unsigned char key[GW_TALLY_KEY], uint32_t number);

/* Forgets all of them. */
void gw_tally_clear(struct gw_tally *tally);
/* `to`, initialised, becomes what `from` is, its bound included. */
void gw_tally_copy(const struct gw_tally *from, struct gw_tally *to);

/* Appends how many numbers there are and each with its key, a line each: "2\nHEX 1\nHEX 7\n". */
void gw_tally_encode(const struct gw_tally *tally, struct gw_buf *out);
/* Takes such lines off the front of `*rest` into an empty tally; exactly as they are written. GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_tally_decode(struct gw_str *rest, struct gw_tally *tally);

#endif
