/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session. OpenSSL works on the socket itself (tls_bio.c); whatever it can't do
 * without waiting comes back as what to wait for. Its error queue belongs to the
 * thread and decides what SSL_get_error says, so it is empty before each call.
 */
#include "net/tls_inner.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define NAME_MAX_LENGTH 255

struct gw_tls {
    struct gw_tls_context *context;
    SSL *ssl;
    bool established;
    bool broken; /* nothing may be sent any more */
    bool ended;
    bool plain_http;
    struct gw_str subject; /* new */
    char name[NAME_MAX_LENGTH + 1];
};

static void forget_errors(void)
{
    if (GW_UNLIKELY(ERR_peek_error() != 0))
        ERR_clear_error();
}

static struct gw_tls *new_session(struct gw_tls_context *context, int fd)
{
    struct gw_tls *tls = gw_alloc_zero(1, sizeof(*tls));
    BIO *bio = gw_tls_bio_new(fd);

    forget_errors();
    tls->context = gw_tls_context_hold(context);
    tls->ssl = SSL_new(context->ssl);
    if (tls->ssl == NULL)
        gw_fatal("no TLS session");
    SSL_set_bio(tls->ssl, bio, bio);
    return tls;
}

struct gw_tls *gw_tls_accept(struct gw_tls_context *context, int fd)
{
    struct gw_tls *tls = new_session(context, fd);

    SSL_set_accept_state(tls->ssl);
    return tls;
}

/* A name that can't be demanded demands one that no certificate has. */
static void demand_name(struct gw_tls *tls)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(tls->ssl);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, tls->name) == 1)
        return;
    forget_errors();
    if (tls->name[0] == '\0' || X509_VERIFY_PARAM_set1_host(param, tls->name, 0) != 1 ||
        SSL_set_tlsext_host_name(tls->ssl, tls->name) != 1)
        tls->broken = true;
}

struct gw_tls *gw_tls_connect(struct gw_tls_context *context, int fd, struct gw_str name)
{
    struct gw_tls *tls = new_session(context, fd);

    if (name.length > 0 && name.at[name.length - 1] == '.')
        name.length--;
    if (name.length <= NAME_MAX_LENGTH && gw_str_find(name, '\0', 0) == name.length && name.length > 0)
        memcpy(tls->name, name.at, name.length);
    SSL_set_connect_state(tls->ssl);
    demand_name(tls);
    return tls;
}

void gw_tls_end(struct gw_tls *tls)
{
    if (!tls->established || tls->broken || tls->ended)
        return;
    tls->ended = true;
    forget_errors();
    (void)SSL_shutdown(tls->ssl);
    forget_errors();
}

void gw_tls_free(struct gw_tls **tls)
{
    struct gw_tls *dying = *tls;

    *tls = NULL;
    if (dying == NULL)
        return;
    gw_tls_end(dying);
    SSL_free(dying->ssl);
    gw_tls_context_release(&dying->context);
    free((void *)(uintptr_t)dying->subject.at);
    free(dying);
}

/* What a failed call means. */
static enum gw_tls_io classify(struct gw_tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return GW_TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return GW_TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return GW_TLS_CLOSED;
    default:
        tls->broken = true;
        return GW_TLS_FAILED;
    }
}

static void explain_certificate(const struct gw_tls *tls, long verdict, struct gw_err *err)
{
    const char *why = X509_verify_cert_error_string(verdict);

    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
        (void)gw_fail(err, GW_OK, "the certificate isn't for %s (%s)", tls->name, why);
    else
        (void)gw_fail(err, GW_OK, "the %s certificate isn't accepted: %s",
                      tls->context->is_server ? "client's" : "server's", why);
}

static void explain(struct gw_tls *tls, int error, struct gw_err *err)
{
    char reason[GW_TLS_REASON_MAX];
    unsigned long code = ERR_peek_error();
    long verdict = SSL_get_verify_result(tls->ssl);

    tls->plain_http = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
    if (verdict != X509_V_OK && ERR_GET_LIB(code) == ERR_LIB_SSL &&
        ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        explain_certificate(tls, verdict, err);
    else if (code != 0 && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        (void)gw_fail(err, GW_OK, "the connection ended during the handshake");
    else if (code != 0)
        (void)gw_fail(err, GW_OK, "%s", gw_tls_reason(reason));
    else
        (void)gw_fail(err, GW_OK, "%s", error != 0 ? strerror(error) : "the connection ended during the handshake");
    ERR_clear_error();
}

/* new: as RFC 4514 writes it; bytes outside ASCII as \XX. */
static enum gw_status print_subject(const X509 *certificate, struct gw_str *subject)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum gw_status status = GW_E_SYNTAX;
    char *text = NULL;
    long length;

    if (bio == NULL)
        gw_fatal("no BIO");
    if (X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        length = BIO_get_mem_data(bio, &text);
        if (length >= 0 && length <= GW_TLS_SUBJECT_MAX) {
            struct gw_str view = {length > 0 ? text : "", (size_t)length};

            *subject = (struct gw_str){gw_str_dup(view), view.length};
            status = GW_OK;
        }
    }
    (void)BIO_free(bio);
    forget_errors();
    return status;
}

/* Whose the client's certificate is. A resumed session's may have expired since it was verified. */
static enum gw_tls_io identify_client(struct gw_tls *tls, struct gw_err *err)
{
    const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

    if (certificate == NULL || SSL_get_verify_mode(tls->ssl) == SSL_VERIFY_NONE)
        return GW_TLS_DONE;
    if (SSL_session_reused(tls->ssl) && X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        (void)gw_fail(err, GW_OK, "the client's certificate has expired since its session began");
    else if (print_subject(certificate, &tls->subject) != GW_OK)
        (void)gw_fail(err, GW_OK, "the client certificate's subject can't be read or is longer than %d bytes",
                      GW_TLS_SUBJECT_MAX);
    else
        return GW_TLS_DONE;
    tls->broken = true;
    return GW_TLS_FAILED;
}

enum gw_tls_io gw_tls_handshake(struct gw_tls *tls, struct gw_err *err)
{
    enum gw_tls_io io;
    int result;
    int error;

    if (tls->broken) {
        (void)gw_fail(err, GW_OK, "no name that a certificate could be for");
        return GW_TLS_FAILED;
    }
    forget_errors();
    errno = 0;
    result = SSL_do_handshake(tls->ssl);
    error = errno;
    if (result != 1) {
        io = classify(tls, result);
        if (io == GW_TLS_FAILED || io == GW_TLS_CLOSED)
            explain(tls, error, err);
        return io == GW_TLS_CLOSED ? GW_TLS_FAILED : io;
    }
    io = tls->context->is_server ? identify_client(tls, err) : GW_TLS_DONE;
    tls->established = io == GW_TLS_DONE;
    return io;
}

bool gw_tls_is_plain_http(const struct gw_tls *tls)
{
    return tls->plain_http;
}

enum gw_tls_io gw_tls_read(struct gw_tls *tls, void *bytes, size_t room, size_t *count)
{
    int result;

    *count = 0;
    if (GW_UNLIKELY(tls->broken))
        return GW_TLS_FAILED;
    forget_errors();
    result = SSL_read_ex(tls->ssl, bytes, room, count);
    if (GW_LIKELY(result == 1))
        return GW_TLS_DONE;
    *count = 0;
    return classify(tls, result);
}

bool gw_tls_has_pending(const struct gw_tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
}

/* The next record's text: of one piece as it lies, else gathered, so that a small reply is one record. */
static struct gw_str gather(const struct iovec *pieces, size_t piece_count, size_t skip, char room[GW_TLS_RECORD])
{
    size_t length = 0;

    while (piece_count > 0 && skip >= pieces->iov_len) {
        skip -= pieces->iov_len;
        pieces++;
        piece_count--;
    }
    if (piece_count == 0)
        return GW_STR("");
    if (piece_count == 1 || pieces->iov_len - skip >= GW_TLS_RECORD)
        return gw_str_slice((struct gw_str){pieces->iov_base, pieces->iov_len}, skip, GW_TLS_RECORD);
    for (size_t i = 0; i < piece_count && length < GW_TLS_RECORD; i++) {
        struct gw_str piece =
            gw_str_slice((struct gw_str){pieces[i].iov_base, pieces[i].iov_len}, skip, GW_TLS_RECORD - length);

        if (piece.length > 0)
            memcpy(room + length, piece.at, piece.length);
        length += piece.length;
        skip = 0;
    }
    return (struct gw_str){room, length};
}

enum gw_tls_io gw_tls_write(struct gw_tls *tls, const struct iovec *pieces, size_t piece_count, size_t *count)
{
    char room[GW_TLS_RECORD];

    *count = 0;
    if (tls->broken || tls->ended)
        return GW_TLS_FAILED;
    for (;;) {
        struct gw_str text = gather(pieces, piece_count, *count, room);
        size_t written = 0;
        int result;

        if (text.length == 0)
            return GW_TLS_DONE;
        forget_errors();
        result = SSL_write_ex(tls->ssl, text.at, text.length, &written);
        if (result != 1)
            return classify(tls, result);
        *count += written;
    }
}

struct gw_str gw_tls_client_subject(const struct gw_tls *tls)
{
    return tls->subject;
}

struct gw_str gw_tls_server_name(const struct gw_tls *tls)
{
    return gw_str_from(SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name));
}

const char *gw_tls_version(const struct gw_tls *tls)
{
    return SSL_get_version(tls->ssl);
}

bool gw_tls_is_resumed(const struct gw_tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}
