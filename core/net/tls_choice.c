/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which certificates are offered for a server name. Names come from a
 * certificate's SAN alone; a wildcard stands for exactly one label, the leftmost,
 * and for the whole of it (RFC 6125 6.4.3). A certificate with the name itself
 * goes before one with a wildcard. Of each kind of key (RSA, ECDSA ...) the first
 * that fits is offered, so that a name may have one of each and the client takes
 * what it can.
 */
#include "net/tls_inner.h"

#include <strings.h>

bool gw_tls_name_matches(struct gw_str pattern, struct gw_str name)
{
    size_t dot;

    if (!gw_str_starts(pattern, GW_STR("*.")))
        return gw_str_equal_nocase(pattern, name);
    dot = gw_str_find(name, '.', 0);
    return dot > 0 && dot < name.length &&
           gw_str_equal_nocase(gw_str_slice(pattern, 1, SIZE_MAX), gw_str_slice(name, dot, SIZE_MAX));
}

static bool fits(const struct gw_tls_identity *identity, struct gw_str name, bool wildcards)
{
    for (size_t i = 0; i < identity->name_count; i++) {
        struct gw_str pattern = identity->names[i];

        if (gw_str_starts(pattern, GW_STR("*.")) == wildcards && gw_tls_name_matches(pattern, name))
            return true;
    }
    return false;
}

/* Another of the same kind of key is among the chosen. */
static bool is_taken(const struct gw_tls_context *context, uint32_t chosen, int type)
{
    for (size_t i = 0; i < context->identity_count; i++) {
        if ((chosen >> i & 1U) != 0 && context->identities[i].type == type)
            return true;
    }
    return false;
}

static uint32_t choose(const struct gw_tls_context *context, struct gw_str name, bool wildcards)
{
    uint32_t chosen = 0;

    for (size_t i = 0; i < context->identity_count; i++) {
        const struct gw_tls_identity *identity = &context->identities[i];

        if (fits(identity, name, wildcards) && !is_taken(context, chosen, identity->type))
            chosen |= UINT32_C(1) << i;
    }
    return chosen;
}

uint32_t gw_tls_choose(const struct gw_tls_context *context, struct gw_str name)
{
    uint32_t chosen;

    if (name.length > 0 && name.at[name.length - 1] == '.')
        name.length--;
    chosen = choose(context, name, false);
    return chosen != 0 ? chosen : choose(context, name, true);
}

/* All names of `a` are names of `b`. */
static bool covers(const struct gw_tls_identity *a, const struct gw_tls_identity *b)
{
    for (size_t i = 0; i < a->name_count; i++) {
        bool found = false;

        for (size_t k = 0; k < b->name_count && !found; k++)
            found = gw_str_equal_nocase(a->names[i], b->names[k]);
        if (!found)
            return false;
    }
    return a->name_count > 0;
}

uint32_t gw_tls_choose_default(const struct gw_tls_context *context)
{
    uint32_t chosen = 1;

    for (size_t i = 1; i < context->identity_count; i++) {
        const struct gw_tls_identity *identity = &context->identities[i];

        if (covers(&context->identities[0], identity) && !is_taken(context, chosen, identity->type))
            chosen |= UINT32_C(1) << i;
    }
    return chosen;
}
