/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListAccessEntries: principal ARNs in byte order, of all entries or of those that
 * have one policy associated. A page is copied out of the store's listing.
 */
#include "eks/access_policy.h"
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/handlers.h"
#include "eks/page.h"
#include "eks/view.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode(call, error);

    return status == GW_OK ? gw_eks_page_decode(call, error) : status;
}

/* A filter that nothing could match is a mistake, and said to be one. */
static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    (void)limits;
    return call->paging->policy_arn.at == NULL ? GW_OK
                                               : gw_eks_policy_check_form(call, call->paging->policy_arn, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_store_page *page = &call->paging->page;
    const struct gw_eks_policy *policy;
    struct gw_store_key key = gw_eks_cluster_key(call);
    struct gw_buf body;
    size_t count;
    enum gw_status status = gw_eks_cluster_enter_entries(call, env, result, error);

    if (status == GW_OK && call->paging->policy_arn.at != NULL)
        status = gw_eks_policy_find(call, call->paging->policy_arn, &policy, error);
    if (status != GW_OK)
        return status;
    count = gw_store_page_entries(env->store, &key, call->paging->policy_arn, page);
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"accessEntries\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            gw_buf_append_byte(&body, ',');
        gw_json_encode_string(page->items[i], &body);
    }
    gw_buf_append_lit(&body, "],");
    gw_eks_page_encode_token(call, count > 0 ? page->items[count - 1] : GW_STR_NONE, &body);
    gw_buf_append_byte(&body, '}');
    return gw_eks_body_finish(call, &body, &result->reply, error);
}

static void view(struct gw_eks_call *call)
{
    if (call->cluster.at != NULL)
        gw_eks_view_add(&call->input, "clusterName", gw_json_string(call->cluster));
    gw_eks_page_view(call);
}

const struct gw_eks_handler gw_eks_list_access_entries = {decode, check, prepare, view};
