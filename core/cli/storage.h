/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_STORAGE_H
#define GW_CLI_STORAGE_H

/*
 * What a process keeps on disk, opened together: the store first, because it says
 * which audit record its last change had, then the audit chain, which is joined to
 * it (journal/journal.h).
 */

#include "codec/ed25519.h"
#include "config/config.h"
#include "journal/journal.h"
#include "store/store.h"

/* The layers below, for programs that inject faults; NULL: the operating system's. */
struct gw_storage_layers {
    const struct gw_journal_io *journal_io;
    const char *store_vfs; /* a registered SQLite VFS */
};

struct gw_storage {
    struct gw_store *store;
    struct gw_journal *journal; /* NULL: audit is off */
    struct gw_chain_head head;  /* of the journal when it was opened: the writer's thread has it from then on */
    struct gw_ed25519_key *key;
};

/* Opens what the configuration names; the epoch is borrowed and must outlive it. On failure nothing is left open. */
GW_NODISCARD enum gw_status gw_storage_open(struct gw_storage *storage, const struct gw_config *config,
                                            const struct gw_storage_layers *layers, struct gw_epoch *epoch,
                                            struct gw_err *err);
/* After the writer has ended. Accepts what was never opened. */
void gw_storage_close(struct gw_storage *storage);

/* Says in the log what there is. */
void gw_storage_log(const struct gw_storage *storage, const struct gw_config *config);

#endif
