/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate keys, as somebody at a terminal uses it: files in a temporary folder,
 * stdout in a file, stdin from one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/keyring.h"
#include "cli/cli.h"

#define ME     "arn:aws:iam::012345678910:user/me"
#define SECRET "a-secret-that-only-this-test-knows-about"

struct terminal {
    char folder[64];
    char keys[96];
    char input[96];
    char output[96];
    char shown[8192];
};

static int open_terminal(void **state)
{
    struct terminal *terminal = gw_alloc_zero(1, sizeof(*terminal));

    (void)snprintf(terminal->folder, sizeof(terminal->folder), "/tmp/eksgate-keys-XXXXXX");
    assert_non_null(mkdtemp(terminal->folder));
    (void)snprintf(terminal->keys, sizeof(terminal->keys), "%s/keys.json", terminal->folder);
    (void)snprintf(terminal->input, sizeof(terminal->input), "%s/input", terminal->folder);
    (void)snprintf(terminal->output, sizeof(terminal->output), "%s/output", terminal->folder);
    *state = terminal;
    return 0;
}

static int close_terminal(void **state)
{
    struct terminal *terminal = *state;

    (void)unlink(terminal->keys);
    (void)unlink(terminal->input);
    (void)unlink(terminal->output);
    assert_int_equal(rmdir(terminal->folder), 0);
    free(terminal);
    return 0;
}

static int redirect(int from, const char *path, int flags)
{
    int kept = dup(from);
    int file = open(path, flags, 0600);

    assert_true(kept >= 0 && file >= 0);
    assert_int_equal(dup2(file, from), from);
    assert_int_equal(close(file), 0);
    return kept;
}

static void restore(int to, int kept)
{
    assert_int_equal(dup2(kept, to), to);
    assert_int_equal(close(kept), 0);
}

/* `eksgate keys ...` with `input` on stdin; what came on stdout is in terminal->shown. */
static int run(struct terminal *terminal, const char *input, char **argv, int argc)
{
    FILE *file = fopen(terminal->input, "w");
    int kept_in;
    int kept_out;
    int code;

    assert_non_null(file);
    assert_true(fputs(input, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(fflush(stdout), 0);
    kept_in = redirect(STDIN_FILENO, terminal->input, O_RDONLY);
    kept_out = redirect(STDOUT_FILENO, terminal->output, O_WRONLY | O_CREAT | O_TRUNC);
    code = gw_cli_keys(argc, argv);
    (void)fflush(stdout);
    restore(STDIN_FILENO, kept_in);
    restore(STDOUT_FILENO, kept_out);
    file = fopen(terminal->output, "r");
    assert_non_null(file);
    terminal->shown[fread(terminal->shown, 1, sizeof(terminal->shown) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return code;
}

#define KEYS(terminal, input, ...)                                                                                     \
    run((terminal), (input), (char *[]){"keys", __VA_ARGS__},                                                          \
        (int)(sizeof((char *[]){"keys", __VA_ARGS__}) / sizeof(char *)))

static struct gw_keyring *load(const struct terminal *terminal)
{
    struct gw_keyring *keyring = NULL;
    struct gw_err err = {""};

    if (gw_keyring_load(terminal->keys, &keyring, &err) != GW_OK)
        fail_msg("%s", err.text);
    return keyring;
}

static void keys_add__no_secret_given__prints_id_and_secret_once(void **state)
{
    struct terminal *terminal = *state;
    struct gw_keyring *keyring;
    struct stat facts;

    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    assert_non_null(strstr(terminal->shown, "AccessKeyId      MINE\n"));
    assert_non_null(strstr(terminal->shown, "SecretAccessKey  "));
    assert_int_equal(stat(terminal->keys, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    keyring = load(terminal);
    assert_non_null(gw_keyring_find(keyring, GW_STR("MINE")));
    gw_keyring_free(&keyring);
}

static void keys_add__secret_on_stdin__is_taken_and_never_printed(void **state)
{
    struct terminal *terminal = *state;
    static char text[4096];
    FILE *file;

    assert_int_equal(
        KEYS(terminal, SECRET "\n", "add", "--arn", ME, "--id", "MINE", "--secret-stdin", "--file", terminal->keys),
        GW_EXIT_DONE);
    assert_null(strstr(terminal->shown, SECRET));
    assert_null(strstr(terminal->shown, "SecretAccessKey"));
    file = fopen(terminal->keys, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_non_null(strstr(text, "\"" SECRET "\""));
}

static void keys_add__empty_stdin__adds_nothing(void **state)
{
    struct terminal *terminal = *state;

    assert_int_equal(KEYS(terminal, "\n", "add", "--arn", ME, "--secret-stdin", "--file", terminal->keys),
                     GW_EXIT_FAILED);
    assert_int_not_equal(access(terminal->keys, F_OK), 0);
}

static void keys_add__tags_and_expiration__are_kept(void **state)
{
    struct terminal *terminal = *state;
    struct gw_keyring *keyring;
    const struct gw_key *key;

    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "--tag", "team=a=b", "--expires",
                          "2030-01-31T12:00:00Z", "--file", terminal->keys),
                     GW_EXIT_DONE);
    keyring = load(terminal);
    key = gw_keyring_find(keyring, GW_STR("MINE"));
    assert_non_null(key);
    assert_int_equal(key->tag_count, 1);
    assert_true(gw_str_is(key->tags[0].key, "team"));
    assert_true(gw_str_is(key->tags[0].value, "a=b"));
    assert_int_equal(key->expires_ms, 1896091200000);
    gw_keyring_free(&keyring);
}

static void keys_add__without_arn_or_with_a_secret_argument__is_wrong_usage(void **state)
{
    struct terminal *terminal = *state;

    assert_int_equal(KEYS(terminal, "", "add", "--file", terminal->keys), GW_EXIT_USAGE);
    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--secret", SECRET, "--file", terminal->keys),
                     GW_EXIT_USAGE);
    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, SECRET, "--file", terminal->keys), GW_EXIT_USAGE);
    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--tag", "x", "--file", terminal->keys), GW_EXIT_USAGE);
    assert_int_not_equal(access(terminal->keys, F_OK), 0);
}

static void keys_add__id_taken__fails(void **state)
{
    struct terminal *terminal = *state;

    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "--file", terminal->keys), GW_EXIT_FAILED);
}

static void keys_list__shows_who_and_never_a_secret(void **state)
{
    struct terminal *terminal = *state;

    assert_int_equal(
        KEYS(terminal, SECRET, "add", "--arn", ME, "--id", "MINE", "--secret-stdin", "--file", terminal->keys),
        GW_EXIT_DONE);
    assert_int_equal(KEYS(terminal, "", "list", "--file", terminal->keys), GW_EXIT_DONE);
    assert_non_null(strstr(terminal->shown, "MINE"));
    assert_non_null(strstr(terminal->shown, ME));
    assert_null(strstr(terminal->shown, SECRET));
    assert_int_equal(KEYS(terminal, "", "list", "--json", "--file", terminal->keys), GW_EXIT_DONE);
    assert_non_null(strstr(terminal->shown, "{\"AccessKeyId\":\"MINE\",\"Arn\":\"" ME "\""));
    assert_null(strstr(terminal->shown, SECRET));
}

static void keys_disable_and_enable__turn_a_key_off_and_on(void **state)
{
    struct terminal *terminal = *state;
    struct gw_keyring *keyring;

    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    assert_int_equal(KEYS(terminal, "", "disable", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    keyring = load(terminal);
    assert_true(gw_keyring_find(keyring, GW_STR("MINE"))->disabled);
    gw_keyring_free(&keyring);
    assert_int_equal(KEYS(terminal, "", "enable", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    keyring = load(terminal);
    assert_false(gw_keyring_find(keyring, GW_STR("MINE"))->disabled);
    gw_keyring_free(&keyring);
}

static void keys_remove__takes_it_out_and_fails_the_second_time(void **state)
{
    struct terminal *terminal = *state;
    struct gw_keyring *keyring;

    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "OTHER", "--file", terminal->keys), GW_EXIT_DONE);
    assert_int_equal(KEYS(terminal, "", "remove", "MINE", "--file", terminal->keys), GW_EXIT_DONE);
    keyring = load(terminal);
    assert_null(gw_keyring_find(keyring, GW_STR("MINE")));
    assert_non_null(gw_keyring_find(keyring, GW_STR("OTHER")));
    gw_keyring_free(&keyring);
    assert_int_equal(KEYS(terminal, "", "remove", "MINE", "--file", terminal->keys), GW_EXIT_FAILED);
}

static void keys__without_a_file__uses_the_one_of_the_configuration(void **state)
{
    struct terminal *terminal = *state;
    struct gw_keyring *keyring;
    char config[96];
    FILE *file;

    (void)snprintf(config, sizeof(config), "%s/c.lua", terminal->folder);
    file = fopen(config, "w");
    assert_non_null(file);
    assert_true(fputs("return { keys = 'keys.json' }", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(KEYS(terminal, "", "add", "--arn", ME, "--id", "MINE", "-c", config), GW_EXIT_DONE);
    keyring = load(terminal);
    assert_int_equal(gw_keyring_count(keyring), 1);
    gw_keyring_free(&keyring);
    assert_int_equal(unlink(config), 0);
}

static void keys__unknown_verb__is_wrong_usage(void **state)
{
    struct terminal *terminal = *state;

    assert_int_equal(KEYS(terminal, "", "lists"), GW_EXIT_USAGE);
    assert_int_equal(KEYS(terminal, "", "--help"), GW_EXIT_DONE);
    assert_non_null(strstr(terminal->shown, "remove"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_terminal, close_terminal)
    const struct CMUnitTest tests[] = {
        TEST(keys_add__no_secret_given__prints_id_and_secret_once),
        TEST(keys_add__secret_on_stdin__is_taken_and_never_printed),
        TEST(keys_add__empty_stdin__adds_nothing),
        TEST(keys_add__tags_and_expiration__are_kept),
        TEST(keys_add__without_arn_or_with_a_secret_argument__is_wrong_usage),
        TEST(keys_add__id_taken__fails),
        TEST(keys_list__shows_who_and_never_a_secret),
        TEST(keys_disable_and_enable__turn_a_key_off_and_on),
        TEST(keys_remove__takes_it_out_and_fails_the_second_time),
        TEST(keys__without_a_file__uses_the_one_of_the_configuration),
        TEST(keys__unknown_verb__is_wrong_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
