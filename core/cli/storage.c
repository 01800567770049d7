/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins store and journal at the start: what the journal's beginning has written
 * is committed as the store's head before anything else is, so that a store with
 * an audit file is never without one.
 */
#include "cli/storage.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "config/signing_key.h"
#include "eks/access_entry.h"

/* Makes the folder where there is none; its name is durable then. */
static enum gw_status make_folder(const char *path, struct gw_err *err)
{
    if (mkdir(path, 0700) == 0)
        return gw_file_sync_folder(path, err);
    return errno == EEXIST ? GW_OK : gw_fail(err, GW_E_IO, "data: %s: can't be made: %s", path, strerror(errno));
}

static enum gw_status make_data_folder(const struct gw_config *config, struct gw_err *err)
{
    char *path = gw_str_dup(config->data);
    enum gw_status status = GW_OK;

    for (char *at = path + 1; status == GW_OK; at++) {
        char kept = *at;

        if (kept != '/' && kept != '\0')
            continue;
        *at = '\0';
        status = make_folder(path, err);
        *at = kept;
        if (kept == '\0')
            break;
    }
    free(path);
    return status;
}

static bool has_audit_file(const struct gw_config *config)
{
    return config->audit_file.at != NULL && !gw_str_is(config->audit_file, "-");
}

static enum gw_status open_store(struct gw_storage *storage, const struct gw_config *config,
                                 const struct gw_storage_layers *layers, struct gw_epoch *epoch, struct gw_err *err)
{
    struct gw_store_file file = {
        .busy_ms = config->store_busy_ms, .vfs = layers->store_vfs, .encode_reply = gw_eks_entry_encode};
    enum gw_status status;
    char *path;

    if (!config->store_is_durable) {
        storage->store = gw_store_open_memory(&config->store, epoch, gw_random_system());
        return GW_OK;
    }
    path = gw_str_dup(config->store_file);
    file.path = path;
    status = gw_store_open_sqlite(&config->store, &file, epoch, gw_random_system(), &storage->store, err);
    free(path);
    return status;
}

static enum gw_status open_journal(struct gw_storage *storage, const struct gw_config *config,
                                   const struct gw_storage_layers *layers, struct gw_err *err)
{
    struct gw_journal_options options = {.durable = config->audit_durable,
                                         .max_size = config->audit_max_size,
                                         .io = layers->journal_io,
                                         .clock = gw_clock_system(),
                                         .random = gw_random_system()};
    enum gw_status status;
    char *path;

    if (config->audit_file.at == NULL)
        return GW_OK;
    status = gw_config_signing_key(config, &storage->key, err);
    if (status != GW_OK)
        return status;
    options.key = storage->key;
    path = gw_str_dup(config->audit_file);
    options.path = path;
    status = gw_journal_open(&options, &storage->journal, err);
    free(path);
    return status;
}

static enum gw_status join(struct gw_storage *storage, struct gw_err *err)
{
    const struct gw_store_found *found = gw_store_found(storage->store);
    struct gw_journal_start start = {.is_durable = found->is_durable,
                                     .is_new = found->head.sequence == 0, /* no record is its, whatever is in it */
                                     .is_restored = found->is_restored,
                                     .has_unrecorded = found->has_unrecorded,
                                     .committed = found->head};
    struct gw_journal_begun begun = {0};
    struct gw_chain_head head;
    enum gw_status status;

    if (storage->journal == NULL)
        return GW_OK;
    status = gw_journal_begin(storage->journal, &start, &begun, err);
    if (status == GW_OK && begun.unknown > 0)
        gw_log(GW_LOG_WARN, "audit",
               "%zu changes were forwarded and not answered when the process ended: what became of them is unknown; "
               "records say so now",
               begun.unknown);
    if (status != GW_OK || !found->is_durable || !gw_journal_is_kept(storage->journal))
        return status;
    if (begun.settled > 0)
        gw_log(GW_LOG_WARN, "audit",
               "what became of %zu recorded changes was open when the process ended; records say so now",
               begun.settled);
    head = gw_journal_durable_head(storage->journal);
    status = gw_store_prepare(storage->store, &head, err);
    if (status == GW_OK)
        status = gw_store_commit(storage->store, err);
    if (status == GW_OK)
        gw_journal_committed(storage->journal, head.sequence);
    return status;
}

enum gw_status gw_storage_open(struct gw_storage *storage, const struct gw_config *config,
                               const struct gw_storage_layers *layers, struct gw_epoch *epoch, struct gw_err *err)
{
    enum gw_status status = GW_OK;

    *storage = (struct gw_storage){.store = NULL};
    if (config->store_is_durable || has_audit_file(config))
        status = make_data_folder(config, err);
    if (status == GW_OK)
        status = open_store(storage, config, layers, epoch, err);
    if (status == GW_OK)
        status = open_journal(storage, config, layers, err);
    if (status == GW_OK)
        status = join(storage, err);
    if (status != GW_OK)
        gw_storage_close(storage);
    else if (storage->journal != NULL)
        storage->head = gw_journal_head(storage->journal);
    return status;
}

void gw_storage_close(struct gw_storage *storage)
{
    gw_journal_close(&storage->journal);
    gw_store_close(&storage->store);
    gw_ed25519_free(&storage->key);
}

static void log_audit(const struct gw_storage *storage, const struct gw_config *config)
{
    char hex[GW_DIGEST_HEX_SIZE];

    if (storage->journal == NULL) {
        gw_log(GW_LOG_WARN, "audit", "audit is off: no record is written of what changes");
        return;
    }
    gw_digest_hex(storage->head.hash, hex);
    gw_log(GW_LOG_INFO, "audit", "%.*s, head %llu:%.*s", GW_STR_ARG(config->audit_file),
           (unsigned long long)storage->head.sequence, (int)sizeof(hex), hex);
    if (config->store_is_durable && !gw_journal_is_kept(storage->journal))
        gw_log(GW_LOG_WARN, "audit", "stdout is never durable: records of changes may be lost that the store keeps");
    else if (config->store_is_durable && !config->audit_durable)
        gw_log(GW_LOG_WARN, "audit", "audit.durable is false: records of changes may be lost that the store keeps");
}

void gw_storage_log(const struct gw_storage *storage, const struct gw_config *config)
{
    if (config->store_is_durable)
        gw_log(GW_LOG_INFO, "store", "%.*s: %zu entries and %zu clusters, read in %llu ms",
               GW_STR_ARG(config->store_file), gw_store_count(storage->store), gw_store_count_clusters(storage->store),
               (unsigned long long)gw_store_counters(storage->store)->load_ms);
    else if (config->mode == GW_GATEWAY_PROXY)
        gw_log(GW_LOG_INFO, "store", "none: the upstream has everything");
    else
        gw_log(GW_LOG_INFO, "store", "entries are kept in memory and are gone when this process ends");
    log_audit(storage, config);
}
