/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket under a session. OpenSSL's own socket BIO writes with write(2), which
 * raises SIGPIPE where the peer has left; this one is send and recv, and nothing
 * else.
 */
#include "net/tls_inner.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include <openssl/bio.h>

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int descriptor(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int write_some(BIO *bio, const char *bytes, int length)
{
    ssize_t sent = send(descriptor(bio), bytes, (size_t)length, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int read_some(BIO *bio, char *bytes, int room)
{
    ssize_t got = recv(descriptor(bio), bytes, (size_t)room, 0);

    BIO_clear_retry_flags(bio);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (got == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_EOF:
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
        return 0;
    }
}

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (method == NULL || BIO_meth_set_write(method, write_some) != 1 || BIO_meth_set_read(method, read_some) != 1 ||
        BIO_meth_set_ctrl(method, control) != 1)
        gw_fatal("no BIO");
}

BIO *gw_tls_bio_new(int fd)
{
    BIO *bio;

    (void)pthread_once(&once, make_method);
    bio = BIO_new(method);
    if (bio == NULL)
        gw_fatal("no BIO");
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    return bio;
}
