/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call on the disk fails in turn, while changes are made and while the store
 * is opened; afterwards the process ends in one of several ways, power cuts among
 * them. Whatever happens: readers see what was committed, the next start finds all
 * of it, and nothing is half there. A change whose outcome was unknown is there or
 * it isn't.
 */
#include "sqlite_case.h"

#include "model_case.h"

#include <limits.h>

#include "disk_vfs.h"
#include "store/engine.h"

#define BEFORE 4 /* batches until faults begin */
#define DURING 12
#define AFTER  3

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FEWER 3U /* the first calls each, and later ones more and more apart: it is slow there */
#else
#define FEWER UINT_MAX
#endif

enum end {
    END_CLOSE,
    END_KILL,     /* everything written is there, on the disk or in the kernel */
    END_CUT,      /* nothing is there that wasn't synced */
    END_CUT_SOME, /* some of what wasn't is */
    ENDS,
};

struct trial {
    unsigned kinds;
    int code;
    unsigned at;
    enum end end;
    bool at_open;     /* faults begin with the second start */
    bool lost_before; /* a sync failed before that one */
};

struct tally {
    unsigned trials;
    unsigned definite;
    unsigned unknown;
    unsigned failed_starts;
};

static struct run run;
static bool is_unknown;     /* run.staged may be there */
static uint64_t chosen_cut; /* decides on writes that weren't synced */

static bool choose_none(void *ctx)
{
    (void)ctx;
    return false;
}

static bool choose_some(void *ctx)
{
    (void)ctx;
    chosen_cut = chosen_cut * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (chosen_cut >> 40 & 1) != 0;
}

static void copy_file(const struct fixture *from, const struct fixture *to, const char *suffix)
{
    char name[128];
    char bytes[4096];
    size_t got;
    FILE *in;
    FILE *out;

    (void)snprintf(name, sizeof(name), "%s%s", from->path, suffix);
    in = fopen(name, "rb");
    if (in == NULL)
        return;
    (void)snprintf(name, sizeof(name), "%s%s", to->path, suffix);
    out = fopen(name, "wb");
    while ((got = fread(bytes, 1, sizeof(bytes), in)) > 0)
        assert_int_equal(fwrite(bytes, 1, got, out), got);
    (void)fclose(in);
    (void)fclose(out);
}

static enum gw_status open_disk(struct fixture *f, struct gw_err *err)
{
    struct gw_store_file file = file_of(f);

    file.vfs = DISK_NAME;
    return try_open_file(f, &file, err);
}

static void open_sound(struct fixture *f)
{
    struct gw_err err;

    if (open_disk(f, &err) != GW_OK)
        fail_msg("%s", err.text);
}

static void one_batch(struct tally *tally)
{
    struct gw_store *store = run.f->store;
    bool was_fenced = atomic_load(&gw_store_counters(store)->is_fenced);
    enum gw_status status;
    struct gw_err err;

    if (is_unknown)
        return; /* run.staged is what may be there */
    stage_batch(&run);
    status = gw_store_commit(store, &err);
    gw_store_tend(store);
    if (status == GW_OK)
        run.committed = run.staged;
    else
        assert_non_null(strstr(err.text, "eksgate.db"));
    assert_false(was_fenced && status != GW_E_IO);
    assert_true(status == GW_OK || status == GW_E_IO || status == GW_E_UNKNOWN);
    is_unknown = status == GW_E_UNKNOWN;
    assert_true(!is_unknown || atomic_load(&gw_store_counters(store)->is_fenced));
    tally->definite += status == GW_E_IO && !was_fenced;
    tally->unknown += is_unknown;
    reclaim(run.f);
    expect_model(&run);
}

/* What the trial's end leaves is in the folder afterwards; the store is closed. Closing is what a process that is
 * killed doesn't do: nothing of that counts. */
static void end_process(struct fixture *f, enum end end)
{
    struct fixture left = {.store = NULL};

    disk.countdown = 0;
    if (end == END_CLOSE) {
        close_store(f);
        return;
    }
    make_folder(&left);
    if (end == END_KILL) {
        copy_file(f, &left, "");
        copy_file(f, &left, "-wal");
    } else {
        disk_cut(left.folder, end == END_CUT ? choose_none : choose_some, NULL);
    }
    disk.is_deaf = true;
    if (f->store != NULL)
        close_store(f);
    disk.is_deaf = false;
    if (end != END_KILL)
        disk_end();
    remove_files(f);
    copy_file(&left, f, "");
    copy_file(&left, f, "-wal");
    remove_files(&left);
    (void)rmdir(left.folder);
}

/* The store is open: it has what was committed, or what may have been. */
static void adopt(struct fixture *f)
{
    if (is_unknown && has_what(&run, &run.staged))
        run.committed = run.staged;
    is_unknown = false;
    assert_true(has_what(&run, &run.committed));
    adopt_versions(&run);
    expect_model(&run);
    assert_int_equal(gw_store_found(f->store)->is_new, false);
}

/* Gives how many calls have failed. */
static unsigned start_with_faults(struct fixture *f, const struct trial *trial, struct tally *tally)
{
    enum gw_status status;
    struct gw_err err;
    unsigned hits;

    disk_begin(trial->kinds, trial->at, trial->code);
    status = open_disk(f, &err);
    hits = disk.hits;
    disk.countdown = 0;
    if (status == GW_OK)
        return hits;
    assert_non_null(strstr(err.text, "eksgate.db"));
    tally->failed_starts++;
    if (trial->end != END_CLOSE)
        end_process(f, trial->end);
    open_sound(f);
    return hits;
}

/* False when there was no such call any more. */
static bool run_trial(struct fixture *f, const struct trial *trial, struct tally *tally)
{
    unsigned hits;

    remove_files(f);
    is_unknown = false;
    chosen_cut = trial->at;
    open_sound(f);
    f->store->database->checkpoint_pages = 6;
    run = (struct run){.f = f, .chosen = 7};
    for (size_t i = 0; i < BEFORE; i++)
        one_batch(tally);
    if (!trial->at_open) {
        disk_begin(trial->kinds, trial->at, trial->code);
        for (size_t i = 0; i < DURING; i++)
            one_batch(tally);
        hits = disk.hits;
        end_process(f, trial->end);
        open_sound(f);
    } else {
        disk_begin(DISK_SYNC, trial->lost_before ? 1 : 0, SQLITE_IOERR_FSYNC);
        one_batch(tally);
        end_process(f, END_KILL);
        hits = start_with_faults(f, trial, tally);
    }
    adopt(f);
    for (size_t i = 0; i < AFTER; i++)
        one_batch(tally);
    end_process(f, END_CUT); /* nothing that was lost before may take away what was committed since */
    open_sound(f);
    adopt(f);
    close_store(f);
    disk_end();
    tally->trials++;
    return hits > 0;
}

static void try_all(struct fixture *f, struct trial trial, struct tally *tally)
{
    for (int end = 0; end < ENDS; end++) {
        trial.end = (enum end)end;
        trial.at = 1;
        while (run_trial(f, &trial, tally))
            trial.at += 1 + trial.at / FEWER;
        if (trial.at <= 1)
            fail_msg("kinds %u end %d at_open %d", trial.kinds, end, trial.at_open);
    }
}

/* A change of so many bytes, committed. */
static enum gw_status commit_large(struct fixture *f, size_t length, struct gw_err *err)
{
    struct gw_store_key at = key_in("large", "");
    char *document = gw_alloc(length);
    struct gw_cluster from = {.key = at, .document = {document, length}};
    struct gw_store_change change = {
        .key = at, .expected_cluster = cluster_version(f, &at), .cluster_act = GW_STORE_PUT};

    memset(document, ' ', length);
    document[0] = '{';
    document[length - 1] = '}';
    change.cluster = gw_cluster_new(&from);
    free(document);
    assert_int_equal(stage_change(f, &change), GW_OK);
    return gw_store_commit(f->store, err);
}

/* The log's index is made larger behind the sync: the commit is on the disk, though SQLite says that it failed. */
static void commit__index_of_the_log_cannot_grow__is_unknown_and_there(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    open_sound(f);
    put_cluster(f, "my-cluster");
    assert_int_equal(commit_large(f, (size_t)9 << 20, &err), GW_OK);
    disk_begin(DISK_MAP, 1, SQLITE_IOERR_SHMSIZE);
    assert_int_equal(commit_large(f, (size_t)10 << 20, &err), GW_E_UNKNOWN);
    assert_int_equal(disk.hits, 1);
    assert_int_equal(stage(f, "a", 0, "x"), GW_OK);
    assert_int_equal(gw_store_prepare(f->store, NULL, &err), GW_E_IO);
    assert_non_null(strstr(err.text, "restart eksgate"));
    end_process(f, END_CUT);
    open_sound(f);
    assert_int_equal(
        gw_store_find_cluster(f->store, &(struct gw_store_key){GW_STR("aws"), GW_STR("012345678910"),
                                                               GW_STR("us-west-2"), GW_STR("large"), GW_STR_NONE})
            ->document.length,
        (size_t)10 << 20);
    close_store(f);
    disk_end();
}

static void commit__disk_is_full_for_a_while__goes_on_without_a_restart(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    open_sound(f);
    put_cluster(f, "my-cluster");
    for (unsigned at = 1; at < 8; at++) {
        disk_begin(DISK_WRITE, at, SQLITE_FULL);
        assert_int_equal(commit_large(f, 100000, &err), GW_E_IO);
        assert_non_null(strstr(err.text, "make room"));
        assert_int_equal(commit_large(f, 100000, &err), GW_OK);
    }
    assert_false(atomic_load(&gw_store_counters(f->store)->is_fenced));
    close_store(f);
    disk_end();
}

/* Larger than SQLite's cache: pages go to the log before the commit. */
static void prepare__fails_while_pages_spill__leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct gw_err err;

    open_sound(f);
    put_cluster(f, "my-cluster");
    for (unsigned at = 1; at < 5; at++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(stage_cluster(f, i == 0 ? "a" : i == 1 ? "b" : "c", 0, GW_STORE_PUT, NULL), GW_OK);
        disk_begin(DISK_WRITE, at * at * at * 10, SQLITE_IOERR_WRITE);
        assert_int_equal(commit_large(f, (size_t)15 << 20, &err), GW_E_IO);
        assert_int_equal(disk.hits, 1);
    }
    disk_begin(DISK_WRITE, 10, SQLITE_FULL);
    assert_int_equal(stage_cluster(f, "a", 0, GW_STORE_PUT, NULL), GW_OK);
    assert_int_equal(commit_large(f, (size_t)15 << 20, &err), GW_E_IO);
    put_cluster(f, "d");
    end_process(f, END_CUT_SOME);
    open_sound(f);
    expect_clusters(f, "d my-cluster");
    close_store(f);
    disk_end();
}

static void commit__a_write_fails__nothing_of_it_is_there(void **state)
{
    struct tally tally = {0};

    try_all(*state, (struct trial){.kinds = DISK_WRITE, .code = SQLITE_FULL}, &tally);
    assert_true(tally.definite > 0);
    assert_int_equal(tally.unknown, 0);
    tally = (struct tally){0};
    try_all(*state, (struct trial){.kinds = DISK_WRITE, .code = SQLITE_IOERR_WRITE}, &tally);
    assert_true(tally.definite > 0);
    assert_int_equal(tally.unknown, 0);
}

static void commit__a_sync_fails__is_unknown_until_the_next_start(void **state)
{
    struct tally tally = {0};

    try_all(*state, (struct trial){.kinds = DISK_SYNC, .code = SQLITE_IOERR_FSYNC}, &tally);
    assert_true(tally.unknown > 0);
    assert_int_equal(tally.definite, 0);
}

static void commit__other_calls_fail__what_was_committed_stays(void **state)
{
    struct tally tally = {0};

    try_all(*state, (struct trial){.kinds = DISK_READ, .code = SQLITE_IOERR_READ}, &tally);
    try_all(*state, (struct trial){.kinds = DISK_TRUNCATE, .code = SQLITE_IOERR_TRUNCATE, .at_open = true}, &tally);
    try_all(*state, (struct trial){.kinds = DISK_MAP, .code = SQLITE_IOERR_SHMSIZE, .at_open = true}, &tally);
    assert_true(tally.failed_starts > 0);
}

static void open__a_call_fails__the_next_start_has_everything(void **state)
{
    static const struct trial trials[] = {
        {.kinds = DISK_WRITE, .code = SQLITE_FULL, .at_open = true},
        {.kinds = DISK_SYNC, .code = SQLITE_IOERR_FSYNC, .at_open = true},
        {.kinds = DISK_READ, .code = SQLITE_IOERR_READ, .at_open = true},
        {.kinds = DISK_OPEN, .code = SQLITE_CANTOPEN, .at_open = true},
    };
    struct tally tally = {0};

    for (size_t i = 0; i < GW_COUNT(trials); i++) {
        struct trial trial = trials[i];

        try_all(*state, trial, &tally);
        trial.lost_before = true;
        try_all(*state, trial, &tally);
    }
    assert_true(tally.failed_starts > 0);
}

static int set_up_disk(void **state)
{
    disk_register();
    return set_up_folder(state);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_durable)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(commit__index_of_the_log_cannot_grow__is_unknown_and_there),
        DISK_TEST(commit__disk_is_full_for_a_while__goes_on_without_a_restart),
        DISK_TEST(prepare__fails_while_pages_spill__leaves_nothing),
        DISK_TEST(commit__a_write_fails__nothing_of_it_is_there),
        DISK_TEST(commit__a_sync_fails__is_unknown_until_the_next_start),
        DISK_TEST(commit__other_calls_fail__what_was_committed_stays),
        DISK_TEST(open__a_call_fails__the_next_start_has_everything),
    };

    return cmocka_run_group_tests_name("store/sqlite_faults", tests, NULL, NULL);
}
