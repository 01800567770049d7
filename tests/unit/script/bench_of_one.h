/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SCRIPT_BENCH_OF_ONE_H
#define GW_TEST_SCRIPT_BENCH_OF_ONE_H

/*
 * One worker's policies on a table: files in a temporary folder, a set, an
 * instance, and one request to ask about. Every part can be changed before
 * bench_load.
 */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "script/hooks.h"

#define BENCH_FILES 32

struct bench {
    char folder[64];
    char paths[BENCH_FILES][128];
    struct gw_str files[BENCH_FILES];
    size_t file_count;
    struct gw_script_options options;
    struct gw_script_set *set;
    struct gw_script *script;
    struct gw_policy_counters counters;
    struct gw_policy_services services;
    char printed[512];
    enum gw_log_level printed_level;
    unsigned printed_lines;
    const struct gw_policy_hooks *hooks;
    struct gw_arena arena;
    struct gw_principal principal;
    struct gw_principal caller;
    struct gw_pair caller_tags[2];
    struct gw_json input;
    struct gw_policy_request request;
    struct gw_policy_call call;
    struct gw_err err;
};

static const struct gw_str bench_members[] = {
    GW_STR_INIT("name"), GW_STR_INIT("principalArn"),       GW_STR_INIT("kubernetesGroups"), GW_STR_INIT("tags"),
    GW_STR_INIT("type"), GW_STR_INIT("clientRequestToken"), GW_STR_INIT("username"),         GW_STR_INIT("maxResults"),
};
static const struct gw_str bench_operations[] = {
    GW_STR_INIT("CreateAccessEntry"),     GW_STR_INIT("UpdateAccessEntry"),        GW_STR_INIT("DescribeAccessEntry"),
    GW_STR_INIT("AssociateAccessPolicy"), GW_STR_INIT("DisassociateAccessPolicy"), GW_STR_INIT("DeleteAccessEntry"),
};

static const struct gw_str bench_errors[] = {
    GW_STR_INIT("ThrottlingException"),
    GW_STR_INIT("ServerException"),
};

static inline void bench_print(void *ctx, enum gw_log_level level, struct gw_str policy, struct gw_str text)
{
    struct bench *bench = ctx;
    bench->printed_level = level;
    bench->printed_lines++;
    snprintf(bench->printed, sizeof bench->printed, "%.*s: %.*s", GW_STR_ARG(policy), GW_STR_ARG(text));
}

static inline void bench_set_input(struct bench *bench, const char *json)
{
    assert_int_equal(gw_json_parse(gw_str_from(json), &bench->arena, &bench->input, &bench->err), GW_OK);
}

static inline void bench_set_principal(struct bench *bench, const char *arn)
{
    assert_int_equal(gw_arn_parse_principal(gw_str_from(arn), &bench->principal), GW_OK);
}

static inline void bench_begin_request(struct bench *bench)
{
    bench->call = (struct gw_policy_call){.request = &bench->request, .arena = &bench->arena};
}

static inline void bench_init(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    gw_log_set_level(GW_LOG_ERROR);
    strncpy(bench->folder, "/tmp/eksgate-script-XXXXXX", sizeof bench->folder - 1);
    assert_non_null(mkdtemp(bench->folder));
    gw_arena_init(&bench->arena, 0);
    bench->options = (struct gw_script_options){
        .files = bench->files,
        .library = GW_SOURCE_DIR "/lua",
        .default_allow = true,
        .cpu_ms = 10,
        .memory_bytes = (size_t)1 << 20,
        .state_bytes = (size_t)8 << 20,
        .known_members = bench_members,
        .known_member_count = GW_COUNT(bench_members),
        .known_operations = bench_operations,
        .known_operation_count = GW_COUNT(bench_operations),
        .allow_faults = true,
        .known_errors = bench_errors,
        .known_error_count = GW_COUNT(bench_errors),
    };
    bench_set_principal(bench, "arn:aws:iam::012345678910:role/team-a/deployer");
    assert_int_equal(
        gw_arn_parse_principal(GW_STR("arn:aws:sts::012345678910:assumed-role/admin/anna"), &bench->caller), GW_OK);
    bench_set_input(bench,
                    "{\"name\":\"my-cluster\",\"tags\":{\"ticket\":\"T-1\"},\"kubernetesGroups\":[\"a\",\"b\"]}");
    bench->caller_tags[0] = (struct gw_pair){GW_STR("team"), GW_STR("red")};
    bench->request = (struct gw_policy_request){
        .operation = GW_STR("CreateAccessEntry"),
        .account = GW_STR("012345678910"),
        .region = GW_STR("us-west-2"),
        .cluster = GW_STR("my-cluster"),
        .principal = &bench->principal,
        .caller_access_key = GW_STR("AKIDEXAMPLE"),
        .caller = &bench->caller,
        .caller_tags = bench->caller_tags,
        .caller_tag_count = 1,
        .caller_verified = true,
        .input = &bench->input,
        .time_s = 1795363200,
        .source_ip = GW_STR("127.0.0.1"),
        .client_subject = GW_STR("CN=ci,O=Example"),
        .user_agent = GW_STR("aws-cli/2"),
        .request_id = GW_STR("6f1c0d52-0000-4000-8000-000000000000"),
    };
    bench->services = (struct gw_policy_services){.ctx = bench, .log = bench_print};
    bench_begin_request(bench);
}

static inline const char *bench_path(struct bench *bench, const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", bench->folder, name);
    return path;
}

static inline void bench_write(struct bench *bench, const char *name, const char *text, size_t length)
{
    int fd = open(bench_path(bench, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
}

/* A policy file; loaded in the order of the calls. */
static inline void bench_add(struct bench *bench, const char *name, const char *text)
{
    bench_write(bench, name, text, strlen(text));
    size_t i = bench->file_count++;
    const char *path = bench_path(bench, name);
    assert_true(strlen(path) < sizeof bench->paths[i]);
    memcpy(bench->paths[i], path, strlen(path) + 1);
    bench->files[i] = gw_str_from(bench->paths[i]);
    bench->options.file_count = bench->file_count;
}

static inline enum gw_status bench_try_load(struct bench *bench)
{
    enum gw_status status = gw_script_set_load(&bench->options, &bench->set, &bench->err);
    if (status != GW_OK)
        return status;
    status = gw_script_new(bench->set, &bench->counters, &bench->services, &bench->script, &bench->err);
    if (status == GW_OK)
        bench->hooks = gw_script_hooks(bench->script);
    return status;
}

static inline void bench_load(struct bench *bench)
{
    if (bench_try_load(bench) != GW_OK)
        fail_msg("%s", bench->err.text);
}

/* One policy called "p" with `body` as the body of hook(req). */
static inline void bench_add_hook(struct bench *bench, const char *hook, const char *body)
{
    char text[4096];
    snprintf(text, sizeof text,
             "local verdict = require('eksgate.verdict')\nlocal policy = { name = 'p' }\n"
             "function policy.%s(req)\n%s\nend\nreturn verdict and policy\n",
             hook, body);
    bench_add(bench, "p.lua", text);
}

static inline enum gw_policy_answer bench_authorize(struct bench *bench)
{
    return bench->hooks->authorize(bench->hooks->ctx, &bench->call);
}

static inline void bench_finish(struct bench *bench)
{
    bench->hooks->finish(bench->hooks->ctx, &bench->call);
    bench_begin_request(bench);
}

static inline int bench_remove(const char *path, const struct stat *facts, int kind, struct FTW *walk)
{
    (void)facts;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void bench_fini(struct bench *bench)
{
    if (bench->script != NULL)
        bench_finish(bench);
    gw_script_free(&bench->script);
    gw_script_set_free(&bench->set);
    gw_arena_fini(&bench->arena);
    assert_int_equal(nftw(bench->folder, bench_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* Of this thread: a busy machine fails no test. */
static inline double bench_cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

#endif
