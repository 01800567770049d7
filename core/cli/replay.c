/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate replay: what would other policies have said to yesterday's requests?
 * Reads audit files in the order of their records, asks about each, prints what
 * differs. Writes nothing and listens nowhere. Whether the records are what was
 * written says audit verify.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/replay.h"

struct given {
    struct gw_args_config config;
    const char *policies;
    bool json;
    bool stats;
};

static int failed(const char *text)
{
    (void)fprintf(stderr, "eksgate replay: %s\n", text);
    return GW_EXIT_FAILED;
}

static enum gw_status open_reader(const struct gw_args_list *paths, struct gw_reader **reader, struct gw_err *err)
{
    if (paths->count == 1 && strcmp(paths->items[0], "-") == 0)
        return gw_reader_open_stdin(reader, err);
    return gw_reader_open(paths->items, paths->count, 0, reader, err);
}

/* In front of the totals nothing of one record outlives the next. */
static void take(struct gw_replay_policies *policies, struct gw_replay_report *report,
                 const struct gw_reader_line *line, struct gw_arena *arena)
{
    struct gw_replay_record *record = gw_arena_alloc(arena, sizeof(*record));
    struct gw_replay_decision decision;

    gw_replay_record_read(line, arena, record);
    if (record->kind != GW_REPLAY_ASKED) {
        gw_replay_report_passed(report, record);
        return;
    }
    gw_replay_ask(policies, record, arena, &decision);
    gw_replay_report_asked(report, record, &decision, arena);
}

/* Somebody is writing the last line, or it lost its newline when it was copied. */
static bool is_whole(struct gw_reader_line *line, struct gw_arena *arena)
{
    if (gw_record_read(line->text, arena, &line->record, &line->why) != GW_OK)
        return false;
    line->kind = GW_READER_RECORD;
    return true;
}

static enum gw_status replay(const struct gw_args_list *paths, struct gw_replay_policies *policies,
                             struct gw_replay_report *report, struct gw_err *err)
{
    struct gw_reader_line *line = gw_alloc_zero(1, sizeof(*line));
    struct gw_reader *reader = NULL;
    struct gw_arena arena;
    enum gw_status status = open_reader(paths, &reader, err);

    gw_arena_init(&arena, (size_t)1 << 20);
    while (status == GW_OK && (status = gw_reader_next(reader, line, err)) == GW_OK && line->kind != GW_READER_NONE) {
        if (line->kind != GW_READER_HALF || is_whole(line, &arena))
            take(policies, report, line, &arena);
        else
            (void)fprintf(stderr, "eksgate replay: %s:%" PRIu64 ": has no end and is passed over\n", line->path,
                          line->line);
        gw_arena_reset(&arena);
    }
    gw_arena_fini(&arena);
    gw_reader_close(&reader);
    free(line);
    return status;
}

static void print_stats(const struct gw_replay_report *report, int64_t began_ms)
{
    double seconds = (double)(gw_clock_monotonic_ms(gw_clock_system()) - began_ms) / 1000;
    double records = (double)gw_replay_report_records(report);

    (void)fprintf(stderr, "eksgate replay: %.0f records in %.3f s, %.0f per second\n", records, seconds,
                  seconds > 0 ? records / seconds : records);
}

static int run(const struct given *given, const struct gw_script_options *options, const struct gw_args_list *paths)
{
    int64_t began_ms = gw_clock_monotonic_ms(gw_clock_system());
    struct gw_replay_policies *policies = NULL;
    struct gw_replay_report *report = NULL;
    struct gw_err err;
    enum gw_status status = gw_replay_policies_open(options, &policies, &err);
    bool is_same = false;

    if (status != GW_OK)
        return failed(err.text);
    report = gw_replay_report_new(given->json);
    status = replay(paths, policies, report, &err);
    if (status == GW_OK)
        is_same = gw_replay_report_end(report);
    if (given->stats)
        print_stats(report, began_ms);
    gw_replay_report_free(&report);
    gw_replay_policies_close(&policies);
    if (status != GW_OK)
        return failed(err.text);
    return is_same ? GW_EXIT_DONE : GW_EXIT_FAILED;
}

/* Where --policies says which, a configuration is read only if one is named. */
static int load_and_run(struct given *given, const struct gw_args_list *paths)
{
    struct gw_config *config = NULL;
    struct gw_script_options options;
    struct gw_arena arena;
    struct gw_err err;
    enum gw_status status = GW_OK;
    int code = GW_EXIT_FAILED;

    given->config.is_mock = given->policies != NULL && given->config.file == NULL;
    if (gw_args_load(&given->config, &config) != GW_OK)
        return GW_EXIT_FAILED;
    gw_arena_init(&arena, 0);
    options = config->policies;
    if (given->policies != NULL)
        status = gw_replay_files(given->policies, &arena, &options.files, &options.file_count, &err);
    gw_log_set_level(GW_LOG_WARN);
    code = status == GW_OK ? run(given, &options, paths) : failed(err.text);
    if (status == GW_E_SYNTAX)
        code = GW_EXIT_USAGE;
    gw_arena_fini(&arena);
    gw_config_free(&config);
    return code;
}

static bool names_stdin_and_others(const struct gw_args_list *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        if (paths->count > 1 && strcmp(paths->items[i], "-") == 0)
            return true;
    }
    return false;
}

int gw_cli_replay(int argc, char **argv)
{
    struct given given = {.json = false};
    const struct gw_args_option options[] = {
        {.name = "--policies",
         .value = "DIR|FILE,...",
         .help = "the policies to ask: the NAME.lua of a folder by name, but for NAME_spec.lua, or files in their "
                 "order; else those of the configuration",
         .text = &given.policies},
        GW_ARGS_CONFIG_FILE(given.config, "the configuration, for policies and default_verdict; with --policies there "
                                          "is none unless it is named"),
        {.name = "--stats", .help = "say on stderr how long it took", .is_given = &given.stats},
        GW_ARGS_JSON(given.json)};
    const struct gw_args_verb verb = {
        .name = "replay",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = SIZE_MAX,
        .summary = "Asks policies about the requests in audit files, and prints every verdict, username and tag that "
                   "would be another, with totals per policy. FILE is an audit file, the one that is written and "
                   "rotated ones in any order; - alone is stdin. Nothing is sent, stored or fetched. Exit code 0: "
                   "nothing would differ; 1: something would, or can't be told, or a line is no record.",
        .options = options,
        .option_count = GW_COUNT(options)};
    struct gw_args_list paths = {0};
    int code = gw_args_parse(&verb, argc, argv, &paths);

    if (code == GW_ARGS_GO && names_stdin_and_others(&paths))
        code = gw_args_wrong(&verb, "- is stdin, and stands alone");
    if (code == GW_ARGS_GO)
        code = load_and_run(&given, &paths);
    gw_args_list_fini(&paths);
    gw_args_config_fini(&given.config);
    return code;
}
