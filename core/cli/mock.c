/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate mock: a gateway for tests that needs no file, lets everybody in, makes
 * clusters when they are mentioned, and says so.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/serve.h"
#include "codec/time.h"
#include "gateway/admin.h"

static bool has_own_keys(const struct gw_config *config)
{
    return config->keys == NULL && config->keys_file.at == NULL;
}

/* http://0.0.0.0:8080 is no address to connect to. */
static void print_endpoint(const char *url, FILE *out)
{
    static const struct {
        const char *any;
        const char *one;
    } hosts[] = {{"http://0.0.0.0:", "http://127.0.0.1:"},
                 {"http://[::]:", "http://[::1]:"},
                 {"https://0.0.0.0:", "https://127.0.0.1:"},
                 {"https://[::]:", "https://[::1]:"}};

    for (size_t i = 0; i < GW_COUNT(hosts); i++) {
        if (gw_str_starts(gw_str_from(url), gw_str_from(hosts[i].any))) {
            (void)fprintf(out, "export AWS_ENDPOINT_URL=%s%s\n", hosts[i].one, url + strlen(hosts[i].any));
            return;
        }
    }
    (void)fprintf(out, "export AWS_ENDPOINT_URL=%s\n", url);
}

static void print_exports(const struct gw_serve_facts *facts, FILE *out)
{
    const struct gw_config *config = facts->config;
    size_t at = 0;

    while (at < facts->listener_count && facts->listeners[at].is_unix)
        at++;
    if (at < facts->listener_count)
        print_endpoint(facts->listeners[at].url, out);
    if (has_own_keys(config))
        (void)fputs("export AWS_ACCESS_KEY_ID=test\nexport AWS_SECRET_ACCESS_KEY=test\n", out);
    (void)fprintf(out, "export AWS_REGION=%.*s\nexport AWS_DEFAULT_REGION=%.*s\n", GW_STR_ARG(config->regions[0]),
                  GW_STR_ARG(config->regions[0]));
    (void)fflush(out);
}

static enum gw_status load_mock(const struct gw_config *config, struct gw_mock_options *mock, struct gw_buf *texts,
                                struct gw_err *err)
{
    enum gw_status status;

    if (config->faults_file.at == NULL)
        return GW_OK;
    status = gw_config_faults(config, texts, err);
    if (status == GW_OK)
        mock->faults = gw_buf_str(texts);
    return status;
}

static enum gw_status begin_mock(const struct gw_config *config, struct gw_gateway *gateway, struct gw_err *err)
{
    const char *path = config->seed_file.at;
    struct gw_err why = {""};
    struct gw_buf text;
    enum gw_status status;

    if (path == NULL)
        return gw_gateway_begin_mock(gateway, GW_STR_NONE, err);
    gw_buf_init(&text, GW_ADMIN_MOCK_MAX);
    status = gw_file_read(path, &text, &why);
    if (status != GW_OK)
        (void)gw_fail(err, status, "seed: %s", why.text);
    else if ((status = gw_gateway_begin_mock(gateway, gw_buf_str(&text), &why)) != GW_OK)
        (void)gw_fail(err, status, "seed: %s: %s", path, why.text);
    gw_buf_fini(&text);
    return status;
}

static void log_clock_and_ids(const struct gw_mock_options *mock)
{
    char text[GW_TIME_ISO_SIZE];

    if (mock->clock.frozen) {
        gw_time_iso(mock->clock.ms, text);
        gw_log(GW_LOG_WARN, "mock", "the clock of createdAt and modifiedAt stands at %s", text);
    }
    if (mock->ids.seeded)
        gw_log(GW_LOG_WARN, "mock", "ids are derived from the number %llu and repeat from run to run",
               (unsigned long long)mock->ids.seed);
}

static void log_fakes(const struct gw_serve_facts *facts)
{
    const struct gw_config *config = facts->config;

    if (has_own_keys(config))
        gw_log(GW_LOG_WARN, "mock",
               "everybody knows the keys: test, testing, AKIDEXAMPLE, and each account's number with the secret test");
    for (size_t i = 0; i < facts->listener_count; i++) {
        if (!facts->listeners[i].is_loopback)
            gw_log(GW_LOG_WARN, "mock", "%s can be reached from outside", facts->listeners[i].url);
    }
    if (config->mode == GW_GATEWAY_STANDALONE)
        gw_log(GW_LOG_INFO, "mock", "clusters are made when they are first mentioned");
    if (config->seed_file.at != NULL)
        gw_log(GW_LOG_INFO, "mock", "the state is that of %s", config->seed_file.at);
    log_clock_and_ids(&config->mock);
    if (config->faults_file.at != NULL)
        gw_log(GW_LOG_WARN, "mock", "requests are met by the faults of %s", config->faults_file.at);
    if (config->audit_file.at != NULL && !config->audit_durable)
        gw_log(GW_LOG_WARN, "mock", "audit records are not durable: the last may be lost with the machine");
}

int gw_cli_mock(int argc, char **argv)
{
    static const struct gw_serve_verb kind = {
        .load_mock = load_mock, .begin_mock = begin_mock, .log_start = log_fakes, .print_start = print_exports};
    struct gw_args_config given = {.is_mock = true};
    const struct gw_args_option options[] = {GW_ARGS_CONFIG_FILE(given, "a configuration; else there is none")};
    const struct gw_args_verb verb = {
        .name = "mock",
        .summary =
            "Runs a throw-away access-entry service for tests until SIGTERM or SIGINT, and prints what an AWS\n"
            "client needs in its environment. It needs no file; everybody knows its keys (test, with the secret\n"
            "test), and it makes clusters when they are first mentioned.",
        .options = options,
        .option_count = GW_COUNT(options)};
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code == GW_ARGS_GO && given.file == NULL && getenv("EKSGATE_CONFIG") != NULL)
        gw_log(GW_LOG_WARN, "mock", "EKSGATE_CONFIG is not read: a mock has a file only where -c names one");
    if (code == GW_ARGS_GO)
        code = gw_serve_run(&given, &kind);
    gw_args_config_fini(&given);
    return code;
}
