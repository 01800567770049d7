/* SPDX-License-Identifier: Apache-2.0 */
/* Reclamation: nothing goes while somebody may see it, everything goes in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/epoch.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "dies.h"

static size_t released;

static void count_release(void *object)
{
    (void)object;
    released++;
}

static void retire__no_reader_inside__goes_at_the_next_reclaim(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    int object;

    (void)state;
    released = 0;
    gw_epoch_retire(epoch, &object, count_release);
    gw_epoch_retire(epoch, NULL, count_release);
    gw_epoch_reclaim(epoch);
    assert_int_equal(released, 1);
    gw_epoch_free(&epoch);
    assert_null(epoch);
    gw_epoch_free(&epoch);
    assert_int_equal(released, 1);
}

static void retire__reader_inside__waits_until_it_left(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_epoch_reader *reader = gw_epoch_register(epoch);
    int before;
    int after;

    (void)state;
    released = 0;
    gw_epoch_retire(epoch, &before, count_release);
    gw_epoch_enter(reader);
    gw_epoch_retire(epoch, &after, count_release);
    gw_epoch_reclaim(epoch);
    assert_int_equal(released, 1); /* the one that the reader can't have seen */
    gw_epoch_leave(reader);
    gw_epoch_reclaim(epoch);
    assert_int_equal(released, 2);
    gw_epoch_unregister(reader);
    gw_epoch_free(&epoch);
}

static void reader__that_entered_later__does_not_hold_back_older_objects(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_epoch_reader *early = gw_epoch_register(epoch);
    struct gw_epoch_reader *late = gw_epoch_register(epoch);
    int object;

    (void)state;
    released = 0;
    gw_epoch_enter(early);
    gw_epoch_retire(epoch, &object, count_release);
    gw_epoch_enter(late);
    gw_epoch_reclaim(epoch);
    assert_int_equal(released, 0);
    gw_epoch_leave(early);
    gw_epoch_reclaim(epoch);
    assert_int_equal(released, 1);
    gw_epoch_leave(late);
    gw_epoch_unregister(early);
    gw_epoch_unregister(late);
    gw_epoch_free(&epoch);
}

static void retire__many_without_reclaim__are_freed_along_the_way(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    int object;

    (void)state;
    released = 0;
    for (int i = 0; i < 1000; i++)
        gw_epoch_retire(epoch, &object, count_release);
    assert_true(released > 900);
    gw_epoch_free(&epoch);
    assert_int_equal(released, 1000);
}

static void free__objects_waiting__releases_them(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_epoch_reader *reader = gw_epoch_register(epoch);
    int object;

    (void)state;
    released = 0;
    gw_epoch_enter(reader);
    for (int i = 0; i < 5; i++)
        gw_epoch_retire(epoch, &object, count_release);
    gw_epoch_leave(reader);
    gw_epoch_unregister(reader);
    gw_epoch_free(&epoch);
    assert_int_equal(released, 5);
}

static void register_one_too_many(void)
{
    struct gw_epoch *epoch = gw_epoch_new();

    for (int i = 0; i <= GW_EPOCH_READERS; i++)
        (void)gw_epoch_register(epoch);
}

static void register__slots_given_back__can_be_had_again(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_epoch_reader *readers[GW_EPOCH_READERS];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < GW_EPOCH_READERS; i++)
            readers[i] = gw_epoch_register(epoch);
        for (int i = 0; i < GW_EPOCH_READERS; i++)
            gw_epoch_unregister(readers[i]);
    }
    gw_epoch_free(&epoch);
    assert_true(dies(register_one_too_many));
}

/*
 * Readers follow a shared pointer to a pair of equal numbers while two writers
 * replace and retire it. A pair that was freed too early is a use after free
 * under ASan, a race under TSan, and a broken pair (release wrecks it) anywhere.
 */
struct pair {
    uint64_t a;
    uint64_t b;
};

struct shared {
    struct gw_epoch *epoch;
    struct pair *_Atomic current;
    _Atomic unsigned readers_inside;
    _Atomic bool stop;
    _Atomic uint64_t made;
    _Atomic uint64_t broken;
};

#define READERS 3
#define WRITERS 2
#define PAIRS   20000

static _Atomic uint64_t gone;

static void wreck(void *object)
{
    struct pair *pair = object;

    pair->a = 1;
    pair->b = 2;
    atomic_fetch_add(&gone, 1);
    free(pair);
}

static struct pair *make_pair(uint64_t value)
{
    struct pair *pair = gw_alloc(sizeof(*pair));

    *pair = (struct pair){value, value};
    return pair;
}

static void *read_pairs(void *ctx)
{
    struct shared *shared = ctx;
    struct gw_epoch_reader *reader = gw_epoch_register(shared->epoch);

    atomic_fetch_add(&shared->readers_inside, 1);
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        gw_epoch_enter(reader);
        for (int i = 0; i < 8; i++) {
            const struct pair *pair = atomic_load_explicit(&shared->current, memory_order_acquire);

            if (pair->a != pair->b)
                atomic_fetch_add(&shared->broken, 1);
        }
        gw_epoch_leave(reader);
    }
    gw_epoch_unregister(reader);
    return NULL;
}

static void *replace_pairs(void *ctx)
{
    struct shared *shared = ctx;

    while (atomic_load(&shared->readers_inside) < READERS)
        (void)sched_yield();
    for (uint64_t i = 0; i < PAIRS; i++) {
        struct pair *next = make_pair(i * 3);
        struct pair *old = atomic_exchange_explicit(&shared->current, next, memory_order_acq_rel);

        atomic_fetch_add(&shared->made, 1);
        gw_epoch_retire(shared->epoch, old, wreck);
        if (i % 100 == 0)
            gw_epoch_reclaim(shared->epoch);
    }
    return NULL;
}

static void readers_and_writers__at_once__never_see_a_freed_object(void **state)
{
    struct shared shared = {.epoch = gw_epoch_new(), .current = make_pair(0)};
    pthread_t readers[READERS];
    pthread_t writers[WRITERS];

    (void)state;
    atomic_store(&gone, 0);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_pairs, &shared), 0);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, replace_pairs, &shared), 0);
    for (size_t i = 0; i < WRITERS; i++)
        (void)pthread_join(writers[i], NULL);
    atomic_store(&shared.stop, true);
    for (size_t i = 0; i < READERS; i++)
        (void)pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&shared.broken), 0);
    gw_epoch_reclaim(shared.epoch);
    assert_int_equal(atomic_load(&gone), WRITERS * PAIRS);
    assert_int_equal(atomic_load(&shared.made), WRITERS * PAIRS);
    free(atomic_load(&shared.current));
    gw_epoch_free(&shared.epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retire__no_reader_inside__goes_at_the_next_reclaim),
        cmocka_unit_test(retire__reader_inside__waits_until_it_left),
        cmocka_unit_test(reader__that_entered_later__does_not_hold_back_older_objects),
        cmocka_unit_test(retire__many_without_reclaim__are_freed_along_the_way),
        cmocka_unit_test(free__objects_waiting__releases_them),
        cmocka_unit_test(register__slots_given_back__can_be_had_again),
        cmocka_unit_test(readers_and_writers__at_once__never_see_a_freed_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
