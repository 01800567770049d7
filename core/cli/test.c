/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate test: runs specs of policies in the sandbox that serves them, without a
 * server. What the configuration says of policies (budget, default verdict, library)
 * holds here too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "cli/test_find.h"
#include "cli/test_report.h"

struct wanted {
    struct gw_args_config config;
    bool json;
    bool tap;
    bool coverage;
    const char *junit;
    const char *filter;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void on_case(void *ctx, const struct gw_spec_case *one)
{
    gw_test_report_add(ctx, one);
}

static void on_print(void *ctx, struct gw_str who, struct gw_str text)
{
    struct gw_str rest = text;
    struct gw_buf out;

    (void)ctx;
    gw_buf_init(&out, SIZE_MAX);
    while (rest.at != NULL) {
        gw_terminal_put_line(&out, who);
        gw_buf_append_lit(&out, ": ");
        gw_terminal_put_line(&out, gw_str_split(&rest, '\n'));
        gw_buf_append_byte(&out, '\n');
    }
    (void)fwrite(out.at, 1, out.length, stderr);
    gw_buf_fini(&out);
}

/* The specs that were named, or those of the configured policies. */
static enum gw_status find(const struct gw_config *config, const struct gw_args_list *named,
                           struct gw_test_files *files, struct gw_test_report *report, struct gw_err *err)
{
    const struct gw_script_options *policies = &config->policies;
    struct gw_str *without;

    for (size_t i = 0; i < named->count; i++) {
        enum gw_status status = gw_test_find(files, named->items[i], err);

        if (status != GW_OK)
            return status;
    }
    if (named->count > 0)
        return GW_OK;
    without = gw_arena_zero(&report->arena, policies->file_count, sizeof(*without));
    for (size_t i = 0; i < policies->file_count; i++) {
        if (!gw_test_find_of(files, policies->files[i]))
            without[report->without_count++] = policies->files[i];
    }
    report->without = without;
    if (files->count > 0)
        return GW_OK;
    if (policies->file_count == 0)
        return gw_fail(err, GW_E_MISSING, "%.*s: no policies are configured", GW_STR_ARG(config->source));
    return gw_fail(err, GW_E_MISSING,
                   "%.*s: none of its policies has a spec; that of DIR/NAME.lua is DIR/NAME_spec.lua",
                   GW_STR_ARG(config->source));
}

static enum gw_status write_junit(const struct gw_test_report *report, const char *path)
{
    struct gw_buf out;
    FILE *file = fopen(path, "we");
    bool good = file != NULL;

    gw_buf_init(&out, SIZE_MAX);
    gw_test_report_junit(report, &out);
    good = good && fwrite(out.at, 1, out.length, file) == out.length;
    if (file != NULL && fclose(file) != 0)
        good = false;
    gw_buf_fini(&out);
    if (!good)
        (void)fprintf(stderr, "eksgate test: %s: %s\n", path, strerror(errno));
    return good ? GW_OK : GW_E_IO;
}

/* Runs everything; the exit code. */
static int run(const struct gw_config *config, const struct gw_test_files *files, const struct wanted *wanted,
               struct gw_test_report *report)
{
    struct gw_spec_options options = {.script = &config->policies,
                                      .filter = gw_str_from(wanted->filter),
                                      .coverage = wanted->coverage,
                                      .ctx = report,
                                      .on_case = on_case,
                                      .on_print = on_print};
    struct gw_spec *spec = gw_spec_new(&options);
    int64_t began = now_ns();
    enum gw_status written = GW_OK;

    for (size_t i = 0; i < files->count; i++)
        gw_spec_run(spec, files->paths[i]);
    report->wall_ns = now_ns() - began;
    report->has_coverage = wanted->coverage;
    report->coverage_count = gw_spec_coverage(spec, &report->coverage);
    report->cost_count = gw_spec_costs(spec, &report->costs);
    gw_test_report_print(report, wanted->json ? GW_TEST_JSON : wanted->tap ? GW_TEST_TAP : GW_TEST_TEXT);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fputs("eksgate test: stdout can't be written\n", stderr);
        written = GW_E_IO;
    }
    if (wanted->junit != NULL && write_junit(report, wanted->junit) != GW_OK)
        written = GW_E_IO;
    gw_spec_free(&spec);
    if (report->count == 0)
        (void)fprintf(stderr, "eksgate test: there is no case in these specs%s\n",
                      wanted->filter == NULL ? "" : " that --filter lets pass");
    return report->failed == 0 && report->count > 0 && written == GW_OK ? GW_EXIT_DONE : GW_EXIT_FAILED;
}

static int test(const struct wanted *wanted, const struct gw_args_list *named)
{
    struct gw_config *config = NULL;
    struct gw_test_report report;
    struct gw_test_files files = {.arena = &report.arena};
    struct gw_err err;
    int code = GW_EXIT_FAILED;

    gw_test_report_init(&report);
    if (gw_args_load(&wanted->config, &config) != GW_OK)
        goto out;
    if (config->policies.library[0] == '\0') {
        (void)fprintf(stderr, "eksgate test: policy.library: the folder that holds eksgate/ wasn't found\n");
        goto out;
    }
    if (find(config, named, &files, &report, &err) != GW_OK) {
        (void)fprintf(stderr, "eksgate test: %s\n", err.text);
        goto out;
    }
    code = run(config, &files, wanted, &report);
out:
    gw_test_files_fini(&files);
    gw_test_report_fini(&report);
    gw_config_free(&config);
    return code;
}

int gw_cli_test(int argc, char **argv)
{
    struct wanted wanted = {.json = false};
    struct gw_args_list named = {0};
    const struct gw_args_option options[] = {
        GW_ARGS_CONFIG_FILE(wanted.config, "the configuration; else $EKSGATE_CONFIG; else, where no SPEC is named, "
                                           "/etc/eksgate/eksgate.lua"),
        GW_ARGS_JSON(wanted.json),
        {.name = "--tap", .help = "print TAP, version 13", .is_given = &wanted.tap},
        {.name = "--coverage",
         .help = "tell which lines of the policies were run; hooks take longer",
         .is_given = &wanted.coverage},
        {.name = "--filter",
         .value = "TEXT",
         .help = "run only cases with TEXT in their name, those of their blocks included",
         .text = &wanted.filter},
        {.name = "--junit", .value = "FILE", .help = "write JUnit's XML to FILE, too", .text = &wanted.junit},
    };
    const struct gw_args_verb verb = {
        .name = "test",
        .operands = "[SPEC]...",
        .operands_max = GW_TEST_FILES_MAX,
        .summary = "Runs specs of policies in the sandbox that serves them, without a server: each SPEC, a file or a "
                   "folder with *_spec.lua files; without one the specs of the configured policies, NAME_spec.lua "
                   "beside NAME.lua. Exit code 0: all passed; 1: some failed, or there was none.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, &named);

    if (code == GW_ARGS_GO && wanted.json && wanted.tap)
        code = gw_args_wrong(&verb, "--json and --tap are two answers to one question");
    if (code == GW_ARGS_GO) {
        wanted.config.is_mock = named.count > 0 && wanted.config.file == NULL && getenv("EKSGATE_CONFIG") == NULL;
        code = test(&wanted, &named);
    }
    gw_args_list_fini(&named);
    gw_args_config_fini(&wanted.config);
    return code;
}
