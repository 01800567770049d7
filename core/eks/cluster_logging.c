/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of log types is a bit for each.
 */
#include "eks/cluster_logging.h"

static const char *const types[] = {"api", "audit", "authenticator", "controllerManager", "scheduler"};

static unsigned bit_of(const struct gw_json *type)
{
    for (size_t i = 0; i < GW_COUNT(types); i++) {
        if (type->type == GW_JSON_STRING && gw_str_is(type->as.string, types[i]))
            return 1U << i;
    }
    return 0;
}

/* Types that are on once `logging` is laid over those in `on`; a setup without `enabled` turns its types off. */
static unsigned lay_over(unsigned on, const struct gw_json *logging)
{
    const struct gw_json *setups = gw_json_get(logging, "clusterLogging");

    for (size_t i = 0; setups != NULL && setups->type == GW_JSON_ARRAY && i < setups->as.array.count; i++) {
        const struct gw_json *listed = gw_json_get(&setups->as.array.items[i], "types");
        const struct gw_json *enabled = gw_json_get(&setups->as.array.items[i], "enabled");
        bool is_on = enabled != NULL && enabled->type == GW_JSON_BOOL && enabled->as.boolean;

        for (size_t k = 0; listed != NULL && listed->type == GW_JSON_ARRAY && k < listed->as.array.count; k++) {
            unsigned bit = bit_of(&listed->as.array.items[k]);

            on = is_on ? on | bit : on & ~bit;
        }
    }
    return on;
}

static struct gw_json setup(unsigned set, bool is_enabled, struct gw_arena *arena)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_str names[GW_COUNT(types)];
    size_t count = 0;

    for (size_t i = 0; i < GW_COUNT(types); i++) {
        if ((set & 1U << i) != 0)
            names[count++] = gw_str_from(types[i]);
    }
    gw_json_set(arena, &object, GW_STR("types"), gw_json_strings(arena, names, count));
    gw_json_set(arena, &object, GW_STR("enabled"), gw_json_bool(is_enabled));
    return object;
}

struct gw_json gw_eks_logging_lay_over(const struct gw_json *logging, const struct gw_json *sent,
                                       struct gw_arena *arena)
{
    const unsigned all = (1U << GW_COUNT(types)) - 1;
    unsigned on = lay_over(lay_over(0, logging), sent);
    struct gw_json setups = {.type = GW_JSON_ARRAY};
    struct gw_json made = {.type = GW_JSON_OBJECT};

    setups.as.array.items = gw_arena_zero(arena, 2, sizeof(struct gw_json));
    if (on != 0)
        setups.as.array.items[setups.as.array.count++] = setup(on, true, arena);
    if (on != all)
        setups.as.array.items[setups.as.array.count++] = setup(all & ~on, false, arena);
    gw_json_set(arena, &made, GW_STR("clusterLogging"), setups);
    return made;
}

bool gw_eks_logging_equal(const struct gw_json *a, const struct gw_json *b)
{
    return lay_over(0, a) == lay_over(0, b);
}
