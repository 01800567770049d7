/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_URI_H
#define GW_CODEC_URI_H

/*
 * Request targets: splitting what is still encoded, decoding each piece once.
 * A plus sign is a plus sign everywhere.
 */

#include "base/arena.h"
#include "base/buf.h"

/* What a decoded piece may hold (sigv4.md 6.4). */
enum gw_uri_kind {
    GW_URI_NAME, /* a cluster name or literal: refused when it decodes to '/', '\\', '%', NUL, control or 8-bit bytes,
                    or to a dot segment */
    GW_URI_ARN,  /* an ARN: may decode to any printable ASCII, '/' and '%' too; refused: control and 8-bit bytes */
    GW_URI_TEXT, /* a query's value: may decode to any UTF-8; refused: control bytes, what isn't UTF-8 */
};

/* arena: decodes %XX once (views without escapes are returned as they are). GW_E_SYNTAX for a broken escape or a byte
 * that `kind` refuses. */
GW_NODISCARD enum gw_status gw_uri_decode(struct gw_str piece, enum gw_uri_kind kind, struct gw_arena *arena,
                                          struct gw_str *decoded);

/* Splits an undecoded path "/a/b" into "a", "b". GW_E_SYNTAX when it doesn't start with '/', has an empty, "." or ".."
 * segment (also as %2e), or ends in '/' (the path "/" alone gives no segment); GW_E_LIMIT past `max`. */
GW_NODISCARD enum gw_status gw_uri_split_path(struct gw_str path, struct gw_str *segments, size_t max, size_t *count);

/* Takes the next name=value off `*rest`, still encoded; empty pieces are skipped, a piece without '=' has the value "".
 * False when nothing is left. */
bool gw_uri_query_next(struct gw_str *rest, struct gw_str *name, struct gw_str *value);

/* Percent-encodes everything but A-Za-z0-9-._~ (and '/' when keep_slash), upper-case hex. */
void gw_uri_encode(struct gw_str text, bool keep_slash, struct gw_buf *out);

#endif
