/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full files and files that are given up: the chain runs on in the next.
 */
#include "journal_case.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "journal/checkpoint.h"

/* RFC 8032, section 7.1, test 1. */
#define PRIVATE_KEY                                                                                                    \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                                               \
    "-----END PRIVATE KEY-----\n"

static void full_file__next_flush__is_in_a_new_one(void **state)
{
    struct fixture *f = *state;
    char first[128];

    f->options.max_size = 1200;
    open_ok(f);
    for (int i = 0; i < 3; i++) {
        append(f, "a");
        append(f, "b");
        assert_int_equal(flush(f), GW_OK);
    }
    assert_int_equal(count_files(f->folder), 1);
    append(f, "c");
    append(f, "d");
    assert_int_equal(flush(f), GW_OK);
    (void)snprintf(first, sizeof(first), "%s.000000000001", f->path);
    assert_string_equal(words_of(f, first), "a b a b a b c d");
    record(f, "e");
    assert_string_equal(chain_words(f), "a b a b a b c d <AuditRotated> e");
    assert_non_null(strstr(read_file(f, f->path), "\"rotated\":{\"after\":8,\"file\":\"audit.jsonl.000000000001\"}"));
    assert_int_equal(gw_journal_counters(f->journal)->files, 2);
    assert_int_equal(gw_journal_counters(f->journal)->given_up, 0);
}

static void full_file__only_unsynced_records__is_synced_before_it_is_left(void **state)
{
    struct fixture *f = *state;

    f->options.max_size = 100;
    open_ok(f);
    append(f, "a");
    let_fail(CALL_RENAME, 0, 1, EIO);
    assert_int_equal(flush_unsynced(f), GW_OK);
    assert_int_equal(disk.syncs, 2); /* the file, and the new one, which isn't used then */
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 1);
    assert_string_equal(words_of(f, f->path), "a");
    assert_int_equal(count_files(f->folder), 1);
}

static void full_file__not_durable__is_never_synced(void **state)
{
    struct fixture *f = *state;

    f->options.max_size = 100;
    f->options.durable = false;
    open_ok(f);
    record(f, "a");
    record(f, "b");
    assert_string_equal(chain_words(f), "a <AuditRotated> b <AuditRotated>");
    assert_int_equal(disk.syncs, 0);
}

static void full_file__no_new_one_can_be_made__goes_on_and_tries_again(void **state)
{
    struct fixture *f = *state;

    f->options.max_size = 100;
    open_ok(f);
    let_fail(CALL_RENAME, 0, 1, EACCES);
    record(f, "a");
    record(f, "b"); /* not tried again within a second */
    assert_int_equal(count_files(f->folder), 1);
    f->now_ms += 1000;
    let_fail(CALL_OPEN, 0, 1, ENFILE);
    record(f, "c"); /* renamed, and renamed back */
    assert_int_equal(count_files(f->folder), 1);
    record(f, "d");
    assert_string_equal(words_of(f, f->path), "a b c d");
    f->now_ms += 1000;
    record(f, "e");
    assert_int_equal(count_files(f->folder), 2);
    assert_string_equal(chain_words(f), "a b c d e <AuditRotated>");
}

static void full_file__moved_by_somebody__is_left_there(void **state)
{
    struct fixture *f = *state;

    f->options.max_size = 300;
    open_ok(f);
    record(f, "a");
    assert_int_equal(rename(f->path, f->other), 0);
    append(f, "b");
    append(f, "c");
    assert_int_equal(flush(f), GW_OK);
    assert_string_equal(words_of(f, f->other), "a b c");
    assert_string_equal(chain_words(f), "a b c <AuditRotated>");
}

static void sync_fails__next_flush__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;
    char old[128];

    open_ok(f);
    record(f, "a");
    let_fail(CALL_SYNC, 0, 1, EIO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, "sync it"));
    assert_int_equal(gw_journal_counters(f->journal)->given_up, 1);
    record(f, "b");
    (void)snprintf(old, sizeof(old), "%s.000000000001", f->path);
    assert_string_equal(words_of(f, old), "a lost");
    assert_string_equal(chain_words(f), "a <AuditContinued> b");
    assert_non_null(strstr(read_file(f, f->path), "\"continues\":{\"after\":1,\"file\":\"audit.jsonl.000000000001\","
                                                  "\"reason\":\"sync failed: Input/output error\"}"));
}

static void sync_fails__records_that_rode_along__are_written_again(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    append(f, "b");
    assert_int_equal(flush_unsynced(f), GW_OK);
    append(f, "c");
    assert_int_equal(flush_unsynced(f), GW_OK);
    let_fail(CALL_SYNC, 0, 1, EIO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    record(f, "d");
    assert_string_equal(chain_words(f), "a b c <AuditContinued> d");
    assert_null(strstr(read_file(f, f->path), "\"r\":\"a\""));
    assert_non_null(strstr(f->text.at, "\"r\":\"b\""));
}

static void sync_fails__again_and_again__leaves_one_file_and_recovers(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    let_fail(CALL_SYNC, 0, 1000, EIO);
    for (int i = 0; i < 20; i++) {
        append(f, "lost");
        assert_int_equal(flush(f), GW_E_IO);
    }
    let_work();
    record(f, "b");
    assert_int_equal(count_files(f->folder), 2);
    assert_string_equal(chain_words(f), "a <AuditContinued> b");
}

static void sync_fails__no_new_file_can_be_made__recovers_when_it_can(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    disk.bad_sync = disk.syncs;
    let_fail(CALL_RENAME, 0, 1000, EROFS);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, "rename it"));
    assert_int_equal(gw_journal_head(f->journal).sequence, 2); /* what is owed: that it goes on elsewhere */
    assert_int_equal(gw_journal_durable_head(f->journal).sequence, 1);
    let_work();
    record(f, "b");
    assert_string_equal(chain_words(f), "a <AuditContinued> b");
    assert_int_equal(count_files(f->folder), 2);
}

static void sync_fails__new_file_can_not_be_synced_either__leaves_one_file(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    append(f, "rides along");
    assert_int_equal(flush_unsynced(f), GW_OK);
    let_fail(CALL_SYNC, 0, 1000, EIO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    assert_non_null(strstr(f->err.text, "sync a new one"));
    assert_int_equal(count_files(f->folder), 1);
    let_work();
    record(f, "b");
    assert_string_equal(chain_words(f), "a rides along <AuditContinued> b");
    assert_int_equal(count_files(f->folder), 2);
}

static void sync_fails__now_and_then__leaves_two_files(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    disk.odd_syncs_fail = true;
    disk.syncs = 0;
    for (int i = 0; i < 20; i++) {
        append(f, "lost");
        assert_int_equal(flush(f), GW_E_IO);
    }
    disk.odd_syncs_fail = false;
    record(f, "b");
    assert_int_equal(count_files(f->folder), 2); /* one in which nothing is durable goes */
    assert_string_equal(chain_words(f), "a <AuditContinued> b");
}

static void sync_fails__name_taken__another_is_found(void **state)
{
    struct fixture *f = *state;
    char taken[128];

    (void)snprintf(taken, sizeof(taken), "%s.000000000001", f->path);
    add_text(taken, "");
    open_ok(f);
    record(f, "a");
    let_fail(CALL_SYNC, 0, 1, EIO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    record(f, "b");
    assert_string_equal(read_file(f, taken), "");
    assert_string_equal(chain_words(f), "a <AuditContinued> b");
    assert_non_null(strstr(read_file(f, f->path), "\"file\":\"audit.jsonl.000000000001.1\""));
}

static void cut_fails__next_flush__goes_on_in_a_new_file(void **state)
{
    struct fixture *f = *state;

    for (int durable = 0; durable < 2; durable++) {
        f->options.durable = durable != 0;
        open_ok(f);
        record(f, "a");
        disk.room = 200;
        let_fail(CALL_TRUNCATE, 0, 1, EIO);
        append(f, "lost");
        append(f, "lost");
        assert_int_equal(flush(f), GW_E_IO);
        disk.room = SIZE_MAX;
        record(f, "b");
        assert_string_equal(chain_words(f), "a <AuditContinued> b");
        assert_int_equal(count_files(f->folder), 2);
        gw_journal_close(&f->journal);
        empty_folder(f->folder);
    }
}

static void sync_fails__restart__does_not_take_the_old_file_up(void **state)
{
    struct fixture *f = *state;

    open_ok(f);
    record(f, "a");
    let_fail(CALL_SYNC, 0, 1, EIO);
    append(f, "lost");
    assert_int_equal(flush(f), GW_E_IO);
    gw_journal_close(&f->journal);
    open_ok(f);
    record(f, "b");
    assert_string_equal(chain_words(f), "a <AuditContinued> b");
}

/* The checkpoints in a file, each checked against the line before it; their number. */
static size_t check_checkpoints(struct fixture *f, const char *path, const struct gw_ed25519_key *key)
{
    struct gw_str rest = gw_str_from(read_file(f, path));
    struct gw_str before = GW_STR_NONE;
    char id[GW_CHECKPOINT_KEY_ID];
    struct gw_buf signature;
    struct gw_arena arena;
    size_t count = 0;

    gw_buf_init(&signature, 1024);
    gw_arena_init(&arena, 0);
    gw_checkpoint_key_id(key, id);
    while (rest.length > 0) {
        struct gw_str line = gw_str_split(&rest, '\n');
        struct gw_chain_head head;
        const struct gw_json *said;
        struct gw_json record;
        unsigned char previous[GW_DIGEST_SIZE];
        struct gw_buf message;

        assert_int_equal(gw_json_parse(line, &arena, &record, NULL), GW_OK);
        said = gw_json_get(gw_json_get(gw_json_get(&record, "additionalEventData"), "eksgate"), "checkpoint");
        if (said != NULL) {
            gw_digest_sha256(before, head.hash);
            assert_int_equal(gw_chain_parse(line, &head.sequence, previous), GW_OK);
            head.sequence--;
            assert_memory_equal(previous, head.hash, sizeof(previous));
            assert_int_equal(gw_json_get(said, "sequence")->as.integer, head.sequence);
            assert_true(gw_str_equal(gw_json_get(said, "key")->as.string, (struct gw_str){id, sizeof(id)}));
            gw_buf_init(&message, 1024);
            gw_checkpoint_message(&head, gw_json_get(said, "time")->as.string, &message);
            gw_buf_clear(&signature);
            assert_int_equal(gw_base64_decode(gw_json_get(said, "signature")->as.string, &signature), GW_OK);
            assert_int_equal(signature.length, GW_ED25519_SIGNATURE);
            assert_true(gw_ed25519_verify(key, gw_buf_str(&message), (const unsigned char *)signature.at));
            gw_buf_fini(&message);
            count++;
        }
        before = line;
        if (rest.at == NULL)
            break;
    }
    gw_arena_fini(&arena);
    gw_buf_fini(&signature);
    return count;
}

static void checkpoint_message__head_and_time__are_four_lines(void **state)
{
    struct gw_chain_head head = {.sequence = 42};
    struct gw_buf text;

    (void)state;
    memset(head.hash, 0xab, sizeof(head.hash));
    gw_buf_init(&text, 1024);
    gw_checkpoint_message(&head, GW_STR("2026-11-22T16:00:00.123Z"), &text);
    assert_true(
        gw_str_is(gw_buf_str(&text),
                  "eksgate audit checkpoint 1\n42\n"
                  "abababababababababababababababababababababababababababababababab\n2026-11-22T16:00:00.123Z\n"));
    gw_buf_fini(&text);
}

static void checkpoint_key_id__published_key__is_front_of_its_hash(void **state)
{
    struct gw_ed25519_key *key = NULL;
    char id[GW_CHECKPOINT_KEY_ID];

    (void)state;
    assert_int_equal(gw_ed25519_private(GW_STR(PRIVATE_KEY), &key), GW_OK);
    gw_checkpoint_key_id(key, id);
    /* printf d75a9801...511a | xxd -r -p | sha256sum */
    assert_memory_equal(id, "21fe31dfa154a261", sizeof(id));
    gw_ed25519_free(&key);
}

static void signing_key__begin_minute_rotation_and_close__are_signed(void **state)
{
    struct fixture *f = *state;
    struct gw_journal_start start = {.is_durable = false};
    struct gw_journal_begun begun;
    struct gw_ed25519_key *key = NULL;
    char first[128];

    (void)snprintf(first, sizeof(first), "%s.000000000001", f->path);
    assert_int_equal(gw_ed25519_private(GW_STR(PRIVATE_KEY), &key), GW_OK);
    f->options.key = key;
    open_ok(f);
    assert_int_equal(gw_journal_begin(f->journal, &start, &begun, &f->err), GW_OK);
    assert_string_equal(words_of(f, f->path), "<AuditBegun> <AuditCheckpoint>");
    f->now_ms += 60000;
    gw_journal_tick(f->journal); /* no records since */
    record(f, "a");
    assert_string_equal(words_of(f, f->path), "<AuditBegun> <AuditCheckpoint> a");
    gw_journal_tick(f->journal);
    gw_journal_tick(f->journal);
    record(f, "b");
    gw_journal_tick(f->journal); /* not yet */
    assert_string_equal(words_of(f, f->path), "<AuditBegun> <AuditCheckpoint> a <AuditCheckpoint> b");
    assert_int_equal(check_checkpoints(f, f->path, key), 2);
    gw_journal_close(&f->journal);
    assert_int_equal(check_checkpoints(f, f->path, key), 3);
    f->options.max_size = 3000;
    open_ok(f);
    record(f, "c");
    assert_string_equal(words_of(f, first), "<AuditBegun> <AuditCheckpoint> a <AuditCheckpoint> b <AuditCheckpoint> c "
                                            "<AuditCheckpoint>");
    assert_int_equal(check_checkpoints(f, first, key), 4);
    assert_non_null(strstr(chain_words(f), "c <AuditCheckpoint> <AuditRotated> <AuditCheckpoint>"));
    assert_int_equal(check_checkpoints(f, f->path, key), 1);
    gw_journal_close(&f->journal); /* nothing since */
    assert_int_equal(check_checkpoints(f, f->path, key), 1);
    gw_ed25519_free(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(full_file__next_flush__is_in_a_new_one),
        T(full_file__only_unsynced_records__is_synced_before_it_is_left),
        T(full_file__not_durable__is_never_synced),
        T(full_file__no_new_one_can_be_made__goes_on_and_tries_again),
        T(full_file__moved_by_somebody__is_left_there),
        T(sync_fails__next_flush__goes_on_in_a_new_file),
        T(sync_fails__records_that_rode_along__are_written_again),
        T(sync_fails__again_and_again__leaves_one_file_and_recovers),
        T(sync_fails__no_new_file_can_be_made__recovers_when_it_can),
        T(sync_fails__new_file_can_not_be_synced_either__leaves_one_file),
        T(sync_fails__now_and_then__leaves_two_files),
        T(sync_fails__name_taken__another_is_found),
        T(sync_fails__restart__does_not_take_the_old_file_up),
        T(cut_fails__next_flush__goes_on_in_a_new_file),
        T(checkpoint_message__head_and_time__are_four_lines),
        T(checkpoint_key_id__published_key__is_front_of_its_hash),
        T(signing_key__begin_minute_rotation_and_close__are_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
