/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What asking one authorize hook costs that reads three fields and allows: the
 * whole question, its coroutine, the budget's clock and hook, the end of the
 * request. Then what the budget's count hook costs Lua itself: a loop of a million
 * rounds under it, and without. Medians of several rounds, in processor time.
 *
 *   hook_bench LIBRARY          LIBRARY: the folder that holds eksgate/
 *   hook authorize ns=900
 *   loop counted ns=9.1 plain ns=4.2
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static void ask(const struct gw_policy_hooks *hooks, const struct gw_policy_request *request, struct gw_arena *arena)
{
    static struct gw_policy_call call;

    call = (struct gw_policy_call){.request = request, .arena = arena, .wake = wake};
    if (hooks->authorize(hooks->ctx, &call) != GW_POLICY_DONE)
        gw_fatal("refused: %.*s", GW_STR_ARG(call.refusal.reason));
    hooks->finish(hooks->ctx, &call);
    gw_arena_reset(arena);
}

static double hook_ns(const struct gw_policy_hooks *hooks)
{
    static const struct gw_policy_request request = {
        .operation = GW_STR_INIT("CreateAccessEntry"),
        .account = GW_STR_INIT("012345678910"),
        .region = GW_STR_INIT("us-west-2"),
        .cluster = GW_STR_INIT("my-cluster"),
        .request_id = GW_STR_INIT("00000000-0000-4000-8000-000000000000"),
    };
    double rounds[ROUNDS];
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    for (size_t r = 0; r < ROUNDS; r++) {
        double start = now_ns();

        for (int i = 0; i < CALLS; i++)
            ask(hooks, &request, &arena);
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

/* Behind no host: this loop raises nothing. */
static double plain_ns(void)
{
    lua_State *L = luaL_newstate();
    double rounds[ROUNDS];

    if (L == NULL)
        gw_fatal("out of memory");
    for (size_t r = 0; r < ROUNDS; r++) {
        double start = now_ns();

        (void)l_loop(L);
        rounds[r] = (now_ns() - start) / TURNS;
    }
    lua_close(L);
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
    printf("hook authorize ns=%.0f\n", hook_ns(gw_script_hooks(script)));
    printf("loop counted ns=%.1f plain ns=%.1f\n", counted_ns(), plain_ns());
    gw_script_free(&script);
    gw_script_set_free(&set);
    unlink(path);
    rmdir(folder);
    return 0;
}
