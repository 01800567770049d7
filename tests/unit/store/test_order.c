/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts in byte order, whatever they have in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "store/order.h"

#define TEXTS 3000
#define BYTES 40

static uint64_t chosen = 1;

static size_t choose(size_t below)
{
    chosen = chosen * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(chosen >> 33) % below;
}

static void expect_sorted(const struct gw_str *texts, size_t count)
{
    static size_t order[TEXTS];
    static bool seen[TEXTS];

    memset(seen, 0, sizeof(seen));
    gw_order_texts(texts, count, order);
    for (size_t i = 0; i < count; i++) {
        assert_true(order[i] < count);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        assert_true(i == 0 || gw_str_compare(texts[order[i - 1]], texts[order[i]]) <= 0);
    }
}

static void order__random_texts__are_sorted(void **state)
{
    static char bytes[TEXTS][BYTES];
    static struct gw_str texts[TEXTS];
    static const size_t letters[] = {1, 2, 3, 26, 255};

    (void)state;
    for (size_t round = 0; round < 200; round++) {
        size_t count = round < 100 ? choose(80) : choose(TEXTS);
        size_t common = choose(20);
        size_t kinds = letters[choose(GW_COUNT(letters))];

        for (size_t i = 0; i < count; i++) {
            texts[i] = (struct gw_str){bytes[i], common + choose(BYTES - common)};
            for (size_t k = 0; k < BYTES; k++)
                bytes[i][k] = k < common ? 'c' : (char)(kinds == 255 ? 1 + choose(255) : 'a' + choose(kinds));
        }
        expect_sorted(texts, count);
    }
}

static void order__nothing_and_the_same__is_no_error(void **state)
{
    struct gw_str texts[100];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        texts[i] = i % 2 == 0 ? GW_STR("the same text, longer than eight bytes") : GW_STR("");
    expect_sorted(texts, 0);
    expect_sorted(texts, 1);
    expect_sorted(texts, GW_COUNT(texts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order__random_texts__are_sorted),
        cmocka_unit_test(order__nothing_and_the_same__is_no_error),
    };

    return cmocka_run_group_tests_name("store/order", tests, NULL, NULL);
}
