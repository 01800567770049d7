/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_INSPECT_CASE_H
#define GW_TEST_INSPECT_CASE_H

/*
 * Chains made by hand, kept line by line so that a test can alter, drop, swap and
 * repeat them, and written to files in a folder of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "codec/base64.h"
#include "journal/inspect.h"

#define CHAIN_MAX 256
#define FILES_MAX 8

struct chain {
    struct gw_chain_head head;
    char *lines[CHAIN_MAX + 1]; /* by sequence number */
    char folder[64];
    char paths[FILES_MAX][96];
    const char *named[FILES_MAX];
    size_t file_count;
    struct gw_inspect_options options;
    struct gw_inspect_report report;
};

static inline int open_chain(void **state)
{
    struct chain *chain = gw_alloc_zero(1, sizeof(*chain));

    (void)snprintf(chain->folder, sizeof(chain->folder), "/tmp/eksgate-inspect-XXXXXX");
    assert_non_null(mkdtemp(chain->folder));
    *state = chain;
    return 0;
}

static inline int close_chain(void **state)
{
    struct chain *chain = *state;

    for (size_t i = 0; i <= CHAIN_MAX; i++)
        free(chain->lines[i]);
    for (size_t i = 0; i < chain->file_count; i++)
        assert_int_equal(unlink(chain->paths[i]), 0);
    assert_int_equal(rmdir(chain->folder), 0);
    free(chain);
    return 0;
}

/* Adds a record whose eksgate object has these members, at a time. */
static inline void add_at(struct chain *chain, const char *members, const char *time)
{
    struct gw_buf record;
    struct gw_buf line;

    assert_true(chain->head.sequence < CHAIN_MAX);
    gw_buf_init(&record, (size_t)1 << 20);
    gw_buf_init(&line, (size_t)1 << 20);
    gw_buf_printf(&record, GW_CHAIN_FRONT "%s}},\"eventTime\":\"%s\",\"eventName\":\"CreateAccessEntry\"}", members,
                  time);
    assert_int_equal(gw_chain_link(&chain->head, 0, gw_buf_str(&record), &line), GW_OK);
    free(chain->lines[chain->head.sequence]);
    chain->lines[chain->head.sequence] = gw_str_dup(gw_buf_str(&line));
    gw_buf_fini(&line);
    gw_buf_fini(&record);
}

static inline void add(struct chain *chain, const char *members)
{
    add_at(chain, members, "2026-01-02T03:04:05Z");
}

static inline void add_changes(struct chain *chain, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(chain, "\"status\":200,\"change\":true");
}

static inline void write_text(struct chain *chain, const char *name, struct gw_str text)
{
    char *path = chain->paths[chain->file_count];
    FILE *file;

    assert_true(chain->file_count < FILES_MAX);
    (void)snprintf(path, sizeof(chain->paths[0]), "%s/%s", chain->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.length, file), text.length);
    assert_int_equal(fclose(file), 0);
    chain->named[chain->file_count++] = path;
}

/* A file of these records, in this order; 0 ends the list. */
static inline void write_records(struct chain *chain, const char *name, const unsigned *sequences)
{
    struct gw_buf text;

    gw_buf_init(&text, (size_t)64 << 20);
    gw_buf_append_lit(&text, "");
    for (; *sequences != 0; sequences++) {
        assert_non_null(chain->lines[*sequences]);
        gw_buf_append_str(&text, gw_str_from(chain->lines[*sequences]));
        gw_buf_append_byte(&text, '\n');
    }
    write_text(chain, name, gw_buf_str(&text));
    gw_buf_fini(&text);
}

static inline void write_range(struct chain *chain, const char *name, unsigned from, unsigned to)
{
    unsigned sequences[CHAIN_MAX + 1] = {0};

    for (unsigned i = from; i <= to; i++)
        sequences[i - from] = i;
    write_records(chain, name, sequences);
}

/* Inspects all files that were written. */
static inline void inspect(struct chain *chain)
{
    struct gw_err err = {""};

    chain->options.paths = chain->named;
    chain->options.path_count = chain->file_count;
    if (gw_inspect_files(&chain->options, &chain->report, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static inline void assert_good(struct chain *chain)
{
    inspect(chain);
    assert_string_equal(chain->report.problem, "");
    assert_int_equal(chain->report.fault, GW_INSPECT_GOOD);
}

/* The report's problem; FOLDER/ stands for the chain's own folder in front of each file's name, left away here. */
static inline void assert_problem(struct chain *chain, enum gw_inspect_fault fault, uint64_t from, uint64_t to,
                                  const char *words)
{
    char without[sizeof(chain->report.problem)] = "";
    char folder[80];
    const char *rest;
    const char *hit;

    inspect(chain);
    (void)snprintf(folder, sizeof(folder), "%s/", chain->folder);
    rest = chain->report.problem;
    for (hit = strstr(rest, folder); hit != NULL; hit = strstr(rest, folder)) {
        size_t length = strlen(without);

        (void)snprintf(without + length, sizeof(without) - length, "%.*s", (int)(hit - rest), rest);
        rest = hit + strlen(folder);
    }
    (void)snprintf(without + strlen(without), sizeof(without) - strlen(without), "%s", rest);
    assert_string_equal(without, words);
    assert_string_equal(gw_inspect_fault_name(chain->report.fault), gw_inspect_fault_name(fault));
    assert_int_equal(chain->report.from, from);
    assert_int_equal(chain->report.to, to);
}

#endif
