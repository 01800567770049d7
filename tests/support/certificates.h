/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_CERTIFICATES_H
#define GW_TEST_CERTIFICATES_H

/*
 * Certificates for tests, made while they run: an authority, and what it signs.
 * Files go to a folder of the test's own; keys have mode 0600.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/gw.h"

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

struct certificate_spec {
    const char *common_name;
    const char *organisation; /* NULL: none */
    const char *names;        /* SAN as OpenSSL's configuration writes it: "DNS:a.example,IP:127.0.0.1"; NULL: none */
    const struct certificate *issuer; /* NULL: an authority that signs itself */
    unsigned rsa_bits;                /* 0: P-256 */
    long from_s;                      /* seconds from now */
    long to_s;                        /* 0: a day */
};

static inline void certificate_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (extension == NULL || X509_add_ext(x509, extension, -1) != 1)
        gw_fatal("no extension %s", value);
    X509_EXTENSION_free(extension);
}

static inline struct certificate certificate_make(const struct certificate_spec *spec)
{
    static long serial = 1;
    struct certificate made = {X509_new(), spec->rsa_bits > 0 ? EVP_RSA_gen(spec->rsa_bits) : EVP_EC_gen("P-256")};
    const struct certificate *issuer = spec->issuer != NULL ? spec->issuer : &made;
    X509_NAME *name = X509_get_subject_name(made.x509);

    if (spec->organisation != NULL)
        (void)X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)spec->organisation, -1, -1,
                                         0);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->common_name, -1, -1, 0);
    (void)X509_set_version(made.x509, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(made.x509), serial++);
    (void)X509_gmtime_adj(X509_getm_notBefore(made.x509), spec->from_s != 0 ? spec->from_s : -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(made.x509), spec->to_s != 0 ? spec->to_s : 86400);
    (void)X509_set_issuer_name(made.x509, X509_get_subject_name(issuer->x509));
    (void)X509_set_pubkey(made.x509, made.key);
    certificate_extend(made.x509, issuer->x509, NID_basic_constraints,
                       spec->issuer == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    certificate_extend(made.x509, issuer->x509, NID_subject_key_identifier, "hash");
    if (spec->names != NULL)
        certificate_extend(made.x509, issuer->x509, NID_subject_alt_name, spec->names);
    if (X509_sign(made.x509, issuer->key, EVP_sha256()) == 0)
        gw_fatal("no signature");
    return made;
}

static inline void certificate_free(struct certificate *made)
{
    X509_free(made->x509);
    EVP_PKEY_free(made->key);
}

/* Writes the certificate, and the key if `key_path` isn't NULL; what is there is replaced. */
static inline void certificate_write(const struct certificate *made, const char *path, const char *key_path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || PEM_write_X509(file, made->x509) != 1 || fclose(file) != 0)
        gw_fatal("%s can't be written", path);
    if (key_path == NULL)
        return;
    file = fopen(key_path, "w");
    if (file == NULL || chmod(key_path, 0600) != 0 ||
        PEM_write_PrivateKey(file, made->key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) != 0)
        gw_fatal("%s can't be written", key_path);
}

#endif
