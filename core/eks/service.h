/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_SERVICE_H
#define GW_EKS_SERVICE_H

/*
 * What an EKS call means: from raw labels and body to a reply and a change of the
 * store. No sockets, no Lua, no clock of its own. The gateway calls, in this order,
 *
 *   decode    bytes to the operation's input (types, ARN form)
 *   [policies: authorize; username and tags complete the input; gw_eks_view_input first]
 *   check     EKS's rules that come before the cluster lookup
 *   prepare   against the current snapshot: the reply, and the change if it is one
 *
 * and settles the change itself. operations.def lists every operation of the
 * model; those without handlers here are not served.
 */

#include "base/clock.h"
#include "base/map.h"
#include "base/random.h"
#include "codec/arn.h"
#include "codec/http1.h"
#include "codec/json.h"
#include "store/store.h"

enum gw_eks_op {
#define GW_EKS_OPERATION(name, method, path) GW_EKS_##name,
#include "eks/operations.def"
#undef GW_EKS_OPERATION
    GW_EKS_OP_COUNT
};

#define GW_EKS_LABELS_MAX   4
#define GW_EKS_SEGMENTS_MAX 12

struct gw_eks_op_info {
    const char *name; /* "CreateAccessEntry" */
    enum gw_method method;
    const char *path; /* "/clusters/{name}/access-entries/{principalArn}" */
};

extern const struct gw_eks_op_info gw_eks_ops[GW_EKS_OP_COUNT];

/* The service that an operation belongs to. */
struct gw_eks_service {
    struct gw_str name;         /* in credential scopes and in IAM's actions: "eks" */
    struct gw_str event_source; /* in records: "eks.amazonaws.com" */
    bool global;                /* SDKs sign for whatever region they have, or for us-east-1 */
    bool query;                 /* speaks the Query protocol: a form in, XML out; else REST and JSON */
};

extern const struct gw_eks_service gw_eks_service_eks;
extern const struct gw_eks_service gw_eks_service_sts;

static inline const struct gw_eks_service *gw_eks_service_of(enum gw_eks_op op)
{
    return op == GW_EKS_GetCallerIdentity ? &gw_eks_service_sts : &gw_eks_service_eks;
}

extern const char *const gw_eks_model_version; /* the service model that operations.def was read from */

enum gw_eks_error_code {
#define GW_EKS_ERROR(name, status, members) GW_EKS_##name,
#include "eks/errors.def"
#undef GW_EKS_ERROR
    GW_EKS_ERROR_COUNT
};

/* An error as the client sees it. Zeroed before use by the caller. */
struct gw_eks_error {
    enum gw_eks_error_code code;
    struct gw_str message;      /* arena or constant */
    struct gw_str cluster_name; /* {NULL,0} writes null where the error has the member */
};

const char *gw_eks_error_name(enum gw_eks_error_code code); /* "InvalidParameterException" */
unsigned gw_eks_error_status(enum gw_eks_error_code code);  /* 400 */
/* GW_E_MISSING where errors.def has no such name. */
GW_NODISCARD enum gw_status gw_eks_error_find(struct gw_str name, enum gw_eks_error_code *code);
/* Body: the model's members in its order, unset ones null. */
void gw_eks_error_encode(const struct gw_eks_error *error, struct gw_buf *body);

/* An error of the Query protocol, whose codes and words differ from the exceptions of EKS for the same refusal. */
struct gw_eks_query_error {
    unsigned status;
    const char *code; /* "SignatureDoesNotMatch" */
    struct gw_str message;
    struct gw_str request_id;
};

/* Code and message for an exception's name (of errors.def, of the signature check or of HTTP) and message. arena */
void gw_eks_query_translate(const char *name, struct gw_str message, struct gw_arena *arena,
                            struct gw_eks_query_error *error);
void gw_eks_query_error_encode(const struct gw_eks_query_error *error, struct gw_buf *body);

/* Limits of EKS that are settings; defaults are EKS's values. */
struct gw_eks_limits {
    size_t entries_per_cluster; /* 3000 */
    size_t groups_per_entry;    /* 100 */
    size_t policies_per_entry;  /* 20 */
    size_t clusters;            /* of all accounts and regions; not EKS's, which has 100 per region */
};

enum gw_eks_auth_mode {
    GW_EKS_MODE_CONFIG_MAP,
    GW_EKS_MODE_API_AND_CONFIG_MAP,
    GW_EKS_MODE_API,
};

GW_NODISCARD enum gw_status gw_eks_auth_mode_parse(struct gw_str text, enum gw_eks_auth_mode *mode);

const char *gw_eks_auth_mode_name(enum gw_eks_auth_mode mode); /* "API_AND_CONFIG_MAP" */

/* Decoded input, in the call's arena. */
struct gw_eks_entry_input;       /* of operations that make or change an entry */
struct gw_eks_cluster_input;     /* of those that make or change a cluster */
struct gw_eks_update_input;      /* of those on a cluster's updates */
struct gw_eks_association_input; /* of those on associated policies */
struct gw_eks_tag_input;         /* of those on tags */
struct gw_eks_any_input;         /* of those that aren't served here */
struct gw_eks_paging;            /* of those that list */

struct gw_eks_call {
    /* by the gateway */
    enum gw_eks_op op;
    struct gw_arena *arena;
    struct gw_str partition; /* of the caller: scope of what it sees */
    struct gw_str account;
    struct gw_str region;
    const struct gw_principal *caller;           /* who asks; lives as long as the call */
    struct gw_str request_id;                    /* of this request, where a reply names it */
    struct gw_str raw_labels[GW_EKS_LABELS_MAX]; /* as in the path, still encoded */
    size_t label_count;
    struct gw_str query; /* raw; {NULL,0} without one */
    struct gw_str body;
    bool is_forwarded; /* an upstream answers: check and prepare are its, and operations that aren't served are read too
                        */

    /* by decode */
    struct gw_str cluster;
    bool has_principal; /* principal is valid: its ARN has a principal's form */
    struct gw_principal principal;
    struct gw_eks_entry_input *entry; /* NULL where the operation has no such input; the same for the next ones */
    struct gw_eks_cluster_input *cluster_input;
    struct gw_eks_update_input *update;
    struct gw_eks_association_input *association;
    struct gw_eks_tag_input *tag;
    struct gw_eks_any_input *any;
    struct gw_eks_paging *paging;

    /* by gw_eks_view_input, objects; null before */
    struct gw_json input; /* the members that were sent, well typed, under their SDK names, wherever they travelled */
    struct gw_json request_parameters; /* CloudTrail's: cluster under `name`, path labels still encoded */
};

/* Where ids come from that are part of entries, clusters and updates: 16 bytes. */
struct gw_eks_ids {
    void *ctx;
    /* `what` is "access-entry", "cluster" or "update"; `key` names the object. May be called again for a change that is
     * prepared again. */
    void (*make)(void *ctx, struct gw_str what, const struct gw_store_key *key, unsigned char id[16]);
};

struct gw_eks_env {
    int64_t now_ms;  /* the time in data: createdAt, modifiedAt */
    int64_t wall_ms; /* the real time, by which tokens age; the same unless a mock's clock is set */
    const struct gw_random *random;
    const struct gw_eks_ids *ids; /* NULL: random ones */
    const struct gw_eks_limits *limits;
    const struct gw_store *store;    /* inside an epoch */
    const struct gw_map *principals; /* ARNs of the principals that IAM has; NULL: not asked (E6) */
    /* True when a cluster that nobody made is made by being mentioned (mocks); NULL: never. */
    bool (*makes_cluster)(void *ctx, const struct gw_store_key *key);
    void *makes_cluster_ctx;
};

/* An id from env->ids, else a random one. */
void gw_eks_make_id(const struct gw_eks_env *env, struct gw_str what, const struct gw_store_key *key,
                    unsigned char id[16]);

struct gw_eks_result {
    unsigned status;
    struct gw_str reply;              /* arena or store memory (epoch) */
    const struct gw_cluster *cluster; /* what the call is about: of the store (epoch), or of `change` */
    bool is_change;                   /* `change` is to be committed before the reply counts */
    struct gw_store_change change;    /* its objects are new, owned by whoever holds the result */
    bool replayed;                    /* the original reply of an earlier request with the same token */
};

bool gw_eks_is_served(enum gw_eks_op op);
bool gw_eks_is_read_only(enum gw_eks_op op);

/* GW_OK, or GW_E_DENIED with `error` filled; the same for check and prepare. An operation that isn't served is refused
 * with NotImplementedException. */
GW_NODISCARD enum gw_status gw_eks_decode(struct gw_eks_call *call, struct gw_eks_error *error);

/* Fills call->input and call->request_parameters; call it before either is read, as often as you like. Nobody pays for
 * the two where nobody looks. May come before decode or after one that failed: it shows what could be read. What
 * policies chose is not in it. Operations that aren't served have request_parameters (their labels) and an empty input.
 * arena, and views into labels and body. */
void gw_eks_view_input(struct gw_eks_call *call);

/* True when policies may choose a username: create or update of a STANDARD entry whose caller sent none. `store` tells
 * the type of an entry that is updated. */
bool gw_eks_wants_username(const struct gw_eks_call *call, const struct gw_store *store);
/* The same for an update whose entry an upstream has: `entry` is what it shows of it, NULL: there is none. */
bool gw_eks_wants_username_of(const struct gw_eks_call *call, const struct gw_json *entry);
/* True when policies may add default tags: CreateAccessEntry and CreateCluster. */
bool gw_eks_wants_tags(const struct gw_eks_call *call);
/* The tags the caller sent, NULL when none. borrows */
const struct gw_json *gw_eks_sent_tags(const struct gw_eks_call *call);
/* What policies chose; borrowed, must live as long as the call's arena. */
void gw_eks_set_username(struct gw_eks_call *call, struct gw_str username);
void gw_eks_add_tags(struct gw_eks_call *call, const struct gw_pair *tags, size_t count);
/* Takes back what policies chose. */
void gw_eks_forget_choices(struct gw_eks_call *call);

GW_NODISCARD enum gw_status gw_eks_check(struct gw_eks_call *call, const struct gw_eks_limits *limits,
                                         struct gw_eks_error *error);
GW_NODISCARD enum gw_status gw_eks_prepare(struct gw_eks_call *call, const struct gw_eks_env *env,
                                           struct gw_eks_result *result, struct gw_eks_error *error);

/* What is known about the objects that a call is about: bits, to be asked for together. */
enum gw_eks_fact {
    GW_EKS_FACT_ENTRY = 1,
    GW_EKS_FACT_ASSOCIATIONS = 2,
    GW_EKS_FACT_CLUSTER = 4,
    GW_EKS_FACT_ADMINS = 8,
};

/* Principals that have the policy of administrators, wherever it holds: with more of them in a cluster nobody is told
 * who they are. */
#define GW_EKS_ADMINS_MAX 1000

struct gw_eks_facts {
    unsigned asked;         /* bits: the rest isn't filled */
    bool has_entry;         /* false: the principal has none, or the operation isn't about a principal */
    bool has_cluster;       /* false: there is none of that name, or the operation names none */
    uint64_t entry_version; /* 0: absent */
    uint64_t cluster_version;
    bool has_admins;             /* false: there is no such cluster, or the operation names none */
    uint64_t admins_version;     /* of admins_policy in the cluster (gw_store_policy_version) */
    struct gw_str admins_policy; /* that they have; {NULL,0} where no store told of them */
    struct gw_json entry;        /* object: `accessEntry` of DescribeAccessEntry */
    struct gw_json associations; /* array: `associatedAccessPolicies` of ListAssociatedAccessPolicies; with has_entry */
    struct gw_json cluster;      /* object: `cluster` of DescribeCluster */
    struct gw_json admins; /* array: ARNs, sorted, of the principals that have admins_policy for the whole cluster */
};

/* Looks up what `asked` names, of a decoded call. arena: copies, which outlive the epoch. GW_OK, or GW_E_LIMIT (more
 * than GW_EKS_ADMINS_MAX, say) and the like where the store holds what can't be shown. */
GW_NODISCARD enum gw_status gw_eks_facts(const struct gw_eks_call *call, const struct gw_eks_env *env, unsigned asked,
                                         struct gw_arena *arena, struct gw_eks_facts *facts);
/* True while the store holds the very versions that `facts` tells of. */
bool gw_eks_facts_hold(const struct gw_eks_call *call, const struct gw_eks_env *env, const struct gw_eks_facts *facts);
/* Has the writer look at what the change itself doesn't tell it of: a change that was decided on a cluster's
 * administrators is stale where these have changed by the time of its commit. `facts` must outlive the staging. */
void gw_eks_facts_watch(const struct gw_eks_facts *facts, struct gw_store_change *change);

/* The resource that IAM's refusal of a decoded call names: an access entry's ARN (`*` for the id of one that isn't
 * there), a cluster's, or "*". Inside an epoch. arena or constant */
struct gw_str gw_eks_resource_arn(const struct gw_eks_call *call, const struct gw_store *store);

/* True when `error`, prepare's answer, means that the principal of a create has an entry. */
bool gw_eks_may_adopt(const struct gw_eks_call *call, const struct gw_eks_error *error);
/* That entry as the answer: the body of its Describe (store memory, epoch). GW_E_DENIED: its type, groups (in any
 * order) or username is another than the create's would be; GW_E_MISSING: it is gone. */
GW_NODISCARD enum gw_status gw_eks_adopt(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                         struct gw_str *reply);

/* Frees the objects of a result that wasn't committed. */
void gw_eks_result_drop(struct gw_eks_result *result);

/* The error for a change that the store refused when staging (GW_E_LIMIT, or GW_E_STALE after the last retry), or that
 * could not be queued (GW_E_BUSY); anything else is ServerException. */
void gw_eks_stage_error(const struct gw_eks_call *call, enum gw_status status, const struct gw_eks_limits *limits,
                        struct gw_eks_error *error);

/* Every input member name of every operation of the model, sorted: what `req.input` may be asked for. */
extern const struct gw_str gw_eks_member_names[];
extern const size_t gw_eks_member_name_count;

#endif
