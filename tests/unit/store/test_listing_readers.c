/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks by pages beside a writer that adds and removes other texts: whatever
 * stays is met exactly once, in order. Between two pages a walk holds nothing but
 * a copy of the last text, as clients with a page token do.
 */
#include "listing_case.h"

#include <pthread.h>

#define STAYING 700
#define BETWEEN 3 /* names that come and go between two that stay: every fourth number stays */
#define READERS 3
#define WALKS   60  /* of each reader at least, beside the writer */
#define RUNS    500 /* of the writer at least */

#define NUMBERS ((size_t)STAYING * (BETWEEN + 1))

struct shared {
    struct fixture *f;
    atomic_uint started;
    atomic_uint walked; /* readers that have made their walks; they go on until the writer is done too */
    atomic_bool done;
    atomic_uint wrong;
};

struct walk {
    char after[NAME_SIZE];
    size_t next_number; /* the lowest that may come */
    size_t met;         /* of those that stay */
};

/* False when the text may not be here. */
static bool take_item(struct walk *walk, struct gw_str item)
{
    size_t number;

    if (item.length + 1 > NAME_SIZE)
        return false;
    memcpy(walk->after, item.at, item.length);
    walk->after[item.length] = '\0';
    number = (size_t)strtoul(walk->after + 1, NULL, 10);
    if (number < walk->next_number || number >= NUMBERS)
        return false;
    walk->next_number = number + 1;
    walk->met += number % (BETWEEN + 1) == 0;
    return true;
}

static bool walk_once(struct gw_listing *listing, struct gw_epoch_reader *reader, size_t max)
{
    struct walk walk = {.after = ""};
    struct gw_str items[300];
    struct gw_store_page page = {.max = max, .items = items};
    bool good = true;

    do {
        size_t got;

        gw_epoch_enter(reader);
        got = gw_listing_page(listing, &page);
        good = good && (got == max || !page.more);
        for (size_t i = 0; good && i < got; i++)
            good = take_item(&walk, items[i]);
        gw_epoch_leave(reader);
        page.after = gw_str_from(walk.after);
    } while (good && page.more);
    return good && walk.met == STAYING;
}

static void *read_along(void *argument)
{
    static const size_t maxima[] = {1, 7, 64, 128, 129, 300};
    struct shared *shared = argument;
    struct gw_epoch_reader *reader = gw_epoch_register(shared->f->epoch);
    bool good = true;

    atomic_fetch_add(&shared->started, 1);
    for (size_t i = 0; !atomic_load(&shared->done); i++) {
        good = walk_once(&shared->f->listing, reader, maxima[i % GW_COUNT(maxima)]) && good;
        if (i + 1 == WALKS)
            atomic_fetch_add(&shared->walked, 1);
    }
    if (!good)
        atomic_fetch_add(&shared->wrong, 1);
    gw_epoch_unregister(reader);
    return NULL;
}

/* Names come in dense runs, which split chunks, and go in runs, which empties and joins them. */
static void write_run(struct fixture *f)
{
    size_t first = choose(f, NUMBERS);
    size_t length = 1 + choose(f, 600);
    bool adds = choose(f, 2) == 0;

    for (size_t n = first; n < first + length && n < NUMBERS; n++) {
        if (n % (BETWEEN + 1) == 0)
            continue;
        if (adds)
            (void)add(f, n);
        else
            (void)drop(f, n);
    }
}

static void listing_page__walks_beside_the_writer__meet_what_stays_exactly_once(void **state)
{
    struct fixture *f = *state;
    struct shared shared = {.f = f};
    pthread_t threads[READERS];

    for (size_t n = 0; n < STAYING; n++)
        assert_true(add(f, n * (BETWEEN + 1)));
    gw_epoch_leave(f->reader); /* the writer of a listing needs no epoch */
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &shared), 0);
    while (atomic_load(&shared.started) < READERS)
        (void)sched_yield();
    for (size_t runs = 0; runs < RUNS || atomic_load(&shared.walked) < READERS; runs++)
        write_run(f);
    atomic_store(&shared.done, true);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    gw_epoch_enter(f->reader);
    for (size_t n = 0; n < NUMBERS; n++)
        assert_true(drop(f, n) || n % (BETWEEN + 1) != 0);
    expect_walk(f, 10, 0, 1, 0);
}

/* What a page gave is whole until its epoch ends, whatever becomes of the listing. */
static void listing_page__texts_of_a_page__stay_while_the_epoch_lasts(void **state)
{
    struct fixture *f = *state;
    struct gw_str items[500];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};

    for (size_t n = 0; n < GW_COUNT(items); n++)
        assert_true(add(f, n));
    assert_int_equal(gw_listing_page(&f->listing, &page), GW_COUNT(items));
    for (size_t n = 0; n < GW_COUNT(items); n++)
        assert_true(drop(f, n));
    gw_listing_clear(&f->listing);
    gw_epoch_reclaim(f->epoch);
    for (size_t n = 0; n < GW_COUNT(items); n++)
        assert_int_equal(number_of(items[n]), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTING_TEST(listing_page__walks_beside_the_writer__meet_what_stays_exactly_once),
        LISTING_TEST(listing_page__texts_of_a_page__stay_while_the_epoch_lasts),
    };

    return cmocka_run_group_tests_name("store/listing_readers", tests, NULL, NULL);
}
