/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The concurrent table: what is put is found, through growth and removal, by the
 * writer and by readers that run beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "store/table.h"

#define STABLE  512 /* numbers that stay in the table while others come and go */
#define READERS 3
#define ROUNDS  6000
#define SPREAD  4096 /* numbers that come and go */

struct number {
    uint64_t value;
    uint64_t check; /* ~value: a freed or torn object shows */
};

struct shared {
    struct gw_epoch *epoch;
    struct gw_table table;
    atomic_bool done;
    atomic_uint started;
    atomic_uint wrong;
    atomic_uint_least64_t lookups;
};

static bool has_value(const void *object, const void *key)
{
    const struct number *number = object;

    return number->value == *(const uint64_t *)key;
}

/* Few distinct hashes, so that chains are long. */
static uint64_t hash_of(uint64_t value)
{
    return value * UINT64_C(0x9e3779b97f4a7c15) >> 54;
}

static struct number *number_new(uint64_t value)
{
    struct number *number = gw_alloc(sizeof(*number));

    *number = (struct number){value, ~value};
    return number;
}

static void release(void *object)
{
    struct number *number = object;

    number->check = 0;
    free(number);
}

static struct number *find(const struct gw_table *table, uint64_t value)
{
    return gw_table_find(table, hash_of(value), &value);
}

static void put(struct gw_table *table, uint64_t value)
{
    gw_epoch_retire(table->epoch, gw_table_put(table, hash_of(value), &value, number_new(value)), release);
}

static void take_out(struct gw_table *table, uint64_t value)
{
    gw_epoch_retire(table->epoch, gw_table_remove(table, hash_of(value), &value), release);
}

static void table__ten_thousand_objects__are_found_after_growth(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_table table;

    (void)state;
    gw_table_init(&table, epoch, has_value);
    for (uint64_t i = 0; i < 10000; i++)
        put(&table, i);
    assert_int_equal(gw_table_count(&table), 10000);
    for (uint64_t i = 0; i < 10000; i++) {
        assert_non_null(find(&table, i));
        assert_int_equal(find(&table, i)->value, i);
    }
    assert_null(find(&table, 10000));
    gw_table_fini(&table, release);
    gw_epoch_free(&epoch);
}

static void table_put__same_key__gives_back_the_old_object(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct number *first = number_new(7);
    struct number *second = number_new(7);
    struct gw_table table;
    uint64_t key = 7;

    (void)state;
    gw_table_init(&table, epoch, has_value);
    assert_null(gw_table_put(&table, hash_of(key), &key, first));
    assert_ptr_equal(gw_table_put(&table, hash_of(key), &key, second), first);
    assert_ptr_equal(gw_table_find(&table, hash_of(key), &key), second);
    assert_int_equal(gw_table_count(&table), 1);
    release(first);
    gw_table_fini(&table, release);
    gw_epoch_free(&epoch);
}

static void table_remove__one_of_a_chain__leaves_the_others(void **state)
{
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_table table;
    uint64_t keys[] = {1, 2, 3};

    (void)state;
    gw_table_init(&table, epoch, has_value);
    for (size_t gone = 0; gone < 3; gone++) {
        struct number *out;

        for (size_t i = 0; i < 3; i++)
            assert_null(gw_table_put(&table, 5, &keys[i], number_new(keys[i])));
        out = gw_table_remove(&table, 5, &keys[gone]);
        assert_int_equal(out->value, keys[gone]);
        release(out);
        assert_null(gw_table_remove(&table, 5, &keys[gone]));
        for (size_t i = 0; i < 3; i++)
            assert_true((gw_table_find(&table, 5, &keys[i]) == NULL) == (i == gone));
        assert_int_equal(gw_table_count(&table), 2);
        for (size_t i = 0; i < 3; i++) {
            if (i != gone)
                release(gw_table_remove(&table, 5, &keys[i]));
        }
    }
    gw_table_fini(&table, release);
    gw_epoch_free(&epoch);
}

static const void *value_of(const void *object)
{
    const struct number *number = object;

    return &number->value;
}

static void on_same(void *ctx, void *older, void *newer)
{
    size_t *same = ctx;

    assert_int_equal(((struct number *)older)->value, ((struct number *)newer)->value);
    (*same)++;
    free(older);
}

/* Some in buckets of many, others in the first bucket all together. */
static uint64_t spread(uint64_t value)
{
    return hash_of(value) << (value % 3 == 0 ? 0 : 40);
}

static void table_fill__ten_thousand_objects__stand_as_if_they_were_put(void **state)
{
    enum { COUNT = 10000, TWICE = 100 };
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_table_item *items = gw_alloc((COUNT + TWICE) * sizeof(*items));
    struct gw_table table;
    size_t same = 0;

    (void)state;
    for (size_t count = 0; count <= COUNT; count = count == 0 ? 1 : count == 1 ? COUNT : COUNT + 1) {
        size_t twice = count == COUNT ? TWICE : 0;

        for (size_t i = 0; i < count + twice; i++) {
            struct number *number = number_new(i % COUNT);

            items[i] = (struct gw_table_item){spread(number->value), number};
        }
        gw_table_init(&table, epoch, has_value);
        same = 0;
        gw_table_fill(&table, items, count + twice, &(const struct gw_table_filling){value_of, on_same, &same});
        assert_int_equal(same, twice);
        assert_int_equal(gw_table_count(&table), count);
        for (uint64_t i = 0; i < count; i++) {
            const struct number *found = gw_table_find(&table, spread(i), &i);

            assert_non_null(found);
            assert_int_equal(found->check, ~i);
        }
        put(&table, COUNT + 7);
        assert_int_equal(gw_table_count(&table), count + 1);
        gw_table_fini(&table, free);
    }
    free(items);
    gw_epoch_free(&epoch);
}

static void table_hash__pieces__do_not_run_into_each_other(void **state)
{
    const struct gw_hash_seed seed = {1, 2};
    const struct gw_hash_seed other = {1, 3};
    const struct gw_str a[] = {GW_STR("ab"), GW_STR("c"), GW_STR("")};
    const struct gw_str b[] = {GW_STR("a"), GW_STR("bc"), GW_STR("")};
    const struct gw_str c[] = {GW_STR("ab"), GW_STR(""), GW_STR("c")};

    (void)state;
    assert_true(gw_table_hash(&seed, a, 3) == gw_table_hash(&seed, a, 3));
    assert_true(gw_table_hash(&seed, a, 3) != gw_table_hash(&seed, b, 3));
    assert_true(gw_table_hash(&seed, a, 3) != gw_table_hash(&seed, c, 3));
    assert_true(gw_table_hash(&seed, a, 3) != gw_table_hash(&other, a, 3));
}

static void table_hash__pieces_too_long_for_its_buffer__still_count_to_the_last_byte(void **state)
{
    const struct gw_hash_seed seed = {1, 2};
    char text[2048];
    struct gw_str long_pieces[] = {GW_STR("a"), {text, sizeof(text)}};
    struct gw_str swapped[] = {{text, sizeof(text)}, GW_STR("a")};
    uint64_t before;

    (void)state;
    memset(text, 'x', sizeof(text));
    before = gw_table_hash(&seed, long_pieces, 2);
    assert_true(before != gw_table_hash(&seed, swapped, 2));
    text[sizeof(text) - 1] = 'y';
    assert_true(before != gw_table_hash(&seed, long_pieces, 2));
    text[sizeof(text) - 1] = 'x';
    assert_true(before == gw_table_hash(&seed, long_pieces, 2));
    long_pieces[0] = GW_STR("b");
    assert_true(before != gw_table_hash(&seed, long_pieces, 2));
}

static void look_once(struct shared *shared, uint64_t turn)
{
    uint64_t stable = turn % STABLE;
    uint64_t passing = STABLE + turn * 7 % SPREAD;
    const struct number *number = find(&shared->table, stable);

    if (number == NULL || number->value != stable || number->check != ~stable)
        atomic_fetch_add(&shared->wrong, 1);
    number = find(&shared->table, passing);
    if (number != NULL && (number->value != passing || number->check != ~passing))
        atomic_fetch_add(&shared->wrong, 1);
}

static void *read_along(void *argument)
{
    struct shared *shared = argument;
    struct gw_epoch_reader *reader = gw_epoch_register(shared->epoch);
    uint64_t turn = 0;

    atomic_fetch_add(&shared->started, 1);
    while (!atomic_load(&shared->done) || turn < STABLE) {
        gw_epoch_enter(reader);
        for (int i = 0; i < 16; i++)
            look_once(shared, turn++);
        gw_epoch_leave(reader);
    }
    atomic_fetch_add(&shared->lookups, turn);
    gw_epoch_unregister(reader);
    return NULL;
}

static void table__readers_beside_a_writer_that_grows_it__never_lose_an_object(void **state)
{
    struct shared shared = {.epoch = gw_epoch_new()};
    pthread_t threads[READERS];

    (void)state;
    gw_table_init(&shared.table, shared.epoch, has_value);
    for (uint64_t i = 0; i < STABLE; i++)
        put(&shared.table, i);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &shared), 0);
    while (atomic_load(&shared.started) < READERS)
        (void)sched_yield();
    for (uint64_t i = 0; i < ROUNDS; i++) {
        put(&shared.table, STABLE + i * 3 % SPREAD); /* new or replaced; grows the table */
        put(&shared.table, i % STABLE);              /* replaces what readers look for */
        if (i % 2 == 0)
            take_out(&shared.table, STABLE + i * 5 % SPREAD);
    }
    atomic_store(&shared.done, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(atomic_load(&shared.lookups) >= (uint64_t)READERS * STABLE);
    gw_table_fini(&shared.table, release);
    gw_epoch_free(&shared.epoch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__ten_thousand_objects__are_found_after_growth),
        cmocka_unit_test(table_put__same_key__gives_back_the_old_object),
        cmocka_unit_test(table_remove__one_of_a_chain__leaves_the_others),
        cmocka_unit_test(table_fill__ten_thousand_objects__stand_as_if_they_were_put),
        cmocka_unit_test(table_hash__pieces__do_not_run_into_each_other),
        cmocka_unit_test(table_hash__pieces_too_long_for_its_buffer__still_count_to_the_last_byte),
        cmocka_unit_test(table__readers_beside_a_writer_that_grows_it__never_lose_an_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
