/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_TEST_FIND_H
#define GW_CLI_TEST_FIND_H

/*
 * Which spec files eksgate test runs.
 */

#include "base/arena.h"

#define GW_TEST_FILES_MAX 10000

struct gw_test_files {
    struct gw_arena *arena; /* of the paths */
    const char **paths;     /* heap */
    size_t count;
};

void gw_test_files_fini(struct gw_test_files *files);

/* A spec file; a policy file, which means its spec; or a folder: every *_spec.lua in it and below, in the order of
 * their names. GW_E_MISSING, GW_E_IO, GW_E_LIMIT. */
GW_NODISCARD enum gw_status gw_test_find(struct gw_test_files *files, const char *path, struct gw_err *err);

/* The spec of a policy; false: there is none. */
bool gw_test_find_of(struct gw_test_files *files, struct gw_str policy);

#endif
