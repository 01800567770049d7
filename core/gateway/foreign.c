/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gives a web page away: three fields that scripts can't write, and the type
 * of a body. A request without any of them comes from something else than a page,
 * or is a read whose reply the page doesn't get to see.
 */
#include "gateway/foreign.h"

const char gw_foreign_host_words[] = "Host is not this listener's address; the setting `hosts` lists further names.";

/* Where ":8080" begins in "127.0.0.1:8080" or "[::1]:8080"; 0: there is none. */
static size_t port_of(struct gw_str address)
{
    size_t colon = address.length;

    while (colon > 0 && address.at[colon - 1] != ':')
        colon--;
    return colon == 0 ? 0 : colon - 1;
}

/* `host` is `name`, or `name` with this port. */
static bool is_name(struct gw_str host, struct gw_str name, struct gw_str port)
{
    if (gw_str_equal_nocase(host, name))
        return true;
    return port.length > 0 && host.length == name.length + port.length &&
           gw_str_equal_nocase(gw_str_slice(host, 0, name.length), name) &&
           gw_str_equal(gw_str_slice(host, name.length, SIZE_MAX), port);
}

bool gw_foreign_is_named(const struct gw_listener *listener, struct gw_foreign_names names, struct gw_str host)
{
    struct gw_str address = gw_str_from(listener->address);
    size_t colon = port_of(address);
    struct gw_str port = gw_str_slice(address, colon, colon == 0 ? 0 : SIZE_MAX);
    bool own_port = gw_str_is(port, ":80") || gw_str_is(port, ":443");

    if (listener->is_unix)
        return false;
    if (gw_str_equal(host, address) || (own_port && gw_str_equal(host, gw_str_slice(address, 0, colon))))
        return true;
    if (listener->is_loopback && is_name(host, GW_STR("localhost"), port))
        return true;
    for (size_t i = 0; i < names.count; i++) {
        if (is_name(host, names.items[i], port))
            return true;
    }
    return false;
}

const char *gw_foreign_why(const struct gw_http1_request *request)
{
    struct gw_str site = gw_http1_header(request, GW_HEADER_SEC_FETCH_SITE);

    if (gw_http1_header(request, GW_HEADER_ORIGIN).at != NULL)
        return "Requests with an Origin are refused.";
    if (site.at != NULL && !gw_str_is(site, "none") && !gw_str_is(site, "same-origin"))
        return "Requests from other sites are refused.";
    return NULL;
}

bool gw_foreign_has_body(const struct gw_http1_request *request)
{
    return request->chunked || request->content_length > 0;
}

bool gw_foreign_is_type(const struct gw_http1_request *request, const char *type)
{
    struct gw_str value = gw_http1_header(request, GW_HEADER_CONTENT_TYPE);
    size_t end = gw_str_find(value, ';', 0);

    return gw_str_equal_nocase(gw_str_trim(gw_str_slice(value, 0, end)), gw_str_from(type));
}

bool gw_foreign_is_body_good(const struct gw_http1_request *request, bool forms)
{
    if (!gw_foreign_has_body(request) || gw_foreign_is_type(request, "application/json") ||
        gw_foreign_is_type(request, "application/x-amz-json-1.1"))
        return true;
    return forms && gw_foreign_is_type(request, "application/x-www-form-urlencoded");
}
