/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's log as it arrives on stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char captured[1 << 17];

struct redirect {
    int kept;
    int pipe[2];
};

static void redirect_stderr(struct redirect *r)
{
    assert_int_equal(pipe2(r->pipe, O_CLOEXEC), 0);
    (void)fcntl(r->pipe[0], F_SETPIPE_SZ, 1 << 20);
    r->kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    assert_true(r->kept >= 0);
    assert_int_equal(dup2(r->pipe[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(r->pipe[1]);
}

/* What was written meanwhile, NUL-terminated, in `captured`. */
static void restore_stderr(struct redirect *r)
{
    size_t length = 0;
    ssize_t got;

    assert_int_equal(dup2(r->kept, STDERR_FILENO), STDERR_FILENO);
    (void)close(r->kept);
    while ((got = read(r->pipe[0], captured + length, sizeof(captured) - 1 - length)) > 0)
        length += (size_t)got;
    captured[length] = '\0';
    (void)close(r->pipe[0]);
}

static void check_stamp(const char *line)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";

    for (size_t i = 0; shape[i] != '\0'; i++) {
        if (shape[i] == 'd')
            assert_in_range(line[i], '0', '9');
        else
            assert_int_equal(line[i], shape[i]);
    }
}

static void line__plain_text__has_time_level_and_area(void **state)
{
    struct redirect r;

    (void)state;
    redirect_stderr(&r);
    gw_log(GW_LOG_WARN, "keys", "file %s has %d", "a b", 7);
    restore_stderr(&r);
    check_stamp(captured);
    assert_string_equal(captured + 25, "warn keys: file a b has 7\n");
}

static void line__control_and_8_bit_bytes__are_escaped(void **state)
{
    struct redirect r;

    (void)state;
    redirect_stderr(&r);
    gw_log(GW_LOG_ERROR, "http", "%s", "a\n2026 error b\r\t\x1b[31m\x7f\xff");
    restore_stderr(&r);
    assert_string_equal(captured + 25, "error http: a\\x0a2026 error b\\x0d\\x09\\x1b[31m\\x7f\\xff\n");
}

static void line__longer_than_2048_bytes__is_cut_and_ends(void **state)
{
    struct redirect r;
    char text[5000];

    (void)state;
    for (int fill = 'x'; fill >= 0; fill -= 'x' - '\n') {
        memset(text, fill, sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        redirect_stderr(&r);
        gw_log(GW_LOG_INFO, "http", "%s", text);
        restore_stderr(&r);
        assert_in_range(strlen(captured), 2000, 2048);
        assert_ptr_equal(strchr(captured, '\n'), captured + strlen(captured) - 1);
    }
}

static void level__lines_above_it__are_dropped(void **state)
{
    struct redirect r;

    (void)state;
    assert_int_equal(gw_log_level_get(), GW_LOG_INFO);
    redirect_stderr(&r);
    gw_log(GW_LOG_DEBUG, "a", "hidden");
    gw_log_set_level(GW_LOG_DEBUG);
    gw_log(GW_LOG_DEBUG, "a", "shown");
    gw_log_set_level(GW_LOG_ERROR);
    gw_log(GW_LOG_WARN, "a", "hidden");
    gw_log_set_level(GW_LOG_INFO);
    restore_stderr(&r);
    assert_string_equal(captured + 25, "debug a: shown\n");
}

static void level_parse__names__and_nothing_else(void **state)
{
    enum gw_log_level level = GW_LOG_WARN;

    (void)state;
    assert_int_equal(gw_log_level_parse(GW_STR("debug"), &level), GW_OK);
    assert_int_equal(level, GW_LOG_DEBUG);
    assert_int_equal(gw_log_level_parse(GW_STR("error"), &level), GW_OK);
    assert_int_equal(level, GW_LOG_ERROR);
    assert_int_equal(gw_log_level_parse(GW_STR("Error"), &level), GW_E_SYNTAX);
    assert_int_equal(gw_log_level_parse(GW_STR_NONE, &level), GW_E_SYNTAX);
    assert_int_equal(level, GW_LOG_ERROR);
}

static void *write_lines(void *letter)
{
    char text[400];

    memset(text, *(const char *)letter, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 50; i++)
        gw_log(GW_LOG_INFO, "t", "%s", text);
    return NULL;
}

static void lines__of_two_threads__do_not_mix(void **state)
{
    struct redirect r;
    pthread_t threads[2];
    size_t lines = 0;
    char *rest = NULL;

    (void)state;
    redirect_stderr(&r);
    assert_int_equal(pthread_create(&threads[0], NULL, write_lines, "a"), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, write_lines, "b"), 0);
    (void)pthread_join(threads[0], NULL);
    (void)pthread_join(threads[1], NULL);
    restore_stderr(&r);
    rest = captured;
    for (char *end = strchr(rest, '\n'); end != NULL; rest = end + 1, end = strchr(rest, '\n'), lines++) {
        const char *text = rest + 25 + strlen("info t: ");

        assert_int_equal(end - text, 399);
        for (; text + 1 < end; text++)
            assert_int_equal(text[0], text[1]);
    }
    assert_int_equal(lines, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line__plain_text__has_time_level_and_area),
        cmocka_unit_test(line__control_and_8_bit_bytes__are_escaped),
        cmocka_unit_test(line__longer_than_2048_bytes__is_cut_and_ends),
        cmocka_unit_test(level__lines_above_it__are_dropped),
        cmocka_unit_test(level_parse__names__and_nothing_else),
        cmocka_unit_test(lines__of_two_threads__do_not_mix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
