/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which proxy, for whom, and what it is asked; see proxy.h.
 */
#include "upstream/proxy.h"

#include <stdio.h>

#include "codec/base64.h"
#include "net/address.h"

static enum gw_status refuse(struct gw_err *err)
{
    return gw_fail(err, GW_E_SYNTAX, "a proxy is given as http://[USER:PASSWORD@]HOST[:PORT], without a path");
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte of percent-encoded text, -1 where it is malformed or a control byte. */
static int next_byte(struct gw_str text, size_t *at)
{
    int byte = (unsigned char)text.at[(*at)++];

    if (byte == '%') {
        int high = *at + 1 < text.length ? hex_of(text.at[*at]) : -1;
        int low = high >= 0 ? hex_of(text.at[*at + 1]) : -1;

        *at += 2;
        byte = low < 0 ? -1 : high * 16 + low;
    }
    return byte < 0x20 || byte == 0x7f ? -1 : byte;
}

static bool is_login(struct gw_str login)
{
    for (size_t i = 0; i < login.length;) {
        if (next_byte(login, &i) < 0)
            return false;
    }
    return login.length <= GW_PROXY_LOGIN_MAX;
}

/* The last '@' of the authority: a password may hold one. */
static size_t find_at(struct gw_str text)
{
    size_t at = text.length;

    while (at > 0 && text.at[at - 1] != '@')
        at--;
    return at;
}

enum gw_status gw_upstream_proxy_parse(struct gw_str setting, struct gw_upstream_proxy *proxy, struct gw_err *err)
{
    struct gw_str rest = setting;
    struct gw_upstream_proxy found = {.login = GW_STR_NONE};
    size_t scheme = gw_str_search(setting, GW_STR("://"));
    size_t at;

    if (scheme != SIZE_MAX) {
        if (!gw_str_equal_nocase(gw_str_slice(setting, 0, scheme), GW_STR("http")))
            return refuse(err);
        rest = gw_str_slice(setting, scheme + 3, SIZE_MAX);
    }
    at = find_at(rest);
    if (at > 0) {
        found.login = gw_str_slice(rest, 0, at - 1);
        rest = gw_str_slice(rest, at, SIZE_MAX);
    }
    if (!is_login(found.login) || gw_upstream_parse_authority(rest, 80, &found.host, &found.port) != GW_OK)
        return refuse(err);
    *proxy = found;
    return GW_OK;
}

/* Cuts ":PORT" off; false: it is given, and another one. */
static bool takes_port(struct gw_str *item, uint16_t port)
{
    size_t colon = gw_str_find(*item, ':', 0);
    bool is_bracketed = item->length > 0 && item->at[0] == '[';
    struct gw_str digits;
    uint64_t number;

    if (is_bracketed) {
        size_t end = gw_str_find(*item, ']', 0);

        if (end == item->length)
            return false;
        digits = gw_str_slice(*item, end + 1, SIZE_MAX);
        *item = gw_str_slice(*item, 1, end - 1);
        if (digits.length == 0)
            return true;
        digits = gw_str_slice(digits, 1, SIZE_MAX);
    } else if (colon == item->length || gw_str_find(*item, ':', colon + 1) < item->length) {
        return true; /* none, or an IPv6 address */
    } else {
        digits = gw_str_slice(*item, colon + 1, SIZE_MAX);
        *item = gw_str_slice(*item, 0, colon);
    }
    return gw_str_parse_u64(digits, 65535, &number) == GW_OK && number == port;
}

static bool is_at_or_below(struct gw_str host, struct gw_str name)
{
    size_t above = host.length - name.length;

    if (name.length == 0 || host.length < name.length ||
        !gw_str_equal_nocase(gw_str_slice(host, above, name.length), name))
        return false;
    return above == 0 || host.at[above - 1] == '.';
}

static bool item_spares(struct gw_str item, const struct gw_upstream_target *target, const struct gw_address *address)
{
    struct gw_str host = target->host;
    struct gw_cidr network;
    struct gw_err err;

    if (gw_str_is(item, "*"))
        return true;
    if (!takes_port(&item, target->port))
        return false;
    if (address->kind != GW_ADDRESS_NONE)
        return gw_address_parse_cidr(item, &network, &err) == GW_OK && gw_address_is_in(address, &network, 1);
    if (gw_str_starts(item, GW_STR("*.")))
        item = gw_str_slice(item, 1, SIZE_MAX);
    if (gw_str_starts(item, GW_STR(".")))
        item = gw_str_slice(item, 1, SIZE_MAX);
    if (host.length > 0 && host.at[host.length - 1] == '.')
        host.length--;
    return is_at_or_below(host, item);
}

static bool is_loopback(struct gw_str host, const struct gw_address *address)
{
    static const uint8_t one[16] = {[15] = 1};

    if (address->kind == GW_ADDRESS_IPV4)
        return address->bytes[0] == 127;
    if (address->kind == GW_ADDRESS_IPV6)
        return memcmp(address->bytes, one, sizeof(one)) == 0;
    return gw_str_equal_nocase(host, GW_STR("localhost"));
}

bool gw_upstream_proxy_spares(struct gw_str no_proxy, const struct gw_upstream_target *target)
{
    struct gw_address address = {.kind = GW_ADDRESS_NONE};
    struct gw_str rest = no_proxy;

    if (gw_address_parse(target->host, &address) != GW_OK)
        address.kind = GW_ADDRESS_NONE;
    if (is_loopback(target->host, &address))
        return true;
    while (rest.length > 0) {
        size_t end = 0;

        while (end < rest.length && rest.at[end] != ',' && rest.at[end] != ' ' && rest.at[end] != '\t')
            end++;
        if (end > 0 && item_spares(gw_str_slice(rest, 0, end), target, &address))
            return true;
        rest = gw_str_slice(rest, end + 1, SIZE_MAX);
    }
    return false;
}

static void append_login(struct gw_str login, struct gw_buf *out)
{
    char plain[GW_PROXY_LOGIN_MAX + 1];
    size_t length = 0;

    for (size_t i = 0; i < login.length && length < GW_PROXY_LOGIN_MAX;)
        plain[length++] = (char)next_byte(login, &i);
    if (memchr(plain, ':', length) == NULL)
        plain[length++] = ':';
    gw_buf_append_lit(out, "Proxy-Authorization: Basic ");
    gw_base64_encode((struct gw_str){plain, length}, out);
    gw_buf_append_lit(out, "\r\n");
    gw_wipe(plain, sizeof(plain));
}

void gw_upstream_proxy_ask(const struct gw_upstream_proxy *proxy, const struct gw_upstream_target *target,
                           struct gw_buf *out)
{
    bool is_v6 = gw_str_find(target->host, ':', 0) < target->host.length;
    char authority[GW_UPSTREAM_HOST_MAX + 16];
    int length;

    length = is_v6 ? snprintf(authority, sizeof(authority), "[%.*s]:%u", GW_STR_ARG(target->host), target->port)
                   : snprintf(authority, sizeof(authority), "%.*s:%u", GW_STR_ARG(target->host), target->port);
    gw_buf_printf(out, "CONNECT %.*s HTTP/1.1\r\nHost: %.*s\r\n", length, authority, length, authority);
    if (proxy->login.at != NULL)
        append_login(proxy->login, out);
    gw_buf_append_lit(out, "\r\n");
}
