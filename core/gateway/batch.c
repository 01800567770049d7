/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the day for changes and their records. What can fail is asked in
 * the order in which a failure costs least: versions, the store's file, the audit
 * file, the commit. Which of them said no decides the statuses; nothing is tried
 * twice here, the next batch is the next try.
 */
#include "gateway/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define TELL_MS      1000
#define TELL_HEAD_MS 60000
#define HEAD_WAIT_MS 10000 /* behind a commit of the head alone that failed */

void gw_batch_init(struct gw_batch *batch, const struct gw_commit_options *options, struct gw_store *store,
                   struct gw_journal *journal, const struct gw_clock *clock, struct gw_commit_counters *counters)
{
    *batch =
        (struct gw_batch){.options = options, .store = store, .journal = journal, .clock = clock, .counters = counters};
    batch->committed = gw_store_found(store)->head;
    if (journal != NULL)
        batch->head_told = gw_journal_head(journal).sequence;
}

void gw_batch_fini(struct gw_batch *batch)
{
    free(batch->owed);
    batch->owed = NULL;
}

static void count_up(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static bool changes_something(const struct gw_commit_job *job)
{
    return job->change != NULL || job->stage != NULL;
}

/* One line a second at most, however many batches a full disk refuses. */
static void tell_failure(struct gw_batch *batch, const char *area, const struct gw_err *err)
{
    int64_t now_ms = gw_clock_monotonic_ms(batch->clock);

    batch->failure = *err;
    count_up(&batch->counters->failed_io, 1);
    batch->untold++;
    if (batch->told_ms != 0 && now_ms - batch->told_ms < TELL_MS)
        return;
    gw_log(GW_LOG_ERROR, area, "%s; changes are refused (%llu batches since the last such line)", err->text,
           (unsigned long long)batch->untold);
    batch->told_ms = now_ms;
    batch->untold = 0;
}

static enum gw_status stage(struct gw_batch *batch, struct gw_commit_job *job)
{
    enum gw_status status;

    if (job->stage == NULL)
        return job->change == NULL ? GW_OK : gw_store_stage(batch->store, job->change);
    status = job->stage(job, batch->store);
    if (status != GW_OK)
        gw_store_rollback(batch->store); /* nothing else is in the batch */
    return status;
}

static void append(struct gw_batch *batch, struct gw_commit_job *job)
{
    job->sequence = 0;
    if (batch->journal == NULL)
        return;
    if (job->settles != 0) {
        gw_journal_append_settled_upstream(batch->journal, job->settles, job->outcome, job->maker, job->reason);
        job->sequence = gw_journal_head(batch->journal).sequence;
    } else if (job->record.at != NULL && gw_journal_append(batch->journal, job->record, &job->sequence) != GW_OK) {
        gw_fatal("an audit record within the cap was refused");
    }
}

static void add_owed(struct gw_batch *batch, const struct gw_batch_owed *owed, const char *reason)
{
    struct gw_batch_owed *added;

    if (batch->owed_count == batch->owed_capacity) {
        batch->owed_capacity = batch->owed_capacity > 0 ? batch->owed_capacity * 2 : 64;
        batch->owed = gw_realloc(batch->owed, batch->owed_capacity * sizeof(*batch->owed));
    }
    added = &batch->owed[batch->owed_count++];
    *added = *owed;
    (void)snprintf(added->reason, sizeof(added->reason), "%s", reason != NULL ? reason : "");
}

/* What was owed stands in front of the batch. */
static void append_owed(struct gw_batch *batch)
{
    for (size_t i = 0; i < batch->owed_count; i++) {
        const struct gw_batch_owed *owed = &batch->owed[i];

        if (owed->maker != GW_JOURNAL_STORE)
            gw_journal_append_settled_upstream(batch->journal, owed->sequence, owed->outcome, owed->maker,
                                               owed->reason);
        else
            gw_journal_append_settled(batch->journal, owed->sequence, owed->outcome, owed->reason);
    }
}

/* Stages a job's change and takes its record into the batch. */
static void take(struct gw_batch *batch, struct gw_commit_job *job, int64_t now_ms)
{
    job->staged = false;
    if (job->settles == 0 && now_ms - job->queued_ms > (int64_t)batch->options->queue_age_ms) {
        job->status = GW_E_BUSY;
        return;
    }
    if (job->record.at != NULL && batch->journal != NULL && job->record.length > GW_JOURNAL_TEXT_MAX) {
        job->status = GW_E_IO;
        return;
    }
    job->status = stage(batch, job);
    if (job->status != GW_OK)
        return;
    job->staged = true;
    append(batch, job);
}

/* Gives whether something is to change. */
static bool take_all(struct gw_batch *batch, const struct gw_job_list *jobs)
{
    int64_t now_ms = gw_clock_monotonic_ms(batch->clock);
    bool has_change = false;

    if (batch->journal != NULL)
        append_owed(batch);
    for (struct gw_commit_job *job = jobs->first; job != NULL; job = job->next) {
        take(batch, job, now_ms);
        has_change |= job->staged && changes_something(job);
    }
    return has_change;
}

/* Does somebody wait for the disk? */
static bool is_awaited(const struct gw_job_list *jobs)
{
    for (const struct gw_commit_job *job = jobs->first; job != NULL; job = job->next) {
        if (job->staged && job->is_awaited)
            return true;
    }
    return false;
}

/* Jobs that were on their way; with `changes_only` those that are nothing but a record stay. What was to be said of
 * something that has happened elsewhere is still to be said. */
static void fail(struct gw_batch *batch, const struct gw_job_list *jobs, enum gw_status status, bool changes_only)
{
    for (struct gw_commit_job *job = jobs->first; job != NULL; job = job->next) {
        if (!job->staged || (changes_only && !changes_something(job)))
            continue;
        job->status = status;
        job->staged = false;
        if (!changes_only)
            job->sequence = 0; /* it is given again */
        if (job->settles != 0)
            add_owed(batch,
                     &(struct gw_batch_owed){.sequence = job->settles, .outcome = job->outcome, .maker = job->maker},
                     job->reason);
        if (job->err != NULL)
            *job->err = batch->failure;
    }
}

static enum gw_status prepare(struct gw_batch *batch, struct gw_err *err)
{
    struct gw_chain_head head;

    if (batch->journal == NULL || !gw_journal_is_kept(batch->journal))
        return gw_store_prepare(batch->store, NULL, err);
    head = gw_journal_head(batch->journal);
    return gw_store_prepare(batch->store, &head, err);
}

static bool flush(struct gw_batch *batch, bool sync)
{
    struct gw_err err = {""};

    if (batch->journal == NULL)
        return true;
    if (gw_journal_flush(batch->journal, sync, &err) != GW_OK) {
        tell_failure(batch, "audit", &err);
        return false;
    }
    batch->owed_count = 0;
    return true;
}

/* The records are durable, their changes are not made: so much is to be said. */
static void owe(struct gw_batch *batch, const struct gw_job_list *jobs, enum gw_status status, const char *reason)
{
    enum gw_journal_outcome outcome = status == GW_E_UNKNOWN ? GW_JOURNAL_UNKNOWN : GW_JOURNAL_NOT_APPLIED;

    if (batch->journal == NULL)
        return;
    for (const struct gw_commit_job *job = jobs->first; job != NULL; job = job->next) {
        if (job->staged && changes_something(job) && job->sequence != 0)
            add_owed(batch,
                     &(struct gw_batch_owed){.sequence = job->sequence, .outcome = outcome, .maker = GW_JOURNAL_STORE},
                     reason);
    }
    append_owed(batch);
    (void)flush(batch, true);
}

static void note_committed(struct gw_batch *batch, struct gw_chain_head head)
{
    batch->committed = head;
    if (batch->journal != NULL && gw_store_found(batch->store)->is_durable)
        gw_journal_committed(batch->journal, head.sequence);
}

static void tell_watch(struct gw_batch *batch, const struct gw_job_list *jobs)
{
    const struct gw_commit_watch *watch = batch->options->watch;

    for (const struct gw_commit_job *job = jobs->first; watch != NULL && job != NULL; job = job->next) {
        if (job->staged && job->change != NULL)
            watch->on_publish(watch->ctx, job->change);
    }
}

static enum gw_status publish(struct gw_batch *batch, const struct gw_job_list *jobs, struct gw_err *err)
{
    const struct gw_commit_watch *watch = batch->options->watch;
    bool is_exclusive = watch != NULL && watch->on_exclusive != NULL && jobs->first->stage != NULL;
    enum gw_status status;

    tell_watch(batch, jobs);
    if (is_exclusive)
        watch->on_exclusive(watch->ctx, true);
    status = gw_store_commit(batch->store, err);
    if (is_exclusive)
        watch->on_exclusive(watch->ctx, false);
    return status;
}

/* Records alone: those of a batch whose changes the store doesn't take. */
static void record_rest(struct gw_batch *batch, const struct gw_job_list *jobs)
{
    if (batch->journal == NULL)
        return;
    gw_journal_discard(batch->journal);
    append_owed(batch);
    for (struct gw_commit_job *job = jobs->first; job != NULL; job = job->next) {
        if (job->staged)
            append(batch, job);
        else
            job->sequence = 0;
    }
    if (!flush(batch, is_awaited(jobs)))
        fail(batch, jobs, GW_E_IO, false);
}

static void run_changes(struct gw_batch *batch, const struct gw_job_list *jobs)
{
    struct gw_chain_head head = batch->committed;
    struct gw_err err = {""};
    enum gw_status status = prepare(batch, &err);

    if (status != GW_OK) {
        tell_failure(batch, "store", &err);
        fail(batch, jobs, status, true);
        record_rest(batch, jobs);
        return;
    }
    if (batch->journal != NULL)
        head = gw_journal_head(batch->journal); /* as prepared: behind a flush it may be newer */
    if (!flush(batch, true)) {
        gw_store_rollback(batch->store);
        fail(batch, jobs, GW_E_IO, false);
        return;
    }
    status = publish(batch, jobs, &err);
    if (status != GW_OK) {
        tell_failure(batch, "store", &err);
        owe(batch, jobs, status, err.text);
        fail(batch, jobs, status, true);
        return;
    }
    note_committed(batch, head);
}

static void count_done(struct gw_batch *batch, const struct gw_job_list *jobs)
{
    uint64_t changes = 0;
    uint64_t records = 0;

    for (const struct gw_commit_job *job = jobs->first; job != NULL; job = job->next) {
        if (job->status != GW_OK)
            continue;
        changes += job->change != NULL;
        records += job->record.at != NULL || job->settles != 0;
    }
    count_up(&batch->counters->batches, 1);
    count_up(&batch->counters->changes, changes);
    count_up(&batch->counters->records, records);
}

/* What /metrics shows of the head: two numbers that a scrape sees together, or nearly. */
static void show_head(struct gw_batch *batch)
{
    struct gw_chain_head head;
    uint64_t prefix = 0;

    if (batch->journal == NULL)
        return;
    head = gw_journal_durable_head(batch->journal);
    for (size_t i = 0; i < GW_COMMIT_HASH_PREFIX; i++)
        prefix = prefix << 8 | head.hash[i];
    atomic_store_explicit(&batch->counters->head_hash, prefix, memory_order_relaxed);
    atomic_store_explicit(&batch->counters->head_sequence, head.sequence, memory_order_release);
}

void gw_batch_run(struct gw_batch *batch, const struct gw_job_list *jobs)
{
    if (take_all(batch, jobs))
        run_changes(batch, jobs);
    else if (!flush(batch, is_awaited(jobs)))
        fail(batch, jobs, GW_E_IO, false);
    count_done(batch, jobs);
    show_head(batch);
}

static void log_head(struct gw_batch *batch)
{
    struct gw_chain_head head = gw_journal_durable_head(batch->journal);
    int64_t now_ms = gw_clock_monotonic_ms(batch->clock);
    char hex[GW_DIGEST_HEX_SIZE];

    if (head.sequence == batch->head_told || now_ms - batch->head_told_ms < TELL_HEAD_MS)
        return;
    batch->head_told = head.sequence;
    batch->head_told_ms = now_ms;
    gw_digest_hex(head.hash, hex);
    gw_log(GW_LOG_INFO, "audit", "head %llu:%.*s", (unsigned long long)head.sequence, (int)sizeof(hex), hex);
}

/* Without a change: the store knows of the records then that a start needn't read again. */
static void commit_head(struct gw_batch *batch, const struct gw_chain_head *head)
{
    int64_t now_ms = gw_clock_monotonic_ms(batch->clock);
    struct gw_err err = {""};

    if (!gw_store_found(batch->store)->is_durable || !gw_journal_is_kept(batch->journal) ||
        gw_chain_equal(head, &batch->committed) || gw_store_counters(batch->store)->is_fenced ||
        now_ms < batch->head_due_ms)
        return;
    if (gw_store_prepare(batch->store, head, &err) == GW_OK && gw_store_commit(batch->store, &err) == GW_OK) {
        note_committed(batch, *head);
        return;
    }
    batch->head_due_ms = now_ms + HEAD_WAIT_MS;
    tell_failure(batch, "store", &err);
}

void gw_batch_tick(struct gw_batch *batch)
{
    struct gw_chain_head head;
    struct gw_chain_head durable;

    if (batch->journal == NULL)
        return;
    gw_journal_tick(batch->journal);
    append_owed(batch);
    head = gw_journal_head(batch->journal);
    durable = gw_journal_durable_head(batch->journal);
    if (!gw_chain_equal(&head, &durable) && !flush(batch, true))
        return;
    log_head(batch);
    show_head(batch);
    commit_head(batch, &head);
}
