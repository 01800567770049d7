/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as the client sees them. A body holds every member that the model gives
 * the error, in its order; those that don't apply are null:
 *
 *   {"clusterName":"c","nodegroupName":null,"fargateProfileName":null,
 *    "addonName":null,"subscriptionId":null,"message":"..."}
 *
 * The code itself travels in x-amzn-ErrorType, which is the gateway's to send.
 */
#include "eks/error.h"

#include <stdio.h>

struct error_info {
    const char *name;
    unsigned status;
    struct gw_str members;
};

static const struct error_info errors[GW_EKS_ERROR_COUNT] = {
#define GW_EKS_ERROR(name, status, members) {#name, status, GW_STR_INIT(members)},
#include "eks/errors.def"
#undef GW_EKS_ERROR
};

const char *gw_eks_error_name(enum gw_eks_error_code code)
{
    return errors[code].name;
}

unsigned gw_eks_error_status(enum gw_eks_error_code code)
{
    return errors[code].status;
}

enum gw_status gw_eks_error_find(struct gw_str name, enum gw_eks_error_code *code)
{
    for (size_t i = 0; i < GW_EKS_ERROR_COUNT; i++) {
        if (gw_str_equal(name, gw_str_from(errors[i].name))) {
            *code = (enum gw_eks_error_code)i;
            return GW_OK;
        }
    }
    return GW_E_MISSING;
}

static struct gw_str member_value(const struct gw_eks_error *error, struct gw_str member)
{
    if (gw_str_is(member, "message"))
        return error->message.at == NULL ? GW_STR("") : error->message;
    return gw_str_is(member, "clusterName") ? error->cluster_name : GW_STR_NONE;
}

void gw_eks_error_encode(const struct gw_eks_error *error, struct gw_buf *body)
{
    struct gw_str rest = errors[error->code].members;
    char separator = '{';

    while (rest.at != NULL) {
        struct gw_str member = gw_str_split(&rest, ' ');
        struct gw_str value = member_value(error, member);

        gw_buf_append_byte(body, separator);
        gw_json_encode_string(member, body);
        gw_buf_append_byte(body, ':');
        if (value.at == NULL)
            gw_buf_append_lit(body, "null");
        else
            gw_json_encode_string(value, body);
        separator = ',';
    }
    gw_buf_append_byte(body, '}');
}

enum gw_status gw_eks_error_refuse(const struct gw_eks_call *call, struct gw_eks_error *error,
                                   enum gw_eks_error_code code, struct gw_str message)
{
    *error = (struct gw_eks_error){.code = code, .message = message, .cluster_name = call->cluster};
    return GW_E_DENIED;
}

/* The model gives ListAccessPolicies ServerException alone, which clients would retry: it has the usual one. */
static enum gw_eks_error_code invalid_code(enum gw_eks_op op)
{
    if (op == GW_EKS_TagResource || op == GW_EKS_UntagResource || op == GW_EKS_ListTagsForResource)
        return GW_EKS_BadRequestException;
    return op == GW_EKS_ListAssociatedAccessPolicies ? GW_EKS_InvalidRequestException
                                                     : GW_EKS_InvalidParameterException;
}

enum gw_status gw_eks_error_invalid(const struct gw_eks_call *call, struct gw_eks_error *error, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return gw_eks_error_refuse(call, error, invalid_code(call->op), gw_arena_str(call->arena, gw_str_from(text)));
}
