/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums the workers' counters and writes them as text. Label values are names from
 * operations.def and numbers: a client can't make a new series.
 */
#include "gateway/metrics.h"

/* Statuses with a series of their own; anything else counts as the last, "other". */
static const unsigned statuses[GW_METRICS_STATUSES - 1] = {200, 400, 403, 404, 408, 409, 413, 429, 500, 501, 503};

static size_t status_slot(unsigned status)
{
    size_t slot = 0;

    while (slot < GW_METRICS_STATUSES - 1 && statuses[slot] != status)
        slot++;
    return slot;
}

void gw_metrics_count_request(struct gw_metrics *metrics, enum gw_eks_op op, unsigned status)
{
    gw_metrics_count(&metrics->requests[op][status_slot(status)]);
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void put_help(struct gw_buf *out, const char *name, const char *type, const char *help)
{
    gw_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_single(struct gw_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    put_help(out, name, type, help);
    gw_buf_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void put_requests(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    put_help(out, "eksgate_requests_total", "counter", "Requests by operation and status of the reply.");
    for (size_t op = 0; op < GW_EKS_OP_COUNT; op++) {
        for (size_t slot = 0; slot < GW_METRICS_STATUSES; slot++) {
            uint64_t sum = 0;

            for (size_t i = 0; i < sources->worker_count; i++)
                sum += read_counter(&sources->workers[i]->requests[op][slot]);
            if (sum == 0)
                continue;
            gw_buf_printf(out, "eksgate_requests_total{operation=\"%s\",status=\"", gw_eks_ops[op].name);
            if (slot < GW_METRICS_STATUSES - 1)
                gw_buf_append_u64(out, statuses[slot]);
            else
                gw_buf_append_lit(out, "other");
            gw_buf_printf(out, "\"} %llu\n", (unsigned long long)sum);
        }
    }
}

#define GW_SUM(sources, array, field, sum)                                                                             \
    do {                                                                                                               \
        (sum) = 0;                                                                                                     \
        for (size_t sum_at = 0; sum_at < (sources)->worker_count; sum_at++)                                            \
            (sum) += read_counter(&(sources)->array[sum_at]->field);                                                   \
    } while (0)

static void put_worker_counters(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    uint64_t sum;

#define GW_METRIC(field, name, type, help)                                                                             \
    GW_SUM(sources, workers, field, sum);                                                                              \
    put_single(out, name, type, help, sum);
#include "gateway/metrics.def"
#undef GW_METRIC
}

static void put_policies(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    uint64_t sum;

    GW_SUM(sources, workers, policy.calls, sum);
    put_single(out, "eksgate_policy_calls_total", "counter", "Hooks run.", sum);
    put_help(out, "eksgate_policy_refusals_total", "counter", "Refusals by policies, by kind.");
    GW_SUM(sources, workers, policy.denied, sum);
    gw_buf_printf(out, "eksgate_policy_refusals_total{kind=\"denied\"} %llu\n", (unsigned long long)sum);
    GW_SUM(sources, workers, policy.throttled, sum);
    gw_buf_printf(out, "eksgate_policy_refusals_total{kind=\"throttled\"} %llu\n", (unsigned long long)sum);
    GW_SUM(sources, workers, policy.failed, sum);
    gw_buf_printf(out, "eksgate_policy_refusals_total{kind=\"failed\"} %llu\n", (unsigned long long)sum);
    put_help(out, "eksgate_policy_kills_total", "counter", "Hooks stopped by their budget, by kind.");
    GW_SUM(sources, workers, policy.killed_time, sum);
    gw_buf_printf(out, "eksgate_policy_kills_total{kind=\"time\"} %llu\n", (unsigned long long)sum);
    GW_SUM(sources, workers, policy.killed_memory, sum);
    gw_buf_printf(out, "eksgate_policy_kills_total{kind=\"memory\"} %llu\n", (unsigned long long)sum);
}

static void put_fetches(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    uint64_t sum;

    GW_SUM(sources, workers, fetch.begun, sum);
    put_single(out, "eksgate_policy_fetches_total", "counter", "Requests of policies to endpoints.", sum);
    GW_SUM(sources, workers, fetch.failed, sum);
    put_single(out, "eksgate_policy_fetches_failed_total", "counter",
               "Those without a whole reply in time, and those that weren't begun.", sum);
    GW_SUM(sources, workers, fetch.under_way, sum);
    put_single(out, "eksgate_policy_fetches_under_way", "gauge", "Those under way now.", sum);
    GW_SUM(sources, workers, fetch.ms, sum);
    put_help(out, "eksgate_policy_fetch_seconds_total", "counter", "Time that all of them took together.");
    gw_buf_printf(out, "eksgate_policy_fetch_seconds_total %llu.%03llu\n", (unsigned long long)(sum / 1000),
                  (unsigned long long)(sum % 1000));
}

static void put_connections(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    uint64_t sum;

    GW_SUM(sources, servers, open, sum);
    put_single(out, "eksgate_connections_open", "gauge", "Connections open now.", sum);
    GW_SUM(sources, servers, accepted, sum);
    put_single(out, "eksgate_connections_accepted_total", "counter", "Connections accepted.", sum);
    GW_SUM(sources, servers, refused, sum);
    put_single(out, "eksgate_http_refused_total", "counter", "Messages refused as malformed, too large or too slow.",
               sum);
    GW_SUM(sources, servers, timeouts, sum);
    put_single(out, "eksgate_http_timeouts_total", "counter", "Connections closed at a deadline.", sum);
    GW_SUM(sources, servers, tls_handshakes, sum);
    put_single(out, "eksgate_tls_handshakes_total", "counter", "TLS handshakes finished.", sum);
    GW_SUM(sources, servers, tls_resumed, sum);
    put_single(out, "eksgate_tls_resumed_total", "counter", "Of them, those that resumed a session.", sum);
    GW_SUM(sources, servers, tls_failed, sum);
    put_single(out, "eksgate_tls_failed_total", "counter", "TLS handshakes that failed.", sum);
    GW_SUM(sources, servers, pauses, sum);
    put_single(out, "eksgate_listener_pauses_total", "counter", "Times a listener paused at the connection cap.", sum);
}

static void put_upstreams(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    uint64_t sum;

    if (sources->upstreams == NULL)
        return;
    GW_SUM(sources, upstreams, requests, sum);
    put_single(out, "eksgate_upstream_requests_total", "counter",
               "Requests for an upstream, those of policies' needs too.", sum);
    GW_SUM(sources, upstreams, connections, sum);
    put_single(out, "eksgate_upstream_connections_total", "counter", "Connections to upstreams opened.", sum);
    GW_SUM(sources, upstreams, open, sum);
    put_single(out, "eksgate_upstream_connections_open", "gauge", "Connections to upstreams open now.", sum);
    GW_SUM(sources, upstreams, waiting, sum);
    put_single(out, "eksgate_upstream_waiting", "gauge", "Requests that wait for a connection now.", sum);
    GW_SUM(sources, upstreams, handshakes_failed, sum);
    put_single(out, "eksgate_upstream_handshakes_failed_total", "counter", "TLS handshakes with upstreams that failed.",
               sum);
    GW_SUM(sources, upstreams, retries, sum);
    put_single(out, "eksgate_upstream_retries_total", "counter", "Requests sent again on another connection.", sum);
    GW_SUM(sources, upstreams, not_sent, sum);
    put_single(out, "eksgate_upstream_not_sent_total", "counter", "Requests of which nothing went out.", sum);
    GW_SUM(sources, upstreams, unknown, sum);
    put_single(out, "eksgate_upstream_unknown_total", "counter", "Requests that went out and had no whole reply.", sum);
    GW_SUM(sources, upstreams, breaker_opened, sum);
    put_single(out, "eksgate_upstream_breaker_opened_total", "counter",
               "Times an upstream was left alone after failures in a row.", sum);
}

static uint64_t longest_of(const struct gw_metrics_sources *sources, size_t cause)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < sources->worker_count; i++) {
        uint64_t ns = read_counter(&sources->loops[i]->longest_ns[cause]);

        longest = ns > longest ? ns : longest;
    }
    return longest;
}

static void put_loops(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    uint64_t sum;

    put_help(
        out, "eksgate_loop_callbacks_slow_total", "counter",
        "Callbacks of workers that took more than a millisecond: of their own work, because they waited, or because "
        "other processes had the processor.");
    for (size_t cause = 0; cause < GW_STOPWATCH_CAUSES; cause++) {
        GW_SUM(sources, loops, slow[cause], sum);
        gw_buf_printf(out, "eksgate_loop_callbacks_slow_total{cause=\"%s\"} %llu\n", gw_stopwatch_cause_name(cause),
                      (unsigned long long)sum);
    }
    put_help(out, "eksgate_loop_callback_longest_seconds", "gauge",
             "The longest callback of workers since the start; of work, its time on the processor.");
    for (size_t cause = 0; cause < GW_STOPWATCH_CAUSES; cause++) {
        uint64_t ns = longest_of(sources, cause);

        gw_buf_printf(out, "eksgate_loop_callback_longest_seconds{cause=\"%s\"} %llu.%09llu\n",
                      gw_stopwatch_cause_name(cause), (unsigned long long)(ns / 1000000000U),
                      (unsigned long long)(ns % 1000000000U));
    }
}

static void put_commit(const struct gw_commit_counters *commit, struct gw_buf *out)
{
    put_single(out, "eksgate_commit_batches_total", "counter", "Batches written.", read_counter(&commit->batches));
    put_single(out, "eksgate_commit_changes_total", "counter", "Changes committed.", read_counter(&commit->changes));
    put_single(out, "eksgate_audit_records_total", "counter", "Audit records written.", read_counter(&commit->records));
    put_single(out, "eksgate_commit_refused_total", "counter", "Jobs turned away because the queue was full.",
               read_counter(&commit->refused_full));
    put_single(out, "eksgate_commit_failures_total", "counter", "Batches that the disk refused.",
               read_counter(&commit->failed_io));
    put_single(out, "eksgate_commit_queued", "gauge", "Jobs waiting for the writer.", read_counter(&commit->queued));
}

static void put_journal(const struct gw_journal_counters *journal, const struct gw_commit_counters *commit,
                        struct gw_buf *out)
{
    uint64_t sequence = atomic_load_explicit(&commit->head_sequence, memory_order_acquire);

    put_single(out, "eksgate_audit_head_sequence", "gauge", "Number of the newest audit record that is durable.",
               sequence);
    put_single(out, "eksgate_audit_head_hash", "gauge",
               "The first 48 bits of that record's hash, as a number (in hexadecimal: printf %012x).",
               read_counter(&commit->head_hash));
    put_single(out, "eksgate_audit_syncs_total", "counter", "Syncs of audit files.", read_counter(&journal->syncs));
    put_single(out, "eksgate_audit_bytes_total", "counter", "Bytes written to audit files.",
               read_counter(&journal->bytes));
    put_single(out, "eksgate_audit_files_total", "counter", "Audit files begun.", read_counter(&journal->files));
    put_single(out, "eksgate_audit_files_given_up_total", "counter",
               "Audit files that are written no more because a sync of them failed.", read_counter(&journal->given_up));
}

static void put_store(const struct gw_store_counters *store, struct gw_buf *out)
{
    put_single(out, "eksgate_store_transactions_total", "counter", "Transactions committed to the store's file.",
               read_counter(&store->transactions));
    put_single(out, "eksgate_store_checkpoints_total", "counter",
               "Times that the store's write-ahead log was brought into its file.", read_counter(&store->checkpoints));
    put_single(out, "eksgate_store_log_pages", "gauge", "Pages in the store's write-ahead log.",
               read_counter(&store->log_pages));
    put_single(out, "eksgate_store_fenced", "gauge",
               "1: a sync of the store's file failed; changes are refused until a restart has checked it.",
               atomic_load_explicit(&store->is_fenced, memory_order_relaxed) ? 1 : 0);
}

void gw_metrics_encode(const struct gw_metrics_sources *sources, struct gw_buf *out)
{
    put_requests(sources, out);
    put_worker_counters(sources, out);
    put_upstreams(sources, out);
    put_policies(sources, out);
    put_fetches(sources, out);
    put_connections(sources, out);
    put_loops(sources, out);
    put_commit(sources->commit, out);
    if (sources->journal != NULL)
        put_journal(sources->journal, sources->commit, out);
    if (sources->store != NULL)
        put_store(sources->store, out);
    put_single(out, "eksgate_entries", "gauge", "Access entries in the store.", sources->entries);
    put_single(out, "eksgate_clusters", "gauge", "Clusters in the store.", sources->clusters);
    put_single(out, "eksgate_keys", "gauge", "Access keys loaded.", sources->keys);
    put_single(out, "eksgate_policies", "gauge", "Policies loaded.", sources->policies);
    put_single(out, "eksgate_policy_counters", "gauge", "Counters of policies that are kept; at most 65,536.",
               sources->counters);
    put_single(out, "eksgate_generation", "gauge", "Number of the settings and policies in force, as records name it.",
               sources->generation);
    put_single(out, "eksgate_reloads_total", "counter", "Reloads taken up.", sources->reloads);
    put_single(out, "eksgate_reload_failures_total", "counter", "Reloads refused; the old state stayed.",
               sources->reloads_failed);
    put_single(out, "eksgate_start_time_seconds", "gauge", "When the process started, seconds since 1970.",
               (uint64_t)sources->started_s);
}
