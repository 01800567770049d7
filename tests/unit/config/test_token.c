/* SPDX-License-Identifier: Apache-2.0 */
/* What a token of the admin listener looks like, and which files may hold one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "config/token.h"
#include "config_case.h"

#define GOOD "0123456789-._~+/azAZ=="

static enum gw_status parse(const char *text)
{
    struct gw_config_token token = {.length = 0};
    struct gw_err err = {""};
    enum gw_status status = gw_config_token_parse(gw_str_from(text), "here", &token, &err);

    if (status == GW_OK) {
        assert_string_equal(token.text, text);
        assert_int_equal(token.length, strlen(text));
    } else {
        assert_memory_equal(err.text, "here: is no token", 17);
        assert_int_equal(token.length, 0);
    }
    return status;
}

static void token_parse__form__is_that_of_a_bearer_token(void **state)
{
    static const char *const wrong[] = {"",
                                        "=",
                                        "0123456789abcde",
                                        "================",
                                        "0123456789abcdef 0",
                                        " 0123456789abcdef",
                                        "0123456789abcdef\n",
                                        "0123456789abc=def",
                                        "0123456789abcdef,",
                                        "0123456789abcdef\x7f",
                                        "0123456789abcd\xc3\xa9"};

    (void)state;
    assert_int_equal(parse("0123456789abcdef"), GW_OK);
    assert_int_equal(parse(GOOD), GW_OK);
    for (size_t i = 0; i < GW_COUNT(wrong); i++)
        assert_int_equal(parse(wrong[i]), GW_E_SYNTAX);
}

static void token_parse__length__has_a_cap(void **state)
{
    char text[GW_CONFIG_TOKEN_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof(text));
    text[GW_CONFIG_TOKEN_MAX + 1] = '\0';
    assert_int_equal(parse(text), GW_E_SYNTAX);
    text[GW_CONFIG_TOKEN_MAX] = '\0';
    assert_int_equal(parse(text), GW_OK);
}

struct file {
    char folder[64];
    char path[96];
};

static void make(struct file *file, const char *text, mode_t mode)
{
    (void)snprintf(file->folder, sizeof(file->folder), "/tmp/eksgate-token-XXXXXX");
    assert_non_null(mkdtemp(file->folder));
    config_case_write(file->folder, "token", text, file->path, sizeof(file->path));
    assert_int_equal(chmod(file->path, mode), 0);
}

static void drop(struct file *file)
{
    assert_int_equal(unlink(file->path), 0);
    assert_int_equal(rmdir(file->folder), 0);
}

/* Of a file with that content and mode. */
static enum gw_status load(const char *text, mode_t mode, struct gw_err *err)
{
    struct gw_config_token token;
    struct file file;
    enum gw_status status;

    make(&file, text, mode);
    status = gw_config_token_load(file.path, false, &token, err);
    if (status == GW_OK)
        assert_string_equal(token.text, GOOD);
    else
        assert_null(strstr(err->text, "0123456789"));
    drop(&file);
    return status;
}

static void token_load__line_end__is_not_part_of_it(void **state)
{
    struct gw_err err;

    (void)state;
    assert_int_equal(load(GOOD, 0600, &err), GW_OK);
    assert_int_equal(load(GOOD "\n", 0640, &err), GW_OK);
    assert_int_equal(load(GOOD "\r\n", 0400, &err), GW_OK);
    assert_int_equal(load(GOOD "\n\n", 0600, &err), GW_E_SYNTAX);
    assert_int_equal(load("\n" GOOD, 0600, &err), GW_E_SYNTAX);
    assert_int_equal(load("", 0600, &err), GW_E_SYNTAX);
    assert_int_equal(load("\n", 0600, &err), GW_E_SYNTAX);
}

static void token_load__long_file__is_refused(void **state)
{
    char text[4096];
    struct gw_err err;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(load(text, 0600, &err), GW_E_SYNTAX);
}

static void token_load__file_open_to_others__is_refused(void **state)
{
    static const mode_t modes[] = {0604, 0644, 0620, 0602};
    struct gw_err err;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(modes); i++) {
        assert_int_equal(load(GOOD, modes[i], &err), GW_E_DENIED);
        assert_non_null(strstr(err.text, "chmod go-w,o-rwx "));
    }
}

static void token_load__what_is_no_file__is_for_clients_only(void **state)
{
    struct gw_config_token token;
    struct file file;
    struct gw_err err;
    char path[64];
    int ends[2];

    (void)state;
    make(&file, GOOD, 0600);
    assert_int_equal(gw_config_token_load(file.folder, false, &token, &err), GW_E_IO);
    assert_int_equal(gw_config_token_load(file.folder, true, &token, &err), GW_E_IO);
    drop(&file);
    assert_int_equal(gw_config_token_load(file.path, true, &token, &err), GW_E_IO);
    assert_non_null(strstr(err.text, file.path));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], GOOD "\n", sizeof(GOOD)), sizeof(GOOD));
    (void)close(ends[1]);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    assert_int_equal(gw_config_token_load(path, false, &token, &err), GW_E_IO);
    assert_int_equal(gw_config_token_load(path, true, &token, &err), GW_OK);
    assert_string_equal(token.text, GOOD);
    (void)close(ends[0]);
}

static void config_admin_token__setting_file_or_none__is_read(void **state)
{
    struct config_case one;
    struct gw_config_token token;
    struct gw_err err;
    struct file file;
    char set[160];
    const char *sets[] = {set};
    char *const environment[] = {"EKSGATE_ADMIN_TOKEN=" GOOD, NULL};

    (void)state;
    make(&file, "file" GOOD, 0600);
    config_case_open(&one, "c.lua", "return {}");
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, NULL));
    assert_int_equal(gw_config_admin_token(one.config, &token, &err), GW_OK);
    assert_int_equal(token.length, 0);
    gw_config_free(&one.config);
    config_case_assert_good(&one, config_case_load(&one, NULL, 0, environment));
    assert_int_equal(gw_config_admin_token(one.config, &token, &err), GW_OK);
    assert_string_equal(token.text, GOOD);
    gw_config_free(&one.config);
    (void)snprintf(set, sizeof(set), "admin_token_file=%s", file.path);
    config_case_assert_good(&one, config_case_load(&one, sets, 1, NULL));
    assert_int_equal(gw_config_admin_token(one.config, &token, &err), GW_OK);
    assert_string_equal(token.text, "file" GOOD);
    config_case_close(&one);
    drop(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_parse__form__is_that_of_a_bearer_token),
        cmocka_unit_test(token_parse__length__has_a_cap),
        cmocka_unit_test(token_load__line_end__is_not_part_of_it),
        cmocka_unit_test(token_load__long_file__is_refused),
        cmocka_unit_test(token_load__file_open_to_others__is_refused),
        cmocka_unit_test(token_load__what_is_no_file__is_for_clients_only),
        cmocka_unit_test(config_admin_token__setting_file_or_none__is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
