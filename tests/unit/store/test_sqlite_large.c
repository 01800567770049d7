/* SPDX-License-Identifier: Apache-2.0 */
/*
 * So many entries that several threads read them at a start: all are there, in
 * order, and what is wrong with one of them is found.
 */
#include "sqlite_case.h"

#define ENTRIES  24000
#define CLUSTERS 3
#define BATCH    4000

static const char *const clusters[CLUSTERS] = {"a", "b", "my-cluster"};

/* Numbers in no order, with much in common and little. */
static void principal_of(size_t number, char out[96])
{
    unsigned long long mixed = (unsigned long long)number * 2654435761U % 4294967296U;

    if (number % 5 == 0)
        (void)snprintf(out, 96, "arn:aws:iam::012345678910:user/%llx", mixed);
    else
        (void)snprintf(out, 96, "arn:aws:iam::012345678910:role/a/path/that/is/the/same/%010llu", mixed);
}

static void stage_one(struct fixture *f, size_t number)
{
    struct gw_association associations[2] = {{.policy_arn = GW_STR_NONE}};
    struct gw_access_entry from = {.associations = associations, .created_ms = (int64_t)number};
    struct gw_store_change change;
    char principal[96];
    char arn[128];

    principal_of(number, principal);
    (void)snprintf(arn, sizeof(arn), "arn:%zu", number);
    from.key = key_in(clusters[number % CLUSTERS], principal);
    from.arn = gw_str_from(arn);
    from.username = from.reply = gw_str_from(principal);
    for (size_t i = 0; i < 2; i++) {
        if ((number >> i & 1) != 0)
            associations[from.association_count++].policy_arn = i == 0 ? GW_STR("P") : GW_STR("Q");
    }
    change = change_at(f, &from.key, 0);
    change.cluster_entries_max = SIZE_MAX;
    change.entry = gw_access_entry_new(&from);
    assert_int_equal(stage_change(f, &change), GW_OK);
}

static void fill(struct fixture *f)
{
    put_cluster(f, "a");
    put_cluster(f, "b");
    for (size_t i = 0; i < ENTRIES; i++) {
        stage_one(f, i);
        if (i % BATCH == BATCH - 1)
            commit(f);
    }
}

/* Walks the listing: each comes behind the one before it, and is an entry. */
static size_t count_listed(struct fixture *f, const char *cluster, struct gw_str policy)
{
    struct gw_store_key at = key_in(cluster, "");
    struct gw_str items[100];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};
    size_t all = 0;

    do {
        size_t count = gw_store_page_entries(f->store, &at, policy, &page);

        for (size_t i = 0; i < count; i++) {
            assert_true(page.after.at == NULL || gw_str_compare(page.after, items[i]) < 0);
            page.after = items[i];
            at.principal = items[i];
            assert_non_null(gw_store_find(f->store, &at));
        }
        all += count;
    } while (page.more);
    return all;
}

static void expect_all(struct fixture *f)
{
    char principal[96];
    char arn[128];

    assert_int_equal(gw_store_count(f->store), ENTRIES);
    for (size_t i = 0; i < ENTRIES; i++) {
        struct gw_store_key at;
        const struct gw_access_entry *entry;

        principal_of(i, principal);
        (void)snprintf(arn, sizeof(arn), "arn:%zu", i);
        at = key_in(clusters[i % CLUSTERS], principal);
        entry = gw_store_find(f->store, &at);
        assert_non_null(entry);
        assert_int_equal(entry->created_ms, i);
        assert_ptr_equal(gw_store_find_arn(f->store, gw_str_from(arn)), entry);
    }
    for (size_t i = 0; i < CLUSTERS; i++) {
        assert_int_equal(count_listed(f, clusters[i], GW_STR_NONE), ENTRIES / CLUSTERS);
        assert_int_equal(count_listed(f, clusters[i], GW_STR("P")), ENTRIES / CLUSTERS / 2);
        assert_int_equal(count_listed(f, clusters[i], GW_STR("Q")), ENTRIES / CLUSTERS / 2);
    }
}

static void open__very_many_entries__are_all_there(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    fill(f);
    reopen(f);
    expect_all(f);
    close_store(f);
    run_beside(f, "UPDATE access_entry SET username = 'x' WHERE id = 11234");
    assert_int_equal(try_open(f, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "access_entry 11234: isn't what was written"));
}

static void open__very_many_entries_and_one_without_a_number__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    fill(f);
    close_store(f);
    run_beside(f, "UPDATE access_entry SET id = -5 WHERE id = 11234");
    assert_int_equal(try_open(f, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "access_entry -5: "));
    run_beside(f, "UPDATE access_entry SET id = 999999 WHERE id = -5");
    assert_int_equal(try_open(f, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "access_entry 999999: "));
    run_beside(f, "DELETE FROM access_entry WHERE id = 999999");
    assert_int_equal(try_open(f, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "23999 access entries"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DURABLE_TEST(open__very_many_entries__are_all_there),
        DURABLE_TEST(open__very_many_entries_and_one_without_a_number__is_refused),
    };

    return cmocka_run_group_tests_name("store/sqlite_large", tests, NULL, NULL);
}
