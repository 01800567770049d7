/* SPDX-License-Identifier: Apache-2.0 */
/* Query members by a table of rows. */
#include "fixture.h"

#include "eks/params.h"

struct input {
    struct gw_str one;
    struct gw_str other;
    struct gw_json many;
};

static const struct gw_eks_param rows[] = {
    {"one", GW_EKS_PARAM_TEXT, offsetof(struct input, one)},
    {"other", GW_EKS_PARAM_TEXT, offsetof(struct input, other)},
    {"many", GW_EKS_PARAM_TEXTS, offsetof(struct input, many)},
};

static enum gw_status read_query(struct fixture *f, struct gw_str query, struct input *input)
{
    struct gw_eks_call *call = begin(f, GW_EKS_ListAccessPolicies);

    *input = (struct input){.one = GW_STR_NONE};
    call->query = query;
    return gw_eks_params_read(call, rows, GW_COUNT(rows), input, &f->error);
}

static void read__members_of_the_table__are_decoded_once(void **state)
{
    struct fixture *f = *state;
    struct input in;

    assert_int_equal(read_query(f, GW_STR("one=a%2520b&many=1&x=%FF&&many=%C3%A9&other&many="), &in), GW_OK);
    assert_true(gw_str_is(in.one, "a%20b"));
    assert_true(in.other.at != NULL && in.other.length == 0);
    expect_json(&in.many, "[\"1\",\"\xc3\xa9\",\"\"]");
}

static void read__absent_members__stay_as_they_were(void **state)
{
    struct fixture *f = *state;
    static const char *const queries[] = {"", "&&", "=", "One=1", "one%20=1", "on=e", "ones=1"};
    struct input in;

    for (size_t i = 0; i < GW_COUNT(queries); i++) {
        assert_int_equal(read_query(f, gw_str_from(queries[i]), &in), GW_OK);
        assert_null(in.one.at);
        assert_int_equal(in.many.type, GW_JSON_NULL);
    }
    assert_int_equal(read_query(f, GW_STR_NONE, &in), GW_OK);
}

static void read__names_in_escapes__are_the_same_names(void **state)
{
    struct fixture *f = *state;
    struct input in;

    assert_int_equal(read_query(f, GW_STR("%6Fn%65=1"), &in), GW_OK);
    assert_true(gw_str_is(in.one, "1"));
    assert_int_equal(read_query(f, GW_STR("%6Fn%65=1&one=2"), &in), GW_E_DENIED);
    expect_error(f, T_INVALID, "The one parameter must not be given more than once.");
    assert_int_equal(read_query(f, GW_STR("one=&one="), &in), GW_E_DENIED);
}

static void read__what_is_no_text__is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const values[] = {"%00", "%0A", "%7F", "%FF", "%C0%AF", "%ED%A0%80", "%", "%4", "%zz"};
    struct input in;

    for (size_t i = 0; i < GW_COUNT(values); i++) {
        assert_int_equal(read_query(f, gw_arena_printf(&f->arena, "many=%s", values[i]), &in), GW_E_DENIED);
        expect_error(f, T_INVALID, "The many parameter is not valid text.");
        assert_int_equal(read_query(f, gw_arena_printf(&f->arena, "%s=1", values[i]), &in), GW_E_DENIED);
        expect_error(f, T_INVALID, "The query string is not valid text.");
    }
}

static void read__more_values_than_the_front_lets_through__are_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_buf query;
    struct input in;

    gw_buf_init(&query, 65536);
    for (size_t i = 0; i < GW_EKS_PARAM_TEXTS_MAX; i++)
        gw_buf_append_lit(&query, "many=x&");
    assert_int_equal(read_query(f, gw_buf_str(&query), &in), GW_OK);
    assert_int_equal(in.many.as.array.count, GW_EKS_PARAM_TEXTS_MAX);
    gw_buf_append_lit(&query, "many=x");
    assert_int_equal(read_query(f, gw_buf_str(&query), &in), GW_E_DENIED);
    expect_error(f, T_INVALID, "The many parameter must not have more than 256 values.");
    gw_buf_fini(&query);
}

static void view__shows_what_was_read_in_both_objects(void **state)
{
    struct fixture *f = *state;
    struct input in;

    assert_int_equal(read_query(f, GW_STR("many=b&one=a&unknown=c"), &in), GW_OK);
    gw_eks_view_input(&f->call);
    gw_eks_params_view(&f->call, rows, GW_COUNT(rows), &in);
    expect_json(&f->call.input, "{\"one\":\"a\",\"many\":[\"b\"]}");
    expect_json(&f->call.request_parameters, "{\"one\":\"a\",\"many\":[\"b\"]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(read__members_of_the_table__are_decoded_once),
        EKS_TEST(read__absent_members__stay_as_they_were),
        EKS_TEST(read__names_in_escapes__are_the_same_names),
        EKS_TEST(read__what_is_no_text__is_refused),
        EKS_TEST(read__more_values_than_the_front_lets_through__are_refused),
        EKS_TEST(view__shows_what_was_read_in_both_objects),
    };

    return cmocka_run_group_tests_name("eks/params", tests, NULL, NULL);
}
