/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What entries cost in memory, and that what is gone costs nothing: names that
 * were mentioned once leave no trace.
 */
#include "cluster_case.h"

#include <malloc.h>

/* Of an entry as most are: no groups, no tags. Its reply has about 500 bytes, and stands for most of its texts. */
#define ENTRY_MAX 980
/* What the tables and the list of staged changes may keep of the largest size that they had. */
#define KEPT_MAX ((size_t)4 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ENTRIES 20000 /* slower there, and a leak shows all the same */

size_t __sanitizer_get_current_allocated_bytes(void);

static size_t used_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
#define ENTRIES 100000

static size_t used_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}
#endif

static size_t measure(struct fixture *f)
{
    gw_epoch_leave(f->reader);
    gw_epoch_reclaim(f->epoch);
    gw_epoch_enter(f->reader);
    return used_bytes();
}

static enum gw_status stage_usual(struct fixture *f, size_t number)
{
    char principal[64];
    char username[96];
    char arn[160];
    char reply[768];
    struct gw_store_key at;
    struct gw_access_entry from;
    struct gw_store_change change;

    (void)snprintf(principal, sizeof(principal), "arn:aws:iam::012345678910:role/some-role-%06zu", number);
    (void)snprintf(username, sizeof(username), "arn:aws:sts::012345678910:assumed-role/some-role-%06zu/{{SessionName}}",
                   number);
    (void)snprintf(arn, sizeof(arn),
                   "arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/012345678910/some-role-%06zu/"
                   "00000000-0000-0000-0000-000000000000",
                   number);
    (void)snprintf(reply, sizeof(reply),
                   "{\"accessEntry\":{\"clusterName\":\"my-cluster\",\"principalArn\":\"%s\",\"kubernetesGroups\":[],"
                   "\"accessEntryArn\":\"%s\",\"createdAt\":1685475163.532,\"modifiedAt\":1685475163.532,\"tags\":{},"
                   "\"username\":\"%s\",\"type\":\"STANDARD\"}}",
                   principal, arn, username);
    at = key(principal);
    from = (struct gw_access_entry){.key = at,
                                    .arn = gw_str_from(arn),
                                    .type = GW_STR("STANDARD"),
                                    .username = gw_str_from(username),
                                    .reply = gw_str_from(reply)};
    change = change_at(f, &at, 0);
    change.entry = gw_access_entry_new(&from);
    return stage_change(f, &change);
}

static void store__very_many_entries__cost_what_is_promised_and_go(void **state)
{
    struct fixture *f = *state;
    size_t before;
    size_t full;

    f->cluster_max = SIZE_MAX;
    before = measure(f);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(stage_usual(f, i), GW_OK);
        if (i % 1000 == 999) {
            commit(f);
            (void)measure(f);
        }
    }
    assert_int_equal(gw_store_count(f->store), ENTRIES);
    full = measure(f) - before;
    assert_true(full > (size_t)ENTRIES * 500); /* the measure works */
    assert_in_range(full / ENTRIES, 500, ENTRY_MAX);
    delete_cluster(f, "my-cluster");
    put_cluster(f, "my-cluster");

    assert_in_range(measure(f), 0, before + KEPT_MAX);
}

static void stage__refused__leaves_nothing_of_its_cluster(void **state)
{
    struct fixture *f = *state;
    size_t before = measure(f);
    char name[32];

    for (int i = 0; i < 50000; i++) {
        struct gw_store_key at;

        (void)snprintf(name, sizeof(name), "absent-cluster-%d", i);
        at = key_in(name, "a");
        assert_int_equal(stage_at(f, &at, 0, "x", NULL, NOW), GW_E_STALE);
        if (i % 1000 == 0)
            (void)measure(f);
    }
    assert_in_range(measure(f), 0, before + 65536);
}

static void clusters__made_and_deleted_or_rolled_back__leave_nothing(void **state)
{
    struct fixture *f = *state;
    size_t before = 0;
    char name[32];

    for (int i = 0; i < 20000; i++) {
        if (i == 1000)
            before = measure(f);
        (void)snprintf(name, sizeof(name), "cluster-%d", i);
        put_cluster(f, name);
        put_entry_with(f, name, "a", "PQR");
        delete_cluster(f, name);
        assert_int_equal(stage_cluster(f, name, 0, GW_STORE_PUT, "t1"), GW_OK);
        gw_store_rollback(f->store);
        if (i % 1000 == 0)
            (void)measure(f);
    }
    assert_in_range(measure(f), 0, before + 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(store__very_many_entries__cost_what_is_promised_and_go),
        STORE_TEST(stage__refused__leaves_nothing_of_its_cluster),
        STORE_TEST(clusters__made_and_deleted_or_rolled_back__leave_nothing),
    };

    return cmocka_run_group_tests_name("store/heap", tests, NULL, NULL);
}
