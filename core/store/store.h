/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_STORE_H
#define GW_STORE_STORE_H

/*
 * Access entries and idempotency tokens. Readers look things up in a hash table
 * inside an epoch (base/epoch.h) and never wait, neither for the disk nor for the
 * writer. One writer thread stages changes, then commits them in one batch: what a
 * reader sees is what has been committed.
 *
 *   writer:  stage(change)... -> write records -> commit() or rollback()
 *   reader:  gw_epoch_enter -> find -> use -> gw_epoch_leave
 *
 * Keys are (partition, account, region, cluster, principal ARN); byte-exact. The
 * table's hash is seeded, so strangers can't aim for collisions.
 *
 * Tokens are published before the entry of the same change: a reader that finds
 * an entry and then looks for the token of the change that made it finds it.
 */

#include "base/epoch.h"
#include "base/random.h"
#include "base/str.h"

struct gw_store_key {
    struct gw_str partition;
    struct gw_str account; /* the cluster's */
    struct gw_str region;
    struct gw_str cluster;
    struct gw_str principal;
};

/* Immutable once published; one block of memory, all views point into it. The store takes only what
 * gw_access_entry_new made: it keeps links of its own in front. */
struct gw_access_entry {
    uint64_t version; /* given by the store at staging; unique within the process, never 0 */
    struct gw_store_key key;
    struct gw_str arn;
    struct gw_str type;
    struct gw_str username;
    const struct gw_str *groups;
    size_t group_count;
    const struct gw_pair *tags;
    size_t tag_count;
    int64_t created_ms;
    int64_t modified_ms;
    struct gw_str reply; /* ready-made body of Describe */
};

/* new: a deep copy in one block. */
struct gw_access_entry *gw_access_entry_new(const struct gw_access_entry *from);
void gw_access_entry_free(struct gw_access_entry **entry);

/* A finished create or update, for its retries. Scope: operation, cluster, and the caller's account. */
struct gw_store_token {
    struct gw_str operation;
    struct gw_str partition;
    struct gw_str account; /* of the caller */
    struct gw_str region;
    struct gw_str cluster;
    struct gw_str token;
    struct gw_str principal;  /* the entry it made; dropped with it */
    unsigned char digest[32]; /* of the parameters as the caller sent them */
    int64_t created_ms;
    struct gw_str reply;
};

/* new: a deep copy in one block. */
struct gw_store_token *gw_store_token_new(const struct gw_store_token *from);
void gw_store_token_free(struct gw_store_token **token);

struct gw_store_options {
    size_t tokens_max;           /* 100,000 per process; the oldest go */
    size_t tokens_per_entry_max; /* 16; the oldest go */
    int64_t token_age_ms;        /* 24 h */
};

struct gw_store_change {
    struct gw_store_key key;       /* borrows until staged */
    uint64_t expected_version;     /* version of the entry it was based on; 0: must be absent */
    struct gw_access_entry *entry; /* takes when staged, its key equals `key`; NULL deletes */
    struct gw_store_token *token;  /* takes when staged; NULL: none; of a delete it is dropped */
    size_t cluster_entries_max;    /* a create past this many entries in its cluster is GW_E_LIMIT */
    int64_t now_ms;
};

struct gw_store;

/* new: the memory engine. `epoch` must outlive it. */
struct gw_store *gw_store_open_memory(const struct gw_store_options *options, struct gw_epoch *epoch,
                                      const struct gw_random *random);
void gw_store_close(struct gw_store **store);

/* Readers, inside an epoch. borrows: until the epoch is left. NULL when absent. */
const struct gw_access_entry *gw_store_find(const struct gw_store *store, const struct gw_store_key *key);
/* Only the six scope fields of `scope` are read. NULL when absent or older than token_age_ms at `now_ms`. */
const struct gw_store_token *gw_store_find_token(const struct gw_store *store, const struct gw_store_token *scope,
                                                 int64_t now_ms);
/* Entries in a cluster (the principal of `key` is not read), committed ones. */
size_t gw_store_count_cluster(const struct gw_store *store, const struct gw_store_key *key);
/* All committed entries. Any thread. */
size_t gw_store_count(const struct gw_store *store);

/* Writer thread only. Checks the change against what is committed and what is staged: GW_E_STALE (version, a delete
 * of what isn't there, or a token that another change has taken meanwhile), GW_E_LIMIT (cluster full), GW_OK. When
 * GW_OK the change's entry and token are cleared and the entry has its version; else the caller still owns both. */
GW_NODISCARD enum gw_status gw_store_stage(struct gw_store *store, struct gw_store_change *change);
/* Publishes everything staged. GW_E_IO: nothing was published, everything staged is dropped. */
GW_NODISCARD enum gw_status gw_store_commit(struct gw_store *store, struct gw_err *err);
/* Drops everything staged. */
void gw_store_rollback(struct gw_store *store);

#endif
