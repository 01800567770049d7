/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sets of policies that a spec file has loaded, found again by their paths:
 * asking the same ones a thousand times loads them once.
 */
#include <stdlib.h>

#include "script/spec_inner.h"

#define SLOTS_MAX 256

static char *key_of(const struct gw_str *paths, size_t count, bool default_allow)
{
    struct gw_buf key;
    gw_buf_init(&key, SIZE_MAX);
    gw_buf_append_byte(&key, default_allow ? 'a' : 'd');
    for (size_t i = 0; i < count; i++) {
        gw_buf_append_byte(&key, '\n');
        gw_buf_append_str(&key, paths[i]);
    }
    char *text = gw_str_dup(gw_buf_str(&key));
    gw_buf_fini(&key);
    return text;
}

static void free_slot(struct gw_spec_slot *slot)
{
    gw_script_free(&slot->script);
    gw_script_set_free(&slot->set);
    free(slot->key);
    free(slot);
}

static enum gw_status load(struct gw_spec *spec, struct gw_spec_slot *slot, const struct gw_str *paths, size_t count,
                           bool default_allow, struct gw_err *err)
{
    struct gw_script_options options = spec->script;
    options.files = paths;
    options.file_count = count;
    options.default_allow = default_allow;
    enum gw_status status = gw_set_load(&options, spec->options.known, &slot->set, err);
    if (status == GW_OK)
        gw_spec_cover(spec, slot->set);
    if (status == GW_OK)
        status = gw_script_new(slot->set, &slot->counters, &spec->services, &slot->script, err);
    return status;
}

static struct gw_spec_slot *find(const struct gw_spec *spec, const char *key, size_t *count)
{
    *count = 0;
    for (struct gw_spec_slot *slot = spec->slots; slot != NULL; slot = slot->next) {
        if (strcmp(slot->key, key) == 0)
            return slot;
        ++*count;
    }
    return NULL;
}

/* Names the spec's line, not the runner's that brought it here. */
static void raise_in_spec(lua_State *L, const struct gw_spec *spec, const char *why)
{
    gw_spec_push_where(L, spec);
    if (lua_isnil(L, -1)) {
        lua_pushstring(L, why);
    } else {
        lua_pushfstring(L, ": %s", why);
        lua_concat(L, 2);
    }
    (void)lua_error(L);
}

struct gw_spec_slot *gw_spec_slot_of(lua_State *L, struct gw_spec *spec, const struct gw_str *paths, size_t count,
                                     bool default_allow)
{
    struct gw_err err;
    size_t others;
    char *key = key_of(paths, count, default_allow);
    struct gw_spec_slot *slot = find(spec, key, &others);
    if (slot != NULL) {
        free(key);
        return slot;
    }
    slot = gw_alloc_zero(1, sizeof *slot);
    slot->key = key;
    enum gw_status status = GW_OK;
    if (others == SLOTS_MAX)
        status = gw_fail(&err, GW_E_LIMIT, "more than %d policies, or lists of policies", SLOTS_MAX);
    if (status == GW_OK)
        status = load(spec, slot, paths, count, default_allow, &err);
    if (status != GW_OK) {
        free_slot(slot);
        raise_in_spec(L, spec, err.text);
        return NULL;
    }
    slot->next = spec->slots;
    spec->slots = slot;
    return slot;
}

void gw_spec_forget_counts(struct gw_spec *spec)
{
    if (gw_counters_count(spec->services.counters) == 0)
        return;
    gw_counters_free(&spec->services.counters);
    spec->services.counters = gw_counters_new(gw_random_system());
}

struct gw_spec_slot *gw_spec_slot_anew(lua_State *L, struct gw_spec *spec, struct gw_str path)
{
    struct gw_spec_slot *slot = gw_spec_slot_of(L, spec, &path, 1, true);
    struct gw_err err;
    if (spec->ask.hooks != NULL)
        raise_in_spec(L, spec, "a policy can't be loaded while another one waits for its reply");
    struct gw_script *fresh = NULL;
    gw_spec_forget_counts(spec);
    if (gw_script_new(slot->set, &slot->counters, &spec->services, &fresh, &err) != GW_OK)
        raise_in_spec(L, spec, err.text); /* tables that were handed out go on with the old one */
    gw_script_free(&slot->script);
    slot->script = fresh;
    return slot;
}

void gw_spec_free_slots(struct gw_spec *spec)
{
    while (spec->slots != NULL) {
        struct gw_spec_slot *next = spec->slots->next;
        free_slot(spec->slots);
        spec->slots = next;
    }
}
