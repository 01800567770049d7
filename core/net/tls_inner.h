/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_NET_TLS_INNER_H
#define GW_NET_TLS_INNER_H

/*
 * What the files of TLS share; for core/net only.
 *
 *   tls.c          a session: handshake, bytes, facts
 *   tls_context.c  what a listener offers, what a client demands
 *   tls_files.c    PEM files
 *   tls_choice.c   which certificates a server name gets
 *   tls_tickets.c  the process's ticket keys
 *   tls_bio.c      the socket under a session
 */

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "net/tls.h"

#define GW_TLS_FILE_MAX   ((size_t)4 << 20) /* bytes of a PEM file */
#define GW_TLS_CHAIN_MAX  10                /* certificates behind a listener's own */
#define GW_TLS_NAMES_MAX  256               /* names of a certificate that are looked at */
#define GW_TLS_SESSION_S  3600              /* how long a session may be resumed */
#define GW_TLS_CACHE      4096              /* sessions of TLS 1.2 clients that know no tickets */
#define GW_TLS_RECORD     16384             /* bytes of text in a record at most */
#define GW_TLS_REASON_MAX 256

/* A certificate of a listener. */
struct gw_tls_identity {
    X509 *leaf;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    int type;             /* EVP_PKEY_base_id of the key */
    struct gw_str *names; /* of its SAN: DNS names, new each */
    size_t name_count;
};

struct gw_tls_context {
    _Atomic size_t holders;
    SSL_CTX *ssl;
    bool is_server;
    struct gw_tls_identity identities[GW_TLS_CERTIFICATES_MAX];
    size_t identity_count;
    uint32_t chosen; /* identities that `ssl` itself offers, as bits */
};

/* tls_files.c: errors begin with the path. */
GW_NODISCARD enum gw_status gw_tls_load_identity(const struct gw_tls_certificate *files,
                                                 struct gw_tls_identity *identity, struct gw_err *err);
void gw_tls_identity_fini(struct gw_tls_identity *identity);
/* Adds the file's certificates to the store; `*names` (may be NULL) gets their subjects, new; `digest` (32 bytes, may
 * be NULL) is the SHA-256 of the file. */
GW_NODISCARD enum gw_status gw_tls_load_authorities(const char *path, X509_STORE *store, STACK_OF(X509_NAME) * *names,
                                                    unsigned char *digest, struct gw_err *err);
/* What OpenSSL's queue says, for a person; empties it. */
const char *gw_tls_reason(char out[GW_TLS_REASON_MAX]);

/* tls_choice.c */
uint32_t gw_tls_choose(const struct gw_tls_context *context, struct gw_str name); /* 0: nobody knows the name */
uint32_t gw_tls_choose_default(const struct gw_tls_context *context);
bool gw_tls_name_matches(struct gw_str pattern, struct gw_str name); /* both without a dot at their end */

/* tls_tickets.c */
void gw_tls_tickets_use(SSL_CTX *ssl);

/* tls_bio.c: like BIO_s_socket, but a peer that left raises no signal. new */
BIO *gw_tls_bio_new(int fd);

#endif
