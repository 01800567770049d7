/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_CLUSTER_CASE_H
#define GW_TEST_CLUSTER_CASE_H

/*
 * What the tests of clusters and their listings add to store_case.h: changes of
 * clusters, entries with policies, and listings as texts. One program includes it
 * once, in place of store_case.h.
 */

#include "store_case.h"

#define LISTED_MAX 4096

/* A page of names at a time, joined by blanks: "a b c". */
typedef size_t page_cb(struct fixture *f, const struct gw_store_key *at, const char *policy,
                       struct gw_store_page *page);

static inline size_t page_of_entries(struct fixture *f, const struct gw_store_key *at, const char *policy,
                                     struct gw_store_page *page)
{
    return gw_store_page_entries(f->store, at, policy == NULL ? GW_STR_NONE : gw_str_from(policy), page);
}

static inline size_t page_of_clusters(struct fixture *f, const struct gw_store_key *at, const char *policy,
                                      struct gw_store_page *page)
{
    (void)policy;
    return gw_store_page_clusters(f->store, at, page);
}

static inline size_t page_of_scopes(struct fixture *f, const struct gw_store_key *at, const char *policy,
                                    struct gw_store_page *page)
{
    (void)at;
    (void)policy;
    return gw_store_page_scopes(f->store, page);
}

static inline void expect_listed(struct fixture *f, page_cb *page_of, const struct gw_store_key *at, const char *policy,
                                 const char *expected)
{
    char text[LISTED_MAX] = "";
    struct gw_str items[2];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};
    size_t used = 0;

    do {
        size_t count = page_of(f, at, policy, &page);

        for (size_t i = 0; i < count; i++) {
            assert_true(used + 1 + items[i].length < sizeof(text));
            if (used > 0)
                text[used++] = ' ';
            memcpy(text + used, items[i].at, items[i].length);
            used += items[i].length;
        }
        assert_true(count == page.max || !page.more);
        if (count > 0)
            page.after = items[count - 1];
    } while (page.more);
    text[used] = '\0';
    assert_string_equal(text, expected);
}

static inline void expect_entries(struct fixture *f, const char *cluster, const char *expected)
{
    struct gw_store_key at = key_in(cluster, "");

    expect_listed(f, page_of_entries, &at, NULL, expected);
}

static inline void expect_with_policy(struct fixture *f, const char *cluster, const char *policy, const char *expected)
{
    struct gw_store_key at = key_in(cluster, "");

    expect_listed(f, page_of_entries, &at, policy, expected);
}

static inline void expect_clusters(struct fixture *f, const char *expected)
{
    struct gw_store_key at = key("");

    expect_listed(f, page_of_clusters, &at, NULL, expected);
}

static inline void expect_scopes(struct fixture *f, const char *expected)
{
    expect_listed(f, page_of_scopes, NULL, NULL, expected);
}

static inline const struct gw_access_entry *find_arn(struct fixture *f, const char *arn)
{
    return gw_store_find_arn(f->store, gw_str_from(arn));
}

static inline struct gw_cluster *new_cluster(const struct gw_store_key *at)
{
    struct gw_cluster from = {.key = *at, .document = GW_STR("{}")};

    from.key.principal = GW_STR_NONE;
    return gw_cluster_new(&from);
}

static inline struct gw_store_token *new_token(const char *token)
{
    struct gw_store_token from = scope(token);

    from.created_ms = NOW;
    from.reply = gw_str_from(token);
    return gw_store_token_new(&from, NULL);
}

/* Stages a put (with a token unless that is NULL) or a delete of a cluster. */
static inline enum gw_status stage_cluster(struct fixture *f, const char *cluster, uint64_t version,
                                           enum gw_store_act act, const char *token)
{
    struct gw_store_change change = {
        .key = key_in(cluster, ""), .expected_cluster = version, .cluster_act = act, .now_ms = NOW};

    if (act == GW_STORE_PUT)
        change.cluster = new_cluster(&change.key);
    if (token != NULL)
        change.token = new_token(token);
    return stage_change(f, &change);
}

static inline uint64_t version_of(struct fixture *f, const char *cluster)
{
    struct gw_store_key at = key_in(cluster, "");

    return cluster_version(f, &at);
}

static inline void delete_cluster(struct fixture *f, const char *cluster)
{
    assert_int_equal(stage_cluster(f, cluster, version_of(f, cluster), GW_STORE_DELETE, NULL), GW_OK);
    commit(f);
}

/* Stages a put of an entry with the policies that `policies` names by one letter each. */
static inline enum gw_status stage_entry_with(struct fixture *f, const char *cluster, const char *principal,
                                              const char *policies)
{
    struct gw_store_key at = key_in(cluster, principal);
    const struct gw_access_entry *now = gw_store_find(f->store, &at);
    struct gw_store_change change = change_at(f, &at, now == NULL ? 0 : now->version);
    struct gw_association associations[26] = {{.policy_arn = GW_STR_NONE}};
    struct gw_access_entry from = {.key = at, .arn = at.principal, .associations = associations};

    for (; policies[from.association_count] != '\0'; from.association_count++)
        associations[from.association_count].policy_arn = (struct gw_str){policies + from.association_count, 1};
    change.entry = gw_access_entry_new(&from);
    return stage_change(f, &change);
}

static inline void put_entry_with(struct fixture *f, const char *cluster, const char *principal, const char *policies)
{
    assert_int_equal(stage_entry_with(f, cluster, principal, policies), GW_OK);
    commit(f);
}

#endif
