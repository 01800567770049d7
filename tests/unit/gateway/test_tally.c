/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers under digests, and what is forgotten first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/tally.h"

/* Keys whose first bytes differ little: many share a chain. */
static const unsigned char *key_of(unsigned number)
{
    static unsigned char key[GW_TALLY_KEY];

    memset(key, 0, sizeof(key));
    key[0] = (unsigned char)(number & 3);
    memcpy(key + 12, &number, sizeof(number));
    return key;
}

static void tally_get__never_set__is_zero(void **unused)
{
    struct gw_tally tally;

    (void)unused;
    gw_tally_init(&tally, 10);
    assert_int_equal(gw_tally_get(&tally, key_of(1)), 0);
    gw_tally_set(&tally, key_of(2), 5);
    assert_int_equal(gw_tally_get(&tally, key_of(1)), 0);
    assert_int_equal(gw_tally_get(&tally, key_of(2)), 5);
    gw_tally_fini(&tally);
}

static void tally_set__thousands__are_all_found(void **unused)
{
    struct gw_tally tally;

    (void)unused;
    gw_tally_init(&tally, 5000);
    for (unsigned i = 0; i < 5000; i++)
        gw_tally_set(&tally, key_of(i), i + 1);
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(gw_tally_get(&tally, key_of(i)), i + 1);
    gw_tally_fini(&tally);
}

static void tally_set__past_its_bound__forgets_the_first(void **unused)
{
    struct gw_tally tally;

    (void)unused;
    gw_tally_init(&tally, 100);
    for (unsigned i = 0; i < 250; i++)
        gw_tally_set(&tally, key_of(i), i + 1);
    for (unsigned i = 0; i < 150; i++)
        assert_int_equal(gw_tally_get(&tally, key_of(i)), 0);
    for (unsigned i = 150; i < 250; i++)
        assert_int_equal(gw_tally_get(&tally, key_of(i)), i + 1);
    gw_tally_fini(&tally);
}

static void tally_set__one_that_comes_and_goes__pushes_nothing_out(void **unused)
{
    struct gw_tally tally;

    (void)unused;
    gw_tally_init(&tally, 4);
    for (unsigned i = 0; i < 4; i++)
        gw_tally_set(&tally, key_of(i), 1);
    for (unsigned round = 0; round < 100; round++) {
        gw_tally_set(&tally, key_of(3), 0);
        assert_int_equal(gw_tally_get(&tally, key_of(3)), 0);
        gw_tally_set(&tally, key_of(3), 1);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(gw_tally_get(&tally, key_of(i)), 1);
    gw_tally_fini(&tally);
}

static void tally_copy__later_changes__stay_apart(void **unused)
{
    struct gw_tally tally;
    struct gw_tally copy;

    (void)unused;
    gw_tally_init(&tally, 1000);
    gw_tally_init(&copy, 1);
    gw_tally_set(&copy, key_of(9), 9);
    gw_tally_copy(&tally, &copy);
    assert_int_equal(gw_tally_get(&copy, key_of(9)), 0);
    for (unsigned i = 0; i < 200; i++)
        gw_tally_set(&tally, key_of(i), 7);
    gw_tally_copy(&tally, &copy);
    gw_tally_set(&tally, key_of(1), 8);
    gw_tally_set(&copy, key_of(2), 9);
    assert_int_equal(gw_tally_get(&copy, key_of(1)), 7);
    assert_int_equal(gw_tally_get(&tally, key_of(2)), 7);
    assert_int_equal(gw_tally_get(&copy, key_of(199)), 7);
    gw_tally_clear(&tally);
    assert_int_equal(gw_tally_get(&tally, key_of(5)), 0);
    assert_int_equal(gw_tally_get(&copy, key_of(5)), 7);
    gw_tally_fini(&tally);
    gw_tally_fini(&copy);
}

static void tally_encode__read_back__is_the_same_and_forgets_the_same(void **unused)
{
    struct gw_tally tally;
    struct gw_tally copy;
    struct gw_buf text;
    struct gw_str rest;

    (void)unused;
    gw_tally_init(&tally, 100);
    gw_tally_init(&copy, 100);
    gw_buf_init(&text, SIZE_MAX / 2);
    for (unsigned i = 0; i < 130; i++)
        gw_tally_set(&tally, key_of(i), i + 1);
    gw_tally_set(&tally, key_of(50), 0);
    gw_tally_encode(&tally, &text);
    gw_buf_append_lit(&text, "behind");
    rest = gw_buf_str(&text);
    assert_int_equal(gw_tally_decode(&rest, &copy), GW_OK);
    assert_true(gw_str_is(rest, "behind"));
    assert_int_equal(gw_tally_get(&copy, key_of(29)), 0);
    assert_int_equal(gw_tally_get(&copy, key_of(50)), 0);
    for (unsigned i = 30; i < 130; i++)
        assert_int_equal(gw_tally_get(&copy, key_of(i)), i == 50 ? 0 : i + 1);
    for (unsigned i = 130; i < 140; i++)
        gw_tally_set(&copy, key_of(i), 1);
    assert_int_equal(gw_tally_get(&copy, key_of(38)), 0); /* one place was free */
    assert_int_equal(gw_tally_get(&copy, key_of(39)), 40);
    gw_tally_fini(&tally);
    gw_tally_fini(&copy);
    gw_buf_fini(&text);
}

static void tally_decode__not_as_it_is_written__is_refused(void **unused)
{
    static const char *const texts[] = {
        "",
        "1",
        "1\n",
        "x\n",
        "01\n000102030405060708090a0b0c0d0e0f 1\n",
        "5\n",
        "2\n000102030405060708090a0b0c0d0e0f 1\n",
        "1\n000102030405060708090a0b0c0d0e0f 1",
        "1\n000102030405060708090a0b0c0d0e0f 0\n",
        "1\n000102030405060708090a0b0c0d0e0f 01\n",
        "1\n000102030405060708090a0b0c0d0e0f -1\n",
        "1\n000102030405060708090a0b0c0d0e0f 4294967296\n",
        "1\n000102030405060708090A0b0c0d0e0f 1\n",
        "1\n000102030405060708090a0b0c0d0e0f  1\n",
        "1\n000102030405060708090a0b0c0d0e 1\n",
        "1\n000102030405060708090a0b0c0d0e0f00 1\n",
        "2\n000102030405060708090a0b0c0d0e0f 1\n000102030405060708090a0b0c0d0e0f 2\n",
    };
    struct gw_tally tally;
    struct gw_str good = GW_STR("1\n000102030405060708090a0b0c0d0e0f 4294967295\n");

    (void)unused;
    gw_tally_init(&tally, 4);
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_str rest = gw_str_from(texts[i]);

        assert_int_equal(gw_tally_decode(&rest, &tally), GW_E_SYNTAX);
        assert_int_equal(tally.count, 0);
    }
    assert_int_equal(gw_tally_decode(&good, &tally), GW_OK);
    assert_int_equal(good.length, 0);
    gw_tally_fini(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tally_get__never_set__is_zero),
        cmocka_unit_test(tally_set__thousands__are_all_found),
        cmocka_unit_test(tally_set__past_its_bound__forgets_the_first),
        cmocka_unit_test(tally_set__one_that_comes_and_goes__pushes_nothing_out),
        cmocka_unit_test(tally_copy__later_changes__stay_apart),
        cmocka_unit_test(tally_encode__read_back__is_the_same_and_forgets_the_same),
        cmocka_unit_test(tally_decode__not_as_it_is_written__is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
