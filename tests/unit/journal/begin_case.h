/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TESTS_BEGIN_CASE_H
#define GW_TESTS_BEGIN_CASE_H

/*
 * Starts: a journal is opened and joined to what a store would say.
 */

#include "journal_case.h"

static inline struct gw_journal_start kept(struct gw_chain_head committed)
{
    return (struct gw_journal_start){.is_durable = true, .committed = committed};
}

static inline enum gw_status begin(struct fixture *f, struct gw_journal_start start, size_t *settled)
{
    struct gw_journal_begun begun = {.settled = SIZE_MAX};
    enum gw_status status = gw_journal_begin(f->journal, &start, &begun, &f->err);

    *settled = begun.settled;
    return status;
}

/* Opens and begins; how many changes were settled. */
static inline size_t start_again(struct fixture *f, struct gw_journal_start start)
{
    size_t settled;

    gw_journal_close(&f->journal);
    open_ok(f);
    if (begin(f, start, &settled) != GW_OK)
        fail_msg("%s", f->err.text);
    return settled;
}

static inline void refuses(struct fixture *f, struct gw_journal_start start, enum gw_status expected,
                           const char *words_of_it)
{
    struct gw_buf before;
    size_t settled;

    gw_buf_init(&before, (size_t)1 << 26);
    gw_journal_close(&f->journal);
    (void)read_file(f, f->path);
    gw_buf_append_str(&before, gw_buf_str(&f->text));
    open_ok(f);
    assert_int_equal(begin(f, start, &settled), expected);
    assert_non_null(strstr(f->err.text, f->path));
    if (strstr(f->err.text, words_of_it) == NULL)
        fail_msg("%s", f->err.text);
    gw_journal_close(&f->journal);
    (void)read_file(f, f->path);
    assert_true(gw_str_equal(gw_buf_str(&before), gw_buf_str(&f->text))); /* it is left alone */
    gw_buf_fini(&before);
}

/* A change's record, on the disk; the head that its batch is committed with. */
static inline struct gw_chain_head change(struct fixture *f, const char *word)
{
    append_with(f, word, ",\"change\":true");
    assert_int_equal(flush(f), GW_OK);
    return gw_journal_head(f->journal);
}

static inline bool says(struct fixture *f, const char *path, const char *text)
{
    (void)read_file(f, path);
    return gw_str_search(gw_buf_str(&f->text), gw_str_from(text)) != SIZE_MAX;
}

/* Three files: 1 a, 2 b | 3 (own), 4 c, 5 d | 6 (own), 7 e, 8 f, and the journal's, which begins with 9; the heads
 * after each change. */
static inline void write_three_files(struct fixture *f, struct gw_chain_head *heads)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

    f->options.max_size = 1; /* each flush fills a file */
    open_ok(f);
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        append_with(f, names[i], ",\"change\":true");
        heads[i] = gw_journal_head(f->journal);
        if (i % 2 == 1)
            assert_int_equal(flush(f), GW_OK);
    }
    gw_journal_close(&f->journal);
    f->options.max_size = 0;
}

static inline void name_part(struct fixture *f, unsigned first, char path[128])
{
    (void)snprintf(path, 128, "%s.%012u", f->path, first);
}

#endif
