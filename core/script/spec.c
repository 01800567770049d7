/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs spec files: a state per file, a protected call per case under a budget of
 * its own. A case that is killed takes its state along; the file is then loaded
 * again and goes on behind that case. What the words of a spec mean is the Lua
 * side's (lua/eksgate/spec/runner.lua).
 */
#include "script/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "script/spec_inner.h"

#define STATE_BYTES ((size_t)64 << 20)
#define CASE_CPU_NS ((int64_t)1000000000)
#define SELF_CPU_NS (3 * CASE_CPU_NS)

/* What one protected call does. */
struct step {
    struct gw_spec *spec;
    size_t number; /* of the case; 0: none yet */
    size_t count;  /* of all cases */
    bool skipped;  /* the filter left this one out */
    struct gw_arena *arena;
    struct gw_spec_case *one;
};

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void print_line(void *ctx, enum gw_log_level level, struct gw_str text)
{
    (void)level;
    const struct gw_spec *spec = ctx;
    if (spec->options.on_print != NULL)
        spec->options.on_print(spec->options.ctx, gw_str_from(spec->path), text);
}

struct gw_spec *gw_spec_new(const struct gw_spec_options *options)
{
    struct gw_spec *spec = gw_alloc_zero(1, sizeof *spec);
    spec->options = *options;
    gw_arena_init(&spec->arena, 0);
    spec->began_cpu_ns = read_ns(CLOCK_THREAD_CPUTIME_ID);
    gw_spec_watch_init(spec);
    gw_spec_cover_init(spec);
    return spec;
}

static void close_file(struct gw_spec *spec)
{
    gw_spec_end_ask(spec);
    gw_host_free(&spec->host);
    gw_spec_free_slots(spec);
    gw_sources_fini(&spec->sources);
}

void gw_spec_free(struct gw_spec **spec)
{
    if (*spec == NULL)
        return;
    close_file(*spec);
    gw_counters_free(&(*spec)->services.counters);
    gw_spec_cost_fini(*spec);
    gw_spec_cover_fini(*spec);
    gw_arena_fini(&(*spec)->arena);
    free(*spec);
    *spec = NULL;
}

/* The sandbox and the runner's table for this file. */
static int l_open(lua_State *L)
{
    struct gw_spec *spec = ((struct step *)lua_touserdata(L, 1))->spec;
    gw_sandbox_open(L, &spec->sandbox);
    gw_modules_open(L, &spec->modules);
    gw_spec_native_open(L, spec);
    gw_modules_push_env(L, &spec->modules, NULL);
    lua_getfield(L, -1, "require");
    lua_pushliteral(L, "eksgate.spec.runner");
    gw_host_invoke(L, 1, 1);
    lua_getfield(L, -1, "new");
    gw_spec_native_push(L);
    gw_host_invoke(L, 1, 1);
    spec->runner = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* Pushes the runner's function of that name. */
static void push_runner(lua_State *L, const struct gw_spec *spec, const char *name)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, spec->runner);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* Runs the file with the runner's words in its environment. */
static int l_load(lua_State *L)
{
    struct step *step = lua_touserdata(L, 1);
    struct gw_spec *spec = step->spec;
    const struct gw_source *source;
    struct gw_err err;
    if (gw_sources_get(&spec->sources, spec->path, &source, &err) != GW_OK)
        return luaL_error(L, "%s", err.text);
    gw_modules_push_env(L, &spec->modules, source->path);
    int env = lua_gettop(L);
    push_runner(L, spec, "words");
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, env);
    }
    gw_modules_run(L, source, env);
    push_runner(L, spec, "count");
    gw_host_invoke(L, 0, 1);
    step->count = (size_t)lua_tointeger(L, -1);
    return 0;
}

static struct gw_str text_at(lua_State *L, int index, struct gw_arena *arena)
{
    struct gw_str text;
    if (lua_type(L, index) != LUA_TSTRING)
        return GW_STR_NONE;
    text.at = lua_tolstring(L, index, &text.length);
    return gw_arena_str(arena, text);
}

static enum gw_spec_outcome outcome_of(struct gw_str word)
{
    if (gw_str_is(word, "passed"))
        return GW_SPEC_PASSED;
    if (gw_str_is(word, "failed"))
        return GW_SPEC_FAILED;
    return gw_str_is(word, "pending") ? GW_SPEC_PENDING : GW_SPEC_ERROR;
}

static bool is_filtered(const struct gw_spec *spec, struct gw_str name)
{
    return spec->options.filter.length > 0 && gw_str_search(name, spec->options.filter) == SIZE_MAX;
}

static int l_case(lua_State *L)
{
    struct step *step = lua_touserdata(L, 1);
    push_runner(L, step->spec, "name");
    lua_pushinteger(L, (lua_Integer)step->number);
    gw_host_invoke(L, 1, 1);
    step->one->name = text_at(L, -1, step->arena);
    step->skipped = is_filtered(step->spec, step->one->name);
    push_runner(L, step->spec, step->skipped ? "skip" : "run");
    lua_pushinteger(L, (lua_Integer)step->number);
    gw_host_invoke(L, 1, 3);
    step->one->message = text_at(L, -2, step->arena);
    step->one->where = text_at(L, -1, step->arena);
    step->one->outcome = outcome_of(text_at(L, -3, step->arena));
    return 0;
}

static enum gw_host_outcome run(struct gw_spec *spec, lua_CFunction function, struct step *step, struct gw_err *err)
{
    struct gw_host_budget budget = {.memory = STATE_BYTES, .cpu_ns = CASE_CPU_NS, .large_tables = true};
    return gw_host_run(spec->host, function, step, &budget, err);
}

/* Cuts "FILE:LINE: " off the front of a message. */
static void split_where(struct gw_spec_case *one)
{
    size_t at = 0;
    while ((at = gw_str_find(one->message, ':', at)) < one->message.length) {
        size_t digits = at + 1;
        while (digits < one->message.length && one->message.at[digits] >= '0' && one->message.at[digits] <= '9')
            digits++;
        if (digits > at + 1 && gw_str_starts(gw_str_slice(one->message, digits, 2), GW_STR(": "))) {
            one->where = gw_str_slice(one->message, 0, digits);
            one->message = gw_str_slice(one->message, digits + 2, SIZE_MAX);
            return;
        }
        at++;
    }
}

/* An error stands where it was raised; that of a hook where the spec called it, with the policy's line in the text. */
static void find_where(const struct gw_spec *spec, struct gw_spec_case *one)
{
    if (one->outcome != GW_SPEC_ERROR)
        return;
    if (spec->failed_why[0] != '\0' && spec->failed_at[0] != '\0' && gw_str_is(one->message, spec->failed_why))
        one->where = gw_str_from(spec->failed_at);
    else
        split_where(one);
}

static bool open_file(struct gw_spec *spec, struct step *step, struct gw_err *err)
{
    spec->host = gw_host_new(STATE_BYTES);
    return run(spec, l_open, step, err) == GW_HOST_OK && run(spec, l_load, step, err) == GW_HOST_OK;
}

static void tell(struct gw_spec *spec, struct gw_spec_case *one)
{
    find_where(spec, one);
    spec->options.on_case(spec->options.ctx, one);
}

static bool is_over(const struct gw_spec *spec)
{
    return spec->options.cpu_ns > 0 && read_ns(CLOCK_THREAD_CPUTIME_ID) - spec->began_cpu_ns > spec->options.cpu_ns;
}

static void tell_failure(struct gw_spec *spec, const char *message)
{
    struct gw_spec_case one = {
        .file = gw_str_from(spec->path), .name = GW_STR(""), .outcome = GW_SPEC_ERROR, .message = gw_str_from(message)};
    tell(spec, &one);
}

/* Runs cases from `step->number` on, until all have run or one was killed. */
static void run_cases(struct gw_spec *spec, struct step *step)
{
    struct gw_err err;
    for (; step->number <= step->count && !gw_host_is_dead(spec->host) && !is_over(spec); step->number++) {
        struct gw_spec_case one = {.file = gw_str_from(spec->path), .name = GW_STR("")};
        int64_t began = read_ns(CLOCK_MONOTONIC);
        step->one = &one;
        step->skipped = false;
        spec->failed_why[0] = '\0';
        enum gw_host_outcome outcome = run(spec, l_case, step, &err);
        gw_spec_end_ask(spec);
        if (outcome != GW_HOST_OK) {
            one.outcome = GW_SPEC_ERROR;
            one.message = gw_str_from(err.text);
        }
        one.wall_ns = read_ns(CLOCK_MONOTONIC) - began;
        if (!step->skipped || one.outcome != GW_SPEC_PASSED)
            tell(spec, &one);
        gw_arena_reset(step->arena);
    }
}

void gw_spec_run(struct gw_spec *spec, const char *path)
{
    struct gw_arena arena;
    struct gw_err err;
    struct step step = {.spec = spec, .number = 1, .count = 1, .arena = &arena};
    spec->path = path;
    spec->sources = (struct gw_sources){.known = spec->options.known};
    spec->modules = (struct gw_modules){.sources = &spec->sources, .library = spec->script.library};
    spec->sandbox = (struct gw_sandbox){.ctx = spec, .print = print_line};
    gw_arena_init(&arena, 0);
    while (step.number <= step.count) {
        gw_host_free(&spec->host);
        bool over = is_over(spec);
        if (over || !open_file(spec, &step, &err)) {
            gw_spec_end_ask(spec);
            tell_failure(spec, over ? "the specs run longer than they may" : err.text);
            break;
        }
        run_cases(spec, &step);
    }
    close_file(spec);
    gw_arena_fini(&arena);
}

bool gw_spec_path_of(struct gw_str policy, char path[GW_SPEC_PATH_MAX])
{
    struct gw_str stem = gw_str_slice(policy, 0, policy.length < 4 ? 0 : policy.length - 4);
    if (stem.length == 0 || !gw_str_is(gw_str_slice(policy, stem.length, SIZE_MAX), ".lua"))
        return false;
    int length = snprintf(path, GW_SPEC_PATH_MAX, "%.*s_spec.lua", GW_STR_ARG(stem));
    return length > 0 && length < GW_SPEC_PATH_MAX;
}

struct self_test {
    struct gw_spec_totals *totals;
    struct gw_err *err;
};

static void count_case(void *ctx, const struct gw_spec_case *one)
{
    struct self_test *test = ctx;
    if (one->outcome == GW_SPEC_PASSED)
        test->totals->passed++;
    else if (one->outcome == GW_SPEC_PENDING)
        test->totals->pending++;
    else if (test->totals->failed++ == 0) {
        struct gw_str where = one->where.at != NULL ? one->where : one->file;
        (void)gw_fail(test->err, GW_E_SCRIPT, "%.*s: %.*s%s%.*s", GW_STR_ARG(where), GW_STR_ARG(one->name),
                      one->name.length > 0 ? ": " : "", GW_STR_ARG(one->message));
        for (char *at = test->err->text; *at != '\0'; at++)
            *at = *at == '\n' ? ' ' : *at;
    }
}

/* One that was cut short, or written and never filled, proves nothing. */
static void run_some(struct gw_spec *spec, const char *path, struct self_test *test)
{
    struct gw_spec_totals *totals = test->totals;
    size_t before = totals->passed + totals->pending + totals->failed;
    gw_spec_run(spec, path);
    if (totals->passed + totals->pending + totals->failed == before && totals->failed++ == 0)
        (void)gw_fail(test->err, GW_E_SCRIPT, "%s: there is no case in it", path);
}

enum gw_status gw_spec_self_test(const struct gw_script_set *set, struct gw_spec_totals *totals, struct gw_err *err)
{
    char path[GW_SPEC_PATH_MAX];
    struct self_test test = {totals, err};
    struct gw_spec_options options = {
        .script = &set->options, .known = &set->sources, .cpu_ns = SELF_CPU_NS, .ctx = &test, .on_case = count_case};
    struct gw_spec *spec = gw_spec_new(&options);
    *totals = (struct gw_spec_totals){0};
    for (size_t i = 0; i < set->count; i++) {
        if (!gw_spec_path_of(set->policies[i].path, path) || (access(path, F_OK) != 0 && errno == ENOENT))
            totals->without++;
        else
            run_some(spec, path, &test);
    }
    gw_spec_free(&spec);
    return totals->failed == 0 ? GW_OK : GW_E_SCRIPT;
}
