/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions on facts hold for the change: what came in between takes them back,
 * and policies are asked again, a few times.
 */
#include "exchange_fixture.h"

static const struct gw_store_key key = {GW_STR_INIT("aws"), GW_STR_INIT("012345678910"), GW_STR_INIT("us-west-2"),
                                        GW_STR_INIT("c"), GW_STR_INIT("arn:aws:iam::012345678910:role/r")};

static uint64_t version_of(const struct fixture *f)
{
    struct gw_epoch_reader *reader = gw_epoch_register(f->epoch);
    const struct gw_access_entry *entry;
    uint64_t version;

    gw_epoch_enter(reader);
    entry = gw_store_find(f->store, &key);
    version = entry == NULL ? 0 : entry->version;
    gw_epoch_leave(reader);
    gw_epoch_unregister(reader);
    return version;
}

static uint64_t version_of_cluster(const struct fixture *f)
{
    struct gw_epoch_reader *reader = gw_epoch_register(f->epoch);
    uint64_t version;

    gw_epoch_enter(reader);
    version = gw_store_find_cluster(f->store, &key)->version;
    gw_epoch_leave(reader);
    gw_epoch_unregister(reader);
    return version;
}

/* Another request's change: the entry is there in another version, or gone. The writer has nothing to do meanwhile. */
static void change_to(struct fixture *f, const struct gw_access_entry *entry)
{
    struct gw_store_change change = {.key = key,
                                     .expected_cluster = version_of_cluster(f),
                                     .entry_act = entry == NULL ? GW_STORE_DELETE : GW_STORE_PUT,
                                     .expected_entry = version_of(f),
                                     .entry = entry == NULL ? NULL : gw_access_entry_new(entry),
                                     .cluster_entries_max = 10};
    struct gw_err err;

    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

/* The same for another principal's, which isn't there yet. */
static void put_at(struct fixture *f, const struct gw_access_entry *entry)
{
    struct gw_store_change change = {.key = entry->key,
                                     .expected_cluster = version_of_cluster(f),
                                     .entry_act = GW_STORE_PUT,
                                     .entry = gw_access_entry_new(entry),
                                     .cluster_entries_max = 10};
    struct gw_err err;

    assert_int_equal(gw_store_stage(f->store, &change), GW_OK);
    assert_int_equal(gw_store_commit(f->store, &err), GW_OK);
}

/* As a create without further members would make it. */
static struct gw_access_entry default_entry(void)
{
    return (struct gw_access_entry){
        .key = key,
        .type = GW_STR_INIT("STANDARD"),
        .username = GW_STR_INIT("arn:aws:sts::012345678910:assumed-role/r/{{SessionName}}"),
        .arn = GW_STR_INIT("arn:aws:eks:us-west-2:012345678910:access-entry/c/role/012345678910/r/x"),
        .reply = GW_STR_INIT("{\"accessEntry\":{\"username\":\"another version\"}}")};
}

static void put_default(struct fixture *f)
{
    const struct gw_access_entry entry = default_entry();

    change_to(f, &entry);
}

static void put_entry(void *ctx)
{
    put_default(ctx);
}

static void put_entry_once(void *ctx)
{
    struct fixture *f = ctx;

    if (f->policies.authorized + f->policies.conflicts == 1)
        put_default(f);
}

static void delete_entry_once(void *ctx)
{
    struct fixture *f = ctx;

    if (f->policies.authorized == 1)
        change_to(f, NULL);
}

static void decide_on_entry(struct fixture *f, void (*on_decision)(void *ctx))
{
    f->policies.wants_authorize = true;
    f->policies.needs = GW_FACT_ENTRY;
    f->policies.on_decision = on_decision;
    f->policies.on_decision_ctx = f;
}

static void facts__that_hold__need_one_decision(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, NULL);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_int_equal(f->policies.authorized, 1);
    assert_false(f->policies.saw_entry);
    end(f, &conn);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_true(holds(conn.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    assert_int_equal(f->policies.authorized, 2);
    assert_true(f->policies.saw_entry);
    end(f, &conn);
    assert_int_equal(f->policies.finished, 2);
}

static void facts__overtaken_once__are_decided_on_anew(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, put_entry_once);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 2);
    assert_int_equal(f->policies.passes, 1);
    assert_true(f->policies.saw_entry);
    assert_true(holds(conn.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    assert_true(holds(conn.reply_body, "is already in use on this cluster."));
    end(f, &conn);
    assert_int_equal(f->policies.finished, 1);
}

/* The policy saw an entry and would have let it be; the create that goes through is one that it saw no entry for. */
static void facts__of_an_entry_that_goes__are_decided_on_anew(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    put_default(f);
    decide_on_entry(f, delete_entry_once);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 2);
    assert_false(f->policies.saw_entry);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conn);
}

static void facts__overtaken_again_and_again__are_409(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, put_entry);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 65);
    assert_true(holds(conn.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    assert_true(holds(conn.reply_body, "is being changed by other requests."));
    end(f, &conn);
    assert_int_equal(f->policies.finished, 1);
}

static void facts__overtaken_while_a_policy_waits__are_decided_on_anew(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, NULL);
    f->policies.authorize = GW_POLICY_WAITING;
    send_create(f, &conn, principal, text, sizeof(text));
    assert_int_equal(conn.replies, 0);
    put_default(f);
    f->policies.authorize = GW_POLICY_DONE;
    f->policies.call->wake(f->policies.call->wake_ctx);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_int_equal(f->policies.authorized, 3);
    assert_true(f->policies.saw_entry);
    assert_true(holds(conn.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    end(f, &conn);
}

/* Both are decided on an empty store and prepared on it; the writer takes the first, the second is decided on again. */
static void facts__overtaken_on_the_way_to_the_writer__are_decided_on_anew(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conns[2];
    static char texts[2][4096];

    decide_on_entry(f, NULL);
    for (size_t i = 0; i < 2; i++) {
        make_create(&conns[i], principal, texts[i], sizeof(texts[i]));
        assert_int_equal(handler_of(f)->on_head(handler_of(f)->ctx, &conns[i]), GW_OK);
        handler_of(f)->on_request(handler_of(f)->ctx, &conns[i]);
    }
    assert_int_equal(f->policies.authorized, 2);
    fake_turn(&f->loop);
    while (conns[0].replies == 0 || conns[1].replies == 0) {
        fake_wait(&f->loop);
        fake_turn(&f->loop);
    }
    assert_int_equal(f->policies.authorized, 3);
    assert_true(f->policies.saw_entry);
    assert_true(holds(conns[1].reply_head, "HTTP/1.1 409 Conflict\r\n"));
    for (size_t i = 0; i < 2; i++)
        end(f, &conns[i]);
}

/* Each makes the store what it wasn't when the policy decided, without touching the entry that is created. */
static void put_administrator(void *ctx)
{
    const struct gw_association admin = {
        .policy_arn = GW_STR_INIT("arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"),
        .is_cluster_wide = true};
    struct fixture *f = ctx;
    struct gw_access_entry entry = default_entry();

    if (f->policies.authorized > 1)
        return;
    entry.key.principal = GW_STR("arn:aws:iam::012345678910:role/other");
    entry.associations = &admin;
    entry.association_count = 1;
    put_at(f, &entry);
}

static void facts__of_administrators_overtaken__are_decided_on_anew(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, put_administrator);
    f->policies.needs = GW_FACT_ADMINS;
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 2);
    assert_int_equal(f->policies.call->request->admins->as.array.count, 1);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conn);
}

/* Nothing that this create touches has changed, and the policy isn't told of administrators. */
static void facts__of_others_overtaken__hold(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, put_administrator);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 1);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    end(f, &conn);
}

static void facts__nobody_needs__are_not_looked_at(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, put_entry_once);
    f->policies.needs = 0;
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 1);
    assert_false(f->policies.saw_entry);
    assert_true(holds(conn.reply_head, "HTTP/1.1 409 Conflict\r\n"));
    end(f, &conn);
}

static void facts__that_changed_within_a_delay__are_fetched_again(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    decide_on_entry(f, NULL);
    f->policies.fault = (struct gw_fault){.kind = GW_FAULT_DELAY, .delay_ms = 1000};
    send_create(f, &conn, principal, text, sizeof(text));
    put_default(f);
    fake_fire(&f->loop);
    fake_turn(&f->loop);
    fake_wait(&f->loop);
    assert_int_equal(f->policies.authorized, 1);
    assert_true(f->policies.saw_entry);
    assert_int_equal(f->policies.faults, 1);
    end(f, &conn);
}

static void facts__that_cannot_be_read__refuse(void **state)
{
    struct fixture *f = *state;
    struct gw_access_entry entry = default_entry();
    struct gw_conn conn;
    char text[4096];

    entry.reply = GW_STR("{}");
    change_to(f, &entry);
    decide_on_entry(f, NULL);
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.authorized, 0);
    assert_true(holds(conn.reply_head, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(holds(conn.reply_body, "(eksgate policy policies: policy failed, request "));
    end(f, &conn);
}

/* The entry that policies let be adopted is the one they saw. */
static void facts__of_a_conflict__hold_for_what_is_adopted(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    create_through(f, &conn, principal, text, sizeof(text));
    end(f, &conn);
    f->policies.wants_conflict = true;
    f->policies.adopts = true;
    f->policies.needs = GW_FACT_ENTRY | GW_FACT_ASSOCIATIONS | GW_FACT_CLUSTER;
    create_through(f, &conn, principal, text, sizeof(text));
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_int_equal(f->policies.conflicts, 1);
    assert_non_null(f->policies.call->request->entry);
    assert_non_null(f->policies.call->request->associations);
    assert_non_null(f->policies.call->request->cluster_info);
    end(f, &conn);
}

static void facts__of_a_conflict_overtaken__are_decided_on_anew(void **state)
{
    struct fixture *f = *state;
    struct gw_conn conn;
    char text[4096];

    create_through(f, &conn, principal, text, sizeof(text));
    end(f, &conn);
    f->policies.wants_conflict = true;
    f->policies.adopts = true;
    f->policies.needs = GW_FACT_ENTRY;
    f->policies.on_decision = put_entry_once;
    f->policies.on_decision_ctx = f;
    create_through(f, &conn, principal, text, sizeof(text));
    assert_int_equal(f->policies.conflicts, 2);
    assert_true(holds(conn.reply_head, "HTTP/1.1 200 OK\r\n"));
    assert_true(holds(conn.reply_body, "\"another version\""));
    end(f, &conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(facts__that_hold__need_one_decision),
        WITH_FIXTURE(facts__overtaken_once__are_decided_on_anew),
        WITH_FIXTURE(facts__of_an_entry_that_goes__are_decided_on_anew),
        WITH_FIXTURE(facts__overtaken_again_and_again__are_409),
        WITH_FIXTURE(facts__overtaken_while_a_policy_waits__are_decided_on_anew),
        WITH_FIXTURE(facts__overtaken_on_the_way_to_the_writer__are_decided_on_anew),
        WITH_FIXTURE(facts__of_administrators_overtaken__are_decided_on_anew),
        WITH_FIXTURE(facts__of_others_overtaken__hold),
        WITH_FIXTURE(facts__nobody_needs__are_not_looked_at),
        WITH_FIXTURE(facts__that_changed_within_a_delay__are_fetched_again),
        WITH_FIXTURE(facts__that_cannot_be_read__refuse),
        WITH_FIXTURE(facts__of_a_conflict__hold_for_what_is_adopted),
        WITH_FIXTURE(facts__of_a_conflict_overtaken__are_decided_on_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
