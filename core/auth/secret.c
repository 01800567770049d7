/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping secrets, and forgetting what was read: the tree of a key file holds them
 * in the clear until they are taken over.
 */
#include "auth/secret.h"

#include <stdatomic.h>
#include <stdlib.h>

struct gw_secret *gw_secret_new(struct gw_str secret_access_key, struct gw_str token)
{
    size_t length = 4 + secret_access_key.length;
    struct gw_secret *secret = gw_alloc(sizeof(*secret) + length + token.length);

    secret->length = length;
    secret->token_length = token.length;
    memcpy(secret->bytes, "AWS4", 4);
    memcpy(secret->bytes + 4, secret_access_key.at, secret_access_key.length);
    if (token.length > 0)
        memcpy(secret->bytes + length, token.at, token.length);
    return secret;
}

struct gw_str gw_secret_token(const struct gw_secret *secret)
{
    return secret->token_length == 0 ? GW_STR_NONE
                                     : (struct gw_str){secret->bytes + secret->length, secret->token_length};
}

void gw_secret_free(const struct gw_secret *secret)
{
    struct gw_secret *owned = (struct gw_secret *)(uintptr_t)secret;

    if (owned == NULL)
        return;
    gw_wipe(owned->bytes, owned->length + owned->token_length);
    free(owned);
}

uint64_t gw_secret_version(void)
{
    static atomic_uint_fast64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

void gw_secret_wipe(const struct gw_json *value)
{
    if (value->type == GW_JSON_STRING && value->as.string.length > 0)
        gw_wipe((char *)(uintptr_t)value->as.string.at, value->as.string.length);
    for (size_t i = 0; value->type == GW_JSON_ARRAY && i < value->as.array.count; i++)
        gw_secret_wipe(&value->as.array.items[i]);
    for (size_t i = 0; value->type == GW_JSON_OBJECT && i < value->as.object.count; i++)
        gw_secret_wipe(&value->as.object.members[i].value);
}
