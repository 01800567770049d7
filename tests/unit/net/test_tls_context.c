/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listener's context offers and demands, seen by OpenSSL's own client, which
 * can be told to misbehave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_fixture.h"

/* OpenSSL's own client at the pair's second end. */
static SSL *raw_client(SSL_CTX *ctx, const struct pair *pair, const char *name)
{
    SSL *ssl = SSL_new(ctx);

    (void)SSL_set_fd(ssl, pair->fds[1]);
    SSL_set_connect_state(ssl);
    if (name != NULL)
        (void)SSL_set_tlsext_host_name(ssl, name);
    return ssl;
}

static bool raw_shake(struct pair *pair, SSL *ssl)
{
    int result = 0;

    pair->server_io = GW_TLS_WANT_READ;
    for (int i = 0; i < 20; i++) {
        ERR_clear_error();
        if (result != 1)
            result = SSL_do_handshake(ssl);
        if (wants(pair->server_io))
            pair->server_io = gw_tls_handshake(pair->server, &pair->server_err);
    }
    return result == 1 && pair->server_io == GW_TLS_DONE;
}

/* What a client of one version and cipher list gets; `cipher` may be NULL. */
static bool is_let_in(struct gw_tls_context *server, int version, const char *ciphers, const char **cipher)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct pair pair;
    bool ok;
    SSL *ssl;

    SSL_CTX_set_security_level(ctx, 0);
    (void)SSL_CTX_set_min_proto_version(ctx, version);
    (void)SSL_CTX_set_max_proto_version(ctx, version);
    (void)SSL_CTX_set_cipher_list(ctx, ciphers);
    open_pair(&pair);
    pair.server = gw_tls_accept(server, pair.fds[0]);
    ssl = raw_client(ctx, &pair, NULL);
    ok = raw_shake(&pair, ssl);
    if (cipher != NULL)
        *cipher = SSL_get_cipher_name(ssl);
    SSL_free(ssl);
    close_pair(&pair);
    SSL_CTX_free(ctx);
    return ok;
}

static void accept__old_versions_and_weak_ciphers__are_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_context *server;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:a.example", .rsa_bits = 2048});
    server = new_server(f, 1);
    assert_false(is_let_in(server, TLS1_VERSION, "ALL:@SECLEVEL=0", NULL));
    assert_false(is_let_in(server, TLS1_1_VERSION, "ALL:@SECLEVEL=0", NULL));
    assert_true(is_let_in(server, TLS1_2_VERSION, "ALL:@SECLEVEL=0", NULL));
    assert_true(is_let_in(server, TLS1_3_VERSION, "ALL", NULL));
    assert_false(is_let_in(server, TLS1_2_VERSION, "AES128-GCM-SHA256", NULL));         /* no forward secrecy */
    assert_false(is_let_in(server, TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA256", NULL));   /* no AEAD */
    assert_false(is_let_in(server, TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256", NULL)); /* no elliptic curve */
    assert_true(is_let_in(server, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", NULL));
    gw_tls_context_release(&server);
}

static SSL_SESSION *last_session;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(last_session);
    last_session = session;
    return 1;
}

static SSL_CTX *resuming_client(int version, bool tickets)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    (void)SSL_CTX_set_min_proto_version(ctx, version);
    (void)SSL_CTX_set_max_proto_version(ctx, version);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    if (!tickets)
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    last_session = NULL;
    return ctx;
}

/* Connects once more with the session kept of the time before; `*io` is what the handshake came to. */
static bool comes_back(struct gw_tls_context *server, SSL_CTX *ctx, const char *name, enum gw_tls_io *io)
{
    struct pair pair;
    bool resumed;
    char byte;
    SSL *ssl;

    open_pair(&pair);
    pair.server = gw_tls_accept(server, pair.fds[0]);
    ssl = raw_client(ctx, &pair, name);
    if (last_session != NULL)
        (void)SSL_set_session(ssl, last_session);
    (void)raw_shake(&pair, ssl);
    *io = pair.server_io;
    (void)SSL_read(ssl, &byte, 1); /* takes the tickets */
    resumed = pair.server_io == GW_TLS_DONE && gw_tls_is_resumed(pair.server);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    close_pair(&pair);
    return resumed;
}

/* Also after the certificates were loaded anew. */
static void resumption__tickets__are_good_at_every_context_with_the_same_rules(void **state)
{
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *f = *state;
    enum gw_tls_io io;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    for (size_t i = 0; i < 2; i++) {
        SSL_CTX *ctx = resuming_client(versions[i], true);
        struct gw_tls_context *server = new_server(f, 1);

        assert_false(comes_back(server, ctx, "gate.example", &io));
        assert_int_equal(io, GW_TLS_DONE);
        assert_true(comes_back(server, ctx, "gate.example", &io));
        gw_tls_context_release(&server);
        server = new_server(f, 1);
        assert_true(comes_back(server, ctx, "gate.example", &io));
        gw_tls_context_release(&server);
        SSL_SESSION_free(last_session);
        SSL_CTX_free(ctx);
    }
}

static void resumption__tls12_without_tickets__works_by_session_id(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = resuming_client(TLS1_2_VERSION, false);
    struct gw_tls_context *server;
    enum gw_tls_io io;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    server = new_server(f, 1);
    assert_false(comes_back(server, ctx, "gate.example", &io));
    assert_true(comes_back(server, ctx, "gate.example", &io));
    gw_tls_context_release(&server);
    SSL_SESSION_free(last_session);
    SSL_CTX_free(ctx);
}

/* A session that began where no certificate is asked for opens no door where one is. */
static void resumption__session_of_a_listener_without_client_certificates__is_none_at_one_with(void **state)
{
    const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *f = *state;
    enum gw_tls_io io;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    for (size_t i = 0; i < 2; i++) {
        struct gw_tls_context *lax = new_server(f, 1);
        struct gw_tls_context *strict = new_server_asking(f, 1, GW_TLS_CLIENTS_REQUIRED);
        SSL_CTX *ctx = resuming_client(versions[i], true);

        assert_false(comes_back(lax, ctx, "gate.example", &io));
        assert_false(comes_back(strict, ctx, "gate.example", &io));
        assert_int_equal(io, GW_TLS_FAILED);
        gw_tls_context_release(&lax);
        gw_tls_context_release(&strict);
        SSL_SESSION_free(last_session);
        SSL_CTX_free(ctx);
    }
}

/* The common name of the certificate that a client with this SNI gets. */
static void assert_offered(struct gw_tls_context *server, const char *name, const char *algorithms,
                           const char *common_name)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char got[64] = "";
    struct pair pair;
    X509 *offered;
    SSL *ssl;

    if (algorithms != NULL)
        (void)SSL_CTX_set1_sigalgs_list(ctx, algorithms);
    open_pair(&pair);
    pair.server = gw_tls_accept(server, pair.fds[0]);
    ssl = raw_client(ctx, &pair, name);
    assert_true(raw_shake(&pair, ssl));
    offered = SSL_get0_peer_certificate(ssl);
    assert_non_null(offered);
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(offered), NID_commonName, got, sizeof(got));
    assert_string_equal(got, common_name);
    SSL_free(ssl);
    close_pair(&pair);
    SSL_CTX_free(ctx);
}

static void server_name__chooses_among_several_certificates(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_context *server;

    make(f, 0, (struct certificate_spec){.common_name = "first", .names = "DNS:first.example,DNS:a.example"});
    make(f, 1, (struct certificate_spec){.common_name = "wild", .names = "DNS:*.b.example"});
    make(f, 2, (struct certificate_spec){.common_name = "exact", .names = "DNS:x.b.example"});
    make(f, 3,
         (struct certificate_spec){
             .common_name = "first rsa", .names = "DNS:a.example,DNS:first.example", .rsa_bits = 2048});
    server = new_server(f, 4);
    assert_offered(server, NULL, NULL, "first");
    assert_offered(server, "unknown.example", NULL, "first");
    assert_offered(server, "A.Example", NULL, "first");
    assert_offered(server, "y.B.example", NULL, "wild");
    assert_offered(server, "x.b.example", NULL, "exact");
    assert_offered(server, "b.example", NULL, "first"); /* a wildcard is exactly one label */
    assert_offered(server, "z.y.b.example", NULL, "first");
    assert_offered(server, "a.example", "RSA-PSS+SHA256", "first rsa"); /* of one name, one of each kind of key */
    assert_offered(server, NULL, "RSA-PSS+SHA256", "first rsa");
    gw_tls_context_release(&server);
}

/* A handshake of OpenSSL's client with certificate `number` (-1: none). */
static void shake_as(struct fixture *f, struct pair *pair, struct gw_tls_context *server, int number)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;

    if (number >= 0) {
        assert_int_equal(SSL_CTX_use_certificate_file(ctx, f->certificate[number], SSL_FILETYPE_PEM), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, f->key[number], SSL_FILETYPE_PEM), 1);
    }
    open_pair(pair);
    pair->server = gw_tls_accept(server, pair->fds[0]);
    ssl = raw_client(ctx, pair, NULL);
    (void)raw_shake(pair, ssl);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

static void client_certificate__required__is_verified_and_its_subject_known(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_context *server;
    struct pair pair;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    make(f, 1, (struct certificate_spec){.common_name = "ci, \xc3\xa9", .organisation = "Example"});
    make(f, 2, (struct certificate_spec){.common_name = "stranger", .issuer = &f->other_ca});
    make(f, 3, (struct certificate_spec){.common_name = "late", .from_s = -7200, .to_s = -3600});
    server = new_server_asking(f, 1, GW_TLS_CLIENTS_REQUIRED);
    shake_as(f, &pair, server, 1);
    assert_int_equal(pair.server_io, GW_TLS_DONE);
    assert_string_equal(gw_tls_client_subject(pair.server).at, "CN=ci\\, \\C3\\A9,O=Example");
    close_pair(&pair);
    shake_as(f, &pair, server, 2);
    assert_int_equal(pair.server_io, GW_TLS_FAILED);
    assert_contains(pair.server_err.text, "the client's certificate isn't accepted");
    close_pair(&pair);
    shake_as(f, &pair, server, 3);
    assert_int_equal(pair.server_io, GW_TLS_FAILED);
    assert_contains(pair.server_err.text, "expired");
    close_pair(&pair);
    shake_as(f, &pair, server, -1);
    assert_int_equal(pair.server_io, GW_TLS_FAILED);
    assert_contains(pair.server_err.text, "did not return a certificate");
    close_pair(&pair);
    gw_tls_context_release(&server);
}

static void client_certificate__optional__lets_those_without_in_and_strangers_not(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_context *server;
    struct pair pair;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    make(f, 1, (struct certificate_spec){.common_name = "stranger", .issuer = &f->other_ca});
    server = new_server_asking(f, 1, GW_TLS_CLIENTS_OPTIONAL);
    shake_as(f, &pair, server, -1);
    assert_int_equal(pair.server_io, GW_TLS_DONE);
    assert_null(gw_tls_client_subject(pair.server).at);
    close_pair(&pair);
    shake_as(f, &pair, server, 1);
    assert_int_equal(pair.server_io, GW_TLS_FAILED);
    close_pair(&pair);
    gw_tls_context_release(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accept__old_versions_and_weak_ciphers__are_refused),
        TEST(resumption__tickets__are_good_at_every_context_with_the_same_rules),
        TEST(resumption__tls12_without_tickets__works_by_session_id),
        TEST(resumption__session_of_a_listener_without_client_certificates__is_none_at_one_with),
        TEST(server_name__chooses_among_several_certificates),
        TEST(client_certificate__required__is_verified_and_its_subject_known),
        TEST(client_certificate__optional__lets_those_without_in_and_strangers_not),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
