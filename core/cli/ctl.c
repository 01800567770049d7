/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate ctl: one order to the admin listener of a running eksgate, and what it
 * answers. The verbs are a table; each makes a request, and says what came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/ctl_print.h"
#include "cli/ctl_where.h"
#include "codec/uri.h"
#include "gateway/admin.h"

#define TIMEOUT_S        30
#define HEALTH_TIMEOUT_S 5
#define TIMEOUT_MAX_S    3600
#define TARGET_MAX       ((size_t)6144)
#define STEP_MAX_S       UINT64_C(1000000000000)

struct ctl;

struct ctl_verb {
    const char *name;
    const char *operands; /* NULL: none */
    size_t operands_min;
    size_t operands_max;
    int (*run)(struct ctl *ctl);
    const char *brief; /* for the list of verbs */
    const char *summary;
};

/* One run. */
struct ctl {
    const struct ctl_verb *verb;
    const struct gw_args_verb *usage;
    struct gw_args_config given;
    const char *admin;
    const char *token_file;
    const char *timeout;
    const char *operation;
    const char *principal;
    bool json;
    struct gw_args_list operands;
    unsigned timeout_ms;
    struct gw_ctl_where where;
    struct gw_buf target;
    struct gw_buf body;
    struct gw_ctl_reply reply;
};

static int fail(const struct ctl *ctl, const char *text)
{
    return gw_ctl_print_failure(ctl->verb->name, gw_str_from(text));
}

static int print_text(const struct ctl *ctl, const char *text)
{
    return gw_ctl_print_text(ctl->verb->name, gw_str_from(text));
}

static int print_reply(const struct ctl *ctl)
{
    return gw_ctl_print_text(ctl->verb->name, gw_buf_str(&ctl->reply.body));
}

/* `said` for people, the reply itself for --json. */
static int confirm(const struct ctl *ctl, const char *said)
{
    return ctl->json ? print_reply(ctl) : print_text(ctl, said);
}

/* The text of one member; for --json the whole reply. */
static int print_member(const struct ctl *ctl, const char *name)
{
    return ctl->json ? print_reply(ctl) : gw_ctl_print_member(ctl->verb->name, gw_buf_str(&ctl->reply.body), name);
}

/* The reply is in ctl->reply. */
static enum gw_status send_order(struct ctl *ctl, const char *method, struct gw_err *err)
{
    const struct gw_ctl_request request = {
        .method = method,
        .target = gw_buf_str(&ctl->target),
        .body = ctl->body.length > 0 ? gw_buf_str(&ctl->body) : GW_STR_NONE,
        .token = ctl->where.token.length > 0 ? gw_str_from(ctl->where.token.text) : GW_STR_NONE,
        .timeout_ms = ctl->timeout_ms,
    };

    if (ctl->target.overflowed)
        return gw_fail(err, GW_E_LIMIT, "what is asked for is too long");
    return gw_ctl_call(&ctl->where.address, &request, &ctl->reply, err);
}

/* GW_EXIT_DONE: the order was taken. */
static int order(struct ctl *ctl, const char *method, const char *path)
{
    struct gw_err err = {""};
    struct gw_err hint;
    enum gw_status status;

    gw_buf_printf(&ctl->target, "%s", path);
    status = send_order(ctl, method, &err);
    if (status == GW_E_MISSING) {
        (void)gw_fail(&hint, status, "%.400s; --admin names another address", err.text);
        return fail(ctl, hint.text);
    }
    if (status != GW_OK)
        return fail(ctl, err.text);
    if (ctl->reply.status >= 300)
        return gw_ctl_print_refusal(ctl->verb->name, &ctl->where.address, &ctl->reply);
    return GW_EXIT_DONE;
}

static void print_health_json(const struct ctl *ctl, bool ready, struct gw_str problem)
{
    struct gw_buf out;

    gw_buf_init(&out, (size_t)64 << 10);
    gw_buf_printf(&out, "{\"ready\":%s,\"admin\":", ready ? "true" : "false");
    gw_json_encode_string(gw_str_from(ctl->where.address.url), &out);
    if (!ready) {
        gw_buf_append_lit(&out, ",\"problem\":");
        gw_json_encode_string(problem, &out);
    }
    gw_buf_append_lit(&out, "}\n");
    (void)fwrite(out.at, 1, out.length, stdout);
    gw_buf_fini(&out);
}

static int run_health(struct ctl *ctl)
{
    struct gw_str ready = GW_STR("ok\n");
    struct gw_err problem = {"draining"};
    bool is_ready = false;

    gw_buf_append_lit(&ctl->target, "/readyz");
    if (send_order(ctl, "GET", &problem) == GW_OK) {
        is_ready = ctl->reply.status == 200 && gw_str_equal(gw_buf_str(&ctl->reply.body), ready);
        if (!is_ready && ctl->reply.status != 503)
            (void)gw_fail(&problem, GW_E_IO, "%s: answers %u, and not as eksgate does when it is ready",
                          ctl->where.address.url, ctl->reply.status);
    }
    if (ctl->json)
        print_health_json(ctl, is_ready, gw_str_from(problem.text));
    if (!is_ready)
        return fail(ctl, problem.text);
    return ctl->json ? GW_EXIT_DONE : print_text(ctl, "ready");
}

static int run_reload(struct ctl *ctl)
{
    int code = order(ctl, "POST", "/v1/reload");

    return code == GW_EXIT_DONE ? confirm(ctl, "reloaded") : code;
}

static int run_drain(struct ctl *ctl)
{
    int code = order(ctl, "POST", "/v1/drain");

    return code == GW_EXIT_DONE ? confirm(ctl, "draining") : code;
}

static int run_log_level(struct ctl *ctl)
{
    enum gw_log_level level;
    int code;

    if (ctl->operands.count == 0) {
        code = order(ctl, "GET", "/v1/log-level");
    } else if (gw_log_level_parse(gw_str_from(ctl->operands.items[0]), &level) != GW_OK) {
        return gw_args_wrong(ctl->usage, "there is no level %s; error, warn, info and debug are accepted",
                             ctl->operands.items[0]);
    } else {
        gw_buf_printf(&ctl->body, "{\"level\":\"%s\"}", gw_log_level_name(level));
        code = order(ctl, "PUT", "/v1/log-level");
    }
    return code == GW_EXIT_DONE ? print_member(ctl, "level") : code;
}

static int run_metrics(struct ctl *ctl)
{
    int code = order(ctl, "GET", "/metrics");

    if (code != GW_EXIT_DONE || !ctl->json)
        return code == GW_EXIT_DONE ? print_reply(ctl) : code;
    return gw_ctl_print_samples(ctl->verb->name, gw_buf_str(&ctl->reply.body));
}

/* The file's bytes, stdin's for "-", to ctl->body. */
static enum gw_status read_input(struct ctl *ctl, const char *path, struct gw_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    enum gw_status status = GW_OK;
    ssize_t got = 1;

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    while (got != 0 && status == GW_OK) {
        size_t room = ctl->body.cap - ctl->body.length < 65536 ? ctl->body.cap - ctl->body.length : 65536;

        if (room == 0 || gw_buf_reserve(&ctl->body, room) != GW_OK) {
            status = gw_fail(err, GW_E_LIMIT, "%s: is larger than 64 MiB", path);
            break;
        }
        got = read(fd, ctl->body.at + ctl->body.length, room);
        if (got < 0 && errno != EINTR)
            status = gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
        ctl->body.length += got > 0 ? (size_t)got : 0;
    }
    if (!is_stdin)
        (void)close(fd);
    if (status == GW_OK && ctl->body.length == 0)
        status = gw_fail(err, GW_E_SYNTAX, "%s: holds nothing; JSON is accepted", path);
    return status;
}

static int order_file(struct ctl *ctl, const char *path, const char *file)
{
    struct gw_err err = {""};

    if (read_input(ctl, file, &err) != GW_OK)
        return fail(ctl, err.text);
    return order(ctl, "PUT", path);
}

static int run_state(struct ctl *ctl)
{
    int code = order(ctl, "GET", "/v1/mock/state");

    return code == GW_EXIT_DONE ? print_reply(ctl) : code;
}

static int run_seed(struct ctl *ctl)
{
    int code = order_file(ctl, "/v1/mock/state", ctl->operands.items[0]);

    return code == GW_EXIT_DONE ? confirm(ctl, "seeded") : code;
}

static int run_reset(struct ctl *ctl)
{
    int code = order(ctl, "POST", "/v1/mock/reset");

    return code == GW_EXIT_DONE ? confirm(ctl, "reset") : code;
}

static int order_named(struct ctl *ctl, const char *path, const char *said)
{
    int code;

    gw_buf_printf(&ctl->target, "%s", path);
    gw_uri_encode(gw_str_from(ctl->operands.items[0]), false, &ctl->target);
    code = order(ctl, "POST", "");
    return code == GW_EXIT_DONE ? confirm(ctl, said) : code;
}

static int run_snapshot(struct ctl *ctl)
{
    return order_named(ctl, "/v1/mock/snapshots/", "taken");
}

static int run_restore(struct ctl *ctl)
{
    return order_named(ctl, "/v1/mock/restore/", "restored");
}

/* "system", "frozen:INSTANT" or "+SECONDS" as a body; false for anything else. */
static bool write_clock(struct gw_str text, struct gw_buf *out)
{
    uint64_t seconds;

    if (gw_str_starts(text, GW_STR("+")) &&
        gw_str_parse_u64(gw_str_slice(text, 1, SIZE_MAX), STEP_MAX_S, &seconds) == GW_OK) {
        gw_buf_append_lit(out, "{\"step\":");
        gw_buf_append_u64(out, seconds);
        gw_buf_append_byte(out, '}');
        return true;
    }
    if (!gw_str_is(text, "system") && !gw_str_starts(text, GW_STR("frozen:")))
        return false;
    gw_buf_append_lit(out, "{\"clock\":");
    gw_json_encode_string(text, out);
    gw_buf_append_byte(out, '}');
    return true;
}

static int run_clock(struct ctl *ctl)
{
    int code;

    if (ctl->operands.count == 0)
        code = order(ctl, "GET", "/v1/mock/clock");
    else if (!write_clock(gw_str_from(ctl->operands.items[0]), &ctl->body))
        return gw_args_wrong(ctl->usage,
                             "%s is no clock; frozen:2026-01-01T00:00:00Z, system and +SECONDS are accepted",
                             ctl->operands.items[0]);
    else
        code = order(ctl, "PUT", "/v1/mock/clock");
    return code == GW_EXIT_DONE ? print_member(ctl, "clock") : code;
}

static int run_faults(struct ctl *ctl)
{
    const char *file = ctl->operands.count > 0 ? ctl->operands.items[0] : NULL;
    int code;

    if (file == NULL) {
        code = order(ctl, "GET", "/v1/mock/faults");
        return code == GW_EXIT_DONE ? print_reply(ctl) : code;
    }
    if (strcmp(file, "clear") == 0) {
        gw_buf_append_lit(&ctl->body, "{\"faults\":[]}");
        code = order(ctl, "PUT", "/v1/mock/faults");
        return code == GW_EXIT_DONE ? confirm(ctl, "cleared") : code;
    }
    code = order_file(ctl, "/v1/mock/faults", file);
    return code == GW_EXIT_DONE ? confirm(ctl, "set") : code;
}

static void append_filter(struct ctl *ctl, const char *mark, const char *name, const char *value)
{
    gw_buf_printf(&ctl->target, "%s%s=", mark, name);
    gw_uri_encode(gw_str_from(value), false, &ctl->target);
}

static int run_requests(struct ctl *ctl)
{
    int code;

    gw_buf_append_lit(&ctl->target, "/v1/mock/requests");
    if (ctl->operation != NULL)
        append_filter(ctl, "?", "operation", ctl->operation);
    if (ctl->principal != NULL)
        append_filter(ctl, ctl->operation != NULL ? "&" : "?", "principal", ctl->principal);
    code = order(ctl, "GET", "");
    return code == GW_EXIT_DONE ? print_reply(ctl) : code;
}

static const struct ctl_verb verbs[] = {
    {"health", NULL, 0, 0, run_health, "is it ready? exit code 0 or 1",
     "Asks whether eksgate is ready to serve (GET /readyz, of the status listener where admin is off) and prints "
     "ready.\n"
     "Exit code 0: it is; 1: it drains, or doesn't answer within five seconds. Fit as the health check of a "
     "container;\n"
     "needs no token."},
    {"reload", NULL, 0, 0, run_reload, "take up configuration, keys and policies anew",
     "Takes up configuration, keys and policies anew, as SIGHUP does. When something is wrong nothing is taken up, "
     "every\n"
     "problem is a line on stderr, and the exit code is 1."},
    {"drain", NULL, 0, 0, run_drain, "finish what is under way, then end",
     "Lets eksgate finish the requests under way and end with 0, as SIGTERM does. Returns at once; asking again "
     "changes\n"
     "nothing."},
    {"log-level", "[LEVEL]", 0, 1, run_log_level, "[LEVEL]: set the log level, or print it",
     "Sets the level of the log: error, warn, info or debug; prints it without LEVEL. The next start has the\n"
     "configuration's again."},
    {"metrics", NULL, 0, 0, run_metrics, "print the counters",
     "Prints the counters in Prometheus' text format; with --json as one object from sample to number."},
    {"state", NULL, 0, 0, run_state, "mock: print all that it holds",
     "Prints what a mock holds, as the JSON that seed takes."},
    {"seed", "FILE", 1, 1, run_seed, "FILE: mock: replace what it holds",
     "Replaces what a mock holds by the file's, JSON as state prints it; - is stdin."},
    {"reset", NULL, 0, 0, run_reset, "mock: back to the state of its start",
     "Takes a mock back to the state it began with."},
    {"snapshot", "NAME", 1, 1, run_snapshot, "NAME: mock: keep its state under a name",
     "Keeps what a mock holds now under a name, for restore."},
    {"restore", "NAME", 1, 1, run_restore, "NAME: mock: back to that state", "Takes a mock back to a snapshot."},
    {"clock", "[CLOCK]", 0, 1, run_clock, "[CLOCK]: mock: stop, step or free its clock",
     "CLOCK: frozen:2026-01-01T00:00:00Z stops a mock's clock at an instant, +SECONDS moves it on, system lets it "
     "follow\n"
     "the system's again. It is what timestamps in data come from; signatures and deadlines never see it. Prints it."},
    {"faults", "[FILE|clear]", 0, 1, run_faults, "[FILE|clear]: mock: fail on purpose",
     "Gives a mock the faults of the file, as JSON, in place of those that it had; - is stdin, clear takes all away.\n"
     "Without an argument prints them."},
    {"requests", NULL, 0, 0, run_requests, "mock: print what was asked and answered",
     "Prints the requests that a mock has had, with input and reply, as JSON."},
};

/* Lines of the options that every verb has; those that only `requests` has are the last. */
#define OPTIONS_OF_REQUESTS 2

static int take_timeout(struct ctl *ctl)
{
    uint64_t seconds = ctl->verb->run == run_health ? HEALTH_TIMEOUT_S : TIMEOUT_S;

    if (ctl->timeout != NULL &&
        (gw_str_parse_u64(gw_str_from(ctl->timeout), TIMEOUT_MAX_S, &seconds) != GW_OK || seconds == 0))
        return gw_args_wrong(ctl->usage, "--timeout is %s; a whole number from 1 to %d is accepted", ctl->timeout,
                             TIMEOUT_MAX_S);
    ctl->timeout_ms = (unsigned)seconds * 1000;
    return GW_EXIT_DONE;
}

static int run(struct ctl *ctl)
{
    const struct gw_ctl_where_given given = {.config = &ctl->given,
                                             .admin = ctl->admin,
                                             .token_file = ctl->token_file,
                                             .health = ctl->verb->run == run_health};
    struct gw_config_problems problems;
    int code = take_timeout(ctl);

    if (code != GW_EXIT_DONE)
        return code;
    gw_config_problems_init(&problems);
    gw_buf_init(&ctl->target, TARGET_MAX);
    gw_buf_init(&ctl->body, GW_ADMIN_MOCK_MAX);
    if (gw_ctl_where_find(&given, &ctl->where, &problems) == GW_OK)
        code = ctl->verb->run(ctl);
    else
        code = gw_ctl_print_failure(ctl->verb->name, gw_buf_str(&problems.text));
    gw_wipe(&ctl->where.token, sizeof(ctl->where.token));
    gw_buf_fini(&ctl->reply.body);
    gw_buf_fini(&ctl->body);
    gw_buf_fini(&ctl->target);
    gw_config_problems_fini(&problems);
    return code;
}

static int run_verb(const struct ctl_verb *chosen, int argc, char **argv)
{
    struct ctl ctl = {.verb = chosen};
    char name[32];
    const struct gw_args_option options[] = {
        {.name = "--admin",
         .value = "ADDRESS",
         .help = "http://HOST:PORT, HOST:PORT or unix:/path; else the setting admin, else 127.0.0.1:9180",
         .text = &ctl.admin},
        {.name = "--token-file",
         .value = "FILE",
         .help = "holds the token to show; else $EKSGATE_ADMIN_TOKEN, else the configuration's",
         .text = &ctl.token_file},
        {.name = "--timeout", .value = "SECONDS", .help = "how long to wait for the reply", .text = &ctl.timeout},
        GW_ARGS_CONFIG(ctl.given),
        GW_ARGS_JSON(ctl.json),
        {.name = "--operation", .value = "NAME", .help = "of this operation only", .text = &ctl.operation},
        {.name = "--principal", .value = "ARN", .help = "about this principal only", .text = &ctl.principal},
    };
    const struct gw_args_verb usage = {
        .name = name,
        .operands = chosen->operands,
        .operands_min = chosen->operands_min,
        .operands_max = chosen->operands_max,
        .summary = chosen->summary,
        .options = options,
        .option_count = GW_COUNT(options) - (chosen->run == run_requests ? 0 : OPTIONS_OF_REQUESTS),
    };
    int code;

    (void)snprintf(name, sizeof(name), "ctl %s", chosen->name);
    ctl.usage = &usage;
    code = gw_args_parse(&usage, argc, argv, &ctl.operands);
    if (code == GW_ARGS_GO)
        code = run(&ctl);
    gw_args_config_fini(&ctl.given);
    gw_args_list_fini(&ctl.operands);
    return code;
}

static void print_help(FILE *to)
{
    (void)fprintf(to, "usage: eksgate ctl [--admin ADDRESS] [--token-file FILE] VERB [ARGUMENT]...\n\n"
                      "Speaks to the admin listener of a running eksgate.\n\n");
    for (size_t i = 0; i < GW_COUNT(verbs); i++)
        (void)fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].brief);
    (void)fprintf(
        to,
        "\nThe address is that of --admin, else the setting admin (--set, $EKSGATE_ADMIN, the configuration), else\n"
        "127.0.0.1:9180. A token is in --token-file, else $EKSGATE_ADMIN_TOKEN, else the configuration.\n"
        "Exit code 0: done; 1: failed; 2: wrong usage. eksgate ctl VERB --help says more.\n");
}

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

/* Where the verb stands behind leading options; argc without one. */
static int find_verb(int argc, char **argv)
{
    static const char *const with_value[] = {"--admin", "--token-file", "--timeout",   "--config",
                                             "-c",      "--set",        "--operation", "--principal"};
    int at = 1;

    while (at < argc && argv[at][0] == '-')
        at += is_one_of(argv[at], with_value, GW_COUNT(with_value)) ? 2 : 1;
    return at < argc ? at : argc;
}

static bool asks_for_help(int argc, char **argv)
{
    static const char *const help[] = {"--help", "-h"};

    for (int i = 1; i < argc; i++) {
        if (is_one_of(argv[i], help, GW_COUNT(help)))
            return true;
    }
    return false;
}

/* The verb first, then what stood before it. */
static int run_chosen(const struct ctl_verb *chosen, int argc, char **argv, int at)
{
    char **words = gw_alloc_zero((size_t)argc, sizeof(*words));
    int code;

    memcpy(words, argv + at, sizeof(*words));
    memcpy(words + 1, argv + 1, (size_t)(at - 1) * sizeof(*words));
    memcpy(words + at, argv + at + 1, (size_t)(argc - at - 1) * sizeof(*words));
    code = run_verb(chosen, argc - 1, words);
    free(words);
    return code;
}

int gw_cli_ctl(int argc, char **argv)
{
    int at = find_verb(argc, argv);

    if (asks_for_help(at, argv)) {
        print_help(stdout);
        return GW_EXIT_DONE;
    }
    if (argc < 2) {
        print_help(stderr);
        return GW_EXIT_USAGE;
    }
    for (size_t i = 0; at < argc && i < GW_COUNT(verbs); i++) {
        if (strcmp(argv[at], verbs[i].name) == 0)
            return run_chosen(&verbs[i], argc, argv, at);
    }
    (void)fprintf(stderr, "eksgate ctl: there is no verb %s%s; eksgate ctl --help lists them\n",
                  at < argc ? "" : "behind ", argv[at < argc ? at : argc - 1]);
    return GW_EXIT_USAGE;
}
