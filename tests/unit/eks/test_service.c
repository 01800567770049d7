/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, errors on the wire, and what policies and the record get to see of
 * a call.
 */
#include "fixture.h"

static void operations__are_seventy_in_the_models_order(void **state)
{
    (void)state;
    for (int op = 0; op < 70; op++)
        assert_ptr_equal(gw_eks_service_of((enum gw_eks_op)op), &gw_eks_service_eks);
    for (size_t i = 1; i < 70; i++)
        assert_true(strcmp(gw_eks_ops[i - 1].name, gw_eks_ops[i].name) < 0);
    assert_string_equal(gw_eks_ops[GW_EKS_CreateAccessEntry].name, "CreateAccessEntry");
    assert_string_equal(gw_eks_ops[GW_EKS_CreateAccessEntry].path, "/clusters/{name}/access-entries");
    assert_int_equal(gw_eks_ops[GW_EKS_DisassociateAccessPolicy].method, GW_METHOD_DELETE);
    assert_string_equal(gw_eks_model_version, "2017-11-01 (botocore 1.44.5)");
}

static void operations__behind_eks_ones__are_one_of_sts(void **state)
{
    const struct gw_eks_service *sts = gw_eks_service_of(GW_EKS_GetCallerIdentity);

    (void)state;
    assert_int_equal(GW_EKS_OP_COUNT, 71);
    assert_int_equal(GW_EKS_GetCallerIdentity, 70);
    assert_string_equal(gw_eks_ops[GW_EKS_GetCallerIdentity].path, "/");
    assert_int_equal(gw_eks_ops[GW_EKS_GetCallerIdentity].method, GW_METHOD_POST);
    assert_true(gw_str_is(sts->name, "sts"));
    assert_true(gw_str_is(sts->event_source, "sts.amazonaws.com"));
    assert_true(sts->query && sts->global);
    assert_true(gw_str_is(gw_eks_service_eks.name, "eks"));
    assert_true(gw_str_is(gw_eks_service_eks.event_source, "eks.amazonaws.com"));
    assert_false(gw_eks_service_eks.query || gw_eks_service_eks.global);
}

static void operations__no_two_share_method_and_path(void **state)
{
    (void)state;
    for (size_t a = 0; a < GW_EKS_OP_COUNT; a++) {
        for (size_t b = a + 1; b < GW_EKS_OP_COUNT; b++)
            assert_false(gw_eks_ops[a].method == gw_eks_ops[b].method &&
                         strcmp(gw_eks_ops[a].path, gw_eks_ops[b].path) == 0);
    }
}

/* A router matches whole segments: each is a literal or one label, and there is room for all of them. */
static void operations__paths__are_made_of_whole_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < GW_EKS_OP_COUNT; i++) {
        struct gw_str rest = i == GW_EKS_GetCallerIdentity ? GW_STR("") : gw_str_from(gw_eks_ops[i].path);
        size_t segments = 0;
        size_t labels = 0;

        assert_int_equal(gw_str_split(&rest, '/').length, 0);
        for (; rest.at != NULL; segments++) {
            struct gw_str segment = gw_str_split(&rest, '/');
            bool is_label = gw_str_find(segment, '{', 0) == 0;

            assert_true(segment.length > 0);
            assert_int_equal(gw_str_find(segment, '}', 0), is_label ? segment.length - 1 : segment.length);
            labels += is_label;
        }
        assert_true(segments <= GW_EKS_SEGMENTS_MAX);
        assert_int_equal(segments > 0, i != GW_EKS_GetCallerIdentity);
        assert_true(labels <= GW_EKS_LABELS_MAX);
    }
}

static void operations__read_only__are_those_that_describe_list_or_get(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < GW_EKS_OP_COUNT; i++) {
        bool reads = gw_eks_is_read_only((enum gw_eks_op)i);

        count += reads;
        if (gw_eks_ops[i].method == GW_METHOD_GET)
            assert_true(reads);
        if (gw_eks_ops[i].method == GW_METHOD_DELETE)
            assert_false(reads);
    }
    assert_int_equal(count, 32);
    assert_true(gw_eks_is_read_only(GW_EKS_ListInsights)); /* POST */
    assert_false(gw_eks_is_read_only(GW_EKS_CreateAccessEntry));
}

static void operations__without_a_handler__are_refused_as_not_served(void **state)
{
    struct fixture *f = *state;

    assert_true(gw_eks_is_served(GW_EKS_CreateAccessEntry));
    assert_true(gw_eks_is_served(GW_EKS_DescribeAccessEntry));
    assert_false(gw_eks_is_served(GW_EKS_CreateNodegroup));
    begin(f, GW_EKS_CreateNodegroup);
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_E_DENIED);
    assert_int_equal(gw_eks_error_status(f->error.code), 501);
    assert_string_equal(gw_eks_error_name(f->error.code), "NotImplementedException");
}

static void members__are_sorted_and_hold_what_travels_in_paths(void **state)
{
    bool found = false;

    (void)state;
    for (size_t i = 0; i < gw_eks_member_name_count; i++) {
        if (i > 0)
            assert_true(gw_str_compare(gw_eks_member_names[i - 1], gw_eks_member_names[i]) < 0);
        found = found || gw_str_is(gw_eks_member_names[i], "clusterName");
    }
    assert_true(found);
    assert_int_equal(gw_eks_member_name_count, 95);
}

static void expect_body(enum gw_eks_error_code code, struct gw_str cluster, unsigned status, const char *text)
{
    struct gw_eks_error error = {.code = code, .message = GW_STR("say \"why\""), .cluster_name = cluster};
    struct gw_buf body;

    assert_int_equal(gw_eks_error_status(code), status);
    gw_buf_init(&body, 4096);
    gw_eks_error_encode(&error, &body);
    gw_buf_append_byte(&body, '\0');
    assert_string_equal(body.at, text);
    gw_buf_fini(&body);
}

static void errors__bodies__hold_the_models_members_in_its_order(void **state)
{
    (void)state;
    expect_body(GW_EKS_InvalidParameterException, GW_STR("c"), 400,
                "{\"clusterName\":\"c\",\"nodegroupName\":null,\"fargateProfileName\":null,\"addonName\":null,"
                "\"subscriptionId\":null,\"message\":\"say \\\"why\\\"\"}");
    expect_body(GW_EKS_InvalidRequestException, GW_STR_NONE, 400,
                "{\"clusterName\":null,\"nodegroupName\":null,\"addonName\":null,\"subscriptionId\":null,"
                "\"message\":\"say \\\"why\\\"\"}");
    expect_body(GW_EKS_UnsupportedAvailabilityZoneException, GW_STR("c"), 400,
                "{\"message\":\"say \\\"why\\\"\",\"clusterName\":\"c\",\"nodegroupName\":null,\"validZones\":null}");
    expect_body(GW_EKS_ThrottlingException, GW_STR("c"), 429,
                "{\"clusterName\":\"c\",\"message\":\"say \\\"why\\\"\"}");
    expect_body(GW_EKS_AccessDeniedException, GW_STR("c"), 403, "{\"message\":\"say \\\"why\\\"\"}");
    expect_body(GW_EKS_MissingAuthenticationTokenException, GW_STR_NONE, 403, "{\"message\":\"say \\\"why\\\"\"}");
    expect_body(GW_EKS_TooManyRequestsException, GW_STR_NONE, 429, "{\"message\":\"say \\\"why\\\"\"}");
}

static void errors__statuses__are_the_models(void **state)
{
    (void)state;
    assert_int_equal(gw_eks_error_status(GW_EKS_ResourceNotFoundException), 404);
    assert_int_equal(gw_eks_error_status(GW_EKS_NotFoundException), 404);
    assert_int_equal(gw_eks_error_status(GW_EKS_BadRequestException), 400);
    assert_int_equal(gw_eks_error_status(GW_EKS_ResourceInUseException), 409);
    assert_int_equal(gw_eks_error_status(GW_EKS_ResourceLimitExceededException), 400);
    assert_int_equal(gw_eks_error_status(GW_EKS_ResourcePropagationDelayException), 428);
    assert_int_equal(gw_eks_error_status(GW_EKS_ServerException), 500);
    assert_int_equal(gw_eks_error_status(GW_EKS_ServiceUnavailableException), 503);
}

static void modes__are_read_by_eks_names_only(void **state)
{
    enum gw_eks_auth_mode mode = GW_EKS_MODE_API;

    (void)state;
    assert_int_equal(gw_eks_auth_mode_parse(GW_STR("CONFIG_MAP"), &mode), GW_OK);
    assert_int_equal(mode, GW_EKS_MODE_CONFIG_MAP);
    assert_int_equal(gw_eks_auth_mode_parse(GW_STR("API_AND_CONFIG_MAP"), &mode), GW_OK);
    assert_int_equal(mode, GW_EKS_MODE_API_AND_CONFIG_MAP);
    assert_int_equal(gw_eks_auth_mode_parse(GW_STR("API"), &mode), GW_OK);
    assert_int_equal(mode, GW_EKS_MODE_API);
    assert_int_equal(gw_eks_auth_mode_parse(GW_STR("api"), &mode), GW_E_SYNTAX);
    assert_int_equal(gw_eks_auth_mode_parse(GW_STR_NONE, &mode), GW_E_SYNTAX);
}

static void view__of_a_create__has_sdk_names_for_policies_and_labels_for_the_record(void **state)
{
    struct fixture *f = *state;

    f->cluster_label = GW_STR("my%2dcluster");
    expect_created(f, "{\"type\":\"STANDARD\",\"x\":1,\"principalArn\":\"" ROLE
                      "\",\"tags\":{\"b\":\"2\",\"a\":\"1\"},\"username\":null,\"kubernetesGroups\":[\"g\",\"g\"]}");
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE
                                "\",\"kubernetesGroups\":[\"g\",\"g\"],\"tags\":{\"b\":\"2\",\"a\":\"1\"},"
                                "\"type\":\"STANDARD\"}");
    expect_json(&f->call.request_parameters,
                "{\"name\":\"my%2dcluster\",\"principalArn\":\"" ROLE "\",\"kubernetesGroups\":[\"g\",\"g\"],"
                "\"tags\":{\"b\":\"2\",\"a\":\"1\"},\"type\":\"STANDARD\"}");
}

static void view__of_a_describe__decodes_for_policies_and_leaves_the_record_encoded(void **state)
{
    struct fixture *f = *state;

    (void)describe(f, ROLE_RAW);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE "\"}");
    expect_json(&f->call.request_parameters, "{\"name\":\"my-cluster\",\"principalArn\":\"" ROLE_RAW "\"}");
}

/* A policy that reads tags may count on a table; the record shows what was really sent. */
static void view__of_a_member_of_the_wrong_type__is_for_the_record_only(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(create(f, "{\"principalArn\":\"" ROLE "\",\"tags\":[1]}"), GW_E_DENIED);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE "\"}");
    expect_json(&f->call.request_parameters, "{\"name\":\"my-cluster\",\"principalArn\":\"" ROLE "\",\"tags\":[1]}");
}

static void view__of_what_could_not_be_read__shows_the_rest(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(create(f, "{"), GW_E_DENIED);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"clusterName\":\"my-cluster\"}");
    expect_json(&f->call.request_parameters, "{\"name\":\"my-cluster\"}");
    f->cluster_label = GW_STR("%2F");
    assert_int_equal(describe(f, "x"), GW_E_DENIED);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{}");
    expect_json(&f->call.request_parameters, "{\"name\":\"%2F\",\"principalArn\":\"x\"}");
}

static void view__taken_before_decode__is_made_anew_after_it(void **state)
{
    struct fixture *f = *state;

    begin(f, GW_EKS_DescribeAccessEntry)->raw_labels[1] = GW_STR(ROLE_RAW);
    f->call.label_count = 2;
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{}");
    expect_json(&f->call.request_parameters, "{\"name\":\"my-cluster\",\"principalArn\":\"" ROLE_RAW "\"}");
    assert_int_equal(gw_eks_decode(&f->call, &f->error), GW_OK);
    gw_eks_view_input(&f->call);
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE "\"}");
}

static void view__of_an_operation_that_isnt_served__has_its_labels(void **state)
{
    struct fixture *f = *state;
    struct gw_eks_call *call = begin(f, GW_EKS_DescribeNodegroup);

    call->raw_labels[1] = GW_STR("workers");
    call->label_count = 2;
    gw_eks_view_input(call);
    expect_json(&call->input, "{}");
    expect_json(&call->request_parameters, "{\"name\":\"my-cluster\",\"nodegroupName\":\"workers\"}");
}

static void view__of_a_completed_call__shows_what_the_caller_sent(void **state)
{
    static const struct gw_pair tag = {GW_STR_INIT("k"), GW_STR_INIT("v")};
    struct fixture *f = *state;

    f->username = GW_STR("chosen");
    f->tags = &tag;
    f->tag_count = 1;
    expect_created(f, "{\"principalArn\":\"" ROLE "\"}");
    gw_eks_view_input(&f->call);
    expect_json(&f->call.input, "{\"clusterName\":\"my-cluster\",\"principalArn\":\"" ROLE "\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(operations__are_seventy_in_the_models_order),
        EKS_TEST(operations__behind_eks_ones__are_one_of_sts),
        EKS_TEST(operations__no_two_share_method_and_path),
        EKS_TEST(operations__paths__are_made_of_whole_labels),
        EKS_TEST(operations__read_only__are_those_that_describe_list_or_get),
        EKS_TEST(operations__without_a_handler__are_refused_as_not_served),
        EKS_TEST(members__are_sorted_and_hold_what_travels_in_paths),
        EKS_TEST(errors__bodies__hold_the_models_members_in_its_order),
        EKS_TEST(errors__statuses__are_the_models),
        EKS_TEST(modes__are_read_by_eks_names_only),
        EKS_TEST(view__of_a_create__has_sdk_names_for_policies_and_labels_for_the_record),
        EKS_TEST(view__of_a_describe__decodes_for_policies_and_leaves_the_record_encoded),
        EKS_TEST(view__of_a_member_of_the_wrong_type__is_for_the_record_only),
        EKS_TEST(view__of_what_could_not_be_read__shows_the_rest),
        EKS_TEST(view__taken_before_decode__is_made_anew_after_it),
        EKS_TEST(view__of_an_operation_that_isnt_served__has_its_labels),
        EKS_TEST(view__of_a_completed_call__shows_what_the_caller_sent),
    };

    return cmocka_run_group_tests_name("eks/service", tests, NULL, NULL);
}
