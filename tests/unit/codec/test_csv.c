/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values: what core/codec/csv.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/csv.h"

static enum gw_status parse(const char *text, size_t length, const char *key, size_t values_max, struct gw_buf *out,
                            struct gw_err *err)
{
    struct gw_csv_options options = {.key = gw_str_from(key), .values_max = values_max};
    struct gw_arena arena;
    struct gw_json value;
    size_t values = 0;
    enum gw_status status;

    gw_arena_init(&arena, 0);
    status = gw_csv_parse((struct gw_str){text, length}, &options, &arena, &value, &values, err);
    if (status == GW_OK)
        gw_json_encode(&value, out);
    gw_arena_fini(&arena);
    return status;
}

static void gives(const char *text, const char *key, const char *json)
{
    struct gw_buf out;
    struct gw_err err;

    gw_buf_init(&out, 4096);
    if (parse(text, strlen(text), key, 1000, &out, &err) != GW_OK)
        fail_msg("%s: %s", text, err.text);
    gw_buf_append_byte(&out, '\0');
    assert_string_equal(out.at, json);
    gw_buf_fini(&out);
}

static void fails(const char *text, const char *key, enum gw_status status, const char *message)
{
    struct gw_buf out;
    struct gw_err err = {""};

    gw_buf_init(&out, 4096);
    if (parse(text, strlen(text), key, 1000, &out, &err) != status)
        fail_msg("%s: %s", text, err.text);
    assert_string_equal(err.text, message);
    gw_buf_fini(&out);
}

static void parse__lines__are_objects_in_their_order(void **state)
{
    (void)state;
    gives("b,a\n1,2\n3,4\n", NULL, "[{\"a\":\"2\",\"b\":\"1\"},{\"a\":\"4\",\"b\":\"3\"}]");
    gives("b,a\n1,2", NULL, "[{\"a\":\"2\",\"b\":\"1\"}]");
    gives("a\r\n1\r\n\r\n2\r\n", NULL, "[{\"a\":\"1\"},{\"a\":\"2\"}]");
    gives("\n\na\n\n1", NULL, "[{\"a\":\"1\"}]");
    gives("a,b\n,\n", NULL, "[{\"a\":\"\",\"b\":\"\"}]");
    gives("a,b\n1,", NULL, "[{\"a\":\"1\",\"b\":\"\"}]");
    gives("a", NULL, "[]");
    gives("\xef\xbb\xbf"
          "a\n\xc3\xa4 1\n",
          NULL, "[{\"a\":\"\xc3\xa4 1\"}]");
}

static void parse__quoted_fields__hold_anything(void **state)
{
    (void)state;
    gives("a,b\n\"x,y\",\"p\nq\"\n", NULL, "[{\"a\":\"x,y\",\"b\":\"p\\nq\"}]");
    gives("a\n\"he said \"\"no\"\"\"\n", NULL, "[{\"a\":\"he said \\\"no\\\"\"}]");
    gives("\"a\",\"b\"\r\n\"\",\"\"\"\"\r\n", NULL, "[{\"a\":\"\",\"b\":\"\\\"\"}]");
    gives("a\n\"1\r\n2\"", NULL, "[{\"a\":\"1\\r\\n2\"}]");
}

static void parse__with_a_key__is_an_object_sorted_by_it(void **state)
{
    (void)state;
    gives(
        "k,v\nz,1\na,2\n\"m\"\"m\",3\n", "k",
        "{\"a\":{\"k\":\"a\",\"v\":\"2\"},\"m\\\"m\":{\"k\":\"m\\\"m\",\"v\":\"3\"},\"z\":{\"k\":\"z\",\"v\":\"1\"}}");
    gives("k,v\n", "k", "{}");
    fails("k,v\na,1\nb,2\na,3\n", "k", GW_E_DUPLICATE, "'a' is there twice in column 'k'");
    fails("k,v\na,1\n,2\n", "k", GW_E_SYNTAX, "line 3: column 'k' is empty");
    fails("k,v\na,1\n", "x", GW_E_MISSING, "there is no column 'x'");
}

static void parse__what_is_no_table__says_where(void **state)
{
    (void)state;
    fails("", NULL, GW_E_SYNTAX, "there is no line that names the columns");
    fails("\n\r\n", NULL, GW_E_SYNTAX, "there is no line that names the columns");
    fails("a,,b\n", NULL, GW_E_SYNTAX, "column 2 has no name");
    fails("a,b,a\n", NULL, GW_E_DUPLICATE, "column 'a' is there twice");
    fails("a,b\n1\n", NULL, GW_E_SYNTAX, "line 2: it has fewer fields than the first line, which has 2");
    fails("a,b\n1,2\n1,2,3\n", NULL, GW_E_SYNTAX, "line 3: it has more fields than the first line, which has 2");
    fails("a\n1\n\n\"x\ny\n", NULL, GW_E_SYNTAX, "line 4: a quoted field doesn't end");
    fails("a\n\"1\"2\n", NULL, GW_E_SYNTAX, "line 2: text behind a field's closing quote");
    fails("a\n1\"2\"\n", NULL, GW_E_SYNTAX, "line 2: a quote within a field that doesn't begin with one");
    fails("a\n1\r2\n", NULL, GW_E_SYNTAX, "line 2: a carriage return without a line feed");
    fails("a\n1\n\xff\n", NULL, GW_E_SYNTAX, "line 3: it isn't UTF-8 text");
}

static void parse__a_nul_byte__is_no_text(void **state)
{
    struct gw_buf out;
    struct gw_err err;

    (void)state;
    gw_buf_init(&out, 4096);
    assert_int_equal(parse("a\n\0\n", 4, NULL, 10, &out, &err), GW_E_SYNTAX);
    assert_int_equal(parse(NULL, 0, NULL, 10, &out, &err), GW_E_SYNTAX);
    gw_buf_fini(&out);
}

static void parse__more_values_than_allowed__is_refused(void **state)
{
    struct gw_buf out;
    struct gw_err err;

    (void)state;
    gw_buf_init(&out, 4096);
    assert_int_equal(parse("a,b\n1,2\n3,4\n", 12, NULL, 8, &out, &err), GW_OK);
    assert_int_equal(parse("a,b\n1,2\n3,4\n", 12, NULL, 7, &out, &err), GW_E_LIMIT);
    assert_string_equal(err.text, "line 3: more than 7 values");
    gw_buf_fini(&out);
}

static void parse__more_columns_than_allowed__is_refused(void **state)
{
    struct gw_buf text;
    struct gw_buf out;
    struct gw_err err;

    (void)state;
    gw_buf_init(&out, 1 << 20);
    gw_buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < GW_CSV_COLUMNS_MAX; i++)
        gw_buf_printf(&text, "%sc%u", i == 0 ? "" : ",", i);
    assert_int_equal(parse(text.at, text.length, NULL, 1000, &out, &err), GW_OK);
    gw_buf_append_lit(&text, ",more");
    assert_int_equal(parse(text.at, text.length, NULL, 1000, &out, &err), GW_E_LIMIT);
    gw_buf_fini(&text);
    gw_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__lines__are_objects_in_their_order),
        cmocka_unit_test(parse__quoted_fields__hold_anything),
        cmocka_unit_test(parse__with_a_key__is_an_object_sorted_by_it),
        cmocka_unit_test(parse__what_is_no_table__says_where),
        cmocka_unit_test(parse__a_nul_byte__is_no_text),
        cmocka_unit_test(parse__more_values_than_allowed__is_refused),
        cmocka_unit_test(parse__more_columns_than_allowed__is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
