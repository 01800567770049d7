/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What asking one authorize hook costs that reads three fields and allows: the
 * whole question, its coroutine, the budget's clock and hook, the end of the
 * request; and one that comes after a kill, on a new state. Then what the budget's
 * count hook costs Lua itself: a loop of a million rounds under it, without any, and
 * with hooks of other periods that read the clock; and what the clocks cost. Medians
 * of several rounds, in processor time.
 *
 *   hook_bench LIBRARY          LIBRARY: the folder that holds eksgate/
 *   hook authorize ns=900 after-a-kill ns=90000
 *   loop counted ns=9.1 plain ns=4.2 every-10 ns=15.0 every-1000 ns=8.6
 *   clock wall ns=40 thread ns=700
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "script/hooks.h"
#include "script/host.h"

#define ROUNDS 11
#define CALLS  50000
#define TURNS  1000000

static const char policy[] = "local verdict = require(\"eksgate.verdict\")\n"
                             "local policy = { name = \"bench\", on = { \"CreateAccessEntry\" } }\n"
                             "function policy.authorize(req)\n"
                             "    if req.operation == \"CreateAccessEntry\" and req.cluster == \"my-cluster\" and "
                             "req.region == \"us-west-2\" then\n"
                             "        return verdict.allow()\n"
                             "    end\n"
                             "    while true do end\n"
                             "end\n"
                             "return policy\n";

/* Of this process alone, so that a busy machine doesn't count. */
static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *rounds)
{
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    return rounds[ROUNDS / 2];
}

/* As a worker has them: the question may give way, which it never gets to. */
static void wake(void *ctx)
{
    (void)ctx;
}

static void later(void *ctx, struct gw_policy_call *call)
{
    (void)ctx;
    (void)call;
}

static const struct gw_policy_request usual = {
    .operation = GW_STR_INIT("CreateAccessEntry"),
    .account = GW_STR_INIT("012345678910"),
    .region = GW_STR_INIT("us-west-2"),
    .cluster = GW_STR_INIT("my-cluster"),
    .request_id = GW_STR_INIT("00000000-0000-4000-8000-000000000000"),
};

static enum gw_policy_answer ask(const struct gw_policy_hooks *hooks, const struct gw_policy_request *request,
                                 struct gw_arena *arena)
{
    static struct gw_policy_call call;
    enum gw_policy_answer answer;

    call = (struct gw_policy_call){.request = request, .arena = arena, .wake = wake};
    do
        answer = hooks->authorize(hooks->ctx, &call);
    while (answer == GW_POLICY_WAITING);
    hooks->finish(hooks->ctx, &call);
    gw_arena_reset(arena);
    return answer;
}

/* The usual request behind one whose hook doesn't end. */
static double after_kill_ns(const struct gw_policy_hooks *hooks)
{
    struct gw_policy_request hostile = usual;
    double rounds[ROUNDS];
    struct gw_arena arena;

    hostile.region = GW_STR("nowhere");
    gw_arena_init(&arena, 0);
    for (size_t r = 0; r < ROUNDS; r++) {
        if (ask(hooks, &hostile, &arena) != GW_POLICY_FAILED)
            gw_fatal("what doesn't end wasn't refused");
        double start = now_ns();

        if (ask(hooks, &usual, &arena) != GW_POLICY_DONE)
            gw_fatal("refused behind a kill");
        rounds[r] = now_ns() - start;
    }
    gw_arena_fini(&arena);
    return median(rounds);
}

static double hook_ns(const struct gw_policy_hooks *hooks)
{
    double rounds[ROUNDS];
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    for (size_t r = 0; r < ROUNDS; r++) {
        double start = now_ns();

        for (int i = 0; i < CALLS; i++) {
            if (ask(hooks, &usual, &arena) != GW_POLICY_DONE)
                gw_fatal("refused");
        }
        rounds[r] = (now_ns() - start) / CALLS;
    }
    gw_arena_fini(&arena);
    return median(rounds);
}

static int l_loop(lua_State *L)
{
    if (luaL_loadstring(L, "local n = 0 for i = 1, 1000000 do n = n + i end") != LUA_OK)
        return lua_error(L);
    gw_host_invoke(L, 0, 0);
    return 0;
}

static double counted_ns(void)
{
    struct gw_host *host = gw_host_new((size_t)8 << 20);
    double rounds[ROUNDS];

    for (size_t r = 0; r < ROUNDS; r++) {
        struct gw_host_budget budget = {.cpu_ns = INT64_C(10000000000), .memory = (size_t)1 << 20};
        struct gw_err err;
        double start = now_ns();

        if (gw_host_run(host, l_loop, NULL, &budget, &err) != GW_HOST_OK)
            gw_fatal("%s", err.text);
        rounds[r] = (now_ns() - start) / TURNS;
    }
    gw_host_free(&host);
    return median(rounds);
}

static void read_clock(lua_State *L, lua_Debug *record)
{
    struct timespec now;

    (void)L;
    (void)record;
    clock_gettime(CLOCK_MONOTONIC, &now);
}

/* Behind no host: this loop raises nothing. With a count hook of that period; 0: without. */
static double plain_ns(int period)
{
    lua_State *L = luaL_newstate();
    double rounds[ROUNDS];

    if (L == NULL)
        gw_fatal("out of memory");
    if (period > 0)
        lua_sethook(L, read_clock, LUA_MASKCOUNT, period);
    for (size_t r = 0; r < ROUNDS; r++) {
        double start = now_ns();

        (void)l_loop(L);
        rounds[r] = (now_ns() - start) / TURNS;
    }
    lua_close(L);
    return median(rounds);
}

static double clock_ns(clockid_t clock)
{
    double rounds[ROUNDS];

    for (size_t r = 0; r < ROUNDS; r++) {
        struct timespec now;
        double start = now_ns();

        for (int i = 0; i < CALLS; i++)
            clock_gettime(clock, &now);
        rounds[r] = (now_ns() - start) / CALLS;
    }
    return median(rounds);
}

static void write_policy(const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(policy, file) == EOF || fclose(file) != 0)
        gw_fatal("%s: can't be written", path);
}

int main(int argc, char **argv)
{
    static const struct gw_str operations[] = {GW_STR_INIT("CreateAccessEntry")};
    char folder[] = "/tmp/eksgate-hook-XXXXXX";
    char path[sizeof(folder) + 16];
    struct gw_str file;
    struct gw_script_set *set = NULL;
    struct gw_script *script = NULL;
    struct gw_policy_counters counters = {0};
    const struct gw_policy_services services = {.later = later};
    struct gw_err err;

    if (argc != 2 || mkdtemp(folder) == NULL)
        gw_fatal("usage: hook_bench LIBRARY");
    snprintf(path, sizeof(path), "%s/bench.lua", folder);
    write_policy(path);
    file = gw_str_from(path);
    const struct gw_script_options options = {
        .files = &file,
        .file_count = 1,
        .library = argv[1],
        .default_allow = true,
        .cpu_ms = 10,
        .memory_bytes = (size_t)1 << 20,
        .state_bytes = (size_t)8 << 20,
        .known_operations = operations,
        .known_operation_count = GW_COUNT(operations),
    };
    if (gw_script_set_load(&options, &set, &err) != GW_OK ||
        gw_script_new(set, &counters, &services, &script, &err) != GW_OK)
        gw_fatal("%s", err.text);
    gw_log_set_level(GW_LOG_ERROR); /* nothing of each kill */
    const struct gw_policy_hooks *hooks = gw_script_hooks(script);
    printf("hook authorize ns=%.0f after-a-kill ns=%.0f\n", hook_ns(hooks), after_kill_ns(hooks));
    printf("loop counted ns=%.1f plain ns=%.1f every-10 ns=%.1f every-1000 ns=%.1f\n", counted_ns(), plain_ns(0),
           plain_ns(10), plain_ns(1000));
    printf("clock wall ns=%.0f thread ns=%.0f\n", clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_THREAD_CPUTIME_ID));
    gw_script_free(&script);
    gw_script_set_free(&set);
    unlink(path);
    rmdir(folder);
    return 0;
}
