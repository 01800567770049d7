/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Injected faults: an exception or a dropped connection has no effect and is
 * recorded; a delay holds a request up and nothing else, whoever leaves meanwhile.
 */
#include "exchange_fixture.h"

static uint64_t faults_counted(struct fixture *f)
{
    struct gw_epoch_reader *reader = gw_epoch_register(f->epoch);
    struct gw_metrics_sources sources = {0};
    struct gw_arena arena;
    uint64_t count;

    gw_arena_init(&arena, 0);
    gw_gateway_metrics(f->gateway, reader, &arena, &sources);
    count = atomic_load(&sources.workers[0]->faults);
    gw_arena_fini(&arena);
    gw_epoch_unregister(reader);
    return count;
}

static void fault__error__is_answered_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_authorize = true;
    f->policies.fault = (struct gw_fault){
        .kind = GW_FAULT_ERROR, .error = GW_STR_INIT("ThrottlingException"), .message = GW_STR_INIT("Rate exceeded")};
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop); /* it is recorded first */
    assert_true(holds(conn.reply_head, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_true(holds(conn.reply_head, "x-amzn-ErrorType: ThrottlingException\r\n"));
    assert_string_equal(conn.reply_body, "{\"clusterName\":\"c\",\"message\":\"Rate exceeded\"}");
    assert_true(audit_holds(f, "\"errorCode\":\"ThrottlingException\""));
    assert_true(audit_holds(f, "\"fault\":\"error\""));
    assert_null(f->policies.call); /* authorize wasn't asked */
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(faults_counted(f), 1);
    end(f, &conn);
}

static void fault__error_without_a_message__says_what_it_is(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_ERROR, .error = GW_STR_INIT("ServerException")};
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 500 Internal Server Error\r\n"));
    assert_true(holds(conn.reply_body, "\"message\":\"An injected fault.\""));
    end(f, &conn);
}

static void fault__unknown_exception__is_no_crash(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_ERROR, .error = GW_STR_INIT("Nonsense")};
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "x-amzn-ErrorType: ServerException\r\n"));
    end(f, &conn);
}

static void fault__drop__is_recorded_and_never_replied(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DROP};
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    assert_int_equal(conn.replies, 0);
    assert_int_equal(conn.drops, 1);
    assert_true(audit_holds(f, "\"errorCode\":\"ConnectionDropped\""));
    assert_true(audit_holds(f, "\"fault\":\"drop\""));
    assert_int_equal(gw_store_count(f->store), 0);
    assert_int_equal(faults_counted(f), 1);
    end(f, &conn);
}

static void fault__delay__holds_the_request_up_then_it_goes_on(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DELAY, .delay_ms = 1500};
    send_create(f, &conn, principal, text, sizeof(text));
    assert_int_equal(conn.replies, 0);
    assert_int_equal(f->loop.timers->delay_ms, 1500);
    fake_fire(&f->loop);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(audit_holds(f, "\"fault\":\"delay\""));
    assert_int_equal(gw_store_count(f->store), 1);
    assert_int_equal(f->policies.faults, 1); /* it isn't asked again, so it isn't delayed again */
    end(f, &conn);
}

static void fault__no_delay__goes_on_at_once(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DELAY, .delay_ms = 0};
    send_create(f, &conn, principal, text, sizeof(text));
    assert_null(f->loop.timers);
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conn);
}

static void fault__exchange_that_ends_within_a_delay__is_never_woken(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conns[3];
    static char texts[3][4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DELAY, .delay_ms = 60000};
    for (size_t i = 0; i < 3; i++)
        send_create(f, &conns[i], principal, texts[i], sizeof(texts[i]));
    end(f, &conns[1]); /* as gw_server_free does for what is under way */
    end(f, &conns[0]);
    assert_non_null(f->loop.timers);
    assert_null(f->loop.timers->next);
    fake_fire(&f->loop);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(holds(conns[2].reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conns[2]);
    assert_null(f->loop.timers);
}

static void fault__drain__ends_all_delays(void **state)
{
    struct fixture *f = *state;
    static const char *const arns[] = {"arn:aws:iam::012345678910:role/a", "arn:aws:iam::012345678910:role/b"};
    struct gw_conn conns[3];
    static char texts[3][4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DELAY, .delay_ms = 60000};
    for (size_t i = 0; i < 2; i++)
        send_create(f, &conns[i], arns[i], texts[i], sizeof(texts[i]));
    gw_worker_drain(f->worker);
    fake_wait(&f->loop);
    assert_null(f->loop.timers);
    send_create(f, &conns[2], principal, texts[2], sizeof(texts[2])); /* a request whose body came late */
    assert_null(f->loop.timers);
    while (conns[0].replies == 0 || conns[1].replies == 0 || conns[2].replies == 0) {
        fake_turn(&f->loop);
        fake_wait(&f->loop);
    }
    assert_true(holds(conns[0].reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(holds(conns[1].reply_head, "HTTP/1.1 200 OK\r\n"));
    for (size_t i = 0; i < 3; i++)
        end(f, &conns[i]);
}

static void fault__bad_input__is_told_before_any_fault(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DROP};
    send_create(f, &conn, "no-arn", text, sizeof(text));
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "x-amzn-ErrorType: InvalidParameterException\r\n"));
    assert_int_equal(f->policies.faults, 0);
    end(f, &conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(fault__error__is_answered_and_changes_nothing),
        WITH_FIXTURE(fault__error_without_a_message__says_what_it_is),
        WITH_FIXTURE(fault__unknown_exception__is_no_crash),
        WITH_FIXTURE(fault__drop__is_recorded_and_never_replied),
        WITH_FIXTURE(fault__delay__holds_the_request_up_then_it_goes_on),
        WITH_FIXTURE(fault__no_delay__goes_on_at_once),
        WITH_FIXTURE(fault__exchange_that_ends_within_a_delay__is_never_woken),
        WITH_FIXTURE(fault__drain__ends_all_delays),
        WITH_FIXTURE(fault__bad_input__is_told_before_any_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
