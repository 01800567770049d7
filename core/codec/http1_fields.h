/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_HTTP1_FIELDS_H
#define GW_CODEC_HTTP1_FIELDS_H

/*
 * What the files of the HTTP/1.1 reader share: character classes, the end of a
 * field value, refusals. For core/codec/http1*.c only.
 */

#include "codec/http1.h"

enum gw_http1_class {
    GW_HTTP1_TOKEN = 1,  /* RFC 9110 5.6.2 tchar */
    GW_HTTP1_TARGET = 2, /* visible ASCII without '#' */
    GW_HTTP1_VALUE = 4,  /* field value: visible, SP, HTAB, 0x80 and above */
    GW_HTTP1_HOST = 8,   /* letters, digits and "-._~" */
    GW_HTTP1_HEX = 16,
};

extern const uint8_t gw_http1_classes[256];

static inline bool gw_http1_is(char byte, enum gw_http1_class classes)
{
    return (gw_http1_classes[(unsigned char)byte] & (unsigned)classes) != 0;
}

/* The first byte in [at, end) that no field value may hold (CR, LF, NUL, ...), or `end`. */
const char *gw_http1_fields_value_end(const char *at, const char *end);

/* Reads the field lines from `*at` up to and including the blank line, which must be there; fills request->headers,
 * header_count and index. */
GW_NODISCARD enum gw_status gw_http1_fields_read(const char **at, const char *end, size_t max,
                                                 struct gw_http1_request *request, struct gw_http1_error *error);

/* Fills `error` and returns the status that goes with it: GW_E_LIMIT for 413 and 431, else GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_http1_fields_refuse(struct gw_http1_error *error, unsigned status, const char *reason);

#endif
