/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upstreams behind TLS, names, several addresses, and a proxy: the way to a
 * connection, and how it ends where there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "certificates.h"
#include "upstream_fixture.h"

#include "taker.h"

#define GET  "GET /clusters HTTP/1.1\r\nHost: a\r\n"
#define HOST "eks.test.example"

/* What names stand for; from the resolver's thread. */
struct names {
    const char *addresses[3];
    bool unknown;
};

struct far {
    struct fixture f; /* first */
    struct names names;
    char folder[64];
    char files[5][128]; /* authority, other authority, certificate, key, unused */
    struct certificate ca;
    struct gw_tls_context *client;
    struct gw_tls_context *server;
    struct gw_tls *session;
};

static enum gw_status look_up(void *ctx, const char *host, struct gw_resolver_answer *answer, struct gw_err *err)
{
    const struct names *names = ctx;

    if (names->unknown || strcmp(host, HOST) != 0)
        return gw_fail(err, GW_E_MISSING, "Name or service not known");
    for (size_t i = 0; i < GW_COUNT(names->addresses) && names->addresses[i] != NULL; i++) {
        if (gw_address_parse(gw_str_from(names->addresses[i]), &answer->addresses[answer->count++]) != GW_OK)
            return GW_E_MISSING;
    }
    return GW_OK;
}

static struct gw_tls_context *new_client(const char *ca_file)
{
    const struct gw_tls_client_options options = {gw_str_from(ca_file)};
    struct gw_tls_context *context = NULL;
    struct gw_err err;

    if (gw_tls_client_new(&options, &context, &err) != GW_OK)
        fail_msg("%s", err.text);
    return context;
}

static struct gw_tls_context *new_server(struct far *far, const struct certificate_spec *spec)
{
    const struct gw_tls_certificate file = {gw_str_from(far->files[2]), gw_str_from(far->files[3])};
    const struct gw_tls_server_options options = {.certificates = &file, .certificate_count = 1};
    struct certificate made = certificate_make(spec);
    struct gw_tls_context *context = NULL;
    struct gw_err err;

    certificate_write(&made, far->files[2], far->files[3]);
    certificate_free(&made);
    if (gw_tls_server_new(&options, &context, &err) != GW_OK)
        fail_msg("%s", err.text);
    return context;
}

static int setup(void **state)
{
    struct far *far = gw_alloc_zero(1, sizeof(*far));

    fixture_init(&far->f);
    memcpy(far->folder, "/tmp/eksgate-far-XXXXXX", sizeof("/tmp/eksgate-far-XXXXXX"));
    assert_non_null(mkdtemp(far->folder));
    for (size_t i = 0; i < GW_COUNT(far->files); i++)
        (void)snprintf(far->files[i], sizeof(far->files[i]), "%s/%zu.pem", far->folder, i);
    far->ca = certificate_make(&(struct certificate_spec){.common_name = "authority"});
    certificate_write(&far->ca, far->files[0], NULL);
    far->client = new_client(far->files[0]);
    far->names.addresses[0] = "127.0.0.1";
    far->f.options.tls = far->client;
    far->f.options.resolver =
        gw_resolver_new(&(struct gw_resolver_options){gw_clock_system(), 30000, 600000, 2000, look_up, &far->names});
    *state = far;
    return 0;
}

static int teardown(void **state)
{
    struct far *far = *state;

    gw_tls_free(&far->session);
    fixture_fini(&far->f);
    gw_resolver_release(&far->f.options.resolver);
    gw_tls_context_release(&far->client);
    gw_tls_context_release(&far->server);
    certificate_free(&far->ca);
    for (size_t i = 0; i < GW_COUNT(far->files); i++)
        (void)unlink(far->files[i]);
    assert_int_equal(rmdir(far->folder), 0);
    free(far);
    return 0;
}

static void start_with(struct far *far, const struct certificate_spec *spec)
{
    far->server = new_server(far, spec);
    fixture_start(&far->f);
}

static struct certificate_spec good_spec(const struct far *far)
{
    return (struct certificate_spec){.common_name = "x", .names = "DNS:" HOST, .issuer = &far->ca};
}

static void ask_far(struct ask *ask, struct far *far)
{
    ask_init(ask, &far->f, GET);
    ask->call.target.host = GW_STR(HOST);
    ask->call.target.is_tls = true;
    ask_send(ask, &far->f);
}

/* One step of the server's handshake; true when it is through, or has failed. */
static bool shakes(struct far *far)
{
    struct gw_err err;
    enum gw_tls_io io = gw_tls_handshake(far->session, &err);

    return io == GW_TLS_DONE || io == GW_TLS_FAILED || io == GW_TLS_CLOSED;
}

static void server_shake(struct far *far, int fd)
{
    gw_tls_free(&far->session);
    far->session = gw_tls_accept(far->server, fd);
    fixture_until(&far->f, shakes(far));
}

static bool hears(struct far *far, const char *needle)
{
    struct gw_buf *seen = &far->f.seen;
    size_t got = 0;

    assert_int_equal(gw_buf_reserve(seen, 65536), GW_OK);
    if (gw_tls_read(far->session, seen->at + seen->length, 65536, &got) == GW_TLS_DONE)
        seen->length += got;
    return seen->length > 0 && gw_str_search(gw_buf_str(seen), gw_str_from(needle)) != SIZE_MAX;
}

static void server_say(struct far *far, const char *text)
{
    const struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};
    size_t count;

    assert_int_equal(gw_tls_write(far->session, &piece, 1, &count), GW_TLS_DONE);
}

/* The rest of an exchange on an open session. */
static void answer(struct far *far, struct ask *ask)
{
    gw_buf_clear(&far->f.seen);
    fixture_until(&far->f, hears(far, "\r\n\r\n"));
    server_say(far, OK_TWO);
    require_reply(&far->f, ask, 200, "ok");
    ask_fini(ask);
}

static void tls__good_certificate__connection_is_used_and_kept(void **state)
{
    struct far *far = *state;
    const struct certificate_spec spec = good_spec(far);
    struct ask ask;
    int fd;

    start_with(far, &spec);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_shake(far, fd);
    answer(far, &ask);
    for (int i = 0; i < 3; i++) {
        ask_far(&ask, far);
        answer(far, &ask);
    }
    server_require_none(&far->f);
    assert_int_equal(fixture_counter(&far->f, connections), 1);
    (void)close(fd);
}

/* True: all of it is out. Whoever pauses goes on in the next turn. */
static bool pours(struct far *far, struct gw_str *left, struct taker *taker)
{
    const struct iovec piece = {(void *)(uintptr_t)left->at, left->length};
    size_t count = 0;

    gw_upstream_resume(&taker->ask.call);
    if (left->length > 0)
        (void)gw_tls_write(far->session, &piece, 1, &count);
    *left = gw_str_slice(*left, count, left->length);
    return left->length == 0 && taker->ask.done > 0;
}

static void tls__large_reply__is_taken_in_pieces_pause_by_pause(void **state)
{
    struct far *far = *state;
    const struct certificate_spec spec = good_spec(far);
    struct taker taker;
    struct gw_str left;
    struct ask next;
    char *reply;
    size_t head;
    int fd;

    start_with(far, &spec);
    taker_init(&taker, &far->f, GET);
    taker.ask.call.target.host = GW_STR(HOST);
    taker.ask.call.target.is_tls = true;
    taker.next = GW_UPSTREAM_PAUSE;
    ask_send(&taker.ask, &far->f);
    fd = server_accept(&far->f);
    server_shake(far, fd);
    fixture_until(&far->f, hears(far, "\r\n\r\n"));
    reply = large_reply(&head);
    left = (struct gw_str){reply, head + LARGE};
    fixture_until(&far->f, pours(far, &left, &taker));
    require_outcome(&far->f, &taker.ask, GW_UPSTREAM_REPLIED, "");
    require_large(&taker);
    ask_far(&next, far);
    answer(far, &next);
    assert_int_equal(fixture_counter(&far->f, connections), 1);
    (void)close(fd);
    taker_fini(&taker);
    free(reply);
}

static void tls__reply_in_pieces_and_one_too_many__is_as_without(void **state)
{
    struct far *far = *state;
    const struct certificate_spec spec = good_spec(far);
    struct ask ask;
    int fd;

    start_with(far, &spec);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_shake(far, fd);
    fixture_until(&far->f, hears(far, "\r\n\r\n"));
    server_say(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
    fixture_idle(&far->f);
    server_say(far, "\r\no");
    server_say(far, "k");
    require_reply(&far->f, &ask, 200, "ok");
    ask_fini(&ask);
    ask_far(&ask, far);
    gw_buf_clear(&far->f.seen);
    fixture_until(&far->f, hears(far, "\r\n\r\n"));
    server_say(far, OK_TWO OK_TWO);
    require_outcome(&far->f, &ask, GW_UPSTREAM_UNKNOWN, "bytes follow");
    ask_fini(&ask);
    (void)close(fd);
}

static void tls__end_without_close_notify__is_unknown(void **state)
{
    struct far *far = *state;
    const struct certificate_spec spec = good_spec(far);
    struct ask ask;
    int fd;

    start_with(far, &spec);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_shake(far, fd);
    fixture_until(&far->f, hears(far, "\r\n\r\n"));
    server_say(far, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok");
    (void)close(fd);
    require_outcome(&far->f, &ask, GW_UPSTREAM_UNKNOWN, "in the middle of its reply");
    ask_fini(&ask);
}

static void require_refused(struct far *far, const struct certificate_spec *spec, const char *err)
{
    struct ask ask;
    int fd;

    start_with(far, spec);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_shake(far, fd);
    require_outcome(&far->f, &ask, GW_UPSTREAM_NOT_SENT, err);
    assert_int_equal(fixture_counter(&far->f, handshakes_failed), 1);
    assert_false(ask.call.connected);
    ask_fini(&ask);
    (void)close(fd);
}

static void tls__expired_certificate__is_not_sent(void **state)
{
    struct certificate_spec spec = good_spec(*state);

    spec.from_s = -7200;
    spec.to_s = -3600;
    require_refused(*state, &spec, "expired");
}

static void tls__certificate_for_another_name__is_not_sent(void **state)
{
    struct certificate_spec spec = good_spec(*state);

    spec.names = "DNS:other.example";
    require_refused(*state, &spec, "isn't for " HOST);
}

static void tls__handshake_fails_and_another_address_refuses__tells_of_the_handshake(void **state)
{
    struct far *far = *state;
    struct certificate_spec spec = good_spec(far);

    spec.names = "DNS:other.example";
    far->names.addresses[1] = "127.1.2.3";
    require_refused(far, &spec, "no connection to 127.0.0.1: TLS: the certificate isn't for " HOST);
}

static void tls__unknown_authority__is_not_sent(void **state)
{
    struct certificate other = certificate_make(&(struct certificate_spec){.common_name = "another"});
    struct certificate_spec spec = good_spec(*state);

    spec.issuer = &other;
    require_refused(*state, &spec, "certificate");
    certificate_free(&other);
}

static void tls__handshake_stalls__is_not_sent_after_its_time(void **state)
{
    struct far *far = *state;
    const struct certificate_spec spec = good_spec(far);
    struct ask ask;
    int fd;

    start_with(far, &spec);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_expect(&far->f, fd, HOST); /* the name in the hello */
    fixture_pass(&far->f, far->f.options.connect_timeout_ms + 10);
    require_outcome(&far->f, &ask, GW_UPSTREAM_NOT_SENT, "the TLS handshake took too long");
    ask_fini(&ask);
    (void)close(fd);
}

/* The name is looked up by nobody: it leads elsewhere, or to ourselves. */
static void connect__in_the_names_place__verifies_the_name(void **state)
{
    struct far *far = *state;
    struct certificate_spec spec = good_spec(far);
    struct ask ask;
    int fd;

    far->names.unknown = true;
    far->f.options.proxy = GW_STR("http://127.0.0.1:1");
    start_with(far, &spec);
    ask_init(&ask, &far->f, GET);
    ask.call.target.host = GW_STR(HOST);
    ask.call.target.is_tls = true;
    ask.call.target.connect_host = GW_STR("127.0.0.1");
    ask.call.target.connect_port = ask.call.target.port;
    ask.call.target.port = 443;
    ask_send(&ask, &far->f);
    fd = server_accept(&far->f);
    server_shake(far, fd);
    answer(far, &ask);
    (void)close(fd);
}

static void tls__without_certificates__is_not_sent(void **state)
{
    struct far *far = *state;
    struct ask ask;

    far->f.options.tls = NULL;
    fixture_start(&far->f);
    ask_far(&ask, far);
    require_outcome(&far->f, &ask, GW_UPSTREAM_NOT_SENT, "no certificates");
    ask_fini(&ask);
}

static void ask_named(struct ask *ask, struct far *far)
{
    ask_init(ask, &far->f, GET);
    ask->call.target.host = GW_STR(HOST);
    ask_send(ask, &far->f);
}

static void name__unknown__is_not_sent(void **state)
{
    struct far *far = *state;
    struct ask asks[2];

    far->names.unknown = true;
    fixture_start(&far->f);
    ask_named(&asks[0], far);
    ask_named(&asks[1], far);
    for (size_t i = 0; i < 2; i++) {
        require_outcome(&far->f, &asks[i], GW_UPSTREAM_NOT_SENT, "Name or service not known");
        ask_fini(&asks[i]);
    }
}

/* 127.0.0.2 and ::1 refuse: the listener is at 127.0.0.1 alone. */
static void name__several_addresses__all_are_tried(void **state)
{
    struct far *far = *state;
    struct ask ask;
    int fd;

    far->names = (struct names){.addresses = {"127.0.0.2", "::1", "127.0.0.1"}};
    fixture_start(&far->f);
    for (int i = 0; i < 2; i++) {
        ask_named(&ask, far);
        fd = server_accept(&far->f);
        server_expect(&far->f, fd, "\r\n\r\n");
        server_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        require_reply(&far->f, &ask, 200, "ok");
        server_require_closed(&far->f, fd);
        ask_fini(&ask);
    }
}

static void use_proxy(struct far *far, char setting[96], const char *login)
{
    (void)snprintf(setting, 96, "http://%s127.0.0.1:%u", login, (unsigned)far->f.port);
    far->f.options.proxy = gw_str_from(setting);
}

static void proxy__https__goes_through_a_tunnel(void **state)
{
    struct far *far = *state;
    const struct certificate_spec spec = good_spec(far);
    char setting[96];
    struct ask ask;
    int fd;

    use_proxy(far, setting, "me:secret@");
    far->names.unknown = true; /* the proxy's business */
    start_with(far, &spec);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_expect(&far->f, fd, "\r\n\r\n");
    assert_true(gw_str_starts(gw_buf_str(&far->f.seen), GW_STR("CONNECT " HOST ":")));
    assert_true(gw_str_search(gw_buf_str(&far->f.seen), GW_STR("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n")) !=
                SIZE_MAX);
    server_send(fd, "HTTP/1.1 200 Connection ");
    fixture_idle(&far->f);
    server_send(fd, "established\r\nX: y\r\n\r\n");
    server_shake(far, fd);
    answer(far, &ask);
    (void)close(fd);
}

static void proxy__no_proxy_or_http__goes_around_it(void **state)
{
    struct far *far = *state;
    struct ask ask;
    int fd;

    far->f.options.proxy = GW_STR("http://127.0.0.1:1");
    far->f.options.no_proxy = GW_STR("test.example");
    fixture_start(&far->f);
    ask_named(&ask, far);
    fd = server_accept(&far->f);
    server_expect(&far->f, fd, "GET ");
    (void)close(fd);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_expect(&far->f, fd, HOST);
    gw_upstream_free(&far->f.upstream);
    (void)close(fd);
    ask_fini(&ask);
}

static void require_no_tunnel(struct far *far, const char *reply, const char *err)
{
    struct ask ask;
    int fd;

    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_expect(&far->f, fd, "\r\n\r\n");
    server_send(fd, reply);
    (void)shutdown(fd, SHUT_WR);
    require_outcome(&far->f, &ask, GW_UPSTREAM_NOT_SENT, err);
    assert_null(strstr(ask.call.err.text, "secret"));
    server_require_closed(&far->f, fd);
    ask_fini(&ask);
}

static void proxy__no_tunnel__is_not_sent(void **state)
{
    struct far *far = *state;
    char setting[96];

    use_proxy(far, setting, "me:secret@");
    fixture_start(&far->f);
    require_no_tunnel(far, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                      "the proxy answered 407");
    require_no_tunnel(far, "HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy answered 502");
    require_no_tunnel(far, "HTTP/1.1 200 OK\r\n\r\nx", "bytes follow the proxy's reply");
    require_no_tunnel(far, "SSH-2.0\r\n", "not HTTP/1.1");
    require_no_tunnel(far, "HTTP/1.1 200 O", "the proxy closed the connection");
    require_no_tunnel(far, "", "the proxy closed the connection");
}

static void proxy__stalls__is_not_sent_after_its_time(void **state)
{
    struct far *far = *state;
    char setting[96];
    struct ask ask;
    int fd;

    use_proxy(far, setting, "");
    fixture_start(&far->f);
    ask_far(&ask, far);
    fd = server_accept(&far->f);
    server_expect(&far->f, fd, "\r\n\r\n");
    server_send(fd, "HTTP/1.1 ");
    fixture_idle(&far->f);
    fixture_pass(&far->f, far->f.options.connect_timeout_ms + 10);
    require_outcome(&far->f, &ask, GW_UPSTREAM_NOT_SENT, "the proxy took too long");
    ask_fini(&ask);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls__good_certificate__connection_is_used_and_kept),
        TEST(tls__large_reply__is_taken_in_pieces_pause_by_pause),
        TEST(tls__reply_in_pieces_and_one_too_many__is_as_without),
        TEST(tls__end_without_close_notify__is_unknown),
        TEST(tls__expired_certificate__is_not_sent),
        TEST(tls__certificate_for_another_name__is_not_sent),
        TEST(tls__handshake_fails_and_another_address_refuses__tells_of_the_handshake),
        TEST(tls__unknown_authority__is_not_sent),
        TEST(tls__handshake_stalls__is_not_sent_after_its_time),
        TEST(tls__without_certificates__is_not_sent),
        TEST(connect__in_the_names_place__verifies_the_name),
        TEST(name__unknown__is_not_sent),
        TEST(name__several_addresses__all_are_tried),
        TEST(proxy__https__goes_through_a_tunnel),
        TEST(proxy__no_proxy_or_http__goes_around_it),
        TEST(proxy__no_tunnel__is_not_sent),
        TEST(proxy__stalls__is_not_sent_after_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
