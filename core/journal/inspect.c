/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each line is judged between the record before it, which has been judged, and the
 * line behind it, which tells apart what the two alone can't: a link that doesn't
 * fit is the fault of either end, and a number that is too high may be a gap or
 * two records in each other's place.
 */
#include "journal/inspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/inspect_meaning.h"

struct inspection {
    const struct gw_inspect_options *options;
    struct gw_inspect_report *report;
    struct gw_reader *reader;
    struct gw_inspect_meaning meaning;
    struct gw_reader_line last; /* judged; what it means isn't looked at yet. GW_READER_NONE before the first */
    struct gw_reader_line at_hand;
    struct gw_reader_line next;
    uint64_t first; /* sequence number of the first record; 0: none yet */
};

static const char *const fault_names[] = {
    [GW_INSPECT_GOOD] = "good",
    [GW_INSPECT_EMPTY] = "empty",
    [GW_INSPECT_MALFORMED] = "malformed",
    [GW_INSPECT_HALF] = "half",
    [GW_INSPECT_ALTERED] = "altered",
    [GW_INSPECT_MISSING] = "missing",
    [GW_INSPECT_REORDERED] = "reordered",
    [GW_INSPECT_DOUBLED] = "doubled",
    [GW_INSPECT_CUT] = "cut",
    [GW_INSPECT_OTHER_HEAD] = "other-head",
    [GW_INSPECT_NO_HEAD] = "no-head",
    [GW_INSPECT_SETTLEMENT] = "settlement",
    [GW_INSPECT_UNSETTLED] = "unsettled",
    [GW_INSPECT_CHECKPOINT] = "checkpoint",
    [GW_INSPECT_UNSIGNED] = "unsigned",
};

const char *gw_inspect_fault_name(enum gw_inspect_fault fault)
{
    return fault_names[fault];
}

bool gw_inspect_fail(struct gw_inspect_report *report, enum gw_inspect_fault fault, const struct gw_reader_line *seen,
                     const char *format, ...)
{
    va_list args;

    report->fault = fault;
    if (seen != NULL) {
        report->path = seen->path;
        report->line = seen->line;
        if (report->from == 0 && seen->kind == GW_READER_RECORD)
            report->from = report->to = seen->record.head.sequence;
    }
    va_start(args, format);
    (void)vsnprintf(report->problem, sizeof(report->problem), format, args);
    va_end(args);
    return false;
}

static unsigned long long number(uint64_t value)
{
    return (unsigned long long)value;
}

static void is_about(struct inspection *in, uint64_t from, uint64_t to)
{
    in->report->from = from;
    in->report->to = to;
}

static bool fail_altered(struct inspection *in, const struct gw_reader_line *seen, uint64_t sequence)
{
    is_about(in, sequence, sequence);
    return gw_inspect_fail(in->report, GW_INSPECT_ALTERED, seen, "record %llu (%s line %llu) was altered",
                           number(sequence), seen->path, number(seen->line));
}

static bool fail_either(struct inspection *in)
{
    const struct gw_reader_line *last = &in->last;
    const struct gw_reader_line *seen = &in->at_hand;

    is_about(in, last->record.head.sequence, seen->record.head.sequence);
    return gw_inspect_fail(
        in->report, GW_INSPECT_ALTERED, last,
        "record %llu (%s line %llu) or record %llu (%s line %llu) was altered; no record behind them "
        "says which",
        number(last->record.head.sequence), last->path, number(last->line), number(seen->record.head.sequence),
        seen->path, number(seen->line));
}

/* The numbers fit and the link doesn't. Who is linked to by the next one is as it was. */
static bool judge_link(struct inspection *in)
{
    const struct gw_record_read *record = &in->at_hand.record;
    const struct gw_chain_head *head = in->options->head;
    bool is_intact = false;

    if (in->next.kind == GW_READER_RECORD && in->next.record.head.sequence == record->head.sequence + 1)
        is_intact = memcmp(in->next.record.previous, record->head.hash, GW_DIGEST_SIZE) == 0;
    else if (head != NULL && head->sequence == record->head.sequence)
        is_intact = gw_inspect_is_head(in->options, &record->head);
    else
        return fail_either(in);
    return is_intact ? fail_altered(in, &in->last, in->last.record.head.sequence)
                     : fail_altered(in, &in->at_hand, record->head.sequence);
}

static bool fail_missing(struct inspection *in, uint64_t wanted)
{
    const struct gw_reader_line *last = &in->last;
    const struct gw_reader_line *seen = &in->at_hand;
    uint64_t to = seen->record.head.sequence - 1;
    char which[96];

    if (to == wanted)
        (void)snprintf(which, sizeof(which), "record %llu is missing", number(wanted));
    else
        (void)snprintf(which, sizeof(which), "records %llu to %llu are missing", number(wanted), number(to));
    is_about(in, wanted, to);
    return gw_inspect_fail(in->report, GW_INSPECT_MISSING, seen, "%s between %s line %llu and %s line %llu", which,
                           last->path, number(last->line), seen->path, number(seen->line));
}

/* Neither number nor link fit. */
static bool judge_place(struct inspection *in, uint64_t wanted)
{
    const struct gw_reader_line *seen = &in->at_hand;
    const struct gw_reader_line *next = &in->next;
    uint64_t sequence = seen->record.head.sequence;
    uint64_t behind = next->kind == GW_READER_RECORD ? next->record.head.sequence : 0;

    if (behind == wanted + 1)
        return fail_altered(in, seen, wanted); /* it stands where that one belongs */
    if (sequence > wanted && behind == wanted)
        return gw_inspect_fail(in->report, GW_INSPECT_REORDERED, seen,
                               "record %llu (%s line %llu) stands before record %llu (%s line %llu)", number(sequence),
                               seen->path, number(seen->line), number(wanted), next->path, number(next->line));
    if (sequence > wanted)
        return fail_missing(in, wanted);
    if (sequence > 1 && sequence <= in->first && wanted == in->first + 1 &&
        !gw_chain_equal(&seen->record.head, &in->last.record.head))
        return fail_altered(in, &in->last, sequence - 1); /* the first one's number is wrong, not all the others */
    if (sequence < in->first)
        return gw_inspect_fail(in->report, GW_INSPECT_REORDERED, seen,
                               "record %llu (%s line %llu) stands behind record %llu", number(sequence), seen->path,
                               number(seen->line), number(wanted - 1));
    return gw_inspect_fail(in->report, GW_INSPECT_DOUBLED, seen,
                           "record %llu is there a second time (%s line %llu, behind record %llu)", number(sequence),
                           seen->path, number(seen->line), number(wanted - 1));
}

/* What it links to isn't here. Record 1 alone links to nothing. */
static bool judge_first(struct inspection *in)
{
    static const unsigned char zeros[GW_DIGEST_SIZE];
    const struct gw_record_read *record = &in->at_hand.record;
    bool links_to_nothing = memcmp(record->previous, zeros, sizeof(zeros)) == 0;

    in->first = record->head.sequence;
    if (links_to_nothing)
        return in->first == 1 || fail_altered(in, &in->at_hand, 1);
    if (in->first > 1)
        return true;
    if (in->next.kind == GW_READER_RECORD && in->next.record.head.sequence > 2)
        return fail_altered(in, &in->at_hand, in->next.record.head.sequence - 1);
    return fail_altered(in, &in->at_hand, 1);
}

/* A line that is no record: in the place of one, in between two, or the end that a crash leaves. */
static bool judge_broken(struct inspection *in)
{
    const struct gw_reader_line *seen = &in->at_hand;
    const struct gw_reader_line *next = &in->next;
    uint64_t before = in->last.kind == GW_READER_NONE ? 0 : in->last.record.head.sequence;
    uint64_t behind = next->kind == GW_READER_RECORD ? next->record.head.sequence : 0;

    if (seen->kind == GW_READER_HALF && next->kind == GW_READER_NONE)
        return gw_inspect_fail(in->report, GW_INSPECT_HALF, seen,
                               "%s line %llu, behind record %llu, has no end: a crash came while it was written (the "
                               "gateway removes it when it starts), or somebody cut the file",
                               seen->path, number(seen->line), number(before));
    if (before != 0 && behind == before + 1)
        return gw_inspect_fail(in->report, GW_INSPECT_MALFORMED, seen,
                               "%s line %llu, between record %llu and record %llu, is no record: %s", seen->path,
                               number(seen->line), number(before), number(behind), seen->why.text);
    if (before == 0 && behind < 2)
        return gw_inspect_fail(in->report, GW_INSPECT_MALFORMED, seen, "%s line %llu is no record: %s", seen->path,
                               number(seen->line), seen->why.text);
    before = before != 0 ? before : behind - 2;
    is_about(in, before + 1, before + 1);
    return gw_inspect_fail(in->report, GW_INSPECT_MALFORMED, seen, "record %llu (%s line %llu) was altered: %s",
                           number(before + 1), seen->path, number(seen->line), seen->why.text);
}

/* Is what is at hand the record that follows the last? */
static bool judge(struct inspection *in)
{
    const struct gw_record_read *record = &in->at_hand.record;
    const struct gw_chain_head *last = &in->last.record.head;
    bool is_linked;

    if (in->at_hand.kind != GW_READER_RECORD)
        return judge_broken(in);
    if (in->last.kind == GW_READER_NONE)
        return judge_first(in);
    is_linked = memcmp(record->previous, last->hash, sizeof(last->hash)) == 0;
    if (record->head.sequence == last->sequence + 1)
        return is_linked || judge_link(in);
    return is_linked ? fail_altered(in, &in->at_hand, last->sequence + 1) : judge_place(in, last->sequence + 1);
}

/* False: a fault was found. What a record means is looked at when the one behind it has confirmed it. */
static bool step(struct inspection *in)
{
    if (in->at_hand.kind != GW_READER_NONE && !judge(in))
        return false;
    if (in->last.kind != GW_READER_NONE && !gw_inspect_meaning_take(&in->meaning, &in->last))
        return false;
    in->last = in->at_hand;
    in->at_hand = in->next;
    return true;
}

static enum gw_status run(struct inspection *in, struct gw_err *err)
{
    enum gw_status status =
        gw_reader_open(in->options->paths, in->options->path_count, in->options->patience_ms, &in->reader, err);

    if (status != GW_OK)
        return status;
    in->report->files = gw_reader_files(in->reader);
    status = gw_reader_next(in->reader, &in->at_hand, err);
    while (status == GW_OK && (in->at_hand.kind != GW_READER_NONE || in->last.kind != GW_READER_NONE)) {
        status = gw_reader_next(in->reader, &in->next, err);
        if (status != GW_OK || !step(in))
            return status;
    }
    if (status == GW_OK)
        (void)gw_inspect_meaning_end(&in->meaning);
    return status;
}

enum gw_status gw_inspect_files(const struct gw_inspect_options *options, struct gw_inspect_report *report,
                                struct gw_err *err)
{
    struct inspection *in = gw_alloc_zero(1, sizeof(*in));
    enum gw_status status;

    memset(report, 0, sizeof(*report));
    in->options = options;
    in->report = report;
    gw_inspect_meaning_init(&in->meaning, options, report);
    status = run(in, err);
    if (in->reader != NULL)
        report->given_up = gw_reader_given_up(in->reader);
    gw_inspect_meaning_fini(&in->meaning);
    gw_reader_close(&in->reader);
    free(in);
    return status;
}
