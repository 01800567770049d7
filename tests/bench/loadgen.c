/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load over loopback, for tests/bench/run: N connections on one thread, each sends
 * its next request when the reply to the last one is there. Requests are signed
 * beforehand (requests.c); creates are used once each, describes again and again.
 * Prints one line of JSON: requests, errors (any reply but 200), seconds, latency
 * p50 and p99 in microseconds, and the CPU time that the processes named by --pid
 * spent meanwhile (schedstat of their threads, nanoseconds). --show keeps the bytes
 * of one reply. It only ever connects to 127.0.0.1 and ends by itself.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "requests.h"

#define CONNECTIONS_MAX 1024
#define PIDS_MAX        16
#define REPLY_MAX       65536
#define SLOTS           1000000 /* of one microsecond */
#define STALL_MS        5000

struct connection {
    int fd;
    uint64_t sent_ns;
    size_t have;
    char reply[REPLY_MAX];
};

struct options {
    struct request_options request;
    int port;
    size_t connections;
    double warmup_s;
    double seconds;
    size_t count; /* replies to measure; 0: as many as `seconds` allows */
    int cpu;
    long pids[PIDS_MAX];
    size_t pid_count;
    const char *show; /* file for the bytes of one reply; NULL: none */
};

struct run {
    const struct options *options;
    struct requests requests;
    size_t next;
    size_t under_way;
    int epoll;
    bool measuring;
    bool exhausted;
    uint64_t measured;
    uint64_t errors;
    uint64_t began_ns;
    uint64_t ended_ns;
    uint64_t cpu_began_ns;
    uint64_t cpu_ended_ns;
    char first_error[512];
    uint32_t slots[SLOTS];
};

static void die(const char *what)
{
    (void)fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t thread_cpu_ns(long pid, const char *thread)
{
    char path[320];
    char text[128];
    uint64_t value = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", pid, thread);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof(text), file) != NULL)
        value = strtoull(text, NULL, 10); /* the first number: time on a processor */
    (void)fclose(file);
    return value;
}

static uint64_t cpu_ns(const struct options *options)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < options->pid_count; i++) {
        char path[64];
        struct dirent *entry;
        DIR *folder;

        (void)snprintf(path, sizeof(path), "/proc/%ld/task", options->pids[i]);
        folder = opendir(path);
        if (folder == NULL)
            die(path);
        while ((entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] != '.')
                sum += thread_cpu_ns(options->pids[i], entry->d_name);
        }
        (void)closedir(folder);
    }
    return sum;
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

/* Sends the connection's next request; false when none is left. */
static bool send_next(struct run *run, struct connection *connection)
{
    size_t i;
    size_t length;

    if (run->next >= run->requests.count) {
        if (run->options->request.kind == REQUEST_CREATE) {
            run->exhausted = true;
            return false;
        }
        run->next = 0;
    }
    i = run->next++;
    length = run->requests.starts[i + 1] - run->requests.starts[i];
    connection->have = 0;
    connection->sent_ns = now_ns();
    if (send(connection->fd, run->requests.bytes + run->requests.starts[i], length, MSG_NOSIGNAL) != (ssize_t)length)
        die("send");
    run->under_way++;
    return true;
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

static void count_reply(struct run *run, const struct connection *connection)
{
    uint64_t took = (now_ns() - connection->sent_ns) / 1000;

    if (strncmp(connection->reply, "HTTP/1.1 200 ", 13) != 0) {
        run->errors++;
        if (run->first_error[0] == '\0')
            (void)snprintf(run->first_error, sizeof(run->first_error), "%.500s", connection->reply);
    }
    if (!run->measuring)
        return;
    run->measured++;
    run->slots[took < SLOTS ? took : SLOTS - 1]++;
}

/* Reads what is there; true when a reply is complete. */
static bool read_reply(struct run *run, struct connection *connection)
{
    ssize_t got =
        recv(connection->fd, connection->reply + connection->have, REPLY_MAX - 1 - connection->have, MSG_DONTWAIT);
    size_t length;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0)
        die("recv");
    connection->have += (size_t)got;
    length = reply_length(connection);
    if (length == 0 || connection->have < length)
        return false;
    run->under_way--;
    count_reply(run, connection);
    return true;
}

static void begin_measuring(struct run *run)
{
    run->measuring = true;
    run->cpu_began_ns = cpu_ns(run->options);
    run->began_ns = now_ns();
}

static bool is_over(const struct run *run)
{
    const struct options *options = run->options;

    if (!run->measuring)
        return false;
    if (options->count > 0)
        return run->measured >= options->count;
    return (double)(now_ns() - run->began_ns) >= options->seconds * 1e9;
}

/* One turn: replies that came, and the requests that follow them. */
static void turn(struct run *run, bool goes_on)
{
    struct epoll_event events[256];
    int ready = epoll_wait(run->epoll, events, 256, STALL_MS);

    if (ready == 0) {
        (void)fprintf(stderr, "loadgen: no reply for %d ms\n", STALL_MS);
        exit(1);
    }
    for (int i = 0; i < ready; i++) {
        struct connection *connection = events[i].data.ptr;

        if (read_reply(run, connection) && goes_on)
            (void)send_next(run, connection);
    }
}

static struct connection *open_connections(struct run *run)
{
    struct connection *all = calloc(run->options->connections, sizeof(*all));

    if (all == NULL)
        abort();
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < run->options->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};

        all[i].fd = connect_to(run->options->port);
        if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0)
            die("epoll_ctl");
    }
    return all;
}

static void show(const char *path, const struct connection *connection)
{
    FILE *file = fopen(path, "we");

    if (file == NULL || fwrite(connection->reply, 1, connection->have, file) != connection->have || fclose(file) != 0)
        die(path);
}

static void drive(struct run *run)
{
    struct connection *all = open_connections(run);
    uint64_t warm_ns = now_ns() + (uint64_t)(run->options->warmup_s * 1e9);

    for (size_t i = 0; i < run->options->connections; i++)
        (void)send_next(run, &all[i]);
    while (!run->exhausted && !is_over(run)) {
        if (!run->measuring && now_ns() >= warm_ns)
            begin_measuring(run);
        turn(run, true);
    }
    run->ended_ns = now_ns();
    run->cpu_ended_ns = cpu_ns(run->options);
    run->measuring = false;
    while (run->under_way > 0)
        turn(run, false);
    if (run->options->show != NULL)
        show(run->options->show, &all[0]);
    for (size_t i = 0; i < run->options->connections; i++)
        (void)close(all[i].fd);
    free(all);
}

static size_t percentile(const struct run *run, double share)
{
    uint64_t wanted = (uint64_t)((double)run->measured * share);
    uint64_t seen = 0;

    for (size_t i = 0; i < SLOTS; i++) {
        seen += run->slots[i];
        if (seen > wanted)
            return i;
    }
    return SLOTS;
}

static void report(const struct run *run)
{
    uint64_t cpu = run->cpu_ended_ns - run->cpu_began_ns;

    (void)printf("{\"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"seconds\": %.3f, \"p50_us\": %zu, "
                 "\"p99_us\": %zu, \"cpu_ns_per_request\": %.1f}\n",
                 run->measured, run->errors, (double)(run->ended_ns - run->began_ns) / 1e9, percentile(run, 0.5),
                 percentile(run, 0.99), run->measured == 0 ? 0.0 : (double)cpu / (double)run->measured);
    if (run->errors > 0)
        (void)fprintf(stderr, "loadgen: the first reply that was no 200: %s\n", run->first_error);
}

static void pin(int cpu)
{
    cpu_set_t set;

    if (cpu < 0)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        die("sched_setaffinity");
}

static void usage(void)
{
    (void)fputs(
        "usage: loadgen --port N --kind describe|create|list|cluster [--connections N] [--warmup S] [--seconds S | "
        "--count N]\n"
        "               [--requests N] [--region R] [--cluster C] [--clusters N] [--principal ARN] [--prefix P]\n"
        "               [--key ID] [--secret S] [--cpu N] [--pid N]... [--show FILE]\n",
        stderr);
    exit(2);
}

static const struct option longs[] = {
    {"port", 1, NULL, 'p'},     {"kind", 1, NULL, 'k'},      {"connections", 1, NULL, 'c'},
    {"warmup", 1, NULL, 'w'},   {"seconds", 1, NULL, 's'},   {"count", 1, NULL, 'n'},
    {"requests", 1, NULL, 'r'}, {"region", 1, NULL, 'R'},    {"cluster", 1, NULL, 'C'},
    {"clusters", 1, NULL, 'N'}, {"key", 1, NULL, 'K'},       {"secret", 1, NULL, 'S'},
    {"cpu", 1, NULL, 'u'},      {"principal", 1, NULL, 'P'}, {"prefix", 1, NULL, 'x'},
    {"pid", 1, NULL, 'i'},      {"show", 1, NULL, 'o'},      {0},
};

static enum request_kind read_kind(const char *word)
{
    static const char *const words[] = {[REQUEST_DESCRIBE] = "describe",
                                        [REQUEST_CREATE] = "create",
                                        [REQUEST_LIST] = "list",
                                        [REQUEST_CLUSTER] = "cluster"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0)
            return (enum request_kind)i;
    }
    usage();
    return REQUEST_DESCRIBE;
}

static void take(struct options *options, int letter, char *value)
{
    switch (letter) {
    case 'p':
        options->port = (int)strtol(value, NULL, 10);
        break;
    case 'k':
        options->request.kind = read_kind(value);
        break;
    case 'c':
        options->connections = strtoul(value, NULL, 10);
        break;
    case 'w':
        options->warmup_s = strtod(value, NULL);
        break;
    case 's':
        options->seconds = strtod(value, NULL);
        break;
    case 'n':
        options->count = strtoul(value, NULL, 10);
        break;
    case 'r':
        options->request.count = strtoul(value, NULL, 10);
        break;
    case 'R':
        options->request.region = value;
        break;
    case 'C':
        options->request.cluster = value;
        break;
    case 'N':
        options->request.clusters = strtoul(value, NULL, 10);
        break;
    case 'K':
        options->request.key_id = value;
        break;
    case 'S':
        options->request.secret = value;
        break;
    case 'u':
        options->cpu = (int)strtol(value, NULL, 10);
        break;
    case 'P':
        options->request.principal = value;
        break;
    case 'x':
        options->request.prefix = value;
        break;
    case 'o':
        options->show = value;
        break;
    case 'i':
        if (options->pid_count < PIDS_MAX)
            options->pids[options->pid_count++] = strtol(value, NULL, 10);
        break;
    default:
        usage();
    }
}

static void parse(int argc, char **argv, struct options *options)
{
    int letter;

    *options = (struct options){.connections = 32, .seconds = 3, .warmup_s = 0.5, .cpu = -1};
    options->request = (struct request_options){.region = "us-west-2",
                                                .cluster = "my-cluster",
                                                .principal = "arn:aws:iam::012345678910:role/my-role",
                                                .prefix = "r",
                                                .key_id = "AKIDEXAMPLE",
                                                .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                                .count = 1};
    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1)
        take(options, letter, optarg);
    if (options->port <= 0 || options->port > 65535 || options->connections == 0 ||
        options->connections > CONNECTIONS_MAX || options->request.count == 0 || options->seconds > 600)
        usage();
}

int main(int argc, char **argv)
{
    static struct run run;
    struct options options;
    char host[32];

    parse(argc, argv, &options);
    (void)snprintf(host, sizeof(host), "127.0.0.1:%d", options.port);
    options.request.host = host;
    pin(options.cpu);
    run.options = &options;
    requests_sign(&options.request, &run.requests);
    drive(&run);
    report(&run);
    requests_free(&run.requests);
    return run.errors > 0;
}
