/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_SIGV4_COMPARE_H
#define GW_CODEC_SIGV4_COMPARE_H

/*
 * Two canonical requests side by side: the first byte in which they differ, and
 * what of the request it belongs to.
 */

#include "base/str.h"

enum gw_sigv4_part {
    GW_SIGV4_PART_METHOD,
    GW_SIGV4_PART_PATH,
    GW_SIGV4_PART_QUERY,
    GW_SIGV4_PART_HEADER,
    GW_SIGV4_PART_SIGNED_HEADERS,
    GW_SIGV4_PART_BODY,
};

const char *gw_sigv4_part_name(enum gw_sigv4_part part); /* "signed headers" */

struct gw_sigv4_difference {
    enum gw_sigv4_part part;
    size_t offset;       /* of the byte, from 0 */
    size_t line;         /* from 1 */
    struct gw_str name;  /* of the header or the parameter; {NULL,0} for other parts */
    struct gw_str left;  /* the whole lines; where a side has no such header, its line is another one */
    struct gw_str right; /* may be a session token's */
};

/* False when they are the same but for a newline at the end. Views into both. */
bool gw_sigv4_compare(struct gw_str left, struct gw_str right, struct gw_sigv4_difference *difference);

#endif
