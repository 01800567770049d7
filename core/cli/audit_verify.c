/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate audit verify: says that the chain is whole, or names the first record
 * that isn't as it was. What is good goes to stdout, a fault to stderr; with
 * --json both go to stdout.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/args.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "journal/inspect.h"
#include "store/backup.h"

#define PATIENCE_MS 500
#define BUSY_MS     2000
#define HEAD_DIGITS 12
#define PEM_MAX     ((size_t)64 << 10)

struct verify_args {
    const char *head;
    struct gw_args_list public_keys;
    struct gw_args_list files;
    bool json;
};

struct find_head {
    struct gw_chain_head head;
    size_t bytes; /* of its hash that are known; 0: all */
};

struct verify_keys {
    struct gw_ed25519_key **items;
    size_t count;
};

static int failed(const char *text)
{
    (void)fprintf(stderr, "eksgate audit verify: %s\n", text);
    return GW_EXIT_FAILED;
}

static void keys_fini(struct verify_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        gw_ed25519_free(&keys->items[i]);
    free(keys->items);
}

static enum gw_status load_key(const char *path, struct gw_ed25519_key **key, struct gw_err *err)
{
    struct gw_buf pem;
    enum gw_status status;

    gw_buf_init(&pem, PEM_MAX);
    status = gw_file_read(path, &pem, err);
    if (status == GW_OK) {
        status = gw_ed25519_public(gw_buf_str(&pem), key);
        if (status == GW_E_TYPE)
            (void)gw_fail(err, status, "%s: is a key of another kind than Ed25519", path);
        else if (status != GW_OK)
            (void)gw_fail(err, status,
                          "%s: holds no public key; openssl pkey -in PRIVATE -pubout makes it of a private one", path);
    }
    gw_buf_fini(&pem);
    return status;
}

static enum gw_status load_keys(const struct gw_args_list *paths, struct verify_keys *keys, struct gw_err *err)
{
    keys->items = gw_alloc_zero(paths->count, sizeof(struct gw_ed25519_key *));
    for (keys->count = 0; keys->count < paths->count; keys->count++) {
        enum gw_status status = load_key(paths->items[keys->count], &keys->items[keys->count], err);

        if (status != GW_OK)
            return status;
    }
    return GW_OK;
}

/* Of the digits of a hash that are given, an even number of them, at least those that /metrics has. */
static bool read_hash(struct gw_str hex, struct find_head *found)
{
    char whole[GW_DIGEST_HEX_SIZE];

    if (hex.at == NULL || hex.length < HEAD_DIGITS || hex.length > sizeof(whole) || hex.length % 2 != 0)
        return false;
    memset(whole, '0', sizeof(whole));
    memcpy(whole, hex.at, hex.length);
    found->bytes = hex.length / 2;
    return gw_digest_from_hex((struct gw_str){whole, sizeof(whole)}, found->head.hash) == GW_OK;
}

/* SEQUENCE:HEX, as the log and eksgate backup have it; anything else is a database. What that says now is in the files.
 */
static enum gw_status find_head(const char *text, struct find_head *found, struct gw_err *err)
{
    const struct gw_backup_source source = {.path = text, .busy_ms = BUSY_MS};
    struct gw_str hex = gw_str_from(text);
    struct gw_str sequence = gw_str_split(&hex, ':');
    enum gw_status status;

    if (gw_str_parse_u64(sequence, INT64_MAX, &found->head.sequence) == GW_OK && read_hash(hex, found))
        return GW_OK;
    found->bytes = 0;
    status = gw_backup_read_head(&source, &found->head, err);
    if (status == GW_E_MISSING)
        return gw_fail(err, status,
                       "--head takes SEQUENCE:HEX with 64 hexadecimal digits, or the first %d or more of them, or a "
                       "database, which %s is not",
                       HEAD_DIGITS, text);
    return status;
}

static struct gw_json number(uint64_t value)
{
    return gw_json_integer((int64_t)value);
}

static struct gw_json describe_problem(struct gw_arena *arena, const struct gw_inspect_report *report)
{
    struct gw_json problem = {.type = GW_JSON_OBJECT};

    gw_json_set(arena, &problem, GW_STR("fault"), gw_json_string(gw_str_from(gw_inspect_fault_name(report->fault))));
    if (report->from > 0) {
        gw_json_set(arena, &problem, GW_STR("from"), number(report->from));
        gw_json_set(arena, &problem, GW_STR("to"), number(report->to));
    }
    if (report->path != NULL) {
        gw_json_set(arena, &problem, GW_STR("file"), gw_json_string(gw_str_from(report->path)));
        gw_json_set(arena, &problem, GW_STR("line"), number(report->line));
    }
    gw_json_set(arena, &problem, GW_STR("text"), gw_json_string(gw_str_from(report->problem)));
    return problem;
}

static struct gw_json describe_head(struct gw_arena *arena, const struct gw_chain_head *head)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(head->hash, hex);
    gw_json_set(arena, &object, GW_STR("sequence"), number(head->sequence));
    gw_json_set(arena, &object, GW_STR("hash"), gw_json_string(gw_arena_str(arena, (struct gw_str){hex, sizeof(hex)})));
    return object;
}

/* Records behind the last checkpoint's own. */
static uint64_t count_unsigned(const struct gw_inspect_report *report)
{
    return report->checkpoints == 0 ? report->records : report->last.sequence - report->vouched - 1;
}

static struct gw_json describe_checkpoints(struct gw_arena *arena, const struct gw_inspect_report *report)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    gw_json_set(arena, &object, GW_STR("count"), number(report->checkpoints));
    gw_json_set(arena, &object, GW_STR("vouched"), number(report->vouched));
    gw_json_set(arena, &object, GW_STR("unsigned"), number(count_unsigned(report)));
    gw_json_set(arena, &object, GW_STR("gaps"), number(report->gaps));
    return object;
}

static struct gw_json describe_settled(struct gw_arena *arena, const struct gw_inspect_report *report)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};

    gw_json_set(arena, &object, GW_STR("applied"), number(report->settled[GW_RECORD_APPLIED]));
    gw_json_set(arena, &object, GW_STR("not_applied"), number(report->settled[GW_RECORD_NOT_APPLIED]));
    gw_json_set(arena, &object, GW_STR("unknown"), number(report->settled[GW_RECORD_UNKNOWN]));
    return object;
}

static struct gw_json describe_forwarded(struct gw_arena *arena, const struct gw_inspect_report *report)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json first = {.type = GW_JSON_ARRAY};

    first.as.array.items = gw_arena_zero(arena, GW_INSPECT_NAMED, sizeof(struct gw_json));
    for (size_t i = 0; i < GW_INSPECT_NAMED && report->open_first[i] > 0; i++)
        first.as.array.items[first.as.array.count++] = number(report->open_first[i]);
    gw_json_set(arena, &object, GW_STR("count"), number(report->forwarded));
    gw_json_set(arena, &object, GW_STR("open"), number(report->open));
    gw_json_set(arena, &object, GW_STR("open_first"), first);
    return object;
}

static void print_json(const struct gw_inspect_report *report)
{
    struct gw_arena arena;
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_buf out;

    gw_arena_init(&arena, 0);
    gw_buf_init(&out, (size_t)1 << 20);
    gw_json_set(&arena, &object, GW_STR("ok"), gw_json_bool(report->fault == GW_INSPECT_GOOD));
    gw_json_set(&arena, &object, GW_STR("files"), number(report->files));
    gw_json_set(&arena, &object, GW_STR("records"), number(report->records));
    gw_json_set(&arena, &object, GW_STR("first"), number(report->first));
    gw_json_set(&arena, &object, GW_STR("last"), describe_head(&arena, &report->last));
    gw_json_set(&arena, &object, GW_STR("changes"), number(report->changes));
    gw_json_set(&arena, &object, GW_STR("forwarded"), describe_forwarded(&arena, report));
    gw_json_set(&arena, &object, GW_STR("settled"), describe_settled(&arena, report));
    gw_json_set(&arena, &object, GW_STR("given_up"), number(report->given_up));
    gw_json_set(&arena, &object, GW_STR("checkpoints"), describe_checkpoints(&arena, report));
    if (report->fault != GW_INSPECT_GOOD)
        gw_json_set(&arena, &object, GW_STR("problem"), describe_problem(&arena, report));
    gw_json_encode(&object, &out);
    (void)printf("%.*s\n", GW_STR_ARG(gw_buf_str(&out)));
    gw_buf_fini(&out);
    gw_arena_fini(&arena);
}

static void print_checkpoints(const struct gw_inspect_report *report, bool with_keys)
{
    (void)printf("  checkpoints  %" PRIu64, report->checkpoints);
    if (report->checkpoints > 0)
        (void)printf(", the last one vouches for all up to record %" PRIu64 "; behind it are %" PRIu64 " unsigned",
                     report->vouched, count_unsigned(report));
    (void)printf("%s\n", with_keys ? "" : " (signatures not verified: --public-key)");
    if (report->gaps > 0)
        (void)printf("  gaps         %" PRIu64 ": minutes without a checkpoint, first between record %" PRIu64
                     " and record %" PRIu64 "\n",
                     report->gaps, report->gap_from, report->gap_to);
}

static void print_forwarded(const struct gw_inspect_report *report)
{
    if (report->forwarded == 0)
        return;
    (void)printf("  forwarded    %" PRIu64 "; open at the end: %" PRIu64, report->forwarded, report->open);
    for (size_t i = 0; i < GW_INSPECT_NAMED && report->open_first[i] > 0; i++)
        (void)printf("%s%" PRIu64, i == 0 ? ", record " : ", ", report->open_first[i]);
    (void)printf("%s\n", report->open > GW_INSPECT_NAMED ? ", ..." : "");
}

static void print_text(const struct gw_inspect_report *report, bool with_keys)
{
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(report->last.hash, hex);
    (void)printf("good: %" PRIu64 " records in %" PRIu64 " file%s, %" PRIu64 " to %" PRIu64 "\n", report->records,
                 report->files, report->files == 1 ? "" : "s", report->first, report->last.sequence);
    if (report->first > 1)
        (void)printf("  begins       with record %" PRIu64 "; older ones aren't in these files\n", report->first);
    (void)printf("  last         %" PRIu64 ":%.*s\n", report->last.sequence, (int)sizeof(hex), hex);
    (void)printf("  changes      %" PRIu64 "; settled later: %" PRIu64 " not applied, %" PRIu64 " applied, %" PRIu64
                 " unknown\n",
                 report->changes, report->settled[GW_RECORD_NOT_APPLIED], report->settled[GW_RECORD_APPLIED],
                 report->settled[GW_RECORD_UNKNOWN]);
    print_forwarded(report);
    if (report->given_up > 0)
        (void)printf("  given up     %" PRIu64 " lines of files whose sync had failed\n", report->given_up);
    print_checkpoints(report, with_keys);
}

static int verify(const struct verify_args *args)
{
    struct find_head found = {.bytes = 0};
    struct gw_inspect_options options = {.paths = args->files.items,
                                         .path_count = args->files.count,
                                         .head = args->head == NULL ? NULL : &found.head,
                                         .patience_ms = PATIENCE_MS};
    struct gw_inspect_report report;
    struct verify_keys keys = {0};
    struct gw_err err;
    enum gw_status status = load_keys(&args->public_keys, &keys, &err);

    options.keys = (const struct gw_ed25519_key *const *)keys.items;
    options.key_count = keys.count;
    if (status == GW_OK && args->head != NULL)
        status = find_head(args->head, &found, &err);
    options.head_bytes = found.bytes;
    if (status == GW_OK)
        status = gw_inspect_files(&options, &report, &err);
    keys_fini(&keys);
    if (status != GW_OK)
        return failed(err.text);
    if (args->json)
        print_json(&report);
    else if (report.fault == GW_INSPECT_GOOD)
        print_text(&report, options.key_count > 0);
    else
        (void)failed(report.problem);
    return report.fault == GW_INSPECT_GOOD ? GW_EXIT_DONE : GW_EXIT_FAILED;
}

int gw_audit_verify(int argc, char **argv)
{
    struct verify_args args = {0};
    const struct gw_args_option options[] = {
        {.name = "--head",
         .value = "FILE",
         .help = "the database, or SEQUENCE:HEX as the log and eksgate backup have it: the newest record that must be "
                 "there",
         .text = &args.head},
        {.name = "--public-key",
         .value = "FILE",
         .help = "PEM: what audit.signing_key signed is verified; can be repeated",
         .list = &args.public_keys},
        GW_ARGS_JSON(args.json),
    };
    const struct gw_args_verb verb = {
        .name = "audit verify",
        .operands = "FILE...",
        .operands_min = 1,
        .operands_max = SIZE_MAX,
        .summary = "Verifies that every record is there, in its place, and as it was written; names the first one that "
                   "isn't. Exit code 0: good; 1: not.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, &args.files);

    if (code == GW_ARGS_GO)
        code = verify(&args);
    gw_args_list_fini(&args.public_keys);
    gw_args_list_fini(&args.files);
    return code;
}
