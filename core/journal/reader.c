/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file comes before which is seen from the numbers of their first records,
 * so they may have any names: rotated by the gateway, by logrotate, or copied.
 *
 * A file whose sync failed may hold records that the chain doesn't: it goes on in
 * a new file behind the last one that was durable, and a record there says so.
 * Only with that record the rest of the old file is passed over.
 */
#include "journal/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "journal/lines.h"

#define FRONT_LINES 16 /* looked at to find where a file begins */
#define NEAR_LINES                                                                                                     \
    ((uint64_t)1 << 16) /* within which a file says what it continues: records of a second or so may be                \
                           written again before it */

struct source {
    const char *path;
    dev_t device; /* which file it is, whatever its name */
    ino_t inode;
    uint64_t first;    /* sequence number of its first record; UINT64_MAX: it has none */
    bool is_looked_at; /* `continues` has been found out */
    bool continues;    /* it holds a record that says that the file before ends right before its first */
};

struct gw_reader {
    struct source *files; /* in the order of their records */
    size_t file_count;
    size_t at;
    struct gw_lines *lines; /* of files[at] */
    bool is_given_up;       /* what is left of files[at] doesn't count */
    uint64_t delivered;     /* sequence number of the record that came last; 0: none yet */
    uint64_t given_up;      /* lines that didn't count */
    unsigned patience_ms;
    struct gw_arena arena; /* of the line at hand */
};

/* Of the line that stands `index` lines behind the first, the number that the first has. */
static uint64_t first_of(uint64_t sequence, uint64_t index)
{
    return sequence > index ? sequence - index : 1;
}

/* Where a file begins, also when its first line was altered: two lines that agree are believed before one that doesn't.
 */
static enum gw_status find_first(struct gw_lines *lines, struct source *file, struct gw_err *err)
{
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t before = 0;
    uint64_t sequence;
    struct gw_str line;

    file->first = UINT64_MAX;
    for (uint64_t i = 0; i < FRONT_LINES; i++) {
        enum gw_status status = gw_lines_next(lines, &line, err);

        if (status == GW_E_MISSING || status == GW_E_IO)
            return status == GW_E_IO ? status : GW_OK;
        if (gw_chain_parse(line, &sequence, previous) != GW_OK)
            continue;
        if (before != 0 && sequence == before + 1) {
            file->first = first_of(sequence, i);
            return GW_OK;
        }
        if (file->first == UINT64_MAX)
            file->first = first_of(sequence, i);
        before = sequence;
    }
    return GW_OK;
}

static enum gw_status add_file(struct gw_reader *reader, const char *path, struct gw_err *err)
{
    struct source *file = &reader->files[reader->file_count];
    struct gw_lines *lines = NULL;
    struct stat info = {0};
    enum gw_status status;

    if (stat(path, &info) != 0)
        return gw_fail(err, GW_E_IO, "%s: can't be opened: %s", path, strerror(errno));
    for (size_t i = 0; i < reader->file_count; i++) {
        if (reader->files[i].device == info.st_dev && reader->files[i].inode == info.st_ino)
            return GW_OK;
    }
    *file = (struct source){.path = path, .device = info.st_dev, .inode = info.st_ino};
    status = gw_lines_open(path, 0, &lines, err);
    if (status == GW_OK)
        status = find_first(lines, file, err);
    gw_lines_close(&lines);
    reader->file_count += status == GW_OK;
    return status;
}

/* Is it in this file that the one before is said to end early? */
static enum gw_status look_at(struct gw_reader *reader, struct source *file, struct gw_err *err)
{
    struct gw_lines *lines = NULL;
    struct gw_record_read record;
    struct gw_str line;
    enum gw_status status = file->is_looked_at ? GW_OK : gw_lines_open(file->path, 0, &lines, err);

    for (uint64_t i = 0; status == GW_OK && lines != NULL && i < NEAR_LINES && !file->continues; i++) {
        status = gw_lines_next(lines, &line, err);
        if (status != GW_OK || gw_str_search(line, GW_STR("\"continues\":{")) == SIZE_MAX)
            continue;
        if (gw_record_read(line, &reader->arena, &record, NULL) == GW_OK)
            file->continues = record.continues && record.after == file->first - 1;
        gw_arena_reset(&reader->arena);
    }
    gw_lines_close(&lines);
    file->is_looked_at = true;
    return status == GW_E_IO ? status : GW_OK;
}

static int compare(const void *a, const void *b)
{
    const struct source *left = a;
    const struct source *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

/* Of two files that begin with the same number, one replaced the other. */
static enum gw_status order_equals(struct gw_reader *reader, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    for (size_t i = 1; i < reader->file_count && status == GW_OK; i++) {
        struct source *file = &reader->files[i - 1];
        struct source kept;

        if (file->first == UINT64_MAX || file[1].first != file->first)
            continue;
        status = look_at(reader, file, err);
        if (status == GW_OK)
            status = look_at(reader, file + 1, err);
        if (!file->continues || file[1].continues)
            continue;
        kept = *file;
        *file = file[1];
        file[1] = kept;
    }
    return status;
}

static enum gw_status add_files(struct gw_reader *reader, const char *const *paths, size_t count, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    for (size_t i = 0; i < count && status == GW_OK; i++)
        status = add_file(reader, paths[i], err);
    if (status != GW_OK)
        return status;
    if (reader->file_count > 1)
        qsort(reader->files, reader->file_count, sizeof(*reader->files), compare);
    return order_equals(reader, err);
}

enum gw_status gw_reader_open(const char *const *paths, size_t count, unsigned patience_ms, struct gw_reader **reader,
                              struct gw_err *err)
{
    struct gw_reader *made = gw_alloc_zero(1, sizeof(*made));
    enum gw_status status;

    made->files = gw_alloc_zero(count, sizeof(*made->files));
    made->patience_ms = patience_ms;
    gw_arena_init(&made->arena, (size_t)64 << 10);
    status = add_files(made, paths, count, err);
    if (status != GW_OK)
        gw_reader_close(&made);
    else
        *reader = made;
    return status;
}

enum gw_status gw_reader_open_stdin(struct gw_reader **reader, struct gw_err *err)
{
    struct gw_reader *made = gw_alloc_zero(1, sizeof(*made));
    enum gw_status status;

    made->files = gw_alloc_zero(1, sizeof(*made->files));
    made->files[0] = (struct source){.path = "-", .first = UINT64_MAX};
    made->file_count = 1;
    gw_arena_init(&made->arena, (size_t)64 << 10);
    status = gw_lines_open_stdin(&made->lines, err);
    if (status != GW_OK)
        gw_reader_close(&made);
    else
        *reader = made;
    return status;
}

void gw_reader_close(struct gw_reader **reader)
{
    if (*reader == NULL)
        return;
    gw_lines_close(&(*reader)->lines);
    gw_arena_fini(&(*reader)->arena);
    free((*reader)->files);
    free(*reader);
    *reader = NULL;
}

size_t gw_reader_files(const struct gw_reader *reader)
{
    return reader->file_count;
}

uint64_t gw_reader_given_up(const struct gw_reader *reader)
{
    return reader->given_up;
}

/* Doesn't the line count, since its file was given up before it? */
static enum gw_status check_given_up(struct gw_reader *reader, const struct gw_reader_line *line, struct gw_err *err)
{
    struct source *file = &reader->files[reader->at];
    enum gw_status status = GW_OK;

    if (reader->is_given_up || reader->at + 1 == reader->file_count || file[1].first == UINT64_MAX)
        return GW_OK;
    if (line->kind == GW_READER_RECORD && line->record.head.sequence < file[1].first)
        return GW_OK;
    if (reader->delivered == file[1].first - 1 || (reader->delivered == 0 && file->first == file[1].first)) {
        status = look_at(reader, file + 1, err);
        reader->is_given_up = file[1].continues;
    }
    return status;
}

/* What came of reading `line->text`. */
static void look(struct gw_reader *reader, enum gw_status status, struct gw_reader_line *line)
{
    line->path = reader->files[reader->at].path;
    line->line = gw_lines_number(reader->lines);
    if (status == GW_E_SYNTAX) {
        line->kind = GW_READER_HALF;
        (void)gw_fail(&line->why, GW_E_SYNTAX, "it has no end");
    } else if (status == GW_E_LIMIT) {
        line->kind = GW_READER_BROKEN;
        (void)gw_fail(&line->why, GW_E_LIMIT, "it is longer than %zu bytes", GW_LINES_MAX);
    } else {
        status = gw_record_read(line->text, &reader->arena, &line->record, &line->why);
        line->kind = status == GW_OK ? GW_READER_RECORD : GW_READER_BROKEN;
        gw_arena_reset(&reader->arena);
    }
}

enum gw_status gw_reader_next(struct gw_reader *reader, struct gw_reader_line *line, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    while (status == GW_OK && reader->at < reader->file_count) {
        if (reader->lines == NULL) {
            reader->is_given_up = false;
            status = gw_lines_open(reader->files[reader->at].path, reader->patience_ms, &reader->lines, err);
            continue;
        }
        status = gw_lines_next(reader->lines, &line->text, err);
        if (status == GW_E_MISSING) {
            gw_lines_close(&reader->lines);
            reader->at++;
            status = GW_OK;
        } else if (status != GW_E_IO) {
            look(reader, status, line);
            status = check_given_up(reader, line, err);
            if (status == GW_OK && !reader->is_given_up) {
                if (line->kind == GW_READER_RECORD)
                    reader->delivered = line->record.head.sequence;
                return GW_OK;
            }
            reader->given_up++;
        }
    }
    line->kind = GW_READER_NONE;
    return status;
}
