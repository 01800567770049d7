/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4 as bytes: every vector folder through the canonicaliser,
 * and what the readers of Authorization fields and queries refuse, in which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/sigv4.h"
#include "sigv4_vector.h"

#define HASHED " (hashed with SHA-256 and encoded with Base64): "

static struct gw_arena arena;
static struct gw_err err;

static int start(void **state)
{
    (void)state;
    gw_arena_init(&arena, 0);
    err.text[0] = '\0';
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gw_arena_fini(&arena);
    return 0;
}

static void assert_text(struct gw_str got, struct gw_str expected, const char *what)
{
    if (!gw_str_equal(got, expected))
        fail_msg("%s\n-- got --\n%.*s\n-- expected --\n%.*s\n", what, GW_STR_ARG(got), GW_STR_ARG(expected));
}

static void read_auth(struct sigv4_vector *vector, bool in_query, const struct gw_sigv4_query *query,
                      struct gw_sigv4_auth *auth)
{
    struct gw_str value = gw_http1_header(&vector->request, GW_HEADER_AUTHORIZATION);
    enum gw_status status =
        in_query ? gw_sigv4_parse_presigned(query, auth, &err) : gw_sigv4_parse_authorization(value, true, auth, &err);

    if (status != GW_OK)
        fail_msg("%s", err.text);
}

static void compute(struct sigv4_vector *vector, bool in_query, struct gw_buf *canonical, struct gw_buf *to_sign,
                    char signature[GW_DIGEST_HEX_SIZE])
{
    struct gw_sigv4_request request = {
        .method = vector->request.method_text,
        .path = vector->request.path,
        .presigned = in_query,
        .headers = vector->request.headers,
        .header_count = vector->request.header_count,
    };
    struct gw_str secret = gw_arena_printf(&vector->arena, "AWS4%.*s", GW_STR_ARG(vector->secret));
    struct gw_sigv4_credential credential;
    struct gw_sigv4_auth auth;
    struct gw_hmac_key key;
    unsigned char digest[GW_DIGEST_SIZE];
    unsigned char of_text[GW_DIGEST_SIZE];

    assert_int_equal(gw_sigv4_parse_query(vector->request.query, &vector->arena, &request.query, &err), GW_OK);
    read_auth(vector, in_query, &request.query, &auth);
    request.signed_headers = auth.signed_headers;
    gw_digest_sha256(vector->body, request.payload);
    assert_int_equal(gw_sigv4_canonical_text(&request, false, canonical), GW_OK);
    assert_int_equal(gw_sigv4_canonical_hash(&request, digest), GW_OK);
    gw_digest_sha256(gw_buf_str(canonical), of_text);
    assert_memory_equal(digest, of_text, sizeof(digest));
    assert_int_equal(gw_sigv4_parse_credential(auth.credential, &credential, &err), GW_OK);
    assert_true(gw_str_equal(credential.access_key, vector->id));
    gw_sigv4_string_to_sign(vector->time, credential.scope, digest, to_sign);
    gw_sigv4_derive_key(secret, credential.date, credential.region, credential.service, &key);
    gw_sigv4_signature(&key, vector->time, credential.scope, digest, digest);
    gw_digest_hex(digest, signature);
}

static void check_vector(const char *folder)
{
    struct sigv4_vector vector;
    struct gw_buf canonical;
    struct gw_buf to_sign;
    char hex[GW_DIGEST_HEX_SIZE];

    vector_load(&vector, folder);
    gw_buf_init(&canonical, 1 << 20);
    gw_buf_init(&to_sign, 1 << 20);
    compute(&vector, vector_is_query(folder), &canonical, &to_sign, hex);
    if (gw_str_is(vector.verdict, "reject")) {
        if (gw_str_equal(gw_buf_str(&canonical), vector.canonical))
            fail_msg("%s: canonical after all", folder);
    } else {
        assert_text(gw_buf_str(&canonical), vector.canonical, folder);
        assert_text(gw_buf_str(&to_sign), vector.to_sign, folder);
        assert_text((struct gw_str){hex, sizeof(hex)}, vector.signature, folder);
    }
    gw_buf_fini(&to_sign);
    gw_buf_fini(&canonical);
    vector_unload(&vector);
}

static void sigv4__every_vector_folder__gives_its_text_and_signature(void **state)
{
    (void)state;
    assert_true(vector_walk(GW_TEST_DATA "/sigv4", 2, check_vector) >= 100);
}

static void check_signer(const char *folder)
{
    struct sigv4_vector vector;
    struct gw_header signed_ones[GW_HTTP1_HEADERS_MAX];
    struct gw_sigv4_request request = {.headers = signed_ones};
    struct gw_str authorization;
    struct gw_hmac_key key;
    struct gw_buf out;

    vector_load(&vector, folder);
    authorization = gw_http1_header(&vector.request, GW_HEADER_AUTHORIZATION);
    if (authorization.at == NULL || gw_str_is(vector.verdict, "reject") || gw_str_is(vector.verdict, "policy")) {
        vector_unload(&vector);
        return;
    }
    for (size_t i = 0; i < vector.request.header_count; i++) {
        if (vector.request.headers[i].id != GW_HEADER_AUTHORIZATION)
            signed_ones[request.header_count++] = vector.request.headers[i];
    }
    request.method = vector.request.method_text;
    request.path = vector.request.path;
    gw_digest_sha256(vector.body, request.payload);
    assert_int_equal(gw_sigv4_parse_query(vector.request.query, &vector.arena, &request.query, &err), GW_OK);
    gw_sigv4_derive_key(gw_arena_printf(&vector.arena, "AWS4%.*s", GW_STR_ARG(vector.secret)),
                        gw_str_slice(vector.time, 0, 8), vector.region, vector.service, &key);
    gw_buf_init(&out, 1 << 20);
    assert_int_equal(
        gw_sigv4_sign(&(struct gw_sigv4_signer){vector.id, vector.time, vector.region, vector.service, &key}, &request,
                      &vector.arena, &out),
        GW_OK);
    assert_text(gw_buf_str(&out), authorization, folder);
    gw_buf_fini(&out);
    vector_unload(&vector);
}

static void sigv4_sign__every_vector_folder__writes_its_authorization(void **state)
{
    (void)state;
    assert_true(vector_walk(GW_TEST_DATA "/sigv4", 2, check_signer) >= 100);
}

/* The value that AWS's documentation prints for its example, and the one for EKS. */
static void sigv4_derive_key__documented_example__gives_documented_key(void **state)
{
    struct gw_str secret = GW_STR("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    struct gw_hmac_key derived;
    struct gw_hmac_key expected;
    unsigned char raw[GW_DIGEST_SIZE];

    (void)state;
    assert_int_equal(
        gw_digest_from_hex(GW_STR("2e2a886fabe79b33c1b5eb426656583e6953c1224d7d5c6cc99641be3b55272f"), raw), GW_OK);
    gw_digest_hmac_key(&expected, raw, sizeof(raw));
    gw_sigv4_derive_key(secret, GW_STR("20150830"), GW_STR("us-east-1"), GW_STR("eks"), &derived);
    assert_memory_equal(&derived, &expected, sizeof(derived));
}

#define GOOD                                                                                                           \
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request, SignedHeaders=host;x-amz-date, "     \
    "Signature=00"

static void assert_auth_refused(const char *value, bool has_date, const char *words)
{
    struct gw_sigv4_auth auth = {.signature = GW_STR("untouched")};

    assert_int_equal(gw_sigv4_parse_authorization(gw_str_from(value), has_date, &auth, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, words);
    assert_true(gw_str_is(auth.signature, "untouched"));
}

static void sigv4_parse_authorization__good_field__gives_its_parts(void **state)
{
    static const char *spellings[] = {
        "AWS4-HMAC-SHA256 Credential=C, SignedHeaders=host;x-amz-date, Signature=S=",
        "AWS4-HMAC-SHA256 Credential=C,SignedHeaders=host;x-amz-date,Signature=S=",
        "AWS4-HMAC-SHA256  Signature=S= ,\tSignedHeaders=host;x-amz-date , Credential=C",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(spellings); i++) {
        struct gw_sigv4_auth auth = {0};

        assert_int_equal(gw_sigv4_parse_authorization(gw_str_from(spellings[i]), true, &auth, &err), GW_OK);
        assert_true(gw_str_is(auth.credential, "C"));
        assert_true(gw_str_is(auth.signed_headers, "host;x-amz-date"));
        assert_true(gw_str_is(auth.signature, "S="));
    }
}

static void sigv4_parse_authorization__no_pairs__is_refused_with_the_hash_alone(void **state)
{
    (void)state;
    assert_auth_refused("Bearer abc", true,
                        "Invalid key=value pair (missing equal-sign) in Authorization header" HASHED
                        "'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='.");
    assert_auth_refused("Bearer", true,
                        "Invalid key=value pair (missing equal-sign) in Authorization header" HASHED
                        "'cQ4NvdQimYUQF6TWcmXs0EbxtO23QVJZkqGmqPqAElg='.");
    assert_auth_refused(GOOD ",", true,
                        "Invalid key=value pair (missing equal-sign) in Authorization header" HASHED
                        "'K1J3irRvbK5eDf6Id/l/JZhcvqalQY7RJoMzzLXUBic='.");
}

static void sigv4_parse_authorization__no_algorithm__is_refused(void **state)
{
    static const char words[] =
        "Authorization header must begin with the algorithm name, which cannot include an equal-sign";

    (void)state;
    assert_auth_refused("Credential=x, Signature=y", true, words);
    assert_auth_refused("a=b", true, words);
    assert_auth_refused(" a=b", true, words);
}

static void sigv4_parse_authorization__missing_parts__are_all_named(void **state)
{
    (void)state;
    assert_auth_refused("AWS4-HMAC-SHA256 a=b", false,
                        "Authorization header requires 'Credential' parameter. Authorization header requires "
                        "'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization "
                        "header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 "
                        "and encoded with Base64) Authorization=tQMSUCqjFonXdxKG2efiX/o+qpOi15V3d11zOi3G62w=");
    assert_auth_refused("Basic dXNlcjpwYXM=", true,
                        "Authorization header requires 'Credential' parameter. Authorization header requires "
                        "'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with "
                        "SHA-256 and encoded with Base64) Authorization=ahTovytHh937FoQdsvK8CQ13BWtHkht6b1enJ3qoNxw=");
    assert_auth_refused(GOOD, false,
                        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed "
                        "with SHA-256 and encoded with Base64) "
                        "Authorization=yIuaBy83oCPbNnwxZlj0XY4u3Nh9O/N/YiOTicDZRDI=");
    assert_auth_refused("AWS4-HMAC-SHA256 Credential=, SignedHeaders=a, Signature=b", true,
                        "Authorization header requires 'Credential' parameter. (Hashed with SHA-256 and encoded with "
                        "Base64) Authorization=AsmP4bXTfSX10YgzuxrbTG8PHZfuNTk32OmLa5waABQ=");
}

static void sigv4_parse_authorization__other_algorithms__are_refused_by_name(void **state)
{
    (void)state;
    assert_auth_refused("AWS4-HMAC-SHA512 Credential=c, SignedHeaders=host, Signature=s", true,
                        "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.");
    assert_auth_refused("aws4-hmac-sha256 Credential=c, SignedHeaders=host, Signature=s", true,
                        "Unsupported AWS 'algorithm': 'aws4-hmac-sha256'.");
    assert_auth_refused("AWS4-ECDSA-P256-SHA256 Credential=c, SignedHeaders=host, Signature=s", true,
                        "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.");
}

static void sigv4_parse_authorization__repeated_or_unknown_parts__are_refused(void **state)
{
    static const char words[] = "Authorization header must hold 'Credential', 'SignedHeaders' and 'Signature', each "
                                "once, and nothing else.";

    (void)state;
    assert_auth_refused(GOOD ", Signature=01", true, words);
    assert_auth_refused("AWS4-HMAC-SHA256 Credential=a, Credential=b, SignedHeaders=host, Signature=s", true, words);
    assert_auth_refused(GOOD ", SignedHeaders=host", true, words);
    assert_auth_refused(GOOD ", Extra=1", true, words);
    assert_auth_refused("AWS4-HMAC-SHA256 credential=z, Credential=a, SignedHeaders=host, Signature=s", true, words);
}

static void sigv4_parse_authorization__untidy_header_lists__are_refused(void **state)
{
    static const char *lists[] = {";",       "host;",     ";host", "host;;x", "x;host",         "host;host",
                                  "Host",    "host;X-Y",  "ho st", "host:x",  "host;x\xc3\xa9", "\"host\"",
                                  "a;b;c;a", "host;x(y)", "host;/"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(lists); i++) {
        struct gw_sigv4_auth auth;
        struct gw_str value =
            gw_arena_printf(&arena, "AWS4-HMAC-SHA256 Credential=c, SignedHeaders=%s, Signature=s", lists[i]);

        assert_int_equal(gw_sigv4_parse_authorization(value, true, &auth, &err), GW_E_SYNTAX);
        assert_string_equal(err.text,
                            "'SignedHeaders' must be a list of at most 128 lower-case header names in ascending order, "
                            "each once, separated by semicolons.");
    }
}

static void sigv4_parse_authorization__more_than_128_names__are_refused(void **state)
{
    struct gw_sigv4_auth auth;
    struct gw_buf value;

    (void)state;
    for (int names = 128; names <= 129; names++) {
        gw_buf_init(&value, 4096);
        gw_buf_append_lit(&value, "AWS4-HMAC-SHA256 Credential=c, Signature=s, SignedHeaders=a100");
        for (int i = 1; i < names; i++)
            gw_buf_printf(&value, ";a%d", 100 + i);
        assert_int_equal(gw_sigv4_parse_authorization(gw_buf_str(&value), true, &auth, &err),
                         names == 128 ? GW_OK : GW_E_SYNTAX);
        gw_buf_fini(&value);
    }
}

static void sigv4_parse_credential__five_parts__are_told_apart(void **state)
{
    struct gw_sigv4_credential credential;

    (void)state;
    assert_int_equal(gw_sigv4_parse_credential(GW_STR("AKID/20150830/us-east-1/eks/aws4_request"), &credential, &err),
                     GW_OK);
    assert_true(gw_str_is(credential.access_key, "AKID"));
    assert_true(gw_str_is(credential.scope, "20150830/us-east-1/eks/aws4_request"));
    assert_true(gw_str_is(credential.date, "20150830"));
    assert_true(gw_str_is(credential.region, "us-east-1"));
    assert_true(gw_str_is(credential.service, "eks"));
    assert_true(gw_str_is(credential.terminator, "aws4_request"));
}

static void sigv4_parse_credential__any_other_count_or_empty_parts__are_refused(void **state)
{
    static const char *bad[] = {"AKID",     "AKID/d/r/s",  "AKID/d/r/s/t/", "AKID/d/r/s/t/u",
                                "/d/r/s/t", "AKID//r/s/t", "AKID/d/r/s/",   "AKID/d//s/t",
                                "////",     "/////",       "a/b/c/d/e/f",   "/AKID/d/r/s/t"};
    struct gw_sigv4_credential credential;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        struct gw_str words = gw_arena_printf(&arena,
                                              "Credential must have exactly 5 slash-delimited elements, e.g. "
                                              "keyid/date/region/service/term, got '%s'",
                                              bad[i]);

        assert_int_equal(gw_sigv4_parse_credential(gw_str_from(bad[i]), &credential, &err), GW_E_SYNTAX);
        assert_string_equal(err.text, words.at);
    }
}

static void sigv4_parse_query__broken_escapes__are_named(void **state)
{
    struct gw_sigv4_query query;

    (void)state;
    assert_int_equal(gw_sigv4_parse_query(GW_STR("a=%4"), &arena, &query, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "Incomplete trailing escape % sequence");
    assert_int_equal(gw_sigv4_parse_query(GW_STR("%&a"), &arena, &query, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "Incomplete trailing escape % sequence");
    assert_int_equal(gw_sigv4_parse_query(GW_STR("a=1&b=%zz&c"), &arena, &query, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "Illegal hex character in escape % pattern: %zz");
}

static void sigv4_parse_query__more_than_256_parameters__is_limit(void **state)
{
    struct gw_sigv4_query query;
    struct gw_buf text;

    (void)state;
    gw_buf_init(&text, 4096);
    for (int i = 0; i < 256; i++)
        gw_buf_append_lit(&text, "&&a=1");
    assert_int_equal(gw_sigv4_parse_query(gw_buf_str(&text), &arena, &query, &err), GW_OK);
    assert_int_equal(query.count, 256);
    gw_buf_append_lit(&text, "&b");
    assert_int_equal(gw_sigv4_parse_query(gw_buf_str(&text), &arena, &query, &err), GW_E_LIMIT);
    gw_buf_fini(&text);
}

static void sigv4_parse_query__no_query__takes_no_memory(void **state)
{
    struct gw_sigv4_query query = {NULL, 9};

    (void)state;
    assert_int_equal(gw_sigv4_parse_query(GW_STR_NONE, &arena, &query, &err), GW_OK);
    assert_int_equal(query.count, 0);
    assert_int_equal(arena.taken, 0);
}

static enum gw_status check_reserved(const char *text)
{
    struct gw_sigv4_query query;

    assert_int_equal(gw_sigv4_parse_query(gw_str_from(text), &arena, &query, &err), GW_OK);
    return gw_sigv4_check_reserved(&query, &err);
}

static void sigv4_check_reserved__other_case_or_twice__is_refused(void **state)
{
    (void)state;
    assert_int_equal(check_reserved("X-Amz-Date=1&a=2&A=3&X-Amzn=4"), GW_OK);
    assert_int_equal(check_reserved("X-amz-Date=1"), GW_E_SYNTAX);
    assert_string_equal(err.text, "The query-string parameter 'X-Amz-Date' must be written in exactly this case.");
    assert_int_equal(check_reserved("%58-AMZ-Credential=1"), GW_E_SYNTAX);
    assert_int_equal(check_reserved("X-Amz-Signature=1&a&X-Amz-Signature=1"), GW_E_SYNTAX);
    assert_string_equal(err.text, "The query-string parameter 'X-Amz-Signature' must be there once.");
    assert_int_equal(check_reserved("X-Amz-Expires=1&X%2DAmz-Expires=900"), GW_E_SYNTAX);
}

static void sigv4_parse_presigned__missing_parameters__are_all_named(void **state)
{
    struct gw_sigv4_query query;
    struct gw_sigv4_auth auth;

    (void)state;
    assert_int_equal(gw_sigv4_parse_query(GW_STR("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=&X-Amz-Date=1"),
                                          &arena, &query, &err),
                     GW_OK);
    assert_int_equal(gw_sigv4_parse_presigned(&query, &auth, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string "
                                  "parameters must include 'X-Amz-Signature'. AWS query-string parameters must include "
                                  "'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Expires'. "
                                  "Re-examine the query-string parameters.");
}

static void sigv4_canonical_text__redacted__hides_tokens_only(void **state)
{
    const struct gw_header headers[] = {
        {GW_STR("Host"), GW_STR("h"), GW_HEADER_HOST},
        {GW_STR("X-Amz-Security-Token"), GW_STR("secret-token"), GW_HEADER_X_AMZ_SECURITY_TOKEN},
    };
    struct gw_sigv4_request request = {
        .method = GW_STR("GET"),
        .path = GW_STR("/"),
        .headers = headers,
        .header_count = 2,
        .signed_headers = GW_STR("host;x-amz-security-token"),
    };
    struct gw_buf out;

    (void)state;
    assert_int_equal(
        gw_sigv4_parse_query(GW_STR("X-Amz-Security-Token=secret-token&a=1"), &arena, &request.query, &err), GW_OK);
    gw_buf_init(&out, 4096);
    assert_int_equal(gw_sigv4_canonical_text(&request, true, &out), GW_OK);
    assert_text(gw_buf_str(&out),
                GW_STR("GET\n/\nX-Amz-Security-Token=...&a=1\nhost:h\nx-amz-security-token:...\n\n"
                       "host;x-amz-security-token\n"
                       "0000000000000000000000000000000000000000000000000000000000000000"),
                "redacted");
    gw_buf_fini(&out);
}

static void sigv4_canonical_hash__signed_header_not_there__is_missing(void **state)
{
    struct gw_sigv4_request request = {.path = GW_STR("/"), .signed_headers = GW_STR("host")};
    unsigned char digest[GW_DIGEST_SIZE];

    (void)state;
    assert_int_equal(gw_sigv4_canonical_hash(&request, digest), GW_E_MISSING);
}

/* Pieces longer than the staging area, paths longer than the segment bound. */
static void sigv4_canonical_hash__long_pieces__equal_the_hash_of_the_text(void **state)
{
    unsigned char digest[GW_DIGEST_SIZE];
    unsigned char expected[GW_DIGEST_SIZE];

    (void)state;
    for (size_t length = 900; length < 4000; length += 61) {
        struct gw_header header = {GW_STR("host"), GW_STR_NONE, GW_HEADER_HOST};
        struct gw_sigv4_request request = {.headers = &header, .header_count = 1, .signed_headers = GW_STR("host")};
        char *bytes = gw_alloc(length);
        struct gw_buf out;

        memset(bytes, 'x', length);
        bytes[length / 2] = ' ';
        bytes[length - 1] = '%';
        header.value = (struct gw_str){bytes, length};
        bytes[0] = '/';
        request.path = (struct gw_str){bytes, length};
        gw_buf_init(&out, 1 << 20);
        assert_int_equal(gw_sigv4_canonical_hash(&request, digest), GW_OK);
        assert_int_equal(gw_sigv4_canonical_text(&request, false, &out), GW_OK);
        gw_digest_sha256(gw_buf_str(&out), expected);
        assert_memory_equal(digest, expected, sizeof(digest));
        gw_buf_fini(&out);
        free(bytes);
    }
}

static void sigv4_canonical_hash__endless_odd_path__is_limit(void **state)
{
    struct gw_buf path;
    struct gw_sigv4_request request = {0};
    unsigned char digest[GW_DIGEST_SIZE];

    (void)state;
    gw_buf_init(&path, 1 << 20);
    for (int i = 0; i < GW_SIGV4_SEGMENTS_MAX + 1; i++)
        gw_buf_append_lit(&path, "/a");
    request.path = gw_buf_str(&path);
    assert_int_equal(gw_sigv4_canonical_hash(&request, digest), GW_OK);
    gw_buf_append_lit(&path, "//");
    request.path = gw_buf_str(&path);
    assert_int_equal(gw_sigv4_canonical_hash(&request, digest), GW_E_LIMIT);
    gw_buf_fini(&path);
}

static void sigv4_lists__names__match_whole_and_in_any_case(void **state)
{
    struct gw_str list = GW_STR("host;x-amz-date");

    (void)state;
    assert_true(gw_sigv4_lists(list, GW_STR("Host")));
    assert_true(gw_sigv4_lists(list, GW_STR("X-Amz-Date")));
    assert_false(gw_sigv4_lists(list, GW_STR("x-amz")));
    assert_false(gw_sigv4_lists(list, GW_STR("ost")));
    assert_false(gw_sigv4_lists(list, GW_STR("")));
    assert_false(gw_sigv4_lists(GW_STR_NONE, GW_STR("host")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sigv4__every_vector_folder__gives_its_text_and_signature),
        TEST(sigv4_sign__every_vector_folder__writes_its_authorization),
        TEST(sigv4_derive_key__documented_example__gives_documented_key),
        TEST(sigv4_parse_authorization__good_field__gives_its_parts),
        TEST(sigv4_parse_authorization__no_pairs__is_refused_with_the_hash_alone),
        TEST(sigv4_parse_authorization__no_algorithm__is_refused),
        TEST(sigv4_parse_authorization__missing_parts__are_all_named),
        TEST(sigv4_parse_authorization__other_algorithms__are_refused_by_name),
        TEST(sigv4_parse_authorization__repeated_or_unknown_parts__are_refused),
        TEST(sigv4_parse_authorization__untidy_header_lists__are_refused),
        TEST(sigv4_parse_authorization__more_than_128_names__are_refused),
        TEST(sigv4_parse_credential__five_parts__are_told_apart),
        TEST(sigv4_parse_credential__any_other_count_or_empty_parts__are_refused),
        TEST(sigv4_parse_query__broken_escapes__are_named),
        TEST(sigv4_parse_query__more_than_256_parameters__is_limit),
        TEST(sigv4_parse_query__no_query__takes_no_memory),
        TEST(sigv4_check_reserved__other_case_or_twice__is_refused),
        TEST(sigv4_parse_presigned__missing_parameters__are_all_named),
        TEST(sigv4_canonical_text__redacted__hides_tokens_only),
        TEST(sigv4_canonical_hash__signed_header_not_there__is_missing),
        TEST(sigv4_canonical_hash__long_pieces__equal_the_hash_of_the_text),
        TEST(sigv4_canonical_hash__endless_odd_path__is_limit),
        TEST(sigv4_lists__names__match_whole_and_in_any_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
