/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of cases, and what of it goes to stdout. A message may have several
 * lines; all of them are indented below the case that they are about. What specs
 * chose the names of doesn't reach a terminal as more than text.
 */
#include "cli/test_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/terminal.h"
#include "codec/json.h"

#define NAME_MAX_BYTES ((size_t)4096)
#define MESSAGE_MAX    ((size_t)65536)
#define KEPT_MAX       ((size_t)64 << 20) /* of names and messages together; what is beyond is counted */

static const char *const outcome_names[] = {
    [GW_SPEC_PASSED] = "passed",
    [GW_SPEC_FAILED] = "failed",
    [GW_SPEC_ERROR] = "error",
    [GW_SPEC_PENDING] = "pending",
};

void gw_test_report_init(struct gw_test_report *report)
{
    *report = (struct gw_test_report){0};
    gw_arena_init(&report->arena, 0);
}

void gw_test_report_fini(struct gw_test_report *report)
{
    free(report->cases);
    gw_arena_fini(&report->arena);
}

static struct gw_str copy_beginning(struct gw_test_report *report, struct gw_str text, size_t max)
{
    struct gw_buf out;
    struct gw_str copied;

    gw_buf_init(&out, max + 64);
    gw_buf_append(&out, text.at, max);
    gw_buf_printf(&out, "... (%zu bytes)", text.length);
    copied = gw_arena_str(&report->arena, gw_buf_str(&out));
    gw_buf_fini(&out);
    return copied;
}

static struct gw_str copy(struct gw_test_report *report, struct gw_str text, size_t max)
{
    if (text.at == NULL)
        return text;
    if (text.length > KEPT_MAX - report->kept)
        return GW_STR("(not kept: there is too much of it)");
    report->kept += text.length < max ? text.length : max;
    return text.length <= max ? gw_arena_str(&report->arena, text) : copy_beginning(report, text, max);
}

void gw_test_report_add(struct gw_test_report *report, const struct gw_spec_case *one)
{
    if (report->count == report->capacity) {
        report->capacity = report->capacity == 0 ? 64 : report->capacity * 2;
        report->cases = gw_realloc(report->cases, report->capacity * sizeof(*report->cases));
    }
    struct gw_spec_case *mine = &report->cases[report->count++];

    *mine = *one;
    if (report->count == 1 || !gw_str_equal(one->file, mine[-1].file))
        mine->file = gw_arena_str(&report->arena, one->file);
    else
        mine->file = mine[-1].file;
    mine->name = copy(report, one->name, NAME_MAX_BYTES);
    mine->message = copy(report, one->message, MESSAGE_MAX);
    mine->where = copy(report, one->where, NAME_MAX_BYTES);
    if (one->outcome == GW_SPEC_PASSED)
        report->passed++;
    else if (one->outcome == GW_SPEC_PENDING)
        report->pending++;
    else
        report->failed++;
}

static bool has_failed(const struct gw_spec_case *one)
{
    return one->outcome == GW_SPEC_FAILED || one->outcome == GW_SPEC_ERROR;
}

static void print_line(struct gw_str text)
{
    struct gw_buf out;

    gw_buf_init(&out, SIZE_MAX);
    gw_terminal_put_line(&out, text);
    if (out.length > 0)
        (void)fwrite(out.at, 1, out.length, stdout);
    gw_buf_fini(&out);
}

/* Lines of a text, each behind `indent`. */
static void print_indented(struct gw_str text, const char *indent)
{
    struct gw_str rest = text;

    while (rest.at != NULL) {
        (void)fputs(indent, stdout);
        print_line(gw_str_split(&rest, '\n'));
        (void)putchar('\n');
    }
}

/* "1.5 us", "2.1 ms" */
static const char *time_text(int64_t ns, char text[32])
{
    if (ns < 1000000)
        (void)snprintf(text, 32, "%.1f us", (double)ns / 1000);
    else
        (void)snprintf(text, 32, "%.1f ms", (double)ns / 1000000);
    return text;
}

static const char *bytes_text(size_t bytes, char text[32])
{
    if (bytes < 10000)
        (void)snprintf(text, 32, "%zu B", bytes);
    else
        (void)snprintf(text, 32, "%.1f KiB", (double)bytes / 1024);
    return text;
}

static void print_costs(const struct gw_test_report *report, const char *prefix)
{
    char texts[4][32];
    int width = 6;

    if (report->cost_count == 0)
        return;
    for (size_t i = 0; i < report->cost_count; i++)
        width = (int)report->costs[i].policy.length > width ? (int)report->costs[i].policy.length : width;
    (void)printf("%s\n%s%-*s  %-9s %7s  %10s %10s  %10s %10s\n", prefix, prefix, width, "policy", "hook", "calls",
                 "CPU median", "max", "memory", "max");
    for (size_t i = 0; i < report->cost_count; i++) {
        const struct gw_spec_cost *cost = &report->costs[i];

        (void)printf("%s%-*.*s  %-9s %7zu  %10s %10s  %10s %10s\n", prefix, width, GW_STR_ARG(cost->policy),
                     gw_policy_hook_name(cost->hook), cost->calls, time_text(cost->cpu_ns, texts[0]),
                     time_text(cost->cpu_max_ns, texts[1]), bytes_text(cost->memory, texts[2]),
                     bytes_text(cost->memory_max, texts[3]));
    }
}

static double percentage(size_t part, size_t whole)
{
    return whole == 0 ? 100 : 100.0 * (double)part / (double)whole;
}

/* "3, 7-9" */
static void print_missed(const struct gw_spec_coverage *coverage)
{
    for (size_t i = 0; i < coverage->missed_count; i++) {
        size_t last = i;

        while (last + 1 < coverage->missed_count && coverage->missed[last + 1] == coverage->missed[last] + 1)
            last++;
        (void)printf("%s%u", i == 0 ? "  not run: " : ", ", coverage->missed[i]);
        if (last > i)
            (void)printf("-%u", coverage->missed[last]);
        i = last;
    }
}

static void print_coverage(const struct gw_test_report *report, const char *prefix)
{
    size_t lines = 0;
    size_t missed = 0;
    int width = 5;

    if (!report->has_coverage)
        return;
    for (size_t i = 0; i < report->coverage_count; i++)
        width = (int)report->coverage[i].path.length > width ? (int)report->coverage[i].path.length : width;
    (void)printf("%s\n", prefix);
    for (size_t i = 0; i < report->coverage_count; i++) {
        const struct gw_spec_coverage *one = &report->coverage[i];

        (void)printf("%s%-*.*s  %5.1f %%", prefix, width, GW_STR_ARG(one->path),
                     percentage(one->lines - one->missed_count, one->lines));
        print_missed(one);
        (void)printf("\n");
        lines += one->lines;
        missed += one->missed_count;
    }
    (void)printf("%s%-*s  %5.1f %% of %zu lines\n", prefix, width, "lines", percentage(lines - missed, lines), lines);
}

/* One that didn't pass. */
static void print_case(const struct gw_spec_case *one)
{
    (void)fputs("  ", stdout);
    if (one->outcome == GW_SPEC_PENDING) {
        (void)fputs("pending ", stdout);
        print_line(one->name);
        (void)fputs(": ", stdout);
        print_line(one->message);
        (void)putchar('\n');
        return;
    }
    print_line(one->where);
    (void)printf("%s%s ", one->where.length > 0 ? ": " : "", outcome_names[one->outcome]);
    print_line(one->name);
    (void)putchar('\n');
    print_indented(one->message, "    ");
}

/* One line per file, and what failed in it. */
static size_t print_file(const struct gw_test_report *report, size_t first)
{
    size_t counts[4] = {0};
    size_t end = first;

    for (; end < report->count && gw_str_equal(report->cases[end].file, report->cases[first].file); end++)
        counts[report->cases[end].outcome]++;
    print_line(report->cases[first].file);
    (void)printf(": %zu passed", counts[GW_SPEC_PASSED]);
    if (counts[GW_SPEC_FAILED] + counts[GW_SPEC_ERROR] > 0)
        (void)printf(", %zu failed", counts[GW_SPEC_FAILED] + counts[GW_SPEC_ERROR]);
    if (counts[GW_SPEC_PENDING] > 0)
        (void)printf(", %zu pending", counts[GW_SPEC_PENDING]);
    (void)printf("\n");
    for (size_t i = first; i < end; i++) {
        if (has_failed(&report->cases[i]) || report->cases[i].outcome == GW_SPEC_PENDING)
            print_case(&report->cases[i]);
    }
    return end;
}

static void print_text(const struct gw_test_report *report)
{
    char text[32];
    size_t i = 0;

    while (i < report->count)
        i = print_file(report, i);
    for (i = 0; i < report->without_count; i++)
        (void)printf("%.*s: no spec\n", GW_STR_ARG(report->without[i]));
    print_costs(report, "");
    print_coverage(report, "");
    (void)printf("\n%zu passed, %zu failed, %zu pending in %s\n", report->passed, report->failed, report->pending,
                 time_text(report->wall_ns, text));
}

/* On one line; TAP reads a name to the first '#', which means something else there. */
static void print_tap_text(struct gw_str text)
{
    struct gw_str rest = text;

    while (rest.at != NULL) {
        struct gw_str line = gw_str_split(&rest, '\n');
        size_t start = 0;

        for (size_t i = 0; i <= line.length; i++) {
            if (i < line.length && line.at[i] != '#' && line.at[i] != '\\')
                continue;
            print_line(gw_str_slice(line, start, i - start));
            if (i < line.length)
                (void)putchar('\\');
            start = i;
        }
        if (rest.at != NULL)
            (void)putchar(' ');
    }
}

/* In YAML's double quotes. */
static void print_tap_path(struct gw_str path)
{
    struct gw_buf out;

    gw_buf_init(&out, SIZE_MAX);
    gw_json_encode_string(path, &out);
    (void)fwrite(out.at, 1, out.length, stdout);
    gw_buf_fini(&out);
}

static void print_tap(const struct gw_test_report *report)
{
    (void)printf("TAP version 13\n1..%zu\n", report->count);
    for (size_t i = 0; i < report->count; i++) {
        const struct gw_spec_case *one = &report->cases[i];

        (void)printf("%s %zu - ", has_failed(one) ? "not ok" : "ok", i + 1);
        print_tap_text(one->name.length > 0 ? one->name : one->file);
        if (one->outcome == GW_SPEC_PENDING) {
            (void)printf(" # SKIP ");
            print_tap_text(one->message);
        }
        (void)printf("\n");
        if (!has_failed(one))
            continue;
        (void)fputs("  ---\n  at: ", stdout);
        print_tap_path(one->where.at != NULL ? one->where : one->file);
        (void)fputs("\n  message: |\n", stdout);
        print_indented(one->message, "    ");
        (void)printf("  ...\n");
    }
    print_costs(report, "# ");
    print_coverage(report, "# ");
}

static void set_text(struct gw_arena *arena, struct gw_json *object, const char *name, struct gw_str text)
{
    if (text.at != NULL)
        gw_json_set(arena, object, gw_str_from(name), gw_json_string(text));
}

static void set_number(struct gw_arena *arena, struct gw_json *object, const char *name, int64_t number)
{
    gw_json_set(arena, object, gw_str_from(name), gw_json_integer(number));
}

static struct gw_json case_as_json(struct gw_arena *arena, const struct gw_spec_case *one)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    set_text(arena, &object, "file", one->file);
    set_text(arena, &object, "name", one->name);
    set_text(arena, &object, "outcome", gw_str_from(outcome_names[one->outcome]));
    set_text(arena, &object, "where", one->where);
    set_text(arena, &object, "message", one->message);
    set_number(arena, &object, "wallNs", one->wall_ns);
    return object;
}

static struct gw_json cost_as_json(struct gw_arena *arena, const struct gw_spec_cost *cost)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    set_text(arena, &object, "policy", cost->policy);
    set_text(arena, &object, "hook", gw_str_from(gw_policy_hook_name(cost->hook)));
    set_number(arena, &object, "calls", (int64_t)cost->calls);
    set_number(arena, &object, "cpuMedianNs", cost->cpu_ns);
    set_number(arena, &object, "cpuMaxNs", cost->cpu_max_ns);
    set_number(arena, &object, "memoryMedianBytes", (int64_t)cost->memory);
    set_number(arena, &object, "memoryMaxBytes", (int64_t)cost->memory_max);
    return object;
}

static struct gw_json coverage_as_json(struct gw_arena *arena, const struct gw_spec_coverage *coverage)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json missed = {.type = GW_JSON_ARRAY};

    missed.as.array.items = gw_arena_zero(arena, coverage->missed_count, sizeof(struct gw_json));
    for (; missed.as.array.count < coverage->missed_count; missed.as.array.count++)
        missed.as.array.items[missed.as.array.count] = gw_json_integer(coverage->missed[missed.as.array.count]);
    set_text(arena, &object, "file", coverage->path);
    set_number(arena, &object, "lines", (int64_t)coverage->lines);
    set_number(arena, &object, "run", (int64_t)(coverage->lines - coverage->missed_count));
    gw_json_set(arena, &object, GW_STR("notRun"), missed);
    return object;
}

static void set_coverage(struct gw_arena *arena, struct gw_json *whole, const struct gw_test_report *report)
{
    struct gw_json list = {.type = GW_JSON_ARRAY};

    list.as.array.items = gw_arena_zero(arena, report->coverage_count, sizeof(struct gw_json));
    for (; list.as.array.count < report->coverage_count; list.as.array.count++)
        list.as.array.items[list.as.array.count] = coverage_as_json(arena, &report->coverage[list.as.array.count]);
    gw_json_set(arena, whole, GW_STR("coverage"), list);
}

static void print_json(const struct gw_test_report *report)
{
    struct gw_json whole = {.type = GW_JSON_OBJECT};
    struct gw_json cases = {.type = GW_JSON_ARRAY};
    struct gw_json costs = {.type = GW_JSON_ARRAY};
    struct gw_arena arena;
    struct gw_buf out;

    gw_arena_init(&arena, 0);
    gw_buf_init(&out, SIZE_MAX);
    cases.as.array.items = gw_arena_zero(&arena, report->count, sizeof(struct gw_json));
    for (; cases.as.array.count < report->count; cases.as.array.count++)
        cases.as.array.items[cases.as.array.count] = case_as_json(&arena, &report->cases[cases.as.array.count]);
    costs.as.array.items = gw_arena_zero(&arena, report->cost_count, sizeof(struct gw_json));
    for (; costs.as.array.count < report->cost_count; costs.as.array.count++)
        costs.as.array.items[costs.as.array.count] = cost_as_json(&arena, &report->costs[costs.as.array.count]);
    gw_json_set(&arena, &whole, GW_STR("ok"), gw_json_bool(report->failed == 0 && report->count > 0));
    set_number(&arena, &whole, "passed", (int64_t)report->passed);
    set_number(&arena, &whole, "failed", (int64_t)report->failed);
    set_number(&arena, &whole, "pending", (int64_t)report->pending);
    set_number(&arena, &whole, "wallNs", report->wall_ns);
    gw_json_set(&arena, &whole, GW_STR("cases"), cases);
    gw_json_set(&arena, &whole, GW_STR("hooks"), costs);
    if (report->has_coverage)
        set_coverage(&arena, &whole, report);
    gw_json_set(&arena, &whole, GW_STR("withoutSpec"), gw_json_strings(&arena, report->without, report->without_count));
    gw_json_encode(&whole, &out);
    gw_buf_append_byte(&out, '\n');
    (void)fwrite(out.at, 1, out.length, stdout);
    gw_buf_fini(&out);
    gw_arena_fini(&arena);
}

void gw_test_report_print(const struct gw_test_report *report, enum gw_test_form form)
{
    switch (form) {
    case GW_TEST_TEXT:
        print_text(report);
        return;
    case GW_TEST_TAP:
        print_tap(report);
        return;
    case GW_TEST_JSON:
        print_json(report);
        return;
    }
}
