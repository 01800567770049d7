/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One set of credentials: made once, read by many, wiped with its last holder. When
 * it is fetched anew is decided here, at its birth: a quarter of its time before
 * its end, 15 minutes at most, and up to a fifth of that earlier, so that many
 * gateways don't ask at once.
 */
#include <stdlib.h>

#include "upstream/credentials_inner.h"

#define MARGIN_MS ((int64_t)15 * 60 * 1000)

static void digest(const struct gw_aws_keys *keys, unsigned char out[GW_DIGEST_SIZE])
{
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    gw_digest_update(&hash, keys->access_key.at, keys->access_key.length);
    gw_digest_update(&hash, "\0", 1); /* none of the texts holds a NUL */
    gw_digest_update(&hash, keys->secret_access_key.at, keys->secret_access_key.length);
    gw_digest_update(&hash, "\0", 1);
    gw_digest_update(&hash, keys->session_token.at, keys->session_token.length);
    gw_digest_final(&hash, out);
    gw_wipe(&hash, sizeof(hash));
}

static int64_t choose_refresh(int64_t expires_ms, const struct gw_credentials_options *options)
{
    int64_t now_ms = gw_clock_wall_ms(options->clock);
    int64_t margin_ms = (expires_ms - now_ms) / 4;
    uint32_t random = 0;

    if (expires_ms == GW_AWS_KEYS_NEVER)
        return GW_AWS_KEYS_NEVER;
    if (margin_ms > MARGIN_MS)
        margin_ms = MARGIN_MS;
    gw_random_fill(options->random, &random, sizeof(random));
    return expires_ms - margin_ms - (int64_t)(random % (uint32_t)(margin_ms > 0 ? margin_ms / 5 + 1 : 1));
}

static struct gw_str put(char **at, struct gw_str text)
{
    struct gw_str copy = {*at, text.length};

    if (text.at == NULL)
        return GW_STR_NONE;
    memcpy(*at, text.at, text.length);
    *at += text.length;
    return copy;
}

struct gw_credentials_set *gw_credentials_set_new(const struct gw_chain_found *found,
                                                  const struct gw_credentials_set *before,
                                                  const struct gw_credentials_options *options)
{
    struct gw_credentials_set *set = gw_alloc_zero(1, sizeof(*set));
    const struct gw_aws_keys *keys = &found->keys;
    struct gw_credentials_snapshot *snapshot = &set->snapshot;
    char *at;

    set->text_length = keys->access_key.length + keys->session_token.length + found->provider.length;
    set->text = gw_alloc(set->text_length);
    at = set->text;
    snapshot->identity.access_key = put(&at, keys->access_key);
    snapshot->identity.session_token = put(&at, keys->session_token);
    snapshot->provider = put(&at, found->provider);
    snapshot->expires_ms = keys->expires_ms;
    set->secret = gw_sign_secret_new(keys->secret_access_key, &snapshot->identity.secret_version);
    snapshot->identity.secret = set->secret;
    digest(keys, set->digest);
    if (before != NULL && gw_digest_equal(before->digest, set->digest, GW_DIGEST_SIZE))
        snapshot->identity.secret_version = before->snapshot.identity.secret_version;
    set->refresh_ms = choose_refresh(keys->expires_ms, options);
    atomic_init(&set->holders, 1);
    return set;
}

struct gw_credentials_set *gw_credentials_set_hold(struct gw_credentials_set *set)
{
    if (set != NULL)
        (void)atomic_fetch_add(&set->holders, 1);
    return set;
}

void gw_credentials_set_drop(struct gw_credentials_set *set)
{
    if (set == NULL || atomic_fetch_sub(&set->holders, 1) != 1)
        return;
    gw_sign_secret_free(&set->secret);
    gw_wipe(set->text, set->text_length);
    free(set->text);
    gw_wipe(set, sizeof(*set));
    free(set);
}

static void drop(void *object)
{
    gw_credentials_set_drop(object);
}

void gw_credentials_set_retire(struct gw_epoch *epoch, struct gw_credentials_set *set)
{
    gw_epoch_retire(epoch, set, drop);
}
