/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_LISTENER_H
#define GW_NET_LISTENER_H

/*
 * Listening sockets. TCP (IPv4 "127.0.0.1:8080", IPv6 "[::1]:8080", numeric
 * addresses or "localhost"; port 0 lets the kernel choose) opens one socket per
 * worker with SO_REUSEPORT, after a probe bind without it, so that an address in
 * use is an error. An IPv6 address serves IPv6 only. A unix socket ("unix:/path")
 * is one socket shared by all; a stale one is removed, a live one is an error.
 */

#include "base/str.h"

#define GW_LISTENER_WORKERS_MAX 256

struct gw_listener {
    int fds[GW_LISTENER_WORKERS_MAX]; /* one per worker; the same descriptor for all of a unix socket */
    size_t count;
    bool is_unix;
    bool is_loopback;  /* a unix socket, 127.0.0.0/8, ::1 */
    char address[128]; /* "127.0.0.1:8080", "[::1]:8080" with the real port, or the socket's path */
    char url[160];     /* "http://127.0.0.1:8080", https where it speaks TLS, or "unix:/run/eksgate.sock" */
    uint64_t device;   /* of the unix socket's file, to know it again */
    uint64_t inode;
};

/* Opens `workers` sockets at `address`; `unix_mode` is the mode of a unix socket (0660). Errors name the address. */
GW_NODISCARD enum gw_status gw_listener_open(struct gw_listener *listener, struct gw_str address, size_t workers,
                                             unsigned unix_mode, struct gw_err *err);
/* It speaks TLS: its url begins with https. */
void gw_listener_set_tls(struct gw_listener *listener);
/* Closes, and removes a unix socket's file if it is still the one it made. */
void gw_listener_close(struct gw_listener *listener);

/* Checks an address without opening it, for `eksgate check`. */
GW_NODISCARD enum gw_status gw_listener_check(struct gw_str address, bool *is_unix, bool *is_loopback,
                                              struct gw_err *err);

#endif
