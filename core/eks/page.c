/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest keeps a client from mixing up its tokens; it is no secret. Whoever
 * makes a token up begins its listing somewhere else in what it may see anyway.
 */
#include "eks/page.h"

#include "codec/base64.h"
#include "codec/digest.h"
#include "eks/error.h"
#include "eks/params.h"
#include "eks/view.h"

#define MARK_SIZE 12
#define TOKEN_MAX 4096 /* characters; the longest ARN gives fewer */

static const struct gw_eks_param members[] = {
    {"associatedPolicyArn", GW_EKS_PARAM_TEXT, offsetof(struct gw_eks_paging, policy_arn)},
    {"nextToken", GW_EKS_PARAM_TEXT, offsetof(struct gw_eks_paging, next_token)},
    {"maxResults", GW_EKS_PARAM_TEXT, offsetof(struct gw_eks_paging, max_results)},
    {"include", GW_EKS_PARAM_TEXTS, offsetof(struct gw_eks_paging, include)},
};

#define MAX_RESULTS 2 /* its row */

/* The operation's rows among `members`: all have the two in the middle. */
static const struct gw_eks_param *members_of(enum gw_eks_op op, size_t *count)
{
    bool filters = op == GW_EKS_ListAccessEntries;
    bool includes = op == GW_EKS_ListClusters;

    *count = (filters || includes) ? 3 : 2;
    return filters ? members : members + 1;
}

static void make_mark(const struct gw_eks_call *call, struct gw_str item, unsigned char mark[GW_DIGEST_SIZE])
{
    const struct gw_str pieces[] = {
        gw_str_from(gw_eks_ops[call->op].name),
        call->paging->partition,
        call->paging->account,
        call->paging->region,
        call->cluster,
        call->has_principal ? call->principal.arn : GW_STR_NONE,
        call->paging->policy_arn,
        item,
    };
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    for (size_t i = 0; i < GW_COUNT(pieces); i++) {
        uint64_t length = pieces[i].length;

        gw_digest_update(&hash, &length, sizeof(length));
        if (length > 0)
            gw_digest_update(&hash, pieces[i].at, pieces[i].length);
    }
    gw_digest_final(&hash, mark);
}

static bool read_token(const struct gw_eks_call *call, struct gw_str token, struct gw_str *item)
{
    unsigned char mark[GW_DIGEST_SIZE];
    struct gw_buf bytes;
    bool good = false;

    gw_buf_init(&bytes, TOKEN_MAX);
    if (token.length <= TOKEN_MAX && gw_base64_decode(token, &bytes) == GW_OK && bytes.length > MARK_SIZE) {
        *item = gw_arena_str(call->arena, gw_str_slice(gw_buf_str(&bytes), MARK_SIZE, SIZE_MAX));
        make_mark(call, *item, mark);
        good = gw_digest_equal(mark, bytes.at, MARK_SIZE);
    }
    gw_buf_fini(&bytes);
    return good;
}

enum gw_status gw_eks_page_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_paging *paging = gw_arena_zero(call->arena, 1, sizeof(*paging));
    uint64_t max = GW_EKS_PAGE_MAX;
    size_t count;
    const struct gw_eks_param *rows = members_of(call->op, &count);
    enum gw_status status;

    call->paging = paging;
    paging->partition = call->partition;
    paging->account = call->account;
    paging->region = call->region;
    status = gw_eks_params_read(call, rows, count, paging, error);
    if (status != GW_OK)
        return status;
    if (paging->max_results.at != NULL &&
        (gw_str_parse_u64(paging->max_results, GW_EKS_PAGE_MAX, &max) != GW_OK || max == 0))
        return gw_eks_error_invalid(call, error, "The maxResults parameter must be a whole number from 1 to %d.",
                                    GW_EKS_PAGE_MAX);
    paging->is_foreign = paging->next_token.length > 0 && !read_token(call, paging->next_token, &paging->page.after);
    if (paging->is_foreign && !call->is_forwarded)
        return gw_eks_error_invalid(
            call, error,
            "The nextToken parameter is not valid: it must be the nextToken of the page before, "
            "sent with the same parameters.");
    paging->page.max = (size_t)max;
    paging->page.items = gw_arena_alloc(call->arena, GW_EKS_PAGE_MAX * sizeof(struct gw_str));
    return GW_OK;
}

void gw_eks_page_encode_token(const struct gw_eks_call *call, struct gw_str last, struct gw_buf *body)
{
    unsigned char mark[GW_DIGEST_SIZE];
    struct gw_buf bytes;

    gw_buf_append_lit(body, "\"nextToken\":");
    if (!call->paging->page.more) {
        gw_buf_append_lit(body, "null");
        return;
    }
    make_mark(call, last, mark);
    gw_buf_init(&bytes, TOKEN_MAX);
    gw_buf_append(&bytes, mark, MARK_SIZE);
    gw_buf_append_str(&bytes, last);
    gw_buf_append_byte(body, '"');
    gw_base64_encode(gw_buf_str(&bytes), body);
    gw_buf_append_byte(body, '"');
    gw_buf_fini(&bytes);
}

/* maxResults is a number to whoever looks, once it is one. */
void gw_eks_page_view(struct gw_eks_call *call)
{
    struct gw_json number;

    if (call->paging == NULL)
        return;
    gw_eks_params_view(call, members, MAX_RESULTS, call->paging);
    gw_eks_params_view(call, members + MAX_RESULTS + 1, GW_COUNT(members) - MAX_RESULTS - 1, call->paging);
    if (call->paging->max_results.at == NULL || call->paging->page.max == 0)
        return;
    number = gw_json_integer((int64_t)call->paging->page.max);
    gw_eks_view_add(&call->input, members[MAX_RESULTS].name, number);
    gw_eks_view_add(&call->request_parameters, members[MAX_RESULTS].name, number);
}

size_t gw_eks_page_array(struct gw_eks_call *call, const struct gw_str *texts, size_t count, size_t *found)
{
    struct gw_store_page *page = &call->paging->page;
    size_t first = 0;

    while (page->after.at != NULL && first < count && gw_str_compare(texts[first], page->after) <= 0)
        first++;
    *found = count - first < page->max ? count - first : page->max;
    page->more = first + *found < count;
    return first;
}
