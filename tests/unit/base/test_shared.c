/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared bytes: a copy that lives as long as its last holder, whichever thread
 * that is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/shared.h"

#define THREADS 4
#define ROUNDS  20000

static void shared_new__bytes__are_a_copy(void **state)
{
    char text[] = "one\0two";
    struct gw_shared *shared = gw_shared_new((struct gw_str){text, 7});

    (void)state;
    memset(text, 'z', sizeof(text));
    assert_int_equal(gw_shared_str(shared).length, 7);
    assert_memory_equal(gw_shared_str(shared).at, "one\0two", 7);
    gw_shared_drop(&shared);
    assert_null(shared);
}

static void shared_new__absent_and_empty__stay_what_they_are(void **state)
{
    struct gw_shared *absent = gw_shared_new(GW_STR_NONE);
    struct gw_shared *empty = gw_shared_new(GW_STR(""));

    (void)state;
    assert_null(absent);
    assert_null(gw_shared_hold(absent));
    assert_null(gw_shared_str(absent).at);
    assert_non_null(gw_shared_str(empty).at);
    assert_int_equal(gw_shared_str(empty).length, 0);
    gw_shared_drop(&absent);
    gw_shared_drop(&empty);
}

static void shared_drop__bytes_stay__until_the_last_holder_is_gone(void **state)
{
    struct gw_shared *first = gw_shared_new(GW_STR("kept"));
    struct gw_shared *second = gw_shared_hold(first);

    (void)state;
    assert_ptr_equal(first, second);
    gw_shared_drop(&first);
    assert_null(first);
    assert_true(gw_str_is(gw_shared_str(second), "kept"));
    gw_shared_drop(&second);
}

/* Holds and drops, and drops what it was given at the end. */
static void *hold_and_drop(void *argument)
{
    struct gw_shared *mine = argument;
    struct gw_shared *again;
    size_t wrong = 0;

    for (int i = 0; i < ROUNDS; i++) {
        again = gw_shared_hold(mine);
        gw_shared_drop(&mine);
        mine = again;
        wrong += gw_str_is(gw_shared_str(mine), "of all threads") ? 0 : 1;
    }
    gw_shared_drop(&mine);
    return wrong == 0 ? NULL : argument;
}

static void shared__held_and_dropped_by_many_threads__is_whole_and_freed_once(void **state)
{
    struct gw_shared *shared = gw_shared_new(GW_STR("of all threads"));
    pthread_t threads[THREADS];
    void *wrong = NULL;

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, gw_shared_hold(shared)), 0);
    gw_shared_drop(&shared);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_new__bytes__are_a_copy),
        cmocka_unit_test(shared_new__absent_and_empty__stay_what_they_are),
        cmocka_unit_test(shared_drop__bytes_stay__until_the_last_holder_is_gone),
        cmocka_unit_test(shared__held_and_dropped_by_many_threads__is_whole_and_freed_once),
    };

    return cmocka_run_group_tests_name("base/shared", tests, NULL, NULL);
}
