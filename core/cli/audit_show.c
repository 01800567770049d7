/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate audit show: a line per record, or the records themselves. Verifies no
 * links; audit verify does.
 *
 * What became of a change is told by a later record, so the files are read twice:
 * first for those, of which there are few, then for the rest. What strangers chose
 * is escaped: a terminal obeys.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "journal/filter.h"
#include "journal/reader.h"

#define SETTLED_MAX ((size_t)1 << 20)
#define UNDONE_MAX  1000 /* restored backups */
#define SHOWN_MAX   ((size_t)1 << 20)

/* What was told later of a change. */
struct settled {
    uint64_t sequence;
    size_t order; /* the last one counts */
    enum gw_record_outcome outcome;
};

/* Changes that went with a store that was lost, or when a backup was put back. */
struct undone {
    uint64_t after;
    uint64_t up_to;
};

struct show {
    struct gw_args_list files;
    struct gw_filter filter;
    const char *verdict;
    const char *since;
    const char *until;
    bool json;
    struct settled *settled;
    size_t settled_count;
    size_t settled_dropped;
    struct undone *undone;
    size_t undone_count;
    size_t broken; /* lines that are no records */
    struct gw_arena arena;
    struct gw_buf out;
};

static int failed(const char *text)
{
    (void)fprintf(stderr, "eksgate audit show: %s\n", text);
    return GW_EXIT_FAILED;
}

/* Calls `take` with each line of all files. */
static enum gw_status read_all(struct show *show, void (*take)(struct show *show, const struct gw_reader_line *line),
                               struct gw_err *err)
{
    struct gw_reader *reader = NULL;
    struct gw_reader_line *line = gw_alloc_zero(1, sizeof(*line));
    enum gw_status status = gw_reader_open(show->files.items, show->files.count, 0, &reader, err);

    while (status == GW_OK && (status = gw_reader_next(reader, line, err)) == GW_OK && line->kind != GW_READER_NONE)
        take(show, line);
    gw_reader_close(&reader);
    free(line);
    return status;
}

/* First pass. */
static void take_settled(struct show *show, const struct gw_reader_line *line)
{
    if (line->kind != GW_READER_RECORD)
        return;
    if (line->record.undone.up_to > 0 && show->undone_count < UNDONE_MAX) {
        show->undone = gw_realloc(show->undone, (show->undone_count + 1) * sizeof(*show->undone));
        show->undone[show->undone_count++] = (struct undone){line->record.undone.after, line->record.undone.up_to};
    }
    if (line->record.settles == 0)
        return;
    if (show->settled_count == SETTLED_MAX) {
        show->settled_dropped++;
        return;
    }
    if ((show->settled_count & (show->settled_count - 1)) == 0)
        show->settled = gw_realloc(show->settled, (2 * show->settled_count + 1) * sizeof(*show->settled));
    show->settled[show->settled_count] =
        (struct settled){line->record.settles, show->settled_count, line->record.outcome};
    show->settled_count++;
}

static int compare_settled(const void *a, const void *b)
{
    const struct settled *left = a;
    const struct settled *right = b;

    if (left->sequence != right->sequence)
        return left->sequence < right->sequence ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

/* Was it a change to the store, and went with it? What was forwarded didn't. */
static bool is_undone(const struct show *show, const struct gw_record_read *record)
{
    for (size_t i = 0; i < show->undone_count && !record->is_forwarded; i++) {
        if (record->head.sequence > show->undone[i].after && record->head.sequence <= show->undone[i].up_to)
            return true;
    }
    return false;
}

/* GW_RECORD_OUTCOMES where nothing was told. */
static enum gw_record_outcome find_settled(const struct show *show, const struct gw_record_read *record)
{
    uint64_t sequence = record->head.sequence;
    size_t low = 0;
    size_t high = show->settled_count;

    if (is_undone(show, record))
        return GW_RECORD_NOT_APPLIED;
    while (low < high) { /* the last of those with this number, or of those before */
        size_t middle = low + (high - low) / 2;

        if (show->settled[middle].sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && show->settled[low - 1].sequence == sequence ? show->settled[low - 1].outcome : GW_RECORD_OUTCOMES;
}

static void put_column(struct gw_buf *out, struct gw_str text)
{
    gw_terminal_put_word(out, text);
    gw_buf_append_byte(out, ' ');
}

/* What a record of the gateway's own is about. */
static void put_own(struct gw_buf *out, const struct gw_record_read *record)
{
    if (record->settles > 0)
        gw_buf_printf(out, "record %" PRIu64 ": %s", record->settles, gw_record_outcome_name(record->outcome));
    else if (record->has_checkpoint)
        gw_buf_printf(out, "record %" PRIu64 " signed by %s", record->checkpoint.head.sequence, record->checkpoint.key);
    else if (record->continues)
        gw_buf_printf(out, "behind record %" PRIu64, record->after);
    else if (record->undone.up_to > 0)
        gw_buf_printf(out, "records %" PRIu64 " to %" PRIu64 ": not in the store any more", record->undone.after + 1,
                      record->undone.up_to);
    else
        gw_buf_append_byte(out, '-');
}

static void put_result(struct gw_buf *out, const struct gw_filter_view *view, enum gw_record_outcome settled)
{
    enum gw_record_outcome became = gw_filter_became(view, settled);

    if (view->status > 0)
        gw_buf_printf(out, "%u ", view->status);
    else
        gw_buf_append_lit(out, "- ");
    put_column(out, view->error);
    if (became != GW_RECORD_OUTCOMES)
        gw_buf_append_str(out, gw_str_from(gw_record_outcome_name(became)));
    else
        gw_buf_append_str(out, view->is_forwarded ? GW_STR("open") : GW_STR("-"));
}

static void put_line(struct show *show, const struct gw_reader_line *line, const struct gw_filter_view *view,
                     enum gw_record_outcome settled)
{
    struct gw_buf *out = &show->out;

    put_column(out, view->time);
    gw_buf_append_u64(out, view->sequence);
    gw_buf_append_byte(out, ' ');
    put_column(out, view->operation);
    if (view->is_own) {
        put_own(out, &line->record);
        return;
    }
    put_column(out, view->caller);
    put_column(out, view->cluster);
    put_column(out, view->principal);
    put_result(out, view, settled);
}

/* Second pass. */
static void take_record(struct show *show, const struct gw_reader_line *line)
{
    enum gw_record_outcome settled = GW_RECORD_OUTCOMES;
    struct gw_filter_view view;

    if (line->kind == GW_READER_BROKEN) {
        show->broken++;
        (void)fprintf(stderr, "eksgate audit show: %s line %" PRIu64 " is no record: %s\n", line->path, line->line,
                      line->why.text);
    }
    if (line->kind != GW_READER_RECORD)
        return;
    if (line->record.is_change || line->record.is_forwarded)
        settled = find_settled(show, &line->record);
    gw_filter_view(line->text, &line->record, &show->arena, &view);
    if (gw_filter_takes(&show->filter, &view, settled)) {
        gw_buf_clear(&show->out);
        if (show->json)
            gw_buf_append_str(&show->out, line->text);
        else
            put_line(show, line, &view, settled);
        gw_buf_append_byte(&show->out, '\n');
        (void)fwrite(show->out.at, 1, show->out.length, stdout);
    }
    gw_arena_reset(&show->arena);
}

static int run_show(struct show *show)
{
    struct gw_err err;
    enum gw_status status;

    gw_arena_init(&show->arena, (size_t)64 << 10);
    gw_buf_init(&show->out, SHOWN_MAX);
    status = read_all(show, take_settled, &err);
    if (show->settled_count > 1)
        qsort(show->settled, show->settled_count, sizeof(*show->settled), compare_settled);
    if (show->settled_dropped > 0)
        (void)fprintf(stderr, "eksgate audit show: what became of %zu changes is not shown: too many were settled\n",
                      show->settled_dropped);
    if (status == GW_OK)
        status = read_all(show, take_record, &err);
    free(show->settled);
    free(show->undone);
    gw_buf_fini(&show->out);
    gw_arena_fini(&show->arena);
    if (status != GW_OK)
        return failed(err.text);
    if (fflush(stdout) != 0)
        return failed("stdout can't be written");
    return show->broken == 0 ? GW_EXIT_DONE : GW_EXIT_FAILED;
}

static int read_filter(const struct gw_args_verb *verb, struct show *show)
{
    struct gw_filter *filter = &show->filter;

    filter->since_ms = INT64_MIN;
    filter->until_ms = INT64_MAX;
    if (show->since != NULL && gw_filter_parse_time(show->since, &filter->since_ms) != GW_OK)
        return gw_args_wrong(verb, "--since takes a time as in 2026-01-31T12:00:00Z, or a date");
    if (show->until != NULL && gw_filter_parse_time(show->until, &filter->until_ms) != GW_OK)
        return gw_args_wrong(verb, "--until takes a time as in 2026-01-31T12:00:00Z, or a date");
    if (show->verdict != NULL && gw_filter_parse_outcome(show->verdict, &filter->outcome) != GW_OK)
        return gw_args_wrong(verb,
                             "--verdict takes allow, deny, throttle, none, failed, refused, applied, not-applied or "
                             "unknown");
    return GW_ARGS_GO;
}

int gw_audit_show(int argc, char **argv)
{
    struct show show = {0};
    const struct gw_args_option options[] = {
        {.name = "--principal",
         .value = "PATTERN",
         .help = "the entry's principal, or the tagged resource: an ARN, with * and ?",
         .text = &show.filter.principal},
        {.name = "--caller",
         .value = "PATTERN",
         .help = "who asked: an ARN or an access key id, with * and ?",
         .text = &show.filter.caller},
        {.name = "--operation",
         .value = "NAME",
         .help = "as in CreateAccessEntry, with * and ?",
         .text = &show.filter.operation},
        {.name = "--verdict",
         .value = "WORD",
         .help = "a policy said allow, deny or throttle, none did, one failed; or what became of it: refused, applied, "
                 "not-applied, unknown",
         .text = &show.verdict},
        {.name = "--since",
         .value = "TIME",
         .help = "from then on: 2026-01-31T12:00:00Z, or a date",
         .text = &show.since},
        {.name = "--until", .value = "TIME", .help = "before then", .text = &show.until},
        {.name = "--request", .value = "ID", .help = "the request's id", .text = &show.filter.request},
        {.name = "--own",
         .help = "the gateway's own records too: starts, checkpoints, ...",
         .is_given = &show.filter.own},
        {.name = "--json", .help = "print the records as they are", .is_given = &show.json},
    };
    const struct gw_args_verb verb = {
        .name = "audit show",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = SIZE_MAX,
        .summary =
            "Prints records: time, sequence number, operation, caller, cluster, principal, status, error, what became "
            "of a change. Whether they are what was written says audit verify.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, &show.files);

    if (code == GW_ARGS_GO)
        code = read_filter(&verb, &show);
    if (code == GW_ARGS_GO)
        code = run_show(&show);
    gw_args_list_fini(&show.files);
    return code;
}
