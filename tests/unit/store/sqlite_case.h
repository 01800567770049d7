/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SQLITE_CASE_H
#define GW_TEST_SQLITE_CASE_H

/*
 * What the tests of the durable engine add to cluster_case.h: a store with a file
 * in a folder of its own, closed and opened again, and looks into the file that go
 * past the store. One program includes it once, in the place of cluster_case.h.
 */

#include "cluster_case.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct gw_store_options durable_options = {
    .tokens_max = 100, .tokens_per_entry_max = 3, .token_age_ms = 1000};

/* An entry of new_entry has its username as reply. */
static inline void encode_username(const struct gw_access_entry *entry, struct gw_buf *reply)
{
    gw_buf_append_str(reply, entry->username);
}

static inline struct gw_store_file file_of(const struct fixture *f)
{
    return (struct gw_store_file){.path = f->path, .busy_ms = 50, .encode_reply = encode_username};
}

/* f->store is NULL unless GW_OK. */
static inline enum gw_status try_open_file(struct fixture *f, const struct gw_store_file *file, struct gw_err *err)
{
    f->store = NULL;
    err->text[0] = '\0';
    return gw_store_open_sqlite(&f->options, file, f->epoch, gw_random_system(), &f->store, err);
}

static inline enum gw_status try_open(struct fixture *f, struct gw_err *err)
{
    const struct gw_store_file file = file_of(f);

    return try_open_file(f, &file, err);
}

static inline void open_again(struct fixture *f)
{
    struct gw_err err;
    enum gw_status status = try_open(f, &err);

    if (status != GW_OK)
        fail_msg("%s: %s", gw_status_name(status), err.text);
}

/* The store is closed, and what readers saw of it is gone. */
static inline void close_store(struct fixture *f)
{
    gw_epoch_leave(f->reader);
    gw_store_close(&f->store);
    gw_epoch_reclaim(f->epoch);
    gw_epoch_enter(f->reader);
}

static inline void reopen(struct fixture *f)
{
    close_store(f);
    open_again(f);
}

static inline void make_folder(struct fixture *f)
{
    (void)snprintf(f->folder, sizeof(f->folder), "%s/eksgate-store-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* nothing here depends on the disk */
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/eksgate.db", f->folder);
}

/* Everything but the store. */
static inline void set_up_file(struct fixture *f)
{
    f->epoch = gw_epoch_new();
    f->reader = gw_epoch_register(f->epoch);
    f->cluster_max = 3000;
    f->options = durable_options;
    make_folder(f);
    gw_epoch_enter(f->reader);
}

static inline void remove_beside(const struct fixture *f, const char *suffix)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%s%s", f->path, suffix);
    (void)unlink(name);
}

static inline void remove_files(const struct fixture *f)
{
    remove_beside(f, "");
    remove_beside(f, "-wal");
    remove_beside(f, "-shm");
    remove_beside(f, "-journal");
    remove_beside(f, ".lock");
}

static inline void tear_down_file(struct fixture *f)
{
    gw_epoch_leave(f->reader);
    gw_epoch_unregister(f->reader);
    gw_store_close(&f->store);
    gw_epoch_free(&f->epoch);
    remove_files(f);
    (void)rmdir(f->folder);
}

/* A durable store with the cluster my-cluster. */
static inline int set_up_durable(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    set_up_file(f);
    open_again(f);
    put_cluster(f, "my-cluster");
    *state = f;
    return 0;
}

/* A folder without a file. */
static inline int set_up_folder(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    set_up_file(f);
    *state = f;
    return 0;
}

static inline int tear_down_durable(void **state)
{
    tear_down_file(*state);
    free(*state);
    return 0;
}

/* A connection of another program. */
static inline sqlite3 *connect_beside(const struct fixture *f)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open_v2(f->path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    return handle;
}

static inline void run_sql(sqlite3 *handle, const char *sql)
{
    char *words = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
}

/* Runs the SQL in the file, which the store needn't have open. */
static inline void run_beside(const struct fixture *f, const char *sql)
{
    sqlite3 *handle = connect_beside(f);

    run_sql(handle, sql);
    (void)sqlite3_close(handle);
}

/* What the SQL gives in its first column and row, as text. */
static inline void expect_beside(const struct fixture *f, const char *sql, const char *expected)
{
    sqlite3 *handle = connect_beside(f);
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), expected);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
}

#define DURABLE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_durable, tear_down_durable)
#define FOLDER_TEST(name)  cmocka_unit_test_setup_teardown(name, set_up_folder, tear_down_durable)

#endif
