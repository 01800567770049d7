/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_JSON_CHECK_H
#define GW_CODEC_JSON_CHECK_H

/*
 * Is a text JSON? By RFC 8259's grammar and in one pass that keeps nothing, for
 * texts that gw_json_encode wrote around what a client or a policy gave: nested
 * deeper than gw_json_parse takes, with NUL in strings, with members that come
 * twice.
 */

#include "codec/json.h"

#define GW_JSON_CHECK_DEPTH_MAX (2 * GW_JSON_DEPTH_MAX) /* what gw_json_encode writes */

/* GW_OK: one value in UTF-8, blanks around it at most. GW_E_SYNTAX, GW_E_LIMIT (nested too deeply) with the byte where
 * it ends to be that in err. */
GW_NODISCARD enum gw_status gw_json_check(struct gw_str text, struct gw_err *err);

#endif
