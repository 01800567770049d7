/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_GATEWAY_DIFFER_H
#define GW_GATEWAY_DIFFER_H

/*
 * What would another set of policies change? Two decisions about one request in,
 * their differences out, in the form that records (`shadow`) and eksgate replay
 * have:
 *
 *   {"policies":["required-tags"],
 *    "verdict":{"before":"allow","after":"deny","reason":"..."},
 *    "username":{"before":null,"after":"team-a:{{SessionName}}"},
 *    "tags":{"before":{"team":"a"},"after":{"team":"b","new":"x"}},
 *    "adopt":{"before":false,"after":true}}
 *
 * Members that don't differ are left out. `policies` are those whose word it is:
 * who refuses afterwards, else who refused before; who chose what is another now.
 * `reason` is the later refusal's. Of tags those are shown that differ, by key.
 * Usernames, tags and adoption are compared where both decisions let the request
 * go on; null is a username that no policy chose.
 *
 * Pure; no Lua, no files. Every order is the policies' or that of keys.
 */

#include "gateway/policy.h"

enum gw_differ_verdict {
    GW_DIFFER_ALLOW,
    GW_DIFFER_DENY,
    GW_DIFFER_THROTTLE,
    GW_DIFFER_FAILED, /* a hook raised, ran out of its budget or answered nonsense: a refusal, too */
    GW_DIFFER_VERDICTS,
};

/* "allow", "deny", "throttle", "failed" */
const char *gw_differ_verdict_name(enum gw_differ_verdict verdict);

/* Views. */
struct gw_differ_decision {
    enum gw_differ_verdict verdict;
    struct gw_str policy; /* who refused; {NULL,0}: nobody did */
    struct gw_str reason; /* {NULL,0}: none */
    const struct gw_policy_change *changes;
    size_t change_count;
};

/* What policies decided: `is_refused` says that their last answer was GW_POLICY_FAILED. Borrows `call`. */
void gw_differ_of_call(const struct gw_policy_call *call, bool is_refused, struct gw_differ_decision *decision);

enum gw_differ_kind {
    GW_DIFFER_KIND_VERDICT,
    GW_DIFFER_KIND_USERNAME,
    GW_DIFFER_KIND_TAGS,
    GW_DIFFER_KIND_ADOPT,
};

/* Each policy once per kind. */
struct gw_differ_row {
    enum gw_differ_kind kind;
    struct gw_str policy;
};

/* At most so many tags are looked at on either side: no decision has more. */
#define GW_DIFFER_ROWS_MAX (2 * GW_POLICY_CHANGES_MAX + 3)

struct gw_differ_report {
    unsigned kinds; /* bit 1 << kind for what differs; 0: nothing does, and `json` is an empty object */
    size_t row_count;
    struct gw_json json; /* arena */
    struct gw_differ_row rows[GW_DIFFER_ROWS_MAX];
};

/* `generated`: the username that EKS makes where nobody chooses one, which is the same as choosing it; {NULL,0}: not
 * known, or it stays as it was. */
void gw_differ_compare(const struct gw_differ_decision *before, const struct gw_differ_decision *after,
                       struct gw_str generated, struct gw_arena *arena, struct gw_differ_report *report);

#endif
