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

/* Overwrites every text of a tree that is about to be freed and whose memory is the caller's own. */
void gw_secret_wipe(const struct gw_json *value);

#endif
