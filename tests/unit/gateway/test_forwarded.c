/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer and what is forwarded: a record that is awaited is on the disk when
 * its job is done, and what became of the change is recorded whatever the queue
 * and the disk are like.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "gateway/batch.h"

#define FORWARDED GW_CHAIN_FRONT "\"forwarded\":true}},\"eventName\":\"CreateNodegroup\"}"
#define READ      GW_CHAIN_FRONT "\"status\":200}},\"eventName\":\"ListClusters\"}"

struct fixture {
    char folder[64];
    char audit[96];
    struct gw_epoch *epoch;
    struct gw_store *store;
    struct gw_journal_io io;
    struct gw_journal *journal;
    struct gw_clock clock;
    int64_t now_ms;
    struct gw_commit_counters counters;
    struct gw_batch batch;
};

static bool disk_is_full;

static ssize_t write_or_fail(int fd, const void *bytes, size_t length)
{
    if (!disk_is_full)
        return write(fd, bytes, length);
    errno = ENOSPC;
    return -1;
}

static int64_t read_clock(void *ctx)
{
    const int64_t *now_ms = ctx;

    return *now_ms;
}

static const struct gw_commit_options options = {.queue_max = 2, .queue_age_ms = 5000};

static int set_up(void **state)
{
    static const struct gw_store_options store_options = {
        .tokens_max = 100, .tokens_per_entry_max = 16, .token_age_ms = 1000};
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    struct gw_journal_options journal_options = {.path = f->audit, .durable = true, .io = &f->io};
    struct gw_err err = {""};

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/gw_forwarded_XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->audit, sizeof(f->audit), "%s/audit.jsonl", f->folder);
    disk_is_full = false;
    f->io = *gw_journal_io_system();
    f->io.write = write_or_fail;
    f->now_ms = 10000;
    f->clock = (struct gw_clock){&f->now_ms, read_clock, read_clock};
    f->epoch = gw_epoch_new();
    f->store = gw_store_open_memory(&store_options, f->epoch, gw_random_system());
    if (gw_journal_open(&journal_options, &f->journal, &err) != GW_OK)
        fail_msg("%s", err.text);
    gw_batch_init(&f->batch, &options, f->store, f->journal, &f->clock, &f->counters);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_batch_fini(&f->batch);
    gw_journal_close(&f->journal);
    gw_store_close(&f->store);
    gw_epoch_free(&f->epoch);
    assert_int_equal(unlink(f->audit), 0);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static struct gw_commit_job awaited(const struct fixture *f)
{
    return (struct gw_commit_job){.is_awaited = true, .record = GW_STR_INIT(FORWARDED), .queued_ms = f->now_ms};
}

static struct gw_commit_job settling(const struct fixture *f, uint64_t sequence, const char *reason)
{
    return (struct gw_commit_job){
        .settles = sequence, .outcome = GW_JOURNAL_NOT_APPLIED, .reason = reason, .queued_ms = f->now_ms};
}

static void run(struct fixture *f, struct gw_commit_job *const *all, size_t count)
{
    struct gw_job_list jobs = {.first = all[0], .count = count};

    for (size_t i = 0; i < count; i++)
        all[i]->next = i + 1 < count ? all[i + 1] : NULL;
    gw_batch_run(&f->batch, &jobs);
}

static void run_one(struct fixture *f, struct gw_commit_job *job)
{
    run(f, &job, 1);
}

/* Where the text begins in the file; SIZE_MAX: nowhere. */
static size_t find(const struct fixture *f, const char *text)
{
    struct gw_buf file;
    struct gw_err err;
    size_t at;

    gw_buf_init(&file, (size_t)1 << 20);
    assert_int_equal(gw_file_read(f->audit, &file, &err), GW_OK);
    at = gw_str_search(gw_buf_str(&file), gw_str_from(text));
    gw_buf_fini(&file);
    return at;
}

static bool says(const struct fixture *f, const char *text)
{
    return find(f, text) != SIZE_MAX;
}

static void awaited__several_in_a_batch__are_durable_by_one_sync(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job first = awaited(f);
    struct gw_commit_job other = {.record = GW_STR_INIT(READ), .queued_ms = f->now_ms};
    struct gw_commit_job second = awaited(f);
    struct gw_commit_job *const jobs[] = {&first, &other, &second};
    uint64_t syncs = gw_journal_counters(f->journal)->syncs;

    run(f, jobs, GW_COUNT(jobs));
    assert_int_equal(first.status, GW_OK);
    assert_int_equal(second.status, GW_OK);
    assert_int_equal(second.sequence, first.sequence + 2);
    assert_int_equal(gw_journal_counters(f->journal)->syncs, syncs + 1);
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, second.sequence);
    run_one(f, &other);
    assert_int_equal(gw_journal_counters(f->journal)->syncs, syncs + 1);
}

static void awaited__disk_is_full__has_no_record(void **state)
{
    struct fixture *f = *state;
    struct gw_err err = {""};
    struct gw_commit_job first = awaited(f);
    struct gw_commit_job second = awaited(f);

    first.err = &err;
    disk_is_full = true;
    run_one(f, &first);
    assert_int_equal(first.status, GW_E_IO);
    assert_int_equal(first.sequence, 0);
    assert_non_null(strstr(err.text, "audit.jsonl"));
    disk_is_full = false;
    run_one(f, &second); /* by the number that the other had: nothing is said of that */
    assert_int_equal(second.status, GW_OK);
    assert_int_equal(second.sequence, 1);
    assert_false(says(f, "\"settles\""));
}

static void awaited__waited_too_long__is_refused_unrecorded(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job job = awaited(f);

    f->now_ms += 5001;
    run_one(f, &job);
    assert_int_equal(job.status, GW_E_BUSY);
    assert_int_equal(gw_journal_head(f->journal).sequence, 0);
}

static void awaited__no_audit__is_done(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job job = awaited(f);

    f->batch.journal = NULL;
    run_one(f, &job);
    assert_int_equal(job.status, GW_OK);
    assert_int_equal(job.sequence, 0);
}

static void settling__late__is_recorded_and_not_synced(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job job = awaited(f);
    struct gw_commit_job end;
    uint64_t syncs;

    run_one(f, &job);
    syncs = gw_journal_counters(f->journal)->syncs;
    end = settling(f, job.sequence, "429 of the upstream");
    f->now_ms += 60000;
    run_one(f, &end);
    assert_int_equal(end.status, GW_OK);
    assert_int_equal(end.sequence, 2);
    assert_true(
        says(f, "\"settles\":1,\"outcome\":\"not applied\",\"reason\":\"429 of the upstream\",\"forwarded\":true"));
    assert_int_equal(gw_journal_counters(f->journal)->syncs, syncs);
}

/* Each with its own words, in front of what comes next. */
static void settling__disk_is_full__is_told_when_it_isnt(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job jobs[] = {awaited(f), awaited(f), awaited(f)};
    struct gw_commit_job first;
    struct gw_commit_job second;

    run_one(f, &jobs[0]);
    run_one(f, &jobs[1]);
    disk_is_full = true;
    first = settling(f, jobs[0].sequence, "no connection");
    run_one(f, &first);
    second = settling(f, jobs[1].sequence, "no answer");
    second.outcome = GW_JOURNAL_UNKNOWN;
    run_one(f, &second);
    assert_int_equal(first.status, GW_E_IO);
    assert_int_equal(second.status, GW_E_IO);
    assert_false(says(f, "\"settles\""));
    disk_is_full = false;
    run_one(f, &jobs[2]);
    assert_true(says(f, "\"settles\":1,\"outcome\":\"not applied\",\"reason\":\"no connection\",\"forwarded\":true"));
    assert_true(says(f, "\"settles\":2,\"outcome\":\"unknown\",\"reason\":\"no answer\",\"forwarded\":true"));
    assert_int_equal(jobs[2].sequence, 5);
    gw_batch_tick(&f->batch);
    assert_int_equal(gw_journal_head(f->journal).sequence, 5); /* once */
}

static void settling__disk_is_full__is_told_by_the_tick(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job job = awaited(f);
    struct gw_commit_job end;

    run_one(f, &job);
    end = settling(f, job.sequence, NULL);
    disk_is_full = true;
    run_one(f, &end);
    gw_batch_tick(&f->batch);
    disk_is_full = false;
    gw_batch_tick(&f->batch);
    assert_true(says(f, "\"settles\":1,\"outcome\":\"not applied\""));
}

static void no_wake(void *ctx)
{
    (void)ctx;
}

static void on_done(struct gw_commit_job *job)
{
    unsigned *done = job->ctx;

    (*done)++;
}

static void settling__queue_is_full__is_taken(void **state)
{
    struct fixture *f = *state;
    struct gw_commit *commit = gw_commit_new(&options, f->store, f->journal, &f->clock);
    struct gw_commit_port *port = gw_commit_port_open(commit, no_wake, NULL);
    struct gw_commit_job jobs[] = {awaited(f), awaited(f), awaited(f)};
    struct gw_commit_job end = settling(f, 1, "so it is");
    unsigned done = 0;

    for (size_t i = 0; i < GW_COUNT(jobs); i++) {
        jobs[i].done = on_done;
        jobs[i].ctx = &done;
        assert_int_equal(gw_commit_add(port, &jobs[i]), i < options.queue_max ? GW_OK : GW_E_BUSY);
    }
    end.done = on_done;
    end.ctx = &done;
    assert_int_equal(gw_commit_add(port, &end), GW_OK);
    gw_commit_port_close(&port);
    gw_commit_free(&commit);
    assert_int_equal(done, 3);
    assert_int_equal(end.status, GW_OK);
    assert_true(says(f, "\"settles\":1"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(awaited__several_in_a_batch__are_durable_by_one_sync), T(awaited__disk_is_full__has_no_record),
        T(awaited__waited_too_long__is_refused_unrecorded),      T(awaited__no_audit__is_done),
        T(settling__late__is_recorded_and_not_synced),           T(settling__disk_is_full__is_told_when_it_isnt),
        T(settling__disk_is_full__is_told_by_the_tick),          T(settling__queue_is_full__is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
