/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_FORM_H
#define GW_CODEC_FORM_H

/*
 * Pieces of application/x-www-form-urlencoded (WHATWG URL, section 5.1), which is
 * how the AWS Query protocol sends its parameters. gw_uri_query_next takes a form
 * apart; unlike in a request's target, a plus sign is a space here.
 */

#include "base/arena.h"

/* arena: '+' becomes a space and %XX its byte, once; any byte may come out, NUL too (a piece without either is returned
 * as it is). GW_E_SYNTAX for a broken escape. */
GW_NODISCARD enum gw_status gw_form_decode(struct gw_str piece, struct gw_arena *arena, struct gw_str *decoded);

#endif
