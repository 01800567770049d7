/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_OVERLAY_H
#define GW_EKS_OVERLAY_H

/*
 * In front of an upstream that has clusters and knows no access entries (moto):
 * who answers what, and what the store keeps of a cluster that lives upstream.
 *
 * That is a row with its mode, its updates of the mode, and which incarnation of
 * the cluster it belongs to: the upstream's ARN and createdAt. The row's document
 * begins with them,
 *
 *   {"name":NAME,"arn":ARN,"createdAt":SECONDS,"accessConfig":{"authenticationMode":MODE}}
 *
 * and a row whose document begins otherwise is of a cluster that is gone.
 */

#include "eks/service.h"

/* Who answers. */
enum gw_eks_side {
    GW_EKS_SIDE_HERE,     /* this gateway, whatever clusters there are */
    GW_EKS_SIDE_STORE,    /* this gateway, for a cluster that the upstream has */
    GW_EKS_SIDE_SHOWN,    /* this gateway, with what the upstream shows of the cluster */
    GW_EKS_SIDE_BOTH,     /* gw_eks_overlay_settle tells, once the cluster is known */
    GW_EKS_SIDE_UPSTREAM, /* the upstream */
};

/* Of a call that is decoded. */
enum gw_eks_side gw_eks_overlay_side(const struct gw_eks_call *call);
/* True where GW_EKS_SIDE_BOTH is the upstream's. `row` may be NULL. */
bool gw_eks_overlay_settle(const struct gw_eks_call *call, const struct gw_cluster *row);

/* What an upstream shows of a cluster. In an arena. */
struct gw_eks_seen {
    struct gw_str partition; /* of its ARN */
    struct gw_str region;
    struct gw_str account;
    struct gw_str front; /* how the document of its row begins */
    bool has_mode;       /* the upstream shows one */
    enum gw_eks_auth_mode mode;
    struct gw_json document; /* object: `cluster`; null where it is only remembered */
};

/* Reads {"cluster":...}, DescribeCluster's or another operation's. arena: with views into `reply`. GW_E_SYNTAX: it
 * isn't that, or isn't about `name`, or lacks arn or createdAt; `err` says what. */
GW_NODISCARD enum gw_status gw_eks_overlay_read(struct gw_str reply, struct gw_str name, struct gw_arena *arena,
                                                struct gw_eks_seen *seen, struct gw_err *err);

/* From here on the call is about that cluster: its partition, account and region. */
void gw_eks_overlay_enter(struct gw_eks_call *call, const struct gw_eks_seen *seen);

/* The call's row, NULL where there is none; of whatever incarnation. borrows (epoch) */
const struct gw_cluster *gw_eks_overlay_find(const struct gw_eks_call *call, const struct gw_store *store);
/* True where the row belongs to what was seen. */
bool gw_eks_overlay_is_same(const struct gw_cluster *row, const struct gw_eks_seen *seen);

/* A change of the store. */
struct gw_eks_overlay_change {
    uint64_t drops;              /* version of a row that goes first, with all its entries; 0: none */
    struct gw_eks_result result; /* its change, where is_change; to be dropped like every result */
};

/* The cluster is there and its row isn't, or is another's: it gets one, in `mode` unless the upstream shows one. No
 * change where its row is there. Refused: there are as many clusters as there may be. */
GW_NODISCARD enum gw_status gw_eks_overlay_adopt(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                 const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode,
                                                 struct gw_eks_overlay_change *change, struct gw_eks_error *error);
/* The same, for what this very CreateCluster has made: its accessConfig counts, and the creator gets an entry. No
 * change where the request is the repetition of one that did. */
GW_NODISCARD enum gw_status gw_eks_overlay_create(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                  const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode,
                                                  struct gw_eks_overlay_change *change, struct gw_eks_error *error);
/* The row goes, if there is one; `seen` NULL: whatever incarnation it is of. */
void gw_eks_overlay_drop(const struct gw_eks_call *call, const struct gw_eks_env *env, const struct gw_eks_seen *seen,
                         struct gw_eks_overlay_change *change);

/* Refuses: there is no such cluster, in the words for the operation. */
enum gw_status gw_eks_overlay_refuse_absent(const struct gw_eks_call *call, struct gw_eks_error *error);

/* Lays a mode over what was seen. arena: the `cluster`, and a reply with it; {NULL,0} past 64 MiB. */
struct gw_json gw_eks_overlay_merge(const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode, struct gw_arena *arena);
struct gw_str gw_eks_overlay_reply(const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode, struct gw_arena *arena);

/* ListUpdates: the upstream's reply, with the row's updates behind its last page as far as there is room; a token goes
 * on with the rest of them. GW_E_SYNTAX: it isn't such a reply. arena */
GW_NODISCARD enum gw_status gw_eks_overlay_list_updates(const struct gw_eks_call *call, const struct gw_cluster *row,
                                                        struct gw_str upstream, struct gw_str *reply);

/* True for an answer that says that there is no such operation: moto has none for updates, and no error type. */
bool gw_eks_overlay_is_unknown_operation(unsigned status, struct gw_str error_type);

#endif
