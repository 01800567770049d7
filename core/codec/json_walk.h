/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_JSON_WALK_H
#define GW_CODEC_JSON_WALK_H

/*
 * Walks one level of a JSON text: each member of an object or item of an array
 * comes out as text of its own, for gw_json_parse or for another walk. So a text
 * that is far larger than one tree may be is read in pieces, each of which is
 * read strictly; what holds the pieces together is checked here.
 *
 *   gw_json_walk_begin(&walk, text, GW_JSON_ARRAY, &err)
 *   while ((status = gw_json_walk_next(&walk, &arena, &item, &err)) == GW_OK) ...
 *   status == GW_E_MISSING: that was all
 */

#include "codec/json.h"

struct gw_json_walk {
    struct gw_str text;
    size_t at;
    bool is_object;
    bool begun;
};

struct gw_json_item {
    struct gw_str name; /* of a member: decoded; a view of the text, or arena */
    struct gw_str text; /* the value, not yet looked at; a view of the text */
};

/* `type` is GW_JSON_OBJECT or GW_JSON_ARRAY; GW_E_TYPE when the text begins otherwise. */
GW_NODISCARD enum gw_status gw_json_walk_begin(struct gw_json_walk *walk, struct gw_str text, enum gw_json_type type,
                                               struct gw_err *err);

/* GW_E_MISSING behind the last; GW_E_SYNTAX, GW_E_LIMIT with the place in err (bytes from the start of `text`). A name
 * that comes twice comes out twice. */
GW_NODISCARD enum gw_status gw_json_walk_next(struct gw_json_walk *walk, struct gw_arena *arena,
                                              struct gw_json_item *item, struct gw_err *err);

#endif
