/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each TLS listener: what its files are called, how they looked when they were
 * last tried, and the slot that new connections take their certificates from.
 * Connections that are open keep those that they began with.
 */
#include "cli/certificates.h"

#include <stdlib.h>

#include "auth/keyring.h"
#include "base/log.h"

struct listener {
    struct gw_tls_slot *slot; /* NULL: no TLS */
    char *address;
    struct gw_tls_server_options options; /* texts and list new */
    struct gw_keyring_stamp *stamps;      /* of each certificate and key, then client_ca; zeros: not to be seen */
    bool failed;                          /* as the stamps are, and it wasn't logged */
    struct gw_tls_server_options next;    /* between prepare and apply */
    struct gw_tls_context *next_context;
};

struct gw_certificates {
    struct listener *listeners;
    size_t count;
};

static struct gw_str copy_text(struct gw_str text)
{
    return text.at == NULL ? text : (struct gw_str){gw_str_dup(text), text.length};
}

static struct gw_tls_server_options copy_options(const struct gw_tls_server_options *from)
{
    struct gw_tls_server_options copy = *from;
    struct gw_tls_certificate *list = gw_alloc_zero(from->certificate_count, sizeof(*list));

    for (size_t i = 0; i < from->certificate_count; i++) {
        list[i].certificate = copy_text(from->certificates[i].certificate);
        list[i].key = copy_text(from->certificates[i].key);
    }
    copy.certificates = list;
    copy.client_ca = copy_text(from->client_ca);
    return copy;
}

static void free_text(struct gw_str text)
{
    free((void *)(uintptr_t)text.at);
}

static void free_options(struct gw_tls_server_options *options)
{
    for (size_t i = 0; i < options->certificate_count; i++) {
        free_text(options->certificates[i].certificate);
        free_text(options->certificates[i].key);
    }
    free((void *)(uintptr_t)options->certificates);
    free_text(options->client_ca);
    memset(options, 0, sizeof(*options));
}

static size_t file_count(const struct gw_tls_server_options *options)
{
    return options->certificate_count * 2 + 1;
}

/* new */
static struct gw_keyring_stamp *look_at(const struct gw_tls_server_options *options)
{
    struct gw_keyring_stamp *stamps = gw_alloc_zero(file_count(options), sizeof(*stamps));

    for (size_t i = 0; i < file_count(options); i++) {
        const struct gw_tls_certificate *pair = &options->certificates[i / 2];
        struct gw_str path = options->client_ca;
        struct gw_keyring_stamp stamp;

        if (i / 2 < options->certificate_count)
            path = i % 2 == 0 ? pair->certificate : pair->key;
        if (path.at != NULL && gw_keyring_stamp(path.at, &stamp) == GW_OK)
            stamps[i] = stamp;
    }
    return stamps;
}

static enum gw_status load(const struct gw_tls_server_options *options, struct gw_tls_context **context,
                           struct gw_err *err)
{
    enum gw_status status = gw_tls_server_new(options, context, err);

    if (status == GW_OK && err->text[0] != '\0')
        gw_log(GW_LOG_WARN, "tls", "%s", err->text);
    return status;
}

enum gw_status gw_certificates_new(const struct gw_config *config, struct gw_certificates **certificates,
                                   struct gw_err *err)
{
    struct gw_certificates *fresh = gw_alloc_zero(1, sizeof(*fresh));

    fresh->listeners = gw_alloc_zero(config->listen_count, sizeof(*fresh->listeners));
    fresh->count = config->listen_count;
    for (size_t i = 0; i < fresh->count; i++) {
        struct listener *listener = &fresh->listeners[i];
        struct gw_tls_context *context = NULL;
        enum gw_status status;

        if (config->listen[i].tls.certificate_count == 0)
            continue;
        listener->address = gw_str_dup(config->listen[i].address);
        listener->options = copy_options(&config->listen[i].tls);
        listener->stamps = look_at(&listener->options);
        status = load(&listener->options, &context, err);
        if (status != GW_OK) {
            gw_certificates_free(&fresh);
            return status;
        }
        listener->slot = gw_tls_slot_new(&context);
    }
    *certificates = fresh;
    return GW_OK;
}

void gw_certificates_free(struct gw_certificates **certificates)
{
    struct gw_certificates *dying = *certificates;

    *certificates = NULL;
    if (dying == NULL)
        return;
    gw_certificates_apply(dying, false);
    for (size_t i = 0; i < dying->count; i++) {
        struct listener *listener = &dying->listeners[i];

        gw_tls_slot_free(&listener->slot);
        free_options(&listener->options);
        free(listener->stamps);
        free(listener->address);
    }
    free(dying->listeners);
    free(dying);
}

struct gw_tls_slot *gw_certificates_slot(const struct gw_certificates *certificates, size_t listener)
{
    return certificates->listeners[listener].slot;
}

/* What the configuration says of a listener that is open; NULL: nothing of its certificates. */
static const struct gw_tls_server_options *find(const struct gw_config *config, const struct gw_certificates *all,
                                                size_t at)
{
    struct gw_str address = gw_str_from(all->listeners[at].address);
    size_t same = 0;

    for (size_t i = 0; i < at; i++) /* of several at port 0 the one in the same place */
        same += all->listeners[i].slot != NULL && gw_str_is(address, all->listeners[i].address) ? 1 : 0;
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct gw_config_listener *one = &config->listen[i];

        if (one->tls.certificate_count > 0 && gw_str_equal(one->address, address) && same-- == 0)
            return &one->tls;
    }
    return NULL;
}

enum gw_status gw_certificates_prepare(struct gw_certificates *certificates, const struct gw_config *config,
                                       struct gw_err *err)
{
    gw_certificates_apply(certificates, false);
    for (size_t i = 0; i < certificates->count; i++) {
        struct listener *listener = &certificates->listeners[i];
        const struct gw_tls_server_options *options = listener->slot != NULL ? find(config, certificates, i) : NULL;
        enum gw_status status;

        if (options == NULL)
            continue;
        status = load(options, &listener->next_context, err);
        if (status != GW_OK)
            return status;
        listener->next = copy_options(options);
    }
    return GW_OK;
}

void gw_certificates_apply(struct gw_certificates *certificates, bool take_up)
{
    for (size_t i = 0; i < certificates->count; i++) {
        struct listener *listener = &certificates->listeners[i];

        if (listener->next_context == NULL)
            continue;
        if (!take_up) {
            gw_tls_context_release(&listener->next_context);
            free_options(&listener->next);
            continue;
        }
        gw_tls_slot_set(listener->slot, &listener->next_context);
        free_options(&listener->options);
        listener->options = listener->next;
        memset(&listener->next, 0, sizeof(listener->next));
        free(listener->stamps);
        listener->stamps = look_at(&listener->options);
        listener->failed = false;
    }
}

static void try_anew(struct listener *listener, bool changed, size_t *taken_up, size_t *failed)
{
    struct gw_tls_context *context = NULL;
    struct gw_err err = {""};

    if (load(&listener->options, &context, &err) == GW_OK) {
        gw_tls_slot_set(listener->slot, &context);
        listener->failed = false;
        (*taken_up)++;
        gw_log(GW_LOG_INFO, "tls", "certificates of %s taken up", listener->address);
        return;
    }
    listener->failed = changed;
    if (changed)
        return;
    (*failed)++;
    gw_log(GW_LOG_ERROR, "tls", "%s; %s keeps the old certificates", err.text, listener->address);
}

void gw_certificates_look(struct gw_certificates *certificates, size_t *taken_up, size_t *failed)
{
    *taken_up = *failed = 0;
    for (size_t i = 0; i < certificates->count; i++) {
        struct listener *listener = &certificates->listeners[i];
        struct gw_keyring_stamp *stamps;
        bool changed;

        if (listener->slot == NULL)
            continue;
        stamps = look_at(&listener->options);
        changed = memcmp(stamps, listener->stamps, file_count(&listener->options) * sizeof(*stamps)) != 0;
        free(listener->stamps);
        listener->stamps = stamps;
        if (changed || listener->failed)
            try_anew(listener, changed, taken_up, failed);
    }
}
