/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetCallerIdentity, which is STS's: who signed this? Answered here because SDKs
 * and Terraform's provider ask it before anything else.
 *
 * STS knows a user or role by an id that never changes while it exists; here it is
 * made from account, kind and name, so that it is the same everywhere and after
 * every start, and a session's is its role's. Paths are left out: IAM's names are
 * unique without them, and an assumed role's ARN has none.
 */
#include "codec/digest.h"
#include "eks/error.h"
#include "eks/handlers.h"
#include "eks/query.h"
#include "eks/view.h"

#define ACTION    "GetCallerIdentity"
#define VERSION   "2011-06-15"
#define ID_DIGITS 17 /* behind the prefix */
#define REPLY_MAX ((size_t)64 << 10)

/* A request that names no version is let pass: there is only one. */
static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_query query;
    enum gw_status status = gw_eks_query_decode(call, &query, error);

    if (status != GW_OK)
        return status;
    if (!gw_str_is(query.action, ACTION) || (query.version.at != NULL && !gw_str_is(query.version, VERSION)))
        return gw_eks_query_refuse_action(call, &query, error);
    return GW_OK;
}

/* "AIDA" or "AROA" and 17 digits of base 32, as IAM's unique ids have them. */
static struct gw_str unique_id(struct gw_arena *arena, const struct gw_principal *who, const char *kind,
                               const char *prefix)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    struct gw_str named = gw_arena_printf(arena, "arn:%.*s:iam::%.*s:%s/%.*s", GW_STR_ARG(who->partition),
                                          GW_STR_ARG(who->account), kind, GW_STR_ARG(who->name));
    unsigned char digest[GW_DIGEST_SIZE];
    char digits[ID_DIGITS];

    gw_digest_sha256(named, digest);
    for (size_t i = 0; i < ID_DIGITS; i++) {
        unsigned pair = (unsigned)digest[i * 5 / 8] << 8 | digest[i * 5 / 8 + 1];

        digits[i] = alphabet[(pair >> (11 - i * 5 % 8)) & 31];
    }
    return gw_arena_printf(arena, "%s%.*s", prefix, ID_DIGITS, digits);
}

static struct gw_str user_id(struct gw_arena *arena, const struct gw_principal *who)
{
    struct gw_str id;

    switch (who->kind) {
    case GW_PRINCIPAL_ROLE:
        return unique_id(arena, who, "role", "AROA");
    case GW_PRINCIPAL_USER:
        return unique_id(arena, who, "user", "AIDA");
    case GW_PRINCIPAL_ASSUMED_ROLE:
        id = unique_id(arena, who, "role", "AROA");
        return gw_arena_printf(arena, "%.*s:%.*s", GW_STR_ARG(id), GW_STR_ARG(who->session));
    case GW_PRINCIPAL_FEDERATED_USER:
        return gw_arena_printf(arena, "%.*s:%.*s", GW_STR_ARG(who->account), GW_STR_ARG(who->name));
    case GW_PRINCIPAL_ROOT:
        break;
    }
    return who->account;
}

static enum gw_status prepare(struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_eks_result *result,
                              struct gw_eks_error *error)
{
    struct gw_buf body;

    (void)env;
    (void)error;
    gw_buf_init(&body, REPLY_MAX);
    gw_buf_append_lit(&body, "<" ACTION "Response xmlns=\"" GW_EKS_QUERY_NAMESPACE "\">\n  <" ACTION "Result>\n");
    gw_eks_query_put(&body, 2, "Arn", call->caller->arn);
    gw_eks_query_put(&body, 2, "UserId", user_id(call->arena, call->caller));
    gw_eks_query_put(&body, 2, "Account", call->caller->account);
    gw_buf_append_lit(&body, "  </" ACTION "Result>\n  <ResponseMetadata>\n");
    gw_eks_query_put(&body, 2, "RequestId", call->request_id);
    gw_buf_append_lit(&body, "  </ResponseMetadata>\n</" ACTION "Response>\n");
    result->reply = gw_arena_str(call->arena, gw_buf_str(&body));
    gw_buf_fini(&body);
    return GW_OK;
}

/* The operation has no members, and CloudTrail writes null. */
static void view(struct gw_eks_call *call)
{
    call->request_parameters = (struct gw_json){.type = GW_JSON_NULL};
}

const struct gw_eks_handler gw_eks_get_caller_identity = {decode, NULL, prepare, view};
