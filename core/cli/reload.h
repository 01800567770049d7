/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_RELOAD_H
#define GW_CLI_RELOAD_H

/*
 * What changes while eksgate serves: configuration, keys, certificates and policies,
 * as a whole (SIGHUP, POST /v1/reload), and the files of keys and certificates by
 * themselves when they change. A new
 * state that isn't in order never replaces the old one. Any thread; one reload at
 * a time.
 */

#include "cli/certificates.h"
#include "config/config.h"
#include "gateway/gateway.h"

struct gw_reload;

/* new: what a configuration says that a reload may change, policies that are fit to be asked included. */
GW_NODISCARD enum gw_status gw_reload_settings(const struct gw_config *config, size_t workers,
                                               struct gw_gateway_settings **settings, struct gw_err *err);

/* new: the policies of the configuration that `options` are of, its own or those in the shadow, loaded and compiled.
 * They have answered what nobody asked (script/smoke.h), and passed their specs where policies.self_test wants that
 * (script/spec.h). */
GW_NODISCARD enum gw_status gw_reload_policies(const struct gw_config *config, const struct gw_script_options *options,
                                               struct gw_script_set **set, struct gw_err *err);

/* What stays as it was at the start, whatever a new configuration says. */
struct gw_reload_start {
    const struct gw_config_source *source; /* borrowed */
    const struct gw_config *config;        /* read by gw_reload_new only */
    struct gw_certificates *certificates;  /* borrowed */
    size_t workers;
    bool is_public; /* some listener can be reached from outside: published example keys are never taken up */
};

/* new: `gateway` is borrowed. */
struct gw_reload *gw_reload_new(const struct gw_reload_start *start, struct gw_gateway *gateway);
void gw_reload_free(struct gw_reload **reload);

/* Loads everything anew and swaps it in. Otherwise the old state stays, and what is wrong is logged and in `problems`.
 */
enum gw_status gw_reload_all(struct gw_reload *reload, struct gw_buf *problems);

/* Looks at the key file and at certificates (what a symlink leads to as well) and takes up what is another and in
 * order. */
void gw_reload_files_if_changed(struct gw_reload *reload);

/* Every second: what a reload has left behind goes back to the system. */
void gw_reload_tidy(struct gw_reload *reload);

void gw_reload_counts(struct gw_reload *reload, uint64_t *done, uint64_t *failed);

#endif
