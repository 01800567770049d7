/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A create whose principal has an entry already, where somebody says that the
 * entry may be the answer. It is where nothing that decides about access differs:
 * type, groups, username, with generated values filled in as a create would. Tags
 * and times are the entry's own. EKS has no such thing; without a policy that asks
 * for it nobody gets here.
 */
#include "eks/entry_input.h"

/* Neither side names a group twice. */
static bool same_groups(const struct gw_eks_call *call, const struct gw_access_entry *entry)
{
    size_t count;
    const struct gw_str *groups = gw_eks_input_groups(call, &count);

    if (count != entry->group_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!gw_str_is_among(entry->groups, entry->group_count, groups[i]))
            return false;
    }
    return true;
}

bool gw_eks_may_adopt(const struct gw_eks_call *call, const struct gw_eks_error *error)
{
    return call->op == GW_EKS_CreateAccessEntry && error->code == GW_EKS_ResourceInUseException;
}

enum gw_status gw_eks_adopt(const struct gw_eks_call *call, const struct gw_eks_env *env, struct gw_str *reply)
{
    struct gw_store_key key = gw_eks_entry_key(call);
    const struct gw_access_entry *entry = gw_store_find(env->store, &key);

    if (entry == NULL)
        return GW_E_MISSING;
    if (!gw_str_equal(entry->type, call->entry->type->name) ||
        !gw_str_equal(entry->username, gw_eks_input_username(call)) || !same_groups(call, entry))
        return GW_E_DENIED;
    *reply = entry->reply;
    return GW_OK;
}
