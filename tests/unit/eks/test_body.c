/* SPDX-License-Identifier: Apache-2.0 */
/* JSON bodies by a table of members, and replies that grow too large. */
#include "fixture.h"

#include "eks/body.h"

struct input {
    struct gw_str string;
    const struct gw_json *strings;
    const struct gw_json *map;
    const struct gw_json *boolean;
    const struct gw_json *object;
    const struct gw_json *objects;
};

static const struct gw_eks_member rows[] = {
    {"string", GW_EKS_STRING, offsetof(struct input, string)},
    {"strings", GW_EKS_STRINGS, offsetof(struct input, strings)},
    {"map", GW_EKS_STRING_MAP, offsetof(struct input, map)},
    {"boolean", GW_EKS_BOOLEAN, offsetof(struct input, boolean)},
    {"object", GW_EKS_OBJECT, offsetof(struct input, object)},
    {"objects", GW_EKS_OBJECTS, offsetof(struct input, objects)},
};

static enum gw_status read_text(struct fixture *f, const char *text, struct input *input, struct gw_json *body)
{
    struct gw_eks_call *call = begin(f, GW_EKS_CreateAccessEntry);

    *input = (struct input){.string = GW_STR_NONE};
    *body = (struct gw_json){.type = GW_JSON_NULL};
    call->body = gw_str_from(text);
    return gw_eks_body_read(call, rows, GW_COUNT(rows), input, body, &f->error);
}

static void read__every_shape__goes_where_its_row_says(void **state)
{
    struct fixture *f = *state;
    struct gw_json body;
    struct input in;

    assert_int_equal(read_text(f,
                               "{\"objects\":[{}],\"object\":{\"x\":[1]},\"boolean\":false,\"map\":{\"k\":\"v\"},"
                               "\"strings\":[\"a\",\"\"],\"string\":\"\",\"other\":{\"string\":1}}",
                               &in, &body),
                     GW_OK);
    assert_true(in.string.at != NULL && in.string.length == 0);
    expect_json(in.strings, "[\"a\",\"\"]");
    expect_json(in.map, "{\"k\":\"v\"}");
    expect_json(in.boolean, "false");
    expect_json(in.object, "{\"x\":[1]}");
    expect_json(in.objects, "[{}]");
}

static void read__nulls_and_nothing__are_absent(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "",
        "{}",
        "{\"string\":null,\"strings\":null,\"map\":null,\"boolean\":null,\"object\":null,\"objects\":null}",
    };
    struct gw_json body;
    struct input in;

    for (size_t i = 0; i < GW_COUNT(bodies); i++) {
        assert_int_equal(read_text(f, bodies[i], &in, &body), GW_OK);
        assert_int_equal(body.type, GW_JSON_OBJECT);
        assert_null(in.string.at);
        assert_true(in.strings == NULL && in.map == NULL && in.boolean == NULL && in.object == NULL &&
                    in.objects == NULL);
    }
}

static void read__wrong_shapes__are_named_with_what_is_right(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *body;
        const char *message;
    } cases[] = {
        {"{\"string\":[]}", "The string parameter must be a string."},
        {"{\"strings\":[\"a\",1]}", "The strings parameter must be an array of strings."},
        {"{\"map\":{\"a\":\"b\",\"c\":null}}", "The map parameter must be an object of strings."},
        {"{\"boolean\":\"true\"}", "The boolean parameter must be true or false."},
        {"{\"object\":[]}", "The object parameter must be an object."},
        {"{\"objects\":{}}", "The objects parameter must be an array of objects."},
        {"{\"objects\":[{},\"x\"]}", "The objects parameter must be an array of objects."},
        {"{\"objects\":1,\"string\":1}", "The string parameter must be a string."},
    };
    struct gw_json body;
    struct input in;

    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        assert_int_equal(read_text(f, cases[i].body, &in, &body), GW_E_DENIED);
        expect_error(f, T_INVALID, cases[i].message);
    }
}

static void read_object__inside_a_body__is_named_by_its_place(void **state)
{
    struct fixture *f = *state;
    struct gw_json body;
    struct input in;

    assert_int_equal(read_text(f, "{\"object\":{\"string\":1}}", &in, &body), GW_OK);
    assert_int_equal(gw_eks_body_read_object(&f->call, rows, GW_COUNT(rows), "object", in.object, &in, &f->error),
                     GW_E_DENIED);
    expect_error(f, T_INVALID, "The object.string parameter must be a string.");
}

static void view__shows_sound_members_to_policies_and_all_to_records(void **state)
{
    struct fixture *f = *state;
    struct gw_json body;
    struct input in;

    assert_int_equal(read_text(f, "{\"string\":1,\"map\":{\"a\":\"b\"},\"boolean\":null,\"unknown\":2}", &in, &body),
                     GW_E_DENIED);
    f->call.op = GW_EKS_ListAccessPolicies; /* whose view adds nothing of its own */
    f->call.label_count = 0;
    gw_eks_view_input(&f->call);
    gw_eks_body_view(&f->call, rows, GW_COUNT(rows), &body);
    expect_json(&f->call.input, "{\"map\":{\"a\":\"b\"}}");
    expect_json(&f->call.request_parameters, "{\"string\":1,\"map\":{\"a\":\"b\"}}");
}

static void finish__a_reply_past_its_cap__is_no_reply(void **state)
{
    struct fixture *f = *state;
    struct gw_str reply = GW_STR_NONE;
    struct gw_buf body;

    begin(f, GW_EKS_ListAccessEntries);
    gw_eks_body_begin(&body);
    gw_buf_append_lit(&body, "{}");
    assert_int_equal(gw_eks_body_finish(&f->call, &body, &reply, &f->error), GW_OK);
    assert_true(gw_str_is(reply, "{}"));
    gw_eks_body_begin(&body);
    body.overflowed = true;
    assert_int_equal(gw_eks_body_finish(&f->call, &body, &reply, &f->error), GW_E_DENIED);
    expect_error(f, "ServerException", "The reply is too large.");
    assert_true(gw_str_is(reply, "{}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EKS_TEST(read__every_shape__goes_where_its_row_says),
        EKS_TEST(read__nulls_and_nothing__are_absent),
        EKS_TEST(read__wrong_shapes__are_named_with_what_is_right),
        EKS_TEST(read_object__inside_a_body__is_named_by_its_place),
        EKS_TEST(view__shows_sound_members_to_policies_and_all_to_records),
        EKS_TEST(finish__a_reply_past_its_cap__is_no_reply),
    };

    return cmocka_run_group_tests_name("eks/body", tests, NULL, NULL);
}
