/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file that a person named; making the names in a folder durable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];
static char path[96];
static char other[96];

static int make_folder(void **unused)
{
    FILE *file;

    (void)unused;
    (void)snprintf(folder, sizeof(folder), "/tmp/gw_file_XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    (void)snprintf(other, sizeof(other), "%s/other", folder);
    file = fopen(path, "w");
    for (int i = 0; file != NULL && i < 100000; i++)
        (void)fputc('a' + i % 26, file);
    return file == NULL ? -1 : fclose(file);
}

static int remove_folder(void **unused)
{
    (void)unused;
    (void)unlink(path);
    (void)unlink(other);
    return rmdir(folder);
}

static enum gw_status read_file(const char *name, size_t cap, struct gw_buf *out, struct gw_err *err)
{
    gw_buf_init(out, cap);
    return gw_file_read(name, out, err);
}

static void file_read_secret__mode_that_lets_others_in__is_denied(void **unused)
{
    const mode_t bad[] = {0644, 0604, 0620, 0602};
    struct gw_buf text;
    struct gw_err err;

    (void)unused;
    gw_buf_init(&text, 200000);
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_int_equal(gw_file_read_secret(path, &text, &err), GW_E_DENIED);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(text.length, 0);
    }
    assert_int_equal(chmod(path, 0640), 0); /* a mount of Kubernetes is readable to a group */
    assert_int_equal(gw_file_read_secret(path, &text, &err), GW_OK);
    assert_int_equal(text.length, 100000);
    gw_buf_fini(&text);
}

static void file_read__up_to_the_cap__gives_all_of_it(void **unused)
{
    struct gw_buf text;
    struct gw_err err;

    (void)unused;
    assert_int_equal(read_file(path, 100000, &text, &err), GW_OK);
    assert_int_equal(text.length, 100000);
    assert_int_equal(text.at[0], 'a');
    assert_int_equal(text.at[99999], 'a' + 99999 % 26);
    gw_buf_fini(&text);
}

static void file_read__larger_than_the_cap__is_refused(void **unused)
{
    struct gw_buf text;
    struct gw_err err;

    (void)unused;
    assert_int_equal(read_file(path, 99999, &text, &err), GW_E_LIMIT);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "99999 bytes"));
    gw_buf_fini(&text);
}

static void file_read__not_a_regular_file__is_refused_at_once(void **unused)
{
    struct gw_buf text;
    struct gw_err err;

    (void)unused;
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(read_file(other, 100, &text, &err), GW_E_IO);
    assert_non_null(strstr(err.text, "no regular file"));
    gw_buf_fini(&text);
    assert_int_equal(read_file(folder, 100, &text, &err), GW_E_IO);
    gw_buf_fini(&text);
    assert_int_equal(unlink(other), 0);
}

static void file_read__missing__says_so(void **unused)
{
    struct gw_buf text;
    struct gw_err err;

    (void)unused;
    assert_int_equal(read_file(other, 100, &text, &err), GW_E_IO);
    assert_non_null(strstr(err.text, "No such file"));
    gw_buf_fini(&text);
}

static void file_read__symlink__is_followed(void **unused)
{
    struct gw_buf text;
    struct gw_err err;

    (void)unused;
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(read_file(other, 1 << 20, &text, &err), GW_OK);
    assert_int_equal(text.length, 100000);
    gw_buf_fini(&text);
    assert_int_equal(unlink(other), 0);
}

static void file_sync_folder__folder_that_is_there__is_synced(void **unused)
{
    struct gw_err err = {""};

    (void)unused;
    assert_int_equal(gw_file_sync_folder(path, &err), GW_OK);
    assert_int_equal(gw_file_sync_folder("in the current one", &err), GW_OK);
}

static void file_sync_folder__no_folder__is_an_error(void **unused)
{
    struct gw_err err = {""};
    char below[128];

    (void)unused;
    (void)snprintf(below, sizeof(below), "%s/none/file", folder);
    assert_int_equal(gw_file_sync_folder(below, &err), GW_E_IO);
    assert_memory_equal(err.text, below, strlen(below));
    (void)snprintf(below, sizeof(below), "%s/below", path);
    assert_int_equal(gw_file_sync_folder(below, &err), GW_E_IO);
}

static void file_name__path__is_its_last_part(void **unused)
{
    (void)unused;
    assert_string_equal(gw_file_name("/a/b.c"), "b.c");
    assert_string_equal(gw_file_name("b.c"), "b.c");
    assert_string_equal(gw_file_name("/a/"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_read_secret__mode_that_lets_others_in__is_denied),
        cmocka_unit_test(file_read__up_to_the_cap__gives_all_of_it),
        cmocka_unit_test(file_read__larger_than_the_cap__is_refused),
        cmocka_unit_test(file_read__not_a_regular_file__is_refused_at_once),
        cmocka_unit_test(file_read__missing__says_so),
        cmocka_unit_test(file_read__symlink__is_followed),
        cmocka_unit_test(file_sync_folder__folder_that_is_there__is_synced),
        cmocka_unit_test(file_sync_folder__no_folder__is_an_error),
        cmocka_unit_test(file_name__path__is_its_last_part),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
