/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_CERTIFICATES_H
#define GW_CLI_CERTIFICATES_H

/*
 * The certificates of the listeners while eksgate serves: loaded at the start,
 * taken up again when their files change or a reload names others. Which listeners
 * speak TLS is settled at the start. Not for several threads at once; workers use
 * the slots.
 */

#include "config/config.h"

struct gw_certificates;

/* new: loads those of every listener. An expired one is taken, with a warning in the log. */
GW_NODISCARD enum gw_status gw_certificates_new(const struct gw_config *config, struct gw_certificates **certificates,
                                                struct gw_err *err);
void gw_certificates_free(struct gw_certificates **certificates); /* accepts NULL; after the workers */

/* borrows: of the listener at that index of config->listen; NULL: no TLS. */
struct gw_tls_slot *gw_certificates_slot(const struct gw_certificates *certificates, size_t listener);

/* Loads what a configuration says of listeners that are open (those with the same address); `apply` takes it up or
 * drops it. */
GW_NODISCARD enum gw_status gw_certificates_prepare(struct gw_certificates *certificates,
                                                    const struct gw_config *config, struct gw_err *err);
void gw_certificates_apply(struct gw_certificates *certificates, bool take_up);

/* Looks at every file, what symlinks lead to as well, and takes up what changed and is in order; counts to what came
 * of it. A set that isn't in order is tried once more in the next round before that is logged: files are replaced one
 * after the other. */
void gw_certificates_look(struct gw_certificates *certificates, size_t *taken_up, size_t *failed);

#endif
