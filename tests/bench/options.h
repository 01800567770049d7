/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BENCH_OPTIONS_H
#define GW_BENCH_OPTIONS_H

/*
 * The load generator's arguments. Options before the first --and are of the first
 * lane, those behind it of the next, which begins as a copy.
 */

#include "requests.h"

#define CONNECTIONS_MAX 1024
#define PIDS_MAX        16
#define LANES_MAX       4

/* Requests of one kind on connections of their own. */
struct lane_options {
    struct request_options request;
    size_t connections;
    double rate; /* requests per second; 0: each connection's next when the reply to its last is there */
};

struct options {
    int port;
    bool tls;
    double warmup_s;
    double seconds;
    size_t count; /* replies of the first lane to measure; 0: as many as `seconds` allows */
    int cpu;      /* to stay on; -1: any */
    long pids[PIDS_MAX];
    size_t pid_count;
    const char *show; /* file for the bytes of one reply; NULL: none */
    struct lane_options lanes[LANES_MAX];
    size_t lane_count;
};

/* Ends the program on wrong usage. Borrows what argv points to. */
void options_parse(int argc, char **argv, struct options *options);

#endif
