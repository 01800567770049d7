/* SPDX-License-Identifier: Apache-2.0 */
/* What STS is sent, what it answers, and whom the sessions are named after. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/sts.h"

static struct gw_arena arena;

static int start(void **state)
{
    (void)state;
    gw_arena_init(&arena, 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gw_arena_fini(&arena);
    return 0;
}

static void assert_form(const struct gw_sts_request *request, const char *wanted)
{
    struct gw_buf form;

    gw_buf_init(&form, 4096);
    gw_sts_encode(request, &form);
    gw_buf_append_byte(&form, '\0');
    assert_string_equal(form.at, wanted);
    gw_buf_fini(&form);
}

static void encode__each_action__has_its_parameters_escaped(void **state)
{
    (void)state;
    assert_form(&(struct gw_sts_request){.role_arn = GW_STR("arn:aws:iam::1:role/a b"),
                                         .session_name = GW_STR("x@y"),
                                         .web_identity_token = GW_STR("a.b+c")},
                "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b"
                "&RoleSessionName=x%40y&WebIdentityToken=a.b%2Bc");
    assert_form(&(struct gw_sts_request){.role_arn = GW_STR("r"),
                                         .session_name = GW_STR("s"),
                                         .external_id = GW_STR("e&f"),
                                         .source_identity = GW_STR("i"),
                                         .duration_s = 900},
                "Action=AssumeRole&Version=2011-06-15&RoleArn=r&RoleSessionName=s&ExternalId=e%26f&SourceIdentity=i"
                "&DurationSeconds=900");
}

#define CREDENTIALS                                                                                                    \
    "<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>a/b+c=</SecretAccessKey>"                            \
    "<SessionToken>t</SessionToken><Expiration>2026-01-01T00:00:00Z</Expiration></Credentials>"

static enum gw_status parse(const char *text, struct gw_sts_answer *answer, struct gw_err *err)
{
    return gw_sts_parse(gw_str_from(text), &arena, answer, err);
}

static void parse__success__is_read_from_either_form(void **state)
{
    static const char *const texts[] = {
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <AssumeRoleResult>" CREDENTIALS
        "<AssumedRoleUser><Arn>x</Arn></AssumedRoleUser></AssumeRoleResult><ResponseMetadata/></AssumeRoleResponse>\n",
        "<?xml version=\"1.0\"?><AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>" CREDENTIALS
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{\"Credentials\":{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":"
        "\"a/b+c=\",\"SessionToken\":\"t\",\"Expiration\":1.7672256E9}}}}",
        "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{\"Credentials\":{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":"
        "\"a/b+c=\",\"SessionToken\":\"t\",\"Expiration\":\"2026-01-01T00:00:00Z\"}}}}",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_sts_answer answer;
        struct gw_err err = {""};

        assert_int_equal(parse(texts[i], &answer, &err), GW_OK);
        assert_null(answer.code.at);
        assert_true(gw_str_is(answer.keys.access_key, "ASIA"));
        assert_true(gw_str_is(answer.keys.secret_access_key, "a/b+c="));
        assert_true(gw_str_is(answer.keys.session_token, "t"));
        assert_int_equal(answer.keys.expires_ms, INT64_C(1767225600000));
    }
}

static void parse__error__has_code_and_printable_message(void **state)
{
    static const char *const texts[] = {
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not &lt;you&#62;&#x0A;!</Message>"
        "</Error><RequestId>r</RequestId></ErrorResponse>",
        "{\"Error\":{\"Code\":\"AccessDenied\",\"Message\":\"not <you>\\n!\",\"Type\":\"Sender\"},\"RequestId\":\"r\"}",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_sts_answer answer;
        struct gw_err err = {""};

        assert_int_equal(parse(texts[i], &answer, &err), GW_OK);
        assert_true(gw_str_is(answer.code, "AccessDenied"));
        assert_true(gw_str_is(answer.message, "not <you> !"));
    }
}

static void parse__hostile_answers__are_refused_and_not_quoted(void **state)
{
    static const char *const texts[] = {
        "",
        "SECRET",
        "<a>",
        "<a></b>",
        "<a></a><b></b>",
        "<a></a>SECRET",
        "<AssumeRoleResponse><AssumeRoleResult>" CREDENTIALS "</AssumeRoleResult>", /* cut off */
        "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>&e;</AccessKeyId></Credentials>"
        "</AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult>" CREDENTIALS CREDENTIALS "</AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse>" CREDENTIALS "</AssumeRoleResponse>", /* elsewhere than it belongs */
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>SECRET"
        "</SecretAccessKey><SessionToken>a&#13;&#10;b</SessionToken><Expiration>2026-01-01T00:00:00Z</Expiration>"
        "</Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>SECRET"
        "</SecretAccessKey><SessionToken>t</SessionToken></Credentials></AssumeRoleResult></AssumeRoleResponse>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
        "<ErrorResponse><Error><Code>Bad code SECRET</Code></Error></ErrorResponse>",
        "{\"Error\":{\"Code\":7}}",
        "{\"AssumeRoleResponse\":[\"SECRET\"]}",
        "{\"Error\":",
        "{}",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_sts_answer answer;
        struct gw_err err = {""};

        assert_int_not_equal(parse(texts[i], &answer, &err), GW_OK);
        assert_string_not_equal(err.text, "");
        assert_null(strstr(err.text, "SECRET"));
    }
}

static void name_of__callers__is_readable_and_valid(void **state)
{
    static const struct {
        const char *arn;
        const char *name;
    } rows[] = {
        {"arn:aws:iam::012345678910:user/team/alice", "user=alice@012345678910"},
        {"arn:aws:iam::012345678910:root", "root=root@012345678910"},
        {"arn:aws:sts::012345678910:assumed-role/deploy/ci-7", "role=deploy=ci-7@012345678910"},
        {"arn:aws:sts::012345678910:federated-user/bob", "federated-user=bob@012345678910"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        char name[GW_STS_NAME_MAX + 1];

        assert_int_equal(gw_sts_name_of(gw_str_from(rows[i].arn), name), strlen(rows[i].name));
        assert_string_equal(name, rows[i].name);
    }
}

static void name_of__different_callers__is_different(void **state)
{
    static const char *const arns[] = {
        "arn:aws:iam::012345678910:user/a",
        "arn:aws-cn:iam::012345678910:user/a",
        "arn:aws:sts::012345678910:assumed-role/a/b=c",
        "arn:aws:sts::012345678910:assumed-role/a=b/c",
        "arn:aws:iam::012345678910:user/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1",
        "arn:aws:iam::012345678910:user/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa2",
        "no ARN at all",
        "no/ARN/at all",
        "",
        "\x01\xff",
    };
    char names[GW_COUNT(arns)][GW_STS_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(arns); i++) {
        size_t length = gw_sts_name_of(gw_str_from(arns[i]), names[i]);

        assert_int_equal(length, strlen(names[i]));
        assert_true(gw_sts_is_name((struct gw_str){names[i], length}));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void is_name__what_sts_refuses__is_none(void **state)
{
    (void)state;
    assert_true(gw_sts_is_name(GW_STR("a-B_9+=,.@")));
    assert_false(gw_sts_is_name(GW_STR("a")));
    assert_false(gw_sts_is_name(GW_STR("a b")));
    assert_false(gw_sts_is_name(GW_STR("a\0")));
    assert_false(gw_sts_is_name(GW_STR("0123456789012345678901234567890123456789012345678901234567890123x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(encode__each_action__has_its_parameters_escaped, start, stop),
        cmocka_unit_test_setup_teardown(parse__success__is_read_from_either_form, start, stop),
        cmocka_unit_test_setup_teardown(parse__error__has_code_and_printable_message, start, stop),
        cmocka_unit_test_setup_teardown(parse__hostile_answers__are_refused_and_not_quoted, start, stop),
        cmocka_unit_test_setup_teardown(name_of__callers__is_readable_and_valid, start, stop),
        cmocka_unit_test_setup_teardown(name_of__different_callers__is_different, start, stop),
        cmocka_unit_test_setup_teardown(is_name__what_sts_refuses__is_none, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
