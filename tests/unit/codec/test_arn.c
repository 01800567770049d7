/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal ARNs: what IAM and STS issue is taken apart, everything else is
 * refused. Limits from the IAM and STS service models.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/arn.h"

static struct gw_principal parse(const char *arn)
{
    struct gw_principal p;

    memset(&p, 0xa5, sizeof(p));
    assert_int_equal(gw_arn_parse_principal(gw_str_from(arn), &p), GW_OK);
    assert_true(gw_str_is(p.arn, arn));
    return p;
}

static void refuse(const char *arn)
{
    struct gw_principal p = {.kind = GW_PRINCIPAL_ROOT, .name = GW_STR("untouched")};

    if (gw_arn_parse_principal(gw_str_from(arn), &p) != GW_E_SYNTAX)
        fail_msg("accepted: %s", arn);
    assert_true(gw_str_is(p.name, "untouched"));
}

static void arn_parse__role_with_path__keeps_path_and_name_apart(void **state)
{
    struct gw_principal p = parse("arn:aws:iam::012345678910:role/team/dev/my-role");

    (void)state;
    assert_int_equal(p.kind, GW_PRINCIPAL_ROLE);
    assert_true(gw_str_is(p.partition, "aws"));
    assert_true(gw_str_is(p.account, "012345678910"));
    assert_true(gw_str_is(p.kind_text, "role"));
    assert_true(gw_str_is(p.path, "/team/dev/"));
    assert_true(gw_str_is(p.name, "my-role"));
    assert_null(p.session.at);
}

static void arn_parse__role_and_user_without_path__have_the_path_slash(void **state)
{
    struct gw_principal role = parse("arn:aws-us-gov:iam::012345678910:role/a");
    struct gw_principal user = parse("arn:aws-cn:iam::012345678910:user/A_z+0=,.@-");

    (void)state;
    assert_true(gw_str_is(role.path, "/"));
    assert_true(gw_str_is(role.name, "a"));
    assert_int_equal(user.kind, GW_PRINCIPAL_USER);
    assert_true(gw_str_is(user.path, "/"));
    assert_true(gw_str_is(user.name, "A_z+0=,.@-"));
}

static void arn_parse__path_of_any_printable_ascii__is_kept_undecoded(void **state)
{
    struct gw_principal p = parse("arn:aws:iam::012345678910:role/a%2Fb/x:y/*!~/name");

    (void)state;
    assert_true(gw_str_is(p.path, "/a%2Fb/x:y/*!~/"));
    assert_true(gw_str_is(p.name, "name"));
}

static void arn_parse__root__is_root(void **state)
{
    struct gw_principal p = parse("arn:aws:iam::012345678910:root");

    (void)state;
    assert_int_equal(p.kind, GW_PRINCIPAL_ROOT);
    assert_true(gw_str_is(p.kind_text, "root"));
    assert_true(gw_str_is(p.path, "/"));
    assert_true(gw_str_is(p.name, "root"));
}

static void arn_parse__sts_callers__have_name_and_session(void **state)
{
    struct gw_principal role = parse("arn:aws:sts::012345678910:assumed-role/my-role/i-0abc@x");
    struct gw_principal user = parse("arn:aws:sts::012345678910:federated-user/bob");

    (void)state;
    assert_int_equal(role.kind, GW_PRINCIPAL_ASSUMED_ROLE);
    assert_true(gw_str_is(role.kind_text, "assumed-role"));
    assert_true(gw_str_is(role.name, "my-role"));
    assert_true(gw_str_is(role.session, "i-0abc@x"));
    assert_int_equal(user.kind, GW_PRINCIPAL_FEDERATED_USER);
    assert_true(gw_str_is(user.name, "bob"));
    assert_null(user.session.at);
}

static void arn_parse__every_partition__is_known(void **state)
{
    static const char *const names[] = {"aws",       "aws-cn",    "aws-us-gov", "aws-iso",
                                        "aws-iso-b", "aws-iso-e", "aws-iso-f",  "aws-eusc"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(names); i++)
        assert_true(gw_arn_is_partition(gw_str_from(names[i])));
    assert_false(gw_arn_is_partition(GW_STR("aws-")));
    assert_false(gw_arn_is_partition(GW_STR("AWS")));
    assert_false(gw_arn_is_partition(GW_STR("")));
}

static void arn_parse__other_resources_and_broken_fields__are_syntax_errors(void **state)
{
    static const char *const arns[] = {
        "",
        "arn",
        "arn:aws:iam::012345678910",
        "arn:aws:iam::012345678910:",
        "arn:aws:iam::01234567891:role/my-role",
        "arn:aws:iam::0123456789101:role/my-role",
        "arn:aws:iam::01234567891a:role/my-role",
        "arn:aws:iam:::role/my-role-of-nobody",
        "arn:aws:iam:us-west-2:012345678910:role/my-role",
        "arn:acme:iam::012345678910:role/my-role",
        "ARN:aws:iam::012345678910:role/my-role",
        "xarn:aws:iam::012345678910:role/my-role",
        " arn:aws:iam::012345678910:role/my-role",
        "arn:aws:iam::012345678910:role/my-role ",
        "arn:aws:iam::012345678910:role/my-role\n",
        "arn:aws:iam::012345678910:role",
        "arn:aws:iam::012345678910:role/",
        "arn:aws:iam::012345678910:role/team/",
        "arn:aws:iam::012345678910:role//my-role",
        "arn:aws:iam::012345678910:role/my role",
        "arn:aws:iam::012345678910:role/te am/my-role",
        "arn:aws:iam::012345678910:role/t\xc3\xa9/my-role",
        "arn:aws:iam::012345678910:role/my-r\xc3\xb4le",
        "arn:aws:iam::012345678910:role:my-role",
        "arn:aws:iam::012345678910:Role/my-role",
        "arn:aws:iam::012345678910:user/",
        "arn:aws:iam::012345678910:root/",
        "arn:aws:iam::012345678910:root/x",
        "arn:aws:iam::012345678910:roots",
        "arn:aws:iam::012345678910:group/admins",
        "arn:aws:iam::012345678910:policy/admins",
        "arn:aws:iam::012345678910:instance-profile/node",
        "arn:aws:iam::012345678910:assumed-role/my-role/session",
        "arn:aws:iam::012345678910:federated-user/bob",
        "arn:aws:sts::012345678910:role/my-role",
        "arn:aws:sts::012345678910:root",
        "arn:aws:sts::012345678910:assumed-role/my-role",
        "arn:aws:sts::012345678910:assumed-role/my-role/",
        "arn:aws:sts::012345678910:assumed-role/my-role/s",
        "arn:aws:sts::012345678910:assumed-role//session",
        "arn:aws:sts::012345678910:assumed-role/team/my-role/session",
        "arn:aws:sts::012345678910:federated-user/b",
        "arn:aws:sts::012345678910:federated-user/bob/x",
        "arn:aws:sts::012345678910:federated-user",
        "arn:aws:s3::012345678910:role/my-role",
        "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(arns); i++)
        refuse(arns[i]);
}

static void arn_parse__embedded_nul__is_refused(void **state)
{
    struct gw_principal p;

    (void)state;
    assert_int_equal(gw_arn_parse_principal(GW_STR("arn:aws:iam::012345678910:role/a\0b/name"), &p), GW_E_SYNTAX);
    assert_int_equal(gw_arn_parse_principal(GW_STR("arn:aws:iam::012345678910:role/name\0"), &p), GW_E_SYNTAX);
}

/* "PREFIX" then `count` times 'x' then "SUFFIX". */
static enum gw_status parse_padded(const char *prefix, size_t count, const char *suffix)
{
    struct gw_buf text;
    struct gw_principal p;
    enum gw_status status;

    gw_buf_init(&text, 8192);
    gw_buf_append_str(&text, gw_str_from(prefix));
    for (size_t i = 0; i < count; i++)
        gw_buf_append_byte(&text, 'x');
    gw_buf_append_str(&text, gw_str_from(suffix));
    status = gw_arn_parse_principal(gw_buf_str(&text), &p);
    gw_buf_fini(&text);
    return status;
}

static void arn_parse__longest_names_and_paths__fit_and_one_more_does_not(void **state)
{
    (void)state;
    assert_int_equal(parse_padded("arn:aws:iam::012345678910:role/", 64, ""), GW_OK);
    assert_int_equal(parse_padded("arn:aws:iam::012345678910:role/", 65, ""), GW_E_SYNTAX);
    assert_int_equal(parse_padded("arn:aws:iam::012345678910:user/", 510, "/u"), GW_OK);
    assert_int_equal(parse_padded("arn:aws:iam::012345678910:user/", 511, "/u"), GW_E_SYNTAX);
    assert_int_equal(parse_padded("arn:aws:sts::012345678910:assumed-role/r/", 64, ""), GW_OK);
    assert_int_equal(parse_padded("arn:aws:sts::012345678910:assumed-role/r/", 65, ""), GW_E_SYNTAX);
    assert_int_equal(parse_padded("arn:aws:sts::012345678910:federated-user/", 32, ""), GW_OK);
    assert_int_equal(parse_padded("arn:aws:sts::012345678910:federated-user/", 33, ""), GW_E_SYNTAX);
    assert_int_equal(parse_padded("arn:aws:iam::012345678910:role/", 3000, "/u"), GW_E_SYNTAX);
}

static void arn_is_service_linked__only_roles_below_that_path(void **state)
{
    struct gw_principal linked =
        parse("arn:aws:iam::012345678910:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS");
    struct gw_principal direct = parse("arn:aws:iam::012345678910:role/aws-service-role/x");
    struct gw_principal named = parse("arn:aws:iam::012345678910:role/aws-service-role");
    struct gw_principal beside = parse("arn:aws:iam::012345678910:role/aws-service-role2/x");
    struct gw_principal user = parse("arn:aws:iam::012345678910:user/aws-service-role/x");

    (void)state;
    assert_true(gw_arn_is_service_linked(&linked));
    assert_true(gw_arn_is_service_linked(&direct));
    assert_false(gw_arn_is_service_linked(&named));
    assert_false(gw_arn_is_service_linked(&beside));
    assert_false(gw_arn_is_service_linked(&user));
}

static void arn_is_account__twelve_digits_only(void **state)
{
    (void)state;
    assert_true(gw_arn_is_account(GW_STR("000000000000")));
    assert_false(gw_arn_is_account(GW_STR("00000000000")));
    assert_false(gw_arn_is_account(GW_STR("0000000000000")));
    assert_false(gw_arn_is_account(GW_STR("00000000000x")));
    assert_false(gw_arn_is_account(GW_STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arn_parse__role_with_path__keeps_path_and_name_apart),
        cmocka_unit_test(arn_parse__role_and_user_without_path__have_the_path_slash),
        cmocka_unit_test(arn_parse__path_of_any_printable_ascii__is_kept_undecoded),
        cmocka_unit_test(arn_parse__root__is_root),
        cmocka_unit_test(arn_parse__sts_callers__have_name_and_session),
        cmocka_unit_test(arn_parse__every_partition__is_known),
        cmocka_unit_test(arn_parse__other_resources_and_broken_fields__are_syntax_errors),
        cmocka_unit_test(arn_parse__embedded_nul__is_refused),
        cmocka_unit_test(arn_parse__longest_names_and_paths__fit_and_one_more_does_not),
        cmocka_unit_test(arn_is_service_linked__only_roles_below_that_path),
        cmocka_unit_test(arn_is_account__twelve_digits_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
