/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of operations.def, cut into segments and sorted into buckets by number
 * of segments. A bucket is a dozen rows at most; a row is compared literal by
 * literal.
 *
 *   GET /clusters/{name}/access-entries/{principalArn}
 *        literal   label literal        label
 */
#include "gateway/router.h"

#include <stdlib.h>

#include "codec/uri.h"

struct row {
    enum gw_eks_op op;
    enum gw_method method;
    struct gw_str segments[GW_EKS_SEGMENTS_MAX]; /* {NULL,0}: a label */
};

struct bucket {
    struct row *rows[GW_EKS_OP_COUNT];
    size_t count;
};

struct gw_router {
    struct row rows[GW_EKS_OP_COUNT];
    struct bucket buckets[GW_EKS_SEGMENTS_MAX + 1];
};

static void add_row(struct gw_router *router, enum gw_eks_op op)
{
    struct row *row = &router->rows[op];
    const char *path = gw_eks_ops[op].path;
    struct gw_str rest = path[1] == '\0' ? GW_STR_NONE : gw_str_from(path + 1); /* "/" has no segment */
    struct bucket *bucket;
    size_t count = 0;

    row->op = op;
    row->method = gw_eks_ops[op].method;
    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');

        if (count == GW_EKS_SEGMENTS_MAX)
            gw_fatal("operations.def: %s has too many segments", gw_eks_ops[op].name);
        row->segments[count++] = segment.length > 0 && segment.at[0] == '{' ? GW_STR_NONE : segment;
    }
    bucket = &router->buckets[count];
    bucket->rows[bucket->count++] = row;
}

struct gw_router *gw_router_new(void)
{
    struct gw_router *router = gw_alloc_zero(1, sizeof(*router));

    for (int op = 0; op < GW_EKS_OP_COUNT; op++)
        add_row(router, (enum gw_eks_op)op);
    return router;
}

void gw_router_free(struct gw_router **router)
{
    free(*router);
    *router = NULL;
}

static bool row_matches(const struct row *row, enum gw_method method, const struct gw_str *segments, size_t count)
{
    if (row->method != method)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (row->segments[i].at != NULL && !gw_str_equal(row->segments[i], segments[i]))
            return false;
    }
    return true;
}

static void take_labels(const struct row *row, const struct gw_str *segments, size_t count, struct gw_route *route)
{
    route->op = row->op;
    route->label_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (row->segments[i].at == NULL)
            route->labels[route->label_count++] = segments[i];
    }
}

enum gw_status gw_router_match(const struct gw_router *router, enum gw_method method, struct gw_str path,
                               struct gw_route *route)
{
    struct gw_str segments[GW_EKS_SEGMENTS_MAX];
    const struct bucket *bucket;
    size_t count;

    if (gw_uri_split_path(path, segments, GW_EKS_SEGMENTS_MAX, &count) != GW_OK)
        return GW_E_MISSING;
    bucket = &router->buckets[count];
    for (size_t i = 0; i < bucket->count; i++) {
        if (row_matches(bucket->rows[i], method, segments, count)) {
            take_labels(bucket->rows[i], segments, count, route);
            return GW_OK;
        }
    }
    return GW_E_MISSING;
}
