/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgetting what was read: the tree of a key file holds secrets in the clear
 * until they are taken over.
 */
#include "auth/secret.h"

void gw_secret_wipe(const struct gw_json *value)
{
    if (value->type == GW_JSON_STRING && value->as.string.length > 0)
        gw_wipe((char *)(uintptr_t)value->as.string.at, value->as.string.length);
    for (size_t i = 0; value->type == GW_JSON_ARRAY && i < value->as.array.count; i++)
        gw_secret_wipe(&value->as.array.items[i]);
    for (size_t i = 0; value->type == GW_JSON_OBJECT && i < value->as.object.count; i++)
        gw_secret_wipe(&value->as.object.members[i].value);
}
