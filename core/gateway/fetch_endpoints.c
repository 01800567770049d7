/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoints that policies may ask, and what may be put behind their URLs. A
 * path is written by a policy, perhaps from what a client sent; that it can't lead
 * out of what the operator named is decided here, by the strictest of the ways in
 * which servers read paths.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/fetch.h"

#define DECODED_TIMES_MAX 4 /* what still changes then is refused */

struct gw_fetch_endpoints {
    atomic_uint holders;
    struct gw_arena arena; /* wiped: header fields are secrets */
    struct gw_fetch_endpoint *items;
    struct gw_tls_context **tls;
    size_t count;
};

static bool is_alnum(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
}

static bool holds_only(struct gw_str text, const char *others)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_alnum(text.at[i]) && (text.at[i] == '\0' || strchr(others, text.at[i]) == NULL))
            return false;
    }
    return true;
}

bool gw_fetch_is_name(struct gw_str text)
{
    return text.length > 0 && text.length <= GW_FETCH_NAME_MAX && holds_only(text, "._-");
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Gives the length of the decoded bytes, SIZE_MAX for a broken escape (or takes it as it is) or one of a control byte.
 * May decode in place. */
static size_t decode(struct gw_str text, bool takes_broken, char *out)
{
    size_t length = 0;

    for (size_t i = 0; i < text.length; i++) {
        int byte = (unsigned char)text.at[i];

        if (byte == '%') {
            int high = i + 2 < text.length ? hex_digit(text.at[i + 1]) : -1;
            int low = i + 2 < text.length ? hex_digit(text.at[i + 2]) : -1;

            if ((high < 0 || low < 0) && !takes_broken)
                return SIZE_MAX;
            if (high >= 0 && low >= 0) {
                byte = high * 16 + low;
                i += 2;
            }
        }
        if (byte < 0x20 || byte == 0x7f)
            return SIZE_MAX;
        out[length++] = (char)byte;
    }
    return length;
}

/* Some servers take "..;x" for "..", a backslash or an escaped slash for a slash. */
static bool climbs(char *path, size_t length)
{
    struct gw_str rest = {path, length};

    for (size_t i = 0; i < length; i++)
        path[i] = path[i] == '\\' ? '/' : path[i];
    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');
        struct gw_str name = gw_str_split(&segment, ';');

        if (gw_str_is(name, ".") || gw_str_is(name, ".."))
            return true;
    }
    return false;
}

/* Where two servers stand behind one another each may decode: what is left of a path then mustn't climb either. */
static bool climbs_later(char *path, size_t length)
{
    for (unsigned times = 0; times < DECODED_TIMES_MAX; times++) {
        size_t left = decode((struct gw_str){path, length}, true, path);

        if (left == length)
            return false;
        if (left == SIZE_MAX || climbs(path, left))
            return true;
        length = left;
    }
    return true;
}

bool gw_fetch_is_path(struct gw_str text)
{
    struct gw_str path = gw_str_slice(text, 0, gw_str_find(text, '?', 0));
    char decoded[GW_FETCH_PATH_MAX];
    size_t length;

    if (text.length == 0 || text.length > GW_FETCH_PATH_MAX || text.at[0] != '/' ||
        decode(text, false, decoded) == SIZE_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        bool is_empty_segment = i + 1 < path.length && path.at[i] == '/' && path.at[i + 1] == '/';

        if (text.at[i] <= ' ' || text.at[i] >= 0x7f || strchr("#\\\"<>^`{|}", text.at[i]) != NULL || is_empty_segment)
            return false;
    }
    length = decode(path, false, decoded);
    return length != SIZE_MAX && !climbs(decoded, length) && !climbs_later(decoded, length);
}

bool gw_fetch_is_field_name(struct gw_str text)
{
    static const char *const ours[] = {
        "Host",       "Connection",     "Content-Length", "Content-Type", "Transfer-Encoding", "TE",
        "Trailer",    "Upgrade",        "Expect",         "Keep-Alive",   "Accept-Encoding",   "Range",
        "User-Agent", "HTTP2-Settings",
    };

    for (size_t i = 0; i < GW_COUNT(ours); i++) {
        if (gw_str_equal_nocase(text, gw_str_from(ours[i])))
            return false;
    }
    return text.length > 0 && holds_only(text, "-_") &&
           !gw_str_equal_nocase(gw_str_slice(text, 0, 6), GW_STR("Proxy-"));
}

bool gw_fetch_is_field_value(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < ' ' || text.at[i] >= 0x7f)
            return false;
    }
    return text.length > 0 && text.at[0] != ' ' && text.at[text.length - 1] != ' ';
}

static struct gw_fetch_endpoint copy(struct gw_arena *arena, const struct gw_fetch_endpoint *from)
{
    struct gw_fetch_endpoint made = *from;

    made.name = gw_arena_str(arena, from->name);
    made.target.host = gw_arena_str(arena, from->target.host);
    made.base = gw_arena_str(arena, from->base);
    made.fields = gw_arena_str(arena, from->fields);
    made.ca_file = from->ca_file.at == NULL ? GW_STR_NONE : gw_arena_str(arena, from->ca_file);
    return made;
}

/* One context for all that believe the same authorities: the system's are many. */
static enum gw_status open_tls(struct gw_fetch_endpoints *made, size_t at, struct gw_err *err)
{
    const struct gw_fetch_endpoint *endpoint = &made->items[at];
    struct gw_tls_client_options options = {.ca_file = endpoint->ca_file};
    struct gw_err why;
    enum gw_status status;

    if (!endpoint->target.is_tls)
        return GW_OK;
    for (size_t i = 0; i < at; i++) {
        if (made->tls[i] != NULL && gw_str_equal(made->items[i].ca_file, endpoint->ca_file)) {
            made->tls[at] = gw_tls_context_hold(made->tls[i]);
            return GW_OK;
        }
    }
    status = gw_tls_client_new(&options, &made->tls[at], &why);
    return status == GW_OK ? GW_OK : gw_fail(err, status, "%.*s: %s", GW_STR_ARG(endpoint->name), why.text);
}

enum gw_status gw_fetch_endpoints_new(const struct gw_fetch_endpoint *items, size_t count,
                                      struct gw_fetch_endpoints **endpoints, struct gw_err *err)
{
    struct gw_fetch_endpoints *made = gw_alloc_zero(1, sizeof(*made));
    enum gw_status status = GW_OK;

    atomic_init(&made->holders, 1);
    gw_arena_init(&made->arena, 0);
    made->items = gw_arena_zero(&made->arena, count, sizeof(*made->items));
    made->tls = gw_arena_zero(&made->arena, count, sizeof(*made->tls));
    made->count = count;
    for (size_t i = 0; i < count && status == GW_OK; i++) {
        made->items[i] = copy(&made->arena, &items[i]);
        status = open_tls(made, i, err);
    }
    if (status != GW_OK)
        gw_fetch_endpoints_release(&made);
    else
        *endpoints = made;
    return status;
}

struct gw_fetch_endpoints *gw_fetch_endpoints_hold(struct gw_fetch_endpoints *endpoints)
{
    if (endpoints != NULL)
        atomic_fetch_add_explicit(&endpoints->holders, 1, memory_order_relaxed);
    return endpoints;
}

void gw_fetch_endpoints_release(struct gw_fetch_endpoints **endpoints)
{
    struct gw_fetch_endpoints *dying = *endpoints;

    *endpoints = NULL;
    if (dying == NULL || atomic_fetch_sub_explicit(&dying->holders, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < dying->count; i++) {
        if (dying->tls[i] != NULL)
            gw_tls_context_release(&dying->tls[i]);
    }
    gw_arena_wipe(&dying->arena);
    free(dying);
}

size_t gw_fetch_endpoints_count(const struct gw_fetch_endpoints *endpoints)
{
    return endpoints->count;
}

size_t gw_fetch_endpoints_find(const struct gw_fetch_endpoints *endpoints, struct gw_str name)
{
    size_t at = 0;

    while (at < endpoints->count && !gw_str_equal(endpoints->items[at].name, name))
        at++;
    return at;
}

const struct gw_fetch_endpoint *gw_fetch_endpoints_get(const struct gw_fetch_endpoints *endpoints, size_t index)
{
    return &endpoints->items[index];
}

struct gw_tls_context *gw_fetch_endpoints_tls(const struct gw_fetch_endpoints *endpoints, size_t index)
{
    return endpoints->tls[index];
}
