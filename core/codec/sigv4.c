/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical request and what follows from it. One walker feeds the pieces of
 * the canonical request to a sink, which either hashes them or appends them to a
 * buffer; a staging area of a kilobyte keeps the hash function's calls few. It
 * reads requests that an attacker shaped: everything is bounded and it never
 * looks past a view.
 */
#include "codec/sigv4.h"

#include <stdlib.h>

struct sink {
    struct gw_buf *text; /* NULL: hash */
    struct gw_sha256 hash;
    bool redact;
    size_t used;
    char staged[1024];
};

static void flush(struct sink *sink)
{
    if (sink->text != NULL)
        gw_buf_append(sink->text, sink->staged, sink->used);
    else
        gw_digest_update(&sink->hash, sink->staged, sink->used);
    sink->used = 0;
}

/* Staged bytes always leave room for a few more: short literals are put without a call. */
static inline void put_byte(struct sink *sink, char byte)
{
    if (GW_UNLIKELY(sink->used == sizeof(sink->staged)))
        flush(sink);
    sink->staged[sink->used++] = byte;
}

static void put_long(struct sink *sink, const char *at, size_t length)
{
    while (length > 0) {
        size_t room = sizeof(sink->staged) - sink->used;
        size_t now = length < room ? length : room;

        memcpy(sink->staged + sink->used, at, now);
        sink->used += now;
        at += now;
        length -= now;
        if (sink->used == sizeof(sink->staged))
            flush(sink);
    }
}

static inline void put(struct sink *sink, struct gw_str piece)
{
    if (GW_UNLIKELY(piece.length > sizeof(sink->staged) - sink->used)) {
        put_long(sink, piece.at, piece.length);
    } else if (piece.length > 0) {
        memcpy(sink->staged + sink->used, piece.at, piece.length);
        sink->used += piece.length;
    }
}

/* A-Z a-z 0-9 - . _ ~ and '/', one bit each. */
static inline bool stays_in_path(unsigned char c)
{
    static const uint64_t bits[4] = {0x03ffe00000000000U, 0x47fffffe87fffffeU, 0, 0};

    return (bits[c >> 6] >> (c & 63) & 1) != 0;
}

/* Each byte once more percent-encoded. */
static void put_encoded_path(struct sink *sink, struct gw_str path)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = path.at;
    const char *end = path.at + path.length;

    while (at < end) {
        size_t room = (sizeof(sink->staged) - sink->used) / 3;
        size_t left = (size_t)(end - at);
        const char *stop = at + (left < room ? left : room);
        char *out = sink->staged + sink->used;

        for (; at < stop; at++) {
            unsigned char c = (unsigned char)*at;

            if (GW_LIKELY(stays_in_path(c))) {
                *out++ = (char)c;
            } else {
                *out++ = '%';
                *out++ = digits[c >> 4];
                *out++ = digits[c & 15];
            }
        }
        sink->used = (size_t)(out - sink->staged);
        if (at < end)
            flush(sink);
    }
}

/* True when a segment is empty or ends in a dot, so that it may be "." or "..". */
static bool needs_normalising(struct gw_str path)
{
    bool odd = path.length == 0 || path.at[0] != '/';

    for (size_t i = 1; i < path.length; i++) {
        char before = path.at[i - 1];

        odd |= path.at[i] == '/' && (before == '/' || before == '.');
    }
    return odd || path.at[path.length - 1] == '.';
}

/* Empty and "." segments go, ".." takes the one before along and stops at the root; a '/' at the very end stays if
 * anything else is left. That is what botocore and aws-c-auth do, and not RFC 3986. */
static __attribute__((noinline)) enum gw_status put_normalised_path(struct sink *sink, struct gw_str path)
{
    struct gw_str kept[GW_SIGV4_SEGMENTS_MAX];
    struct gw_str rest = path;
    size_t count = 0;

    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');

        if (segment.length == 0 || gw_str_equal(segment, GW_STR(".")))
            continue;
        if (gw_str_equal(segment, GW_STR(".."))) {
            count -= count > 0;
            continue;
        }
        if (count == GW_COUNT(kept))
            return GW_E_LIMIT;
        kept[count++] = segment;
    }
    for (size_t i = 0; i < count; i++) {
        put_byte(sink, '/');
        put_encoded_path(sink, kept[i]);
    }
    if (count == 0 || path.at[path.length - 1] == '/')
        put_byte(sink, '/');
    return GW_OK;
}

static enum gw_status put_path(struct sink *sink, struct gw_str path)
{
    if (GW_UNLIKELY(needs_normalising(path)))
        return put_normalised_path(sink, path);
    put_encoded_path(sink, path);
    return GW_OK;
}

static void put_query(struct sink *sink, const struct gw_sigv4_query *query, bool presigned)
{
    bool first = true;

    for (size_t i = 0; i < query->count; i++) {
        const struct gw_sigv4_param *param = &query->items[i];
        bool hide = sink->redact && gw_str_equal_nocase(param->name, GW_STR("X-Amz-Security-Token"));

        if (presigned && gw_str_equal(param->name, GW_STR("X-Amz-Signature")))
            continue;
        if (!first)
            put_byte(sink, '&');
        first = false;
        put(sink, param->canonical_name);
        put_byte(sink, '=');
        put(sink, hide ? GW_STR("...") : param->canonical_value);
    }
}

static inline bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Trimmed, each run of white space one space, inside quotes too. */
static void put_collapsed(struct sink *sink, struct gw_str value)
{
    size_t at = 0;

    while (at < value.length) {
        size_t start;

        while (at < value.length && is_space(value.at[at]))
            at++;
        start = at;
        while (at < value.length && !is_space(value.at[at]))
            at++;
        if (start > 0 && at > start)
            put_byte(sink, ' ');
        put(sink, (struct gw_str){value.at + start, at - start});
    }
}

static void put_value(struct sink *sink, struct gw_str value)
{
    bool plain = true;

    while (value.length > 0 && is_space(value.at[0]))
        value = gw_str_slice(value, 1, value.length);
    while (value.length > 0 && is_space(value.at[value.length - 1]))
        value.length--;
    for (size_t i = 0; i < value.length; i++)
        plain &= (unsigned char)value.at[i] > ' ';
    if (GW_LIKELY(plain))
        put(sink, value);
    else
        put_collapsed(sink, value);
}

/* `lower` has no upper-case letters. */
static inline bool is_named(struct gw_str name, struct gw_str lower)
{
    if (name.length != lower.length)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];

        if ((c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c) != lower.at[i])
            return false;
    }
    return true;
}

/* Fields whose values don't belong into text that others may read. */
static bool is_secret(struct gw_str name)
{
    return gw_str_equal(name, GW_STR("x-amz-security-token")) || gw_str_equal(name, GW_STR("authorization")) ||
           gw_str_equal(name, GW_STR("proxy-authorization")) || gw_str_equal(name, GW_STR("cookie"));
}

/* "name:value\n"; values of a repeated field are joined by a bare comma in the order they came. */
static bool put_header(struct sink *sink, const struct gw_sigv4_request *request, struct gw_str name)
{
    bool found = false;
    bool hide = sink->redact && is_secret(name);

    put(sink, name);
    put_byte(sink, ':');
    for (size_t i = 0; i < request->header_count; i++) {
        if (!is_named(request->headers[i].name, name))
            continue;
        if (found)
            put_byte(sink, ',');
        found = true;
        if (hide)
            put(sink, GW_STR("..."));
        else
            put_value(sink, request->headers[i].value);
    }
    put_byte(sink, '\n');
    return found;
}

static enum gw_status put_headers(struct sink *sink, const struct gw_sigv4_request *request)
{
    struct gw_str rest = request->signed_headers;
    enum gw_status status = GW_OK;

    while (rest.at != NULL) {
        if (!put_header(sink, request, gw_str_split(&rest, ';')))
            status = GW_E_MISSING;
    }
    put_byte(sink, '\n');
    put(sink, request->signed_headers);
    put_byte(sink, '\n');
    return status;
}

static enum gw_status walk(struct sink *sink, const struct gw_sigv4_request *request)
{
    char payload[GW_DIGEST_HEX_SIZE];
    enum gw_status path;
    enum gw_status headers;

    put(sink, request->method);
    put_byte(sink, '\n');
    path = put_path(sink, request->path);
    put_byte(sink, '\n');
    put_query(sink, &request->query, request->presigned);
    put_byte(sink, '\n');
    headers = put_headers(sink, request);
    gw_digest_hex(request->payload, payload);
    put(sink, (struct gw_str){payload, sizeof(payload)});
    flush(sink);
    return path != GW_OK ? path : headers;
}

enum gw_status gw_sigv4_canonical_hash(const struct gw_sigv4_request *request, unsigned char out[GW_DIGEST_SIZE])
{
    struct sink sink;
    enum gw_status status;

    sink.text = NULL;
    sink.redact = false;
    sink.used = 0;
    gw_digest_init(&sink.hash);
    status = walk(&sink, request);
    gw_digest_final(&sink.hash, out);
    return status;
}

enum gw_status gw_sigv4_canonical_text(const struct gw_sigv4_request *request, bool redact, struct gw_buf *out)
{
    struct sink sink;

    sink.text = out;
    sink.redact = redact;
    sink.used = 0;
    return walk(&sink, request);
}

static void put_string_to_sign(struct sink *sink, struct gw_str time, struct gw_str scope,
                               const unsigned char hash[GW_DIGEST_SIZE])
{
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(hash, hex);
    put(sink, GW_STR(GW_SIGV4_ALGORITHM "\n"));
    put(sink, time);
    put_byte(sink, '\n');
    put(sink, scope);
    put_byte(sink, '\n');
    put(sink, (struct gw_str){hex, sizeof(hex)});
    flush(sink);
}

void gw_sigv4_string_to_sign(struct gw_str time, struct gw_str scope, const unsigned char hash[GW_DIGEST_SIZE],
                             struct gw_buf *out)
{
    struct sink sink;

    sink.text = out;
    sink.redact = false;
    sink.used = 0;
    put_string_to_sign(&sink, time, scope, hash);
}

void gw_sigv4_derive_key(struct gw_str secret, struct gw_str date, struct gw_str region, struct gw_str service,
                         struct gw_hmac_key *key)
{
    const struct gw_str steps[] = {date, region, service, GW_STR("aws4_request")};
    unsigned char derived[GW_DIGEST_SIZE];

    gw_digest_hmac_key(key, secret.at, secret.length);
    for (size_t i = 0; i < GW_COUNT(steps); i++) {
        gw_digest_hmac(key, steps[i], derived);
        gw_digest_hmac_key(key, derived, sizeof(derived));
    }
    gw_wipe(derived, sizeof(derived));
}

void gw_sigv4_signature(const struct gw_hmac_key *key, struct gw_str time, struct gw_str scope,
                        const unsigned char hash[GW_DIGEST_SIZE], unsigned char out[GW_DIGEST_SIZE])
{
    struct sink sink;

    sink.text = NULL;
    sink.redact = false;
    sink.used = 0;
    gw_digest_hmac_start(key, &sink.hash);
    put_string_to_sign(&sink, time, scope, hash);
    gw_digest_hmac_finish(key, &sink.hash, out);
}

static int compare_names(const void *a, const void *b)
{
    return gw_str_compare(*(const struct gw_str *)a, *(const struct gw_str *)b);
}

/* arena: the lower-case names of all headers, ascending, each once, joined by ';'. */
static enum gw_status list_headers(const struct gw_sigv4_request *request, struct gw_arena *arena, struct gw_str *list)
{
    struct gw_str names[GW_SIGV4_NAMES_MAX];
    size_t total = 0;
    char *out;
    size_t used = 0;

    if (request->header_count > GW_COUNT(names))
        return GW_E_LIMIT;
    for (size_t i = 0; i < request->header_count; i++) {
        char *lower = gw_arena_alloc(arena, request->headers[i].name.length + 1);

        names[i] = (struct gw_str){lower, request->headers[i].name.length};
        for (size_t k = 0; k < names[i].length; k++) {
            char c = request->headers[i].name.at[k];

            lower[k] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        }
        total += names[i].length + 1;
    }
    if (request->header_count > 0)
        qsort(names, request->header_count, sizeof(names[0]), compare_names);
    out = gw_arena_alloc(arena, total + 1);
    for (size_t i = 0; i < request->header_count; i++) {
        if (i > 0 && gw_str_equal(names[i], names[i - 1]))
            continue;
        if (used > 0)
            out[used++] = ';';
        memcpy(out + used, names[i].at, names[i].length);
        used += names[i].length;
    }
    *list = (struct gw_str){out, used};
    return GW_OK;
}

enum gw_status gw_sigv4_sign(const struct gw_sigv4_signer *signer, const struct gw_sigv4_request *request,
                             struct gw_arena *arena, struct gw_buf *authorization)
{
    struct gw_sigv4_request listed = *request;
    unsigned char digest[GW_DIGEST_SIZE];
    char hex[GW_DIGEST_HEX_SIZE];
    struct gw_str scope;
    enum gw_status status;

    status = list_headers(request, arena, &listed.signed_headers);
    if (status != GW_OK)
        return status;
    status = gw_sigv4_canonical_hash(&listed, digest);
    if (status != GW_OK)
        return status;
    scope = gw_arena_printf(arena, "%.8s/%.*s/%.*s/aws4_request", signer->time.at, GW_STR_ARG(signer->region),
                            GW_STR_ARG(signer->service));
    gw_sigv4_signature(signer->key, signer->time, scope, digest, digest);
    gw_digest_hex(digest, hex);
    gw_buf_append_lit(authorization, GW_SIGV4_ALGORITHM " Credential=");
    gw_buf_append_str(authorization, signer->access_key);
    gw_buf_append_byte(authorization, '/');
    gw_buf_append_str(authorization, scope);
    gw_buf_append_lit(authorization, ", SignedHeaders=");
    gw_buf_append_str(authorization, listed.signed_headers);
    gw_buf_append_lit(authorization, ", Signature=");
    gw_buf_append(authorization, hex, sizeof(hex));
    return GW_OK;
}
