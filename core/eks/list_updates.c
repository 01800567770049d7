/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListUpdates: ids, oldest first. A page goes on behind the last one given; where
 * that has been forgotten meanwhile, so have all before it, and it goes on with
 * the oldest that is left.
 */
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/cluster_input.h"
#include "eks/cluster_update.h"
#include "eks/handlers.h"
#include "eks/page.h"

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode_label(call, error);

    if (status == GW_OK)
        status = gw_eks_update_decode(call, error);
    return status == GW_OK ? gw_eks_page_decode(call, error) : status;
}

static size_t index_behind(const struct gw_cluster *cluster, struct gw_str id)
{
    for (size_t i = 0; i < cluster->update_count; i++) {
        if (gw_str_equal(gw_eks_update_id(cluster->updates[i]), id))
            return i + 1;
    }
    return 0;
}

static enum gw_status answer(const struct gw_eks_call *call, const struct gw_cluster *cluster,
                             struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_store_page *page = &call->paging->page;
    size_t first = page->after.at == NULL ? 0 : index_behind(cluster, page->after);
    size_t end = cluster->update_count - first > page->max ? first + page->max : cluster->update_count;
    struct gw_buf body;

    page->more = end < cluster->update_count;
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"updateIds\":[");
    for (size_t i = first; i < end; i++) {
        if (i > first)
            gw_buf_append_byte(&body, ',');
        gw_json_encode_string(gw_eks_update_id(cluster->updates[i]), &body);
    }
    gw_buf_append_lit(&body, "],");
    gw_eks_page_encode_token(call, end > first ? gw_eks_update_id(cluster->updates[end - 1]) : GW_STR_NONE, &body);
    gw_buf_append_byte(&body, '}');
    return gw_eks_body_finish(call, &body, &result->reply, error);
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_enter(call, env, result, error);

    if (status == GW_OK)
        status = gw_eks_update_check_owner(call, error);
    return status == GW_OK ? answer(call, result->cluster, result, error) : status;
}

static void view(struct gw_eks_call *call)
{
    gw_eks_cluster_view_label(call);
    gw_eks_update_view(call);
    gw_eks_page_view(call);
}

const struct gw_eks_handler gw_eks_list_updates = {decode, NULL, prepare, view};
