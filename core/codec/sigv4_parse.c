/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what a request says about its signature: the Authorization field, the
 * credential in it, the query. The words of refusals are AWS's where AWS has any.
 * Nothing is trimmed or folded into shape: a text has one meaning or is refused.
 */
#include "codec/base64.h"
#include "codec/sigv4.h"
#include "codec/uri.h"

#include <stdio.h>
#include <stdlib.h>

#define HASH_TEXT_SIZE (GW_BASE64_SIZE(GW_DIGEST_SIZE) + 1)

/* What AWS shows of a field that may hold credentials: its hash in base64. */
static void hash_text(struct gw_str value, char out[HASH_TEXT_SIZE])
{
    unsigned char digest[GW_DIGEST_SIZE];
    struct gw_buf text;

    gw_buf_init(&text, HASH_TEXT_SIZE);
    gw_digest_sha256(value, digest);
    gw_base64_encode((struct gw_str){(const char *)digest, sizeof(digest)}, &text);
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
    gw_buf_fini(&text);
}

static enum gw_status refuse_pair(struct gw_str value, struct gw_err *err)
{
    char hash[HASH_TEXT_SIZE];

    hash_text(value, hash);
    return gw_fail(err, GW_E_SYNTAX,
                   "Invalid key=value pair (missing equal-sign) in Authorization header "
                   "(hashed with SHA-256 and encoded with Base64): '%s'.",
                   hash);
}

static enum gw_status refuse_missing(struct gw_str value, const struct gw_sigv4_auth *auth, bool has_date,
                                     struct gw_err *err)
{
    char hash[HASH_TEXT_SIZE];

    hash_text(value, hash);
    return gw_fail(
        err, GW_E_SYNTAX, "%s%s%s%s(Hashed with SHA-256 and encoded with Base64) Authorization=%s",
        auth->credential.length == 0 ? "Authorization header requires 'Credential' parameter. " : "",
        auth->signature.length == 0 ? "Authorization header requires 'Signature' parameter. " : "",
        auth->signed_headers.length == 0 ? "Authorization header requires 'SignedHeaders' parameter. " : "",
        has_date ? "" : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ", hash);
}

static enum gw_status check_algorithm(struct gw_str name, struct gw_err *err)
{
    if (gw_str_equal(name, GW_STR(GW_SIGV4_ALGORITHM)))
        return GW_OK;
    name.length = name.length < 64 ? name.length : 64;
    return gw_fail(err, GW_E_SYNTAX, "Unsupported AWS 'algorithm': '%.*s'.", GW_STR_ARG(name));
}

/* RFC 9110 token characters without upper-case letters, one bit each. */
static bool is_name_byte(char c)
{
    static const uint64_t bits[4] = {0x03ff6cfa00000000U, 0x57ffffffc0000000U, 0, 0};
    unsigned char byte = (unsigned char)c;

    return (bits[byte >> 6] >> (byte & 63) & 1) != 0;
}

/* Lower-case tokens, strictly ascending, joined by ';'. */
static bool is_header_list(struct gw_str list)
{
    struct gw_str before = GW_STR_NONE;
    size_t count = 0;

    while (list.at != NULL) {
        struct gw_str name = gw_str_split(&list, ';');

        if (name.length == 0 || ++count > GW_SIGV4_NAMES_MAX)
            return false;
        for (size_t i = 0; i < name.length; i++) {
            if (!is_name_byte(name.at[i]))
                return false;
        }
        if (before.at != NULL && gw_str_compare(before, name) >= 0)
            return false;
        before = name;
    }
    return true;
}

static enum gw_status check_header_list(struct gw_str list, struct gw_err *err)
{
    if (is_header_list(list))
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX,
                   "'SignedHeaders' must be a list of at most %d lower-case header names in ascending order, each "
                   "once, separated by semicolons.",
                   GW_SIGV4_NAMES_MAX);
}

/* Files one "key=value" under its name; false for a name that is unknown or was there. */
static bool file_pair(struct gw_str key, struct gw_str value, struct gw_sigv4_auth *auth)
{
    struct gw_str *place = NULL;

    if (gw_str_equal(key, GW_STR("Credential")))
        place = &auth->credential;
    else if (gw_str_equal(key, GW_STR("SignedHeaders")))
        place = &auth->signed_headers;
    else if (gw_str_equal(key, GW_STR("Signature")))
        place = &auth->signature;
    if (place == NULL || place->at != NULL)
        return false;
    *place = value;
    return true;
}

enum gw_status gw_sigv4_parse_authorization(struct gw_str value, bool has_date, struct gw_sigv4_auth *auth,
                                            struct gw_err *err)
{
    size_t space = gw_str_find(value, ' ', 0);
    struct gw_str algorithm = gw_str_slice(value, 0, space);
    struct gw_str rest = gw_str_slice(value, space + 1, value.length);
    struct gw_sigv4_auth found = {0};
    bool tidy = true;
    enum gw_status status;

    if (space == 0 || gw_str_find(algorithm, '=', 0) < algorithm.length)
        return gw_fail(err, GW_E_SYNTAX,
                       "Authorization header must begin with the algorithm name, which cannot include an equal-sign");
    if (space == value.length)
        return refuse_pair(value, err);
    while (rest.at != NULL) {
        struct gw_str pair = gw_str_trim(gw_str_split(&rest, ','));
        size_t equals = gw_str_find(pair, '=', 0);

        if (equals == pair.length)
            return refuse_pair(value, err);
        tidy &= file_pair(gw_str_slice(pair, 0, equals), gw_str_slice(pair, equals + 1, pair.length), &found);
    }
    if (found.credential.length == 0 || found.signature.length == 0 || found.signed_headers.length == 0 || !has_date)
        return refuse_missing(value, &found, has_date, err);
    status = check_algorithm(algorithm, err);
    if (status != GW_OK)
        return status;
    if (!tidy)
        return gw_fail(err, GW_E_SYNTAX,
                       "Authorization header must hold 'Credential', 'SignedHeaders' and 'Signature', each once, and "
                       "nothing else.");
    status = check_header_list(found.signed_headers, err);
    if (status == GW_OK)
        *auth = found;
    return status;
}

enum gw_status gw_sigv4_parse_credential(struct gw_str text, struct gw_sigv4_credential *credential, struct gw_err *err)
{
    struct gw_str parts[5];
    struct gw_str rest = text;
    size_t count = 0;

    while (rest.at != NULL && count < GW_COUNT(parts)) {
        parts[count] = gw_str_split(&rest, '/');
        if (parts[count++].length == 0)
            count = GW_COUNT(parts) + 1;
    }
    if (count != GW_COUNT(parts) || rest.at != NULL)
        return gw_fail(err, GW_E_SYNTAX,
                       "Credential must have exactly 5 slash-delimited elements, e.g. "
                       "keyid/date/region/service/term, got '%.*s'",
                       (int)(text.length < 256 ? text.length : 256), text.at == NULL ? "" : text.at);
    *credential = (struct gw_sigv4_credential){
        .access_key = parts[0],
        .scope = gw_str_slice(text, parts[0].length + 1, text.length),
        .date = parts[1],
        .region = parts[2],
        .service = parts[3],
        .terminator = parts[4],
    };
    return GW_OK;
}

bool gw_sigv4_lists(struct gw_str signed_headers, struct gw_str name)
{
    const char *at = signed_headers.at;
    const char *end = at + signed_headers.length;

    while (at < end) {
        const char *stop = memchr(at, ';', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        if ((size_t)(stop - at) == name.length && gw_str_equal_nocase((struct gw_str){at, name.length}, name))
            return true;
        at = stop + 1;
    }
    return false;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum gw_status decode(struct gw_str piece, struct gw_arena *arena, struct gw_str *decoded, struct gw_err *err)
{
    char *out;
    size_t length = 0;

    if (gw_str_find(piece, '%', 0) == piece.length) {
        *decoded = piece;
        return GW_OK;
    }
    out = gw_arena_alloc(arena, piece.length);
    for (size_t at = 0; at < piece.length; at++) {
        if (piece.at[at] == '%') {
            if (piece.length - at < 3)
                return gw_fail(err, GW_E_SYNTAX, "Incomplete trailing escape %% sequence");
            if (hex_value(piece.at[at + 1]) < 0 || hex_value(piece.at[at + 2]) < 0)
                return gw_fail(err, GW_E_SYNTAX, "Illegal hex character in escape %% pattern: %.3s", piece.at + at);
            out[length++] = (char)(hex_value(piece.at[at + 1]) << 4 | hex_value(piece.at[at + 2]));
            at += 2;
        } else {
            out[length++] = piece.at[at];
        }
    }
    *decoded = (struct gw_str){out, length};
    return GW_OK;
}

/* Encoded from the decoded bytes, so that every spelling of a byte gives one text. */
static struct gw_str encode(struct gw_str decoded, struct gw_arena *arena)
{
    struct gw_buf text;
    struct gw_str copy;

    gw_buf_init(&text, SIZE_MAX);
    gw_uri_encode(decoded, false, &text);
    copy = gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return copy;
}

static int compare_params(const void *a, const void *b)
{
    const struct gw_sigv4_param *left = a;
    const struct gw_sigv4_param *right = b;
    int order = gw_str_compare(left->canonical_name, right->canonical_name);

    return order != 0 ? order : gw_str_compare(left->canonical_value, right->canonical_value);
}

static size_t count_params(struct gw_str text)
{
    struct gw_str name;
    struct gw_str value;
    size_t count = 0;

    while (gw_uri_query_next(&text, &name, &value))
        count++;
    return count;
}

enum gw_status gw_sigv4_parse_query(struct gw_str text, struct gw_arena *arena, struct gw_sigv4_query *query,
                                    struct gw_err *err)
{
    size_t count = text.length == 0 ? 0 : count_params(text);
    struct gw_sigv4_param *items;
    enum gw_status status;

    if (count == 0) {
        *query = (struct gw_sigv4_query){NULL, 0};
        return GW_OK;
    }
    if (count > GW_SIGV4_PARAMS_MAX)
        return gw_fail(err, GW_E_LIMIT, "The query string has more than %d parameters", GW_SIGV4_PARAMS_MAX);
    items = gw_arena_zero(arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        struct gw_str name;
        struct gw_str value;

        if (!gw_uri_query_next(&text, &name, &value))
            break;
        status = decode(name, arena, &items[i].name, err);
        if (status == GW_OK)
            status = decode(value, arena, &items[i].value, err);
        if (status != GW_OK)
            return status;
        items[i].canonical_name = encode(items[i].name, arena);
        items[i].canonical_value = encode(items[i].value, arena);
    }
    qsort(items, count, sizeof(*items), compare_params);
    *query = (struct gw_sigv4_query){items, count};
    return GW_OK;
}

const struct gw_sigv4_param *gw_sigv4_query_find(const struct gw_sigv4_query *query, struct gw_str name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (gw_str_equal(query->items[i].name, name))
            return &query->items[i];
    }
    return NULL;
}

/* Names of presigning; the first six must be there, reported in this order. */
static const char *const reserved[] = {"X-Amz-Algorithm",     "X-Amz-Credential", "X-Amz-Signature",
                                       "X-Amz-SignedHeaders", "X-Amz-Date",       "X-Amz-Expires",
                                       "X-Amz-Security-Token"};
#define REQUIRED 6

enum gw_status gw_sigv4_check_reserved(const struct gw_sigv4_query *query, struct gw_err *err)
{
    for (size_t name = 0; name < GW_COUNT(reserved); name++) {
        size_t seen = 0;

        for (size_t i = 0; i < query->count; i++) {
            if (!gw_str_equal_nocase(query->items[i].name, gw_str_from(reserved[name])))
                continue;
            if (!gw_str_is(query->items[i].name, reserved[name]))
                return gw_fail(err, GW_E_SYNTAX,
                               "The query-string parameter '%s' must be written in exactly this case.", reserved[name]);
            if (++seen > 1)
                return gw_fail(err, GW_E_SYNTAX, "The query-string parameter '%s' must be there once.", reserved[name]);
        }
    }
    return GW_OK;
}

static enum gw_status refuse_missing_params(struct gw_str values[GW_COUNT(reserved)], struct gw_err *err)
{
    char text[sizeof(err->text)];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < REQUIRED; i++) {
        if (values[i].length == 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used,
                                     "AWS query-string parameters must include '%s'. ", reserved[i]);
    }
    return gw_fail(err, GW_E_SYNTAX, "%sRe-examine the query-string parameters.", text);
}

enum gw_status gw_sigv4_parse_presigned(const struct gw_sigv4_query *query, struct gw_sigv4_auth *auth,
                                        struct gw_err *err)
{
    struct gw_str values[GW_COUNT(reserved)];
    bool complete = true;
    enum gw_status status;

    for (size_t i = 0; i < GW_COUNT(reserved); i++) {
        const struct gw_sigv4_param *param = gw_sigv4_query_find(query, gw_str_from(reserved[i]));

        values[i] = param == NULL ? GW_STR_NONE : param->value;
        complete &= i >= REQUIRED || values[i].length > 0;
    }
    if (!complete)
        return refuse_missing_params(values, err);
    status = check_algorithm(values[0], err);
    if (status == GW_OK)
        status = check_header_list(values[3], err);
    if (status != GW_OK)
        return status;
    *auth = (struct gw_sigv4_auth){
        .credential = values[1],
        .signature = values[2],
        .signed_headers = values[3],
        .time = values[4],
        .expires = values[5],
        .token = values[6],
    };
    return GW_OK;
}
