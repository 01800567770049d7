/* SPDX-License-Identifier: Apache-2.0 */
/* Roles assumed for callers: one question to STS for all who wait, refusals told from silence, bounded. */
#include "credentials_case.h"

#define ROLE "arn:aws:iam::012345678910:role/gateway"

static const struct gw_credentials_key fixed = {GW_STR_INIT("AKIDBASE"), GW_STR_INIT("secret"), GW_STR_INIT("token")};
static unsigned woken;
static struct gw_err why;

static void wake(void *ctx)
{
    (void)ctx;
    woken++;
}

static int begin_roles(void **state)
{
    (void)begin(state);
    woken = 0;
    it.options.fixed = &fixed;
    make();
    (void)work();
    return 0;
}

static struct gw_credentials_role role_for(const char *session)
{
    return (struct gw_credentials_role){.arn = GW_STR(ROLE), .session_name = gw_str_from(session)};
}

/* The key id on success, else "". */
static const char *assume(const struct gw_credentials_role *role, enum gw_status wanted)
{
    static char key[64];
    const struct gw_credentials_snapshot *snapshot = NULL;
    enum gw_status status;

    gw_epoch_enter(it.reader);
    status = gw_credentials_assume(it.credentials, role, wake, NULL, &snapshot, &why);
    (void)snprintf(key, sizeof(key), "%.*s", status == GW_OK ? (int)snapshot->identity.access_key.length : 0,
                   status == GW_OK ? snapshot->identity.access_key.at : "");
    gw_epoch_leave(it.reader);
    assert_int_equal(status, wanted);
    return key;
}

static void assume__many_who_wait__are_one_question(void **state)
{
    const struct gw_credentials_role role = {.arn = GW_STR(ROLE),
                                             .session_name = GW_STR("user=a@1"),
                                             .source_identity = GW_STR("user=a@1"),
                                             .region = GW_STR("eu-west-1")};

    (void)state;
    answer(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    for (int i = 0; i < 5; i++)
        (void)assume(&role, GW_AGAIN);
    assert_int_equal(woken, 0);
    (void)work();
    assert_int_equal(woken, 5);
    assert_int_equal(it.asked, 1);
    assert_string_equal(it.peer, "sts.eu-west-1.amazonaws.com:443");
    assert_non_null(strstr(it.body, "SourceIdentity=user%3Da%401"));
    assert_string_equal(assume(&role, GW_OK), "R1");
    assert_int_equal(it.asked, 1);
    assert_int_equal(woken, 5);
}

static void assume__request__is_signed_with_the_gateways_own(void **state)
{
    struct gw_credentials_role role = role_for("s1");

    (void)state;
    answer(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    (void)assume(&role, GW_AGAIN);
    (void)work();
    assert_non_null(strstr(it.head, "POST / HTTP/1.1\r\nHost: sts.us-west-2.amazonaws.com\r\n"));
    assert_non_null(strstr(it.head, "Credential=AKIDBASE/20260101/us-west-2/sts/aws4_request"));
    assert_non_null(strstr(it.head, "X-Amz-Security-Token: token\r\n"));
}

static void assume__different_sessions__are_different_questions(void **state)
{
    struct gw_credentials_role roles[] = {role_for("s1"), role_for("s2"), role_for("s1"), role_for("s1")};

    (void)state;
    roles[2].source_identity = GW_STR("who");
    roles[3].region = GW_STR("eu-west-1");
    answer(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    for (size_t i = 0; i < GW_COUNT(roles); i++)
        (void)assume(&roles[i], GW_AGAIN);
    (void)work();
    assert_int_equal(it.asked, GW_COUNT(roles));
}

#define DENIED "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"

static void assume__refused__is_told_and_remembered_briefly(void **state)
{
    struct gw_credentials_role role = role_for("s1");

    (void)state;
    answer(403, DENIED);
    (void)assume(&role, GW_AGAIN);
    (void)work();
    assert_int_equal(woken, 1);
    for (int i = 0; i < 3; i++)
        (void)assume(&role, GW_E_DENIED);
    assert_string_equal(why.text, "STS: AccessDenied (403): no");
    (void)work();
    assert_int_equal(it.asked, 1);
    answer_anew(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    pass(5000);
    (void)assume(&role, GW_AGAIN);
    (void)work();
    assert_string_equal(assume(&role, GW_OK), "R1");
}

/* The clock here is wrong, say: nobody waits for ever, and STS isn't asked again and again. */
static void assume__answer_that_has_expired__is_told(void **state)
{
    struct gw_credentials_role role = role_for("s1");

    (void)state;
    answer(200, sts_answer("R1", NOW_MS - MINUTE_MS));
    (void)assume(&role, GW_AGAIN);
    (void)work();
    assert_int_equal(woken, 1);
    (void)assume(&role, GW_E_IO);
    assert_string_equal(why.text, "STS: gave credentials that expired at 2025-12-31T23:59:00Z");
    (void)work();
    assert_int_equal(it.asked, 1);
}

static void assume__unreachable__is_no_refusal(void **state)
{
    struct gw_credentials_role role = role_for("s1");

    (void)state;
    answer(0, "");
    (void)assume(&role, GW_AGAIN);
    (void)work();
    (void)assume(&role, GW_E_IO);
    assert_non_null(strstr(why.text, "nobody is there"));
}

static void assume__without_own_credentials__is_told(void **state)
{
    struct gw_credentials_role role = role_for("s1");

    (void)state;
    gw_credentials_free(&it.credentials);
    it.options.fixed = NULL;
    set_variable("AWS_EC2_METADATA_DISABLED=true");
    make();
    (void)assume(&role, GW_AGAIN);
    (void)work();
    (void)assume(&role, GW_E_IO);
    assert_int_equal(it.asked, 0);
}

static void assume__ahead_of_expiry__is_refreshed_where_it_is_used(void **state)
{
    struct gw_credentials_role role = role_for("s1");

    (void)state;
    answer(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    (void)assume(&role, GW_AGAIN);
    (void)work();
    pass(46 * MINUTE_MS);
    (void)work();
    assert_int_equal(it.asked, 1); /* nobody has asked */
    answer_anew(403, DENIED);
    assert_string_equal(assume(&role, GW_OK), "R1");
    (void)work();
    assert_int_equal(it.asked, 1);
    assert_string_equal(assume(&role, GW_OK), "R1"); /* the old serves on */
    (void)work();
    assert_int_equal(it.asked, 1);
    answer_anew(200, sts_answer("R2", NOW_MS + 120 * MINUTE_MS));
    pass(MINUTE_MS);
    (void)assume(&role, GW_OK);
    (void)work();
    assert_string_equal(assume(&role, GW_OK), "R2");
    pass(80 * MINUTE_MS);
    assert_string_equal(assume(&role, GW_AGAIN), "");
}

static void assume__doubted__is_fetched_anew_once(void **state)
{
    struct gw_credentials_role role = role_for("s1");
    const struct gw_credentials_snapshot *snapshot;
    uint64_t version;

    (void)state;
    answer(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    (void)assume(&role, GW_AGAIN);
    (void)work();
    gw_epoch_enter(it.reader);
    assert_int_equal(gw_credentials_assume(it.credentials, &role, wake, NULL, &snapshot, &why), GW_OK);
    version = snapshot->identity.secret_version;
    gw_epoch_leave(it.reader);
    answer_anew(200, sts_answer("R2", NOW_MS + 60 * MINUTE_MS));
    gw_credentials_doubt(it.credentials, version);
    gw_credentials_doubt(it.credentials, version);
    (void)work();
    gw_credentials_doubt(it.credentials, version);
    (void)work();
    assert_int_equal(it.asked, 1);
    assert_string_equal(assume(&role, GW_OK), "R2");
}

static void assume__more_than_are_remembered__the_longest_unused_go(void **state)
{
    char session[32];
    struct gw_credentials_role first = role_for("first");

    (void)state;
    answer(200, sts_answer("R1", NOW_MS + 60 * MINUTE_MS));
    (void)assume(&first, GW_AGAIN);
    (void)work();
    for (int i = 0; i < GW_CREDENTIALS_ROLES_MAX + 50; i++) {
        struct gw_credentials_role role;

        (void)snprintf(session, sizeof(session), "s%d", i);
        role = role_for(session);
        (void)assume(&role, GW_AGAIN);
        (void)work();
        (void)assume(&first, GW_OK);
    }
    assert_int_equal(it.credentials->roles.count, GW_CREDENTIALS_ROLES_MAX);
    first = role_for("s0");
    (void)assume(&first, GW_AGAIN);
    first = role_for(session);
    (void)assume(&first, GW_OK);
}

static void assume__all_under_way__is_busy(void **state)
{
    char session[32];
    struct gw_credentials_role role;

    (void)state;
    for (int i = 0; i < GW_CREDENTIALS_ROLES_MAX; i++) {
        (void)snprintf(session, sizeof(session), "s%d", i);
        role = role_for(session);
        (void)assume(&role, GW_AGAIN);
    }
    role = role_for("one-more");
    (void)assume(&role, GW_E_BUSY);
    gw_credentials_free(&it.credentials);
    assert_int_equal(woken, GW_CREDENTIALS_ROLES_MAX); /* nobody is left waiting */
}

static void assume__what_sts_would_refuse__is_not_asked(void **state)
{
    struct gw_credentials_role roles[] = {role_for("a b"), role_for("x"), role_for("good"), role_for("good")};

    (void)state;
    roles[2].arn = GW_STR("role/gateway");
    roles[3].source_identity = GW_STR("\r\n");
    for (size_t i = 0; i < GW_COUNT(roles); i++)
        (void)assume(&roles[i], GW_E_SYNTAX);
}

static void role_of__caller__names_session_and_account(void **state)
{
    const struct gw_credentials_role_options options = {.arn = GW_STR("arn:aws:iam::{account}:role/gw"),
                                                        .session_name = GW_STR("caller"),
                                                        .source_identity = GW_STR("fixed")};
    struct gw_credentials_role role;
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    role = gw_credentials_role_of(&options, GW_STR("arn:aws:iam::111122223333:user/alice"), GW_STR("444455556666"),
                                  GW_STR("eu-west-1"), &arena);
    assert_true(gw_str_is(role.arn, "arn:aws:iam::444455556666:role/gw"));
    assert_true(gw_str_is(role.session_name, "user=alice@111122223333"));
    assert_true(gw_str_is(role.source_identity, "fixed"));
    assert_true(gw_str_is(role.region, "eu-west-1"));
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(assume__many_who_wait__are_one_question, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__request__is_signed_with_the_gateways_own, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__different_sessions__are_different_questions, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__refused__is_told_and_remembered_briefly, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__answer_that_has_expired__is_told, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__unreachable__is_no_refusal, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__without_own_credentials__is_told, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__ahead_of_expiry__is_refreshed_where_it_is_used, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__doubted__is_fetched_anew_once, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__more_than_are_remembered__the_longest_unused_go, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__all_under_way__is_busy, begin_roles, end),
        cmocka_unit_test_setup_teardown(assume__what_sts_would_refuse__is_not_asked, begin_roles, end),
        cmocka_unit_test_setup_teardown(role_of__caller__names_session_and_account, begin_roles, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
