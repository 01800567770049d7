/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server alone: one thread, one fixed reply of the size and shape of a
 * DescribeAccessEntry answer. `http_bench_server [ADDRESS]` prints "ready URL" and
 * serves until SIGTERM; then it prints the requests answered and the processor
 * time taken. It measures what the server costs before anything of the gateway runs.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>

#include "net/listener.h"
#include "net/server.h"

static const char head[] = "HTTP/1.1 200 OK\r\n"
                           "Date: Sun, 22 Nov 2026 16:00:00 GMT\r\n"
                           "Content-Type: application/json\r\n"
                           "Content-Length: 424\r\n"
                           "x-amzn-RequestId: 8f7d4b1e-5a1c-4c8e-9f59-0b6f7a2f1c11\r\n"
                           "Access-Control-Allow-Origin: *\r\n"
                           "Access-Control-Allow-Headers: *,Authorization,Date,X-Amz-Date,X-Amz-Security-Token\r\n"
                           "Access-Control-Allow-Methods: GET,HEAD,PUT,POST,DELETE,OPTIONS\r\n"
                           "Access-Control-Expose-Headers: x-amzn-errortype,x-amzn-requestid,x-amzn-trace-id\r\n"
                           "x-amz-apigw-id: Zx0aVHdmPHcFcUA=\r\n"
                           "X-Amzn-Trace-Id: Root=1-6741a4c0-3f1b2c4d5e6f708192a3b4c5\r\n";

static char body[424];
static struct gw_loop *loop;

static enum gw_status on_head(void *ctx, struct gw_conn *conn)
{
    (void)ctx;
    (void)conn;
    return GW_OK;
}

static void answer(struct gw_conn *conn)
{
    gw_conn_reply(conn, &(struct gw_reply){.head = GW_STR(head), .body = {body, sizeof(body)}});
}

static void on_request(void *ctx, struct gw_conn *conn)
{
    (void)ctx;
    answer(conn);
}

static void on_refused(void *ctx, struct gw_conn *conn, const struct gw_http1_error *error)
{
    (void)ctx;
    (void)error;
    answer(conn);
}

static void on_done(void *ctx, struct gw_conn *conn)
{
    (void)ctx;
    (void)conn;
}

static void on_signal(int number)
{
    (void)number;
    /* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): gw_loop_stop promises to be signal-safe */
    gw_loop_stop(loop);
}

static void report(const struct gw_server *server)
{
    struct rusage usage;
    uint64_t requests = atomic_load(&gw_server_counters_get(server)->requests);
    double microseconds;

    (void)getrusage(RUSAGE_SELF, &usage);
    microseconds = (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec +
                   (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
    printf("%llu requests, %.2f us of processor time each\n", (unsigned long long)requests,
           requests > 0 ? microseconds / (double)requests : 0);
}

int main(int argc, char **argv)
{
    static const struct gw_server_options options = {
        .limits = {.head_bytes = 16384, .headers = 64, .body_bytes = 1048576},
        .connections_max = 10000,
        .head_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .reply_timeout_ms = 10000,
        .idle_timeout_ms = 60000,
    };
    const struct gw_server_handler handler = {NULL, on_head, on_request, on_refused, on_done, NULL, NULL};
    struct gw_listener listener;
    struct gw_server *server;
    struct gw_err err;

    memset(body, ' ', sizeof(body));
    body[0] = '{';
    body[sizeof(body) - 1] = '}';
    loop = gw_loop_new(gw_clock_system());
    if (gw_listener_open(&listener, gw_str_from(argc > 1 ? argv[1] : "127.0.0.1:0"), 1, 0600, &err) != GW_OK) {
        (void)fprintf(stderr, "http_bench_server: %s\n", err.text);
        return 1;
    }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    server = gw_server_new(loop, &options, &handler);
    gw_server_listen(server, listener.fds[0], listener.is_unix);
    printf("ready %s\n", listener.url);
    (void)fflush(stdout);
    gw_loop_run(loop);
    report(server);
    gw_server_free(&server);
    gw_listener_close(&listener);
    gw_loop_free(&loop);
    return 0;
}
