/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --policies names: a folder, or files with commas between them. Of a folder
 * every NAME.lua counts that stands in it and isn't NAME_spec.lua, in the order of
 * the names' bytes; what policies require stands in folders below.
 */
#include "cli/replay.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES_MAX 1024 /* past what a set may hold, which says so */

struct list {
    struct gw_arena *arena;
    struct gw_str *items;
    size_t count;
};

static bool is_policy(struct gw_str name)
{
    struct gw_str spec = GW_STR("_spec.lua");
    struct gw_str end = GW_STR(".lua");

    if (name.length <= end.length || name.at[0] == '.' ||
        !gw_str_equal(gw_str_slice(name, name.length - end.length, end.length), end))
        return false;
    return name.length < spec.length || !gw_str_equal(gw_str_slice(name, name.length - spec.length, spec.length), spec);
}

static int compare(const void *a, const void *b)
{
    return gw_str_compare(*(const struct gw_str *)a, *(const struct gw_str *)b);
}

static enum gw_status add(struct list *list, struct gw_str path, struct gw_err *err)
{
    if (list->count == FILES_MAX)
        return gw_fail(err, GW_E_LIMIT, "--policies names more than %d files", FILES_MAX);
    list->items[list->count++] = path;
    return GW_OK;
}

static enum gw_status add_folder(struct list *list, const char *folder, struct gw_err *err)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    enum gw_status status = GW_OK;
    size_t length = strlen(folder);

    if (open == NULL)
        return gw_fail(err, GW_E_IO, "%s: can't be opened: %s", folder, strerror(errno));
    while (status == GW_OK && (entry = readdir(open)) != NULL) { /* one thread reads the folder */
        if (is_policy(gw_str_from(entry->d_name)))
            status = add(list,
                         gw_arena_printf(list->arena, "%s%s%s", folder,
                                         length > 0 && folder[length - 1] == '/' ? "" : "/", entry->d_name),
                         err);
    }
    (void)closedir(open);
    if (status == GW_OK && list->count == 0)
        return gw_fail(err, GW_E_MISSING, "%s: no policy stands in this folder; NAME.lua is one, NAME_spec.lua isn't",
                       folder);
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare);
    return status;
}

enum gw_status gw_replay_files(const char *given, struct gw_arena *arena, const struct gw_str **files, size_t *count,
                               struct gw_err *err)
{
    struct list list = {.arena = arena, .items = gw_arena_zero(arena, FILES_MAX, sizeof(*list.items))};
    struct gw_str rest = gw_str_from(given);
    enum gw_status status = GW_OK;
    struct stat info;

    if (stat(given, &info) == 0 && S_ISDIR(info.st_mode))
        status = add_folder(&list, given, err);
    else
        while (status == GW_OK && rest.at != NULL) {
            struct gw_str path = gw_str_split(&rest, ',');

            status = path.length == 0 ? gw_fail(err, GW_E_SYNTAX, "--policies takes a folder, or FILE,FILE...")
                                      : add(&list, gw_arena_str(arena, path), err);
        }
    if (status != GW_OK)
        return status;
    *files = list.items;
    *count = list.count;
    return GW_OK;
}
