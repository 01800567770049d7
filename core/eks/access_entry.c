/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an access entry looks like, apart from any one operation.
 *
 * Ids are 16 random bytes as 8-4-4-4-12 hex. They are no RFC 4122 UUIDs, EKS's
 * aren't either: of those seen, version and variant vary and the first byte is
 * even, and that is all they have in common.
 */
#include "eks/access_entry.h"

#include "codec/time.h"
#include "codec/username.h"
#include "eks/body.h"
#include "eks/error.h"
#include "eks/token.h"

#define ID_LENGTH 36

static const struct gw_eks_type types[] = {
#define GW_EKS_TYPE(name, username, groups, needs_own_role)                                                            \
    {GW_STR_INIT(#name), GW_STR_INIT(username), GW_STR_INIT(groups), needs_own_role, sizeof(username) == 1},
#include "eks/types.def"
#undef GW_EKS_TYPE
};

const struct gw_eks_type *gw_eks_entry_find_type(struct gw_str name)
{
    if (name.at == NULL)
        return &types[0];
    for (size_t i = 0; i < GW_COUNT(types); i++) {
        if (gw_str_equal(types[i].name, name))
            return &types[i];
    }
    return NULL;
}

struct gw_str gw_eks_entry_username(const struct gw_eks_call *call, const struct gw_eks_type *type)
{
    return type->is_standard ? gw_username_default(&call->principal, call->arena) : type->username;
}

const struct gw_str *gw_eks_entry_groups(const struct gw_eks_call *call, const struct gw_eks_type *type, size_t *count)
{
    struct gw_str rest = type->groups;
    struct gw_str *groups;
    size_t found = 0;

    *count = 0;
    if (rest.length == 0)
        return NULL;
    groups = gw_arena_zero(call->arena, rest.length, sizeof(*groups)); /* names are at least a byte long */
    while (rest.at != NULL)
        groups[found++] = gw_str_split(&rest, ' ');
    *count = found;
    return groups;
}

static void make_id(const struct gw_eks_call *call, const struct gw_eks_env *env, char out[ID_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    struct gw_store_key key = gw_eks_entry_key(call);
    unsigned char bytes[16];
    size_t at = 0;

    gw_eks_make_id(env, GW_STR("access-entry"), &key, bytes);
    bytes[0] &= 0xfe;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[bytes[i] >> 4];
        out[at++] = digits[bytes[i] & 15];
    }
    out[at] = '\0';
}

/* arena: the pieces one behind the other. */
static struct gw_str join(struct gw_arena *arena, const struct gw_str *pieces, size_t count)
{
    size_t length = 0;
    char *text;
    char *at;

    for (size_t i = 0; i < count; i++)
        length += pieces[i].length;
    text = at = gw_arena_alloc(arena, length);
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].length > 0)
            memcpy(at, pieces[i].at, pieces[i].length);
        at += pieces[i].length;
    }
    return (struct gw_str){text, length};
}

struct gw_str gw_eks_entry_arn(const struct gw_eks_call *call, const struct gw_eks_env *env)
{
    const struct gw_principal *p = &call->principal;
    char id[ID_LENGTH + 1];
    const struct gw_str slash = GW_STR("/");
    const struct gw_str pieces[] = {
        GW_STR("arn:"),
        call->partition,
        GW_STR(":eks:"),
        call->region,
        GW_STR(":"),
        call->account,
        GW_STR(":access-entry/"),
        call->cluster,
        slash,
        p->kind_text,
        slash,
        p->account,
        slash,
        p->name,
        slash,
        {id, ID_LENGTH},
    };

    make_id(call, env, id);
    return join(call->arena, pieces, GW_COUNT(pieces));
}

struct gw_store_key gw_eks_entry_key(const struct gw_eks_call *call)
{
    return (struct gw_store_key){
        .partition = call->partition,
        .account = call->account,
        .region = call->region,
        .cluster = call->cluster,
        .principal = call->principal.arn,
    };
}

enum gw_status gw_eks_entry_find(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                 const struct gw_access_entry **entry, struct gw_eks_error *error)
{
    struct gw_store_key key = gw_eks_entry_key(call);

    *entry = gw_store_find(env->store, &key);
    if (*entry == NULL)
        return gw_eks_error_refuse(call, error, GW_EKS_ResourceNotFoundException,
                                   GW_STR("The specified principalArn could not be found. You can view your available "
                                          "access entries with 'list-access-entries'."));
    return GW_OK;
}

enum gw_status gw_eks_entry_refuse_type(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(
        call, error, GW_EKS_InvalidParameterException,
        GW_STR("This operation can only be performed on Access Entries with a type of \"STANDARD\"."));
}

static void encode_groups(const struct gw_access_entry *entry, struct gw_buf *body)
{
    gw_buf_append_lit(body, ",\"kubernetesGroups\":[");
    for (size_t i = 0; i < entry->group_count; i++) {
        if (i > 0)
            gw_buf_append_byte(body, ',');
        gw_json_encode_string(entry->groups[i], body);
    }
    gw_buf_append_byte(body, ']');
}

static void encode_tags(const struct gw_access_entry *entry, struct gw_buf *body)
{
    gw_buf_append_lit(body, ",\"tags\":{");
    for (size_t i = 0; i < entry->tag_count; i++) {
        if (i > 0)
            gw_buf_append_byte(body, ',');
        gw_json_encode_string(entry->tags[i].key, body);
        gw_buf_append_byte(body, ':');
        gw_json_encode_string(entry->tags[i].value, body);
    }
    gw_buf_append_byte(body, '}');
}

void gw_eks_entry_encode(const struct gw_access_entry *entry, struct gw_buf *body)
{
    gw_buf_append_lit(body, "{\"accessEntry\":{\"clusterName\":");
    gw_json_encode_string(entry->key.cluster, body);
    gw_buf_append_lit(body, ",\"principalArn\":");
    gw_json_encode_string(entry->key.principal, body);
    encode_groups(entry, body);
    gw_buf_append_lit(body, ",\"accessEntryArn\":");
    gw_json_encode_string(entry->arn, body);
    gw_buf_append_lit(body, ",\"createdAt\":");
    gw_time_encode_decimal(entry->created_ms, body);
    gw_buf_append_lit(body, ",\"modifiedAt\":");
    gw_time_encode_decimal(entry->modified_ms, body);
    encode_tags(entry, body);
    gw_buf_append_lit(body, ",\"username\":");
    gw_json_encode_string(entry->username, body);
    gw_buf_append_lit(body, ",\"type\":");
    gw_json_encode_string(entry->type, body);
    gw_buf_append_lit(body, "}}");
}

enum gw_status gw_eks_entry_put(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                struct gw_access_entry *entry, struct gw_eks_result *result, struct gw_eks_error *error)
{
    enum gw_status status;
    struct gw_buf body;

    gw_eks_body_begin(&body);
    gw_eks_entry_encode(entry, &body);
    status = gw_eks_body_finish(call, &body, &entry->reply, error);
    if (status != GW_OK)
        return status;
    result->reply = entry->reply;
    result->is_change = true;
    result->change.entry_act = GW_STORE_PUT;
    result->change.entry = gw_access_entry_new(entry);
    result->change.key = result->change.entry->key; /* that of `entry` may go with the epoch */
    if (call->entry != NULL)
        result->change.token = gw_eks_token_new(call, env, entry->reply, result->change.entry);
    return GW_OK;
}
