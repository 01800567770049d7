/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A create whose principal has an entry: the policies' question, and what its
 * answer leads to.
 */
#include "exchange_fixture.h"

static const char conflict_message[] = "The specified access entry resource is already in use on this cluster.";

static void conflict__adopted__is_200_with_the_entry_that_is_there(void **state)
{
    struct fixture *f = *state;
    struct gw_conn first;
    struct gw_conn second;
    char first_text[4096];
    char second_text[4096];

    f->policies.wants_conflict = true;
    f->policies.adopts = true;
    create_through(f, &first, principal, first_text, sizeof(first_text));
    assert_int_equal(f->policies.conflicts, 0);
    create_through(f, &second, principal, second_text, sizeof(second_text));
    assert_int_equal(f->policies.conflicts, 1);
    assert_true(holds(second.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(second.reply_body, first.reply_body);
    assert_true(audit_holds(f, "\"adopted\":true"));
    assert_int_equal(gw_store_count(f->store), 1);
    end(f, &first);
    end(f, &second);
}

static void conflict__not_adopted__stays_409(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_conflict = true;
    create_through(f, &conn, principal, text, sizeof(text));
    end(f, &conn);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.conflicts, 1);
    assert_true(holds(conn.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    assert_true(holds(conn.reply_body, conflict_message));
    assert_false(audit_holds(f, "adopted"));
    end(f, &conn);
}

static void conflict__failed_policy__is_a_refusal(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_conflict = true;
    f->policies.adopts = true;
    f->policies.conflict = GW_POLICY_FAILED;
    create_through(f, &conn, principal, text, sizeof(text));
    end(f, &conn);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_true(holds(conn.reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(holds(conn.reply_body, "(eksgate policy fake: policy failed, request "));
    end(f, &conn);
}

static void conflict__waiting_policy__is_asked_again_when_woken(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    f->policies.wants_conflict = true;
    create_through(f, &conn, principal, text, sizeof(text));
    end(f, &conn);
    f->policies.conflict = GW_POLICY_WAITING;
    send_create(f, &conn, principal, text, sizeof(text));
    assert_int_equal(conn.replies, 0);
    f->policies.conflict = GW_POLICY_DONE;
    f->policies.adopts = true;
    f->policies.call->wake(f->policies.call->wake_ctx);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_int_equal(f->policies.conflicts, 2);
    end(f, &conn);
}

/* Both saw no entry; the one that came second is prepared again and meets the first one's. */
static void conflict__lost_race__is_adopted_too(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conns[2];
    static char texts[2][4096];

    f->policies.wants_conflict = true;
    f->policies.adopts = true;
    for (size_t i = 0; i < 2; i++) {
        make_create(&conns[i], principal, texts[i], sizeof(texts[i]));
        assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conns[i]), GW_OK);
        handler_of(f)->on_request(handler_of(f)->ctx, &conns[i]);
    }
    fake_turn(&f->loop);
    while (conns[0].replies == 0 || conns[1].replies == 0) {
        fake_wait(&f->loop);
        fake_turn(&f->loop);
    }
    assert_true(holds(conns[0].reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(holds(conns[1].reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(conns[0].reply_body, conns[1].reply_body);
    assert_int_equal(gw_store_count(f->store), 1);
    for (size_t i = 0; i < 2; i++)
        end(f, &conns[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(conflict__adopted__is_200_with_the_entry_that_is_there),
        WITH_FIXTURE(conflict__not_adopted__stays_409),
        WITH_FIXTURE(conflict__failed_policy__is_a_refusal),
        WITH_FIXTURE(conflict__waiting_policy__is_asked_again_when_woken),
        WITH_FIXTURE(conflict__lost_race__is_adopted_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
