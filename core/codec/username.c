/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EKS's rules for usernames, group names and tags, as far as they need nothing
 * but the text. Where EKS's words are known (E10) they are used; the other
 * messages are ours and say what would be accepted.
 *
 * Reserved prefixes are compared as they are: Kubernetes names are case-sensitive,
 * so "System:" means nothing there, and only the lower-case forms were ever seen
 * refused. Tag keys fold case, as AWS documents.
 */
#include "codec/username.h"

#include "codec/utf8.h"

struct gw_str gw_username_reserved(struct gw_str text)
{
    static const struct gw_str prefixes[] = {
        GW_STR_INIT("system:"), GW_STR_INIT("eks:"), GW_STR_INIT("aws:"), GW_STR_INIT("amazon:"), GW_STR_INIT("iam:"),
    };

    for (size_t i = 0; i < GW_COUNT(prefixes); i++) {
        if (gw_str_starts(text, prefixes[i]))
            return prefixes[i];
    }
    return GW_STR_NONE;
}

/* What would make a terminal, a log or a header misbehave: C0, DEL and C1. */
static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

/* Rules that both kinds of name share; `what` begins the sentence: "The username". */
static enum gw_status check_text(struct gw_str text, const char *what, struct gw_err *err)
{
    size_t characters = 0;

    if (text.length == 0)
        return gw_fail(err, GW_E_SYNTAX, "%s must not be empty.", what);
    while (text.length > 0) {
        uint32_t point = 0;
        size_t step = gw_utf8_step(text, &point);

        if (step == 0)
            return gw_fail(err, GW_E_SYNTAX, "%s must be UTF-8 text.", what);
        if (is_control(point))
            return gw_fail(err, GW_E_SYNTAX, "%s must not contain control characters.", what);
        if (++characters > GW_USERNAME_MAX)
            return gw_fail(err, GW_E_SYNTAX, "%s must not be longer than %d characters.", what, GW_USERNAME_MAX);
        text = gw_str_slice(text, step, SIZE_MAX);
    }
    return GW_OK;
}

/* A session name is chosen by whoever assumes the role: text with a colon before it keeps it from posing as another
 * user. */
static enum gw_status check_template(struct gw_str username, struct gw_str name, struct gw_err *err)
{
    size_t at = gw_str_search(username, name);

    if (at == SIZE_MAX || gw_str_find(username, ':', 0) < at)
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX, "The username must have a colon before %.*s.", GW_STR_ARG(name));
}

enum gw_status gw_username_check(struct gw_str username, struct gw_err *err)
{
    struct gw_str prefix = gw_username_reserved(username);
    enum gw_status status;

    if (prefix.length > 0)
        return gw_fail(err, GW_E_SYNTAX, "The username must not begin with %.*s", GW_STR_ARG(prefix));
    status = check_text(username, "The username", err);
    if (status == GW_OK)
        status = check_template(username, GW_STR("{{SessionName}}"), err);
    if (status == GW_OK)
        status = check_template(username, GW_STR("{{SessionNameRaw}}"), err);
    return status;
}

enum gw_status gw_username_check_group(struct gw_str group, struct gw_err *err)
{
    return check_text(group, "A kubernetes group name", err);
}

/* AWS allows letters, digits and spaces of every script. There is no table of Unicode here: beyond ASCII everything
 * that isn't a control character or a line or paragraph separator passes. */
static bool is_tag_character(uint32_t point)
{
    if (point >= 0x80)
        return !is_control(point) && point != 0x2028 && point != 0x2029;
    return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || (point >= '0' && point <= '9') ||
           (point != 0 && strchr(" _.:/=+-@", (int)point) != NULL);
}

static enum gw_status check_tag_text(struct gw_str text, const char *what, size_t max, struct gw_err *err)
{
    size_t characters = 0;

    while (text.length > 0) {
        uint32_t point = 0;
        size_t step = gw_utf8_step(text, &point);

        if (step == 0)
            return gw_fail(err, GW_E_SYNTAX, "A tag %s must be UTF-8 text.", what);
        if (!is_tag_character(point))
            return gw_fail(err, GW_E_SYNTAX,
                           "A tag %s may contain letters, digits, spaces and the characters _ . : / = + - @ only.",
                           what);
        if (++characters > max)
            return gw_fail(err, GW_E_SYNTAX, "A tag %s must not be longer than %zu characters.", what, max);
        text = gw_str_slice(text, step, SIZE_MAX);
    }
    return GW_OK;
}

enum gw_status gw_username_check_tag(struct gw_str key, struct gw_str value, struct gw_err *err)
{
    enum gw_status status;

    if (key.length == 0)
        return gw_fail(err, GW_E_SYNTAX, "A tag key must have 1 to %d characters.", GW_TAG_KEY_MAX);
    if (gw_str_equal_nocase(gw_str_slice(key, 0, 4), GW_STR("aws:")))
        return gw_fail(err, GW_E_SYNTAX, "A tag key must not begin with aws: in upper or lower case.");
    status = check_tag_text(key, "key", GW_TAG_KEY_MAX, err);
    if (status == GW_OK)
        status = check_tag_text(value, "value", GW_TAG_VALUE_MAX, err);
    return status;
}

struct gw_str gw_username_default(const struct gw_principal *principal, struct gw_arena *arena)
{
    if (principal->kind != GW_PRINCIPAL_ROLE)
        return gw_arena_str(arena, principal->arn);
    return gw_arena_printf(arena, "arn:%.*s:sts::%.*s:assumed-role/%.*s/{{SessionName}}",
                           GW_STR_ARG(principal->partition), GW_STR_ARG(principal->account),
                           GW_STR_ARG(principal->name));
}
