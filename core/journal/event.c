/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records that the journal makes of itself, each as a tree: there are few. It
 * doesn't decide when one is due.
 */
#include "journal/event.h"

#include "journal/checkpoint.h"
#include "journal/inner.h"
#include "journal/record.h"

#define REASON_MAX 1024

static void set_text(struct gw_arena *arena, struct gw_json *object, struct gw_str name, const char *text)
{
    if (text != NULL)
        gw_json_set(arena, object, name, gw_json_string(gw_str_slice(gw_str_from(text), 0, REASON_MAX)));
}

static void set_number(struct gw_arena *arena, struct gw_json *object, struct gw_str name, uint64_t number)
{
    gw_json_set(arena, object, name, gw_json_integer((int64_t)number));
}

static void encode(const struct gw_journal *journal, const char *name, const struct gw_json *eksgate,
                   struct gw_buf *out)
{
    char id[37];
    struct gw_record record = {.is_own = true,
                               .time_ms = gw_clock_wall_ms(journal->clock),
                               .operation = gw_str_from(name),
                               .event_source = GW_STR_INIT("eksgate"),
                               .read_only = true,
                               .eksgate = eksgate};

    gw_random_uuid(journal->random, id);
    record.event_id = (struct gw_str){id, sizeof(id) - 1};
    gw_record_encode(&record, out);
}

/* Takes the record into the batch; frees the arena. */
static void append(struct gw_journal *journal, const char *name, const struct gw_json *eksgate, struct gw_arena *arena)
{
    struct gw_buf record;

    gw_buf_init(&record, GW_JOURNAL_TEXT_MAX);
    encode(journal, name, eksgate, &record);
    if (record.overflowed || gw_journal_append(journal, gw_buf_str(&record), NULL) != GW_OK)
        gw_fatal("a record of the journal's own was refused");
    gw_buf_fini(&record);
    gw_arena_fini(arena);
}

/* Likewise; where there is no batch, the record is owed. */
static void append_owed(struct gw_journal *journal, const char *name, const struct gw_json *eksgate,
                        struct gw_arena *arena)
{
    bool has_batch = journal->text.length > journal->owed.length;

    append(journal, name, eksgate, arena);
    if (!has_batch)
        journal->owed = (struct gw_journal_mark){journal->text.length, journal->head};
}

void gw_event_append_begun(struct gw_journal *journal, const struct gw_event_begun *begun)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json said = object;
    struct gw_json range = object;
    struct gw_arena arena;
    char id[37];

    gw_arena_init(&arena, 0);
    set_text(&arena, &said, GW_STR("chain"), begun->is_new_chain ? "new" : "continued");
    if (begun->is_new_chain) {
        gw_random_uuid(journal->random, id);
        set_text(&arena, &said, GW_STR("id"), id);
    }
    set_text(&arena, &said, GW_STR("store"), begun->store);
    if (begun->start->is_durable && !begun->start->is_new)
        set_number(&arena, &said, GW_STR("committed"), begun->start->committed.sequence);
    if (begun->start->is_durable)
        set_number(&arena, &said, GW_STR("settled"), begun->settled);
    if (begun->up_to > begun->start->committed.sequence) {
        set_number(&arena, &range, GW_STR("after"), begun->start->committed.sequence);
        set_number(&arena, &range, GW_STR("upTo"), begun->up_to);
        gw_json_set(&arena, &said, GW_STR("notApplied"), range);
    }
    if (begun->start->is_durable && begun->start->has_unrecorded)
        gw_json_set(&arena, &said, GW_STR("unrecorded"), gw_json_bool(true));
    gw_json_set(&arena, &object, GW_STR("begun"), said);
    append_owed(journal, GW_EVENT_BEGUN, &object, &arena);
}

void gw_event_append_continued(struct gw_journal *journal, uint64_t after, const char *name, const char *reason)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json said = object;
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    set_number(&arena, &said, GW_STR("after"), after);
    set_text(&arena, &said, GW_STR("file"), name);
    set_text(&arena, &said, GW_STR("reason"), reason);
    gw_json_set(&arena, &object, GW_STR("continues"), said);
    append_owed(journal, GW_EVENT_CONTINUED, &object, &arena);
}

void gw_event_append_rotated(struct gw_journal *journal, const char *name)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json said = object;
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    set_number(&arena, &said, GW_STR("after"), journal->written.head.sequence);
    set_text(&arena, &said, GW_STR("file"), name);
    gw_json_set(&arena, &object, GW_STR("rotated"), said);
    append_owed(journal, GW_EVENT_ROTATED, &object, &arena);
}

void gw_event_append_settled(struct gw_journal *journal, uint64_t sequence, enum gw_journal_outcome outcome,
                             enum gw_journal_maker maker, const char *reason)
{
    static const char *const outcomes[] = {
        [GW_JOURNAL_APPLIED] = "applied", [GW_JOURNAL_NOT_APPLIED] = "not applied", [GW_JOURNAL_UNKNOWN] = "unknown"};
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    set_number(&arena, &object, GW_STR("settles"), sequence);
    set_text(&arena, &object, GW_STR("outcome"), outcomes[outcome]);
    set_text(&arena, &object, GW_STR("reason"), reason);
    if (maker != GW_JOURNAL_STORE)
        gw_json_set(&arena, &object, GW_STR("forwarded"), gw_json_bool(true));
    if (maker == GW_JOURNAL_UPSTREAM_VERIFIED || maker == GW_JOURNAL_UPSTREAM_UNVERIFIED)
        gw_json_set(&arena, &object, GW_STR("verified"), gw_json_bool(maker == GW_JOURNAL_UPSTREAM_VERIFIED));
    if (maker == GW_JOURNAL_UPSTREAM_VERIFIED)
        set_text(&arena, &object, GW_STR("verifiedBy"), "upstream");
    append(journal, GW_EVENT_SETTLED, &object, &arena);
}

void gw_event_append_checkpoint(struct gw_journal *journal)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_arena arena;

    if (journal->key == NULL || gw_chain_equal(&journal->head, &journal->checkpointed))
        return;
    gw_arena_init(&arena, 0);
    gw_json_set(&arena, &object, GW_STR("checkpoint"),
                gw_checkpoint_sign(journal->key, &journal->head, gw_clock_wall_ms(journal->clock), &arena));
    append_owed(journal, GW_EVENT_CHECKPOINT, &object, &arena);
    journal->checkpointed = journal->head;
    journal->checkpoint_ms = gw_clock_monotonic_ms(journal->clock);
}
