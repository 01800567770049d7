/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_DATA_H
#define GW_SCRIPT_DATA_H

/*
 * Tables beside a policy, JSON and CSV: read and parsed while a set of policies
 * is loaded, then the same memory for every worker. They belong to the set's
 * sources, and like them are never touched again after sealing.
 */

#include <stdatomic.h>

#include "codec/json.h"
#include "script/source.h"

#define GW_DATA_BYTES_MAX  ((size_t)16 << 20) /* of one file */
#define GW_DATA_TOTAL_MAX  ((size_t)32 << 20) /* of a set's files */
#define GW_DATA_VALUES_MAX ((size_t)1000000)  /* of a set's files */
#define GW_DATA_COUNT_MAX  64

struct gw_data {
    atomic_uint references; /* sets that have it */
    char *path;
    bool is_csv;
    char *key; /* CSV's; NULL: none */
    struct gw_arena arena;
    struct gw_json
        root; /* an array or an object; members of objects are sorted by name, without those that were null */
    size_t bytes;
    size_t values;
};

struct gw_data_wanted {
    const char *path;
    bool is_csv;
    struct gw_str key; /* of CSV; {NULL,0}: none */
};

/* borrows: what the file held when it was first asked for in this way; reads it when it is new and nothing is sealed,
 * but for one that sources->known has. GW_E_DENIED, GW_E_MISSING, GW_E_IO, GW_E_TYPE, GW_E_LIMIT, GW_E_SYNTAX,
 * GW_E_DUPLICATE; err begins with the path. */
GW_NODISCARD enum gw_status gw_data_get(struct gw_sources *sources, const struct gw_data_wanted *wanted,
                                        const struct gw_data **data, struct gw_err *err);

/* borrows: the member of a sorted object, NULL: it has none of that name. */
const struct gw_json_member *gw_data_find(const struct gw_json *object, struct gw_str name);

void gw_data_free_all(struct gw_sources *sources);

#endif
