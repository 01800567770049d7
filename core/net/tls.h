/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_TLS_H
#define GW_NET_TLS_H

/*
 * TLS 1.2 and 1.3 by OpenSSL, driven directly on sockets that don't block. A
 * context is an immutable set of certificates and rules, shared by threads and
 * counted; a session is one connection's. Both sides: what a listener offers, and
 * what a client demands of an upstream (chain and name are always verified).
 *
 * TLS 1.2 only with ECDHE and AEAD; no compression, no renegotiation; security
 * level 2 of OpenSSL at least (RFC 9325).
 */

#include <sys/uio.h>

#include "base/str.h"

#define GW_TLS_CERTIFICATES_MAX 32
#define GW_TLS_SUBJECT_MAX      1024 /* bytes of a client certificate's subject as text (RFC 4514) */

struct gw_tls_context;
struct gw_tls;

struct gw_tls_certificate {
    struct gw_str certificate; /* path of a PEM file: the certificate, then its intermediates */
    struct gw_str key;         /* path of a PEM file; may be the same. Read with gw_file_read_secret */
};

enum gw_tls_client_certificates {
    GW_TLS_CLIENTS_UNASKED,
    GW_TLS_CLIENTS_OPTIONAL, /* asked for; one that isn't of client_ca ends the handshake */
    GW_TLS_CLIENTS_REQUIRED,
};

struct gw_tls_server_options {
    const struct gw_tls_certificate *certificates; /* the first is for clients without a name, or with an unknown one */
    size_t certificate_count;
    struct gw_str client_ca; /* path of a PEM file; needed where client certificates are asked for */
    enum gw_tls_client_certificates clients;
};

/* new: GW_E_IO, GW_E_MISSING, GW_E_DENIED (mode or owner of a key file), GW_E_SYNTAX (no PEM, a key that isn't the
 * certificate's, too weak a key); `err` names the file. A certificate that has expired is loaded, and `err` says so
 * with GW_OK (empty text otherwise). */
GW_NODISCARD enum gw_status gw_tls_server_new(const struct gw_tls_server_options *options,
                                              struct gw_tls_context **context, struct gw_err *err);

struct gw_tls_client_options {
    struct gw_str ca_file; /* path of a PEM file in the place of the system's certificates; {NULL,0}: the system's */
};

/* new: the same for those who connect. */
GW_NODISCARD enum gw_status gw_tls_client_new(const struct gw_tls_client_options *options,
                                              struct gw_tls_context **context, struct gw_err *err);

/* Any thread; the last holder frees. */
struct gw_tls_context *gw_tls_context_hold(struct gw_tls_context *context);
void gw_tls_context_release(struct gw_tls_context **context);

/* A context that is exchanged while sessions are begun with it: new certificates. Any thread. */
struct gw_tls_slot;

/* new; takes the context */
struct gw_tls_slot *gw_tls_slot_new(struct gw_tls_context **context);
void gw_tls_slot_free(struct gw_tls_slot **slot); /* accepts NULL */
/* takes the context; sessions that were begun with the one before keep it */
void gw_tls_slot_set(struct gw_tls_slot *slot, struct gw_tls_context **context);
/* new: held */
struct gw_tls_context *gw_tls_slot_hold(struct gw_tls_slot *slot);

/* new: a session on a connected socket, which it doesn't own. `name` (of a client's session) is the host name or IP
 * address that the certificate must be for; a host name is sent as SNI. Holds the context. */
struct gw_tls *gw_tls_accept(struct gw_tls_context *context, int fd);
struct gw_tls *gw_tls_connect(struct gw_tls_context *context, int fd, struct gw_str name);
/* gw_tls_end, and frees; the socket stays open. Accepts NULL. */
void gw_tls_free(struct gw_tls **tls);

/* What a call answers; the socket is to be waited for as it says, and the same call made again. */
enum gw_tls_io {
    GW_TLS_DONE,
    GW_TLS_WANT_READ,
    GW_TLS_WANT_WRITE,
    GW_TLS_CLOSED, /* the peer's close_notify */
    GW_TLS_FAILED, /* nothing more comes of it: a socket's end without close_notify, an alert, a certificate */
};

/* Goes on with the handshake. On FAILED `err` says why, fit for a log ("certificate has expired", "no shared cipher").
 */
enum gw_tls_io gw_tls_handshake(struct gw_tls *tls, struct gw_err *err);

/* The handshake failed because the peer speaks HTTP without TLS. */
bool gw_tls_is_plain_http(const struct gw_tls *tls);

/* At most `room` bytes; DONE: `*count` > 0 of them. Bytes may wait inside, of which the socket tells nothing: read
 * until WANT_READ, or until gw_tls_has_pending is false, before waiting for the socket. */
enum gw_tls_io gw_tls_read(struct gw_tls *tls, void *bytes, size_t room, size_t *count);
/* Bytes of the peer wait inside: gw_tls_read may have something without the socket. */
bool gw_tls_has_pending(const struct gw_tls *tls);

/* Takes as much of the pieces as goes; `*count` bytes were taken, also with WANT_READ and WANT_WRITE. What was not
 * taken must be given again, from the same place of the text on (its address may be another). */
enum gw_tls_io gw_tls_write(struct gw_tls *tls, const struct iovec *pieces, size_t piece_count, size_t *count);

/* Nothing more will be written: sends close_notify if that goes without waiting. Reading goes on. */
void gw_tls_end(struct gw_tls *tls);

/* Facts of a finished handshake. Views live as long as the session; {NULL,0}: none. */
struct gw_str gw_tls_client_subject(const struct gw_tls *tls); /* "CN=ci,O=Example", verified; RFC 4514 */
struct gw_str gw_tls_server_name(const struct gw_tls *tls);    /* SNI */
const char *gw_tls_version(const struct gw_tls *tls);          /* "TLSv1.3" */
bool gw_tls_is_resumed(const struct gw_tls *tls);

#endif
