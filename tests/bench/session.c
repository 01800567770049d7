/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SSL_CTX for all; what fails ends the program.
 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static void fail(const char *what)
{
    (void)fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

SSL *session_new(int fd)
{
    static SSL_CTX *ctx;
    SSL *ssl;

    if (ctx == NULL) {
        ctx = SSL_CTX_new(TLS_client_method());
        if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
            SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 ||
            SSL_CTX_set1_groups_list(ctx, "X25519") != 1)
            fail("no TLS 1.3");
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    }
    ssl = SSL_new(ctx);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
        fail("no session");
    SSL_set_connect_state(ssl);
    return ssl;
}

SSL *session_open(int fd)
{
    SSL *ssl = session_new(fd);

    if (SSL_do_handshake(ssl) != 1 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        fail("the handshake failed");
    return ssl;
}

ssize_t session_receive(SSL *ssl, void *bytes, size_t room)
{
    size_t got = 0;
    int result;

    ERR_clear_error();
    result = SSL_read_ex(ssl, bytes, room, &got);
    if (result == 1)
        return (ssize_t)got;
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    default:
        errno = ECONNRESET;
        return -1;
    }
}
