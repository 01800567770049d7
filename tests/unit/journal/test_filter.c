/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken out of a record, and which records a filter takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buf.h"
#include "journal/filter.h"

#define ROLE    "arn:aws:iam::012345678910:role/team/dev"
#define ENCODED "arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fteam%2Fdev"
#define CALLER                                                                                                         \
    "\"userIdentity\":{\"type\":\"IAMUser\",\"arn\":\"arn:aws:iam::012345678910:user/me\",\"accessKeyId\":\"AKIA1\"}"
#define REST "\"eventTime\":\"2026-01-02T03:04:05Z\",\"requestID\":\"r-1\",\"eventType\":\"AwsApiCall\""

struct line {
    struct gw_arena arena;
    struct gw_buf text;
    struct gw_record_read read;
    struct gw_filter_view view;
};

static int open_line(void **state)
{
    struct line *line = gw_alloc_zero(1, sizeof(*line));

    gw_arena_init(&line->arena, 0);
    gw_buf_init(&line->text, (size_t)1 << 20);
    *state = line;
    return 0;
}

static int close_line(void **state)
{
    struct line *line = *state;

    gw_buf_fini(&line->text);
    gw_arena_fini(&line->arena);
    free(line);
    return 0;
}

/* A record with these members in its eksgate object and behind it. */
static const struct gw_filter_view *view(void **state, const char *eksgate, const char *rest)
{
    struct line *line = *state;
    struct gw_chain_head head = {.sequence = 6};
    struct gw_buf record;

    gw_buf_init(&record, (size_t)1 << 20);
    gw_buf_clear(&line->text);
    gw_buf_printf(&record, GW_CHAIN_FRONT "%s}},%s,%s,%s}", eksgate, CALLER, REST, rest);
    assert_int_equal(gw_chain_link(&head, 0, gw_buf_str(&record), &line->text), GW_OK);
    gw_buf_fini(&record);
    assert_int_equal(gw_record_read(gw_buf_str(&line->text), &line->arena, &line->read, NULL), GW_OK);
    gw_filter_view(gw_buf_str(&line->text), &line->read, &line->arena, &line->view);
    return &line->view;
}

static const struct gw_filter_view *view_create(void **state)
{
    return view(state, "\"status\":200,\"change\":true,\"verdicts\":[{\"policy\":\"p\",\"verdict\":\"allow\"}]",
                "\"eventName\":\"CreateAccessEntry\",\"requestParameters\":{\"name\":\"c\",\"principalArn\":\"" ROLE
                "\"}");
}

static void assert_text(struct gw_str text, const char *expected)
{
    if (text.at == NULL || !gw_str_is(text, expected))
        fail_msg("%.*s instead of %s", GW_STR_ARG(text), expected);
}

static struct gw_filter all(void)
{
    return (struct gw_filter){.since_ms = INT64_MIN, .until_ms = INT64_MAX};
}

static bool takes(const struct gw_filter *filter, const struct gw_filter_view *view)
{
    return gw_filter_takes(filter, view, GW_RECORD_OUTCOMES);
}

static void filter_view__change__has_all_of_it(void **state)
{
    const struct gw_filter_view *seen = view_create(state);

    assert_int_equal(seen->sequence, 7);
    assert_text(seen->time, "2026-01-02T03:04:05Z");
    assert_text(seen->operation, "CreateAccessEntry");
    assert_text(seen->caller, "arn:aws:iam::012345678910:user/me");
    assert_text(seen->access_key, "AKIA1");
    assert_text(seen->cluster, "c");
    assert_text(seen->principal, ROLE);
    assert_text(seen->request, "r-1");
    assert_null(seen->error.at);
    assert_int_equal(seen->status, 200);
    assert_int_equal(seen->verdicts, GW_FILTER_ALLOWED);
    assert_true(seen->is_change);
    assert_false(seen->is_own);
}

static void filter_view__principal_of_the_path__is_decoded(void **state)
{
    assert_text(view(state, "\"status\":200",
                     "\"eventName\":\"DeleteAccessEntry\",\"requestParameters\":{\"principalArn\":\"" ENCODED "\"}")
                    ->principal,
                ROLE);
    assert_text(view(state, "\"status\":200",
                     "\"eventName\":\"TagResource\",\"requestParameters\":{\"resourceArn\":\"" ENCODED "\"}")
                    ->principal,
                ROLE);
    assert_text(view(state, "\"status\":200",
                     "\"eventName\":\"CreateAccessEntry\",\"requestParameters\":{\"principalArn\":\"a%2Fb\"}")
                    ->principal,
                "a%2Fb");
}

static void filter_view__odd_members__are_absent(void **state)
{
    const struct gw_filter_view *seen = view(
        state, "\"status\":\"200\",\"verdicts\":{}",
        "\"eventName\":7,\"requestParameters\":null,\"errorCode\":[\"a\"],\"responseElements\":{\"a\":\"\\u0000\"}");

    assert_null(seen->operation.at);
    assert_null(seen->principal.at);
    assert_null(seen->error.at);
    assert_int_equal(seen->status, 0);
    assert_int_equal(seen->verdicts, 0);
}

static void filter__nothing_asked__takes_what_is_not_the_gateways_own(void **state)
{
    struct gw_filter filter = all();

    assert_true(takes(&filter, view_create(state)));
    view(state, "\"begun\":{}", "\"eventName\":\"AuditBegun\"");
    ((struct line *)*state)->view.is_own = true;
    assert_false(takes(&filter, &((struct line *)*state)->view));
    filter.own = true;
    assert_true(takes(&filter, &((struct line *)*state)->view));
}

static void filter__patterns__match_whole_texts(void **state)
{
    static const struct {
        const char *pattern;
        bool matches;
    } rows[] = {
        {ROLE, true},   {"arn:aws:iam::012345678910:role/*", true},     {"*dev", true},    {"*role/team/de?", true},
        {"dev", false}, {"arn:aws:iam::012345678910:role/team", false}, {"*/team", false}, {"", false},
    };
    const struct gw_filter_view *seen = view_create(state);

    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_filter filter = all();

        filter.principal = rows[i].pattern;
        if (takes(&filter, seen) != rows[i].matches)
            fail_msg("%s", rows[i].pattern);
    }
}

static void filter__caller__is_an_arn_or_a_key(void **state)
{
    const struct gw_filter_view *seen = view_create(state);
    struct gw_filter filter = all();

    filter.caller = "*:user/me";
    assert_true(takes(&filter, seen));
    filter.caller = "AKIA1";
    assert_true(takes(&filter, seen));
    filter.caller = "AKIA2";
    assert_false(takes(&filter, seen));
}

static void filter__operation_and_request__are_exact(void **state)
{
    const struct gw_filter_view *seen = view_create(state);
    struct gw_filter filter = all();

    filter.operation = "CreateAccessEntry";
    filter.request = "r-1";
    assert_true(takes(&filter, seen));
    filter.request = "r-";
    assert_false(takes(&filter, seen));
    filter = all();
    filter.operation = "createaccessentry";
    assert_false(takes(&filter, seen));
    filter.operation = "*AccessEntry";
    assert_true(takes(&filter, seen));
}

static void filter__times__include_the_first_and_not_the_last(void **state)
{
    const struct gw_filter_view *seen = view_create(state);
    struct gw_filter filter = all();

    assert_int_equal(gw_filter_parse_time("2026-01-02T03:04:05Z", &filter.since_ms), GW_OK);
    assert_true(takes(&filter, seen));
    filter.since_ms++;
    assert_false(takes(&filter, seen));
    filter = all();
    filter.until_ms = seen->time_ms;
    assert_false(takes(&filter, seen));
    filter.until_ms++;
    assert_true(takes(&filter, seen));
}

static void filter_parse_time__a_date__begins_at_midnight(void **state)
{
    static const char *const wrong[] = {"",         "now",       "2026", "2026-02-30", "2026-01-02T03:04:05",
                                        "2026-1-2", "yesterday!"};
    int64_t date = 0;
    int64_t midnight = 1;

    (void)state;
    assert_int_equal(gw_filter_parse_time("2026-01-02", &date), GW_OK);
    assert_int_equal(gw_filter_parse_time("2026-01-02T01:00:00+01:00", &midnight), GW_OK);
    assert_int_equal(date, midnight);
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        if (gw_filter_parse_time(wrong[i], &date) != GW_E_SYNTAX)
            fail_msg("taken: %s", wrong[i]);
    }
}

static bool is(const char *word, const struct gw_filter_view *view, enum gw_record_outcome settled)
{
    struct gw_filter filter = all();

    assert_int_equal(gw_filter_parse_outcome(word, &filter.outcome), GW_OK);
    return gw_filter_takes(&filter, view, settled);
}

static void filter__outcomes__are_what_is_told_last(void **state)
{
    const struct gw_filter_view *seen = view_create(state);

    assert_true(is("applied", seen, GW_RECORD_OUTCOMES));
    assert_false(is("not-applied", seen, GW_RECORD_OUTCOMES));
    assert_false(is("applied", seen, GW_RECORD_NOT_APPLIED));
    assert_true(is("not-applied", seen, GW_RECORD_NOT_APPLIED));
    assert_true(is("unknown", seen, GW_RECORD_UNKNOWN));
    assert_false(is("refused", seen, GW_RECORD_OUTCOMES));
    seen = view(state, "\"status\":404,\"verdicts\":[]", "\"errorCode\":\"ResourceNotFoundException\"");
    assert_true(is("refused", seen, GW_RECORD_OUTCOMES));
    assert_true(is("none", seen, GW_RECORD_OUTCOMES));
    assert_false(is("applied", seen, GW_RECORD_OUTCOMES));
}

static void filter__verdicts__are_those_of_any_policy(void **state)
{
    const struct gw_filter_view *seen =
        view(state,
             "\"verdicts\":[{\"policy\":\"a\",\"verdict\":\"none\"},{\"policy\":\"b\",\"verdict\":\"allow\"},"
             "{\"policy\":\"c\",\"verdict\":\"throttle\",\"reason\":\"slow down\"}]",
             "\"errorCode\":\"ThrottlingException\"");

    assert_true(is("allow", seen, GW_RECORD_OUTCOMES));
    assert_true(is("throttle", seen, GW_RECORD_OUTCOMES));
    assert_false(is("deny", seen, GW_RECORD_OUTCOMES));
    assert_false(is("none", seen, GW_RECORD_OUTCOMES));
    seen = view(state, "\"verdicts\":[{\"policy\":\"a\",\"verdict\":\"deny\",\"reason\":\"policy failed\"}]",
                "\"errorCode\":\"AccessDeniedException\"");
    assert_true(is("deny", seen, GW_RECORD_OUTCOMES));
    assert_true(is("failed", seen, GW_RECORD_OUTCOMES));
    seen = view(state, "\"verdicts\":[{\"policy\":\"a\",\"verdict\":\"none\"}]", "\"a\":1");
    assert_true(is("none", seen, GW_RECORD_OUTCOMES));
}

static void filter_parse_outcome__another_word__is_syntax_error(void **state)
{
    enum gw_filter_outcome outcome;

    (void)state;
    assert_int_equal(gw_filter_parse_outcome("", &outcome), GW_E_SYNTAX);
    assert_int_equal(gw_filter_parse_outcome("allowed", &outcome), GW_E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_line, close_line)
        T(filter_view__change__has_all_of_it),
        T(filter_view__principal_of_the_path__is_decoded),
        T(filter_view__odd_members__are_absent),
        T(filter__nothing_asked__takes_what_is_not_the_gateways_own),
        T(filter__patterns__match_whole_texts),
        T(filter__caller__is_an_arn_or_a_key),
        T(filter__operation_and_request__are_exact),
        T(filter__times__include_the_first_and_not_the_last),
        T(filter_parse_time__a_date__begins_at_midnight),
        T(filter__outcomes__are_what_is_told_last),
        T(filter__verdicts__are_those_of_any_policy),
        T(filter_parse_outcome__another_word__is_syntax_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
