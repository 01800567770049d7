/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of explain as text: one section per part that is there, in the order
 * in which serve looks at a request. Control bytes that a request brought along are
 * shown as '?'.
 */
#include "cli/explain.h"

#include <stdio.h>

static struct gw_str text_of(const struct gw_json *object, const char *name)
{
    const struct gw_json *value = gw_json_get(object, name);

    return value != NULL && value->type == GW_JSON_STRING ? value->as.string : GW_STR_NONE;
}

/* A terminal is not to be driven by a request. */
static void put(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.at[i];

        (void)fputc((unsigned char)byte < ' ' || byte == 0x7f ? '?' : byte, stdout);
    }
}

static void put_value(const struct gw_json *value)
{
    struct gw_buf text;

    gw_buf_init(&text, (size_t)4 << 20);
    gw_json_encode(value, &text);
    put(gw_buf_str(&text));
    gw_buf_fini(&text);
}

static void put_line(const char *label, struct gw_str text)
{
    if (text.at == NULL)
        return;
    (void)printf("%s", label);
    put(text);
    (void)putchar('\n');
}

static void print_block(const struct gw_json *object, const char *title, const char *name)
{
    struct gw_str rest = text_of(object, name);

    if (rest.at == NULL)
        return;
    (void)printf("\n%s\n", title);
    while (rest.at != NULL)
        put_line("    ", gw_str_split(&rest, '\n'));
}

static void print_operation(const struct gw_explain *explain)
{
    const struct gw_json *labels = gw_json_get(&explain->report, "labels");

    put_line("operation  ", text_of(&explain->report, "operation"));
    for (size_t i = 0; labels != NULL && i < labels->as.object.count; i++) {
        (void)printf("           ");
        put(labels->as.object.members[i].name);
        put_line(" = ", labels->as.object.members[i].value.as.string);
    }
    put_line("caller     ", text_of(gw_json_get(&explain->report, "caller"), "arn"));
}

static void print_checks(const struct gw_explain *explain)
{
    const struct gw_json *checks = gw_json_get(&explain->report, "checks");

    if (checks == NULL)
        return;
    (void)printf("\nchecks\n");
    for (size_t i = 0; i < checks->as.array.count; i++) {
        const struct gw_json *row = &checks->as.array.items[i];
        struct gw_str message = text_of(row, "message");
        struct gw_str remark = text_of(row, "remark");

        (void)printf("  %-8.*s %-21.*s", GW_STR_ARG(text_of(row, "verdict")), GW_STR_ARG(text_of(row, "check")));
        if (message.at != NULL) {
            (void)printf(" %lld %.*s: ", (long long)gw_json_get(row, "status")->as.integer,
                         GW_STR_ARG(text_of(row, "error")));
            put(message);
        }
        if (remark.at != NULL) {
            (void)printf(message.at != NULL ? "\n                                 " : " ");
            put(remark);
        }
        (void)putchar('\n');
    }
}

static void print_difference(const struct gw_explain *explain)
{
    const struct gw_json *difference = gw_json_get(&explain->report, "difference");
    const struct gw_json *byte = gw_json_get(difference, "byte");

    if (difference == NULL)
        return;
    (void)printf("\nthe client's own canonical request\n");
    if (byte != NULL) {
        (void)printf("    differs at byte %lld, line %lld: the ", (long long)byte->as.integer,
                     (long long)gw_json_get(difference, "line")->as.integer);
        put(text_of(difference, "part"));
        if (text_of(difference, "name").at != NULL) {
            (void)putchar(' ');
            put(text_of(difference, "name"));
        }
        (void)putchar('\n');
        put_line("    client  ", text_of(difference, "client"));
        put_line("    here    ", text_of(difference, "here"));
    }
    put_line("    ", text_of(difference, "remark"));
}

static void print_verdicts(const struct gw_explain *explain)
{
    const struct gw_json *verdicts = gw_json_get(&explain->report, "verdicts");
    const struct gw_json *changes = gw_json_get(&explain->report, "changes");

    if (verdicts != NULL || changes != NULL)
        (void)printf("\npolicies\n");
    for (size_t i = 0; verdicts != NULL && i < verdicts->as.array.count; i++) {
        const struct gw_json *row = &verdicts->as.array.items[i];

        (void)printf("  %-8.*s ", GW_STR_ARG(text_of(row, "verdict")));
        put(text_of(row, "policy"));
        put_line(": ", text_of(row, "reason").at == NULL ? GW_STR("-") : text_of(row, "reason"));
    }
    for (size_t i = 0; changes != NULL && i < changes->as.array.count; i++) {
        const struct gw_json *row = &changes->as.array.items[i];

        (void)printf("  %-8.*s ", GW_STR_ARG(text_of(row, "hook")));
        put(text_of(row, "policy"));
        (void)printf(": ");
        put_value(gw_json_get(row, "before"));
        (void)printf(" -> ");
        put_value(gw_json_get(row, "after"));
        (void)putchar('\n');
    }
    put_line("  ", text_of(&explain->report, "facts"));
}

static void print_upstream(const struct gw_explain *explain)
{
    const struct gw_json *upstream = gw_json_get(&explain->report, "upstream");

    if (upstream == NULL)
        return;
    (void)printf("\nupstream request\n");
    if (text_of(upstream, "url").at != NULL) {
        (void)printf("    ");
        put(text_of(upstream, "method"));
        put_line(" ", text_of(upstream, "url"));
    }
    put_line("    ", text_of(upstream, "body"));
    put_line("    signed with ", text_of(upstream, "signedBy"));
    put_line("    ", text_of(upstream, "remark"));
    print_block(upstream, "its canonical request", "canonicalRequest");
    print_block(upstream, "its string to sign", "stringToSign");
}

static void print_end(const struct gw_explain *explain)
{
    const struct gw_refusal *refused = &explain->refused;

    if (refused->status != 0) {
        (void)printf("\nrefused: %u %s: ", refused->status, refused->error_type);
        put(refused->message);
        (void)putchar('\n');
    } else {
        (void)printf("\n%s\n", explain->is_open ? "can't be told: something isn't known" : "let through");
    }
}

void gw_explain_print(const struct gw_explain *explain)
{
    const struct gw_json *input = gw_json_get(&explain->report, "input");

    put_line("request    ", text_of(&explain->report, "format"));
    if (explain->transcript.requests > 1)
        (void)printf("           the last of %zu\n", explain->transcript.requests);
    put_line("at         ", text_of(&explain->report, "at"));
    print_operation(explain);
    print_block(&explain->report, "canonical request", "canonicalRequest");
    print_block(&explain->report, "string to sign", "stringToSign");
    print_checks(explain);
    print_difference(explain);
    if (input != NULL) {
        (void)printf("\ninput\n    ");
        put_value(input);
        (void)putchar('\n');
    }
    print_verdicts(explain);
    print_upstream(explain);
    print_end(explain);
}
