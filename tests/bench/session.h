/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BENCH_SESSION_H
#define GW_BENCH_SESSION_H

/*
 * The load's side of TLS: 1.3, TLS_AES_128_GCM_SHA256 and X25519, so that every
 * server does the same; certificates aren't verified, which is no cost of theirs.
 */

#include <openssl/ssl.h>
#include <stddef.h>
#include <sys/types.h>

/* new: a session on the socket, to be shaken. Ends the program when there is none. */
SSL *session_new(int fd);
/* The same on a blocking socket, shaken; the socket doesn't block afterwards. */
SSL *session_open(int fd);
/* As recv of a socket that doesn't block: -1 with EAGAIN. */
ssize_t session_receive(SSL *ssl, void *bytes, size_t room);

#endif
