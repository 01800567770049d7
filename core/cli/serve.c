/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate serve: opens what the configuration names, joins the rooms, runs one
 * thread per worker, one for status and admin, and the writer's; the main thread
 * waits for signals and looks at the files of keys and certificates once a second.
 *
 *   SIGTERM SIGINT  drain, exit 0      SIGHUP  reload configuration, keys, certificates, policies
 *   SIGUSR1         reopen the audit file
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/certificates.h"
#include "cli/cli.h"
#include "cli/reload.h"
#include "cli/serve.h"
#include "cli/storage.h"
#include "cli/upstream.h"
#include "config/token.h"
#include "gateway/admin.h"
#include "net/listener.h"
#include "script/interpreter.h"

#define GW_SERVE_LISTENERS_MAX 16
#define GW_SERVE_TICK_MS       1000
#define GW_SERVE_DRAIN_MS      5

struct serve_worker {
    pthread_t thread;
    bool started;
    struct gw_loop *loop;
    struct gw_worker *worker;
};

struct serve {
    const struct gw_serve_verb *verb;
    struct gw_config_source source;
    struct gw_config *config; /* of the start: what a restart takes up */
    struct gw_listener *listeners;
    size_t listener_count;
    struct gw_listener *status;
    struct gw_listener *admin_listener;
    struct gw_epoch *epoch;
    struct gw_storage storage;
    struct gw_cli_upstream upstream;
    struct gw_gateway *gateway;
    struct gw_certificates *certificates;
    struct gw_reload *reload;
    struct serve_worker *workers;
    size_t worker_count;
    struct gw_loop *admin_loop;
    struct gw_admin *admin;
    struct gw_epoch_reader *admin_reader;
    pthread_t admin_thread;
    bool admin_started;
    _Atomic bool admin_waits; /* for a reload */
    _Atomic bool ready;
    int64_t started_s;
};

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        gw_log(GW_LOG_WARN, "serve", "the limit of open files stays as it is (errno %d)", errno);
}

static size_t count_workers(const struct gw_config *config)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (config->workers > 0)
        return config->workers;
    if (cores < 1)
        return 1;
    return cores > GW_GATEWAY_WORKERS_MAX ? GW_GATEWAY_WORKERS_MAX : (size_t)cores;
}

static enum gw_status open_one(const struct gw_config *config, struct gw_str address, size_t workers,
                               struct gw_listener **listener, struct gw_err *err)
{
    struct gw_listener *fresh;
    enum gw_status status;

    if (address.at == NULL)
        return GW_OK;
    fresh = gw_alloc_zero(1, sizeof(*fresh));
    status = gw_listener_open(fresh, address, workers, config->unix_mode, err);
    if (status != GW_OK)
        free(fresh);
    else
        *listener = fresh;
    return status;
}

static enum gw_status open_listeners(struct serve *serve, struct gw_err *err)
{
    const struct gw_config *config = serve->config;
    enum gw_status status = gw_certificates_new(config, &serve->certificates, err);

    serve->listeners = gw_alloc_zero(config->listen_count, sizeof(*serve->listeners));
    for (size_t i = 0; i < config->listen_count && status == GW_OK; i++) {
        status = gw_listener_open(&serve->listeners[i], config->listen[i].address, serve->worker_count,
                                  config->unix_mode, err);
        if (status != GW_OK)
            break;
        serve->listener_count++;
        if (gw_certificates_slot(serve->certificates, i) != NULL && !config->listen[i].is_proxy)
            gw_listener_set_tls(&serve->listeners[i]);
    }
    if (status == GW_OK)
        status = open_one(config, config->status, 1, &serve->status, err);
    if (status == GW_OK)
        status = open_one(config, config->admin, 1, &serve->admin_listener, err);
    return status;
}

static enum gw_status make_gateway(struct serve *serve, const struct gw_mock_options *mock, struct gw_err *err)
{
    const struct gw_config *config = serve->config;
    struct gw_gateway_options options = {
        .auth = config->auth,
        .mode = config->mode,
        .overlay = config->overlay,
        .anybody = {.caller = config->caller,
                    .region = config->regions[0],
                    .listeners = serve->listeners,
                    .listener_count = serve->listener_count,
                    .hosts = {config->hosts, config->host_count}},
        .verify = config->verify,
        .commit = {.queue_max = config->commit_queue_max, .queue_age_ms = config->commit_queue_age_ms},
        .http = config->http,
        .mock = config->is_mock ? mock : NULL,
    };
    struct gw_reload_start start = {.source = &serve->source,
                                    .config = config,
                                    .certificates = serve->certificates,
                                    .workers = serve->worker_count};
    struct gw_gateway_settings *settings = NULL;
    struct gw_keyring *keyring = NULL;
    enum gw_status status;

    for (size_t i = 0; i < serve->listener_count; i++)
        start.is_public |= !serve->listeners[i].is_loopback && !config->is_mock;
    status = gw_cli_upstream_open(&serve->upstream, config, serve->epoch, &options.upstream, err);
    if (status != GW_OK)
        return status;
    options.http.connections_max = (config->http.connections_max + serve->worker_count - 1) / serve->worker_count;
    status = gw_reload_settings(config, serve->worker_count, &settings, err);
    if (status == GW_OK)
        status = gw_config_keyring(config, &keyring, err);
    if (status != GW_OK) {
        gw_gateway_settings_free(&settings);
        return status;
    }
    serve->gateway = gw_gateway_new(&options, &settings, &keyring, serve->epoch, serve->storage.store,
                                    serve->storage.journal, gw_clock_system(), gw_random_system());
    serve->reload = gw_reload_new(&start, serve->gateway);
    if (serve->verb->begin_mock != NULL)
        return serve->verb->begin_mock(config, serve->gateway, err);
    return gw_gateway_make_clusters(serve->gateway, err);
}

static enum gw_status open_gateway(struct serve *serve, struct gw_err *err)
{
    struct gw_mock_options mock = serve->config->mock;
    enum gw_status status = GW_OK;
    struct gw_buf texts;

    gw_buf_init(&texts, GW_CONFIG_FAULTS_MAX);
    if (serve->verb->load_mock != NULL)
        status = serve->verb->load_mock(serve->config, &mock, &texts, err);
    if (status == GW_OK)
        status = make_gateway(serve, &mock, err);
    gw_buf_fini(&texts);
    return status;
}

static enum gw_status open_workers(struct serve *serve, struct gw_err *err)
{
    serve->workers = gw_alloc_zero(serve->worker_count, sizeof(*serve->workers));
    for (size_t i = 0; i < serve->worker_count; i++) {
        struct serve_worker *worker = &serve->workers[i];
        enum gw_status status;

        worker->loop = gw_loop_new(gw_clock_system());
        status = gw_worker_new(serve->gateway, worker->loop, &worker->worker, err);
        if (status != GW_OK)
            return status;
        for (size_t k = 0; k < serve->listener_count; k++)
            (serve->config->listen[k].is_proxy ? gw_server_listen_proxy : gw_server_listen_tls)(
                gw_worker_server(worker->worker), serve->listeners[k].fds[i], serve->listeners[k].is_unix,
                gw_certificates_slot(serve->certificates, k));
    }
    return GW_OK;
}

static bool admin_is_ready(void *ctx)
{
    struct serve *serve = ctx;

    return atomic_load(&serve->ready) && gw_cli_upstream_is_ready(&serve->upstream);
}

static void admin_metrics(void *ctx, struct gw_buf *text)
{
    struct serve *serve = ctx;
    struct gw_metrics_sources sources = {.started_s = serve->started_s};
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    gw_reload_counts(serve->reload, &sources.reloads, &sources.reloads_failed);
    gw_gateway_metrics(serve->gateway, serve->admin_reader, &arena, &sources);
    gw_metrics_encode(&sources, text);
    gw_arena_fini(&arena);
}

static enum gw_status admin_reload(void *ctx)
{
    struct serve *serve = ctx;

    atomic_store(&serve->admin_waits, true);
    return kill(getpid(), SIGHUP) == 0 ? GW_OK : GW_E_IO; /* the main thread does it */
}

static enum gw_status admin_mock(void *ctx, const struct gw_http1_request *request, struct gw_str body,
                                 unsigned *status, struct gw_buf *reply)
{
    struct serve *serve = ctx;

    return gw_gateway_control(serve->gateway, request, body, status, reply);
}

/* The main thread takes it like one from outside; that it is queued tells it apart (is_repeated). */
static void admin_drain(void *ctx)
{
    (void)ctx;
    if (sigqueue(getpid(), SIGTERM, (union sigval){.sival_int = 0}) != 0)
        gw_log(GW_LOG_ERROR, "serve", "draining can't begin (errno %d)", errno);
}

static enum gw_status open_admin(struct serve *serve, struct gw_err *err)
{
    struct gw_config_token token;
    enum gw_status status;
    struct gw_admin_options options = {.status = serve->status,
                                       .admin = serve->admin_listener,
                                       .hosts = serve->config->hosts,
                                       .host_count = serve->config->host_count};
    struct gw_admin_calls calls = {.ctx = serve,
                                   .is_ready = admin_is_ready,
                                   .metrics = admin_metrics,
                                   .reload = admin_reload,
                                   .drain = admin_drain,
                                   .mock = serve->config->is_mock ? admin_mock : NULL};

    if (serve->status == NULL && serve->admin_listener == NULL)
        return GW_OK;
    status = gw_config_admin_token(serve->config, &token, err);
    if (status != GW_OK)
        return status;
    if (token.length > 0)
        options.token = gw_str_from(token.text);
    serve->admin_reader = gw_epoch_register(serve->epoch);
    serve->admin_loop = gw_loop_new(gw_clock_system());
    serve->admin = gw_admin_new(serve->admin_loop, &options, &calls);
    gw_wipe(&token, sizeof(token));
    return GW_OK;
}

static void *run_loop(void *ctx)
{
    gw_loop_run(ctx);
    return NULL;
}

/* Threads inherit the blocked signals: only the main thread takes them, through the descriptor. */
static int block_signals(void)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a full audit file is an error of write */
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (fd < 0)
        gw_fatal("signalfd failed (errno %d)", errno);
    return fd;
}

static void start_thread(pthread_t *thread, struct gw_loop *loop)
{
    if (pthread_create(thread, NULL, run_loop, loop) != 0)
        gw_fatal("no thread to run on");
}

static void start_threads(struct serve *serve)
{
    for (size_t i = 0; i < serve->worker_count; i++) {
        start_thread(&serve->workers[i].thread, serve->workers[i].loop);
        serve->workers[i].started = true;
    }
    if (serve->admin != NULL) {
        start_thread(&serve->admin_thread, serve->admin_loop);
        serve->admin_started = true;
    }
}

static struct gw_serve_facts facts_of(const struct serve *serve)
{
    return (struct gw_serve_facts){
        .config = serve->config, .listeners = serve->listeners, .listener_count = serve->listener_count};
}

/* The one line that says that connections are accepted. */
static void print_ready(const struct serve *serve)
{
    bool audit_on_stdout = serve->storage.journal != NULL && gw_str_is(serve->config->audit_file, "-");
    FILE *out = audit_on_stdout ? stderr : stdout;
    struct gw_serve_facts facts = facts_of(serve);

    (void)fputs("eksgate ready", out);
    for (size_t i = 0; i < serve->listener_count; i++)
        (void)fprintf(out, " %s", serve->listeners[i].url);
    (void)fprintf(out, " admin %s\n", serve->admin_listener == NULL ? "off" : serve->admin_listener->url);
    (void)fflush(out);
    if (serve->verb->print_start != NULL)
        serve->verb->print_start(&facts, out);
}

static void log_interpreter(void)
{
    struct gw_interpreter lua;
    struct gw_err err;

    if (gw_interpreter_check(&lua, &err) != GW_OK)
        return; /* nothing would have started */
    if (lua.is_old)
        gw_log(GW_LOG_WARN, "lua", "Lua %s %s", lua.release, gw_interpreter_warning);
    else
        gw_log(GW_LOG_INFO, "lua", "Lua %s", lua.release);
}

static void say_start(const struct serve *serve)
{
    struct gw_serve_facts facts = facts_of(serve);

    if (serve->status != NULL)
        gw_log(GW_LOG_INFO, "serve", "status on %s", serve->status->url);
    gw_log(GW_LOG_INFO, "serve", "%zu workers", serve->worker_count);
    gw_storage_log(&serve->storage, serve->config);
    gw_cli_upstream_log(serve->config);
    log_interpreter();
    if (serve->verb->log_start != NULL)
        serve->verb->log_start(&facts);
}

static void reload(struct serve *serve)
{
    bool admin_waits = atomic_exchange(&serve->admin_waits, false);
    struct gw_buf problems;

    gw_buf_init(&problems, (size_t)64 << 10);
    enum gw_status status = gw_reload_all(serve->reload, &problems); /* logs what is wrong itself */
    if (admin_waits)
        gw_admin_reloaded(serve->admin, status, gw_buf_str(&problems));
    gw_buf_fini(&problems);
}

/* What a signal asks for; false to end. */
static bool take_signal(struct serve *serve, int number)
{
    switch (number) {
    case SIGHUP:
        reload(serve);
        return true;
    case SIGUSR1:
        gw_commit_reopen(gw_gateway_commit(serve->gateway));
        return true;
    default:
        gw_log(GW_LOG_INFO, "serve", "draining");
        return false;
    }
}

/* A second SIGTERM cuts a drain short. Asking the admin listener twice is no such wish. */
static bool is_repeated(const struct serve *serve, const struct signalfd_siginfo *info)
{
    return info->ssi_code == SI_QUEUE && info->ssi_pid == (uint32_t)getpid() && !atomic_load(&serve->ready);
}

/* Waits for a signal, at most `ms`, and does what it asks for; `*ends` is set when it asks to end. False: none came. */
static bool take_next_signal(struct serve *serve, int fd, int ms, bool *ends)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    struct signalfd_siginfo info;

    if (poll(&poll_fd, 1, ms) == 0)
        return false;
    if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) && !is_repeated(serve, &info) &&
        !take_signal(serve, (int)info.ssi_signo))
        *ends = true;
    return true;
}

/* Until SIGTERM or SIGINT. */
static void wait_for_signals(struct serve *serve, int fd)
{
    bool ends = false;

    while (!ends) {
        if (take_next_signal(serve, fd, GW_SERVE_TICK_MS, &ends))
            continue;
        gw_reload_files_if_changed(serve->reload);
        gw_epoch_reclaim(serve->epoch);
        gw_reload_tidy(serve->reload);
    }
}

/* Nobody is left waiting in a queue that no one takes from: whoever comes later is refused by the kernel. */
static void close_listeners(struct serve *serve, int64_t deadline)
{
    for (size_t i = 0; i < serve->worker_count; i++) {
        while (!gw_worker_accepts_no_more(serve->workers[i].worker) &&
               gw_clock_monotonic_ms(gw_clock_system()) < deadline)
            (void)poll(NULL, 0, 1);
    }
    for (size_t i = 0; i < serve->listener_count; i++)
        gw_listener_close(&serve->listeners[i]);
}

/* Ends the loops: workers when their connections are through, or at the deadline, or at a second signal to end. */
static void drain(struct serve *serve, int signal_fd)
{
    int64_t deadline = gw_clock_monotonic_ms(gw_clock_system()) + (int64_t)serve->config->drain_timeout_ms;
    bool ends = false;

    atomic_store(&serve->ready, false);
    for (size_t i = 0; i < serve->worker_count; i++)
        gw_worker_drain(serve->workers[i].worker);
    close_listeners(serve, deadline);
    for (size_t i = 0; i < serve->worker_count; i++) {
        while (pthread_tryjoin_np(serve->workers[i].thread, NULL) != 0) {
            (void)take_next_signal(serve, signal_fd, GW_SERVE_DRAIN_MS, &ends);
            if (ends || gw_clock_monotonic_ms(gw_clock_system()) >= deadline) {
                gw_log(GW_LOG_WARN, "serve", "worker %zu is ended with requests under way", i);
                gw_loop_stop(serve->workers[i].loop);
                (void)pthread_join(serve->workers[i].thread, NULL);
                break;
            }
        }
        serve->workers[i].started = false;
    }
}

static void close_all(struct serve *serve)
{
    if (serve->admin_started) {
        gw_loop_stop(serve->admin_loop);
        (void)pthread_join(serve->admin_thread, NULL);
    }
    gw_admin_free(&serve->admin);
    gw_loop_free(&serve->admin_loop);
    for (size_t i = 0; serve->workers != NULL && i < serve->worker_count; i++)
        gw_worker_free(&serve->workers[i].worker);
    gw_reload_free(&serve->reload);
    gw_gateway_free(&serve->gateway);
    gw_cli_upstream_close(&serve->upstream);
    for (size_t i = 0; serve->workers != NULL && i < serve->worker_count; i++)
        gw_loop_free(&serve->workers[i].loop);
    gw_certificates_free(&serve->certificates);
    gw_storage_close(&serve->storage);
    if (serve->admin_reader != NULL)
        gw_epoch_unregister(serve->admin_reader);
    gw_epoch_free(&serve->epoch);
    for (size_t i = 0; i < serve->listener_count; i++)
        gw_listener_close(&serve->listeners[i]);
    if (serve->status != NULL)
        gw_listener_close(serve->status);
    if (serve->admin_listener != NULL)
        gw_listener_close(serve->admin_listener);
    free(serve->listeners);
    free(serve->status);
    free(serve->admin_listener);
    free(serve->workers);
}

static enum gw_status open_all(struct serve *serve, struct gw_err *err)
{
    enum gw_status status = open_listeners(serve, err);

    if (status == GW_OK) {
        serve->epoch = gw_epoch_new();
        status = gw_storage_open(&serve->storage, serve->config, &serve->verb->layers, serve->epoch, err);
    }
    if (status == GW_OK)
        status = open_gateway(serve, err);
    if (status == GW_OK)
        status = open_workers(serve, err);
    if (status == GW_OK)
        status = open_admin(serve, err);
    return status;
}

/* Configuration and everything it names; every problem is printed. */
static enum gw_status load(struct serve *serve, const struct gw_args_config *given)
{
    struct gw_config_problems problems;
    enum gw_log_level level;
    enum gw_status status = gw_args_load(given, &serve->config);

    if (status != GW_OK)
        return status;
    gw_config_problems_init(&problems);
    gw_config_check(serve->config, &problems);
    if (problems.count > 0) {
        (void)fwrite(problems.text.at, 1, problems.text.length, stderr);
        status = GW_E_SYNTAX;
    }
    gw_config_problems_fini(&problems);
    if (status == GW_OK && gw_log_level_parse(serve->config->log_level, &level) == GW_OK)
        gw_log_set_level(level);
    return status;
}

static int run(struct serve *serve)
{
    struct gw_err err = {""};
    int exit_code = GW_EXIT_FAILED;
    int signal_fd;

    (void)umask(077);
    raise_descriptor_limit();
    signal_fd = block_signals();
    serve->worker_count = count_workers(serve->config);
    serve->started_s = gw_clock_wall_ms(gw_clock_system()) / 1000;
    if (open_all(serve, &err) != GW_OK) {
        (void)fprintf(stderr, "eksgate: %s\n", err.text);
    } else {
        gw_cli_upstream_wait(&serve->upstream);
        start_threads(serve);
        atomic_store(&serve->ready, true);
        say_start(serve);
        print_ready(serve);
        wait_for_signals(serve, signal_fd);
        drain(serve, signal_fd);
        exit_code = GW_EXIT_DONE;
    }
    close_all(serve);
    (void)close(signal_fd);
    return exit_code;
}

int gw_serve_run(const struct gw_args_config *given, const struct gw_serve_verb *verb)
{
    struct serve serve = {.verb = verb, .source = gw_args_source(given)};
    int code = load(&serve, given) == GW_OK ? run(&serve) : GW_EXIT_FAILED;

    gw_config_free(&serve.config);
    return code;
}

int gw_cli_serve(int argc, char **argv)
{
    static const struct gw_serve_verb kind = {.log_start = NULL};
    struct gw_args_config given = {0};
    const struct gw_args_option options[] = {GW_ARGS_CONFIG(given)};
    const struct gw_args_verb verb = {.name = "serve",
                                      .summary =
                                          "Runs the gateway until SIGTERM or SIGINT. SIGHUP reloads, SIGUSR1 reopens "
                                          "the audit file.",
                                      .options = options,
                                      .option_count = GW_COUNT(options)};
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code == GW_ARGS_GO)
        code = gw_serve_run(&given, &kind);
    gw_args_config_fini(&given);
    return code;
}
