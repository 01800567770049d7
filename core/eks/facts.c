/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about the objects of a call, for those who decide about it before
 * the call's own rules look at the store. The shapes are the API's: what it would
 * answer is what is read. Entries and associations have one version, the entry's;
 * administrators have one of their own, which a change of others moves.
 */
#include "eks/access_entry.h"
#include "eks/access_policy.h"
#include "eks/body.h"
#include "eks/cluster.h"
#include "eks/cluster_document.h"
#include "eks/tag.h"

#define OF_ENTRY    (GW_EKS_FACT_ENTRY | GW_EKS_FACT_ASSOCIATIONS)
#define ADMINS_PAGE 100

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

/* The listing of those that have the policy says nothing of where it holds. */
static bool administers(const struct gw_eks_env *env, struct gw_store_key key, struct gw_str principal,
                        struct gw_str policy)
{
    const struct gw_access_entry *entry;
    size_t at;

    key.principal = principal;
    entry = gw_store_find(env->store, &key);
    if (entry == NULL)
        return false;
    at = gw_eks_policy_index(entry, policy);
    return at < entry->association_count && entry->associations[at].is_cluster_wide;
}

static enum gw_status list_admins(const struct gw_eks_env *env, const struct gw_store_key *key, struct gw_str policy,
                                  struct gw_str *found, size_t *count)
{
    struct gw_str items[ADMINS_PAGE];
    struct gw_store_page page = {.max = ADMINS_PAGE, .items = items};
    size_t seen = 0;

    *count = 0;
    do {
        size_t taken = gw_store_page_entries(env->store, key, policy, &page);

        seen += taken;
        if (seen > GW_EKS_ADMINS_MAX)
            return GW_E_LIMIT;
        for (size_t i = 0; i < taken; i++) {
            if (administers(env, *key, items[i], policy))
                found[(*count)++] = items[i];
        }
        if (taken > 0)
            page.after = items[taken - 1];
    } while (page.more);
    return GW_OK;
}

/* The version first: it is that of what is read behind it, or of something older. */
static enum gw_status read_admins(const struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_arena *arena,
                                  struct gw_eks_facts *facts)
{
    struct gw_str found[GW_EKS_ADMINS_MAX];
    struct gw_store_key key = gw_eks_cluster_key(call);
    enum gw_status status;
    size_t count;

    facts->admins_policy = gw_eks_policy_admin(call, arena);
    facts->admins_version = gw_store_policy_version(env->store, &key, facts->admins_policy);
    facts->has_admins = find_cluster(call, env) != NULL;
    if (!facts->has_admins)
        return GW_OK;
    status = list_admins(env, &key, facts->admins_policy, found, &count);
    for (size_t i = 0; status == GW_OK && i < count; i++)
        found[i] = gw_arena_str(arena, found[i]);
    if (status == GW_OK)
        facts->admins = gw_json_strings(arena, found, count);
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
    if (status == GW_OK && (asked & GW_EKS_FACT_ADMINS) != 0 && call->cluster.at != NULL)
        status = read_admins(call, env, arena, facts);
    return status;
}

static bool admins_hold(const struct gw_eks_call *call, const struct gw_eks_env *env, const struct gw_eks_facts *facts)
{
    struct gw_store_key key;

    if (facts->admins_policy.at == NULL)
        return true;
    key = gw_eks_cluster_key(call);
    return facts->has_admins == (find_cluster(call, env) != NULL) &&
           facts->admins_version == gw_store_policy_version(env->store, &key, facts->admins_policy);
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

        if ((cluster == NULL ? 0 : cluster->version) != facts->cluster_version)
            return false;
    }
    return admins_hold(call, env, facts);
}

void gw_eks_facts_watch(const struct gw_eks_facts *facts, struct gw_store_change *change)
{
    change->watched_policy = facts->admins_policy;
    change->expected_policy = facts->admins_version;
}
