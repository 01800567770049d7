/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_ENTRY_INPUT_H
#define GW_EKS_ENTRY_INPUT_H

/*
 * The JSON body (body.h) of the operations that make or change an access entry,
 * and the rules for what it holds.
 */

#include "eks/access_entry.h"

struct gw_eks_entry_input {
    /* as sent: absent members are {NULL,0} or NULL */
    struct gw_json body; /* object; null while there is none that could be read */
    struct gw_str principal_arn;
    struct gw_str username;
    struct gw_str type_name;
    struct gw_str token;          /* clientRequestToken */
    const struct gw_json *groups; /* array of strings */
    const struct gw_json *tags;   /* object of strings */

    const struct gw_eks_type *type; /* NULL: there is none of that name; of an update: that of the entry, once found */

    /* by policies */
    struct gw_str chosen_username;
    const struct gw_pair *default_tags; /* none of them has a key that was sent */
    size_t default_tag_count;
};

/* Makes call->entry. Refused: a body that isn't a JSON object, a member of the wrong type. An empty body is an object
 * without members. arena */
GW_NODISCARD enum gw_status gw_eks_input_decode(struct gw_eks_call *call, struct gw_eks_error *error);

/* The username, sent or chosen: E10 and the rules of codec/username.h. */
GW_NODISCARD enum gw_status gw_eks_input_check_username(const struct gw_eks_call *call, struct gw_eks_error *error);
/* E11 and the rules of codec/username.h, limits->groups_per_entry. */
GW_NODISCARD enum gw_status gw_eks_input_check_groups(const struct gw_eks_call *call,
                                                      const struct gw_eks_limits *limits, struct gw_eks_error *error);
/* Tags sent and added: the rules of codec/username.h, GW_TAGS_MAX. */
GW_NODISCARD enum gw_status gw_eks_input_check_tags(const struct gw_eks_call *call, struct gw_eks_error *error);
/* The name of a type that exists. */
GW_NODISCARD enum gw_status gw_eks_input_check_type(const struct gw_eks_call *call, struct gw_eks_error *error);
/* Node types take neither groups (E12) nor a username (E13). An empty list of groups is none. */
GW_NODISCARD enum gw_status gw_eks_input_check_node(const struct gw_eks_call *call, struct gw_eks_error *error);

/* What the entry will hold; arena. Groups in the order sent, each once; the tags sent, then those added. */
struct gw_str gw_eks_input_username(const struct gw_eks_call *call);
const struct gw_str *gw_eks_input_groups(const struct gw_eks_call *call, size_t *count);
const struct gw_pair *gw_eks_input_tags(const struct gw_eks_call *call, size_t *count);

/* Adds the members sent to call->input (well typed ones) and call->request_parameters (as they are). */
void gw_eks_input_view(struct gw_eks_call *call);

#endif
