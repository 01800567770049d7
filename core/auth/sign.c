/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing of what goes upstream. Nothing of the caller's signature comes in here:
 * the fields that are signed are made from the request that is given. Signing keys
 * are kept per secret, day, region and service.
 */
#include "auth/sign.h"

#include <stdlib.h>

#include "auth/secret.h"
#include "auth/signing_cache.h"
#include "codec/time.h"

#define FIELDS_MAX 4

struct gw_signer {
    struct gw_signing_cache *cache;
};

/* A request on its way to being signed. */
struct draft {
    char time[GW_TIME_AMZ_SIZE];
    struct gw_header headers[FIELDS_MAX];
    struct gw_sigv4_request request;
};

struct gw_secret *gw_sign_secret_new(struct gw_str secret_access_key, uint64_t *version)
{
    *version = gw_secret_version();
    return gw_secret_new(secret_access_key, GW_STR_NONE);
}

void gw_sign_secret_free(struct gw_secret **secret)
{
    gw_secret_free(*secret);
    *secret = NULL;
}

struct gw_signer *gw_sign_new(void)
{
    struct gw_signer *signer = gw_alloc_zero(1, sizeof(*signer));

    signer->cache = gw_signing_cache_new();
    return signer;
}

void gw_sign_free(struct gw_signer **signer)
{
    if (*signer == NULL)
        return;
    gw_signing_cache_free(&(*signer)->cache);
    free(*signer);
    *signer = NULL;
}

static void add(struct draft *draft, const char *name, struct gw_str value)
{
    if (value.at == NULL)
        return;
    draft->headers[draft->request.header_count++] = (struct gw_header){.name = gw_str_from(name), .value = value};
}

static enum gw_status begin(struct draft *draft, const struct gw_sign_identity *identity,
                            const struct gw_sign_request *request, struct gw_arena *arena)
{
    struct gw_err err;

    *draft = (struct draft){.request = {.method = request->method, .path = request->path, .headers = draft->headers}};
    gw_time_amz(request->now_ms, draft->time);
    add(draft, "content-type", request->content_type);
    add(draft, "host", request->host);
    add(draft, "x-amz-date", (struct gw_str){draft->time, sizeof(draft->time) - 1});
    add(draft, "x-amz-security-token", identity->session_token);
    gw_digest_sha256(request->body, draft->request.payload);
    return gw_sigv4_parse_query(request->query, arena, &draft->request.query, &err);
}

static void find_key(struct gw_signer *signer, const struct gw_sign_identity *identity,
                     const struct gw_sign_request *request, struct gw_str date, struct gw_hmac_key *key)
{
    char place[GW_SIGNING_CACHE_PLACE_MAX + 1];
    struct gw_str at = {place, request->region.length + 1 + request->service.length};
    const struct gw_hmac_key *kept = NULL;

    if (at.length < sizeof(place)) {
        memcpy(place, request->region.at, request->region.length);
        place[request->region.length] = '/';
        memcpy(place + request->region.length + 1, request->service.at, request->service.length);
        kept = gw_signing_cache_find(signer->cache, identity->secret_version, date, at);
    }
    if (kept != NULL) {
        *key = *kept;
        return;
    }
    gw_sigv4_derive_key(gw_secret_text(identity->secret), date, request->region, request->service, key);
    if (at.length < sizeof(place))
        gw_signing_cache_add(signer->cache, identity->secret_version, date, at, key);
}

static void append_field(struct gw_buf *head, const char *name, struct gw_str value)
{
    gw_buf_append_str(head, gw_str_from(name));
    gw_buf_append_lit(head, ": ");
    gw_buf_append_str(head, value);
    gw_buf_append_lit(head, "\r\n");
}

enum gw_status gw_sign(struct gw_signer *signer, const struct gw_sign_identity *identity,
                       const struct gw_sign_request *request, struct gw_arena *arena, struct gw_buf *head)
{
    struct draft draft;
    struct gw_hmac_key key;
    struct gw_sigv4_signer by = {
        .access_key = identity->access_key, .region = request->region, .service = request->service, .key = &key};
    enum gw_status status = begin(&draft, identity, request, arena);

    if (status != GW_OK)
        return status;
    by.time = (struct gw_str){draft.time, sizeof(draft.time) - 1};
    find_key(signer, identity, request, gw_str_slice(by.time, 0, 8), &key);
    append_field(head, "X-Amz-Date", by.time);
    if (identity->session_token.at != NULL)
        append_field(head, "X-Amz-Security-Token", identity->session_token);
    gw_buf_append_lit(head, "Authorization: ");
    status = gw_sigv4_sign(&by, &draft.request, arena, head);
    gw_buf_append_lit(head, "\r\n");
    gw_wipe(&key, sizeof(key));
    return status == GW_OK && head->overflowed ? GW_E_LIMIT : status;
}

enum gw_status gw_sign_explain(const struct gw_sign_identity *identity, const struct gw_sign_request *request,
                               struct gw_arena *arena, struct gw_buf *canonical, struct gw_buf *string_to_sign)
{
    struct draft draft;
    unsigned char hash[GW_DIGEST_SIZE];
    struct gw_str scope;
    enum gw_status status = begin(&draft, identity, request, arena);

    if (status != GW_OK)
        return status;
    draft.request.signed_headers =
        gw_arena_printf(arena, "%shost;x-amz-date%s", request->content_type.at == NULL ? "" : "content-type;",
                        identity->session_token.at == NULL ? "" : ";x-amz-security-token");
    status = gw_sigv4_canonical_hash(&draft.request, hash);
    if (status != GW_OK)
        return status;
    (void)gw_sigv4_canonical_text(&draft.request, true, canonical);
    scope = gw_arena_printf(arena, "%.8s/%.*s/%.*s/aws4_request", draft.time, GW_STR_ARG(request->region),
                            GW_STR_ARG(request->service));
    gw_sigv4_string_to_sign((struct gw_str){draft.time, sizeof(draft.time) - 1}, scope, hash, string_to_sign);
    return GW_OK;
}
