/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit records: one line of JSON in CloudTrail's envelope, whatever clients send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "journal/record.h"

struct fixture {
    struct gw_arena arena;
    struct gw_buf out;
    struct gw_json eksgate;
    struct gw_record record;
};

static int set_up(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));
    struct gw_pair own[] = {{GW_STR_INIT("a"), GW_STR_INIT("b")}};

    gw_arena_init(&f->arena, 0);
    f->eksgate = gw_json_pairs(&f->arena, own, 1);
    gw_buf_init(&f->out, (size_t)64 << 10);
    f->record = (struct gw_record){
        .time_ms = INT64_C(1440938160999),
        .event_id = GW_STR("11111111-1111-4111-8111-111111111111"),
        .request_id = GW_STR("22222222-2222-4222-8222-222222222222"),
        .operation = GW_STR("CreateAccessEntry"),
        .region = GW_STR("us-west-2"),
        .account = GW_STR("012345678910"),
        .source_ip = GW_STR("192.0.2.7"),
        .user_agent = GW_STR("curl/8.1"),
        .access_key = GW_STR("AKIDEXAMPLE"),
        .eksgate = &f->eksgate,
    };
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    gw_arena_fini(&f->arena);
    gw_buf_fini(&f->out);
    free(f);
    return 0;
}

static void set_caller(struct fixture *f, const char *arn)
{
    f->record.has_caller = true;
    assert_int_equal(gw_arn_parse_principal(gw_str_from(arn), &f->record.caller), GW_OK);
}

/* Encodes, and reads the line back. */
static struct gw_json encode(struct fixture *f)
{
    struct gw_json value;
    struct gw_err err;

    gw_buf_clear(&f->out);
    gw_record_encode(&f->record, &f->out);
    assert_false(f->out.overflowed);
    assert_int_equal(gw_str_find(gw_buf_str(&f->out), '\n', 0), f->out.length);
    if (gw_json_parse(gw_buf_str(&f->out), &f->arena, &value, &err) != GW_OK)
        fail_msg("no JSON: %s: %.*s", err.text, (int)f->out.length, f->out.at);
    return value;
}

static struct gw_str text_at(const struct gw_json *object, const char *name)
{
    const struct gw_json *value = gw_json_get(object, name);

    return value == NULL ? GW_STR_NONE : value->as.string;
}

static void record_encode__successful_create__is_cloudtrails_envelope(void **state)
{
    struct fixture *f = *state;
    struct gw_pair input[] = {{GW_STR_INIT("name"), GW_STR_INIT("my-cluster")}};
    struct gw_json parameters = gw_json_pairs(&f->arena, input, 1);

    set_caller(f, "arn:aws:iam::012345678910:user/team/quickstart");
    f->record.request_parameters = &parameters;
    f->record.response_elements = GW_STR("{\"accessEntry\":{\"createdAt\":1685475163.532}}");
    (void)encode(f);
    gw_buf_append_byte(&f->out, '\0');
    assert_string_equal(
        f->out.at,
        "{\"eventVersion\":\"1.11\",\"additionalEventData\":{\"eksgate\":{\"a\":\"b\"}},\"userIdentity\":{\"type\":"
        "\"IAMUser\",\"arn\":\"arn:aws:iam::012345678910:"
        "user/team/quickstart\",\"accountId\":\"012345678910\",\"accessKeyId\":\"AKIDEXAMPLE\",\"userName\":"
        "\"quickstart\"},\"eventTime\":\"2015-08-30T12:36:00Z\",\"eventSource\":\"eks.amazonaws.com\","
        "\"eventName\":\"CreateAccessEntry\",\"awsRegion\":\"us-west-2\",\"sourceIPAddress\":\"192.0.2.7\","
        "\"userAgent\":\"curl/8.1\",\"requestParameters\":{\"name\":\"my-cluster\"},\"responseElements\":"
        "{\"accessEntry\":{\"createdAt\":1685475163.532}},"
        "\"requestID\":\"22222222-2222-4222-8222-222222222222\",\"eventID\":"
        "\"11111111-1111-4111-8111-111111111111\",\"readOnly\":false,\"eventType\":\"AwsApiCall\","
        "\"managementEvent\":true,\"recipientAccountId\":\"012345678910\",\"eventCategory\":\"Management\"}");
}

static void record_encode__refusal_of_a_stranger__names_only_what_it_claimed(void **state)
{
    struct fixture *f = *state;
    struct gw_json line;
    const struct gw_json *identity;

    f->record.error_code = GW_STR("AccessDeniedException");
    f->record.error_message = GW_STR("no");
    f->record.account = GW_STR_NONE;
    f->record.read_only = true;
    line = encode(f);
    identity = gw_json_get(&line, "userIdentity");
    assert_true(gw_str_is(text_at(identity, "type"), "Unknown"));
    assert_true(gw_str_is(text_at(identity, "accessKeyId"), "AKIDEXAMPLE"));
    assert_int_equal(identity->as.object.count, 2);
    assert_true(gw_str_is(text_at(&line, "errorCode"), "AccessDeniedException"));
    assert_true(gw_str_is(text_at(&line, "errorMessage"), "no"));
    assert_int_equal(gw_json_get(&line, "requestParameters")->type, GW_JSON_NULL);
    assert_int_equal(gw_json_get(&line, "responseElements")->type, GW_JSON_NULL);
    assert_true(gw_json_get(&line, "readOnly")->as.boolean);
    assert_null(gw_json_get(&line, "recipientAccountId"));
    f->record.access_key = GW_STR_NONE;
    line = encode(f);
    assert_null(gw_json_get(gw_json_get(&line, "userIdentity"), "accessKeyId"));
}

static void record_encode__assumed_role__names_its_role_as_issuer(void **state)
{
    struct fixture *f = *state;
    struct gw_json line;
    const struct gw_json *identity;
    const struct gw_json *issuer;

    set_caller(f, "arn:aws-cn:sts::012345678910:assumed-role/my-role/my-session");
    line = encode(f);
    identity = gw_json_get(&line, "userIdentity");
    issuer = gw_json_get(gw_json_get(identity, "sessionContext"), "sessionIssuer");
    assert_true(gw_str_is(text_at(identity, "type"), "AssumedRole"));
    assert_true(gw_str_is(text_at(identity, "arn"), "arn:aws-cn:sts::012345678910:assumed-role/my-role/my-session"));
    assert_null(gw_json_get(identity, "userName"));
    assert_true(gw_str_is(text_at(issuer, "type"), "Role"));
    assert_true(gw_str_is(text_at(issuer, "arn"), "arn:aws-cn:iam::012345678910:role/my-role"));
    assert_true(gw_str_is(text_at(issuer, "accountId"), "012345678910"));
    assert_true(gw_str_is(text_at(issuer, "userName"), "my-role"));
}

static void record_encode__other_callers__have_cloudtrails_types(void **state)
{
    static const struct {
        const char *arn;
        const char *type;
    } rows[] = {
        {"arn:aws:iam::012345678910:root", "Root"},
        {"arn:aws:sts::012345678910:federated-user/bob", "FederatedUser"},
        {"arn:aws:iam::012345678910:role/r", "Role"},
    };

    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_json line;

        set_caller(*state, rows[i].arn);
        line = encode(*state);
        assert_true(gw_str_is(text_at(gw_json_get(&line, "userIdentity"), "type"), rows[i].type));
        assert_null(gw_json_get(gw_json_get(&line, "userIdentity"), "userName"));
    }
}

static void record_encode__hostile_text__can_not_end_the_line_or_a_string(void **state)
{
    struct fixture *f = *state;
    struct gw_json line;

    f->record.user_agent = GW_STR("a\",\"eventName\":\"x\n{\"\xff\x1b");
    f->record.access_key = GW_STR("\"}\r\n");
    f->record.error_message = GW_STR("\\");
    line = encode(f);
    assert_true(gw_str_is(text_at(&line, "eventName"), "CreateAccessEntry"));
    assert_true(gw_str_is(text_at(gw_json_get(&line, "userIdentity"), "accessKeyId"), "\"}\r\n"));
}

static void record_encode__long_text__is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    char text[5000];
    struct gw_json line;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "\xe2\x82\xac"[i % 3];
    f->record.user_agent = (struct gw_str){text, sizeof(text)};
    f->record.error_message = (struct gw_str){text + 1, sizeof(text) - 1};
    line = encode(f);
    assert_int_equal(text_at(&line, "userAgent").length, 1023);
    memset(text, '\x80', sizeof(text));
    line = encode(f);
    assert_true(text_at(&line, "userAgent").length <= 3 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(record_encode__successful_create__is_cloudtrails_envelope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_encode__refusal_of_a_stranger__names_only_what_it_claimed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(record_encode__assumed_role__names_its_role_as_issuer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_encode__other_callers__have_cloudtrails_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(record_encode__hostile_text__can_not_end_the_line_or_a_string, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(record_encode__long_text__is_cut_between_characters, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
