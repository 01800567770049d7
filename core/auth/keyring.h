/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_AUTH_KEYRING_H
#define GW_AUTH_KEYRING_H

/*
 * Who has which key: an immutable set of access keys, loaded from a key file or
 * from the configuration, swapped whole. Readers find keys in it inside an epoch
 * (base/epoch.h); a replaced keyring is retired by its owner. Secrets are kept as
 * what signing needs, wiped when freed, never logged, never given to Lua.
 *
 * Key file: {"Version":1,"Keys":[{"AccessKeyId","SecretAccessKey","SessionToken"?,
 * "Expiration"?,"Arn","Tags"?:{},"Disabled"?}]} (names of AWS's
 * credential_process). At most 4 MiB, 65,536 keys and what codec/json.h lets
 * pass; unknown members are errors. Refused when readable or writable by
 * everybody, writable by its group, or owned by neither root nor the effective
 * user; readable by everybody and another owner are let pass when it holds only
 * published example keys without session tokens.
 *
 * A mock's keyring isn't read from anywhere: everybody knows its keys.
 */

#include "base/arena.h"
#include "codec/arn.h"
#include "codec/json.h"

#define GW_KEYRING_FILE_MAX ((size_t)4 << 20)
#define GW_KEYRING_KEYS_MAX 65536
#define GW_KEYRING_ID_MAX   128 /* bytes of an access key id: 1 to 128 of [A-Za-z0-9_] */

struct gw_secret; /* its own type: only auth sees inside */

struct gw_key {
    struct gw_str id;
    struct gw_principal owner; /* parsed Arn: role, user, root, assumed-role or federated-user */
    const struct gw_pair *tags;
    size_t tag_count;
    struct gw_str session_token; /* {NULL,0}: a long-term key */
    int64_t expires_ms;          /* INT64_MAX: never */
    uint64_t secret_version;     /* differs whenever the secret may differ; never reused within the process */
    bool disabled;
    bool example;   /* the secret is one that AWS's documentation or test suite prints */
    bool any_token; /* whatever session token is sent along is let pass, also none: a mock's key */
    const struct gw_secret *secret;
};

struct gw_keyring;

/* new: from the text of a key file. `source` names it in messages. GW_E_SYNTAX, GW_E_TYPE, GW_E_MISSING, GW_E_LIMIT,
 * GW_E_RANGE (Version), GW_E_DUPLICATE (an AccessKeyId twice); `err` names the place and what would be accepted. */
GW_NODISCARD enum gw_status gw_keyring_parse(struct gw_str text, const char *source, struct gw_keyring **keyring,
                                             struct gw_err *err);

/* new: reads the file (following symlinks), checks its mode and owner, parses. Also GW_E_IO, GW_E_MISSING (no such
 * file), GW_E_TYPE (no regular file), GW_E_DENIED (mode or owner). */
GW_NODISCARD enum gw_status gw_keyring_load(const char *path, struct gw_keyring **keyring, struct gw_err *err);

/* new: from the `keys` table of the configuration: an array of key objects in the key file's shape. */
GW_NODISCARD enum gw_status gw_keyring_from_json(const struct gw_json *keys, const char *source,
                                                 struct gw_keyring **keyring, struct gw_err *err);

/* new: the keys that mocks are used with, as users of `account`: test with the secret test, testing with testing, and
 * AKIDEXAMPLE with AWS's example secret (user quickstart). Besides, any account is a key id: twelve digits with the
 * secret test are that account's root, in the same partition (gw_keyring_resolve). GW_E_SYNTAX when `account` isn't
 * twelve digits or AWS has no such partition. */
GW_NODISCARD enum gw_status gw_keyring_mock(struct gw_str account, struct gw_str partition, struct gw_keyring **keyring,
                                            struct gw_err *err);

/* Wipes and frees. */
void gw_keyring_free(struct gw_keyring **keyring);

/* borrows: NULL when unknown; disabled and expired keys are found too. */
const struct gw_key *gw_keyring_find(const struct gw_keyring *keyring, struct gw_str id);

/* The same, and in a mock's keyring also the key of an account; that one is made in the arena, so that nothing grows
 * with the accounts that are named, and shares its secret with the keyring, which must outlive it. Any thread. */
const struct gw_key *gw_keyring_resolve(const struct gw_keyring *keyring, struct gw_str id, struct gw_arena *arena);

/* The keys that are listed. */
size_t gw_keyring_count(const struct gw_keyring *keyring);
const struct gw_key *gw_keyring_at(const struct gw_keyring *keyring, size_t index);
/* True when at least one key is a published example key. */
bool gw_keyring_has_example(const struct gw_keyring *keyring);

/* A file's identity, to notice changes: device, inode, size, times, also of what a symlink leads to. */
struct gw_keyring_stamp {
    uint64_t parts[8];
};
GW_NODISCARD enum gw_status gw_keyring_stamp(const char *path, struct gw_keyring_stamp *stamp);

#endif
