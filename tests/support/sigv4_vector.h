/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SIGV4_VECTOR_H
#define GW_TEST_SIGV4_VECTOR_H

/*
 * Reads the vector folders of tests/data/sigv4 (its README says what they hold).
 * Requests are split here, by hand: some of them are refused by the strict HTTP
 * reader on purpose. Anything unexpected aborts the test program.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "codec/http1.h"

struct sigv4_vector {
    struct gw_arena arena;
    struct gw_http1_request request;
    struct gw_str body;
    struct gw_str canonical;
    struct gw_str to_sign;
    struct gw_str signature;
    struct gw_str verdict; /* accept, library, policy, reject */
    struct gw_str id;
    struct gw_str secret;
    struct gw_str token; /* {NULL,0}: none */
    struct gw_str region;
    struct gw_str service;
    struct gw_str time;
};

static inline struct gw_str vector_read(struct gw_arena *arena, const char *folder, const char *name)
{
    struct gw_str path = gw_arena_printf(arena, "%s/%s", folder, name);
    FILE *file = fopen(path.at, "rb");
    char *text = gw_arena_alloc(arena, 65536);
    size_t length;

    if (file == NULL)
        gw_fatal("%s: can't be opened", path.at);
    length = fread(text, 1, 65536, file);
    fclose(file);
    return (struct gw_str){text, length};
}

static inline enum gw_header_id vector_header_id(struct gw_str name)
{
    static const struct {
        const char *name;
        enum gw_header_id id;
    } known[] = {
        {"host", GW_HEADER_HOST},
        {"authorization", GW_HEADER_AUTHORIZATION},
        {"content-length", GW_HEADER_CONTENT_LENGTH},
        {"content-type", GW_HEADER_CONTENT_TYPE},
        {"date", GW_HEADER_DATE},
        {"x-amz-date", GW_HEADER_X_AMZ_DATE},
        {"x-amz-security-token", GW_HEADER_X_AMZ_SECURITY_TOKEN},
        {"x-amz-content-sha256", GW_HEADER_X_AMZ_CONTENT_SHA256},
    };

    for (size_t i = 0; i < GW_COUNT(known); i++) {
        if (gw_str_equal_nocase(name, gw_str_from(known[i].name)))
            return known[i].id;
    }
    return GW_HEADER_OTHER;
}

static inline void vector_add_header(struct gw_http1_request *request, struct gw_str name, struct gw_str value)
{
    enum gw_header_id id = vector_header_id(name);

    if (request->header_count == GW_HTTP1_HEADERS_MAX)
        gw_fatal("too many headers");
    request->headers[request->header_count++] = (struct gw_header){name, gw_str_trim(value), id};
    if (request->index[id] == 0)
        request->index[id] = (uint8_t)request->header_count;
}

static inline void vector_set_target(struct gw_http1_request *request, struct gw_str target)
{
    size_t mark = gw_str_find(target, '?', 0);

    request->target = target;
    request->path = gw_str_slice(target, 0, mark);
    request->query = mark < target.length ? gw_str_slice(target, mark + 1, target.length) : GW_STR_NONE;
}

/* Lines end in a bare LF; a line that starts with a blank continues the field before it. */
static inline struct gw_str vector_parse(struct gw_str text, struct gw_http1_request *request)
{
    struct gw_str rest = text;
    struct gw_str line = gw_str_split(&rest, '\n');
    size_t end = line.length - strlen(" HTTP/1.1");
    size_t space = gw_str_find(line, ' ', 0);

    *request = (struct gw_http1_request){.minor = 1};
    request->method_text = gw_str_slice(line, 0, space);
    vector_set_target(request, gw_str_slice(line, space + 1, end - space - 1));
    while (rest.at != NULL) {
        struct gw_str field = gw_str_split(&rest, '\n');
        size_t colon = gw_str_find(field, ':', 0);

        if (field.length == 0)
            break;
        while (rest.at != NULL && rest.length > 0 && rest.at[0] == ' ')
            field.length += 1 + gw_str_split(&rest, '\n').length;
        vector_add_header(request, gw_str_slice(field, 0, colon), gw_str_slice(field, colon + 1, field.length));
    }
    request->host = gw_http1_header(request, GW_HEADER_HOST);
    return rest.at == NULL ? GW_STR("") : rest;
}

static inline void vector_parse_expect(struct sigv4_vector *vector, struct gw_str text)
{
    while (text.length > 0) {
        struct gw_str line = gw_str_split(&text, '\n');
        size_t space = gw_str_find(line, ' ', 0);
        struct gw_str name = gw_str_slice(line, 0, space);
        struct gw_str value = gw_str_slice(line, space + 1, line.length);

        if (gw_str_is(name, "verdict"))
            vector->verdict = value;
        else if (gw_str_is(name, "id"))
            vector->id = value;
        else if (gw_str_is(name, "secret"))
            vector->secret = value;
        else if (gw_str_is(name, "token"))
            vector->token = value;
        else if (gw_str_is(name, "region"))
            vector->region = value;
        else if (gw_str_is(name, "service"))
            vector->service = value;
        else if (gw_str_is(name, "time"))
            vector->time = value;
        else
            gw_fatal("unknown word in an expect file: %.*s", GW_STR_ARG(line));
    }
}

static inline void vector_load(struct sigv4_vector *vector, const char *folder)
{
    *vector = (struct sigv4_vector){0};
    gw_arena_init(&vector->arena, 1 << 20);
    vector->body = vector_parse(vector_read(&vector->arena, folder, "request"), &vector->request);
    vector->canonical = vector_read(&vector->arena, folder, "canonical-request");
    vector->to_sign = vector_read(&vector->arena, folder, "string-to-sign");
    vector->signature = vector_read(&vector->arena, folder, "signature");
    vector_parse_expect(vector, vector_read(&vector->arena, folder, "expect"));
}

static inline void vector_unload(struct sigv4_vector *vector)
{
    gw_arena_fini(&vector->arena);
}

static inline bool vector_is_query(const char *folder)
{
    return gw_str_is(gw_str_slice(gw_str_from(folder), strlen(folder) - 5, 5), "query");
}

/* Calls `each` for SUITE/NAME/FORM below `root`; returns how many there were. */
static inline size_t vector_walk(const char *root, int depth, void (*each)(const char *folder))
{
    struct dirent **entries = NULL;
    int count = scandir(root, &entries, NULL, alphasort);
    size_t seen = 0;

    for (int i = 0; i < count; i++) {
        char path[4096];

        if (snprintf(path, sizeof(path), "%s/%s", root, entries[i]->d_name) >= (int)sizeof(path))
            gw_fatal("%s: path too long", root);
        if (entries[i]->d_name[0] != '.' && entries[i]->d_type == DT_DIR) {
            if (depth == 0) {
                each(path);
                seen++;
            } else {
                seen += vector_walk(path, depth - 1, each);
            }
        }
        free(entries[i]);
    }
    free(entries);
    return seen;
}

#endif
