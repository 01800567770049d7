/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_SCRIPT_SOURCE_H
#define GW_SCRIPT_SOURCE_H

/*
 * Lua files, read once: what was read while a set of policies was loaded is what
 * every worker compiles later. After sealing, nothing touches the disk. One
 * thread while loading, any number afterwards.
 */

#include "base/buf.h"

struct gw_data_link;

#define GW_SOURCE_BYTES_MAX ((size_t)1 << 20)
#define GW_SOURCE_COUNT_MAX 256

struct gw_source {
    char *path;
    char *bytes;
    size_t length;
};

struct gw_sources {
    struct gw_source **items;
    size_t count;
    struct gw_data_link *data; /* files of another kind (data.h) */
    bool sealed;
    const struct gw_sources *known; /* borrowed: files that are taken from there and not read again; NULL: none */
};

/* Appends a regular file of at most GW_SOURCE_BYTES_MAX bytes to `out`. GW_E_MISSING, GW_E_IO, GW_E_TYPE, GW_E_LIMIT.
 */
GW_NODISCARD enum gw_status gw_source_read(const char *path, struct gw_buf *out, struct gw_err *err);

/* borrows: the file's bytes as first read; reads it when it is new and nothing is sealed. */
GW_NODISCARD enum gw_status gw_sources_get(struct gw_sources *sources, const char *path,
                                           const struct gw_source **source, struct gw_err *err);
void gw_sources_fini(struct gw_sources *sources);

#endif
