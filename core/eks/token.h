/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_TOKEN_H
#define GW_EKS_TOKEN_H

/*
 * Idempotency by clientRequestToken. A token belongs to an operation, a cluster
 * and the caller's account; the same token with the same parameters, as the caller
 * sent them, is answered with the first reply.
 */

#include "eks/entry_input.h"

/* Refused (E22): a token shorter than 33 or longer than 126 characters. */
GW_NODISCARD enum gw_status gw_eks_token_check(const struct gw_eks_call *call, struct gw_eks_error *error);

/* Looks for an earlier request with the call's token: true in `*found` and the first reply in `*reply` (arena).
 * Refused: it had other parameters. */
GW_NODISCARD enum gw_status gw_eks_token_replay(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                                bool *found, struct gw_str *reply, struct gw_eks_error *error);

/* new: what the store keeps for retries of this call; NULL when the caller sent no token. `entry`: the one whose reply
 * it may share. */
struct gw_store_token *gw_eks_token_new(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                        struct gw_str reply, const struct gw_access_entry *entry);

#endif
