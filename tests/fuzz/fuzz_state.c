/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the state of a mock: what is read is written out, and read again
 * must be written the same.
 */
#include <stdlib.h>

#include "eks/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void fill(void *ctx, void *bytes, size_t length)
{
    unsigned char *at = bytes;
    unsigned char *next = ctx;

    for (size_t i = 0; i < length; i++)
        at[i] = (*next)++;
}

/* Puts what the text says into the store and writes the store out; false when the text is no state. */
static bool load(struct gw_store *store, struct gw_str text, struct gw_buf *out)
{
    static const struct gw_eks_limits limits = {
        .entries_per_cluster = 100, .groups_per_entry = 10, .policies_per_entry = 5, .clusters = 20};
    const struct gw_eks_state_place place = {GW_STR("aws"), GW_STR("012345678910"), GW_STR("us-west-2")};
    unsigned char next = 0;
    const struct gw_random random = {&next, fill};
    const struct gw_eks_env env = {.now_ms = 1685475163532, .random = &random, .limits = &limits};
    struct gw_eks_state state;
    struct gw_err err;

    if (gw_eks_state_decode(text, &place, &env, &state, &err) != GW_OK)
        return false;
    require(gw_eks_state_stage(&state, store) == GW_OK);
    require(gw_store_commit(store, &err) == GW_OK);
    gw_eks_state_free(&state);
    gw_eks_state_encode(store, out);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gw_store_options options = {.tokens_max = 1, .tokens_per_entry_max = 1, .token_age_ms = 1};
    struct gw_epoch *epoch = gw_epoch_new();
    struct gw_store *store = gw_store_open_memory(&options, epoch, gw_random_system());
    struct gw_buf first;
    struct gw_buf second;

    gw_buf_init(&first, (size_t)64 << 20);
    gw_buf_init(&second, (size_t)64 << 20);
    if (load(store, (struct gw_str){(const char *)data, size}, &first) && !first.overflowed) {
        require(load(store, gw_buf_str(&first), &second));
        require(gw_str_equal(gw_buf_str(&first), gw_buf_str(&second)));
    }
    gw_buf_fini(&second);
    gw_buf_fini(&first);
    gw_store_close(&store);
    gw_epoch_free(&epoch);
    return 0;
}
