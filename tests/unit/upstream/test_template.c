/* SPDX-License-Identifier: Apache-2.0 */
/* Templates with {region} and {account}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "upstream/template.h"

static const struct gw_template_place both = {GW_STR_INIT("eu-west-1"), GW_STR_INIT("111122223333")};
static const struct gw_template_place account = {.account = GW_STR_INIT("111122223333")};

static void template__gaps__are_all_filled_in(void **state)
{
    static const struct {
        const char *text;
        const struct gw_template_place *place;
        const char *wanted;
    } rows[] = {
        {"https://eks.{region}.amazonaws.com", &both, "https://eks.eu-west-1.amazonaws.com"},
        {"{account}{region}{account}", &both, "111122223333eu-west-1111122223333"},
        {"arn:aws:iam::{account}:role/gw-{account}", &account, "arn:aws:iam::111122223333:role/gw-111122223333"},
        {"{region}.{account}", &account, "{region}.111122223333"},
        {"https://[::1]:8080", &both, "https://[::1]:8080"},
        {"{regio}{{region}}{", &both, "{regio}{eu-west-1}{"},
        {"", &both, ""},
    };
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_str filled = gw_template_fill_in(gw_str_from(rows[i].text), rows[i].place, &arena);

        if (!gw_str_is(filled, rows[i].wanted))
            fail_msg("%s became %.*s", rows[i].text, GW_STR_ARG(filled));
    }
    gw_arena_fini(&arena);
}

static void template__what_is_filled_in__is_no_template(void **state)
{
    static const struct gw_template_place place = {GW_STR_INIT("{account}"), GW_STR_INIT("{region}")};
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    assert_true(gw_str_is(gw_template_fill_in(GW_STR("{region}{account}"), &place, &arena), "{account}{region}"));
    gw_arena_fini(&arena);
}

static void template__too_long__is_nothing(void **state)
{
    char text[GW_TEMPLATE_MAX];
    struct gw_arena arena;

    (void)state;
    gw_arena_init(&arena, 0);
    memset(text, '{', sizeof(text));
    assert_non_null(gw_template_fill_in((struct gw_str){text, sizeof(text)}, &both, &arena).at);
    memcpy(text, "{region}", 8); /* one byte more */
    assert_null(gw_template_fill_in((struct gw_str){text, sizeof(text)}, &both, &arena).at);
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(template__gaps__are_all_filled_in),
        cmocka_unit_test(template__what_is_filled_in__is_no_template),
        cmocka_unit_test(template__too_long__is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
