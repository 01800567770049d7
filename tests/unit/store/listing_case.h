/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_LISTING_CASE_H
#define GW_TEST_LISTING_CASE_H

/*
 * What the tests of ordered listings share: a listing with a reader inside its
 * epoch, numbered texts that sort by number, and a repeatable source of choices.
 * One program includes it once, before everything else.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "store/listing.h"

#define NAME_SIZE 24

struct fixture {
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_listing listing;
    uint64_t chosen;
};

static inline int set_up(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    f->epoch = gw_epoch_new();
    f->reader = gw_epoch_register(f->epoch);
    gw_listing_init(&f->listing, f->epoch);
    gw_epoch_enter(f->reader);
    f->chosen = 1;
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_epoch_leave(f->reader);
    gw_epoch_unregister(f->reader);
    gw_listing_fini(&f->listing);
    gw_epoch_free(&f->epoch);
    free(f);
    return 0;
}

/* A number below `below`; the same ones in every run (Knuth's MMIX generator). */
static inline size_t choose(struct fixture *f, size_t below)
{
    f->chosen = f->chosen * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(f->chosen >> 33) % below;
}

static inline struct gw_str name_of(size_t number, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "n%06zu", number);
    return gw_str_from(out);
}

static inline size_t number_of(struct gw_str name)
{
    char text[NAME_SIZE] = "";

    assert_in_range(name.length, 2, NAME_SIZE - 1);
    memcpy(text, name.at, name.length);
    return (size_t)strtoul(text + 1, NULL, 10);
}

static inline bool add(struct fixture *f, size_t number)
{
    char name[NAME_SIZE];

    return gw_listing_add(&f->listing, name_of(number, name));
}

static inline bool drop(struct fixture *f, size_t number)
{
    char name[NAME_SIZE];

    return gw_listing_remove(&f->listing, name_of(number, name));
}

/* A walk by pages of `max` gives the numbers first, first + step, ... `count` of them, and says where it ends. */
static inline void expect_walk(struct fixture *f, size_t max, size_t first, size_t step, size_t count)
{
    struct gw_str *items = gw_alloc_zero(max, sizeof(*items));
    struct gw_store_page page = {.max = max, .items = items};
    size_t met = 0;
    size_t got;

    assert_int_equal(gw_listing_count(&f->listing), count);
    do {
        got = gw_listing_page(&f->listing, &page);
        assert_int_equal(got, count - met < max ? count - met : max);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(number_of(items[i]), first + step * met++);
        assert_int_equal(page.more, met < count);
        if (got > 0)
            page.after = items[got - 1];
    } while (page.more);
    assert_int_equal(met, count);
    free(items);
}

#define LISTING_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
