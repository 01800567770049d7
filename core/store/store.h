/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_STORE_H
#define GW_STORE_STORE_H

/*
 * Clusters, access entries and idempotency tokens. Readers look things up in hash
 * tables and walk ordered listings inside an epoch (base/epoch.h) and never wait,
 * neither for the disk nor for the writer. One writer thread stages changes, then
 * commits them in one batch: what a reader sees is what has been committed.
 *
 *   writer:  stage(change)... -> prepare() -> write records -> commit() or rollback()
 *   reader:  gw_epoch_enter -> find, page -> use -> gw_epoch_leave
 *
 * The durable engine is the memory engine with a file behind it: opening reads the
 * file into the tables, and what is staged is in the file before it is published.
 *
 * Keys are (partition, account, region, cluster, principal ARN); byte-exact. The
 * tables' hash is seeded, so strangers can't aim for collisions.
 *
 * Tokens are published before the object of the same change: a reader that finds
 * an entry and then looks for the token of the change that made it finds it.
 */

#include <stdatomic.h>

#include "base/epoch.h"
#include "base/random.h"
#include "base/shared.h"
#include "base/str.h"
#include "codec/chain.h"

struct gw_store_key {
    struct gw_str partition;
    struct gw_str account; /* the cluster's */
    struct gw_str region;
    struct gw_str cluster;
    struct gw_str principal; /* not read where the key is a cluster's */
};

/* An access policy associated with an entry, and where it holds. */
struct gw_association {
    struct gw_str policy_arn;
    bool is_cluster_wide; /* else in `namespaces` */
    const struct gw_str *namespaces;
    size_t namespace_count;
    int64_t associated_ms;
    int64_t modified_ms;
};

/* Immutable once published; all views point into its block and its reply. The store takes only what gw_access_entry_new
 * made: it keeps links of its own in front. */
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
    const struct gw_association *associations; /* one per policy, by policy ARN in byte order */
    size_t association_count;
    int64_t created_ms;
    int64_t modified_ms;
    struct gw_str reply; /* ready-made body of Describe */
};

/* new: a deep copy in one block; `reply` is kept apart, for its token to share. */
struct gw_access_entry *gw_access_entry_new(const struct gw_access_entry *from);
void gw_access_entry_free(struct gw_access_entry **entry);

/* A cluster; immutable once published, like an entry. The store reads its key and version only. */
struct gw_cluster {
    uint64_t version;
    struct gw_store_key key;
    unsigned mode;                /* enum gw_eks_auth_mode */
    struct gw_str document;       /* a JSON object: what DescribeCluster gives as `cluster` */
    const struct gw_str *updates; /* JSON objects: what DescribeUpdate gives as `update`, oldest first */
    size_t update_count;
};

/* new: a deep copy in one block. */
struct gw_cluster *gw_cluster_new(const struct gw_cluster *from);
void gw_cluster_free(struct gw_cluster **cluster);

#define GW_STORE_DIGEST 32

/* A finished create or update, for its retries: dropped with the object it made or changed. */
struct gw_store_token {
    unsigned char scope[GW_STORE_DIGEST];  /* SHA-256 of whose token it is: operation, account, cluster, token */
    unsigned char digest[GW_STORE_DIGEST]; /* of the parameters as the caller sent them */
    int64_t created_ms;
    struct gw_str reply;
};

/* new: a copy. Its reply is the one of `entry` where that has the same bytes (`entry` may be NULL). */
struct gw_store_token *gw_store_token_new(const struct gw_store_token *from, const struct gw_access_entry *entry);
void gw_store_token_free(struct gw_store_token **token);

struct gw_store_options {
    size_t tokens_max;           /* 100,000 per process; the oldest go */
    size_t tokens_per_entry_max; /* 16, of a cluster too; the oldest go */
    int64_t token_age_ms;        /* 24 h */
};

enum gw_store_act {
    GW_STORE_KEEP,
    GW_STORE_PUT,
    GW_STORE_DELETE, /* of a cluster: its entries go with it */
};

/* One change: of a cluster, of one of its entries, or of both together. */
struct gw_store_change {
    struct gw_store_key key;   /* borrows until staged; of the cluster, and of the entry where one is touched */
    uint64_t expected_cluster; /* version of the cluster it was based on; 0: must be absent */
    enum gw_store_act cluster_act;
    struct gw_cluster *cluster; /* takes when staged; of a put */
    enum gw_store_act entry_act;
    uint64_t expected_entry;       /* version of the entry it was based on; 0: must be absent */
    struct gw_access_entry *entry; /* takes when staged; of a put; its key equals `key` */
    struct gw_store_token *token;  /* takes when staged; NULL: none. Belongs to the entry put, else to the cluster */
    bool is_clusters_token;        /* it belongs to the cluster also where an entry is put */
    /* {NULL,0}, or a policy whose version (gw_store_policy_version) in the cluster the change was decided on. borrows
     */
    struct gw_str watched_policy;
    uint64_t expected_policy;
    size_t cluster_entries_max; /* a new entry past this many in its cluster is GW_E_LIMIT */
    int64_t now_ms;             /* for the age of tokens */
};

struct gw_store;

/* new: the memory engine. `epoch` must outlive it. */
struct gw_store *gw_store_open_memory(const struct gw_store_options *options, struct gw_epoch *epoch,
                                      const struct gw_random *random);

/* The file of the durable engine, an SQLite database. */
struct gw_store_file {
    const char *path;
    unsigned busy_ms; /* how long a lock that another process holds is waited for */
    const char *vfs;  /* a registered SQLite VFS; NULL: the system's */
    /* Makes an entry's `reply`, which the file doesn't hold; called by several threads at once. */
    void (*encode_reply)(const struct gw_access_entry *entry, struct gw_buf *reply);
};

/* new: the durable engine; makes the file (mode 0600) when there is none. `epoch` must outlive it; `file` is read
 * during the call. err names the file and what to do: GW_E_BUSY: another process has it; GW_E_SYNTAX: it is no store of
 * eksgate's, or corrupt; GW_E_RANGE: a newer eksgate's; GW_E_IO: the operating system said no. */
GW_NODISCARD enum gw_status gw_store_open_sqlite(const struct gw_store_options *options,
                                                 const struct gw_store_file *file, struct gw_epoch *epoch,
                                                 const struct gw_random *random, struct gw_store **store,
                                                 struct gw_err *err);

/* What was there at opening. The memory engine is always new. */
struct gw_store_found {
    bool is_durable;
    bool is_new;               /* nothing was ever committed to it */
    bool is_restored;          /* from a backup, and no record was committed since */
    bool has_unrecorded;       /* changes were committed without a head since `head` was */
    struct gw_chain_head head; /* the newest audit record that was committed with it */
};
const struct gw_store_found *gw_store_found(const struct gw_store *store);

/* Of the durable engine; any thread. */
struct gw_store_counters {
    _Atomic uint64_t transactions;
    _Atomic uint64_t checkpoints; /* of the write-ahead log into the database */
    _Atomic uint64_t log_pages;   /* in the write-ahead log now */
    _Atomic uint64_t load_ms;     /* what opening took */
    _Atomic bool is_fenced;       /* a sync failed: read-only until a restart has checked the file */
};
const struct gw_store_counters *gw_store_counters(const struct gw_store *store);

void gw_store_close(struct gw_store **store);

/* Readers, inside an epoch. borrows: until the epoch is left. NULL when absent. */
const struct gw_access_entry *gw_store_find(const struct gw_store *store, const struct gw_store_key *key);
/* The entry with that accessEntryArn. */
const struct gw_access_entry *gw_store_find_arn(const struct gw_store *store, struct gw_str arn);
const struct gw_cluster *gw_store_find_cluster(const struct gw_store *store, const struct gw_store_key *key);
/* NULL when absent or older than token_age_ms at `now_ms`. */
const struct gw_store_token *gw_store_find_token(const struct gw_store *store,
                                                 const unsigned char scope[GW_STORE_DIGEST], int64_t now_ms);

/* Readers, inside an epoch: one page of an ordered listing, in byte order, strictly after `after` ({NULL,0}: from its
 * start). Gives how many there are, `max` at most, in `items` (borrows); `*more` says whether others follow. An item
 * that is there from the first page to the last of a walk is met exactly once. O(max + log n). */
struct gw_store_page {
    struct gw_str after;
    size_t max;
    struct gw_str *items;
    bool more;
};
/* Principal ARNs of a cluster's entries; of those that have `policy_arn` associated unless it is {NULL,0}. */
size_t gw_store_page_entries(const struct gw_store *store, const struct gw_store_key *key, struct gw_str policy_arn,
                             struct gw_store_page *page);
/* Moves on with every change of which entries of the cluster have the policy associated, or where it holds; 0: nobody
 * has had it. Unique within the process, like other versions. What was read of these entries after the version was is
 * true for as long as it stays. */
uint64_t gw_store_policy_version(const struct gw_store *store, const struct gw_store_key *key,
                                 struct gw_str policy_arn);
/* Names of the clusters in the partition, account and region of `key`. */
size_t gw_store_page_clusters(const struct gw_store *store, const struct gw_store_key *key, struct gw_store_page *page);
/* "PARTITION/ACCOUNT/REGION" of all that have a cluster. */
size_t gw_store_page_scopes(const struct gw_store *store, struct gw_store_page *page);

/* Entries in a cluster, committed ones. */
size_t gw_store_count_cluster(const struct gw_store *store, const struct gw_store_key *key);
/* All committed entries, all committed clusters. Any thread. */
size_t gw_store_count(const struct gw_store *store);
size_t gw_store_count_clusters(const struct gw_store *store);

/* Writer thread only. Checks the change against what is committed and what is staged: GW_E_STALE (a version, that
 * of the watched policy too, a delete of what isn't there, an entry without its cluster, or a token that another change
 * has taken meanwhile), GW_E_LIMIT (cluster full), GW_OK. When GW_OK the change's objects are cleared and have their
 * versions; else the caller still owns them. */
GW_NODISCARD enum gw_status gw_store_stage(struct gw_store *store, struct gw_store_change *change);
/* Hands everything staged to the engine, with the newest audit record that will be durable by the time of the commit
 * (NULL: as it was); nothing is durable or published yet. GW_E_BUSY: another process holds the file for longer than
 * busy_ms; GW_E_IO: the file can't take it, or is fenced. Either way everything staged is dropped, nothing was written.
 */
GW_NODISCARD enum gw_status gw_store_prepare(struct gw_store *store, const struct gw_chain_head *head,
                                             struct gw_err *err);
/* Makes durable what was prepared (prepares it first where that wasn't done), then publishes it. On failure nothing was
 * published and everything staged is dropped: GW_E_IO, GW_E_BUSY: nothing of it is in the file; GW_E_UNKNOWN: a restart
 * will tell whether it is, until then the store takes no more (is_fenced). */
GW_NODISCARD enum gw_status gw_store_commit(struct gw_store *store, struct gw_err *err);
/* The engine's housekeeping, which callers of changes needn't wait for; call when a batch has been handed back. */
void gw_store_tend(struct gw_store *store);
/* Drops everything staged. */
void gw_store_rollback(struct gw_store *store);

/* Texts under a name, beside the objects: the states that a mock keeps. Only the durable engine has them. */
struct gw_store_snapshot {
    struct gw_str name;
    struct gw_str state;
    struct gw_str history; /* how it came about */
};
/* Writer thread only. Stages that the name stands for these texts from the commit on; borrows them until the batch is
 * committed or dropped. GW_E_BUSY: one is staged already. */
GW_NODISCARD enum gw_status gw_store_stage_snapshot(struct gw_store *store, const struct gw_store_snapshot *snapshot);
/* Writer thread only. Gives all that are committed to `take`, which borrows one during its call. GW_E_SYNTAX: a row
 * isn't what was written; GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_store_read_snapshots(struct gw_store *store,
                                                    void (*take)(void *ctx, const struct gw_store_snapshot *snapshot),
                                                    void *ctx, struct gw_err *err);

/* Frees the objects of a change that wasn't staged, and clears it. */
void gw_store_change_drop(struct gw_store_change *change);

#endif
