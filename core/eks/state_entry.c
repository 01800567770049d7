/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of a state. Rules for who may have an entry and what it may be called
 * are looser than those of CreateAccessEntry, because EKS itself makes entries
 * that nobody could ask for (of service-linked roles, with names under eks:) and
 * lists them: what could not be shown is refused, what couldn't be created isn't.
 */
#include "codec/username.h"
#include "codec/utf8.h"
#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/state_reader.h"

#define ENTRY  "accessEntry"
#define POLICY "associatedAccessPolicies"

#define REPLY_MAX ((size_t)4 << 20)
#define ID_LENGTH 36

static char known;

/* 1 to 256 characters, none of them a control character. */
static bool is_name(struct gw_str text)
{
    struct gw_err ignored;

    return gw_username_check_group(text, &ignored) == GW_OK;
}

static enum gw_status read_principal(const struct gw_state_reader *reader, const struct gw_json *tree,
                                     struct gw_eks_call *call)
{
    struct gw_str arn = GW_STR_NONE;
    struct gw_str cluster = call->cluster;
    enum gw_status status = gw_state_text(reader, ENTRY, tree, "principalArn", &arn);

    if (status == GW_OK &&
        (gw_arn_parse_principal(arn, &call->principal) != GW_OK || call->principal.kind == GW_PRINCIPAL_ASSUMED_ROLE ||
         call->principal.kind == GW_PRINCIPAL_FEDERATED_USER))
        status =
            gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".principalArn", "must be the ARN of an IAM role, user or root");
    if (status == GW_OK && !gw_str_equal(call->principal.partition, call->partition))
        status = gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".principalArn", "is of another partition than the cluster");
    if (status == GW_OK)
        status = gw_state_text(reader, ENTRY, tree, "clusterName", &cluster);
    if (status == GW_OK && !gw_str_equal(cluster, call->cluster))
        status = gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".clusterName", "is not the cluster's");
    call->has_principal = status == GW_OK;
    return status;
}

static enum gw_status read_type(const struct gw_state_reader *reader, const struct gw_json *tree,
                                const struct gw_eks_type **type)
{
    struct gw_str name = GW_STR_NONE;
    enum gw_status status = gw_state_text(reader, ENTRY, tree, "type", &name);

    if (status != GW_OK)
        return status;
    *type = gw_eks_entry_find_type(name);
    if (*type == NULL)
        return gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".type", "there is no such type");
    return GW_OK;
}

static enum gw_status read_username(const struct gw_state_reader *reader, const struct gw_json *tree,
                                    struct gw_access_entry *entry)
{
    enum gw_status status = gw_state_text(reader, ENTRY, tree, "username", &entry->username);

    if (status == GW_OK && !is_name(entry->username) && gw_state_get(tree, "username") != NULL)
        return gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".username",
                              "must have 1 to %d characters, none of them a control character", GW_USERNAME_MAX);
    return status;
}

static enum gw_status read_groups(const struct gw_state_reader *reader, const struct gw_json *tree,
                                  struct gw_access_entry *entry)
{
    const struct gw_json *list = gw_state_get(tree, "kubernetesGroups");
    struct gw_str *groups;

    if (list == NULL)
        return GW_OK;
    if (list->type != GW_JSON_ARRAY || list->as.array.count > reader->env->limits->groups_per_entry)
        return gw_state_wrong(reader, GW_E_TYPE, ENTRY ".kubernetesGroups", "must be an array of at most %zu strings",
                              reader->env->limits->groups_per_entry);
    groups = gw_arena_zero(reader->arena, list->as.array.count, sizeof(*groups));
    entry->groups = groups;
    entry->group_count = 0;
    for (size_t i = 0; i < list->as.array.count; i++) {
        const struct gw_json *item = &list->as.array.items[i];

        if (item->type != GW_JSON_STRING || !is_name(item->as.string))
            return gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".kubernetesGroups",
                                  "item %zu must be a string of 1 to %d characters", i, GW_USERNAME_MAX);
        if (!gw_str_is_among(groups, entry->group_count, item->as.string))
            groups[entry->group_count++] = item->as.string;
    }
    return GW_OK;
}

/* The ARN that was given is the one that EKS would make, but for its id. */
static enum gw_status read_arn(const struct gw_state_reader *reader, const struct gw_eks_call *call,
                               const struct gw_json *tree, struct gw_access_entry *entry)
{
    struct gw_str arn = GW_STR_NONE;
    struct gw_str made = gw_eks_entry_arn(call, reader->env);
    size_t before = made.length - ID_LENGTH;
    enum gw_status status = gw_state_text(reader, ENTRY, tree, "accessEntryArn", &arn);

    entry->arn = arn.at == NULL ? made : arn;
    if (status == GW_OK && (!gw_str_equal(gw_str_slice(entry->arn, 0, before), gw_str_slice(made, 0, before)) ||
                            !gw_state_is_id(gw_str_slice(entry->arn, before, SIZE_MAX))))
        return gw_state_wrong(reader, GW_E_SYNTAX, ENTRY ".accessEntryArn", "must be %.*s and a UUID in lower case",
                              (int)before, made.at);
    return status;
}

static enum gw_status read_scope(const struct gw_state_reader *reader, const struct gw_eks_call *call,
                                 const struct gw_json *tree, struct gw_association *association)
{
    static const char *const names[] = {"type", "namespaces", NULL};
    const struct gw_json *scope = gw_state_get(tree, "accessScope");
    struct gw_eks_association_input in = {.scope = scope};
    struct gw_eks_error error = {0};
    enum gw_status status;

    if (scope == NULL)
        return gw_state_wrong(reader, GW_E_SYNTAX, POLICY ".accessScope", "is missing");
    status = gw_state_only(reader, POLICY ".accessScope", scope, names);
    if (status == GW_OK)
        status = gw_state_text(reader, POLICY ".accessScope", scope, "type", &in.scope_type);
    if (status != GW_OK)
        return status;
    in.namespaces = gw_state_get(scope, "namespaces");
    for (size_t i = 0; in.namespaces != NULL && i < in.namespaces->as.array.count; i++) {
        if (in.namespaces->type != GW_JSON_ARRAY || in.namespaces->as.array.items[i].type != GW_JSON_STRING)
            return gw_state_wrong(reader, GW_E_TYPE, POLICY ".accessScope.namespaces", "must be an array of strings");
    }
    if (gw_eks_policy_check_scope(call, &in, &error) != GW_OK)
        return gw_state_wrong(reader, GW_E_SYNTAX, POLICY ".accessScope", "%.*s", GW_STR_ARG(error.message));
    association->is_cluster_wide = gw_str_is(in.scope_type, "cluster");
    association->namespaces = gw_eks_policy_namespaces(call, &in, &association->namespace_count);
    return GW_OK;
}

static enum gw_status read_association(const struct gw_state_reader *reader, const struct gw_eks_call *call,
                                       const struct gw_json *tree, struct gw_association *association)
{
    static const char *const names[] = {"policyArn", "accessScope", "associatedAt", "modifiedAt", NULL};
    const struct gw_eks_policy *policy;
    struct gw_eks_error error = {0};
    enum gw_status status = gw_state_only(reader, POLICY, tree, names);

    *association = (struct gw_association){.associated_ms = reader->env->now_ms};
    if (status == GW_OK)
        status = gw_state_text(reader, POLICY, tree, "policyArn", &association->policy_arn);
    if (status == GW_OK && gw_eks_policy_find(call, association->policy_arn, &policy, &error) != GW_OK)
        status = gw_state_wrong(reader, GW_E_SYNTAX, POLICY ".policyArn",
                                "must be the ARN of an access policy, such as "
                                "arn:%.*s:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                                GW_STR_ARG(call->partition));
    if (status == GW_OK)
        status = read_scope(reader, call, tree, association);
    if (status == GW_OK)
        status = gw_state_time(reader, POLICY, tree, "associatedAt", &association->associated_ms);
    association->modified_ms = association->associated_ms;
    return status == GW_OK ? gw_state_time(reader, POLICY, tree, "modifiedAt", &association->modified_ms) : status;
}

/* Puts the association where it belongs among `count` that are in order; false when the policy is there already. */
static bool insert(struct gw_association *all, size_t count, const struct gw_association *one)
{
    size_t at = count;

    while (at > 0 && gw_str_compare(all[at - 1].policy_arn, one->policy_arn) > 0)
        at--;
    if (at > 0 && gw_str_equal(all[at - 1].policy_arn, one->policy_arn))
        return false;
    memmove(all + at + 1, all + at, (count - at) * sizeof(*all));
    all[at] = *one;
    return true;
}

static enum gw_status read_associations(const struct gw_state_reader *reader, const struct gw_eks_call *call,
                                        const struct gw_json *list, struct gw_access_entry *entry)
{
    size_t max = reader->env->limits->policies_per_entry;
    struct gw_association *all;

    if (list == NULL)
        return GW_OK;
    if (list->type != GW_JSON_ARRAY || list->as.array.count > max)
        return gw_state_wrong(reader, GW_E_TYPE, POLICY, "must be an array of at most %zu", max);
    if (list->as.array.count > 0 && !gw_str_is(entry->type, "STANDARD") && !gw_str_is(entry->type, "EC2"))
        return gw_state_wrong(reader, GW_E_SYNTAX, POLICY, "are for entries of the types STANDARD and EC2");
    all = gw_arena_zero(reader->arena, list->as.array.count, sizeof(*all));
    for (size_t i = 0; i < list->as.array.count; i++) {
        struct gw_association one;
        enum gw_status status = read_association(reader, call, &list->as.array.items[i], &one);

        if (status != GW_OK)
            return status;
        if (!insert(all, i, &one))
            return gw_state_wrong(reader, GW_E_DUPLICATE, POLICY ".policyArn", "is there twice");
    }
    entry->associations = all;
    entry->association_count = list->as.array.count;
    return GW_OK;
}

static enum gw_status read_times(const struct gw_state_reader *reader, const struct gw_json *tree,
                                 struct gw_access_entry *entry)
{
    enum gw_status status;

    entry->created_ms = reader->env->now_ms;
    status = gw_state_time(reader, ENTRY, tree, "createdAt", &entry->created_ms);
    entry->modified_ms = entry->created_ms;
    return status == GW_OK ? gw_state_time(reader, ENTRY, tree, "modifiedAt", &entry->modified_ms) : status;
}

/* new, and neither its principal nor its ARN is there twice. */
static enum gw_status finish(struct gw_state_reader *reader, struct gw_access_entry *entry,
                             struct gw_access_entry **made)
{
    enum gw_status status = GW_OK;
    struct gw_buf reply;

    gw_buf_init(&reply, REPLY_MAX);
    gw_eks_entry_encode(entry, &reply);
    if (reply.overflowed) {
        status = gw_state_wrong(reader, GW_E_LIMIT, ENTRY, "is larger than %zu bytes", REPLY_MAX);
        goto out;
    }
    entry->reply = gw_buf_str(&reply);
    *made = gw_access_entry_new(entry);
    if (gw_map_add(&reader->principals, (*made)->key.principal, &known) != GW_OK)
        status = gw_state_wrong(reader, GW_E_DUPLICATE, ENTRY ".principalArn", "is there twice");
    else if (gw_map_add(&reader->arns, (*made)->arn, &known) != GW_OK)
        status = gw_state_wrong(reader, GW_E_DUPLICATE, ENTRY ".accessEntryArn", "is there twice");
    if (status != GW_OK)
        gw_access_entry_free(made); /* reading ends: the map that points to it is not read again */
out:
    gw_buf_fini(&reply);
    return status;
}

static enum gw_status read_members(struct gw_state_reader *reader, struct gw_eks_call *call, const struct gw_json *tree,
                                   struct gw_access_entry *entry)
{
    static const char *const names[] = {
        "clusterName", "principalArn", "kubernetesGroups", "accessEntryArn", "createdAt",
        "modifiedAt",  "tags",         "username",         "type",           NULL};
    const struct gw_eks_type *type;
    enum gw_status status = gw_state_only(reader, ENTRY, tree, names);

    if (status == GW_OK)
        status = read_principal(reader, tree, call);
    if (status == GW_OK)
        status = read_type(reader, tree, &type);
    if (status != GW_OK)
        return status;
    entry->key = gw_eks_entry_key(call);
    entry->type = type->name;
    entry->username = gw_eks_entry_username(call, type);
    entry->groups = gw_eks_entry_groups(call, type, &entry->group_count);
    status = read_username(reader, tree, entry);
    if (status == GW_OK)
        status = read_groups(reader, tree, entry);
    if (status == GW_OK)
        status = gw_state_tags(reader, ENTRY ".tags", tree, &entry->tags, &entry->tag_count);
    if (status == GW_OK)
        status = read_arn(reader, call, tree, entry);
    return status == GW_OK ? read_times(reader, tree, entry) : status;
}

enum gw_status gw_state_entry(struct gw_state_reader *reader, const struct gw_cluster *cluster, struct gw_str text,
                              struct gw_access_entry **entry)
{
    static const char *const names[] = {ENTRY, POLICY, NULL};
    struct gw_eks_call call = {.arena = reader->arena,
                               .op = GW_EKS_CreateAccessEntry,
                               .partition = cluster->key.partition,
                               .account = cluster->key.account,
                               .region = cluster->key.region,
                               .cluster = cluster->key.cluster};
    struct gw_access_entry one = {.version = 0};
    const struct gw_json *tree;
    struct gw_json element;
    struct gw_err why;
    enum gw_status status;

    if (gw_json_parse(text, reader->arena, &element, &why) != GW_OK)
        return gw_state_wrong(reader, GW_E_SYNTAX, "", "%s", why.text);
    status = gw_state_only(reader, "", &element, names);
    if (status != GW_OK)
        return status;
    tree = gw_state_get(&element, ENTRY);
    if (tree == NULL)
        return gw_state_wrong(reader, GW_E_SYNTAX, ENTRY, "is missing");
    status = read_members(reader, &call, tree, &one);
    if (status == GW_OK)
        status = read_associations(reader, &call, gw_state_get(&element, POLICY), &one);
    return status == GW_OK ? finish(reader, &one, entry) : status;
}
