/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer on a disk that hangs: who comes later is turned away once it has
 * lasted for the queue's age, whatever the writer was doing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/commit.h"

/* What the journal takes. */
#define RECORD GW_CHAIN_FRONT "\"r\":1}}}"

/* Calls of the one kind wait until it is let go. */
enum stuck { NOTHING, WRITES, SYNCS };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    enum stuck stuck;
    bool reached;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void pass(enum stuck kind)
{
    (void)pthread_mutex_lock(&disk.lock);
    while (disk.stuck == kind) {
        disk.reached = true;
        (void)pthread_cond_broadcast(&disk.cond);
        (void)pthread_cond_wait(&disk.cond, &disk.lock);
    }
    (void)pthread_mutex_unlock(&disk.lock);
}

static ssize_t write_when_let(int fd, const void *bytes, size_t length)
{
    pass(WRITES);
    return write(fd, bytes, length);
}

static int sync_when_let(int fd)
{
    (void)fd;
    pass(SYNCS);
    return 0;
}

static void set_stuck(enum stuck kind)
{
    (void)pthread_mutex_lock(&disk.lock);
    disk.stuck = kind;
    disk.reached = false;
    (void)pthread_cond_broadcast(&disk.cond);
    (void)pthread_mutex_unlock(&disk.lock);
}

static void wait_reached(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    while (!disk.reached)
        (void)pthread_cond_wait(&disk.cond, &disk.lock);
    (void)pthread_mutex_unlock(&disk.lock);
}

struct fixture {
    char folder[64];
    char path[96];
    struct gw_epoch *epoch;
    struct gw_store *store;
    struct gw_journal_io io;
    struct gw_journal *journal;
    struct gw_commit *commit;
    struct gw_commit_port *port;
    struct gw_clock clock;
    _Atomic int64_t now_ms;
    _Atomic size_t wakes;
    size_t done;
};

static int64_t read_clock(void *ctx)
{
    _Atomic int64_t *now_ms = ctx;

    return atomic_load(now_ms);
}

static void on_wake(void *ctx)
{
    struct fixture *f = ctx;

    atomic_fetch_add(&f->wakes, 1);
}

static int set_up(void **state)
{
    static const struct gw_store_options store_options = {
        .tokens_max = 100, .tokens_per_entry_max = 16, .token_age_ms = 1000};
    static const struct gw_commit_options options = {.queue_max = 10, .queue_age_ms = 5000};
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    struct gw_journal_options journal_options = {.path = f->path, .io = &f->io, .durable = true};
    struct gw_err err = {""};

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/gw_hang_XXXXXX");
    if (mkdtemp(f->folder) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/audit.jsonl", f->folder);
    f->io = *gw_journal_io_system();
    f->io.write = write_when_let;
    f->io.sync = sync_when_let;
    f->now_ms = 1000;
    f->clock = (struct gw_clock){&f->now_ms, read_clock, read_clock};
    f->epoch = gw_epoch_new();
    f->store = gw_store_open_memory(&store_options, f->epoch, gw_random_system());
    if (gw_journal_open(&journal_options, &f->journal, &err) != GW_OK)
        return -1;
    f->commit = gw_commit_new(&options, f->store, f->journal, &f->clock);
    f->port = gw_commit_port_open(f->commit, on_wake, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_commit_port_close(&f->port);
    gw_commit_free(&f->commit);
    gw_journal_close(&f->journal);
    gw_store_close(&f->store);
    gw_epoch_free(&f->epoch);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static void count_done(struct gw_commit_job *job)
{
    struct fixture *f = job->ctx;

    f->done++;
}

static struct gw_commit_job job_of(struct fixture *f)
{
    return (struct gw_commit_job){.record = GW_STR_INIT(RECORD), .done = count_done, .ctx = f};
}

static void let_go(struct fixture *f)
{
    set_stuck(NOTHING);
    gw_commit_port_close(&f->port);
}

static void hang__in_a_batch__turns_away_past_the_age(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job first = job_of(f);
    struct gw_commit_job second = job_of(f);
    struct gw_commit_job third = job_of(f);

    set_stuck(WRITES);
    assert_int_equal(gw_commit_add(f->port, &first), GW_OK);
    gw_commit_submit(f->port);
    wait_reached();
    assert_int_equal(gw_commit_add(f->port, &second), GW_OK); /* not for long yet */
    f->now_ms = 7000;
    assert_int_equal(gw_commit_add(f->port, &third), GW_E_BUSY);
    let_go(f);
    assert_int_equal(first.status, GW_OK);
    assert_int_equal(second.status, GW_E_BUSY); /* too old when its turn came */
    assert_int_equal(f->done, 2);
}

static void hang__in_the_tick__turns_away_past_the_age(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job first = job_of(f);
    struct gw_commit_job second = job_of(f);

    set_stuck(SYNCS);
    assert_int_equal(gw_commit_add(f->port, &first), GW_OK);
    gw_commit_submit(f->port);
    while (atomic_load(&f->wakes) == 0) /* it is written, not synced: only changes wait for that */
        (void)usleep(1000);
    f->now_ms = 3000;
    wait_reached();
    f->now_ms = 9000;
    assert_int_equal(gw_commit_add(f->port, &second), GW_E_BUSY);
    let_go(f);
    assert_int_equal(first.status, GW_OK);
    assert_int_equal(f->done, 1);
}

/* What was forwarded has happened. */
static void hang__settling_job__is_taken_and_recorded(void **state)
{
    struct fixture *f = *state;
    struct gw_commit_job first = job_of(f);
    struct gw_commit_job settling = {
        .settles = 1, .outcome = GW_JOURNAL_APPLIED, .reason = "200", .done = count_done, .ctx = f};

    first.is_awaited = true;
    set_stuck(SYNCS);
    assert_int_equal(gw_commit_add(f->port, &first), GW_OK);
    gw_commit_submit(f->port);
    wait_reached();
    f->now_ms = 7000;
    assert_int_equal(gw_commit_add(f->port, &settling), GW_OK);
    gw_commit_submit(f->port);
    assert_int_equal(atomic_load(&f->wakes), 0); /* the other is still awaited */
    f->now_ms = 17000;
    let_go(f);
    assert_int_equal(first.status, GW_OK);
    assert_int_equal(settling.status, GW_OK);
    assert_int_equal(settling.sequence, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hang__in_a_batch__turns_away_past_the_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hang__settling_job__is_taken_and_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hang__in_the_tick__turns_away_past_the_age, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
