/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying the database while a gateway has it. Nothing of the original is written,
 * and nobody waits: a reader of a database with a write-ahead log sees one moment.
 */
#include "store/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/copy.h"
#include "store/files.h"

static enum gw_status refuse_existing(const char *to, struct gw_err *err)
{
    struct stat info;

    if (lstat(to, &info) == 0)
        return gw_fail(err, GW_E_DUPLICATE, "%s: is there already; name another", to);
    return GW_OK;
}

static void fill_report(const struct gw_database_state *state, const char *path, struct gw_backup_report *report)
{
    struct stat info;

    *report = (struct gw_backup_report){
        .head = state->head, .clusters = state->clusters, .access_entries = state->access_entries};
    if (stat(path, &info) == 0)
        report->bytes = (uint64_t)info.st_size;
}

/* Under another name until it is whole and on the disk. */
static enum gw_status copy_to(sqlite3 *handle, const struct gw_backup_source *source, const char *to,
                              struct gw_backup_report *report, struct gw_err *err)
{
    struct gw_database_state state;
    enum gw_status status;
    char part[GW_BACKUP_NAME_SIZE];
    struct gw_copy copy = {.from = handle, .from_path = source->path, .to = part, .vfs = source->vfs};

    if ((size_t)snprintf(part, sizeof(part), "%s.part-%d", to, (int)getpid()) >= sizeof(part))
        return gw_fail(err, GW_E_IO, "%s: is too long", to);
    status = gw_copy_write(&copy, &state, err);
    if (status != GW_OK)
        return status;
    fill_report(&state, part, report);
    status = gw_copy_rename(part, to, err);
    if (status != GW_OK)
        (void)unlink(part);
    return status == GW_OK ? gw_file_sync_folder(to, err) : status;
}

enum gw_status gw_backup_make(const struct gw_backup_source *source, const char *to, struct gw_backup_report *report,
                              struct gw_err *err)
{
    sqlite3 *handle = NULL;
    char *resolved = NULL;
    enum gw_status status = gw_files_resolve(to, &resolved, err);

    if (status == GW_OK)
        status = refuse_existing(resolved, err);
    if (status == GW_OK)
        status = gw_files_check_restored(source->path, err);
    if (status == GW_OK)
        status = gw_copy_open(source, &handle, err);
    if (status == GW_OK)
        status = copy_to(handle, source, resolved, report, err);
    (void)sqlite3_close(handle);
    free(resolved);
    return status;
}

enum gw_status gw_backup_read_head(const struct gw_backup_source *source, struct gw_chain_head *head,
                                   struct gw_err *err)
{
    sqlite3 *handle = NULL;
    struct gw_database_state state;
    enum gw_status status = gw_copy_open(source, &handle, err);

    if (status == GW_OK)
        status = gw_copy_read_state(handle, source->path, &state, err);
    if (status == GW_OK)
        *head = state.head;
    (void)sqlite3_close(handle);
    return status;
}
