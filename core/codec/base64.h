/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_BASE64_H
#define GW_CODEC_BASE64_H

/*
 * Base64 with the standard alphabet and padding (RFC 4648 section 4).
 */

#include "base/buf.h"

/* Bytes that encoding `length` bytes gives. */
#define GW_BASE64_SIZE(length) (((length) + 2) / 3 * 4)

void gw_base64_encode(struct gw_str bytes, struct gw_buf *out);

/* Appends the bytes. GW_E_SYNTAX for anything that the encoder would not have written: other alphabets, white space,
 * missing padding, bits set behind the last byte; `out` is unchanged then. */
GW_NODISCARD enum gw_status gw_base64_decode(struct gw_str text, struct gw_buf *out);

#endif
