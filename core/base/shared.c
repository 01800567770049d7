/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One block: count, length, bytes.
 */
#include "base/shared.h"

#include <stdatomic.h>
#include <stdlib.h>

struct gw_shared {
    atomic_uint holders;
    uint32_t length;
    char bytes[];
};

struct gw_shared *gw_shared_new(struct gw_str bytes)
{
    struct gw_shared *shared;

    if (bytes.at == NULL)
        return NULL;
    if (bytes.length > UINT32_MAX - sizeof(*shared))
        gw_fatal("shared bytes too long");
    shared = gw_alloc(sizeof(*shared) + bytes.length);
    atomic_init(&shared->holders, 1);
    shared->length = (uint32_t)bytes.length;
    if (bytes.length > 0)
        memcpy(shared->bytes, bytes.at, bytes.length);
    return shared;
}

struct gw_shared *gw_shared_hold(struct gw_shared *shared)
{
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
    return shared;
}

void gw_shared_drop(struct gw_shared **shared)
{
    struct gw_shared *s = *shared;

    *shared = NULL;
    if (s != NULL && atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) == 1)
        free(s);
}

struct gw_str gw_shared_str(const struct gw_shared *shared)
{
    return shared == NULL ? GW_STR_NONE : (struct gw_str){shared->bytes, shared->length};
}
