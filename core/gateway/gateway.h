/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_GATEWAY_H
#define GW_GATEWAY_GATEWAY_H

/*
 * What all workers share, and one worker. Shared state that changes (keys,
 * settings with policies) is an immutable snapshot behind an atomic pointer,
 * swapped whole and retired through the epoch.
 *
 * Wiring (cli/serve.c): open store and journal, gw_gateway_new, one gw_worker_new
 * per thread and loop, run the loops, drain, free workers, free the gateway.
 */

#include "auth/verify.h"
#include "base/map.h"
#include "gateway/commit.h"
#include "gateway/foreign.h"
#include "gateway/metrics.h"
#include "gateway/mock.h"
#include "gateway/policy.h"
#include "gateway/router.h"
#include "net/server.h"
#include "upstream/credentials.h"
#include "upstream/upstream.h"

#define GW_GATEWAY_WORKERS_MAX 256

/* A cluster of the configuration. */
struct gw_gateway_cluster {
    struct gw_str name;
    bool has_mode; /* `mode` was given: it wins over the mode that a cluster has already */
    enum gw_eks_auth_mode mode;
    const struct gw_json *given; /* object: members in DescribeCluster's shape; NULL: none */
};

/* How a worker gets its policies; filled by the wiring with script/hooks.h, faked in tests. All on the worker's thread.
 */
struct gw_policy_source {
    void *ctx; /* of a settings snapshot: freed with it */
    void (*free_ctx)(void *ctx);
    size_t count; /* policies in the set */
    /* new: this worker's instance; NULL instance means no policies. GW_E_SCRIPT when it can't be made. */
    enum gw_status (*open)(void *ctx, struct gw_policy_counters *counters, const struct gw_policy_services *services,
                           void **instance, const struct gw_policy_hooks **hooks, struct gw_err *err);
    void (*close)(void *instance);
};

/* What a reload may change. Given to gw_gateway_apply, which owns it from then on; one block arena. */
/* Processor time of the policies in the shadow, per request. */
#define GW_SHADOW_CPU_MS 2

struct gw_gateway_settings {
    struct gw_arena arena;   /* everything below that isn't constant lives here */
    struct gw_str partition; /* of the configured clusters */
    struct gw_str account;
    struct gw_str region;
    const struct gw_gateway_cluster *clusters;
    size_t cluster_count;
    struct gw_eks_limits limits;
    struct gw_map principals; /* ARNs that IAM has; only where has_principals */
    bool has_principals;
    bool audit;        /* there is an audit file */
    bool record_reads; /* audit.record = "all" */
    unsigned strangers_per_s;
    bool cors_headers;
    struct gw_policy_source policies;
    struct gw_policy_source shadow;       /* asked without effect (shadow.h); open is NULL: there is none */
    struct gw_fetch_endpoints *endpoints; /* held; NULL: there are none */

    /* filled by gw_gateway_apply and those who hold them */
    uint64_t generation;
    atomic_uint holders; /* the gateway while they are current, and each worker that has them open */
};

/* Who is let in. */
enum gw_gateway_auth {
    GW_GATEWAY_AUTH_SIGV4,    /* whose signature verifies here */
    GW_GATEWAY_AUTH_UPSTREAM, /* whose signature the upstream verifies: the request goes on as it came */
    GW_GATEWAY_AUTH_NONE,     /* whoever reaches the listener */
};

/* Who answers. */
enum gw_gateway_mode {
    GW_GATEWAY_STANDALONE, /* the store; there is no upstream */
    GW_GATEWAY_OVERLAY,    /* the store for access entries and what belongs to them, the upstream for the rest */
    GW_GATEWAY_PROXY,      /* the upstream, for everything */
};

/* What auth = "none" goes by. All borrowed: they outlive the gateway. */
struct gw_gateway_anybody {
    struct gw_principal caller; /* who everybody is */
    struct gw_str region;       /* that everybody asks for */
    const struct gw_listener *listeners;
    size_t listener_count;
    struct gw_foreign_names hosts; /* further names that Host may carry */
};

/* What stands behind the gateway. */
struct gw_gateway_upstream {
    struct gw_str endpoint; /* a URL with {region} and {account} to be filled in; {NULL,0}: there is none */
    struct gw_str connect;  /* HOST[:PORT], filled in like it: what is connected to in its place; {NULL,0}: it */
    struct gw_upstream_options pool;
    struct gw_credentials *credentials; /* borrowed; NULL: the caller's key signs */
    /* with `credentials`; arn {NULL,0}: the gateway's own sign */
    struct gw_credentials_role_options assumes;
};

/* What GW_GATEWAY_OVERLAY goes by. */
struct gw_gateway_overlay {
    unsigned cluster_ttl_ms;                   /* how long it counts that the upstream has shown a cluster */
    enum gw_eks_auth_mode authentication_mode; /* of clusters of which nobody said it */
};

struct gw_gateway_options {
    enum gw_gateway_auth auth;
    struct gw_gateway_anybody anybody; /* only with GW_GATEWAY_AUTH_NONE */
    enum gw_gateway_mode mode;
    struct gw_verify_options verify;
    struct gw_commit_options commit;
    struct gw_server_options http; /* connections_max per worker */
    struct gw_gateway_upstream upstream;
    struct gw_gateway_overlay overlay;
    const struct gw_mock_options *mock; /* borrowed by gw_gateway_new; NULL: nothing is faked */
};

struct gw_gateway;
struct gw_worker;

/* new: takes `settings` and `keyring`; store and journal (may be NULL) are borrowed and must outlive it. */
struct gw_gateway *gw_gateway_new(const struct gw_gateway_options *options, struct gw_gateway_settings **settings,
                                  struct gw_keyring **keyring, struct gw_epoch *epoch, struct gw_store *store,
                                  struct gw_journal *journal, const struct gw_clock *clock,
                                  const struct gw_random *random);
void gw_gateway_free(struct gw_gateway **gateway);

/* Swaps; takes its argument. Any thread. Requests already past the point where they read the old one finish with it.
 * Of settings it gives the generation. */
uint64_t gw_gateway_apply(struct gw_gateway *gateway, struct gw_gateway_settings **settings);
void gw_gateway_set_keyring(struct gw_gateway *gateway, struct gw_keyring **keyring);

/* Makes the configured clusters that don't exist, and gives those that do what the configuration says of them. Not on a
 * worker's thread. GW_E_BUSY, GW_E_IO: the writer didn't take them all. */
GW_NODISCARD enum gw_status gw_gateway_make_clusters(struct gw_gateway *gateway, struct gw_err *err);

/* new settings, zeroed, with their arena ready. */
struct gw_gateway_settings *gw_gateway_settings_new(void);
void gw_gateway_settings_free(struct gw_gateway_settings **settings);

/* A mock's beginning, before anybody asks it for anything: the state of the seed ({NULL,0}: none), and the configured
 * clusters. err begins with what is wrong in the seed. */
GW_NODISCARD enum gw_status gw_gateway_begin_mock(struct gw_gateway *gateway, struct gw_str seed, struct gw_err *err);

/* What the admin listener asks under /v1/mock, as `mock` of struct gw_admin_calls; only where something is faked. */
enum gw_status gw_gateway_control(struct gw_gateway *gateway, const struct gw_http1_request *request,
                                  struct gw_str body, unsigned *status, struct gw_buf *reply);

struct gw_commit *gw_gateway_commit(struct gw_gateway *gateway);
/* Fills counters and counts, arrays from the arena; any thread with a reader of its own. Reloads are the wiring's. */
void gw_gateway_metrics(struct gw_gateway *gateway, struct gw_epoch_reader *reader, struct gw_arena *arena,
                        struct gw_metrics_sources *sources);

/* new: on `loop`, whose wake-up and end of turn it takes over. Compiles the policies. At most 256 per gateway. */
GW_NODISCARD enum gw_status gw_worker_new(struct gw_gateway *gateway, struct gw_loop *loop, struct gw_worker **worker,
                                          struct gw_err *err);
/* After its loop ended. */
void gw_worker_free(struct gw_worker **worker);
struct gw_server *gw_worker_server(struct gw_worker *worker);
/* Any thread: the worker drains (net/server.h) and its loop stops. */
void gw_worker_drain(struct gw_worker *worker);
/* Any thread: true once it took what waited in the accept queues; the listening sockets may be closed. */
bool gw_worker_accepts_no_more(const struct gw_worker *worker);

#endif
