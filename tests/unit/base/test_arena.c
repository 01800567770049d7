/* SPDX-License-Identifier: Apache-2.0 */
/* Request memory: what core/base/arena.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include "dies.h"

#if defined(__SANITIZE_ADDRESS__)
#define PIECEWISE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PIECEWISE 1
#endif
#endif

static void piece__any_size__is_aligned_for_any_type(void **state)
{
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 64);
    for (size_t size = 0; size < 200; size += 7) {
        void *piece = gw_arena_alloc(&arena, size);

        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        memset(piece, 0xa5, size);
    }
    gw_arena_fini(&arena);
}

static void pieces__across_blocks__keep_their_bytes(void **state)
{
    struct gw_arena arena;
    unsigned char *pieces[100];

    (void)state;
    gw_arena_init(&arena, 32);
    for (size_t i = 0; i < GW_COUNT(pieces); i++) {
        pieces[i] = gw_arena_alloc(&arena, i + 1);
        memset(pieces[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < GW_COUNT(pieces); i++) {
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(pieces[i][k], i);
    }
    gw_arena_fini(&arena);
}

static void taken__after_pieces_and_reset__counts_bytes_handed_out(void **state)
{
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    assert_int_equal(arena.taken, 0);
    (void)gw_arena_alloc(&arena, 10);
    (void)gw_arena_zero(&arena, 3, 5);
    assert_int_equal(arena.taken, 25);
    gw_arena_reset(&arena);
    assert_int_equal(arena.taken, 0);
    gw_arena_fini(&arena);
}

static void piece_after_reset__small_requests__reuses_the_first_block(void **state)
{
    struct gw_arena arena;
    struct gw_arena_block *first;

    (void)state;
    gw_arena_init(&arena, 128);
    (void)gw_arena_alloc(&arena, 16);
    first = arena.first;
    for (int i = 0; i < 20; i++)
        (void)gw_arena_alloc(&arena, 100);
    gw_arena_reset(&arena);
    (void)gw_arena_alloc(&arena, 16);
#ifndef PIECEWISE
    assert_ptr_equal(arena.first, first);
    assert_ptr_equal(arena.current, first);
#else
    (void)first; /* every piece is a malloc of its own there */
#endif
    gw_arena_fini(&arena);
}

static void piece__larger_than_a_block__is_given_whole(void **state)
{
    struct gw_arena arena;
    unsigned char *large;

    (void)state;
    gw_arena_init(&arena, 64);
    large = gw_arena_alloc(&arena, 1 << 20);
    memset(large, 1, 1 << 20);
    assert_int_equal(large[(1 << 20) - 1], 1);
    gw_arena_fini(&arena);
}

static void zero__after_dirty_reset__is_zeroed(void **state)
{
    struct gw_arena arena;
    unsigned char *piece;

    (void)state;
    gw_arena_init(&arena, 256);
    memset(gw_arena_alloc(&arena, 200), 0xff, 200);
    gw_arena_reset(&arena);
    piece = gw_arena_zero(&arena, 20, 10);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(piece[i], 0);
    gw_arena_fini(&arena);
}

static void ask_for_too_many(void)
{
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    (void)gw_arena_zero(&arena, SIZE_MAX / 2, 3);
}

static void ask_for_too_much(void)
{
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    (void)gw_arena_alloc(&arena, SIZE_MAX - 3);
}

static void zero__product_wraps__aborts(void **state)
{
    (void)state;
    assert_true(dies(ask_for_too_many));
    assert_true(dies(ask_for_too_much));
}

static void str__view_of_bytes__is_a_copy_with_nul_behind(void **state)
{
    struct gw_arena arena;
    char text[] = "a\0b";
    struct gw_str copy;

    (void)state;
    gw_arena_init(&arena, 0);
    copy = gw_arena_str(&arena, (struct gw_str){text, 3});
    text[0] = 'x';
    assert_int_equal(copy.length, 3);
    assert_memory_equal(copy.at, "a\0b", 4);
    copy = gw_arena_str(&arena, GW_STR_NONE);
    assert_int_equal(copy.length, 0);
    assert_string_equal(copy.at, "");
    gw_arena_fini(&arena);
}

static void printf__longer_than_a_block__is_whole(void **state)
{
    struct gw_arena arena;
    struct gw_str text;

    (void)state;
    gw_arena_init(&arena, 16);
    text = gw_arena_printf(&arena, "%s-%0100d", "x", 7);
    assert_int_equal(text.length, 102);
    assert_int_equal(text.at[101], '7');
    assert_int_equal(text.at[102], '\0');
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(piece__any_size__is_aligned_for_any_type),
        cmocka_unit_test(pieces__across_blocks__keep_their_bytes),
        cmocka_unit_test(taken__after_pieces_and_reset__counts_bytes_handed_out),
        cmocka_unit_test(piece_after_reset__small_requests__reuses_the_first_block),
        cmocka_unit_test(piece__larger_than_a_block__is_given_whole),
        cmocka_unit_test(zero__after_dirty_reset__is_zeroed),
        cmocka_unit_test(zero__product_wraps__aborts),
        cmocka_unit_test(str__view_of_bytes__is_a_copy_with_nul_behind),
        cmocka_unit_test(printf__longer_than_a_block__is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
