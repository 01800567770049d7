/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the load generator's arguments.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void usage(void)
{
    (void)fputs(
        "usage: loadgen --port N [--tls 1] LANE [--and LANE]... [--warmup S] [--seconds S | --count N] [--cpu N]\n"
        "               [--pid N]... [--show FILE]\n"
        "LANE: --kind describe|create|list|cluster [--connections N] [--rate R] [--requests N] [--region R]\n"
        "      [--cluster C] [--clusters N] [--principal ARN | --entries N] [--prefix P] [--first N] [--typical 1]\n"
        "      [--key ID] [--secret S]\n",
        stderr);
    exit(2);
}

static const struct option longs[] = {
    {"port", 1, NULL, 'p'},   {"tls", 1, NULL, 'T'},     {"kind", 1, NULL, 'k'},      {"connections", 1, NULL, 'c'},
    {"warmup", 1, NULL, 'w'}, {"seconds", 1, NULL, 's'}, {"count", 1, NULL, 'n'},     {"requests", 1, NULL, 'r'},
    {"region", 1, NULL, 'R'}, {"cluster", 1, NULL, 'C'}, {"clusters", 1, NULL, 'N'},  {"key", 1, NULL, 'K'},
    {"secret", 1, NULL, 'S'}, {"cpu", 1, NULL, 'u'},     {"principal", 1, NULL, 'P'}, {"prefix", 1, NULL, 'x'},
    {"pid", 1, NULL, 'i'},    {"show", 1, NULL, 'o'},    {"rate", 1, NULL, 'a'},      {"entries", 1, NULL, 'e'},
    {"first", 1, NULL, 'f'},  {"typical", 1, NULL, 't'}, {"and", 0, NULL, '&'},       {0},
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

/* What a request is made of; false: another option. */
static bool take_request(struct request_options *request, int letter, char *value)
{
    switch (letter) {
    case 'k':
        request->kind = read_kind(value);
        return true;
    case 'r':
        request->count = strtoul(value, NULL, 10);
        return true;
    case 'R':
        request->region = value;
        return true;
    case 'C':
        request->cluster = value;
        return true;
    case 'N':
        request->clusters = strtoul(value, NULL, 10);
        return true;
    case 'K':
        request->key_id = value;
        return true;
    case 'S':
        request->secret = value;
        return true;
    case 'P':
        request->principal = value;
        return true;
    case 'e':
        request->entries = strtoul(value, NULL, 10);
        return true;
    case 'x':
        request->prefix = value;
        return true;
    case 'f':
        request->first = strtoul(value, NULL, 10);
        return true;
    case 't':
        request->typical = strtol(value, NULL, 10) != 0;
        return true;
    default:
        return false;
    }
}

static void begin_lane(struct options *options)
{
    if (options->lane_count == LANES_MAX)
        usage();
    options->lanes[options->lane_count] = options->lanes[options->lane_count - 1];
    options->lane_count++;
}

static void take(struct options *options, int letter, char *value)
{
    struct lane_options *lane = &options->lanes[options->lane_count - 1];

    if (take_request(&lane->request, letter, value))
        return;
    switch (letter) {
    case '&':
        begin_lane(options);
        break;
    case 'c':
        lane->connections = strtoul(value, NULL, 10);
        break;
    case 'a':
        lane->rate = strtod(value, NULL);
        break;
    case 'p':
        options->port = (int)strtol(value, NULL, 10);
        break;
    case 'T':
        options->tls = strtol(value, NULL, 10) != 0;
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
    case 'u':
        options->cpu = (int)strtol(value, NULL, 10);
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

void options_parse(int argc, char **argv, struct options *options)
{
    int letter;

    *options = (struct options){.seconds = 3, .warmup_s = 0.5, .cpu = -1, .lane_count = 1};
    options->lanes[0] = (struct lane_options){.connections = 32};
    options->lanes[0].request = (struct request_options){.region = "us-west-2",
                                                         .cluster = "my-cluster",
                                                         .principal = "arn:aws:iam::012345678910:role/my-role",
                                                         .prefix = "r",
                                                         .key_id = "AKIDEXAMPLE",
                                                         .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                                         .count = 1};
    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1)
        take(options, letter, optarg);
    if (options->port <= 0 || options->port > 65535 || options->seconds > 600)
        usage();
    for (size_t i = 0; i < options->lane_count; i++) {
        const struct lane_options *lane = &options->lanes[i];

        if (lane->connections == 0 || lane->connections > CONNECTIONS_MAX || lane->request.count == 0 || lane->rate < 0)
            usage();
    }
}
