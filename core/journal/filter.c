/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the members that people ask for out of a record's text and leaves the rest
 * unread: bodies may be deep and long.
 */
#include "journal/filter.h"

#include <fnmatch.h>

#include "codec/json_walk.h"
#include "codec/time.h"
#include "codec/uri.h"

static const char *const outcome_words[] = {
    [GW_FILTER_ANY] = "",
    [GW_FILTER_ALLOW] = "allow",
    [GW_FILTER_DENY] = "deny",
    [GW_FILTER_THROTTLE] = "throttle",
    [GW_FILTER_NONE] = "none",
    [GW_FILTER_FAIL] = "failed",
    [GW_FILTER_REFUSE] = "refused",
    [GW_FILTER_APPLIED] = "applied",
    [GW_FILTER_NOT_APPLIED] = "not-applied",
    [GW_FILTER_UNKNOWN] = "unknown",
};

/* A member that is a string. */
static struct gw_str text_of(struct gw_str object, const char *name, struct gw_arena *arena)
{
    return gw_record_string(gw_record_member(object, name, arena), arena);
}

static unsigned look_at_verdict(struct gw_str row, struct gw_arena *arena)
{
    struct gw_str verdict = text_of(row, "verdict", arena);
    struct gw_str reason = text_of(row, "reason", arena);
    bool has_failed = reason.at != NULL && gw_str_is(reason, "policy failed");

    if (verdict.at == NULL)
        return 0;
    if (gw_str_is(verdict, "allow"))
        return GW_FILTER_ALLOWED;
    if (gw_str_is(verdict, "throttle"))
        return GW_FILTER_THROTTLED;
    if (gw_str_is(verdict, "deny"))
        return has_failed ? GW_FILTER_DENIED | GW_FILTER_FAILED : GW_FILTER_DENIED;
    return 0;
}

static unsigned look_at_verdicts(struct gw_str verdicts, struct gw_arena *arena)
{
    struct gw_json_walk walk;
    struct gw_json_item item;
    unsigned said = 0;

    if (verdicts.at == NULL || gw_json_walk_begin(&walk, verdicts, GW_JSON_ARRAY, NULL) != GW_OK)
        return 0;
    while (gw_json_walk_next(&walk, arena, &item, NULL) == GW_OK)
        said |= look_at_verdict(item.text, arena);
    return said;
}

static void view_caller(struct gw_str identity, struct gw_arena *arena, struct gw_filter_view *view)
{
    view->access_key = text_of(identity, "accessKeyId", arena);
    view->caller = text_of(identity, "arn", arena);
    if (view->caller.at == NULL)
        view->caller = view->access_key;
}

/* Labels of the path stand in the record as they came, encoded. CreateAccessEntry has its principal in the body. */
static void view_parameters(struct gw_str parameters, struct gw_arena *arena, struct gw_filter_view *view)
{
    struct gw_str decoded;

    view->cluster = text_of(parameters, "name", arena);
    view->principal = text_of(parameters, "principalArn", arena);
    if (view->principal.at == NULL)
        view->principal = text_of(parameters, "resourceArn", arena);
    if (view->principal.at == NULL || gw_str_is(view->operation, "CreateAccessEntry"))
        return;
    if (gw_uri_decode(view->principal, GW_URI_ARN, arena, &decoded) == GW_OK)
        view->principal = decoded;
}

void gw_filter_view(struct gw_str line, const struct gw_record_read *read, struct gw_arena *arena,
                    struct gw_filter_view *view)
{
    struct gw_str eksgate = gw_record_member(gw_record_member(line, "additionalEventData", arena), "eksgate", arena);
    struct gw_str kind = text_of(line, "eventType", arena);
    uint64_t status = 0;

    *view = (struct gw_filter_view){
        .sequence = read->head.sequence,
        .time = text_of(line, "eventTime", arena),
        .time_ms = read->time_ms,
        .operation = text_of(line, "eventName", arena),
        .request = text_of(line, "requestID", arena),
        .error = text_of(line, "errorCode", arena),
        .is_own = kind.at != NULL && gw_str_is(kind, "AwsServiceEvent"),
        .is_change = read->is_change,
        .is_forwarded = read->is_forwarded,
    };
    if (gw_str_parse_u64(gw_record_member(eksgate, "status", arena), 999, &status) == GW_OK)
        view->status = (unsigned)status;
    view->verdicts = look_at_verdicts(gw_record_member(eksgate, "verdicts", arena), arena);
    view_caller(gw_record_member(line, "userIdentity", arena), arena, view);
    view_parameters(gw_record_member(line, "requestParameters", arena), arena, view);
}

enum gw_status gw_filter_parse_outcome(const char *word, enum gw_filter_outcome *outcome)
{
    for (size_t i = GW_FILTER_ANY + 1; i < GW_COUNT(outcome_words); i++) {
        if (strcmp(word, outcome_words[i]) == 0) {
            *outcome = (enum gw_filter_outcome)i;
            return GW_OK;
        }
    }
    return GW_E_SYNTAX;
}

enum gw_status gw_filter_parse_time(const char *text, int64_t *ms)
{
    char whole[GW_TIME_ISO_SIZE];

    if (gw_time_parse_iso(gw_str_from(text), ms) == GW_OK)
        return GW_OK;
    if (strlen(text) != sizeof("2026-01-31") - 1)
        return GW_E_SYNTAX;
    memcpy(whole, text, sizeof("2026-01-31") - 1);
    memcpy(whole + sizeof("2026-01-31") - 1, "T00:00:00Z", sizeof("T00:00:00Z"));
    return gw_time_parse_iso(gw_str_from(whole), ms) == GW_OK ? GW_OK : GW_E_SYNTAX;
}

static bool matches(const char *pattern, struct gw_str text, struct gw_arena *arena)
{
    if (pattern == NULL)
        return true;
    return text.at != NULL && memchr(text.at, '\0', text.length) == NULL &&
           fnmatch(pattern, gw_arena_str(arena, text).at, FNM_NOESCAPE) == 0;
}

enum gw_record_outcome gw_filter_became(const struct gw_filter_view *view, enum gw_record_outcome settled)
{
    if (settled != GW_RECORD_OUTCOMES)
        return settled;
    return view->is_change && !view->is_forwarded && view->error.at == NULL ? GW_RECORD_APPLIED : GW_RECORD_OUTCOMES;
}

static bool takes_outcome(enum gw_filter_outcome wanted, const struct gw_filter_view *view,
                          enum gw_record_outcome settled)
{
    enum gw_record_outcome became = gw_filter_became(view, settled);

    switch (wanted) {
    case GW_FILTER_ANY:
        return true;
    case GW_FILTER_ALLOW:
        return (view->verdicts & GW_FILTER_ALLOWED) != 0;
    case GW_FILTER_DENY:
        return (view->verdicts & GW_FILTER_DENIED) != 0;
    case GW_FILTER_THROTTLE:
        return (view->verdicts & GW_FILTER_THROTTLED) != 0;
    case GW_FILTER_NONE:
        return view->verdicts == 0;
    case GW_FILTER_FAIL:
        return (view->verdicts & GW_FILTER_FAILED) != 0;
    case GW_FILTER_REFUSE:
        return view->error.at != NULL;
    case GW_FILTER_APPLIED:
        return became == GW_RECORD_APPLIED;
    case GW_FILTER_NOT_APPLIED:
        return became == GW_RECORD_NOT_APPLIED;
    case GW_FILTER_UNKNOWN:
        return became == GW_RECORD_UNKNOWN;
    }
    return false;
}

static bool takes_time(const struct gw_filter *filter, int64_t time_ms)
{
    return time_ms >= filter->since_ms && time_ms < filter->until_ms;
}

bool gw_filter_takes(const struct gw_filter *filter, const struct gw_filter_view *view, enum gw_record_outcome settled)
{
    struct gw_arena arena;
    bool takes;

    if (view->is_own && !filter->own)
        return false;
    gw_arena_init(&arena, 0);
    takes = takes_time(filter, view->time_ms) && takes_outcome(filter->outcome, view, settled) &&
            matches(filter->operation, view->operation, &arena) &&
            matches(filter->principal, view->principal, &arena) &&
            (matches(filter->caller, view->caller, &arena) || matches(filter->caller, view->access_key, &arena)) &&
            (filter->request == NULL || (view->request.at != NULL && gw_str_is(view->request, filter->request)));
    gw_arena_fini(&arena);
    return takes;
}
