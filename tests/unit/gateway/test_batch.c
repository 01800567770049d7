/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch against a durable store and a journal, when one of them says no: what
 * is published, what is recorded, and what the records say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "disk_vfs.h"
#include "gateway/batch.h"

#define CHANGE  GW_CHAIN_FRONT "\"change\":true}},\"eventName\":\"CreateAccessEntry\"}"
#define REFUSAL GW_CHAIN_FRONT "\"status\":403}},\"eventName\":\"CreateAccessEntry\"}"

struct fixture {
    char folder[64];
    char audit[96];
    char database[96];
    struct gw_epoch *epoch;
    struct gw_store *store;
    struct gw_journal *journal;
    struct gw_commit_counters counters;
    struct gw_batch batch;
};

static unsigned sync_fails; /* which of the journal's next ones; 0: none */

static int sync_or_fail(int fd)
{
    if (sync_fails == 0 || --sync_fails > 0)
        return fdatasync(fd);
    errno = EIO;
    return -1;
}

static void encode_reply(const struct gw_access_entry *entry, struct gw_buf *reply)
{
    (void)entry;
    gw_buf_append_lit(reply, "{}");
}

static void open_files(struct fixture *f)
{
    static const struct gw_store_options store_options = {
        .tokens_max = 100, .tokens_per_entry_max = 16, .token_age_ms = 1000};
    static struct gw_journal_io io;
    struct gw_store_file file = {.path = f->database, .busy_ms = 20, .vfs = DISK_NAME, .encode_reply = encode_reply};
    struct gw_journal_options journal_options = {
        .path = f->audit, .durable = true, .io = &io, .clock = gw_clock_system(), .random = gw_random_system()};
    struct gw_journal_start start = {0};
    struct gw_journal_begun begun;
    struct gw_chain_head head;
    struct gw_err err = {""};

    io = *gw_journal_io_system();
    io.sync = sync_or_fail;
    if (gw_store_open_sqlite(&store_options, &file, f->epoch, gw_random_system(), &f->store, &err) != GW_OK)
        fail_msg("%s", err.text);
    if (gw_journal_open(&journal_options, &f->journal, &err) != GW_OK)
        fail_msg("%s", err.text);
    start.is_durable = true;
    start.is_new = gw_store_found(f->store)->is_new;
    start.committed = gw_store_found(f->store)->head;
    if (gw_journal_begin(f->journal, &start, &begun, &err) != GW_OK)
        fail_msg("%s", err.text);
    head = gw_journal_head(f->journal);
    assert_int_equal(gw_store_prepare(f->store, &head, &err), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

static const struct gw_commit_options options = {.queue_max = 100, .queue_age_ms = 60000};

static int set_up(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/gw_batch_XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->audit, sizeof(f->audit), "%s/audit.jsonl", f->folder);
    (void)snprintf(f->database, sizeof(f->database), "%s/store.db", f->folder);
    sync_fails = 0;
    disk_register();
    f->epoch = gw_epoch_new();
    open_files(f);
    gw_batch_init(&f->batch, &options, f->store, f->journal, gw_clock_system(), &f->counters);
    *state = f;
    return 0;
}

/* Calls `each` for every file of the folder. */
static void walk_folder(const struct fixture *f, void (*each)(const char *path, void *ctx), void *ctx)
{
    DIR *folder = opendir(f->folder);
    const struct dirent *found;
    char path[512];

    assert_non_null(folder);
    while ((found = readdir(folder)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, found->d_name);
        if (found->d_name[0] != '.')
            each(path, ctx);
    }
    (void)closedir(folder);
}

static void remove_file(const char *path, void *ctx)
{
    (void)ctx;
    assert_int_equal(unlink(path), 0);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_batch_fini(&f->batch);
    gw_journal_close(&f->journal);
    gw_store_close(&f->store);
    disk_end();
    gw_epoch_free(&f->epoch);
    walk_folder(f, remove_file, NULL);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

/* A new cluster of that name, with its record. */
static void make_job(struct gw_commit_job *job, struct gw_store_change *change, const char *name)
{
    const struct gw_cluster from = {
        .key = {GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2"), gw_str_from(name), GW_STR_NONE},
        .document = GW_STR_INIT("{}")};

    *change = (struct gw_store_change){.cluster_act = GW_STORE_PUT, .cluster = gw_cluster_new(&from)};
    change->key = change->cluster->key;
    *job = (struct gw_commit_job){
        .change = change, .record = GW_STR_INIT(CHANGE), .queued_ms = gw_clock_monotonic_ms(gw_clock_system())};
}

static void run(struct fixture *f, struct gw_commit_job *first, struct gw_commit_job *second)
{
    struct gw_job_list jobs = {.first = first, .count = second == NULL ? 1 : 2};

    first->next = second;
    gw_batch_run(&f->batch, &jobs);
}

/* One new cluster by itself. */
static enum gw_status run_one(struct fixture *f, const char *name)
{
    struct gw_store_change change;
    struct gw_commit_job job;

    make_job(&job, &change, name);
    run(f, &job, NULL);
    gw_store_change_drop(&change);
    return job.status;
}

struct count {
    const char *text;
    size_t lines;
};

static void count_in_file(const char *path, void *ctx)
{
    struct count *count = ctx;
    struct gw_buf text;
    struct gw_str rest;
    struct gw_err err;

    if (strstr(path, "audit.jsonl") == NULL)
        return;
    gw_buf_init(&text, (size_t)1 << 20);
    assert_int_equal(gw_file_read(path, &text, &err), GW_OK);
    rest = gw_buf_str(&text);
    while (rest.at != NULL) {
        struct gw_str line = gw_str_split(&rest, '\n');

        count->lines += gw_str_search(line, gw_str_from(count->text)) != SIZE_MAX;
    }
    gw_buf_fini(&text);
}

/* How many lines of the audit files hold the text, those that were given up included. */
static size_t count_text(const struct fixture *f, const char *text)
{
    struct count count = {.text = text};

    walk_folder(f, count_in_file, &count);
    return count.lines;
}

static void batch__change__is_in_both_files_when_it_is_done(void **state)
{
    struct fixture *f = *state;
    uint64_t syncs = gw_journal_counters(f->journal)->syncs;

    assert_int_equal(run_one(f, "a"), GW_OK);
    assert_int_equal(gw_store_count_clusters(f->store), 1);
    assert_int_equal(count_text(f, "\"change\":true"), 1);
    assert_int_equal(gw_journal_counters(f->journal)->syncs, syncs + 1);
    assert_int_equal(f->counters.head_sequence, gw_journal_head(f->journal).sequence);
}

static void batch__records_alone__are_synced_by_the_tick(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job job = {.record = GW_STR_INIT(REFUSAL), .queued_ms = gw_clock_monotonic_ms(gw_clock_system())};
    uint64_t syncs = gw_journal_counters(f->journal)->syncs;
    uint64_t transactions = gw_store_counters(f->store)->transactions;

    run(f, &job, NULL);
    assert_int_equal(job.status, GW_OK);
    assert_int_equal(count_text(f, "\"status\":403"), 1);
    assert_int_equal(gw_journal_counters(f->journal)->syncs, syncs);
    assert_true(f->counters.head_sequence < gw_journal_head(f->journal).sequence); /* durable ones are shown */
    gw_batch_tick(&f->batch);
    assert_int_equal(f->counters.head_sequence, gw_journal_head(f->journal).sequence);
    assert_int_equal(gw_journal_counters(f->journal)->syncs, syncs + 1);
    assert_int_equal(gw_store_counters(f->store)->transactions, transactions + 1);
    gw_batch_tick(&f->batch);
    assert_int_equal(gw_store_counters(f->store)->transactions, transactions + 1);
}

static void batch__locked_store__refuses_changes_unrecorded_and_records_refusals(void **state)
{
    struct fixture *f = *state;
    struct gw_store_change change;
    struct gw_commit_job first;
    struct gw_commit_job second = {.record = GW_STR_INIT(REFUSAL),
                                   .queued_ms = gw_clock_monotonic_ms(gw_clock_system())};
    sqlite3 *other;

    assert_int_equal(sqlite3_open(f->database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    make_job(&first, &change, "a");
    run(f, &first, &second);
    assert_int_equal(first.status, GW_E_BUSY);
    assert_int_equal(second.status, GW_OK);
    assert_int_equal(count_text(f, "\"change\":true"), 0);
    assert_int_equal(count_text(f, "\"status\":403"), 1);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(run_one(f, "b"), GW_OK);
    assert_int_equal(gw_store_count_clusters(f->store), 1);
    gw_store_change_drop(&change);
}

static int64_t settable_clock(void *ctx)
{
    const int64_t *now = ctx;

    return *now;
}

static void tick__locked_store__is_left_alone_for_a_while(void **state)
{
    struct fixture *f = *state;
    int64_t now = 1000;
    struct gw_clock clock = {&now, settable_clock, settable_clock};
    struct gw_commit_job job = {.record = GW_STR_INIT(REFUSAL), .queued_ms = now};
    sqlite3 *other;

    f->batch.clock = &clock;
    assert_int_equal(sqlite3_open(f->database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    run(f, &job, NULL);
    for (int i = 0; i < 3; i++)
        gw_batch_tick(&f->batch);
    assert_int_equal(f->counters.failed_io, 1);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    now += 10000;
    gw_batch_tick(&f->batch);
    assert_int_equal(f->batch.committed.sequence, gw_journal_head(f->journal).sequence);
    f->batch.clock = gw_clock_system();
}

static void batch__record_that_cant_be_synced__takes_its_change_along(void **state)
{
    struct fixture *f = *state;

    sync_fails = 1;
    assert_int_equal(run_one(f, "a"), GW_E_IO);
    assert_int_equal(gw_store_count_clusters(f->store), 0);
    assert_int_equal(run_one(f, "b"), GW_OK);
    assert_int_equal(gw_store_count_clusters(f->store), 1);
    assert_int_equal(gw_journal_counters(f->journal)->given_up, 1);
    assert_int_equal(count_text(f, "\"settles\""), 0);
}

/* Files may not grow past `bytes`; writing more fails instead of ending the process. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The store's log can't take a page, while the audit file still takes a line. */
static void batch__commit_fails_behind_its_record__another_record_says_so(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    enum gw_status status;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    gw_store_tend(f->store);
    limit_files(4000);
    status = run_one(f, "a");
    limit_files(before.rlim_cur);
    assert_int_equal(status, GW_E_IO);
    assert_int_equal(gw_store_count_clusters(f->store), 0);
    assert_int_equal(count_text(f, "\"change\":true"), 1);
    assert_int_equal(count_text(f, "\"outcome\":\"not applied\""), 1);
    assert_int_equal(run_one(f, "b"), GW_OK);
    assert_int_equal(count_text(f, "\"settles\""), 1);
}

static void batch__commit_that_cant_be_told__is_unknown_and_the_last(void **state)
{
    struct fixture *f = *state;

    disk_begin(DISK_SYNC, 1, SQLITE_IOERR_FSYNC);
    assert_int_equal(run_one(f, "a"), GW_E_UNKNOWN);
    assert_int_equal(gw_store_count_clusters(f->store), 0);
    assert_int_equal(count_text(f, "\"outcome\":\"unknown\""), 1);
    assert_int_equal(run_one(f, "b"), GW_E_IO);
    assert_int_equal(count_text(f, "\"change\":true"), 1);
    gw_batch_tick(&f->batch);
    assert_true(f->batch.committed.sequence < gw_journal_head(f->journal).sequence);
}

/* In the file that is written now. */
static bool says_not_applied(const struct fixture *f)
{
    struct gw_buf text;
    struct gw_err err;
    bool says;

    gw_buf_init(&text, (size_t)1 << 20);
    assert_int_equal(gw_file_read(f->audit, &text, &err), GW_OK);
    says = gw_str_search(gw_buf_str(&text), GW_STR("\"outcome\":\"not applied\"")) != SIZE_MAX;
    gw_buf_fini(&text);
    return says;
}

/* The commit fails behind the change's record, and the record that should say so isn't durable. */
static void fail_twice(struct fixture *f)
{
    disk_begin(DISK_WRITE, 1, SQLITE_FULL);
    sync_fails = 2;
    assert_int_equal(run_one(f, "a"), GW_E_IO);
    disk_begin(0, 0, 0);
    assert_int_equal(sync_fails, 0);
    assert_false(says_not_applied(f));
}

static void owed__record_that_says_so_cant_be_written__is_in_front_of_the_next_change(void **state)
{
    struct fixture *f = *state;

    fail_twice(f);
    assert_int_equal(run_one(f, "b"), GW_OK);
    assert_true(says_not_applied(f));
}

static void owed__nothing_comes__is_told_by_the_tick(void **state)
{
    struct fixture *f = *state;

    fail_twice(f);
    gw_batch_tick(&f->batch);
    assert_true(says_not_applied(f));
    assert_int_equal(f->batch.committed.sequence, gw_journal_head(f->journal).sequence);
}

static void owed__store_takes_nothing__is_told_all_the_same(void **state)
{
    struct fixture *f = *state;
    sqlite3 *other;

    fail_twice(f);
    assert_int_equal(sqlite3_open(f->database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(run_one(f, "b"), GW_E_BUSY);
    assert_true(says_not_applied(f));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batch__change__is_in_both_files_when_it_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch__records_alone__are_synced_by_the_tick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch__locked_store__refuses_changes_unrecorded_and_records_refusals, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tick__locked_store__is_left_alone_for_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch__record_that_cant_be_synced__takes_its_change_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batch__commit_fails_behind_its_record__another_record_says_so, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(batch__commit_that_cant_be_told__is_unknown_and_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owed__record_that_says_so_cant_be_written__is_in_front_of_the_next_change,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(owed__nothing_comes__is_told_by_the_tick, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owed__store_takes_nothing__is_told_all_the_same, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
