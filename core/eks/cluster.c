/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cluster names and modes, and the cluster itself as the store has it. E-numbers
 * are those of the error catalogue, see README.md.
 */
#include "eks/cluster.h"

#include "codec/uri.h"
#include "eks/cluster_document.h"
#include "eks/error.h"

#define NAME_MAX_EKS 100

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(struct gw_str name)
{
    if (name.length == 0 || !is_letter_or_digit(name.at[0]))
        return false;
    for (size_t i = 1; i < name.length; i++) {
        if (!is_letter_or_digit(name.at[i]) && name.at[i] != '-' && name.at[i] != '_')
            return false;
    }
    return true;
}

/* The missing blank before "In other words" is EKS's. */
#define CONFORM                                                                                                        \
    " contains invalid characters. It should conform to the regular expression \"^[0-9A-Za-z][A-Za-z0-9-_]*\"In "      \
    "other "                                                                                                           \
    "words, it should start with a number or letter, and can contain numbers, letters, dashes, and underscores."

static enum gw_status refuse(const struct gw_eks_call *call, struct gw_str message, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException, message);
}

enum gw_status gw_eks_cluster_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_str name;

    if (gw_uri_decode(call->raw_labels[0], GW_URI_NAME, call->arena, &name) != GW_OK || !is_name(name))
        return refuse(call, GW_STR("The clusterName parameter" CONFORM), error);
    if (name.length > NAME_MAX_EKS)
        return refuse(call, GW_STR("The parameter clusterName should not be greater than 100 characters."), error);
    call->cluster = name;
    return GW_OK;
}

enum gw_status gw_eks_cluster_decode_name(struct gw_eks_call *call, struct gw_str name, struct gw_eks_error *error)
{
    if (!is_name(name))
        return refuse(call, GW_STR("The parameter name" CONFORM), error);
    if (name.length > NAME_MAX_EKS)
        return refuse(call, GW_STR("The parameter name should not be greater than 100 characters."), error);
    call->cluster = name;
    return GW_OK;
}

enum gw_status gw_eks_cluster_decode_label(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_str name;

    if (gw_uri_decode(call->raw_labels[0], GW_URI_NAME, call->arena, &name) != GW_OK)
        name = GW_STR_NONE;
    return gw_eks_cluster_decode_name(call, name, error);
}

bool gw_eks_cluster_is_name(struct gw_str name)
{
    return is_name(name) && name.length <= NAME_MAX_EKS;
}

struct gw_store_key gw_eks_cluster_key(const struct gw_eks_call *call)
{
    return (struct gw_store_key){
        .partition = call->partition,
        .account = call->account,
        .region = call->region,
        .cluster = call->cluster,
        .principal = GW_STR_NONE,
    };
}

enum gw_status gw_eks_cluster_refuse_missing(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_error_refuse(
        call, error, GW_EKS_ResourceNotFoundException,
        gw_arena_printf(call->arena, "No cluster found for name: %.*s.", GW_STR_ARG(call->cluster)));

    error->cluster_name = GW_STR_NONE;
    return status;
}

enum gw_status gw_eks_cluster_check_room(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                         struct gw_eks_error *error)
{
    if (gw_store_count_clusters(env->store) < env->limits->clusters)
        return GW_OK;
    return gw_eks_error_refuse(
        call, error, GW_EKS_ResourceLimitExceededException,
        gw_arena_printf(call->arena, "There can't be more than %zu clusters here.", env->limits->clusters));
}

enum gw_status gw_eks_cluster_enter(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                    struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_store_change *change = &result->change;
    struct gw_store_key key = gw_eks_cluster_key(call);
    enum gw_status status;

    change->key = key;
    change->now_ms = env->wall_ms;
    result->cluster = gw_store_find_cluster(env->store, &key);
    if (result->cluster != NULL) {
        change->expected_cluster = result->cluster->version;
        return GW_OK;
    }
    if (env->makes_cluster == NULL || !env->makes_cluster(env->makes_cluster_ctx, &key))
        return gw_eks_cluster_refuse_missing(call, error);
    status = gw_eks_cluster_check_room(call, env, error);
    if (status != GW_OK)
        return status;
    change->cluster =
        gw_eks_cluster_make(&(struct gw_eks_cluster_plan){.key = key, .mode = GW_EKS_MODE_API}, env, call->arena);
    change->cluster_act = GW_STORE_PUT;
    result->cluster = change->cluster;
    result->is_change = true;
    return GW_OK;
}

enum gw_status gw_eks_cluster_enter_entries(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                            struct gw_eks_result *result, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_enter(call, env, result, error);

    if (status != GW_OK || result->cluster->mode != GW_EKS_MODE_CONFIG_MAP)
        return status;
    return gw_eks_error_refuse(
        call, error, GW_EKS_InvalidRequestException,
        GW_STR("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
               "operation."));
}

static const char *const mode_names[] = {
    [GW_EKS_MODE_CONFIG_MAP] = "CONFIG_MAP",
    [GW_EKS_MODE_API_AND_CONFIG_MAP] = "API_AND_CONFIG_MAP",
    [GW_EKS_MODE_API] = "API",
};

const char *gw_eks_auth_mode_name(enum gw_eks_auth_mode mode)
{
    return mode_names[mode];
}

enum gw_status gw_eks_auth_mode_parse(struct gw_str text, enum gw_eks_auth_mode *mode)
{
    for (size_t i = 0; i < GW_COUNT(mode_names); i++) {
        if (gw_str_is(text, mode_names[i])) {
            *mode = (enum gw_eks_auth_mode)i;
            return GW_OK;
        }
    }
    return GW_E_SYNTAX;
}
