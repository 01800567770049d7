/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_VERIFY_FIXTURE_H
#define GW_TEST_VERIFY_FIXTURE_H

/*
 * The stage of test_verify: a verifier for us-east-1, a handful of keys, a clock
 * that stands still, and requests built field by field and then signed. They ask
 * for something of eks and are signed for it, unless a test says otherwise.
 */
#include "codec/time.h"
#include "sigv4_vector.h"

#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define EMPTY_HASH     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGNED_AT      INT64_C(1440938160000) /* 20150830T123600Z */
#define MISMATCH                                                                                                       \
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key " \
    "and signing method. Consult the service documentation for details."

static const char keys_text[] =
    "{\"Version\":1,\"Keys\":["
    "{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"" EXAMPLE_SECRET
    "\",\"Arn\":\"arn:aws:iam::111122223333:user/team/dev/alice\",\"Tags\":{\"team\":\"blue\"}},"
    "{\"AccessKeyId\":\"AKIDDISABLED\",\"SecretAccessKey\":\"disabled-secret\",\"Disabled\":true,"
    "\"Arn\":\"arn:aws:iam::111122223333:user/bob\"},"
    "{\"AccessKeyId\":\"ASIDTOKEN\",\"SecretAccessKey\":\"token-secret\",\"SessionToken\":\"TOKEN/+==\","
    "\"Arn\":\"arn:aws:sts::111122223333:assumed-role/dev/carol\"},"
    "{\"AccessKeyId\":\"AKIDEXPIRES\",\"SecretAccessKey\":\"expires-secret\","
    "\"Expiration\":\"2015-08-30T12:37:00Z\",\"Arn\":\"arn:aws:iam::111122223333:root\"}]}";

static const struct gw_str our_region = GW_STR_INIT("us-east-1");
static const struct gw_str exempt_field = GW_STR_INIT("x-amz-cf-id");

static struct gw_arena arena;
static struct gw_err err;
static struct gw_verify_options options;
static struct gw_verifier *verifier;
static struct gw_keyring *keyring;
static struct gw_http1_request request;
static struct gw_verify state;
static struct gw_caller caller;
static struct gw_refusal refusal;
static int64_t now_ms;
static const char *region;
static const char *service;            /* signed for */
static struct gw_verify_service asked; /* whose operation it is */

static inline void restart_verifier(void)
{
    gw_verify_free(&verifier);
    verifier = gw_verify_new(&options);
}

static inline void load_keys(const char *text)
{
    gw_keyring_free(&keyring);
    if (gw_keyring_parse(gw_str_from(text), "test", &keyring, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static inline int start(void **unused)
{
    (void)unused;
    options = (struct gw_verify_options){
        .regions = &our_region,
        .region_count = 1,
        .clock_window_s = 300,
        .query_auth = true,
        .query_expires_max_s = 900,
        .unsigned_headers = &exempt_field,
        .unsigned_header_count = 1,
    };
    now_ms = SIGNED_AT;
    region = "us-east-1";
    service = "eks";
    asked = (struct gw_verify_service){GW_STR_INIT("eks"), false};
    gw_arena_init(&arena, 0);
    restart_verifier();
    load_keys(keys_text);
    return 0;
}

static inline int stop(void **unused)
{
    (void)unused;
    gw_verify_free(&verifier);
    gw_keyring_free(&keyring);
    gw_arena_fini(&arena);
    return 0;
}

static inline void add(const char *name, const char *value)
{
    vector_add_header(&request, gw_str_from(name), gw_str_from(value));
}

static inline void drop(const char *name)
{
    struct gw_http1_request old = request;

    request.header_count = 0;
    memset(request.index, 0, sizeof(request.index));
    for (size_t i = 0; i < old.header_count; i++) {
        if (!gw_str_equal_nocase(old.headers[i].name, gw_str_from(name)))
            vector_add_header(&request, old.headers[i].name, old.headers[i].value);
    }
}

/* Host and nothing else. */
static inline void begin_bare(const char *method, const char *target)
{
    request = (struct gw_http1_request){.minor = 1, .method_text = gw_str_from(method)};
    vector_set_target(&request, gw_str_from(target));
    add("Host", "eks.us-east-1.amazonaws.com");
}

static inline void begin(const char *method, const char *target)
{
    begin_bare(method, target);
    add("X-Amz-Date", "20150830T123600Z");
}

static inline struct gw_hmac_key derive(const char *secret, const char *time)
{
    struct gw_hmac_key key;
    struct gw_str text = gw_arena_printf(&arena, "AWS4%s", secret);

    gw_sigv4_derive_key(text, gw_str_slice(gw_str_from(time), 0, 8), gw_str_from(region), gw_str_from(service), &key);
    return key;
}

static inline struct gw_sigv4_request canonical_of(struct gw_str body)
{
    struct gw_sigv4_request canonical = {
        .method = request.method_text,
        .path = request.path,
        .headers = request.headers,
        .header_count = request.header_count,
    };

    assert_int_equal(gw_sigv4_parse_query(request.query, &arena, &canonical.query, &err), GW_OK);
    gw_digest_sha256(body, canonical.payload);
    return canonical;
}

/* Signs every field that is there. */
static inline void sign_at(const char *id, const char *secret, struct gw_str body, const char *time)
{
    struct gw_sigv4_request canonical = canonical_of(body);
    struct gw_hmac_key key = derive(secret, time);
    struct gw_sigv4_signer signer = {gw_str_from(id), gw_str_from(time), gw_str_from(region), gw_str_from(service),
                                     &key};
    struct gw_buf out;

    gw_buf_init(&out, 1 << 20);
    assert_int_equal(gw_sigv4_sign(&signer, &canonical, &arena, &out), GW_OK);
    add("Authorization", gw_arena_str(&arena, gw_buf_str(&out)).at);
    gw_buf_fini(&out);
}

static inline void sign(const char *id, const char *secret, struct gw_str body)
{
    sign_at(id, secret, body, "20150830T123600Z");
}

static inline struct gw_str signature_of(const struct gw_sigv4_request *canonical, const char *secret)
{
    struct gw_hmac_key key = derive(secret, "20150830T123600Z");
    struct gw_str scope = gw_arena_printf(&arena, "20150830/%s/%s/aws4_request", region, service);
    unsigned char digest[GW_DIGEST_SIZE];
    char *hex = gw_arena_zero(&arena, 1, GW_DIGEST_HEX_SIZE + 1);

    assert_int_equal(gw_sigv4_canonical_hash(canonical, digest), GW_OK);
    gw_sigv4_signature(&key, GW_STR("20150830T123600Z"), scope, digest, digest);
    gw_digest_hex(digest, hex);
    return (struct gw_str){hex, GW_DIGEST_HEX_SIZE};
}

/* Signs the listed fields alone. */
static inline void sign_only(const char *list, const char *id, const char *secret)
{
    struct gw_sigv4_request canonical = canonical_of(GW_STR(""));

    canonical.signed_headers = gw_str_from(list);
    add("Authorization", gw_arena_printf(&arena,
                                         "AWS4-HMAC-SHA256 Credential=%s/20150830/%s/%s/aws4_request, "
                                         "SignedHeaders=%s, Signature=%s",
                                         id, region, service, list, signature_of(&canonical, secret).at)
                             .at);
}

/* An Authorization field with this Credential and a signature that nobody made. */
static inline void claim(const char *credential)
{
    add("Authorization", gw_arena_printf(&arena,
                                         "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host;x-amz-date, "
                                         "Signature=" EMPTY_HASH,
                                         credential)
                             .at);
}

/* `more` is put before the reserved parameters ("a=1&"); `token` is encoded, "" for none. */
static inline void begin_presigned(const char *path, const char *more, const char *id, const char *secret,
                                   const char *expires, const char *token)
{
    struct gw_sigv4_request canonical;
    struct gw_str target = gw_arena_printf(
        &arena,
        "%s?%sX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s%%2F20150830%%2F%s%%2F%s%%2F"
        "aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=%s&X-Amz-SignedHeaders=host%s%s",
        path, more, id, region, service, expires, token[0] == '\0' ? "" : "&X-Amz-Security-Token=", token);

    begin_bare("GET", target.at);
    canonical = canonical_of(GW_STR(""));
    canonical.presigned = true;
    canonical.signed_headers = GW_STR("host");
    vector_set_target(&request,
                      gw_arena_printf(&arena, "%s&X-Amz-Signature=%s", target.at, signature_of(&canonical, secret).at));
}

static inline enum gw_status admit(void)
{
    state.service = asked;
    return gw_verify_admit(verifier, keyring, &request, now_ms, &arena, &state, &refusal);
}

static inline enum gw_status finish(struct gw_str body)
{
    return gw_verify_finish(verifier, &state, &request, body, now_ms, &arena, &caller, &refusal);
}

static inline void assert_refusal(unsigned status, const char *type, struct gw_str message)
{
    assert_int_equal(refusal.status, status);
    assert_string_equal(refusal.error_type, type);
    if (!gw_str_equal(refusal.message, message))
        fail_msg("\n-- got --\n%.*s\n-- expected --\n%.*s\n", GW_STR_ARG(refusal.message), GW_STR_ARG(message));
}

/* By admit, before any body. */
static inline void assert_refused(unsigned status, const char *type, const char *message)
{
    assert_int_equal(admit(), GW_E_DENIED);
    assert_refusal(status, type, gw_str_from(message));
}

static inline void assert_refused_starting(unsigned status, const char *type, const char *message)
{
    assert_int_equal(admit(), GW_E_DENIED);
    refusal.message = gw_str_slice(refusal.message, 0, strlen(message));
    assert_refusal(status, type, gw_str_from(message));
}

static inline void assert_accepted(struct gw_str body)
{
    if (admit() != GW_OK || finish(body) != GW_OK)
        fail_msg("refused: %s: %.*s", refusal.error_type, GW_STR_ARG(refusal.message));
}

/* Admitted, then refused with the body. */
static inline void assert_finish_refused(struct gw_str body, unsigned status, const char *type, const char *message)
{
    if (admit() != GW_OK)
        fail_msg("not admitted: %s: %.*s", refusal.error_type, GW_STR_ARG(refusal.message));
    assert_int_equal(finish(body), GW_E_DENIED);
    assert_refusal(status, type, gw_str_from(message));
}

static inline void assert_mismatch(struct gw_str body)
{
    struct gw_str whole;

    if (admit() != GW_OK)
        fail_msg("not admitted: %s: %.*s", refusal.error_type, GW_STR_ARG(refusal.message));
    assert_int_equal(finish(body), GW_E_DENIED);
    whole = refusal.message;
    refusal.message = gw_str_slice(whole, 0, strlen(MISMATCH));
    assert_refusal(403, "InvalidSignatureException", GW_STR(MISMATCH));
    refusal.message = whole;
}

#endif
