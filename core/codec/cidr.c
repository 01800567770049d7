/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses are compared as 16 bytes, the family first. The C library reads and
 * writes single addresses; it takes exactly the forms that the header names.
 */
#include "codec/cidr.h"

#include <arpa/inet.h>
#include <stdlib.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

enum gw_status gw_ip_parse(struct gw_str text, struct gw_ip *ip)
{
    char copy[GW_IP_TEXT_SIZE];
    struct gw_ip fresh = {.is_v4 = false};

    if (text.length == 0 || text.length >= sizeof(copy) || gw_str_find(text, '\0', 0) != text.length)
        return GW_E_SYNTAX;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    if (inet_pton(AF_INET, copy, fresh.bytes + sizeof(mapped)) == 1)
        memcpy(fresh.bytes, mapped, sizeof(mapped));
    else if (inet_pton(AF_INET6, copy, fresh.bytes) != 1)
        return GW_E_SYNTAX;
    fresh.is_v4 = memcmp(fresh.bytes, mapped, sizeof(mapped)) == 0;
    *ip = fresh;
    return GW_OK;
}

/* "0" to "128"; no leading zeros. */
static bool read_prefix(struct gw_str text, unsigned most, unsigned *prefix)
{
    uint64_t number;

    if (gw_str_parse_u64(text, most, &number) != GW_OK || (text.at[0] == '0' && text.length > 1))
        return false;
    *prefix = (unsigned)number;
    return true;
}

/* The first and the last address with the same `bits` bits. */
static void spread(const struct gw_ip *ip, unsigned bits, struct gw_cidr *range)
{
    range->first = *ip;
    range->last = *ip;
    for (unsigned i = bits; i < 128; i++) {
        unsigned char bit = (unsigned char)(0x80 >> (i % 8));

        range->first.bytes[i / 8] &= (unsigned char)~bit;
        range->last.bytes[i / 8] |= bit;
    }
}

static enum gw_status check_bits(const struct gw_ip *ip, const struct gw_cidr *range, struct gw_str text,
                                 struct gw_err *err)
{
    char meant[GW_IP_TEXT_SIZE];

    if (memcmp(ip->bytes, range->first.bytes, sizeof(ip->bytes)) == 0)
        return GW_OK;
    gw_ip_format(&range->first, meant);
    return gw_fail(err, GW_E_SYNTAX, "%.*s has bits set behind its prefix; %s/%u is the range that it lies in",
                   GW_STR_ARG(text), meant, range->prefix);
}

enum gw_status gw_cidr_parse(struct gw_str text, struct gw_cidr *range, struct gw_err *err)
{
    size_t slash = gw_str_find(text, '/', 0);
    struct gw_str address = gw_str_slice(text, 0, slash);
    bool is_dotted = gw_str_find(address, ':', 0) == address.length;
    struct gw_cidr fresh;
    struct gw_ip ip;
    unsigned bits = is_dotted ? 32 : 128;

    if (gw_ip_parse(address, &ip) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "no IP address or range such as 10.0.0.0/8 or fd00::/8");
    if (slash < text.length && !read_prefix(gw_str_slice(text, slash + 1, SIZE_MAX), bits, &bits))
        return gw_fail(err, GW_E_SYNTAX, "the prefix must be a number from 0 to %u", bits);
    if (is_dotted)
        bits += 96;
    if (ip.is_v4 && bits < 96)
        ip.is_v4 = false; /* of IPv6, with the mapped ones among them */
    spread(&ip, bits, &fresh);
    fresh.prefix = ip.is_v4 ? bits - 96 : bits;
    if (check_bits(&ip, &fresh, text, err) != GW_OK)
        return GW_E_SYNTAX;
    *range = fresh;
    return GW_OK;
}

void gw_ip_format(const struct gw_ip *ip, char out[GW_IP_TEXT_SIZE])
{
    if (ip->is_v4)
        (void)inet_ntop(AF_INET, ip->bytes + sizeof(mapped), out, GW_IP_TEXT_SIZE);
    else
        (void)inet_ntop(AF_INET6, ip->bytes, out, GW_IP_TEXT_SIZE);
}

static int compare_ips(const struct gw_ip *a, const struct gw_ip *b)
{
    if (a->is_v4 != b->is_v4)
        return a->is_v4 ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int compare_ranges(const void *a, const void *b)
{
    const struct gw_cidr *left = a;
    const struct gw_cidr *right = b;

    return compare_ips(&left->first, &right->first);
}

size_t gw_cidr_sort(struct gw_cidr *ranges, size_t count)
{
    size_t kept = 0;

    if (count > 1)
        qsort(ranges, count, sizeof(*ranges), compare_ranges);
    for (size_t i = 0; i < count; i++) {
        struct gw_cidr *before = kept == 0 ? NULL : &ranges[kept - 1];

        if (before == NULL || compare_ips(&ranges[i].first, &before->last) > 0)
            ranges[kept++] = ranges[i];
        else if (compare_ips(&ranges[i].last, &before->last) > 0)
            before->last = ranges[i].last;
    }
    return kept;
}

bool gw_cidr_has(const struct gw_cidr *ranges, size_t count, const struct gw_ip *ip)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_ips(&ranges[middle].last, ip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && compare_ips(&ranges[low].first, ip) <= 0;
}
