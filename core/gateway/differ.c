/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what came of two decisions, not how they came about: whether one policy
 * or two chose the same tags makes no difference.
 */
#include "gateway/differ.h"

#include <stdlib.h>

#include "codec/username.h"

static const char *const verdict_names[GW_DIFFER_VERDICTS] = {
    [GW_DIFFER_ALLOW] = "allow",
    [GW_DIFFER_DENY] = "deny",
    [GW_DIFFER_THROTTLE] = "throttle",
    [GW_DIFFER_FAILED] = "failed",
};

/* A tag that policies added. */
struct tag {
    struct gw_str key;
    struct gw_str value;
    struct gw_str policy;
};

struct tags {
    struct tag *items; /* by key */
    size_t count;
};

const char *gw_differ_verdict_name(enum gw_differ_verdict verdict)
{
    return verdict_names[verdict];
}

static enum gw_differ_verdict verdict_of(const struct gw_policy_refusal *refusal)
{
    if (refusal->failed)
        return GW_DIFFER_FAILED;
    return refusal->verdict == GW_VERDICT_THROTTLE ? GW_DIFFER_THROTTLE : GW_DIFFER_DENY;
}

void gw_differ_of_call(const struct gw_policy_call *call, bool is_refused, struct gw_differ_decision *decision)
{
    *decision = (struct gw_differ_decision){
        .verdict = GW_DIFFER_ALLOW, .changes = call->changes, .change_count = call->change_count};
    if (!is_refused)
        return;
    decision->verdict = verdict_of(&call->refusal);
    decision->policy = call->refusal.policy;
    decision->reason = call->refusal.reason;
}

static void add_row(struct gw_differ_report *report, enum gw_differ_kind kind, struct gw_str policy)
{
    report->kinds |= 1U << kind;
    if (policy.at == NULL || report->row_count == GW_DIFFER_ROWS_MAX)
        return;
    for (size_t i = 0; i < report->row_count; i++) {
        if (report->rows[i].kind == kind && gw_str_equal(report->rows[i].policy, policy))
            return;
    }
    report->rows[report->row_count++] = (struct gw_differ_row){kind, policy};
}

static struct gw_json text_or_null(struct gw_str text)
{
    return text.at == NULL ? (struct gw_json){.type = GW_JSON_NULL} : gw_json_string(text);
}

/* {"before":...,"after":...} */
static struct gw_json pair(struct gw_arena *arena, struct gw_json before, struct gw_json after)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    gw_json_set(arena, &object, GW_STR("before"), before);
    gw_json_set(arena, &object, GW_STR("after"), after);
    return object;
}

static void compare_verdicts(const struct gw_differ_decision *before, const struct gw_differ_decision *after,
                             struct gw_arena *arena, struct gw_differ_report *report)
{
    struct gw_json verdict;

    if (before->verdict == after->verdict)
        return;
    add_row(report, GW_DIFFER_KIND_VERDICT, after->verdict == GW_DIFFER_ALLOW ? before->policy : after->policy);
    verdict = pair(arena, gw_json_string(gw_str_from(verdict_names[before->verdict])),
                   gw_json_string(gw_str_from(verdict_names[after->verdict])));
    if (after->verdict != GW_DIFFER_ALLOW && after->reason.at != NULL)
        gw_json_set(arena, &verdict, GW_STR("reason"), gw_json_string(after->reason));
    gw_json_set(arena, &report->json, GW_STR("verdict"), verdict);
}

/* The last one of that hook; NULL: there is none. */
static const struct gw_policy_change *find_change(const struct gw_differ_decision *decision, enum gw_policy_hook hook)
{
    const struct gw_policy_change *found = NULL;

    for (size_t i = 0; i < decision->change_count; i++) {
        if (decision->changes[i].hook == hook)
            found = &decision->changes[i];
    }
    return found;
}

/* {NULL,0}: no policy chose one. */
static struct gw_str username_of(const struct gw_policy_change *change)
{
    return change == NULL || change->after.type != GW_JSON_STRING ? GW_STR_NONE : change->after.as.string;
}

static void compare_usernames(const struct gw_differ_decision *before, const struct gw_differ_decision *after,
                              struct gw_str generated, struct gw_arena *arena, struct gw_differ_report *report)
{
    const struct gw_policy_change *was = find_change(before, GW_HOOK_USERNAME);
    const struct gw_policy_change *is = find_change(after, GW_HOOK_USERNAME);
    struct gw_str old = username_of(was);
    struct gw_str new = username_of(is);
    struct gw_str effective_old = old.at == NULL ? generated : old;
    struct gw_str effective_new = new.at == NULL ? generated : new;

    if ((effective_old.at == NULL) == (effective_new.at == NULL) && gw_str_equal(effective_old, effective_new))
        return;
    add_row(report, GW_DIFFER_KIND_USERNAME, new.at != NULL ? is->policy : was->policy);
    gw_json_set(arena, &report->json, GW_STR("username"), pair(arena, text_or_null(old), text_or_null(new)));
}

static int compare_keys(const void *a, const void *b)
{
    const struct tag *left = a;
    const struct tag *right = b;

    return gw_str_compare(left->key, right->key);
}

static void add_tags(const struct gw_policy_change *change, struct tags *tags)
{
    for (size_t i = 0; i < change->after.as.object.count && tags->count < GW_TAGS_MAX; i++) {
        const struct gw_json_member *member = &change->after.as.object.members[i];

        if (member->value.type == GW_JSON_STRING)
            tags->items[tags->count++] = (struct tag){member->name, member->value.as.string, change->policy};
    }
}

static struct tags tags_of(const struct gw_differ_decision *decision, struct gw_arena *arena)
{
    struct tags tags = {.count = 0};

    for (size_t i = 0; i < decision->change_count; i++) {
        if (decision->changes[i].hook != GW_HOOK_TAGS || decision->changes[i].after.type != GW_JSON_OBJECT)
            continue;
        if (tags.items == NULL)
            tags.items = gw_arena_zero(arena, GW_TAGS_MAX, sizeof(*tags.items));
        add_tags(&decision->changes[i], &tags);
    }
    if (tags.count > 1)
        qsort(tags.items, tags.count, sizeof(*tags.items), compare_keys);
    return tags;
}

static void show_tag(const struct tag *tag, struct gw_arena *arena, struct gw_json *side)
{
    if (tag != NULL)
        gw_json_set(arena, side, tag->key, gw_json_string(tag->value));
}

/* Both are in the order of keys: one walk over the two. */
static void compare_tags(const struct gw_differ_decision *before, const struct gw_differ_decision *after,
                         struct gw_arena *arena, struct gw_differ_report *report)
{
    struct tags was = tags_of(before, arena);
    struct tags is = tags_of(after, arena);
    struct gw_json old = {.type = GW_JSON_OBJECT};
    struct gw_json new = {.type = GW_JSON_OBJECT};

    for (size_t i = 0, k = 0; i < was.count || k < is.count;) {
        const struct tag *left = i < was.count ? &was.items[i] : NULL;
        const struct tag *right = k < is.count ? &is.items[k] : NULL;
        int order = left == NULL ? 1 : right == NULL ? -1 : gw_str_compare(left->key, right->key);

        i += order <= 0;
        k += order >= 0;
        if (order == 0 && gw_str_equal(left->value, right->value))
            continue;
        show_tag(order <= 0 ? left : NULL, arena, &old);
        show_tag(order >= 0 ? right : NULL, arena, &new);
        add_row(report, GW_DIFFER_KIND_TAGS, order >= 0 ? right->policy : left->policy);
    }
    if ((report->kinds & 1U << GW_DIFFER_KIND_TAGS) != 0)
        gw_json_set(arena, &report->json, GW_STR("tags"), pair(arena, old, new));
}

static void compare_adoptions(const struct gw_differ_decision *before, const struct gw_differ_decision *after,
                              struct gw_arena *arena, struct gw_differ_report *report)
{
    const struct gw_policy_change *was = find_change(before, GW_HOOK_CONFLICT);
    const struct gw_policy_change *is = find_change(after, GW_HOOK_CONFLICT);

    if ((was == NULL) == (is == NULL))
        return;
    add_row(report, GW_DIFFER_KIND_ADOPT, is != NULL ? is->policy : was->policy);
    gw_json_set(arena, &report->json, GW_STR("adopt"),
                pair(arena, gw_json_bool(was != NULL), gw_json_bool(is != NULL)));
}

/* Those of the rows, each once. */
static struct gw_json policies_of(const struct gw_differ_report *report, struct gw_arena *arena)
{
    struct gw_str *names = gw_arena_zero(arena, report->row_count, sizeof(*names));
    size_t count = 0;

    for (size_t i = 0; i < report->row_count; i++) {
        if (!gw_str_is_among(names, count, report->rows[i].policy))
            names[count++] = report->rows[i].policy;
    }
    return gw_json_strings(arena, names, count);
}

void gw_differ_compare(const struct gw_differ_decision *before, const struct gw_differ_decision *after,
                       struct gw_str generated, struct gw_arena *arena, struct gw_differ_report *report)
{
    report->kinds = 0;
    report->row_count = 0;
    report->json = (struct gw_json){.type = GW_JSON_OBJECT};
    gw_json_set(arena, &report->json, GW_STR("policies"), (struct gw_json){.type = GW_JSON_ARRAY});
    compare_verdicts(before, after, arena, report);
    if (before->verdict == GW_DIFFER_ALLOW && after->verdict == GW_DIFFER_ALLOW) {
        compare_usernames(before, after, generated, arena, report);
        compare_tags(before, after, arena, report);
        compare_adoptions(before, after, arena, report);
    }
    if (report->kinds == 0)
        report->json = (struct gw_json){.type = GW_JSON_OBJECT};
    else
        gw_json_set(arena, &report->json, GW_STR("policies"), policies_of(report, arena));
}
