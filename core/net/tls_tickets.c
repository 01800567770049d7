/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets (RFC 5077, RFC 8446 4.6.1) are sealed with keys of the process,
 * so that every worker, and a listener whose certificates were loaded anew, takes
 * up what another gave. Keys are random, never leave the process, and are replaced
 * after as long as a session may be resumed; the one before still opens.
 */
#include "net/tls_inner.h"

#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/random.h"

#define NAME_SIZE 16

struct ticket_key {
    unsigned char name[NAME_SIZE];
    unsigned char aes[32];
    unsigned char hmac[32];
    int64_t born_ms;
    bool there;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key keys[2]; /* the present one, the one before */
static EVP_CIPHER *cipher;

/* With the lock. */
static void renew_keys(void)
{
    int64_t now = gw_clock_monotonic_ms(gw_clock_system());
    int64_t life_ms = (int64_t)GW_TLS_SESSION_S * 1000;

    if (cipher == NULL)
        cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (keys[1].there && now - keys[1].born_ms >= 2 * life_ms)
        keys[1].there = false;
    if (keys[0].there && now - keys[0].born_ms < life_ms)
        return;
    keys[1] = keys[0];
    gw_random_fill(gw_random_system(), &keys[0], offsetof(struct ticket_key, born_ms));
    keys[0].born_ms = now;
    keys[0].there = true;
    if (keys[1].there && now - keys[1].born_ms >= 2 * life_ms)
        keys[1].there = false;
}

/* A copy of the present key, or of the one with this name. */
static bool copy_key(const unsigned char *name, struct ticket_key *key, bool *is_present)
{
    bool found = false;

    (void)pthread_mutex_lock(&lock);
    renew_keys();
    for (size_t i = 0; i < GW_COUNT(keys) && !found; i++) {
        found = keys[i].there && (name == NULL || memcmp(keys[i].name, name, NAME_SIZE) == 0);
        if (found)
            *key = keys[i];
        *is_present = i == 0;
    }
    (void)pthread_mutex_unlock(&lock);
    return found;
}

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof(key->hmac)),
                           OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof(digest) - 1), OSSL_PARAM_END};

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int seal(unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *ctx, EVP_MAC_CTX *mac)
{
    struct ticket_key key;
    bool is_present;
    int result = -1;

    if (!copy_key(NULL, &key, &is_present) || cipher == NULL)
        return -1;
    memcpy(name, key.name, NAME_SIZE);
    gw_random_fill(gw_random_system(), iv, (size_t)EVP_CIPHER_get_iv_length(cipher));
    if (EVP_EncryptInit_ex(ctx, cipher, NULL, key.aes, iv) == 1 && set_mac(mac, &key))
        result = 1;
    gw_wipe(&key, sizeof(key));
    return result;
}

/* 0: nobody's; 1: open it; 2: and give another. TLS 1.3 clients use a ticket once (RFC 8446 C.4). */
static int unseal(SSL *ssl, const unsigned char *name, const unsigned char *iv, EVP_CIPHER_CTX *ctx, EVP_MAC_CTX *mac)
{
    struct ticket_key key;
    bool is_present;
    int result = -1;

    if (!copy_key(name, &key, &is_present))
        return 0;
    if (EVP_DecryptInit_ex(ctx, cipher, NULL, key.aes, iv) == 1 && set_mac(mac, &key))
        result = is_present && SSL_version(ssl) != TLS1_3_VERSION ? 1 : 2;
    gw_wipe(&key, sizeof(key));
    return result;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *ctx, EVP_MAC_CTX *mac,
                     int sealing)
{
    return sealing ? seal(name, iv, ctx, mac) : unseal(ssl, name, iv, ctx, mac);
}

void gw_tls_tickets_use(SSL_CTX *ssl)
{
    if (SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) != 1)
        gw_fatal("no session tickets");
}
