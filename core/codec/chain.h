/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_CHAIN_H
#define GW_CODEC_CHAIN_H

/*
 * The links of the audit chain. Every record is one line of JSON that begins
 *
 *   {"eventVersion":"1.11","additionalEventData":{"eksgate":{"sequence":N,"previous":"HEX", ...
 *
 * byte for byte: N counts from 1 without gaps, HEX is the SHA-256 of the line
 * before it, without its newline, as 64 lower-case digits; sixty-four zeros before
 * the first. So a record's place and its link are read without a JSON parser, and
 * the hash of a line covers both. Where there is a store that lasts, "committed":M
 * follows: the newest record that it had committed by then. A store that knows less
 * at a start has lost something.
 */

#include "base/buf.h"
#include "codec/digest.h"

/* What a record begins with before it has its place: the object of eksgate's own members is open, and not empty. */
#define GW_CHAIN_FRONT "{\"eventVersion\":\"1.11\",\"additionalEventData\":{\"eksgate\":{"
/* Bytes that a place adds at most. */
#define GW_CHAIN_ROOM ((size_t)160)

/* The newest record of a chain; all zero: none yet. */
struct gw_chain_head {
    uint64_t sequence;
    unsigned char hash[GW_DIGEST_SIZE];
};

/* Appends the record's line, without newline, as the one that follows `head`, which becomes this one. `record` begins
 * with GW_CHAIN_FRONT, else GW_E_SYNTAX. `committed`: of the store; 0: nothing is said of it. */
GW_NODISCARD enum gw_status gw_chain_link(struct gw_chain_head *head, uint64_t committed, struct gw_str record,
                                          struct gw_buf *out);

/* What a line, without its newline, says of its place. GW_E_SYNTAX when it doesn't begin as above. */
GW_NODISCARD enum gw_status gw_chain_parse(struct gw_str line, uint64_t *sequence,
                                           unsigned char previous[GW_DIGEST_SIZE]);

/* What a line says that the store had committed; 0: nothing. */
uint64_t gw_chain_committed(struct gw_str line);

/* The same record, byte for byte? */
bool gw_chain_equal(const struct gw_chain_head *a, const struct gw_chain_head *b);

#endif
