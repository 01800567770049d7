/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks folders for specs. What begins with a dot is left out, and so is what lies
 * deeper than a tree of policies can be.
 */
#include "cli/test_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "script/spec.h"

#define DEPTH_MAX 32

static enum gw_status walk(struct gw_test_files *files, const char *folder, unsigned depth, struct gw_err *err);

void gw_test_files_fini(struct gw_test_files *files)
{
    free(files->paths);
    files->paths = NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* Once each. */
static enum gw_status add(struct gw_test_files *files, const char *path, struct gw_err *err)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->paths[i], path) == 0)
            return GW_OK;
    }
    if (files->count == GW_TEST_FILES_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: more than %d specs", path, GW_TEST_FILES_MAX);
    files->paths = gw_realloc(files->paths, (files->count + 1) * sizeof(*files->paths));
    files->paths[files->count++] = gw_arena_str(files->arena, gw_str_from(path)).at;
    return GW_OK;
}

static enum gw_status add_name(struct gw_test_files *files, const char *folder, const char *name, unsigned depth,
                               struct gw_err *err)
{
    const char *path = gw_arena_printf(files->arena, "%s/%s", folder, name).at;
    struct stat facts;

    if (stat(path, &facts) != 0)
        return GW_OK; /* a link that leads nowhere */
    if (S_ISDIR(facts.st_mode))
        return walk(files, path, depth + 1, err);
    return ends_with(name, "_spec.lua") ? add(files, path, err) : GW_OK;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum gw_status walk(struct gw_test_files *files, const char *folder, unsigned depth, struct gw_err *err)
{
    struct dirent **entries = NULL;
    enum gw_status status = GW_OK;
    int count;

    if (depth > DEPTH_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: folders more than %d deep", folder, DEPTH_MAX);
    count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        return gw_fail(err, GW_E_IO, "%s: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == GW_OK)
            status = add_name(files, folder, entries[i]->d_name, depth, err);
        free(entries[i]);
    }
    free(entries);
    return status;
}

bool gw_test_find_of(struct gw_test_files *files, struct gw_str policy)
{
    char path[4096];
    struct stat facts;

    return gw_spec_path_of(policy, path) && stat(path, &facts) == 0 && add(files, path, NULL) == GW_OK;
}

enum gw_status gw_test_find(struct gw_test_files *files, const char *path, struct gw_err *err)
{
    size_t before = files->count;
    struct stat facts;
    struct gw_str folder = gw_str_from(path);

    if (stat(path, &facts) != 0)
        return gw_fail(err, GW_E_MISSING, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(facts.st_mode)) {
        if (ends_with(path, "_spec.lua"))
            return add(files, path, err);
        if (gw_test_find_of(files, folder))
            return GW_OK;
        return gw_fail(err, GW_E_MISSING, "%s: is no spec and has none beside it; that of NAME.lua is NAME_spec.lua",
                       path);
    }
    while (folder.length > 1 && folder.at[folder.length - 1] == '/')
        folder.length--;
    enum gw_status status = walk(files, gw_arena_str(files->arena, folder).at, 0, err);

    if (status == GW_OK && files->count == before)
        return gw_fail(err, GW_E_MISSING, "%s: no file in it, or below, has a name that ends in _spec.lua", path);
    return status;
}
