/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a JSON text apart level by level: what comes out is what a whole parse
 * would have found, and what isn't JSON is refused either here or by the parser
 * of the pieces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/json_walk.h"

static struct gw_arena arena;
static struct gw_err err;

static int open_arena(void **unused)
{
    (void)unused;
    gw_arena_init(&arena, 0);
    return 0;
}

static int close_arena(void **unused)
{
    (void)unused;
    gw_arena_fini(&arena);
    return 0;
}

/* The pieces as "name=text;"; NULL when the walk or the parse of a piece fails. */
static const char *walk_text(enum gw_json_type type, const char *text)
{
    struct gw_json_walk walk;
    struct gw_json_item item;
    struct gw_json value;
    struct gw_str out = GW_STR("");
    enum gw_status status = gw_json_walk_begin(&walk, gw_str_from(text), type, &err);

    while (status == GW_OK) {
        status = gw_json_walk_next(&walk, &arena, &item, &err);
        if (status == GW_OK)
            status = gw_json_parse(item.text, &arena, &value, &err);
        if (status == GW_OK)
            out = gw_arena_printf(&arena, "%.*s%.*s=%.*s;", GW_STR_ARG(out), GW_STR_ARG(item.name),
                                  GW_STR_ARG(item.text));
    }
    return status == GW_E_MISSING ? out.at : NULL;
}

static void walk__object__gives_members_in_order(void **unused)
{
    (void)unused;
    assert_string_equal(
        walk_text(GW_JSON_OBJECT, " {\"a\" : [1, {\"b\":\"]}\"}] ,\n\"c\":\"x,\\\"}\", \"d\":-1.5e3}\n"),
        "a=[1, {\"b\":\"]}\"}];c=\"x,\\\"}\";d=-1.5e3;");
    assert_string_equal(walk_text(GW_JSON_OBJECT, "{}"), "");
    assert_string_equal(walk_text(GW_JSON_OBJECT, "{ }\t"), "");
}

static void walk__array__gives_items_in_order(void **unused)
{
    (void)unused;
    assert_string_equal(walk_text(GW_JSON_ARRAY, "[null,true , {}, [ ],\"\"]"), "=null;=true;={};=[ ];=\"\";");
    assert_string_equal(walk_text(GW_JSON_ARRAY, "[]"), "");
}

static void walk__names_with_escapes__are_decoded(void **unused)
{
    (void)unused;
    assert_string_equal(walk_text(GW_JSON_OBJECT, "{\"\\u0063lusters\":1,\"\xc3\xa9\":2,\"\":3}"),
                        "clusters=1;\xc3\xa9=2;=3;");
}

static void walk__other_type__is_told(void **unused)
{
    struct gw_json_walk walk;

    (void)unused;
    assert_int_equal(gw_json_walk_begin(&walk, GW_STR("[]"), GW_JSON_OBJECT, &err), GW_E_TYPE);
    assert_string_equal(err.text, "is no object");
    assert_int_equal(gw_json_walk_begin(&walk, GW_STR(" {}"), GW_JSON_ARRAY, &err), GW_E_TYPE);
    assert_int_equal(gw_json_walk_begin(&walk, GW_STR(""), GW_JSON_ARRAY, &err), GW_E_TYPE);
    assert_int_equal(gw_json_walk_begin(&walk, GW_STR_NONE, GW_JSON_ARRAY, &err), GW_E_TYPE);
}

static void walk__broken_arrays__are_refused(void **unused)
{
    static const char *const texts[] = {
        "[",      "[1",       "[1,",   "[1,]",   "[,1]",          "[1 2]",  "[1]x", "[1]]",
        "[}",     "[[}]",     "[\"a]", "[\"\\",  "[tru]",         "[01]",   "[1}",  "[{\"a\":1]]",
        "[\x01]", "[\"a\"b]", "[+1]",  "[[[1]]", "[\"\\u0000\"]", "[nul l]"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (walk_text(GW_JSON_ARRAY, texts[i]) != NULL)
            fail_msg("%s was taken", texts[i]);
    }
}

static void walk__broken_objects__are_refused(void **unused)
{
    static const char *const texts[] = {
        "{",         "{\"a\"", "{\"a\":",     "{\"a\":}",    "{\"a\" 1}",       "{a:1}",      "{\"a\":1,}",       "{,}",
        "{\"a\":1]", "{1:1}",  "{\"a\":1}{}", "{\"\\x\":1}", "{\"\\u0000\":1}", "{\"a\"::1}", "{\"a\":1 \"b\":2}"};

    (void)unused;
    for (size_t i = 0; i < GW_COUNT(texts); i++) {
        if (walk_text(GW_JSON_OBJECT, texts[i]) != NULL)
            fail_msg("%s was taken", texts[i]);
    }
}

static void walk__embedded_nul__ends_nothing(void **unused)
{
    static const char text[] = "[1]\0";
    struct gw_json_walk walk;
    struct gw_json_item item;

    (void)unused;
    assert_int_equal(gw_json_walk_begin(&walk, (struct gw_str){text, sizeof(text)}, GW_JSON_ARRAY, &err), GW_OK);
    assert_int_equal(gw_json_walk_next(&walk, &arena, &item, &err), GW_OK);
    assert_int_equal(gw_json_walk_next(&walk, &arena, &item, &err), GW_E_SYNTAX);
    assert_string_equal(err.text, "byte 4: something follows the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk__object__gives_members_in_order),  cmocka_unit_test(walk__array__gives_items_in_order),
        cmocka_unit_test(walk__names_with_escapes__are_decoded), cmocka_unit_test(walk__other_type__is_told),
        cmocka_unit_test(walk__broken_arrays__are_refused),      cmocka_unit_test(walk__broken_objects__are_refused),
        cmocka_unit_test(walk__embedded_nul__ends_nothing),
    };

    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
