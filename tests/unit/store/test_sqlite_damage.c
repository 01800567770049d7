/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database with a bit that has changed, or an end that is missing, is refused or
 * gives exactly what was in it.
 */
#include "sqlite_case.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FLIPS 1000 /* it is slow there */
#else
#define FLIPS 3000
#endif

static uint64_t chosen = 1;

static size_t choose(size_t below)
{
    chosen = chosen * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(chosen >> 33) % below;
}

static void fill(struct fixture *f)
{
    char name[64];
    char token[16];

    for (int i = 0; i < 120; i++) {
        (void)snprintf(name, sizeof(name), "arn:aws:iam::012345678910:role/some-role-%03d", i);
        (void)snprintf(token, sizeof(token), "t%d", i);
        put(f, name, "a username of some length, so that there are several pages", i % 4 == 0 ? token : NULL, NOW);
    }
    put_cluster(f, "second");
    put_entry_with(f, "second", "a", "PQR");
    assert_int_equal(stage(f, "arn:aws:iam::012345678910:role/some-role-007",
                           find(f, "arn:aws:iam::012345678910:role/some-role-007")->version, NULL),
                     GW_OK);
    commit(f);
}

static void dump_entry(struct fixture *f, const char *cluster, struct gw_str principal, struct gw_buf *out)
{
    struct gw_store_key at = key_in(cluster, "");
    const struct gw_access_entry *entry;

    at.principal = principal;
    entry = gw_store_find(f->store, &at);
    assert_non_null(entry);
    gw_buf_append_str(out, principal);
    gw_buf_append_str(out, entry->arn);
    gw_buf_append_str(out, entry->type);
    gw_buf_append_str(out, entry->username);
    gw_buf_append_str(out, entry->reply);
    gw_buf_append_u64(out, (uint64_t)entry->created_ms);
    gw_buf_append_u64(out, (uint64_t)entry->modified_ms);
    for (size_t i = 0; i < entry->association_count; i++)
        gw_buf_append_str(out, entry->associations[i].policy_arn);
    gw_buf_append_byte(out, '\n');
}

static void dump_cluster(struct fixture *f, const char *cluster, struct gw_buf *out)
{
    struct gw_store_key at = key_in(cluster, "");
    struct gw_str items[200];
    struct gw_store_page page = {.max = GW_COUNT(items), .items = items};
    size_t count = gw_store_page_entries(f->store, &at, GW_STR_NONE, &page);
    const struct gw_cluster *record = gw_store_find_cluster(f->store, &at);

    if (record != NULL)
        gw_buf_append_str(out, record->document);
    for (size_t i = 0; i < count; i++)
        dump_entry(f, cluster, items[i], out);
}

/* Everything that readers can see. */
static void dump(struct fixture *f, struct gw_buf *out)
{
    char name[16];

    gw_buf_clear(out);
    gw_buf_append_u64(out, gw_store_count(f->store));
    dump_cluster(f, "my-cluster", out);
    dump_cluster(f, "second", out);
    for (int i = 0; i < 120; i++) {
        const struct gw_store_token *token;

        (void)snprintf(name, sizeof(name), "t%d", i);
        token = find_token(f, name, NOW);
        if (token != NULL)
            gw_buf_append_str(out, token->reply);
        gw_buf_append_byte(out, '.');
    }
}

struct damaged {
    struct gw_buf bytes; /* of the whole file */
    struct gw_buf before;
    struct gw_buf after;
    unsigned refused;
};

static void read_whole(const struct fixture *f, struct gw_buf *bytes)
{
    char some[4096];
    FILE *in = fopen(f->path, "rb");
    size_t got;

    assert_non_null(in);
    while ((got = fread(some, 1, sizeof(some), in)) > 0)
        gw_buf_append(bytes, some, got);
    (void)fclose(in);
}

static void write_whole(const struct fixture *f, const struct gw_buf *bytes, size_t length)
{
    FILE *out;

    remove_files(f);
    out = fopen(f->path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes->at, 1, length, out), length);
    (void)fclose(out);
}

static void expect_refused_or_same(struct fixture *f, struct damaged *damaged, size_t length, size_t at)
{
    struct gw_err err;
    enum gw_status status;

    write_whole(f, &damaged->bytes, length);
    status = try_open(f, &err);
    if (status != GW_OK) {
        assert_non_null(strstr(err.text, "eksgate.db"));
        damaged->refused++;
        return;
    }
    dump(f, &damaged->after);
    if (!gw_str_equal(gw_buf_str(&damaged->before), gw_buf_str(&damaged->after)))
        fail_msg("byte %zu, %zu in all: something else was loaded", at, length);
    close_store(f);
}

static void begin(struct fixture *f, struct damaged *damaged)
{
    *damaged = (struct damaged){.refused = 0};
    gw_buf_init(&damaged->bytes, SIZE_MAX / 2);
    gw_buf_init(&damaged->before, SIZE_MAX / 2);
    gw_buf_init(&damaged->after, SIZE_MAX / 2);
    fill(f);
    dump(f, &damaged->before);
    close_store(f);
    read_whole(f, &damaged->bytes);
    expect_refused_or_same(f, damaged, damaged->bytes.length, 0);
    assert_int_equal(damaged->refused, 0);
}

static void end(struct damaged *damaged)
{
    gw_buf_fini(&damaged->bytes);
    gw_buf_fini(&damaged->before);
    gw_buf_fini(&damaged->after);
}

static void open__one_bit_is_another__is_refused_or_the_same(void **state)
{
    struct fixture *f = *state;
    struct damaged damaged;

    begin(f, &damaged);
    for (size_t i = 0; i < FLIPS; i++) {
        size_t bit = i < 800 ? i : choose(damaged.bytes.length * 8); /* all of SQLite's header */
        char *byte = &damaged.bytes.at[bit / 8];

        *byte = (char)(*byte ^ (1 << bit % 8));
        expect_refused_or_same(f, &damaged, damaged.bytes.length, bit / 8);
        *byte = (char)(*byte ^ (1 << bit % 8));
    }
    assert_in_range(damaged.refused, FLIPS / 4, FLIPS);
    end(&damaged);
}

static void open__end_is_missing__is_refused(void **state)
{
    struct fixture *f = *state;
    struct damaged damaged;
    unsigned tried = 0;

    begin(f, &damaged);
    for (size_t length = 256; length < damaged.bytes.length; length += 512, tried++)
        expect_refused_or_same(f, &damaged, length, length);
    assert_int_equal(damaged.refused, tried);
    end(&damaged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DURABLE_TEST(open__one_bit_is_another__is_refused_or_the_same),
        DURABLE_TEST(open__end_is_missing__is_refused),
    };

    return cmocka_run_group_tests_name("store/sqlite_damage", tests, NULL, NULL);
}
