/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs is printed as it is found, so that memory doesn't grow with the
 * files; totals come last. Everything on stdout follows from files and policies
 * alone: no time of ours, no order but theirs. Lines that are no records are told
 * on stderr too, where people look for what went wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/replay.h"
#include "cli/terminal.h"
#include "codec/username.h"

#define OUT_MAX   ((size_t)4 << 20)
#define NAMES_MAX 1000 /* policies that totals are kept of: their names come from files too */

enum count {
    COUNT_DENIED,
    COUNT_THROTTLED,
    COUNT_FAILED,
    COUNT_ALLOWED,
    COUNT_USERNAMES,
    COUNT_TAGS,
    COUNT_ADOPTIONS,
    COUNT_UNKNOWN,
    COUNTS,
};

static const char *const count_names[COUNTS] = {"denied",    "throttled", "failed",    "allowed",
                                                "usernames", "tags",      "adoptions", "unknown"};

struct total {
    char *policy;
    uint64_t counts[COUNTS];
};

struct gw_replay_report {
    bool is_json;
    bool has_item; /* of the array: the next one needs a comma */
    struct gw_buf out;
    uint64_t kinds[GW_REPLAY_KINDS];
    uint64_t differing;
    uint64_t unknown;
    struct total *totals;
    size_t total_count;
    bool has_failed; /* stdout can't be written */
};

struct gw_replay_report *gw_replay_report_new(bool is_json)
{
    struct gw_replay_report *report = gw_alloc_zero(1, sizeof(*report));

    report->is_json = is_json;
    gw_buf_init(&report->out, OUT_MAX);
    report->totals = gw_alloc_zero(NAMES_MAX + 1, sizeof(*report->totals));
    if (is_json)
        gw_buf_append_lit(&report->out, "{\"records\":[");
    return report;
}

void gw_replay_report_free(struct gw_replay_report **report)
{
    struct gw_replay_report *freed = *report;

    if (freed == NULL)
        return;
    *report = NULL;
    for (size_t i = 0; i < freed->total_count; i++)
        free(freed->totals[i].policy);
    free(freed->totals);
    gw_buf_fini(&freed->out);
    free(freed);
}

static void flush(struct gw_replay_report *report)
{
    struct gw_str text = gw_buf_str(&report->out);

    if (report->out.overflowed || (text.length > 0 && fwrite(text.at, 1, text.length, stdout) != text.length))
        report->has_failed = true;
    gw_buf_clear(&report->out);
}

static void count(struct gw_replay_report *report, struct gw_str policy, enum count what)
{
    size_t i = 0;

    if (policy.at == NULL)
        policy = GW_STR("-");
    while (i < report->total_count && !gw_str_is(policy, report->totals[i].policy))
        i++;
    if (i == NAMES_MAX) /* with no room for more names the last row is everybody's */
        policy = GW_STR("(others)");
    if (i == report->total_count)
        report->totals[report->total_count++].policy = gw_str_dup(policy);
    report->totals[i].counts[what]++;
}

static enum count count_of(const struct gw_differ_row *row, const struct gw_replay_decision *decision)
{
    static const enum count verdicts[GW_DIFFER_VERDICTS] = {
        [GW_DIFFER_ALLOW] = COUNT_ALLOWED,
        [GW_DIFFER_DENY] = COUNT_DENIED,
        [GW_DIFFER_THROTTLE] = COUNT_THROTTLED,
        [GW_DIFFER_FAILED] = COUNT_FAILED,
    };

    switch (row->kind) {
    case GW_DIFFER_KIND_VERDICT:
        return verdicts[decision->after.verdict];
    case GW_DIFFER_KIND_USERNAME:
        return COUNT_USERNAMES;
    case GW_DIFFER_KIND_TAGS:
        return COUNT_TAGS;
    case GW_DIFFER_KIND_ADOPT:
        break;
    }
    return COUNT_ADOPTIONS;
}

static void put_member(struct gw_buf *out, const char *name, struct gw_str text)
{
    if (text.at == NULL)
        return;
    gw_buf_printf(out, ",\"%s\":", name);
    gw_json_encode_string(text, out);
}

/* {"file":...,"line":N and what is known of the request */
static void begin_item(struct gw_replay_report *report, const struct gw_replay_record *record)
{
    struct gw_buf *out = &report->out;

    gw_buf_append_str(out, report->has_item ? GW_STR(",\n{\"file\":") : GW_STR("\n{\"file\":"));
    report->has_item = true;
    gw_json_encode_string(gw_str_from(record->path), out);
    gw_buf_printf(out, ",\"line\":%" PRIu64, record->line);
    if (record->kind == GW_REPLAY_DAMAGED)
        return;
    gw_buf_printf(out, ",\"sequence\":%" PRIu64, record->sequence);
    put_member(out, "time", record->time);
    put_member(out, "request", record->request_id);
    put_member(out, "operation", record->request.operation);
    put_member(out, "caller", record->caller_arn);
    put_member(out, "cluster", record->request.cluster);
    if (record->request.principal != NULL)
        put_member(out, "principal", record->request.principal->arn);
}

static void begin_lines(struct gw_replay_report *report, const struct gw_replay_record *record)
{
    struct gw_buf *out = &report->out;

    gw_buf_printf(out, "record %" PRIu64 " ", record->sequence);
    gw_terminal_put_word(out, record->time);
    gw_buf_append_byte(out, ' ');
    gw_terminal_put_word(out, record->request.operation);
    gw_buf_append_byte(out, ' ');
    gw_terminal_put_word(out, record->caller_arn);
    gw_buf_append_byte(out, ' ');
    gw_terminal_put_word(out, record->request.cluster);
    gw_buf_append_byte(out, ' ');
    gw_terminal_put_word(out, record->request.principal == NULL ? GW_STR_NONE : record->request.principal->arn);
    gw_buf_append_byte(out, '\n');
}

void gw_replay_report_passed(struct gw_replay_report *report, const struct gw_replay_record *record)
{
    bool is_damaged = record->kind == GW_REPLAY_DAMAGED;

    report->kinds[record->kind]++;
    if (is_damaged)
        (void)fprintf(stderr, "eksgate replay: %s:%" PRIu64 ": no record: %s\n", record->path, record->line,
                      record->why);
    if (!is_damaged && record->kind != GW_REPLAY_UNREPLAYABLE)
        return;
    if (report->is_json) {
        begin_item(report, record);
        put_member(&report->out, is_damaged ? "damaged" : "unreplayable", gw_str_from(record->why));
        gw_buf_append_byte(&report->out, '}');
    } else if (!is_damaged) {
        begin_lines(report, record);
        gw_buf_printf(&report->out, "  not replayable: %s\n", record->why);
    }
    flush(report);
}

static void put_json(struct gw_replay_report *report, const struct gw_replay_decision *decision,
                     const struct gw_differ_report *differences)
{
    struct gw_buf *out = &report->out;

    for (size_t i = 0; i < differences->json.as.object.count; i++) {
        const struct gw_json_member *member = &differences->json.as.object.members[i];

        gw_buf_printf(out, ",\"%.*s\":", GW_STR_ARG(member->name));
        gw_json_encode(&member->value, out);
    }
    if (decision->is_unknown) {
        gw_buf_append_lit(out, ",\"unknown\":{\"policy\":");
        if (decision->unknown_to.at == NULL)
            gw_buf_append_lit(out, "null");
        else
            gw_json_encode_string(decision->unknown_to, out);
        put_member(out, "why", decision->why);
        gw_buf_append_byte(out, '}');
    }
    gw_buf_append_byte(out, '}');
}

/* A member of the differences, before or after, as words. */
static void put_side(struct gw_buf *out, const struct gw_json *value)
{
    if (value == NULL || value->type == GW_JSON_NULL)
        gw_buf_append_byte(out, '-');
    else if (value->type == GW_JSON_BOOL)
        gw_buf_append_str(out, value->as.boolean ? GW_STR("yes") : GW_STR("no"));
    else if (value->type == GW_JSON_STRING)
        gw_terminal_put_text(out, value->as.string);
}

static void put_sides(struct gw_buf *out, const struct gw_json *before, const struct gw_json *after)
{
    put_side(out, before);
    gw_buf_append_lit(out, " -> ");
    put_side(out, after);
}

/* " (one, two: reason)" */
static void put_policies(struct gw_buf *out, const struct gw_differ_report *differences, enum gw_differ_kind kind,
                         const struct gw_json *reason)
{
    const char *before = " (";

    for (size_t i = 0; i < differences->row_count; i++) {
        if (differences->rows[i].kind != kind)
            continue;
        gw_buf_append_str(out, gw_str_from(before));
        gw_terminal_put_word(out, differences->rows[i].policy);
        before = ", ";
    }
    if (reason != NULL && reason->type == GW_JSON_STRING) {
        gw_buf_append_lit(out, ": ");
        gw_terminal_put_text(out, reason->as.string);
    }
    gw_buf_append_str(out, before[0] == ',' ? GW_STR(")\n") : GW_STR("\n"));
}

static void put_change(struct gw_buf *out, const struct gw_differ_report *differences, const char *name,
                       enum gw_differ_kind kind)
{
    const struct gw_json *change = gw_json_get(&differences->json, name);

    if (change == NULL)
        return;
    gw_buf_printf(out, "  %s: ", name);
    put_sides(out, gw_json_get(change, "before"), gw_json_get(change, "after"));
    put_policies(out, differences, kind, gw_json_get(change, "reason"));
}

static const struct gw_json *find(const struct gw_json *object, struct gw_str name)
{
    for (size_t i = 0; i < object->as.object.count; i++) {
        if (gw_str_equal(object->as.object.members[i].name, name))
            return &object->as.object.members[i].value;
    }
    return NULL;
}

static void put_tag(struct gw_buf *out, struct gw_str key, const struct gw_json *before, const struct gw_json *after)
{
    gw_buf_append_lit(out, "  tag ");
    gw_terminal_put_word(out, key);
    gw_buf_append_lit(out, ": ");
    put_sides(out, before, after);
    gw_buf_append_byte(out, '\n');
}

/* Those that would be others or gone, then those that would be new. */
static void put_tags(struct gw_buf *out, const struct gw_differ_report *differences)
{
    const struct gw_json *change = gw_json_get(&differences->json, "tags");
    const struct gw_json *before = gw_json_get(change, "before");
    const struct gw_json *after = gw_json_get(change, "after");

    if (change == NULL)
        return;
    gw_buf_append_lit(out, "  tags");
    put_policies(out, differences, GW_DIFFER_KIND_TAGS, NULL);
    for (size_t i = 0; i < before->as.object.count; i++) {
        struct gw_str key = before->as.object.members[i].name;

        put_tag(out, key, &before->as.object.members[i].value, find(after, key));
    }
    for (size_t i = 0; i < after->as.object.count; i++) {
        struct gw_str key = after->as.object.members[i].name;

        if (find(before, key) == NULL)
            put_tag(out, key, NULL, &after->as.object.members[i].value);
    }
}

static void put_lines(struct gw_replay_report *report, const struct gw_replay_decision *decision,
                      const struct gw_differ_report *differences)
{
    struct gw_buf *out = &report->out;

    put_change(out, differences, "verdict", GW_DIFFER_KIND_VERDICT);
    put_change(out, differences, "username", GW_DIFFER_KIND_USERNAME);
    put_tags(out, differences);
    put_change(out, differences, "adopt", GW_DIFFER_KIND_ADOPT);
    if (!decision->is_unknown)
        return;
    gw_buf_append_lit(out, "  can't be told: ");
    if (decision->unknown_to.at != NULL) {
        gw_terminal_put_word(out, decision->unknown_to);
        gw_buf_append_byte(out, ' ');
    }
    gw_terminal_put_text(out, decision->why);
    gw_buf_append_byte(out, '\n');
}

/* What EKS makes of a create in which nobody chooses a username. */
static struct gw_str generated_username(const struct gw_replay_record *record, struct gw_arena *arena)
{
    if (record->call.op != GW_EKS_CreateAccessEntry || !record->call.has_principal)
        return GW_STR_NONE;
    return gw_username_default(&record->call.principal, arena);
}

void gw_replay_report_asked(struct gw_replay_report *report, const struct gw_replay_record *record,
                            const struct gw_replay_decision *decision, struct gw_arena *arena)
{
    struct gw_differ_report *differences = gw_arena_zero(arena, 1, sizeof(*differences));

    report->kinds[GW_REPLAY_ASKED]++;
    differences->json.type = GW_JSON_OBJECT;
    if (decision->is_unknown) {
        report->unknown++;
        count(report, decision->unknown_to, COUNT_UNKNOWN);
    } else {
        gw_differ_compare(&record->before, &decision->after, generated_username(record, arena), arena, differences);
        for (size_t i = 0; i < differences->row_count; i++)
            count(report, differences->rows[i].policy, count_of(&differences->rows[i], decision));
        report->differing += differences->kinds != 0;
    }
    if (!decision->is_unknown && differences->kinds == 0)
        return;
    if (report->is_json) {
        begin_item(report, record);
        put_json(report, decision, differences);
    } else {
        begin_lines(report, record);
        put_lines(report, decision, differences);
    }
    flush(report);
}

uint64_t gw_replay_report_records(const struct gw_replay_report *report)
{
    uint64_t records = 0;

    for (size_t i = 0; i < GW_REPLAY_KINDS; i++)
        records += report->kinds[i];
    return records;
}

static int compare_totals(const void *a, const void *b)
{
    return strcmp(((const struct total *)a)->policy, ((const struct total *)b)->policy);
}

static void put_totals_json(struct gw_replay_report *report)
{
    static const char *const kinds[GW_REPLAY_KINDS] = {"asked", "own", "early", "unreplayable", "damaged"};
    struct gw_buf *out = &report->out;

    gw_buf_printf(out, "%s],\n\"totals\":{\"records\":%" PRIu64, report->has_item ? "\n" : "",
                  gw_replay_report_records(report));
    for (size_t i = 0; i < GW_REPLAY_KINDS; i++)
        gw_buf_printf(out, ",\"%s\":%" PRIu64, kinds[i], report->kinds[i]);
    gw_buf_printf(out, ",\"differing\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"policies\":{", report->differing,
                  report->unknown);
    for (size_t i = 0; i < report->total_count; i++) {
        gw_buf_append_str(out, i == 0 ? GW_STR("\n") : GW_STR(",\n"));
        gw_json_encode_string(gw_str_from(report->totals[i].policy), out);
        for (size_t k = 0; k < COUNTS; k++)
            gw_buf_printf(out, "%s\"%s\":%" PRIu64, k == 0 ? ":{" : ",", count_names[k], report->totals[i].counts[k]);
        gw_buf_append_byte(out, '}');
    }
    gw_buf_append_lit(out, "}}}\n");
}

static void put_totals_table(struct gw_replay_report *report)
{
    struct gw_buf *out = &report->out;
    int width = 8;

    for (size_t i = 0; i < report->total_count; i++)
        width = (int)strlen(report->totals[i].policy) > width ? (int)strlen(report->totals[i].policy) : width;
    width = width > 64 ? 64 : width;
    gw_buf_printf(out, "%-*s", width, "policy");
    for (size_t k = 0; k < COUNTS; k++)
        gw_buf_printf(out, " %9s", count_names[k]);
    gw_buf_append_byte(out, '\n');
    for (size_t i = 0; i < report->total_count; i++) {
        size_t start = out->length;

        gw_terminal_put_word(out, gw_str_from(report->totals[i].policy));
        gw_buf_printf(out, "%*s", out->length - start < (size_t)width ? width - (int)(out->length - start) : 0, "");
        for (size_t k = 0; k < COUNTS; k++)
            gw_buf_printf(out, " %9" PRIu64, report->totals[i].counts[k]);
        gw_buf_append_byte(out, '\n');
    }
}

static void put_totals(struct gw_replay_report *report)
{
    struct gw_buf *out = &report->out;

    gw_buf_printf(out,
                  "%" PRIu64 " records: %" PRIu64 " asked about, %" PRIu64 " of the gateway's own, %" PRIu64
                  " answered before policies had a say, %" PRIu64 " not replayable, %" PRIu64 " damaged\n",
                  gw_replay_report_records(report), report->kinds[GW_REPLAY_ASKED], report->kinds[GW_REPLAY_OWN],
                  report->kinds[GW_REPLAY_EARLY], report->kinds[GW_REPLAY_UNREPLAYABLE],
                  report->kinds[GW_REPLAY_DAMAGED]);
    gw_buf_printf(out, "%" PRIu64 " would differ, %" PRIu64 " can't be told\n", report->differing, report->unknown);
    if (report->total_count > 0)
        put_totals_table(report);
}

bool gw_replay_report_end(struct gw_replay_report *report)
{
    if (report->total_count > 1)
        qsort(report->totals, report->total_count, sizeof(*report->totals), compare_totals);
    if (report->is_json)
        put_totals_json(report);
    else
        put_totals(report);
    flush(report);
    if (fflush(stdout) != 0 || report->has_failed) {
        (void)fputs("eksgate replay: stdout can't be written\n", stderr);
        return false;
    }
    return report->differing == 0 && report->unknown == 0 && report->kinds[GW_REPLAY_UNREPLAYABLE] == 0 &&
           report->kinds[GW_REPLAY_DAMAGED] == 0;
}
