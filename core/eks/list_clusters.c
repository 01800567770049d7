/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListClusters: names in byte order, of the caller's account in the scope's
 * region. `include` may ask for connected clusters too; there are none here.
 */
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/handlers.h"
#include "eks/page.h"

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_store_page *page = &call->paging->page;
    struct gw_store_key key = gw_eks_cluster_key(call);
    size_t count = gw_store_page_clusters(env->store, &key, page);
    struct gw_buf body;

    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"clusters\":[");
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

const struct gw_eks_handler gw_eks_list_clusters = {gw_eks_page_decode, NULL, prepare, gw_eks_page_view};
