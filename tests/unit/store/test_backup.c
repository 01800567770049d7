/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of the durable engine's file, made beside the store that has it open, and
 * put back.
 */
#include "sqlite_case.h"

#include <dirent.h>
#include <sys/wait.h>

#include "disk_vfs.h"
#include "store/backup.h"

struct backup {
    struct fixture f;
    char to[sizeof(((struct fixture *)NULL)->path)];
    struct gw_backup_source source;
    struct gw_backup_report report;
    struct gw_err err;
};

static int open_backup(void **state)
{
    struct backup *b = gw_alloc_zero(1, sizeof(*b));

    set_up_file(&b->f);
    open_again(&b->f);
    put_cluster(&b->f, "my-cluster");
    (void)snprintf(b->to, sizeof(b->to), "%s/copy.db", b->f.folder);
    b->source = (struct gw_backup_source){.path = b->f.path, .busy_ms = 50};
    *state = b;
    return 0;
}

static void stage_entry(struct fixture *f, const char *principal)
{
    assert_int_equal(stage(f, principal, 0, "user"), GW_OK);
}

static void put_entry(struct fixture *f, const char *principal)
{
    stage_entry(f, principal);
    commit(f);
}

/* Names in the folder that have `part` in them. */
static size_t count_names(const struct backup *b, const char *part)
{
    DIR *folder = opendir(b->f.folder);
    size_t count = 0;

    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += strstr(entry->d_name, part) != NULL;
    (void)closedir(folder);
    return count;
}

static int close_backup(void **state)
{
    struct backup *b = *state;
    DIR *folder = opendir(b->f.folder);
    char name[512];

    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)snprintf(name, sizeof(name), "%s/%s", b->f.folder, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(name);
    }
    (void)closedir(folder);
    tear_down_file(&b->f);
    free(b);
    return 0;
}

static enum gw_status make(struct backup *b)
{
    b->err.text[0] = '\0';
    return gw_backup_make(&b->source, b->to, &b->report, &b->err);
}

static enum gw_status restore(struct backup *b)
{
    const struct gw_backup_source from = {.path = b->to, .busy_ms = 50, .vfs = b->source.vfs};

    b->err.text[0] = '\0';
    return gw_backup_restore(b->f.path, &from, &b->report, &b->err);
}

static void assert_done(struct backup *b, enum gw_status status)
{
    if (status != GW_OK)
        fail_msg("%s: %s", gw_status_name(status), b->err.text);
}

static void assert_refused(struct backup *b, enum gw_status status, enum gw_status wanted, const char *words)
{
    assert_string_equal(gw_status_name(status), gw_status_name(wanted));
    if (strstr(b->err.text, words) == NULL)
        fail_msg("%s", b->err.text);
}

/* Runs SQL in the copy. */
static void change_copy(const struct backup *b, const char *sql)
{
    struct fixture copy = {.path = ""};

    memcpy(copy.path, b->to, sizeof(copy.path));
    run_beside(&copy, sql);
}

static void backup__store_open__copy_has_what_was_committed(void **state)
{
    struct backup *b = *state;
    struct stat info;

    put_entry(&b->f, "one");
    put_entry(&b->f, "two");
    assert_done(b, make(b));
    assert_int_equal(b->report.access_entries, 2);
    assert_int_equal(b->report.clusters, 1);
    assert_int_equal(stat(b->to, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(b->report.bytes, info.st_size);
    put_entry(&b->f, "three");
    assert_int_equal(count_names(b, "copy.db"), 1);
    close_store(&b->f);
    assert_done(b, restore(b));
    open_again(&b->f);
    assert_true(gw_store_found(b->f.store)->is_restored);
    assert_int_equal(gw_store_count(b->f.store), 2);
    stage_entry(&b->f, "four");
    assert_int_equal(gw_store_prepare(b->f.store, &(struct gw_chain_head){.sequence = 1}, &b->err), GW_OK);
    commit(&b->f);
    reopen(&b->f);
    assert_false(gw_store_found(b->f.store)->is_restored);
    assert_int_equal(gw_store_count(b->f.store), 3);
}

/* The copy comes from the log as much as from the database. */
static void backup__transaction_open__copy_has_the_one_before(void **state)
{
    struct backup *b = *state;
    struct gw_err err;

    put_entry(&b->f, "one");
    stage_entry(&b->f, "two");
    assert_int_equal(gw_store_prepare(b->f.store, NULL, &err), GW_OK);
    assert_done(b, make(b));
    assert_int_equal(b->report.access_entries, 1);
    commit(&b->f);
    assert_int_equal(gw_store_count(b->f.store), 2);
}

static void backup__name_taken__is_duplicate(void **state)
{
    struct backup *b = *state;

    assert_done(b, make(b));
    assert_refused(b, make(b), GW_E_DUPLICATE, "copy.db: is there already; name another");
    assert_int_equal(unlink(b->to), 0);
    assert_int_equal(symlink("/nowhere", b->to), 0);
    assert_refused(b, make(b), GW_E_DUPLICATE, "copy.db: is there already");
}

static void backup__no_database__is_missing(void **state)
{
    struct backup *b = *state;

    b->source.path = "/nowhere/eksgate.db";
    assert_refused(b, make(b), GW_E_MISSING, "/nowhere/eksgate.db: can't open it: No such file or directory");
    b->source.path = b->f.folder;
    assert_refused(b, make(b), GW_E_SYNTAX, "is no regular file");
    assert_int_equal(count_names(b, "copy"), 0);
}

static void backup__others_database__is_syntax_error(void **state)
{
    struct backup *b = *state;
    struct fixture other = {.path = ""};

    (void)snprintf(other.path, sizeof(other.path), "%s/other.db", b->f.folder);
    run_beside(&other, "CREATE TABLE t (a)");
    b->source.path = other.path;
    assert_refused(b, make(b), GW_E_SYNTAX, "is a database of another program");
    run_beside(&other, "PRAGMA application_id = 0x656b7367; PRAGMA user_version = 99");
    assert_refused(b, make(b), GW_E_RANGE, "was written by a newer eksgate");
    assert_int_equal(count_names(b, "copy"), 0);
}

static void backup__row_altered__is_syntax_error(void **state)
{
    struct backup *b = *state;

    put_entry(&b->f, "one");
    run_beside(&b->f, "UPDATE access_entry SET username = 'root'");
    assert_refused(b, make(b), GW_E_SYNTAX, "of access_entry isn't what was written");
    assert_int_equal(count_names(b, "copy"), 0);
}

static void restore__row_altered_or_gone__is_syntax_error(void **state)
{
    static const char *const changes[] = {
        "UPDATE access_entry SET username = 'root'",
        "DELETE FROM access_entry",
        "UPDATE cluster SET mode = 0 WHERE mode <> 0; UPDATE cluster SET account = '111122223333'",
        "UPDATE state SET audit_sequence = 5",
        "DELETE FROM state",
        "DROP TABLE token",
        "PRAGMA user_version = 2",
        "PRAGMA application_id = 1",
    };
    struct backup *b = *state;

    put_entry(&b->f, "one");
    for (size_t i = 0; i < GW_COUNT(changes); i++) {
        assert_done(b, make(b));
        change_copy(b, changes[i]);
        close_store(&b->f);
        if (restore(b) == GW_OK)
            fail_msg("taken: %s", changes[i]);
        assert_string_not_equal(b->err.text, "");
        assert_int_equal(count_names(b, "restoring"), 0);
        assert_int_equal(count_names(b, "replaced"), 0);
        open_again(&b->f);
        assert_int_equal(gw_store_count(b->f.store), 1);
        assert_int_equal(unlink(b->to), 0);
    }
}

static void restore__store_open__is_busy(void **state)
{
    struct backup *b = *state;

    assert_done(b, make(b));
    assert_refused(b, restore(b), GW_E_BUSY, "has it; end that one");
    assert_int_equal(count_names(b, "restoring"), 0);
}

/* SQLite's command line, in the middle of a look: closing it would remove the new one's log by its name. */
static void restore__other_program_reads__is_busy(void **state)
{
    struct backup *b = *state;
    char byte;
    int stop[2];
    int ready[2];
    pid_t child;

    assert_done(b, make(b));
    close_store(&b->f);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        sqlite3 *handle = connect_beside(&b->f);

        run_sql(handle, "SELECT count(*) FROM cluster");
        (void)close(stop[1]);
        (void)!write(ready[1], "r", 1);
        (void)!read(stop[0], &byte, 1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_refused(b, restore(b), GW_E_BUSY, "has it open; end that one");
    assert_int_equal(count_names(b, "replaced"), 0);
    (void)close(stop[0]);
    (void)close(stop[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ready[0]);
    (void)close(ready[1]);
    assert_done(b, restore(b));
}

static void restore__of_the_database_itself__is_refused(void **state)
{
    struct backup *b = *state;

    close_store(&b->f);
    memcpy(b->to, b->f.path, sizeof(b->to));
    assert_refused(b, restore(b), GW_E_DUPLICATE, "is the database itself");
}

static void restore__twice_in_a_second__keeps_both(void **state)
{
    struct backup *b = *state;

    assert_done(b, make(b));
    close_store(&b->f);
    for (int i = 0; i < 3; i++)
        assert_done(b, restore(b));
    assert_int_equal(count_names(b, ".replaced-"), 3);
    open_again(&b->f);
}

static void restore__cut_off__store_refuses_until_it_is_done_again(void **state)
{
    struct backup *b = *state;
    char name[256];
    FILE *file;

    assert_done(b, make(b));
    close_store(&b->f);
    (void)snprintf(name, sizeof(name), "%s.restoring", b->f.path);
    file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(try_open(&b->f, &b->err), GW_E_SYNTAX);
    assert_non_null(strstr(b->err.text, "run eksgate restore again"));
    (void)snprintf(b->to + strlen(b->to), 2, "2");
    assert_refused(b, make(b), GW_E_SYNTAX, "run eksgate restore again");
    b->to[strlen(b->to) - 1] = '\0';
    assert_done(b, restore(b));
    open_again(&b->f);
}

static void restore__as_root__gives_it_to_the_old_ones_owner(void **state)
{
    struct backup *b = *state;
    struct stat info;

    if (geteuid() != 0)
        skip();
    assert_done(b, make(b));
    close_store(&b->f);
    assert_int_equal(chown(b->f.path, 65534, 65534), 0);
    assert_done(b, restore(b));
    assert_int_equal(stat(b->f.path, &info), 0);
    assert_int_equal(info.st_uid, 65534);
    assert_int_equal(info.st_mode & 07777, 0600);
    open_again(&b->f);
}

/* Every call in turn: what failed leaves nothing, and the database as it was. */
static void backup__disk_fails_at_any_call__leaves_nothing(void **state)
{
    static const struct {
        unsigned kinds;
        int code;
    } faults[] = {{DISK_WRITE, SQLITE_FULL},
                  {DISK_WRITE, SQLITE_IOERR_WRITE},
                  {DISK_READ, SQLITE_IOERR_READ},
                  {DISK_SYNC, SQLITE_IOERR_FSYNC},
                  {DISK_OPEN, SQLITE_CANTOPEN}};
    struct backup *b = *state;
    size_t failed = 0;

    for (size_t i = 0; i < 40; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "r%zu", i);
        put_entry(&b->f, name);
    }
    b->source.vfs = DISK_NAME;
    for (size_t i = 0; i < GW_COUNT(faults); i++) {
        unsigned at = 0;
        bool hit = true;

        while (hit) {
            disk_begin(faults[i].kinds, ++at, faults[i].code);
            if (make(b) == GW_OK) {
                assert_int_equal(unlink(b->to), 0);
            } else {
                failed++;
                assert_string_not_equal(b->err.text, "");
            }
            hit = disk.hits > 0;
            disk_end();
            assert_int_equal(count_names(b, "copy"), 0);
        }
    }
    assert_true(failed > 20);
    b->source.vfs = NULL;
    put_entry(&b->f, "after");
    assert_done(b, make(b));
    assert_int_equal(b->report.access_entries, 41);
}

static void restore__disk_fails_at_any_call__leaves_the_old_one(void **state)
{
    struct backup *b = *state;
    unsigned at = 1;

    put_entry(&b->f, "one");
    assert_done(b, make(b));
    put_entry(&b->f, "two");
    close_store(&b->f);
    b->source.vfs = DISK_NAME;
    for (disk_begin(DISK_WRITE | DISK_READ | DISK_SYNC | DISK_OPEN, at, SQLITE_IOERR); restore(b) != GW_OK;
         disk_begin(DISK_WRITE | DISK_READ | DISK_SYNC | DISK_OPEN, ++at, SQLITE_IOERR)) {
        disk_end();
        open_again(&b->f);
        assert_int_equal(gw_store_count(b->f.store), 2);
        close_store(&b->f);
        assert_int_equal(count_names(b, "replaced"), 0);
    }
    disk_end();
    assert_true(at > 5);
    open_again(&b->f);
    assert_int_equal(gw_store_count(b->f.store), 1);
}

static void read_head__store_open__is_the_committed_one(void **state)
{
    struct backup *b = *state;
    struct gw_chain_head head = {.sequence = 7, .hash = {1, 2, 3}};
    struct gw_chain_head found;

    stage_entry(&b->f, "one");
    assert_int_equal(gw_store_prepare(b->f.store, &head, &b->err), GW_OK);
    assert_int_equal(gw_backup_read_head(&b->source, &found, &b->err), GW_OK);
    assert_int_equal(found.sequence, 0);
    commit(&b->f);
    assert_int_equal(gw_backup_read_head(&b->source, &found, &b->err), GW_OK);
    assert_true(gw_chain_equal(&found, &head));
    assert_done(b, make(b));
    assert_true(gw_chain_equal(&b->report.head, &head));
    b->source.path = "/nowhere";
    assert_int_equal(gw_backup_read_head(&b->source, &found, &b->err), GW_E_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_backup, close_backup)
        T(backup__store_open__copy_has_what_was_committed),
        T(backup__transaction_open__copy_has_the_one_before),
        T(backup__name_taken__is_duplicate),
        T(backup__no_database__is_missing),
        T(backup__others_database__is_syntax_error),
        T(backup__row_altered__is_syntax_error),
        T(restore__row_altered_or_gone__is_syntax_error),
        T(restore__store_open__is_busy),
        T(restore__other_program_reads__is_busy),
        T(restore__of_the_database_itself__is_refused),
        T(restore__twice_in_a_second__keeps_both),
        T(restore__cut_off__store_refuses_until_it_is_done_again),
        T(restore__as_root__gives_it_to_the_old_ones_owner),
        T(backup__disk_fails_at_any_call__leaves_nothing),
        T(restore__disk_fails_at_any_call__leaves_the_old_one),
        T(read_head__store_open__is_the_committed_one),
    };

    disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
