/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables of fixed size. Marks are counters by hash: two clusters that share one
 * are asked for once more than needed. What was seen stands in slots by hash, and
 * a newer one takes its slot from an older: then the upstream is asked again. A
 * slot is one text,
 *
 *   KEY NUL PARTITION NUL ACCOUNT NUL REGION NUL FRONT
 *
 * under a lock that is held for copying it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/overlay.h"

#define MARKS    256
#define SLOTS    1024
#define LOCKS    16
#define TEXT_MAX 8192

struct slot {
    char *text;
    size_t length;
    int64_t asked_ms;
    uint64_t mark;
};

struct gw_overlay_memory {
    struct gw_hash_seed seed;
    _Atomic uint64_t marks[MARKS];
    pthread_mutex_t locks[LOCKS];
    struct slot slots[SLOTS];
};

struct gw_overlay_memory *gw_overlay_memory_new(const struct gw_random *random)
{
    struct gw_overlay_memory *memory = gw_alloc_zero(1, sizeof(*memory));

    gw_random_seed(random, &memory->seed);
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_init(&memory->locks[i], NULL);
    return memory;
}

void gw_overlay_memory_free(struct gw_overlay_memory **memory)
{
    if (*memory == NULL)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        (void)pthread_mutex_destroy(&(*memory)->locks[i]);
    for (size_t i = 0; i < SLOTS; i++)
        free((*memory)->slots[i].text);
    free(*memory);
    *memory = NULL;
}

/* By the name alone: whose cluster it is, and where, the upstream says, and not everyone who signs for another region
 * or as another account means another cluster. */
static size_t mark_of(const struct gw_overlay_memory *memory, const struct gw_overlay_key *key)
{
    return (size_t)(gw_hash(&memory->seed, key->cluster.at, key->cluster.length) % MARKS);
}

uint64_t gw_overlay_memory_mark(const struct gw_overlay_memory *memory, const struct gw_overlay_key *key)
{
    return atomic_load(&memory->marks[mark_of(memory, key)]);
}

void gw_overlay_memory_touch(struct gw_overlay_memory *memory, const struct gw_overlay_key *key)
{
    (void)atomic_fetch_add(&memory->marks[mark_of(memory, key)], 1);
}

static void append(struct gw_buf *text, struct gw_str part)
{
    gw_buf_append_str(text, part);
    gw_buf_append_byte(text, '\0');
}

/* None of the parts has a NUL in it: two keys never give the same text. */
static void append_key(const struct gw_overlay_key *key, struct gw_buf *text)
{
    gw_buf_append_str(text, key->access_key);
    gw_buf_append_byte(text, '\n');
    gw_buf_append_str(text, key->account);
    gw_buf_append_byte(text, '\n');
    gw_buf_append_str(text, key->region);
    gw_buf_append_byte(text, '\n');
    append(text, key->cluster);
}

void gw_overlay_memory_keep(struct gw_overlay_memory *memory, const struct gw_overlay_key *key,
                            const struct gw_eks_seen *seen, int64_t asked_ms, uint64_t mark)
{
    struct gw_buf text;
    size_t index;

    gw_buf_init(&text, TEXT_MAX);
    append_key(key, &text);
    index = (size_t)(gw_hash(&memory->seed, text.at, text.length) % SLOTS);
    append(&text, seen->partition);
    append(&text, seen->account);
    append(&text, seen->region);
    gw_buf_append_str(&text, seen->front);
    if (!text.overflowed) {
        struct slot *slot = &memory->slots[index];
        char *copy = gw_memdup(text.at, text.length);

        (void)pthread_mutex_lock(&memory->locks[index % LOCKS]);
        free(slot->text);
        *slot = (struct slot){copy, text.length, asked_ms, mark};
        (void)pthread_mutex_unlock(&memory->locks[index % LOCKS]);
    }
    gw_buf_fini(&text);
}

bool gw_overlay_memory_recall(struct gw_overlay_memory *memory, const struct gw_overlay_key *key,
                              struct gw_arena *arena, struct gw_eks_seen *seen, int64_t *asked_ms, uint64_t *mark)
{
    struct gw_str rest = GW_STR_NONE;
    struct gw_buf text;
    size_t index;
    struct slot *slot;

    gw_buf_init(&text, TEXT_MAX);
    append_key(key, &text);
    index = (size_t)(gw_hash(&memory->seed, text.at, text.length) % SLOTS);
    slot = &memory->slots[index];
    (void)pthread_mutex_lock(&memory->locks[index % LOCKS]);
    if (!text.overflowed && slot->text != NULL &&
        gw_str_starts((struct gw_str){slot->text, slot->length}, gw_buf_str(&text))) {
        rest = gw_arena_str(arena, (struct gw_str){slot->text + text.length, slot->length - text.length});
        *asked_ms = slot->asked_ms;
        *mark = slot->mark;
    }
    (void)pthread_mutex_unlock(&memory->locks[index % LOCKS]);
    gw_buf_fini(&text);
    if (rest.at == NULL)
        return false;
    *seen = (struct gw_eks_seen){.has_mode = false};
    seen->partition = gw_str_split(&rest, '\0');
    seen->account = gw_str_split(&rest, '\0');
    seen->region = gw_str_split(&rest, '\0');
    seen->front = rest;
    return true;
}
