/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_SERVE_H
#define GW_CLI_SERVE_H

/*
 * What `eksgate serve` and `eksgate mock` share: a process that runs from its
 * configuration to a signal.
 */

#include <stdio.h>

#include "cli/args.h"
#include "cli/storage.h"
#include "gateway/gateway.h"
#include "net/listener.h"

/* A process that accepts connections, for whoever tells people about it. */
struct gw_serve_facts {
    const struct gw_config *config;
    const struct gw_listener *listeners;
    size_t listener_count;
};

/* In what a verb differs from serve; NULL functions have nothing to do or say. */
struct gw_serve_verb {
    struct gw_storage_layers layers;
    /* Loads what the configuration names for a mock; texts go to the buffer. */
    enum gw_status (*load_mock)(const struct gw_config *config, struct gw_mock_options *mock, struct gw_buf *texts,
                                struct gw_err *err);
    /* Begins what a mock holds. */
    enum gw_status (*begin_mock)(const struct gw_config *config, struct gw_gateway *gateway, struct gw_err *err);
    void (*log_start)(const struct gw_serve_facts *facts);
    /* After the ready line, where that goes. */
    void (*print_start)(const struct gw_serve_facts *facts, FILE *out);
};

/* Loads, checks, runs until SIGTERM or SIGINT; gives the exit code. */
int gw_serve_run(const struct gw_args_config *given, const struct gw_serve_verb *verb);

#endif
