/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `policy.endpoints`: whom policies may ask.
 *
 *   endpoints = { opa = "http://127.0.0.1:8181/v1/data",
 *                 approvals = { url = "https://approvals.example.com", timeout_ms = 500, reply_bytes = 4096,
 *                               ca = "ca.crt", headers = { Authorization = "Bearer " .. env("TOKEN") } } }
 *   --set policy.endpoints=opa=http://127.0.0.1:8181/v1/data,other=http://127.0.0.1:9000
 *
 * What headers hold is never in a message. Files of authorities are looked at in
 * check.c.
 */
#include <stdio.h>

#include "config/settings.h"

struct reader {
    const struct gw_settings *settings;
    struct gw_fetch_endpoint *items;
    size_t count;
    struct gw_str name; /* of the endpoint that is read */
    bool good;
};

static void complain(struct reader *reader, const char *format, ...) GW_PRINTF(2, 3);

static void complain(struct reader *reader, const char *format, ...)
{
    const struct gw_given *given = &reader->settings->given[GW_OPTION_POLICY_ENDPOINTS];
    char text[512];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    reader->good = false;
    gw_config_problem(reader->settings->problems, "%.*s: policy.endpoints.%.*s: %s", GW_STR_ARG(given->source),
                      reader->name.length > GW_FETCH_NAME_MAX ? GW_FETCH_NAME_MAX : (int)reader->name.length,
                      reader->name.at, text);
}

/* scheme://host[:port][/base] */
static void read_url(struct reader *reader, struct gw_str url, struct gw_fetch_endpoint *endpoint)
{
    size_t scheme = gw_str_search(url, GW_STR("://"));
    size_t slash = gw_str_find(url, '/', scheme + 3 < url.length ? scheme + 3 : url.length);
    struct gw_str base = gw_str_slice(url, slash, url.length);
    struct gw_err err;

    while (base.length > 0 && base.at[base.length - 1] == '/')
        base.length--;
    if (gw_upstream_parse_url(gw_str_slice(url, 0, slash), &endpoint->target, &err) != GW_OK)
        complain(reader, "url: is no https://HOST, https://HOST:PORT or the same with http://, with or without a path; "
                         "users and passwords go into headers");
    else if (base.length > 0 && (!gw_fetch_is_path(base) || gw_str_find(base, '?', 0) < base.length))
        complain(reader, "url: its path holds what doesn't belong there, such as a query or a dot segment");
    else
        endpoint->base = gw_arena_str(reader->settings->arena, base);
}

static void read_number(struct reader *reader, const char *name, const struct gw_json *value, int64_t low, int64_t high,
                        int64_t *number)
{
    if (value->type == GW_JSON_INTEGER && value->as.integer >= low && value->as.integer <= high)
        *number = value->as.integer;
    else
        complain(reader, "%s: accepted: a whole number, %lld..%lld", name, (long long)low, (long long)high);
}

static void read_headers(struct reader *reader, const struct gw_json *value, struct gw_fetch_endpoint *endpoint)
{
    struct gw_buf fields;

    if (value->type != GW_JSON_OBJECT || value->as.object.count > GW_FETCH_FIELDS_MAX) {
        complain(reader, "headers: accepted: a table of at most %d header fields", GW_FETCH_FIELDS_MAX);
        return;
    }
    gw_buf_init(&fields, (size_t)GW_FETCH_FIELDS_MAX * (GW_FETCH_FIELD_BYTES_MAX + 4));
    for (size_t i = 0; i < value->as.object.count; i++) {
        const struct gw_json_member *field = &value->as.object.members[i];

        if (!gw_fetch_is_field_name(field->name))
            complain(reader, "headers: %.*s: is no header that may be set here",
                     field->name.length > 60 ? 60 : (int)field->name.length, field->name.at);
        else if (field->value.type != GW_JSON_STRING || !gw_fetch_is_field_value(field->value.as.string) ||
                 field->name.length + field->value.as.string.length > GW_FETCH_FIELD_BYTES_MAX)
            complain(reader, "headers: %.*s: is no text of printable ASCII without blanks at its ends, or too long",
                     GW_STR_ARG(field->name));
        else
            gw_buf_printf(&fields, "%.*s: %.*s\r\n", GW_STR_ARG(field->name), GW_STR_ARG(field->value.as.string));
    }
    endpoint->fields = gw_arena_str(reader->settings->arena, gw_buf_str(&fields));
    if (fields.at != NULL)
        gw_wipe(fields.at, fields.capacity);
    gw_buf_fini(&fields);
}

static void read_ca(struct reader *reader, const struct gw_json *value, struct gw_fetch_endpoint *endpoint)
{
    const struct gw_given *given = &reader->settings->given[GW_OPTION_POLICY_ENDPOINTS];

    if (value->type != GW_JSON_STRING || value->as.string.length == 0 ||
        gw_str_find(value->as.string, '\0', 0) < value->as.string.length)
        complain(reader, "ca: accepted: the path of a PEM file of certificates");
    else
        endpoint->ca_file = gw_settings_resolve(reader->settings->arena, given->folder, value->as.string);
}

static void read_member(struct reader *reader, const struct gw_json_member *member, struct gw_fetch_endpoint *endpoint)
{
    int64_t number = 0;

    if (member->value.type == GW_JSON_NULL)
        return;
    if (gw_str_is(member->name, "url")) {
        if (member->value.type == GW_JSON_STRING)
            read_url(reader, member->value.as.string, endpoint);
        else
            complain(reader, "url: accepted: a text");
    } else if (gw_str_is(member->name, "timeout_ms")) {
        read_number(reader, "timeout_ms", &member->value, GW_FETCH_TIMEOUT_MIN_MS, GW_FETCH_TIMEOUT_MAX_MS, &number);
        endpoint->timeout_ms = (unsigned)number;
    } else if (gw_str_is(member->name, "reply_bytes")) {
        read_number(reader, "reply_bytes", &member->value, GW_FETCH_REPLY_BYTES_MIN, GW_FETCH_REPLY_BYTES_MAX, &number);
        endpoint->reply_bytes = (size_t)number;
    } else if (gw_str_is(member->name, "headers")) {
        read_headers(reader, &member->value, endpoint);
    } else if (gw_str_is(member->name, "ca")) {
        read_ca(reader, &member->value, endpoint);
    } else {
        complain(reader, "there is no %.*s; accepted: url, timeout_ms, reply_bytes, ca, headers",
                 member->name.length > 60 ? 60 : (int)member->name.length, member->name.at);
    }
}

static void read_table(struct reader *reader, const struct gw_json *table, struct gw_fetch_endpoint *endpoint)
{
    for (size_t i = 0; i < table->as.object.count; i++)
        read_member(reader, &table->as.object.members[i], endpoint);
    if (gw_json_get(table, "url") == NULL)
        complain(reader, "url: is missing; accepted: http(s)://HOST[:PORT][/PATH]");
    else if (endpoint->target.host.at != NULL && !endpoint->target.is_tls && endpoint->ca_file.at != NULL)
        complain(reader, "ca: is for https");
}

/* `value` is a table, or a URL. */
static void read_endpoint(struct reader *reader, struct gw_str name, const struct gw_json *value)
{
    struct gw_fetch_endpoint *endpoint = &reader->items[reader->count];

    reader->name = name;
    *endpoint = (struct gw_fetch_endpoint){.name = gw_arena_str(reader->settings->arena, name),
                                           .base = GW_STR(""),
                                           .fields = GW_STR(""),
                                           .timeout_ms = GW_FETCH_TIMEOUT_MS,
                                           .reply_bytes = GW_FETCH_REPLY_BYTES};
    if (!gw_fetch_is_name(name))
        complain(reader, "a name is 1 to %d letters, digits, '.', '_' and '-'", GW_FETCH_NAME_MAX);
    for (size_t i = 0; i < reader->count; i++) {
        if (gw_str_equal(reader->items[i].name, name))
            complain(reader, "is there twice");
    }
    if (value->type == GW_JSON_STRING)
        read_url(reader, value->as.string, endpoint);
    else if (value->type == GW_JSON_OBJECT)
        read_table(reader, value, endpoint);
    else
        complain(reader, "is of type %s; accepted: a URL, or a table with one", gw_json_type_name(value->type));
    reader->count++;
}

static void refuse(struct reader *reader)
{
    reader->good = false;
    gw_settings_problem(reader->settings, GW_OPTION_POLICY_ENDPOINTS,
                        "is no table of at most %d endpoints; accepted: %s", GW_FETCH_ENDPOINTS_MAX,
                        gw_option_rows[GW_OPTION_POLICY_ENDPOINTS].accepted);
}

/* NAME=URL,NAME=URL */
static void read_text(struct reader *reader, struct gw_str rest)
{
    while (rest.length > 0) {
        struct gw_str url = gw_str_trim(gw_str_split(&rest, ','));
        struct gw_str name = gw_str_split(&url, '=');
        struct gw_json value = gw_json_string(url);

        if (url.at == NULL || reader->count == GW_FETCH_ENDPOINTS_MAX) {
            refuse(reader);
            return;
        }
        read_endpoint(reader, name, &value);
    }
}

bool gw_settings_endpoints(const struct gw_settings *settings, struct gw_config *config)
{
    const struct gw_given *given = &settings->given[GW_OPTION_POLICY_ENDPOINTS];
    struct reader reader = {.settings = settings, .good = true};

    reader.items = gw_arena_zero(settings->arena, GW_FETCH_ENDPOINTS_MAX, sizeof(*reader.items));
    if (given->json == NULL) {
        read_text(&reader, given->text);
    } else if (given->json->type != GW_JSON_OBJECT || given->json->as.object.count > GW_FETCH_ENDPOINTS_MAX) {
        refuse(&reader);
    } else {
        for (size_t i = 0; i < given->json->as.object.count; i++)
            read_endpoint(&reader, given->json->as.object.members[i].name, &given->json->as.object.members[i].value);
    }
    if (!reader.good)
        return false;
    config->endpoints = reader.items;
    config->endpoint_count = reader.count;
    return true;
}
