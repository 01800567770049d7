/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_ENGINE_H
#define GW_STORE_ENGINE_H

/*
 * What the files of the memory engine share; for core/store only.
 *
 *   memory.c   the tables, and what readers do
 *   stage.c    checks changes and keeps them for the batch
 *   write.c    makes them durable where there is a file (database.h)
 *   apply.c    publishes them, and looks after tokens
 */

#include "store/database.h"
#include "store/entry.h"
#include "store/listing.h"
#include "store/table.h"

#define GW_STAGED_HEADS 1024 /* chains of the indexes over staged changes; a power of two */

/* The entries of a cluster that have one policy associated. Made with the policy's first, kept as long as the node. */
struct gw_policy_listing {
    struct gw_str policy_arn; /* points behind the struct */
    struct gw_listing entries;
    _Atomic uint64_t version; /* of who has it, and where; moves behind what it tells of */

    /* the writer's: the version that the batch under way gives it, where it is the store's `batch` */
    uint64_t staged_version;
    uint64_t staged_batch;
};

/* An immutable array, replaced when a policy is met for the first time. */
struct gw_policy_listings {
    size_t count;
    struct gw_policy_listing *items[];
};

/* A cluster with all that hangs from it. There as long as the cluster is, or a staged change points here; readers take
 * a node whose record is NULL for none. */
struct gw_cluster_node {
    struct gw_store_key key; /* without principal; points behind the struct */
    _Atomic(struct gw_cluster *) record;
    struct gw_listing entries;
    _Atomic(struct gw_policy_listings *) policies;

    /* the writer's: the batch under way */
    size_t users;      /* staged changes that point here */
    size_t expected;   /* entries that there will be */
    size_t cluster_at; /* 1 + index of the newest staged change of the cluster itself */
    size_t deleted_at; /* the same, of its newest delete: what was there before is gone */
};

/* Where clusters are: a partition, account and region. */
struct gw_scope_node {
    struct gw_store_key key; /* of the first three; points into `text` */
    struct gw_listing clusters;
    struct gw_str text; /* "PARTITION/ACCOUNT/REGION", behind the struct */
};

struct gw_staged {
    uint64_t hash; /* of the entry's key; 0 where no entry is touched */
    uint64_t token_hash;
    size_t older;       /* 1 + index of the chain's next, 0 at its end */
    size_t older_token; /* the same, in the chain of the token's hash */
    enum gw_store_act cluster_act;
    enum gw_store_act entry_act;
    bool is_clusters_token;
    bool makes_cluster; /* a put of what isn't there */
    bool makes_entry;
    uint64_t cluster_id;     /* of the cluster's row, as the change leaves or deletes it */
    uint64_t entry_id;       /* the same, of the entry's */
    uint64_t policy_version; /* of the policies whose association with the entry it changes */
    struct gw_cluster *cluster;
    struct gw_access_entry *entry;
    struct gw_store_token *token;
    struct gw_store_key key; /* of the entry; text of the object that is put, else of the one that it meets */
    struct gw_cluster_node *node;
    int64_t now_ms;
};

struct gw_store {
    struct gw_store_options options;
    struct gw_store_found found;
    struct gw_store_counters counters;
    struct gw_epoch *epoch;
    struct gw_hash_seed seed;
    struct gw_table entries;
    struct gw_table arns; /* the same entries */
    struct gw_table nodes;
    struct gw_table scopes;
    struct gw_table tokens;
    struct gw_listing scope_names;
    atomic_size_t cluster_count;
    struct gw_link tokens_by_age;
    uint64_t last_version;
    uint64_t batch;                    /* 1 for the first */
    uint64_t last_id;                  /* of a row */
    struct gw_database *database;      /* NULL: nothing is durable */
    struct gw_store_snapshot snapshot; /* staged; its name is {NULL,0} when none is */
    struct gw_staged *staged;
    size_t staged_count;
    size_t staged_capacity;
    size_t staged_heads[GW_STAGED_HEADS]; /* 1 + index of the newest change of an entry in the chain */
    size_t token_heads[GW_STAGED_HEADS];  /* the same, of changes with a token */
};

/* memory.c */
uint64_t gw_engine_hash_entry(const struct gw_store *store, const struct gw_store_key *key);
uint64_t gw_engine_hash_cluster(const struct gw_store *store, const struct gw_store_key *key);
uint64_t gw_engine_hash_scope(const struct gw_store *store, const struct gw_store_key *key);
uint64_t gw_engine_hash_arn(const struct gw_store *store, struct gw_str arn);
uint64_t gw_engine_hash_token(const struct gw_store *store, const unsigned char scope[GW_STORE_DIGEST]);
bool gw_engine_same_entry(const struct gw_store_key *a, const struct gw_store_key *b);
bool gw_engine_is_too_old(const struct gw_store *store, const struct gw_store_token *token, int64_t now_ms);
/* The node, made when there is none. */
struct gw_cluster_node *gw_engine_enter_node(struct gw_store *store, const struct gw_store_key *key);
/* Drops a node that nothing needs, so that names mentioned once don't stay. */
void gw_engine_leave_node(struct gw_store *store, struct gw_cluster_node *node);
/* For gw_epoch_retire and gw_table_fini. */
void gw_engine_release_entry(void *object);
void gw_engine_release_token(void *object);
void gw_engine_release_scope(void *object);
const struct gw_policy_listing *gw_engine_find_policy(const struct gw_cluster_node *node, struct gw_str policy_arn);

/* apply.c */
/* Makes what is staged visible. */
void gw_engine_publish(struct gw_store *store);
/* A cluster where there is none. */
void gw_engine_add_cluster(struct gw_store *store, struct gw_cluster_node *node, struct gw_cluster *cluster);
/* The listing of one policy in a cluster, made when there is none. */
struct gw_policy_listing *gw_engine_enter_policy(struct gw_store *store, struct gw_cluster_node *node,
                                                 struct gw_str policy_arn);
/* The entry's association with the policy, NULL when there is none; `entry` may be NULL. */
const struct gw_association *gw_engine_association(const struct gw_access_entry *entry, struct gw_str policy_arn);
static inline bool gw_engine_has_policy(const struct gw_access_entry *entry, struct gw_str policy_arn)
{
    return gw_engine_association(entry, policy_arn) != NULL;
}
/* Gives the policies whose association with the entry is another in `fresh` than in `old` (either may be NULL) the
 * change's version: for the rest of the batch, or for readers. */
void gw_engine_move_policies(struct gw_store *store, const struct gw_staged *one, const struct gw_access_entry *old,
                             const struct gw_access_entry *fresh, bool is_staged);
static inline bool gw_engine_keeps_tokens(const struct gw_store *store)
{
    return store->options.tokens_max > 0 && store->options.tokens_per_entry_max > 0;
}
/* Gives the token to its owner and the store, which makes room for it; the oldest go. */
void gw_engine_keep_token(struct gw_store *store, struct gw_link *owner, struct gw_store_token *token, int64_t now_ms);

/* snapshot.c */
/* Writes what is staged; gives SQLite's code. */
int gw_engine_write_snapshot(struct gw_store *store);

/* stage.c */
/* Drops everything staged. */
void gw_engine_drop_staged(struct gw_store *store);
/* Takes a staged change off its node's books. */
void gw_engine_settle(struct gw_store *store, const struct gw_staged *one);
void gw_engine_forget_staged(struct gw_store *store);

#endif
