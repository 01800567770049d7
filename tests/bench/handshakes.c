/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full TLS 1.3 handshakes over loopback, for tests/bench/run: some connections at a
 * time, each shaken, closed in order (close_notify, the server's end awaited) and
 * opened anew; no session is resumed. Prints one line of JSON like loadgen's: a
 * request is a handshake, its latency from connect to its end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu.h"
#include "session.h"

#define CONNECTIONS 8
#define SLOTS       1000000 /* of one microsecond */
#define PIDS_MAX    16

struct connection {
    int fd;
    SSL *ssl;
    bool shaken;
    uint64_t began_ns;
};

struct run {
    int port;
    double seconds;
    long pids[PIDS_MAX];
    size_t pid_count;
    int epoll;
    bool measuring;
    uint64_t done;
    uint32_t slots[SLOTS];
    struct connection connections[CONNECTIONS];
};

static void die(const char *what)
{
    (void)fprintf(stderr, "handshakes: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void begin(struct run *run, struct connection *connection)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)run->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    int on = 1;

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->began_ns = monotonic_ns();
    connection->shaken = false;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&where, sizeof(where)) != 0 ||
        fcntl(connection->fd, F_SETFL, O_NONBLOCK) != 0)
        die("connect");
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->ssl = session_new(connection->fd);
    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        die("epoll_ctl");
    (void)SSL_do_handshake(connection->ssl); /* the hello goes out */
}

static void shake(struct run *run, struct connection *connection)
{
    int result = SSL_do_handshake(connection->ssl);
    uint64_t took;

    if (result != 1) {
        if (SSL_get_error(connection->ssl, result) != SSL_ERROR_WANT_READ)
            die("a handshake failed");
        return;
    }
    if (SSL_session_reused(connection->ssl) == 1)
        die("a session was resumed");
    connection->shaken = true;
    took = (monotonic_ns() - connection->began_ns) / 1000;
    if (run->measuring) {
        run->done++;
        run->slots[took < SLOTS ? took : SLOTS - 1]++;
    }
    (void)SSL_shutdown(connection->ssl);
    (void)shutdown(connection->fd, SHUT_WR);
}

/* Until the server has closed; then the next one. */
static void see_off(struct run *run, struct connection *connection)
{
    char bytes[16384];
    ssize_t got = recv(connection->fd, bytes, sizeof(bytes), 0);

    if (got > 0 || (got < 0 && errno == EAGAIN))
        return;
    SSL_free(connection->ssl);
    (void)close(connection->fd);
    begin(run, connection);
}

static void drive_until(struct run *run, uint64_t end_ns)
{
    struct epoll_event events[CONNECTIONS];

    while (monotonic_ns() < end_ns) {
        int ready = epoll_wait(run->epoll, events, CONNECTIONS, 5000);

        if (ready == 0)
            die("nothing happened for 5 seconds");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;

            (connection->shaken ? see_off : shake)(run, connection);
        }
    }
}

static size_t percentile(const struct run *run, double share)
{
    uint64_t wanted = (uint64_t)((double)run->done * share);
    uint64_t seen = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        seen += run->slots[i];
        if (seen > wanted)
            return i;
    }
    return SLOTS;
}

/* handshakes PORT SECONDS CPU PID... */
int main(int argc, char **argv)
{
    static struct run run;
    uint64_t began;
    uint64_t cpu;
    uint64_t took;

    if (argc < 4 || argc > 4 + PIDS_MAX) {
        (void)fputs("usage: handshakes PORT SECONDS CPU PID...\n", stderr);
        return 2;
    }
    run.port = (int)strtol(argv[1], NULL, 10);
    run.seconds = strtod(argv[2], NULL);
    stay_on((int)strtol(argv[3], NULL, 10));
    for (int i = 4; i < argc; i++)
        run.pids[run.pid_count++] = strtol(argv[i], NULL, 10);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < CONNECTIONS; i++)
        begin(&run, &run.connections[i]);
    drive_until(&run, monotonic_ns() + 500000000U);
    run.measuring = true;
    cpu = cpu_ns_of(run.pids, run.pid_count);
    began = monotonic_ns();
    drive_until(&run, began + (uint64_t)(run.seconds * 1e9));
    took = monotonic_ns() - began;
    cpu = cpu_ns_of(run.pids, run.pid_count) - cpu;
    (void)printf("{\"requests\": %" PRIu64 ", \"seconds\": %.3f, \"p50_us\": %zu, \"p99_us\": %zu, "
                 "\"cpu_ns_per_request\": %.1f}\n",
                 run.done, (double)took / 1e9, percentile(&run, 0.5), percentile(&run, 0.99),
                 run.done == 0 ? 0.0 : (double)cpu / (double)run.done);
    return run.done > 0 ? 0 : 1;
}
