/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CONFIG_CONFIG_H
#define GW_CONFIG_CONFIG_H

/*
 * All settings of a run as one immutable value: --set over EKSGATE_... over the
 * file over the defaults of options.def. Every problem is listed, not just the
 * first. Relative paths are resolved here: `audit.file` and `store.file` below `data`, all others
 * against the folder of the file they are written in, in --set and the
 * environment against the current directory.
 *
 * Secrets: a `keys` table, a key of `upstream.credentials`, `upstream.proxy`, `admin_token` and headers of
 * `policy.endpoints` lie in the arena, which is wiped by gw_config_free. What the file's own reader (a Lua state, the
 * text of a .json file) had of them is freed without being wiped; a key file and a token file have no such copies.
 */

#include "auth/verify.h"
#include "codec/json.h"
#include "eks/service.h"
#include "gateway/fetch.h"
#include "gateway/gateway.h"
#include "net/server.h"
#include "net/tls.h"
#include "script/hooks.h"
#include "upstream/credentials.h"
#include "upstream/upstream.h"

/* Where the configuration is unless something names another file. */
#define GW_CONFIG_FILE "/etc/eksgate/eksgate.lua"

struct gw_config_cluster {
    struct gw_str name;
    bool has_mode; /* it was given */
    enum gw_eks_auth_mode mode;
    struct gw_json given; /* object: members in DescribeCluster's shape */
};

struct gw_config_listener {
    struct gw_str address;
    struct gw_tls_server_options tls; /* certificate_count is 0: no TLS. Paths are absolute, NUL behind them */
    bool is_proxy;                    /* connect = true: for clients that take it for their HTTPS_PROXY */
};

enum gw_config_record {
    GW_CONFIG_RECORD_CHANGES, /* changes and refusals */
    GW_CONFIG_RECORD_ALL,     /* reads too */
};

/* Who signs what goes upstream. */
enum gw_config_credentials {
    GW_CONFIG_CREDENTIALS_ABSENT, /* nobody said: follows from the mode */
    GW_CONFIG_CREDENTIALS_DEFAULT,
    GW_CONFIG_CREDENTIALS_CALLER,
    GW_CONFIG_CREDENTIALS_KEY,
};

struct gw_config {
    /* owns everything below */
    struct gw_arena arena;
    struct gw_str source;         /* the file, as it was named */
    bool is_mock;                 /* of the source */
    const struct gw_str *origins; /* of each setting, where its value comes from; for config/check.c's messages */

    const struct gw_config_listener *listen;
    size_t listen_count;
    struct gw_str status;           /* {NULL,0}: off */
    struct gw_str admin;            /* {NULL,0}: off */
    struct gw_str admin_token;      /* {NULL,0}: none here; config/token.h reads it, and the file */
    struct gw_str admin_token_file; /* absolute; {NULL,0}: none */
    const struct gw_str *hosts;     /* further names that Host may carry, where it is looked at */
    size_t host_count;
    unsigned workers; /* 0: one per core */
    unsigned unix_mode;
    struct gw_str data; /* absolute */
    struct gw_str partition;
    struct gw_str account;        /* {NULL,0}: not set, and then there are no clusters */
    const struct gw_str *regions; /* never empty: the first is the default */
    size_t region_count;
    bool any_region; /* region = "*" (default region: us-east-1) */

    enum gw_gateway_auth auth;
    struct gw_principal caller; /* only with GW_GATEWAY_AUTH_NONE */

    struct gw_str keys_file;    /* absolute; {NULL,0} when keys is a table, or not given */
    const struct gw_json *keys; /* array of key objects, else NULL; without both a mock has its own */
    struct gw_str principals;   /* absolute; {NULL,0}: nobody is asked who exists */

    enum gw_config_credentials credentials;
    struct gw_credentials_key credentials_key;  /* where credentials is GW_CONFIG_CREDENTIALS_KEY */
    struct gw_credentials_role_options assumes; /* arn {NULL,0}: no role */
    struct gw_str sts_endpoint;                 /* {NULL,0}: AWS_ENDPOINT_URL_STS, AWS's */
    enum gw_gateway_mode mode;
    struct gw_gateway_upstream upstream; /* the endpoint; cli/upstream.c fills in the rest */
    struct gw_gateway_overlay overlay;   /* only with GW_GATEWAY_OVERLAY */

    const struct gw_config_cluster *clusters;
    size_t cluster_count;

    struct gw_verify_options verify; /* regions and service filled in */
    struct gw_server_options http;   /* connections_max: of the whole process, to be divided among its workers */
    bool cors_headers;
    struct gw_eks_limits limits;
    struct gw_store_options store;
    bool store_is_durable;    /* store.driver = "sqlite" */
    struct gw_str store_file; /* absolute; {NULL,0} where the store isn't durable */
    unsigned store_busy_ms;
    size_t commit_queue_max;
    unsigned commit_queue_age_ms;

    struct gw_upstream_options upstream_pool; /* of one worker; `tls` and `resolver` are left out */
    struct gw_str upstream_ca_file;           /* absolute; {NULL,0}: the system's certificates */

    const struct gw_fetch_endpoint *endpoints; /* that policies may ask */
    size_t endpoint_count;
    struct gw_script_options policies; /* known members and operations filled in; library resolved, "" when none was
                                          found */

    struct gw_script_options shadow; /* the same of the policies that run without effect; there may be no files */
    bool policies_self_test;         /* they must pass their specs */
    bool policies_smoke_test;        /* they must answer what nobody asked */

    struct gw_str audit_file; /* absolute, or "-", or {NULL,0}: off */
    bool audit_durable;
    uint64_t audit_max_size;         /* bytes; 0: files don't end */
    struct gw_str audit_signing_key; /* absolute; {NULL,0}: nothing is signed */
    enum gw_config_record audit_record;
    unsigned audit_strangers_per_s; /* records of refusals from before the signature held; the rest is counted */

    struct gw_mock_options mock; /* only where is_mock; `faults` is left to gw_config_faults */
    struct gw_str faults_file;   /* absolute; {NULL,0}: none */
    struct gw_str seed_file;     /* absolute; {NULL,0}: none. What it holds is checked when it is read, at the start */

    unsigned drain_timeout_ms;
    struct gw_str log_level;
};

/* What the command line and the process say. */
struct gw_config_source {
    const char *file;        /* -c; NULL: $EKSGATE_CONFIG, else /etc/eksgate/eksgate.lua; of a mock: none */
    const char *const *sets; /* --set, in order: "KEY=VALUE" */
    size_t set_count;
    char *const *environment; /* NULL-terminated, as environ */
    bool is_mock;             /* what the verb says: defaults of a mock, policies may inject faults */
};

/* One problem per line. */
struct gw_config_problems {
    struct gw_buf text;
    size_t count;
};
void gw_config_problems_init(struct gw_config_problems *problems);
void gw_config_problems_fini(struct gw_config_problems *problems);
void gw_config_problem(struct gw_config_problems *problems, const char *format, ...) GW_PRINTF(2, 3);

/* new. GW_E_SYNTAX when a setting is wrong; every problem is in `problems`, those of the settings that could be read
 * included. Of a good configuration keys, policies and addresses are checked by `gw_config_check`. */
GW_NODISCARD enum gw_status gw_config_load(const struct gw_config_source *source, struct gw_config **config,
                                           struct gw_config_problems *problems);
void gw_config_free(struct gw_config **config);

/* new: status, admin and the admin's token alone, for who speaks to a process that runs already: what is wrong with
 * other settings is none of its business, nor is a file that can't be read when something else says where the admin is.
 */
GW_NODISCARD enum gw_status gw_config_load_admin(const struct gw_config_source *source, struct gw_config **config,
                                                 struct gw_config_problems *problems);

/* Loads what the configuration names, keys and policies, checks addresses and rules between settings (published example
 * keys need loopback listeners; admin needs loopback or a token), and reports every problem. Opens no socket, writes
 * nothing. */
void gw_config_check(const struct gw_config *config, struct gw_config_problems *problems);
/* The same for a configuration with wrong settings, which are zero: says nothing about those. */
void gw_config_check_readable(const struct gw_config *config, struct gw_config_problems *problems);

/* What is in order and of no use all the same: certificates of listeners that have expired, or aren't valid yet. */
void gw_config_check_dates(const struct gw_config *config, struct gw_config_problems *problems);

/* new: the keyring that the configuration names. */
GW_NODISCARD enum gw_status gw_config_keyring(const struct gw_config *config, struct gw_keyring **keyring,
                                              struct gw_err *err);

/* The principals of the file that the configuration names (it names one). `map` is initialised; its keys live in the
 * arena, and it is the caller's when GW_OK. */
GW_NODISCARD enum gw_status gw_config_principals(const struct gw_config *config, struct gw_arena *arena,
                                                 struct gw_map *map, struct gw_err *err);

#define GW_CONFIG_FAULTS_MAX ((size_t)1 << 20) /* bytes of a file of faults */

/* Appends the text of the file of faults that the configuration names (it names one), which is in order then. */
GW_NODISCARD enum gw_status gw_config_faults(const struct gw_config *config, struct gw_buf *text, struct gw_err *err);

/* Every setting, for `eksgate options` and config/README.md. */
struct gw_config_option {
    const char *key;     /* "http.body_bytes" */
    const char *type;    /* "integer", "string", "list of strings", "boolean", "table", ... */
    const char *preset;  /* default as text */
    const char *range;   /* "1..1048576", "" */
    const char *meaning; /* one or two sentences */
    bool reloads;        /* taken up by a reload; else only by a restart */
};
extern const struct gw_config_option gw_config_options[];
extern const size_t gw_config_option_count;

/* Of the option at that index: its default under `eksgate mock`, NULL where it is no other; whether only a mock has it.
 */
const char *gw_config_mock_preset(size_t option);
bool gw_config_is_mock_only(size_t option);

#endif
