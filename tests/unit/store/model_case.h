/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_MODEL_CASE_H
#define GW_TEST_MODEL_CASE_H

/*
 * Random batches against a model that is a few arrays: what staging answers, and
 * after each commit or rollback everything that readers can ask. Few names, so
 * that changes meet each other within a batch all the time. One program includes
 * it once, behind cluster_case.h or sqlite_case.h.
 */

#include "cluster_case.h"

#define CLUSTERS     4 /* two in one scope, one of the same name in another account, one in another partition */
#define PRINCIPALS   5
#define POLICIES     3
#define ARNS         6
#define TOKENS       8
#define CLUSTER_MAX  3
#define CHANGES_MAX  10
#define OF_A_CLUSTER PRINCIPALS /* in place of a principal: the token is the cluster's */

struct model_entry {
    uint64_t version; /* 0: absent */
    unsigned policies;
    size_t arn;
};

struct model_token {
    bool there;
    size_t cluster;
    size_t principal;
};

struct model {
    uint64_t clusters[CLUSTERS]; /* version, 0: absent */
    struct model_entry entries[CLUSTERS][PRINCIPALS];
    struct model_token tokens[TOKENS];
    size_t arns[ARNS]; /* 1 + cluster * PRINCIPALS + principal; 0: nobody's */
};

struct run {
    struct fixture *f;
    uint64_t chosen;
    struct model committed;
    struct model staged;
    bool taken[TOKENS]; /* by the batch under way */
};

static inline size_t choose(struct run *run, size_t below)
{
    run->chosen = run->chosen * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(run->chosen >> 33) % below;
}

static inline struct gw_store_key key_of(size_t cluster, size_t principal)
{
    static const char *const names[] = {"c", "d", "c", "c"};
    static const char *const accounts[] = {"111111111111", "111111111111", "222222222222", "111111111111"};
    static const char *const principals[] = {"p", "pp", "q", "r", "s"};
    struct gw_store_key at = key_in(names[cluster], principal == OF_A_CLUSTER ? "" : principals[principal]);

    at.account = gw_str_from(accounts[cluster]);
    if (cluster == 3)
        at.partition = GW_STR("aws-cn");
    return at;
}

static inline struct gw_str arn_of(size_t arn)
{
    static const char *const arns[] = {"arn:0", "arn:1", "arn:2", "arn:3", "arn:4", "arn:5"};

    return gw_str_from(arns[arn]);
}

static inline void token_name(size_t token, char out[8])
{
    (void)snprintf(out, 8, "t%zu", token % TOKENS);
}

static inline size_t count_entries(const struct model *model, size_t cluster)
{
    size_t count = 0;

    for (size_t i = 0; i < PRINCIPALS; i++)
        count += model->entries[cluster][i].version != 0;
    return count;
}

/* A change as the model thinks of it. */
struct step {
    size_t cluster;
    size_t principal;
    enum gw_store_act cluster_act;
    enum gw_store_act entry_act;
    uint64_t expected_cluster;
    uint64_t expected_entry;
    unsigned policies;
    size_t arn;
    size_t token; /* TOKENS: none */
    bool is_clusters_token;
};

/* Mostly what is there, else what was, or nothing. */
static inline uint64_t choose_version(struct run *run, uint64_t staged, uint64_t committed)
{
    size_t choice = choose(run, 16);

    if (choice == 0)
        return 0;
    return choice == 1 ? committed : staged;
}

static inline struct step choose_step(struct run *run)
{
    struct step step = {.cluster = choose(run, CLUSTERS), .principal = choose(run, PRINCIPALS)};
    size_t kind = choose(run, 16);
    const struct model_entry *entry = &run->staged.entries[step.cluster][step.principal];

    step.cluster_act = kind < 3 ? GW_STORE_PUT : kind == 3 ? GW_STORE_DELETE : GW_STORE_KEEP;
    kind = choose(run, 8);
    if (step.cluster_act == GW_STORE_KEEP || kind == 0)
        step.entry_act = kind < 5 ? GW_STORE_PUT : kind < 7 ? GW_STORE_DELETE : GW_STORE_KEEP;
    step.expected_cluster =
        choose_version(run, run->staged.clusters[step.cluster], run->committed.clusters[step.cluster]);
    step.expected_entry =
        choose_version(run, entry->version, run->committed.entries[step.cluster][step.principal].version);
    step.policies = (unsigned)choose(run, 1U << POLICIES);
    step.arn = choose(run, ARNS);
    step.token = choose(run, 3) == 0 ? choose(run, TOKENS) : TOKENS;
    step.is_clusters_token = choose(run, 4) == 0;
    return step;
}

static inline enum gw_status expected_status(const struct run *run, const struct step *step)
{
    uint64_t cluster = run->staged.clusters[step->cluster];
    uint64_t entry = run->staged.entries[step->cluster][step->principal].version;
    bool touches = step->entry_act != GW_STORE_KEEP;

    if (step->expected_cluster != cluster || (cluster == 0 && step->cluster_act != GW_STORE_PUT))
        return GW_E_STALE;
    if (touches && (step->cluster_act == GW_STORE_DELETE || step->expected_entry != entry))
        return GW_E_STALE;
    if (step->entry_act == GW_STORE_DELETE && entry == 0)
        return GW_E_STALE;
    if (step->token < TOKENS && (run->committed.tokens[step->token].there || run->taken[step->token]))
        return GW_E_STALE;
    if (step->entry_act == GW_STORE_PUT && entry == 0 && count_entries(&run->staged, step->cluster) >= CLUSTER_MAX)
        return GW_E_LIMIT;
    return GW_OK;
}

static inline void model_drop_tokens(struct model *model, size_t cluster, size_t principal)
{
    for (size_t i = 0; i < TOKENS; i++) {
        if (model->tokens[i].cluster == cluster && model->tokens[i].principal == principal)
            model->tokens[i].there = false;
    }
}

static inline void model_delete_entry(struct model *model, size_t cluster, size_t principal)
{
    struct model_entry *entry = &model->entries[cluster][principal];

    if (entry->version != 0 && model->arns[entry->arn] == 1 + cluster * PRINCIPALS + principal)
        model->arns[entry->arn] = 0;
    entry->version = 0;
    model_drop_tokens(model, cluster, principal);
}

static inline void model_put_entry(struct model *model, const struct step *step, uint64_t version)
{
    struct model_entry *entry = &model->entries[step->cluster][step->principal];
    size_t mine = 1 + step->cluster * PRINCIPALS + step->principal;

    if (entry->version != 0 && entry->arn != step->arn && model->arns[entry->arn] == mine)
        model->arns[entry->arn] = 0;
    *entry = (struct model_entry){version, step->policies, step->arn};
    model->arns[step->arn] = mine;
}

static inline void model_apply(struct model *model, const struct step *step, uint64_t cluster, uint64_t entry)
{
    if (step->cluster_act == GW_STORE_DELETE) {
        for (size_t i = 0; i < PRINCIPALS; i++)
            model_delete_entry(model, step->cluster, i);
        model_drop_tokens(model, step->cluster, OF_A_CLUSTER);
        model->clusters[step->cluster] = 0;
        return;
    }
    if (step->cluster_act == GW_STORE_PUT)
        model->clusters[step->cluster] = cluster;
    if (step->entry_act == GW_STORE_PUT)
        model_put_entry(model, step, entry);
    else if (step->entry_act == GW_STORE_DELETE)
        model_delete_entry(model, step->cluster, step->principal);
    if (step->token < TOKENS)
        model->tokens[step->token] = (struct model_token){
            true, step->cluster,
            step->entry_act == GW_STORE_PUT && !step->is_clusters_token ? step->principal : OF_A_CLUSTER};
}

static inline struct gw_store_change make_change(const struct step *step)
{
    struct gw_association associations[POLICIES] = {{.policy_arn = GW_STR_NONE}};
    struct gw_access_entry from = {
        .key = key_of(step->cluster, step->principal), .arn = arn_of(step->arn), .associations = associations};
    struct gw_store_change change = {.key = from.key,
                                     .expected_cluster = step->expected_cluster,
                                     .cluster_act = step->cluster_act,
                                     .entry_act = step->entry_act,
                                     .expected_entry = step->expected_entry,
                                     .is_clusters_token = step->is_clusters_token,
                                     .cluster_entries_max = CLUSTER_MAX,
                                     .now_ms = NOW};
    char name[8];

    for (size_t i = 0; i < POLICIES; i++) {
        if ((step->policies >> i & 1) != 0)
            associations[from.association_count++].policy_arn = (struct gw_str){"PQR" + i, 1};
    }
    if (step->cluster_act == GW_STORE_PUT)
        change.cluster = new_cluster(&from.key);
    if (step->entry_act == GW_STORE_PUT)
        change.entry = gw_access_entry_new(&from);
    token_name(step->token, name);
    if (step->token < TOKENS)
        change.token = new_token(name);
    return change;
}

static inline void run_step(struct run *run)
{
    struct step step = choose_step(run);
    struct gw_store_change change = make_change(&step);
    const struct gw_cluster *cluster = change.cluster;
    const struct gw_access_entry *entry = change.entry;
    enum gw_status expected = expected_status(run, &step);

    assert_int_equal(stage_change(run->f, &change), expected);
    if (expected != GW_OK)
        return;
    model_apply(&run->staged, &step, cluster == NULL ? 0 : cluster->version, entry == NULL ? 0 : entry->version);
    if (step.token < TOKENS)
        run->taken[step.token] = true;
}

/* The principals of a cluster, those of a policy only unless it is NULL, as expect_listed writes them. */
static inline void expect_model_listing(struct run *run, size_t cluster, const char *policy)
{
    struct gw_store_key at = key_of(cluster, OF_A_CLUSTER);
    char text[64] = "";

    for (size_t i = 0; i < PRINCIPALS; i++) {
        const struct model_entry *entry = &run->committed.entries[cluster][i];

        if (entry->version == 0 || (policy != NULL && (entry->policies >> (*policy - 'P') & 1) == 0))
            continue;
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", text[0] == '\0' ? "" : " ",
                       key_of(cluster, i).principal.at);
    }
    expect_listed(run->f, page_of_entries, &at, policy, text);
}

static inline void expect_model_cluster(struct run *run, size_t cluster)
{
    const struct gw_store *store = run->f->store;
    struct gw_store_key at = key_of(cluster, OF_A_CLUSTER);

    assert_int_equal(cluster_version(run->f, &at), run->committed.clusters[cluster]);
    assert_int_equal(gw_store_count_cluster(store, &at), count_entries(&run->committed, cluster));
    for (size_t i = 0; i < PRINCIPALS; i++) {
        struct gw_store_key of_entry = key_of(cluster, i);
        const struct gw_access_entry *entry = gw_store_find(store, &of_entry);

        assert_int_equal(entry == NULL ? 0 : entry->version, run->committed.entries[cluster][i].version);
    }
    expect_model_listing(run, cluster, NULL);
    expect_model_listing(run, cluster, "P");
    expect_model_listing(run, cluster, "Q");
    expect_model_listing(run, cluster, "R");
}

static inline void expect_model_scopes(struct run *run)
{
    const uint64_t *clusters = run->committed.clusters;
    struct gw_store_key at = key_of(0, OF_A_CLUSTER);
    char text[128] = "";

    expect_listed(run->f, page_of_clusters, &at, NULL,
                  clusters[0] == 0   ? (clusters[1] == 0 ? "" : "d")
                  : clusters[1] == 0 ? "c"
                                     : "c d");
    (void)snprintf(text, sizeof(text), "%s%s%s", clusters[3] != 0 ? " aws-cn/111111111111/us-west-2" : "",
                   clusters[0] != 0 || clusters[1] != 0 ? " aws/111111111111/us-west-2" : "",
                   clusters[2] != 0 ? " aws/222222222222/us-west-2" : "");
    expect_scopes(run->f, text[0] == '\0' ? "" : text + 1);
}

static inline void expect_model(struct run *run)
{
    size_t entries = 0;
    size_t clusters = 0;
    char name[8];

    for (size_t i = 0; i < CLUSTERS; i++) {
        expect_model_cluster(run, i);
        entries += count_entries(&run->committed, i);
        clusters += run->committed.clusters[i] != 0;
    }
    assert_int_equal(gw_store_count(run->f->store), entries);
    assert_int_equal(gw_store_count_clusters(run->f->store), clusters);
    expect_model_scopes(run);
    for (size_t i = 0; i < ARNS; i++) {
        const struct gw_access_entry *entry = gw_store_find_arn(run->f->store, arn_of(i));
        size_t owner = run->committed.arns[i];

        assert_int_equal(
            entry == NULL ? 0 : entry->version,
            owner == 0 ? 0 : run->committed.entries[(owner - 1) / PRINCIPALS][(owner - 1) % PRINCIPALS].version);
    }
    for (size_t i = 0; i < TOKENS; i++) {
        token_name(i, name);
        assert_int_equal(find_token(run->f, name, NOW) != NULL, run->committed.tokens[i].there);
    }
}

/* Everything to begin with: no cluster but those of the model. */
static inline struct run run_of(struct fixture *f)
{
    if (version_of(f, "my-cluster") != 0)
        delete_cluster(f, "my-cluster");
    return (struct run){.f = f, .chosen = 1};
}

/* Stages a batch; run->staged is what will be if it is committed. */
static inline void stage_batch(struct run *run)
{
    size_t changes = 1 + choose(run, CHANGES_MAX);

    memset(run->taken, 0, sizeof(run->taken));
    run->staged = run->committed;
    for (size_t i = 0; i < changes; i++)
        run_step(run);
}

/* Frees what is gone: a stale pointer would show. */
static inline void reclaim(struct fixture *f)
{
    gw_epoch_leave(f->reader);
    gw_epoch_reclaim(f->epoch);
    gw_epoch_enter(f->reader);
}

/* After a start: true when what is there is what `model` says. */
static inline bool has_what(struct run *run, const struct model *model)
{
    char name[8];

    for (size_t i = 0; i < CLUSTERS * (PRINCIPALS + 1); i++) {
        struct gw_store_key at = key_of(i / (PRINCIPALS + 1), i % (PRINCIPALS + 1));
        const struct model_entry *expected = &model->entries[i / (PRINCIPALS + 1)][i % (PRINCIPALS + 1) % PRINCIPALS];
        const struct gw_access_entry *entry = gw_store_find(run->f->store, &at);
        unsigned policies = 0;

        if (i % (PRINCIPALS + 1) == OF_A_CLUSTER) {
            if ((cluster_version(run->f, &at) != 0) != (model->clusters[i / (PRINCIPALS + 1)] != 0))
                return false;
            continue;
        }
        for (size_t k = 0; entry != NULL && k < entry->association_count; k++)
            policies |= 1U << (entry->associations[k].policy_arn.at[0] - 'P');
        if ((entry != NULL) != (expected->version != 0) ||
            (entry != NULL && (policies != expected->policies || !gw_str_equal(entry->arn, arn_of(expected->arn)))))
            return false;
    }
    for (size_t i = 0; i < TOKENS; i++) {
        token_name(i, name);
        if ((find_token(run->f, name, NOW) != NULL) != model->tokens[i].there)
            return false;
    }
    return true;
}

static inline bool has_arn(const struct run *run, size_t owner, size_t arn)
{
    const struct model_entry *entry;

    if (owner == 0)
        return false;
    entry = &run->committed.entries[(owner - 1) / PRINCIPALS][(owner - 1) % PRINCIPALS];
    return entry->version != 0 && entry->arn == arn;
}

/* Versions are new with every start, and of several entries with one ARN any may be found by it. */
static inline void adopt_versions(struct run *run)
{
    for (size_t i = 0; i < CLUSTERS; i++) {
        struct gw_store_key at = key_of(i, OF_A_CLUSTER);

        assert_int_equal(cluster_version(run->f, &at) != 0, run->committed.clusters[i] != 0);
        run->committed.clusters[i] = cluster_version(run->f, &at);
        for (size_t k = 0; k < PRINCIPALS; k++) {
            struct gw_store_key of_entry = key_of(i, k);
            const struct gw_access_entry *entry = gw_store_find(run->f->store, &of_entry);

            assert_int_equal(entry != NULL, run->committed.entries[i][k].version != 0);
            run->committed.entries[i][k].version = entry == NULL ? 0 : entry->version;
        }
    }
    for (size_t arn = 0; arn < ARNS; arn++) {
        const struct gw_access_entry *found = gw_store_find_arn(run->f->store, arn_of(arn));
        size_t owner = 0;

        for (size_t i = 0; found != NULL && i < CLUSTERS * PRINCIPALS; i++) {
            struct gw_store_key at = key_of(i / PRINCIPALS, i % PRINCIPALS);

            if (gw_store_find(run->f->store, &at) == found)
                owner = i + 1;
        }
        assert_true(has_arn(run, owner, arn) || !has_arn(run, run->committed.arns[arn], arn));
        run->committed.arns[arn] = owner;
    }
}

#endif
