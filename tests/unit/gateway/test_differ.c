/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as a difference between two decisions, and how it is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/username.h"
#include "gateway/differ.h"

static struct gw_arena arena;
static struct gw_differ_report report;

static int begin(void **unused)
{
    (void)unused;
    gw_arena_init(&arena, 0);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    gw_arena_fini(&arena);
    return 0;
}

static struct gw_policy_change change(const char *policy, enum gw_policy_hook hook, const char *after)
{
    struct gw_policy_change made = {.policy = gw_str_from(policy), .hook = hook};

    assert_int_equal(gw_json_parse(gw_str_from(after), &arena, &made.after, NULL), GW_OK);
    return made;
}

static struct gw_differ_decision refusal(enum gw_differ_verdict verdict, const char *policy, const char *reason)
{
    return (struct gw_differ_decision){
        .verdict = verdict, .policy = gw_str_from(policy), .reason = gw_str_from(reason)};
}

static struct gw_differ_decision allowed(const struct gw_policy_change *changes, size_t count)
{
    return (struct gw_differ_decision){.changes = changes, .change_count = count};
}

/* The differences as text. */
static const char *compare(struct gw_differ_decision before, struct gw_differ_decision after, const char *generated)
{
    struct gw_buf text;
    const char *kept;

    gw_differ_compare(&before, &after, gw_str_from(generated), &arena, &report);
    gw_buf_init(&text, (size_t)1 << 20);
    gw_json_encode(&report.json, &text);
    kept = gw_arena_str(&arena, gw_buf_str(&text)).at;
    gw_buf_fini(&text);
    return kept;
}

static void compare__same_decisions__say_nothing(void **unused)
{
    const struct gw_policy_change before[] = {change("one", GW_HOOK_USERNAME, "\"dev:x\""),
                                              change("one", GW_HOOK_TAGS, "{\"a\":\"1\",\"b\":\"2\"}")};
    const struct gw_policy_change after[] = {change("x", GW_HOOK_TAGS, "{\"b\":\"2\"}"),
                                             change("y", GW_HOOK_TAGS, "{\"a\":\"1\"}"),
                                             change("z", GW_HOOK_USERNAME, "\"dev:x\"")};

    (void)unused;
    assert_string_equal(compare(allowed(before, 2), allowed(after, 3), NULL), "{}");
    assert_int_equal(report.kinds, 0);
    assert_string_equal(compare(allowed(NULL, 0), allowed(NULL, 0), NULL), "{}");
    assert_string_equal(compare(refusal(GW_DIFFER_DENY, "a", "one"), refusal(GW_DIFFER_DENY, "b", "other"), NULL),
                        "{}");
}

static void compare__verdict__names_who_refuses_and_why(void **unused)
{
    (void)unused;
    assert_string_equal(
        compare(allowed(NULL, 0), refusal(GW_DIFFER_DENY, "required-tags", "no team"), NULL),
        "{\"policies\":[\"required-tags\"],\"verdict\":{\"before\":\"allow\",\"after\":\"deny\",\"reason\":\"no "
        "team\"}}");
    assert_string_equal(compare(refusal(GW_DIFFER_THROTTLE, "slow", "too fast"), allowed(NULL, 0), NULL),
                        "{\"policies\":[\"slow\"],\"verdict\":{\"before\":\"throttle\",\"after\":\"allow\"}}");
    assert_string_equal(
        compare(refusal(GW_DIFFER_DENY, "old", "no"), refusal(GW_DIFFER_FAILED, "new", "policy failed"), NULL),
        "{\"policies\":[\"new\"],\"verdict\":{\"before\":\"deny\",\"after\":\"failed\",\"reason\":"
        "\"policy failed\"}}");
}

static void compare__refused_on_a_side__leaves_choices_alone(void **unused)
{
    const struct gw_policy_change chosen[] = {change("one", GW_HOOK_USERNAME, "\"dev:x\"")};
    struct gw_differ_decision refused = refusal(GW_DIFFER_DENY, "late", "no");

    (void)unused;
    refused.changes = chosen;
    refused.change_count = 1;
    (void)compare(allowed(NULL, 0), refused, NULL);
    assert_int_equal(report.kinds, 1U << GW_DIFFER_KIND_VERDICT);
    assert_string_equal(compare(refused, refusal(GW_DIFFER_DENY, "late", "no"), NULL), "{}");
}

static void compare__username__null_where_nobody_chose(void **unused)
{
    const struct gw_policy_change chosen[] = {change("team", GW_HOOK_USERNAME, "\"dev:x\"")};

    (void)unused;
    assert_string_equal(compare(allowed(NULL, 0), allowed(chosen, 1), NULL),
                        "{\"policies\":[\"team\"],\"username\":{\"before\":null,\"after\":\"dev:x\"}}");
    assert_string_equal(compare(allowed(chosen, 1), allowed(NULL, 0), "other"),
                        "{\"policies\":[\"team\"],\"username\":{\"before\":\"dev:x\",\"after\":null}}");
}

static void compare__username_as_generated__is_no_difference(void **unused)
{
    const struct gw_policy_change chosen[] = {change("team", GW_HOOK_USERNAME, "\"dev:x\"")};

    (void)unused;
    assert_string_equal(compare(allowed(chosen, 1), allowed(NULL, 0), "dev:x"), "{}");
}

static void compare__tags__shows_those_that_differ_by_key(void **unused)
{
    const struct gw_policy_change before[] = {
        change("old", GW_HOOK_TAGS, "{\"z\":\"1\",\"gone\":\"x\",\"same\":\"s\"}")};
    const struct gw_policy_change after[] = {change("a", GW_HOOK_TAGS, "{\"z\":\"2\",\"same\":\"s\"}"),
                                             change("b", GW_HOOK_TAGS, "{\"new\":\"\"}")};

    (void)unused;
    assert_string_equal(compare(allowed(before, 1), allowed(after, 2), NULL),
                        "{\"policies\":[\"old\",\"b\",\"a\"],\"tags\":{\"before\":{\"gone\":\"x\",\"z\":\"1\"},"
                        "\"after\":{\"new\":\"\",\"z\":\"2\"}}}");
    assert_int_equal(report.row_count, 3);
    assert_int_equal(report.rows[0].kind, GW_DIFFER_KIND_TAGS);
}

static void compare__adoption__is_told(void **unused)
{
    const struct gw_policy_change adopted[] = {change("adopt", GW_HOOK_CONFLICT, "true")};

    (void)unused;
    assert_string_equal(compare(allowed(NULL, 0), allowed(adopted, 1), NULL),
                        "{\"policies\":[\"adopt\"],\"adopt\":{\"before\":false,\"after\":true}}");
}

/* Records are files: somebody may have written anything into them. */
static void compare__strange_changes__are_passed_over(void **unused)
{
    struct gw_policy_change many = {.policy = GW_STR("many"), .hook = GW_HOOK_TAGS, .after = {.type = GW_JSON_OBJECT}};
    const struct gw_policy_change strange[] = {change("a", GW_HOOK_USERNAME, "7"), change("b", GW_HOOK_TAGS, "[]"),
                                               change("c", GW_HOOK_TAGS, "{\"n\":1}")};

    (void)unused;
    assert_string_equal(compare(allowed(strange, 3), allowed(NULL, 0), NULL), "{}");
    for (int i = 0; i < 3 * GW_TAGS_MAX; i++)
        gw_json_set(&arena, &many.after, gw_arena_printf(&arena, "%03d", i), gw_json_string(GW_STR("v")));
    (void)compare(allowed(&many, 1), allowed(NULL, 0), NULL);
    assert_int_equal(gw_json_get(gw_json_get(&report.json, "tags"), "before")->as.object.count, GW_TAGS_MAX);
}

static void of_call__refusal__takes_its_words(void **unused)
{
    struct gw_policy_call *call = gw_arena_zero(&arena, 1, sizeof(*call));
    struct gw_differ_decision decision;

    (void)unused;
    call->refusal =
        (struct gw_policy_refusal){.verdict = GW_VERDICT_THROTTLE, .policy = GW_STR("slow"), .reason = GW_STR("wait")};
    gw_differ_of_call(call, false, &decision);
    assert_int_equal(decision.verdict, GW_DIFFER_ALLOW);
    assert_null(decision.policy.at);
    gw_differ_of_call(call, true, &decision);
    assert_int_equal(decision.verdict, GW_DIFFER_THROTTLE);
    assert_true(gw_str_is(decision.policy, "slow"));
    call->refusal.failed = true;
    gw_differ_of_call(call, true, &decision);
    assert_string_equal(gw_differ_verdict_name(decision.verdict), "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compare__same_decisions__say_nothing, begin, end),
        cmocka_unit_test_setup_teardown(compare__verdict__names_who_refuses_and_why, begin, end),
        cmocka_unit_test_setup_teardown(compare__refused_on_a_side__leaves_choices_alone, begin, end),
        cmocka_unit_test_setup_teardown(compare__username__null_where_nobody_chose, begin, end),
        cmocka_unit_test_setup_teardown(compare__username_as_generated__is_no_difference, begin, end),
        cmocka_unit_test_setup_teardown(compare__tags__shows_those_that_differ_by_key, begin, end),
        cmocka_unit_test_setup_teardown(compare__adoption__is_told, begin, end),
        cmocka_unit_test_setup_teardown(compare__strange_changes__are_passed_over, begin, end),
        cmocka_unit_test_setup_teardown(of_call__refusal__takes_its_words, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
