/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit files out of any bytes, or out of a good chain that the bytes say how to
 * spoil. What the inspection calls good, a slow and obvious look at the links must
 * call good too.
 *
 *   '=' BYTES            files, parted by 0xff
 *   '~' (OP A B)...      a chain of twenty records: alters, deletes, swaps, repeats, cuts, parts
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "journal/inspect.h"

#define FILES   4
#define RECORDS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The text's first number, 0 when it has none. */
static unsigned long long number_at(const char *text)
{
    return *text >= '1' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

/* Is the line the record that follows one with this number and hash? Both become its own. */
static bool follows(const char *line, size_t length, unsigned long long *sequence, char hex[65])
{
    static const char front[] = GW_CHAIN_FRONT "\"sequence\":";
    unsigned char hash[GW_DIGEST_SIZE];
    unsigned long long own;
    const char *link;

    if (strncmp(line, front, sizeof(front) - 1) != 0)
        return false;
    own = number_at(line + sizeof(front) - 1);
    link = strstr(line, "\"previous\":\"");
    if (own == 0 || link == NULL || strlen(link) < 76 || (*sequence != 0 && own != *sequence + 1))
        return false;
    if (*hex != '\0' && strncmp(link + 12, hex, 64) != 0)
        return false;
    if (own == 1 && strspn(link + 12, "0") < 64)
        return false;
    *sequence = own;
    gw_digest_sha256((struct gw_str){line, length}, hash);
    gw_digest_hex(hash, hex);
    return true;
}

static unsigned long long first_of(const char *text)
{
    static const char front[] = GW_CHAIN_FRONT "\"sequence\":";

    return strncmp(text, front, sizeof(front) - 1) == 0 ? number_at(text + sizeof(front) - 1) : 0;
}

/* All files, in the order of the numbers that their first lines have. Those that were looked at are empty. */
static bool is_chain(char *const *files, size_t count)
{
    unsigned long long sequence = 0;
    char hex[65] = "";

    for (;;) {
        char *next = NULL;

        for (size_t i = 0; i < count; i++) {
            if (*files[i] != '\0' && (next == NULL || first_of(files[i]) < first_of(next)))
                next = files[i];
        }
        if (next == NULL)
            return sequence != 0;
        for (char *line = next; *line != '\0'; line = strchr(line, '\n') + 1) {
            if (strchr(line, '\n') == NULL || !follows(line, (size_t)(strchr(line, '\n') - line), &sequence, hex))
                return false;
        }
        *next = '\0';
    }
}

/* Gives whether the inspection found the files to be good. */
static bool inspect(const struct gw_str *files, size_t count)
{
    struct gw_inspect_options options = {.path_count = count};
    struct gw_inspect_report report;
    const char *paths[FILES];
    char names[FILES][64];
    int fds[FILES];
    struct gw_err err;

    for (size_t i = 0; i < count; i++) {
        fds[i] = memfd_create("audit", 0);
        require(fds[i] >= 0 && write(fds[i], files[i].at, files[i].length) == (ssize_t)files[i].length);
        (void)snprintf(names[i], sizeof(names[i]), "/proc/self/fd/%d", fds[i]);
        paths[i] = names[i];
    }
    options.paths = paths;
    require(gw_inspect_files(&options, &report, &err) == GW_OK);
    require((report.problem[0] == '\0') == (report.fault == GW_INSPECT_GOOD));
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
    return report.fault == GW_INSPECT_GOOD;
}

/* A record that explains why a file isn't read to its end is left to unit tests. */
static void check(const struct gw_str *files, size_t count)
{
    char *texts[FILES];
    bool is_good = inspect(files, count);
    bool is_plain = true;

    for (size_t i = 0; i < count; i++) {
        is_plain = is_plain && memchr(files[i].at, '\0', files[i].length) == NULL &&
                   gw_str_search(files[i], GW_STR("\"continues\"")) == SIZE_MAX;
        texts[i] = gw_str_dup(files[i]);
    }
    if (is_plain && is_good)
        require(is_chain(texts, count));
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
}

static void check_raw(struct gw_str rest)
{
    struct gw_str files[FILES];
    size_t count = 0;

    while (rest.at != NULL && count + 1 < FILES)
        files[count++] = gw_str_split(&rest, (char)0xff);
    if (rest.at != NULL)
        files[count++] = rest;
    check(files, count);
}

static void spoil(struct gw_str *lines, size_t *count, size_t *parts, const uint8_t *op)
{
    size_t a = op[1] % (*count + 1);
    size_t b = op[2] % (*count + 1);
    struct gw_str kept;

    if (op[0] % 6 == 0 && a < *count && lines[a].length > 0) {
        ((char *)(uintptr_t)lines[a].at)[(op[2] * 7u) % lines[a].length] ^= (char)(1u << (op[0] / 6 % 8));
    } else if (op[0] % 6 == 1 && a < *count) {
        memmove(lines + a, lines + a + 1, (*count - a - 1) * sizeof(*lines));
        (*count)--;
    } else if (op[0] % 6 == 2 && a < *count && b < *count) {
        kept = lines[a];
        lines[a] = lines[b];
        lines[b] = kept;
    } else if (op[0] % 6 == 3 && a < *count && *count < 2 * RECORDS) {
        memmove(lines + a + 1, lines + a, (*count - a) * sizeof(*lines));
        (*count)++;
    } else if (op[0] % 6 == 4 && a < *count) {
        lines[a].length = lines[a].length * op[2] / 256;
    } else if (op[0] % 6 == 5) {
        *parts = a;
    }
}

/* new: the records, one behind the other; `lines` points to each, its newline included. */
static char *make_chain(struct gw_str *lines)
{
    struct gw_chain_head head = {0};
    size_t starts[RECORDS + 1];
    struct gw_buf text;
    char record[256];

    gw_buf_init(&text, (size_t)1 << 20);
    for (size_t i = 0; i < RECORDS; i++) {
        (void)snprintf(record, sizeof(record),
                       GW_CHAIN_FRONT "\"status\":200,\"change\":true%s}},\"eventTime\":\"2026-01-02T03:04:05Z\"}",
                       i % 7 == 5 ? ",\"settles\":2,\"outcome\":\"unknown\"" : "");
        starts[i] = text.length;
        require(gw_chain_link(&head, 0, gw_str_from(record), &text) == GW_OK);
        gw_buf_append_byte(&text, '\n');
    }
    starts[RECORDS] = text.length;
    for (size_t i = 0; i < RECORDS; i++)
        lines[i] = (struct gw_str){text.at + starts[i], starts[i + 1] - starts[i]};
    return text.at;
}

static void check_spoiled(const uint8_t *data, size_t size)
{
    struct gw_str lines[2 * RECORDS + 1];
    struct gw_buf files[2];
    size_t count = RECORDS;
    size_t parts = 0;
    char *chain = make_chain(lines);

    for (; size >= 3; data += 3, size -= 3)
        spoil(lines, &count, &parts, data);
    for (size_t i = 0; i < 2; i++) {
        gw_buf_init(&files[i], (size_t)4 << 20);
        gw_buf_append_lit(&files[i], " ");
        files[i].length = 0;
    }
    for (size_t i = 0; i < count; i++)
        gw_buf_append_str(&files[i < parts], lines[i]);
    check((struct gw_str[]){gw_buf_str(&files[0]), gw_buf_str(&files[1])}, 2);
    gw_buf_fini(&files[0]);
    gw_buf_fini(&files[1]);
    free(chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_tried;
    struct gw_str lines[RECORDS];
    char *chain;

    if (!is_tried) {
        chain = make_chain(lines);
        require(
            inspect(&(struct gw_str){chain, (size_t)(lines[RECORDS - 1].at - chain) + lines[RECORDS - 1].length}, 1));
        free(chain);
        is_tried = true;
    }
    if (size > 0 && data[0] == '=')
        check_raw((struct gw_str){(const char *)data + 1, size - 1});
    else if (size > 0 && data[0] == '~')
        check_spoiled(data + 1, size - 1);
    return 0;
}
