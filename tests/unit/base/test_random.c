/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes and ids, from the system and from a generator that a test chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <pthread.h>

static void count_up(void *ctx, void *bytes, size_t length)
{
    unsigned char *next = ctx;

    for (size_t i = 0; i < length; i++)
        ((unsigned char *)bytes)[i] = (*next)++;
}

static void uuid__chosen_bytes__is_version_4_with_its_variant(void **state)
{
    unsigned char next = 0;
    const struct gw_random random = {&next, count_up};
    char id[37];

    (void)state;
    gw_random_uuid(&random, id);
    assert_string_equal(id, "00010203-0405-4607-8809-0a0b0c0d0e0f");
    next = 0xf0;
    gw_random_uuid(&random, id);
    assert_string_equal(id, "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff");
}

static void seed__chosen_bytes__fills_both_halves(void **state)
{
    unsigned char next = 1;
    const struct gw_random random = {&next, count_up};
    struct gw_hash_seed seed = {0, 0};

    (void)state;
    gw_random_seed(&random, &seed);
    assert_true(seed.k0 != 0 && seed.k1 != 0 && seed.k0 != seed.k1);
}

static void uuid__system_many__are_all_different(void **state)
{
    static char ids[2000][37];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(ids); i++) {
        gw_random_uuid(gw_random_system(), ids[i]);
        assert_int_equal(ids[i][14], '4');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
}

/* Every length up to past the page: each byte is written, none behind. */
static void fill__any_length__writes_exactly_that(void **state)
{
    unsigned char bytes[1026];
    unsigned char seen[1024];

    (void)state;
    for (size_t length = 0; length <= 1024; length += length < 140 ? 1 : 59) {
        memset(seen, 0, sizeof(seen));
        /* A byte is zero by chance once in 256; eight times running, never. */
        for (int round = 0; round < 8; round++) {
            memset(bytes, 0, sizeof(bytes));
            gw_random_fill(gw_random_system(), bytes + 1, length);
            assert_int_equal(bytes[0], 0);
            assert_int_equal(bytes[length + 1], 0);
            for (size_t i = 0; i < length; i++)
                seen[i] |= bytes[i + 1];
        }
        for (size_t i = 0; i < length; i++)
            assert_int_not_equal(seen[i], 0);
    }
}

static void *make_id(void *out)
{
    gw_random_uuid(gw_random_system(), out);
    return NULL;
}

static void uuid__in_two_threads__does_not_repeat(void **state)
{
    char ids[2][37];
    pthread_t threads[2];

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_id, ids[i]), 0);
    for (size_t i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    assert_string_not_equal(ids[0], ids[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuid__chosen_bytes__is_version_4_with_its_variant),
        cmocka_unit_test(seed__chosen_bytes__fills_both_halves),
        cmocka_unit_test(uuid__system_many__are_all_different),
        cmocka_unit_test(fill__any_length__writes_exactly_that),
        cmocka_unit_test(uuid__in_two_threads__does_not_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
