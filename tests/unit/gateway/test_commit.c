/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread: changes with their records, in batches, for several workers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/commit.h"

#define JOBS 500
/* What the journal takes. */
#define RECORD GW_CHAIN_FRONT "\"r\":1}}}"

struct fixture {
    char folder[64];
    char path[96];
    struct gw_epoch *epoch;
    struct gw_store *store;
    struct gw_journal *journal;
    struct gw_commit *commit;
};

static void make_cluster(struct gw_store *store)
{
    const struct gw_cluster from = {
        .key = {GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2"), GW_STR("c"), GW_STR_NONE}};
    struct gw_store_change change = {.key = from.key, .cluster_act = GW_STORE_PUT, .cluster = gw_cluster_new(&from)};
    struct gw_err err;

    assert_int_equal(gw_store_stage(store, &change), GW_OK);
    assert_int_equal(gw_store_commit(store, &err), GW_OK);
}

static int open_fixture(void **state)
{
    static const struct gw_store_options store_options = {
        .tokens_max = 100, .tokens_per_entry_max = 16, .token_age_ms = 1000};
    static const struct gw_commit_options options = {.queue_max = 10 * JOBS, .queue_age_ms = 60000};
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    struct gw_journal_options journal_options = {.path = f->path};
    struct gw_err err;

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/gw_commit_XXXXXX");
    if (mkdtemp(f->folder) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/audit.jsonl", f->folder);
    f->epoch = gw_epoch_new();
    f->store = gw_store_open_memory(&store_options, f->epoch, gw_random_system());
    make_cluster(f->store);
    if (gw_journal_open(&journal_options, &f->journal, &err) != GW_OK)
        return -1;
    f->commit = gw_commit_new(&options, f->store, f->journal, gw_clock_system());
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    gw_commit_free(&f->commit);
    gw_journal_close(&f->journal);
    gw_store_close(&f->store);
    gw_epoch_free(&f->epoch);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void make_change(struct gw_store_change *change, const char *principal, size_t limit)
{
    struct gw_access_entry from = {
        .key = {GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2"), GW_STR("c"), gw_str_from(principal)},
        .reply = GW_STR_INIT("{}")};

    *change = (struct gw_store_change){.expected_cluster = 1, /* the fixture's, the first version that there is */
                                       .entry_act = GW_STORE_PUT,
                                       .entry = gw_access_entry_new(&from),
                                       .cluster_entries_max = limit};
    change->key = change->entry->key;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool woken;
};

static void on_wake(void *ctx)
{
    struct waiter *waiter = ctx;

    (void)pthread_mutex_lock(&waiter->lock);
    waiter->woken = true;
    (void)pthread_cond_signal(&waiter->cond);
    (void)pthread_mutex_unlock(&waiter->lock);
}

static void wait_woken(struct waiter *waiter)
{
    (void)pthread_mutex_lock(&waiter->lock);
    while (!waiter->woken)
        (void)pthread_cond_wait(&waiter->cond, &waiter->lock);
    waiter->woken = false;
    (void)pthread_mutex_unlock(&waiter->lock);
}

static void count_done(struct gw_commit_job *job)
{
    size_t *done = job->ctx;

    (*done)++;
}

static size_t count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    int c;

    if (file == NULL)
        return 0;
    while ((c = fgetc(file)) != EOF)
        lines += c == '\n';
    (void)fclose(file);
    return lines;
}

struct worker {
    struct fixture *fixture;
    int number;
    size_t ok;
};

static void *run_worker(void *ctx)
{
    struct worker *worker = ctx;
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct gw_commit_port *port = gw_commit_port_open(worker->fixture->commit, on_wake, &waiter);
    static const char line[] = RECORD;
    struct gw_store_change *changes = gw_alloc_zero(JOBS, sizeof(*changes));
    struct gw_commit_job *jobs = gw_alloc_zero(JOBS, sizeof(*jobs));
    size_t done = 0;

    for (size_t i = 0; i < JOBS; i++) {
        char principal[32];

        (void)snprintf(principal, sizeof(principal), "p-%d-%zu", worker->number, i);
        make_change(&changes[i], principal, 100000);
        jobs[i] = (struct gw_commit_job){
            .change = &changes[i], .record = {line, sizeof(line) - 1}, .done = count_done, .ctx = &done};
        if (gw_commit_add(port, &jobs[i]) != GW_OK)
            break;
        if (i % 7 == 0)
            gw_commit_submit(port);
    }
    gw_commit_submit(port);
    while (done < JOBS) {
        wait_woken(&waiter);
        gw_commit_collect(port);
    }
    for (size_t i = 0; i < JOBS; i++)
        worker->ok += jobs[i].status == GW_OK;
    gw_commit_port_close(&port);
    free(changes);
    free(jobs);
    return NULL;
}

static void commit__two_workers__every_change_has_its_record(void **state)
{
    struct fixture *f = *state;
    struct worker workers[2] = {{.fixture = f, .number = 0}, {.fixture = f, .number = 1}};
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &workers[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(workers[0].ok + workers[1].ok, 2 * JOBS);
    assert_int_equal(gw_store_count(f->store), 2 * JOBS);
    assert_int_equal(count_lines(f->path), 2 * JOBS);
}

/* A worker has other things to do between the replies to a large batch. */
static void collect__many_jobs__are_told_a_few_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct gw_commit_port *port = gw_commit_port_open(f->commit, on_wake, &waiter);
    struct gw_commit_job jobs[100];
    size_t done = 0;

    for (size_t i = 0; i < GW_COUNT(jobs); i++) {
        jobs[i] = (struct gw_commit_job){.record = GW_STR_INIT(RECORD), .done = count_done, .ctx = &done};
        assert_int_equal(gw_commit_add(port, &jobs[i]), GW_OK);
    }
    gw_commit_submit(port);
    while (done < GW_COUNT(jobs)) {
        size_t before = done;

        wait_woken(&waiter);
        gw_commit_collect(port);
        assert_in_range(done - before, 1, 20);
    }
    gw_commit_port_close(&port);
}

static void close__with_many_jobs__tells_all(void **state)
{
    struct fixture *f = *state;
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct gw_commit_port *port = gw_commit_port_open(f->commit, on_wake, &waiter);
    struct gw_commit_job jobs[100];
    size_t done = 0;

    for (size_t i = 0; i < GW_COUNT(jobs); i++) {
        jobs[i] = (struct gw_commit_job){.record = GW_STR_INIT(RECORD), .done = count_done, .ctx = &done};
        assert_int_equal(gw_commit_add(port, &jobs[i]), GW_OK);
    }
    gw_commit_port_close(&port);
    assert_int_equal(done, GW_COUNT(jobs));
}

/* Runs one job to its end. */
static enum gw_status run_job(struct fixture *f, struct gw_store_change *change, struct gw_str record)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct gw_commit_port *port = gw_commit_port_open(f->commit, on_wake, &waiter);
    size_t done = 0;
    struct gw_commit_job job = {.change = change, .record = record, .done = count_done, .ctx = &done};

    assert_int_equal(gw_commit_add(port, &job), GW_OK);
    gw_commit_submit(port);
    wait_woken(&waiter);
    gw_commit_collect(port);
    assert_int_equal(done, 1);
    gw_commit_port_close(&port);
    return job.status;
}

static void commit__stale_or_full__leaves_no_record(void **state)
{
    struct fixture *f = *state;
    struct gw_store_change first;
    struct gw_store_change second;
    struct gw_store_change third;

    make_change(&first, "p", 1);
    make_change(&second, "p", 10);
    make_change(&third, "q", 1);
    assert_int_equal(run_job(f, &first, GW_STR(RECORD)), GW_OK);
    assert_int_equal(run_job(f, &second, GW_STR(RECORD)), GW_E_STALE);
    assert_int_equal(run_job(f, &third, GW_STR(RECORD)), GW_E_LIMIT);
    assert_int_equal(count_lines(f->path), 1);
    assert_int_equal(gw_store_count(f->store), 1);
    gw_access_entry_free(&second.entry);
    gw_access_entry_free(&third.entry);
}

static void commit__record_past_the_cap__is_refused_with_its_change(void **state)
{
    struct fixture *f = *state;
    char *long_text = gw_alloc(GW_JOURNAL_RECORD_MAX + 1);
    struct gw_store_change change;

    memset(long_text, 'x', GW_JOURNAL_RECORD_MAX + 1);
    make_change(&change, "p", 10);
    assert_int_equal(run_job(f, &change, (struct gw_str){long_text, GW_JOURNAL_RECORD_MAX + 1}), GW_E_IO);
    assert_int_equal(gw_store_count(f->store), 0);
    gw_access_entry_free(&change.entry);
    free(long_text);
}

/* Files may not grow past `bytes`; writing more fails instead of ending the process. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void commit__record_that_cant_be_written__takes_its_change_along_for_good(void **state)
{
    struct fixture *f = *state;
    struct rlimit before;
    struct gw_store_change refused;
    struct gw_store_change taken;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    make_change(&refused, "p", 10);
    make_change(&taken, "q", 10);
    limit_files(1);
    assert_int_equal(run_job(f, &refused, GW_STR(RECORD)), GW_E_IO);
    limit_files(before.rlim_cur);
    assert_int_equal(run_job(f, &taken, GW_STR(RECORD)), GW_OK);
    assert_int_equal(gw_store_count(f->store), 1); /* the first isn't published by the second's batch */
    assert_int_equal(count_lines(f->path), 1);
}

static void commit__queue_full__turns_away_before_anything(void **state)
{
    struct fixture *f = *state;
    static const struct gw_commit_options options = {.queue_max = 1, .queue_age_ms = 60000};
    struct gw_commit *small = gw_commit_new(&options, f->store, NULL, gw_clock_system());
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct gw_commit_port *port = gw_commit_port_open(small, on_wake, &waiter);
    size_t done = 0;
    struct gw_commit_job first = {.record = GW_STR_INIT(RECORD), .done = count_done, .ctx = &done};
    struct gw_commit_job second = first;

    assert_int_equal(gw_commit_add(port, &first), GW_OK);
    assert_int_equal(gw_commit_add(port, &second), GW_E_BUSY);
    gw_commit_port_close(&port);
    assert_int_equal(done, 1);
    assert_int_equal(first.status, GW_OK);
    gw_commit_free(&small);
}

static int64_t late_clock(void *ctx)
{
    _Atomic int64_t *calls = ctx;

    return (*calls)++ * 10000; /* each look is ten seconds after the last; the writer looks, too */
}

static void commit__job_too_old__is_busy_and_unrecorded(void **state)
{
    struct fixture *f = *state;
    _Atomic int64_t calls = 0;
    struct gw_clock clock = {&calls, late_clock, late_clock};
    static const struct gw_commit_options options = {.queue_max = 10, .queue_age_ms = 5000};
    struct gw_commit *slow = gw_commit_new(&options, f->store, NULL, &clock);
    struct fixture with_slow = *f;
    struct gw_store_change change;

    with_slow.commit = slow;
    make_change(&change, "p", 10);
    assert_int_equal(run_job(&with_slow, &change, GW_STR(RECORD)), GW_E_BUSY);
    assert_int_equal(gw_store_count(f->store), 0);
    gw_access_entry_free(&change.entry);
    gw_commit_free(&slow);
}

static void commit__reopen__starts_a_new_file(void **state)
{
    struct fixture *f = *state;
    char moved[128];

    (void)snprintf(moved, sizeof(moved), "%s.1", f->path);
    assert_int_equal(run_job(f, NULL, GW_STR(RECORD)), GW_OK);
    assert_int_equal(rename(f->path, moved), 0);
    gw_commit_reopen(f->commit);
    assert_int_equal(run_job(f, NULL, GW_STR(RECORD)), GW_OK);
    assert_int_equal(count_lines(moved), 1);
    assert_int_equal(count_lines(f->path), 2); /* that the chain goes on here, and the record */
    assert_int_equal(unlink(moved), 0);
}

static void ignore_done(struct gw_commit_job *job)
{
    (void)job;
}

/* What a watch has heard, and whether a reader could see it by then. */
struct heard {
    const struct gw_store *store;
    struct gw_str principals[4];
    size_t count;
    bool was_visible;
};

static void on_publish(void *ctx, const struct gw_store_change *change)
{
    struct heard *heard = ctx;

    heard->principals[heard->count++] = change->key.principal;
    heard->was_visible |= gw_store_find(heard->store, &change->key) != NULL;
}

static void commit__watch__hears_of_what_is_staged_before_readers_do(void **state)
{
    static struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct fixture *f = *state;
    struct heard heard = {.store = f->store};
    const struct gw_commit_watch watch = {.ctx = &heard, .on_publish = on_publish};
    const struct gw_commit_options options = {.queue_max = 10, .queue_age_ms = 60000, .watch = &watch};
    struct gw_commit *commit = gw_commit_new(&options, f->store, NULL, gw_clock_system());
    struct gw_commit_port *port = gw_commit_port_open(commit, on_wake, &waiter);
    const char *const principals[] = {"arn:first", "arn:first", "arn:second"};
    struct gw_store_change changes[3];
    struct gw_commit_job jobs[3];
    size_t done = 0;

    for (size_t i = 0; i < GW_COUNT(jobs); i++) {
        make_change(&changes[i], principals[i], 100);
        changes[i].key.principal = gw_str_from(principals[i]); /* outlives the entry that a batch replaces */
        jobs[i] = (struct gw_commit_job){.change = &changes[i], .done = count_done, .ctx = &done};
        assert_int_equal(gw_commit_add(port, &jobs[i]), GW_OK);
    }
    gw_commit_port_close(&port);
    assert_int_equal(jobs[1].status, GW_E_STALE);
    assert_int_equal(heard.count, 2);
    assert_true(gw_str_is(heard.principals[0], "arn:first") && gw_str_is(heard.principals[1], "arn:second"));
    assert_false(heard.was_visible);
    gw_store_change_drop(&changes[1]);
    gw_commit_free(&commit);
}

/* A job that stages for itself, and what the watch sees around it. */
struct alone {
    size_t visible; /* entries committed when it was staged */
    size_t begun;
    size_t ended;
    size_t visible_at_end;
    const struct gw_store *store;
    enum gw_status answer;
};

static enum gw_status stage_two(struct gw_commit_job *job, struct gw_store *store)
{
    struct alone *alone = job->ctx;
    static const char *const principals[] = {"arn:one", "arn:two"};

    alone->visible = gw_store_count(store);
    for (size_t i = 0; i < GW_COUNT(principals); i++) {
        struct gw_store_change change;

        make_change(&change, principals[i], 100);
        assert_int_equal(gw_store_stage(store, &change), GW_OK);
    }
    return alone->answer;
}

static void on_exclusive(void *ctx, bool begins)
{
    struct alone *alone = ctx;

    if (begins) {
        alone->begun++;
        assert_int_equal(gw_store_count(alone->store), alone->visible);
    } else {
        alone->ended++;
        alone->visible_at_end = gw_store_count(alone->store);
    }
}

static void ignore_publish(void *ctx, const struct gw_store_change *change)
{
    (void)ctx;
    (void)change;
}

static void commit__job_that_stages__is_a_batch_of_its_own(void **state)
{
    static struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    struct fixture *f = *state;
    struct alone alone = {.store = f->store};
    const struct gw_commit_watch watch = {.ctx = &alone, .on_publish = ignore_publish, .on_exclusive = on_exclusive};
    const struct gw_commit_options options = {.queue_max = 10, .queue_age_ms = 60000, .watch = &watch};
    struct gw_commit *commit = gw_commit_new(&options, f->store, NULL, gw_clock_system());
    struct gw_commit_port *port = gw_commit_port_open(commit, on_wake, &waiter);
    struct gw_store_change before;
    struct gw_store_change after;
    size_t done = 0;
    struct gw_commit_job jobs[] = {{.change = &before, .done = count_done, .ctx = &done},
                                   {.stage = stage_two, .done = ignore_done, .ctx = &alone},
                                   {.change = &after, .done = count_done, .ctx = &done}};

    make_change(&before, "arn:before", 100);
    make_change(&after, "arn:after", 100);
    for (size_t i = 0; i < GW_COUNT(jobs); i++)
        assert_int_equal(gw_commit_add(port, &jobs[i]), GW_OK);
    gw_commit_port_close(&port);
    assert_int_equal(jobs[1].status, GW_OK);
    assert_int_equal(alone.visible, 1); /* what was queued before it is committed, what came after isn't staged */
    assert_int_equal(alone.visible_at_end, 3);
    assert_true(alone.begun == 1 && alone.ended == 1);
    assert_int_equal(gw_store_count(f->store), 4);
    gw_commit_free(&commit);
}

static void commit__job_that_stages_and_fails__leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct alone alone = {.store = f->store, .answer = GW_E_LIMIT};
    struct gw_commit_job job = {.stage = stage_two, .ctx = &alone};

    assert_int_equal(gw_commit_run(f->commit, &job), GW_E_LIMIT);
    assert_int_equal(gw_store_count(f->store), 0);
    alone.answer = GW_OK;
    assert_int_equal(gw_commit_run(f->commit, &job), GW_OK);
    assert_int_equal(gw_store_count(f->store), 2);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(commit__two_workers__every_change_has_its_record),
        WITH_FIXTURE(collect__many_jobs__are_told_a_few_at_a_time),
        WITH_FIXTURE(close__with_many_jobs__tells_all),
        WITH_FIXTURE(commit__stale_or_full__leaves_no_record),
        WITH_FIXTURE(commit__record_past_the_cap__is_refused_with_its_change),
        WITH_FIXTURE(commit__record_that_cant_be_written__takes_its_change_along_for_good),
        WITH_FIXTURE(commit__queue_full__turns_away_before_anything),
        WITH_FIXTURE(commit__job_too_old__is_busy_and_unrecorded),
        WITH_FIXTURE(commit__reopen__starts_a_new_file),
        WITH_FIXTURE(commit__job_that_stages__is_a_batch_of_its_own),
        WITH_FIXTURE(commit__job_that_stages_and_fails__leaves_nothing),
        WITH_FIXTURE(commit__watch__hears_of_what_is_staged_before_readers_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
