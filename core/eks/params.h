/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_PARAMS_H
#define GW_EKS_PARAMS_H

/*
 * Members that travel in the query string, read by a table of rows. Names and
 * values are percent-decoded once; unknown ones are ignored, as EKS does.
 */

#include "eks/service.h"

enum gw_eks_param_kind {
    GW_EKS_PARAM_TEXT,  /* into a struct gw_str; sent twice is refused */
    GW_EKS_PARAM_TEXTS, /* repeated: into a struct gw_json, an array of strings */
};

struct gw_eks_param {
    const char *name;
    enum gw_eks_param_kind kind;
    size_t offset; /* in the input */
};

#define GW_EKS_PARAM_TEXTS_MAX 256 /* values of one repeated member: no more parameters get through the front */

/* Fills `input`; absent members are left as they are. Refused: what doesn't decode to UTF-8 without control characters,
 * a member that may be there once twice, too many values. arena */
GW_NODISCARD enum gw_status gw_eks_params_read(const struct gw_eks_call *call, const struct gw_eks_param *members,
                                               size_t count, void *input, struct gw_eks_error *error);

/* Adds what was read to call->input and call->request_parameters. */
void gw_eks_params_view(struct gw_eks_call *call, const struct gw_eks_param *members, size_t count, const void *input);

#endif
