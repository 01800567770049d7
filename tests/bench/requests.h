/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BENCH_REQUESTS_H
#define GW_BENCH_REQUESTS_H

/*
 * Signed requests, made in memory before the clock starts.
 */

#include <stdbool.h>
#include <stddef.h>

enum request_kind {
    REQUEST_DESCRIBE, /* an access entry */
    REQUEST_CREATE,
    REQUEST_LIST,    /* a first page of 100 */
    REQUEST_CLUSTER, /* DescribeCluster */
};

struct request_options {
    enum request_kind kind;
    const char *host; /* Host value */
    const char *region;
    const char *cluster;
    size_t clusters;       /* more than 1: request i goes to CLUSTER-(i mod that) */
    const char *principal; /* of describe: the whole ARN */
    size_t entries;     /* of describe, if not 0: of PREFIX-NUMBER in its place, a random number below this each time */
    const char *prefix; /* of create: role names are PREFIX-NUMBER */
    size_t first;       /* of create: the first number */
    bool typical;       /* of create: with a group and four tags */
    const char *key_id;
    const char *secret;
    size_t count;
};

/* All requests in one block; request i is bytes[starts[i]] to bytes[starts[i + 1]]. */
struct requests {
    char *bytes;
    size_t *starts;
    size_t count;
};

/* Signs with the time of now. Aborts when out of memory. */
void requests_sign(const struct request_options *options, struct requests *requests);
void requests_free(struct requests *requests);

#endif
