/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spec's table as the request that a policy is shown: unknown names and wrong
 * types raise, what isn't given is absent. Defaults are the Lua side's
 * (lua/eksgate/spec.lua).
 */
#include "script/spec_inner.h"

static const struct gw_bind_json_limits limits = {.depth = 16, .values = 20000, .bytes = (size_t)1 << 20};

enum kind {
    KIND_TEXT,
    KIND_OBJECT,
    KIND_ARRAY,
    KIND_TIME,
    KIND_PRINCIPAL,
    KIND_CALLER,
    KIND_CERTIFICATE,
    KIND_TAGS,
    KIND_FLAG,
};

struct field {
    const char *name;
    enum kind kind;
    size_t offset;
};

#define OF_REQUEST(member) offsetof(struct gw_policy_request, member)

static const struct field request_fields[] = {
    {"operation", KIND_TEXT, OF_REQUEST(operation)},
    {"account", KIND_TEXT, OF_REQUEST(account)},
    {"region", KIND_TEXT, OF_REQUEST(region)},
    {"cluster", KIND_TEXT, OF_REQUEST(cluster)},
    {"principal", KIND_PRINCIPAL, OF_REQUEST(principal)},
    {"caller", KIND_CALLER, 0},
    {"input", KIND_OBJECT, OF_REQUEST(input)},
    {"time", KIND_TIME, OF_REQUEST(time_s)},
    {"source_ip", KIND_TEXT, OF_REQUEST(source_ip)},
    {"user_agent", KIND_TEXT, OF_REQUEST(user_agent)},
    {"request_id", KIND_TEXT, OF_REQUEST(request_id)},
    {"client_certificate", KIND_CERTIFICATE, OF_REQUEST(client_subject)},
    {"entry", KIND_OBJECT, OF_REQUEST(entry)},
    {"associations", KIND_ARRAY, OF_REQUEST(associations)},
    {"cluster_info", KIND_OBJECT, OF_REQUEST(cluster_info)},
    {"admins", KIND_ARRAY, OF_REQUEST(admins)},
};

static const struct field principal_fields[] = {
    {"arn", KIND_TEXT, offsetof(struct gw_principal, arn)},
    {"partition", KIND_TEXT, offsetof(struct gw_principal, partition)},
    {"account", KIND_TEXT, offsetof(struct gw_principal, account)},
    {"kind", KIND_TEXT, offsetof(struct gw_principal, kind_text)},
    {"path", KIND_TEXT, offsetof(struct gw_principal, path)},
    {"name", KIND_TEXT, offsetof(struct gw_principal, name)},
    {"session", KIND_TEXT, offsetof(struct gw_principal, session)},
};

static const struct field caller_fields[] = {
    {"access_key", KIND_TEXT, OF_REQUEST(caller_access_key)},
    {"tags", KIND_TAGS, 0},
    {"verified", KIND_FLAG, OF_REQUEST(caller_verified)},
};

/* Where a value of a table is put. */
struct reader {
    const char *what; /* "request", ... for messages */
    const struct field *fields;
    size_t count;
    void *into;
    const struct reader *more; /* fields of something else that the table may have, too; NULL: none */
    struct gw_arena *arena;
    struct gw_policy_request *request;
};

static void read_table(lua_State *L, int index, const struct reader *reader);

void gw_spec_read_json(lua_State *L, int index, const char *root, struct gw_arena *arena, struct gw_json *value)
{
    gw_bind_json_read(L, index, root, &limits, arena, value);
}

static GW_NORETURN void refuse(lua_State *L, const struct reader *reader, const char *name, const char *wanted)
{
    luaL_error(L, "%s.%s must be %s, not a %s", reader->what, name, wanted, luaL_typename(L, -1));
    gw_fatal("luaL_error returned");
}

/* The value is on top in all of these. */
static struct gw_str read_text(lua_State *L, const struct reader *reader, const char *name)
{
    struct gw_str text;
    if (lua_type(L, -1) != LUA_TSTRING)
        refuse(L, reader, name, "a text");
    text.at = lua_tolstring(L, -1, &text.length);
    return gw_arena_str(reader->arena, text);
}

static const struct gw_json *read_object(lua_State *L, const struct reader *reader, const struct field *field)
{
    struct gw_json *value = gw_arena_zero(reader->arena, 1, sizeof *value);
    char root[64];
    bool list = field->kind == KIND_ARRAY;
    if (lua_type(L, -1) != LUA_TTABLE)
        refuse(L, reader, field->name, "a table");
    (void)snprintf(root, sizeof root, "%s.%s", reader->what, field->name);
    gw_spec_read_json(L, lua_gettop(L), root, reader->arena, value);
    if (list && value->type == GW_JSON_OBJECT && value->as.object.count == 0)
        *value = (struct gw_json){.type = GW_JSON_ARRAY};
    if (value->type != (list ? GW_JSON_ARRAY : GW_JSON_OBJECT))
        luaL_error(L, "%s must be %s", root, list ? "a list" : "a table with names");
    return value;
}

static void read_tags(lua_State *L, const struct reader *reader, const struct field *field)
{
    const struct gw_json *object = read_object(L, reader, &(struct field){field->name, KIND_OBJECT, 0});
    size_t count = object->as.object.count;
    struct gw_pair *pairs = gw_arena_zero(reader->arena, count, sizeof *pairs);
    for (size_t i = 0; i < count; i++) {
        const struct gw_json_member *member = &object->as.object.members[i];
        if (member->value.type != GW_JSON_STRING)
            luaL_error(L, "%s.tags.%s must be a text", reader->what, member->name.at);
        pairs[i] = (struct gw_pair){member->name, member->value.as.string};
    }
    reader->request->caller_tags = pairs;
    reader->request->caller_tag_count = count;
}

/* The ARN taken apart, where it is one. */
static struct gw_principal *read_arn(lua_State *L, const struct reader *reader, const char *name, bool must)
{
    struct gw_principal *principal = gw_arena_zero(reader->arena, 1, sizeof *principal);
    struct gw_str text = read_text(L, reader, name);
    if (gw_arn_parse_principal(text, principal) == GW_OK)
        return principal;
    if (must)
        luaL_error(L, "%s.%s is no ARN of a principal: %s", reader->what, name, text.at);
    *principal = (struct gw_principal){.arn = text};
    return principal;
}

/* A text, or a table with the parts that matter; parts that only the ARN tells are taken from there. */
static const struct gw_principal *read_principal(lua_State *L, const struct reader *reader, const char *name,
                                                 const struct reader *more)
{
    struct gw_principal *principal;
    if (lua_type(L, -1) == LUA_TSTRING)
        return read_arn(L, reader, name, true);
    if (lua_type(L, -1) != LUA_TTABLE)
        refuse(L, reader, name, "an ARN or a table");
    lua_pushliteral(L, "arn");
    if (lua_rawget(L, -2) == LUA_TSTRING)
        principal = read_arn(L, reader, name, false);
    else
        principal = gw_arena_zero(reader->arena, 1, sizeof *principal);
    lua_pop(L, 1);
    char what[64];
    (void)snprintf(what, sizeof what, "%s.%s", reader->what, name);
    struct reader parts = {.what = what,
                           .fields = principal_fields,
                           .count = GW_COUNT(principal_fields),
                           .into = principal,
                           .more = more,
                           .arena = reader->arena,
                           .request = reader->request};
    read_table(L, lua_gettop(L), &parts);
    return principal;
}

static void read_caller(lua_State *L, const struct reader *reader, const char *name)
{
    struct reader own = *reader;
    own.fields = caller_fields;
    own.count = GW_COUNT(caller_fields);
    own.into = reader->request;
    const struct gw_principal *caller = read_principal(L, reader, name, &own);
    if (caller->arn.at != NULL || caller->name.at != NULL || caller->account.at != NULL)
        reader->request->caller = caller;
}

static struct gw_str read_subject(lua_State *L, const struct reader *reader, const char *name)
{
    struct gw_str subject;
    if (lua_type(L, -1) != LUA_TTABLE)
        refuse(L, reader, name, "a table with subject");
    lua_pushliteral(L, "subject");
    (void)lua_rawget(L, -2);
    subject = read_text(L, reader, "client_certificate.subject");
    lua_pop(L, 1);
    return subject;
}

static void read_field(lua_State *L, const struct reader *reader, const struct field *field)
{
    char *at = (char *)reader->into + field->offset;
    switch (field->kind) {
    case KIND_TEXT:
        *(struct gw_str *)(void *)at = read_text(L, reader, field->name);
        return;
    case KIND_OBJECT:
    case KIND_ARRAY:
        *(const struct gw_json **)(void *)at = read_object(L, reader, field);
        return;
    case KIND_TIME:
        if (!lua_isinteger(L, -1))
            refuse(L, reader, field->name, "a whole number of seconds");
        *(int64_t *)(void *)at = lua_tointeger(L, -1);
        return;
    case KIND_PRINCIPAL:
        *(const struct gw_principal **)(void *)at = read_principal(L, reader, field->name, NULL);
        return;
    case KIND_CALLER:
        read_caller(L, reader, field->name);
        return;
    case KIND_CERTIFICATE:
        *(struct gw_str *)(void *)at = read_subject(L, reader, field->name);
        return;
    case KIND_TAGS:
        read_tags(L, reader, field);
        return;
    case KIND_FLAG:
        if (lua_type(L, -1) != LUA_TBOOLEAN)
            refuse(L, reader, field->name, "true or false");
        *(bool *)at = lua_toboolean(L, -1) != 0;
        return;
    }
}

static const struct reader *find_field(const struct reader *reader, const char *name, const struct field **field)
{
    for (; reader != NULL; reader = reader->more) {
        for (size_t i = 0; i < reader->count; i++) {
            if (strcmp(reader->fields[i].name, name) == 0) {
                *field = &reader->fields[i];
                return reader;
            }
        }
    }
    return NULL;
}

static void read_table(lua_State *L, int index, const struct reader *reader)
{
    luaL_checkstack(L, 10, "nested too deeply");
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2);
        const struct field *field = NULL;
        const struct reader *whose = find_field(reader, name, &field);
        if (whose == NULL)
            luaL_error(L, "no such field: %s.%s", reader->what, name);
        read_field(L, whose, field);
        lua_pop(L, 1);
    }
}

void gw_spec_read_request(lua_State *L, int index, const struct gw_script_options *options, struct gw_arena *arena,
                          struct gw_policy_request *request)
{
    struct reader reader = {.what = "req",
                            .fields = request_fields,
                            .count = GW_COUNT(request_fields),
                            .into = request,
                            .arena = arena,
                            .request = request};
    if (lua_isnil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    read_table(L, index, &reader);
    if (options->known_operation_count > 0 &&
        !gw_str_is_among(options->known_operations, options->known_operation_count, request->operation))
        luaL_error(L, "req.operation: EKS has no operation '%s'", request->operation.at);
}
