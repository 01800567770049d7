/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_ADDRESS_H
#define GW_NET_ADDRESS_H

/*
 * IP addresses, numeric only: nothing is resolved. An IPv4-mapped IPv6 address
 * (::ffff:1.2.3.4) is its IPv4 address.
 */

#include <sys/socket.h>

#include "base/str.h"

#define GW_ADDRESS_TEXT 48 /* bytes of an address as text with its NUL */

enum gw_address_kind {
    GW_ADDRESS_NONE,
    GW_ADDRESS_IPV4,
    GW_ADDRESS_IPV6,
    GW_ADDRESS_UNIX,
};

struct gw_address {
    enum gw_address_kind kind;
    uint8_t bytes[16]; /* network order; 4 used for IPv4 */
};

/* A network of addresses: those of one kind whose first `bits` agree. Kind GW_ADDRESS_UNIX: every unix socket. */
struct gw_cidr {
    struct gw_address address;
    unsigned bits;
};

/* "127.0.0.1", "::1". GW_E_SYNTAX for anything else. */
GW_NODISCARD enum gw_status gw_address_parse(struct gw_str text, struct gw_address *address);

/* `length` bytes (4 or 16) in network order. */
struct gw_address gw_address_from_bytes(const void *bytes, size_t length);

/* Of a peer as the kernel gives it; GW_ADDRESS_UNIX for a unix socket. */
struct gw_address gw_address_from_socket(const struct sockaddr *peer);

/* Writes the address, or "unix", and a NUL; returns the length. */
size_t gw_address_print(const struct gw_address *address, char out[GW_ADDRESS_TEXT]);

/* "10.0.0.0/8", "fd00::/8", a single address, or "unix". Bits behind the prefix are ignored. */
GW_NODISCARD enum gw_status gw_address_parse_cidr(struct gw_str text, struct gw_cidr *cidr, struct gw_err *err);

bool gw_address_is_in(const struct gw_address *address, const struct gw_cidr *networks, size_t count);

#endif
