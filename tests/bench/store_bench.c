/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable engine without anything around it.
 *
 *   store_bench seed FILE ENTRIES [CLUSTERS]     makes a file with typical entries and their tokens
 *   store_bench open FILE                        opens it: seconds, memory per entry
 *   store_bench create FILE [SECONDS [BATCH]]    durable creates per second and CPU time each, by batch
 *
 *   seed entries=1000000 clusters=1 seconds=12.3 bytes=524288000
 *   open entries=1000000 seconds=2.9 cpu=2.8 rss_per_entry=1210 checked=0
 *   create batch=64 per_second=41000 cpu_us=7.1 sync_us=310
 *
 * A typical entry has a group, four tags and the username that EKS gives; its principal is as random as names are. What
 * `open` prints as `checked` is 1 when the file wasn't closed and was checked first. What a create costs is the time of
 * this thread: making the objects, staging, rows, publishing; `sync_us` is the rest of the time that a batch takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/digest.h"
#include "eks/access_entry.h"

#define SEED_BATCH 1000
#define TAGS       4

struct bench {
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_store *store;
    struct gw_buf reply;
    uint64_t state;
    uint64_t clusters;
};

static double seconds_of(clockid_t id)
{
    struct timespec time;

    (void)clock_gettime(id, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* xorshift64 */
static uint64_t next(struct bench *bench)
{
    bench->state ^= bench->state << 13;
    bench->state ^= bench->state >> 7;
    bench->state ^= bench->state << 17;
    return bench->state;
}

static const char *cluster_name(uint64_t number)
{
    static char name[64];

    (void)snprintf(name, sizeof(name), "bench-cluster-%llu", (unsigned long long)number);
    return name;
}

static struct gw_store_key key_of(uint64_t cluster)
{
    return (struct gw_store_key){.partition = GW_STR("aws"),
                                 .account = GW_STR("012345678910"),
                                 .region = GW_STR("us-west-2"),
                                 .cluster = gw_str_from(cluster_name(cluster)),
                                 .principal = GW_STR_NONE};
}

static void stage(struct bench *bench, struct gw_store_change *change)
{
    enum gw_status status = gw_store_stage(bench->store, change);

    if (status != GW_OK)
        gw_fatal("the store refused a change: %s", gw_status_name(status));
}

static void commit(struct bench *bench)
{
    struct gw_err err;

    if (gw_store_commit(bench->store, &err) != GW_OK)
        gw_fatal("%s", err.text);
    gw_store_tend(bench->store);
}

static void make_clusters(struct bench *bench)
{
    for (uint64_t i = 0; i < bench->clusters; i++) {
        struct gw_cluster cluster = {.key = key_of(i), .mode = GW_EKS_MODE_API, .document = GW_STR("{}")};
        struct gw_store_change change = {.key = cluster.key, .cluster_act = GW_STORE_PUT};

        change.cluster = gw_cluster_new(&cluster);
        stage(bench, &change);
        if (i % SEED_BATCH == SEED_BATCH - 1)
            commit(bench);
    }
    commit(bench);
}

/* Makes the entry and its token, as CreateAccessEntry does. */
static void stage_entry(struct bench *bench, int64_t now_ms)
{
    static const struct gw_str groups[] = {GW_STR_INIT("team-a-developers")};
    static const struct gw_pair tags[TAGS] = {{GW_STR_INIT("team"), GW_STR_INIT("a")},
                                              {GW_STR_INIT("cost-centre"), GW_STR_INIT("4711")},
                                              {GW_STR_INIT("environment"), GW_STR_INIT("production")},
                                              {GW_STR_INIT("owner"), GW_STR_INIT("platform@example.com")}};
    struct gw_store_key key = key_of(next(bench) % bench->clusters);
    unsigned long long name = (unsigned long long)next(bench);
    unsigned long long id = (unsigned long long)next(bench);
    char principal[128];
    char username[160];
    char arn[256];
    struct gw_access_entry entry = {.key = key,
                                    .type = GW_STR("STANDARD"),
                                    .groups = groups,
                                    .group_count = GW_COUNT(groups),
                                    .tags = tags,
                                    .tag_count = TAGS,
                                    .created_ms = now_ms,
                                    .modified_ms = now_ms};
    struct gw_store_token token = {.created_ms = now_ms};
    struct gw_store_change change = {.expected_cluster = gw_store_find_cluster(bench->store, &key)->version,
                                     .entry_act = GW_STORE_PUT,
                                     .cluster_entries_max = SIZE_MAX,
                                     .now_ms = now_ms};

    (void)snprintf(principal, sizeof(principal), "arn:aws:iam::012345678910:role/%016llx", name);
    (void)snprintf(username, sizeof(username), "arn:aws:sts::012345678910:assumed-role/%016llx/{{SessionName}}", name);
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:eks:us-west-2:012345678910:access-entry/%.*s/role/012345678910/%016llx/"
                   "%08llx-0000-4000-8000-%012llx",
                   GW_STR_ARG(key.cluster), name, id >> 32, id & 0xffffffff);
    entry.key.principal = gw_str_from(principal);
    entry.username = gw_str_from(username);
    entry.arn = gw_str_from(arn);
    gw_buf_clear(&bench->reply);
    gw_eks_entry_encode(&entry, &bench->reply);
    entry.reply = gw_buf_str(&bench->reply);
    change.entry = gw_access_entry_new(&entry);
    change.key = change.entry->key;
    gw_digest_sha256(gw_str_from(principal), token.scope);
    memcpy(token.digest, token.scope, sizeof(token.digest));
    token.reply = entry.reply;
    change.token = gw_store_token_new(&token, change.entry);
    stage(bench, &change);
}

/* Opens the file; the reader is inside an epoch only while it stages. */
static void open_bench(struct bench *bench, const char *path)
{
    const struct gw_store_options options = {
        .tokens_max = 100000, .tokens_per_entry_max = 16, .token_age_ms = INT64_C(86400000)};
    const struct gw_store_file file = {.path = path, .busy_ms = 1000, .encode_reply = gw_eks_entry_encode};
    struct gw_err err;

    *bench = (struct bench){.epoch = gw_epoch_new(), .state = 88172645463325252, .clusters = 1};
    bench->reader = gw_epoch_register(bench->epoch);
    gw_buf_init(&bench->reply, 65536);
    if (gw_store_open_sqlite(&options, &file, bench->epoch, gw_random_system(), &bench->store, &err) != GW_OK)
        gw_fatal("%s", err.text);
    gw_random_fill(gw_random_system(), &bench->state, sizeof(bench->state));
}

static void close_bench(struct bench *bench)
{
    gw_store_close(&bench->store);
    gw_epoch_unregister(bench->reader);
    gw_epoch_free(&bench->epoch);
    gw_buf_fini(&bench->reply);
}

static void seed(const char *path, uint64_t entries, uint64_t clusters)
{
    double begun = seconds_of(CLOCK_MONOTONIC);
    int64_t now_ms = gw_clock_wall_ms(gw_clock_system());
    struct bench bench;
    struct stat found;

    open_bench(&bench, path);
    bench.clusters = clusters;
    make_clusters(&bench);
    for (uint64_t i = 0; i < entries; i++) {
        stage_entry(&bench, now_ms + (int64_t)i);
        if (i % SEED_BATCH == SEED_BATCH - 1)
            commit(&bench);
    }
    commit(&bench);
    close_bench(&bench);
    if (stat(path, &found) != 0)
        gw_fatal("%s is gone", path);
    printf("seed entries=%llu clusters=%llu seconds=%.1f bytes=%lld\n", (unsigned long long)entries,
           (unsigned long long)clusters, seconds_of(CLOCK_MONOTONIC) - begun, (long long)found.st_size);
}

/* Bytes of this process's own memory. */
static double memory_of_process(void)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    }
    if (in != NULL)
        (void)fclose(in);
    return (double)kib * 1024;
}

static void open_once(const char *path)
{
    double before = memory_of_process();
    double begun = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    char log[4096];
    struct stat found;
    struct bench bench;
    double took;
    double spent;
    size_t count;
    bool is_checked;

    (void)snprintf(log, sizeof(log), "%s-wal", path);
    is_checked = stat(log, &found) == 0 && found.st_size > 0;
    open_bench(&bench, path);
    took = seconds_of(CLOCK_MONOTONIC) - begun;
    spent = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    count = gw_store_count(bench.store);
    printf("open entries=%zu seconds=%.2f cpu=%.2f rss_per_entry=%.0f checked=%d\n", count, took, spent,
           (memory_of_process() - before) / (double)(count > 0 ? count : 1), is_checked);
    (void)fflush(stdout);
    close_bench(&bench);
}

static void create_batches(struct bench *bench, unsigned batch, double seconds)
{
    double begun = seconds_of(CLOCK_MONOTONIC);
    double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    double took;
    unsigned done = 0;

    do {
        for (unsigned k = 0; k < batch; k++)
            stage_entry(bench, gw_clock_wall_ms(gw_clock_system()));
        commit(bench);
        done++;
        took = seconds_of(CLOCK_MONOTONIC) - begun;
    } while (took < seconds);
    cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    printf("create batch=%u per_second=%.0f cpu_us=%.1f sync_us=%.0f\n", batch, done * batch / took,
           cpu * 1e6 / (done * batch), (took - cpu) * 1e6 / done);
    (void)fflush(stdout);
}

/* Batch 0: of several sizes. */
static void create(const char *path, double seconds, unsigned batch)
{
    static const unsigned batches[] = {1, 16, 64};
    struct bench bench;

    open_bench(&bench, path);
    if (gw_store_count_clusters(bench.store) == 0)
        make_clusters(&bench);
    for (size_t i = 0; batch == 0 && i < GW_COUNT(batches); i++)
        create_batches(&bench, batches[i], seconds);
    if (batch > 0)
        create_batches(&bench, batch, seconds);
    close_bench(&bench);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "seed") == 0)
        seed(argv[2], strtoull(argv[3], NULL, 10), argc > 4 ? strtoull(argv[4], NULL, 10) : 1);
    else if (argc == 3 && strcmp(argv[1], "open") == 0)
        open_once(argv[2]);
    else if (argc >= 3 && strcmp(argv[1], "create") == 0)
        create(argv[2], argc > 3 ? strtod(argv[3], NULL) : 3, argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 0);
    else
        return fprintf(stderr,
                       "usage: store_bench seed FILE ENTRIES [CLUSTERS] | open FILE | create FILE [SECONDS [BATCH]]\n"),
               2;
    return 0;
}
