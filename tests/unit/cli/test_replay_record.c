/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record's line says of its request and of what was decided, and what makes
 * it no request that anybody could be asked about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/replay.h"

#define ROLE "arn:aws:iam::012345678910:role/team-a/dev"

/* Members that a test puts in the place of these. */
struct parts {
    const char *eksgate; /* behind the place in the chain */
    const char *identity;
    const char *operation;
    const char *parameters;
    const char *tail; /* further members */
};

static const struct parts usual = {
    .eksgate = "\"status\":200,\"verified\":true,\"verdicts\":[],\"changes\":[]",
    .identity = "{\"type\":\"IAMUser\",\"arn\":\"arn:aws:iam::012345678910:user/me\",\"accessKeyId\":\"AKIDEXAMPLE\"}",
    .operation = "CreateAccessEntry",
    .parameters = "{\"name\":\"my%2Dcluster\",\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":\"1\"}}",
    .tail = "",
};

static struct gw_arena arena;
static struct gw_replay_record record;

static int begin(void **unused)
{
    (void)unused;
    gw_arena_init(&arena, 0);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    gw_arena_fini(&arena);
    return 0;
}

static void read_line(const char *text)
{
    struct gw_reader_line line = {.kind = GW_READER_RECORD, .path = "audit.jsonl", .line = 7};

    line.text = gw_str_from(text);
    assert_int_equal(gw_record_read(line.text, &arena, &line.record, &line.why), GW_OK);
    gw_replay_record_read(&line, &arena, &record);
}

static void read_parts(const struct parts *parts)
{
    read_line(gw_arena_printf(&arena,
                              "{\"eventVersion\":\"1.11\",\"additionalEventData\":{\"eksgate\":{\"sequence\":5,"
                              "\"previous\":\"%064d\",%s}},\"userIdentity\":%s,\"eventTime\":\"2015-08-30T12:36:00Z\","
                              "\"eventName\":\"%s\",\"awsRegion\":\"us-west-2\",\"sourceIPAddress\":\"10.0.0.1\","
                              "\"userAgent\":\"cli/2\",\"requestParameters\":%s,\"requestID\":\"id-1\","
                              "\"eventType\":\"AwsApiCall\",\"recipientAccountId\":\"012345678910\"%s}",
                              0, parts->eksgate, parts->identity, parts->operation, parts->parameters, parts->tail)
                  .at);
}

static void read_eksgate(const char *eksgate)
{
    struct parts parts = usual;

    parts.eksgate = eksgate;
    read_parts(&parts);
}

static void read_request(const char *operation, const char *parameters)
{
    struct parts parts = usual;

    parts.operation = operation;
    parts.parameters = parameters;
    read_parts(&parts);
}

static const char *input(void)
{
    struct gw_buf text;
    const char *kept;

    gw_buf_init(&text, (size_t)1 << 20);
    gw_json_encode(record.request.input, &text);
    kept = gw_arena_str(&arena, gw_buf_str(&text)).at;
    gw_buf_fini(&text);
    return kept;
}

static void read__create__is_the_request_again(void **unused)
{
    const struct gw_policy_request *request = &record.request;

    (void)unused;
    read_parts(&usual);
    assert_int_equal(record.kind, GW_REPLAY_ASKED);
    assert_int_equal(record.sequence, 5);
    assert_true(gw_str_is(request->operation, "CreateAccessEntry"));
    assert_true(gw_str_is(request->cluster, "my-cluster"));
    assert_true(gw_str_is(request->principal->path, "/team-a/"));
    assert_true(gw_str_is(request->caller->name, "me"));
    assert_true(gw_str_is(request->caller_access_key, "AKIDEXAMPLE"));
    assert_true(request->caller_verified);
    assert_true(gw_str_is(request->account, "012345678910"));
    assert_true(gw_str_is(request->region, "us-west-2"));
    assert_true(gw_str_is(request->source_ip, "10.0.0.1"));
    assert_true(gw_str_is(request->user_agent, "cli/2"));
    assert_true(gw_str_is(request->request_id, "id-1"));
    assert_int_equal(request->time_s, 1440938160);
    assert_int_equal(request->facts, 0);
    assert_string_equal(input(),
                        "{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":\"1\"}}");
    assert_int_equal(record.before.verdict, GW_DIFFER_ALLOW);
    assert_false(record.met_conflict);
}

static void read__query_and_labels__stand_where_they_stood(void **unused)
{
    (void)unused;
    read_request(
        "ListAccessEntries",
        "{\"name\":\"c\",\"maxResults\":5,\"associatedPolicyArn\":\"arn:aws:eks::aws:cluster-access-policy/X\"}");
    assert_int_equal(record.kind, GW_REPLAY_ASKED);
    assert_string_equal(input(), "{\"clusterName\":\"c\",\"associatedPolicyArn\":\"arn:aws:eks::aws:"
                                 "cluster-access-policy/X\",\"maxResults\":5}");
    read_request("UntagResource", "{\"resourceArn\":\"arn%3Aaws%3Aeks%3Aus-west-2%3A012345678910%3Acluster%2Fc\","
                                  "\"tagKeys\":[\"a\",\"b c&d=+%25\"]}");
    assert_int_equal(record.kind, GW_REPLAY_ASKED);
    assert_string_equal(input(), "{\"resourceArn\":\"arn:aws:eks:us-west-2:012345678910:cluster/c\",\"tagKeys\":[\"a\","
                                 "\"b c&d=+%25\"]}");
    assert_true(gw_str_is(record.request.cluster, "c"));
    read_request("GetCallerIdentity", "null");
    assert_int_equal(record.kind, GW_REPLAY_ASKED);
    assert_string_equal(input(), "{}");
}

static void read__what_policies_saw_besides__is_there(void **unused)
{
    const struct gw_policy_request *request = &record.request;

    (void)unused;
    read_eksgate(
        "\"status\":200,\"verified\":true,\"verifiedBy\":\"upstream\",\"asked\":77,\"region\":\"eu-west-1\","
        "\"callerTags\":{\"team\":\"a\"},\"clientCertificate\":{\"subject\":\"CN=ci\"},\"facts\":{\"entry\":null,"
        "\"associations\":[],\"admins\":[\"" ROLE "\"]}");
    assert_int_equal(record.kind, GW_REPLAY_ASKED);
    assert_false(request->caller_verified); /* nobody knew when they were asked */
    assert_int_equal(request->time_s, 77);
    assert_true(gw_str_is(request->region, "eu-west-1"));
    assert_int_equal(request->caller_tag_count, 1);
    assert_true(gw_str_is(request->caller_tags[0].value, "a"));
    assert_true(gw_str_is(request->client_subject, "CN=ci"));
    assert_int_equal(request->facts, GW_FACT_ENTRY | GW_FACT_ASSOCIATIONS | GW_FACT_ADMINS);
    assert_null(request->entry);
    assert_int_equal(request->associations->as.array.count, 0);
    assert_int_equal(request->admins->as.array.count, 1);
    assert_null(request->cluster_info);
}

/* The decision, as `verdict policy: reason`. */
static const char *decision(const char *eksgate, const char *tail)
{
    struct parts parts = usual;

    parts.eksgate = eksgate;
    parts.tail = tail;
    read_parts(&parts);
    if (record.kind != GW_REPLAY_ASKED)
        return record.kind == GW_REPLAY_EARLY ? "early" : record.why;
    return gw_arena_printf(&arena, "%s %.*s: %.*s", gw_differ_verdict_name(record.before.verdict),
                           GW_STR_ARG(record.before.policy), GW_STR_ARG(record.before.reason))
        .at;
}

static void read__refusal__says_whose_and_of_which_kind(void **unused)
{
    const char *error = ",\"errorCode\":\"AccessDeniedException\"";

    (void)unused;
    assert_string_equal(decision("\"status\":403,\"verdicts\":[{\"policy\":\"a\",\"verdict\":\"allow\"},{\"policy\":"
                                 "\"p\",\"verdict\":\"deny\",\"reason\":\"no\"}],\"refused\":{\"at\":\"authorize\","
                                 "\"by\":\"p\"}",
                                 error),
                        "deny p: no");
    assert_string_equal(decision("\"status\":429,\"refused\":{\"at\":\"authorize\",\"by\":\"p\"}", error),
                        "throttle p: ");
    assert_string_equal(
        decision("\"status\":403,\"refused\":{\"at\":\"complete\",\"by\":\"p\",\"failed\":true}", error), "failed p: ");
    assert_string_equal(decision("\"status\":400,\"refused\":{\"at\":\"check\"}", error), "allow : ");
    assert_string_equal(decision("\"status\":400,\"refused\":{\"at\":\"apply\"}", error), "allow : ");
}

static void read__refused_before_policies__is_early(void **unused)
{
    const char *error = ",\"errorCode\":\"AnyException\"";
    static const char *const stages[] = {"receive", "route", "admit",     "verify",
                                         "decode",  "fault", "authorize", "complete"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(stages); i++)
        assert_string_equal(
            decision(gw_arena_printf(&arena, "\"status\":400,\"refused\":{\"at\":\"%s\"}", stages[i]).at, error),
            "early");
    assert_string_equal(decision("\"status\":403", error), "it doesn't say at which stage the request was refused");
}

static void read__changes__are_those_of_the_hooks(void **unused)
{
    (void)unused;
    read_eksgate(
        "\"adopted\":true,\"changes\":[{\"policy\":\"p\",\"hook\":\"username\",\"before\":null,\"after\":\"a:b\"},7,"
        "{\"policy\":\"q\",\"hook\":\"nonsense\",\"after\":1},{\"policy\":\"r\",\"hook\":\"tags\",\"after\":{}}]");
    assert_int_equal(record.kind, GW_REPLAY_ASKED);
    assert_true(record.met_conflict);
    assert_int_equal(record.before.change_count, 2);
    assert_int_equal(record.before.changes[0].hook, GW_HOOK_USERNAME);
    assert_true(gw_str_is(record.before.changes[1].policy, "r"));
}

static void read__update__knows_the_entrys_type_from_what_tells_of_it(void **unused)
{
    struct parts parts = usual;

    (void)unused;
    parts.operation = "UpdateAccessEntry";
    parts.parameters = "{\"name\":\"c\",\"principalArn\":\"arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fr\"}";
    read_parts(&parts);
    assert_int_equal(record.type, GW_REPLAY_TYPE_UNKNOWN);
    parts.tail = ",\"responseElements\":{\"accessEntry\":{\"type\":\"STANDARD\"}}";
    read_parts(&parts);
    assert_int_equal(record.type, GW_REPLAY_TYPE_STANDARD);
    parts.eksgate = "\"facts\":{\"entry\":{\"type\":\"EC2_LINUX\"}}";
    read_parts(&parts);
    assert_int_equal(record.type, GW_REPLAY_TYPE_OTHER);
    parts.eksgate = "\"facts\":{\"entry\":null}";
    read_parts(&parts);
    assert_int_equal(record.type, GW_REPLAY_TYPE_OTHER);
    parts.tail = "";
    parts.eksgate = "\"changes\":[{\"policy\":\"p\",\"hook\":\"username\",\"after\":\"a\"}]";
    read_parts(&parts);
    assert_int_equal(record.type, GW_REPLAY_TYPE_STANDARD);
}

static void read__what_fits_no_request__is_not_replayable(void **unused)
{
    static const char *const parameters[] = {"null",
                                             "7",
                                             "[]",
                                             "{}",
                                             "{\"name\":7}",
                                             "{\"name\":\"a%2\"}",
                                             ("{\"name\":\"a/b\",\"principalArn\":\"" ROLE "\"}"),
                                             "{\"name\":\"c\"}",
                                             "{\"name\":\"c\",\"principalArn\":\"nonsense\"}",
                                             "{\"name\":\"c\",\"principalArn\":[]}",
                                             ("{\"name\":\"c\",\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":1}}"),
                                             "{\"omittedBytes\":9,\"sha256\":\"\"}"};
    static const char *const eksgates[] = {"\"facts\":{\"entry\":[]}", "\"facts\":{\"admins\":{}}", "\"callerTags\":[]",
                                           "\"callerTags\":{\"a\":null}"};
    struct parts parts = usual;

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(parameters); i++) {
        read_request("CreateAccessEntry", parameters[i]);
        assert_int_equal(record.kind, GW_REPLAY_UNREPLAYABLE);
        assert_non_null(record.why);
    }
    for (size_t i = 0; i < GW_COUNT(eksgates); i++) {
        read_eksgate(eksgates[i]);
        assert_int_equal(record.kind, GW_REPLAY_UNREPLAYABLE);
    }
    read_request("ListAccessEntries", "{\"name\":\"c\",\"maxResults\":{}}");
    assert_int_equal(record.kind, GW_REPLAY_UNREPLAYABLE);
    read_request("ListAccessEntries", "{\"name\":\"c\",\"include\":[[\"a\"]]}");
    assert_int_equal(record.kind, GW_REPLAY_UNREPLAYABLE);
    read_request("DropTable", "{}");
    assert_int_equal(record.kind, GW_REPLAY_UNREPLAYABLE);
    parts.identity = "{\"arn\":\"arn:aws:iam::1:user/x\"}";
    read_parts(&parts);
    assert_int_equal(record.kind, GW_REPLAY_UNREPLAYABLE);
}

static void read__own_and_damaged__are_told_apart(void **unused)
{
    struct gw_reader_line line = {.kind = GW_READER_BROKEN, .path = "x", .line = 3};

    (void)unused;
    read_line("{\"eventVersion\":\"1.11\",\"additionalEventData\":{\"eksgate\":{\"sequence\":5,\"previous\":"
              "\"0000000000000000000000000000000000000000000000000000000000000000\",\"begun\":{}}},\"eventType\":"
              "\"AwsServiceEvent\"}");
    assert_int_equal(record.kind, GW_REPLAY_OWN);
    gw_replay_record_read(&line, &arena, &record);
    assert_int_equal(record.kind, GW_REPLAY_DAMAGED);
    assert_int_equal(record.line, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(read__create__is_the_request_again, begin, end),
        cmocka_unit_test_setup_teardown(read__query_and_labels__stand_where_they_stood, begin, end),
        cmocka_unit_test_setup_teardown(read__what_policies_saw_besides__is_there, begin, end),
        cmocka_unit_test_setup_teardown(read__refusal__says_whose_and_of_which_kind, begin, end),
        cmocka_unit_test_setup_teardown(read__refused_before_policies__is_early, begin, end),
        cmocka_unit_test_setup_teardown(read__changes__are_those_of_the_hooks, begin, end),
        cmocka_unit_test_setup_teardown(read__update__knows_the_entrys_type_from_what_tells_of_it, begin, end),
        cmocka_unit_test_setup_teardown(read__what_fits_no_request__is_not_replayable, begin, end),
        cmocka_unit_test_setup_teardown(read__own_and_damaged__are_told_apart, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
