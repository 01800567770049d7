/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM files: a certificate with its intermediates, its key, authorities. What
 * holds a key is wiped. Errors name the file and, where OpenSSL knows no better,
 * say what was looked for.
 */
#include "net/tls_inner.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "codec/digest.h"

const char *gw_tls_reason(char out[GW_TLS_REASON_MAX])
{
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);

    (void)snprintf(out, GW_TLS_REASON_MAX, "%s", reason != NULL ? reason : "no reason given");
    ERR_clear_error();
    return out;
}

/* True when there was simply no further block. */
static bool is_end_of_pem(void)
{
    unsigned long code = ERR_peek_last_error();
    bool is_end = code == 0 || (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE);

    if (is_end)
        ERR_clear_error();
    return is_end;
}

static BIO *view(const struct gw_buf *text)
{
    BIO *bio = BIO_new_mem_buf(text->length > 0 ? text->at : "", (int)text->length);

    if (bio == NULL)
        gw_fatal("no BIO");
    return bio;
}

/* new: every certificate of the text; at least one, at most `max`. */
static enum gw_status parse_certificates(const char *path, const struct gw_buf *text, int max, STACK_OF(X509) * *list,
                                         struct gw_err *err)
{
    STACK_OF(X509) *found = sk_X509_new_null();
    BIO *bio = view(text);
    enum gw_status status = GW_OK;
    char reason[GW_TLS_REASON_MAX];
    X509 *one;

    ERR_clear_error();
    while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL && sk_X509_num(found) < max)
        (void)sk_X509_push(found, one);
    if (one != NULL) {
        X509_free(one);
        status = gw_fail(err, GW_E_LIMIT, "%s: holds more than %d certificates", path, max);
    } else if (!is_end_of_pem()) {
        status = gw_fail(err, GW_E_SYNTAX, "%s: certificate %d can't be read: %s", path, sk_X509_num(found) + 1,
                         gw_tls_reason(reason));
    } else if (sk_X509_num(found) == 0) {
        status = gw_fail(err, GW_E_SYNTAX, "%s: holds no certificate in PEM form", path);
    }
    (void)BIO_free(bio);
    if (status == GW_OK)
        *list = found;
    else
        sk_X509_pop_free(found, X509_free);
    return status;
}

static enum gw_status load_certificates(const char *path, int max, STACK_OF(X509) * *list, unsigned char *digest,
                                        struct gw_err *err)
{
    struct gw_buf text;
    enum gw_status status;

    gw_buf_init(&text, GW_TLS_FILE_MAX);
    status = gw_file_read(path, &text, err);
    if (status == GW_OK)
        status = parse_certificates(path, &text, max, list, err);
    if (status == GW_OK && digest != NULL)
        gw_digest_sha256(gw_buf_str(&text), digest);
    if (text.length > 0)
        gw_wipe(text.at, text.length); /* a key may stand in the same file */
    gw_buf_fini(&text);
    return status;
}

/* OpenSSL asks for a passphrase: there is nobody to type it. */
// NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's
static int on_passphrase(char *bytes, int room, int writing, void *ctx)
{
    (void)bytes;
    (void)room;
    (void)writing;
    *(bool *)ctx = true;
    return -1;
}

static enum gw_status load_key(const char *path, EVP_PKEY **key, struct gw_err *err)
{
    struct gw_buf text;
    enum gw_status status;
    char reason[GW_TLS_REASON_MAX];
    bool asked = false;
    BIO *bio;

    gw_buf_init(&text, GW_TLS_FILE_MAX);
    status = gw_buf_reserve(&text, 65536); /* keys fit: it doesn't grow and leave copies behind */
    if (status == GW_OK)
        status = gw_file_read_secret(path, &text, err);
    if (status == GW_OK) {
        ERR_clear_error();
        bio = view(&text);
        *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &asked);
        (void)BIO_free(bio);
        if (*key == NULL && asked)
            status = gw_fail(err, GW_E_SYNTAX, "%s: the key is encrypted; it must be one without a passphrase", path);
        else if (*key == NULL && gw_str_search(gw_buf_str(&text), GW_STR("PRIVATE KEY-----")) == SIZE_MAX)
            status = gw_fail(err, GW_E_SYNTAX, "%s: holds no private key in PEM form", path);
        else if (*key == NULL)
            status = gw_fail(err, GW_E_SYNTAX, "%s: the key can't be read: %s", path, gw_tls_reason(reason));
        ERR_clear_error();
    }
    if (text.capacity > 0)
        gw_wipe(text.at, text.capacity);
    gw_buf_fini(&text);
    return status;
}

/* DNS names of the SAN, as they are written; those that hold a NUL are nobody's. */
static void read_names(struct gw_tls_identity *identity)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(identity->leaf, NID_subject_alt_name, NULL, NULL);
    int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;

    identity->names = gw_alloc_zero(GW_TLS_NAMES_MAX, sizeof(*identity->names));
    for (int i = 0; i < count && identity->name_count < GW_TLS_NAMES_MAX; i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        struct gw_str text;

        if (one->type != GEN_DNS)
            continue;
        text = (struct gw_str){(const char *)ASN1_STRING_get0_data(one->d.dNSName),
                               (size_t)ASN1_STRING_length(one->d.dNSName)};
        if (text.length == 0 || gw_str_find(text, '\0', 0) < text.length)
            continue;
        identity->names[identity->name_count++] = (struct gw_str){gw_str_dup(text), text.length};
    }
    GENERAL_NAMES_free(all);
}

enum gw_status gw_tls_load_identity(const struct gw_tls_certificate *files, struct gw_tls_identity *identity,
                                    struct gw_err *err)
{
    char *certificate = gw_str_dup(files->certificate);
    char *key = gw_str_dup(files->key);
    enum gw_status status = load_certificates(certificate, GW_TLS_CHAIN_MAX + 1, &identity->chain, NULL, err);

    if (status == GW_OK)
        status = load_key(key, &identity->key, err);
    if (status == GW_OK) {
        identity->leaf = sk_X509_shift(identity->chain);
        identity->type = EVP_PKEY_get_base_id(identity->key);
        if (X509_check_private_key(identity->leaf, identity->key) != 1)
            status = gw_fail(err, GW_E_SYNTAX, "%s: isn't the key of the first certificate in %s", key, certificate);
        ERR_clear_error();
    }
    if (status == GW_OK)
        read_names(identity);
    free(certificate);
    free(key);
    return status;
}

void gw_tls_identity_fini(struct gw_tls_identity *identity)
{
    for (size_t i = 0; i < identity->name_count; i++)
        free((void *)(uintptr_t)identity->names[i].at);
    free(identity->names);
    X509_free(identity->leaf);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    memset(identity, 0, sizeof(*identity));
}

enum gw_status gw_tls_load_authorities(const char *path, X509_STORE *store, STACK_OF(X509_NAME) * *names,
                                       unsigned char *digest, struct gw_err *err)
{
    STACK_OF(X509) *list = NULL;
    enum gw_status status = load_certificates(path, 10000, &list, digest, err);

    if (status != GW_OK)
        return status;
    if (names != NULL)
        *names = sk_X509_NAME_new_null();
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *one = sk_X509_value(list, i);

        if (X509_STORE_add_cert(store, one) != 1) /* a certificate that is there twice is no error to OpenSSL */
            status = gw_fail(err, GW_E_SYNTAX, "%s: certificate %d can't be used", path, i + 1);
        if (names != NULL)
            (void)sk_X509_NAME_push(*names, X509_NAME_dup(X509_get_subject_name(one)));
    }
    ERR_clear_error();
    sk_X509_pop_free(list, X509_free);
    if (status != GW_OK && names != NULL) {
        sk_X509_NAME_pop_free(*names, X509_NAME_free);
        *names = NULL;
    }
    return status;
}
