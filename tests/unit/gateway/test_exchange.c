/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests through the stages with policies, journal and connections faked: what
 * waits goes on, what fails refuses, and nothing is changed without its record.
 */
#include "exchange_fixture.h"

static void exchange__create__replies_after_its_record(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    send_create(f, &conn, principal, text, sizeof(text));
    assert_int_equal(conn.replies, 0);
    fake_wait(&f->loop);
    assert_int_equal(conn.replies, 1);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_int_equal(gw_store_count(f->store), 1);
    end(f, &conn);
}

static void exchange__waiting_policy__goes_on_when_woken(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_WAITING;
    send_create(f, &conn, principal, text, sizeof(text));
    assert_int_equal(conn.replies, 0);
    assert_int_equal(gw_store_count(f->store), 0);
    f->policies.authorize = GW_POLICY_DONE;
    f->policies.call->wake(f->policies.call->wake_ctx);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conn);
    assert_int_equal(f->policies.finished, 1);
}

static void exchange__failed_policy__refuses_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_FAILED;
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop); /* the refusal is recorded first */
    assert_true(holds(conn.reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(holds(conn.reply_head, "x-amzn-ErrorType: AccessDeniedException\r\n"));
    assert_true(holds(conn.reply_body, "(eksgate policy fake: not today, request "));
    assert_int_equal(gw_store_count(f->store), 0);
    end(f, &conn);
}

static void exchange__failed_audit_hook__refuses_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_audit = true;
    f->policies.audit = GW_POLICY_FAILED;
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(holds(conn.reply_body, "policy failed"));
    assert_true(audit_holds(f, "{\"policy\":\"fake\",\"verdict\":\"deny\",\"reason\":\"policy failed\"}"));
    assert_int_equal(f->policies.audits, 1);
    assert_int_equal(gw_store_count(f->store), 0);
    end(f, &conn);
}

static void exchange__policies_that_cannot_be_made__refuse(void **state)
{
    struct fixture *f = *state;
    struct gw_gateway_settings *settings = make_settings(f);
    struct gw_conn conn;
    char text[4096];

    f->policies.open_fails = true;
    (void)gw_gateway_apply(f->gateway, &settings);
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    if (conn.replies == 0) /* the first wake-up told of the new settings */
        fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    assert_int_equal(gw_store_count(f->store), 0);
    end(f, &conn);
}

static void exchange__overtaken_create__is_409_not_a_second_entry(void **state)
{
    struct fixture *f = *state;
    struct gw_conn first;
    struct gw_conn second;
    char first_text[4096];
    char second_text[4096];

    make_create(&first, principal, first_text, sizeof(first_text));
    make_create(&second, principal, second_text, sizeof(second_text));
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &first), GW_OK);
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &second), GW_OK);
    handler_of(f)->on_request(handler_of(f)->ctx, &first);
    handler_of(f)->on_request(handler_of(f)->ctx, &second); /* both prepared on a store without the entry */
    fake_turn(&f->loop);
    while (first.replies == 0 || second.replies == 0) {
        fake_wait(&f->loop);
        fake_turn(&f->loop);
    }
    assert_true(holds(first.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(holds(second.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    assert_int_equal(gw_store_count(f->store), 1);
    end(f, &first);
    end(f, &second);
}

static void exchange__unwritable_audit__is_503_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    disk_is_full = true;
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_true(holds(conn.reply_head, "ServiceUnavailableException"));
    assert_int_equal(gw_store_count(f->store), 0);
    end(f, &conn);
    disk_is_full = false;
    send_create(f, &conn, principal, text, sizeof(text));
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conn);
}

static void exchange__full_cluster__is_refused_by_the_writer_too(void **state)
{
    struct fixture *f = *state;
    static const char *const arns[] = {"arn:aws:iam::012345678910:role/a", "arn:aws:iam::012345678910:role/b",
                                       "arn:aws:iam::012345678910:role/c"};
    struct gw_conn conns[3];
    static char texts[3][4096];

    for (size_t i = 0; i < 3; i++) {
        make_create(&conns[i], arns[i], texts[i], sizeof(texts[i]));
        assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conns[i]), GW_OK);
        handler_of(f)->on_request(handler_of(f)->ctx, &conns[i]); /* all three see an empty cluster */
    }
    fake_turn(&f->loop);
    while (conns[0].replies == 0 || conns[1].replies == 0 || conns[2].replies == 0) {
        fake_wait(&f->loop);
        fake_turn(&f->loop);
    }
    assert_true(holds(conns[1].reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(holds(conns[2].reply_head, "ResourceLimitExceededException"));
    assert_int_equal(gw_store_count(f->store), 2);
    for (size_t i = 0; i < 3; i++)
        end(f, &conns[i]);
}

static void exchange__wrong_signature__never_meets_a_policy(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_authorize = true;
    f->policies.wants_audit = true;
    make_create(&conn, principal, text, sizeof(text));
    conn.body = GW_STR("{\"principalArn\":\"arn:aws:iam::012345678910:role/other\"}");
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conn), GW_OK);
    handler_of(f)->on_request(handler_of(f)->ctx, &conn);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "InvalidSignatureException"));
    assert_null(f->policies.call);
    assert_int_equal(f->policies.audits, 0);
    end(f, &conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(exchange__create__replies_after_its_record),
        WITH_FIXTURE(exchange__waiting_policy__goes_on_when_woken),
        WITH_FIXTURE(exchange__failed_policy__refuses_and_changes_nothing),
        WITH_FIXTURE(exchange__failed_audit_hook__refuses_and_changes_nothing),
        WITH_FIXTURE(exchange__policies_that_cannot_be_made__refuse),
        WITH_FIXTURE(exchange__overtaken_create__is_409_not_a_second_entry),
        WITH_FIXTURE(exchange__unwritable_audit__is_503_and_changes_nothing),
        WITH_FIXTURE(exchange__full_cluster__is_refused_by_the_writer_too),
        WITH_FIXTURE(exchange__wrong_signature__never_meets_a_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
