/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the client's own canonical request and ours part, and what that says about
 * the signer. Values of session tokens are not shown.
 */
#include "cli/explain.h"
#include "codec/sigv4_compare.h"

static bool is_secret(const struct gw_sigv4_difference *difference)
{
    static const struct gw_str names[] = {GW_STR_INIT("x-amz-security-token"), GW_STR_INIT("authorization"),
                                          GW_STR_INIT("cookie")};

    if (gw_str_search(difference->left, GW_STR("X-Amz-Security-Token=")) != SIZE_MAX ||
        gw_str_search(difference->right, GW_STR("X-Amz-Security-Token=")) != SIZE_MAX)
        return true;
    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_str_starts(difference->left, names[i]) || gw_str_starts(difference->right, names[i]))
            return true;
    }
    return false;
}

static const char *remark_of(const struct gw_explain *explain, const struct gw_sigv4_difference *difference)
{
    bool same_name =
        gw_str_starts(difference->left, difference->name) && gw_str_starts(difference->right, difference->name);

    switch (difference->part) {
    case GW_SIGV4_PART_METHOD:
        return "the method that was signed is another";
    case GW_SIGV4_PART_PATH:
        return gw_str_equal(difference->left, explain->request.path)
                   ? "the client encoded the path once; for EKS each byte of the path as sent is encoded again"
                   : "the path that was signed is another";
    case GW_SIGV4_PART_QUERY:
        return explain->request.query.at != NULL && gw_str_equal(difference->left, explain->request.query)
                   ? "the client signed the query as it was sent; the canonical query is encoded anew and sorted"
                   : "this parameter was signed as another, is missing on one side, or stands in another place";
    case GW_SIGV4_PART_HEADER:
        return same_name ? "the value that arrived is not the one that was signed"
                         : "this header is signed on one side alone";
    case GW_SIGV4_PART_SIGNED_HEADERS:
        return "the list of signed headers is another";
    default:
        return "the body that arrived is not the one that was signed";
    }
}

static void tell(struct gw_explain *explain, const struct gw_sigv4_difference *difference)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    bool hide = is_secret(difference);

    gw_explain_text(explain, &object, "part", gw_str_from(gw_sigv4_part_name(difference->part)));
    gw_explain_text(explain, &object, "name", difference->name);
    gw_json_set(explain->arena, &object, GW_STR("byte"), gw_json_integer((int64_t)difference->offset));
    gw_json_set(explain->arena, &object, GW_STR("line"), gw_json_integer((int64_t)difference->line));
    gw_explain_text(explain, &object, "client", hide ? GW_STR("...") : difference->left);
    gw_explain_text(explain, &object, "here", hide ? GW_STR("...") : difference->right);
    gw_explain_text(explain, &object, "remark", gw_str_from(remark_of(explain, difference)));
    gw_explain_say(explain, "difference", object);
}

static void tell_same(struct gw_explain *explain, const char *remark)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    gw_explain_text(explain, &object, "part", GW_STR("none"));
    gw_explain_text(explain, &object, "remark", gw_str_from(remark));
    gw_explain_say(explain, "difference", object);
}

static struct gw_str trimmed(struct gw_str text)
{
    while (text.length > 0 && (text.at[text.length - 1] == '\n' || text.at[text.length - 1] == '\r'))
        text.length--;
    return text;
}

void gw_explain_compare(struct gw_explain *explain)
{
    const struct gw_explain_report *report = &explain->signature;
    struct gw_sigv4_difference difference;
    bool holds = report->findings[GW_EXPLAIN_SIGNATURE].outcome == GW_EXPLAIN_HOLDS;

    if (explain->canonical.at == NULL || report->canonical.at == NULL)
        return;
    if (gw_sigv4_compare(explain->canonical, report->canonical, &difference) &&
        (explain->has_body || difference.part != GW_SIGV4_PART_BODY)) {
        tell(explain, &difference);
        return;
    }
    if (explain->string_to_sign.at != NULL && report->string_to_sign.at != NULL &&
        !gw_str_equal(trimmed(explain->string_to_sign), trimmed(report->string_to_sign)))
        tell_same(explain, "the canonical requests are the same; the strings to sign differ: time or scope");
    else if (report->findings[GW_EXPLAIN_SIGNATURE].outcome == GW_EXPLAIN_FAILS)
        tell_same(explain, "the client signed the same text: with another secret, for another day or place, or the "
                           "signature was changed on its way");
    else
        tell_same(explain, holds ? "the client signed the same text" : "the canonical requests are the same");
}
