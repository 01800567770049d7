/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_SECRET_H
#define GW_AUTH_SECRET_H

/*
 * The inside of a secret: for this folder alone. "AWS4" and the secret access
 * key, ready for key derivation, and behind them the session token. One piece of
 * heap, wiped whole when freed.
 */

#include "codec/json.h"

struct gw_secret {
    size_t length; /* of "AWS4" and the secret */
    size_t token_length;
    char bytes[];
};

static inline struct gw_str gw_secret_text(const struct gw_secret *secret)
{
    return (struct gw_str){secret->bytes, secret->length};
}

/* new: from a secret access key, and a session token ({NULL,0}: none), which stands behind it. */
struct gw_secret *gw_secret_new(struct gw_str secret_access_key, struct gw_str token);
/* borrows: {NULL,0} when there is none. */
struct gw_str gw_secret_token(const struct gw_secret *secret);
/* Wipes and frees; accepts NULL. */
void gw_secret_free(const struct gw_secret *secret);
/* A number that no other secret of this process has. */
uint64_t gw_secret_version(void);

/* Overwrites every text of a tree that is about to be freed and whose memory is the caller's own. */
void gw_secret_wipe(const struct gw_json *value);

#endif
