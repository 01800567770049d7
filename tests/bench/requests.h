/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BENCH_REQUESTS_H
#define GW_BENCH_REQUESTS_H

/*
 * Signed requests, made in memory before the clock starts.
 */

#include <stdbool.h>
#include <stddef.h>

struct request_options {
    bool is_create;
    const char *host; /* Host value */
    const char *region;
    const char *cluster;
    const char *principal; /* of describe: the whole ARN */
    const char *prefix;    /* of create: role names are PREFIX-NUMBER */
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
