/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as comma-separated values: every line has the columns of the first,
 * sorted; under a key the same lines are found, in order and once; the limit on
 * values holds.
 */
#include <stdlib.h>

#include "codec/csv.h"

#define VALUES_MAX 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_row(const struct gw_json *row, const struct gw_json *first)
{
    require(row->type == GW_JSON_OBJECT && row->as.object.count == first->as.object.count);
    for (size_t i = 0; i < row->as.object.count; i++) {
        const struct gw_json_member *member = &row->as.object.members[i];

        require(member->value.type == GW_JSON_STRING);
        require(gw_str_equal(member->name, first->as.object.members[i].name));
        require(i == 0 || gw_str_compare(row->as.object.members[i - 1].name, member->name) < 0);
    }
}

static void check_keyed(struct gw_str text, const struct gw_json *list, struct gw_arena *arena)
{
    struct gw_csv_options options = {.values_max = VALUES_MAX};
    struct gw_json keyed;
    struct gw_err err;
    size_t values;

    if (list->as.array.count == 0)
        return;
    options.key = list->as.array.items[0].as.object.members[0].name;
    if (gw_csv_parse(text, &options, arena, &keyed, &values, &err) != GW_OK)
        return;
    require(keyed.as.object.count == list->as.array.count);
    for (size_t i = 0; i < keyed.as.object.count; i++) {
        const struct gw_json_member *member = &keyed.as.object.members[i];

        check_row(&member->value, &list->as.array.items[0]);
        require(gw_str_equal(member->name, member->value.as.object.members[0].value.as.string));
        require(i == 0 || gw_str_compare(keyed.as.object.members[i - 1].name, member->name) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_csv_options options = {.values_max = VALUES_MAX};
    struct gw_arena arena;
    struct gw_json list;
    struct gw_err err = {""};
    size_t values = 0;

    gw_arena_init(&arena, 0);
    struct gw_str text = gw_arena_str(&arena, (struct gw_str){(const char *)data, size});
    if (gw_csv_parse(text, &options, &arena, &list, &values, &err) == GW_OK) {
        require(values <= VALUES_MAX && list.type == GW_JSON_ARRAY);
        for (size_t i = 0; i < list.as.array.count; i++)
            check_row(&list.as.array.items[i], &list.as.array.items[0]);
        check_keyed(text, &list, &arena);
    } else {
        require(err.text[0] != '\0');
    }
    gw_arena_fini(&arena);
    return 0;
}
