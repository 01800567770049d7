/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The place of a record in the audit chain, written and read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/chain.h"

#define RECORD GW_CHAIN_FRONT "\"status\":200}},\"eventName\":\"CreateAccessEntry\"}"

static void link_one(struct gw_chain_head *head, struct gw_buf *line)
{
    gw_buf_clear(line);
    assert_int_equal(gw_chain_link(head, 0, GW_STR(RECORD), line), GW_OK);
}

static void chain__two_records__second_names_hash_of_first(void **state)
{
    struct gw_chain_head head = {0};
    unsigned char hash[GW_DIGEST_SIZE];
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;
    struct gw_buf line;

    (void)state;
    gw_buf_init(&line, 4096);
    link_one(&head, &line);
    gw_buf_append_byte(&line, '\0');
    assert_string_equal(line.at, GW_CHAIN_FRONT "\"sequence\":1,\"previous\":"
                                                "\"0000000000000000000000000000000000000000000000000000000000000000\","
                                                "\"status\":200}},\"eventName\":\"CreateAccessEntry\"}");
    line.length--;
    gw_digest_sha256(gw_buf_str(&line), hash);
    assert_memory_equal(head.hash, hash, sizeof(hash));
    link_one(&head, &line);
    assert_int_equal(head.sequence, 2);
    assert_int_equal(gw_chain_parse(gw_buf_str(&line), &sequence, previous), GW_OK);
    assert_int_equal(sequence, 2);
    assert_memory_equal(previous, hash, sizeof(hash));
    gw_buf_fini(&line);
}

static void chain_link__store_has_committed__stands_behind_the_place(void **state)
{
    struct gw_chain_head head = {.sequence = 8};
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;
    struct gw_buf line;

    (void)state;
    gw_buf_init(&line, 4096);
    assert_int_equal(gw_chain_link(&head, 7, GW_STR(RECORD), &line), GW_OK);
    assert_int_equal(gw_chain_parse(gw_buf_str(&line), &sequence, previous), GW_OK);
    assert_int_equal(sequence, 9);
    assert_int_equal(gw_chain_committed(gw_buf_str(&line)), 7);
    assert_true(gw_str_search(gw_buf_str(&line), GW_STR("0\",\"committed\":7,\"status\":200")) != SIZE_MAX);
    gw_buf_clear(&line);
    assert_int_equal(gw_chain_link(&head, 0, GW_STR(RECORD), &line), GW_OK);
    assert_int_equal(gw_chain_committed(gw_buf_str(&line)), 0);
    assert_int_equal(gw_chain_committed(GW_STR("\"committed\":7,")), 0);
    gw_buf_fini(&line);
}

static void chain_link__record_without_the_front__is_syntax_error(void **state)
{
    struct gw_chain_head head = {.sequence = 6};
    struct gw_buf line;

    (void)state;
    gw_buf_init(&line, 4096);
    assert_int_equal(gw_chain_link(&head, 0, GW_STR("{\"eventVersion\":\"1.11\"}"), &line), GW_E_SYNTAX);
    assert_int_equal(head.sequence, 6);
    gw_buf_fini(&line);
}

static void chain_link__no_room__leaves_the_head(void **state)
{
    struct gw_chain_head head = {.sequence = 6};
    struct gw_buf line;

    (void)state;
    gw_buf_init(&line, 100);
    assert_int_equal(gw_chain_link(&head, 0, GW_STR(RECORD), &line), GW_E_LIMIT);
    assert_int_equal(head.sequence, 6);
    gw_buf_fini(&line);
}

static void chain_parse__what_no_journal_writes__is_syntax_error(void **state)
{
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
    static const char *const lines[] = {
        "",
        "{}",
        GW_CHAIN_FRONT,
        GW_CHAIN_FRONT "\"sequence\":1",
        GW_CHAIN_FRONT "\"sequence\":0,\"previous\":\"" ZEROS "\",\"a\":1}}}",
        GW_CHAIN_FRONT "\"sequence\":01,\"previous\":\"" ZEROS "\",\"a\":1}}}",
        GW_CHAIN_FRONT "\"sequence\":-1,\"previous\":\"" ZEROS "\",\"a\":1}}}",
        GW_CHAIN_FRONT "\"sequence\":99999999999999999999,\"previous\":\"" ZEROS "\",\"a\":1}}}",
        GW_CHAIN_FRONT "\"sequence\":1,\"previous\":\"" ZEROS "\"}}}",
        GW_CHAIN_FRONT "\"sequence\":1,\"previous\":\"" ZEROS "0\",\"a\":1}}}",
        GW_CHAIN_FRONT "\"sequence\":1,\"previous\":\"x\",\"a\":1}}}",
        GW_CHAIN_FRONT "\"sequence\":1, \"previous\":\"" ZEROS "\",\"a\":1}}}",
    };
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(lines); i++) {
        if (gw_chain_parse(gw_str_from(lines[i]), &sequence, previous) != GW_E_SYNTAX)
            fail_msg("taken: %s", lines[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain__two_records__second_names_hash_of_first),
        cmocka_unit_test(chain_link__store_has_committed__stands_behind_the_place),
        cmocka_unit_test(chain_link__record_without_the_front__is_syntax_error),
        cmocka_unit_test(chain_link__no_room__leaves_the_head),
        cmocka_unit_test(chain_parse__what_no_journal_writes__is_syntax_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
