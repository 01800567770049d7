/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateCluster. The cluster is ACTIVE at once. Where its mode knows access
 * entries and the caller didn't say otherwise, the caller's own entry is made in
 * the same change, an administrator's.
 *
 *   decode   body, types, members there, name
 *   check    token, tags, the rules of cluster_rules.c
 *   prepare  name free (or this request's own replay), room
 */
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/cluster_input.h"
#include "eks/cluster_logging.h"
#include "eks/cluster_rules.h"
#include "eks/creator.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/token.h"

static enum gw_status require(struct gw_eks_call *call, const char *name, struct gw_eks_error *error)
{
    if (gw_eks_cluster_input_get(call, name, NULL) == NULL)
        return gw_eks_error_invalid(call, error, "The %s parameter is required.", name);
    return GW_OK;
}

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_input_decode(call, GW_EKS_IN_CREATE, error);

    if (status == GW_OK)
        status = require(call, "name", error);
    if (status == GW_OK)
        status = gw_eks_cluster_decode_name(call, gw_eks_cluster_input_get(call, "name", NULL)->as.string, error);
    if (status == GW_OK)
        status = require(call, "roleArn", error);
    return status == GW_OK ? require(call, "resourcesVpcConfig", error) : status;
}

/* EKS takes CONFIG_MAP where nothing is said. */
static enum gw_eks_auth_mode mode_of(const struct gw_eks_call *call)
{
    const struct gw_json *sent = gw_eks_cluster_input_get(call, "accessConfig", "authenticationMode");
    enum gw_eks_auth_mode mode = GW_EKS_MODE_CONFIG_MAP;

    return sent != NULL && gw_eks_auth_mode_parse(sent->as.string, &mode) == GW_OK ? mode : GW_EKS_MODE_CONFIG_MAP;
}

static enum gw_status check(struct gw_eks_call *call, const struct gw_eks_limits *limits, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_token_check(call, error);

    (void)limits;
    if (status == GW_OK)
        status = gw_eks_cluster_input_check_tags(call, error);
    if (status == GW_OK)
        status = gw_eks_cluster_check_create(call, &call->cluster_input->parameters, mode_of(call), error);
    return status;
}

/* What the document takes over from the request; the mode travels apart. */
static struct gw_json given_members(const struct gw_eks_call *call)
{
    const struct gw_json *parameters = &call->cluster_input->parameters;
    struct gw_json given = {.type = GW_JSON_OBJECT};
    const struct gw_pair *tags;
    size_t count;

    for (size_t i = 0; i < parameters->as.object.count; i++) {
        const struct gw_json_member *member = &parameters->as.object.members[i];

        if (gw_eks_fields_find(gw_eks_cluster_fields, GW_EKS_IN_SHOWN, member->name) != NULL &&
            !gw_str_is(member->name, "clientRequestToken"))
            gw_json_set(call->arena, &given, member->name, member->value);
    }
    gw_json_set(call->arena, &given, GW_STR("logging"),
                gw_eks_logging_lay_over(NULL, gw_json_get(parameters, "logging"), call->arena));
    tags = gw_eks_cluster_input_tags(call, &count);
    gw_json_set(call->arena, &given, GW_STR("tags"), gw_json_pairs(call->arena, tags, count));
    return given;
}

static enum gw_status build(const struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                            struct gw_eks_error *error)
{
    struct gw_json given = given_members(call);
    struct gw_eks_cluster_plan plan = {.key = gw_eks_cluster_key(call), .mode = mode_of(call), .given = &given};
    enum gw_status status = GW_OK;

    result->is_change = true;
    result->change.key = plan.key;
    result->change.now_ms = env->wall_ms;
    result->change.cluster_act = GW_STORE_PUT;
    result->change.cluster = gw_eks_cluster_make(&plan, env, call->arena);
    result->cluster = result->change.cluster;
    if (gw_eks_creator_is_wanted(call, plan.mode))
        status = gw_eks_creator_add(call, env, result, error);
    result->reply = gw_eks_cluster_reply(result->cluster, GW_STR_NONE, call->arena);
    result->change.token = gw_eks_token_new(call, env, result->reply, NULL);
    result->change.is_clusters_token = true;
    return status;
}

/* The cluster is looked for before the token: whoever finds it finds the token of the request that made it. */
static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_store_key key = gw_eks_cluster_key(call);
    enum gw_status status = GW_OK;

    result->cluster = gw_store_find_cluster(env->store, &key);
    if (result->cluster != NULL)
        status = gw_eks_token_replay(call, env, &result->replayed, &result->reply, error);
    if (status != GW_OK || result->replayed)
        return status;
    if (result->cluster != NULL)
        return gw_eks_error_refuse(
            call, error, GW_EKS_ResourceInUseException,
            gw_arena_printf(call->arena, "Cluster already exists with name: %.*s", GW_STR_ARG(call->cluster)));
    status = gw_eks_cluster_check_room(call, env, error);
    return status == GW_OK ? build(call, env, result, error) : status;
}

const struct gw_eks_handler gw_eks_create_cluster = {decode, check, prepare, gw_eks_cluster_input_view};
