/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backwards in blocks, where only the front of each line is looked at; forwards
 * line by line. It doesn't know what a record says.
 */
#include "journal/walk.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK ((size_t)256 << 10)
#define FRONT ((size_t)256) /* bytes that surely hold a record's place */

ssize_t gw_walk_read(const struct gw_journal_io *io, int fd, char *bytes, size_t length, off_t at)
{
    size_t done = 0;

    while (done < length) {
        ssize_t got = io->read_at(fd, bytes + done, length - done, at + (off_t)done);

        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

static bool is_record(struct gw_str front, uint64_t wanted, bool *is_before)
{
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;

    if (gw_chain_parse(front, &sequence, previous) != GW_OK)
        return false;
    *is_before = sequence < wanted;
    return sequence == wanted;
}

/* Looks at the lines that begin in `block`, the last first. Its first `begin` bytes are there for the newline before a
 * line that begins right behind them. */
static bool find_in_block(struct gw_str block, size_t lines, bool at_start, uint64_t wanted, size_t *at,
                          bool *is_before)
{
    size_t end = lines;

    *is_before = false;
    while (end > 0 && !*is_before) {
        const char *newline = memrchr(block.at, '\n', end);

        if (newline == NULL)
            break;
        end = (size_t)(newline - block.at);
        if (is_record(gw_str_slice(block, end + 1, FRONT), wanted, is_before)) {
            *at = end + 1;
            return true;
        }
    }
    if (at_start && !*is_before && is_record(gw_str_slice(block, 0, FRONT), wanted, is_before)) {
        *at = 0;
        return true;
    }
    return false;
}

static enum gw_status find(const struct gw_journal_io *io, int fd, uint64_t sequence, char *block, off_t *at)
{
    off_t end = io->size(fd);

    if (end < 0)
        return GW_E_IO;
    while (end > 0) {
        size_t lines = end > (off_t)BLOCK ? BLOCK : (size_t)end;
        off_t start = end - (off_t)lines;
        ssize_t got = gw_walk_read(io, fd, block, lines + FRONT, start);
        bool is_before;
        size_t place;

        if (got < (ssize_t)lines) {
            errno = got < 0 ? errno : EIO;
            return GW_E_IO;
        }
        if (find_in_block((struct gw_str){block, (size_t)got}, lines, start == 0, sequence, &place, &is_before)) {
            *at = start + (off_t)place;
            return GW_OK;
        }
        if (is_before)
            return GW_E_MISSING;
        end = start;
    }
    return GW_E_MISSING;
}

enum gw_status gw_walk_find(const struct gw_journal_io *io, int fd, uint64_t sequence, off_t *at)
{
    char *block = gw_alloc(BLOCK + FRONT);
    enum gw_status status = find(io, fd, sequence, block, at);

    free(block);
    return status;
}

bool gw_walk_has_nul(struct gw_str bytes)
{
    return bytes.length > 0 && memchr(bytes.at, '\0', bytes.length) != NULL;
}

enum gw_status gw_walk_first(const struct gw_journal_io *io, int fd, uint64_t *sequence,
                             unsigned char previous[GW_DIGEST_SIZE])
{
    char bytes[FRONT];
    ssize_t got = gw_walk_read(io, fd, bytes, sizeof(bytes), 0);
    struct gw_str front = {bytes, got < 0 ? 0 : (size_t)got};

    if (got <= 0)
        return got < 0 ? GW_E_IO : GW_E_MISSING;
    if (gw_chain_parse(front, sequence, previous) == GW_OK)
        return GW_OK;
    return gw_walk_has_nul(front) ? GW_E_UNKNOWN : GW_E_SYNTAX;
}

/* The whole line at walk->at, without its newline, in `block`; GW_E_MISSING when there is none. */
static enum gw_status read_line(const struct gw_walk *walk, int fd, char *block, struct gw_str *line)
{
    ssize_t got = gw_walk_read(walk->io, fd, block, GW_JOURNAL_RECORD_MAX + 1, walk->at);
    const char *newline;

    if (got < 0)
        return GW_E_IO;
    newline = memchr(block, '\n', (size_t)got);
    if (newline == NULL)
        return GW_E_MISSING;
    *line = (struct gw_str){block, (size_t)(newline - block)};
    return GW_OK;
}

enum gw_status gw_walk_pass(struct gw_walk *walk, int fd, const struct gw_chain_head *record)
{
    char *block = gw_alloc(GW_JOURNAL_RECORD_MAX + 1);
    struct gw_chain_head found = {.sequence = record->sequence};
    struct gw_str line;
    enum gw_status status = read_line(walk, fd, block, &line);

    if (status == GW_OK) {
        gw_digest_sha256(line, found.hash);
        status = gw_chain_equal(&found, record) ? GW_OK : GW_E_MISSING;
    }
    if (status == GW_OK) {
        walk->head = found;
        walk->at += (off_t)line.length + 1;
    }
    free(block);
    return status;
}

/* What a line says of its place; false when it is no whole record. */
static bool read_place(struct gw_str line, uint64_t *sequence, unsigned char previous[GW_DIGEST_SIZE])
{
    return line.length <= GW_JOURNAL_RECORD_MAX && gw_chain_parse(line, sequence, previous) == GW_OK &&
           !gw_walk_has_nul(line);
}

/* Takes the line when it follows. */
static bool take_line(struct gw_walk *walk, struct gw_str line)
{
    unsigned char previous[GW_DIGEST_SIZE];
    uint64_t sequence;

    if (!read_place(line, &sequence, previous) || sequence != walk->head.sequence + 1 ||
        memcmp(previous, walk->head.hash, sizeof(previous)) != 0)
        return false;
    gw_digest_sha256(line, walk->head.hash);
    walk->head.sequence = sequence;
    walk->at += (off_t)line.length + 1;
    if (walk->on_record != NULL)
        walk->on_record(walk->ctx, sequence, line);
    return true;
}

/* Takes the whole lines of a block; how many bytes that were. */
static size_t take_lines(struct gw_walk *walk, struct gw_str block, uint64_t last)
{
    size_t taken = 0;

    while (walk->head.sequence < last) {
        size_t end = gw_str_find(block, '\n', taken);

        if (end == block.length)
            break;
        if (!take_line(walk, gw_str_slice(block, taken, end - taken))) {
            walk->is_broken = true;
            walk->is_torn = gw_walk_has_nul(gw_str_slice(block, taken, end - taken));
            break;
        }
        taken = end + 1;
    }
    return taken;
}

enum gw_status gw_walk_on(struct gw_walk *walk, int fd, uint64_t last)
{
    char *block = gw_alloc(BLOCK);
    enum gw_status status = GW_OK;

    while (!walk->is_broken && walk->head.sequence < last) {
        ssize_t got = gw_walk_read(walk->io, fd, block, BLOCK, walk->at);
        size_t taken;

        if (got <= 0) {
            status = got < 0 ? GW_E_IO : GW_OK;
            break;
        }
        taken = take_lines(walk, (struct gw_str){block, (size_t)got}, last);
        if (taken == 0 && !walk->is_broken) { /* a block without a whole line: longer than any record, or half of one */
            walk->is_broken = true;
            walk->is_torn = gw_walk_has_nul((struct gw_str){block, (size_t)got});
        }
    }
    free(block);
    return status;
}

/* Looks for the record's line in a block; how many bytes are done with. A line that isn't whole yet is not. */
static size_t find_anchor(struct gw_walk *walk, struct gw_str block, bool at_line, bool *found)
{
    unsigned char previous[GW_DIGEST_SIZE];
    size_t start = 0;
    uint64_t sequence;

    while (!*found) {
        size_t end = gw_str_find(block, '\n', start);

        if (end == block.length)
            break;
        if (at_line && read_place(gw_str_slice(block, start, end - start), &sequence, previous)) {
            walk->head.sequence = sequence - 1;
            memcpy(walk->head.hash, previous, sizeof(previous));
            *found = true;
            break;
        }
        at_line = true;
        start = end + 1;
    }
    return start;
}

enum gw_status gw_walk_anchor(struct gw_walk *walk, int fd, off_t from)
{
    char *block = gw_alloc(BLOCK);
    enum gw_status status = GW_OK;
    bool at_line = from == 0;
    bool found = false;

    walk->at = from;
    while (!found && status == GW_OK) {
        ssize_t got = gw_walk_read(walk->io, fd, block, BLOCK, walk->at);
        size_t done;

        if (got <= 0) {
            status = got < 0 ? GW_E_IO : GW_E_MISSING;
            break;
        }
        done = find_anchor(walk, (struct gw_str){block, (size_t)got}, at_line, &found);
        at_line = at_line || done > 0;
        if (done == 0 && !found) { /* a line that is longer than a block, or the last, without its end */
            at_line = false;
            done = (size_t)got;
        }
        walk->at += (off_t)done;
    }
    free(block);
    return status;
}
