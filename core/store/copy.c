/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VACUUM INTO reads one snapshot of the database, log included, and keeps nobody
 * from writing. It doesn't sync what it writes, so that is done here, before the
 * copy is read back.
 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/files.h"
#include "store/schema.h"

#ifndef SQLITE_OPEN_EXRESCODE
#define SQLITE_OPEN_EXRESCODE 0
#endif

static enum gw_status fail_io(const char *path, const char *what, struct gw_err *err)
{
    return gw_fail(err, errno == EEXIST ? GW_E_DUPLICATE : GW_E_IO, "%s: can't %s: %s", path, what, strerror(errno));
}

/* new */
static enum gw_status connect(const struct gw_backup_source *source, int flags, sqlite3 **handle, struct gw_err *err)
{
    sqlite3 *made = NULL;
    enum gw_status status = GW_OK;
    int code = sqlite3_open_v2(source->path, &made, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, source->vfs);

    if (made == NULL)
        gw_fatal("out of memory (SQLite)");
    if (code == SQLITE_OK)
        code = gw_database_harden(made, source->busy_ms);
    if (code != SQLITE_OK)
        status = gw_database_fail(made, source->path, "open it", code, err);
    if (status == GW_OK)
        *handle = made;
    else
        (void)sqlite3_close(made);
    return status;
}

/* No empty one is ours: a store has tables from its first commit on. */
static enum gw_status check_version(sqlite3 *handle, const char *path, int *version, struct gw_err *err)
{
    enum gw_status status = gw_schema_check(handle, path, version, err);

    if (status == GW_OK && *version == 0)
        status = gw_fail(err, GW_E_SYNTAX, "%s: is empty, no database of eksgate's", path);
    return status;
}

enum gw_status gw_copy_open(const struct gw_backup_source *source, sqlite3 **handle, struct gw_err *err)
{
    enum gw_status status;
    struct stat info;
    int version;

    if (stat(source->path, &info) != 0)
        return gw_fail(err, errno == ENOENT ? GW_E_MISSING : GW_E_IO, "%s: can't open it: %s", source->path,
                       strerror(errno));
    if (!S_ISREG(info.st_mode))
        return gw_fail(err, GW_E_SYNTAX, "%s: is no regular file", source->path);
    status = connect(source, SQLITE_OPEN_READONLY, handle, err);
    if (status == GW_OK)
        status = check_version(*handle, source->path, &version, err);
    if (status != GW_OK) {
        (void)sqlite3_close(*handle);
        *handle = NULL;
    }
    return status;
}

/* The last word of the SELECT. */
static const char *table_of(const char *sql)
{
    return strstr(sql, "FROM ") + sizeof("FROM ") - 1;
}

/* Counts the rows of the SELECT, each of which must have its checksum. */
static enum gw_status check_rows(sqlite3 *handle, const char *path, const char *sql, const char *kinds, uint64_t wanted,
                                 struct gw_err *err)
{
    struct gw_rows_column columns[16];
    sqlite3_stmt *statement = NULL;
    enum gw_status status = GW_OK;
    uint64_t count = 0;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
            break;
        count++;
        if (!gw_rows_read(statement, kinds, columns)) {
            status = gw_fail(err, GW_E_SYNTAX, "%s: row %lld of %s isn't what was written; use another", path,
                             (long long)sqlite3_column_int64(statement, 0), table_of(sql));
            break;
        }
    }
    if (status == GW_OK && code != SQLITE_DONE)
        status = gw_database_fail(handle, path, "read it", code, err);
    else if (status == GW_OK && count != wanted)
        status = gw_fail(err, GW_E_SYNTAX, "%s: has %llu rows of %s instead of %llu; use another", path,
                         (unsigned long long)count, table_of(sql), (unsigned long long)wanted);
    (void)sqlite3_finalize(statement);
    return status;
}

enum gw_status gw_copy_read_state(sqlite3 *handle, const char *path, struct gw_database_state *state,
                                  struct gw_err *err)
{
    sqlite3_stmt *statement = NULL;
    enum gw_status status = GW_OK;
    int code = sqlite3_prepare_v2(handle, GW_DATABASE_SELECT_STATE, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = gw_database_fail(handle, path, "read it", code, err);
    else if (code == SQLITE_DONE || !gw_database_read_state(statement, state))
        status = gw_fail(err, GW_E_SYNTAX, "%s: its state isn't what was written; use another", path);
    (void)sqlite3_finalize(statement);
    return status;
}

static enum gw_status check_structure(sqlite3 *handle, const char *path, struct gw_err *err)
{
    sqlite3_stmt *statement = NULL;
    enum gw_status status = GW_OK;
    const char *words = NULL;
    int code = sqlite3_prepare_v2(handle, "PRAGMA integrity_check(1)", -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        words = (const char *)sqlite3_column_text(statement, 0);
    if (words == NULL)
        status = gw_database_fail(handle, path, "check it", code, err);
    else if (strcmp(words, "ok") != 0)
        status = gw_fail(err, GW_E_SYNTAX, "%s: is corrupt (%.200s); use another", path, words);
    (void)sqlite3_finalize(statement);
    return status;
}

enum gw_status gw_copy_check(sqlite3 *handle, const char *path, struct gw_database_state *state, struct gw_err *err)
{
    enum gw_status status = check_structure(handle, path, err);

    if (status == GW_OK)
        status = gw_copy_read_state(handle, path, state, err);
    if (status == GW_OK)
        status = check_rows(handle, path, GW_DATABASE_SELECT_CLUSTERS, GW_ROWS_CLUSTER, state->clusters, err);
    if (status == GW_OK)
        status = check_rows(handle, path, GW_DATABASE_SELECT_ENTRIES, GW_ROWS_ENTRY, state->access_entries, err);
    if (status == GW_OK)
        status = check_rows(handle, path, GW_DATABASE_SELECT_TOKENS, GW_ROWS_TOKEN, state->tokens, err);
    return status;
}

static enum gw_status vacuum_into(const struct gw_copy *copy, struct gw_err *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(copy->from, "VACUUM INTO ?1", -1, &statement, NULL);
    enum gw_status status = GW_OK;

    if (code == SQLITE_OK)
        code = sqlite3_bind_text(statement, 1, copy->to, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code != SQLITE_DONE) {
        bool is_its_own = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;

        status = gw_database_fail(copy->from, is_its_own ? copy->from_path : copy->to,
                                  is_its_own ? "read it" : "write it", code, err);
    }
    (void)sqlite3_finalize(statement);
    return status;
}

static enum gw_status sync_file(const char *path, struct gw_err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    enum gw_status status = GW_OK;

    if (fd < 0 || fsync(fd) != 0)
        status = fail_io(path, "sync it", err);
    if (fd >= 0)
        (void)close(fd);
    return status;
}

/* What makes the copy ready for use. */
static enum gw_status finish(const struct gw_copy *copy, struct gw_database_state *state, struct gw_err *err)
{
    const struct gw_backup_source source = {.path = copy->to, .vfs = copy->vfs};
    sqlite3 *handle = NULL;
    int version = 0;
    enum gw_status status = connect(&source, SQLITE_OPEN_READWRITE, &handle, err);

    if (status == GW_OK)
        status = check_version(handle, copy->to, &version, err);
    if (status == GW_OK)
        status = gw_schema_migrate(handle, copy->to, version, err);
    if (status == GW_OK && copy->mark_restored)
        status = gw_database_mark_restored(handle, copy->to, err);
    if (status == GW_OK)
        status = gw_copy_check(handle, copy->to, state, err);
    (void)sqlite3_close(handle);
    return status;
}

static void remove_file(const char *path)
{
    char journal[GW_BACKUP_NAME_SIZE];

    (void)unlink(path);
    if ((size_t)snprintf(journal, sizeof(journal), "%s-journal", path) < sizeof(journal))
        (void)unlink(journal);
}

enum gw_status gw_copy_write(const struct gw_copy *copy, struct gw_database_state *state, struct gw_err *err)
{
    int fd = open(copy->to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum gw_status status = GW_OK;

    if (fd < 0)
        return fail_io(copy->to, "create it", err);
    if (copy->owner != NULL && fchown(fd, copy->owner->user, copy->owner->group) != 0)
        status = fail_io(copy->to, "give it to its owner", err);
    (void)close(fd);
    if (status == GW_OK)
        status = vacuum_into(copy, err); /* takes a file that is there if it is empty */
    if (status == GW_OK)
        status = sync_file(copy->to, err);
    if (status == GW_OK)
        status = finish(copy, state, err);
    if (status == GW_OK)
        status = sync_file(copy->to, err);
    if (status != GW_OK)
        remove_file(copy->to);
    return status;
}

enum gw_status gw_copy_rename(const char *from, const char *to, struct gw_err *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return GW_OK;
    if (errno == EEXIST)
        return gw_fail(err, GW_E_DUPLICATE, "%s: is there already; name another", to);
    if (errno != EINVAL && errno != ENOSYS)
        return fail_io(to, "create it", err);
    if (link(from, to) != 0) /* a file system that knows no such flag */
        return fail_io(to, "create it", err);
    return unlink(from) == 0 ? GW_OK : fail_io(from, "remove it", err);
}
