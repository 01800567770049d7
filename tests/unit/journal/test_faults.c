/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call on files fails in turn, or the power goes at it: what flush said is
 * written is in the chain afterwards, what it refused is not, and the next start
 * goes on from there.
 *
 * The power cut keeps of each file what a sync covered, and of the folder the
 * names that a sync of it covered. What a failed sync left out no later one makes
 * good, as with real kernels; who opens the file anew sees that it isn't there.
 *
 * Some records stand for changes that are forwarded; of some of these it is told
 * what became of them. That each start does so for the others says `verify`.
 */
#include "journal_case.h"

#include "base/log.h"
#include "journal/inspect.h"

#define ROUNDS     14
#define INODES_MAX 64
#define SECTOR     512

/* RFC 8032, section 7.1, test 1. */
#define PRIVATE_KEY                                                                                                    \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                                               \
    "-----END PRIVATE KEY-----\n"

/* What would be left after a power cut. */
static struct {
    char kept[64]; /* a folder with a second name for every file */
    const char *folder;
    struct {
        ino_t number;
        off_t durable; /* bytes */
        bool is_lost;  /* a sync of it has failed */
    } inodes[INODES_MAX];
    size_t inode_count;
    struct {
        char name[64];
        ino_t number;
    } names[INODES_MAX];
    size_t name_count;
    bool tears; /* pieces of what wasn't durable are left */
    unsigned seed;
} power;

/* What a run was told. */
struct told {
    char written[4096]; /* words of records that flush said are written, a blank before each */
    char durable[4096]; /* those of them that a sync covered */
    char refused[4096];
    char failing[4096]; /* those since the last that was written */
    char unsure[4096];  /* those at the end of a process whose disk didn't come back: no word can be put on it */
    struct gw_chain_head committed;
    bool has_begun;
};

static void name_kept(ino_t number, char path[128])
{
    (void)snprintf(path, 128, "%s/%lu", power.kept, (unsigned long)number);
}

static size_t find_inode(int fd)
{
    struct stat info;
    size_t i = 0;

    assert_int_equal(fstat(fd, &info), 0);
    while (i < power.inode_count && power.inodes[i].number != info.st_ino)
        i++;
    assert_true(i < INODES_MAX);
    if (i == power.inode_count) {
        power.inodes[i].number = info.st_ino;
        power.inodes[i].durable = 0;
        power.inodes[i].is_lost = false;
        power.inode_count++;
    }
    return i;
}

static int watched_open(const char *path, int flags, mode_t mode)
{
    int fd = faulty_open(path, flags, mode);
    size_t known = power.inode_count;
    char second[128];
    size_t i;

    if (fd < 0)
        return fd;
    i = find_inode(fd);
    if (i < known) {
        if (power.inodes[i].is_lost)
            assert_int_equal(truncate(path, power.inodes[i].durable), 0);
        power.inodes[i].is_lost = false;
        return fd;
    }
    name_kept(power.inodes[known].number, second);
    assert_int_equal(link(path, second), 0);
    return fd;
}

static int watched_sync(int fd)
{
    size_t i = find_inode(fd);
    int failed = faulty_sync(fd);

    if (failed != 0)
        power.inodes[i].is_lost = true;
    else if (!power.inodes[i].is_lost)
        power.inodes[i].durable = gw_journal_io_system()->size(fd);
    return failed;
}

static int watched_sync_folder(int fd)
{
    DIR *entries;

    if (faulty_sync_folder(fd) != 0)
        return -1;
    entries = opendir(power.folder);
    assert_non_null(entries);
    power.name_count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.')
            continue;
        assert_true(power.name_count < INODES_MAX);
        (void)snprintf(power.names[power.name_count].name, sizeof(power.names[0].name), "%.63s", entry->d_name);
        power.names[power.name_count++].number = entry->d_ino;
    }
    (void)closedir(entries);
    return 0;
}

/* Not too good a generator, but the same everywhere. */
static unsigned draw(void)
{
    power.seed = power.seed * 1103515245 + 12345;
    return power.seed >> 16;
}

/* Each sector behind what is durable has reached the disk, or hasn't. */
static void tear(const char *path, off_t durable)
{
    static const char zeros[SECTOR];
    struct stat info;
    int fd = open(path, O_RDWR);
    off_t end = durable;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &info), 0);
    for (off_t at = durable; at < info.st_size; at = (at / SECTOR + 1) * SECTOR) {
        off_t next = (at / SECTOR + 1) * SECTOR;

        if (draw() % 3 != 0)
            end = next < info.st_size ? next : info.st_size;
        else
            assert_true(pwrite(fd, zeros, (size_t)(next - at), at) > 0);
    }
    assert_int_equal(ftruncate(fd, end), 0);
    assert_int_equal(close(fd), 0);
}

static void cut_power(void)
{
    char second[128];
    char path[256];

    empty_folder(power.folder);
    for (size_t i = 0; i < power.name_count; i++) {
        size_t k = 0;

        while (k < power.inode_count && power.inodes[k].number != power.names[i].number)
            k++;
        assert_true(k < power.inode_count);
        name_kept(power.names[i].number, second);
        (void)snprintf(path, sizeof(path), "%s/%s", power.folder, power.names[i].name);
        assert_int_equal(link(second, path), 0);
        if (power.tears)
            tear(path, power.inodes[k].durable);
        else
            assert_int_equal(truncate(path, power.inodes[k].durable), 0);
        power.inodes[k].is_lost = false;
    }
}

static int set_up_power(void **state)
{
    struct fixture *f;
    struct gw_ed25519_key *key = NULL;

    assert_int_equal(set_up(state), 0);
    f = *state;
    memset(&power, 0, sizeof(power));
    (void)snprintf(power.kept, sizeof(power.kept), "/tmp/gw-journal-kept-XXXXXX");
    assert_non_null(mkdtemp(power.kept));
    power.folder = f->folder;
    f->io.open = watched_open;
    f->io.sync = watched_sync;
    f->io.sync_folder = watched_sync_folder;
    assert_int_equal(gw_ed25519_private(GW_STR(PRIVATE_KEY), &key), GW_OK);
    f->options.key = key;
    f->options.max_size = 4000;
    return 0;
}

static int tear_down_power(void **state)
{
    struct fixture *f = *state;
    struct gw_ed25519_key *key = (struct gw_ed25519_key *)f->options.key;

    gw_journal_close(&f->journal);
    gw_ed25519_free(&key);
    empty_folder(power.kept);
    assert_int_equal(rmdir(power.kept), 0);
    return tear_down(state);
}

static void clean_up(struct fixture *f)
{
    let_work();
    disk.torn = false;
    disk.syncs = 0;
    disk.bad_sync = UINT32_MAX;
    gw_journal_close(&f->journal);
    empty_folder(f->folder);
    empty_folder(power.kept);
    power.inode_count = 0;
    power.name_count = 0;
    f->now_ms = INT64_C(1440938160000);
}

/* The log of thousands of failures isn't worth reading. */
static void be_quiet(bool quiet)
{
    static int kept = -1;
    int fd = quiet ? open("/dev/null", O_WRONLY) : kept;

    if (quiet)
        kept = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    (void)close(fd);
}

static void note(char *words_of_it, const char *word)
{
    size_t length = strlen(words_of_it);

    (void)snprintf(words_of_it + length, 4096 - length, " %s", word);
}

static bool start(struct fixture *f, struct told *told)
{
    struct gw_journal_start how = {
        .is_durable = true, .is_new = told->committed.sequence == 0, .committed = told->committed};
    struct gw_journal_begun begun;

    if (open_it(f) != GW_OK)
        return false;
    if (gw_journal_begin(f->journal, &how, &begun, &f->err) == GW_OK) {
        told->has_begun = true;
        told->committed = gw_journal_durable_head(f->journal);
        return true;
    }
    gw_journal_close(&f->journal);
    return false;
}

static void run_round(struct fixture *f, struct told *told, int round)
{
    bool sync = round % 3 != 1;
    struct gw_chain_head head;
    uint64_t forwarded;
    char first[16];
    char second[16];

    (void)snprintf(first, sizeof(first), "%da", round);
    (void)snprintf(second, sizeof(second), "%db", round);
    append_with(f, first, sync ? ",\"forwarded\":true" : "");
    forwarded = gw_journal_head(f->journal).sequence;
    append(f, second);
    head = gw_journal_head(f->journal);
    if (gw_journal_flush(f->journal, sync, &f->err) != GW_OK) {
        note(told->refused, first);
        note(told->refused, second);
        note(told->failing, first);
        note(told->failing, second);
        return;
    }
    told->failing[0] = '\0';
    note(told->written, first);
    note(told->written, second);
    if (!sync)
        return;
    memcpy(told->durable, told->written, sizeof(told->durable));
    told->committed = head;
    if (round % 2 == 0) /* rides along with the next; where that is lost, too, the next start tells */
        gw_journal_append_settled_upstream(f->journal, forwarded, GW_JOURNAL_APPLIED, GW_JOURNAL_UPSTREAM, NULL);
}

static void stop(struct fixture *f, struct told *told)
{
    size_t length = strlen(told->unsure);

    gw_journal_close(&f->journal);
    /* That syncs what rode along; it may fail, too. */
    (void)snprintf(told->unsure + length, sizeof(told->unsure) - length, "%s%s", told->failing,
                   disk.seen > disk.from ? told->written + strlen(told->durable) : "");
    told->failing[0] = '\0';
}

/* Two starts, rotation, a move by logrotate, checkpoints, flushes with and without a sync. */
static void run(struct fixture *f, struct told *told)
{
    char moved[160];

    memset(told, 0, sizeof(*told));
    (void)snprintf(moved, sizeof(moved), "%s.moved", f->path);
    for (int round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS / 2)
            stop(f, told);
        if (f->journal == NULL && !start(f, told) && !start(f, told))
            continue;
        if (round == 3 || round == ROUNDS - 2) {
            f->now_ms += 61000;
            gw_journal_tick(f->journal);
        }
        if (round == 4 && told->durable[0] != '\0' && told->failing[0] == '\0' && rename(f->path, moved) == 0)
            (void)!gw_journal_reopen(f->journal, &f->err);
        run_round(f, told, round);
    }
    stop(f, told);
}

static bool is_among(const char *words_of_it, struct gw_str word)
{
    struct gw_str rest = gw_str_from(words_of_it);

    while (rest.at != NULL) {
        if (gw_str_equal(gw_str_split(&rest, ' '), word))
            return true;
    }
    return false;
}

/* Adds the words that are no record of the journal's own and not unsure, a blank before each. */
static void filter(const struct told *told, const char *words_of_it, char out[4096])
{
    struct gw_str rest = gw_str_from(words_of_it);

    out[0] = '\0';
    while (rest.at != NULL) {
        struct gw_str word = gw_str_split(&rest, ' ');
        size_t length = strlen(out);

        if (word.length > 0 && word.at[0] != '<' && !is_among(told->unsure, word))
            (void)snprintf(out + length, 4096 - length, " %.*s", GW_STR_ARG(word));
    }
}

static void read_back(struct fixture *f, const struct told *told, char out[4096])
{
    const char *all = chain_words(f);

    assert_non_null(all);
    filter(told, all, out);
}

/* What `eksgate audit verify` says to all that lies there. */
static void verify(struct fixture *f, const struct gw_chain_head *head, const char *what, unsigned at)
{
    char names[PARTS_MAX][400];
    const char *paths[PARTS_MAX];
    struct gw_inspect_options options = {.paths = paths, .head = head, .keys = &f->options.key, .key_count = 1};
    struct gw_inspect_report report;
    DIR *entries = opendir(f->folder);

    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(names[options.path_count], sizeof(names[0]), "%s/%s", f->folder, entry->d_name);
        paths[options.path_count] = names[options.path_count];
        options.path_count++;
    }
    (void)closedir(entries);
    assert_int_equal(gw_inspect_files(&options, &report, &f->err), GW_OK);
    if (report.fault != GW_INSPECT_GOOD)
        fail_msg("%s at call %u: %s", what, at, report.problem);
}

static void check_all(struct fixture *f, const struct told *told, const char *what, unsigned at)
{
    char expected[4096];
    char found[4096];

    filter(told, told->written, expected);
    read_back(f, told, found);
    if (strcmp(found, expected) != 0)
        fail_msg("%s at call %u: wrote%s, found%s", what, at, expected, found);
}

/* What was made durable is there, in order; what else is was at least not refused before that. */
static void check_durable(struct fixture *f, const struct told *told, unsigned at)
{
    struct told sure = *told;
    char found[4096];

    sure.unsure[0] = '\0';
    read_back(f, &sure, found);
    if (strncmp(found, told->durable, strlen(told->durable)) != 0)
        fail_msg("power cut at call %u: durable were%s, found%s", at, told->durable, found);
}

static unsigned count_calls(struct fixture *f, unsigned kinds)
{
    struct told told;
    unsigned calls;

    let_fail(kinds, UINT32_MAX, 0, EIO);
    run(f, &told);
    calls = disk.seen;
    assert_string_equal(told.refused, "");
    check_all(f, &told, "nothing", 0);
    assert_true(count_files(f->folder) > 3);
    clean_up(f);
    return calls;
}

static void try_fault(struct fixture *f, unsigned kinds, unsigned at, unsigned count, int error)
{
    struct told told;
    struct told again;

    let_fail(kinds, at, count, error);
    be_quiet(true);
    run(f, &told);
    let_work();
    again = told;
    if (!start(f, &again)) {
        be_quiet(false);
        fail_msg("%s at call %u: no start afterwards: %s", strerror(error), at, f->err.text);
    }
    gw_journal_close(&f->journal);
    be_quiet(false);
    check_all(f, &told, strerror(error), at);
    verify(f, &told.committed, strerror(error), at);
    clean_up(f);
}

static void fails_in_turn(struct fixture *f, unsigned kinds, int error)
{
    static const unsigned counts[] = {1, 3, 20};
    unsigned calls = count_calls(f, kinds);

    assert_true(calls > 0);
    for (unsigned at = 0; at < calls; at++) {
        for (size_t i = 0; i < GW_COUNT(counts); i++)
            try_fault(f, kinds, at, counts[i], error);
    }
}

static void every_call__fails_in_turn__chain_holds_what_was_told(void **state)
{
    struct fixture *f = *state;

    fails_in_turn(f, CALL_ANY, EIO);
}

static void every_write__disk_full_in_turn__chain_holds_what_was_told(void **state)
{
    struct fixture *f = *state;

    fails_in_turn(f, CALL_WRITE, ENOSPC);
    disk.tears = true;
    fails_in_turn(f, CALL_WRITE, ENOSPC);
    fails_in_turn(f, CALL_WRITE | CALL_TRUNCATE, EIO);
}

static void every_sync__fails_in_turn__chain_holds_what_was_told(void **state)
{
    struct fixture *f = *state;

    fails_in_turn(f, CALL_SYNC, EIO);
    fails_in_turn(f, CALL_FOLDER, EIO);
    fails_in_turn(f, CALL_SYNC | CALL_RENAME, EROFS);
    fails_in_turn(f, CALL_SYNC | CALL_OPEN, ENFILE);
    fails_in_turn(f, CALL_SYNC | CALL_REMOVE, EACCES);
}

/* Power goes at call number `cut` of any kind; sync number `bad_sync` has failed before. */
static void try_cut(struct fixture *f, unsigned cut, unsigned bad_sync)
{
    struct told told;
    struct told again;

    disk.bad_sync = bad_sync;
    let_fail(CALL_ANY, cut, UINT32_MAX, EIO);
    be_quiet(true);
    run(f, &told);
    let_work();
    disk.torn = false;
    disk.bad_sync = UINT32_MAX;
    cut_power();
    again = told;
    if (!start(f, &again)) {
        be_quiet(false);
        fail_msg("power cut at call %u: no start afterwards: %s", cut, f->err.text);
    }
    be_quiet(false);
    record(f, "after");
    gw_journal_close(&f->journal);
    check_durable(f, &told, cut);
    verify(f, &told.committed, "power cut", cut);
    clean_up(f);
}

static void power__cut_at_every_call__durable_records_are_there(void **state)
{
    struct fixture *f = *state;
    unsigned calls = count_calls(f, CALL_ANY);

    for (unsigned cut = 0; cut < calls; cut++)
        try_cut(f, cut, UINT32_MAX);
}

static void power__cut_in_the_middle_of_writes__durable_records_are_there(void **state)
{
    struct fixture *f = *state;
    unsigned calls = count_calls(f, CALL_ANY);

    power.tears = true;
    disk.tears = true;
    for (unsigned cut = 0; cut < calls; cut++) {
        for (power.seed = 1; power.seed <= 2; power.seed++) {
            unsigned seed = power.seed;

            try_cut(f, cut, UINT32_MAX);
            power.seed = seed;
        }
    }
}

static void power__cut_after_a_failed_sync__durable_records_are_there(void **state)
{
    struct fixture *f = *state;
    unsigned syncs = count_calls(f, CALL_SYNC);
    unsigned calls = count_calls(f, CALL_ANY);

    for (unsigned bad = 0; bad < syncs; bad++) {
        for (unsigned cut = bad % 7; cut < calls + 10; cut += 7) {
            power.tears = cut % 2 == 0;
            power.seed = cut;
            try_cut(f, cut, bad);
        }
    }
}

#define P(name) cmocka_unit_test_setup_teardown(name, set_up_power, tear_down_power)

int main(void)
{
    const struct CMUnitTest tests[] = {
        P(every_call__fails_in_turn__chain_holds_what_was_told),
        P(every_write__disk_full_in_turn__chain_holds_what_was_told),
        P(every_sync__fails_in_turn__chain_holds_what_was_told),
        P(power__cut_at_every_call__durable_records_are_there),
        P(power__cut_in_the_middle_of_writes__durable_records_are_there),
        P(power__cut_after_a_failed_sync__durable_records_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
