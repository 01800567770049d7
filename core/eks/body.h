/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_EKS_BODY_H
#define GW_EKS_BODY_H

/*
 * JSON bodies, read by a table of members, so that decoding, type errors and the
 * view walk the same rows. A member that is null counts as not sent; one that the
 * model doesn't have is ignored, as EKS does.
 */

#include "eks/service.h"

enum gw_eks_shape {
    GW_EKS_STRING,     /* into a struct gw_str; the others into a const struct gw_json * */
    GW_EKS_STRINGS,    /* an array of strings */
    GW_EKS_STRING_MAP, /* an object of strings */
    GW_EKS_BOOLEAN,
    GW_EKS_OBJECT,
    GW_EKS_OBJECTS, /* an array of objects */
};

struct gw_eks_member {
    const char *name;
    enum gw_eks_shape shape;
    size_t offset; /* in the input */
};

/* Parses call->body into `body`, an object, and fills `input` by the rows; absent members are left as they are. An
 * empty body is an object without members. Refused: a body that isn't a JSON object, a member of another shape. arena
 */
GW_NODISCARD enum gw_status gw_eks_body_read(struct gw_eks_call *call, const struct gw_eks_member *members,
                                             size_t count, void *input, struct gw_json *body,
                                             struct gw_eks_error *error);

/* The same for an object that is there already, inside a body; `where` names it in messages: "accessScope". */
GW_NODISCARD enum gw_status gw_eks_body_read_object(const struct gw_eks_call *call, const struct gw_eks_member *members,
                                                    size_t count, const char *where, const struct gw_json *object,
                                                    void *input, struct gw_eks_error *error);

/* Adds the members sent to call->input (well shaped ones) and call->request_parameters (as they are). */
void gw_eks_body_view(struct gw_eks_call *call, const struct gw_eks_member *members, size_t count,
                      const struct gw_json *body);

/* Ends a reply: its bytes in the arena, the buffer freed. Refused: it passed its cap. */
GW_NODISCARD enum gw_status gw_eks_body_finish(const struct gw_eks_call *call, struct gw_buf *body,
                                               struct gw_str *reply, struct gw_eks_error *error);
/* Begins one. */
void gw_eks_body_begin(struct gw_buf *body);

#endif
