/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thin layer over OpenSSL's EVP, which holds the key and wipes it. What can't
 * fail but for lack of memory aborts.
 */
#include "codec/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

struct gw_ed25519_key {
    EVP_PKEY *pkey;
};

/* An encrypted key isn't asked for its password on the terminal. */
static int no_password(char *buffer, int size, int writing, void *ctx)
{
    if (size > 0)
        *buffer = '\0';
    (void)writing;
    (void)ctx;
    return -1;
}

static enum gw_status adopt(struct gw_str pem, EVP_PKEY *pkey, struct gw_ed25519_key **key)
{
    if (pkey == NULL) {
        ERR_clear_error();
        return gw_str_search(pem, GW_STR("ENCRYPTED")) == SIZE_MAX ? GW_E_SYNTAX : GW_E_TYPE;
    }
    if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return GW_E_TYPE;
    }
    *key = gw_alloc(sizeof(**key));
    (*key)->pkey = pkey;
    return GW_OK;
}

static BIO *open_text(struct gw_str pem)
{
    BIO *bio = pem.length > INT32_MAX ? NULL : BIO_new_mem_buf(pem.at, (int)pem.length);

    if (bio == NULL)
        gw_fatal("a PEM text can't be read");
    return bio;
}

enum gw_status gw_ed25519_private(struct gw_str pem, struct gw_ed25519_key **key)
{
    BIO *bio = open_text(pem);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

    BIO_free(bio);
    return adopt(pem, pkey, key);
}

enum gw_status gw_ed25519_public(struct gw_str pem, struct gw_ed25519_key **key)
{
    BIO *bio = open_text(pem);
    EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);

    BIO_free(bio);
    return adopt(pem, pkey, key);
}

void gw_ed25519_free(struct gw_ed25519_key **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

void gw_ed25519_public_bytes(const struct gw_ed25519_key *key, unsigned char out[GW_ED25519_PUBLIC])
{
    size_t length = GW_ED25519_PUBLIC;

    if (EVP_PKEY_get_raw_public_key(key->pkey, out, &length) != 1 || length != GW_ED25519_PUBLIC)
        gw_fatal("ed25519: no public key");
}

void gw_ed25519_sign(const struct gw_ed25519_key *key, struct gw_str message,
                     unsigned char signature[GW_ED25519_SIGNATURE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = GW_ED25519_SIGNATURE;

    if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
        EVP_DigestSign(context, signature, &length, (const unsigned char *)message.at, message.length) != 1)
        gw_fatal("ed25519: signing failed");
    EVP_MD_CTX_free(context);
}

bool gw_ed25519_verify(const struct gw_ed25519_key *key, struct gw_str message,
                       const unsigned char signature[GW_ED25519_SIGNATURE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds;

    if (context == NULL || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) != 1)
        gw_fatal("ed25519: verifying failed");
    holds = EVP_DigestVerify(context, signature, GW_ED25519_SIGNATURE, (const unsigned char *)message.at,
                             message.length) == 1;
    EVP_MD_CTX_free(context);
    return holds;
}
