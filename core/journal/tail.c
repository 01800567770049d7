/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads backwards in blocks until two newlines are found: those around the last
 * whole line. A line is 64 KiB at most; what follows the last newline may be as
 * long as a batch.
 */
#include "journal/tail.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/walk.h"

#define BLOCK ((size_t)64 << 10)

static enum gw_status fail_read(struct gw_err *err, const char *path)
{
    char text[128];
    int number = errno;

    return gw_fail(err, GW_E_IO, "audit file %s: cannot read its end: %s", path,
                   strerror_r(number, text, sizeof(text)));
}

/* Exactly that many bytes. */
static bool read_exactly(const struct gw_journal_io *io, int fd, char *bytes, size_t length, off_t at)
{
    ssize_t got = gw_walk_read(io, fd, bytes, length, at);

    if (got >= 0 && (size_t)got < length)
        errno = EIO;
    return got == (ssize_t)length;
}

/* `*at`: where the last newline before `end` is, -1 without one. `block` is room. */
static bool find_newline(const struct gw_journal_io *io, int fd, off_t end, char *block, off_t *at)
{
    while (end > 0) {
        size_t length = end > (off_t)BLOCK ? BLOCK : (size_t)end;
        const char *hit;

        if (!read_exactly(io, fd, block, length, end - (off_t)length))
            return false;
        hit = memrchr(block, '\n', length);
        if (hit != NULL) {
            *at = end - (off_t)length + (hit - block);
            return true;
        }
        end -= (off_t)length;
    }
    *at = -1;
    return true;
}

static enum gw_status refuse(struct gw_err *err, const char *path, const char *what)
{
    return gw_fail(err, GW_E_SYNTAX,
                   "audit file %s: %s; run `eksgate audit verify` on it, or move it away to begin a new one", path,
                   what);
}

/* A half line is the front of a record, or zeros where a lost write would have been. */
static enum gw_status check_half(const struct gw_journal_io *io, int fd, const char *path, const struct gw_tail *tail,
                                 struct gw_err *err)
{
    static const struct gw_str front = GW_STR_INIT(GW_CHAIN_FRONT);
    char bytes[sizeof(GW_CHAIN_FRONT)];
    size_t length = tail->half < (off_t)front.length ? (size_t)tail->half : front.length;

    if (!read_exactly(io, fd, bytes, length, tail->end))
        return fail_read(err, path);
    for (size_t i = 0; i < length && bytes[i] != '\0'; i++) {
        if (bytes[i] != front.at[i])
            return refuse(err, path, "ends with something that is no record");
    }
    return GW_OK;
}

/* A line that is longer than a record: two that lost what was between them, or another file's. `block` is room. */
static enum gw_status read_long(const struct gw_journal_io *io, int fd, const char *path, off_t start, char *block,
                                struct gw_tail *tail, struct gw_err *err)
{
    for (off_t at = start; at < tail->end && !tail->is_torn; at += (off_t)BLOCK) {
        size_t length = tail->end - at > (off_t)BLOCK ? BLOCK : (size_t)(tail->end - at);

        if (!read_exactly(io, fd, block, length, at))
            return fail_read(err, path);
        tail->is_torn = gw_walk_has_nul((struct gw_str){block, length});
    }
    return tail->is_torn ? GW_OK : refuse(err, path, "its last line is too long for a record");
}

static enum gw_status read_last(const struct gw_journal_io *io, int fd, const char *path, off_t start,
                                struct gw_tail *tail, struct gw_err *err)
{
    struct gw_str line = {NULL, (size_t)(tail->end - start - 1)};
    unsigned char previous[GW_DIGEST_SIZE];
    enum gw_status status = GW_OK;
    char *bytes = gw_alloc(line.length);

    line.at = bytes;
    if (!read_exactly(io, fd, bytes, line.length, start))
        status = fail_read(err, path);
    else if (gw_walk_has_nul(line))
        tail->is_torn = true;
    else if (gw_chain_parse(line, &tail->head.sequence, previous) != GW_OK)
        status = refuse(err, path, "its last line is no record of an audit chain");
    else
        gw_digest_sha256(line, tail->head.hash);
    free(bytes);
    return status;
}

static enum gw_status find(const struct gw_journal_io *io, int fd, const char *path, struct gw_tail *tail, char *block,
                           struct gw_err *err)
{
    off_t size = io->size(fd);
    enum gw_status status;
    off_t newline;
    off_t before;

    if (size < 0 || !find_newline(io, fd, size, block, &newline))
        return fail_read(err, path);
    tail->end = newline + 1;
    tail->half = size - tail->end;
    status = check_half(io, fd, path, tail, err);
    if (status != GW_OK || tail->end == 0)
        return status;
    if (!find_newline(io, fd, newline, block, &before))
        return fail_read(err, path);
    if (newline - before - 1 > (off_t)GW_JOURNAL_RECORD_MAX)
        return read_long(io, fd, path, before + 1, block, tail, err);
    return read_last(io, fd, path, before + 1, tail, err);
}

enum gw_status gw_tail_find(const struct gw_journal_io *io, int fd, const char *path, struct gw_tail *tail,
                            struct gw_err *err)
{
    struct gw_tail found = {0};
    char *block = gw_alloc(BLOCK);
    enum gw_status status = find(io, fd, path, &found, block, err);

    free(block);
    if (status == GW_OK)
        *tail = found;
    return status;
}
