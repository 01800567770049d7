/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol v2, as HAProxy's proxy-protocol.txt draws it:
 *
 *   "\r\n\r\n\0\r\nQUIT\n" | version 2, command | family, transport | length (2) | addresses | TLVs
 *
 * TLVs are skipped unread. Version 1 (text) is not spoken.
 */
#include "net/proxy.h"

#define HEADER 16

static const char signature[12] = {'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

enum family {
    FAMILY_UNSPEC = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    FAMILY_UNIX = 0x31,
};

/* The source address comes first in each form. */
static enum gw_status read_source(unsigned char family, struct gw_str addresses, struct gw_address *source)
{
    switch (family) {
    case FAMILY_UNSPEC:
        return GW_OK;
    case FAMILY_TCP4:
        if (addresses.length < 12)
            return GW_E_SYNTAX;
        *source = gw_address_from_bytes(addresses.at, 4);
        return GW_OK;
    case FAMILY_TCP6:
        if (addresses.length < 36)
            return GW_E_SYNTAX;
        *source = gw_address_from_bytes(addresses.at, 16);
        return GW_OK;
    case FAMILY_UNIX:
        if (addresses.length < 216)
            return GW_E_SYNTAX;
        *source = (struct gw_address){.kind = GW_ADDRESS_UNIX};
        return GW_OK;
    default:
        return GW_E_SYNTAX;
    }
}

size_t gw_proxy_wanted(struct gw_str data)
{
    const unsigned char *bytes = (const unsigned char *)data.at;

    return data.length < HEADER ? HEADER : HEADER + ((size_t)bytes[14] << 8 | bytes[15]);
}

enum gw_status gw_proxy_parse(struct gw_str data, size_t *length, struct gw_address *source)
{
    size_t known = data.length < sizeof(signature) ? data.length : sizeof(signature);
    const unsigned char *bytes = (const unsigned char *)data.at;
    size_t total;

    if (known > 0 && memcmp(data.at, signature, known) != 0)
        return GW_E_SYNTAX;
    if (data.length < HEADER)
        return GW_AGAIN;
    if (bytes[12] != 0x20 && bytes[12] != 0x21)
        return GW_E_SYNTAX;
    total = HEADER + ((size_t)bytes[14] << 8 | bytes[15]);
    if (total > GW_PROXY_MAX)
        return GW_E_LIMIT;
    if (data.length < total)
        return GW_AGAIN;
    *length = total;
    if (bytes[12] == 0x20)
        return GW_OK;
    return read_source(bytes[13], gw_str_slice(data, HEADER, total - HEADER), source);
}

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80" */
static enum gw_status parse_element(struct gw_str text, struct gw_address *address)
{
    size_t colon = gw_str_find(text, ':', 0);
    struct gw_str port = GW_STR_NONE;
    uint64_t number;

    if (text.length > 0 && text.at[0] == '[') {
        size_t bracket = gw_str_find(text, ']', 0);

        if (bracket == text.length)
            return GW_E_SYNTAX;
        port = gw_str_slice(text, bracket + 1, SIZE_MAX);
        text = gw_str_slice(text, 1, bracket - 1);
        if (gw_str_find(text, ':', 0) == text.length)
            return GW_E_SYNTAX;
    } else if (colon < text.length && gw_str_find(text, ':', colon + 1) == text.length) {
        port = gw_str_slice(text, colon, SIZE_MAX);
        text = gw_str_slice(text, 0, colon);
    }
    if (port.length > 0 &&
        (port.at[0] != ':' || gw_str_parse_u64(gw_str_slice(port, 1, SIZE_MAX), 65535, &number) != GW_OK))
        return GW_E_SYNTAX;
    return gw_address_parse(text, address);
}

/* Takes the text behind the last comma off `*list`; its `at` is NULL after the first element. */
static struct gw_str take_last(struct gw_str *list)
{
    size_t at = list->length;
    struct gw_str last;

    while (at > 0 && list->at[at - 1] != ',')
        at--;
    last = gw_str_slice(*list, at, SIZE_MAX);
    *list = at > 0 ? gw_str_slice(*list, 0, at - 1) : GW_STR_NONE;
    return gw_str_trim(last);
}

struct gw_address gw_proxy_source(const struct gw_http1_request *request, const struct gw_address *peer,
                                  const struct gw_cidr *trusted, size_t count)
{
    struct gw_address source = *peer;

    if (request->index[GW_HEADER_X_FORWARDED_FOR] == 0 || !gw_address_is_in(peer, trusted, count))
        return source;
    for (size_t i = request->header_count; i > 0; i--) {
        struct gw_str list = request->headers[i - 1].value;

        if (request->headers[i - 1].id != GW_HEADER_X_FORWARDED_FOR)
            continue;
        while (list.at != NULL) {
            if (parse_element(take_last(&list), &source) != GW_OK)
                return *peer;
            if (!gw_address_is_in(&source, trusted, count))
                return source;
        }
    }
    return source;
}
