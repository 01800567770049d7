/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordered listings: byte order whatever the order of insertion, pages at every
 * boundary, and tens of thousands of random steps against an array of flags.
 */
#include "listing_case.h"

#define CHUNK 128 /* texts that a chunk holds at most: sizes around it are where a mistake would be */

static void listing_page__nothing_in_it__is_an_empty_page_without_more(void **state)
{
    struct fixture *f = *state;
    struct gw_str items[2];
    struct gw_store_page page = {.max = 2, .items = items, .more = true};

    assert_int_equal(gw_listing_page(&f->listing, &page), 0);
    assert_false(page.more);
    page = (struct gw_store_page){.after = GW_STR("x"), .max = 2, .items = items, .more = true};
    assert_int_equal(gw_listing_page(&f->listing, &page), 0);
    assert_false(page.more);
    assert_int_equal(gw_listing_count(&f->listing), 0);
    assert_false(gw_listing_remove(&f->listing, GW_STR("x")));
    gw_listing_clear(&f->listing);
}

static void listing_page__texts_of_every_kind__are_in_byte_order(void **state)
{
    static const struct gw_str sorted[] = {
        GW_STR_INIT(""),         GW_STR_INIT("\0"),   GW_STR_INIT("A"),        GW_STR_INIT("Z"), GW_STR_INIT("a"),
        GW_STR_INIT("a\0b"),     GW_STR_INIT("aa"),   GW_STR_INIT("ab"),       GW_STR_INIT("b"), GW_STR_INIT("\x7f"),
        GW_STR_INIT("\xc3\xa4"), GW_STR_INIT("\xff"), GW_STR_INIT("\xff\xff"),
    };
    struct fixture *f = *state;
    struct gw_str items[GW_COUNT(sorted)];
    struct gw_store_page page = {.max = GW_COUNT(sorted), .items = items};

    for (size_t i = 0; i < GW_COUNT(sorted); i++)
        assert_true(gw_listing_add(&f->listing, sorted[i * 5 % GW_COUNT(sorted)]));
    for (size_t i = 0; i < GW_COUNT(sorted); i++)
        assert_false(gw_listing_add(&f->listing, sorted[i]));
    assert_int_equal(gw_listing_page(&f->listing, &page), GW_COUNT(sorted));
    assert_false(page.more);
    for (size_t i = 0; i < GW_COUNT(sorted); i++)
        assert_true(gw_str_equal(items[i], sorted[i]));
    for (size_t i = 0; i < GW_COUNT(sorted); i++) {
        page = (struct gw_store_page){.after = sorted[i], .max = 1, .items = items};
        assert_int_equal(gw_listing_page(&f->listing, &page), i + 1 < GW_COUNT(sorted) ? 1 : 0);
        if (i + 1 < GW_COUNT(sorted))
            assert_true(gw_str_equal(items[0], sorted[i + 1]));
    }
}

/* One page after `after` of the even numbers below 2 * count. */
static void expect_page(struct fixture *f, size_t count, size_t after, size_t max)
{
    struct gw_str items[3 * CHUNK];
    char name[NAME_SIZE];
    struct gw_store_page page = {.after = name_of(after, name), .max = max, .items = items};
    size_t first = after / 2 + 1; /* index of the first even number past it, odd or even */
    size_t left = count > first ? count - first : 0;
    size_t got = gw_listing_page(&f->listing, &page);

    assert_int_equal(got, left < max ? left : max);
    assert_int_equal(page.more, left > max);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(number_of(items[i]), 2 * (first + i));
}

static void listing_page__after_each_text_and_each_gap__begins_right_behind(void **state)
{
    static const size_t sizes[] = {1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1};
    static const size_t maxima[] = {0, 1, 2, CHUNK / 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK};
    struct fixture *f = *state;

    for (size_t i = 0; i < GW_COUNT(sizes); i++) {
        for (size_t n = 0; n < sizes[i]; n++)
            (void)add(f, 2 * n);
        for (size_t m = 0; m < GW_COUNT(maxima); m++) {
            for (size_t after = 0; after <= 2 * sizes[i]; after++)
                expect_page(f, sizes[i], after, maxima[m]);
            if (maxima[m] > 0)
                expect_walk(f, maxima[m], 0, 2, sizes[i]);
        }
    }
}

static void listing_page__whose_last_text_was_removed__goes_on_behind_its_place(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n < 2 * CHUNK; n++)
        assert_true(add(f, n));
    for (size_t n = 0; n + 1 < 2 * CHUNK; n++) {
        char name[NAME_SIZE];
        struct gw_str item;
        struct gw_store_page page = {.after = name_of(n, name), .max = 1, .items = &item};

        assert_true(drop(f, n));
        assert_int_equal(gw_listing_page(&f->listing, &page), 1);
        assert_int_equal(number_of(item), n + 1);
    }
}

static void listing_add__in_order_in_reverse_and_mixed__gives_the_same(void **state)
{
    const size_t count = 20 * CHUNK + 1;
    struct fixture *f = *state;

    for (size_t n = 0; n < count; n++)
        assert_true(add(f, n));
    expect_walk(f, 100, 0, 1, count);
    gw_listing_clear(&f->listing);
    expect_walk(f, 100, 0, 1, 0);
    for (size_t n = count; n-- > 0;)
        assert_true(add(f, n));
    expect_walk(f, 100, 0, 1, count);
    gw_listing_clear(&f->listing);
    for (size_t n = 0; n < count; n++)
        assert_true(add(f, n * 7919 % count));
    expect_walk(f, 100, 0, 1, count);
}

static void listing_remove__from_either_end_or_the_middle__keeps_the_rest(void **state)
{
    const size_t count = 10 * CHUNK;
    struct fixture *f = *state;

    for (size_t n = 0; n < count; n++)
        assert_true(add(f, n));
    for (size_t n = 0; n < count; n += 2)
        assert_true(drop(f, n));
    expect_walk(f, 77, 1, 2, count / 2);
    for (size_t n = 1; n < count / 2; n += 2)
        assert_true(drop(f, n));
    expect_walk(f, 77, count / 2 + 1, 2, count / 4);
    for (size_t n = count - 1; n > count / 2; n -= 2) {
        assert_true(drop(f, n));
        assert_false(drop(f, n));
    }
    expect_walk(f, 77, 0, 1, 0);
    assert_true(add(f, 5));
    expect_walk(f, 77, 5, 1, 1);
}

/* Texts of one chunk stand one right behind the other. */
static size_t count_chunks(struct fixture *f)
{
    static struct gw_str items[50 * CHUNK];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};
    size_t count = gw_listing_page(&f->listing, &page);
    size_t chunks = count > 0 ? 1 : 0;

    for (size_t i = 1; i < count; i++)
        chunks += items[i].at != items[i - 1].at + items[i - 1].length;
    return chunks;
}

static void listing_add__in_order__packs_texts_tightly(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n < 50 * CHUNK; n++)
        assert_true(add(f, n));
    assert_int_equal(count_chunks(f), 50);
}

/* Any two neighbours hold more than half of what fits into one. */
static void listing_remove__few_left_of_many__are_joined_in_every_order(void **state)
{
    const size_t count = 50 * CHUNK;
    struct fixture *f = *state;

    for (size_t order = 0; order < 3; order++) {
        for (size_t n = 0; n < count; n++)
            (void)add(f, n);
        for (size_t i = 0; i < count; i++) {
            size_t n = order == 0 ? i : order == 1 ? count - 1 - i : i * 7919 % count;

            if (n % CHUNK != 5)
                assert_true(drop(f, n));
        }
        expect_walk(f, 7, 5, CHUNK, count / CHUNK);
        assert_in_range(count_chunks(f), 1, 1 + 2 * (count / CHUNK) / (CHUNK / 2));
    }
}

static void listing__long_texts__are_kept_whole(void **state)
{
    const size_t length = 20000;
    const size_t count = CHUNK + 10;
    struct fixture *f = *state;
    char *text = gw_alloc(length);
    struct gw_str item;
    struct gw_store_page page = {.max = 1, .items = &item};

    memset(text, 'x', length);
    for (size_t n = 0; n < count; n++) { /* they differ in their last bytes */
        (void)name_of(n * 7 % count, text + length - NAME_SIZE);
        assert_true(gw_listing_add(&f->listing, (struct gw_str){text, length}));
    }
    for (size_t n = 0; n < count; n++) {
        (void)name_of(n, text + length - NAME_SIZE);
        assert_int_equal(gw_listing_page(&f->listing, &page), 1);
        assert_int_equal(item.length, length);
        assert_memory_equal(item.at, text, length);
        page.after = item;
    }
    assert_false(page.more);
    free(text);
}

#define UNIVERSE 1500
#define STEPS    60000

/* A page from somewhere is what the flags say. */
static void compare_page(struct fixture *f, const bool *present)
{
    struct gw_str items[2 * CHUNK];
    char name[NAME_SIZE];
    size_t at = choose(f, UNIVERSE);
    struct gw_store_page page = {.after = name_of(at, name), .max = choose(f, 2 * CHUNK), .items = items};
    size_t got = gw_listing_page(&f->listing, &page);

    for (size_t i = 0; i < got; i++) {
        do
            at++;
        while (at < UNIVERSE && !present[at]);
        assert_int_equal(number_of(items[i]), at);
    }
    do
        at++;
    while (at < UNIVERSE && !present[at]);
    assert_int_equal(page.more, at < UNIVERSE);
    assert_true(got == page.max || !page.more);
}

/* Phases of growth and of decline, so that chunks split and join again and again. */
static void listing__random_steps__do_what_an_array_of_flags_does(void **state)
{
    static bool present[UNIVERSE];
    struct fixture *f = *state;
    size_t count = 0;

    memset(present, 0, sizeof(present));
    for (size_t step = 0; step < STEPS; step++) {
        size_t number = choose(f, UNIVERSE);
        bool grows = step / 4000 % 2 == 0;
        bool adds = choose(f, 4) == 0 ? !grows : grows;

        if (adds) {
            assert_int_equal(add(f, number), !present[number]);
            count += !present[number];
        } else {
            assert_int_equal(drop(f, number), present[number]);
            count -= present[number];
        }
        present[number] = adds;
        assert_int_equal(gw_listing_count(&f->listing), count);
        if (step % 8 == 0)
            compare_page(f, present);
        if (step % 64 == 0) { /* what readers hold goes, now and then */
            gw_epoch_leave(f->reader);
            gw_epoch_enter(f->reader);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTING_TEST(listing_page__nothing_in_it__is_an_empty_page_without_more),
        LISTING_TEST(listing_page__texts_of_every_kind__are_in_byte_order),
        LISTING_TEST(listing_page__after_each_text_and_each_gap__begins_right_behind),
        LISTING_TEST(listing_page__whose_last_text_was_removed__goes_on_behind_its_place),
        LISTING_TEST(listing_add__in_order_in_reverse_and_mixed__gives_the_same),
        LISTING_TEST(listing_remove__from_either_end_or_the_middle__keeps_the_rest),
        LISTING_TEST(listing_add__in_order__packs_texts_tightly),
        LISTING_TEST(listing_remove__few_left_of_many__are_joined_in_every_order),
        LISTING_TEST(listing__long_texts__are_kept_whole),
        LISTING_TEST(listing__random_steps__do_what_an_array_of_flags_does),
    };

    return cmocka_run_group_tests_name("store/listing", tests, NULL, NULL);
}
