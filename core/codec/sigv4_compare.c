/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two canonical requests part. Up to there they are the same, so lines count
 * alike on both sides: method, path, query, headers, an empty line, names, hash.
 */
#include "codec/sigv4_compare.h"

const char *gw_sigv4_part_name(enum gw_sigv4_part part)
{
    static const char *const names[] = {
        [GW_SIGV4_PART_METHOD] = "method", [GW_SIGV4_PART_PATH] = "path",
        [GW_SIGV4_PART_QUERY] = "query",   [GW_SIGV4_PART_HEADER] = "header",
        [GW_SIGV4_PART_BODY] = "body",     [GW_SIGV4_PART_SIGNED_HEADERS] = "signed headers",
    };

    return names[part];
}

static struct gw_str without_end(struct gw_str text)
{
    while (text.length > 0 && (text.at[text.length - 1] == '\n' || text.at[text.length - 1] == '\r'))
        text.length--;
    return text;
}

/* The line that begins at `start`. */
static struct gw_str line_at(struct gw_str text, size_t start)
{
    return gw_str_slice(text, start, gw_str_find(text, '\n', start) - start);
}

/* `behind_blank`: lines from the empty one on that ends the headers. */
static enum gw_sigv4_part part_of(size_t line, size_t blanks, size_t behind_blank)
{
    if (line <= 3)
        return (enum gw_sigv4_part)(line - 1);
    if (blanks == 0)
        return GW_SIGV4_PART_HEADER;
    return behind_blank == 1 ? GW_SIGV4_PART_SIGNED_HEADERS : GW_SIGV4_PART_BODY;
}

/* The parameter of a query in which byte `at` is. */
static struct gw_str parameter_at(struct gw_str query, size_t at)
{
    size_t start = at < query.length ? at : query.length;
    struct gw_str parameter;

    while (start > 0 && query.at[start - 1] != '&')
        start--;
    parameter = gw_str_slice(query, start, gw_str_find(query, '&', start) - start);
    return gw_str_slice(parameter, 0, gw_str_find(parameter, '=', 0));
}

static struct gw_str header_of(struct gw_str line)
{
    return gw_str_slice(line, 0, gw_str_find(line, ':', 0));
}

/* Names come in ascending order: the lower one is there on its side alone. An empty line ends them. */
static struct gw_str header_between(struct gw_str left, struct gw_str right)
{
    struct gw_str a = header_of(left);
    struct gw_str b = header_of(right);

    if (a.length == 0 || (b.length > 0 && gw_str_compare(b, a) < 0))
        return b;
    return a;
}

/* The one that `shorter` lacks, where `longer` goes on with another behind its end; else the one at `column`. */
static struct gw_str parameter_between(struct gw_str shorter, struct gw_str longer, size_t column)
{
    bool goes_on = column == shorter.length && column < longer.length && longer.at[column] == '&';

    return parameter_at(longer, goes_on ? column + 1 : column);
}

static struct gw_str name_of(const struct gw_sigv4_difference *difference, size_t column)
{
    if (difference->part == GW_SIGV4_PART_HEADER)
        return header_between(difference->left, difference->right);
    if (difference->part != GW_SIGV4_PART_QUERY)
        return GW_STR_NONE;
    return column == difference->right.length ? parameter_between(difference->right, difference->left, column)
                                              : parameter_between(difference->left, difference->right, column);
}

bool gw_sigv4_compare(struct gw_str left, struct gw_str right, struct gw_sigv4_difference *difference)
{
    size_t offset = 0;
    size_t start = 0;
    size_t line = 1;
    size_t blanks = 0;
    size_t behind_blank = 0;

    left = without_end(left);
    right = without_end(right);
    while (offset < left.length && offset < right.length && left.at[offset] == right.at[offset]) {
        if (left.at[offset] == '\n') {
            behind_blank += blanks > 0 ? 1 : 0;
            if (line > 3 && blanks == 0 && offset == start) {
                blanks = 1;
                behind_blank = 1;
            }
            line++;
            start = offset + 1;
        }
        offset++;
    }
    if (offset == left.length && offset == right.length)
        return false;
    *difference = (struct gw_sigv4_difference){.part = part_of(line, blanks, behind_blank),
                                               .offset = offset,
                                               .line = line,
                                               .left = line_at(left, start),
                                               .right = line_at(right, start)};
    difference->name = name_of(difference, offset - start);
    return true;
}
