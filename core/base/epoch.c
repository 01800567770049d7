/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epoch-based reclamation. Each reader has a slot that holds the epoch it entered
 * in, 0 while outside. Retiring stamps an object with the current epoch and moves
 * the epoch on; an object may go when no slot holds an epoch at or below its
 * stamp.
 *
 *   epoch 7   slots [0][7][0][6]   retired: A@5  B@6  C@7   ->  A may go
 *
 * A reader writes its slot and then reads shared pointers; who retires has written
 * a shared pointer and then reads slots. A full fence on either side makes sure that
 * at least one of the two sees the other.
 */
#include "base/epoch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* ThreadSanitizer doesn't know fences, and what it runs on orders these accesses anyway. */
#if defined(__SANITIZE_THREAD__)
#define GW_EPOCH_FENCELESS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GW_EPOCH_FENCELESS 1
#endif
#endif

#define GW_EPOCH_BATCH 64 /* retired objects between two looks at the slots */

struct gw_epoch_reader {
    _Alignas(64) _Atomic uint64_t entered; /* a cache line each: readers don't disturb one another */
    struct gw_epoch *epoch;
    _Atomic bool used;
};

struct retired {
    struct retired *next;
    uint64_t stamp;
    void *object;
    void (*release)(void *object);
};

struct gw_epoch {
    struct gw_epoch_reader readers[GW_EPOCH_READERS];
    _Atomic uint64_t current;
    pthread_mutex_t lock;
    struct retired *oldest;
    struct retired **end;
    size_t waiting;
};

static inline void full_fence(void)
{
#ifndef GW_EPOCH_FENCELESS
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

struct gw_epoch *gw_epoch_new(void)
{
    struct gw_epoch *epoch = aligned_alloc(64, sizeof(*epoch));

    if (epoch == NULL)
        gw_fatal("out of memory (epoch)");
    for (size_t i = 0; i < GW_EPOCH_READERS; i++) {
        atomic_init(&epoch->readers[i].entered, 0);
        atomic_init(&epoch->readers[i].used, false);
        epoch->readers[i].epoch = epoch;
    }
    atomic_init(&epoch->current, 1);
    (void)pthread_mutex_init(&epoch->lock, NULL);
    epoch->oldest = NULL;
    epoch->end = &epoch->oldest;
    epoch->waiting = 0;
    return epoch;
}

static void release_list(struct retired *list)
{
    while (list != NULL) {
        struct retired *next = list->next;

        list->release(list->object);
        free(list);
        list = next;
    }
}

void gw_epoch_free(struct gw_epoch **epoch)
{
    struct gw_epoch *e = *epoch;

    if (e == NULL)
        return;
    *epoch = NULL;
    release_list(e->oldest);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

struct gw_epoch_reader *gw_epoch_register(struct gw_epoch *epoch)
{
    for (size_t i = 0; i < GW_EPOCH_READERS; i++) {
        bool expected = false;

        if (atomic_compare_exchange_strong(&epoch->readers[i].used, &expected, true))
            return &epoch->readers[i];
    }
    gw_fatal("more than %d epoch readers", GW_EPOCH_READERS);
}

void gw_epoch_unregister(struct gw_epoch_reader *reader)
{
    atomic_store(&reader->entered, 0);
    atomic_store(&reader->used, false);
}

void gw_epoch_enter(struct gw_epoch_reader *reader)
{
    uint64_t now = atomic_load_explicit(&reader->epoch->current, memory_order_acquire);

#ifdef GW_EPOCH_FENCELESS
    atomic_store(&reader->entered, now);
#else
    atomic_store_explicit(&reader->entered, now, memory_order_relaxed);
#endif
    full_fence();
}

void gw_epoch_leave(struct gw_epoch_reader *reader)
{
    atomic_store_explicit(&reader->entered, 0, memory_order_release);
}

static uint64_t oldest_reader(struct gw_epoch *epoch)
{
    uint64_t oldest = UINT64_MAX;

    full_fence();
    for (size_t i = 0; i < GW_EPOCH_READERS; i++) {
        uint64_t entered = atomic_load(&epoch->readers[i].entered);

        if (entered != 0 && entered < oldest)
            oldest = entered;
    }
    return oldest;
}

/* Takes what may go off the list; the lock is held. */
static struct retired *take_unseen(struct gw_epoch *epoch)
{
    uint64_t oldest = oldest_reader(epoch);
    struct retired *taken = NULL;
    struct retired **end = &taken;

    while (epoch->oldest != NULL && epoch->oldest->stamp < oldest) {
        struct retired *one = epoch->oldest;

        epoch->oldest = one->next;
        one->next = NULL;
        *end = one;
        end = &one->next;
        epoch->waiting--;
    }
    if (epoch->oldest == NULL)
        epoch->end = &epoch->oldest;
    return taken;
}

void gw_epoch_retire(struct gw_epoch *epoch, void *object, void (*release)(void *object))
{
    struct retired *one;
    struct retired *unseen = NULL;

    if (object == NULL)
        return;
    one = gw_alloc(sizeof(*one));
    *one = (struct retired){.object = object, .release = release};
    (void)pthread_mutex_lock(&epoch->lock);
    one->stamp = atomic_fetch_add(&epoch->current, 1);
    *epoch->end = one;
    epoch->end = &one->next;
    if (++epoch->waiting % GW_EPOCH_BATCH == 0)
        unseen = take_unseen(epoch);
    (void)pthread_mutex_unlock(&epoch->lock);
    release_list(unseen);
}

void gw_epoch_reclaim(struct gw_epoch *epoch)
{
    struct retired *unseen;

    (void)pthread_mutex_lock(&epoch->lock);
    unseen = take_unseen(epoch);
    (void)pthread_mutex_unlock(&epoch->lock);
    release_list(unseen);
}
