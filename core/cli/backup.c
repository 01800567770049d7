/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate backup and eksgate restore: copy the database that the configuration
 * names while a gateway runs, and put a copy back while none does.
 */
#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/args.h"
#include "cli/cli.h"

struct backup_args {
    struct gw_args_config given;
    struct gw_args_list operands;
    bool json;
};

static int failed(const char *verb, const char *text)
{
    (void)fprintf(stderr, "eksgate %s: %s\n", verb, text);
    return GW_EXIT_FAILED;
}

static void print_json(const struct gw_backup_report *report, const char *file)
{
    struct gw_buf out;
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(report->head.hash, hex);
    gw_buf_init(&out, (size_t)1 << 20);
    gw_buf_append_lit(&out, "{\"file\":");
    gw_json_encode_string(gw_str_from(file), &out);
    gw_buf_printf(&out, ",\"bytes\":%" PRIu64 ",\"clusters\":%" PRIu64 ",\"accessEntries\":%" PRIu64, report->bytes,
                  report->clusters, report->access_entries);
    gw_buf_printf(&out, ",\"audit\":{\"sequence\":%" PRIu64 ",\"hash\":\"%.*s\"}", report->head.sequence,
                  (int)sizeof(hex), hex);
    if (report->kept[0] != '\0') {
        gw_buf_append_lit(&out, ",\"kept\":");
        gw_json_encode_string(gw_str_from(report->kept), &out);
    }
    (void)printf("%.*s}\n", GW_STR_ARG(gw_buf_str(&out)));
    gw_buf_fini(&out);
}

static void print_text(const struct gw_backup_report *report, const char *file)
{
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(report->head.hash, hex);
    (void)printf(
        "%s: %" PRIu64 " clusters, %" PRIu64 " access entries, %" PRIu64 " bytes; audit head %" PRIu64 ":%.*s\n", file,
        report->clusters, report->access_entries, report->bytes, report->head.sequence, (int)sizeof(hex), hex);
    if (report->kept[0] != '\0')
        (void)printf("what was there before: %s\n", report->kept);
}

/* new: the database's path; NULL after having said why there is none. */
static char *find_database(const struct backup_args *args, const char *verb, unsigned *busy_ms)
{
    struct gw_config *config = NULL;
    char *path = NULL;

    if (gw_args_load(&args->given, &config) != GW_OK)
        return NULL;
    *busy_ms = config->store_busy_ms;
    if (config->store_is_durable)
        path = gw_str_dup(config->store_file);
    else
        (void)failed(verb, "store.driver is \"memory\": there is no database");
    gw_config_free(&config);
    return path;
}

static int report_done(const struct backup_args *args, const struct gw_backup_report *report, const char *file)
{
    (args->json ? print_json : print_text)(report, file);
    return GW_EXIT_DONE;
}

static int backup(const struct backup_args *args)
{
    struct gw_backup_source source = {0};
    struct gw_backup_report report;
    const char *to = args->operands.items[0];
    char *path = find_database(args, "backup", &source.busy_ms);
    struct gw_err err;
    int code;

    if (path == NULL)
        return GW_EXIT_FAILED;
    source.path = path;
    code = gw_backup_make(&source, to, &report, &err) == GW_OK ? report_done(args, &report, to)
                                                               : failed("backup", err.text);
    free(path);
    return code;
}

static int restore(const struct backup_args *args)
{
    struct gw_backup_source source = {.path = args->operands.items[0]};
    struct gw_backup_report report;
    char *path = find_database(args, "restore", &source.busy_ms);
    struct gw_err err;
    int code;

    if (path == NULL)
        return GW_EXIT_FAILED;
    code = gw_backup_restore(path, &source, &report, &err) == GW_OK ? report_done(args, &report, path)
                                                                    : failed("restore", err.text);
    free(path);
    return code;
}

static int run(const char *name, const char *operand, const char *summary, int (*go)(const struct backup_args *args),
               int argc, char **argv)
{
    struct backup_args args = {0};
    const struct gw_args_option options[] = {GW_ARGS_CONFIG(args.given), GW_ARGS_JSON(args.json)};
    const struct gw_args_verb verb = {
        .name = name,
        .operands = operand,
        .operands_min = 1,
        .operands_max = 1,
        .summary = summary,
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, &args.operands);

    (void)umask(077);
    if (code == GW_ARGS_GO)
        code = go(&args);
    gw_args_config_fini(&args.given);
    gw_args_list_fini(&args.operands);
    return code;
}

int gw_cli_backup(int argc, char **argv)
{
    return run(
        "backup", "TO",
        "Copies the database to the new file TO, also while a gateway runs; the copy is read back before it gets "
        "its name.",
        backup, argc, argv);
}

int gw_cli_restore(int argc, char **argv)
{
    return run(
        "restore", "FROM",
        "Puts the backup FROM in the place of the database, while no gateway runs; the old one is kept beside it.",
        restore, argc, argv);
}
