/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instants as text: known dates, the calendar's edges, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/time.h"

#define VECTOR_MS INT64_C(1440938160000) /* 2015-08-30T12:36:00Z, the date of the published signature vectors */

static void time_encode__vector_date__is_written_in_every_form(void **state)
{
    char amz[GW_TIME_AMZ_SIZE];
    char http[GW_TIME_HTTP_SIZE];
    char iso[GW_TIME_ISO_SIZE];
    char seconds[21];

    (void)state;
    gw_time_amz(VECTOR_MS, amz);
    gw_time_http(VECTOR_MS, http);
    gw_time_iso(VECTOR_MS + 7, iso);
    gw_time_iso_seconds(VECTOR_MS + 999, seconds);
    assert_string_equal(amz, "20150830T123600Z");
    assert_string_equal(http, "Sun, 30 Aug 2015 12:36:00 GMT");
    assert_string_equal(iso, "2015-08-30T12:36:00.007Z");
    assert_string_equal(seconds, "2015-08-30T12:36:00Z");
}

static void time_encode__edges_of_the_range__are_clamped(void **state)
{
    char iso[GW_TIME_ISO_SIZE];

    (void)state;
    gw_time_iso(0, iso);
    assert_string_equal(iso, "1970-01-01T00:00:00.000Z");
    gw_time_iso(-1, iso);
    assert_string_equal(iso, "1970-01-01T00:00:00.000Z");
    gw_time_iso(INT64_MAX, iso);
    assert_string_equal(iso, "9999-12-31T23:59:59.999Z");
}

static void time_amz__every_day_of_all_years__reads_back(void **state)
{
    (void)state;
    for (int64_t ms = 0; ms < INT64_C(253402300800000); ms += INT64_C(86400000) + 3661000) {
        char amz[GW_TIME_AMZ_SIZE];
        char http[GW_TIME_HTTP_SIZE];
        int64_t back = -1;

        gw_time_amz(ms, amz);
        assert_int_equal(gw_time_parse_amz(gw_str_from(amz), &back), GW_OK);
        assert_int_equal(back, ms);
        gw_time_http(ms, http);
        assert_int_equal(gw_time_parse_http(gw_str_from(http), &back), GW_OK);
        assert_int_equal(back, ms);
    }
}

static void time_parse_amz__other_grammars__are_syntax_errors(void **state)
{
    static const char *const texts[] = {
        "",
        "20150830T123600",
        "20150830t123600Z",
        "20150830T123600z",
        "20150830T123600Z ",
        " 20150830T123600Z",
        "2015-08-30T12:36:00Z",
        "20150830T12360Z0",
        "2015083T0123600Z",
        "+0150830T123600Z",
        "20150830T1236 0Z",
    };
    int64_t ms = 42;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        assert_int_equal(gw_time_parse_amz(gw_str_from(texts[i]), &ms), GW_E_SYNTAX);
    assert_int_equal(ms, 42);
}

static void time_parse_amz__dates_that_never_were__are_range_errors(void **state)
{
    static const char *const texts[] = {
        "20150229T000000Z", "21000229T000000Z", "20151301T000000Z", "20150001T000000Z", "20150100T000000Z",
        "20150431T000000Z", "20150830T240000Z", "20150830T126000Z", "20161231T235960Z", "19691231T235959Z",
    };
    int64_t ms = 42;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        assert_int_equal(gw_time_parse_amz(gw_str_from(texts[i]), &ms), GW_E_RANGE);
    assert_int_equal(gw_time_parse_amz(GW_STR("20000229T000000Z"), &ms), GW_OK);
    assert_int_equal(ms, INT64_C(951782400000));
}

static void time_parse_http__zone_as_botocore_writes_it__is_accepted(void **state)
{
    int64_t ms = 0;

    (void)state;
    assert_int_equal(gw_time_parse_http(GW_STR("Sun, 30 Aug 2015 12:36:00 -0000"), &ms), GW_OK);
    assert_int_equal(ms, VECTOR_MS);
    assert_int_equal(gw_time_parse_http(GW_STR("Mon, 30 Aug 2015 12:36:00 +0000"), &ms), GW_OK);
    assert_int_equal(ms, VECTOR_MS);
    assert_int_equal(gw_time_parse_http(GW_STR("Sun, 30 Aug 2015 12:36:00 +0100"), &ms), GW_E_SYNTAX);
    assert_int_equal(gw_time_parse_http(GW_STR("Sun, 30 Aug 2015 12:36:00"), &ms), GW_E_SYNTAX);
    assert_int_equal(gw_time_parse_http(GW_STR("Sunday, 30-Aug-15 12:36:00 GMT"), &ms), GW_E_SYNTAX);
    assert_int_equal(gw_time_parse_http(GW_STR("Sun Aug 30 12:36:00 2015"), &ms), GW_E_SYNTAX);
    assert_int_equal(gw_time_parse_http(GW_STR("Sun, 31 Jun 2015 12:36:00 GMT"), &ms), GW_E_RANGE);
}

static void time_parse_iso__zones_and_fractions__give_the_same_instant(void **state)
{
    static const char *const same[] = {
        "2015-08-30T12:36:00Z",          "2015-08-30T12:36:00.000Z",  "2015-08-30T12:36:00.0009999Z",
        "2015-08-30T14:36:00+02:00",     "2015-08-30T08:06:00-04:30", "2015-08-30T12:36:00+00:00",
        "2015-08-31T00:36:00.000+12:00",
    };
    int64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(same); i++) {
        assert_int_equal(gw_time_parse_iso(gw_str_from(same[i]), &ms), GW_OK);
        assert_int_equal(ms, VECTOR_MS);
    }
    assert_int_equal(gw_time_parse_iso(GW_STR("2015-08-30T12:36:00.5Z"), &ms), GW_OK);
    assert_int_equal(ms, VECTOR_MS + 500);
}

static void time_parse_iso__what_is_missing_or_too_much__is_refused(void **state)
{
    static const char *const texts[] = {
        "2015-08-30T12:36:00",       "2015-08-30 12:36:00Z",       "2015-08-30T12:36Z",
        "2015-08-30T12:36:00.Z",     "2015-08-30T12:36:00Z0",      "2015-08-30T12:36:00+02",
        "2015-08-30T12:36:00+0200",  "2015-8-30T12:36:00Z",        "2015-08-30",
        "2015-08-30T12:36:00+02:0x", "2015-08-30T12:36:00+02:00Z", "",
    };
    int64_t ms = 0;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(texts); i++)
        assert_int_equal(gw_time_parse_iso(gw_str_from(texts[i]), &ms), GW_E_SYNTAX);
    assert_int_equal(gw_time_parse_iso(GW_STR("2015-08-30T12:36:00+24:00"), &ms), GW_E_RANGE);
    assert_int_equal(gw_time_parse_iso(GW_STR("1970-01-01T00:00:00+01:00"), &ms), GW_E_RANGE);
    assert_int_equal(gw_time_parse_iso(GW_STR("9999-12-31T23:59:59-01:00"), &ms), GW_E_RANGE);
}

static void time_encode_decimal__keeps_three_places(void **state)
{
    struct gw_buf out;

    (void)state;
    gw_buf_init(&out, 1024);
    gw_time_encode_decimal(INT64_C(1685475163532), &out);
    gw_buf_append_byte(&out, ' ');
    gw_time_encode_decimal(INT64_C(1685475163007), &out);
    gw_buf_append_byte(&out, ' ');
    gw_time_encode_decimal(0, &out);
    assert_true(gw_str_is(gw_buf_str(&out), "1685475163.532 1685475163.007 0.000"));
    gw_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_encode__vector_date__is_written_in_every_form),
        cmocka_unit_test(time_encode__edges_of_the_range__are_clamped),
        cmocka_unit_test(time_amz__every_day_of_all_years__reads_back),
        cmocka_unit_test(time_parse_amz__other_grammars__are_syntax_errors),
        cmocka_unit_test(time_parse_amz__dates_that_never_were__are_range_errors),
        cmocka_unit_test(time_parse_http__zone_as_botocore_writes_it__is_accepted),
        cmocka_unit_test(time_parse_iso__zones_and_fractions__give_the_same_instant),
        cmocka_unit_test(time_parse_iso__what_is_missing_or_too_much__is_refused),
        cmocka_unit_test(time_encode_decimal__keeps_three_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
