/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generations of settings and policies: a request ends on the one that it began
 * on and its record says which, and an old one is closed when nobody is left on it,
 * by a worker without requests too.
 */
#include "exchange_fixture.h"

static unsigned opened;
static unsigned closed;

static enum gw_status open_counted(void *ctx, struct gw_policy_counters *counters,
                                   const struct gw_policy_services *services, void **instance,
                                   const struct gw_policy_hooks **hooks, struct gw_err *err)
{
    struct fixture *f = ctx;

    (void)counters;
    (void)services;
    (void)err;
    opened++;
    *instance = f;
    *hooks = &f->hooks;
    return GW_OK;
}

static void close_counted(void *instance)
{
    (void)instance;
    closed++;
}

/* A reload; the worker isn't told yet. */
static void apply(struct fixture *f)
{
    struct gw_gateway_settings *settings = make_settings(f);

    settings->policies.open = open_counted;
    settings->policies.close = close_counted;
    (void)gw_gateway_apply(f->gateway, &settings);
}

static uint64_t generations(struct fixture *f)
{
    struct gw_epoch_reader *reader = gw_epoch_register(f->epoch);
    struct gw_metrics_sources sources = {0};
    struct gw_arena arena;
    uint64_t count;

    gw_arena_init(&arena, 0);
    gw_gateway_metrics(f->gateway, reader, &arena, &sources);
    count = sources.workers[0]->policy_generations;
    gw_arena_fini(&arena);
    gw_epoch_unregister(reader);
    return count;
}

/* Of the settings in force. */
static long long current(struct fixture *f)
{
    struct gw_epoch_reader *reader = gw_epoch_register(f->epoch);
    struct gw_metrics_sources sources = {0};
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    gw_gateway_metrics(f->gateway, reader, &arena, &sources);
    gw_arena_fini(&arena);
    gw_epoch_unregister(reader);
    return (long long)sources.generation;
}

static bool audit_names(const struct fixture *f, long long generation)
{
    char part[64];

    (void)snprintf(part, sizeof(part), "\"generation\":%lld,", generation);
    return audit_holds(f, part);
}

static int begin_counting(void **state)
{
    int code = open_fixture(state);
    struct fixture *f = *state;

    opened = 0;
    closed = 0;
    apply(f);
    fake_wait(&f->loop);
    assert_int_equal(opened, 1);
    return code;
}

static void generations__idle_worker__closes_the_old_one(void **state)
{
    struct fixture *f = *state;

    apply(f);
    fake_wait(&f->loop);
    assert_int_equal(opened, 2);
    assert_int_equal(closed, 1);
    assert_int_equal(generations(f), 1);
}

static void generations__waiting_request__keeps_its_own(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];
    long long first = current(f);

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_WAITING;
    send_create(f, &conn, principal, text, sizeof(text));
    apply(f);
    fake_wait(&f->loop);
    assert_int_equal(opened, 2);
    assert_int_equal(closed, 0);
    assert_int_equal(generations(f), 2);
    f->policies.authorize = GW_POLICY_DONE;
    f->policies.call->wake(f->policies.call->wake_ctx);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(current(f) > first);
    assert_true(audit_names(f, first));
    assert_false(audit_names(f, current(f)));
    end(f, &conn);
    assert_int_equal(closed, 1);
    assert_int_equal(generations(f), 1);
}

/* What a worker sees first may be a request. */
static void generations__request_before_the_wake_up__runs_on_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    apply(f);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_true(audit_names(f, current(f)));
    assert_int_equal(closed, 1);
    end(f, &conn);
}

static void generations__refused_stranger__is_recorded_with_it(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    make_create(&conn, principal, text, sizeof(text));
    conn.body = GW_STR("{\"principalArn\":\"another\"}"); /* not what was signed */
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conn), GW_OK);
    handler_of(f)->on_request(handler_of(f)->ctx, &conn);
    fake_turn(&f->loop);
    while (conn.replies == 0)
        fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(audit_names(f, current(f)));
    end(f, &conn);
}

/* Whose head is no good never gets to the body. */
static void generations__refused_head__is_recorded_with_it(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    make_create(&conn, principal, text, sizeof(text));
    memcpy(strstr(text, "AKIDEXAMPLE"), "AKIDNOBODYX", 11);
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conn), GW_E_DENIED);
    fake_turn(&f->loop);
    while (conn.replies == 0)
        fake_wait(&f->loop);
    assert_true(audit_names(f, current(f)));
    end(f, &conn);
}

/* Whoever is slow with a body keeps no policies alive. */
static void generations__awaited_body__holds_none(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    make_create(&conn, principal, text, sizeof(text));
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conn), GW_OK);
    apply(f);
    fake_wait(&f->loop);
    assert_int_equal(generations(f), 1);
    handler_of(f)->on_request(handler_of(f)->ctx, &conn);
    fake_turn(&f->loop);
    while (conn.replies == 0)
        fake_wait(&f->loop);
    assert_true(audit_names(f, current(f)));
    end(f, &conn);
}

/* Not only the policies: what the configuration allows stays as it was when the request began. */
static void generations__settings__are_those_of_the_request(void **state)
{
    struct fixture *f = *state;
    struct gw_gateway_settings *settings = make_settings(f);
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_WAITING;
    send_create(f, &conn, principal, text, sizeof(text));
    settings->audit = false;
    (void)gw_gateway_apply(f->gateway, &settings);
    fake_wait(&f->loop);
    f->policies.authorize = GW_POLICY_DONE;
    f->policies.call->wake(f->policies.call->wake_ctx);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(audit_holds(f, "\"eventName\":\"CreateAccessEntry\""));
    end(f, &conn);
}

#define COUNTED(test) cmocka_unit_test_setup_teardown(test, begin_counting, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(generations__idle_worker__closes_the_old_one),
        COUNTED(generations__waiting_request__keeps_its_own),
        COUNTED(generations__request_before_the_wake_up__runs_on_the_new_one),
        COUNTED(generations__refused_stranger__is_recorded_with_it),
        COUNTED(generations__refused_head__is_recorded_with_it),
        COUNTED(generations__awaited_body__holds_none),
        COUNTED(generations__settings__are_those_of_the_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
