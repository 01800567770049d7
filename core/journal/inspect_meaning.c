/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What records say about others: that a change wasn't applied, that a key vouches
 * for all before. The links are known to hold when this looks at a record, so what
 * doesn't fit here was written by somebody who could make links.
 */
#include "journal/inspect_meaning.h"

#include <stdio.h>
#include <stdlib.h>

#define GAP_MS (3 * INT64_C(60000)) /* a checkpoint is due each minute that has records */

void gw_inspect_meaning_init(struct gw_inspect_meaning *meaning, const struct gw_inspect_options *options,
                             struct gw_inspect_report *report)
{
    *meaning = (struct gw_inspect_meaning){.options = options, .report = report};
    meaning->changes = gw_alloc_zero(GW_INSPECT_WINDOW / 64, sizeof(*meaning->changes));
    meaning->open = gw_alloc_zero(GW_INSPECT_WINDOW / 64, sizeof(*meaning->open));
}

void gw_inspect_meaning_fini(struct gw_inspect_meaning *meaning)
{
    free(meaning->changes);
    free(meaning->open);
}

static bool get_bit(const uint64_t *bits, uint64_t sequence)
{
    uint64_t bit = sequence % GW_INSPECT_WINDOW;

    return (bits[bit / 64] >> (bit % 64) & 1) != 0;
}

static void set_bit(uint64_t *bits, uint64_t sequence, bool is_set)
{
    uint64_t bit = sequence % GW_INSPECT_WINDOW;
    uint64_t mask = (uint64_t)1 << (bit % 64);

    bits[bit / 64] = is_set ? bits[bit / 64] | mask : bits[bit / 64] & ~mask;
}

static void note_change(struct gw_inspect_meaning *meaning, const struct gw_record_read *record)
{
    struct gw_inspect_report *report = meaning->report;

    set_bit(meaning->changes, record->head.sequence, record->is_change || record->is_forwarded);
    set_bit(meaning->open, record->head.sequence, record->is_forwarded);
    report->changes += record->is_change;
    report->forwarded += record->is_forwarded;
    report->open += record->is_forwarded;
}

/* The sequence numbers of the first open ones, before record `end`. */
static size_t find_open(const struct gw_inspect_meaning *meaning, uint64_t end, uint64_t *found, size_t max)
{
    uint64_t at = meaning->report->first;
    size_t count = 0;

    if (end - at > GW_INSPECT_WINDOW)
        at = end - GW_INSPECT_WINDOW;
    for (; at < end && count < max && count < meaning->report->open; at++) {
        if (get_bit(meaning->open, at))
            found[count++] = at;
    }
    return count;
}

/* A start says of each what became of it; while a gateway runs, an upstream is waited for at most minutes. */
static bool watch_open(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen)
{
    struct gw_inspect_report *report = meaning->report;
    uint64_t own = seen->record.head.sequence;
    uint64_t sequence = own;

    if (report->open == 0 || (!seen->record.is_begun && !get_bit(meaning->open, own)))
        return true;
    (void)find_open(meaning, own, &sequence, 1);
    report->from = report->to = sequence;
    return gw_inspect_fail(report, GW_INSPECT_UNSETTLED, seen,
                           "record %llu stands for a change that was forwarded, and no record before record %llu (%s "
                           "line %llu) tells what became of it",
                           (unsigned long long)sequence, (unsigned long long)own, seen->path,
                           (unsigned long long)seen->line);
}

static bool take_settled(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen)
{
    const struct gw_record_read *record = &seen->record;
    struct gw_inspect_report *report = meaning->report;
    uint64_t own = record->head.sequence;

    if (record->settles == 0)
        return true;
    report->settled[record->outcome]++;
    if (record->settles < own && (record->settles < report->first || own - record->settles >= GW_INSPECT_WINDOW)) {
        report->settled_elsewhere++;
        return true;
    }
    if (record->settles < own && get_bit(meaning->changes, record->settles)) {
        report->open -= get_bit(meaning->open, record->settles);
        set_bit(meaning->open, record->settles, false);
        return true;
    }
    return gw_inspect_fail(report, GW_INSPECT_SETTLEMENT, seen,
                           "record %llu (%s line %llu) tells what became of record "
                           "%llu, which is no change before it",
                           (unsigned long long)own, seen->path, (unsigned long long)seen->line,
                           (unsigned long long)record->settles);
}

static void key_id(const struct gw_ed25519_key *key, char id[GW_CHECKPOINT_KEY_ID + 1])
{
    gw_checkpoint_key_id(key, id);
    id[GW_CHECKPOINT_KEY_ID] = '\0';
}

/* The key that has the checkpoint's name; NULL when it wasn't given. */
static const struct gw_ed25519_key *find_key(const struct gw_inspect_options *options,
                                             const struct gw_record_checkpoint *checkpoint)
{
    char id[GW_CHECKPOINT_KEY_ID + 1];

    for (size_t i = 0; i < options->key_count; i++) {
        key_id(options->keys[i], id);
        if (strcmp(id, checkpoint->key) == 0)
            return options->keys[i];
    }
    return NULL;
}

static bool signature_holds(const struct gw_ed25519_key *key, const struct gw_record_checkpoint *checkpoint)
{
    struct gw_buf message;
    bool holds;

    gw_buf_init(&message, 512);
    gw_checkpoint_message(&checkpoint->head, gw_str_from(checkpoint->time), &message);
    holds = gw_ed25519_verify(key, gw_buf_str(&message), checkpoint->signature);
    gw_buf_fini(&message);
    return holds;
}

static bool fail_checkpoint(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen, const char *why)
{
    return gw_inspect_fail(
        meaning->report, GW_INSPECT_CHECKPOINT, seen, "the checkpoint in record %llu (%s line %llu) %s",
        (unsigned long long)seen->record.head.sequence, seen->path, (unsigned long long)seen->line, why);
}

static bool take_checkpoint(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen)
{
    const struct gw_record_read *record = &seen->record;
    const struct gw_record_checkpoint *checkpoint = &record->checkpoint;
    const struct gw_ed25519_key *key;
    char other[64];

    if (!record->has_checkpoint)
        return true;
    if (checkpoint->head.sequence + 1 != record->head.sequence ||
        memcmp(checkpoint->head.hash, record->previous, sizeof(record->previous)) != 0)
        return fail_checkpoint(meaning, seen, "is not about the record before it");
    if (meaning->options->key_count > 0) {
        key = find_key(meaning->options, checkpoint);
        (void)snprintf(other, sizeof(other), "is signed by another key, %s", checkpoint->key);
        if (key == NULL)
            return fail_checkpoint(meaning, seen, other);
        if (!signature_holds(key, checkpoint))
            return fail_checkpoint(meaning, seen, "has a signature that doesn't hold");
    }
    meaning->report->checkpoints++;
    meaning->report->vouched = checkpoint->head.sequence;
    meaning->quiet_from = 0;
    meaning->in_gap = false;
    return true;
}

/* Minutes with records and without a checkpoint. One that begins with a start is no gap: what ran before it may have
 * been killed. */
static void watch_gaps(struct gw_inspect_meaning *meaning, const struct gw_record_read *record)
{
    struct gw_inspect_report *report = meaning->report;

    if (meaning->options->key_count == 0 || record->has_checkpoint || record->time_ms == 0)
        return;
    if (meaning->quiet_from == 0 || record->is_begun) {
        meaning->quiet_from = record->head.sequence;
        meaning->quiet_ms = record->time_ms;
        meaning->in_gap = false;
    }
    if (meaning->in_gap || record->time_ms - meaning->quiet_ms <= GAP_MS)
        return;
    meaning->in_gap = true;
    if (report->gaps++ == 0) {
        report->gap_from = meaning->quiet_from;
        report->gap_to = record->head.sequence;
    }
}

bool gw_inspect_is_head(const struct gw_inspect_options *options, const struct gw_chain_head *record)
{
    size_t bytes = options->head_bytes == 0 ? sizeof(record->hash) : options->head_bytes;

    return record->sequence == options->head->sequence && memcmp(record->hash, options->head->hash, bytes) == 0;
}

static bool take_head(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen)
{
    const struct gw_chain_head *head = meaning->options->head;

    if (head == NULL || seen->record.head.sequence != head->sequence)
        return true;
    meaning->head_seen = true;
    if (gw_inspect_is_head(meaning->options, &seen->record.head))
        return true;
    return gw_inspect_fail(
        meaning->report, GW_INSPECT_OTHER_HEAD, seen,
        "record %llu (%s line %llu) isn't the one that the head names: it was altered, or the records "
        "were written anew",
        (unsigned long long)head->sequence, seen->path, (unsigned long long)seen->line);
}

bool gw_inspect_meaning_take(struct gw_inspect_meaning *meaning, const struct gw_reader_line *seen)
{
    struct gw_inspect_report *report = meaning->report;
    const struct gw_record_read *record = &seen->record;

    if (report->records == 0)
        report->first = record->head.sequence;
    if (!take_head(meaning, seen) || !take_settled(meaning, seen) || !take_checkpoint(meaning, seen) ||
        !watch_open(meaning, seen))
        return false;
    note_change(meaning, record);
    watch_gaps(meaning, record);
    report->records++;
    report->last = record->head;
    return true;
}

static bool check_head(struct gw_inspect_meaning *meaning)
{
    const struct gw_chain_head *head = meaning->options->head;
    struct gw_inspect_report *report = meaning->report;

    if (head == NULL || head->sequence == 0 || meaning->head_seen)
        return true;
    if (report->records > 0 && head->sequence < report->first)
        return gw_inspect_fail(report, GW_INSPECT_NO_HEAD, NULL,
                               "the head, record %llu, is in none of these files: they begin at record %llu",
                               (unsigned long long)head->sequence, (unsigned long long)report->first);
    if (report->records == 0)
        return gw_inspect_fail(report, GW_INSPECT_CUT, NULL, "the tail is cut: there is no record, the head is %llu",
                               (unsigned long long)head->sequence);
    report->from = report->last.sequence + 1;
    report->to = head->sequence;
    return gw_inspect_fail(report, GW_INSPECT_CUT, NULL, "the tail is cut: the records end at %llu, the head is %llu",
                           (unsigned long long)report->last.sequence, (unsigned long long)head->sequence);
}

bool gw_inspect_meaning_end(struct gw_inspect_meaning *meaning)
{
    struct gw_inspect_report *report = meaning->report;
    char id[GW_CHECKPOINT_KEY_ID + 1];

    (void)find_open(meaning, report->last.sequence + 1, report->open_first, GW_INSPECT_NAMED);
    if (!check_head(meaning))
        return false;
    if (report->records == 0)
        return gw_inspect_fail(report, GW_INSPECT_EMPTY, NULL, "there is no record in %s", meaning->options->paths[0]);
    if (meaning->options->key_count == 0 || report->checkpoints > 0)
        return true;
    key_id(meaning->options->keys[0], id);
    return gw_inspect_fail(report, GW_INSPECT_UNSIGNED, NULL,
                           "there is no checkpoint in records %llu to %llu; the key %s is to have signed some",
                           (unsigned long long)report->first, (unsigned long long)report->last.sequence, id);
}
