/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load over loopback, for tests/bench/run: on one thread, one or more lanes of
 * connections, each with requests of its kind. A lane without a rate sends a
 * connection's next request when the reply to its last one is there. One with a
 * rate sends at evenly spaced times, on whichever of its connections is free; its
 * latency counts from the time when a request was due, so that those that a slow
 * reply held back are slow as well. Requests are signed beforehand (requests.c);
 * creates are used once each, others again and again.
 *
 * It also looks for stalls of the machine: times in which it was late by more than
 * half a millisecond, though it has a CPU of its own and does nothing that takes so
 * long. What a server does meanwhile can't be told from them, so that requests under
 * way during a stall are counted both with all others and apart.
 *
 * Prints one line of JSON: of the first lane requests, errors (any reply but 200),
 * seconds, and the latency p50, p99, p999 and longest in microseconds, the p99 of
 * those without a stall (quiet_p99_us) and how many had one (stalled); stalls and
 * their whole length; the CPU time
 * per request of all lanes that the processes named by --pid spent meanwhile
 * (schedstat of their threads, nanoseconds); the same of the other lanes as "lanes".
 * --show keeps the bytes of one reply. It only ever connects to 127.0.0.1 and ends
 * by itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cpu.h"
#include "options.h"
#include "session.h"

#define REPLY_MAX 65536
#define SLOTS     1000000 /* of one microsecond */
#define SILENT_NS 5000000000U
#define LATE_NS   500000U

struct lane;

struct connection {
    struct lane *lane;
    struct connection *next_free; /* of a lane with a rate */
    int fd;
    SSL *ssl; /* NULL: no TLS */
    uint64_t due_ns;
    size_t have;
    char reply[REPLY_MAX];
};

struct lane {
    const struct lane_options *options;
    struct requests requests;
    struct connection *connections;
    struct connection *free; /* of a lane with a rate: those without a request under way */
    size_t next;
    uint64_t began_ns; /* of a lane with a rate: when its first request is due */
    uint64_t sent;
    uint64_t measured;
    uint64_t errors;
    uint64_t longest_us;
    uint64_t stalled;
    uint32_t slots[SLOTS];
    uint32_t quiet_slots[SLOTS]; /* of requests without a stall */
};

/* What is known of the machine's stalls. */
struct stalls {
    uint64_t seen_ns;  /* when the clock was looked at last */
    uint64_t began_ns; /* the last one */
    uint64_t ended_ns;
    uint64_t count; /* while measuring */
    uint64_t sum_ns;
};

struct run {
    const struct options *options;
    struct lane *lanes;
    size_t under_way;
    int epoll;
    bool measuring;
    bool exhausted;
    uint64_t began_ns;
    uint64_t ended_ns;
    uint64_t replied_ns; /* when the last reply came */
    uint64_t cpu_began_ns;
    uint64_t cpu_ended_ns;
    struct stalls stalls;
    char first_error[512];
};

static void die(const char *what)
{
    (void)fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_to(int port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0)
        die("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static ssize_t transmit(struct connection *connection, const char *bytes, size_t length)
{
    size_t sent = 0;

    if (connection->ssl == NULL)
        return send(connection->fd, bytes, length, MSG_NOSIGNAL);
    return SSL_write_ex(connection->ssl, bytes, length, &sent) == 1 ? (ssize_t)sent : -1;
}

static ssize_t receive(struct connection *connection, char *bytes, size_t room)
{
    if (connection->ssl == NULL)
        return recv(connection->fd, bytes, room, MSG_DONTWAIT);
    return session_receive(connection->ssl, bytes, room);
}

/* Sends the lane's next request, which was due at `due_ns`; false when none is left. */
static bool send_next(struct run *run, struct connection *connection, uint64_t due_ns)
{
    struct lane *lane = connection->lane;
    const struct requests *requests = &lane->requests;
    size_t i;
    size_t length;

    if (lane->next >= requests->count) {
        if (lane->options->request.kind == REQUEST_CREATE) {
            run->exhausted = true;
            return false;
        }
        lane->next = 0;
    }
    i = lane->next++;
    length = requests->starts[i + 1] - requests->starts[i];
    connection->have = 0;
    connection->due_ns = due_ns;
    if (transmit(connection, requests->bytes + requests->starts[i], length) != (ssize_t)length)
        die("send");
    run->under_way++;
    return true;
}

static uint64_t due_ns(const struct lane *lane)
{
    return lane->began_ns + (uint64_t)((double)lane->sent * 1e9 / lane->options->rate);
}

/* Sends what is due on the connections that are free; gives when the next one is, UINT64_MAX: not known yet. */
static uint64_t send_due(struct run *run, struct lane *lane)
{
    while (lane->free != NULL) {
        struct connection *connection = lane->free;
        uint64_t due = due_ns(lane);

        if (due > monotonic_ns())
            return due;
        if (!send_next(run, connection, due))
            break;
        lane->free = connection->next_free;
        lane->sent++;
    }
    return UINT64_MAX;
}

/* Bytes of the whole reply, 0 while its head isn't complete. */
static size_t reply_length(struct connection *connection)
{
    char *end;
    char *field;

    connection->reply[connection->have] = '\0';
    end = strstr(connection->reply, "\r\n\r\n");
    if (end == NULL)
        return 0;
    field = strcasestr(connection->reply, "\r\ncontent-length:");
    if (field == NULL || field > end) {
        (void)fprintf(stderr, "loadgen: a reply without Content-Length: %s\n", connection->reply);
        exit(1);
    }
    return (size_t)(end + 4 - connection->reply) + strtoul(field + 17, NULL, 10);
}

/* Looks at the clock; `until_ns` is when it was to be looked at again at the latest, 0: at once. */
static uint64_t look(struct run *run, uint64_t until_ns)
{
    struct stalls *stalls = &run->stalls;
    uint64_t now = monotonic_ns();
    uint64_t from = until_ns > stalls->seen_ns ? until_ns : stalls->seen_ns;

    if (now > from && now - from > LATE_NS) {
        stalls->began_ns = from;
        stalls->ended_ns = now;
        stalls->count += run->measuring;
        stalls->sum_ns += run->measuring ? now - from : 0;
    }
    stalls->seen_ns = now;
    return now;
}

static bool met_stall(const struct run *run, const struct connection *connection)
{
    return connection->due_ns < run->stalls.ended_ns && run->replied_ns > run->stalls.began_ns;
}

static void count_reply(struct run *run, const struct connection *connection)
{
    struct lane *lane = connection->lane;
    uint64_t took = (run->replied_ns - connection->due_ns) / 1000;

    if (strncmp(connection->reply, "HTTP/1.1 200 ", 13) != 0) {
        lane->errors++;
        if (run->first_error[0] == '\0')
            (void)snprintf(run->first_error, sizeof(run->first_error), "%.500s", connection->reply);
    }
    if (!run->measuring)
        return;
    lane->measured++;
    lane->slots[took < SLOTS ? took : SLOTS - 1]++;
    if (met_stall(run, connection))
        lane->stalled++;
    else
        lane->quiet_slots[took < SLOTS ? took : SLOTS - 1]++;
    lane->longest_us = took > lane->longest_us ? took : lane->longest_us;
}

/* Reads what is there, also what is inside the session alone; true when a reply is complete. */
static bool read_reply(struct run *run, struct connection *connection)
{
    size_t length = 0;

    do {
        ssize_t got = receive(connection, connection->reply + connection->have, REPLY_MAX - 1 - connection->have);

        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (got <= 0)
            die("recv");
        connection->have += (size_t)got;
        length = reply_length(connection);
    } while (connection->ssl != NULL && (length == 0 || connection->have < length));
    if (length == 0 || connection->have < length)
        return false;
    run->under_way--;
    run->replied_ns = look(run, 0);
    count_reply(run, connection);
    return true;
}

static void begin_measuring(struct run *run)
{
    run->measuring = true;
    run->cpu_began_ns = cpu_ns_of(run->options->pids, run->options->pid_count);
    run->began_ns = monotonic_ns();
}

static bool is_over(const struct run *run)
{
    const struct options *options = run->options;

    if (!run->measuring)
        return false;
    if (options->count > 0)
        return run->lanes[0].measured >= options->count;
    return (double)(monotonic_ns() - run->began_ns) >= options->seconds * 1e9;
}

/* Waits for replies, until `until_ns` at most. */
static int wait_for_replies(struct run *run, struct epoll_event *events, int max, uint64_t until_ns)
{
    uint64_t now = look(run, 0);
    uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
    struct timespec timeout;
    int ready;

    if (wait_ns > SILENT_NS)
        wait_ns = SILENT_NS;
    timeout = (struct timespec){.tv_sec = (time_t)(wait_ns / 1000000000U), .tv_nsec = (long)(wait_ns % 1000000000U)};
    ready = epoll_pwait2(run->epoll, events, max, &timeout, NULL);
    if (ready < 0 && errno != EINTR)
        die("epoll_pwait2");
    (void)look(run, until_ns);
    if (ready == 0 && run->under_way > 0 && monotonic_ns() - run->replied_ns >= SILENT_NS) {
        (void)fprintf(stderr, "loadgen: no reply for 5 seconds\n");
        exit(1);
    }
    return ready;
}

/* The reply is there: what the connection does next. */
static void go_on(struct run *run, struct connection *connection)
{
    struct lane *lane = connection->lane;

    if (lane->options->rate > 0) {
        connection->next_free = lane->free;
        lane->free = connection;
    } else {
        (void)send_next(run, connection, monotonic_ns());
    }
}

/* One turn: requests that are due, replies that came, and the requests that follow them. */
static void turn(struct run *run, bool goes_on)
{
    struct epoll_event events[256];
    uint64_t until_ns = UINT64_MAX;
    int ready;

    for (size_t i = 0; goes_on && i < run->options->lane_count; i++) {
        uint64_t due = run->lanes[i].options->rate > 0 ? send_due(run, &run->lanes[i]) : UINT64_MAX;

        until_ns = due < until_ns ? due : until_ns;
    }
    if (run->exhausted && goes_on)
        return;
    ready = wait_for_replies(run, events, 256, until_ns);
    for (int i = 0; i < ready; i++) {
        struct connection *connection = events[i].data.ptr;

        if (read_reply(run, connection) && goes_on)
            go_on(run, connection);
    }
}

static void open_connections(struct run *run, struct lane *lane)
{
    lane->connections = calloc(lane->options->connections, sizeof(*lane->connections));
    if (lane->connections == NULL)
        abort();
    for (size_t i = 0; i < lane->options->connections; i++) {
        struct connection *connection = &lane->connections[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

        connection->lane = lane;
        connection->fd = connect_to(run->options->port);
        connection->ssl = run->options->tls ? session_open(connection->fd) : NULL;
        if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
            die("epoll_ctl");
    }
}

static void show(const char *path, const struct connection *connection)
{
    FILE *file = fopen(path, "we");

    if (file == NULL || fwrite(connection->reply, 1, connection->have, file) != connection->have || fclose(file) != 0)
        die(path);
}

static void begin(struct run *run)
{
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < run->options->lane_count; i++)
        open_connections(run, &run->lanes[i]);
    run->replied_ns = run->stalls.seen_ns = monotonic_ns();
    for (size_t i = 0; i < run->options->lane_count; i++) {
        struct lane *lane = &run->lanes[i];

        lane->began_ns = monotonic_ns();
        for (size_t j = 0; j < lane->options->connections; j++)
            go_on(run, &lane->connections[j]);
    }
}

static void end(struct run *run)
{
    for (size_t i = 0; i < run->options->lane_count; i++) {
        struct lane *lane = &run->lanes[i];

        for (size_t j = 0; j < lane->options->connections; j++) {
            SSL_free(lane->connections[j].ssl);
            (void)close(lane->connections[j].fd);
        }
        free(lane->connections);
    }
}

static void drive(struct run *run)
{
    uint64_t warm_ns = monotonic_ns() + (uint64_t)(run->options->warmup_s * 1e9);

    begin(run);
    while (!run->exhausted && !is_over(run)) {
        if (!run->measuring && monotonic_ns() >= warm_ns)
            begin_measuring(run);
        turn(run, true);
    }
    run->ended_ns = monotonic_ns();
    run->cpu_ended_ns = cpu_ns_of(run->options->pids, run->options->pid_count);
    run->measuring = false;
    while (run->under_way > 0)
        turn(run, false);
    if (run->options->show != NULL)
        show(run->options->show, &run->lanes[0].connections[0]);
    end(run);
}

static size_t percentile(const uint32_t *slots, uint64_t count, double share)
{
    uint64_t wanted = (uint64_t)((double)count * share);
    uint64_t seen = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        seen += slots[i];
        if (seen > wanted)
            return i;
    }
    return SLOTS;
}

static void report_lane(const struct run *run, const struct lane *lane)
{
    (void)printf("\"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"seconds\": %.3f, \"p50_us\": %zu, "
                 "\"p99_us\": %zu, \"p999_us\": %zu, \"longest_us\": %" PRIu64
                 ", \"quiet_p99_us\": %zu, \"stalled\": %" PRIu64,
                 lane->measured, lane->errors, (double)(run->ended_ns - run->began_ns) / 1e9,
                 percentile(lane->slots, lane->measured, 0.5), percentile(lane->slots, lane->measured, 0.99),
                 percentile(lane->slots, lane->measured, 0.999), lane->longest_us,
                 percentile(lane->quiet_slots, lane->measured - lane->stalled, 0.99), lane->stalled);
}

/* True when every reply was a 200. */
static bool report(const struct run *run)
{
    uint64_t cpu = run->cpu_ended_ns - run->cpu_began_ns;
    uint64_t measured = 0;
    uint64_t errors = 0;

    for (size_t i = 0; i < run->options->lane_count; i++) {
        measured += run->lanes[i].measured;
        errors += run->lanes[i].errors;
    }
    (void)printf("{");
    report_lane(run, &run->lanes[0]);
    (void)printf(", \"stalls\": %" PRIu64 ", \"stalled_ms\": %.1f", run->stalls.count,
                 (double)run->stalls.sum_ns / 1e6);
    (void)printf(", \"exhausted\": %s, \"cpu_ns_per_request\": %.1f, \"lanes\": [", run->exhausted ? "true" : "false",
                 measured == 0 ? 0.0 : (double)cpu / (double)measured);
    for (size_t i = 1; i < run->options->lane_count; i++) {
        (void)printf("%s{", i > 1 ? ", " : "");
        report_lane(run, &run->lanes[i]);
        (void)printf("}");
    }
    (void)printf("]}\n");
    if (errors > 0)
        (void)fprintf(stderr, "loadgen: the first reply that was no 200: %s\n", run->first_error);
    return errors == 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct run run = {.options = &options};
    char host[32];
    bool good;

    options_parse(argc, argv, &options);
    (void)snprintf(host, sizeof(host), "127.0.0.1:%d", options.port);
    stay_on(options.cpu);
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* nanoseconds that a wait may be too long */
    run.lanes = calloc(options.lane_count, sizeof(*run.lanes));
    if (run.lanes == NULL)
        abort();
    for (size_t i = 0; i < options.lane_count; i++) {
        options.lanes[i].request.host = host;
        run.lanes[i].options = &options.lanes[i];
        requests_sign(&options.lanes[i].request, &run.lanes[i].requests);
    }
    drive(&run);
    good = report(&run);
    for (size_t i = 0; i < options.lane_count; i++)
        requests_free(&run.lanes[i].requests);
    free(run.lanes);
    return good ? 0 : 1;
}
