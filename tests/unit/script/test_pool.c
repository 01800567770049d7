/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: pieces keep what was written to them through every kind of resize.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "script/pool.h"

static void fill(unsigned char *piece, size_t size, unsigned char with)
{
    memset(piece, with, size);
}

static void assert_holds(const unsigned char *piece, size_t size, unsigned char with)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(piece[i], with);
}

static void pool__resize_over_all_borders__keeps_the_bytes(void **state)
{
    static const size_t sizes[] = {1, 16, 17, 255, 256, 257, 5000, 256, 16, 300, 1};
    struct gw_pool pool = {0};
    unsigned char *piece = NULL;
    size_t size = 0;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(sizes); i++) {
        size_t kept = size < sizes[i] ? size : sizes[i];

        piece = gw_pool_resize(&pool, piece, size, sizes[i]);
        assert_holds(piece, kept, 7);
        assert_int_equal((uintptr_t)piece % 16, 0);
        size = sizes[i];
        fill(piece, size, 7);
    }
    assert_null(gw_pool_resize(&pool, piece, size, 0));
    gw_pool_fini(&pool);
}

static void pool__pieces__do_not_overlap(void **state)
{
    unsigned char *pieces[300];
    struct gw_pool pool = {0};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(pieces); i++) {
        pieces[i] = gw_pool_resize(&pool, NULL, 0, i + 1);
        fill(pieces[i], i + 1, (unsigned char)i);
    }
    for (size_t i = 0; i < GW_COUNT(pieces); i++)
        assert_holds(pieces[i], i + 1, (unsigned char)i);
    for (size_t i = 0; i < GW_COUNT(pieces); i++)
        assert_null(gw_pool_resize(&pool, pieces[i], i + 1, 0));
    gw_pool_fini(&pool);
}

static void pool__steady_churn__takes_no_more_slabs(void **state)
{
    struct gw_pool pool = {0};
    size_t before = 0;

    (void)state;
    for (int round = 0; round < 100; round++) {
        void *pieces[50];

        for (size_t i = 0; i < GW_COUNT(pieces); i++)
            pieces[i] = gw_pool_resize(&pool, NULL, 0, 100 + i);
        for (size_t i = 0; i < GW_COUNT(pieces); i++)
            (void)gw_pool_resize(&pool, pieces[i], 100 + i, 0);
        if (round == 0)
            before = pool.slab_bytes;
    }
    assert_int_equal(pool.slab_bytes, before);
    gw_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool__resize_over_all_borders__keeps_the_bytes),
        cmocka_unit_test(pool__pieces__do_not_overlap),
        cmocka_unit_test(pool__steady_churn__takes_no_more_slabs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
