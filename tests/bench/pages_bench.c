/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one page of ListAccessEntries costs: a store with CLUSTERS clusters of
 * ENTRIES entries each is filled, then pages of 100 are taken at random places of
 * random clusters, from the query to the reply. Prints the median of several
 * rounds in CPU time. Under callgrind only the pages are counted: the program
 * switches its instrumentation on behind the filling.
 *
 *   pages_bench CLUSTERS ENTRIES [PAGES] [filter]
 *   pages clusters=1000 entries=3000 pages=20000 ns=5400
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION (void)0
#define CALLGRIND_STOP_INSTRUMENTATION  (void)0
#endif

#include "eks/service.h"

#define ROUNDS 7
#define POLICY "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

struct bench {
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_store *store;
    struct gw_arena arena;
    uint64_t state;
    uint64_t clusters;
    uint64_t entries;
    bool filter;
};

static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* xorshift64: the same places in every run. */
static uint64_t next(struct bench *bench)
{
    bench->state ^= bench->state << 13;
    bench->state ^= bench->state >> 7;
    bench->state ^= bench->state << 17;
    return bench->state;
}

static struct gw_str cluster_name(struct gw_arena *arena, uint64_t cluster)
{
    return gw_arena_printf(arena, "cluster-%llu", (unsigned long long)cluster);
}

static struct gw_str principal(struct gw_arena *arena, uint64_t entry)
{
    return gw_arena_printf(arena, "arn:aws:iam::012345678910:role/team/bench/role-%llu",
                           (unsigned long long)(entry * 7919 % 1000003));
}

static struct gw_store_key key_of(struct gw_arena *arena, uint64_t cluster)
{
    return (struct gw_store_key){GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2"),
                                 cluster_name(arena, cluster), GW_STR_NONE};
}

static void stage(struct bench *bench, struct gw_store_change *change)
{
    if (gw_store_stage(bench->store, change) != GW_OK)
        gw_fatal("the store refused a change");
}

static void commit(struct bench *bench)
{
    struct gw_err err;

    if (gw_store_commit(bench->store, &err) != GW_OK)
        gw_fatal("%s", err.text);
}

static void fill_cluster(struct bench *bench, uint64_t cluster)
{
    struct gw_association association = {.policy_arn = GW_STR(POLICY), .is_cluster_wide = true};
    struct gw_store_key key = key_of(&bench->arena, cluster);
    struct gw_cluster record = {.key = key, .mode = GW_EKS_MODE_API, .document = GW_STR("{}")};
    struct gw_store_change change = {.key = key, .cluster_act = GW_STORE_PUT, .cluster = gw_cluster_new(&record)};
    uint64_t version;

    stage(bench, &change);
    commit(bench);
    version = gw_store_find_cluster(bench->store, &key)->version;
    for (uint64_t i = 0; i < bench->entries; i++) {
        struct gw_access_entry entry = {.key = key, .type = GW_STR("STANDARD"), .reply = GW_STR("{}")};

        entry.key.principal = principal(&bench->arena, i);
        entry.arn = gw_arena_printf(&bench->arena, "arn:%llu/%llu", (unsigned long long)cluster, (unsigned long long)i);
        if (bench->filter) {
            entry.associations = &association;
            entry.association_count = 1;
        }
        change = (struct gw_store_change){.key = entry.key,
                                          .expected_cluster = version,
                                          .entry_act = GW_STORE_PUT,
                                          .entry = gw_access_entry_new(&entry),
                                          .cluster_entries_max = SIZE_MAX};
        stage(bench, &change);
    }
    commit(bench);
    gw_arena_reset(&bench->arena);
}

static struct gw_str list(struct bench *bench, struct gw_str cluster, struct gw_str query)
{
    static const struct gw_eks_limits limits = {
        .entries_per_cluster = 3000, .groups_per_entry = 100, .policies_per_entry = 20};
    struct gw_eks_call call = {.op = GW_EKS_ListAccessEntries,
                               .arena = &bench->arena,
                               .partition = GW_STR("aws"),
                               .account = GW_STR("012345678910"),
                               .region = GW_STR("us-west-2"),
                               .raw_labels = {cluster},
                               .label_count = 1,
                               .query = query};
    struct gw_eks_env env = {.random = gw_random_system(), .limits = &limits, .store = bench->store};
    struct gw_eks_result result;
    struct gw_eks_error error = {.code = GW_EKS_ServerException};

    if (gw_eks_decode(&call, &error) != GW_OK || gw_eks_check(&call, &limits, &error) != GW_OK ||
        gw_eks_prepare(&call, &env, &result, &error) != GW_OK)
        gw_fatal("refused: %.*s", GW_STR_ARG(error.message));
    return result.reply;
}

static struct gw_str query_of(struct bench *bench, struct gw_str token)
{
    const char *filter = bench->filter ? "associatedPolicyArn=" POLICY "&" : "";
    struct gw_str escaped = {"", 0};
    char *out;

    if (token.length == 0)
        return gw_arena_printf(&bench->arena, "%smaxResults=100", filter);
    out = gw_arena_alloc(&bench->arena, token.length * 3 + 1);
    for (size_t i = 0; i < token.length; i++) {
        int n = token.at[i] == '+' || token.at[i] == '/' || token.at[i] == '='
                    ? snprintf(out + escaped.length, 4, "%%%02X", (unsigned)token.at[i])
                    : snprintf(out + escaped.length, 2, "%c", token.at[i]);

        escaped.length += (size_t)n;
    }
    escaped.at = out;
    return gw_arena_printf(&bench->arena, "%smaxResults=100&nextToken=%.*s", filter, GW_STR_ARG(escaped));
}

/* Tokens that begin behind the first, second, ... page of each cluster: what a walk would send. */
struct walk {
    char **queries; /* per cluster and page */
    uint64_t pages;
};

static void collect_walk(struct bench *bench, struct walk *walk)
{
    walk->pages = bench->entries < 100 ? 1 : bench->entries / 100;
    walk->queries = gw_alloc_zero(bench->clusters * walk->pages, sizeof(*walk->queries));
    for (uint64_t c = 0; c < bench->clusters; c++) {
        struct gw_str token = GW_STR_NONE;

        for (uint64_t p = 0; p < walk->pages; p++) {
            struct gw_str query = query_of(bench, token);
            struct gw_str reply = list(bench, cluster_name(&bench->arena, c), query);
            size_t at = gw_str_search(reply, GW_STR("\"nextToken\":\""));

            walk->queries[c * walk->pages + p] = gw_str_dup(query);
            if (at == SIZE_MAX)
                token = GW_STR_NONE;
            else
                token = gw_arena_str(&bench->arena, gw_str_slice(reply, at + 13, reply.length - at - 15));
            if (at == SIZE_MAX && p + 1 < walk->pages)
                gw_fatal("the walk ended early, at page %llu", (unsigned long long)p);
        }
        gw_arena_reset(&bench->arena);
    }
}

static double take_pages(struct bench *bench, const struct walk *walk, uint64_t pages)
{
    double start = now_ns();

    if (walk->pages == 0 || bench->clusters == 0)
        return 0;
    CALLGRIND_START_INSTRUMENTATION;
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t cluster = next(bench) % bench->clusters;
        uint64_t page = next(bench) % walk->pages;
        char name[32];
        int length = snprintf(name, sizeof(name), "cluster-%llu", (unsigned long long)cluster);

        (void)list(bench, (struct gw_str){name, (size_t)length},
                   gw_str_from(walk->queries[cluster * walk->pages + page]));
        gw_arena_reset(&bench->arena);
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    return (now_ns() - start) / (double)pages;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static uint64_t number(const char *text)
{
    uint64_t value = 0;

    if (gw_str_parse_u64(gw_str_from(text), 10000000, &value) != GW_OK || value == 0)
        gw_fatal("usage: pages_bench CLUSTERS ENTRIES [PAGES] [filter]");
    return value;
}

int main(int argc, char **argv)
{
    static const struct gw_store_options options = {.tokens_max = 1, .tokens_per_entry_max = 1, .token_age_ms = 1};
    struct bench bench = {.state = 88172645463325252ULL};
    uint64_t pages = argc > 3 ? number(argv[3]) : 20000;
    struct walk walk;
    double rounds[ROUNDS];

    bench.clusters = argc > 2 ? number(argv[1]) : 1;
    bench.entries = argc > 2 ? number(argv[2]) : 3000;
    bench.filter = argc > 4;
    if (bench.entries < 100)
        gw_fatal("a cluster needs a page of entries, 100");
    bench.epoch = gw_epoch_new();
    bench.reader = gw_epoch_register(bench.epoch);
    bench.store = gw_store_open_memory(&options, bench.epoch, gw_random_system());
    gw_arena_init(&bench.arena, 0);
    for (uint64_t i = 0; i < bench.clusters; i++)
        fill_cluster(&bench, i);
    gw_epoch_enter(bench.reader);
    collect_walk(&bench, &walk);
    for (size_t r = 0; r < ROUNDS; r++)
        rounds[r] = take_pages(&bench, &walk, pages);
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    printf("pages clusters=%llu entries=%llu pages=%llu ns=%.0f\n", (unsigned long long)bench.clusters,
           (unsigned long long)bench.entries, (unsigned long long)pages, rounds[ROUNDS / 2]);
    gw_epoch_leave(bench.reader);
    gw_epoch_unregister(bench.reader);
    for (uint64_t i = 0; i < bench.clusters * walk.pages; i++)
        free(walk.queries[i]);
    free(walk.queries);
    gw_arena_fini(&bench.arena);
    gw_store_close(&bench.store);
    gw_epoch_free(&bench.epoch);
    return 0;
}
