/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_TLS_FIXTURE_H
#define GW_TEST_TLS_FIXTURE_H

/*
 * An authority, certificates in a folder, and a session at each end of a
 * socketpair.
 */
#include <signal.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certificates.h"
#include "net/tls.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PATH_SIZE  128

struct fixture {
    char folder[64];
    char ca_file[PATH_SIZE];
    char other_ca_file[PATH_SIZE];
    char certificate[4][PATH_SIZE];
    char key[4][PATH_SIZE];
    struct certificate ca;
    struct certificate other_ca;
};

/* A session at each end of a socketpair. */
struct pair {
    int fds[2];
    struct gw_tls *server;
    struct gw_tls *client;
    struct gw_err server_err;
    struct gw_err client_err;
    enum gw_tls_io server_io;
    enum gw_tls_io client_io;
};

static inline void name_file(const struct fixture *f, char out[PATH_SIZE], const char *name, int number)
{
    char folder[sizeof(f->folder)];

    memcpy(folder, f->folder, sizeof(folder));
    (void)snprintf(out, PATH_SIZE, "%s/%s-%d.pem", folder, name, number);
}

static inline int setup(void **state)
{
    struct fixture *f = gw_alloc_zero(1, sizeof(*f));

    memcpy(f->folder, "/tmp/eksgate-tls-XXXXXX", sizeof("/tmp/eksgate-tls-XXXXXX"));
    if (mkdtemp(f->folder) == NULL)
        return -1;
    name_file(f, f->ca_file, "ca", 0);
    name_file(f, f->other_ca_file, "ca", 1);
    for (int i = 0; i < 4; i++) {
        name_file(f, f->certificate[i], "certificate", i);
        name_file(f, f->key[i], "key", i);
    }
    f->ca = certificate_make(&(struct certificate_spec){.common_name = "a test's authority"});
    f->other_ca = certificate_make(&(struct certificate_spec){.common_name = "another authority"});
    certificate_write(&f->ca, f->ca_file, NULL);
    certificate_write(&f->other_ca, f->other_ca_file, NULL);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        (void)unlink(f->certificate[i]);
        (void)unlink(f->key[i]);
    }
    (void)unlink(f->ca_file);
    (void)unlink(f->other_ca_file);
    certificate_free(&f->ca);
    certificate_free(&f->other_ca);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

/* Makes and writes certificate `number`; signed by the authority unless the spec has an issuer. */
static inline void make(struct fixture *f, int number, struct certificate_spec spec)
{
    struct certificate made;

    if (spec.issuer == NULL)
        spec.issuer = &f->ca;
    made = certificate_make(&spec);
    certificate_write(&made, f->certificate[number], f->key[number]);
    certificate_free(&made);
}

static inline struct gw_tls_context *new_server_asking(struct fixture *f, size_t count,
                                                       enum gw_tls_client_certificates clients)
{
    struct gw_tls_certificate files[4];
    struct gw_tls_server_options options = {.certificates = files, .certificate_count = count, .clients = clients};
    struct gw_tls_context *context = NULL;
    struct gw_err err = {""};

    for (size_t i = 0; i < count; i++)
        files[i] = (struct gw_tls_certificate){gw_str_from(f->certificate[i]), gw_str_from(f->key[i])};
    if (clients != GW_TLS_CLIENTS_UNASKED)
        options.client_ca = gw_str_from(f->ca_file);
    if (gw_tls_server_new(&options, &context, &err) != GW_OK)
        fail_msg("%s", err.text);
    return context;
}

static inline struct gw_tls_context *new_server(struct fixture *f, size_t count)
{
    return new_server_asking(f, count, GW_TLS_CLIENTS_UNASKED);
}

static inline struct gw_tls_context *new_client(const char *ca_file)
{
    struct gw_tls_client_options options = {.ca_file = gw_str_from(ca_file)};
    struct gw_tls_context *context = NULL;
    struct gw_err err = {""};

    if (gw_tls_client_new(&options, &context, &err) != GW_OK)
        fail_msg("%s", err.text);
    return context;
}

static inline void open_pair(struct pair *pair)
{
    memset(pair, 0, sizeof(*pair));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
}

static inline void close_pair(struct pair *pair)
{
    gw_tls_free(&pair->client);
    gw_tls_free(&pair->server);
    if (pair->fds[0] >= 0)
        (void)close(pair->fds[0]);
    (void)close(pair->fds[1]);
}

static inline bool wants(enum gw_tls_io io)
{
    return io == GW_TLS_WANT_READ || io == GW_TLS_WANT_WRITE;
}

/* Takes both sides as far as they come. */
static inline void shake(struct pair *pair)
{
    pair->server_io = pair->client_io = GW_TLS_WANT_READ;
    for (int i = 0; i < 20; i++) {
        if (wants(pair->client_io))
            pair->client_io = gw_tls_handshake(pair->client, &pair->client_err);
        if (wants(pair->server_io))
            pair->server_io = gw_tls_handshake(pair->server, &pair->server_err);
    }
}

/* Takes the contexts, which the sessions then hold alone. */
static inline void connect_pair(struct pair *pair, struct gw_tls_context *server, struct gw_tls_context *client,
                                const char *name)
{
    open_pair(pair);
    pair->server = gw_tls_accept(server, pair->fds[0]);
    pair->client = gw_tls_connect(client, pair->fds[1], gw_str_from(name));
    gw_tls_context_release(&server);
    gw_tls_context_release(&client);
    shake(pair);
}

static inline void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" doesn't say \"%s\"", text, part);
}

#endif
