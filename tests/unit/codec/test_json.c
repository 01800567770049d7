/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out: what is accepted, what is refused and why, and that text
 * which went through the tree comes back as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "codec/json.h"

struct fixture {
    struct gw_arena arena;
    struct gw_buf out;
    struct gw_err err;
};

static int set_up(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    gw_arena_init(&f->arena, 0);
    gw_buf_init(&f->out, (size_t)1 << 20);
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

static struct gw_json parse(struct fixture *f, struct gw_str text)
{
    struct gw_json value;

    if (gw_json_parse(text, &f->arena, &value, &f->err) != GW_OK)
        fail_msg("refused: %.*s: %s", GW_STR_ARG(text), f->err.text);
    return value;
}

static enum gw_status status_of(struct fixture *f, struct gw_str text)
{
    struct gw_json value;

    return gw_json_parse(text, &f->arena, &value, &f->err);
}

static void encodes_as(struct fixture *f, const struct gw_json *value, const char *expected)
{
    gw_buf_clear(&f->out);
    gw_json_encode(value, &f->out);
    assert_false(f->out.overflowed);
    gw_buf_append_byte(&f->out, '\0');
    assert_string_equal(f->out.at, expected);
}

static void json_parse__create_body__gives_members_in_order(void **state)
{
    struct fixture *f = *state;
    struct gw_json body =
        parse(f, GW_STR("{\"principalArn\": \"arn:aws:iam::012345678910:role/r\", \"kubernetesGroups\": "
                        "[\"b\", \"a\"], \"tags\": {\"z\": \"1\", \"a\": \"2\"}, \"type\": null}"));

    assert_int_equal(body.type, GW_JSON_OBJECT);
    assert_true(gw_str_is(gw_json_get(&body, "principalArn")->as.string, "arn:aws:iam::012345678910:role/r"));
    assert_int_equal(gw_json_get(&body, "kubernetesGroups")->as.array.count, 2);
    assert_int_equal(gw_json_get(&body, "type")->type, GW_JSON_NULL);
    assert_null(gw_json_get(&body, "principal"));
    assert_null(gw_json_get(NULL, "principalArn"));
    assert_null(gw_json_get(gw_json_get(&body, "type"), "principalArn"));
    encodes_as(f, &body,
               "{\"principalArn\":\"arn:aws:iam::012345678910:role/r\",\"kubernetesGroups\":[\"b\",\"a\"],"
               "\"tags\":{\"z\":\"1\",\"a\":\"2\"},\"type\":null}");
}

static void json_parse__every_type__reads_back(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "\"\"",
        "[]",
        "{}",
        "[[],{},\"x\",1.5,-0.25,true]",
        "{\"a\":{\"b\":[{\"c\":null}]}}",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f/\"",
        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\"",
        "{\"\":\"empty name\"}",
    };

    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        struct gw_json value = parse(*state, gw_str_from(texts[i]));

        encodes_as(*state, &value, texts[i]);
    }
}

static void json_parse__escapes__become_utf8(void **state)
{
    struct gw_json value = parse(*state, GW_STR(" \"\\u0041\\u00e9\\ud83d\\ude42\\/\" "));

    assert_true(gw_str_is(value.as.string, "A\xc3\xa9\xf0\x9f\x99\x82/"));
    assert_int_equal(value.as.string.at[value.as.string.length], '\0');
}

static void json_parse__what_two_readers_could_read_differently__is_a_syntax_error(void **state)
{
    static const struct gw_str texts[] = {
        GW_STR_INIT(""),
        GW_STR_INIT(" "),
        GW_STR_INIT("{\"a\":1,\"a\":2}"),
        GW_STR_INIT("{\"a\":1,\"\\u0061\":2}"),
        GW_STR_INIT("{\"a\":1}x"),
        GW_STR_INIT("1\0"),
        GW_STR_INIT("{\"a\":1\0}"),
        GW_STR_INIT("[1\0,2]"),
        GW_STR_INIT("{\"a\":1}{}"),
        GW_STR_INIT("{\"a\":1}\0"),
        GW_STR_INIT("\0{\"a\":1}"),
        GW_STR_INIT("\"a\0b\""),
        GW_STR_INIT("\"a\\u0000b\""),
        GW_STR_INIT("{\"a\\u0000b\":1}"),
        GW_STR_INIT("\"\\ud83d\""),
        GW_STR_INIT("\"\xff\""),
        GW_STR_INIT("\"\xc0\x80\""),
        GW_STR_INIT("\"\xed\xa0\x80\""),
        GW_STR_INIT("\xef\xbb\xbf{}"),
        GW_STR_INIT("{'a':1}"),
        GW_STR_INIT("{a:1}"),
        GW_STR_INIT("[1,]"),
        GW_STR_INIT("[1 2]"),
        GW_STR_INIT("{\"a\":1,}"),
        GW_STR_INIT("[1"),
        GW_STR_INIT("]"),
        GW_STR_INIT("\"a"),
        GW_STR_INIT("\"a\\"),
        GW_STR_INIT("\"\n\""),
        GW_STR_INIT("01"),
        GW_STR_INIT("+1"),
        GW_STR_INIT("1."),
        GW_STR_INIT("NaN"),
        GW_STR_INIT("Infinity"),
        GW_STR_INIT("1e999"),
        GW_STR_INIT("9223372036854775808"),
        GW_STR_INIT("/* */ 1"),
        GW_STR_INIT("True"),
    };

    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (status_of(*state, texts[i]) != GW_E_SYNTAX)
            fail_msg("accepted: %.*s", GW_STR_ARG(texts[i]));
    }
    assert_int_equal(status_of(*state, GW_STR_NONE), GW_E_SYNTAX);
}

static void json_parse__error__names_the_place_and_repeats_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(status_of(f, GW_STR("{\n \"SecretAccessKey\": wJalrXUtnFEMI\n}")), GW_E_SYNTAX);
    assert_non_null(strstr(f->err.text, "line 2, column "));
    assert_null(strstr(f->err.text, "wJalr"));
    assert_int_equal(status_of(f, GW_STR("{\"k\":1,\"k\":\"wJalrXUtnFEMI\"}")), GW_E_SYNTAX);
    assert_non_null(strstr(f->err.text, "duplicate"));
}

/* `open` repeated, then `close` repeated, `depth` times each. */
static enum gw_status nest(struct fixture *f, const char *open, const char *close, size_t depth)
{
    gw_buf_clear(&f->out);
    for (size_t i = 0; i < depth; i++)
        gw_buf_append_str(&f->out, gw_str_from(open));
    gw_buf_append_lit(&f->out, "1");
    for (size_t i = 0; i < depth; i++)
        gw_buf_append_str(&f->out, gw_str_from(close));
    return status_of(f, gw_buf_str(&f->out));
}

static void json_parse__nesting__is_bounded(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(nest(f, "[", "]", GW_JSON_DEPTH_MAX), GW_OK);
    assert_int_equal(nest(f, "[", "]", GW_JSON_DEPTH_MAX + 1), GW_E_LIMIT);
    assert_int_equal(nest(f, "{\"]\":", "}", GW_JSON_DEPTH_MAX), GW_OK);
    assert_int_equal(nest(f, "{\"}\":", "}", GW_JSON_DEPTH_MAX + 1), GW_E_LIMIT);
    assert_int_equal(nest(f, "[", "", 100000), GW_E_LIMIT);
}

static void json_parse__brackets_in_strings__do_not_nest(void **state)
{
    struct fixture *f = *state;

    gw_buf_clear(&f->out);
    gw_buf_append_lit(&f->out, "[\"\\\"");
    for (size_t i = 0; i < 100000; i++)
        gw_buf_append_lit(&f->out, "[{,");
    gw_buf_append_lit(&f->out, "\\\\\",1]");
    assert_int_equal(status_of(f, gw_buf_str(&f->out)), GW_OK);
}

/* An array of `count` times `item`. */
static enum gw_status repeat(struct fixture *f, const char *item, size_t count)
{
    gw_buf_clear(&f->out);
    gw_buf_append_byte(&f->out, '[');
    for (size_t i = 0; i < count; i++) {
        gw_buf_append_str(&f->out, gw_str_from(i > 0 ? "," : ""));
        gw_buf_append_str(&f->out, gw_str_from(item));
    }
    gw_buf_append_byte(&f->out, ']');
    return status_of(f, gw_buf_str(&f->out));
}

static void json_parse__number_of_values__is_bounded(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(repeat(f, "0", 65535), GW_OK);
    assert_int_equal(repeat(f, "0", 65536), GW_E_LIMIT);
    assert_int_equal(repeat(f, "[ ]", 65535), GW_OK);
    assert_int_equal(repeat(f, "{}", 65536), GW_E_LIMIT);
    assert_int_equal(repeat(f, "{\"a\":1}", 32767), GW_OK);
    assert_int_equal(repeat(f, "{\"a\":1}", 32768), GW_E_LIMIT);
}

static void json_encode__reals__are_short_and_stay_reals(void **state)
{
    static const struct {
        double real;
        const char *text;
    } rows[] = {
        {0.1, "0.1"},
        {1.0, "1.0"},
        {-0.0, "-0.0"},
        {1e300, "1e+300"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1685475163.532, "1685475163.532"},
    };

    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_json value = {.type = GW_JSON_REAL, .as.real = rows[i].real};

        encodes_as(*state, &value, rows[i].text);
        assert_true(parse(*state, gw_str_from(rows[i].text)).as.real == rows[i].real);
    }
    encodes_as(*state, &(struct gw_json){.type = GW_JSON_REAL, .as.real = NAN}, "null");
    encodes_as(*state, &(struct gw_json){.type = GW_JSON_REAL, .as.real = INFINITY}, "null");
}

static void json_encode_string__bytes_that_are_no_utf8__become_replacement_characters(void **state)
{
    struct gw_json value = gw_json_string(GW_STR("a\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82"));

    encodes_as(*state, &value,
               "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
               "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void json_encode_string__every_byte__reads_back_or_is_replaced(void **state)
{
    for (unsigned c = 0; c < 256; c++) {
        char byte = (char)c;
        struct fixture *f = *state;
        struct gw_json back;

        gw_buf_clear(&f->out);
        gw_json_encode_string((struct gw_str){&byte, 1}, &f->out);
        if (c == 0) {
            assert_true(gw_str_is(gw_buf_str(&f->out), "\"\\u0000\""));
            continue;
        }
        back = parse(f, gw_buf_str(&f->out));
        assert_true(c < 0x80 ? gw_str_equal(back.as.string, (struct gw_str){&byte, 1})
                             : gw_str_is(back.as.string, "\xef\xbf\xbd"));
    }
}

static void json_encode_string__byte_at_every_place_of_a_long_text__is_treated_alike(void **state)
{
    for (unsigned c = 1; c < 256; c++) {
        for (size_t place = 0; place < 20; place++) {
            struct fixture *f = *state;
            char text[20];
            struct gw_str back;

            memset(text, 'x', sizeof(text));
            text[place] = (char)c;
            gw_buf_clear(&f->out);
            gw_json_encode_string((struct gw_str){text, sizeof(text)}, &f->out);
            back = parse(f, gw_buf_str(&f->out)).as.string;
            if (c < 0x80)
                assert_true(gw_str_equal(back, (struct gw_str){text, sizeof(text)}));
            else
                assert_int_equal(gw_str_search(back, GW_STR("\xef\xbf\xbd")), place);
        }
        gw_arena_reset(&((struct fixture *)*state)->arena);
    }
}

static void json_encode__built_values__keep_their_order(void **state)
{
    struct fixture *f = *state;
    const struct gw_str groups[] = {GW_STR_INIT("b"), GW_STR_INIT("a")};
    const struct gw_pair tags[] = {{GW_STR_INIT("k"), GW_STR_INIT("v")}, {GW_STR_INIT("a"), GW_STR_INIT("")}};
    struct gw_json object = {.type = GW_JSON_OBJECT};

    gw_json_set(&f->arena, &object, GW_STR("groups"), gw_json_strings(&f->arena, groups, 2));
    gw_json_set(&f->arena, &object, GW_STR("tags"), gw_json_pairs(&f->arena, tags, 2));
    gw_json_set(&f->arena, &object, GW_STR("n"), gw_json_integer(INT64_MIN));
    gw_json_set(&f->arena, &object, GW_STR("groups"), gw_json_strings(&f->arena, NULL, 0));
    gw_json_set(&f->arena, &object, GW_STR("none"), gw_json_pairs(&f->arena, NULL, 0));
    gw_json_set(&f->arena, &object, GW_STR("yes"), gw_json_bool(true));
    encodes_as(f, &object,
               "{\"groups\":[],\"tags\":{\"k\":\"v\",\"a\":\"\"},\"n\":-9223372036854775808,\"none\":{},\"yes\":true}");
    assert_int_equal(gw_json_get(&object, "n")->as.integer, INT64_MIN);
}

static void json_encode__value_that_contains_itself__stops_as_an_overflow(void **state)
{
    struct fixture *f = *state;
    struct gw_json loop = {.type = GW_JSON_ARRAY};

    loop.as.array.items = &loop;
    loop.as.array.count = 1;
    gw_buf_clear(&f->out);
    gw_json_encode(&loop, &f->out);
    assert_true(f->out.overflowed);
}

static void json_type_name__is_for_messages(void **state)
{
    (void)state;
    assert_string_equal(gw_json_type_name(GW_JSON_STRING), "string");
    assert_string_equal(gw_json_type_name(GW_JSON_OBJECT), "object");
    assert_string_equal(gw_json_type_name(GW_JSON_NULL), "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_parse__create_body__gives_members_in_order),
        cmocka_unit_test(json_parse__every_type__reads_back),
        cmocka_unit_test(json_parse__escapes__become_utf8),
        cmocka_unit_test(json_parse__what_two_readers_could_read_differently__is_a_syntax_error),
        cmocka_unit_test(json_parse__error__names_the_place_and_repeats_nothing),
        cmocka_unit_test(json_parse__nesting__is_bounded),
        cmocka_unit_test(json_parse__brackets_in_strings__do_not_nest),
        cmocka_unit_test(json_parse__number_of_values__is_bounded),
        cmocka_unit_test(json_encode__reals__are_short_and_stay_reals),
        cmocka_unit_test(json_encode_string__bytes_that_are_no_utf8__become_replacement_characters),
        cmocka_unit_test(json_encode_string__every_byte__reads_back_or_is_replaced),
        cmocka_unit_test(json_encode_string__byte_at_every_place_of_a_long_text__is_treated_alike),
        cmocka_unit_test(json_encode__built_values__keep_their_order),
        cmocka_unit_test(json_encode__value_that_contains_itself__stops_as_an_overflow),
        cmocka_unit_test(json_type_name__is_for_messages),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
