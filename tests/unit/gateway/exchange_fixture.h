/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_EXCHANGE_FIXTURE_H
#define GW_TEST_EXCHANGE_FIXTURE_H

/*
 * One gateway and one worker on fakes: policies that answer what the test wants,
 * a disk that can be full, signed creates as the server would hand them over. One
 * program includes it once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "codec/digest.h"
#include "codec/sigv4.h"
#include "fake_server.h"
#include "journal/journal.h"

#define NOW_MS 1440938160000 /* 20150830T123600Z */

static const char keys_text[] =
    "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"wJalrXUtnFEMI/"
    "K7MDENG+bPxRfiCYEXAMPLEKEY\",\"Arn\":\"arn:aws:iam::012345678910:user/quickstart\"}]}";
static const char principal[] = "arn:aws:iam::012345678910:role/r";

/* Policies that answer what the test wants. */
struct fake_policies {
    enum gw_policy_answer authorize;
    enum gw_policy_answer audit;
    bool open_fails;
    bool wants_authorize;
    unsigned needs;
    void (*on_decision)(void *ctx); /* may be NULL: what else happens while the policy decides */
    void *on_decision_ctx;
    unsigned authorized;
    unsigned passes; /* that the last authorize was told of */
    bool saw_entry;
    bool wants_audit;
    bool wants_outcome;
    struct gw_policy_call *call;
    struct gw_fault fault; /* NONE: nobody has the hook */
    enum gw_policy_answer conflict;
    bool wants_conflict;
    bool adopts;
    unsigned conflicts;
    unsigned finished;
    unsigned audits;
    unsigned outcomes;
    unsigned faults;
};

struct fixture {
    char folder[64];
    char path[96];
    struct gw_epoch *epoch;
    struct gw_store *store;
    struct gw_journal *journal;
    struct gw_gateway *gateway;
    struct gw_worker *worker;
    struct gw_loop loop;
    struct gw_clock clock;
    struct fake_policies policies;
    struct gw_policy_hooks hooks;
};

/* The disk of the audit file; written by the test while no job is under way, read by the writer's thread. */
static _Atomic bool disk_is_full;

static ssize_t write_or_not(int fd, const void *bytes, size_t length)
{
    if (!disk_is_full)
        return write(fd, bytes, length);
    errno = ENOSPC;
    return -1;
}

static struct gw_journal_io journal_io;

static int64_t fixed_now(void *ctx)
{
    (void)ctx;
    return NOW_MS;
}

static enum gw_policy_answer fake_authorize(void *ctx, struct gw_policy_call *call)
{
    struct fake_policies *policies = ctx;

    policies->call = call;
    policies->authorized++;
    policies->passes = call->passes;
    policies->saw_entry = call->request->entry != NULL;
    assert_int_equal(call->request->facts, policies->needs);
    if (policies->on_decision != NULL)
        policies->on_decision(policies->on_decision_ctx);
    call->refusal = (struct gw_policy_refusal){
        .verdict = GW_VERDICT_DENY, .policy = GW_STR_INIT("fake"), .reason = GW_STR_INIT("not today")};
    return policies->authorize;
}

static enum gw_policy_answer fake_audit(void *ctx, struct gw_policy_call *call, const struct gw_json *record,
                                        struct gw_json *fields)
{
    struct fake_policies *policies = ctx;

    policies->audits++;
    assert_non_null(gw_json_get(record, "operation"));
    fields->type = GW_JSON_NULL;
    call->refusal = (struct gw_policy_refusal){.verdict = GW_VERDICT_DENY,
                                               .failed = true,
                                               .policy = GW_STR_INIT("fake"),
                                               .reason = GW_STR_INIT("policy failed")};
    return policies->audit;
}

static enum gw_policy_answer fake_conflict(void *ctx, struct gw_policy_call *call, bool *adopt)
{
    struct fake_policies *policies = ctx;

    policies->call = call;
    policies->conflicts++;
    if (policies->on_decision != NULL)
        policies->on_decision(policies->on_decision_ctx);
    call->refusal = (struct gw_policy_refusal){.verdict = GW_VERDICT_DENY,
                                               .failed = true,
                                               .policy = GW_STR_INIT("fake"),
                                               .reason = GW_STR_INIT("policy failed")};
    *adopt = policies->adopts;
    return policies->conflict;
}

static enum gw_policy_answer fake_fault(void *ctx, struct gw_policy_call *call, struct gw_fault *fault)
{
    struct fake_policies *policies = ctx;

    (void)call;
    policies->faults++;
    *fault = policies->fault;
    return GW_POLICY_DONE;
}

static void fake_outcome(void *ctx, struct gw_policy_call *call, const struct gw_json *record)
{
    struct fake_policies *policies = ctx;

    (void)call;
    policies->outcomes++;
    assert_non_null(gw_json_get(record, "outcome"));
    if (policies->on_decision != NULL)
        policies->on_decision(policies->on_decision_ctx);
}

static void fake_finish(void *ctx, struct gw_policy_call *call)
{
    struct fake_policies *policies = ctx;

    (void)call;
    policies->finished++;
}

static bool fake_wants(void *ctx, enum gw_policy_hook hook, struct gw_str operation)
{
    struct fake_policies *policies = ctx;

    (void)operation;
    return (hook == GW_HOOK_AUTHORIZE && policies->wants_authorize) ||
           (hook == GW_HOOK_AUDIT && policies->wants_audit) || (hook == GW_HOOK_OUTCOME && policies->wants_outcome) ||
           (hook == GW_HOOK_CONFLICT && policies->wants_conflict) ||
           (hook == GW_HOOK_FAULT && policies->fault.kind != GW_FAULT_NONE);
}

static unsigned fake_needs(void *ctx, struct gw_str operation)
{
    struct fake_policies *policies = ctx;

    assert_true(operation.length > 0);
    return policies->needs;
}

static enum gw_status fake_open(void *ctx, struct gw_policy_counters *counters,
                                const struct gw_policy_services *services, void **instance,
                                const struct gw_policy_hooks **hooks, struct gw_err *err)
{
    struct fixture *f = ctx;

    (void)counters;
    (void)services;
    if (f->policies.open_fails)
        return gw_fail(err, GW_E_SCRIPT, "no state");
    *instance = NULL;
    *hooks = &f->hooks;
    return GW_OK;
}

static struct gw_gateway_settings *make_settings(struct fixture *f)
{
    static const struct gw_gateway_cluster clusters[] = {{.name = GW_STR_INIT("c"), .mode = GW_EKS_MODE_API}};
    struct gw_gateway_settings *settings = gw_gateway_settings_new();

    settings->partition = GW_STR("aws");
    settings->account = GW_STR("012345678910");
    settings->region = GW_STR("us-west-2");
    settings->clusters = clusters;
    settings->cluster_count = 1;
    settings->limits =
        (struct gw_eks_limits){.entries_per_cluster = 2, .groups_per_entry = 100, .policies_per_entry = 20};
    settings->audit = true;
    settings->strangers_per_s = 1;
    settings->policies = (struct gw_policy_source){.ctx = f, .count = 1, .open = fake_open};
    return settings;
}

static int open_fixture(void **state)
{
    static const struct gw_store_options store_options = {
        .tokens_max = 100, .tokens_per_entry_max = 16, .token_age_ms = 1000};
    static const struct gw_str regions[] = {GW_STR_INIT("us-west-2")};
    struct gw_gateway_options options = {.verify = {.regions = regions, .region_count = 1, .clock_window_s = 300},
                                         .commit = {.queue_max = 100, .queue_age_ms = 60000}};
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    struct gw_journal_options journal_options = {.path = f->path, .io = &journal_io};
    struct gw_gateway_settings *settings;
    struct gw_keyring *keyring = NULL;
    struct gw_err err;

    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/gw_exchange_XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof(f->path), "%s/audit.jsonl", f->folder);
    (void)pthread_mutex_init(&f->loop.lock, NULL);
    (void)pthread_cond_init(&f->loop.cond, NULL);
    f->clock = (struct gw_clock){NULL, fixed_now, fixed_now};
    f->hooks = (struct gw_policy_hooks){.ctx = &f->policies,
                                        .authorize = fake_authorize,
                                        .audit = fake_audit,
                                        .outcome = fake_outcome,
                                        .conflict = fake_conflict,
                                        .fault = fake_fault,
                                        .finish = fake_finish,
                                        .wants = fake_wants,
                                        .needs = fake_needs};
    f->epoch = gw_epoch_new();
    f->store = gw_store_open_memory(&store_options, f->epoch, gw_random_system());
    journal_io = *gw_journal_io_system();
    journal_io.write = write_or_not;
    assert_int_equal(gw_journal_open(&journal_options, &f->journal, &err), GW_OK);
    assert_int_equal(gw_keyring_parse(gw_str_from(keys_text), "keys", &keyring, &err), GW_OK);
    settings = make_settings(f);
    f->gateway =
        gw_gateway_new(&options, &settings, &keyring, f->epoch, f->store, f->journal, &f->clock, gw_random_system());
    assert_int_equal(gw_gateway_make_clusters(f->gateway, &err), GW_OK);
    assert_int_equal(gw_worker_new(f->gateway, &f->loop, &f->worker, &err), GW_OK);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    gw_worker_free(&f->worker);
    gw_gateway_free(&f->gateway);
    gw_journal_close(&f->journal);
    gw_store_close(&f->store);
    gw_epoch_free(&f->epoch);
    (void)unlink(f->path);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static const struct gw_server_handler *handler_of(struct fixture *f)
{
    return &gw_worker_server(f->worker)->handler;
}

/* A signed create of `arn`, parsed as the server would. `text` holds the bytes. */
static void make_create(struct gw_conn *conn, const char *arn, char *text, size_t size)
{
    static const struct gw_http1_limits limits = {.head_bytes = 8192, .headers = 32, .body_bytes = 8192};
    struct gw_header headers[] = {{GW_STR_INIT("host"), GW_STR_INIT("localhost"), GW_HEADER_HOST},
                                  {GW_STR_INIT("x-amz-date"), GW_STR_INIT("20150830T123600Z"), GW_HEADER_X_AMZ_DATE}};
    struct gw_sigv4_request to_sign = {.method = GW_STR_INIT("POST"),
                                       .path = GW_STR_INIT("/clusters/c/access-entries"),
                                       .headers = headers,
                                       .header_count = 2};
    struct gw_hmac_key key;
    struct gw_sigv4_signer signer = {.access_key = GW_STR_INIT("AKIDEXAMPLE"),
                                     .time = GW_STR_INIT("20150830T123600Z"),
                                     .region = GW_STR_INIT("us-west-2"),
                                     .service = GW_STR_INIT("eks"),
                                     .key = &key};
    struct gw_http1_error error;
    struct gw_arena arena;
    struct gw_buf authorization;
    char body[512];
    size_t scanned = 0;
    int length = snprintf(body, sizeof(body), "{\"principalArn\":\"%s\"}", arn);

    memset(conn, 0, sizeof(*conn));
    gw_arena_init(&conn->arena, 0);
    gw_arena_init(&arena, 0);
    gw_buf_init(&authorization, 1024);
    gw_digest_sha256((struct gw_str){body, (size_t)length}, to_sign.payload);
    gw_sigv4_derive_key(GW_STR("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), GW_STR("20150830"), GW_STR("us-west-2"),
                        GW_STR("eks"), &key);
    assert_int_equal(gw_sigv4_sign(&signer, &to_sign, &arena, &authorization), GW_OK);
    (void)snprintf(text, size,
                   "POST /clusters/c/access-entries HTTP/1.1\r\nHost: localhost\r\nX-Amz-Date: 20150830T123600Z\r\n"
                   "Authorization: %.*s\r\nContent-Length: %d\r\n\r\n%s",
                   (int)authorization.length, authorization.at, length, body);
    assert_int_equal(gw_http1_parse_head(gw_str_from(text), &limits, &scanned, &conn->request, &error), GW_OK);
    conn->body = gw_str_from(text + conn->request.head_length);
    gw_buf_fini(&authorization);
    gw_arena_fini(&arena);
}

/* Head and body, as the server hands them over. */
static inline void send_create(struct fixture *f, struct gw_conn *conn, const char *arn, char *text, size_t size)
{
    make_create(conn, arn, text, size);
    if (handler_of(f)->on_head(handler_of(f)->ctx, conn) == GW_OK)
        handler_of(f)->on_request(handler_of(f)->ctx, conn);
    fake_turn(&f->loop);
}

static inline void end(struct fixture *f, struct gw_conn *conn)
{
    handler_of(f)->on_done(handler_of(f)->ctx, conn);
    gw_arena_fini(&conn->arena);
}

static inline bool audit_holds(const struct fixture *f, const char *part)
{
    char text[16384];
    FILE *file = fopen(f->path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    return strstr(text, part) != NULL;
}

/* The same with the reply. */
static inline void create_through(struct fixture *f, struct gw_conn *conn, const char *arn, char *text, size_t size)
{
    send_create(f, conn, arn, text, size);
    while (conn->replies == 0) {
        fake_wait(&f->loop);
        fake_turn(&f->loop);
    }
}

static inline bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

#endif
