/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_CSV_H
#define GW_CODEC_CSV_H

/*
 * Comma-separated values (RFC 4180) as JSON values: the first line names the
 * columns, each further line is an object of strings under these names, sorted.
 * UTF-8; a byte order mark in front is dropped, empty lines are skipped, lines
 * end with LF or CRLF. Every line has as many fields as the first.
 */

#include "codec/json.h"

#define GW_CSV_COLUMNS_MAX 256

struct gw_csv_options {
    struct gw_str key; /* a column; {NULL,0}: none */
    size_t values_max; /* fields and lines */
};

/* Without a key an array of the lines, in their order; with one an object of them under the field of that column,
 * sorted, where a field that is empty or comes twice is an error. Values are views into `text` where nothing had to be
 * undone; arena: the rest. `values` gets the number of fields and lines. GW_E_SYNTAX, GW_E_DUPLICATE, GW_E_MISSING (no
 * such column), GW_E_LIMIT; err begins with the line where there is one. */
GW_NODISCARD enum gw_status gw_csv_parse(struct gw_str text, const struct gw_csv_options *options,
                                         struct gw_arena *arena, struct gw_json *value, size_t *values,
                                         struct gw_err *err);

#endif
