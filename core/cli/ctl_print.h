/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_CTL_PRINT_H
#define GW_CLI_CTL_PRINT_H

/*
 * What eksgate ctl says. Nothing that came over the network is trusted to be fit
 * for a terminal: messages are cleaned, and a body that holds control bytes is not
 * printed. `verb` is "reload", for the beginning of lines on stderr.
 */

#include "cli/ctl_http.h"

/* One line on stderr for each of the text; gives GW_EXIT_FAILED. */
int gw_ctl_print_failure(const char *verb, struct gw_str text);

/* The server's own words, where it has some, for a reply that is a refusal; gives GW_EXIT_FAILED. */
int gw_ctl_print_refusal(const char *verb, const struct gw_ctl_address *address, const struct gw_ctl_reply *reply);

/* On stdout, with a line's end behind it. GW_EXIT_DONE, or GW_EXIT_FAILED after having said why. */
int gw_ctl_print_text(const char *verb, struct gw_str text);

/* The text member `name` of a JSON object; the whole body where there is none. */
int gw_ctl_print_member(const char *verb, struct gw_str body, const char *name);

/* Prometheus' text as one JSON object from sample to number. */
int gw_ctl_print_samples(const char *verb, struct gw_str text);

#endif
