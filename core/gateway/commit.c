/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One queue with a mutex and a condition; the mutex is held for a few pointer
 * moves. Done jobs return through a list per worker with a mutex of its own. The
 * order of a batch is the order of the queue, and only this thread stages, so a
 * version checked at staging holds until commit. What is done with a batch is in
 * batch.c.
 */
#include "gateway/commit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/batch.h"

#define GW_COMMIT_BATCH_MAX 1024
#define GW_COMMIT_TICK_MS   1000
#define GW_COMMIT_NICE      5 /* a third of a worker's share of a processor that both want */
/* Jobs whose end is told in one callback of a loop: some 20 us each, and others wait meanwhile. */
#define GW_COMMIT_COLLECT_MAX 16

struct gw_commit_port {
    struct gw_commit *commit;
    void (*wake)(void *ctx);
    void *wake_ctx;
    struct gw_job_list added; /* the worker's, not yet handed over */
    struct gw_job_list ready; /* the worker's, taken from `done` and not yet told */
    pthread_mutex_t lock;     /* of `done` and `under_way` */
    pthread_cond_t settled;
    struct gw_job_list done;
    size_t under_way;
    struct gw_job_list handed_back; /* the writer's: jobs of this port in the batch that is being given back */
};

struct gw_commit {
    struct gw_commit_options options;
    struct gw_batch batch; /* the writer's */
    struct gw_store *store;
    struct gw_journal *journal;
    const struct gw_clock *clock;
    struct gw_commit_counters counters;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct gw_job_list queue;
    bool sleeping;
    bool stopping;
    bool reopen;
    _Atomic int64_t busy_since_ms; /* since when the writer has been at its work; of a batch, when its oldest job was
                                      queued; 0: it waits for work */
};

static void list_init(struct gw_job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

static void list_add(struct gw_job_list *list, struct gw_commit_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
    list->count++;
}

static struct gw_commit_job *list_take(struct gw_job_list *list)
{
    struct gw_commit_job *job = list->first;

    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->count--;
    job->next = NULL;
    return job;
}

/* Moves everything from `from` to the end of `to`. */
static void list_join(struct gw_job_list *to, struct gw_job_list *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    to->count += from->count;
    list_init(from);
}

/* The worker is woken without the lock: it takes it at once, where it must not find the writer, whose place on the
 * processor it may have got by the wake. */
static void hand_back_to(struct gw_commit_port *port)
{
    size_t count = port->handed_back.count;

    (void)pthread_mutex_lock(&port->lock);
    list_join(&port->done, &port->handed_back);
    (void)pthread_mutex_unlock(&port->lock);
    port->wake(port->wake_ctx);
    /* Last, and under the lock: a port that closes waits for this, and is not touched afterwards. */
    (void)pthread_mutex_lock(&port->lock);
    port->under_way -= count;
    (void)pthread_cond_signal(&port->settled);
    (void)pthread_mutex_unlock(&port->lock);
}

/* Gives the batch back to the workers; each is woken once. */
static void hand_back(struct gw_job_list *batch)
{
    struct gw_commit_port *ports[GW_COMMIT_BATCH_MAX];
    size_t port_count = 0;

    for (struct gw_commit_job *job = list_take(batch); job != NULL; job = list_take(batch)) {
        if (job->port->handed_back.first == NULL)
            ports[port_count++] = job->port;
        list_add(&job->port->handed_back, job);
    }
    for (size_t i = 0; i < port_count; i++)
        hand_back_to(ports[i]);
}

/* Work that nobody waits for, but others wait for its end. */
static void begin_work(struct gw_commit *commit)
{
    atomic_store(&commit->busy_since_ms, gw_clock_monotonic_ms(commit->clock));
}

static void end_work(struct gw_commit *commit)
{
    atomic_store(&commit->busy_since_ms, 0);
}

static void reopen_journal(struct gw_commit *commit)
{
    struct gw_err err;

    if (commit->journal == NULL)
        return;
    begin_work(commit);
    if (gw_journal_reopen(commit->journal, &err) != GW_OK)
        gw_log(GW_LOG_ERROR, "audit", "%s; the old file stays in use", err.text);
    else
        gw_log(GW_LOG_INFO, "audit", "file reopened");
    end_work(commit);
}

/* A job that stages for itself is a batch of its own. */
static void fill_batch(struct gw_commit *commit, struct gw_job_list *batch)
{
    while (batch->count < GW_COMMIT_BATCH_MAX && commit->queue.first != NULL) {
        bool is_alone = commit->queue.first->stage != NULL;

        if (is_alone && batch->first != NULL)
            return;
        list_add(batch, list_take(&commit->queue));
        if (is_alone)
            return;
    }
}

/* Waits for work, a second at most; the lock is held. */
static void wait_for_work(struct gw_commit *commit)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += GW_COMMIT_TICK_MS / 1000;
    commit->sleeping = true;
    while (commit->queue.first == NULL && !commit->stopping && !commit->reopen &&
           pthread_cond_timedwait(&commit->work, &commit->lock, &until) == 0) {
    }
    commit->sleeping = false;
}

/* Takes what there is; false when the thread is to end and nothing is left. */
static bool take_batch(struct gw_commit *commit, struct gw_job_list *jobs, bool *reopen)
{
    bool goes_on;

    (void)pthread_mutex_lock(&commit->lock);
    if (commit->queue.first == NULL && !commit->stopping && !commit->reopen)
        wait_for_work(commit);
    *reopen = commit->reopen;
    commit->reopen = false;
    fill_batch(commit, jobs);
    goes_on = jobs->first != NULL || *reopen || !commit->stopping;
    atomic_store_explicit(&commit->counters.queued, commit->queue.count, memory_order_relaxed);
    (void)pthread_mutex_unlock(&commit->lock);
    return goes_on;
}

static void run_jobs(struct gw_commit *commit, struct gw_job_list *jobs)
{
    atomic_store(&commit->busy_since_ms, jobs->first->queued_ms);
    gw_batch_run(&commit->batch, jobs);
    begin_work(commit);
    hand_back(jobs);
    gw_store_tend(commit->store);
    end_work(commit);
}

static void tick(struct gw_commit *commit)
{
    begin_work(commit);
    gw_batch_tick(&commit->batch);
    end_work(commit);
}

/* Readers come first where both want one processor: a batch can wait for a moment, and grows meanwhile. Of a thread, on
 * Linux. */
static void step_back(void)
{
    errno = 0;
    if (nice(GW_COMMIT_NICE) == -1 && errno != 0)
        gw_log(GW_LOG_WARN, "commit", "the writer keeps its priority (errno %d)", errno);
}

static void *run_writer(void *ctx)
{
    struct gw_commit *commit = ctx;
    int64_t ticked_ms = gw_clock_monotonic_ms(commit->clock);
    struct gw_job_list jobs;
    bool reopen;

    step_back();
    list_init(&jobs);
    while (take_batch(commit, &jobs, &reopen)) {
        int64_t now_ms = gw_clock_monotonic_ms(commit->clock);

        if (reopen)
            reopen_journal(commit);
        if (jobs.first != NULL)
            run_jobs(commit, &jobs);
        if (now_ms - ticked_ms < GW_COMMIT_TICK_MS)
            continue;
        ticked_ms = now_ms;
        tick(commit);
    }
    tick(commit);
    return NULL;
}

/* Its deadlines are the monotonic clock's. */
static void init_work(struct gw_commit *commit)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&commit->work, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct gw_commit *gw_commit_new(const struct gw_commit_options *options, struct gw_store *store,
                                struct gw_journal *journal, const struct gw_clock *clock)
{
    struct gw_commit *commit = gw_alloc_zero(1, sizeof(*commit));

    commit->options = *options;
    commit->store = store;
    commit->journal = journal;
    commit->clock = clock;
    list_init(&commit->queue);
    gw_batch_init(&commit->batch, &commit->options, store, journal, clock, &commit->counters);
    (void)pthread_mutex_init(&commit->lock, NULL);
    init_work(commit);
    if (pthread_create(&commit->thread, NULL, run_writer, commit) != 0)
        gw_fatal("no thread for the writer");
    return commit;
}

void gw_commit_free(struct gw_commit **commit)
{
    struct gw_commit *c = *commit;

    if (c == NULL)
        return;
    *commit = NULL;
    (void)pthread_mutex_lock(&c->lock);
    c->stopping = true;
    (void)pthread_cond_signal(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->thread, NULL);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_mutex_destroy(&c->lock);
    gw_batch_fini(&c->batch);
    free(c);
}

struct gw_commit_port *gw_commit_port_open(struct gw_commit *commit, void (*wake)(void *ctx), void *ctx)
{
    struct gw_commit_port *port = gw_alloc_zero(1, sizeof(*port));

    port->commit = commit;
    port->wake = wake;
    port->wake_ctx = ctx;
    list_init(&port->added);
    list_init(&port->ready);
    list_init(&port->done);
    list_init(&port->handed_back);
    (void)pthread_mutex_init(&port->lock, NULL);
    (void)pthread_cond_init(&port->settled, NULL);
    return port;
}

static void wait_settled(struct gw_commit_port *port)
{
    (void)pthread_mutex_lock(&port->lock);
    while (port->under_way > 0)
        (void)pthread_cond_wait(&port->settled, &port->lock);
    (void)pthread_mutex_unlock(&port->lock);
}

void gw_commit_port_close(struct gw_commit_port **port)
{
    struct gw_commit_port *p = *port;

    if (p == NULL)
        return;
    do {
        gw_commit_submit(p);
        wait_settled(p);
        gw_commit_collect(p);
    } while (p->added.first != NULL || p->ready.first != NULL);
    *port = NULL;
    (void)pthread_cond_destroy(&p->settled);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

/* A writer that has been at one piece of work for longer than the age allows (a disk that hangs) takes nothing more. */
static bool hangs(struct gw_commit *commit, int64_t now_ms)
{
    int64_t since_ms = atomic_load_explicit(&commit->busy_since_ms, memory_order_relaxed);

    return since_ms != 0 && now_ms - since_ms > (int64_t)commit->options.queue_age_ms;
}

/* What became of something that was forwarded isn't asked this: it has happened, and who forwards has passed here
 * before, so that there are no more of those than requests upstream. */
static bool is_full(struct gw_commit *commit, const struct gw_commit_port *port, int64_t now_ms)
{
    return hangs(commit, now_ms) ||
           atomic_load_explicit(&commit->counters.queued, memory_order_relaxed) + port->added.count >=
               commit->options.queue_max;
}

enum gw_status gw_commit_add(struct gw_commit_port *port, struct gw_commit_job *job)
{
    struct gw_commit *commit = port->commit;
    int64_t now_ms = gw_clock_monotonic_ms(commit->clock);

    if (job->settles == 0 && is_full(commit, port, now_ms)) {
        atomic_fetch_add_explicit(&commit->counters.refused_full, 1, memory_order_relaxed);
        return GW_E_BUSY;
    }
    job->port = port;
    job->queued_ms = now_ms;
    list_add(&port->added, job);
    return GW_OK;
}

void gw_commit_submit(struct gw_commit_port *port)
{
    struct gw_commit *commit = port->commit;
    bool sleeping;

    if (port->added.first == NULL)
        return;
    (void)pthread_mutex_lock(&port->lock);
    port->under_way += port->added.count;
    (void)pthread_mutex_unlock(&port->lock);
    (void)pthread_mutex_lock(&commit->lock);
    list_join(&commit->queue, &port->added);
    atomic_store_explicit(&commit->counters.queued, commit->queue.count, memory_order_relaxed);
    sleeping = commit->sleeping;
    (void)pthread_mutex_unlock(&commit->lock);
    if (sleeping)
        (void)pthread_cond_signal(&commit->work);
}

void gw_commit_collect(struct gw_commit_port *port)
{
    (void)pthread_mutex_lock(&port->lock);
    list_join(&port->ready, &port->done);
    (void)pthread_mutex_unlock(&port->lock);
    for (size_t i = 0; i < GW_COMMIT_COLLECT_MAX && port->ready.first != NULL; i++) {
        struct gw_commit_job *job = list_take(&port->ready);

        job->done(job);
    }
    if (port->ready.first != NULL)
        port->wake(port->wake_ctx);
}

static void on_run_done(struct gw_commit_job *job)
{
    (void)job;
}

static void no_wake(void *ctx)
{
    (void)ctx;
}

enum gw_status gw_commit_run(struct gw_commit *commit, struct gw_commit_job *job)
{
    struct gw_commit_port *port = gw_commit_port_open(commit, no_wake, NULL);
    enum gw_status status;

    if (job->done == NULL)
        job->done = on_run_done;
    status = gw_commit_add(port, job);
    gw_commit_port_close(&port);
    return status == GW_OK ? job->status : status;
}

void gw_commit_reopen(struct gw_commit *commit)
{
    (void)pthread_mutex_lock(&commit->lock);
    commit->reopen = true;
    (void)pthread_cond_signal(&commit->work);
    (void)pthread_mutex_unlock(&commit->lock);
}

const struct gw_commit_counters *gw_commit_counters_get(const struct gw_commit *commit)
{
    return &commit->counters;
}
