/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_KEYFILE_H
#define GW_AUTH_KEYFILE_H

/*
 * Edits of key files (format: keyring.h). Each edit reads the file, changes it,
 * writes a new one beside it and renames it into place, synced, so that a reader
 * sees the old keys or the new ones and a crash loses neither. Editors hold a lock
 * on the folder meanwhile: none loses another's change. A file that a gateway
 * would refuse is not edited, and what is written is read back first. Mode and
 * owner stay; a file that everybody may read loses that once it holds a secret.
 * To list keys, load a keyring.
 */

#include "auth/keyring.h"
#include "base/random.h"

/* What to add; absent texts are {NULL,0}. */
struct gw_keyfile_key {
    struct gw_str id;     /* absent: "EKSG" and 16 random letters and digits */
    struct gw_str secret; /* absent: 40 random characters */
    struct gw_str session_token;
    struct gw_str arn;        /* required */
    struct gw_str expiration; /* 2030-01-31T12:00:00Z */
    const struct gw_pair *tags;
    size_t tag_count;
    bool disabled;
};

/* What was added, NUL-terminated; the only time that a made-up secret is shown. The caller wipes it (gw_wipe). */
struct gw_keyfile_added {
    char id[GW_KEYRING_ID_MAX + 1];
    char secret[257];
};

/* Adds a key; creates the file (mode 0600) when there is none. GW_E_DUPLICATE: the id is taken. Else as
 * gw_keyring_parse for members that are out of form, as gw_keyring_load for the file, GW_E_IO. No message holds a
 * secret. `added` may be NULL when id and secret are given. */
GW_NODISCARD enum gw_status gw_keyfile_add(const char *path, const struct gw_keyfile_key *key,
                                           const struct gw_random *random, struct gw_keyfile_added *added,
                                           struct gw_err *err);

/* GW_E_MISSING: no such file or key. Setting what is set already is GW_OK and leaves the file alone. */
GW_NODISCARD enum gw_status gw_keyfile_set_disabled(const char *path, struct gw_str id, bool disabled,
                                                    struct gw_err *err);

GW_NODISCARD enum gw_status gw_keyfile_remove(const char *path, struct gw_str id, struct gw_err *err);

#endif
