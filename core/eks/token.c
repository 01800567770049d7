/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters are compared by a SHA-256 over what was decoded, so neither blanks
 * nor the order of members matter; the order of groups does. A member that was
 * sent differs from one that was left out, also where EKS would have filled in the
 * same value.
 *
 *   field  = presence byte, length (8 bytes, little-endian), bytes
 *   digest = SHA-256(principalArn type username, count groups..., count (key value)... by key)
 *
 * Of operations on clusters it is one over the tree of parameters: each value
 * behind its type, members of objects by name, arrays in their order.
 */
#include "eks/token.h"

#include <stdlib.h>

#include "codec/digest.h"
#include "codec/utf8.h"
#include "eks/cluster_input.h"
#include "eks/error.h"

#define TOKEN_MIN 33
#define TOKEN_MAX 126

/* {NULL,0}: none was sent. */
static struct gw_str token_of(const struct gw_eks_call *call)
{
    if (call->entry != NULL)
        return call->entry->token;
    return call->cluster_input != NULL ? call->cluster_input->token : GW_STR_NONE;
}

enum gw_status gw_eks_token_check(const struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_str token = token_of(call);
    size_t characters = 0;

    if (token.at == NULL)
        return GW_OK;
    if (!gw_utf8_count(token, &characters) || characters < TOKEN_MIN || characters > TOKEN_MAX)
        return gw_eks_error_refuse(call, error, GW_EKS_InvalidParameterException,
                                   GW_STR("The client request token parameter must be between 33 and 126 characters."));
    return GW_OK;
}

static void add_number(struct gw_sha256 *hash, bool present, size_t number)
{
    unsigned char bytes[9] = {present};

    for (size_t i = 1; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * (i - 1)));
    gw_digest_update(hash, bytes, sizeof(bytes));
}

static void add_text(struct gw_sha256 *hash, struct gw_str text)
{
    add_number(hash, text.at != NULL, text.length);
    if (text.length > 0)
        gw_digest_update(hash, text.at, text.length);
}

static int by_key(const void *a, const void *b)
{
    const struct gw_json_member *const *left = a;
    const struct gw_json_member *const *right = b;

    return gw_str_compare((*left)->name, (*right)->name);
}

/* arena: the members of an object by name. */
static const struct gw_json_member **sort_members(const struct gw_json *object, struct gw_arena *arena)
{
    size_t count = object->as.object.count;
    const struct gw_json_member **sorted = gw_arena_alloc(arena, (count + 1) * sizeof(*sorted));

    for (size_t i = 0; i < count; i++)
        sorted[i] = &object->as.object.members[i];
    if (count > 0)
        qsort(sorted, count, sizeof(const struct gw_json_member *), by_key);
    return sorted;
}

static void add_tags(struct gw_sha256 *hash, const struct gw_json *tags, struct gw_arena *arena)
{
    size_t count = tags == NULL ? 0 : tags->as.object.count;
    const struct gw_json_member **sorted;

    add_number(hash, tags != NULL, count);
    if (count == 0)
        return;
    sorted = sort_members(tags, arena);
    for (size_t i = 0; i < count; i++) {
        add_text(hash, sorted[i]->name);
        add_text(hash, sorted[i]->value.as.string);
    }
}

static void add_entry(struct gw_sha256 *hash, const struct gw_eks_call *call)
{
    const struct gw_eks_entry_input *in = call->entry;
    size_t groups = in->groups == NULL ? 0 : in->groups->as.array.count;

    add_text(hash, call->principal.arn);
    add_text(hash, in->type_name);
    add_text(hash, in->username);
    add_number(hash, in->groups != NULL, groups);
    for (size_t i = 0; i < groups; i++)
        add_text(hash, in->groups->as.array.items[i].as.string);
    add_tags(hash, in->tags, call->arena);
}

static void add_value(struct gw_sha256 *hash, const struct gw_json *value, struct gw_arena *arena)
{
    const struct gw_json_member **sorted;

    add_number(hash, true, (size_t)value->type);
    switch (value->type) {
    case GW_JSON_NULL:
    case GW_JSON_REAL: /* no parameter is one */
        break;
    case GW_JSON_BOOL:
        add_number(hash, value->as.boolean, 0);
        break;
    case GW_JSON_INTEGER:
        add_number(hash, true, (size_t)value->as.integer);
        break;
    case GW_JSON_STRING:
        add_text(hash, value->as.string);
        break;
    case GW_JSON_ARRAY:
        add_number(hash, true, value->as.array.count);
        for (size_t i = 0; i < value->as.array.count; i++)
            add_value(hash, &value->as.array.items[i], arena);
        break;
    case GW_JSON_OBJECT:
        add_number(hash, true, value->as.object.count);
        sorted = sort_members(value, arena);
        for (size_t i = 0; i < value->as.object.count; i++) {
            add_text(hash, sorted[i]->name);
            add_value(hash, &sorted[i]->value, arena);
        }
        break;
    }
}

static void digest_parameters(const struct gw_eks_call *call, unsigned char out[GW_DIGEST_SIZE])
{
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    if (call->entry != NULL)
        add_entry(&hash, call);
    else
        add_value(&hash, &call->cluster_input->parameters, call->arena);
    gw_digest_final(&hash, out);
}

/* Whose token it is: an operation's, a cluster's, and the caller's account. */
static void digest_scope(const struct gw_eks_call *call, unsigned char out[GW_DIGEST_SIZE])
{
    const struct gw_str pieces[] = {gw_str_from(gw_eks_ops[call->op].name),
                                    call->partition,
                                    call->account,
                                    call->region,
                                    call->cluster,
                                    token_of(call)};
    struct gw_sha256 hash;

    gw_digest_init(&hash);
    for (size_t i = 0; i < GW_COUNT(pieces); i++)
        add_text(&hash, pieces[i]);
    gw_digest_final(&hash, out);
}

enum gw_status gw_eks_token_replay(const struct gw_eks_call *call, const struct gw_eks_env *env, bool *found,
                                   struct gw_str *reply, struct gw_eks_error *error)
{
    const struct gw_store_token *earlier;
    unsigned char digest[GW_DIGEST_SIZE];

    *found = false;
    if (token_of(call).at == NULL)
        return GW_OK;
    digest_scope(call, digest);
    earlier = gw_store_find_token(env->store, digest, env->wall_ms);
    if (earlier == NULL)
        return GW_OK;
    digest_parameters(call, digest);
    if (!gw_digest_equal(digest, earlier->digest, sizeof(digest)))
        return gw_eks_error_invalid(call, error,
                                    "The client request token was used by an earlier request with other parameters.");
    *found = true;
    *reply = gw_arena_str(call->arena, earlier->reply);
    return GW_OK;
}

struct gw_store_token *gw_eks_token_new(const struct gw_eks_call *call, const struct gw_eks_env *env,
                                        struct gw_str reply, const struct gw_access_entry *entry)
{
    struct gw_store_token token = {.created_ms = env->wall_ms, .reply = reply};

    if (token_of(call).at == NULL)
        return NULL;
    digest_scope(call, token.scope);
    digest_parameters(call, token.digest);
    return gw_store_token_new(&token, entry);
}
