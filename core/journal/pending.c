/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only lines that hold one of three texts are parsed; these texts can't be part of
 * a JSON string, whose quotes are escaped. How records are said is event.c's and
 * the gateway's.
 */
#include "journal/pending.h"

#include <stdlib.h>

#include "codec/json.h"

void gw_pending_init(struct gw_pending *pending, const struct gw_journal_start *start)
{
    *pending = (struct gw_pending){.start = start};
    gw_arena_init(&pending->arena, 0);
    gw_pending_reset(pending);
}

void gw_pending_reset(struct gw_pending *pending)
{
    pending->counts = !pending->start->is_new;
    pending->is_foreign = pending->is_older = pending->is_full = false;
    pending->count = 0;
    pending->committed = pending->said_by = 0;
}

void gw_pending_fini(struct gw_pending *pending)
{
    gw_arena_fini(&pending->arena);
    free(pending->changes);
    *pending = (struct gw_pending){.changes = NULL};
}

static void add(struct gw_pending *pending, uint64_t sequence, enum gw_journal_outcome outcome)
{
    if (pending->count == GW_PENDING_MAX) {
        pending->is_full = true;
        return;
    }
    if (pending->count == pending->capacity) {
        pending->capacity = pending->capacity == 0 ? 64 : pending->capacity * 2;
        pending->changes = gw_realloc(pending->changes, pending->capacity * sizeof(*pending->changes));
    }
    pending->changes[pending->count++] = (struct gw_pending_change){sequence, outcome};
}

/* Forgets those behind `after`, up to `up_to`. What is settled is mostly new: looked for from the end. */
static void forget(struct gw_pending *pending, uint64_t after, uint64_t up_to)
{
    for (size_t i = pending->count; i > 0; i--) {
        struct gw_pending_change *change = &pending->changes[i - 1];

        if (change->sequence <= after || change->sequence > up_to)
            continue;
        memmove(change, change + 1, (pending->count - i) * sizeof(*change));
        pending->count--;
        if (up_to - after == 1)
            return;
    }
}

static uint64_t number_of(const struct gw_json *object, const char *name)
{
    const struct gw_json *value = gw_json_get(object, name);

    return value != NULL && value->type == GW_JSON_INTEGER && value->as.integer > 0 ? (uint64_t)value->as.integer : 0;
}

static bool text_is(const struct gw_json *object, const char *name, const char *text)
{
    const struct gw_json *value = gw_json_get(object, name);

    return value != NULL && value->type == GW_JSON_STRING && gw_str_is(value->as.string, text);
}

static bool is_true(const struct gw_json *object, const char *name)
{
    const struct gw_json *value = gw_json_get(object, name);

    return value != NULL && value->type == GW_JSON_BOOL && value->as.boolean;
}

/* The store knows nothing of what was forwarded. */
static void on_settled(struct gw_pending *pending, const struct gw_json *eksgate)
{
    uint64_t sequence = number_of(eksgate, "settles");

    if (sequence == 0 || is_true(eksgate, "forwarded"))
        return;
    if (!text_is(eksgate, "outcome", "unknown"))
        forget(pending, sequence - 1, sequence);
    else if (sequence <= pending->start->committed.sequence)
        add(pending, sequence, GW_JOURNAL_APPLIED);
}

/* A store has committed its journal's start before anything else: behind one that it doesn't know it has changed
 * nothing. Who has is another store, or this one before it was lost or put back. Changes to one that didn't last are
 * nobody's. */
static void on_begun(struct gw_pending *pending, const struct gw_json *begun)
{
    const struct gw_json *range = gw_json_get(begun, "notApplied");

    pending->counts = false;
    pending->is_foreign = !text_is(begun, "store", "none");
    if (range != NULL)
        forget(pending, number_of(range, "after"), number_of(range, "upTo"));
}

static bool has(struct gw_str line, const char *text)
{
    return gw_str_search(line, gw_str_from(text)) != SIZE_MAX;
}

void gw_pending_on_record(void *ctx, uint64_t sequence, struct gw_str line)
{
    struct gw_pending *pending = ctx;
    const struct gw_json *eksgate;
    const struct gw_json *value;
    uint64_t committed = gw_chain_committed(line);
    struct gw_json record;

    if (committed > pending->committed) {
        pending->committed = committed;
        pending->said_by = sequence;
    }
    if (!has(line, "\"change\":true") && !has(line, "\"settles\":") && !has(line, "\"begun\":"))
        return;
    gw_arena_reset(&pending->arena);
    if (gw_json_parse(line, &pending->arena, &record, NULL) != GW_OK)
        return;
    eksgate = gw_json_get(gw_json_get(&record, "additionalEventData"), "eksgate");
    if (is_true(eksgate, "change") && !is_true(eksgate, "forwarded")) {
        pending->is_older |= pending->is_foreign;
        if (pending->counts)
            add(pending, sequence, GW_JOURNAL_NOT_APPLIED);
    }
    on_settled(pending, eksgate);
    value = gw_json_get(eksgate, "begun");
    if (value != NULL)
        on_begun(pending, value);
}
