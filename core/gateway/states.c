/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing happen on the writer's thread, alone in a batch, so that
 * each is of one moment. Texts are checked and turned into objects before the
 * writer hears of them.
 *
 * Where the store is durable it has the snapshots, too, and gives them to the next
 * process. They are kept here all the same: a mock's are small.
 */
#include "gateway/states.h"

#include <stdlib.h>

#include "eks/state.h"
#include "gateway/exchange.h"
#include "journal/record.h"

struct kept {
    char name[GW_STATES_NAME_MAX + 1];
    char *text; /* NULL: a free place */
    size_t length;
    struct gw_mock_history history;
};

struct gw_states {
    struct kept begun; /* what reset goes back to */
    struct kept named[GW_STATES_NAMED_MAX];
};

/* A snapshot as the store has it, copied; the decoding is for another thread than the writer's. */
struct stored {
    char *name;
    char *state;
    size_t state_length;
    char *history;
    size_t history_length;
};

struct stored_list {
    struct stored *items;
    size_t count;
};

/* What the writer is asked for; members that are NULL aren't. */
struct order {
    struct gw_commit_job job;
    struct gw_mock *mock;
    struct gw_buf *out;                  /* takes the text of what there is */
    struct gw_str name;                  /* under which the store keeps that, with what goes with it */
    struct gw_buf history;               /* the text of the latter */
    struct stored_list *stored;          /* takes the snapshots that the store has */
    struct gw_mock_history *remembered;  /* takes what goes with it */
    struct gw_eks_state *state;          /* becomes what there is */
    const struct gw_mock_history *given; /* goes with `state`; NULL: it is new to the mock */
    struct gw_mock_history fresh;        /* of one that is new */
    struct gw_err err;                   /* of reading the store */
};

struct gw_states *gw_states_new(void)
{
    return gw_alloc_zero(1, sizeof(struct gw_states));
}

static void forget(struct kept *kept)
{
    if (kept->text != NULL)
        gw_mock_history_fini(&kept->history);
    free(kept->text);
    *kept = (struct kept){.text = NULL};
}

void gw_states_free(struct gw_states **states)
{
    if (*states == NULL)
        return;
    for (size_t i = 0; i < GW_STATES_NAMED_MAX; i++)
        forget(&(*states)->named[i]);
    forget(&(*states)->begun);
    free(*states);
    *states = NULL;
}

/* Everything in a new state has been made once. */
static void count_all(const struct gw_eks_state *state, struct gw_mock *mock, struct gw_mock_history *history)
{
    for (size_t i = 0; i < state->count; i++) {
        const struct gw_eks_state_cluster *one = &state->clusters[i];

        gw_mock_history_count(mock, history, &one->cluster->key, false);
        for (size_t k = 0; k < one->entry_count; k++)
            gw_mock_history_count(mock, history, &one->entries[k]->key, true);
    }
}

/* Under a name the text is kept in the store, too. One that is larger than it may be isn't: the caller sees that. */
static enum gw_status keep_in_store(struct order *order, struct gw_store *store)
{
    struct gw_store_snapshot snapshot = {.name = order->name};

    if (order->name.length == 0 || order->out->overflowed)
        return GW_OK;
    gw_mock_history_encode(order->mock, order->remembered, &order->history);
    if (order->history.overflowed)
        return GW_E_LIMIT;
    snapshot.state = gw_buf_str(order->out);
    snapshot.history = gw_buf_str(&order->history);
    return gw_store_stage_snapshot(store, &snapshot);
}

static void take_stored(void *ctx, const struct gw_store_snapshot *snapshot)
{
    struct stored_list *list = ctx;

    list->items = gw_realloc(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = (struct stored){.name = gw_str_dup(snapshot->name),
                                                 .state = gw_memdup(snapshot->state.at, snapshot->state.length),
                                                 .state_length = snapshot->state.length,
                                                 .history = gw_memdup(snapshot->history.at, snapshot->history.length),
                                                 .history_length = snapshot->history.length};
}

/* On the writer's thread. */
static enum gw_status on_stage(struct gw_commit_job *job, struct gw_store *store)
{
    struct order *order = job->ctx;

    gw_mock_history_offer(order->mock, NULL);
    if (order->out != NULL)
        gw_eks_state_encode(store, order->out);
    if (order->remembered != NULL)
        gw_mock_history_get(order->mock, order->remembered);
    if (order->stored != NULL)
        return gw_store_read_snapshots(store, take_stored, order->stored, &order->err);
    if (order->state == NULL)
        return keep_in_store(order, store);
    if (order->given == NULL)
        count_all(order->state, order->mock, &order->fresh);
    gw_mock_history_offer(order->mock, order->given != NULL ? order->given : &order->fresh);
    return gw_eks_state_stage(order->state, store);
}

/* The record of a replacement. What there is afterwards is told by its size: a state is larger than records may be. */
static void encode_record(const struct gw_gateway *gateway, const struct gw_eks_state *state, struct gw_buf *text)
{
    struct gw_json eksgate = {.type = GW_JSON_OBJECT};
    struct gw_record record = {.time_ms = gw_clock_wall_ms(gateway->clock),
                               .operation = GW_STR_INIT("StateReplaced"),
                               .is_own = true,
                               .eksgate = &eksgate};
    struct gw_arena arena;
    char id[37];

    gw_arena_init(&arena, 0);
    gw_json_set(&arena, &eksgate, GW_STR("change"), gw_json_bool(true));
    gw_json_set(&arena, &eksgate, GW_STR("source"), gw_json_string(GW_STR("mock")));
    gw_json_set(&arena, &eksgate, GW_STR("clusters"), gw_json_integer((int64_t)state->count));
    gw_json_set(&arena, &eksgate, GW_STR("accessEntries"), gw_json_integer((int64_t)state->entry_count));
    gw_random_uuid(gateway->random, id);
    record.event_id = (struct gw_str){id, 36};
    gw_record_encode(&record, text);
    gw_arena_fini(&arena);
}

static enum gw_status run(struct gw_gateway *gateway, struct order *order, struct gw_err *err)
{
    enum gw_status status;
    struct gw_buf record;

    gw_buf_init(&record, GW_JOURNAL_TEXT_MAX);
    order->mock = gateway->mock;
    order->job = (struct gw_commit_job){.stage = on_stage, .ctx = order};
    if (order->state != NULL) {
        encode_record(gateway, order->state, &record);
        order->job.record = gw_buf_str(&record);
    }
    order->err.text[0] = '\0';
    gw_mock_history_init(&order->fresh);
    gw_buf_init(&order->history, GW_STATES_TEXT_MAX);
    status = gw_commit_run(gateway->commit, &order->job);
    gw_buf_fini(&record);
    gw_buf_fini(&order->history);
    gw_mock_history_fini(&order->fresh);
    if (status == GW_OK)
        return GW_OK;
    if (order->err.text[0] != '\0')
        return gw_fail(err, status, "%s", order->err.text);
    return gw_fail(err, status == GW_E_BUSY ? GW_E_BUSY : GW_E_IO,
                   "The writer took nothing (%s); nothing was changed. Try again.", gw_status_name(status));
}

enum gw_status gw_states_write(struct gw_gateway *gateway, struct gw_buf *out, struct gw_err *err)
{
    struct order order = {.out = out};
    enum gw_status status = run(gateway, &order, err);

    if (status == GW_OK && out->overflowed)
        return gw_fail(err, GW_E_LIMIT, "The state is larger than %zu bytes.", out->cap);
    return status;
}

/* The text's objects, with the settings of this moment. */
static enum gw_status decode(struct gw_gateway *gateway, struct gw_str text, struct gw_eks_state *state,
                             struct gw_err *err)
{
    struct gw_epoch_reader *reader = gw_epoch_register(gateway->epoch);
    const struct gw_gateway_settings *settings;
    struct gw_eks_state_place place;
    struct gw_eks_env env;
    enum gw_status status;

    gw_epoch_enter(reader);
    settings = atomic_load(&gateway->settings);
    place = (struct gw_eks_state_place){settings->partition, settings->account, settings->region};
    env = gw_gateway_env(gateway, settings);
    gw_mock_fill_new(gateway->mock, &env);
    status = gw_eks_state_decode(text, &place, &env, state, err);
    gw_epoch_leave(reader);
    gw_epoch_unregister(reader);
    return status;
}

static enum gw_status put(struct gw_gateway *gateway, struct gw_str text, const struct gw_mock_history *given,
                          size_t *clusters, size_t *entries, struct gw_err *err)
{
    struct gw_eks_state state;
    struct order order = {.state = &state, .given = given};
    enum gw_status status = decode(gateway, text, &state, err);

    if (status != GW_OK)
        return status;
    *clusters = state.count;
    *entries = state.entry_count;
    status = run(gateway, &order, err);
    gw_eks_state_free(&state);
    return status;
}

enum gw_status gw_states_put(struct gw_gateway *gateway, struct gw_str text, size_t *clusters, size_t *entries,
                             struct gw_err *err)
{
    return put(gateway, text, NULL, clusters, entries, err);
}

bool gw_states_is_name(struct gw_str name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
            return false;
    }
    return name.length > 0 && name.length <= GW_STATES_NAME_MAX;
}

static struct kept *find(struct gw_states *states, struct gw_str name)
{
    for (size_t i = 0; i < GW_STATES_NAMED_MAX; i++) {
        if (states->named[i].text != NULL && gw_str_is(name, states->named[i].name))
            return &states->named[i];
    }
    return NULL;
}

static struct kept *find_free(struct gw_states *states)
{
    for (size_t i = 0; i < GW_STATES_NAMED_MAX; i++) {
        if (states->named[i].text == NULL)
            return &states->named[i];
    }
    return NULL;
}

static size_t count_bytes(const struct gw_states *states)
{
    size_t bytes = 0;

    for (size_t i = 0; i < GW_STATES_NAMED_MAX; i++)
        bytes += states->named[i].length;
    return bytes;
}

/* `kept` becomes what there is; `max` bytes of it at most. */
static enum gw_status keep(struct gw_gateway *gateway, struct gw_str name, size_t max, struct kept *kept,
                           struct gw_err *err)
{
    struct gw_mock_history history;
    struct gw_buf text;
    struct order order = {.out = &text, .remembered = &history, .name = name};
    enum gw_status status;

    gw_buf_init(&text, max < GW_STATES_TEXT_MAX ? max : GW_STATES_TEXT_MAX);
    gw_mock_history_init(&history);
    status = run(gateway, &order, err);
    if (status == GW_OK && text.overflowed)
        status = gw_fail(err, GW_E_LIMIT, "The state is larger than %zu bytes.", text.cap);
    if (status != GW_OK) {
        gw_buf_fini(&text);
        gw_mock_history_fini(&history);
        return status;
    }
    forget(kept);
    memcpy(kept->name, name.at, name.length);
    kept->text = gw_memdup(text.at, text.length); /* without the room that a buffer has to grow */
    kept->length = text.length;
    kept->history = history;
    gw_buf_fini(&text);
    return GW_OK;
}

enum gw_status gw_states_keep(struct gw_gateway *gateway, struct gw_str name, struct gw_err *err)
{
    struct gw_states *states = gateway->states;
    struct kept *kept = find(states, name);
    size_t others = count_bytes(states) - (kept != NULL ? kept->length : 0);

    if (kept == NULL)
        kept = find_free(states);
    if (kept == NULL)
        return gw_fail(err, GW_E_LIMIT, "There are %d snapshots already; take one under a name that is there.",
                       GW_STATES_NAMED_MAX);
    return keep(gateway, name, GW_STATES_BYTES_MAX - others, kept, err);
}

static void forget_stored(struct stored_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].state);
        free(list->items[i].history);
    }
    free(list->items);
}

/* Takes over what the store had; its text is looked at when it is brought back. */
static enum gw_status take_over(struct gw_gateway *gateway, struct stored *stored, struct gw_err *err)
{
    struct gw_states *states = gateway->states;
    struct gw_str name = gw_str_from(stored->name);
    struct kept *kept = find_free(states);
    enum gw_status status;

    if (!gw_states_is_name(name) || find(states, name) != NULL || kept == NULL || stored->state_length == 0 ||
        stored->state_length > GW_STATES_TEXT_MAX || stored->state_length > GW_STATES_BYTES_MAX - count_bytes(states))
        return gw_fail(err, GW_E_SYNTAX, "store: its snapshots aren't those of a mock; restore a backup");
    gw_mock_history_init(&kept->history);
    status =
        gw_mock_history_decode(gateway->mock, (struct gw_str){stored->history, stored->history_length}, &kept->history);
    if (status != GW_OK) {
        gw_mock_history_fini(&kept->history);
        return gw_fail(err, status, "store: the history of the snapshot %s isn't a mock's; restore a backup",
                       stored->name);
    }
    memcpy(kept->name, name.at, name.length);
    kept->text = stored->state;
    kept->length = stored->state_length;
    stored->state = NULL;
    return GW_OK;
}

/* The snapshots that the store has from another process. */
static enum gw_status read_stored(struct gw_gateway *gateway, struct gw_err *err)
{
    struct stored_list list = {.items = NULL};
    struct order order = {.stored = &list};
    enum gw_status status = run(gateway, &order, err);

    for (size_t i = 0; status == GW_OK && i < list.count; i++)
        status = take_over(gateway, &list.items[i], err);
    forget_stored(&list);
    return status;
}

static enum gw_status bring_back(struct gw_gateway *gateway, const struct kept *kept, struct gw_err *err)
{
    size_t clusters;
    size_t entries;

    return put(gateway, (struct gw_str){kept->text, kept->length}, &kept->history, &clusters, &entries, err);
}

enum gw_status gw_states_restore(struct gw_gateway *gateway, struct gw_str name, struct gw_err *err)
{
    const struct kept *kept = find(gateway->states, name);

    if (kept == NULL)
        return gw_fail(err, GW_E_MISSING, "There is no such snapshot; GET /v1/mock/snapshots lists them.");
    return bring_back(gateway, kept, err);
}

void gw_states_list(const struct gw_gateway *gateway, struct gw_buf *out)
{
    const char *comma = "";

    gw_buf_append_lit(out, "{\"snapshots\":[");
    for (size_t i = 0; i < GW_STATES_NAMED_MAX; i++) {
        const struct kept *kept = &gateway->states->named[i];

        if (kept->text == NULL)
            continue;
        gw_buf_printf(out, "%s{\"name\":\"%s\",\"bytes\":%zu}", comma, kept->name, kept->length);
        comma = ",";
    }
    gw_buf_append_lit(out, "]}\n");
}

enum gw_status gw_states_reset(struct gw_gateway *gateway, struct gw_err *err)
{
    enum gw_status status = bring_back(gateway, &gateway->states->begun, err);

    if (status == GW_OK)
        status = gw_gateway_make_clusters(gateway, err); /* those that a reload has added since */
    if (status == GW_OK)
        gw_mock_begin(gateway->mock);
    return status;
}

enum gw_status gw_gateway_begin_mock(struct gw_gateway *gateway, struct gw_str seed, struct gw_err *err)
{
    enum gw_status status = read_stored(gateway, err);
    size_t clusters;
    size_t entries;

    if (status == GW_OK && seed.at != NULL)
        status = put(gateway, seed, NULL, &clusters, &entries, err);
    if (status == GW_OK)
        status = gw_gateway_make_clusters(gateway, err);
    return status == GW_OK ? keep(gateway, GW_STR(""), GW_STATES_TEXT_MAX, &gateway->states->begun, err) : status;
}
