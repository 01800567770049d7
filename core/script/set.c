/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading policies. The first time in a throw-away state, where each file's
 * table is looked over and its facts are noted; later, in each worker's state,
 * from the same bytes. It asks no policy anything (hooks.c does).
 */
#include "script/set.h"

#include <stdlib.h>

#include "base/log.h"
#include "script/bind_request.h"
#include "script/interpreter.h"
#include "script/watch.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWNESS 4
#else
#define SLOWNESS 1
#endif

/* What loading a whole set may take of the processor: a worker does it again, while others wait, after a hook was
 * stopped and at reloads. */
#define LOAD_NS       (SLOWNESS * (int64_t)20000000)
#define LOAD_AGAIN_NS (3 * LOAD_NS) /* the same work took less when it was looked at */
#define LOAD_TRIED_NS ((int64_t)1000000000)
#define NAME_MAX_LEN  64
#define ON_MAX        256

bool gw_set_applies(const struct gw_set_policy *policy, enum gw_policy_hook hook, struct gw_str operation)
{
    if ((policy->hooks >> hook & 1) == 0)
        return false;
    if (policy->on_count == 0)
        return true;
    for (size_t i = 0; i < policy->on_count; i++) {
        if (gw_str_equal(policy->on[i], operation))
            return true;
    }
    return false;
}

/* What one protected call loads. */
struct load {
    struct gw_script_set *set;
    struct gw_set_policy *policy; /* its facts are filled while the set isn't sealed */
    struct gw_set_functions *functions;
    struct gw_sandbox *sandbox;
    struct gw_host_budget *budget;
    const struct gw_source *source;
};

static int l_open(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    gw_sandbox_open(L, load->sandbox);
    gw_modules_open(L, &load->set->modules);
    gw_bind_request_open(L, load->set->options.known_members, load->set->options.known_member_count);
    return 0;
}

static bool is_name(struct gw_str name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && c != '.' && c != '_' && c != '-')
            return false;
    }
    return name.length >= 1 && name.length <= NAME_MAX_LEN;
}

/* The policy's table is at 2 in all of these. */
static void read_name(lua_State *L, struct load *load)
{
    struct gw_str name = GW_STR_NONE;
    lua_pushliteral(L, "name");
    if (lua_rawget(L, 2) == LUA_TSTRING)
        name.at = lua_tolstring(L, -1, &name.length);
    if (name.at == NULL || !is_name(name))
        luaL_error(L, "name must be 1 to %d letters, digits, '.', '_' or '-'", NAME_MAX_LEN);
    for (const struct gw_set_policy *other = load->set->policies; other < load->policy; other++) {
        if (gw_str_equal(other->name, name))
            luaL_error(L, "name '%s' is already that of %s", name.at, other->path.at);
    }
    load->policy->name = gw_arena_str(&load->set->arena, name);
    lua_pop(L, 1);
}

static bool is_known_operation(const struct gw_script_options *options, struct gw_str name)
{
    for (size_t i = 0; i < options->known_operation_count; i++) {
        if (gw_str_equal(options->known_operations[i], name))
            return true;
    }
    return options->known_operation_count == 0;
}

static void read_on(lua_State *L, struct load *load)
{
    struct gw_str *names;
    lua_pushliteral(L, "on");
    int type = lua_rawget(L, 2);
    size_t count = type == LUA_TTABLE ? lua_rawlen(L, 3) : 0;
    if (type != LUA_TNIL && (count == 0 || count > ON_MAX))
        luaL_error(L, "on must be a list of operation names, or absent for every operation");
    names = gw_arena_zero(&load->set->arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        struct gw_str name = GW_STR_NONE;
        if (lua_rawgeti(L, 3, (lua_Integer)i + 1) == LUA_TSTRING)
            name.at = lua_tolstring(L, -1, &name.length);
        if (name.at == NULL)
            luaL_error(L, "on[%d] must be an operation name, not a %s", (int)i + 1, luaL_typename(L, -1));
        if (!is_known_operation(&load->set->options, name))
            luaL_error(L, "on[%d]: EKS has no operation '%s'", (int)i + 1, name.at);
        names[i] = gw_arena_str(&load->set->arena, name);
        lua_pop(L, 1);
    }
    load->policy->on = names;
    load->policy->on_count = count;
    lua_pop(L, 1);
}

static unsigned read_fact(lua_State *L, int position)
{
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    for (size_t i = 0; i < GW_FACT_COUNT; i++) {
        enum gw_fact fact = (enum gw_fact)(1U << i);
        if (strcmp(name, gw_policy_fact_name(fact)) == 0)
            return fact;
    }
    luaL_error(L, "needs[%d]: there is no fact '%s'; accepted are entry, associations, cluster and admins", position,
               name);
    return 0;
}

static void read_needs(lua_State *L, struct load *load)
{
    lua_pushliteral(L, "needs");
    int type = lua_rawget(L, 2);
    size_t count = type == LUA_TTABLE ? lua_rawlen(L, 3) : 0;
    if (type != LUA_TNIL && (count == 0 || count > GW_FACT_COUNT))
        luaL_error(L, "needs must be a list of facts: entry, associations, cluster, admins");
    if (count > 0 && load->set->options.is_pass_through)
        luaL_error(L, "has needs, and with auth = \"upstream\" there are no credentials to fetch them with");
    load->policy->needs = 0;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 3, (lua_Integer)i + 1);
        load->policy->needs |= read_fact(L, (int)i + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void check_key(lua_State *L, int key)
{
    const char *name = lua_type(L, key) == LUA_TSTRING ? lua_tostring(L, key) : "";
    for (size_t i = 0; i < GW_HOOK_COUNT; i++) {
        if (strcmp(name, gw_policy_hook_name((enum gw_policy_hook)i)) == 0)
            return;
    }
    if (strcmp(name, "name") != 0 && strcmp(name, "on") != 0 && strcmp(name, "needs") != 0)
        luaL_error(L,
                   "unknown key '%s' in the policy's table: accepted are name, on, needs, authorize, username, tags, "
                   "conflict, fault, audit and outcome",
                   lua_type(L, key) == LUA_TSTRING ? name : luaL_typename(L, key));
}

static void check_keys(lua_State *L)
{
    lua_pushnil(L);
    while (lua_next(L, 2) != 0) {
        lua_pop(L, 1);
        check_key(L, -1);
    }
}

/* Of a request, or of its answer. */
static bool changes_something(int hook)
{
    return hook == GW_HOOK_USERNAME || hook == GW_HOOK_TAGS || hook == GW_HOOK_CONFLICT;
}

/* Of the function on top. */
static int line_of(lua_State *L)
{
    lua_Debug about;
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &about);
    return about.linedefined;
}

static void take_functions(lua_State *L, struct load *load)
{
    load->policy->hooks = 0;
    for (int i = 0; i < GW_HOOK_COUNT; i++) {
        const char *name = gw_policy_hook_name((enum gw_policy_hook)i);
        load->functions->hooks[i] = LUA_NOREF;
        lua_pushstring(L, name);
        int type = lua_rawget(L, 2);
        if (type != LUA_TNIL && type != LUA_TFUNCTION)
            luaL_error(L, "%s must be a function, not a %s", name, lua_typename(L, type));
        if (i == GW_HOOK_FAULT && type == LUA_TFUNCTION && !load->set->options.allow_faults)
            luaL_error(L, "fault hooks are for eksgate mock");
        if (type == LUA_TFUNCTION && load->set->options.is_pass_through && changes_something(i))
            luaL_error(L, "has a %s hook, and with auth = \"upstream\" nothing may change what callers have signed",
                       name);
        if (type == LUA_TNIL) {
            lua_pop(L, 1);
            continue;
        }
        load->policy->lines[i] = line_of(L);
        load->functions->hooks[i] = luaL_ref(L, LUA_REGISTRYINDEX);
        load->policy->hooks |= 1U << i;
    }
}

static int l_load(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    struct gw_set_policy facts = *load->policy;
    gw_modules_run_policy(L, &load->set->modules, load->source);
    if (lua_isnil(L, 2))
        return luaL_error(L, "returns nothing: its last line must return the policy's table");
    if (lua_type(L, 2) != LUA_TTABLE)
        return luaL_error(L, "must return a table, not a %s", luaL_typename(L, 2));
    if (!load->set->sources.sealed) {
        check_keys(L);
        read_name(L, load);
        read_on(L, load);
        read_needs(L, load);
        take_functions(L, load);
        return 0;
    }
    /* Shared by workers by now: only the references may be written. */
    struct load mine = *load;
    mine.policy = &facts;
    take_functions(L, &mine);
    if (facts.hooks != load->policy->hooks)
        return luaL_error(L, "has other hooks each time it is loaded");
    return 0;
}

/* Says which file, where the message doesn't. */
static enum gw_status fail_load(const char *path, const struct gw_err *why, struct gw_err *err)
{
    if (strstr(why->text, path) != NULL)
        return gw_fail(err, GW_E_SCRIPT, "%s", why->text);
    return gw_fail(err, GW_E_SCRIPT, "%s: %s", path, why->text);
}

static enum gw_status run_load(struct gw_host *host, lua_CFunction function, struct load *load, struct gw_err *err)
{
    return gw_host_run(host, function, load, load->budget, err) == GW_HOST_OK ? GW_OK : GW_E_SCRIPT;
}

static enum gw_status open_state(struct gw_script_set *set, struct gw_host *host, struct gw_sandbox *sandbox,
                                 struct gw_set_functions *functions, struct gw_host_budget *budget, struct gw_err *err)
{
    struct gw_err why;
    struct load load = {.set = set, .sandbox = sandbox, .budget = budget};
    const struct gw_script_watch *watch = set->options.watch;
    if (watch != NULL && watch->on_line != NULL)
        gw_host_watch_lines(host, watch->on_line, watch->ctx);
    if (run_load(host, l_open, &load, &why) != GW_OK)
        return gw_fail(err, GW_E_SCRIPT, "sandbox: %s", why.text);
    for (size_t i = 0; i < set->count; i++) {
        const char *path = set->policies[i].path.at;
        load.policy = &set->policies[i];
        load.functions = &functions[i];
        enum gw_status status = gw_sources_get(&set->sources, path, &load.source, err);
        if (status != GW_OK)
            return status;
        if (run_load(host, l_load, &load, &why) != GW_OK)
            return fail_load(path, &why, err);
    }
    return GW_OK;
}

enum gw_status gw_set_open_state(struct gw_script_set *set, struct gw_host *host, struct gw_sandbox *sandbox,
                                 struct gw_set_functions *functions, struct gw_err *err)
{
    bool is_watched = set->options.watch != NULL;
    struct gw_host_budget budget = {
        .memory = SIZE_MAX, .cpu_ns = is_watched ? LOAD_TRIED_NS : LOAD_AGAIN_NS, .large_tables = true};
    return open_state(set, host, sandbox, functions, &budget, err);
}

static const struct gw_str *copy_names(struct gw_arena *arena, const struct gw_str *names, size_t count)
{
    struct gw_str *copy = gw_arena_zero(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = gw_arena_str(arena, names[i]);
    return copy;
}

static void copy_options(struct gw_script_set *set, const struct gw_script_options *options)
{
    struct gw_script_options *copy = &set->options;
    *copy = *options;
    copy->files = copy_names(&set->arena, options->files, options->file_count);
    copy->known_members = copy_names(&set->arena, options->known_members, options->known_member_count);
    copy->known_errors = copy_names(&set->arena, options->known_errors, options->known_error_count);
    copy->known_operations = copy_names(&set->arena, options->known_operations, options->known_operation_count);
    copy->library = gw_arena_str(&set->arena, gw_str_from(options->library == NULL ? "lua" : options->library)).at;
    set->modules = (struct gw_modules){.sources = &set->sources, .library = copy->library};
    set->count = copy->file_count;
    for (size_t i = 0; i < set->count; i++)
        set->policies[i].path = copy->files[i];
}

static void print_while_loading(void *ctx, enum gw_log_level level, struct gw_str text)
{
    (void)ctx;
    gw_log(level, "policy", "while loading: %.*s", GW_STR_ARG(text));
}

/* Everything that can be wrong with the files is found here, before any worker sees them. */
static enum gw_status try_set(struct gw_script_set *set, struct gw_err *err)
{
    struct gw_set_functions functions[GW_SET_POLICIES_MAX];
    struct gw_sandbox sandbox = {.print = print_while_loading};
    struct gw_host_budget budget = {.memory = SIZE_MAX, .cpu_ns = LOAD_TRIED_NS, .large_tables = true};
    struct gw_host *host = gw_host_new(set->options.state_bytes);
    enum gw_status status = open_state(set, host, &sandbox, functions, &budget, err);
    int64_t took_ns = LOAD_TRIED_NS - budget.cpu_ns;
    gw_host_free(&host);
    if (status == GW_OK && took_ns > LOAD_NS)
        status = gw_fail(err, GW_E_LIMIT,
                         "the policies take %lld ms of processor time to load, which is done while requests wait: at "
                         "most %lld are accepted (large tables are for eksgate.data)",
                         (long long)(took_ns / 1000000), (long long)(LOAD_NS / 1000000));
    set->sources.sealed = true;
    set->sources.known = NULL;
    return status;
}

enum gw_status gw_set_load(const struct gw_script_options *options, const struct gw_sources *known,
                           struct gw_script_set **set, struct gw_err *err)
{
    struct gw_interpreter interpreter;
    if (gw_interpreter_check(&interpreter, err) != GW_OK)
        return GW_E_SCRIPT;
    if (options->file_count > GW_SET_POLICIES_MAX)
        return gw_fail(err, GW_E_LIMIT, "%zu policies, at most %d are accepted", options->file_count,
                       GW_SET_POLICIES_MAX);
    struct gw_script_set *fresh = gw_alloc_zero(1, sizeof *fresh);
    atomic_init(&fresh->references, 1);
    gw_arena_init(&fresh->arena, 0);
    fresh->sources.known = known;
    copy_options(fresh, options);
    enum gw_status status = fresh->count == 0 ? GW_OK : try_set(fresh, err);
    if (status != GW_OK)
        gw_script_set_free(&fresh);
    else
        *set = fresh;
    return status;
}

enum gw_status gw_script_set_load(const struct gw_script_options *options, struct gw_script_set **set,
                                  struct gw_err *err)
{
    return gw_set_load(options, NULL, set, err);
}

struct gw_script_set *gw_script_set_hold(struct gw_script_set *set)
{
    atomic_fetch_add(&set->references, 1);
    return set;
}

void gw_script_set_free(struct gw_script_set **set)
{
    struct gw_script_set *old = *set;
    *set = NULL;
    if (old == NULL || atomic_fetch_sub(&old->references, 1) != 1)
        return;
    gw_sources_fini(&old->sources);
    gw_arena_fini(&old->arena);
    free(old);
}

size_t gw_script_set_count(const struct gw_script_set *set)
{
    return set->count;
}
