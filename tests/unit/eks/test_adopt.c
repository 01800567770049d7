/* SPDX-License-Identifier: Apache-2.0 */
/* When the entry that is there may be the answer to a create, and when not. */
#include "fixture.h"

/* A create that meets an entry, then the question. */
static enum gw_status adopt(struct fixture *f, const char *body)
{
    struct gw_eks_env env = make_env(f);
    struct gw_str reply = GW_STR_NONE;
    enum gw_status status;

    assert_int_equal(create(f, body), GW_E_DENIED);
    assert_true(gw_eks_may_adopt(&f->call, &f->error));
    status = gw_eks_adopt(&f->call, &env, &reply);
    assert_int_equal(status == GW_OK, reply.at != NULL);
    if (status == GW_OK)
        keep_text(f, reply);
    return status;
}

static void adopt__same_again__is_the_entry_as_it_is(void **state)
{
    struct fixture *f = *state;
    char first[4096];

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"tags\":{\"a\":\"1\"},\"kubernetesGroups\":[\"g\",\"h\"]}");
    assert_true(strlen(f->text) < sizeof(first));
    memcpy(first, f->text, strlen(f->text) + 1);
    f->now_ms += 5000;
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"h\",\"g\",\"h\"],"
                              "\"tags\":{\"b\":\"2\"}}"),
                     GW_OK);
    assert_string_equal(f->text, first);
}

static void adopt__defaults_spelt_out__agree(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"STANDARD\",\"kubernetesGroups\":[],"
                              "\"username\":\"arn:aws:sts::012345678910:assumed-role/my-role/{{SessionName}}\"}"),
                     GW_OK);
}

static void adopt__node_type__agrees_with_itself(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\"}");
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\"}"), GW_OK);
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_WINDOWS\"}"), GW_E_DENIED);
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
}

static void adopt__another_group_or_username__does_not_agree(void **state)
{
    static const char *const bodies[] = {
        "{\"principalArn\":\"" ROLE "\"}",
        "{\"principalArn\":\"" ROLE "\",\"username\":\"u\"}",
        "{\"principalArn\":\"" ROLE "\",\"username\":\"u\",\"kubernetesGroups\":[\"g\"]}",
        "{\"principalArn\":\"" ROLE "\",\"username\":\"u\",\"kubernetesGroups\":[\"g\",\"i\"]}",
        "{\"principalArn\":\"" ROLE "\",\"username\":\"u\",\"kubernetesGroups\":[\"g\",\"h\",\"i\"]}",
        "{\"principalArn\":\"" ROLE "\",\"username\":\"u\",\"kubernetesGroups\":[\"g\",\"H\"]}",
        "{\"principalArn\":\"" ROLE "\",\"username\":\"U\",\"kubernetesGroups\":[\"g\",\"h\"]}",
        "{\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"g\",\"h\"]}",
    };
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\",\"username\":\"u\",\"kubernetesGroups\":[\"g\",\"h\"]}");
    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        if (adopt(f, bodies[i]) != GW_E_DENIED)
            fail_msg("agrees: %s", bodies[i]);
    }
}

static void adopt__username_of_a_policy__counts_as_in_a_create(void **state)
{
    struct fixture *f = *state;

    f->username = GW_STR("team:{{SessionName}}");
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\"}"), GW_OK);
    f->username = GW_STR_NONE;
    assert_int_equal(adopt(f, "{\"principalArn\":\"" ROLE "\"}"), GW_E_DENIED);
}

static void adopt__other_refusals__are_not_for_it(void **state)
{
    struct fixture *f = *state;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"type\":\"EC2_LINUX\",\"username\":\"u\"}"),
                     GW_E_DENIED);
    assert_false(gw_eks_may_adopt(&f->call, &f->error));
}

static void adopt__entry_that_is_gone__is_missing(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_env env = make_env(f);
    struct gw_str reply = GW_STR_NONE;

    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    begin(f, GW_EKS_CreateAccessEntry)->body = GW_STR("{\"principalArn\":\"" USER "\"}");
    assert_int_equal(decode_and_check(f), GW_OK);
    assert_int_equal(gw_eks_adopt(&f->call, &env, &reply), GW_E_MISSING);
    assert_null(reply.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(adopt__same_again__is_the_entry_as_it_is),
        EKS_TEST(adopt__defaults_spelt_out__agree),
        EKS_TEST(adopt__node_type__agrees_with_itself),
        EKS_TEST(adopt__another_group_or_username__does_not_agree),
        EKS_TEST(adopt__username_of_a_policy__counts_as_in_a_create),
        EKS_TEST(adopt__other_refusals__are_not_for_it),
        EKS_TEST(adopt__entry_that_is_gone__is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
