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

#include <stdio.h>

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

static bool is_in_reply(const struct gw_access_entry *entry, struct gw_str text)
{
    return text.at >= entry->reply.at && text.at + text.length <= entry->reply.at + entry->reply.length;
}

static void entry_new__texts_that_the_reply_has__take_no_memory_of_their_own(void **state)
{
    const struct gw_str groups[] = {GW_STR_INIT("viewers"), GW_STR_INIT("quoted\"")};
    const struct gw_pair tags[] = {{GW_STR_INIT("team"), GW_STR_INIT("a")}};
    const struct gw_access_entry from = {
        .key = {.principal = GW_STR_INIT("p:role/x")},
        .username = GW_STR_INIT("p:sts/x"),
        .groups = groups,
        .group_count = 2,
        .tags = tags,
        .tag_count = 1,
        .reply = GW_STR_INIT("{\"p:role/x\",[\"viewers\",\"quoted\\\"\"],{\"team\":\"a\"},\"p:sts/x\"}")};
    struct gw_access_entry *copy = gw_access_entry_new(&from);

    (void)state;
    assert_true(is_in_reply(copy, copy->key.principal));
    assert_true(is_in_reply(copy, copy->groups[0]));
    assert_false(is_in_reply(copy, copy->groups[1]));
    assert_true(gw_str_is(copy->groups[1], "quoted\""));
    assert_true(is_in_reply(copy, copy->tags[0].key));
    assert_true(is_in_reply(copy, copy->tags[0].value));
    assert_true(is_in_reply(copy, copy->username));
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

/* More groups and tags than are searched for in the reply, some of which are there and some aren't. */
static void entry_new__very_many_groups_and_tags__are_all_copied(void **state)
{
    enum { COUNT = 150 };
    char text[COUNT][8];
    char reply[COUNT * 8];
    struct gw_str groups[COUNT];
    struct gw_pair tags[COUNT];

    (void)state;
    for (size_t groups_too = 0; groups_too < 2; groups_too++) {
        struct gw_access_entry from = {
            .groups = groups, .group_count = groups_too == 1 ? COUNT : 1, .tags = tags, .tag_count = COUNT};
        struct gw_access_entry *copy;
        size_t length = 0;

        for (size_t i = 0; i < COUNT; i++) {
            (void)snprintf(text[i], sizeof(text[i]), "t%zu", i);
            groups[i] = tags[i].key = tags[i].value = gw_str_from(text[i]);
            length += (size_t)snprintf(reply + length, sizeof(reply) - length, "%s,", i % 3 == 0 ? "no" : text[i]);
        }
        from.reply = (struct gw_str){reply, length};
        copy = gw_access_entry_new(&from);
        memset(reply, 'z', sizeof(reply));
        for (size_t i = 0; i < COUNT; i++) {
            char expected[8];

            memcpy(expected, text[i], sizeof(expected));
            text[i][0] = 'z';
            assert_true(gw_str_is(copy->groups[groups_too == 1 ? i : 0], groups_too == 1 || i == 0 ? expected : "t0"));
            assert_true(gw_str_is(copy->tags[i].key, expected));
            assert_true(gw_str_is(copy->tags[i].value, expected));
        }
        gw_access_entry_free(&copy);
    }
}

static void token_new__reply_of_its_own__is_copied(void **state)
{
    char text[] = "abcdefgh";
    struct gw_store_token from = {.scope = {4, 5, 6}, .digest = {1, 2, 3}, .created_ms = 9, .reply = {text, 8}};
    struct gw_store_token *copy = gw_store_token_new(&from, NULL);

    (void)state;
    memset(text, 'z', sizeof(text));
    assert_true(gw_str_is(copy->reply, "abcdefgh"));
    assert_memory_equal(copy->scope, from.scope, sizeof(from.scope));
    assert_memory_equal(copy->digest, from.digest, sizeof(from.digest));
    assert_int_equal(copy->created_ms, 9);
    gw_store_token_free(&copy);
    assert_null(copy);
    gw_store_token_free(&copy);
}

static void token_new__reply_of_its_entry__is_shared_and_outlives_it(void **state)
{
    const struct gw_access_entry from_entry = {.reply = GW_STR_INIT("the reply")};
    struct gw_store_token from = {.reply = GW_STR_INIT("the reply")};
    struct gw_access_entry *entry = gw_access_entry_new(&from_entry);
    struct gw_store_token *token = gw_store_token_new(&from, entry);
    struct gw_store_token *other;

    (void)state;
    from.reply = GW_STR("another reply");
    other = gw_store_token_new(&from, entry);
    assert_ptr_equal(token->reply.at, entry->reply.at);
    assert_ptr_not_equal(other->reply.at, entry->reply.at);
    gw_access_entry_free(&entry);
    assert_true(gw_str_is(token->reply, "the reply"));
    assert_true(gw_str_is(other->reply, "another reply"));
    gw_store_token_free(&token);
    gw_store_token_free(&other);
}

static void entry_new__associations__are_copied_with_their_namespaces(void **state)
{
    char text[] = "abcdef";
    struct gw_str namespaces[] = {{text, 1}, {text, 2}};
    struct gw_association associations[] = {
        {.policy_arn = {text, 3}, .namespaces = namespaces, .namespace_count = 2, .associated_ms = 1},
        {.policy_arn = {text, 4}, .is_cluster_wide = true, .modified_ms = 2},
    };
    const struct gw_access_entry from = {.associations = associations, .association_count = 2};
    struct gw_access_entry *copy = gw_access_entry_new(&from);

    (void)state;
    memset(text, 'z', sizeof(text));
    memset(namespaces, 0, sizeof(namespaces));
    assert_int_equal(copy->association_count, 2);
    assert_true(gw_str_is(copy->associations[0].policy_arn, "abc"));
    assert_true(gw_str_is(copy->associations[0].namespaces[1], "ab"));
    assert_int_equal(copy->associations[0].associated_ms, 1);
    assert_true(gw_str_is(copy->associations[1].policy_arn, "abcd"));
    assert_true(copy->associations[1].is_cluster_wide);
    assert_null(copy->associations[1].namespaces);
    gw_access_entry_free(&copy);
}

static void cluster_new__copies_everything_into_one_block(void **state)
{
    char text[] = "abcdef";
    struct gw_str updates[] = {{text, 1}, {text, 2}};
    const struct gw_cluster from = {.key = {{text, 1}, {text, 2}, {text, 3}, {text, 4}, GW_STR_NONE},
                                    .mode = 2,
                                    .document = {text, 5},
                                    .updates = updates,
                                    .update_count = 2};
    struct gw_cluster *copy = gw_cluster_new(&from);

    (void)state;
    memset(text, 'z', sizeof(text));
    memset(updates, 0, sizeof(updates));
    assert_true(gw_str_is(copy->key.cluster, "abcd"));
    assert_null(copy->key.principal.at);
    assert_true(gw_str_is(copy->document, "abcde"));
    assert_true(gw_str_is(copy->updates[1], "ab"));
    assert_int_equal(copy->mode, 2);
    gw_cluster_free(&copy);
    assert_null(copy);
    gw_cluster_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_new__copies_everything_into_one_block),
        cmocka_unit_test(entry_new__texts_that_the_reply_has__take_no_memory_of_their_own),
        cmocka_unit_test(entry_new__nothing_in_it__stays_absent),
        cmocka_unit_test(entry_new__associations__are_copied_with_their_namespaces),
        cmocka_unit_test(cluster_new__copies_everything_into_one_block),
        cmocka_unit_test(entry_new__very_many_groups_and_tags__are_all_copied),
        cmocka_unit_test(token_new__reply_of_its_own__is_copied),
        cmocka_unit_test(token_new__reply_of_its_entry__is_shared_and_outlives_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
