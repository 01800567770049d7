/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads Lua files and remembers them by path. It compiles nothing. Symbolic links
 * are followed (Kubernetes mounts files that way); pipes and devices are refused.
 */
#include "script/source.h"

#include "script/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum gw_status check_file(int fd, const char *path, struct gw_err *err)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return gw_fail(err, GW_E_TYPE, "%s: not a regular file", path);
    if (facts.st_size > (off_t)GW_SOURCE_BYTES_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: larger than %zu bytes", path, GW_SOURCE_BYTES_MAX);
    return GW_OK;
}

static enum gw_status read_all(int fd, const char *path, struct gw_buf *out, struct gw_err *err)
{
    for (;;) {
        if (gw_buf_reserve(out, 4096) != GW_OK)
            return gw_fail(err, GW_E_LIMIT, "%s: larger than %zu bytes", path, GW_SOURCE_BYTES_MAX);
        ssize_t got = read(fd, out->at + out->length, 4096);
        if (got == 0)
            return GW_OK;
        if (got > 0)
            out->length += (size_t)got;
        else if (errno != EINTR)
            return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    }
}

enum gw_status gw_source_read(const char *path, struct gw_buf *out, struct gw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return gw_fail(err, errno == ENOENT ? GW_E_MISSING : GW_E_IO, "%s: %s", path, strerror(errno));
    enum gw_status status = check_file(fd, path, err);
    if (status == GW_OK)
        status = read_all(fd, path, out, err);
    close(fd);
    return status;
}

static const struct gw_source *find_source(const struct gw_sources *sources, const char *path)
{
    for (size_t i = 0; sources != NULL && i < sources->count; i++) {
        if (strcmp(sources->items[i]->path, path) == 0)
            return sources->items[i];
    }
    return NULL;
}

static enum gw_status add_source(struct gw_sources *sources, const char *path, const struct gw_source **source,
                                 struct gw_err *err)
{
    const struct gw_source *known = find_source(sources->known, path);
    enum gw_status status = GW_OK;
    struct gw_buf bytes;
    gw_buf_init(&bytes, GW_SOURCE_BYTES_MAX + 8192);
    if (known != NULL)
        gw_buf_append(&bytes, known->bytes, known->length);
    else
        status = gw_source_read(path, &bytes, err);
    if (status == GW_OK) {
        struct gw_source *fresh = gw_alloc_zero(1, sizeof *fresh);
        fresh->path = gw_str_dup(gw_str_from(path));
        fresh->bytes = gw_memdup(bytes.at == NULL ? "" : bytes.at, bytes.length);
        fresh->length = bytes.length;
        sources->items = gw_realloc(sources->items, (sources->count + 1) * sizeof *sources->items);
        sources->items[sources->count++] = fresh;
        *source = fresh;
    }
    gw_buf_fini(&bytes);
    return status;
}

enum gw_status gw_sources_get(struct gw_sources *sources, const char *path, const struct gw_source **source,
                              struct gw_err *err)
{
    const struct gw_source *found = find_source(sources, path);
    if (found != NULL) {
        *source = found;
        return GW_OK;
    }
    if (sources->sealed)
        return gw_fail(err, GW_E_DENIED, "%s: not read when the policies were loaded (call require at the file's top)",
                       path);
    if (sources->count == GW_SOURCE_COUNT_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: more than %d Lua files", path, GW_SOURCE_COUNT_MAX);
    return add_source(sources, path, source, err);
}

void gw_sources_fini(struct gw_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->items[i]->path);
        free(sources->items[i]->bytes);
        free(sources->items[i]);
    }
    free(sources->items);
    gw_data_free_all(sources);
    *sources = (struct gw_sources){0};
}
