/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyrings: what a key file may hold, what is refused in which words, and which
 * modes and owners are let pass.
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

#include "auth/keyring.h"
#include "auth/secret.h"
#include "key_case.h"

#define ARN     "\"Arn\":\"arn:aws:iam::111122223333:user/a\""
#define EXAMPLE "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static enum gw_status parse(const char *text)
{
    gw_keyring_free(&keyring);
    return gw_keyring_parse(gw_str_from(text), "keys.json", &keyring, &err);
}

static void assert_refused(const char *text, enum gw_status status, const char *words)
{
    assert_int_equal(parse(text), status);
    assert_string_equal(err.text, words);
    assert_null(keyring);
}

static void keyring_parse__every_member__is_taken_over(void **state)
{
    const struct gw_key *key;

    (void)state;
    assert_int_equal(parse("{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKID_1\",\"SecretAccessKey\":\"s3cret\","
                           "\"SessionToken\":\"t/+=\",\"Expiration\":\"2030-01-31T12:00:00Z\","
                           "\"Arn\":\"arn:aws:sts::111122223333:assumed-role/dev/carol\","
                           "\"Tags\":{\"team\":\"blue\",\"cost\":\"7\"},\"Disabled\":true}]}"),
                     GW_OK);
    assert_int_equal(gw_keyring_count(keyring), 1);
    key = gw_keyring_find(keyring, GW_STR("AKID_1"));
    assert_non_null(key);
    assert_ptr_equal(key, gw_keyring_at(keyring, 0));
    assert_null(gw_keyring_at(keyring, 1));
    assert_true(gw_str_is(key->id, "AKID_1"));
    assert_true(gw_str_is(gw_secret_text(key->secret), "AWS4s3cret"));
    assert_true(gw_str_is(key->session_token, "t/+="));
    assert_int_equal(key->expires_ms, INT64_C(1896091200000));
    assert_int_equal(key->owner.kind, GW_PRINCIPAL_ASSUMED_ROLE);
    assert_true(gw_str_is(key->owner.session, "carol"));
    assert_int_equal(key->tag_count, 2);
    assert_true(gw_str_is(key->tags[1].key, "cost"));
    assert_true(gw_str_is(key->tags[1].value, "7"));
    assert_true(key->disabled);
    assert_false(key->example);
}

static void keyring_parse__defaults__are_long_term_and_enabled(void **state)
{
    const struct gw_key *key;

    (void)state;
    assert_int_equal(parse("{\"Keys\":[{" ARN ",\"SecretAccessKey\":\"s\",\"AccessKeyId\":\"a\"}],\"Version\":1}"),
                     GW_OK);
    key = gw_keyring_find(keyring, GW_STR("a"));
    assert_null(key->session_token.at);
    assert_true(key->expires_ms == INT64_MAX);
    assert_false(key->disabled);
    assert_int_equal(key->tag_count, 0);
    assert_int_equal(parse("{\"Version\":1,\"Keys\":[]}"), GW_OK);
    assert_int_equal(gw_keyring_count(keyring), 0);
    assert_false(gw_keyring_has_example(keyring));
    assert_null(gw_keyring_find(keyring, GW_STR("a")));
    assert_null(gw_keyring_find(keyring, GW_STR_NONE));
}

static void keyring_parse__published_secrets__are_examples(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\"," ARN "},"
                           "{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"" EXAMPLE "\"," ARN "},"
                           "{\"AccessKeyId\":\"AKIAIOSFODNN7EXAMPLE\",\"SecretAccessKey\":"
                           "\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"," ARN "}]}"),
                     GW_OK);
    assert_false(gw_keyring_at(keyring, 0)->example);
    assert_true(gw_keyring_at(keyring, 1)->example);
    assert_true(gw_keyring_at(keyring, 2)->example);
    assert_true(gw_keyring_has_example(keyring));
}

static void keyring_parse__same_text_again__has_other_secret_versions(void **state)
{
    static const char text[] = "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\"," ARN "},"
                               "{\"AccessKeyId\":\"b\",\"SecretAccessKey\":\"x\"," ARN "}]}";
    uint64_t before;

    (void)state;
    assert_int_equal(parse(text), GW_OK);
    before = gw_keyring_at(keyring, 1)->secret_version;
    assert_int_not_equal(gw_keyring_at(keyring, 0)->secret_version, before);
    assert_int_equal(parse(text), GW_OK);
    assert_true(gw_keyring_at(keyring, 0)->secret_version > before);
}

static void keyring_parse__document_out_of_form__says_what_is_wanted(void **state)
{
    (void)state;
    assert_refused("[]", GW_E_TYPE, "keys.json: must be an object {\"Version\": 1, \"Keys\": [...]}");
    assert_refused("{\"Keys\":[]}", GW_E_MISSING, "keys.json: Version is required and must be 1");
    assert_refused("{\"Version\":2,\"Keys\":[]}", GW_E_RANGE, "keys.json: Version is required and must be 1");
    assert_refused("{\"Version\":\"1\",\"Keys\":[]}", GW_E_RANGE, "keys.json: Version is required and must be 1");
    assert_refused("{\"Version\":1}", GW_E_MISSING, "keys.json: Keys is required: an array of keys");
    assert_refused("{\"Version\":1,\"Keys\":{}}", GW_E_TYPE, "keys.json: Keys must be an array of keys");
    assert_refused("{\"Version\":1,\"Keys\":[],\"Extra\":1}", GW_E_SYNTAX,
                   "keys.json: unknown member \"Extra\"; known: Version, Keys");
    assert_refused("{\"Version\":1,\"Keys\":[7]}", GW_E_TYPE, "keys.json: Keys[0]: must be an object");
    assert_int_equal(parse("{\"Version\":1"), GW_E_SYNTAX);
    assert_int_equal(strncmp(err.text, "keys.json: line 1", 17), 0);
}

static void refuse_key(const char *members, enum gw_status status, const char *words)
{
    char text[2048];

    snprintf(text, sizeof(text), "{\"Version\":1,\"Keys\":[{%s}]}", members);
    assert_refused(text, status, words);
}

static void keyring_parse__member_out_of_form__names_key_and_member(void **state)
{
    static const char ids[] = "keys.json: Keys[0]: AccessKeyId is required: 1 to 128 letters, digits and underscores";
    static const char secrets[] =
        "keys.json: Keys[0] (a): SecretAccessKey is required: 1 to 256 visible ASCII characters";

    (void)state;
    refuse_key("\"SecretAccessKey\":\"x\"," ARN, GW_E_MISSING, ids);
    refuse_key("\"AccessKeyId\":\"\",\"SecretAccessKey\":\"x\"," ARN, GW_E_SYNTAX, ids);
    refuse_key("\"AccessKeyId\":\"a/b\",\"SecretAccessKey\":\"x\"," ARN, GW_E_SYNTAX, ids);
    refuse_key("\"AccessKeyId\":7,\"SecretAccessKey\":\"x\"," ARN, GW_E_SYNTAX, ids);
    refuse_key("\"AccessKeyId\":\"a\"," ARN, GW_E_MISSING, secrets);
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"\"," ARN, GW_E_SYNTAX, secrets);
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"no blanks\"," ARN, GW_E_SYNTAX, secrets);
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":null," ARN, GW_E_SYNTAX, secrets);
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\",\"SessionToken\":\"\"," ARN, GW_E_SYNTAX,
               "keys.json: Keys[0] (a): SessionToken must be 1 to 16384 visible ASCII characters, or left out");
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\"", GW_E_MISSING,
               "keys.json: Keys[0] (a): Arn is required: the caller that the key stands for");
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\",\"Arn\":\"arn:aws:s3:::b\"", GW_E_SYNTAX,
               "keys.json: Keys[0] (a): Arn must name a role, user, root, assumed-role session or federated user, like "
               "arn:aws:iam::111122223333:user/NAME");
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\",\"Expiration\":\"soon\"," ARN, GW_E_SYNTAX,
               "keys.json: Keys[0] (a): Expiration must be a time like 2030-01-31T12:00:00Z, or left out");
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\",\"Disabled\":\"yes\"," ARN, GW_E_TYPE,
               "keys.json: Keys[0] (a): Disabled must be true or false");
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\",\"Tags\":[]," ARN, GW_E_TYPE,
               "keys.json: Keys[0] (a): Tags must be an object of strings");
    refuse_key("\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\",\"Tags\":{\"k\":1}," ARN, GW_E_TYPE,
               "keys.json: Keys[0] (a): Tags must be an object of strings");
    refuse_key("\"AccessKeyId\":\"a\",\"secretAccessKey\":\"x\"," ARN, GW_E_SYNTAX,
               "keys.json: Keys[0]: unknown member \"secretAccessKey\"; known: AccessKeyId, SecretAccessKey, "
               "SessionToken, Expiration, Arn, Tags, Disabled");
}

static void keyring_parse__refusals__never_show_a_secret(void **state)
{
    static const char *bad[] = {
        ("{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hush hush\"," ARN "}]}"),
        "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hush\",\"SessionToken\":\"hush h\"}]}",
        "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"hush\"}]}",
        "{\"Version\":1,\"Keys\":[{\"SecretAccessKey\":\"hush\" \"x\"}]}",
        "{\"Version\":1,\"Keys\":[{\"SecretAccessKey\":\"hush",
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bad); i++) {
        assert_int_not_equal(parse(bad[i]), GW_OK);
        assert_null(strstr(err.text, "hush"));
    }
}

static void keyring_parse__id_twice__is_duplicate(void **state)
{
    (void)state;
    assert_refused("{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\"," ARN "},"
                   "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"y\"," ARN "}]}",
                   GW_E_DUPLICATE, "keys.json: Keys[1] (a): AccessKeyId is there twice");
}

static void write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static enum gw_status load(void)
{
    gw_keyring_free(&keyring);
    return gw_keyring_load(path, &keyring, &err);
}

#define SECRET_FILE  "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"x\"," ARN "}]}"
#define EXAMPLE_FILE "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"" EXAMPLE "\"," ARN "}]}"
#define TOKEN_FILE                                                                                                     \
    "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"" EXAMPLE "\",\"SessionToken\":\"t\"," ARN  \
    "}]}"

static void keyring_load__modes__are_checked(void **state)
{
    (void)state;
    write_file(SECRET_FILE, 0600);
    assert_int_equal(load(), GW_OK);
    assert_int_equal(gw_keyring_count(keyring), 1);
    write_file(SECRET_FILE, 0440);
    assert_int_equal(load(), GW_OK);
    write_file(SECRET_FILE, 0604);
    assert_int_equal(load(), GW_E_DENIED);
    assert_non_null(strstr(err.text, "keys.json: mode 0604 lets everybody read it; chmod o-rwx "));
    assert_null(keyring);
    write_file(SECRET_FILE, 0620);
    assert_int_equal(load(), GW_E_DENIED);
    assert_non_null(strstr(err.text, "keys.json: mode 0620 lets others write it; chmod go-w "));
    write_file(SECRET_FILE, 0602);
    assert_int_equal(load(), GW_E_DENIED);
}

static void keyring_load__example_keys_alone__may_be_read_by_everybody(void **state)
{
    (void)state;
    write_file(EXAMPLE_FILE, 0644);
    assert_int_equal(load(), GW_OK);
    write_file(EXAMPLE_FILE, 0664);
    assert_int_equal(load(), GW_E_DENIED);
    write_file(EXAMPLE_FILE, 0646);
    assert_int_equal(load(), GW_E_DENIED);
    write_file(TOKEN_FILE, 0644);
    assert_int_equal(load(), GW_E_DENIED);
    write_file("{\"Version\":1,\"Keys\":[]}", 0644);
    assert_int_equal(load(), GW_E_DENIED);
}

static void keyring_load__foreign_owner__is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("not root: no file can be given away here\n");
        skip();
    }
    write_file(SECRET_FILE, 0600);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(load(), GW_E_DENIED);
    assert_non_null(strstr(err.text, "belongs to user 12345; it must belong to root or to user 0, who runs this"));
}

static void keyring_load__no_regular_file__is_refused(void **state)
{
    (void)state;
    assert_int_equal(load(), GW_E_MISSING);
    assert_int_equal(gw_keyring_load(folder, &keyring, &err), GW_E_TYPE);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(load(), GW_E_TYPE);
    unlink(path);
    assert_int_equal(symlink(path, path), 0);
    assert_int_equal(load(), GW_E_IO);
}

static void keyring_load__more_than_4_mib__is_limit(void **state)
{
    (void)state;
    write_file(SECRET_FILE, 0600);
    assert_int_equal(truncate(path, (off_t)GW_KEYRING_FILE_MAX + 1), 0);
    assert_int_equal(load(), GW_E_LIMIT);
}

static void keyring_stamp__content_or_symlink_changed__differs(void **state)
{
    struct gw_keyring_stamp first;
    struct gw_keyring_stamp second;
    char other[160];
    char link[160];

    (void)state;
    snprintf(other, sizeof(other), "%s/other", folder);
    snprintf(link, sizeof(link), "%s/link", folder);
    assert_int_equal(gw_keyring_stamp(path, &first), GW_E_MISSING);
    write_file(SECRET_FILE, 0600);
    assert_int_equal(symlink("keys.json", link), 0);
    assert_int_equal(gw_keyring_stamp(link, &first), GW_OK);
    assert_int_equal(gw_keyring_stamp(link, &second), GW_OK);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(rename(path, other), 0);
    write_file(SECRET_FILE, 0600);
    assert_int_equal(gw_keyring_stamp(link, &second), GW_OK);
    assert_memory_not_equal(&first, &second, sizeof(first));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("other", link), 0);
    assert_int_equal(gw_keyring_stamp(link, &first), GW_OK);
    assert_memory_not_equal(&first, &second, sizeof(first));
    unlink(link);
    unlink(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keyring_parse__every_member__is_taken_over),
        TEST(keyring_parse__defaults__are_long_term_and_enabled),
        TEST(keyring_parse__published_secrets__are_examples),
        TEST(keyring_parse__same_text_again__has_other_secret_versions),
        TEST(keyring_parse__document_out_of_form__says_what_is_wanted),
        TEST(keyring_parse__member_out_of_form__names_key_and_member),
        TEST(keyring_parse__refusals__never_show_a_secret),
        TEST(keyring_parse__id_twice__is_duplicate),
        TEST(keyring_load__modes__are_checked),
        TEST(keyring_load__example_keys_alone__may_be_read_by_everybody),
        TEST(keyring_load__foreign_owner__is_refused),
        TEST(keyring_load__no_regular_file__is_refused),
        TEST(keyring_load__more_than_4_mib__is_limit),
        TEST(keyring_stamp__content_or_symlink_changed__differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
