/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a file, lets a codec parse it and sorts what has names, so that a look-up
 * takes as many comparisons as the logarithm of their number.
 */
#include "script/data.h"

#include <stdlib.h>

#include "base/file.h"
#include "codec/csv.h"

/* One of a set's files. */
struct gw_data_link {
    struct gw_data_link *next;
    struct gw_data *data;
};

static int compare_members(const void *a, const void *b)
{
    const struct gw_json_member *left = a;
    const struct gw_json_member *right = b;
    return gw_str_compare(left->name, right->name);
}

static enum gw_status tidy(struct gw_json *value, struct gw_err *err);

static enum gw_status tidy_object(struct gw_json *value, struct gw_err *err)
{
    struct gw_json_member *members = value->as.object.members;
    size_t kept = 0;
    for (size_t i = 0; i < value->as.object.count; i++) {
        enum gw_status status = tidy(&members[i].value, err);
        if (status != GW_OK)
            return status;
        if (members[i].value.type != GW_JSON_NULL)
            members[kept++] = members[i];
    }
    value->as.object.count = kept;
    if (kept > 1)
        qsort(members, kept, sizeof *members, compare_members);
    return GW_OK;
}

/* As deep as the parser lets pass. */
static enum gw_status tidy(struct gw_json *value, struct gw_err *err)
{
    enum gw_status status = GW_OK;
    if (value->type == GW_JSON_OBJECT)
        return tidy_object(value, err);
    for (size_t i = 0; value->type == GW_JSON_ARRAY && i < value->as.array.count && status == GW_OK; i++) {
        struct gw_json *item = &value->as.array.items[i];
        if (item->type == GW_JSON_NULL)
            return gw_fail(err, GW_E_SYNTAX, "item %zu of a list is null", i + 1);
        status = tidy(item, err);
    }
    return status;
}

static enum gw_status parse_json(struct gw_str text, size_t values_max, struct gw_data *data, struct gw_err *err)
{
    enum gw_status status = gw_json_parse_many(text, values_max, &data->arena, &data->root, &data->values, err);
    if (status == GW_OK && data->root.type != GW_JSON_OBJECT && data->root.type != GW_JSON_ARRAY)
        return gw_fail(err, GW_E_TYPE, "must be an object or an array, not a %s", gw_json_type_name(data->root.type));
    return status == GW_OK ? tidy(&data->root, err) : status;
}

static enum gw_status parse(struct gw_str text, size_t values_max, struct gw_data *data, struct gw_err *err)
{
    struct gw_csv_options options = {.key = gw_str_from(data->key), .values_max = values_max};
    if (!data->is_csv)
        return parse_json(text, values_max, data, err);
    text = gw_arena_str(&data->arena, text); /* the fields are views into it */
    return gw_csv_parse(text, &options, &data->arena, &data->root, &data->values, err);
}

static void free_data(struct gw_data *data)
{
    gw_arena_fini(&data->arena);
    free(data->path);
    free(data->key);
    free(data);
}

/* What the set's other files leave of its limits. */
static enum gw_status room_for(const struct gw_sources *sources, const char *path, size_t *bytes, size_t *values,
                               struct gw_err *err)
{
    size_t count = 0;
    *bytes = GW_DATA_TOTAL_MAX;
    *values = GW_DATA_VALUES_MAX;
    for (const struct gw_data_link *link = sources->data; link != NULL; link = link->next, count++) {
        *bytes -= link->data->bytes;
        *values -= link->data->values;
    }
    if (*bytes > GW_DATA_BYTES_MAX)
        *bytes = GW_DATA_BYTES_MAX;
    if (count == GW_DATA_COUNT_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: more than %d data files", path, GW_DATA_COUNT_MAX);
    return GW_OK;
}

static enum gw_status read_data(struct gw_sources *sources, const struct gw_data_wanted *wanted, struct gw_data **data,
                                struct gw_err *err)
{
    size_t bytes_max;
    size_t values_max;
    struct gw_buf bytes;
    struct gw_err why;
    enum gw_status status = room_for(sources, wanted->path, &bytes_max, &values_max, err);
    if (status != GW_OK)
        return status;
    struct gw_data *fresh = gw_alloc_zero(1, sizeof *fresh);
    fresh->path = gw_str_dup(gw_str_from(wanted->path));
    fresh->is_csv = wanted->is_csv;
    fresh->key = wanted->key.at == NULL ? NULL : gw_str_dup(wanted->key);
    gw_arena_init(&fresh->arena, (size_t)64 << 10);
    gw_buf_init(&bytes, bytes_max);
    status = gw_file_read(wanted->path, &bytes, err);
    fresh->bytes = bytes.length;
    if (status == GW_OK && parse(gw_buf_str(&bytes), values_max, fresh, &why) != GW_OK)
        status = gw_fail(err, GW_E_SYNTAX, "%s: %s", wanted->path, why.text);
    gw_buf_fini(&bytes);
    if (status != GW_OK) {
        free_data(fresh);
        return status;
    }
    *data = fresh;
    return GW_OK;
}

static struct gw_data *find(const struct gw_sources *sources, const struct gw_data_wanted *wanted)
{
    for (const struct gw_data_link *link = sources->data; link != NULL; link = link->next) {
        if (strcmp(link->data->path, wanted->path) == 0 && link->data->is_csv == wanted->is_csv &&
            gw_str_equal(gw_str_from(link->data->key), wanted->key))
            return link->data;
    }
    return NULL;
}

static void add(struct gw_sources *sources, struct gw_data *data)
{
    struct gw_data_link *link = gw_alloc_zero(1, sizeof *link);
    atomic_fetch_add(&data->references, 1);
    *link = (struct gw_data_link){.next = sources->data, .data = data};
    sources->data = link;
}

enum gw_status gw_data_get(struct gw_sources *sources, const struct gw_data_wanted *wanted, const struct gw_data **data,
                           struct gw_err *err)
{
    struct gw_data *found = find(sources, wanted);
    if (found != NULL) {
        *data = found;
        return GW_OK;
    }
    if (sources->sealed)
        return gw_fail(err, GW_E_DENIED, "%s: not read when the policies were loaded", wanted->path);
    enum gw_status status = GW_OK;
    if (sources->known != NULL)
        found = find(sources->known, wanted);
    if (found == NULL)
        status = read_data(sources, wanted, &found, err);
    if (status != GW_OK)
        return status;
    add(sources, found);
    *data = found;
    return GW_OK;
}

const struct gw_json_member *gw_data_find(const struct gw_json *object, struct gw_str name)
{
    size_t low = 0;
    size_t high = object->as.object.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = gw_str_compare(object->as.object.members[middle].name, name);
        if (order == 0)
            return &object->as.object.members[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void gw_data_free_all(struct gw_sources *sources)
{
    while (sources->data != NULL) {
        struct gw_data_link *link = sources->data;
        sources->data = link->next;
        if (atomic_fetch_sub(&link->data->references, 1) == 1)
            free_data(link->data);
        free(link);
    }
}
