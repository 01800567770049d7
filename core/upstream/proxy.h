/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_UPSTREAM_PROXY_H
#define GW_UPSTREAM_PROXY_H

/*
 * HTTPS_PROXY and NO_PROXY as curl and Go read them.
 *
 *   proxy     [http://][USER[:PASSWORD]@]HOST[:PORT][/]; user and password are percent-decoded, the port is 80 unless
 *             given. A proxy that is itself spoken to over TLS (https://) is refused, SOCKS too.
 *   no_proxy  separated by commas or blanks; "*" for everything; a NAME stands for itself and all below it, with or
 *             without a dot in front; an ADDRESS or ADDRESS/BITS for addresses; a :PORT behind it narrows it.
 *
 * Loopback addresses and localhost never go through a proxy (Go's rule): what a
 * proxy would reach there is another machine.
 */

#include "upstream/upstream.h"

#define GW_PROXY_LOGIN_MAX 512 /* bytes of "user:password", decoded */

/* Its parts are views into the setting; the login is a secret: it is kept out of logs, and wiped. */
struct gw_upstream_proxy {
    struct gw_str host;
    uint16_t port;
    struct gw_str login; /* USER[:PASSWORD], still percent-encoded; {NULL,0}: none */
};

/* GW_E_SYNTAX; `err` doesn't repeat the setting, which may hold a password. */
GW_NODISCARD enum gw_status gw_upstream_proxy_parse(struct gw_str setting, struct gw_upstream_proxy *proxy,
                                                    struct gw_err *err);

/* Whether a request to `target` goes around the proxy. */
bool gw_upstream_proxy_spares(struct gw_str no_proxy, const struct gw_upstream_target *target);

/* Appends the request for a tunnel to `target`, its blank line included. A secret, where the proxy has a login. */
void gw_upstream_proxy_ask(const struct gw_upstream_proxy *proxy, const struct gw_upstream_target *target,
                           struct gw_buf *out);

#endif
