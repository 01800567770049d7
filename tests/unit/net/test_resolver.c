/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that are known, not known, not known any more, and a name server that
 * doesn't answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/resolver.h"

#define PATIENCE 10000 /* milliseconds before a test gives up */

/* The name server: what it answers the test says, and when. Lives for ever: a look-up may outlive its test. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool holds;          /* look-ups hang */
    unsigned asked;      /* look-ups that have begun */
    unsigned answered;   /* and ended */
    const char *address; /* NULL: there is none */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static atomic_int_fast64_t now_ms;
static atomic_uint wakes;

static int64_t tell_time(void *ctx)
{
    (void)ctx;
    return atomic_load(&now_ms);
}

static enum gw_status look_up(void *ctx, const char *host, struct gw_resolver_answer *answer, struct gw_err *err)
{
    const char *address;

    (void)ctx;
    (void)pthread_mutex_lock(&server.lock);
    server.asked++;
    while (server.holds)
        (void)pthread_cond_wait(&server.changed, &server.lock);
    address = server.address;
    server.answered++;
    (void)pthread_mutex_unlock(&server.lock);
    if (address == NULL)
        return gw_fail(err, GW_E_MISSING, "nobody knows %s", host);
    answer->count = 1;
    return gw_address_parse(gw_str_from(address), &answer->addresses[0]);
}

static void answer_with(const char *address, bool holds)
{
    (void)pthread_mutex_lock(&server.lock);
    server.address = address;
    server.holds = holds;
    (void)pthread_cond_broadcast(&server.changed);
    (void)pthread_mutex_unlock(&server.lock);
}

static unsigned asked(void)
{
    unsigned count;

    (void)pthread_mutex_lock(&server.lock);
    count = server.asked;
    (void)pthread_mutex_unlock(&server.lock);
    return count;
}

static unsigned answered(void)
{
    unsigned count;

    (void)pthread_mutex_lock(&server.lock);
    count = server.answered;
    (void)pthread_mutex_unlock(&server.lock);
    return count;
}

static void on_wake(void *ctx)
{
    (void)ctx;
    (void)atomic_fetch_add(&wakes, 1);
}

struct fixture {
    struct gw_clock clock;
    struct gw_resolver *resolver;
    struct gw_resolver_waiter waiter;
    struct gw_resolver_answer answer;
    struct gw_err err;
};

static struct gw_clock test_clock = {NULL, tell_time, tell_time};

static int setup(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    const struct gw_resolver_options options = {&test_clock, 30000, 600000, 2000, look_up, NULL};

    atomic_store(&now_ms, 1000000);
    atomic_store(&wakes, 0);
    answer_with("192.0.2.1", false);
    f->resolver = gw_resolver_new(&options);
    f->waiter = (struct gw_resolver_waiter){.wake = on_wake};
    gw_resolver_join(f->resolver, &f->waiter);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    gw_resolver_leave(f->resolver, &f->waiter);
    gw_resolver_release(&f->resolver);
    answer_with(NULL, false);
    free(f);
    return 0;
}

static enum gw_status find(struct fixture *f, const char *host)
{
    return gw_resolver_find(f->resolver, &f->waiter, gw_str_from(host), &f->answer, &f->err);
}

#define until(condition)                                                                                               \
    do {                                                                                                               \
        for (int waited = 0; !(condition); waited++) {                                                                 \
            if (waited > PATIENCE)                                                                                     \
                fail_msg("never came true: %s", #condition);                                                           \
            (void)poll(NULL, 0, 1);                                                                                    \
        }                                                                                                              \
    } while (0)

static void require_address(const struct fixture *f, size_t at, const char *expected)
{
    char text[GW_ADDRESS_TEXT];

    assert_true(f->answer.count > at);
    (void)gw_address_print(&f->answer.addresses[at], text);
    assert_string_equal(text, expected);
}

static void find__address_or_localhost__is_answered_at_once(void **state)
{
    struct fixture *f = *state;
    unsigned before = asked();

    assert_int_equal(find(f, "192.0.2.7"), GW_OK);
    require_address(f, 0, "192.0.2.7");
    assert_int_equal(find(f, "fd00::7"), GW_OK);
    require_address(f, 0, "fd00::7");
    assert_int_equal(find(f, "LOCALHOST"), GW_OK);
    require_address(f, 0, "127.0.0.1");
    require_address(f, 1, "::1");
    assert_int_equal(asked(), before);
}

static void find__name__wakes_and_is_known_for_a_while(void **state)
{
    struct fixture *f = *state;
    unsigned before = asked();

    assert_int_equal(find(f, "a.example"), GW_AGAIN);
    until(atomic_load(&wakes) == 1);
    assert_int_equal(find(f, "A.Example"), GW_OK);
    require_address(f, 0, "192.0.2.1");
    atomic_fetch_add(&now_ms, 29999);
    assert_int_equal(find(f, "a.example"), GW_OK);
    assert_int_equal(asked(), before + 1);
}

static void find__no_longer_fresh__is_given_and_followed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(find(f, "a.example"), GW_AGAIN);
    until(find(f, "a.example") == GW_OK);
    answer_with("192.0.2.2", true);
    atomic_fetch_add(&now_ms, 30000);
    assert_int_equal(find(f, "a.example"), GW_OK);
    require_address(f, 0, "192.0.2.1");
    answer_with("192.0.2.2", false);
    until(find(f, "a.example") == GW_OK && f->answer.addresses[0].bytes[3] == 2);
}

static void find__doubted__is_looked_up_anew(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(find(f, "a.example"), GW_AGAIN);
    until(find(f, "a.example") == GW_OK);
    answer_with("192.0.2.3", false);
    gw_resolver_doubt(f->resolver, GW_STR("a.example"));
    gw_resolver_doubt(f->resolver, GW_STR("never.example"));
    until(find(f, "a.example") == GW_OK && f->answer.addresses[0].bytes[3] == 3);
}

static void find__name_server_fails__last_known_serves_until_it_is_too_old(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    assert_int_equal(find(f, "a.example"), GW_AGAIN);
    until(find(f, "a.example") == GW_OK);
    answer_with(NULL, false);
    before = asked();
    atomic_fetch_add(&now_ms, 300000);
    assert_int_equal(find(f, "a.example"), GW_OK);
    until(asked() == before + 1);
    assert_int_equal(find(f, "a.example"), GW_OK);
    atomic_fetch_add(&now_ms, 300000);
    until(find(f, "a.example") == GW_E_MISSING);
    assert_string_equal(f->err.text, "a.example: nobody knows a.example");
}

static void find__unknown_name__is_not_asked_for_again_at_once(void **state)
{
    struct fixture *f = *state;
    unsigned before = asked();

    answer_with(NULL, false);
    assert_int_equal(find(f, "b.example"), GW_AGAIN);
    until(find(f, "b.example") == GW_E_MISSING);
    assert_int_equal(asked(), before + 1);
    atomic_fetch_add(&now_ms, 2000);
    answer_with("192.0.2.4", false);
    assert_int_equal(find(f, "b.example"), GW_AGAIN);
    until(find(f, "b.example") == GW_OK);
}

static void find__many_names_and_a_server_that_hangs__queue_is_bounded(void **state)
{
    struct fixture *f = *state;
    unsigned before = asked();
    size_t taken = 0;

    answer_with("192.0.2.1", true);
    assert_int_equal(find(f, "first.example"), GW_AGAIN);
    until(asked() == before + 1);
    for (int i = 0; i < 2 * GW_RESOLVER_QUEUE; i++) {
        char host[32];
        enum gw_status status;

        (void)snprintf(host, sizeof(host), "%d.example", i);
        status = find(f, host);
        assert_true(status == GW_AGAIN || status == GW_E_BUSY);
        taken += status == GW_AGAIN;
    }
    assert_int_equal(taken, GW_RESOLVER_QUEUE);
    assert_int_equal(find(f, "127.0.0.1"), GW_OK);
}

static void find__more_names_than_are_kept__oldest_go(void **state)
{
    struct fixture *f = *state;
    unsigned before;

    for (int i = 0; i < 2 * GW_RESOLVER_NAMES; i++) {
        char host[32];

        (void)snprintf(host, sizeof(host), "%d.example", i);
        until(find(f, host) == GW_OK);
    }
    before = asked();
    assert_int_equal(find(f, "0.example"), GW_AGAIN);
    until(asked() == before + 1);
}

static void find__no_name__is_refused(void **state)
{
    struct fixture *f = *state;
    char longest[GW_RESOLVER_HOST + 2];

    memset(longest, 'a', sizeof(longest));
    assert_int_equal(find(f, ""), GW_E_SYNTAX);
    assert_int_equal(gw_resolver_find(f->resolver, &f->waiter, GW_STR("a\0b"), &f->answer, &f->err), GW_E_SYNTAX);
    assert_int_equal(
        gw_resolver_find(f->resolver, &f->waiter, (struct gw_str){longest, GW_RESOLVER_HOST + 1}, &f->answer, &f->err),
        GW_E_SYNTAX);
}

/* The last one leaves while the name server hangs: nobody waits, and nothing is woken afterwards. */
static void release__while_it_hangs__returns_at_once(void **state)
{
    struct fixture *f = *state;
    const struct gw_resolver_options options = {&test_clock, 30000, 600000, 2000, look_up, NULL};
    struct gw_resolver *resolver = gw_resolver_new(&options);
    struct gw_resolver_waiter waiter = {.wake = on_wake};
    unsigned before = asked();
    unsigned ended;

    (void)f;
    answer_with("192.0.2.1", true);
    gw_resolver_join(resolver, &waiter);
    assert_int_equal(gw_resolver_find(resolver, &waiter, GW_STR("a.example"), &f->answer, &f->err), GW_AGAIN);
    until(asked() == before + 1);
    gw_resolver_leave(resolver, &waiter);
    gw_resolver_release(&resolver);
    assert_null(resolver);
    ended = answered();
    answer_with("192.0.2.1", false);
    until(answered() > ended);
    assert_int_equal(atomic_load(&wakes), 0);
}

static void shared__held_twice__is_one(void **state)
{
    struct gw_resolver *one = gw_resolver_shared();
    struct gw_resolver *two = gw_resolver_shared();

    (void)state;
    assert_ptr_equal(one, two);
    gw_resolver_release(&one);
    gw_resolver_release(&two);
    gw_resolver_release(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(find__address_or_localhost__is_answered_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(find__name__wakes_and_is_known_for_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(find__no_longer_fresh__is_given_and_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(find__doubted__is_looked_up_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(find__name_server_fails__last_known_serves_until_it_is_too_old, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(find__unknown_name__is_not_asked_for_again_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(find__many_names_and_a_server_that_hangs__queue_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(find__more_names_than_are_kept__oldest_go, setup, teardown),
        cmocka_unit_test_setup_teardown(find__no_name__is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(release__while_it_hangs__returns_at_once, setup, teardown),
        cmocka_unit_test(shared__held_twice__is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
