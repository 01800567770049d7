/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start does with files that aren't as a store left them: it says what is
 * wrong, and leaves them as they are.
 */
#include "sqlite_case.h"

#include "store/database.h"
#include "store/schema.h"

static void expect_refused(struct fixture *f, enum gw_status expected, const char *words)
{
    struct gw_err err;
    enum gw_status status = try_open(f, &err);

    if (status != expected || strstr(err.text, words) == NULL)
        fail_msg("%s: %s; not %s: %s", gw_status_name(status), err.text, gw_status_name(expected), words);
    assert_non_null(strstr(err.text, "eksgate.db"));
    assert_null(f->store);
}

static void write_file(const struct fixture *f, const char *text)
{
    FILE *out = fopen(f->path, "wb");

    assert_non_null(out);
    (void)fputs(text, out);
    (void)fclose(out);
}

static void open__no_folder__says_so(void **state)
{
    struct fixture *f = *state;

    (void)snprintf(f->path, sizeof(f->path), "%s/absent/eksgate.db", f->folder);
    expect_refused(f, GW_E_IO, "can't find its folder");
}

static void open__something_that_is_no_file__is_refused(void **state)
{
    struct fixture *f = *state;
    char target[128];

    assert_int_equal(mkdir(f->path, 0700), 0);
    expect_refused(f, GW_E_SYNTAX, "no regular file");
    assert_int_equal(rmdir(f->path), 0);
    (void)snprintf(target, sizeof(target), "%s/elsewhere", f->folder);
    assert_int_equal(symlink(target, f->path), 0);
    expect_refused(f, GW_E_SYNTAX, "no regular file");
}

static void open__through_a_folder_that_is_a_symlink__works(void **state)
{
    struct fixture *f = *state;
    char link[96];
    char path[sizeof(f->path)];

    memcpy(path, f->path, sizeof(path));
    (void)snprintf(link, sizeof(link), "%s/link", f->folder);
    assert_int_equal(symlink(f->folder, link), 0);
    (void)snprintf(f->path, sizeof(f->path), "%s/link/eksgate.db", f->folder);
    open_again(f);
    put_cluster(f, "my-cluster");
    close_store(f);
    memcpy(f->path, path, sizeof(path));
    assert_int_equal(unlink(link), 0);
    open_again(f);
    assert_int_equal(gw_store_count_clusters(f->store), 1);
}

static void open__no_database__is_refused_and_stays(void **state)
{
    struct fixture *f = *state;
    struct stat found;

    write_file(f,
               "this is a text, and it has more than a hundred bytes, because that is what SQLite wants to see before "
               "it says that it is no database\n");
    expect_refused(f, GW_E_SYNTAX, "not a database");
    assert_int_equal(stat(f->path, &found), 0);
    assert_in_range(found.st_size, 100, 200);
}

static void open__other_programs_database__is_refused_and_stays(void **state)
{
    struct fixture *f = *state;

    run_beside(f, "CREATE TABLE t (a)");
    expect_refused(f, GW_E_SYNTAX, "another program");
    expect_beside(f, "PRAGMA journal_mode", "delete");
    run_beside(f, "PRAGMA application_id = 7; DROP TABLE t");
    expect_refused(f, GW_E_SYNTAX, "another program");
    run_beside(f, "PRAGMA application_id = 0; PRAGMA user_version = 1");
    expect_refused(f, GW_E_SYNTAX, "another program");
}

static void open__newer_schema__is_refused_and_stays(void **state)
{
    struct fixture *f = *state;

    close_store(f);
    run_beside(f, "PRAGMA user_version = 99");
    expect_refused(f, GW_E_RANGE, "newer eksgate (schema 99, this one knows 1)");
    expect_beside(f, "PRAGMA user_version", "99");
    run_beside(f, "PRAGMA user_version = 1");
    open_again(f);
    assert_int_equal(gw_store_count_clusters(f->store), 1);
}

static void open__empty_file__is_made_a_store(void **state)
{
    struct fixture *f = *state;

    write_file(f, "");
    open_again(f);
    assert_true(gw_store_found(f->store)->is_new);
}

static void open__tables_that_are_not_ours__is_refused(void **state)
{
    static const char *const sql[] = {"DROP TABLE token", "ALTER TABLE access_entry RENAME COLUMN username TO name",
                                      "DROP TABLE state"};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(sql); i++) {
        close_store(f);
        run_beside(f, sql[i]);
        expect_refused(f, GW_E_SYNTAX, "its tables aren't what they should be");
        remove_files(f);
        open_again(f);
    }
}

/* Each on a store with a cluster (row 1) and an entry (row 2) with a token (row 3). */
static void open__row_that_is_not_as_it_was_written__is_refused(void **state)
{
    static const struct {
        const char *sql;
        const char *words;
    } cases[] = {
        {"UPDATE access_entry SET username = 'y'", "access_entry 2: isn't what was written"},
        {"UPDATE access_entry SET created_ms = created_ms + 1", "access_entry 2: isn't what was written"},
        {"UPDATE access_entry SET tags = x'7b7d'", "access_entry 2: isn't what was written"},
        {"UPDATE access_entry SET created_ms = 'x'", "access_entry 2: isn't what was written"},
        {"UPDATE access_entry SET checksum = 'x'", "access_entry 2: isn't what was written"},
        {"UPDATE access_entry SET id = 1", "access_entry 1: isn't what was written"},
        {"UPDATE access_entry SET id = -2", "access_entry -2: isn't what was written"},
        {"UPDATE cluster SET name = 'y'", "cluster 1: isn't what was written"},
        {"UPDATE token SET reply = 'y'", "token 3: isn't what was written"},
        {"UPDATE token SET id = 4", "token 4: isn't what was written"},
        {"UPDATE state SET last_id = 1", "state 1: isn't what was written"},
        {"UPDATE state SET audit_hash = x'00'", "state 1: isn't what was written"},
        {"DELETE FROM state", "state 1: is missing"},
        {"DELETE FROM access_entry", "rows are missing"},
        {"DELETE FROM token", "rows are missing"},
        {"DELETE FROM cluster", "access_entry 2: is of a cluster that isn't there"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        put(f, "a", "x", "t1", NOW);
        close_store(f);
        run_beside(f, cases[i].sql);
        expect_refused(f, GW_E_SYNTAX, cases[i].words);
        remove_files(f);
        open_again(f);
        put_cluster(f, "my-cluster");
    }
}

/* A row with a right checksum that a stranger has written. */
static void forge(struct fixture *f, const char *sql, const struct gw_rows_column *columns, size_t count)
{
    sqlite3 *handle = connect_beside(f);
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(gw_rows_bind(statement, columns, count), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
}

#define PUT_ENTRY "INSERT OR REPLACE INTO access_entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        .kind = GW_ROWS_KIND_TEXT, .text = GW_STR_INIT(literal)                                                        \
    }

/* A good row of an entry. */
static const struct gw_rows_column good_entry[] = {
    {.number = 2},   {.number = 1},         TEXT("p"),  TEXT("arn"),   TEXT("STANDARD"), TEXT("name"),
    TEXT("[\"g\"]"), TEXT("{\"k\":\"v\"}"), TEXT("[]"), {.number = 0}, {.number = 0}};

static void open__forged_entry__is_refused(void **state)
{
    static const struct {
        size_t at;
        struct gw_rows_column column;
        const char *words;
    } cases[] = {
        {0, {.number = 77}, "number that was never given"},
        {0, {.number = 0}, "number that was never given"},
        {0, {.number = -1}, "number that was never given"},
        {1, {.number = 5}, "cluster that isn't there"},
        {1, {.number = -1}, "cluster that isn't there"},
        {2, TEXT(""), "empty or endless ARN"},
        {3, TEXT(""), "empty or endless ARN"},
        {6, TEXT(""), "kubernetes_groups"},
        {6, TEXT("[\"g\" ]"), "kubernetes_groups"},
        {6, TEXT("[\"g\",]"), "kubernetes_groups"},
        {6, TEXT("[\"g\"]x"), "kubernetes_groups"},
        {6, TEXT("[\"g"), "kubernetes_groups"},
        {6, TEXT("[\"g\\"), "kubernetes_groups"},
        {6, TEXT("[1]"), "kubernetes_groups"},
        {6, TEXT("[\"\\u0000\"]"), "kubernetes_groups"},
        {6, TEXT("[\"\\u000a\"]"), "kubernetes_groups"},
        {6, TEXT("[\"\\u0041\"]"), "kubernetes_groups"},
        {6, TEXT("[\"\\u001F\"]"), "kubernetes_groups"},
        {6, TEXT("[\"\\/\"]"), "kubernetes_groups"},
        {6, TEXT("[\"a\nb\"]"), "kubernetes_groups"},
        {7, TEXT("[]"), "tags"},
        {7, TEXT("{\"k\"}"), "tags"},
        {7, TEXT("{\"k\":\"v\",\"k\":\"w\"}"), "tags"},
        {7, TEXT("{\"k\":1}"), "tags"},
        {8, TEXT("{}"), "associations"},
        {8, TEXT("[{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":1}]"), "associations"},
        {8, TEXT("[{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":01,\"modifiedMs\":1}]"), "associations"},
        {8, TEXT("[{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":-1,\"modifiedMs\":1}]"), "associations"},
        {8, TEXT("[{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":,\"modifiedMs\":1}]"), "associations"},
        {8, TEXT("[{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":1,\"modifiedMs\":253402300800000}]"),
         "associations"},
        {8,
         TEXT("[{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":1,\"modifiedMs\":1},"
              "{\"policyArn\":\"p\",\"namespaces\":null,\"associatedMs\":1,\"modifiedMs\":1}]"),
         "associations"},
        {9, {.number = -1}, "before 1970 or after 9999"},
        {10, {.number = INT64_MAX}, "before 1970 or after 9999"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_rows_column columns[GW_COUNT(good_entry)];

        put(f, "a", "x", "t1", NOW);
        close_store(f);
        memcpy(columns, good_entry, sizeof(columns));
        columns[cases[i].at] = cases[i].column;
        forge(f, PUT_ENTRY, columns, GW_COUNT(columns));
        expect_refused(f, GW_E_SYNTAX, cases[i].words);
        remove_files(f);
        open_again(f);
        put_cluster(f, "my-cluster");
    }
}

static void open__forged_cluster_or_token__is_refused(void **state)
{
    static const struct gw_rows_column cluster[] = {{.number = 3}, TEXT("aws"),   TEXT("1"),  TEXT("r"),
                                                    TEXT("c"),     {.number = 0}, TEXT("{}"), TEXT("[]")};
    static const struct {
        size_t at;
        struct gw_rows_column column;
        const char *words;
    } cases[] = {
        {1, TEXT(""), "empty or endless name"},
        {4, TEXT(""), "empty or endless name"},
        {5, {.number = 3}, "mode"},
        {5, {.number = -1}, "mode"},
        {6, TEXT("[]"), "document"},
        {6, TEXT("{\"a\":1"), "document"},
        {7, TEXT("{}"), "updates"},
        {7, TEXT("[1]"), "updates"},
        {7, TEXT("[{},]"), "updates"},
    };
    static const struct gw_rows_column token[] = {{.number = 3},
                                                  {.number = 1},
                                                  {.number = 2},
                                                  {.kind = GW_ROWS_KIND_BYTES,
                                                   .text = GW_STR_INIT("0123456789012345"
                                                                       "0123456789012345")},
                                                  {.kind = GW_ROWS_KIND_BYTES, .text = GW_STR_INIT("x")},
                                                  {.number = 0},
                                                  TEXT("reply")};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        struct gw_rows_column columns[GW_COUNT(cluster)];

        put(f, "a", "x", "t1", NOW);
        close_store(f);
        memcpy(columns, cluster, sizeof(columns));
        columns[cases[i].at] = cases[i].column;
        forge(f, "INSERT OR REPLACE INTO cluster VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", columns, GW_COUNT(columns));
        expect_refused(f, GW_E_SYNTAX, cases[i].words);
        remove_files(f);
        open_again(f);
        put_cluster(f, "my-cluster");
    }
    put(f, "a", "x", "t1", NOW);
    close_store(f);
    forge(f, "INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?)", token, GW_COUNT(token));
    expect_refused(f, GW_E_SYNTAX, "digest, a time or an owner");
}

static void open__same_key_twice__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_rows_column columns[GW_COUNT(good_entry)];

    put(f, "p", "x", "t1", NOW);
    put(f, "q", "x", "t1", NOW + 5000);
    close_store(f);
    memcpy(columns, good_entry, sizeof(columns));
    forge(f, PUT_ENTRY, columns, GW_COUNT(columns));
    columns[0].number = 3;
    forge(f, PUT_ENTRY, columns, GW_COUNT(columns));
    expect_refused(f, GW_E_SYNTAX, "access_entry 3: is there twice");
}

static void mark_restored__is_found_by_the_next_start_until_a_record_is_committed(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head head = {.sequence = 5};
    struct gw_err err;
    sqlite3 *handle;

    close_store(f);
    handle = connect_beside(f);
    assert_int_equal(gw_database_mark_restored(handle, f->path, &err), GW_OK);
    (void)sqlite3_close(handle);
    open_again(f);
    assert_true(gw_store_found(f->store)->is_restored);
    put(f, "a", "x", NULL, NOW);
    reopen(f);
    assert_true(gw_store_found(f->store)->is_restored);
    assert_true(gw_store_found(f->store)->has_unrecorded);
    assert_int_equal(gw_store_prepare(f->store, &head, &err), GW_OK);
    commit(f);
    reopen(f);
    assert_false(gw_store_found(f->store)->is_restored);
    assert_false(gw_store_found(f->store)->has_unrecorded);
    assert_int_equal(gw_store_found(f->store)->head.sequence, 5);
    close_store(f);
    run_beside(f, "UPDATE state SET audit_sequence = 6");
    handle = connect_beside(f);
    assert_int_equal(gw_database_mark_restored(handle, f->path, &err), GW_E_SYNTAX);
    (void)sqlite3_close(handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(open__no_folder__says_so),
        FOLDER_TEST(open__something_that_is_no_file__is_refused),
        FOLDER_TEST(open__through_a_folder_that_is_a_symlink__works),
        FOLDER_TEST(open__no_database__is_refused_and_stays),
        FOLDER_TEST(open__other_programs_database__is_refused_and_stays),
        DURABLE_TEST(open__newer_schema__is_refused_and_stays),
        FOLDER_TEST(open__empty_file__is_made_a_store),
        DURABLE_TEST(open__tables_that_are_not_ours__is_refused),
        DURABLE_TEST(open__row_that_is_not_as_it_was_written__is_refused),
        DURABLE_TEST(open__forged_entry__is_refused),
        DURABLE_TEST(open__forged_cluster_or_token__is_refused),
        DURABLE_TEST(open__same_key_twice__is_refused),
        DURABLE_TEST(mark_restored__is_found_by_the_next_start_until_a_record_is_committed),
    };

    return cmocka_run_group_tests_name("store/sqlite_open", tests, NULL, NULL);
}
