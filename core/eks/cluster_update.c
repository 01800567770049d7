/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates are JSON text in the cluster's record. Each is done when it is answered:
 * clients that wait for one find it Successful at their first look.
 */
#include "eks/cluster_update.h"

#include "codec/time.h"
#include "eks/error.h"
#include "eks/params.h"
#include "eks/view.h"

#define ID_LENGTH 36
#define TEXT_MAX  ((size_t)4 << 20) /* bodies are held to less */

static const struct gw_eks_param members[] = {
    {"nodegroupName", GW_EKS_PARAM_TEXT, offsetof(struct gw_eks_update_input, nodegroup)},
    {"addonName", GW_EKS_PARAM_TEXT, offsetof(struct gw_eks_update_input, addon)},
    {"capabilityName", GW_EKS_PARAM_TEXT, offsetof(struct gw_eks_update_input, capability)},
};

static const struct gw_str front = GW_STR_INIT("{\"id\":\"");

enum gw_status gw_eks_update_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    call->update = gw_arena_zero(call->arena, 1, sizeof(*call->update));
    return gw_eks_params_read(call, members, GW_COUNT(members), call->update, error);
}

void gw_eks_update_view(struct gw_eks_call *call)
{
    if (call->update != NULL)
        gw_eks_params_view(call, members, GW_COUNT(members), call->update);
}

enum gw_status gw_eks_update_check_owner(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    const struct gw_eks_update_input *in = call->update;
    struct gw_str message;

    if (in->nodegroup.at != NULL)
        message = gw_arena_printf(call->arena, "No node group found for name: %.*s.", GW_STR_ARG(in->nodegroup));
    else if (in->addon.at != NULL)
        message = gw_arena_printf(call->arena, "No addon: %.*s found in cluster: %.*s", GW_STR_ARG(in->addon),
                                  GW_STR_ARG(call->cluster));
    else if (in->capability.at != NULL)
        message = gw_arena_printf(call->arena, "No capability: %.*s found in cluster: %.*s", GW_STR_ARG(in->capability),
                                  GW_STR_ARG(call->cluster));
    else
        return GW_OK;
    return gw_eks_error_refuse(call, error, GW_EKS_ResourceNotFoundException, message);
}

/* A version 4 UUID. */
static void append_id(const struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    struct gw_store_key key = {call->partition, call->account, call->region, call->cluster, GW_STR_NONE};
    unsigned char bytes[16];

    gw_eks_make_id(env, GW_STR("update"), &key, bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            gw_buf_append_byte(out, '-');
        gw_buf_append_byte(out, digits[bytes[i] >> 4]);
        gw_buf_append_byte(out, digits[bytes[i] & 15]);
    }
}

struct gw_str gw_eks_update_encode(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                   const struct gw_eks_update *update)
{
    struct gw_str text;
    struct gw_buf out;

    gw_buf_init(&out, TEXT_MAX);
    gw_buf_append_str(&out, front);
    append_id(call, env, &out);
    gw_buf_append_lit(&out, "\",\"status\":\"Successful\",\"type\":");
    gw_json_encode_string(gw_str_from(update->type), &out);
    gw_buf_append_lit(&out, ",\"params\":");
    gw_json_encode(&update->params, &out);
    gw_buf_append_lit(&out, ",\"createdAt\":");
    gw_time_encode_decimal(env->now_ms, &out);
    gw_buf_append_lit(&out, ",\"errors\":[]}");
    if (out.overflowed)
        gw_fatal("an update passes %zu bytes", TEXT_MAX);
    text = gw_arena_str(call->arena, gw_buf_str(&out));
    gw_buf_fini(&out);
    return text;
}

struct gw_str gw_eks_update_id(struct gw_str update)
{
    return gw_str_slice(update, front.length, ID_LENGTH);
}

struct gw_cluster gw_eks_update_append(const struct gw_cluster *cluster, struct gw_str update, struct gw_arena *arena)
{
    size_t kept = cluster->update_count < GW_EKS_UPDATES_MAX ? cluster->update_count : GW_EKS_UPDATES_MAX - 1;
    struct gw_str *updates = gw_arena_zero(arena, kept + 1, sizeof(*updates));
    struct gw_cluster like = *cluster;

    if (kept > 0)
        memcpy(updates, cluster->updates + (cluster->update_count - kept), kept * sizeof(*updates));
    updates[kept] = update;
    like.updates = updates;
    like.update_count = kept + 1;
    return like;
}

struct gw_str gw_eks_update_reply(struct gw_str update, struct gw_arena *arena)
{
    return gw_arena_printf(arena, "{\"update\":%.*s}", GW_STR_ARG(update));
}
