/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of clusters that live upstream. Nothing here asks anybody: what the
 * upstream said comes in as text, what the store is to hold goes out as a change.
 */
#include "eks/overlay.h"

#include "codec/time.h"
#include "eks/access_entry.h"
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/cluster_input.h"
#include "eks/cluster_update.h"
#include "eks/creator.h"
#include "eks/page.h"
#include "eks/tag.h"
#include "eks/token.h"

#define FRONT_MAX     4096
#define DOCUMENT_MAX  ((size_t)64 << 20) /* of a merged reply; the upstream's own is held to less */
#define REGION_LENGTH 64

static enum gw_eks_side side_of_update(const struct gw_eks_call *call)
{
    const struct gw_eks_update_input *in = call->update;

    /* Of node groups and the like only the upstream knows. */
    return in == NULL || in->nodegroup.at != NULL || in->addon.at != NULL || in->capability.at != NULL
               ? GW_EKS_SIDE_UPSTREAM
               : GW_EKS_SIDE_BOTH;
}

enum gw_eks_side gw_eks_overlay_side(const struct gw_eks_call *call)
{
    switch (call->op) {
    case GW_EKS_GetCallerIdentity:
    case GW_EKS_ListAccessPolicies:
        return GW_EKS_SIDE_HERE;
    case GW_EKS_CreateAccessEntry:
    case GW_EKS_DescribeAccessEntry:
    case GW_EKS_ListAccessEntries:
    case GW_EKS_UpdateAccessEntry:
    case GW_EKS_DeleteAccessEntry:
    case GW_EKS_AssociateAccessPolicy:
    case GW_EKS_DisassociateAccessPolicy:
    case GW_EKS_ListAssociatedAccessPolicies:
        return GW_EKS_SIDE_STORE;
    case GW_EKS_TagResource:
    case GW_EKS_UntagResource:
    case GW_EKS_ListTagsForResource:
        return call->tag != NULL && call->tag->is_entry ? GW_EKS_SIDE_STORE : GW_EKS_SIDE_UPSTREAM;
    case GW_EKS_UpdateClusterConfig:
        return call->cluster_input != NULL && gw_eks_cluster_input_get(call, "accessConfig", NULL) != NULL
                   ? GW_EKS_SIDE_STORE
                   : GW_EKS_SIDE_UPSTREAM;
    case GW_EKS_DescribeCluster:
        return GW_EKS_SIDE_SHOWN;
    case GW_EKS_DescribeUpdate:
    case GW_EKS_ListUpdates:
        return side_of_update(call);
    default:
        return GW_EKS_SIDE_UPSTREAM;
    }
}

bool gw_eks_overlay_settle(const struct gw_eks_call *call, const struct gw_cluster *row)
{
    /* A token of ours goes on with our updates, of which the upstream knows nothing. */
    if (call->op == GW_EKS_ListUpdates)
        return call->paging->next_token.length == 0 || call->paging->is_foreign;
    for (size_t i = 0; row != NULL && i < row->update_count; i++) {
        if (gw_str_equal(gw_eks_update_id(row->updates[i]), call->update->id))
            return false;
    }
    return true;
}

static bool is_region(struct gw_str text)
{
    if (text.length == 0 || text.length > REGION_LENGTH)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return true;
}

/* arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME */
static bool read_arn(struct gw_str arn, struct gw_str name, struct gw_eks_seen *seen)
{
    struct gw_str rest = arn;
    struct gw_str parts[5];

    for (size_t i = 0; i < GW_COUNT(parts); i++) {
        if (rest.at == NULL)
            return false;
        parts[i] = gw_str_split(&rest, ':');
    }
    seen->partition = parts[1];
    seen->region = parts[3];
    seen->account = parts[4];
    return rest.at != NULL && gw_str_is(parts[0], "arn") && gw_arn_is_partition(parts[1]) &&
           gw_str_is(parts[2], "eks") && is_region(parts[3]) && gw_arn_is_account(parts[4]) &&
           gw_str_starts(rest, GW_STR("cluster/")) && gw_str_equal(gw_str_slice(rest, 8, SIZE_MAX), name);
}

/* EKS and moto give seconds; others text. */
static bool read_time(const struct gw_json *value, int64_t *ms)
{
    double seconds;

    if (value != NULL && value->type == GW_JSON_STRING)
        return gw_time_parse_iso(value->as.string, ms) == GW_OK;
    if (value == NULL || (value->type != GW_JSON_REAL && value->type != GW_JSON_INTEGER))
        return false;
    seconds = value->type == GW_JSON_REAL ? value->as.real : (double)value->as.integer;
    if (!(seconds >= 0 && seconds < 253402300800.0)) /* the year 10000 */
        return false;
    *ms = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

static struct gw_str make_front(struct gw_str name, struct gw_str arn, int64_t created_ms, struct gw_arena *arena)
{
    struct gw_str front;
    struct gw_buf text;

    gw_buf_init(&text, FRONT_MAX);
    gw_buf_append_lit(&text, "{\"name\":");
    gw_json_encode_string(name, &text);
    gw_buf_append_lit(&text, ",\"arn\":");
    gw_json_encode_string(arn, &text);
    gw_buf_append_lit(&text, ",\"createdAt\":");
    gw_time_encode_decimal(created_ms, &text);
    gw_buf_append_byte(&text, ',');
    front = text.overflowed ? GW_STR_NONE : gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return front;
}

static void read_mode(struct gw_eks_seen *seen)
{
    const struct gw_json *mode = gw_json_get(gw_json_get(&seen->document, "accessConfig"), "authenticationMode");

    seen->has_mode =
        mode != NULL && mode->type == GW_JSON_STRING && gw_eks_auth_mode_parse(mode->as.string, &seen->mode) == GW_OK;
}

enum gw_status gw_eks_overlay_read(struct gw_str reply, struct gw_str name, struct gw_arena *arena,
                                   struct gw_eks_seen *seen, struct gw_err *err)
{
    struct gw_json body;
    const struct gw_json *cluster;
    const struct gw_json *arn;
    int64_t created_ms;

    if (gw_json_parse(reply, arena, &body, err) != GW_OK)
        return GW_E_SYNTAX;
    *seen = (struct gw_eks_seen){.has_mode = false};
    cluster = gw_json_get(&body, "cluster");
    arn = gw_json_get(cluster, "arn");
    if (cluster == NULL || cluster->type != GW_JSON_OBJECT || arn == NULL || arn->type != GW_JSON_STRING ||
        !read_arn(arn->as.string, name, seen))
        return gw_fail(err, GW_E_SYNTAX, "it has no cluster with the ARN of one of that name");
    if (!read_time(gw_json_get(cluster, "createdAt"), &created_ms))
        return gw_fail(err, GW_E_SYNTAX, "the cluster has no createdAt");
    seen->front = make_front(name, arn->as.string, created_ms, arena);
    if (seen->front.at == NULL)
        return gw_fail(err, GW_E_SYNTAX, "the cluster's ARN is too long");
    seen->document = *cluster;
    read_mode(seen);
    return GW_OK;
}

void gw_eks_overlay_enter(struct gw_eks_call *call, const struct gw_eks_seen *seen)
{
    call->partition = seen->partition;
    call->account = seen->account;
    call->region = seen->region;
}

const struct gw_cluster *gw_eks_overlay_find(const struct gw_eks_call *call, const struct gw_store *store)
{
    struct gw_store_key key = gw_eks_cluster_key(call);

    return gw_store_find_cluster(store, &key);
}

bool gw_eks_overlay_is_same(const struct gw_cluster *row, const struct gw_eks_seen *seen)
{
    return row != NULL && gw_str_starts(row->document, seen->front);
}

/* new */
static struct gw_cluster *make_row(const struct gw_eks_call *call, const struct gw_eks_seen *seen,
                                   enum gw_eks_auth_mode mode)
{
    struct gw_cluster row = {.key = gw_eks_cluster_key(call), .mode = mode};

    row.document = gw_arena_printf(call->arena, "%.*s\"accessConfig\":{\"authenticationMode\":\"%s\"}}",
                                   GW_STR_ARG(seen->front), gw_eks_auth_mode_name(mode));
    return gw_cluster_new(&row);
}

/* The row that there is counts as what is to be replaced or to go. */
static void base_on(const struct gw_eks_env *env, const struct gw_cluster *row, const struct gw_eks_seen *seen,
                    struct gw_eks_overlay_change *change)
{
    change->result.change.now_ms = env->wall_ms;
    if (gw_eks_overlay_is_same(row, seen))
        change->result.change.expected_cluster = row->version;
    else if (row != NULL)
        change->drops = row->version;
}

static void put_row(const struct gw_eks_call *call, const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode,
                    struct gw_eks_overlay_change *change)
{
    struct gw_eks_result *result = &change->result;

    result->is_change = true;
    result->change.cluster_act = GW_STORE_PUT;
    result->change.cluster = make_row(call, seen, mode);
    result->change.key = result->change.cluster->key;
    result->cluster = result->change.cluster;
}

enum gw_status gw_eks_overlay_adopt(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                    const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode,
                                    struct gw_eks_overlay_change *change, struct gw_eks_error *error)
{
    const struct gw_cluster *row = gw_eks_overlay_find(call, env->store);

    *change = (struct gw_eks_overlay_change){.result.status = 200};
    if (gw_eks_overlay_is_same(row, seen))
        return GW_OK;
    if (row == NULL && gw_eks_cluster_check_room(call, env, error) != GW_OK)
        return GW_E_DENIED;
    base_on(env, row, seen, change);
    put_row(call, seen, seen->has_mode ? seen->mode : mode, change);
    return GW_OK;
}

static enum gw_eks_auth_mode mode_of_create(const struct gw_eks_call *call, const struct gw_eks_seen *seen,
                                            enum gw_eks_auth_mode otherwise)
{
    const struct gw_json *sent = gw_eks_cluster_input_get(call, "accessConfig", "authenticationMode");
    enum gw_eks_auth_mode mode;

    if (sent != NULL && gw_eks_auth_mode_parse(sent->as.string, &mode) == GW_OK)
        return mode;
    return seen->has_mode ? seen->mode : otherwise;
}

/* Somebody who saw the cluster first may have made it. */
static bool has_entry(const struct gw_eks_call *call, const struct gw_eks_env *env)
{
    struct gw_eks_call own = *call;
    struct gw_store_key key;

    if (!gw_eks_creator_find(call, &own.principal))
        return false;
    key = gw_eks_entry_key(&own);
    return gw_store_find(env->store, &key) != NULL;
}

enum gw_status gw_eks_overlay_create(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                     const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode,
                                     struct gw_eks_overlay_change *change, struct gw_eks_error *error)
{
    const struct gw_cluster *row = gw_eks_overlay_find(call, env->store);
    bool is_same = gw_eks_overlay_is_same(row, seen);
    struct gw_eks_error ignored = {0};
    bool replayed = false;
    enum gw_status status = GW_OK;

    *change = (struct gw_eks_overlay_change){.result.status = 200};
    /* The upstream has taken the token as the same request's: other parameters are its business. */
    if (is_same && (gw_eks_token_replay(call, env, &replayed, &change->result.reply, &ignored) != GW_OK || replayed))
        return GW_OK;
    if (row == NULL && gw_eks_cluster_check_room(call, env, error) != GW_OK)
        return GW_E_DENIED;
    mode = mode_of_create(call, seen, mode);
    base_on(env, row, seen, change);
    put_row(call, seen, mode, change);
    if (gw_eks_creator_is_wanted(call, mode) && !(is_same && has_entry(call, env)))
        status = gw_eks_creator_add(call, env, &change->result, error);
    change->result.change.token = gw_eks_token_new(call, env, GW_STR("{}"), NULL);
    change->result.change.is_clusters_token = true;
    if (status != GW_OK)
        gw_eks_result_drop(&change->result);
    return status;
}

void gw_eks_overlay_drop(const struct gw_eks_call *call, const struct gw_eks_env *env, const struct gw_eks_seen *seen,
                         struct gw_eks_overlay_change *change)
{
    const struct gw_cluster *row = gw_eks_overlay_find(call, env->store);

    *change = (struct gw_eks_overlay_change){.result.status = 200};
    if (row == NULL || (seen != NULL && !gw_eks_overlay_is_same(row, seen)))
        return;
    change->result.is_change = true;
    change->result.change = (struct gw_store_change){.key = gw_eks_cluster_key(call),
                                                     .expected_cluster = row->version,
                                                     .cluster_act = GW_STORE_DELETE,
                                                     .now_ms = env->wall_ms};
}

enum gw_status gw_eks_overlay_refuse_absent(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    return call->tag != NULL ? gw_eks_tag_refuse_missing(call, error) : gw_eks_cluster_refuse_missing(call, error);
}

struct gw_json gw_eks_overlay_merge(const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode, struct gw_arena *arena)
{
    struct gw_json access = {.type = GW_JSON_OBJECT};
    struct gw_json cluster = {.type = GW_JSON_OBJECT};
    const struct gw_json *from = &seen->document;

    gw_json_set(arena, &access, GW_STR("authenticationMode"), gw_json_string(gw_str_from(gw_eks_auth_mode_name(mode))));
    cluster.as.object.members = gw_arena_zero(arena, from->as.object.count + 1, sizeof(struct gw_json_member));
    for (size_t i = 0; i < from->as.object.count; i++) {
        if (!gw_str_is(from->as.object.members[i].name, "accessConfig"))
            cluster.as.object.members[cluster.as.object.count++] = from->as.object.members[i];
    }
    cluster.as.object.members[cluster.as.object.count++] = (struct gw_json_member){GW_STR("accessConfig"), access};
    return cluster;
}

struct gw_str gw_eks_overlay_reply(const struct gw_eks_seen *seen, enum gw_eks_auth_mode mode, struct gw_arena *arena)
{
    struct gw_json cluster = gw_eks_overlay_merge(seen, mode, arena);
    struct gw_str reply;
    struct gw_buf text;

    gw_buf_init(&text, DOCUMENT_MAX);
    gw_buf_append_lit(&text, "{\"cluster\":");
    gw_json_encode(&cluster, &text);
    gw_buf_append_byte(&text, '}');
    reply = text.overflowed ? GW_STR_NONE : gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return reply;
}

static void append_ids(const struct gw_json *theirs, const struct gw_cluster *row, size_t ours, struct gw_buf *body)
{
    bool is_first = true;

    for (size_t i = 0; i < theirs->as.array.count; i++, is_first = false) {
        if (!is_first)
            gw_buf_append_byte(body, ',');
        gw_json_encode(&theirs->as.array.items[i], body);
    }
    for (size_t i = 0; i < ours; i++, is_first = false) {
        if (!is_first)
            gw_buf_append_byte(body, ',');
        gw_json_encode_string(gw_eks_update_id(row->updates[i]), body);
    }
}

enum gw_status gw_eks_overlay_list_updates(const struct gw_eks_call *call, const struct gw_cluster *row,
                                           struct gw_str upstream, struct gw_str *reply)
{
    struct gw_store_page *page = &call->paging->page;
    size_t count = row == NULL ? 0 : row->update_count;
    size_t room;
    struct gw_json parsed;
    const struct gw_json *theirs;
    const struct gw_json *token;
    struct gw_eks_error error = {0};
    struct gw_buf body;

    if (gw_json_parse(upstream, call->arena, &parsed, NULL) != GW_OK)
        return GW_E_SYNTAX;
    theirs = gw_json_get(&parsed, "updateIds");
    token = gw_json_get(&parsed, "nextToken");
    if (theirs == NULL || theirs->type != GW_JSON_ARRAY)
        return GW_E_SYNTAX;
    *reply = upstream;
    if (count == 0 || (token != NULL && token->type != GW_JSON_NULL))
        return GW_OK; /* there is a page behind this one */
    room = page->max > theirs->as.array.count ? page->max - theirs->as.array.count : 0;
    room = room < count ? room : count;
    page->more = room < count;
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{\"updateIds\":[");
    append_ids(theirs, row, room, &body);
    gw_buf_append_lit(&body, "],");
    /* "-" is no update's id: behind it stands the oldest. */
    gw_eks_page_encode_token(call, room == 0 ? GW_STR("-") : gw_eks_update_id(row->updates[room - 1]), &body);
    gw_buf_append_byte(&body, '}');
    return gw_eks_body_finish(call, &body, reply, &error);
}

bool gw_eks_overlay_is_unknown_operation(unsigned status, struct gw_str error_type)
{
    if (gw_str_is(error_type, "NotImplementedException") || gw_str_is(error_type, "UnknownOperationException"))
        return true;
    return error_type.length == 0 && (status == 404 || status == 405 || status == 501);
}
