/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_HTTP1_CASE_H
#define GW_TEST_HTTP1_CASE_H

/*
 * Cases in tests/data/http1: lines of '#' comments, one line "expect WHAT", then
 * the message; line breaks of the file are not part of it, bytes that are hard to
 * see are written \r \n \t \\ \xNN.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"

struct http1_case {
    char name[128];
    char expect[128];
    struct gw_buf bytes;
};

static inline unsigned case_hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* Reads one escape at `at`; returns the characters it takes. */
static inline size_t case_escape(const char *at, struct gw_buf *out)
{
    switch (at[1]) {
    case 'r':
        gw_buf_append_byte(out, '\r');
        return 2;
    case 'n':
        gw_buf_append_byte(out, '\n');
        return 2;
    case 't':
        gw_buf_append_byte(out, '\t');
        return 2;
    case 'x':
        gw_buf_append_byte(out, (char)(case_hex(at[2]) << 4 | case_hex(at[3])));
        return 4;
    default:
        gw_buf_append_byte(out, at[1]);
        return 2;
    }
}

static inline void case_unescape(const char *line, struct gw_buf *out)
{
    while (*line != '\0' && *line != '\n') {
        if (*line == '\\')
            line += case_escape(line, out);
        else
            gw_buf_append_byte(out, *line++);
    }
}

static inline void case_read(const char *folder, const char *name, struct http1_case *one)
{
    char path[1024];
    char line[4096];
    FILE *file;

    assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
    assert_true(snprintf(one->name, sizeof(one->name), "%s", name) < (int)sizeof(one->name));
    one->expect[0] = '\0';
    gw_buf_init(&one->bytes, 65536);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (one->expect[0] == '\0' && line[0] == '#')
            continue;
        if (one->expect[0] == '\0')
            assert_int_equal(sscanf(line, "expect %127[^\n]", one->expect), 1);
        else
            case_unescape(line, &one->bytes);
    }
    (void)fclose(file);
    assert_true(one->expect[0] != '\0');
}

/* Calls `run` for each case of tests/data/http1/FOLDER; at least `least` must be there. */
static inline void each_case(const char *folder, size_t least, void (*run)(const struct http1_case *one))
{
    char path[1024];
    struct dirent *entry;
    size_t count = 0;
    DIR *listing;

    (void)snprintf(path, sizeof(path), "%s/http1/%s", GW_TEST_DATA, folder);
    listing = opendir(path);
    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        size_t length = strlen(entry->d_name);
        struct http1_case one;

        if (length < 6 || strcmp(entry->d_name + length - 5, ".case") != 0)
            continue;
        case_read(path, entry->d_name, &one);
        run(&one);
        gw_buf_fini(&one.bytes);
        count++;
    }
    (void)closedir(listing);
    assert_true(count >= least);
}

/* Memory whose last byte is followed by a page that can't be read, so that one byte too many is a crash. */
struct fence {
    char *pages;
    size_t length;
};

static inline void fence_open(struct fence *fence)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    fence->length = 17 * page;
    fence->pages = mmap(NULL, fence->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(fence->pages != MAP_FAILED);
    fence->length -= page;
    assert_int_equal(mprotect(fence->pages + fence->length, page, PROT_NONE), 0);
}

static inline void fence_close(struct fence *fence)
{
    (void)munmap(fence->pages, fence->length + (size_t)sysconf(_SC_PAGESIZE));
}

/* The bytes, placed so that they end at the fence. */
static inline struct gw_str fence_put(const struct fence *fence, struct gw_str bytes)
{
    char *at = fence->pages + fence->length - bytes.length;

    if (bytes.length > 0)
        memcpy(at, bytes.at, bytes.length);
    return (struct gw_str){at, bytes.length};
}

#endif
