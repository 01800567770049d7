/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting `listen`: addresses as texts, and in a configuration file tables for
 * those that speak TLS:
 *
 *   { address = "0.0.0.0:8443", certificate = "tls.crt", key = "tls.key",
 *     certificates = { { certificate = "...", key = "..." }, ... },
 *     client_ca = "ca.crt", client_certificates = "optional" | "required", connect = true }
 *
 * Paths are relative to the file. What is behind them is looked at in check.c.
 */
#include "config/settings.h"

#include <stdio.h>

#define ITEMS_MAX 1024

static const char *const members[] = {"address",   "certificate",         "key",    "certificates",
                                      "client_ca", "client_certificates", "connect"};

struct reader {
    const struct gw_settings *settings;
    size_t item; /* from 1 */
    bool good;
};

static void complain(struct reader *reader, const char *format, ...) GW_PRINTF(2, 3);

static void complain(struct reader *reader, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    reader->good = false;
    gw_settings_problem(reader->settings, GW_OPTION_LISTEN, "item %zu: %s", reader->item, text);
}

/* {NULL,0} when it isn't there or no good. */
static struct gw_str read_member(struct reader *reader, const struct gw_json *table, const char *name)
{
    const struct gw_json *found = gw_json_get(table, name);

    if (found == NULL)
        return GW_STR_NONE;
    if (found->type == GW_JSON_STRING && found->as.string.length > 0 &&
        gw_str_find(found->as.string, '\0', 0) == found->as.string.length)
        return gw_arena_str(reader->settings->arena, found->as.string);
    complain(reader, "%s is no text, empty or holds a NUL byte", name);
    return GW_STR_NONE;
}

static struct gw_str read_path(struct reader *reader, const struct gw_json *table, const char *name)
{
    struct gw_str path = read_member(reader, table, name);

    if (path.at == NULL)
        return path;
    return gw_settings_resolve(reader->settings->arena, reader->settings->given[GW_OPTION_LISTEN].folder, path);
}

static void check_members(struct reader *reader, const struct gw_json *table, const char *const *names, size_t count)
{
    for (size_t i = 0; i < table->as.object.count; i++) {
        struct gw_str name = table->as.object.members[i].name;
        bool known = false;

        for (size_t k = 0; k < count; k++)
            known |= gw_str_is(name, names[k]);
        if (!known)
            complain(reader,
                     "there is no %.*s; accepted: address, certificate and key, certificates, client_ca, "
                     "client_certificates, connect",
                     name.length > 60 ? 60 : (int)name.length, name.at);
    }
}

/* `certificate` and `key` of the listener itself, or of an item of `certificates`; neither is nothing. */
static void read_pair(struct reader *reader, const struct gw_json *table, struct gw_tls_certificate *list,
                      size_t *count)
{
    struct gw_tls_certificate one = {read_path(reader, table, "certificate"), read_path(reader, table, "key")};

    if (one.certificate.at == NULL && one.key.at == NULL)
        return;
    if (one.certificate.at == NULL || one.key.at == NULL)
        complain(reader, "a certificate and its key are given together");
    else
        list[(*count)++] = one;
}

static void read_certificates(struct reader *reader, const struct gw_json *table, struct gw_tls_server_options *tls)
{
    const struct gw_json *more = gw_json_get(table, "certificates");
    size_t room = 1 + (more != NULL && more->type == GW_JSON_ARRAY ? more->as.array.count : 0);
    struct gw_tls_certificate *list;

    if (room - 1 > GW_TLS_CERTIFICATES_MAX) {
        complain(reader, "has more than %d certificates", GW_TLS_CERTIFICATES_MAX);
        return;
    }
    list = gw_arena_zero(reader->settings->arena, room, sizeof(*list));
    read_pair(reader, table, list, &tls->certificate_count);
    if (more != NULL && more->type != GW_JSON_ARRAY)
        complain(reader, "certificates is no list; accepted: { { certificate = PATH, key = PATH }, ... }");
    for (size_t i = 0; i + 1 < room; i++) {
        const struct gw_json *item = &more->as.array.items[i];

        if (item->type != GW_JSON_OBJECT) {
            complain(reader, "certificates holds what is no table; accepted: { certificate = PATH, key = PATH }");
            continue;
        }
        check_members(reader, item, &members[1], 2);
        read_pair(reader, item, list, &tls->certificate_count);
    }
    tls->certificates = list;
    if (tls->certificate_count == 0 && reader->good)
        complain(reader, "has no certificate; a listener without TLS is written as its address alone");
}

static void read_clients(struct reader *reader, const struct gw_json *table, struct gw_tls_server_options *tls)
{
    struct gw_str rule = read_member(reader, table, "client_certificates");

    tls->client_ca = read_path(reader, table, "client_ca");
    if (tls->client_ca.at != NULL)
        tls->clients = GW_TLS_CLIENTS_REQUIRED;
    if (rule.at == NULL)
        return;
    if (tls->client_ca.at == NULL)
        complain(reader, "client_certificates needs client_ca, the authorities that clients' certificates are of");
    if (gw_str_is(rule, "optional"))
        tls->clients = GW_TLS_CLIENTS_OPTIONAL;
    else if (!gw_str_is(rule, "required"))
        complain(reader, "client_certificates is \"%.*s\"; accepted: optional | required",
                 rule.length > 60 ? 60 : (int)rule.length, rule.at);
}

static bool read_connect(struct reader *reader, const struct gw_json *table)
{
    const struct gw_json *found = gw_json_get(table, "connect");

    if (found == NULL)
        return false;
    if (found->type != GW_JSON_BOOL)
        complain(reader, "connect is of type %s; accepted: true or false", gw_json_type_name(found->type));
    return found->type == GW_JSON_BOOL && found->as.boolean;
}

static bool read_table(const struct gw_settings *settings, const struct gw_json *table, size_t item,
                       struct gw_config_listener *listener)
{
    struct reader reader = {settings, item, true};

    check_members(&reader, table, members, GW_COUNT(members));
    listener->address = read_member(&reader, table, "address");
    if (listener->address.at == NULL && gw_json_get(table, "address") == NULL)
        complain(&reader, "has no address");
    else if (gw_str_starts(listener->address, GW_STR("unix:")))
        complain(&reader, "a unix socket needs no TLS; write its address alone");
    read_certificates(&reader, table, &listener->tls);
    read_clients(&reader, table, &listener->tls);
    listener->is_proxy = read_connect(&reader, table);
    return reader.good;
}

static bool read_text(const struct gw_settings *settings, const struct gw_json *text, size_t item,
                      struct gw_config_listener *listener)
{
    struct reader reader = {settings, item, true};

    if (text->type != GW_JSON_STRING)
        complain(&reader, "is of type %s; accepted: an address, or a table with address, certificate and key",
                 gw_json_type_name(text->type));
    else if (text->as.string.length == 0 || gw_str_find(text->as.string, '\0', 0) < text->as.string.length)
        complain(&reader, "is empty or holds a NUL byte");
    else
        listener->address = gw_arena_str(settings->arena, text->as.string);
    return reader.good;
}

static bool has_tables(const struct gw_json *json)
{
    if (json == NULL || json->type == GW_JSON_OBJECT)
        return json != NULL && json->as.object.count > 0;
    for (size_t i = 0; json->type == GW_JSON_ARRAY && i < json->as.array.count; i++) {
        if (json->as.array.items[i].type == GW_JSON_OBJECT)
            return true;
    }
    return false;
}

bool gw_settings_listeners(const struct gw_settings *settings, struct gw_config_listener **listeners, size_t *count)
{
    const struct gw_json *json = settings->given[GW_OPTION_LISTEN].json;
    const struct gw_str *texts;
    bool good = true;

    if (!has_tables(json)) {
        if (!gw_settings_texts(settings, GW_OPTION_LISTEN, &texts, count))
            return false;
        *listeners = gw_arena_zero(settings->arena, *count, sizeof(**listeners));
        for (size_t i = 0; i < *count; i++)
            (*listeners)[i].address = texts[i];
        return true;
    }
    *count = json->type == GW_JSON_ARRAY ? json->as.array.count : 1;
    if (*count > ITEMS_MAX) {
        gw_settings_problem(settings, GW_OPTION_LISTEN, "has more than %d items", ITEMS_MAX);
        return false;
    }
    *listeners = gw_arena_zero(settings->arena, *count, sizeof(**listeners));
    for (size_t i = 0; i < *count; i++) {
        const struct gw_json *item = json->type == GW_JSON_ARRAY ? &json->as.array.items[i] : json;
        bool is_table = item->type == GW_JSON_OBJECT;

        good = (is_table ? read_table : read_text)(settings, item, i + 1, &(*listeners)[i]) && good;
    }
    return good;
}
