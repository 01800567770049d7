/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests may pass, decided on their heads alone: for which hosts, and
 * without anything that would be touched on the way or read in two ways.
 */
#include "gateway/passable.h"

#include "codec/sigv4.h"
#include "gateway/foreign.h"

#define REGION_MAX 64
#define KEY_ID_MAX 128 /* IAM's */

static const struct gw_str gap = GW_STR_INIT("{region}");

/* HOST[:PORT] of the endpoint, still with its gaps; `*port` is its scheme's, with the colon. */
static struct gw_str authority_of(struct gw_str endpoint, struct gw_str *port)
{
    bool is_tls = gw_str_equal_nocase(gw_str_slice(endpoint, 0, 8), GW_STR("https://"));
    struct gw_str authority = gw_str_slice(endpoint, is_tls ? 8 : 7, SIZE_MAX);

    *port = is_tls ? GW_STR(":443") : GW_STR(":80");
    return gw_str_slice(authority, 0, gw_str_find(authority, '/', 0));
}

static struct gw_str without(struct gw_str text, struct gw_str end)
{
    size_t length = text.length > end.length ? text.length - end.length : 0;

    if (length > 0 && gw_str_equal(gw_str_slice(text, length, SIZE_MAX), end))
        return gw_str_slice(text, 0, length);
    return text;
}

/* Names are compared without case. */
static bool fits(struct gw_str template, struct gw_str region, struct gw_str text)
{
    while (template.length > 0) {
        bool is_region = gw_str_starts(template, gap);
        struct gw_str wanted = is_region ? region : gw_str_slice(template, 0, 1);

        if (!gw_str_equal_nocase(gw_str_slice(text, 0, wanted.length), wanted))
            return false;
        template = gw_str_slice(template, is_region ? gap.length : 1, SIZE_MAX);
        text = gw_str_slice(text, wanted.length, SIZE_MAX);
    }
    return text.length == 0;
}

bool gw_passable_is_host(struct gw_str endpoint, struct gw_str region, struct gw_str host)
{
    struct gw_str port;
    struct gw_str authority = authority_of(endpoint, &port);

    return host.length > 0 && fits(without(authority, port), region, without(host, port));
}

/* The text that stands where the template, which has a gap, has its region; well formed or not. {NULL,0}: there
 * is no room for one. */
static struct gw_str region_in(struct gw_str template, struct gw_str text)
{
    size_t first = gw_str_search(template, gap);
    size_t count = 0;
    size_t fixed = template.length;

    for (size_t at = 0; at + gap.length <= template.length; at++)
        count += gw_str_starts(gw_str_slice(template, at, SIZE_MAX), gap) ? 1 : 0;
    fixed -= count * gap.length;
    if (count == 0 || text.length <= fixed)
        return GW_STR_NONE;
    return gw_str_slice(text, first, (text.length - fixed) / count);
}

static bool is_region(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return text.length > 0 && text.length <= REGION_MAX;
}

bool gw_passable_is_any_host(struct gw_str endpoint, const struct gw_verify_options *options, struct gw_str host)
{
    struct gw_str port;
    struct gw_str template = without(authority_of(endpoint, &port), port);
    struct gw_str region;

    for (size_t i = 0; i < options->region_count; i++) {
        if (gw_passable_is_host(endpoint, options->regions[i], host))
            return true;
    }
    if (options->region_count > 0)
        return false;
    if (gw_str_search(template, gap) == SIZE_MAX)
        return gw_passable_is_host(endpoint, GW_STR_NONE, host);
    region = region_in(template, without(host, port));
    return is_region(region) && gw_passable_is_host(endpoint, region, host);
}

bool gw_passable_is_key_id(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
              c == '.'))
            return false;
    }
    return text.length > 0 && text.length <= KEY_ID_MAX;
}

/* Fields of one connection, by name. */
static bool is_hop(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("connection"),        GW_STR_INIT("keep-alive"), GW_STR_INIT("te"),
        GW_STR_INIT("trailer"),           GW_STR_INIT("upgrade"),    GW_STR_INIT("expect"),
        GW_STR_INIT("transfer-encoding"),
    };

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_equal_nocase(names[i], name))
            return true;
    }
    return gw_str_equal_nocase(gw_str_slice(name, 0, 6), GW_STR("proxy-"));
}

/* Whatever Connection says, these reach the other end: who signs or is answered relies on them. */
static bool is_kept(struct gw_str name)
{
    return gw_str_equal_nocase(gw_str_slice(name, 0, 6), GW_STR("x-amz-")) ||
           gw_str_equal_nocase(gw_str_slice(name, 0, 7), GW_STR("x-amzn-")) ||
           gw_str_equal_nocase(gw_str_slice(name, 0, 8), GW_STR("content-")) ||
           gw_str_equal_nocase(name, GW_STR("host")) || gw_str_equal_nocase(name, GW_STR("date")) ||
           gw_str_equal_nocase(name, GW_STR("authorization"));
}

static bool lists(struct gw_str value, struct gw_str name)
{
    while (value.at != NULL) {
        if (gw_str_equal_nocase(gw_str_trim(gw_str_split(&value, ',')), name))
            return true;
    }
    return false;
}

/* A Connection field names it. */
static bool is_named(const struct gw_http1_request *fields, struct gw_str name)
{
    size_t first = fields->index[GW_HEADER_CONNECTION];

    for (size_t i = first == 0 ? fields->header_count : first - 1; i < fields->header_count; i++) {
        if (fields->headers[i].id == GW_HEADER_CONNECTION && lists(fields->headers[i].value, name))
            return true;
    }
    return false;
}

bool gw_passable_is_hop(const struct gw_http1_request *fields, struct gw_str name)
{
    return is_hop(name) || (!is_kept(name) && is_named(fields, name));
}

/* What some servers take for the method or the path in the place of the request line's. */
static bool means_another(struct gw_str name)
{
    static const struct gw_str names[] = {
        GW_STR_INIT("x-http-method"),  GW_STR_INIT("x-http-method-override"), GW_STR_INIT("x-method-override"),
        GW_STR_INIT("x-original-url"), GW_STR_INIT("x-rewrite-url"),          GW_STR_INIT("x-amz-target"),
    };

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_equal_nocase(names[i], name))
            return true;
    }
    return false;
}

/* JSON in UTF-8, as SDKs say it. */
static bool is_body_plain(const struct gw_http1_request *request)
{
    struct gw_str type = gw_http1_header(request, GW_HEADER_CONTENT_TYPE);
    struct gw_str parameter = type;

    (void)gw_str_split(&parameter, ';');
    for (size_t i = 0; i < request->header_count; i++) {
        if (gw_str_equal_nocase(request->headers[i].name, GW_STR("content-encoding")))
            return false;
    }
    return gw_foreign_is_body_good(request, false) &&
           (parameter.at == NULL || gw_str_equal_nocase(gw_str_trim(parameter), GW_STR("charset=utf-8")));
}

static const char *why_ambiguous(const struct gw_http1_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (means_another(request->headers[i].name))
            return "A header names another method or path than the request line.";
    }
    if (gw_str_find(request->query, '+', 0) < request->query.length)
        return "A '+' in the query means one character or another: write %2B or %20.";
    if (gw_str_find(request->target, ';', 0) < request->target.length)
        return "A ';' in path or query separates for some and doesn't for others: write %3B.";
    if (gw_foreign_has_body(request) && !is_body_plain(request))
        return "Bodies must be application/json in UTF-8, without a Content-Encoding.";
    return NULL;
}

const char *gw_passable_why_not(const struct gw_http1_request *request, struct gw_str signed_headers)
{
    struct gw_str rest = signed_headers;

    while (rest.at != NULL) {
        if (gw_passable_is_hop(request, gw_str_split(&rest, ';')))
            return "A header that concerns this connection alone is signed: the request can't be forwarded as it is.";
    }
    if (request->chunked && gw_sigv4_lists(signed_headers, GW_STR("content-length")))
        return "Content-Length is signed and isn't there: the request can't be forwarded as it is.";
    return why_ambiguous(request);
}
