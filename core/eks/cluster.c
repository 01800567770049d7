/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cluster names and modes. E-numbers are those of the error catalogue, see
 * README.md. Whether a cluster exists is a fact given by the caller.
 */
#include "eks/cluster.h"

#include "codec/uri.h"
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
static enum gw_status refuse_characters(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(
        call, error, GW_EKS_InvalidParameterException,
        GW_STR("The clusterName parameter contains invalid characters. It should conform to the regular expression "
               "\"^[0-9A-Za-z][A-Za-z0-9-_]*\"In other words, it should start with a number or letter, and can "
               "contain numbers, letters, dashes, and underscores."));
}

enum gw_status gw_eks_cluster_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_str name;

    if (gw_uri_decode(call->raw_labels[0], GW_URI_NAME, call->arena, &name) != GW_OK || !is_name(name))
        return refuse_characters(call, error);
    if (name.length > NAME_MAX_EKS)
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("The parameter clusterName should not be greater than 100 characters."));
    call->cluster = name;
    return GW_OK;
}

enum gw_status gw_eks_cluster_check_entries(const struct gw_eks_call *call, const struct gw_eks_cluster *cluster,
                                            struct gw_eks_error *error)
{
    if (!cluster->exists) {
        enum gw_status status = gw_eks_error_refuse(
            call, error, GW_EKS_ResourceNotFoundException,
            gw_arena_printf(call->arena, "No cluster found for name: %.*s.", GW_STR_ARG(call->cluster)));

        error->cluster_name = GW_STR_NONE;
        return status;
    }
    if (cluster->mode == GW_EKS_MODE_CONFIG_MAP)
        return gw_eks_error_refuse(
            call, error, GW_EKS_InvalidRequestException,
            GW_STR("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                   "operation."));
    return GW_OK;
}

enum gw_status gw_eks_auth_mode_parse(struct gw_str text, enum gw_eks_auth_mode *mode)
{
    static const struct {
        const char *name;
        enum gw_eks_auth_mode mode;
    } modes[] = {
        {"CONFIG_MAP", GW_EKS_MODE_CONFIG_MAP},
        {"API_AND_CONFIG_MAP", GW_EKS_MODE_API_AND_CONFIG_MAP},
        {"API", GW_EKS_MODE_API},
    };

    for (size_t i = 0; i < GW_COUNT(modes); i++) {
        if (gw_str_is(text, modes[i].name)) {
            *mode = modes[i].mode;
            return GW_OK;
        }
    }
    return GW_E_SYNTAX;
}
