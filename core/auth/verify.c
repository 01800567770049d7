/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed this request? The table of steps in gw_verify_admit is the order in
 * which a request is looked at; README.md names the source of each. What is
 * derived from a secret enters the cache only after a signature held. Nothing
 * here logs, and no refusal shows a token, an Authorization field or the
 * signature that would have been right.
 */
#include "auth/verify_look.h"

#include "auth/secret.h"
#include "codec/time.h"

#include <stdio.h>
#include <stdlib.h>

#define REGION_MAX 64
#define TAIL_MAX   16384 /* bytes of canonical request and string to sign that a refusal carries */

#define CLAIM_WORDS "The provided 'x-amz-content-sha256' header does not match what was computed."

_Static_assert(REGION_MAX + 1 + GW_VERIFY_SERVICE_MAX <= GW_SIGNING_CACHE_PLACE_MAX, "every place fits into the cache");

static struct gw_str *dup_list(struct gw_arena *arena, const struct gw_str *list, size_t count)
{
    struct gw_str *copy = gw_arena_zero(arena, count > 0 ? count : 1, sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = gw_arena_str(arena, list[i]);
    return copy;
}

struct gw_verifier *gw_verify_new(const struct gw_verify_options *options)
{
    struct gw_verifier *verifier = gw_alloc_zero(1, sizeof(*verifier));
    struct gw_verify_options *own = &verifier->options;

    *own = *options;
    gw_arena_init(&verifier->arena, 0);
    own->regions = dup_list(&verifier->arena, options->regions, options->region_count);
    own->unsigned_headers = dup_list(&verifier->arena, options->unsigned_headers, options->unsigned_header_count);
    verifier->cache = gw_signing_cache_new();
    return verifier;
}

void gw_verify_free(struct gw_verifier **verifier)
{
    if (*verifier == NULL)
        return;
    gw_signing_cache_free(&(*verifier)->cache);
    gw_arena_fini(&(*verifier)->arena);
    free(*verifier);
    *verifier = NULL;
}

size_t gw_verify_cached(const struct gw_verifier *verifier)
{
    return gw_signing_cache_count(verifier->cache);
}

static enum gw_status refuse(struct gw_verify_look *look, unsigned status, const char *type, struct gw_str message)
{
    *look->refusal = (struct gw_refusal){status, type, message};
    return GW_E_DENIED;
}

/* The text of `err` as a refusal of the request's form. */
static enum gw_status refuse_form(struct gw_verify_look *look, const struct gw_err *err)
{
    return refuse(look, 403, GW_VERIFY_INCOMPLETE, gw_arena_str(look->arena, gw_str_from(err->text)));
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Step 1: escapes of path and query are whole. */
static enum gw_status check_escapes(struct gw_verify_look *look)
{
    struct gw_str path = look->request->path;
    struct gw_err err;

    for (size_t i = gw_str_find(path, '%', 0); i < path.length; i = gw_str_find(path, '%', i + 3)) {
        if (path.length - i < 3 || !is_hex(path.at[i + 1]) || !is_hex(path.at[i + 2]))
            return refuse(look, 400, "InvalidURIPathException",
                          GW_STR("The path has an escape % that is not followed by two hexadecimal digits"));
    }
    if (gw_sigv4_parse_query(look->request->query, look->arena, &look->state->query, &err) != GW_OK)
        return refuse(look, 400, "MalformedQueryString", gw_arena_str(look->arena, gw_str_from(err.text)));
    return GW_OK;
}

/* Step 2: exactly one form of authentication, and the form is read. */
static enum gw_status read_form(struct gw_verify_look *look)
{
    const struct gw_http1_request *request = look->request;
    const struct gw_sigv4_query *query = &look->state->query;
    bool in_header = request->index[GW_HEADER_AUTHORIZATION] != 0;
    bool in_query = query->count > 0 && gw_sigv4_query_find(query, GW_STR("X-Amz-Algorithm")) != NULL;
    bool has_date = request->index[GW_HEADER_X_AMZ_DATE] != 0 || request->index[GW_HEADER_DATE] != 0;
    struct gw_err err;
    enum gw_status status = GW_OK;

    if (in_header && in_query)
        return refuse(look, 403, GW_VERIFY_INVALID,
                      GW_STR("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
                             "header."));
    if (!in_header && !(in_query && look->verifier->options.query_auth))
        return refuse(look, 403, GW_VERIFY_MISSING, GW_STR("Missing Authentication Token"));
    if (query->count > 0)
        status = gw_sigv4_check_reserved(query, &err);
    if (status == GW_OK && in_header)
        status = gw_sigv4_parse_authorization(gw_http1_header(request, GW_HEADER_AUTHORIZATION), has_date, &look->auth,
                                              &err);
    else if (status == GW_OK)
        status = gw_sigv4_parse_presigned(query, &look->auth, &err);
    if (status != GW_OK)
        return refuse_form(look, &err);
    look->state->in_query = in_query;
    look->state->signed_headers = look->auth.signed_headers;
    look->state->token = in_query ? look->auth.token : gw_http1_header(request, GW_HEADER_X_AMZ_SECURITY_TOKEN);
    look->state->signature_formed = gw_digest_from_hex(look->auth.signature, look->state->signature) == GW_OK;
    return GW_OK;
}

/* Step 3: the instant of the request. X-Amz-Date wins over Date; the query form knows its parameter alone. */
static enum gw_status read_time(struct gw_verify_look *look)
{
    struct gw_str text = look->auth.time;
    struct gw_str shown;
    bool http = false;
    int64_t ms;

    if (!look->state->in_query) {
        text = gw_http1_header(look->request, GW_HEADER_X_AMZ_DATE);
        http = look->request->index[GW_HEADER_X_AMZ_DATE] == 0;
        if (http)
            text = gw_http1_header(look->request, GW_HEADER_DATE);
    }
    if ((http ? gw_time_parse_http(text, &ms) : gw_time_parse_amz(text, &ms)) != GW_OK) {
        shown = gw_str_slice(text, 0, 64);
        return refuse(look, 403, GW_VERIFY_INCOMPLETE,
                      gw_arena_printf(look->arena,
                                      "Date must be in ISO-8601 'basic format'. Got '%.*s'. See "
                                      "http://en.wikipedia.org/wiki/ISO_8601",
                                      (int)shown.length, shown.at == NULL ? "" : shown.at));
    }
    look->time_s = ms / 1000;
    if (http)
        gw_time_amz(ms, look->state->timestamp);
    else
        memcpy(look->state->timestamp, text.at, sizeof(look->state->timestamp) - 1);
    look->state->timestamp[sizeof(look->state->timestamp) - 1] = '\0';
    return GW_OK;
}

/* "(20150830T123600Z - 5 min.)": whole minutes as AWS prints them, other windows in seconds. */
static enum gw_status refuse_time(struct gw_verify_look *look, const char *words, char sign, int64_t window_s)
{
    char limit[GW_TIME_AMZ_SIZE];
    char now[GW_TIME_AMZ_SIZE];
    bool minutes = window_s % 60 == 0;
    int64_t bound_s = look->now_s + (sign == '+' ? window_s : -window_s);

    gw_time_amz(bound_s > 0 ? bound_s * 1000 : 0, limit);
    gw_time_amz(look->now_s * 1000, now);
    return refuse(look, 403, GW_VERIFY_INVALID,
                  gw_arena_printf(look->arena, "%s %s %s %s (%s %c %lld %s.)", words, look->state->timestamp,
                                  sign == '+' ? "is still later than" : "is now earlier than", limit, now, sign,
                                  (long long)(minutes ? window_s / 60 : window_s), minutes ? "min" : "sec"));
}

/* Step 4: neither too old nor too new; exactly the window is allowed. A presigned request ends with its own expiry. */
static enum gw_status check_clock(struct gw_verify_look *look)
{
    const struct gw_verify_options *options = &look->verifier->options;
    int64_t window_s = options->clock_window_s;
    uint64_t expires_s;

    if (look->state->in_query) {
        if (gw_str_parse_u64(look->auth.expires, options->query_expires_max_s, &expires_s) != GW_OK || expires_s == 0)
            return refuse(look, 403, GW_VERIFY_INCOMPLETE,
                          gw_arena_printf(look->arena, "'X-Amz-Expires' must be a number of seconds from 1 to %u.",
                                          options->query_expires_max_s));
        if (look->now_s >= look->time_s + (int64_t)expires_s)
            return refuse_time(look, "Signature expired:", '-', (int64_t)expires_s);
    } else if (look->time_s < look->now_s - window_s) {
        return refuse_time(look, "Signature expired:", '-', window_s);
    }
    if (look->time_s > look->now_s + window_s)
        return refuse_time(look, "Signature not yet current:", '+', window_s);
    return GW_OK;
}

static bool is_exempt(const struct gw_verify_options *options, struct gw_str name)
{
    for (size_t i = 0; i < options->unsigned_header_count; i++) {
        if (gw_str_equal_nocase(options->unsigned_headers[i], name))
            return true;
    }
    return false;
}

static inline bool is_amz(struct gw_str name)
{
    return name.length >= 6 && (name.at[0] | 0x20) == 'x' && name.at[1] == '-' &&
           gw_str_equal_nocase((struct gw_str){name.at, 6}, GW_STR("x-amz-"));
}

/* Step 5: host, the date that was used and every x-amz-* field are signed. */
static enum gw_status check_signed(struct gw_verify_look *look)
{
    const struct gw_http1_request *request = look->request;
    struct gw_str list = look->auth.signed_headers;
    bool by_amz = request->index[GW_HEADER_X_AMZ_DATE] != 0;

    if (!gw_sigv4_lists(list, GW_STR("host")))
        return refuse(look, 403, GW_VERIFY_INVALID,
                      GW_STR("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    if (!look->state->in_query && !gw_sigv4_lists(list, by_amz ? GW_STR("x-amz-date") : GW_STR("date")))
        return refuse(look, 403, GW_VERIFY_INVALID,
                      by_amz ? GW_STR("'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.")
                             : GW_STR("'Date' must be a 'SignedHeader' in the AWS Authorization."));
    for (size_t i = 0; i < request->header_count; i++) {
        struct gw_str name = request->headers[i].name;

        if (is_amz(name) && !gw_sigv4_lists(list, name) && !is_exempt(&look->verifier->options, name))
            return refuse(look, 403, GW_VERIFY_INVALID,
                          gw_arena_printf(look->arena,
                                          "There were headers present in the request which were not signed: '%.*s'.",
                                          (int)(name.length < 256 ? name.length : 256), name.at));
    }
    return GW_OK;
}

/* Step 6: a claim about the body must be a hash; UNSIGNED-PAYLOAD and the STREAMING forms belong to S3. */
static enum gw_status check_claim(struct gw_verify_look *look)
{
    unsigned char digest[GW_DIGEST_SIZE];

    if (look->request->index[GW_HEADER_X_AMZ_CONTENT_SHA256] == 0 ||
        gw_digest_from_hex(gw_http1_header(look->request, GW_HEADER_X_AMZ_CONTENT_SHA256), digest) == GW_OK)
        return GW_OK;
    return refuse(look, 403, GW_VERIFY_INVALID,
                  GW_STR("'X-Amz-Content-Sha256' must be the SHA-256 of the body as 64 lower-case hexadecimal digits; "
                         "unsigned and streaming payloads are not accepted."));
}

static bool is_region(const struct gw_verify_look *look, struct gw_str region)
{
    const struct gw_verify_options *options = &look->verifier->options;

    for (size_t i = 0; i < options->region_count; i++) {
        if (gw_str_equal(options->regions[i], region))
            return true;
    }
    if ((options->region_count > 0 && !look->state->service.any_region) || region.length > REGION_MAX)
        return false;
    for (size_t i = 0; i < region.length; i++) {
        char c = region.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

static enum gw_status refuse_scope(struct gw_verify_look *look, const struct gw_sigv4_credential *credential,
                                   bool region, bool service, bool terminator, bool date)
{
    struct gw_str shown[] = {gw_str_slice(credential->region, 0, 64), gw_str_slice(credential->terminator, 0, 64),
                             gw_str_slice(credential->date, 0, 64)};
    struct gw_buf text;
    struct gw_str message;

    gw_buf_init(&text, 4096);
    if (!region)
        gw_buf_printf(&text, "Credential should be scoped to a valid region, not '%.*s'. ", GW_STR_ARG(shown[0]));
    if (!service)
        gw_buf_printf(&text, "Credential should be scoped to correct service: '%.*s'. ",
                      GW_STR_ARG(look->state->service.name));
    if (!terminator)
        gw_buf_printf(&text, "Credential should be scoped with a valid terminator: 'aws4_request', not '%.*s'. ",
                      GW_STR_ARG(shown[1]));
    if (!date)
        gw_buf_printf(&text,
                      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                      "'%.*s' != '%.8s', from '%s'.",
                      GW_STR_ARG(shown[2]), look->state->timestamp, look->state->timestamp);
    message = gw_arena_str(look->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return refuse(look, 403, GW_VERIFY_INVALID, message);
}

/* "us-east-1/eks": region and service stand side by side in the scope. */
static struct gw_str place_of(const struct gw_sigv4_credential *credential)
{
    return gw_str_slice(credential->scope, credential->date.length + 1,
                        credential->region.length + 1 + credential->service.length);
}

void gw_verify_take_scope(struct gw_verify_look *look, const struct gw_sigv4_credential *credential)
{
    look->state->access_key = credential->access_key;
    look->state->date = credential->date;
    look->state->region = credential->region;
    look->state->place = place_of(credential);
    look->state->scope = credential->scope;
}

/* Step 7: the scope is ours and of this day. */
static enum gw_status check_scope(struct gw_verify_look *look)
{
    struct gw_sigv4_credential credential;
    struct gw_err err;
    bool region;
    bool service;
    bool terminator;
    bool date;

    if (gw_sigv4_parse_credential(look->auth.credential, &credential, &err) != GW_OK)
        return refuse_form(look, &err);
    region = is_region(look, credential.region);
    service = gw_str_equal(credential.service, look->state->service.name);
    terminator = gw_str_equal(credential.terminator, GW_STR("aws4_request"));
    date = gw_str_equal(credential.date, (struct gw_str){look->state->timestamp, 8});
    if (!region || !service || !terminator || !date)
        return refuse_scope(look, &credential, region, service, terminator, date);
    gw_verify_take_scope(look, &credential);
    return GW_OK;
}

/* Step 8: somebody has this key. A disabled one is answered like one that doesn't exist. */
static enum gw_status find_key(struct gw_verify_look *look)
{
    const struct gw_key *key = gw_keyring_resolve(look->keyring, look->state->access_key, look->arena);

    if (key == NULL || key->disabled)
        return refuse(look, 403, GW_VERIFY_UNKNOWN, GW_STR("The security token included in the request is invalid."));
    look->state->key = key;
    return GW_OK;
}

enum gw_status (*const gw_verify_steps[GW_VERIFY_STEPS])(struct gw_verify_look *look) = {
    check_escapes, read_form, read_time, check_clock, check_signed, check_claim, check_scope, find_key};

static enum gw_status run_steps(struct gw_verify_look *look, size_t count)
{
    look->state->key = NULL;
    for (size_t i = 0; i < count; i++) {
        enum gw_status status = gw_verify_steps[i](look);

        if (status != GW_OK)
            return status;
    }
    return GW_OK;
}

enum gw_status gw_verify_admit(struct gw_verifier *verifier, const struct gw_keyring *keyring,
                               const struct gw_http1_request *request, int64_t now_ms, struct gw_arena *arena,
                               struct gw_verify *state, struct gw_refusal *refusal)
{
    struct gw_verify_look look = {
        .verifier = verifier,
        .keyring = keyring,
        .request = request,
        .arena = arena,
        .state = state,
        .refusal = refusal,
        .now_s = now_ms / 1000,
    };

    return run_steps(&look, GW_VERIFY_STEPS);
}

enum gw_status gw_verify_admit_unknown(struct gw_verifier *verifier, const struct gw_http1_request *request,
                                       int64_t now_ms, struct gw_arena *arena, struct gw_verify *state,
                                       struct gw_refusal *refusal)
{
    struct gw_verify_look look = {
        .verifier = verifier,
        .request = request,
        .arena = arena,
        .state = state,
        .refusal = refusal,
        .now_s = now_ms / 1000,
    };

    return run_steps(&look, GW_VERIFY_STEPS - 1); /* the last is the key */
}

/* The claim was well formed in admit; here it must be true. */
bool gw_verify_claim_is_true(const struct gw_http1_request *request, const unsigned char payload[GW_DIGEST_SIZE])
{
    unsigned char claimed[GW_DIGEST_SIZE];

    if (request->index[GW_HEADER_X_AMZ_CONTENT_SHA256] == 0)
        return true;
    return gw_digest_from_hex(gw_http1_header(request, GW_HEADER_X_AMZ_CONTENT_SHA256), claimed) == GW_OK &&
           gw_digest_equal(claimed, payload, sizeof(claimed));
}

/* Compares the signature. A key that had to be derived is kept only when it was the right one. */
static bool is_signed(struct gw_verify_look *look, const unsigned char hash[GW_DIGEST_SIZE])
{
    const struct gw_verify *state = look->state;
    const struct gw_key *owner = state->key;
    struct gw_signing_cache *cache = look->verifier->cache;
    const struct gw_hmac_key *key = gw_signing_cache_find(cache, owner->secret_version, state->date, state->place);
    struct gw_str time = {state->timestamp, sizeof(state->timestamp) - 1};
    unsigned char expected[GW_DIGEST_SIZE];
    struct gw_hmac_key derived;
    bool matches;

    if (GW_LIKELY(key != NULL)) {
        gw_sigv4_signature(key, time, state->scope, hash, expected);
        matches = gw_digest_equal(expected, state->signature, sizeof(expected)) && state->signature_formed;
    } else {
        gw_sigv4_derive_key(gw_secret_text(owner->secret), state->date, state->region, state->service.name, &derived);
        gw_sigv4_signature(&derived, time, state->scope, hash, expected);
        matches = gw_digest_equal(expected, state->signature, sizeof(expected)) && state->signature_formed;
        if (matches)
            gw_signing_cache_add(cache, owner->secret_version, state->date, state->place, &derived);
        gw_wipe(&derived, sizeof(derived));
    }
    gw_wipe(expected, sizeof(expected));
    return matches;
}

/* The caller's own data, so that a signer's mistake can be found: what we hashed and what was to be signed. */
static enum gw_status refuse_signature(struct gw_verify_look *look, const struct gw_sigv4_request *request,
                                       const unsigned char hash[GW_DIGEST_SIZE], bool complete)
{
    static const char words[] = "The request signature we calculated does not match the signature you provided. Check "
                                "your AWS Secret Access Key and signing method. Consult the service documentation for "
                                "details.";
    struct gw_str message = GW_STR(words);
    struct gw_buf text;

    gw_buf_init(&text, TAIL_MAX);
    gw_buf_append_lit(&text, words);
    gw_buf_append_lit(&text, "\n\nThe Canonical String for this request should have been\n'");
    if (gw_sigv4_canonical_text(request, true, &text) == GW_E_LIMIT)
        complete = false;
    gw_buf_append_lit(&text, "'\n\nThe String-to-Sign should have been\n'");
    gw_sigv4_string_to_sign(gw_str_from(look->state->timestamp), look->state->scope, hash, &text);
    gw_buf_append_lit(&text, "'\n");
    if (complete && !text.overflowed)
        message = gw_arena_str(look->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return refuse(look, 403, GW_VERIFY_INVALID, message);
}

/* A key with a token needs it, one without must not get one, unless it takes any. The query form takes it from its
 * parameter alone. */
bool gw_verify_token_is_right(const struct gw_verify *state, const struct gw_http1_request *request)
{
    struct gw_str want = state->key->session_token;

    if (state->key->any_token)
        return true;
    if (state->in_query && request->index[GW_HEADER_X_AMZ_SECURITY_TOKEN] != 0)
        return false;
    if (!state->in_query && state->token.at != NULL &&
        !gw_sigv4_lists(state->signed_headers, GW_STR("x-amz-security-token")))
        return false;
    if (want.at == NULL || state->token.at == NULL)
        return want.at == NULL && state->token.at == NULL;
    return want.length == state->token.length && gw_digest_equal(want.at, state->token.at, want.length);
}

/* A view into `from` becomes the same view into its copy `to`; one that points elsewhere is a constant. */
static struct gw_str move(struct gw_str view, struct gw_str from, struct gw_str to)
{
    uintptr_t offset = (uintptr_t)view.at - (uintptr_t)from.at;

    return view.at == NULL || offset > from.length ? view : (struct gw_str){to.at + offset, view.length};
}

void gw_verify_fill_caller(const struct gw_key *key, struct gw_arena *arena, struct gw_caller *caller)
{
    struct gw_str from = key->owner.arn;
    struct gw_str to = gw_arena_str(arena, from);
    struct gw_pair *tags = NULL;

    if (key->tag_count > 0)
        tags = gw_arena_zero(arena, key->tag_count, sizeof(*tags));
    for (size_t i = 0; i < key->tag_count; i++)
        tags[i] = (struct gw_pair){gw_arena_str(arena, key->tags[i].key), gw_arena_str(arena, key->tags[i].value)};
    *caller = (struct gw_caller){
        .access_key = gw_arena_str(arena, key->id),
        .identity =
            {
                .kind = key->owner.kind,
                .arn = to,
                .partition = move(key->owner.partition, from, to),
                .account = move(key->owner.account, from, to),
                .kind_text = move(key->owner.kind_text, from, to),
                .path = move(key->owner.path, from, to),
                .name = move(key->owner.name, from, to),
                .session = move(key->owner.session, from, to),
            },
        .tags = tags,
        .tag_count = key->tag_count,
        .verified = true,
    };
}

struct gw_sigv4_request gw_verify_canonical(const struct gw_verify_look *look)
{
    const struct gw_http1_request *request = look->request;

    return (struct gw_sigv4_request){
        .method = request->method_text,
        .path = request->path,
        .query = look->state->query,
        .presigned = look->state->in_query,
        .headers = request->headers,
        .header_count = request->header_count,
        .signed_headers = look->state->signed_headers,
    };
}

/* Step 9: the body is what was claimed and the signature holds. */
static enum gw_status check_signature(struct gw_verify_look *look, struct gw_str body)
{
    const struct gw_http1_request *request = look->request;
    struct gw_sigv4_request canonical = gw_verify_canonical(look);
    unsigned char hash[GW_DIGEST_SIZE];
    enum gw_status status;

    gw_digest_sha256(body, canonical.payload);
    if (!gw_verify_claim_is_true(request, canonical.payload))
        return refuse(look, 403, GW_VERIFY_INVALID, GW_STR(CLAIM_WORDS));
    status = gw_sigv4_canonical_hash(&canonical, hash);
    if (GW_LIKELY(is_signed(look, hash) && status == GW_OK))
        return GW_OK;
    return refuse_signature(look, &canonical, hash, status != GW_E_LIMIT);
}

enum gw_status gw_verify_finish(struct gw_verifier *verifier, const struct gw_verify *state,
                                const struct gw_http1_request *request, struct gw_str body, int64_t now_ms,
                                struct gw_arena *arena, struct gw_caller *caller, struct gw_refusal *refusal)
{
    struct gw_verify_look look = {
        .verifier = verifier,
        .request = request,
        .arena = arena,
        .state = (struct gw_verify *)(uintptr_t)state, /* only read from here on */
        .refusal = refusal,
    };
    enum gw_status status = check_signature(&look, body);

    if (status != GW_OK)
        return status;
    if (!gw_verify_token_is_right(state, request))
        return refuse(&look, 403, GW_VERIFY_UNKNOWN, GW_STR("The security token included in the request is invalid"));
    if (state->key->expires_ms <= now_ms)
        return refuse(&look, 403, "ExpiredTokenException",
                      GW_STR("The security token included in the request is expired"));
    gw_verify_fill_caller(state->key, arena, caller);
    return GW_OK;
}

enum gw_status gw_verify_finish_unknown(const struct gw_verify *state, const struct gw_http1_request *request,
                                        struct gw_str body, struct gw_arena *arena, struct gw_caller *caller,
                                        struct gw_refusal *refusal)
{
    unsigned char hash[GW_DIGEST_SIZE];

    if (request->index[GW_HEADER_X_AMZ_CONTENT_SHA256] != 0) {
        gw_digest_sha256(body, hash);
        if (!gw_verify_claim_is_true(request, hash)) {
            *refusal = (struct gw_refusal){403, GW_VERIFY_INVALID, GW_STR(CLAIM_WORDS)};
            return GW_E_DENIED;
        }
    }
    *caller = (struct gw_caller){.access_key = gw_arena_str(arena, state->access_key)};
    return GW_OK;
}
