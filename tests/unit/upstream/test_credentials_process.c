/* SPDX-License-Identifier: Apache-2.0 */
/* credential_process: words without a shell, and commands that don't do as they should. */
#include "credentials_case.h"

#include <signal.h>
#include <unistd.h>

static struct gw_chain chain;
static struct gw_chain_world world;

static int begin_chain(void **state)
{
    (void)begin(state);
    set_variable("PATH=/usr/bin:/bin");
    world = (struct gw_chain_world){.options = &it.options, .ask = fake_ask, .pause = fake_pause, .stop_fd = -1};
    gw_chain_init(&chain, &world, NULL);
    return 0;
}

static int end_chain(void **state)
{
    gw_chain_fini(&chain);
    return end(state);
}

static void assert_words(const char *command, size_t count, const char *const *wanted)
{
    char **words = NULL;
    struct gw_err err = {""};

    assert_int_equal(gw_chain_split(&chain.arena, gw_str_from(command), &words, &err), GW_OK);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(words[i], wanted[i]);
    assert_null(words[count]);
}

static void split__words__are_as_a_shell_quotes_and_nothing_else(void **state)
{
    (void)state;
    assert_words("a", 1, (const char *const[]){"a"});
    assert_words("  /bin/x  --a=b\t'c d' \"e \\\"f\\\" \\\\ $g\" h\\ i \n j", 6,
                 (const char *const[]){"/bin/x", "--a=b", "c d", "e \"f\" \\ $g", "h i", "j"});
    assert_words("'' x''y \"\"", 3, (const char *const[]){"", "xy", ""});
    assert_words("a|b >c; $(d) `e` *", 5, (const char *const[]){"a|b", ">c;", "$(d)", "`e`", "*"});
}

static void split__bad_commands__are_refused(void **state)
{
    static const char *const commands[] = {"", " \t", "'a", "a \"b"};
    char **words = NULL;
    struct gw_err err;
    char many[200];

    (void)state;
    assert_int_equal(gw_chain_split(&chain.arena, gw_str_from("a '\\'"), &words, &err), GW_OK);
    for (size_t i = 0; i < GW_COUNT(commands); i++)
        assert_int_equal(gw_chain_split(&chain.arena, gw_str_from(commands[i]), &words, &err), GW_E_SYNTAX);
    for (size_t i = 0; i < sizeof(many); i++)
        many[i] = i % 2 == 0 ? 'x' : ' ';
    assert_int_equal(gw_chain_split(&chain.arena, (struct gw_str){many, sizeof(many)}, &words, &err), GW_E_LIMIT);
}

static void process__output__comes_back_whole(void **state)
{
    struct gw_str output;
    struct gw_err err;

    (void)state;
    assert_int_equal(gw_chain_process(&chain, GW_STR("sh -c 'cat; printf \"%s\" \"$1\"' x 'a  b'"), &output, &err),
                     GW_OK);
    assert_true(gw_str_is(output, "a  b")); /* and stdin was at its end */
}

static void process__failures__are_told_and_the_output_is_not(void **state)
{
    static const struct {
        const char *command;
        const char *said;
    } rows[] = {
        {"sh -c 'echo SECRET; exit 3'", "ended with exit code 3"},
        {"sh -c 'echo SECRET; kill -9 $$'", "ended by a signal"},
        {"/nowhere/at/all", "can't be run"},
        {"sh -c 'head -c 300000 /dev/zero'", "printed more than"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(rows); i++) {
        struct gw_str output;
        struct gw_err err = {""};

        assert_int_not_equal(gw_chain_process(&chain, gw_str_from(rows[i].command), &output, &err), GW_OK);
        assert_non_null(strstr(err.text, rows[i].said));
        assert_null(strstr(err.text, "SECRET"));
    }
}

/* What it started is ended with it: nobody holds the pipe's writing end any more. */
static void process__stopped__is_killed_with_what_it_started(void **state)
{
    int stop[2];
    int held[2];
    char command[200];
    char byte;
    struct gw_str output;
    struct gw_err err;

    (void)state;
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(pipe(held), 0); /* inherited on purpose */
    world.stop_fd = stop[0];
    (void)snprintf(command, sizeof(command), "sh -c 'sleep 600 & printf x >&%d; wait'", held[1]);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(gw_chain_process(&chain, gw_str_from(command), &output, &err), GW_E_BUSY);
    assert_int_equal(close(held[1]), 0);
    while (read(held[0], &byte, 1) > 0)
        ;
    assert_int_equal(close(held[0]) + close(stop[0]) + close(stop[1]), 0);
}

/* It has closed its output and goes on: half a second later it is awaited. */
static void process__stopped_while_it_is_awaited__is_killed_at_once(void **state)
{
    int stop[2];
    char command[200];
    struct gw_str output;
    struct gw_err err;

    (void)state;
    assert_int_equal(pipe(stop), 0); /* inherited on purpose */
    world.stop_fd = stop[0];
    (void)snprintf(command, sizeof(command), "sh -c 'exec >/dev/null; sleep 0.5; printf x >&%d; exec sleep 600'",
                   stop[1]);
    assert_int_equal(gw_chain_process(&chain, gw_str_from(command), &output, &err), GW_E_BUSY);
    assert_int_equal(close(stop[0]) + close(stop[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(split__words__are_as_a_shell_quotes_and_nothing_else, begin_chain, end_chain),
        cmocka_unit_test_setup_teardown(split__bad_commands__are_refused, begin_chain, end_chain),
        cmocka_unit_test_setup_teardown(process__output__comes_back_whole, begin_chain, end_chain),
        cmocka_unit_test_setup_teardown(process__failures__are_told_and_the_output_is_not, begin_chain, end_chain),
        cmocka_unit_test_setup_teardown(process__stopped__is_killed_with_what_it_started, begin_chain, end_chain),
        cmocka_unit_test_setup_teardown(process__stopped_while_it_is_awaited__is_killed_at_once, begin_chain,
                                        end_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
