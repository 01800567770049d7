/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usernames, groups and tags: the words that EKS uses, and what it lets pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/username.h"

static void username_is(struct gw_str username, const char *message)
{
    struct gw_err err = {""};
    enum gw_status status = gw_username_check(username, &err);

    assert_string_equal(err.text, message);
    assert_int_equal(status, message[0] == '\0' ? GW_OK : GW_E_SYNTAX);
}

static void group_is(struct gw_str group, const char *message)
{
    struct gw_err err = {""};
    enum gw_status status = gw_username_check_group(group, &err);

    assert_string_equal(err.text, message);
    assert_int_equal(status, message[0] == '\0' ? GW_OK : GW_E_SYNTAX);
}

static void tag_is(struct gw_str key, struct gw_str value, const char *message)
{
    struct gw_err err = {""};
    enum gw_status status = gw_username_check_tag(key, value, &err);

    assert_string_equal(err.text, message);
    assert_int_equal(status, message[0] == '\0' ? GW_OK : GW_E_SYNTAX);
}

/* `count` times `piece`. */
static struct gw_str repeat(struct gw_arena *arena, const char *piece, size_t count)
{
    size_t length = strlen(piece);
    char *text = gw_arena_alloc(arena, length * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(text + i * length, piece, length);
    return (struct gw_str){text, length * count};
}

static void username_check__names_that_eks_takes__pass(void **state)
{
    (void)state;
    username_is(GW_STR("developer"), "");
    username_is(GW_STR("arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}"), "");
    username_is(GW_STR("arn:aws:iam::012345678910:user/a/b/my-user"), "");
    username_is(GW_STR("sts:me"), "");
    username_is(GW_STR("system"), "");
    username_is(GW_STR("awsome:x"), "");
    username_is(GW_STR("my system:x"), "");
    username_is(GW_STR("J\xc3\xbcrgen@example.com"), "");
}

static void username_check__reserved_prefixes__are_named_in_eks_words(void **state)
{
    (void)state;
    username_is(GW_STR("system:"), "The username must not begin with system:");
    username_is(GW_STR("system:node:{{EC2PrivateDNSName}}"), "The username must not begin with system:");
    username_is(GW_STR("eks:x"), "The username must not begin with eks:");
    username_is(GW_STR("aws:x"), "The username must not begin with aws:");
    username_is(GW_STR("amazon:x"), "The username must not begin with amazon:");
    username_is(GW_STR("iam:x"), "The username must not begin with iam:");
}

static void username_check__upper_case_prefix__is_an_ordinary_name(void **state)
{
    (void)state;
    username_is(GW_STR("System:x"), "");
    username_is(GW_STR("AWS:x"), "");
}

static void username_check__session_name__needs_a_colon_somewhere_before(void **state)
{
    (void)state;
    username_is(GW_STR(":john{{SessionName}}"), "");
    username_is(GW_STR("jo:hn{{SessionName}}"), "");
    username_is(GW_STR("team:{{SessionNameRaw}}"), "");
    username_is(GW_STR("john{{SessionName}}"), "The username must have a colon before {{SessionName}}.");
    username_is(GW_STR("{{SessionName}}:john"), "The username must have a colon before {{SessionName}}.");
    username_is(GW_STR("{{SessionNameRaw}}"), "The username must have a colon before {{SessionNameRaw}}.");
    username_is(GW_STR("a{{SessionNameRaw}}:{{SessionName}}"),
                "The username must have a colon before {{SessionNameRaw}}.");
    username_is(GW_STR("john{{sessionname}}"), "");
}

static void username_check__text_no_log_could_show__is_refused(void **state)
{
    (void)state;
    username_is(GW_STR(""), "The username must not be empty.");
    username_is(GW_STR_NONE, "The username must not be empty.");
    username_is(GW_STR("a\nb"), "The username must not contain control characters.");
    username_is(GW_STR("a\0b"), "The username must not contain control characters.");
    username_is(GW_STR("a\x7f"), "The username must not contain control characters.");
    username_is(GW_STR("a\xc2\x9b"), "The username must not contain control characters.");
    username_is(GW_STR("a\xff"), "The username must be UTF-8 text.");
    username_is(GW_STR("a\xc3"), "The username must be UTF-8 text.");
}

static void username_check__longest__fits_and_one_more_does_not(void **state)
{
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    username_is(repeat(&arena, "x", GW_USERNAME_MAX), "");
    username_is(repeat(&arena, "x", GW_USERNAME_MAX + 1), "The username must not be longer than 256 characters.");
    username_is(repeat(&arena, "\xf0\x9f\x90\xb3", GW_USERNAME_MAX), "");
    username_is(repeat(&arena, "\xf0\x9f\x90\xb3", GW_USERNAME_MAX + 1),
                "The username must not be longer than 256 characters.");
    group_is(repeat(&arena, "\xe2\x82\xac", GW_USERNAME_MAX), "");
    group_is(repeat(&arena, "\xe2\x82\xac", GW_USERNAME_MAX + 1),
             "A kubernetes group name must not be longer than 256 characters.");
    gw_arena_fini(&arena);
}

static void username_reserved__five_prefixes__are_told_from_others(void **state)
{
    (void)state;
    assert_true(gw_str_is(gw_username_reserved(GW_STR("system:masters")), "system:"));
    assert_true(gw_str_is(gw_username_reserved(GW_STR("eks:x")), "eks:"));
    assert_true(gw_str_is(gw_username_reserved(GW_STR("aws:x")), "aws:"));
    assert_true(gw_str_is(gw_username_reserved(GW_STR("amazon:x")), "amazon:"));
    assert_true(gw_str_is(gw_username_reserved(GW_STR("iam:")), "iam:"));
    assert_null(gw_username_reserved(GW_STR("system")).at);
    assert_null(gw_username_reserved(GW_STR("sts:x")).at);
    assert_null(gw_username_reserved(GW_STR("xsystem:")).at);
    assert_null(gw_username_reserved(GW_STR_NONE).at);
}

static void username_check_group__text_no_log_could_show__is_refused(void **state)
{
    (void)state;
    group_is(GW_STR("system"), "");
    group_is(GW_STR("viewers"), "");
    group_is(GW_STR(""), "A kubernetes group name must not be empty.");
    group_is(GW_STR("system:\x1b[2J"), "A kubernetes group name must not contain control characters.");
}

static void username_check_tag__what_aws_allows__passes(void **state)
{
    (void)state;
    tag_is(GW_STR("k 1_.:/=+-@"), GW_STR(""), "");
    tag_is(GW_STR("Stra\xc3\x9f"
                  "e"),
           GW_STR("\xe6\x9d\xb1\xe4\xba\xac"), "");
    tag_is(GW_STR("awsome"), GW_STR("aws:x"), "");
    tag_is(GW_STR("aws"), GW_STR("x"), "");
}

static void username_check_tag__reserved_and_odd_keys__are_refused(void **state)
{
    const char *characters = "A tag key may contain letters, digits, spaces and the characters _ . : / = + - @ only.";

    (void)state;
    tag_is(GW_STR("aws:x"), GW_STR(""), "A tag key must not begin with aws: in upper or lower case.");
    tag_is(GW_STR("AwS:"), GW_STR(""), "A tag key must not begin with aws: in upper or lower case.");
    tag_is(GW_STR(""), GW_STR("x"), "A tag key must have 1 to 128 characters.");
    tag_is(GW_STR("a\tb"), GW_STR(""), characters);
    tag_is(GW_STR("a<b"), GW_STR(""), characters);
    tag_is(GW_STR("a\0b"), GW_STR(""), characters);
    tag_is(GW_STR("a\xe2\x80\xa8"), GW_STR(""), characters);
    tag_is(GW_STR("a\xff"), GW_STR(""), "A tag key must be UTF-8 text.");
    tag_is(GW_STR("a"), GW_STR("\xff"), "A tag value must be UTF-8 text.");
}

static void username_check_tag__lengths__are_counted_in_characters(void **state)
{
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    tag_is(repeat(&arena, "\xf0\x90\x8c\xb0", 128), repeat(&arena, "\xc3\xa9", 256), "");
    tag_is(repeat(&arena, "x", 129), GW_STR(""), "A tag key must not be longer than 128 characters.");
    tag_is(GW_STR("x"), repeat(&arena, "\xc3\xa9", 257), "A tag value must not be longer than 256 characters.");
    gw_arena_fini(&arena);
}

static void default_is(const char *arn, const char *username)
{
    struct gw_principal principal;
    struct gw_arena arena;
    struct gw_err err;

    gw_arena_init(&arena, 0);
    assert_int_equal(gw_arn_parse_principal(gw_str_from(arn), &principal), GW_OK);
    assert_string_equal(gw_username_default(&principal, &arena).at, username);
    assert_int_equal(gw_username_check(gw_username_default(&principal, &arena), &err), GW_OK);
    gw_arena_fini(&arena);
}

static void username_default__role__becomes_its_assumed_role_without_path(void **state)
{
    (void)state;
    default_is("arn:aws:iam::012345678910:role/my-role",
               "arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}");
    default_is("arn:aws-us-gov:iam::012345678910:role/team/dev/my-role",
               "arn:aws-us-gov:sts::012345678910:assumed-role/my-role/{{SessionName}}");
}

static void username_default__user_and_root__are_their_own_arn(void **state)
{
    (void)state;
    default_is("arn:aws:iam::012345678910:user/team/my-user", "arn:aws:iam::012345678910:user/team/my-user");
    default_is("arn:aws:iam::012345678910:root", "arn:aws:iam::012345678910:root");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(username_check__names_that_eks_takes__pass),
        cmocka_unit_test(username_check__reserved_prefixes__are_named_in_eks_words),
        cmocka_unit_test(username_check__upper_case_prefix__is_an_ordinary_name),
        cmocka_unit_test(username_check__session_name__needs_a_colon_somewhere_before),
        cmocka_unit_test(username_check__text_no_log_could_show__is_refused),
        cmocka_unit_test(username_check__longest__fits_and_one_more_does_not),
        cmocka_unit_test(username_reserved__five_prefixes__are_told_from_others),
        cmocka_unit_test(username_check_group__text_no_log_could_show__is_refused),
        cmocka_unit_test(username_check_tag__what_aws_allows__passes),
        cmocka_unit_test(username_check_tag__reserved_and_odd_keys__are_refused),
        cmocka_unit_test(username_check_tag__lengths__are_counted_in_characters),
        cmocka_unit_test(username_default__role__becomes_its_assumed_role_without_path),
        cmocka_unit_test(username_default__user_and_root__are_their_own_arn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
