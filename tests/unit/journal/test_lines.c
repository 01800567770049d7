/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a file: short, as long as they may be, longer, without an end, and one
 * whose end comes later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal/lines.h"

struct file {
    char path[64];
    int fd;
    struct gw_lines *lines;
};

static int open_file(void **state)
{
    struct file *file = gw_alloc_zero(1, sizeof(*file));

    (void)snprintf(file->path, sizeof(file->path), "/tmp/eksgate-lines-XXXXXX");
    file->fd = mkstemp(file->path);
    assert_true(file->fd >= 0);
    *state = file;
    return 0;
}

static int close_file(void **state)
{
    struct file *file = *state;

    gw_lines_close(&file->lines);
    (void)close(file->fd);
    (void)unlink(file->path);
    free(file);
    return 0;
}

static void put(const struct file *file, struct gw_str text)
{
    assert_int_equal(write(file->fd, text.at, text.length), text.length);
}

static void put_many(const struct file *file, char byte, size_t count)
{
    char *bytes = gw_alloc(count);

    memset(bytes, byte, count);
    put(file, (struct gw_str){bytes, count});
    free(bytes);
}

static void start(struct file *file, unsigned patience_ms)
{
    assert_int_equal(gw_lines_open(file->path, patience_ms, &file->lines, NULL), GW_OK);
}

static void expect(struct file *file, enum gw_status status, struct gw_str text)
{
    struct gw_str line = GW_STR_NONE;

    assert_int_equal(gw_lines_next(file->lines, &line, NULL), status);
    assert_int_equal(line.length, text.length);
    assert_true(gw_str_equal(line, text));
}

static void lines__ordinary_file__come_one_by_one(void **state)
{
    struct file *file = *state;

    put(file, GW_STR("one\n\nthree\n"));
    start(file, 0);
    expect(file, GW_OK, GW_STR("one"));
    assert_int_equal(gw_lines_number(file->lines), 1);
    expect(file, GW_OK, GW_STR(""));
    expect(file, GW_OK, GW_STR("three"));
    assert_int_equal(gw_lines_number(file->lines), 3);
    expect(file, GW_E_MISSING, GW_STR_NONE);
    expect(file, GW_E_MISSING, GW_STR_NONE);
}

static void lines__empty_file__has_none(void **state)
{
    struct file *file = *state;

    start(file, 0);
    expect(file, GW_E_MISSING, GW_STR_NONE);
}

static void lines__no_newline_at_the_end__is_syntax_error(void **state)
{
    struct file *file = *state;

    put(file, GW_STR("one\ntw"));
    start(file, 0);
    expect(file, GW_OK, GW_STR("one"));
    expect(file, GW_E_SYNTAX, GW_STR("tw"));
    assert_int_equal(gw_lines_number(file->lines), 2);
    expect(file, GW_E_MISSING, GW_STR_NONE);
}

static void lines__more_than_the_buffer_holds__all_come(void **state)
{
    struct file *file = *state;
    struct gw_str line;
    size_t total = 0;

    for (size_t i = 1; i <= 300; i++) {
        put_many(file, 'x', i * 200);
        put(file, GW_STR("\n"));
    }
    start(file, 0);
    for (size_t i = 1; i <= 300; i++) {
        assert_int_equal(gw_lines_next(file->lines, &line, NULL), GW_OK);
        assert_int_equal(line.length, i * 200);
        total += line.length;
    }
    assert_int_equal(total, 200 * 300 * 301 / 2);
    expect(file, GW_E_MISSING, GW_STR_NONE);
}

static void lines__as_long_as_may_be__is_whole(void **state)
{
    struct file *file = *state;
    struct gw_str line;

    put_many(file, 'x', GW_LINES_MAX);
    put(file, GW_STR("\nnext\n"));
    start(file, 0);
    assert_int_equal(gw_lines_next(file->lines, &line, NULL), GW_OK);
    assert_int_equal(line.length, GW_LINES_MAX);
    expect(file, GW_OK, GW_STR("next"));
}

static void lines__too_long__are_cut_and_the_next_one_comes(void **state)
{
    struct file *file = *state;
    struct gw_str line;

    put_many(file, 'x', GW_LINES_MAX + 1);
    put(file, GW_STR("\nsecond\n"));
    put_many(file, 'y', 10 * GW_LINES_MAX);
    put(file, GW_STR("\nfourth\n"));
    put_many(file, 'z', 5 * GW_LINES_MAX);
    start(file, 0);
    assert_int_equal(gw_lines_next(file->lines, &line, NULL), GW_E_LIMIT);
    assert_int_equal(line.length, GW_LINES_MAX);
    expect(file, GW_OK, GW_STR("second"));
    assert_int_equal(gw_lines_next(file->lines, &line, NULL), GW_E_LIMIT);
    expect(file, GW_OK, GW_STR("fourth"));
    assert_int_equal(gw_lines_number(file->lines), 4);
    assert_int_equal(gw_lines_next(file->lines, &line, NULL), GW_E_LIMIT);
    expect(file, GW_E_MISSING, GW_STR_NONE);
}

static void *write_the_rest(void *ctx)
{
    const struct timespec pause = {.tv_nsec = 30 * 1000000L};

    (void)nanosleep(&pause, NULL);
    put(ctx, GW_STR("o\n"));
    return NULL;
}

static void lines__end_on_the_way__is_waited_for(void **state)
{
    struct file *file = *state;
    pthread_t thread;

    put(file, GW_STR("one\ntw"));
    start(file, 10000);
    expect(file, GW_OK, GW_STR("one"));
    assert_int_equal(pthread_create(&thread, NULL, write_the_rest, file), 0);
    expect(file, GW_OK, GW_STR("two"));
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect(file, GW_E_MISSING, GW_STR_NONE);
}

static void lines_open__what_is_no_file__is_io_error(void **state)
{
    struct file *file = *state;
    struct gw_err err;

    assert_int_equal(gw_lines_open("/tmp", 0, &file->lines, &err), GW_E_IO);
    assert_string_equal(err.text, "/tmp: is no regular file");
    assert_int_equal(gw_lines_open("/nowhere/at-all", 0, &file->lines, &err), GW_E_IO);
    (void)unlink(file->path);
    assert_int_equal(mkfifo(file->path, 0600), 0);
    assert_int_equal(gw_lines_open(file->path, 0, &file->lines, &err), GW_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_file, close_file)
        T(lines__ordinary_file__come_one_by_one),
        T(lines__empty_file__has_none),
        T(lines__no_newline_at_the_end__is_syntax_error),
        T(lines__more_than_the_buffer_holds__all_come),
        T(lines__as_long_as_may_be__is_whole),
        T(lines__too_long__are_cut_and_the_next_one_comes),
        T(lines__end_on_the_way__is_waited_for),
        T(lines_open__what_is_no_file__is_io_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
