/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDENTIALS_CASE_H
#define CREDENTIALS_CASE_H

/*
 * Credentials without threads, network and real time: a clock that a test moves,
 * no randomness, and a peer that answers every exchange from a list.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/time.h"
#include "upstream/credentials_inner.h"

#define NOW_MS    INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MINUTE_MS ((int64_t)60000)

struct exchange {
    unsigned status; /* 0: nobody answers */
    const char *body;
};

static struct {
    int64_t wall_ms;
    int64_t monotonic_ms;
    char *environment[16];
    struct gw_epoch *epoch;
    struct gw_epoch_reader *reader;
    struct gw_credentials *credentials;
    struct gw_credentials_options options;
    struct exchange answers[16]; /* in order; the last goes on answering */
    size_t answer_count;
    size_t asked;
    unsigned paused_ms;
    char head[4096]; /* of the last request */
    char body[4096];
    char peer[300];
} it;

static int64_t fake_wall_ms(void *ctx)
{
    (void)ctx;
    return it.wall_ms;
}

static int64_t fake_monotonic_ms(void *ctx)
{
    (void)ctx;
    return it.monotonic_ms;
}

static void fake_fill(void *ctx, void *bytes, size_t length)
{
    (void)ctx;
    memset(bytes, 0, length);
}

static const struct gw_clock fake_clock = {NULL, fake_wall_ms, fake_monotonic_ms};
static const struct gw_random fake_random = {NULL, fake_fill};

static inline enum gw_status fake_ask(void *ctx, const struct gw_ask *ask, struct gw_ask_reply *reply,
                                      struct gw_err *err)
{
    const struct exchange *answer = &it.answers[it.asked < it.answer_count ? it.asked
                                                : it.answer_count > 0      ? it.answer_count - 1
                                                                           : 0];

    (void)ctx;
    it.asked++;
    (void)snprintf(it.head, sizeof(it.head), "%.*s", GW_STR_ARG(ask->head));
    (void)snprintf(it.body, sizeof(it.body), "%.*s", GW_STR_ARG(ask->body));
    (void)snprintf(it.peer, sizeof(it.peer), "%.*s:%u", GW_STR_ARG(ask->host), (unsigned)ask->port);
    gw_buf_init(&reply->body, GW_ASK_REPLY_MAX);
    if (answer->status == 0)
        return gw_fail(err, GW_E_MISSING, "nobody is there");
    reply->status = answer->status;
    gw_buf_append_str(&reply->body, gw_str_from(answer->body));
    return GW_OK;
}

static inline void fake_pause(void *ctx, unsigned ms)
{
    (void)ctx;
    it.paused_ms += ms;
}

static inline void set_variable(const char *text)
{
    size_t i = 0;

    while (it.environment[i] != NULL)
        i++;
    assert_true(i + 1 < GW_COUNT(it.environment));
    it.environment[i] = strdup(text);
}

static inline void answer(unsigned status, const char *body)
{
    assert_true(it.answer_count < GW_COUNT(it.answers));
    it.answers[it.answer_count++] = (struct exchange){status, body};
}

/* From here on only these. */
static inline void answer_anew(unsigned status, const char *body)
{
    it.answer_count = 0;
    it.asked = 0;
    answer(status, body);
}

static inline int begin(void **state)
{
    (void)state;
    memset(&it, 0, sizeof(it));
    it.wall_ms = NOW_MS;
    it.monotonic_ms = 1000000;
    it.epoch = gw_epoch_new();
    it.reader = gw_epoch_register(it.epoch);
    it.options = (struct gw_credentials_options){.environment = it.environment,
                                                 .epoch = it.epoch,
                                                 .clock = &fake_clock,
                                                 .random = &fake_random,
                                                 .region = GW_STR("us-west-2")};
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    gw_credentials_free(&it.credentials);
    gw_epoch_unregister(it.reader);
    gw_epoch_free(&it.epoch);
    for (size_t i = 0; it.environment[i] != NULL; i++)
        free(it.environment[i]);
    return 0;
}

static inline void make(void)
{
    it.credentials = gw_credentials_make(&it.options);
    it.credentials->world.ask = fake_ask;
    it.credentials->world.pause = fake_pause;
}

static inline void pass(int64_t ms)
{
    it.wall_ms += ms;
    it.monotonic_ms += ms;
}

/* Does everything that is due; how long until the next. */
static inline int64_t work(void)
{
    int64_t wait_ms = 0;

    (void)pthread_mutex_lock(&it.credentials->lock);
    while (gw_credentials_step(it.credentials, &wait_ms))
        ;
    (void)pthread_mutex_unlock(&it.credentials->lock);
    return wait_ms;
}

/* Key id in use; "" and the reason in `why` where there are none. */
static inline const char *key_in_use(struct gw_err *why)
{
    static char text[160];
    const struct gw_credentials_snapshot *snapshot;

    gw_epoch_enter(it.reader);
    snapshot = gw_credentials_get(it.credentials, why);
    (void)snprintf(text, sizeof(text), "%.*s", snapshot != NULL ? (int)snapshot->identity.access_key.length : 0,
                   snapshot != NULL ? snapshot->identity.access_key.at : "");
    gw_epoch_leave(it.reader);
    return text;
}

static inline uint64_t version_in_use(void)
{
    const struct gw_credentials_snapshot *snapshot;
    uint64_t version = 0;
    struct gw_err why;

    gw_epoch_enter(it.reader);
    snapshot = gw_credentials_get(it.credentials, &why);
    if (snapshot != NULL)
        version = snapshot->identity.secret_version;
    gw_epoch_leave(it.reader);
    return version;
}

/* A container's answer; lives until the second call after it. */
static inline const char *container_answer(const char *id, int64_t expires_ms)
{
    static char texts[2][400];
    static unsigned turn;
    char when[21];
    char *text = texts[turn++ % 2];

    gw_time_iso_seconds(expires_ms, when);
    (void)snprintf(text, sizeof(texts[0]),
                   "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"%s\"}", id,
                   when);
    return text;
}

static inline const char *sts_answer(const char *id, int64_t expires_ms)
{
    static char texts[2][700];
    static unsigned turn;
    char when[21];
    char *text = texts[turn++ % 2];

    gw_time_iso_seconds(expires_ms, when);
    (void)snprintf(text, sizeof(texts[0]),
                   "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s"
                   "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>"
                   "</AssumeRoleResult></AssumeRoleResponse>",
                   id, when);
    return text;
}

#endif
