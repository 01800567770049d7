/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules for principalArn, each beside the message that EKS answers with.
 * E-numbers: README.md. Who exists in IAM is asked only where somebody says who
 * does: else a well-formed role that nobody made is accepted.
 */
#include "eks/principal.h"

#include "codec/uri.h"
#include "eks/cluster.h"
#include "eks/error.h"

static enum gw_status refuse_format(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                               GW_STR("The principalArn parameter format is not valid"));
}

enum gw_status gw_eks_principal_decode(struct gw_eks_call *call, struct gw_str arn, struct gw_eks_error *error)
{
    struct gw_principal principal;

    if (gw_arn_parse_principal(arn, &principal) != GW_OK || principal.kind == GW_PRINCIPAL_ASSUMED_ROLE ||
        principal.kind == GW_PRINCIPAL_FEDERATED_USER)
        return refuse_format(call, error);
    call->principal = principal;
    call->has_principal = true;
    return GW_OK;
}

enum gw_status gw_eks_principal_decode_label(struct gw_eks_call *call, struct gw_str label, struct gw_eks_error *error)
{
    struct gw_str arn;

    if (gw_uri_decode(label, GW_URI_ARN, call->arena, &arn) != GW_OK)
        return refuse_format(call, error);
    return gw_eks_principal_decode(call, arn, error);
}

enum gw_status gw_eks_principal_decode_entry(struct gw_eks_call *call, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_cluster_decode(call, error);

    return status == GW_OK ? gw_eks_principal_decode_label(call, call->raw_labels[1], error) : status;
}

enum gw_status gw_eks_principal_check_linked(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    if (gw_arn_is_service_linked(&call->principal))
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("The caller is not allowed to modify access entries with a principalArn "
                                          "value of a Service Linked Role"));
    return GW_OK;
}

enum gw_status gw_eks_principal_check_type(const struct gw_eks_call *call, const struct gw_eks_type *type,
                                           struct gw_eks_error *error)
{
    if (!type->needs_own_role)
        return GW_OK;
    if (call->principal.kind != GW_PRINCIPAL_ROLE)
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("AccessEntry principalArn must be IAM role when using types [EC2_LINUX, "
                                          "EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"));
    if (!gw_str_equal(call->principal.account, call->account))
        return gw_eks_error_refuse(
            call, error, GW_EKS_InvalidParameterException,
            GW_STR("AccessEntry principalArn must be from the same account as the cluster when using types [EC2_LINUX, "
                   "EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"));
    return GW_OK;
}

enum gw_status gw_eks_principal_check_exists(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                             struct gw_eks_error *error)
{
    if (!gw_str_equal(call->principal.partition, call->partition) ||
        (env->principals != NULL && gw_map_get(env->principals, call->principal.arn) == NULL))
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("The specified principalArn is invalid: invalid principal."));
    return GW_OK;
}
