/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The updates of a cluster of a state, brought into the very form in which
 * cluster_update.c keeps them.
 */
#include "codec/time.h"
#include "eks/cluster_update.h"
#include "eks/state_reader.h"

#define UPDATES_TEXT_MAX ((size_t)8 << 20) /* past what requests make: 100 of 16 KiB, escaped */
#define UPDATE_MAX       ((size_t)1 << 20)

/* [{"type":...,"value":...}] */
static enum gw_status check_params(const struct gw_state_reader *reader, const struct gw_json *params)
{
    static const char *const names[] = {"type", "value", NULL};

    if (params == NULL)
        return GW_OK;
    if (params->type != GW_JSON_ARRAY)
        return gw_state_wrong(reader, GW_E_TYPE, "updates.params", "must be an array of {type, value}");
    for (size_t i = 0; i < params->as.array.count; i++) {
        const struct gw_json *one = &params->as.array.items[i];
        struct gw_str text = GW_STR_NONE;
        enum gw_status status = gw_state_only(reader, "updates.params", one, names);

        for (size_t k = 0; status == GW_OK && names[k] != NULL; k++)
            status = gw_state_text(reader, "updates.params", one, names[k], &text);
        if (status != GW_OK)
            return status;
    }
    return GW_OK;
}

/* In the very form that DescribeUpdate keeps: id first, times with three places. */
static enum gw_status encode_update(const struct gw_state_reader *reader, const struct gw_json *update,
                                    struct gw_str *text)
{
    struct gw_str id = GW_STR_NONE;
    struct gw_str word[] = {GW_STR("Successful"), GW_STR("ConfigUpdate")};
    const struct gw_json *params = gw_state_get(update, "params");
    int64_t created_ms = reader->env->now_ms;
    enum gw_status status = gw_state_text(reader, "updates", update, "id", &id);
    struct gw_buf out;

    if (status == GW_OK && !gw_state_is_id(id))
        status = gw_state_wrong(reader, GW_E_SYNTAX, "updates.id", "must be a UUID in lower case");
    if (status == GW_OK)
        status = gw_state_text(reader, "updates", update, "status", &word[0]);
    if (status == GW_OK)
        status = gw_state_text(reader, "updates", update, "type", &word[1]);
    if (status == GW_OK)
        status = gw_state_time(reader, "updates", update, "createdAt", &created_ms);
    if (status == GW_OK)
        status = check_params(reader, params);
    if (status != GW_OK)
        return status;
    gw_buf_init(&out, UPDATE_MAX);
    gw_buf_printf(&out, "{\"id\":\"%.*s\",\"status\":", GW_STR_ARG(id));
    gw_json_encode_string(word[0], &out);
    gw_buf_append_lit(&out, ",\"type\":");
    gw_json_encode_string(word[1], &out);
    gw_buf_append_lit(&out, ",\"params\":");
    if (params == NULL)
        gw_buf_append_lit(&out, "[]");
    else
        gw_json_encode(params, &out);
    gw_buf_append_lit(&out, ",\"createdAt\":");
    gw_time_encode_decimal(created_ms, &out);
    gw_buf_append_lit(&out, ",\"errors\":[]}");
    if (out.overflowed)
        status = gw_state_wrong(reader, GW_E_LIMIT, "updates", "one is larger than %zu bytes", UPDATE_MAX);
    else
        *text = gw_arena_str(reader->arena, gw_buf_str(&out));
    gw_buf_fini(&out);
    return status;
}

enum gw_status gw_state_updates(const struct gw_state_reader *reader, struct gw_str text, struct gw_cluster *cluster)
{
    static const char *const names[] = {"id", "status", "type", "params", "createdAt", "errors", NULL};
    struct gw_str *updates;
    struct gw_json list;
    struct gw_err err;

    if (text.at == NULL)
        return GW_OK;
    if (text.length > UPDATES_TEXT_MAX || gw_json_parse(text, reader->arena, &list, &err) != GW_OK ||
        list.type != GW_JSON_ARRAY || list.as.array.count > GW_EKS_UPDATES_MAX)
        return gw_state_wrong(reader, GW_E_TYPE, "updates", "must be a JSON array of at most %d updates",
                              GW_EKS_UPDATES_MAX);
    updates = gw_arena_zero(reader->arena, list.as.array.count, sizeof(*updates));
    for (size_t i = 0; i < list.as.array.count; i++) {
        enum gw_status status = gw_state_only(reader, "updates", &list.as.array.items[i], names);

        if (status == GW_OK)
            status = encode_update(reader, &list.as.array.items[i], &updates[i]);
        if (status != GW_OK)
            return status;
    }
    cluster->updates = updates;
    cluster->update_count = list.as.array.count;
    return GW_OK;
}
