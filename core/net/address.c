/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric addresses and networks. The C library reads and writes the notations;
 * what is added here is exactness (no zone, no short forms) and prefixes.
 */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct gw_address gw_address_from_bytes(const void *bytes, size_t length)
{
    struct gw_address address = {.kind = GW_ADDRESS_NONE};

    if (length == 4) {
        address.kind = GW_ADDRESS_IPV4;
        memcpy(address.bytes, bytes, 4);
    } else if (length == 16 && memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        address.kind = GW_ADDRESS_IPV4;
        memcpy(address.bytes, (const uint8_t *)bytes + sizeof(mapped_prefix), 4);
    } else if (length == 16) {
        address.kind = GW_ADDRESS_IPV6;
        memcpy(address.bytes, bytes, 16);
    }
    return address;
}

enum gw_status gw_address_parse(struct gw_str text, struct gw_address *address)
{
    char copy[GW_ADDRESS_TEXT];
    uint8_t bytes[16];

    if (text.length == 0 || text.length >= sizeof(copy) || memchr(text.at, '\0', text.length) != NULL)
        return GW_E_SYNTAX;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1)
        *address = gw_address_from_bytes(bytes, 4);
    else if (inet_pton(AF_INET6, copy, bytes) == 1)
        *address = gw_address_from_bytes(bytes, 16);
    else
        return GW_E_SYNTAX;
    return GW_OK;
}

struct gw_address gw_address_from_socket(const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, peer, sizeof(in));
        return gw_address_from_bytes(&in.sin_addr, 4);
    }
    if (peer->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, peer, sizeof(in6));
        return gw_address_from_bytes(&in6.sin6_addr, 16);
    }
    return (struct gw_address){.kind = peer->sa_family == AF_UNIX ? GW_ADDRESS_UNIX : GW_ADDRESS_NONE};
}

size_t gw_address_print(const struct gw_address *address, char out[GW_ADDRESS_TEXT])
{
    int family = address->kind == GW_ADDRESS_IPV4 ? AF_INET : AF_INET6;

    if (address->kind == GW_ADDRESS_NONE || address->kind == GW_ADDRESS_UNIX)
        memcpy(out, "unix", sizeof("unix"));
    else if (inet_ntop(family, address->bytes, out, GW_ADDRESS_TEXT) == NULL)
        gw_fatal("an address doesn't print");
    return strlen(out);
}

enum gw_status gw_address_parse_cidr(struct gw_str text, struct gw_cidr *cidr, struct gw_err *err)
{
    size_t slash = gw_str_find(text, '/', 0);
    struct gw_cidr parsed;
    unsigned mapped; /* bits of an IPv6 prefix in front of an IPv4 address */
    unsigned most;
    uint64_t bits;

    if (gw_str_is(text, "unix")) {
        *cidr = (struct gw_cidr){.address = {.kind = GW_ADDRESS_UNIX}};
        return GW_OK;
    }
    if (gw_address_parse(gw_str_slice(text, 0, slash), &parsed.address) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "'%.*s' is no network: give ADDRESS, ADDRESS/BITS or unix", GW_STR_ARG(text));
    mapped = parsed.address.kind == GW_ADDRESS_IPV4 && gw_str_find(text, ':', 0) < text.length ? 96 : 0;
    most = parsed.address.kind == GW_ADDRESS_IPV4 ? 32 + mapped : 128;
    bits = most;
    if (slash < text.length && gw_str_parse_u64(gw_str_slice(text, slash + 1, SIZE_MAX), most, &bits) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "'%.*s': the number of bits is 0 to %u", GW_STR_ARG(text), most);
    if (bits < mapped)
        return gw_fail(err, GW_E_SYNTAX, "'%.*s': give IPv4 networks as IPv4", GW_STR_ARG(text));
    parsed.bits = (unsigned)bits - mapped;
    *cidr = parsed;
    return GW_OK;
}

static bool is_in_network(const struct gw_address *address, const struct gw_cidr *network)
{
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (address->kind != network->address.kind || address->kind == GW_ADDRESS_NONE)
        return false;
    if (memcmp(address->bytes, network->address.bytes, whole) != 0)
        return false;
    return rest == 0 || ((address->bytes[whole] ^ network->address.bytes[whole]) >> (8 - rest)) == 0;
}

bool gw_address_is_in(const struct gw_address *address, const struct gw_cidr *networks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_in_network(address, &networks[i]))
            return true;
    }
    return false;
}
