/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of an upstream's clusters, and marks that tell when it no longer counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "gateway/overlay.h"

struct memory_case {
    struct gw_overlay_memory *memory;
    struct gw_arena arena;
};

static int set_up(void **state)
{
    struct memory_case *c = gw_alloc_zero(1, sizeof(*c));

    c->memory = gw_overlay_memory_new(gw_random_system());
    gw_arena_init(&c->arena, 0);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    struct memory_case *c = *state;

    gw_overlay_memory_free(&c->memory);
    gw_arena_fini(&c->arena);
    free(c);
    return 0;
}

static struct gw_overlay_key key_of(const char *access_key, const char *cluster)
{
    return (struct gw_overlay_key){gw_str_from(access_key), GW_STR("012345678910"), GW_STR("us-west-2"),
                                   gw_str_from(cluster)};
}

static const struct gw_eks_seen one = {.partition = GW_STR_INIT("aws"),
                                       .region = GW_STR_INIT("us-west-2"),
                                       .account = GW_STR_INIT("123456789012"),
                                       .front = GW_STR_INIT("{\"name\":\"a\",")};

static void recall__what_was_kept__is_the_same(void **state)
{
    struct memory_case *c = *state;
    struct gw_overlay_key key = key_of("AKIA1", "a");
    struct gw_eks_seen seen;
    int64_t asked_ms = 0;
    uint64_t mark = 0;

    assert_false(gw_overlay_memory_recall(c->memory, &key, &c->arena, &seen, &asked_ms, &mark));
    gw_overlay_memory_keep(c->memory, &key, &one, 17, 4);
    assert_true(gw_overlay_memory_recall(c->memory, &key, &c->arena, &seen, &asked_ms, &mark));
    assert_true(gw_str_equal(seen.partition, one.partition));
    assert_true(gw_str_equal(seen.region, one.region));
    assert_true(gw_str_equal(seen.account, one.account));
    assert_true(gw_str_equal(seen.front, one.front));
    assert_int_equal(asked_ms, 17);
    assert_int_equal(mark, 4);
}

static void recall__another_callers__is_nothing(void **state)
{
    struct memory_case *c = *state;
    struct gw_overlay_key key = key_of("AKIA1", "a");
    struct gw_overlay_key others[] = {key_of("AKIA2", "a"), key_of("AKIA1", "b"), key_of("AKIA", "1\na"),
                                      key_of("AKIA1", "aa")};
    struct gw_eks_seen seen;
    int64_t asked_ms;
    uint64_t mark;

    gw_overlay_memory_keep(c->memory, &key, &one, 0, 0);
    for (size_t i = 0; i < GW_COUNT(others); i++)
        assert_false(gw_overlay_memory_recall(c->memory, &others[i], &c->arena, &seen, &asked_ms, &mark));
}

static void keep__more_than_there_is_room_for__forgets_some(void **state)
{
    struct memory_case *c = *state;
    struct gw_eks_seen seen;
    int64_t asked_ms;
    uint64_t mark;
    size_t found = 0;

    for (int i = 0; i < 5000; i++) {
        struct gw_overlay_key key = key_of("AKIA1", gw_arena_printf(&c->arena, "c%d", i).at);

        gw_overlay_memory_keep(c->memory, &key, &one, i, 0);
    }
    for (int i = 0; i < 5000; i++) {
        struct gw_overlay_key key = key_of("AKIA1", gw_arena_printf(&c->arena, "c%d", i).at);

        if (gw_overlay_memory_recall(c->memory, &key, &c->arena, &seen, &asked_ms, &mark)) {
            assert_int_equal(asked_ms, i);
            found++;
        }
    }
    assert_in_range(found, 500, 1024);
}

static void touch__moves_the_clusters_mark_for_all_callers(void **state)
{
    struct memory_case *c = *state;
    struct gw_overlay_key first = key_of("AKIA1", "a");
    struct gw_overlay_key second = key_of("AKIA2", "a");
    uint64_t before = gw_overlay_memory_mark(c->memory, &second);

    gw_overlay_memory_touch(c->memory, &first);
    assert_int_not_equal(gw_overlay_memory_mark(c->memory, &second), before);
}

/* An upstream that doesn't go by the scope shows the same cluster to both. */
static void touch__moves_the_mark_for_those_who_sign_for_another_region(void **state)
{
    struct memory_case *c = *state;
    struct gw_overlay_key first = key_of("AKIA1", "a");
    struct gw_overlay_key second = key_of("AKIA2", "a");
    uint64_t before;

    second.account = GW_STR("111122223333");
    second.region = GW_STR("us-east-1");
    before = gw_overlay_memory_mark(c->memory, &second);
    gw_overlay_memory_touch(c->memory, &first);
    assert_int_not_equal(gw_overlay_memory_mark(c->memory, &second), before);
}

#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(recall__what_was_kept__is_the_same),
        MEMORY_TEST(recall__another_callers__is_nothing),
        MEMORY_TEST(keep__more_than_there_is_room_for__forgets_some),
        MEMORY_TEST(touch__moves_the_clusters_mark_for_all_callers),
        MEMORY_TEST(touch__moves_the_mark_for_those_who_sign_for_another_region),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
