/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views as userdata. req is the root; its parts (principal, input, ...) are made
 * when first read, kept in its user values, and die with it. A name that doesn't
 * exist raises, so that a typo can't pass for "absent".
 */
#include "script/bind_request.h"

#include "script/bind.h"
#include "script/sandbox.h"

#define VIEW_MAGIC 0x67777677

enum kind {
    KIND_REQ,
    KIND_PRINCIPAL,
    KIND_CALLER,
    KIND_INPUT,
    KIND_ENTRY,
    KIND_CLUSTER_INFO,
    KIND_CERTIFICATE,
    KIND_RECORD,
    KIND_COUNT,
};

struct gw_bind_view {
    uint32_t magic;
    enum kind kind;
    const struct gw_bind_view *root; /* itself for req and record */
    const struct gw_policy_request *request;
    const unsigned *needs; /* of the policy that runs; of req */
    const struct gw_json *record;
};

static const char *const kind_names[KIND_COUNT] = {
    "req",   "req.principal", "req.caller", "req.input", "req.entry", "req.cluster_info", "req.client_certificate",
    "record"};

/* Registry keys of the metatables. */
static const char metatable_keys[KIND_COUNT] = {0};

enum field {
    FIELD_OPERATION = 1,
    FIELD_ACCOUNT,
    FIELD_REGION,
    FIELD_CLUSTER,
    FIELD_PRINCIPAL,
    FIELD_CALLER,
    FIELD_INPUT,
    FIELD_ENTRY,
    FIELD_ASSOCIATIONS,
    FIELD_CLUSTER_INFO,
    FIELD_ADMINS,
    FIELD_TIME,
    FIELD_SOURCE_IP,
    FIELD_USER_AGENT,
    FIELD_REQUEST_ID,
    FIELD_CERTIFICATE,
    FIELD_SUBJECT,
    FIELD_ARN,
    FIELD_PARTITION,
    FIELD_KIND,
    FIELD_PATH,
    FIELD_NAME,
    FIELD_ACCESS_KEY,
    FIELD_TAGS,
    FIELD_VERIFIED,
};

struct field_name {
    const char *name;
    enum field field;
};

static const struct field_name req_fields[] = {
    {"operation", FIELD_OPERATION},
    {"account", FIELD_ACCOUNT},
    {"region", FIELD_REGION},
    {"cluster", FIELD_CLUSTER},
    {"principal", FIELD_PRINCIPAL},
    {"caller", FIELD_CALLER},
    {"input", FIELD_INPUT},
    {"time", FIELD_TIME},
    {"source_ip", FIELD_SOURCE_IP},
    {"user_agent", FIELD_USER_AGENT},
    {"request_id", FIELD_REQUEST_ID},
    {"client_certificate", FIELD_CERTIFICATE},
    {"entry", FIELD_ENTRY},
    {"associations", FIELD_ASSOCIATIONS},
    {"cluster_info", FIELD_CLUSTER_INFO},
    {"admins", FIELD_ADMINS},
};
static const struct field_name principal_fields[] = {
    {"arn", FIELD_ARN},   {"partition", FIELD_PARTITION}, {"account", FIELD_ACCOUNT},
    {"kind", FIELD_KIND}, {"path", FIELD_PATH},           {"name", FIELD_NAME},
};
static const struct field_name caller_fields[] = {
    {"access_key", FIELD_ACCESS_KEY},
    {"arn", FIELD_ARN},
    {"account", FIELD_ACCOUNT},
    {"name", FIELD_NAME},
    {"tags", FIELD_TAGS},
    {"verified", FIELD_VERIFIED},
};

static const struct field_name certificate_fields[] = {{"subject", FIELD_SUBJECT}};

/* Members of the service model's AccessEntry and Cluster (botocore 1.44.5): another name raises. */
static const char *const entry_members[] = {
    "clusterName", "principalArn", "kubernetesGroups", "accessEntryArn", "createdAt",
    "modifiedAt",  "tags",         "username",         "type",
};
static const char *const cluster_members[] = {
    "name",
    "arn",
    "createdAt",
    "version",
    "endpoint",
    "roleArn",
    "resourcesVpcConfig",
    "kubernetesNetworkConfig",
    "logging",
    "identity",
    "status",
    "certificateAuthority",
    "clientRequestToken",
    "platformVersion",
    "tags",
    "encryptionConfig",
    "connectorConfig",
    "id",
    "health",
    "outpostConfig",
    "accessConfig",
    "upgradePolicy",
    "zonalShiftConfig",
    "remoteNetworkConfig",
    "computeConfig",
    "storageConfig",
    "deletionProtection",
    "controlPlaneScalingConfig",
};

/* The facts by their field of req. */
static const struct fact {
    enum field field;
    enum gw_fact fact;
} facts[] = {
    {FIELD_ENTRY, GW_FACT_ENTRY},
    {FIELD_ASSOCIATIONS, GW_FACT_ASSOCIATIONS},
    {FIELD_CLUSTER_INFO, GW_FACT_CLUSTER},
    {FIELD_ADMINS, GW_FACT_ADMINS},
};

/* The view at 1, alive. */
static struct gw_bind_view *check_view(lua_State *L, enum kind kind)
{
    struct gw_bind_view *view = lua_touserdata(L, 1);
    if (view == NULL || lua_islightuserdata(L, 1) || view->magic != VIEW_MAGIC || view->kind != kind)
        luaL_error(L, "%s expected", kind_names[kind]);
    if (view->root->request == NULL && view->root->record == NULL)
        luaL_error(L, "%s of a request that has ended", kind_names[kind]);
    return view;
}

static void push_str(lua_State *L, struct gw_str text)
{
    if (text.at == NULL)
        lua_pushnil(L);
    else
        lua_pushlstring(L, text.at, text.length);
}

static struct gw_bind_view *push_view(lua_State *L, enum kind kind, int user_values)
{
    struct gw_bind_view *view = lua_newuserdatauv(L, sizeof *view, user_values);
    *view = (struct gw_bind_view){.magic = VIEW_MAGIC, .kind = kind, .root = view};
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_keys[kind]);
    lua_setmetatable(L, -2);
    return view;
}

/* The view below req at 1, made on first use. */
static int push_part(lua_State *L, enum kind kind, const struct gw_bind_view *root)
{
    if (lua_getiuservalue(L, 1, (int)kind) == LUA_TUSERDATA)
        return 1;
    struct gw_bind_view *view = push_view(L, kind, 1);
    view->root = root;
    view->request = root->request;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, (int)kind);
    return 1;
}

/* Which field the name at 2 is; raises for one that doesn't exist. */
static enum field check_field(lua_State *L, enum kind kind)
{
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNUMBER)
        return (enum field)lua_tointeger(L, -1);
    luaL_error(L, "no such field: %s.%s", kind_names[kind],
               lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
    return FIELD_OPERATION;
}

static const struct fact *find_fact(enum field field)
{
    for (size_t i = 0; i < GW_COUNT(facts); i++) {
        if (facts[i].field == field)
            return &facts[i];
    }
    return NULL;
}

static void note_missed(lua_State *L, const struct gw_bind_view *view, const struct fact *fact)
{
    struct gw_policy_missed *missed = view->request->missed;
    if (missed == NULL || (*view->needs & ~view->request->facts & fact->fact) == 0)
        return;
    if (missed->facts == 0)
        missed->policy = gw_sandbox_of(L)->policy;
    missed->facts |= fact->fact;
}

/* A fact is read by those who declared it: others would depend on who else is loaded. */
static bool may_read(lua_State *L, const struct gw_bind_view *view, const struct fact *fact)
{
    if (fact == NULL || (*view->needs & view->request->facts & fact->fact) != 0)
        return true;
    note_missed(L, view, fact);
    return false;
}

static int push_fact(lua_State *L, const struct gw_bind_view *view, const struct fact *fact)
{
    const struct gw_policy_request *request = view->request;
    if (!may_read(L, view, fact))
        luaL_error(L, "req.%s must be declared in the policy's table: needs = { \"%s\" }", lua_tostring(L, 2),
                   gw_policy_fact_name(fact->fact));
    if (fact->fact == GW_FACT_ENTRY && request->entry != NULL)
        return push_part(L, KIND_ENTRY, view);
    if (fact->fact == GW_FACT_CLUSTER && request->cluster_info != NULL)
        return push_part(L, KIND_CLUSTER_INFO, view);
    if (fact->fact == GW_FACT_ASSOCIATIONS && request->associations != NULL)
        gw_bind_json_push(L, request->associations);
    else if (fact->fact == GW_FACT_ADMINS && request->admins != NULL)
        gw_bind_json_push(L, request->admins);
    else
        lua_pushnil(L);
    return 1;
}

static int push_req_part(lua_State *L, const struct gw_bind_view *view, enum field field)
{
    const struct fact *fact = find_fact(field);
    if (fact != NULL)
        return push_fact(L, view, fact);
    if (field == FIELD_CALLER)
        return push_part(L, KIND_CALLER, view);
    if (field == FIELD_INPUT)
        return push_part(L, KIND_INPUT, view);
    if (field == FIELD_CERTIFICATE && view->request->client_subject.at != NULL)
        return push_part(L, KIND_CERTIFICATE, view);
    if (field == FIELD_PRINCIPAL && view->request->principal != NULL)
        return push_part(L, KIND_PRINCIPAL, view);
    lua_pushnil(L);
    return 1;
}

static int l_req_index(lua_State *L)
{
    const struct gw_bind_view *view = check_view(L, KIND_REQ);
    const struct gw_policy_request *request = view->request;
    enum field field = check_field(L, KIND_REQ);
    switch (field) {
    case FIELD_OPERATION:
        push_str(L, request->operation);
        return 1;
    case FIELD_ACCOUNT:
        push_str(L, request->account);
        return 1;
    case FIELD_REGION:
        push_str(L, request->region);
        return 1;
    case FIELD_CLUSTER:
        push_str(L, request->cluster);
        return 1;
    case FIELD_TIME:
        lua_pushinteger(L, request->time_s);
        return 1;
    case FIELD_SOURCE_IP:
        push_str(L, request->source_ip);
        return 1;
    case FIELD_USER_AGENT:
        push_str(L, request->user_agent);
        return 1;
    case FIELD_REQUEST_ID:
        push_str(L, request->request_id);
        return 1;
    default:
        return push_req_part(L, view, field);
    }
}

static int push_principal_field(lua_State *L, const struct gw_principal *principal, enum field field)
{
    switch (field) {
    case FIELD_ARN:
        push_str(L, principal->arn);
        return 1;
    case FIELD_PARTITION:
        push_str(L, principal->partition);
        return 1;
    case FIELD_ACCOUNT:
        push_str(L, principal->account);
        return 1;
    case FIELD_KIND:
        push_str(L, principal->kind_text);
        return 1;
    case FIELD_PATH:
        push_str(L, principal->path);
        return 1;
    default:
        push_str(L, principal->name);
        return 1;
    }
}

static int l_principal_index(lua_State *L)
{
    const struct gw_bind_view *view = check_view(L, KIND_PRINCIPAL);
    return push_principal_field(L, view->request->principal, check_field(L, KIND_PRINCIPAL));
}

static int l_certificate_index(lua_State *L)
{
    const struct gw_policy_request *request = check_view(L, KIND_CERTIFICATE)->request;
    (void)check_field(L, KIND_CERTIFICATE);
    push_str(L, request->client_subject);
    return 1;
}

static void push_tags(lua_State *L, const struct gw_policy_request *request)
{
    gw_host_charge(L, request->caller_tag_count);
    lua_createtable(L, 0, (int)request->caller_tag_count);
    for (size_t i = 0; i < request->caller_tag_count; i++) {
        push_str(L, request->caller_tags[i].key);
        push_str(L, request->caller_tags[i].value);
        lua_rawset(L, -3);
    }
}

static int l_caller_index(lua_State *L)
{
    const struct gw_policy_request *request = check_view(L, KIND_CALLER)->request;
    enum field field = check_field(L, KIND_CALLER);
    switch (field) {
    case FIELD_ACCESS_KEY:
        push_str(L, request->caller_access_key);
        return 1;
    case FIELD_TAGS:
        push_tags(L, request);
        return 1;
    case FIELD_VERIFIED:
        lua_pushboolean(L, request->caller_verified);
        return 1;
    default:
        if (request->caller != NULL)
            return push_principal_field(L, request->caller, field);
        lua_pushnil(L);
        return 1;
    }
}

static const struct gw_json *find_member(lua_State *L, const struct gw_json *object)
{
    struct gw_str name;
    if (lua_type(L, 2) != LUA_TSTRING || object == NULL || object->type != GW_JSON_OBJECT)
        return NULL;
    name.at = lua_tolstring(L, 2, &name.length);
    for (size_t i = 0; i < object->as.object.count; i++) {
        if (gw_str_equal(object->as.object.members[i].name, name))
            return &object->as.object.members[i].value;
    }
    return NULL;
}

/* What a view of JSON shows; NULL: nothing. */
static const struct gw_json *object_of(const struct gw_bind_view *view)
{
    switch (view->kind) {
    case KIND_INPUT:
        return view->request->input;
    case KIND_ENTRY:
        return view->request->entry;
    case KIND_CLUSTER_INFO:
        return view->request->cluster_info;
    default:
        return view->record;
    }
}

/* A member that is there, whatever its name, or nil for one that might be. */
static int push_member(lua_State *L, enum kind kind)
{
    const struct gw_json *member = find_member(L, object_of(check_view(L, kind)));
    if (member != NULL) {
        gw_bind_json_push(L, member);
        return 1;
    }
    (void)check_field(L, kind);
    lua_pushnil(L);
    return 1;
}

static int l_input_index(lua_State *L)
{
    return push_member(L, KIND_INPUT);
}

static int l_entry_index(lua_State *L)
{
    return push_member(L, KIND_ENTRY);
}

static int l_cluster_info_index(lua_State *L)
{
    return push_member(L, KIND_CLUSTER_INFO);
}

static int l_record_index(lua_State *L)
{
    const struct gw_bind_view *view = check_view(L, KIND_RECORD);
    const struct gw_json *member = find_member(L, view->record);
    if (member == NULL)
        lua_pushnil(L);
    else
        gw_bind_json_push(L, member);
    return 1;
}

static int l_view_write(lua_State *L)
{
    return luaL_error(L, "%s is read-only", lua_tostring(L, lua_upvalueindex(1)));
}

static int return_next(lua_State *L)
{
    lua_pushcfunction(L, gw_bind_l_next); /* scripts reach it, and may give it any table */
    lua_insert(L, -2);
    lua_pushnil(L);
    return 3;
}

/* pairs over input, facts and record: over a copy of all there is. */
static int l_json_pairs(lua_State *L)
{
    const struct gw_json *value = object_of(check_view(L, (enum kind)lua_tointeger(L, lua_upvalueindex(2))));
    if (value == NULL || value->type != GW_JSON_OBJECT)
        lua_createtable(L, 0, 0);
    else
        gw_bind_json_push(L, value);
    return return_next(L);
}

/* pairs over the others: every field by name, but for facts that the policy didn't ask for. */
static int l_fields_pairs(lua_State *L)
{
    const struct gw_bind_view *view = check_view(L, (enum kind)lua_tointeger(L, lua_upvalueindex(2)));
    lua_settop(L, 1);
    lua_createtable(L, 0, 16);
    lua_pushnil(L);
    while (lua_next(L, lua_upvalueindex(1)) != 0) {
        const struct fact *fact = find_fact((enum field)lua_tointeger(L, -1));
        lua_pop(L, 1);
        if (!may_read(L, view->root, fact))
            continue;
        lua_pushvalue(L, -1);
        lua_pushvalue(L, -1);
        lua_gettable(L, 1);
        lua_rawset(L, 2);
    }
    return return_next(L);
}

/* Makes one metatable; the table of names is on top and is popped. */
static void open_kind(lua_State *L, enum kind kind, lua_CFunction index, lua_CFunction pairs)
{
    int names = lua_gettop(L);
    lua_createtable(L, 0, 8);
    lua_pushvalue(L, names);
    lua_pushcclosure(L, index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, names);
    lua_pushinteger(L, kind);
    lua_pushcclosure(L, pairs, 2);
    lua_setfield(L, -2, "__pairs");
    lua_pushstring(L, kind_names[kind]);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__name");
    lua_pushcclosure(L, l_view_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_keys[kind]);
    lua_pop(L, 1);
}

/* Names of members, all of one and the same field. */
static void push_members(lua_State *L, const char *const *members, size_t count)
{
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        lua_pushinteger(L, FIELD_INPUT);
        lua_setfield(L, -2, members[i]);
    }
}

static void push_names(lua_State *L, const struct field_name *fields, size_t count)
{
    lua_createtable(L, 0, (int)count);
    for (size_t i = 0; i < count; i++) {
        lua_pushinteger(L, fields[i].field);
        lua_setfield(L, -2, fields[i].name);
    }
}

void gw_bind_request_open(lua_State *L, const struct gw_str *members, size_t member_count)
{
    push_names(L, req_fields, GW_COUNT(req_fields));
    open_kind(L, KIND_REQ, l_req_index, l_fields_pairs);
    push_names(L, principal_fields, GW_COUNT(principal_fields));
    open_kind(L, KIND_PRINCIPAL, l_principal_index, l_fields_pairs);
    push_names(L, caller_fields, GW_COUNT(caller_fields));
    open_kind(L, KIND_CALLER, l_caller_index, l_fields_pairs);
    lua_createtable(L, 0, (int)member_count);
    for (size_t i = 0; i < member_count; i++) {
        lua_pushlstring(L, members[i].at, members[i].length);
        lua_pushinteger(L, FIELD_INPUT);
        lua_rawset(L, -3);
    }
    open_kind(L, KIND_INPUT, l_input_index, l_json_pairs);
    push_members(L, entry_members, GW_COUNT(entry_members));
    open_kind(L, KIND_ENTRY, l_entry_index, l_json_pairs);
    push_members(L, cluster_members, GW_COUNT(cluster_members));
    open_kind(L, KIND_CLUSTER_INFO, l_cluster_info_index, l_json_pairs);
    push_names(L, certificate_fields, GW_COUNT(certificate_fields));
    open_kind(L, KIND_CERTIFICATE, l_certificate_index, l_fields_pairs);
    lua_createtable(L, 0, 0);
    open_kind(L, KIND_RECORD, l_record_index, l_json_pairs);
}

struct gw_bind_view *gw_bind_request_push(lua_State *L, const struct gw_policy_request *request, const unsigned *needs)
{
    struct gw_bind_view *view = push_view(L, KIND_REQ, KIND_CERTIFICATE);
    view->request = request;
    view->needs = needs;
    return view;
}

struct gw_bind_view *gw_bind_record_push(lua_State *L, const struct gw_json *record)
{
    struct gw_bind_view *view = push_view(L, KIND_RECORD, 0);
    view->record = record;
    return view;
}

void gw_bind_view_clear(struct gw_bind_view *view)
{
    view->request = NULL;
    view->record = NULL;
}
