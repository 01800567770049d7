/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordered faults: which requests they hit, and what is no order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "gateway/fault_table.h"

static struct gw_fault_table *table;
static struct gw_arena arena;
static struct gw_err err;

static int open_table(void **unused)
{
    const struct gw_fault_chance chance = {.seeded = true, .seed = 7};

    (void)unused;
    gw_arena_init(&arena, 0);
    table = gw_fault_table_new(&chance);
    return 0;
}

static int close_table(void **unused)
{
    (void)unused;
    gw_fault_table_free(&table);
    gw_arena_fini(&arena);
    return 0;
}

static void set(const char *json)
{
    if (gw_fault_table_set(table, gw_str_from(json), &err) != GW_OK)
        fail_msg("%s: %s", json, err.text);
}

static struct gw_fault take(const char *operation, const char *cluster)
{
    struct gw_fault fault;

    gw_fault_table_take(table, gw_str_from(operation), gw_str_from(cluster), &arena, &fault);
    return fault;
}

/* "x" for each of `count` requests that is hit, "." for the others. */
static const char *pattern(const char *operation, const char *cluster, size_t count)
{
    static char text[2001];

    assert_true(count < sizeof(text));
    for (size_t i = 0; i < count; i++)
        text[i] = take(operation, cluster).kind == GW_FAULT_NONE ? '.' : 'x';
    text[count] = '\0';
    return text;
}

static void take__no_order__is_no_fault(void **unused)
{
    (void)unused;
    assert_int_equal(take("CreateAccessEntry", "c").kind, GW_FAULT_NONE);
    set("{\"faults\":[]}");
    assert_int_equal(take("CreateAccessEntry", "c").kind, GW_FAULT_NONE);
}

static void take__each_kind__says_what_to_do(void **unused)
{
    struct gw_fault fault;

    (void)unused;
    set("{\"faults\":[{\"operation\":\"CreateAccessEntry\",\"error\":\"ThrottlingException\",\"message\":\"Rate "
        "\\u00e9\"},"
        "{\"operation\":\"ListClusters\",\"delay\":1.25},{\"operation\":\"DescribeCluster\",\"drop\":true}]}");
    fault = take("CreateAccessEntry", "c");
    assert_int_equal(fault.kind, GW_FAULT_ERROR);
    assert_true(gw_str_is(fault.error, "ThrottlingException"));
    assert_true(gw_str_is(fault.message, "Rate \xc3\xa9"));
    fault = take("ListClusters", NULL);
    assert_int_equal(fault.kind, GW_FAULT_DELAY);
    assert_int_equal(fault.delay_ms, 1250);
    assert_int_equal(take("DescribeCluster", "c").kind, GW_FAULT_DROP);
    assert_int_equal(take("DescribeAccessEntry", "c").kind, GW_FAULT_NONE);
    set("{\"faults\":[{\"error\":\"ServerException\",\"operation\":\"*\"}]}");
    fault = take("DescribeAccessEntry", "c");
    assert_int_equal(fault.kind, GW_FAULT_ERROR);
    assert_null(fault.message.at);
}

static void take__cluster__limits_it_to_that_cluster(void **unused)
{
    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"cluster\":\"c\",\"drop\":true}]}");
    assert_int_equal(take("DescribeCluster", "c").kind, GW_FAULT_DROP);
    assert_int_equal(take("DescribeCluster", "d").kind, GW_FAULT_NONE);
    assert_int_equal(take("ListClusters", NULL).kind, GW_FAULT_NONE);
}

static void take__after_and_times__hit_those_in_between(void **unused)
{
    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"times\":2}]}");
    assert_string_equal(pattern("ListClusters", NULL, 5), "xx...");
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"after\":3}]}");
    assert_string_equal(pattern("ListClusters", NULL, 6), "...xxx");
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"after\":1,\"times\":1}]}");
    assert_string_equal(pattern("ListClusters", NULL, 4), ".x..");
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"times\":0}]}");
    assert_string_equal(pattern("ListClusters", NULL, 3), "...");
}

static void take__several__the_first_that_hits_wins(void **unused)
{
    struct gw_fault first;
    struct gw_fault second;

    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"cluster\":\"c\",\"error\":\"ServerException\",\"times\":1},"
        "{\"operation\":\"DescribeCluster\",\"error\":\"ThrottlingException\",\"times\":1}]}");
    first = take("DescribeCluster", "c");
    second = take("DescribeCluster", "c");
    assert_true(gw_str_is(first.error, "ServerException"));
    assert_true(gw_str_is(second.error, "ThrottlingException"));
    assert_int_equal(take("DescribeCluster", "c").kind, GW_FAULT_NONE);
}

static void take__probability__hits_its_share_and_repeats(void **unused)
{
    static char first[2001];
    size_t hits = 0;

    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"probability\":0.25}]}");
    (void)snprintf(first, sizeof(first), "%s", pattern("ListClusters", NULL, 2000));
    for (size_t i = 0; i < 2000; i++)
        hits += first[i] == 'x';
    assert_in_range(hits, 400, 600);
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"probability\":0.25}]}");
    assert_string_equal(pattern("ListClusters", NULL, 2000), first);
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"probability\":0}]}");
    assert_null(strchr(pattern("ListClusters", NULL, 100), 'x'));
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"probability\":1}]}");
    assert_null(strchr(pattern("ListClusters", NULL, 100), '.'));
}

static void take__probability_unseeded__hits_its_share(void **unused)
{
    const struct gw_fault_chance chance = {.random = gw_random_system()};
    struct gw_fault_table *unseeded = gw_fault_table_new(&chance);
    struct gw_fault fault;
    size_t hits = 0;

    (void)unused;
    assert_int_equal(gw_fault_table_set(
                         unseeded,
                         GW_STR("{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"probability\":0.5,\"times\":400}]}"),
                         &err),
                     GW_OK);
    for (size_t i = 0; i < 2000; i++) {
        gw_fault_table_take(unseeded, GW_STR("ListClusters"), GW_STR_NONE, &arena, &fault);
        hits += fault.kind == GW_FAULT_DROP;
        if (i == 99)
            assert_in_range(hits, 10, 90);
    }
    assert_int_equal(hits, 400);
    gw_fault_table_free(&unseeded);
}

static void *take_many(void *ctx)
{
    _Atomic size_t *hits = ctx;

    for (size_t i = 0; i < 5000; i++) {
        struct gw_arena own;
        struct gw_fault fault;

        gw_arena_init(&own, 0);
        gw_fault_table_take(table, GW_STR("ListClusters"), GW_STR_NONE, &own, &fault);
        if (fault.kind != GW_FAULT_NONE)
            atomic_fetch_add(hits, 1);
        gw_arena_fini(&own);
    }
    return NULL;
}

static void take__many_threads__hit_as_often_as_ordered(void **unused)
{
    _Atomic size_t hits = 0;
    pthread_t threads[4];

    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"error\":\"ServerException\",\"after\":100,\"times\":777}]}");
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &hits), 0);
    for (size_t i = 0; i < GW_COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(hits, 777);
}

static void set__wrong_orders__are_refused_by_element_and_member(void **unused)
{
    static const struct {
        const char *json;
        const char *words;
    } cases[] = {
        {"", "line 1, column"},
        {"[]", "must be {\"faults\":[...]}"},
        {"{\"faults\":{}}", "must be {\"faults\":[...]}"},
        {"{\"faults\":[],\"x\":1}", "must be {\"faults\":[...]}"},
        {"{\"faults\":[1]}", "faults[0]: must be an object"},
        {"{\"faults\":[{}]}", "faults[0].operation: is missing"},
        {"{\"faults\":[{\"operation\":\"*\"}]}", "faults[0]: must have error, delay or drop"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true},{\"operation\":\"Nothing\",\"drop\":true}]}",
         "faults[1].operation: must be \"*\" or an operation of EKS"},
        {"{\"faults\":[{\"operation\":7,\"drop\":true}]}", "faults[0].operation: must be"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"delay\":1}]}", "faults[0].delay: must be alone"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":false}]}", "faults[0].drop: must be true"},
        {"{\"faults\":[{\"operation\":\"*\",\"error\":\"Oops\"}]}", "faults[0].error: must be an exception of EKS"},
        {"{\"faults\":[{\"operation\":\"*\",\"error\":null}]}", "faults[0].error: must be an exception of EKS"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"message\":\"m\"}]}",
         "faults[0].message: goes with error only"},
        {"{\"faults\":[{\"operation\":\"*\",\"error\":\"ServerException\",\"message\":\"\"}]}",
         "faults[0].message: must be a string of 1 to 1024 bytes"},
        {"{\"faults\":[{\"operation\":\"*\",\"delay\":60.1}]}", "faults[0].delay: must be a number, 0 to 60"},
        {"{\"faults\":[{\"operation\":\"*\",\"delay\":-1}]}", "faults[0].delay: must be a number, 0 to 60"},
        {"{\"faults\":[{\"operation\":\"*\",\"delay\":\"1\"}]}", "faults[0].delay: must be a number, 0 to 60"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"times\":-1}]}", "faults[0].times: must be a whole number"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"times\":1.5}]}", "faults[0].times: must be a whole number"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"after\":9223372036854775807}]}",
         "faults[0].after: must be a whole number"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"probability\":1.01}]}",
         "faults[0].probability: must be a number, 0 to 1"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"cluster\":[]}]}", "faults[0].cluster: must be a string"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"time\":2}]}",
         "faults[0]: has no member time; accepted: operation"},
        {"{\"faults\":[{\"operation\":\"*\",\"drop\":true,\"drop\":true}]}", "duplicate"},
    };

    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true}]}");
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_not_equal(gw_fault_table_set(table, gw_str_from(cases[i].json), &err), GW_OK);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: \"%s\" doesn't say \"%s\"", cases[i].json, err.text, cases[i].words);
    }
    assert_int_equal(take("ListClusters", NULL).kind, GW_FAULT_DROP); /* the old ones stayed */
}

static void set__more_than_a_thousand__is_refused(void **unused)
{
    struct gw_buf json;

    (void)unused;
    gw_buf_init(&json, 1 << 20);
    gw_buf_append_lit(&json, "{\"faults\":[");
    for (int i = 0; i < GW_FAULT_TABLE_MAX; i++)
        gw_buf_append_lit(&json, "{\"operation\":\"*\",\"drop\":true},");
    json.length--;
    gw_buf_append_lit(&json, "]}");
    assert_int_equal(gw_fault_table_set(table, gw_buf_str(&json), &err), GW_OK);
    json.length -= 2;
    gw_buf_append_lit(&json, ",{\"operation\":\"*\",\"drop\":true}]}");
    assert_int_equal(gw_fault_table_set(table, gw_buf_str(&json), &err), GW_E_LIMIT);
    gw_buf_fini(&json);
}

static void encode__what_was_set__can_be_set_again(void **unused)
{
    static const char json[] = "{\"faults\":[{\"operation\":\"CreateAccessEntry\",\"cluster\":\"c\",\"error\":"
                               "\"ThrottlingException\",\"message\":"
                               "\"m\\\"\",\"after\":1,\"times\":2,\"hits\":1},{\"operation\":\"*\",\"delay\":0.5,"
                               "\"probability\":0.125,\"hits\":0},"
                               "{\"operation\":\"*\",\"drop\":true,\"hits\":1}]}\n";
    struct gw_buf out;

    (void)unused;
    set(json);
    (void)take("CreateAccessEntry", "c");
    (void)take("CreateAccessEntry", "c");
    gw_buf_init(&out, 4096);
    gw_fault_table_encode(table, &out);
    gw_buf_append_byte(&out, '\0');
    assert_string_equal(out.at, json);
    gw_buf_fini(&out);
}

static void clear__takes_all_away(void **unused)
{
    (void)unused;
    set("{\"faults\":[{\"operation\":\"*\",\"drop\":true}]}");
    gw_fault_table_clear(table);
    assert_int_equal(take("ListClusters", NULL).kind, GW_FAULT_NONE);
}

#define WITH_TABLE(test) cmocka_unit_test_setup_teardown(test, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TABLE(take__no_order__is_no_fault),
        WITH_TABLE(take__each_kind__says_what_to_do),
        WITH_TABLE(take__cluster__limits_it_to_that_cluster),
        WITH_TABLE(take__after_and_times__hit_those_in_between),
        WITH_TABLE(take__several__the_first_that_hits_wins),
        WITH_TABLE(take__probability__hits_its_share_and_repeats),
        WITH_TABLE(take__probability_unseeded__hits_its_share),
        WITH_TABLE(take__many_threads__hit_as_often_as_ordered),
        WITH_TABLE(set__wrong_orders__are_refused_by_element_and_member),
        WITH_TABLE(set__more_than_a_thousand__is_refused),
        WITH_TABLE(encode__what_was_set__can_be_set_again),
        WITH_TABLE(clear__takes_all_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
