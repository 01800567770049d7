/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a range of addresses: what parses is written out, parsed again and
 * is the same; its first and last address are in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    char written[GW_IP_TEXT_SIZE];
    char whole[GW_IP_TEXT_SIZE + 8];
    struct gw_cidr range;
    struct gw_cidr again;
    struct gw_ip ip;
    struct gw_err err;

    if (gw_ip_parse(text, &ip) == GW_OK) {
        gw_ip_format(&ip, written);
        require(gw_ip_parse(gw_str_from(written), &again.first) == GW_OK);
        require(memcmp(&again.first, &ip, sizeof(ip)) == 0);
    }
    if (gw_cidr_parse(text, &range, &err) != GW_OK)
        return 0;
    gw_ip_format(&range.first, written);
    (void)snprintf(whole, sizeof(whole), "%s/%u", written, range.prefix);
    require(gw_cidr_parse(gw_str_from(whole), &again, &err) == GW_OK);
    require(memcmp(&again.last, &range.last, sizeof(range.last)) == 0 && again.prefix == range.prefix);
    require(gw_cidr_has(&range, 1, &range.first) && gw_cidr_has(&range, 1, &range.last));
    return 0;
}
