/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots in the order in which their keys came, and chains through them by hash.
 * A number that is set to 0 keeps its slot, so that a thing which comes and goes
 * doesn't push others out.
 */
#include "gateway/tally.h"

#include <stdlib.h>
#include <string.h>

#define TALLY_FIRST 64

struct gw_tally_slot {
    unsigned char key[GW_TALLY_KEY];
    uint32_t next; /* 1 + index, 0 at the end of the chain */
    uint32_t number;
};

void gw_tally_init(struct gw_tally *tally, size_t max)
{
    *tally = (struct gw_tally){.max = max};
}

void gw_tally_fini(struct gw_tally *tally)
{
    gw_tally_clear(tally);
}

void gw_tally_clear(struct gw_tally *tally)
{
    free(tally->slots);
    free(tally->heads);
    gw_tally_init(tally, tally->max);
}

static uint32_t *head_of(const struct gw_tally *tally, const unsigned char key[GW_TALLY_KEY])
{
    uint64_t hash;

    memcpy(&hash, key, sizeof(hash));
    return &tally->heads[hash & (tally->head_count - 1)];
}

static struct gw_tally_slot *find(const struct gw_tally *tally, const unsigned char key[GW_TALLY_KEY])
{
    uint32_t at = tally->count == 0 ? 0 : *head_of(tally, key);

    while (at != 0) {
        struct gw_tally_slot *slot = &tally->slots[at - 1];

        if (memcmp(slot->key, key, GW_TALLY_KEY) == 0)
            return slot;
        at = slot->next;
    }
    return NULL;
}

uint32_t gw_tally_get(const struct gw_tally *tally, const unsigned char key[GW_TALLY_KEY])
{
    const struct gw_tally_slot *slot = find(tally, key);

    return slot == NULL ? 0 : slot->number;
}

static void chain(struct gw_tally *tally, size_t index)
{
    struct gw_tally_slot *slot = &tally->slots[index];
    uint32_t *head = head_of(tally, slot->key);

    slot->next = *head;
    *head = (uint32_t)index + 1;
}

static void unchain(struct gw_tally *tally, size_t index)
{
    uint32_t *at = head_of(tally, tally->slots[index].key);

    while (*at != index + 1)
        at = &tally->slots[*at - 1].next;
    *at = tally->slots[index].next;
}

static void grow(struct gw_tally *tally)
{
    size_t capacity = tally->capacity == 0 ? TALLY_FIRST : tally->capacity * 2;

    tally->head_count = capacity;
    tally->capacity = capacity > tally->max ? tally->max : capacity;
    tally->slots = gw_realloc(tally->slots, tally->capacity * sizeof(*tally->slots));
    free(tally->heads);
    tally->heads = gw_alloc_zero(tally->head_count, sizeof(*tally->heads));
    for (size_t i = 0; i < tally->count; i++)
        chain(tally, i);
}

/* The slot for a new key: a fresh one, else the oldest's. */
static size_t take_slot(struct gw_tally *tally)
{
    size_t index = tally->oldest;

    if (tally->count < tally->max) {
        if (tally->count == tally->capacity)
            grow(tally);
        return tally->count++;
    }
    unchain(tally, index);
    tally->oldest = index + 1 == tally->max ? 0 : index + 1;
    return index;
}

void gw_tally_set(struct gw_tally *tally, const unsigned char key[GW_TALLY_KEY], uint32_t number)
{
    struct gw_tally_slot *slot = find(tally, key);
    size_t index;

    if (slot != NULL || number == 0) {
        if (slot != NULL)
            slot->number = number;
        return;
    }
    index = take_slot(tally);
    tally->slots[index].number = number;
    memcpy(tally->slots[index].key, key, GW_TALLY_KEY);
    chain(tally, index);
}

void gw_tally_copy(const struct gw_tally *from, struct gw_tally *to)
{
    gw_tally_clear(to);
    *to = *from;
    if (from->count == 0) {
        gw_tally_init(to, from->max);
        return;
    }
    to->slots = gw_memdup(from->slots, from->capacity * sizeof(*from->slots));
    to->heads = gw_memdup(from->heads, from->head_count * sizeof(*from->heads));
}

static void encode_key(const unsigned char key[GW_TALLY_KEY], struct gw_buf *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < GW_TALLY_KEY; i++) {
        gw_buf_append_byte(out, digits[key[i] >> 4]);
        gw_buf_append_byte(out, digits[key[i] & 15]);
    }
}

void gw_tally_encode(const struct gw_tally *tally, struct gw_buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < tally->count; i++)
        count += tally->slots[i].number != 0;
    gw_buf_append_u64(out, count);
    gw_buf_append_byte(out, '\n');
    for (size_t i = 0; i < tally->count; i++) {
        const struct gw_tally_slot *slot = &tally->slots[(tally->oldest + i) % tally->count];

        if (slot->number == 0)
            continue;
        encode_key(slot->key, out);
        gw_buf_append_byte(out, ' ');
        gw_buf_append_u64(out, slot->number);
        gw_buf_append_byte(out, '\n');
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_key(struct gw_str text, unsigned char key[GW_TALLY_KEY])
{
    if (text.length != (size_t)2 * GW_TALLY_KEY)
        return false;
    for (size_t i = 0; i < GW_TALLY_KEY; i++) {
        int high = hex_value(text.at[2 * i]);
        int low = hex_value(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        key[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

/* A number without a leading zero, up to the end of the line. */
static bool take_number(struct gw_str line, uint64_t max, uint64_t *number)
{
    return gw_str_parse_u64(line, max, number) == GW_OK && (line.length == 1 || line.at[0] != '0');
}

/* The next line, without its newline; false when there is none. */
static bool take_line(struct gw_str *rest, struct gw_str *line)
{
    size_t end = gw_str_find(*rest, '\n', 0);

    if (end == rest->length)
        return false;
    *line = gw_str_slice(*rest, 0, end);
    *rest = gw_str_slice(*rest, end + 1, SIZE_MAX);
    return true;
}

static bool decode_slot(struct gw_str line, struct gw_tally *tally)
{
    unsigned char key[GW_TALLY_KEY];
    uint64_t number;

    if (line.length < (size_t)2 * GW_TALLY_KEY + 2 || line.at[2 * GW_TALLY_KEY] != ' ' ||
        !decode_key(gw_str_slice(line, 0, (size_t)2 * GW_TALLY_KEY), key) ||
        !take_number(gw_str_slice(line, (size_t)2 * GW_TALLY_KEY + 1, SIZE_MAX), UINT32_MAX, &number) || number == 0 ||
        find(tally, key) != NULL)
        return false;
    gw_tally_set(tally, key, (uint32_t)number);
    return true;
}

enum gw_status gw_tally_decode(struct gw_str *rest, struct gw_tally *tally)
{
    struct gw_str line;
    uint64_t count;

    if (!take_line(rest, &line) || !take_number(line, tally->max, &count))
        return GW_E_SYNTAX;
    for (uint64_t i = 0; i < count; i++) {
        if (!take_line(rest, &line) || !decode_slot(line, tally)) {
            gw_tally_clear(tally);
            return GW_E_SYNTAX;
        }
    }
    return GW_OK;
}
