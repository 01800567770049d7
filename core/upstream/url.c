/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints as people write them: https://HOST, http://HOST:PORT, with brackets
 * around an IPv6 address. Whatever could be read as something else than a host
 * (a user, a path, a query) is refused.
 */
#include "upstream/upstream.h"

static bool is_host(struct gw_str text, bool is_bracketed)
{
    if (text.length == 0 || text.length > GW_UPSTREAM_HOST_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!is_alnum && c != '.' && (is_bracketed ? c != ':' : c != '-' && c != '_'))
            return false;
    }
    return true;
}

static bool parse_port(struct gw_str text, uint16_t *port)
{
    unsigned value = 0;

    if (text.length == 0 || text.length > 5)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text.at[i] - '0');
    }
    *port = (uint16_t)value;
    return value >= 1 && value <= 65535;
}

/* HOST, HOST:PORT or [IPv6]:PORT. */
static bool parse_authority(struct gw_str text, struct gw_upstream_target *target)
{
    bool is_bracketed = text.length > 0 && text.at[0] == '[';
    const char *end = is_bracketed ? memchr(text.at, ']', text.length) : memchr(text.at, ':', text.length);
    size_t length = end == NULL ? text.length : (size_t)(end - text.at);

    if (is_bracketed && end == NULL)
        return false;
    target->host = is_bracketed ? gw_str_slice(text, 1, length - 1) : gw_str_slice(text, 0, length);
    length += is_bracketed;
    if (!is_host(target->host, is_bracketed))
        return false;
    if (length == text.length)
        return true;
    return text.at[length] == ':' &&
           parse_port(gw_str_slice(text, length + 1, text.length - length - 1), &target->port);
}

enum gw_status gw_upstream_parse_authority(struct gw_str text, uint16_t port, struct gw_str *host, uint16_t *found)
{
    struct gw_upstream_target target = {.port = port};

    if (text.length > 0 && text.at[text.length - 1] == '/')
        text.length--;
    if (!parse_authority(text, &target))
        return GW_E_SYNTAX;
    *host = target.host;
    *found = target.port;
    return GW_OK;
}

enum gw_status gw_upstream_parse_url(struct gw_str url, struct gw_upstream_target *target, struct gw_err *err)
{
    struct gw_upstream_target found = {.port = 80};
    struct gw_str rest;

    if (gw_str_starts(url, GW_STR("https://"))) {
        found = (struct gw_upstream_target){.port = 443, .is_tls = true};
        rest = gw_str_slice(url, 8, url.length - 8);
    } else if (gw_str_starts(url, GW_STR("http://"))) {
        rest = gw_str_slice(url, 7, url.length - 7);
    } else {
        return gw_fail(err, GW_E_SYNTAX, "%.*s begins with neither https:// nor http://",
                       (int)(url.length < 200 ? url.length : 200), url.at);
    }
    if (rest.length > 0 && rest.at[rest.length - 1] == '/')
        rest.length--;
    if (!parse_authority(rest, &found))
        return gw_fail(err, GW_E_SYNTAX, "%.*s is no https://HOST, https://HOST:PORT or the same with http://",
                       (int)(url.length < 200 ? url.length : 200), url.at);
    *target = found;
    return GW_OK;
}
