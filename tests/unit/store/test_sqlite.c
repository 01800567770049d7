/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was committed to a file is there after the next start, as it was; and what
 * the file looks like to others.
 */
#include "sqlite_case.h"

#include "store/engine.h"

#define FULL_NAME "role \"quoted\" \\ back\nline \x01 \xc3\xa4\xe2\x82\xac"

static const struct gw_str namespaces[] = {GW_STR_INIT("default"), GW_STR_INIT("team-\"a\"-*")};

static struct gw_access_entry full_entry(const struct gw_store_key *at)
{
    static const struct gw_str groups[] = {GW_STR_INIT("viewers"), GW_STR_INIT("g\\\"\t\x1f")};
    static const struct gw_pair tags[] = {{GW_STR_INIT("team"), GW_STR_INIT("a")},
                                          {GW_STR_INIT("empty"), GW_STR_INIT("")},
                                          {GW_STR_INIT("\xf0\x9f\x98\x80 \"k\""), GW_STR_INIT("\\v\r\n")}};
    static const struct gw_association associations[] = {
        {.policy_arn = GW_STR_INIT("arn:aws:eks::aws:cluster-access-policy/A"),
         .is_cluster_wide = true,
         .associated_ms = 1,
         .modified_ms = NOW},
        {.policy_arn = GW_STR_INIT("arn:aws:eks::aws:cluster-access-policy/B"),
         .namespaces = namespaces,
         .namespace_count = GW_COUNT(namespaces),
         .associated_ms = 0,
         .modified_ms = INT64_C(253402300799999)},
        {.policy_arn = GW_STR_INIT("arn:aws:eks::aws:cluster-access-policy/C"), .is_cluster_wide = false}};

    return (struct gw_access_entry){.key = *at,
                                    .arn = GW_STR("arn:aws:eks:us-west-2:012345678910:access-entry/x"),
                                    .type = GW_STR("STANDARD"),
                                    .username = GW_STR(FULL_NAME),
                                    .groups = groups,
                                    .group_count = GW_COUNT(groups),
                                    .tags = tags,
                                    .tag_count = GW_COUNT(tags),
                                    .associations = associations,
                                    .association_count = GW_COUNT(associations),
                                    .created_ms = NOW - 1,
                                    .modified_ms = NOW,
                                    .reply = GW_STR(FULL_NAME)};
}

static void put_full(struct fixture *f, const char *principal)
{
    struct gw_store_key at = key(principal);
    struct gw_access_entry from = full_entry(&at);
    struct gw_store_change change = change_at(f, &at, 0);

    change.entry = gw_access_entry_new(&from);
    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
}

#define assert_text_equal(a, b) assert_true(gw_str_equal(a, b))

static void expect_full(struct fixture *f, const char *principal)
{
    struct gw_store_key at = key(principal);
    struct gw_access_entry expected = full_entry(&at);
    const struct gw_access_entry *entry = gw_store_find(f->store, &at);

    assert_non_null(entry);
    assert_text_equal(entry->key.partition, at.partition);
    assert_text_equal(entry->key.account, at.account);
    assert_text_equal(entry->key.region, at.region);
    assert_text_equal(entry->key.cluster, at.cluster);
    assert_text_equal(entry->key.principal, at.principal);
    assert_text_equal(entry->arn, expected.arn);
    assert_text_equal(entry->type, expected.type);
    assert_text_equal(entry->username, expected.username);
    assert_text_equal(entry->reply, expected.reply);
    assert_int_equal(entry->created_ms, expected.created_ms);
    assert_int_equal(entry->modified_ms, expected.modified_ms);
    assert_int_equal(entry->group_count, expected.group_count);
    for (size_t i = 0; i < expected.group_count; i++)
        assert_text_equal(entry->groups[i], expected.groups[i]);
    assert_int_equal(entry->tag_count, expected.tag_count);
    for (size_t i = 0; i < expected.tag_count; i++) {
        assert_text_equal(entry->tags[i].key, expected.tags[i].key);
        assert_text_equal(entry->tags[i].value, expected.tags[i].value);
    }
    assert_int_equal(entry->association_count, expected.association_count);
    for (size_t i = 0; i < expected.association_count; i++) {
        const struct gw_association *a = &entry->associations[i];
        const struct gw_association *b = &expected.associations[i];

        assert_text_equal(a->policy_arn, b->policy_arn);
        assert_int_equal(a->is_cluster_wide, b->is_cluster_wide);
        assert_int_equal(a->associated_ms, b->associated_ms);
        assert_int_equal(a->modified_ms, b->modified_ms);
        assert_int_equal(a->namespace_count, b->namespace_count);
        for (size_t k = 0; k < b->namespace_count; k++)
            assert_text_equal(a->namespaces[k], b->namespaces[k]);
    }
}

static void open__no_file__makes_one_for_nobody_else(void **state)
{
    struct fixture *f = *state;
    struct stat found;
    mode_t before = umask(0);

    open_again(f);
    put_cluster(f, "my-cluster");
    (void)umask(before);
    assert_true(gw_store_found(f->store)->is_durable);
    assert_true(gw_store_found(f->store)->is_new);
    assert_int_equal(stat(f->path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    for (size_t i = 0; i < 2; i++) {
        char name[128];

        (void)snprintf(name, sizeof(name), "%s%s", f->path, i == 0 ? "-wal" : "-shm");
        assert_int_equal(stat(name, &found), 0);
        assert_int_equal(found.st_mode & 0777, 0600);
    }
}

static void reopen__entry_with_everything__is_as_it_was(void **state)
{
    struct fixture *f = *state;

    put_full(f, "arn:aws:iam::012345678910:role/full");
    reopen(f);
    assert_false(gw_store_found(f->store)->is_new);
    assert_int_equal(gw_store_count(f->store), 1);
    expect_full(f, "arn:aws:iam::012345678910:role/full");
    assert_ptr_equal(find_arn(f, "arn:aws:eks:us-west-2:012345678910:access-entry/x"),
                     find(f, "arn:aws:iam::012345678910:role/full"));
    expect_with_policy(f, "my-cluster", "arn:aws:eks::aws:cluster-access-policy/B",
                       "arn:aws:iam::012345678910:role/full");
}

static void reopen__cluster_with_updates__is_as_it_was(void **state)
{
    struct fixture *f = *state;
    static const struct gw_str updates[] = {GW_STR_INIT("{\"id\":\"1\",\"a\":[1,{}]}"), GW_STR_INIT("{\"id\":\"2\"}")};
    struct gw_store_key at = key_in("b", "");
    struct gw_cluster from = {.key = at,
                              .mode = 2,
                              .document = GW_STR("{\"name\":\"b\",\"tags\":{}}"),
                              .updates = updates,
                              .update_count = GW_COUNT(updates)};
    struct gw_store_change change = {.key = at, .cluster_act = GW_STORE_PUT};
    const struct gw_cluster *cluster;

    change.cluster = gw_cluster_new(&from);
    assert_int_equal(stage_change(f, &change), GW_OK);
    commit(f);
    reopen(f);
    cluster = gw_store_find_cluster(f->store, &at);
    assert_non_null(cluster);
    assert_int_equal(cluster->mode, 2);
    assert_text_equal(cluster->document, from.document);
    assert_int_equal(cluster->update_count, 2);
    assert_text_equal(cluster->updates[0], updates[0]);
    assert_text_equal(cluster->updates[1], updates[1]);
    assert_int_equal(gw_store_count_clusters(f->store), 2);
    expect_clusters(f, "b my-cluster");
    expect_scopes(f, "aws/012345678910/us-west-2");
}

static void reopen__tokens__give_the_replies_that_were_given(void **state)
{
    struct fixture *f = *state;
    const struct gw_store_token *token;

    put(f, "a", "first", "t1", NOW);
    put(f, "a", "second", "t2", NOW);
    assert_int_equal(stage_cluster(f, "b", 0, GW_STORE_PUT, "t3"), GW_OK);
    commit(f);
    reopen(f);
    token = find_token(f, "t1", NOW);
    assert_non_null(token);
    assert_true(gw_str_is(token->reply, "first"));
    assert_int_equal(token->created_ms, NOW);
    assert_true(gw_str_is(find_token(f, "t2", NOW)->reply, "second"));
    assert_true(gw_str_is(find_token(f, "t3", NOW)->reply, "t3"));
    assert_null(find_token(f, "t1", NOW + 1001));

    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    commit(f);
    assert_null(find_token(f, "t1", NOW));
    assert_non_null(find_token(f, "t3", NOW));
    reopen(f);
    assert_null(find_token(f, "t1", NOW));
    assert_null(find_token(f, "t2", NOW));
    put_cluster(f, "b");
    assert_non_null(find_token(f, "t3", NOW));
    expect_beside(f, "SELECT count(*) FROM token", "1");
}

static void tokens__past_their_bounds__leave_the_file_with_the_next_change(void **state)
{
    struct fixture *f = *state;
    char name[16];

    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        put(f, "a", "x", name, NOW);
    }
    reopen(f);
    assert_null(find_token(f, "t4", NOW));
    assert_non_null(find_token(f, "t5", NOW));
    assert_non_null(find_token(f, "t7", NOW));
    put(f, "b", "x", NULL, NOW);
    expect_beside(f, "SELECT count(*) FROM token", "3");
    close_store(f);
    f->options.tokens_max = 0;
    open_again(f);
    assert_null(find_token(f, "t7", NOW));
    put(f, "c", "x", "t9", NOW);
    expect_beside(f, "SELECT count(*) FROM token", "0");
}

static void token__used_again_when_it_was_too_old__is_the_new_one(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "old", "t1", NOW);
    put(f, "b", "new", "t1", NOW + 5000);
    reopen(f);
    assert_true(gw_str_is(find_token(f, "t1", NOW + 5000)->reply, "new"));
    put(f, "c", "x", NULL, NOW);
    expect_beside(f, "SELECT count(*) FROM token", "1");
}

static void put__over_an_object__keeps_its_row(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "first", NULL, NOW);
    expect_beside(f, "SELECT id || ' ' || cluster_id || ' ' || username FROM access_entry", "2 1 first");
    put_cluster(f, "my-cluster");
    put(f, "a", "second", NULL, NOW);
    reopen(f);
    put(f, "a", "third", NULL, NOW);
    put(f, "b", "other", NULL, NOW);
    expect_beside(f, "SELECT group_concat(id || ' ' || cluster_id || ' ' || username) FROM access_entry",
                  "2 1 third,3 1 other");
}

static void row_ids__of_what_was_deleted__are_not_given_again(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "x", NULL, NOW);
    assert_int_equal(stage(f, "a", find(f, "a")->version, NULL), GW_OK);
    commit(f);
    reopen(f);
    put(f, "a", "x", NULL, NOW);
    expect_beside(f, "SELECT id FROM access_entry", "3");
}

static void delete_of_a_cluster__takes_its_entries_from_the_file(void **state)
{
    struct fixture *f = *state;
    struct gw_store_key at = key_in("b", "");
    char name[32];

    put_cluster(f, "b");
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        at.principal = gw_str_from(name);
        assert_int_equal(stage_at(f, &at, 0, "x", NULL, NOW), GW_OK);
    }
    commit(f);
    put(f, "a", "x", NULL, NOW);
    at.principal = GW_STR("late");
    assert_int_equal(stage_at(f, &at, 0, "x", "t1", NOW), GW_OK);
    assert_int_equal(stage_cluster(f, "b", version_of(f, "b"), GW_STORE_DELETE, NULL), GW_OK);
    assert_int_equal(stage_cluster(f, "b", 0, GW_STORE_PUT, NULL), GW_OK);
    commit(f);
    expect_beside(f, "SELECT count(*) FROM access_entry", "1");
    reopen(f);
    assert_int_equal(gw_store_count(f->store), 1);
    assert_int_equal(count_cluster(f, "b"), 0);
    assert_null(find_token(f, "t1", NOW));
}

static void prepare__rolled_back__leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    assert_int_equal(stage(f, "a", 0, "x"), GW_OK);
    assert_int_equal(gw_store_prepare(f->store, NULL, &err), GW_OK);
    assert_null(find(f, "a"));
    gw_store_rollback(f->store);
    put(f, "b", "x", NULL, NOW);
    reopen(f);
    expect_entries(f, "my-cluster", "b");
}

static void prepare__head__is_what_the_next_start_finds(void **state)
{
    struct fixture *f = *state;
    struct gw_chain_head head = {.sequence = 41};
    struct gw_err err;

    memset(head.hash, 7, sizeof(head.hash));
    assert_int_equal(gw_store_found(f->store)->head.sequence, 0);
    assert_int_equal(gw_store_prepare(f->store, &head, &err), GW_OK); /* records only */
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    assert_int_equal(atomic_load(&gw_store_counters(f->store)->transactions), 2);
    put(f, "a", "x", NULL, NOW); /* no record: the head stays */
    reopen(f);
    assert_true(gw_chain_equal(&gw_store_found(f->store)->head, &head));
}

static void commit__nothing_staged__writes_nothing(void **state)
{
    struct fixture *f = *state;

    commit(f);
    assert_int_equal(atomic_load(&gw_store_counters(f->store)->transactions), 1);
}

static void prepare__what_a_start_would_refuse__is_refused(void **state)
{
    static const char *const names[] = {"\xff", "\xed\xa0\x80"};
    struct fixture *f = *state;
    struct gw_store_key at = key("time");
    struct gw_access_entry from = full_entry(&at);
    struct gw_store_change change = change_at(f, &at, 0);
    struct gw_err err;

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        assert_int_equal(stage(f, "a", 0, names[i]), GW_OK);
        assert_int_equal(gw_store_prepare(f->store, NULL, &err), GW_E_IO);
        assert_non_null(strstr(err.text, "UTF-8"));
    }
    from.created_ms = -1;
    change.entry = gw_access_entry_new(&from);
    assert_int_equal(stage_change(f, &change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_E_IO);
    assert_false(atomic_load(&gw_store_counters(f->store)->is_fenced));
    put(f, "b", "x", NULL, NOW);
    reopen(f);
    expect_entries(f, "my-cluster", "b");
}

static void open__while_another_has_it__is_busy(void **state)
{
    struct fixture *f = *state;
    struct gw_store *first = f->store;
    struct gw_err err;
    char process[32];

    assert_int_equal(try_open(f, &err), GW_E_BUSY);
    (void)snprintf(process, sizeof(process), "process %d has it", (int)getpid());
    assert_non_null(strstr(err.text, process));
    f->store = first;
}

static void prepare__foreign_lock__is_busy_for_a_while(void **state)
{
    struct fixture *f = *state;
    sqlite3 *other = connect_beside(f);
    struct gw_err err;

    run_sql(other, "BEGIN IMMEDIATE");
    assert_int_equal(stage(f, "a", 0, "x"), GW_OK);
    assert_int_equal(gw_store_prepare(f->store, NULL, &err), GW_E_BUSY);
    assert_non_null(strstr(err.text, f->path));
    assert_non_null(strstr(err.text, "another program has locked it"));
    assert_null(find(f, "a"));
    run_sql(other, "ROLLBACK");
    (void)sqlite3_close(other);
    put(f, "a", "x", NULL, NOW);
    reopen(f);
    expect_entries(f, "my-cluster", "a");
}

/* A change of a page or two. */
static void put_some(struct fixture *f, int number)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "p%d", number);
    assert_int_equal(stage(f, name, 0, "x"), GW_OK);
}

static void tend__log_of_many_pages__is_emptied(void **state)
{
    struct fixture *f = *state;
    const struct gw_store_counters *counters = gw_store_counters(f->store);

    f->store->database->checkpoint_pages = 10;
    for (int i = 0; i < 100; i++) {
        put_some(f, i);
        commit(f);
        gw_store_tend(f->store);
        assert_in_range(atomic_load(&counters->log_pages), 1, 16);
    }
    assert_in_range(atomic_load(&counters->checkpoints), 10, 50);
}

static void tend__log_that_a_reader_holds__grows_to_its_bound_and_recovers(void **state)
{
    struct fixture *f = *state;
    const struct gw_store_counters *counters = gw_store_counters(f->store);
    enum gw_status status = GW_OK;
    struct gw_err err;
    sqlite3 *reader;
    int count = 0;

    put(f, "a", "x", NULL, NOW);
    reader = connect_beside(f);
    run_sql(reader, "BEGIN; SELECT count(*) FROM access_entry");
    f->store->database->checkpoint_pages = 1;
    while (status == GW_OK && count < 1000) {
        put_some(f, count++);
        status = gw_store_prepare(f->store, NULL, &err);
        if (status == GW_OK)
            commit(f);
        if (count % 50 == 0)
            gw_store_tend(f->store);
    }
    assert_int_equal(status, GW_E_BUSY);
    assert_non_null(strstr(err.text, "another program reads the file"));
    assert_in_range(atomic_load(&counters->log_pages), 257, 270);
    gw_store_tend(f->store);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
    run_sql(reader, "COMMIT");
    (void)sqlite3_close(reader);
    gw_store_tend(f->store);
    put(f, "b", "x", NULL, NOW);
    assert_in_range(atomic_load(&counters->log_pages), 1, 10);
    assert_false(atomic_load(&counters->is_fenced));
}

static void commit__file_or_log_removed__is_fenced(void **state)
{
    struct fixture *f = *state;
    char moved[128];

    for (int i = 0; i < 2; i++) {
        struct gw_err err;
        char name[128];

        put(f, "a", "x", NULL, NOW);
        (void)snprintf(name, sizeof(name), "%s%s", f->path, i == 0 ? "-wal" : "");
        (void)snprintf(moved, sizeof(moved), "%s/moved", f->folder);
        assert_int_equal(rename(name, moved), 0);
        put_some(f, i);
        assert_int_equal(gw_store_commit(f->store, &err), GW_E_IO);
        assert_true(atomic_load(&gw_store_counters(f->store)->is_fenced));
        assert_non_null(find(f, "a"));
        assert_int_equal(rename(moved, name), 0);
        put_some(f, i);
        assert_int_equal(gw_store_commit(f->store, &err), GW_E_IO);
        reopen(f);
        expect_entries(f, "my-cluster", "a");
    }
}

struct texts_read {
    size_t count;
    char text[256];
};

static void take_text(void *ctx, const struct gw_store_snapshot *snapshot)
{
    struct texts_read *read = ctx;
    size_t used = strlen(read->text);

    read->count++;
    (void)snprintf(read->text + used, sizeof(read->text) - used, "%.*s=%.*s/%.*s;", GW_STR_ARG(snapshot->name),
                   GW_STR_ARG(snapshot->state), GW_STR_ARG(snapshot->history));
}

static void stage_text(struct fixture *f, const char *name, const char *state, const char *history)
{
    const struct gw_store_snapshot snapshot = {gw_str_from(name), gw_str_from(state), gw_str_from(history)};

    assert_int_equal(gw_store_stage_snapshot(f->store, &snapshot), GW_OK);
    assert_int_equal(gw_store_stage_snapshot(f->store, &snapshot), GW_E_BUSY);
}

static void expect_texts(struct fixture *f, const char *expected)
{
    struct texts_read read = {0};
    struct gw_err err;

    assert_int_equal(gw_store_read_snapshots(f->store, take_text, &read, &err), GW_OK);
    assert_string_equal(read.text, expected);
}

static void snapshots__are_kept_replaced_and_read_by_the_next_process(void **state)
{
    struct fixture *f = *state;
    struct texts_read read = {0};
    struct gw_err err;

    expect_texts(f, "");
    stage_text(f, "one", "s1", "h1");
    expect_texts(f, "");
    commit(f);
    stage_text(f, "two", "s2", "");
    assert_int_equal(stage(f, "a", 0, "x"), GW_OK);
    commit(f);
    stage_text(f, "three", "s3", "h3");
    gw_store_rollback(f->store);
    reopen(f);
    expect_texts(f, "one=s1/h1;two=s2/;");
    stage_text(f, "one", "other", "too");
    commit(f);
    expect_texts(f, "one=other/too;two=s2/;");
    put(f, "b", "x", NULL, NOW);
    reopen(f);
    expect_texts(f, "one=other/too;two=s2/;");
    expect_entries(f, "my-cluster", "a b");
    run_beside(f, "UPDATE snapshot SET state = 'x' WHERE name = 'two'");
    assert_int_equal(gw_store_read_snapshots(f->store, take_text, &read, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "snapshot 4: isn't what was written"));
}

static void views__show_what_people_ask_for(void **state)
{
    struct fixture *f = *state;

    put_full(f, "arn:aws:iam::012345678910:role/full");
    expect_beside(f, "SELECT cluster || '|' || principal_arn || '|' || value FROM tag WHERE key = 'team'",
                  "my-cluster|arn:aws:iam::012345678910:role/full|a");
    expect_beside(f, "SELECT namespaces FROM association WHERE policy_arn LIKE '%/B'",
                  "[\"default\",\"team-\\\"a\\\"-*\"]");
    expect_beside(f, "SELECT count(*) FROM association WHERE namespaces IS NULL", "1");
    expect_beside(f, "SELECT region || '|' || modified FROM entry", "us-west-2|2026-11-22T02:01:01.811Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(open__no_file__makes_one_for_nobody_else),
        DURABLE_TEST(reopen__entry_with_everything__is_as_it_was),
        DURABLE_TEST(reopen__cluster_with_updates__is_as_it_was),
        DURABLE_TEST(reopen__tokens__give_the_replies_that_were_given),
        DURABLE_TEST(tokens__past_their_bounds__leave_the_file_with_the_next_change),
        DURABLE_TEST(token__used_again_when_it_was_too_old__is_the_new_one),
        DURABLE_TEST(put__over_an_object__keeps_its_row),
        DURABLE_TEST(row_ids__of_what_was_deleted__are_not_given_again),
        DURABLE_TEST(delete_of_a_cluster__takes_its_entries_from_the_file),
        DURABLE_TEST(prepare__rolled_back__leaves_nothing),
        DURABLE_TEST(prepare__head__is_what_the_next_start_finds),
        DURABLE_TEST(commit__nothing_staged__writes_nothing),
        DURABLE_TEST(prepare__what_a_start_would_refuse__is_refused),
        DURABLE_TEST(open__while_another_has_it__is_busy),
        DURABLE_TEST(prepare__foreign_lock__is_busy_for_a_while),
        DURABLE_TEST(tend__log_of_many_pages__is_emptied),
        DURABLE_TEST(tend__log_that_a_reader_holds__grows_to_its_bound_and_recovers),
        DURABLE_TEST(commit__file_or_log_removed__is_fenced),
        DURABLE_TEST(snapshots__are_kept_replaced_and_read_by_the_next_process),
        DURABLE_TEST(views__show_what_people_ask_for),
    };

    return cmocka_run_group_tests_name("store/sqlite", tests, NULL, NULL);
}
