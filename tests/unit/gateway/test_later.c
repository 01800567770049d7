/* SPDX-License-Identifier: Apache-2.0 */
/* Whose hooks run in which turn of the loop: one slice for all of them, however many ask at once. */
#include "exchange_fixture.h"

#include <time.h>

#include "gateway/exchange.h"

#define CONNS 4

struct crowd {
    struct gw_conn conns[CONNS];
    char texts[CONNS][4096];
};

/* More than a slice, whatever else the machine does. */
static void take_long(void *ctx)
{
    struct timespec began;
    struct timespec now;

    (void)ctx;
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    do
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - began.tv_sec) * 1000000000 + now.tv_nsec - began.tv_nsec < 1200000);
}

static void arrive(struct fixture *f, struct crowd *crowd, size_t i)
{
    char arn[64];

    (void)snprintf(arn, sizeof(arn), "arn:aws:iam::012345678910:role/r%zu", i);
    make_create(&crowd->conns[i], arn, crowd->texts[i], sizeof(crowd->texts[i]));
    assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &crowd->conns[i]), GW_OK);
    handler_of(f)->on_request(handler_of(f)->ctx, &crowd->conns[i]);
}

static void leave(struct fixture *f, struct crowd *crowd, size_t count)
{
    for (size_t i = 0; i < count; i++)
        end(f, &crowd->conns[i]);
}

static void await_replies(struct fixture *f, const struct crowd *crowd, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        while (crowd->conns[i].replies == 0) {
            fake_turn(&f->loop);
            fake_wait(&f->loop);
        }
        assert_true(holds(crowd->conns[i].reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    }
}

static void long_questions_of_one_turn__one_is_asked(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_FAILED;
    f->policies.on_decision = take_long;
    for (size_t i = 0; i < CONNS; i++)
        arrive(f, &crowd, i);
    assert_int_equal(f->policies.authorized, 1);
    for (unsigned asked = 2; asked <= CONNS; asked++) {
        fake_turn(&f->loop);
        assert_int_equal(f->policies.authorized, asked);
        assert_true(asked == CONNS || f->loop.woken); /* the loop goes on at once */
    }
    await_replies(f, &crowd, CONNS);
    assert_int_equal(f->policies.authorized, CONNS);
    leave(f, &crowd, CONNS);
}

static void short_questions__dont_queue(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_FAILED;
    arrive(f, &crowd, 0);
    f->policies.on_decision = take_long;
    arrive(f, &crowd, 1);
    assert_int_equal(f->policies.authorized, 2);
    f->loop.turns++; /* a new turn has a new slice */
    arrive(f, &crowd, 2);
    assert_int_equal(f->policies.authorized, 3);
    await_replies(f, &crowd, 3);
    leave(f, &crowd, 3);
}

static void who_hasnt_run_yet__comes_before_who_gave_way(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;
    struct gw_policy_call *first;

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_WAITING;
    f->policies.on_decision = take_long;
    arrive(f, &crowd, 0);
    first = f->policies.call;
    gw_later_add(f->worker, first);
    gw_later_add(f->worker, first); /* once is enough */
    f->policies.authorize = GW_POLICY_FAILED;
    arrive(f, &crowd, 1);
    assert_int_equal(f->policies.authorized, 1);
    assert_int_equal(f->worker->later.fresh.count, 1);
    assert_int_equal(f->worker->later.ran.count, 1);
    fake_turn(&f->loop); /* each queue gets its turn */
    assert_int_equal(f->policies.authorized, 3);
    assert_ptr_equal(f->policies.call, first);
    assert_int_equal(f->worker->later.fresh.count + f->worker->later.ran.count, 0);
    await_replies(f, &crowd, 2);
    leave(f, &crowd, 2);
}

static void client_that_leaves_the_queue__isnt_asked_about(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;

    f->policies.wants_authorize = true;
    f->policies.authorize = GW_POLICY_FAILED;
    f->policies.on_decision = take_long;
    for (size_t i = 0; i < CONNS; i++)
        arrive(f, &crowd, i);
    assert_int_equal(f->worker->later.fresh.count, 3);
    end(f, &crowd.conns[3]); /* the last, the one in the middle */
    end(f, &crowd.conns[1]);
    assert_int_equal(f->worker->later.fresh.count, 1);
    arrive(f, &crowd, 1);
    for (size_t i = 0; i < CONNS; i++)
        fake_turn(&f->loop);
    assert_int_equal(f->policies.authorized, 3);
    await_replies(f, &crowd, 3);
    leave(f, &crowd, 3);
}

static void audit_hooks_that_queue__see_the_whole_record(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;

    f->policies.wants_authorize = f->policies.wants_audit = true;
    f->policies.authorize = f->policies.audit = GW_POLICY_DONE;
    f->policies.on_decision = take_long;
    arrive(f, &crowd, 0);
    assert_int_equal(f->policies.audits, 0);
    assert_int_equal(gw_store_count(f->store), 0);
    fake_turn(&f->loop);
    assert_int_equal(f->policies.audits, 1);
    while (crowd.conns[0].replies == 0) {
        fake_turn(&f->loop);
        fake_wait(&f->loop);
    }
    assert_true(holds(crowd.conns[0].reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(audit_holds(f, "\"principalArn\":\"arn:aws:iam::012345678910:role/r0\""));
    assert_int_equal(gw_store_count(f->store), 1);
    leave(f, &crowd, 1);
}

static void outcomes_of_one_turn__one_is_told(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;

    f->policies.wants_outcome = true;
    f->policies.on_decision = take_long;
    for (size_t i = 0; i < 2; i++)
        arrive(f, &crowd, i);
    fake_turn(&f->loop); /* both changes go to the writer */
    while (f->policies.outcomes + f->worker->later.fresh.count < 2)
        fake_wait(&f->loop);
    assert_int_equal(f->policies.outcomes, 1);
    assert_int_equal(crowd.conns[0].replies + crowd.conns[1].replies, 1);
    fake_turn(&f->loop);
    assert_int_equal(f->policies.outcomes, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(crowd.conns[i].replies, 1);
        assert_true(holds(crowd.conns[i].reply_head, "HTTP/1.1 200 OK\r\n"));
        assert_true(holds(crowd.conns[i].reply_body, "\"principalArn\":\"arn:aws:iam::012345678910:role/r"));
    }
    leave(f, &crowd, 2);
}

static void second_set__takes_its_turn_where_nobody_else_is_asked(void **state)
{
    struct fixture *f = *state;
    struct fake_policies second = {.wants_authorize = true, .authorize = GW_POLICY_DONE, .on_decision = take_long};
    struct gw_policy_hooks hooks = f->hooks;
    struct crowd crowd;

    hooks.ctx = &second;
    f->worker->policies->shadow_hooks = &hooks;
    for (size_t i = 0; i < 2; i++)
        arrive(f, &crowd, i);
    assert_int_equal(second.authorized, 1);
    fake_turn(&f->loop);
    assert_int_equal(second.authorized, 2);
    for (size_t i = 0; i < 2; i++) {
        while (crowd.conns[i].replies == 0) {
            fake_turn(&f->loop);
            fake_wait(&f->loop);
        }
        assert_true(holds(crowd.conns[i].reply_head, "HTTP/1.1 200 OK\r\n"));
    }
    assert_int_equal(second.authorized + second.finished, 4);
    leave(f, &crowd, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(long_questions_of_one_turn__one_is_asked),
        WITH_FIXTURE(short_questions__dont_queue),
        WITH_FIXTURE(who_hasnt_run_yet__comes_before_who_gave_way),
        WITH_FIXTURE(client_that_leaves_the_queue__isnt_asked_about),
        WITH_FIXTURE(audit_hooks_that_queue__see_the_whole_record),
        WITH_FIXTURE(outcomes_of_one_turn__one_is_told),
        WITH_FIXTURE(second_set__takes_its_turn_where_nobody_else_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
