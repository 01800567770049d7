/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start with a million entries is nearly all spent here. The ids are cut into
 * parts; threads, each with a connection of its own, take the next part until there
 * is none, and leave its entries in the order of their ids. What is shared is only
 * read. Few entries are read by the caller alone.
 *
 * The tables are filled when all entries are there, in the order of the buckets.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/load.h"

#define THREADED_MIN     20000 /* entries */
#define WORKERS_MAX      4
#define PARTS_PER_WORKER 8
#define PARTS_MAX        (WORKERS_MAX * PARTS_PER_WORKER)

#define SELECT GW_DATABASE_SELECT_ENTRIES " WHERE id BETWEEN ?1 AND ?2 ORDER BY id"

struct part {
    struct gw_load_rows rows;
    int64_t first; /* id */
    int64_t last;
    struct gw_load_entry *entries;
    size_t count;
    size_t capacity;
    bool has_associations;
    enum gw_status status;
    struct gw_err err;
};

struct crew {
    struct gw_load *load;
    struct part parts[PARTS_MAX];
    size_t part_count;
    atomic_size_t next;
    atomic_bool failed;
};

struct worker {
    struct crew *crew;
    sqlite3 *handle;
    sqlite3_stmt *select;
    struct gw_rows lists;
    struct gw_buf reply;
    pthread_t thread;
    bool is_thread;
};

size_t gw_load_workers(uint64_t entries)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (entries < THREADED_MIN || processors < 2)
        return 1;
    return processors > WORKERS_MAX ? WORKERS_MAX : (size_t)processors;
}

static void keep(struct part *part, struct gw_store *store, size_t cluster, uint64_t id,
                 const struct gw_access_entry *from)
{
    struct gw_access_entry *entry = gw_access_entry_new(from);

    gw_stored_entry(entry)->id = id;
    entry->version = id; /* as good as any: no two rows have the same */
    if (part->count == part->capacity) {
        part->capacity = part->capacity == 0 ? 1024 : part->capacity * 2;
        part->entries = gw_realloc(part->entries, part->capacity * sizeof(*part->entries));
    }
    part->entries[part->count++] = (struct gw_load_entry){.id = id,
                                                          .entry = entry,
                                                          .principal = entry->key.principal,
                                                          .cluster = cluster,
                                                          .key_hash = gw_engine_hash_entry(store, &entry->key),
                                                          .arn_hash = gw_engine_hash_arn(store, entry->arn)};
    part->has_associations |= entry->association_count > 0;
}

static enum gw_status take_lists(const struct part *part, struct worker *worker, const struct gw_rows_column *columns,
                                 struct gw_access_entry *from)
{
    const struct gw_rows_lists lists = {
        .groups = columns[6].text, .tags = columns[7].text, .associations = columns[8].text};
    const char *wrong = gw_rows_parse_lists(&worker->lists, &lists, from);

    return wrong == NULL ? GW_OK : gw_load_refuse(&part->rows, columns[0].number, wrong);
}

static enum gw_status take_row(struct worker *worker, struct part *part)
{
    const struct gw_load *load = worker->crew->load;
    struct gw_rows_column columns[GW_ROWS_COUNT(GW_ROWS_ENTRY)];
    struct gw_access_entry from = {.version = 0};
    enum gw_status status = gw_load_read(&part->rows, worker->select, columns);
    size_t cluster;

    if (status != GW_OK)
        return status;
    cluster = gw_load_find_cluster(load, columns[1].number);
    if (cluster == load->cluster_count)
        return gw_load_refuse(&part->rows, columns[0].number, "is of a cluster that isn't there");
    if (!gw_load_is_key_text(columns[2].text) || !gw_load_is_key_text(columns[3].text))
        return gw_load_refuse(&part->rows, columns[0].number, "has an empty or endless ARN");
    if (!gw_rows_is_ms(columns[9].number) || !gw_rows_is_ms(columns[10].number))
        return gw_load_refuse(&part->rows, columns[0].number, "has a time before 1970 or after 9999");
    status = take_lists(part, worker, columns, &from);
    if (status != GW_OK)
        return status;
    from.key = load->clusters[cluster].node->key;
    from.key.principal = columns[2].text;
    from.arn = columns[3].text;
    from.type = columns[4].text;
    from.username = columns[5].text;
    from.created_ms = columns[9].number;
    from.modified_ms = columns[10].number;
    gw_buf_clear(&worker->reply);
    load->file->encode_reply(&from, &worker->reply);
    if (worker->reply.overflowed)
        return gw_load_refuse(&part->rows, columns[0].number, "is too large");
    from.reply = gw_buf_str(&worker->reply);
    keep(part, load->store, cluster, (uint64_t)columns[0].number, &from);
    return GW_OK;
}

static enum gw_status read_part(struct worker *worker, struct part *part)
{
    const char *path = part->rows.database->path;
    enum gw_status status = GW_OK;
    int code = sqlite3_bind_int64(worker->select, 1, part->first);

    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(worker->select, 2, part->last);
    if (code == SQLITE_OK) {
        while (status == GW_OK && (code = sqlite3_step(worker->select)) == SQLITE_ROW)
            status = take_row(worker, part);
    }
    if (status == GW_OK && code != SQLITE_DONE)
        status = gw_database_fail(worker->handle, path, "read it", code, &part->err);
    (void)sqlite3_reset(worker->select);
    return status;
}

/* The worker's part in the reading: as long as there is something to read. */
static void *run(void *ctx)
{
    struct worker *worker = ctx;
    struct crew *crew = worker->crew;
    size_t next;

    while (!atomic_load(&crew->failed) && (next = atomic_fetch_add(&crew->next, 1)) < crew->part_count) {
        struct part *part = &crew->parts[next];

        part->status = read_part(worker, part);
        if (part->status != GW_OK)
            atomic_store(&crew->failed, true);
    }
    return NULL;
}

/* The first worker uses the store's own connection. */
static enum gw_status hire(struct worker *worker, struct crew *crew, sqlite3 *handle, struct gw_err *err)
{
    struct gw_database *database = crew->load->store->database;
    enum gw_status status = GW_OK;
    int code;

    *worker = (struct worker){.crew = crew, .handle = handle};
    gw_rows_init(&worker->lists);
    gw_buf_init(&worker->reply, GW_ROWS_TEXT_MAX);
    if (handle == NULL)
        status = gw_database_connect(database->path, crew->load->file, &worker->handle, err);
    if (status != GW_OK)
        return status;
    code = sqlite3_prepare_v2(worker->handle, SELECT, -1, &worker->select, NULL);
    return code == SQLITE_OK ? GW_OK : gw_database_fail(worker->handle, database->path, "read it", code, err);
}

static void dismiss(struct worker *worker, bool is_own)
{
    if (worker->is_thread)
        (void)pthread_join(worker->thread, NULL);
    (void)sqlite3_finalize(worker->select);
    if (is_own)
        (void)sqlite3_close(worker->handle);
    gw_rows_fini(&worker->lists);
    gw_buf_fini(&worker->reply);
}

static enum gw_status run_crew(struct crew *crew, size_t worker_count, struct gw_err *err)
{
    struct worker workers[WORKERS_MAX];
    enum gw_status status = GW_OK;
    size_t hired = 0;

    while (status == GW_OK && hired < worker_count) {
        sqlite3 *handle = hired == 0 ? crew->load->store->database->handle : NULL;

        status = hire(&workers[hired++], crew, handle, err);
    }
    for (size_t i = 1; status == GW_OK && i < hired; i++)
        workers[i].is_thread = pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0;
    if (status == GW_OK)
        (void)run(&workers[0]);
    for (size_t i = 0; i < hired; i++)
        dismiss(&workers[i], i > 0);
    return status;
}

/* The ends take in what no id should be: such rows are met, and refused. */
static void cut(struct crew *crew, size_t parts)
{
    struct gw_database *database = crew->load->store->database;
    int64_t step = (int64_t)(database->state.last_id / parts) + 1;

    crew->part_count = parts;
    for (size_t i = 0; i < parts; i++) {
        struct part *part = &crew->parts[i];

        part->first = i == 0 ? INT64_MIN : (int64_t)i * step + 1;
        part->last = i == parts - 1 ? INT64_MAX : ((int64_t)i + 1) * step;
        part->rows = (struct gw_load_rows){.database = database,
                                           .table = "access_entry",
                                           .kinds = GW_ROWS_ENTRY,
                                           .last_id = i == 0 ? 0 : part->first - 1,
                                           .err = &part->err};
    }
}

/* Puts the parts together, and frees them. */
static void join(struct crew *crew)
{
    struct gw_load *load = crew->load;
    size_t count = 0;

    for (size_t i = 0; i < crew->part_count; i++)
        count += crew->parts[i].count;
    load->entries = gw_alloc(count * sizeof(*load->entries));
    for (size_t i = 0; i < crew->part_count; i++) {
        struct part *part = &crew->parts[i];

        if (part->count > 0)
            memcpy(load->entries + load->entry_count, part->entries, part->count * sizeof(*part->entries));
        load->entry_count += part->count;
        load->has_associations |= part->has_associations;
        free(part->entries);
        part->entries = NULL;
    }
    for (size_t i = 0; i < load->entry_count; i++)
        load->clusters[load->entries[i].cluster].entries++;
}

static void forget(struct crew *crew)
{
    for (size_t i = 0; i < crew->part_count; i++) {
        for (size_t k = 0; k < crew->parts[i].count; k++)
            gw_access_entry_free(&crew->parts[i].entries[k].entry);
        free(crew->parts[i].entries);
    }
}

enum gw_status gw_load_entries(struct gw_load *load, struct gw_err *err)
{
    size_t workers = gw_load_workers(load->store->database->state.access_entries);
    struct crew *crew = gw_alloc_zero(1, sizeof(*crew));
    enum gw_status status;

    crew->load = load;
    cut(crew, workers == 1 ? 1 : workers * PARTS_PER_WORKER);
    status = run_crew(crew, workers, err);
    for (size_t i = 0; status == GW_OK && i < crew->part_count; i++) {
        status = crew->parts[i].status;
        if (status != GW_OK)
            (void)gw_fail(err, status, "%s", crew->parts[i].err.text);
    }
    if (status == GW_OK)
        join(crew);
    else
        forget(crew);
    free(crew);
    return status;
}

static const void *key_of_entry(const void *object)
{
    const struct gw_access_entry *entry = object;

    return &entry->key;
}

static const void *arn_of_entry(const void *object)
{
    const struct gw_access_entry *entry = object;

    return &entry->arn;
}

static void on_same_key(void *ctx, void *older, void *newer)
{
    int64_t *id = ctx;
    struct gw_access_entry *entry = older;

    *id = (int64_t)gw_stored_entry(newer)->id;
    gw_access_entry_free(&entry);
}

/* Of entries with the same ARN the newest is found by it. */
static void on_same_arn(void *ctx, void *older, void *newer)
{
    (void)ctx;
    (void)older;
    (void)newer;
}

enum gw_status gw_load_fill_keys(struct gw_load *load, struct gw_err *err)
{
    const struct gw_load_rows rows = {.database = load->store->database, .table = "access_entry", .err = err};
    struct gw_table_item *items = gw_alloc(load->entry_count * sizeof(*items));
    int64_t twice = 0;

    for (size_t i = 0; i < load->entry_count; i++)
        items[i] = (struct gw_table_item){load->entries[i].key_hash, load->entries[i].entry};
    gw_table_fill(&load->store->entries, items, load->entry_count,
                  &(const struct gw_table_filling){key_of_entry, on_same_key, &twice});
    free(items);
    return twice == 0 ? GW_OK : gw_load_refuse(&rows, twice, "is there twice");
}

void gw_load_fill_arns(struct gw_load *load)
{
    struct gw_table_item *items = gw_alloc(load->entry_count * sizeof(*items));

    for (size_t i = 0; i < load->entry_count; i++)
        items[i] = (struct gw_table_item){load->entries[i].arn_hash, load->entries[i].entry};
    gw_table_fill(&load->store->arns, items, load->entry_count,
                  &(const struct gw_table_filling){arn_of_entry, on_same_arn, NULL});
    free(items);
}
