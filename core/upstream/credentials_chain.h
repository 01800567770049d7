/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_CREDENTIALS_CHAIN_H
#define GW_UPSTREAM_CREDENTIALS_CHAIN_H

/*
 * Asking for credentials once, blocking: the chain of providers and what they
 * have in common. For upstream/credentials*.c alone.
 *
 *   environment -> profile -> web identity -> container -> imds
 *
 * A provider that nothing asks for is passed over; the first that something asks
 * for is the one, and its failure ends the chain: going on would quietly use
 * another identity than the one that was meant.
 */

#include <pthread.h>

#include "codec/aws_keys.h"
#include "net/ask.h"
#include "upstream/credentials.h"
#include "upstream/upstream.h"

#define GW_CHAIN_FILE_MAX ((size_t)256 << 10) /* bytes of a configuration file, a token, a process's answer */

struct gw_chain_files;

/* The context that all runs share for a minute: reading the system's certificates takes tens of milliseconds. */
struct gw_chain_tls {
    pthread_mutex_t lock;
    struct gw_tls_context *context; /* NULL: none yet */
    int64_t made_ms;                /* monotonic */
};

void gw_chain_tls_init(struct gw_chain_tls *tls);
void gw_chain_tls_fini(struct gw_chain_tls *tls);

/* What a run may touch. Injected, so that tests choose it. */
struct gw_chain_world {
    const struct gw_credentials_options *options;
    void *ctx;
    enum gw_status (*ask)(void *ctx, const struct gw_ask *ask, struct gw_ask_reply *reply, struct gw_err *err);
    void (*pause)(void *ctx, unsigned ms); /* between attempts; ends early when stopped */
    int stop_fd;                           /* -1: none */
    struct gw_chain_tls *tls;              /* NULL: each run makes its own */
};

/* One run; everything found is in the arena, which is wiped afterwards. */
struct gw_chain {
    const struct gw_chain_world *world;
    struct gw_arena arena;
    struct gw_tls_context *tls;   /* made when first needed */
    struct gw_chain_files *files; /* read when first needed */
    struct gw_buf *report;        /* a line per provider that was passed over; NULL: nobody wants them */
};

struct gw_chain_found {
    struct gw_aws_keys keys;
    struct gw_str provider; /* "web identity (arn:aws:iam::012345678910:role/r)" */
};

void gw_chain_init(struct gw_chain *chain, const struct gw_chain_world *world, struct gw_buf *report);
/* Wipes. */
void gw_chain_fini(struct gw_chain *chain);

/* What the options say: the key that they give, else the chain. GW_E_MISSING: no provider is configured; others: the
 * one that is has failed. `err` says which. */
GW_NODISCARD enum gw_status gw_chain_find(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err);

/* Providers. GW_E_MISSING: nothing asks for it, and `err` says what would. */
GW_NODISCARD enum gw_status gw_chain_environment(struct gw_chain *chain, struct gw_chain_found *found,
                                                 struct gw_err *err);
GW_NODISCARD enum gw_status gw_chain_profile(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err);
GW_NODISCARD enum gw_status gw_chain_web_identity(struct gw_chain *chain, struct gw_chain_found *found,
                                                  struct gw_err *err);
GW_NODISCARD enum gw_status gw_chain_container(struct gw_chain *chain, struct gw_chain_found *found,
                                               struct gw_err *err);
GW_NODISCARD enum gw_status gw_chain_imds(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err);

/* A variable's value; {NULL,0} when it isn't set or empty. */
struct gw_str gw_chain_variable(const struct gw_chain *chain, const char *name);

/* A setting of the profile in use ({NULL,0}: none), from the shared files. */
struct gw_str gw_chain_profile_setting(struct gw_chain *chain, const char *name);

/* AWS_REGION, AWS_DEFAULT_REGION, the profile's, the options'. {NULL,0}: none. */
struct gw_str gw_chain_region(struct gw_chain *chain);

/* arena: the whole of a file as text. `what` is its name for messages. */
GW_NODISCARD enum gw_status gw_chain_read_file(struct gw_chain *chain, const char *what, struct gw_str path,
                                               struct gw_str *text, struct gw_err *err);

/* The output of a command as credential_process gives it: words as a shell would split them, no shell. At most 30 s,
 * after which the command and what it started are killed. */
GW_NODISCARD enum gw_status gw_chain_process(struct gw_chain *chain, struct gw_str command, struct gw_str *output,
                                             struct gw_err *err);
/* arena: `command` split into words; NULL-terminated. GW_E_SYNTAX: a quote that doesn't end, no word. GW_E_LIMIT. */
GW_NODISCARD enum gw_status gw_chain_split(struct gw_arena *arena, struct gw_str command, char ***words,
                                           struct gw_err *err);

/* A request of a provider. */
struct gw_chain_request {
    const char *method;
    struct gw_upstream_target target;
    struct gw_str path;   /* with its query */
    struct gw_str fields; /* further ones, each with its CRLF; may hold secrets */
    struct gw_str body;   /* {NULL,0}: none, and no Content-Length */
    unsigned timeout_ms;
    bool (*allows)(const struct gw_address *address);
    bool by_proxy; /* over TLS: through the options' proxy, unless no_proxy spares the target */
};

/* `reply` is filled in any case (gw_ask_reply_fini). */
GW_NODISCARD enum gw_status gw_chain_ask(struct gw_chain *chain, const struct gw_chain_request *request,
                                         struct gw_ask_reply *reply, struct gw_err *err);

/* arena: Host's value for a target. */
struct gw_str gw_chain_host(struct gw_chain *chain, const struct gw_upstream_target *target);

/* "http[s]://HOST[:PORT][/path[?query]]" taken apart; views. An empty path is "/". GW_E_SYNTAX. */
GW_NODISCARD enum gw_status gw_chain_parse_url(struct gw_str url, struct gw_upstream_target *target,
                                               struct gw_str *path, struct gw_err *err);

struct gw_chain_assume {
    struct gw_str role_arn;
    struct gw_str session_name;
    struct gw_str web_identity_token; /* {NULL,0}: signed with `by` */
    struct gw_str external_id;
    struct gw_str source_identity;
    struct gw_str region; /* {NULL,0}: gw_chain_region */
    unsigned duration_s;
    const struct gw_sign_identity *by;
};

/* One call of STS, tried again where its error says that this may help. GW_E_DENIED: STS has refused, `err` has its
 * code; others: it couldn't be asked. */
GW_NODISCARD enum gw_status gw_chain_assume_role(struct gw_chain *chain, const struct gw_chain_assume *assume,
                                                 struct gw_aws_keys *keys, struct gw_err *err);

#endif
