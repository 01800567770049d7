/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate explain: what serve would make of a request, check by check. Reads the
 * request as clients show it, asks the policies of the configuration, sends and
 * stores nothing.
 */
#include "cli/explain.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/args.h"
#include "codec/time.h"

#define TEXT_MAX ((size_t)64 << 20)

struct given {
    struct gw_args_config config;
    const char *at;
    const char *body;
    const char *canonical;
    const char *from;
    bool json;
    bool is_mock;
};

void gw_explain_say(struct gw_explain *explain, const char *name, struct gw_json value)
{
    gw_json_set(explain->arena, &explain->report, gw_str_from(name), value);
}

void gw_explain_add(struct gw_explain *explain, const char *name, struct gw_json value)
{
    const struct gw_json *before = gw_json_get(&explain->report, name);
    struct gw_json array = {.type = GW_JSON_ARRAY};

    array.as.array.count = before == NULL ? 1 : before->as.array.count + 1;
    array.as.array.items = gw_arena_zero(explain->arena, array.as.array.count, sizeof(value));
    if (before != NULL && before->as.array.count > 0)
        memcpy(array.as.array.items, before->as.array.items, before->as.array.count * sizeof(value));
    array.as.array.items[array.as.array.count - 1] = value;
    gw_explain_say(explain, name, array);
}

void gw_explain_text(struct gw_explain *explain, struct gw_json *object, const char *name, struct gw_str text)
{
    if (text.at != NULL)
        gw_json_set(explain->arena, object, gw_str_from(name), gw_json_string(gw_arena_str(explain->arena, text)));
}

void gw_explain_refuse(struct gw_explain *explain, unsigned status, const char *type, struct gw_str message)
{
    if (explain->refused.status == 0)
        explain->refused = (struct gw_refusal){status, type, message};
}

void gw_explain_check(struct gw_explain *explain, const char *name, const struct gw_explain_finding *finding)
{
    static const char *const outcomes[] = {
        [GW_EXPLAIN_HOLDS] = "ok", [GW_EXPLAIN_FAILS] = "fails", [GW_EXPLAIN_OPEN] = "unknown"};
    struct gw_json row = {.type = GW_JSON_OBJECT};

    gw_explain_text(explain, &row, "check", gw_str_from(name));
    gw_explain_text(explain, &row, "verdict", gw_str_from(outcomes[finding->outcome]));
    if (finding->outcome == GW_EXPLAIN_FAILS) {
        gw_json_set(explain->arena, &row, GW_STR("status"), gw_json_integer(finding->refusal.status));
        gw_explain_text(explain, &row, "error", gw_str_from(finding->refusal.error_type));
        gw_explain_text(explain, &row, "message", finding->refusal.message);
        gw_explain_refuse(explain, finding->refusal.status, finding->refusal.error_type, finding->refusal.message);
    }
    if (finding->outcome == GW_EXPLAIN_OPEN)
        explain->is_open = true;
    if (finding->why != NULL)
        gw_explain_text(explain, &row, "remark", gw_str_from(finding->why));
    gw_explain_add(explain, "checks", row);
}

/* Appends a file, or for "-" what stdin has. False after having said what is wrong. */
static bool read_text(const char *path, struct gw_buf *text)
{
    struct gw_err err;

    if (strcmp(path, "-") != 0) {
        if (gw_file_read(path, text, &err) == GW_OK)
            return true;
        (void)fprintf(stderr, "eksgate: %s\n", err.text);
        return false;
    }
    while (gw_buf_reserve(text, (size_t)64 << 10) == GW_OK) {
        ssize_t length = read(STDIN_FILENO, text->at + text->length, text->capacity - text->length);

        if (length <= 0)
            return true;
        text->length += (size_t)length;
    }
    (void)fprintf(stderr, "eksgate: stdin has more than %zu bytes\n", text->cap);
    return false;
}

/* arena: reads one more file, where one is named. */
static bool read_part(const char *path, struct gw_arena *arena, struct gw_str *part)
{
    struct gw_buf text;
    bool done;

    if (path == NULL)
        return true;
    gw_buf_init(&text, TEXT_MAX);
    done = read_text(path, &text);
    if (done)
        *part = gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return done;
}

static bool read_request(struct gw_explain *explain, const char *path, const struct given *given)
{
    struct gw_str text = GW_STR_NONE;
    struct gw_err err = {""};

    if (!read_part(path, explain->arena, &text))
        return false;
    if (gw_transcript_read(text, explain->arena, &explain->transcript, &err) != GW_OK) {
        (void)fprintf(stderr, "eksgate: %s: %s\n", path, err.text[0] != '\0' ? err.text : "holds no request");
        return false;
    }
    explain->has_body = explain->transcript.has_body || given->body != NULL;
    explain->body = explain->transcript.body;
    explain->canonical = explain->transcript.canonical;
    explain->string_to_sign = explain->transcript.string_to_sign;
    return read_part(given->body, explain->arena, &explain->body) &&
           read_part(given->canonical, explain->arena, &explain->canonical);
}

/* "20260101T000000Z", "2026-01-01T00:00:00Z" or nothing: now. */
static bool read_time(const char *text, int64_t *ms)
{
    *ms = gw_clock_wall_ms(gw_clock_system());
    return text == NULL || gw_time_parse_amz(gw_str_from(text), ms) == GW_OK ||
           gw_time_parse_iso(gw_str_from(text), ms) == GW_OK;
}

static void begin_report(struct gw_explain *explain)
{
    char at[GW_TIME_ISO_SIZE];

    gw_time_iso(explain->now_ms, at);
    explain->report = (struct gw_json){.type = GW_JSON_OBJECT};
    gw_explain_say(explain, "format", gw_json_string(gw_str_from(gw_transcript_kind_name(explain->transcript.kind))));
    gw_explain_say(explain, "requests", gw_json_integer((int64_t)explain->transcript.requests));
    gw_explain_say(explain, "at", gw_json_string(gw_arena_str(explain->arena, gw_str_from(at))));
}

static void end_report(struct gw_explain *explain)
{
    struct gw_json refusal = {.type = GW_JSON_OBJECT};
    bool passes = explain->refused.status == 0 && !explain->is_open;

    gw_explain_say(explain, "passes", gw_json_bool(passes));
    if (explain->refused.status == 0)
        return;
    gw_json_set(explain->arena, &refusal, GW_STR("status"), gw_json_integer(explain->refused.status));
    gw_explain_text(explain, &refusal, "error", gw_str_from(explain->refused.error_type));
    gw_explain_text(explain, &refusal, "message", explain->refused.message);
    gw_explain_say(explain, "refusal", refusal);
}

/* Everything in order; what comes after a failure is looked at where it makes sense. */
static enum gw_status look(struct gw_explain *explain, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    begin_report(explain);
    if (gw_explain_http(explain)) {
        gw_explain_operation(explain);
        gw_explain_admission(explain);
        gw_explain_compare(explain);
        gw_explain_input(explain);
        status = gw_explain_policies(explain, err);
        gw_explain_upstream(explain);
    }
    end_report(explain);
    return status;
}

static void print_json(const struct gw_explain *explain)
{
    struct gw_buf text;

    gw_buf_init(&text, TEXT_MAX);
    gw_json_encode(&explain->report, &text);
    (void)fwrite(text.at, 1, text.length, stdout);
    (void)fputc('\n', stdout);
    gw_buf_fini(&text);
}

static int run(struct gw_explain *explain, const struct given *given)
{
    struct gw_keyring *keyring = NULL;
    struct gw_err err = {""};
    enum gw_status status = gw_config_keyring(explain->config, &keyring, &err);

    explain->keyring = keyring;
    if (status == GW_OK)
        status = look(explain, &err);
    if (status != GW_OK)
        (void)fprintf(stderr, "eksgate: %s\n", err.text);
    else if (given->json)
        print_json(explain);
    else
        gw_explain_print(explain);
    gw_keyring_free(&keyring);
    return status == GW_OK && explain->refused.status == 0 && !explain->is_open ? GW_EXIT_DONE : GW_EXIT_FAILED;
}

static int explain_one(struct given *given, const char *path, const struct gw_args_verb *verb)
{
    struct gw_config *config = NULL;
    struct gw_explain explain = {.source_ip = gw_str_from(given->from == NULL ? "127.0.0.1" : given->from)};
    struct gw_arena arena;
    int code = GW_EXIT_FAILED;

    if (!read_time(given->at, &explain.now_ms))
        return gw_args_wrong(verb, "--at %s: 2026-01-01T00:00:00Z or 20260101T000000Z is accepted", given->at);
    given->config.is_mock = given->is_mock;
    gw_arena_init(&arena, (size_t)64 << 10);
    explain.arena = &arena;
    if (gw_args_load(&given->config, &config) == GW_OK && read_request(&explain, path, given)) {
        explain.config = config;
        code = run(&explain, given);
    }
    gw_config_free(&config);
    gw_arena_fini(&arena);
    return code;
}

int gw_cli_explain(int argc, char **argv)
{
    struct given given = {.json = false};
    const struct gw_args_option options[] = {
        GW_ARGS_CONFIG(given.config),
        {.name = "--mock", .help = "as eksgate mock would: its keys, any region", .is_given = &given.is_mock},
        {.name = "--at", .value = "TIME", .help = "the time to go by, in place of now", .text = &given.at},
        {.name = "--body",
         .value = "FILE",
         .help = "the body, for texts that have none: curl -v's",
         .text = &given.body},
        {.name = "--canonical",
         .value = "FILE",
         .help = "the client's own canonical request; aws --debug has one",
         .text = &given.canonical},
        {.name = "--from",
         .value = "ADDRESS",
         .help = "source address that policies are told; else 127.0.0.1",
         .text = &given.from},
        GW_ARGS_JSON(given.json)};
    const struct gw_args_verb verb = {
        .name = "explain",
        .operands = "REQUEST",
        .operands_min = 1,
        .operands_max = 1,
        .summary = "Tells what serve would make of a request: canonical request, string to sign, every check, what "
                   "policies say and change. REQUEST is a file, or - for stdin: a raw HTTP request, or the output of "
                   "aws --debug or curl -v. Nothing is sent or stored. Exit code 0: it would be let through; 1: not.",
        .options = options,
        .option_count = GW_COUNT(options)};
    struct gw_args_list operands = {0};
    int code = gw_args_parse(&verb, argc, argv, &operands);

    if (code == GW_ARGS_GO)
        code = explain_one(&given, operands.items[0], &verb);
    gw_args_list_fini(&operands);
    gw_args_config_fini(&given.config);
    return code;
}
