/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One queue with a mutex and a condition; the mutex is held for a few pointer
 * moves. Done jobs return through a list per worker with a mutex of its own. The
 * order of a batch is the order of the queue, and only this thread stages, so a
 * version checked at staging holds until commit.
 */
#include "gateway/commit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"

#define GW_COMMIT_BATCH_MAX 1024
#define GW_COMMIT_TELL_MS   1000

struct job_list {
    struct gw_commit_job *first;
    struct gw_commit_job **end;
    size_t count;
};

struct gw_commit_port {
    struct gw_commit *commit;
    void (*wake)(void *ctx);
    void *wake_ctx;
    struct job_list added; /* the worker's, not yet handed over */
    pthread_mutex_t lock;  /* of `done` and `under_way` */
    pthread_cond_t settled;
    struct job_list done;
    size_t under_way;
    size_t handed_back; /* the writer's: jobs of this port in the batch that is being given back */
};

struct gw_commit {
    struct gw_commit_options options;
    struct gw_store *store;
    struct gw_journal *journal;
    const struct gw_clock *clock;
    struct gw_commit_counters counters;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job_list queue;
    bool sleeping;
    bool stopping;
    bool reopen;
    _Atomic int64_t busy_since_ms; /* when the oldest job of the batch under way was queued; 0: none is */
    int64_t told_ms;               /* the writer's: when a failure was logged last */
    uint64_t untold;
};

static void list_init(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
    list->count = 0;
}

static void list_add(struct job_list *list, struct gw_commit_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
    list->count++;
}

static struct gw_commit_job *list_take(struct job_list *list)
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
static void list_join(struct job_list *to, struct job_list *from)
{
    if (from->first == NULL)
        return;
    *to->end = from->first;
    to->end = from->end;
    to->count += from->count;
    list_init(from);
}

static void count_up(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static enum gw_status stage(struct gw_commit *commit, struct gw_commit_job *job)
{
    enum gw_status status;

    if (job->stage == NULL)
        return job->change == NULL ? GW_OK : gw_store_stage(commit->store, job->change);
    status = job->stage(job, commit->store);
    if (status != GW_OK)
        gw_store_rollback(commit->store); /* nothing else is in the batch */
    return status;
}

/* Stages a job's change and takes its record into the batch. */
static void take_into_batch(struct gw_commit *commit, struct gw_commit_job *job, int64_t now_ms)
{
    job->staged = false;
    if (now_ms - job->queued_ms > (int64_t)commit->options.queue_age_ms) {
        job->status = GW_E_BUSY;
        return;
    }
    if (job->record.at != NULL && commit->journal != NULL && job->record.length > GW_JOURNAL_TEXT_MAX) {
        job->status = GW_E_IO;
        return;
    }
    job->status = stage(commit, job);
    if (job->status != GW_OK)
        return;
    job->staged = true;
    if (job->record.at != NULL && commit->journal != NULL &&
        gw_journal_append(commit->journal, job->record, NULL) != GW_OK)
        gw_fatal("an audit record within the cap was refused");
}

static void fail_staged(struct job_list *batch, enum gw_status status)
{
    for (struct gw_commit_job *job = batch->first; job != NULL; job = job->next) {
        if (job->staged)
            job->status = status;
    }
}

static void count_done(struct gw_commit *commit, const struct job_list *batch)
{
    uint64_t changes = 0;
    uint64_t records = 0;

    for (const struct gw_commit_job *job = batch->first; job != NULL; job = job->next) {
        if (job->status != GW_OK)
            continue;
        changes += job->change != NULL;
        records += job->record.at != NULL;
    }
    count_up(&commit->counters.batches, 1);
    count_up(&commit->counters.changes, changes);
    count_up(&commit->counters.records, records);
}

/* One line a second at most, however many batches a full disk refuses. */
static void tell_failure(struct gw_commit *commit, const char *area, const struct gw_err *err, int64_t now_ms)
{
    count_up(&commit->counters.failed_io, 1);
    commit->untold++;
    if (commit->told_ms != 0 && now_ms - commit->told_ms < GW_COMMIT_TELL_MS)
        return;
    gw_log(GW_LOG_ERROR, area, "%s; changes are refused (%llu batches since the last such line)", err->text,
           (unsigned long long)commit->untold);
    commit->told_ms = now_ms;
    commit->untold = 0;
}

static void tell_watch(struct gw_commit *commit, const struct job_list *batch)
{
    const struct gw_commit_watch *watch = commit->options.watch;

    for (const struct gw_commit_job *job = batch->first; watch != NULL && job != NULL; job = job->next) {
        if (job->staged && job->change != NULL)
            watch->on_publish(watch->ctx, job->change);
    }
}

static enum gw_status publish(struct gw_commit *commit, const struct job_list *batch, struct gw_err *err)
{
    const struct gw_commit_watch *watch = commit->options.watch;
    bool is_exclusive = watch != NULL && watch->on_exclusive != NULL && batch->first->stage != NULL;
    enum gw_status status;

    tell_watch(commit, batch);
    if (is_exclusive)
        watch->on_exclusive(watch->ctx, true);
    status = gw_store_commit(commit->store, err);
    if (is_exclusive)
        watch->on_exclusive(watch->ctx, false);
    return status;
}

/* Records first, changes second: a change is never visible without its record. */
static void run_batch(struct gw_commit *commit, struct job_list *batch)
{
    struct gw_err err = {""};
    int64_t now_ms = gw_clock_monotonic_ms(commit->clock);

    for (struct gw_commit_job *job = batch->first; job != NULL; job = job->next)
        take_into_batch(commit, job, now_ms);
    if (commit->journal != NULL && gw_journal_flush(commit->journal, true, &err) != GW_OK) {
        tell_failure(commit, "audit", &err, now_ms);
        gw_store_rollback(commit->store);
        fail_staged(batch, GW_E_IO);
    } else if (publish(commit, batch, &err) != GW_OK) {
        tell_failure(commit, "store", &err, now_ms);
        fail_staged(batch, GW_E_IO);
    }
    count_done(commit, batch);
}

/* Gives the batch back to the workers; each is woken once. */
static void hand_back(struct job_list *batch)
{
    struct gw_commit_port *ports[GW_COMMIT_BATCH_MAX];
    size_t port_count = 0;

    for (struct gw_commit_job *job = list_take(batch); job != NULL; job = list_take(batch)) {
        struct gw_commit_port *port = job->port;

        if (port->handed_back++ == 0)
            ports[port_count++] = port;
        (void)pthread_mutex_lock(&port->lock);
        list_add(&port->done, job);
        (void)pthread_mutex_unlock(&port->lock);
    }
    for (size_t i = 0; i < port_count; i++) {
        struct gw_commit_port *port = ports[i];

        (void)pthread_mutex_lock(&port->lock);
        /* Last, and under the lock: a port that closes waits for this, and is not touched afterwards. */
        port->under_way -= port->handed_back;
        port->handed_back = 0;
        port->wake(port->wake_ctx);
        (void)pthread_cond_signal(&port->settled);
        (void)pthread_mutex_unlock(&port->lock);
    }
}

static void reopen_journal(struct gw_commit *commit)
{
    struct gw_err err;

    if (commit->journal == NULL)
        return;
    if (gw_journal_reopen(commit->journal, &err) != GW_OK)
        gw_log(GW_LOG_ERROR, "audit", "%s; the old file stays in use", err.text);
    else
        gw_log(GW_LOG_INFO, "audit", "file reopened");
}

/* A job that stages for itself is a batch of its own. */
static void fill_batch(struct gw_commit *commit, struct job_list *batch)
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

/* Waits for work; false when the thread is to end and nothing is left. */
static bool take_batch(struct gw_commit *commit, struct job_list *batch, bool *reopen)
{
    bool goes_on;

    (void)pthread_mutex_lock(&commit->lock);
    while (commit->queue.first == NULL && !commit->stopping && !commit->reopen) {
        commit->sleeping = true;
        (void)pthread_cond_wait(&commit->work, &commit->lock);
        commit->sleeping = false;
    }
    *reopen = commit->reopen;
    commit->reopen = false;
    fill_batch(commit, batch);
    goes_on = batch->first != NULL || *reopen || !commit->stopping;
    atomic_store_explicit(&commit->counters.queued, commit->queue.count, memory_order_relaxed);
    (void)pthread_mutex_unlock(&commit->lock);
    return goes_on;
}

static void *run_writer(void *ctx)
{
    struct gw_commit *commit = ctx;
    struct job_list batch;
    bool reopen;

    list_init(&batch);
    while (take_batch(commit, &batch, &reopen)) {
        if (reopen)
            reopen_journal(commit);
        if (batch.first == NULL)
            continue;
        atomic_store(&commit->busy_since_ms, batch.first->queued_ms);
        run_batch(commit, &batch);
        atomic_store(&commit->busy_since_ms, 0);
        hand_back(&batch);
    }
    return NULL;
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
    (void)pthread_mutex_init(&commit->lock, NULL);
    (void)pthread_cond_init(&commit->work, NULL);
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
    free(c);
}

struct gw_commit_port *gw_commit_port_open(struct gw_commit *commit, void (*wake)(void *ctx), void *ctx)
{
    struct gw_commit_port *port = gw_alloc_zero(1, sizeof(*port));

    port->commit = commit;
    port->wake = wake;
    port->wake_ctx = ctx;
    list_init(&port->added);
    list_init(&port->done);
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
    } while (p->added.first != NULL);
    *port = NULL;
    (void)pthread_cond_destroy(&p->settled);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

/* A writer that has been at one batch for longer than the age allows (a disk that hangs) takes nothing more. */
static bool hangs(struct gw_commit *commit, int64_t now_ms)
{
    int64_t since_ms = atomic_load_explicit(&commit->busy_since_ms, memory_order_relaxed);

    return since_ms != 0 && now_ms - since_ms > (int64_t)commit->options.queue_age_ms;
}

enum gw_status gw_commit_add(struct gw_commit_port *port, struct gw_commit_job *job)
{
    struct gw_commit *commit = port->commit;
    int64_t now_ms = gw_clock_monotonic_ms(commit->clock);

    if (hangs(commit, now_ms) ||
        atomic_load_explicit(&commit->counters.queued, memory_order_relaxed) + port->added.count >=
            commit->options.queue_max) {
        count_up(&commit->counters.refused_full, 1);
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

    if (port->added.first == NULL)
        return;
    (void)pthread_mutex_lock(&port->lock);
    port->under_way += port->added.count;
    (void)pthread_mutex_unlock(&port->lock);
    (void)pthread_mutex_lock(&commit->lock);
    list_join(&commit->queue, &port->added);
    atomic_store_explicit(&commit->counters.queued, commit->queue.count, memory_order_relaxed);
    if (commit->sleeping)
        (void)pthread_cond_signal(&commit->work);
    (void)pthread_mutex_unlock(&commit->lock);
}

void gw_commit_collect(struct gw_commit_port *port)
{
    struct job_list done;

    list_init(&done);
    (void)pthread_mutex_lock(&port->lock);
    list_join(&done, &port->done);
    (void)pthread_mutex_unlock(&port->lock);
    for (struct gw_commit_job *job = list_take(&done); job != NULL; job = list_take(&done))
        job->done(job);
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
