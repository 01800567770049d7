/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about the objects of a call, for those who decide about it before
 * the call's own rules look at the store. The shapes are the API's: what it would
 * answer is what is read. Entries and associations have one version, the entry's.
 */
#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/tag.h"

#define OF_ENTRY (GW_EKS_FACT_ENTRY | GW_EKS_FACT_ASSOCIATIONS)

/* What a call on tags is about is told by its ARN. */
static const struct gw_access_entry *find_entry(const struct gw_eks_call *call, const struct gw_eks_env *env)
{
    struct gw_eks_tagged tagged = {.entry = NULL};
    struct gw_eks_error ignored;
    struct gw_store_key key;

    if (call->tag != NULL && !call->tag->is_cluster)
        return gw_eks_tag_find(call, env, &tagged, &ignored) == GW_OK ? tagged.entry : NULL;
    if (!call->has_principal || call->cluster.at == NULL)
        return NULL;
    key = gw_eks_entry_key(call);
    return gw_store_find(env->store, &key);
}

static const struct gw_cluster *find_cluster(const struct gw_eks_call *call, const struct gw_eks_env *env)
{
    struct gw_store_key key;

    if (call->cluster.at == NULL)
        return NULL;
    key = gw_eks_cluster_key(call);
    return gw_store_find_cluster(env->store, &key);
}

static enum gw_status read_entry(const struct gw_access_entry *entry, struct gw_arena *arena, struct gw_json *to)
{
    const struct gw_json *inner;
    struct gw_json reply;
    struct gw_err err;
    enum gw_status status = gw_json_parse(entry->reply, arena, &reply, &err);

    inner = status == GW_OK ? gw_json_get(&reply, "accessEntry") : NULL;
    if (inner == NULL)
        return status == GW_OK ? GW_E_MISSING : status;
    *to = *inner;
    return GW_OK;
}

static enum gw_status read_associations(const struct gw_access_entry *entry, struct gw_arena *arena, struct gw_json *to)
{
    enum gw_status status;
    struct gw_buf text;
    struct gw_err err;

    gw_eks_body_begin(&text);
    gw_buf_append_byte(&text, '[');
    for (size_t i = 0; i < entry->association_count; i++) {
        if (i > 0)
            gw_buf_append_byte(&text, ',');
        gw_eks_policy_encode(&entry->associations[i], &text);
    }
    gw_buf_append_byte(&text, ']');
    status = text.overflowed ? GW_E_LIMIT : gw_json_parse(gw_buf_str(&text), arena, to, &err);
    gw_buf_fini(&text);
    return status;
}

static enum gw_status read_of_entry(const struct gw_access_entry *entry, struct gw_arena *arena,
                                    struct gw_eks_facts *facts)
{
    enum gw_status status = GW_OK;

    if (entry == NULL)
        return GW_OK;
    facts->has_entry = true;
    facts->entry_version = entry->version;
    if ((facts->asked & GW_EKS_FACT_ENTRY) != 0)
        status = read_entry(entry, arena, &facts->entry);
    if (status == GW_OK && (facts->asked & GW_EKS_FACT_ASSOCIATIONS) != 0)
        status = read_associations(entry, arena, &facts->associations);
    return status;
}

enum gw_status gw_eks_facts(const struct gw_eks_call *call, const struct gw_eks_env *env, unsigned asked,
                            struct gw_arena *arena, struct gw_eks_facts *facts)
{
    const struct gw_cluster *cluster = NULL;
    enum gw_status status = GW_OK;

    *facts = (struct gw_eks_facts){.asked = asked};
    if ((asked & OF_ENTRY) != 0)
        status = read_of_entry(find_entry(call, env), arena, facts);
    if ((asked & GW_EKS_FACT_CLUSTER) != 0)
        cluster = find_cluster(call, env);
    if (status == GW_OK && cluster != NULL) {
        facts->has_cluster = true;
        facts->cluster_version = cluster->version;
        facts->cluster = gw_eks_cluster_read(cluster, arena);
    }
    return status;
}

bool gw_eks_facts_hold(const struct gw_eks_call *call, const struct gw_eks_env *env, const struct gw_eks_facts *facts)
{
    if ((facts->asked & OF_ENTRY) != 0) {
        const struct gw_access_entry *entry = find_entry(call, env);

        if ((entry == NULL ? 0 : entry->version) != facts->entry_version)
            return false;
    }
    if ((facts->asked & GW_EKS_FACT_CLUSTER) != 0) {
        const struct gw_cluster *cluster = find_cluster(call, env);

        return (cluster == NULL ? 0 : cluster->version) == facts->cluster_version;
    }
    return true;
}
