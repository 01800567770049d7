/* SPDX-License-Identifier: Apache-2.0 */
/* The table from text to pointer: what core/base/map.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

#include <stdio.h>

static const struct gw_hash_seed seed = {1, 2};

static void get__from_an_empty_map__is_null(void **state)
{
    struct gw_map map;

    (void)state;
    gw_map_init(&map, seed);
    assert_null(gw_map_get(&map, GW_STR("a")));
    gw_map_fini(&map);
}

static void add__thousands_of_keys__are_all_found_and_no_others(void **state)
{
    static char keys[5000][16];
    struct gw_map map;

    (void)state;
    gw_map_init(&map, seed);
    for (size_t i = 0; i < GW_COUNT(keys); i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "key-%zu", i);
        assert_int_equal(gw_map_add(&map, gw_str_from(keys[i]), keys[i]), GW_OK);
    }
    assert_int_equal(map.count, GW_COUNT(keys));
    for (size_t i = 0; i < GW_COUNT(keys); i++)
        assert_ptr_equal(gw_map_get(&map, gw_str_from(keys[i])), keys[i]);
    assert_null(gw_map_get(&map, GW_STR("key-5000")));
    assert_null(gw_map_get(&map, GW_STR("key-")));
    assert_null(gw_map_get(&map, GW_STR_NONE));
    gw_map_fini(&map);
}

static void add__duplicate_key__keeps_the_first_value(void **state)
{
    struct gw_map map;
    int first;
    int second;

    (void)state;
    gw_map_init(&map, seed);
    assert_int_equal(gw_map_add(&map, GW_STR("a"), &first), GW_OK);
    assert_int_equal(gw_map_add(&map, (struct gw_str){"abc", 1}, &second), GW_E_DUPLICATE);
    assert_ptr_equal(gw_map_get(&map, GW_STR("a")), &first);
    assert_int_equal(map.count, 1);
    gw_map_fini(&map);
}

static void add__empty_key_and_key_with_nul__are_keys(void **state)
{
    struct gw_map map;
    int empty;
    int nul;

    (void)state;
    gw_map_init(&map, seed);
    assert_int_equal(gw_map_add(&map, GW_STR(""), &empty), GW_OK);
    assert_int_equal(gw_map_add(&map, (struct gw_str){"\0", 1}, &nul), GW_OK);
    assert_ptr_equal(gw_map_get(&map, GW_STR_NONE), &empty);
    assert_ptr_equal(gw_map_get(&map, (struct gw_str){"\0x", 1}), &nul);
    gw_map_fini(&map);
}

static void fini__then_add__is_usable(void **state)
{
    struct gw_map map;
    int value;

    (void)state;
    gw_map_init(&map, seed);
    assert_int_equal(gw_map_add(&map, GW_STR("a"), &value), GW_OK);
    gw_map_fini(&map);
    assert_null(gw_map_get(&map, GW_STR("a")));
    assert_int_equal(gw_map_add(&map, GW_STR("a"), &value), GW_OK);
    gw_map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get__from_an_empty_map__is_null),
        cmocka_unit_test(add__thousands_of_keys__are_all_found_and_no_others),
        cmocka_unit_test(add__duplicate_key__keeps_the_first_value),
        cmocka_unit_test(add__empty_key_and_key_with_nul__are_keys),
        cmocka_unit_test(fini__then_add__is_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
