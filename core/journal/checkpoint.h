/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_JOURNAL_CHECKPOINT_H
#define GW_JOURNAL_CHECKPOINT_H

/*
 * A checkpoint: a signature over the newest record of the chain, kept as a record
 * of the chain itself. Who has the public key sees from it that nobody without the
 * private one has rewritten the records up to there.
 *
 * In its record, under additionalEventData.eksgate:
 *
 *   "checkpoint":{"sequence":N,"hash":"HEX","time":"TIME","key":"ID","signature":"BASE64"}
 *
 * N and HEX are sequence number and hash of the record right before it. ID names
 * the key: the first 16 hexadecimal digits of the SHA-256 of the raw public key.
 * What is signed (Ed25519) is this text, four lines, each with its newline:
 *
 *   eksgate audit checkpoint 1
 *   N
 *   HEX
 *   TIME
 */

#include "codec/chain.h"
#include "codec/ed25519.h"
#include "codec/json.h"

#define GW_CHECKPOINT_KEY_ID 16

/* Appends the text that is signed. */
void gw_checkpoint_message(const struct gw_chain_head *head, struct gw_str time, struct gw_buf *out);

/* Writes the key's name, no NUL. A public key has the same as its private one. */
void gw_checkpoint_key_id(const struct gw_ed25519_key *key, char out[GW_CHECKPOINT_KEY_ID]);

/* arena: the object that is the value of "checkpoint"; `key` is a private one. */
struct gw_json gw_checkpoint_sign(const struct gw_ed25519_key *key, const struct gw_chain_head *head, int64_t time_ms,
                                  struct gw_arena *arena);

#endif
