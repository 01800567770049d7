/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the questions and opinions of policies are called in records and reports.
 */
#include "gateway/policy.h"

const char *gw_policy_verdict_name(enum gw_policy_verdict verdict)
{
    static const char *const names[] = {
        [GW_VERDICT_NONE] = "none",
        [GW_VERDICT_ALLOW] = "allow",
        [GW_VERDICT_DENY] = "deny",
        [GW_VERDICT_THROTTLE] = "throttle",
    };

    return names[verdict];
}

const char *gw_policy_hook_name(enum gw_policy_hook hook)
{
    static const char *const names[] = {
        [GW_HOOK_AUTHORIZE] = "authorize", [GW_HOOK_USERNAME] = "username", [GW_HOOK_TAGS] = "tags",
        [GW_HOOK_CONFLICT] = "conflict",   [GW_HOOK_FAULT] = "fault",       [GW_HOOK_AUDIT] = "audit",
        [GW_HOOK_OUTCOME] = "outcome",
    };

    return names[hook];
}
