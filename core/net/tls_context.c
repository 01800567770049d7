/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SSL_CTX per context. A listener's offers the certificates of its first name;
 * another server name exchanges them per session, when the hello is read. Sessions
 * are resumed only where the same client certificates are asked for: the session
 * id context is the digest of that rule and its authorities.
 */
#include "net/tls_inner.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "codec/digest.h"

/* RFC 9325: forward secrecy and authenticated encryption only. */
#define CIPHERS_12                                                                                                     \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                         \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS     "X25519:P-256:P-384"
#define SECURITY   2

struct gw_tls_slot {
    pthread_mutex_t lock;
    struct gw_tls_context *context;
};

static const unsigned char spoken[] = "\x08http/1.1"; /* ALPN */

static struct gw_tls_context *new_context(bool is_server)
{
    struct gw_tls_context *context = gw_alloc_zero(1, sizeof(*context));
    SSL_CTX *ssl = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

    if (ssl == NULL)
        gw_fatal("no SSL_CTX");
    atomic_init(&context->holders, 1);
    context->is_server = is_server;
    context->ssl = ssl;
    if (SSL_CTX_get_security_level(ssl) < SECURITY)
        SSL_CTX_set_security_level(ssl, SECURITY);
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 || SSL_CTX_set_max_proto_version(ssl, 0) != 1 ||
        SSL_CTX_set_cipher_list(ssl, CIPHERS_12) != 1 || SSL_CTX_set_ciphersuites(ssl, CIPHERS_13) != 1 ||
        SSL_CTX_set1_groups_list(ssl, GROUPS) != 1)
        gw_fatal("OpenSSL lacks the ciphers of TLS 1.2 or 1.3");
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 1); /* a record with one read, not two */
    return context;
}

struct gw_tls_context *gw_tls_context_hold(struct gw_tls_context *context)
{
    atomic_fetch_add_explicit(&context->holders, 1, memory_order_relaxed);
    return context;
}

void gw_tls_context_release(struct gw_tls_context **context)
{
    struct gw_tls_context *held = *context;

    *context = NULL;
    if (held == NULL || atomic_fetch_sub_explicit(&held->holders, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(held->ssl);
    for (size_t i = 0; i < held->identity_count; i++)
        gw_tls_identity_fini(&held->identities[i]);
    free(held);
}

struct gw_tls_slot *gw_tls_slot_new(struct gw_tls_context **context)
{
    struct gw_tls_slot *slot = gw_alloc_zero(1, sizeof(*slot));

    (void)pthread_mutex_init(&slot->lock, NULL);
    slot->context = *context;
    *context = NULL;
    return slot;
}

void gw_tls_slot_free(struct gw_tls_slot **slot)
{
    struct gw_tls_slot *dying = *slot;

    *slot = NULL;
    if (dying == NULL)
        return;
    gw_tls_context_release(&dying->context);
    (void)pthread_mutex_destroy(&dying->lock);
    free(dying);
}

void gw_tls_slot_set(struct gw_tls_slot *slot, struct gw_tls_context **context)
{
    struct gw_tls_context *before;

    (void)pthread_mutex_lock(&slot->lock);
    before = slot->context;
    slot->context = *context;
    (void)pthread_mutex_unlock(&slot->lock);
    *context = NULL;
    gw_tls_context_release(&before);
}

struct gw_tls_context *gw_tls_slot_hold(struct gw_tls_slot *slot)
{
    struct gw_tls_context *context;

    (void)pthread_mutex_lock(&slot->lock);
    context = gw_tls_context_hold(slot->context);
    (void)pthread_mutex_unlock(&slot->lock);
    return context;
}

/* Gives a session its certificates, where they aren't those of its SSL_CTX. */
static int on_certificate(SSL *ssl, void *ctx)
{
    const struct gw_tls_context *context = ctx;
    struct gw_str name = gw_str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    uint32_t chosen = name.at != NULL ? gw_tls_choose(context, name) : 0;

    if (chosen == 0 || chosen == context->chosen)
        return 1;
    SSL_certs_clear(ssl);
    for (size_t i = 0; i < context->identity_count; i++) {
        const struct gw_tls_identity *identity = &context->identities[i];

        if ((chosen >> i & 1U) != 0 &&
            SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->chain, 1) != 1)
            return 0;
    }
    return 1;
}

/* That there is one makes OpenSSL acknowledge the name and keep it with the session. A session may be resumed with
 * another name: all names of a listener have the same rules. */
// NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's
static int on_server_name(SSL *ssl, int *alert, void *ctx)
{
    (void)ssl;
    (void)alert;
    (void)ctx;
    return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in,
                   unsigned int in_length, void *ctx)
{
    unsigned char *found;

    (void)ssl;
    (void)ctx;
    if (SSL_select_next_proto(&found, out_length, spoken, sizeof(spoken) - 1, in, in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

static void note_dates(struct gw_str path, const X509 *leaf, struct gw_err *err)
{
    if (err->text[0] != '\0')
        return;
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0)
        (void)gw_fail(err, GW_OK, "%.*s: the certificate has expired", GW_STR_ARG(path));
    else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0)
        (void)gw_fail(err, GW_OK, "%.*s: the certificate isn't valid yet", GW_STR_ARG(path));
}

static enum gw_status load_identities(struct gw_tls_context *context, const struct gw_tls_server_options *options,
                                      struct gw_err *notes, struct gw_err *err)
{
    if (options->certificate_count == 0)
        return gw_fail(err, GW_E_MISSING, "a TLS listener needs a certificate");
    if (options->certificate_count > GW_TLS_CERTIFICATES_MAX)
        return gw_fail(err, GW_E_LIMIT, "more than %d certificates at one listener", GW_TLS_CERTIFICATES_MAX);
    for (size_t i = 0; i < options->certificate_count; i++) {
        const struct gw_tls_certificate *files = &options->certificates[i];
        struct gw_tls_identity *identity = &context->identities[i];
        enum gw_status status;

        context->identity_count++;
        status = gw_tls_load_identity(files, identity, err);
        if (status != GW_OK)
            return status;
        note_dates(files->certificate, identity->leaf, notes);
    }
    return GW_OK;
}

/* Each is tried, so that one that OpenSSL refuses is found now; then those that are offered without a name are set. */
static enum gw_status use_identities(struct gw_tls_context *context, const struct gw_tls_server_options *options,
                                     struct gw_err *err)
{
    char reason[GW_TLS_REASON_MAX];

    context->chosen = gw_tls_choose_default(context);
    for (int chosen = 0; chosen <= 1; chosen++) {
        for (size_t i = 0; i < context->identity_count; i++) {
            const struct gw_tls_identity *identity = &context->identities[i];
            SSL_CTX *trial = NULL;
            int ok;

            if ((context->chosen >> i & 1U) != (unsigned)chosen)
                continue;
            if (chosen == 0) {
                trial = SSL_CTX_new(TLS_server_method());
                SSL_CTX_set_security_level(trial, SSL_CTX_get_security_level(context->ssl));
            }
            ERR_clear_error();
            ok = SSL_CTX_use_cert_and_key(trial != NULL ? trial : context->ssl, identity->leaf, identity->key,
                                          identity->chain, 1);
            SSL_CTX_free(trial);
            if (ok != 1)
                return gw_fail(err, GW_E_SYNTAX, "%.*s: the certificate can't be used: %s",
                               GW_STR_ARG(options->certificates[i].certificate), gw_tls_reason(reason));
        }
    }
    return GW_OK;
}

static enum gw_status ask_clients(struct gw_tls_context *context, const struct gw_tls_server_options *options,
                                  struct gw_err *err)
{
    struct {
        int32_t rule;
        unsigned char authorities[GW_DIGEST_SIZE];
    } rule = {.rule = (int32_t)options->clients};
    unsigned char id[GW_DIGEST_SIZE];
    enum gw_status status = GW_OK;

    if (options->clients != GW_TLS_CLIENTS_UNASKED) {
        char *path = gw_str_dup(options->client_ca);
        STACK_OF(X509_NAME) *names = NULL;

        status = gw_tls_load_authorities(path, SSL_CTX_get_cert_store(context->ssl), &names, rule.authorities, err);
        free(path);
        if (status != GW_OK)
            return status;
        SSL_CTX_set_client_CA_list(context->ssl, names);
        SSL_CTX_set_verify(context->ssl,
                           SSL_VERIFY_PEER |
                               (options->clients == GW_TLS_CLIENTS_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
    }
    gw_digest_sha256((struct gw_str){(const char *)&rule, sizeof(rule)}, id);
    if (SSL_CTX_set_session_id_context(context->ssl, id, sizeof(id)) != 1)
        gw_fatal("no session id context");
    return status;
}

static void set_sessions(SSL_CTX *ssl)
{
    (void)SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER);
    (void)SSL_CTX_sess_set_cache_size(ssl, GW_TLS_CACHE);
    (void)SSL_CTX_set_timeout(ssl, GW_TLS_SESSION_S);
    gw_tls_tickets_use(ssl);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    (void)SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
}

enum gw_status gw_tls_server_new(const struct gw_tls_server_options *options, struct gw_tls_context **context,
                                 struct gw_err *err)
{
    struct gw_tls_context *fresh = new_context(true);
    struct gw_err notes = {""};
    enum gw_status status = load_identities(fresh, options, &notes, err);

    if (status == GW_OK)
        status = use_identities(fresh, options, err);
    if (status == GW_OK)
        status = ask_clients(fresh, options, err);
    if (status != GW_OK) {
        gw_tls_context_release(&fresh);
        return status;
    }
    set_sessions(fresh->ssl);
    SSL_CTX_set_cert_cb(fresh->ssl, on_certificate, fresh);
    *err = notes;
    *context = fresh;
    return GW_OK;
}

enum gw_status gw_tls_client_new(const struct gw_tls_client_options *options, struct gw_tls_context **context,
                                 struct gw_err *err)
{
    struct gw_tls_context *fresh = new_context(false);
    enum gw_status status = GW_OK;

    if (options->ca_file.at != NULL) {
        char *path = gw_str_dup(options->ca_file);

        status = gw_tls_load_authorities(path, SSL_CTX_get_cert_store(fresh->ssl), NULL, NULL, err);
        free(path);
    } else if (SSL_CTX_set_default_verify_paths(fresh->ssl) != 1) {
        status = gw_fail(err, GW_E_IO, "the system's certificate authorities can't be loaded");
    }
    if (status != GW_OK) {
        gw_tls_context_release(&fresh);
        return status;
    }
    SSL_CTX_set_verify(fresh->ssl, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_set_alpn_protos(fresh->ssl, spoken, sizeof(spoken) - 1) != 0)
        gw_fatal("no ALPN");
    *context = fresh;
    return GW_OK;
}
