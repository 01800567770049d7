/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_CONFIGFILE_H
#define GW_SCRIPT_CONFIGFILE_H

/*
 * A configuration file as a tree of values: a Lua file that returns a table,
 * evaluated with nothing but env(name, default) in scope, or a .json file read as
 * the same table.
 */

#include "codec/json.h"

#define GW_CONFIGFILE_MAX ((size_t)1 << 20)

/* arena: the table. A Lua table with keys 1..n becomes an array, one with text keys an object, an empty one an empty
 * object; other keys, functions, userdata, cycles, depth past GW_JSON_DEPTH_MAX are errors. env(name) of an unset
 * variable without default raises. Budget: half a second of processor time, 64 MiB. err names file and line. */
GW_NODISCARD enum gw_status gw_configfile_load(const char *path, struct gw_arena *arena, struct gw_json *table,
                                               struct gw_err *err);

#endif
