/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits of key files: what is in the file afterwards, with which mode, and that
 * neither a failed edit nor an editor beside it loses anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/keyfile.h"
#include "auth/secret.h"
#include "key_case.h"

#define ALICE "arn:aws:iam::111122223333:user/alice"

static void count_up(void *ctx, void *bytes, size_t length)
{
    unsigned char *at = bytes;
    unsigned char *next = ctx;

    for (size_t i = 0; i < length; i++)
        at[i] = (*next)++;
}

static enum gw_status add(const char *id, const char *secret, struct gw_keyfile_added *added)
{
    static unsigned char next;
    const struct gw_random counting = {&next, count_up};
    struct gw_keyfile_key key = {.id = gw_str_from(id), .secret = gw_str_from(secret), .arn = GW_STR(ALICE)};

    next = 0;
    return gw_keyfile_add(path, &key, &counting, added, &err);
}

static void load(void)
{
    gw_keyring_free(&keyring);
    if (gw_keyring_load(path, &keyring, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static void read_file(char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
}

static mode_t mode_of(void)
{
    struct stat found;

    assert_int_equal(stat(path, &found), 0);
    return found.st_mode & 07777;
}

static void keyfile_add__no_file__makes_one_for_its_owner_alone(void **state)
{
    char text[1024];

    (void)state;
    assert_int_equal(add("AKID1", "secret", NULL), GW_OK);
    assert_int_equal(mode_of(), 0600);
    read_file(text, sizeof(text));
    assert_string_equal(text, "{\n"
                              "  \"Version\": 1,\n"
                              "  \"Keys\": [\n"
                              "    {\n"
                              "      \"AccessKeyId\": \"AKID1\",\n"
                              "      \"SecretAccessKey\": \"secret\",\n"
                              "      \"Arn\": \"" ALICE "\"\n"
                              "    }\n"
                              "  ]\n"
                              "}\n");
}

static void keyfile_add__every_member__is_read_back(void **state)
{
    const struct gw_pair tags[] = {{GW_STR("team"), GW_STR("blue")}, {GW_STR("cost"), GW_STR("7")}};
    struct gw_keyfile_key key = {
        .id = GW_STR("ASID"),
        .secret = GW_STR("secret"),
        .session_token = GW_STR("to/ken"),
        .arn = GW_STR(ALICE),
        .expiration = GW_STR("2030-01-31T12:00:00Z"),
        .tags = tags,
        .tag_count = 2,
        .disabled = true,
    };
    const struct gw_key *found;

    (void)state;
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(gw_keyfile_add(path, &key, gw_random_system(), NULL, &err), GW_OK);
    load();
    assert_int_equal(gw_keyring_count(keyring), 2);
    found = gw_keyring_at(keyring, 1);
    assert_true(gw_str_is(found->id, "ASID"));
    assert_true(gw_str_is(gw_secret_text(found->secret), "AWS4secret"));
    assert_true(gw_str_is(found->session_token, "to/ken"));
    assert_int_equal(found->expires_ms, INT64_C(1896091200000));
    assert_int_equal(found->tag_count, 2);
    assert_true(gw_str_is(found->tags[1].key, "cost"));
    assert_true(found->disabled);
    assert_true(gw_str_is(gw_secret_text(gw_keyring_at(keyring, 0)->secret), "AWS4first"));
}

static void keyfile_add__nothing_given__makes_id_and_secret(void **state)
{
    struct gw_keyfile_added first;
    struct gw_keyfile_added second;
    struct gw_keyfile_key key = {.arn = GW_STR(ALICE)};

    (void)state;
    assert_int_equal(add(NULL, NULL, &first), GW_OK);
    assert_string_equal(first.id, "EKSGABCDEFGHIJKLMNOP");
    assert_string_equal(first.secret, "EBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywt");
    assert_int_equal(gw_keyfile_add(path, &key, gw_random_system(), &second, &err), GW_OK);
    assert_int_equal(strlen(second.id), 20);
    assert_int_equal(strlen(second.secret), 40);
    assert_string_not_equal(first.secret, second.secret);
    load();
    assert_int_equal(gw_keyring_count(keyring), 2);
    assert_non_null(gw_keyring_find(keyring, gw_str_from(second.id)));
}

static void keyfile_add__taken_id__is_duplicate_and_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(add("AKID1", "second", NULL), GW_E_DUPLICATE);
    assert_non_null(strstr(err.text, "there is a key AKID1 already"));
    load();
    assert_int_equal(gw_keyring_count(keyring), 1);
    assert_true(gw_str_is(gw_secret_text(gw_keyring_at(keyring, 0)->secret), "AWS4first"));
}

static void keyfile_add__key_out_of_form__is_refused_without_its_secret(void **state)
{
    struct gw_keyfile_key key = {.id = GW_STR("a"), .secret = GW_STR("hush hush"), .arn = GW_STR(ALICE)};

    (void)state;
    assert_int_equal(gw_keyfile_add(path, &key, gw_random_system(), NULL, &err), GW_E_SYNTAX);
    assert_non_null(strstr(err.text, "SecretAccessKey"));
    assert_null(strstr(err.text, "hush"));
    key.secret = GW_STR("hush");
    key.arn = GW_STR("nobody");
    assert_int_equal(gw_keyfile_add(path, &key, gw_random_system(), NULL, &err), GW_E_SYNTAX);
    assert_null(strstr(err.text, "hush"));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void keyfile_set_disabled__on_and_off__is_read_back(void **state)
{
    struct stat before;
    struct stat after;

    (void)state;
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(add("AKID2", "second", NULL), GW_OK);
    assert_int_equal(gw_keyfile_set_disabled(path, GW_STR("AKID2"), true, &err), GW_OK);
    load();
    assert_false(gw_keyring_at(keyring, 0)->disabled);
    assert_true(gw_keyring_at(keyring, 1)->disabled);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(gw_keyfile_set_disabled(path, GW_STR("AKID2"), true, &err), GW_OK);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(gw_keyfile_set_disabled(path, GW_STR("AKID2"), false, &err), GW_OK);
    load();
    assert_false(gw_keyring_at(keyring, 1)->disabled);
}

static void keyfile_remove__one_of_three__leaves_the_others(void **state)
{
    (void)state;
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(add("AKID2", "second", NULL), GW_OK);
    assert_int_equal(add("AKID3", "third", NULL), GW_OK);
    assert_int_equal(gw_keyfile_remove(path, GW_STR("AKID2"), &err), GW_OK);
    load();
    assert_int_equal(gw_keyring_count(keyring), 2);
    assert_non_null(gw_keyring_find(keyring, GW_STR("AKID1")));
    assert_true(gw_str_is(gw_secret_text(gw_keyring_find(keyring, GW_STR("AKID3"))->secret), "AWS4third"));
}

static void keyfile_edits__unknown_key_or_file__are_missing(void **state)
{
    (void)state;
    assert_int_equal(gw_keyfile_remove(path, GW_STR("AKID1"), &err), GW_E_MISSING);
    assert_int_equal(gw_keyfile_set_disabled(path, GW_STR("AKID1"), true, &err), GW_E_MISSING);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(gw_keyfile_remove(path, GW_STR("AKID9"), &err), GW_E_MISSING);
    assert_non_null(strstr(err.text, "there is no key AKID9"));
}

static void keyfile_edits__modes__stay_unless_everybody_could_read_a_secret(void **state)
{
    (void)state;
    assert_int_equal(add("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL), GW_OK);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(gw_keyfile_set_disabled(path, GW_STR("AKIDEXAMPLE"), true, &err), GW_OK);
    assert_int_equal(mode_of(), 0644);
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(mode_of(), 0640);
}

static void keyfile_edits__file_a_gateway_would_refuse__is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(add("AKID2", "second", NULL), GW_E_DENIED);
    assert_int_equal(mode_of(), 0666);
}

static void keyfile_edits__symbolic_link__is_followed_and_kept(void **state)
{
    char real[160];
    struct stat found;

    (void)state;
    snprintf(real, sizeof(real), "%s/real.json", folder);
    assert_int_equal(add("AKID1", "first", NULL), GW_OK);
    assert_int_equal(rename(path, real), 0);
    assert_int_equal(symlink("real.json", path), 0);
    assert_int_equal(add("AKID2", "second", NULL), GW_OK);
    assert_int_equal(lstat(path, &found), 0);
    assert_true(S_ISLNK(found.st_mode));
    load();
    assert_int_equal(gw_keyring_count(keyring), 2);
    unlink(real);
}

/* Four editors add ten keys each at the same time. */
static void keyfile_edits__at_once__lose_nothing(void **state)
{
    pid_t editors[4];

    (void)state;
    for (int e = 0; e < 4; e++) {
        editors[e] = fork();
        assert_true(editors[e] >= 0);
        if (editors[e] == 0) {
            int failed = 0;

            for (int i = 0; i < 10; i++) {
                char id[32];

                snprintf(id, sizeof(id), "AKID_%d_%d", e, i);
                failed += add(id, "secret", NULL) != GW_OK;
            }
            _exit(failed);
        }
    }
    for (int e = 0; e < 4; e++) {
        int status;

        assert_int_equal(waitpid(editors[e], &status, 0), editors[e]);
        assert_int_equal(status, 0);
    }
    load();
    assert_int_equal(gw_keyring_count(keyring), 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keyfile_add__no_file__makes_one_for_its_owner_alone),
        TEST(keyfile_add__every_member__is_read_back),
        TEST(keyfile_add__nothing_given__makes_id_and_secret),
        TEST(keyfile_add__taken_id__is_duplicate_and_changes_nothing),
        TEST(keyfile_add__key_out_of_form__is_refused_without_its_secret),
        TEST(keyfile_set_disabled__on_and_off__is_read_back),
        TEST(keyfile_remove__one_of_three__leaves_the_others),
        TEST(keyfile_edits__unknown_key_or_file__are_missing),
        TEST(keyfile_edits__modes__stay_unless_everybody_could_read_a_secret),
        TEST(keyfile_edits__file_a_gateway_would_refuse__is_left_alone),
        TEST(keyfile_edits__symbolic_link__is_followed_and_kept),
        TEST(keyfile_edits__at_once__lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
