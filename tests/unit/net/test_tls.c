/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session of each side over a socketpair: what a client demands, and the bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_fixture.h"

static void assert_refused(struct fixture *f, const char *ca_file, const char *name, const char *why)
{
    struct pair pair;

    connect_pair(&pair, new_server(f, 1), new_client(ca_file), name);
    assert_int_equal(pair.client_io, GW_TLS_FAILED);
    assert_contains(pair.client_err.text, why);
    close_pair(&pair);
}

static void handshake__verified_name__carries_bytes_both_ways(void **state)
{
    struct fixture *f = *state;
    struct pair pair;
    struct iovec pieces[2] = {{(char[]){"GET "}, 4}, {(char[]){"/x"}, 2}};
    char got[64];
    size_t count;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    connect_pair(&pair, new_server(f, 1), new_client(f->ca_file), "gate.example");
    assert_int_equal(pair.client_io, GW_TLS_DONE);
    assert_int_equal(pair.server_io, GW_TLS_DONE);
    assert_string_equal(gw_tls_version(pair.client), "TLSv1.3");
    assert_true(gw_str_is(gw_tls_server_name(pair.server), "gate.example"));
    assert_null(gw_tls_client_subject(pair.server).at);
    assert_int_equal(gw_tls_write(pair.client, pieces, 2, &count), GW_TLS_DONE);
    assert_int_equal(count, 6);
    assert_int_equal(gw_tls_read(pair.server, got, 3, &count), GW_TLS_DONE);
    assert_int_equal(count, 3);
    assert_true(gw_tls_has_pending(pair.server));
    assert_int_equal(gw_tls_read(pair.server, got + 3, 61, &count), GW_TLS_DONE);
    assert_int_equal(count, 3);
    assert_memory_equal(got, "GET /x", 6);
    assert_false(gw_tls_has_pending(pair.server));
    assert_int_equal(gw_tls_read(pair.server, got, 64, &count), GW_TLS_WANT_READ);
    gw_tls_free(&pair.client);
    assert_int_equal(gw_tls_read(pair.server, got, 64, &count), GW_TLS_CLOSED);
    close_pair(&pair);
}

static void read__end_without_close_notify__is_a_failure(void **state)
{
    struct fixture *f = *state;
    struct pair pair;
    char got[8];
    size_t count;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    connect_pair(&pair, new_server(f, 1), new_client(f->ca_file), "gate.example");
    (void)close(pair.fds[0]);
    pair.fds[0] = -1;
    assert_int_equal(gw_tls_read(pair.client, got, sizeof(got), &count), GW_TLS_FAILED);
    close_pair(&pair);
}

static void end__peer_reads_what_came_before_and_the_other_way_stays_open(void **state)
{
    struct fixture *f = *state;
    struct pair pair;
    struct iovec piece = {(char[]){"abc"}, 3};
    char got[8];
    size_t count;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    connect_pair(&pair, new_server(f, 1), new_client(f->ca_file), "gate.example");
    assert_int_equal(gw_tls_write(pair.client, &piece, 1, &count), GW_TLS_DONE);
    gw_tls_end(pair.client);
    assert_int_equal(gw_tls_read(pair.server, got, sizeof(got), &count), GW_TLS_DONE);
    assert_int_equal(gw_tls_read(pair.server, got, sizeof(got), &count), GW_TLS_CLOSED);
    assert_int_equal(gw_tls_write(pair.server, &piece, 1, &count), GW_TLS_DONE);
    assert_int_equal(gw_tls_read(pair.client, got, sizeof(got), &count), GW_TLS_DONE);
    assert_int_equal(count, 3);
    close_pair(&pair);
}

/* What doesn't go is given again in other pieces, and nothing is lost or doubled. */
static void write__more_than_the_socket_takes__goes_on_in_other_pieces(void **state)
{
    struct fixture *f = *state;
    const size_t total = (size_t)3 << 20;
    char *sent = gw_alloc(total);
    char *got = gw_alloc(total);
    size_t taken = 0;
    size_t arrived = 0;
    struct pair pair;

    for (size_t i = 0; i < total; i++)
        sent[i] = (char)(i * 2654435761U >> 13);
    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    connect_pair(&pair, new_server(f, 1), new_client(f->ca_file), "gate.example");
    while (arrived < total) {
        size_t rest = total - taken;
        size_t first = rest < 5000 ? rest : 5000;
        struct iovec pieces[3] = {{sent + taken, first}, {NULL, 0}, {sent + taken + first, rest - first}};
        enum gw_tls_io io = GW_TLS_DONE;
        size_t count = 0;

        if (taken < total) {
            io = gw_tls_write(pair.server, pieces, 3, &count);
            assert_true(io == GW_TLS_DONE || io == GW_TLS_WANT_WRITE);
        }
        taken += count;
        while ((io = gw_tls_read(pair.client, got + arrived, total - arrived, &count)) == GW_TLS_DONE && count > 0)
            arrived += count;
        assert_true(arrived == total || io == GW_TLS_WANT_READ);
    }
    assert_memory_equal(sent, got, total);
    close_pair(&pair);
    free(sent);
    free(got);
}

static void connect__address_in_the_certificate__is_accepted(void **state)
{
    struct fixture *f = *state;
    struct pair pair;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "IP:127.0.0.1,IP:::1"});
    connect_pair(&pair, new_server(f, 1), new_client(f->ca_file), "127.0.0.1");
    assert_int_equal(pair.client_io, GW_TLS_DONE);
    assert_null(gw_tls_server_name(pair.server).at); /* no SNI for addresses */
    close_pair(&pair);
    connect_pair(&pair, new_server(f, 1), new_client(f->ca_file), "::1");
    assert_int_equal(pair.client_io, GW_TLS_DONE);
    close_pair(&pair);
    assert_refused(f, f->ca_file, "127.0.0.2", "isn't for 127.0.0.2");
}

static void connect__wrong_name__is_refused_and_says_so(void **state)
{
    struct fixture *f = *state;

    make(f, 0, (struct certificate_spec){.common_name = "gate.example", .names = "DNS:gate.example,DNS:*.a.example"});
    assert_refused(f, f->ca_file, "other.example", "the certificate isn't for other.example (hostname mismatch)");
    assert_refused(f, f->ca_file, "x.y.a.example", "hostname mismatch");
    assert_refused(f, f->ca_file, "", "no name");
    make(f, 0, (struct certificate_spec){.common_name = "gate.example"});
    assert_refused(f, f->ca_file, "gate.example", "hostname mismatch"); /* a common name is no name */
}

static void connect__unknown_authority__is_refused_and_says_so(void **state)
{
    struct fixture *f = *state;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    assert_refused(f, f->other_ca_file, "gate.example", "unable to get local issuer certificate");
}

static void connect__expired_or_future_certificate__is_refused_and_says_so(void **state)
{
    struct fixture *f = *state;

    make(f, 0,
         (struct certificate_spec){
             .common_name = "server", .names = "DNS:gate.example", .from_s = -7200, .to_s = -3600});
    assert_refused(f, f->ca_file, "gate.example", "certificate has expired");
    make(f, 0,
         (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example", .from_s = 3600, .to_s = 7200});
    assert_refused(f, f->ca_file, "gate.example", "certificate is not yet valid");
}

static void connect__name_with_nul_or_too_long__is_refused(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_context *context = new_client(f->ca_file);
    struct gw_err err;
    char name[300];
    struct pair pair;

    memset(name, 'a', sizeof(name));
    open_pair(&pair);
    pair.client = gw_tls_connect(context, pair.fds[1], (struct gw_str){name, sizeof(name)});
    assert_int_equal(gw_tls_handshake(pair.client, &err), GW_TLS_FAILED);
    gw_tls_free(&pair.client);
    pair.client = gw_tls_connect(context, pair.fds[1], (struct gw_str){"a\0b", 3});
    assert_int_equal(gw_tls_handshake(pair.client, &err), GW_TLS_FAILED);
    close_pair(&pair);
    gw_tls_context_release(&context);
}

static void handshake__peer_says_no_tls__fails(void **state)
{
    struct fixture *f = *state;
    struct gw_tls_context *context;
    struct pair pair;

    make(f, 0, (struct certificate_spec){.common_name = "server", .names = "DNS:gate.example"});
    context = new_server(f, 1);
    open_pair(&pair);
    pair.server = gw_tls_accept(context, pair.fds[0]);
    assert_int_equal(write(pair.fds[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    assert_int_equal(gw_tls_handshake(pair.server, &pair.server_err), GW_TLS_FAILED);
    assert_contains(pair.server_err.text, "http request");
    gw_tls_free(&pair.server);
    pair.server = gw_tls_accept(context, pair.fds[0]);
    (void)shutdown(pair.fds[1], SHUT_WR);
    assert_int_equal(gw_tls_handshake(pair.server, &pair.server_err), GW_TLS_FAILED);
    assert_contains(pair.server_err.text, "ended during the handshake");
    close_pair(&pair);
    gw_tls_context_release(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handshake__verified_name__carries_bytes_both_ways),
        TEST(read__end_without_close_notify__is_a_failure),
        TEST(end__peer_reads_what_came_before_and_the_other_way_stays_open),
        TEST(write__more_than_the_socket_takes__goes_on_in_other_pieces),
        TEST(connect__address_in_the_certificate__is_accepted),
        TEST(connect__wrong_name__is_refused_and_says_so),
        TEST(connect__unknown_authority__is_refused_and_says_so),
        TEST(connect__expired_or_future_certificate__is_refused_and_says_so),
        TEST(connect__name_with_nul_or_too_long__is_refused),
        TEST(handshake__peer_says_no_tls__fails),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
