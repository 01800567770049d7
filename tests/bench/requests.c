/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the load generator, signed with Signature Version 4 through
 * OpenSSL's plain functions: apart from the gateway's own code, and slow enough
 * that it has to happen before the clock starts. The headers are those that
 * botocore sends.
 */
#include "requests.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUEST_MAX 2048

struct signer {
    const struct request_options *options;
    char stamp[17];
    char scope[128];
    unsigned char key[32];
};

static void hmac(const unsigned char *key, size_t key_length, const char *text, unsigned char out[32])
{
    unsigned length = 32;

    if (HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text), out, &length) == NULL)
        abort();
}

static void to_hex(const unsigned char bytes[32], char out[65])
{
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void hash_hex(const char *text, char out[65])
{
    unsigned char digest[32];

    if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    to_hex(digest, out);
}

static void derive(struct signer *signer)
{
    const struct request_options *options = signer->options;
    time_t now = time(NULL);
    struct tm utc;
    char first[256];
    char date[9];

    (void)gmtime_r(&now, &utc);
    (void)strftime(signer->stamp, sizeof(signer->stamp), "%Y%m%dT%H%M%SZ", &utc);
    (void)snprintf(date, sizeof(date), "%.8s", signer->stamp);
    (void)snprintf(signer->scope, sizeof(signer->scope), "%s/%s/eks/aws4_request", date, options->region);
    (void)snprintf(first, sizeof(first), "AWS4%s", options->secret);
    hmac((const unsigned char *)first, strlen(first), date, signer->key);
    hmac(signer->key, 32, options->region, signer->key);
    hmac(signer->key, 32, "eks", signer->key);
    hmac(signer->key, 32, "aws4_request", signer->key);
}

/* Percent-encodes all but unreserved bytes and those in `keep`. */
static void escape(const char *text, const char *keep, char *out, size_t size)
{
    size_t at = 0;

    for (; *text != '\0' && at + 4 < size; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || strchr("-._~", *text) != NULL || strchr(keep, *text) != NULL;

        if (plain)
            out[at++] = *text;
        else
            at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned char)*text);
    }
    out[at] = '\0';
}

static void sign(const struct signer *signer, const char *path, const char *query, const char *body, char out[65])
{
    const struct request_options *options = signer->options;
    bool has_body = options->kind == REQUEST_CREATE;
    char canonical_path[1024];
    char canonical[REQUEST_MAX];
    char to_sign[512];
    char hash[65];
    unsigned char signature[32];

    escape(path, "/", canonical_path, sizeof(canonical_path));
    hash_hex(body, hash);
    (void)snprintf(canonical, sizeof(canonical), "%s\n%s\n%s\n%shost:%s\nx-amz-date:%s\n\n%shost;x-amz-date\n%s",
                   has_body ? "POST" : "GET", canonical_path, query, has_body ? "content-type:application/json\n" : "",
                   options->host, signer->stamp, has_body ? "content-type;" : "", hash);
    hash_hex(canonical, hash);
    (void)snprintf(to_sign, sizeof(to_sign), "AWS4-HMAC-SHA256\n%s\n%s\n%s", signer->stamp, signer->scope, hash);
    hmac(signer->key, 32, to_sign, signature);
    to_hex(signature, out);
}

/* Keeps the client request tokens of different prefixes apart. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    return hash & 0xffffffffffffU;
}

static void put_cluster(const struct request_options *options, size_t number, char *out, size_t size)
{
    if (options->clusters > 1)
        (void)snprintf(out, size, "%s-%zu", options->cluster, number % options->clusters);
    else
        (void)snprintf(out, size, "%s", options->cluster);
}

/* The same sequence in every run. */
static size_t random_below(size_t count)
{
    static uint64_t state = 0x9e3779b97f4a7c15U;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % count);
}

static void put_principal(const struct request_options *options, size_t number, char *out, size_t size)
{
    (void)snprintf(out, size, "arn:aws:iam::012345678910:role/bench/%s-%zu", options->prefix, number);
}

static void put_path(const struct request_options *options, size_t number, char *out, size_t size)
{
    char cluster[128];
    char principal[256];
    char escaped[400];

    put_cluster(options, number, cluster, sizeof(cluster));
    if (options->entries > 0)
        put_principal(options, random_below(options->entries), principal, sizeof(principal));
    escape(options->entries > 0 ? principal : options->principal, "", escaped, sizeof(escaped));
    if (options->kind == REQUEST_DESCRIBE)
        (void)snprintf(out, size, "/clusters/%s/access-entries/%s", cluster, escaped);
    else if (options->kind == REQUEST_CLUSTER)
        (void)snprintf(out, size, "/clusters/%s", cluster);
    else
        (void)snprintf(out, size, "/clusters/%s/access-entries", cluster);
}

/* As the AWS CLI sends it. */
static void put_body(const struct request_options *options, size_t number, char *out, size_t size)
{
    const char *more = options->typical
                           ? ", \"kubernetesGroups\": [\"team-a-developers\"], \"tags\": {\"team\": \"a\", "
                             "\"cost-centre\": \"4711\", \"environment\": \"production\", \"owner\": "
                             "\"platform@example.com\"}"
                           : "";
    char principal[256];

    put_principal(options, number, principal, sizeof(principal));
    (void)snprintf(out, size,
                   "{\"principalArn\": \"%s\"%s, \"clientRequestToken\": \"%08zx-0000-4000-8000-%012" PRIx64 "\"}",
                   principal, more, number, hash_of(options->prefix));
}

static size_t put_request(const struct signer *signer, size_t number, char *out)
{
    const struct request_options *options = signer->options;
    bool is_create = options->kind == REQUEST_CREATE;
    const char *query = options->kind == REQUEST_LIST ? "maxResults=100" : "";
    char path[768];
    char body[768] = "";
    char length[64] = "";
    char signature[65];

    put_path(options, number, path, sizeof(path));
    if (is_create) {
        put_body(options, number, body, sizeof(body));
        (void)snprintf(length, sizeof(length), "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                       strlen(body));
    }
    sign(signer, path, query, body, signature);
    return (size_t)snprintf(
        out, REQUEST_MAX,
        "%s %s%s%s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: identity\r\n%sUser-Agent: aws-cli/1.45.11 "
        "md/Botocore#1.43.11 ua/2.1 os/linux lang/python#3.11.7 botocore/1.43.11\r\nX-Amz-Date: %s\r\nAuthorization: "
        "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%shost;x-amz-date, Signature=%s\r\n\r\n%s",
        is_create ? "POST" : "GET", path, query[0] == '\0' ? "" : "?", query, options->host, length, signer->stamp,
        options->key_id, signer->scope, is_create ? "content-type;" : "", signature, body);
}

void requests_sign(const struct request_options *options, struct requests *requests)
{
    struct signer signer = {.options = options};
    size_t room = 0;
    size_t used = 0;

    derive(&signer);
    *requests = (struct requests){.count = options->count};
    requests->starts = calloc(options->count + 1, sizeof(*requests->starts));
    if (requests->starts == NULL)
        abort();
    for (size_t i = 0; i < options->count; i++) {
        if (room - used < REQUEST_MAX) {
            room = room * 2 + REQUEST_MAX;
            requests->bytes = realloc(requests->bytes, room);
            if (requests->bytes == NULL)
                abort();
        }
        requests->starts[i] = used;
        used += put_request(&signer, options->first + i, requests->bytes + used);
    }
    requests->starts[options->count] = used;
}

void requests_free(struct requests *requests)
{
    free(requests->bytes);
    free(requests->starts);
    *requests = (struct requests){0};
}
