/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_CIDR_H
#define GW_CODEC_CIDR_H

/*
 * IP addresses and ranges of them as text: dotted IPv4 (RFC 6943, the strict
 * form), IPv6 (RFC 4291, 2.2), and either with /PREFIX (RFC 4632). No zones, no
 * ports, no blanks. An IPv4-mapped IPv6 address (::ffff:10.0.0.1) is the IPv4
 * address that it maps; so is a range of at least 96 bits below it.
 */

#include "base/str.h"

#define GW_IP_TEXT_SIZE 46 /* with NUL */

struct gw_ip {
    bool is_v4;
    unsigned char bytes[16]; /* of IPv4 in the form ::ffff:a.b.c.d */
};

struct gw_cidr {
    struct gw_ip first;
    struct gw_ip last;
    unsigned prefix; /* of 32 or 128 bits */
};

/* GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_ip_parse(struct gw_str text, struct gw_ip *ip);

/* An address alone is a range of one. GW_E_SYNTAX: also where bits behind the prefix are set, which is a slip of the
 * pen (err says which range may have been meant). */
GW_NODISCARD enum gw_status gw_cidr_parse(struct gw_str text, struct gw_cidr *range, struct gw_err *err);

/* RFC 5952's form, as inet_ntop gives it. */
void gw_ip_format(const struct gw_ip *ip, char out[GW_IP_TEXT_SIZE]);

/* Orders ranges and joins those that overlap; the new number of them. Only first and last mean something afterwards. */
size_t gw_cidr_sort(struct gw_cidr *ranges, size_t count);

/* Whether one of the sorted ranges has the address: as many steps as the logarithm of their number. IPv4 is in no range
 * of IPv6, not even ::/0. */
bool gw_cidr_has(const struct gw_cidr *ranges, size_t count, const struct gw_ip *ip);

#endif
