/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the front of every file that could be one. What it finds was written by
 * whoever may write in that folder; the links of the chain say what belongs to it.
 */
#include "journal/history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "journal/walk.h"

bool gw_history_follows(const struct gw_history_file *file, const struct gw_chain_head *head)
{
    return file->first == head->sequence + 1 && memcmp(file->previous, head->hash, sizeof(head->hash)) == 0;
}

static bool is_candidate(const char *entry, struct gw_str name)
{
    struct gw_str text = gw_str_from(entry);

    return text.length > name.length + 1 && gw_str_starts(text, name) &&
           (text.at[name.length] == '.' || text.at[name.length] == '-');
}

/* Reads the front of a file; false when it isn't a part of a chain. */
static bool read_front(const struct gw_journal_io *io, struct gw_history_file *file)
{
    int fd = io->open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    struct stat info;
    bool is_part;
    int number;

    if (fd < 0)
        return false;
    is_part =
        fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && gw_walk_first(io, fd, &file->first, file->previous) == GW_OK;
    number = errno;
    (void)io->close(fd);
    errno = number;
    return is_part;
}

static int compare(const void *a, const void *b)
{
    const struct gw_history_file *left = a;
    const struct gw_history_file *right = b;

    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return strcmp(left->path, right->path);
}

static enum gw_status add(struct gw_history *history, struct gw_history_file file, size_t *capacity)
{
    if (history->count == GW_HISTORY_FILES_MAX)
        return GW_E_LIMIT;
    if (history->count == *capacity) {
        *capacity = *capacity == 0 ? 16 : *capacity * 2;
        history->files = gw_realloc(history->files, *capacity * sizeof(*history->files));
    }
    history->files[history->count++] = file;
    return GW_OK;
}

static enum gw_status read_folder(const struct gw_journal_io *io, DIR *entries, struct gw_str folder,
                                  struct gw_str name, struct gw_history *history)
{
    enum gw_status status = GW_OK;
    size_t capacity = 0;

    for (struct dirent *entry = readdir(entries); entry != NULL && status == GW_OK; entry = readdir(entries)) {
        struct gw_history_file file;
        size_t size = folder.length + strlen(entry->d_name) + 1;

        if (!is_candidate(entry->d_name, name))
            continue;
        file.path = gw_alloc(size);
        (void)snprintf(file.path, size, "%.*s%s", GW_STR_ARG(folder), entry->d_name);
        errno = 0;
        if (read_front(io, &file)) {
            status = add(history, file, &capacity);
            if (status == GW_OK)
                continue;
        }
        history->is_failing |= errno == EIO || errno == ENFILE || errno == EMFILE || errno == ENOMEM;
        free(file.path);
    }
    return status;
}

enum gw_status gw_history_find(const struct gw_journal_io *io, const char *path, struct gw_history *history,
                               struct gw_err *err)
{
    const char *slash = strrchr(path, '/');
    struct gw_str folder = {path, slash == NULL ? 0 : (size_t)(slash + 1 - path)};
    char *opened = gw_str_dup(folder.length == 0 ? GW_STR(".") : folder);
    DIR *entries = opendir(opened);
    enum gw_status status;

    free(opened);
    *history = (struct gw_history){.files = NULL};
    if (entries == NULL)
        return gw_fail(err, GW_E_IO, "audit file %s: cannot read its folder: %s", path, strerror(errno));
    status = read_folder(io, entries, folder, gw_str_from(path + folder.length), history);
    (void)closedir(entries);
    if (status != GW_OK) {
        gw_history_fini(history);
        return gw_fail(err, status, "audit file %s: more than %d files beside it; move old ones away", path,
                       GW_HISTORY_FILES_MAX);
    }
    if (history->count > 0)
        qsort(history->files, history->count, sizeof(*history->files), compare);
    return GW_OK;
}

void gw_history_fini(struct gw_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free(history->files[i].path);
    free(history->files);
    *history = (struct gw_history){.files = NULL};
}
