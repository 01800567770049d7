/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries and tokens as blocks of their own: nothing in them points at what they
 * were made from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"

static void entry_new__copies_everything_into_one_block(void **state)
{
    char text[] = "abcdefghij";
    struct gw_str groups[] = {{text, 1}, {text + 1, 2}};
    struct gw_pair tags[] = {{{text + 3, 1}, {text, 0}}};
    struct gw_access_entry from = {
        .key = {{text, 1}, {text, 2}, {text, 3}, {text, 4}, {text, 5}},
        .arn = {text, 6},
        .type = {text, 7},
        .username = {text, 8},
        .groups = groups,
        .group_count = 2,
        .tags = tags,
        .tag_count = 1,
        .created_ms = 5,
        .modified_ms = 6,
        .reply = {text, 10},
    };
    struct gw_access_entry *copy = gw_access_entry_new(&from);

    (void)state;
    memset(text, 'z', sizeof(text));
    memset(groups, 0, sizeof(groups));
    memset(tags, 0, sizeof(tags));
    assert_true(gw_str_is(copy->key.partition, "a"));
    assert_true(gw_str_is(copy->key.principal, "abcde"));
    assert_true(gw_str_is(copy->arn, "abcdef"));
    assert_true(gw_str_is(copy->type, "abcdefg"));
    assert_true(gw_str_is(copy->username, "abcdefgh"));
    assert_true(gw_str_is(copy->groups[1], "bc"));
    assert_true(gw_str_is(copy->tags[0].key, "d"));
    assert_int_equal(copy->tags[0].value.length, 0);
    assert_non_null(copy->tags[0].value.at);
    assert_true(gw_str_is(copy->reply, "abcdefghij"));
    assert_int_equal(copy->modified_ms, 6);
    gw_access_entry_free(&copy);
    assert_null(copy);
    gw_access_entry_free(&copy);
}

static void entry_new__nothing_in_it__stays_absent(void **state)
{
    struct gw_access_entry from = {.key = {.partition = GW_STR_NONE}, .created_ms = 7};
    struct gw_access_entry *copy = gw_access_entry_new(&from);

    (void)state;
    assert_null(copy->username.at);
    assert_null(copy->groups);
    assert_null(copy->tags);
    assert_int_equal(copy->created_ms, 7);
    gw_access_entry_free(&copy);
}

static void token_new__copies_everything_into_one_block(void **state)
{
    char text[] = "abcdefgh";
    struct gw_store_token from = {
        .operation = {text, 1},
        .partition = {text, 2},
        .account = {text, 3},
        .region = {text, 4},
        .cluster = {text, 5},
        .token = {text, 6},
        .principal = {text, 7},
        .digest = {1, 2, 3},
        .created_ms = 9,
        .reply = {text, 8},
    };
    struct gw_store_token *copy = gw_store_token_new(&from);

    (void)state;
    memset(text, 'z', sizeof(text));
    assert_true(gw_str_is(copy->operation, "a"));
    assert_true(gw_str_is(copy->partition, "ab"));
    assert_true(gw_str_is(copy->account, "abc"));
    assert_true(gw_str_is(copy->region, "abcd"));
    assert_true(gw_str_is(copy->cluster, "abcde"));
    assert_true(gw_str_is(copy->token, "abcdef"));
    assert_true(gw_str_is(copy->principal, "abcdefg"));
    assert_true(gw_str_is(copy->reply, "abcdefgh"));
    assert_memory_equal(copy->digest, from.digest, sizeof(from.digest));
    assert_int_equal(copy->created_ms, 9);
    gw_store_token_free(&copy);
    assert_null(copy);
    gw_store_token_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_new__copies_everything_into_one_block),
        cmocka_unit_test(entry_new__nothing_in_it__stays_absent),
        cmocka_unit_test(token_new__copies_everything_into_one_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
