/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line coverage: which lines of the policies, and of the files that they require
 * from below their folder, were run. The runtime library and specs aren't counted.
 */
#include <stdlib.h>

#include "script/lines.h"
#include "script/spec_inner.h"

static struct gw_spec_lines *find_lines(struct gw_spec *spec, const char *path)
{
    if (spec->covered != NULL && strcmp(spec->covered->path, path) == 0)
        return spec->covered;
    for (struct gw_spec_lines *lines = spec->lines; lines != NULL; lines = lines->next) {
        if (strcmp(lines->path, path) == 0) {
            spec->covered = lines;
            return lines;
        }
    }
    return NULL;
}

static bool is_of_library(const struct gw_spec *spec, const char *path)
{
    size_t length = strlen(spec->script.library);
    return strncmp(path, spec->script.library, length) == 0 && strncmp(path + length, "/eksgate/", 9) == 0;
}

/* What a set has read is known once it was tried; it is then loaded anew, and these lines count too. */
static void on_line(void *ctx, const char *source, int line)
{
    struct gw_spec *spec = ctx;
    struct gw_spec_lines *lines = source[0] == '@' ? find_lines(spec, source + 1) : NULL;
    if (lines != NULL && line > 0 && (size_t)line < lines->count)
        lines->run[line] = 1;
}

static void add_source(struct gw_spec *spec, const struct gw_source *source)
{
    struct gw_err err;
    if (is_of_library(spec, source->path) || find_lines(spec, source->path) != NULL)
        return;
    struct gw_spec_lines *lines = gw_alloc_zero(1, sizeof *lines);
    if (gw_lines_of(source, &lines->code, &lines->count, &err) != GW_OK) {
        free(lines);
        return;
    }
    lines->path = gw_str_dup(gw_str_from(source->path));
    lines->run = gw_alloc_zero(lines->count, 1);
    lines->next = spec->lines;
    spec->lines = lines;
}

void gw_spec_cover(struct gw_spec *spec, const struct gw_script_set *set)
{
    for (size_t i = 0; spec->options.coverage && i < set->sources.count; i++)
        add_source(spec, set->sources.items[i]);
}

/* Watching takes up to that many times a hook's own time, and isn't to be what a hook is stopped for. */
#define SLOWER 10

void gw_spec_cover_init(struct gw_spec *spec)
{
    if (!spec->options.coverage)
        return;
    spec->watch.on_line = on_line;
    spec->script.cpu_ms *= SLOWER;
}

static int compare_coverage(const void *a, const void *b)
{
    const struct gw_spec_coverage *left = a;
    const struct gw_spec_coverage *right = b;
    return gw_str_compare(left->path, right->path);
}

static void sum_up(struct gw_spec_lines *lines, struct gw_spec_coverage *coverage)
{
    lines->missed = gw_realloc(lines->missed, lines->count * sizeof *lines->missed);
    *coverage = (struct gw_spec_coverage){.path = gw_str_from(lines->path), .missed = lines->missed};
    for (size_t i = 1; i < lines->count; i++) {
        if (lines->code[i] == 0)
            continue;
        coverage->lines++;
        if (lines->run[i] == 0)
            lines->missed[coverage->missed_count++] = (unsigned)i;
    }
}

size_t gw_spec_coverage(struct gw_spec *spec, const struct gw_spec_coverage **coverage)
{
    size_t count = 0;
    for (struct gw_spec_lines *lines = spec->lines; lines != NULL; lines = lines->next)
        count++;
    free(spec->coverage);
    spec->coverage = gw_alloc_zero(count + 1, sizeof *spec->coverage);
    size_t i = 0;
    for (struct gw_spec_lines *lines = spec->lines; lines != NULL; lines = lines->next)
        sum_up(lines, &spec->coverage[i++]);
    if (count > 1)
        qsort(spec->coverage, count, sizeof *spec->coverage, compare_coverage);
    *coverage = spec->coverage;
    return count;
}

void gw_spec_cover_fini(struct gw_spec *spec)
{
    while (spec->lines != NULL) {
        struct gw_spec_lines *next = spec->lines->next;
        free(spec->lines->path);
        free(spec->lines->code);
        free(spec->lines->run);
        free(spec->lines->missed);
        free(spec->lines);
        spec->lines = next;
    }
    free(spec->coverage);
}
