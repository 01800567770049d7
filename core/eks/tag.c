/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is looked up by its whole ARN, id and all: that of an entry which was
 * deleted and made again is another. A resource of another account, region or
 * partition doesn't exist for the caller.
 */
#include "eks/tag.h"

#include "codec/uri.h"
#include "codec/username.h"
#include "eks/access_entry.h"
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/error.h"
#include "eks/view.h"

static enum gw_status refuse_form(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(call, error, GW_EKS_BadRequestException,
                               GW_STR("The resourceArn parameter format is not valid"));
}

enum gw_status gw_eks_tag_refuse_missing(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(call, error, GW_EKS_NotFoundException,
                               GW_STR("The specified resourceArn could not be found."));
}

/* What comes behind "arn:P:eks:REGION:ACCOUNT:"; {NULL,0} when the rest isn't in order. */
static struct gw_str resource_of(struct gw_str arn)
{
    struct gw_str rest = arn;

    if (!gw_str_is(gw_str_split(&rest, ':'), "arn") || rest.at == NULL || gw_str_split(&rest, ':').length == 0 ||
        rest.at == NULL || !gw_str_is(gw_str_split(&rest, ':'), "eks") || rest.at == NULL ||
        gw_str_split(&rest, ':').length == 0 || rest.at == NULL || !gw_arn_is_account(gw_str_split(&rest, ':')))
        return GW_STR_NONE;
    return rest;
}

enum gw_status gw_eks_tag_decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_tag_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));
    struct gw_str rest;
    struct gw_str kind;
    struct gw_str name;

    call->tag = in;
    if (gw_uri_decode(call->raw_labels[0], GW_URI_ARN, call->arena, &in->resource_arn) != GW_OK)
        return refuse_form(call, error);
    rest = resource_of(in->resource_arn);
    if (rest.at == NULL)
        return refuse_form(call, error);
    kind = gw_str_split(&rest, '/');
    if (rest.at == NULL)
        return refuse_form(call, error);
    name = gw_str_split(&rest, '/');
    if (!gw_eks_cluster_is_name(name))
        return refuse_form(call, error);
    in->is_cluster = gw_str_is(kind, "cluster") && rest.at == NULL;
    in->is_entry = gw_str_is(kind, "access-entry");
    call->cluster = name;
    return GW_OK;
}

/* arena: the tags in the cluster's document. */
static const struct gw_pair *cluster_tags(const struct gw_eks_call *call, const struct gw_cluster *cluster,
                                          size_t *count)
{
    struct gw_json document = gw_eks_cluster_read(cluster, call->arena);
    const struct gw_json *tags = gw_json_get(&document, "tags");
    struct gw_pair *pairs;

    *count = tags == NULL || tags->type != GW_JSON_OBJECT ? 0 : tags->as.object.count;
    pairs = gw_arena_zero(call->arena, *count, sizeof(*pairs));
    for (size_t i = 0; i < *count; i++)
        pairs[i] = (struct gw_pair){tags->as.object.members[i].name, tags->as.object.members[i].value.as.string};
    return pairs;
}

static bool is_in_scope(const struct gw_eks_call *call, const struct gw_store_key *key)
{
    return gw_str_equal(key->account, call->account) && gw_str_equal(key->region, call->region) &&
           gw_str_equal(key->partition, call->partition);
}

/* The ARN that the cluster of that name has in the caller's scope. */
static bool is_own_cluster_arn(const struct gw_eks_call *call)
{
    return gw_str_equal(call->tag->resource_arn, gw_arena_printf(call->arena, "arn:%.*s:eks:%.*s:%.*s:cluster/%.*s",
                                                                 GW_STR_ARG(call->partition), GW_STR_ARG(call->region),
                                                                 GW_STR_ARG(call->account), GW_STR_ARG(call->cluster)));
}

enum gw_status gw_eks_tag_find(const struct gw_eks_call *call, const struct gw_eks_env *env,
                               struct gw_eks_tagged *tagged, struct gw_eks_error *error)
{
    struct gw_store_key key = gw_eks_cluster_key(call);

    *tagged = (struct gw_eks_tagged){.cluster = NULL};
    if (call->tag->is_cluster) {
        if (is_own_cluster_arn(call))
            tagged->cluster = gw_store_find_cluster(env->store, &key);
        if (tagged->cluster != NULL)
            tagged->tags = cluster_tags(call, tagged->cluster, &tagged->count);
    } else {
        tagged->entry = gw_store_find_arn(env->store, call->tag->resource_arn);
        if (tagged->entry != NULL && is_in_scope(call, &tagged->entry->key)) {
            tagged->cluster = gw_store_find_cluster(env->store, &tagged->entry->key);
            tagged->tags = tagged->entry->tags;
            tagged->count = tagged->entry->tag_count;
        }
    }
    return tagged->cluster == NULL ? gw_eks_tag_refuse_missing(call, error) : GW_OK;
}

enum gw_status gw_eks_tag_enter(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                struct gw_eks_result *result, struct gw_eks_tagged *tagged, struct gw_eks_error *error)
{
    enum gw_status status = gw_eks_tag_find(call, env, tagged, error);

    if (status == GW_OK || !call->tag->is_cluster || !is_own_cluster_arn(call))
        return status;
    status = gw_eks_cluster_enter(call, env, result, error);
    if (status != GW_OK)
        return error->code == GW_EKS_ResourceNotFoundException ? gw_eks_tag_refuse_missing(call, error) : status;
    tagged->cluster = result->cluster;
    tagged->tags = cluster_tags(call, tagged->cluster, &tagged->count);
    return GW_OK;
}

/* `cluster` may be the one that this very change makes. */
static enum gw_status put_cluster(const struct gw_eks_call *call, const struct gw_cluster *cluster,
                                  const struct gw_pair *tags, size_t count, struct gw_eks_result *result)
{
    struct gw_json_member member = {.name = GW_STR_INIT("tags"), .value = gw_json_pairs(call->arena, tags, count)};
    struct gw_json members = {.type = GW_JSON_OBJECT, .as.object = {&member, 1}};
    struct gw_cluster *tagged =
        gw_eks_cluster_change(cluster, &members, (enum gw_eks_auth_mode)cluster->mode, call->arena);

    if (result->change.cluster != NULL)
        gw_cluster_free(&result->change.cluster);
    result->is_change = true;
    result->cluster = tagged;
    result->change.cluster_act = GW_STORE_PUT;
    result->change.cluster = tagged;
    result->change.key = tagged->key; /* `cluster` goes with the epoch */
    return GW_OK;
}

static enum gw_status put_entry(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                const struct gw_access_entry *old, const struct gw_pair *tags, size_t count,
                                struct gw_eks_result *result, struct gw_eks_error *error)
{
    struct gw_access_entry entry = *old;

    entry.tags = tags;
    entry.tag_count = count;
    result->change.expected_entry = old->version;
    return gw_eks_entry_put(call, env, &entry, result, error);
}

enum gw_status gw_eks_tag_put(const struct gw_eks_call *call, const struct gw_eks_env *env,
                              const struct gw_eks_tagged *tagged, const struct gw_pair *tags, size_t count,
                              struct gw_eks_result *result, struct gw_eks_error *error)
{
    enum gw_status status;

    if (count > GW_TAGS_MAX)
        return gw_eks_error_invalid(call, error, "The resource must not have more than %d tags.", GW_TAGS_MAX);
    result->cluster = tagged->cluster;
    result->change.expected_cluster = tagged->cluster->version;
    result->change.now_ms = env->wall_ms;
    status = tagged->entry == NULL ? put_cluster(call, tagged->cluster, tags, count, result)
                                   : put_entry(call, env, tagged->entry, tags, count, result, error);
    if (status == GW_OK)
        result->reply = GW_STR("{}");
    return status;
}

void gw_eks_tag_view(struct gw_eks_call *call)
{
    const struct gw_eks_tag_input *in = call->tag;

    if (in == NULL)
        return;
    if (in->resource_arn.at != NULL)
        gw_eks_view_add(&call->input, "resourceArn", gw_json_string(in->resource_arn));
    if (in->tags != NULL) {
        gw_eks_view_add(&call->input, "tags", *in->tags);
        gw_eks_view_add(&call->request_parameters, "tags", *in->tags);
    }
    if (in->tag_keys.type == GW_JSON_ARRAY) {
        gw_eks_view_add(&call->input, "tagKeys", in->tag_keys);
        gw_eks_view_add(&call->request_parameters, "tagKeys", in->tag_keys);
    }
}
