/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads into one buffer that holds the longest line and its newline; what is left
 * of the buffer moves to its front when more is needed.
 */
#include "journal/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE (4 * GW_LINES_MAX)
#define PAUSE_MS    10

struct gw_lines {
    char *path;
    int fd;
    unsigned patience_ms; /* what is left of it */
    uint64_t number;
    size_t start; /* of what wasn't given yet */
    size_t end;
    bool in_long_line; /* its beginning was given; up to the next newline nothing is */
    char buffer[BUFFER_SIZE];
};

static struct gw_lines *new_lines(const char *path, int fd, unsigned patience_ms)
{
    struct gw_lines *lines = gw_alloc(sizeof(*lines));

    lines->path = gw_str_dup(gw_str_from(path));
    lines->fd = fd;
    lines->patience_ms = patience_ms;
    lines->number = 0;
    lines->start = 0;
    lines->end = 0;
    lines->in_long_line = false;
    return lines;
}

enum gw_status gw_lines_open(const char *path, unsigned patience_ms, struct gw_lines **lines, struct gw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: can't be opened: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return gw_fail(err, GW_E_IO, "%s: is no regular file", path);
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *lines = new_lines(path, fd, patience_ms);
    return GW_OK;
}

enum gw_status gw_lines_open_stdin(struct gw_lines **lines, struct gw_err *err)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "-: stdin can't be read: %s", strerror(errno));
    *lines = new_lines("-", fd, 0);
    return GW_OK;
}

void gw_lines_close(struct gw_lines **lines)
{
    if (*lines == NULL)
        return;
    (void)close((*lines)->fd);
    free((*lines)->path);
    free(*lines);
    *lines = NULL;
}

/* More bytes behind those that are there; GW_E_MISSING at the end of the file. */
static enum gw_status fill(struct gw_lines *lines, struct gw_err *err)
{
    ssize_t got;

    if (lines->start > 0)
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    do
        got = read(lines->fd, lines->buffer + lines->end, BUFFER_SIZE - lines->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return gw_fail(err, GW_E_IO, "%s: can't be read: %s", lines->path, strerror(errno));
    lines->end += (size_t)got;
    return got > 0 ? GW_OK : GW_E_MISSING;
}

/* The same, where a line has begun and its end may still be on the way. */
static enum gw_status fill_patiently(struct gw_lines *lines, struct gw_err *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    enum gw_status status = fill(lines, err);

    while (status == GW_E_MISSING && lines->end > 0 && lines->patience_ms >= PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
        lines->patience_ms -= PAUSE_MS;
        status = fill(lines, err);
    }
    return status;
}

static struct gw_str rest(const struct gw_lines *lines)
{
    return (struct gw_str){lines->buffer + lines->start, lines->end - lines->start};
}

/* Drops the rest of a line that was too long. */
static enum gw_status skip_long_line(struct gw_lines *lines, struct gw_err *err)
{
    while (lines->in_long_line) {
        size_t length = gw_str_find(rest(lines), '\n', 0);
        enum gw_status status = GW_OK;

        lines->in_long_line = length == rest(lines).length;
        lines->start += length + !lines->in_long_line;
        if (lines->in_long_line)
            status = fill(lines, err);
        if (status != GW_OK)
            return status;
    }
    return GW_OK;
}

/* One that has no newline within what a line may have: the file's last, or too long. */
static enum gw_status take_odd(struct gw_lines *lines, struct gw_str *line)
{
    struct gw_str all = rest(lines);

    *line = gw_str_slice(all, 0, GW_LINES_MAX);
    lines->number++;
    lines->start += line->length;
    if (all.length <= GW_LINES_MAX)
        return GW_E_SYNTAX;
    lines->in_long_line = true;
    return GW_E_LIMIT;
}

enum gw_status gw_lines_next(struct gw_lines *lines, struct gw_str *line, struct gw_err *err)
{
    enum gw_status status = skip_long_line(lines, err);
    size_t searched = 0;

    while (status == GW_OK) {
        struct gw_str all = rest(lines);
        size_t length = gw_str_find(all, '\n', searched);

        if (length < all.length && length <= GW_LINES_MAX) {
            *line = gw_str_slice(all, 0, length);
            lines->start += length + 1;
            lines->number++;
            return GW_OK;
        }
        if (all.length > GW_LINES_MAX)
            return take_odd(lines, line);
        searched = all.length;
        status = fill_patiently(lines, err);
    }
    return status == GW_E_MISSING && rest(lines).length > 0 ? take_odd(lines, line) : status;
}

uint64_t gw_lines_number(const struct gw_lines *lines)
{
    return lines->number;
}
