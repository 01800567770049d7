/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_SERVER_TLS_FIXTURE_H
#define GW_TEST_SERVER_TLS_FIXTURE_H

/*
 * A server that speaks TLS, with a certificate of a throw-away authority, and a
 * client whose session works on memory, so that the test decides which bytes reach
 * the socket, and when. Include after cmocka.h.
 */
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "certificates.h"
#include "net/tls.h"
#include "server_fixture.h"

struct tls_fixture {
    struct fixture f;
    struct certificate ca;
    char folder[64];
    char certificate[96];
    char key[96];
    char ca_file[96];
    struct gw_tls_slot *slot;
};

struct client {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;
    BIO *out;
    bool ended; /* the server closed the socket */
};

static inline struct gw_tls_context *new_context(struct tls_fixture *t, const char *name)
{
    struct gw_tls_certificate files = {gw_str_from(t->certificate), gw_str_from(t->key)};
    struct gw_tls_server_options options = {.certificates = &files,
                                            .certificate_count = 1,
                                            .client_ca = gw_str_from(t->ca_file),
                                            .clients = GW_TLS_CLIENTS_OPTIONAL};
    struct gw_tls_context *context = NULL;
    struct certificate made = certificate_make(&(struct certificate_spec){.common_name = name, .issuer = &t->ca});
    struct gw_err err;

    certificate_write(&made, t->certificate, t->key);
    certificate_free(&made);
    if (gw_tls_server_new(&options, &context, &err) != GW_OK)
        fail_msg("%s", err.text);
    return context;
}

static inline int setup(void **state)
{
    struct tls_fixture *t = gw_alloc_zero(1, sizeof(*t));
    char folder[] = "/tmp/eksgate-tls-XXXXXX";
    struct gw_tls_context *context;

    fixture_init(&t->f);
    if (mkdtemp(folder) == NULL)
        return -1;
    memcpy(t->folder, folder, sizeof(folder));
    (void)snprintf(t->certificate, sizeof(t->certificate), "%s/certificate.pem", folder);
    (void)snprintf(t->key, sizeof(t->key), "%s/key.pem", folder);
    (void)snprintf(t->ca_file, sizeof(t->ca_file), "%s/ca.pem", folder);
    t->ca = certificate_make(&(struct certificate_spec){.common_name = "authority"});
    certificate_write(&t->ca, t->ca_file, NULL);
    context = new_context(t, "server");
    t->slot = gw_tls_slot_new(&context);
    *state = t;
    return 0;
}

static inline int teardown(void **state)
{
    struct tls_fixture *t = *state;

    fixture_fini(&t->f);
    gw_tls_slot_free(&t->slot);
    certificate_free(&t->ca);
    (void)unlink(t->certificate);
    (void)unlink(t->key);
    (void)unlink(t->ca_file);
    assert_int_equal(rmdir(t->folder), 0);
    free(t);
    return 0;
}

/* At a listener of the one kind that speaks TLS or the other. */
static inline struct fixture *tls_start(struct tls_fixture *t, bool (*on_connect)(void *ctx, struct gw_str authority),
                                        void (*listen)(struct gw_server *server, int fd, bool is_unix,
                                                       struct gw_tls_slot *slot))
{
    const struct gw_server_handler handler = {&t->f,           fixture_on_head, fixture_on_request, fixture_on_refused,
                                              fixture_on_done, on_connect,      fixture_on_emptied};
    struct gw_err err;

    t->f.server = gw_server_new(t->f.loop, &t->f.options, &handler);
    if (gw_listener_open(&t->f.listener, GW_STR("127.0.0.1:0"), 1, 0600, &err) != GW_OK)
        fail_msg("%s", err.text);
    listen(t->f.server, t->f.listener.fds[0], false, t->slot);
    return &t->f;
}

static inline void client_open(struct fixture *f, struct client *c, const struct certificate *own)
{
    *c = (struct client){.fd = fixture_connect(f), .ctx = SSL_CTX_new(TLS_client_method())};
    if (own != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(c->ctx, own->x509), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(c->ctx, own->key), 1);
    }
    c->ssl = SSL_new(c->ctx);
    c->in = BIO_new(BIO_s_mem());
    c->out = BIO_new(BIO_s_mem());
    (void)BIO_set_mem_eof_return(c->in, -1);
    SSL_set_bio(c->ssl, c->in, c->out);
    SSL_set_connect_state(c->ssl);
}

static inline void client_close(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    (void)close(c->fd);
}

/* What the session wants to send goes to the socket, at most `piece` bytes at a time. */
static inline void client_push(struct fixture *f, struct client *c, size_t piece)
{
    char bytes[65536];
    int got;

    while ((got = BIO_read(c->out, bytes, piece < sizeof(bytes) ? (int)piece : (int)sizeof(bytes))) > 0) {
        client_send_bytes(c->fd, bytes, (size_t)got);
        if (piece < sizeof(bytes))
            fixture_turn(f, -1);
    }
}

/* One turn of the server; what it sent goes to the session. */
static inline void client_pump(struct fixture *f, struct client *c)
{
    char bytes[65536];
    ssize_t got;

    client_push(f, c, SIZE_MAX);
    fixture_turn(f, c->ended ? -1 : c->fd);
    while (!c->ended && (got = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0) {
        c->ended = got == 0;
        assert_int_equal(BIO_write(c->in, bytes, (int)got), got);
    }
}

static inline void client_shake(struct fixture *f, struct client *c)
{
    int64_t until_ms = fixture_patience();

    while (SSL_do_handshake(c->ssl) != 1) {
        assert_false(c->ended);
        assert_true(gw_clock_monotonic_ms(gw_clock_system()) < until_ms);
        client_pump(f, c);
    }
    client_push(f, c, SIZE_MAX);
}

static inline void client_say(struct client *c, const char *text)
{
    size_t written;

    assert_int_equal(SSL_write_ex(c->ssl, text, strlen(text), &written), 1);
}

/* Receives until the text holds the needle (false: the end came), or with NULL until close_notify. */
static inline bool client_hear(struct fixture *f, struct client *c, struct gw_buf *text, const char *needle)
{
    int64_t until_ms = fixture_patience();

    for (;;) {
        size_t got = 0;

        assert_int_equal(gw_buf_reserve(text, 65536), GW_OK);
        while (SSL_read_ex(c->ssl, text->at + text->length, 65536, &got) == 1) {
            text->length += got;
            assert_int_equal(gw_buf_reserve(text, 65536), GW_OK);
        }
        if (needle != NULL && text_has(text, needle))
            return true;
        if (SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN)
            return false;
        assert_false(c->ended); /* without close_notify */
        assert_true(gw_clock_monotonic_ms(gw_clock_system()) < until_ms);
        client_pump(f, c);
    }
}

#endif
