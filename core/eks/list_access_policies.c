/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListAccessPolicies: the policies that EKS shows, by name in byte order, with the
 * ARNs of the caller's partition.
 */
#include "eks/access_policy.h"
#include "eks/body.h"
#include "eks/handlers.h"
#include "eks/page.h"

static void encode(const struct gw_eks_call *call, struct gw_str name, struct gw_buf *body)
{
    const struct gw_eks_policy policy = {.name = name};

    gw_buf_append_lit(body, "{\"name\":");
    gw_json_encode_string(name, body);
    gw_buf_append_lit(body, ",\"arn\":");
    gw_json_encode_string(gw_eks_policy_arn(call, &policy), body);
    gw_buf_append_byte(body, '}');
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_str *names = gw_arena_zero(call->arena, gw_eks_policy_count, sizeof(*names));
    size_t count = 0;
    size_t first;
    size_t found;
    struct gw_buf body;

    (void)env;
    for (size_t i = 0; i < gw_eks_policy_count; i++) {
        if (gw_eks_policies[i].is_listed)
            names[count++] = gw_eks_policies[i].name;
    }
    first = gw_eks_page_array(call, names, count, &found);
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"accessPolicies\":[");
    for (size_t i = first; i < first + found; i++) {
        if (i > first)
            gw_buf_append_byte(&body, ',');
        encode(call, names[i], &body);
    }
    gw_buf_append_lit(&body, "],");
    gw_eks_page_encode_token(call, found > 0 ? names[first + found - 1] : GW_STR_NONE, &body);
    gw_buf_append_byte(&body, '}');
    return gw_eks_body_finish(call, &body, &result->reply, error);
}

const struct gw_eks_handler gw_eks_list_access_policies = {gw_eks_page_decode, NULL, prepare, gw_eks_page_view};
