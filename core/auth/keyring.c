/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files and tables to keyrings. Every member of every key is checked here,
 * so that the verifier meets well-formed keys only. Messages name the source, the
 * key's place and id, the member and what would be accepted, and never a value
 * that may be secret. What is read is wiped once taken over; jansson's own
 * copies are freed by jansson.
 */
#include "auth/keyring.h"

#include "auth/secret.h"
#include "base/map.h"
#include "base/random.h"
#include "codec/digest.h"
#include "codec/time.h"
#include "codec/username.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 256
#define TOKEN_MAX  16384

struct gw_keyring {
    struct gw_arena arena; /* names, ARNs, tags */
    struct gw_map by_id;
    struct gw_key *keys;
    size_t count;
    const struct gw_key *account_key; /* of a mock's: what every account's key looks like, but for id and owner */
};

/* Where a message points: "keys.json: Keys[2] (AKIDEXAMPLE)". */
struct place {
    const char *source;
    size_t index;
    struct gw_str id;
    struct gw_err *err;
};

static enum gw_status refuse(const struct place *place, enum gw_status status, const char *what)
{
    if (place->id.at == NULL)
        return gw_fail(place->err, status, "%s: Keys[%zu]: %s", place->source, place->index, what);
    return gw_fail(place->err, status, "%s: Keys[%zu] (%.*s): %s", place->source, place->index, GW_STR_ARG(place->id),
                   what);
}

static bool is_id(struct gw_str text)
{
    if (text.length == 0 || text.length > GW_KEYRING_ID_MAX)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

/* Visible ASCII, which is what fits into a header field and a signature's key. */
static bool is_visible(struct gw_str text, size_t max)
{
    if (text.length == 0 || text.length > max)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < 0x21 || text.at[i] > 0x7e)
            return false;
    }
    return true;
}

/* The secrets that AWS prints in its documentation and test suite: everybody knows them, whatever id they go with. */
static bool is_example(struct gw_str secret)
{
    return gw_str_is(secret, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") ||
           gw_str_is(secret, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
}

static void set_secret(struct gw_key *key, struct gw_str text, struct gw_str token)
{
    struct gw_secret *secret = gw_secret_new(text, token);

    key->session_token = gw_secret_token(secret);
    key->secret = secret;
    key->secret_version = gw_secret_version();
    key->example = is_example(text);
}

static enum gw_status read_tags(struct gw_keyring *keyring, const struct gw_json *tags, struct gw_key *key,
                                const struct place *place)
{
    struct gw_pair *pairs;

    if (tags == NULL)
        return GW_OK;
    if (tags->type != GW_JSON_OBJECT)
        return refuse(place, GW_E_TYPE, "Tags must be an object of strings");
    if (tags->as.object.count > GW_TAGS_MAX)
        return refuse(place, GW_E_LIMIT, "Tags may hold at most 50 tags");
    if (tags->as.object.count == 0)
        return GW_OK;
    pairs = gw_arena_zero(&keyring->arena, tags->as.object.count, sizeof(*pairs));
    for (size_t i = 0; i < tags->as.object.count; i++) {
        const struct gw_json_member *tag = &tags->as.object.members[i];
        struct gw_err why;

        if (tag->value.type != GW_JSON_STRING)
            return refuse(place, GW_E_TYPE, "Tags must be an object of strings");
        if (gw_username_check_tag(tag->name, tag->value.as.string, &why) != GW_OK)
            return refuse(place, GW_E_SYNTAX,
                          gw_arena_printf(&keyring->arena, "Tags: %.*s: %s", GW_STR_ARG(tag->name), why.text).at);
        pairs[i].key = gw_arena_str(&keyring->arena, tag->name);
        pairs[i].value = gw_arena_str(&keyring->arena, tag->value.as.string);
    }
    key->tags = pairs;
    key->tag_count = tags->as.object.count;
    return GW_OK;
}

static enum gw_status check_members(const struct gw_json *object, const struct place *place)
{
    static const char *const known[] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Arn",
                                        "Tags",        "Disabled"};

    if (object->type != GW_JSON_OBJECT)
        return refuse(place, GW_E_TYPE, "must be an object");
    for (size_t i = 0; i < object->as.object.count; i++) {
        struct gw_str name = object->as.object.members[i].name;
        size_t k = 0;

        while (k < GW_COUNT(known) && !gw_str_is(name, known[k]))
            k++;
        if (k == GW_COUNT(known)) {
            name.length = name.length < 64 ? name.length : 64;
            return gw_fail(place->err, GW_E_SYNTAX,
                           "%s: Keys[%zu]: unknown member \"%.*s\"; known: AccessKeyId, SecretAccessKey, SessionToken, "
                           "Expiration, Arn, Tags, Disabled",
                           place->source, place->index, GW_STR_ARG(name));
        }
    }
    return GW_OK;
}

/* {NULL,0} for a member that is absent or no string; `wrong` is set when it is there and no string. */
static struct gw_str get_text(const struct gw_json *object, const char *name, bool *wrong)
{
    const struct gw_json *value = gw_json_get(object, name);

    *wrong = value != NULL && value->type != GW_JSON_STRING;
    return value == NULL || *wrong ? GW_STR_NONE : value->as.string;
}

static enum gw_status read_id(struct gw_keyring *keyring, const struct gw_json *object, struct gw_key *key,
                              struct place *place)
{
    bool wrong;
    struct gw_str id = get_text(object, "AccessKeyId", &wrong);

    if (!is_id(id))
        return refuse(place, id.at == NULL && !wrong ? GW_E_MISSING : GW_E_SYNTAX,
                      "AccessKeyId is required: 1 to 128 letters, digits and underscores");
    key->id = gw_arena_str(&keyring->arena, id);
    place->id = key->id;
    return GW_OK;
}

static enum gw_status read_secret(const struct gw_json *object, struct gw_key *key, const struct place *place)
{
    bool wrong;
    bool wrong_token;
    struct gw_str secret = get_text(object, "SecretAccessKey", &wrong);
    struct gw_str token = get_text(object, "SessionToken", &wrong_token);

    if (!is_visible(secret, SECRET_MAX))
        return refuse(place, secret.at == NULL && !wrong ? GW_E_MISSING : GW_E_SYNTAX,
                      "SecretAccessKey is required: 1 to 256 visible ASCII characters");
    if (wrong_token || (token.at != NULL && !is_visible(token, TOKEN_MAX)))
        return refuse(place, GW_E_SYNTAX, "SessionToken must be 1 to 16384 visible ASCII characters, or left out");
    set_secret(key, secret, token);
    return GW_OK;
}

static enum gw_status read_rest(struct gw_keyring *keyring, const struct gw_json *object, struct gw_key *key,
                                const struct place *place)
{
    const struct gw_json *disabled = gw_json_get(object, "Disabled");
    bool wrong;
    struct gw_str arn = get_text(object, "Arn", &wrong);
    struct gw_str expires;

    if (arn.at == NULL && !wrong)
        return refuse(place, GW_E_MISSING, "Arn is required: the caller that the key stands for");
    arn = gw_arena_str(&keyring->arena, arn);
    if (wrong || gw_arn_parse_principal(arn, &key->owner) != GW_OK)
        return refuse(place, GW_E_SYNTAX,
                      "Arn must name a role, user, root, assumed-role session or federated user, like "
                      "arn:aws:iam::111122223333:user/NAME");
    expires = get_text(object, "Expiration", &wrong);
    key->expires_ms = INT64_MAX;
    if (wrong || (expires.at != NULL && gw_time_parse_iso(expires, &key->expires_ms) != GW_OK))
        return refuse(place, GW_E_SYNTAX, "Expiration must be a time like 2030-01-31T12:00:00Z, or left out");
    if (disabled != NULL && disabled->type != GW_JSON_BOOL)
        return refuse(place, GW_E_TYPE, "Disabled must be true or false");
    key->disabled = disabled != NULL && disabled->as.boolean;
    return read_tags(keyring, gw_json_get(object, "Tags"), key, place);
}

static enum gw_status read_key(struct gw_keyring *keyring, const struct gw_json *object, struct place *place)
{
    struct gw_key *key = &keyring->keys[keyring->count];
    enum gw_status status = check_members(object, place);

    if (status == GW_OK)
        status = read_id(keyring, object, key, place);
    if (status == GW_OK)
        status = read_secret(object, key, place);
    if (status != GW_OK)
        return status;
    keyring->count++; /* from here on freed with the keyring */
    status = read_rest(keyring, object, key, place);
    if (status == GW_OK && gw_map_add(&keyring->by_id, key->id, key) != GW_OK)
        status = refuse(place, GW_E_DUPLICATE, "AccessKeyId is there twice");
    return status;
}

static struct gw_keyring *keyring_new(size_t room)
{
    struct gw_keyring *keyring = gw_alloc_zero(1, sizeof(*keyring));
    struct gw_hash_seed seed;

    gw_random_seed(gw_random_system(), &seed);
    gw_arena_init(&keyring->arena, 0);
    gw_map_init(&keyring->by_id, seed);
    keyring->keys = gw_alloc_zero(room > 0 ? room : 1, sizeof(*keyring->keys));
    return keyring;
}

/* An ARN that this file made. */
static void set_owner(struct gw_key *key, struct gw_str arn)
{
    if (gw_arn_parse_principal(arn, &key->owner) != GW_OK)
        gw_fatal("%.*s is no caller's ARN", GW_STR_ARG(arn));
}

enum gw_status gw_keyring_from_json(const struct gw_json *keys, const char *source, struct gw_keyring **keyring,
                                    struct gw_err *err)
{
    struct gw_keyring *fresh;
    enum gw_status status = GW_OK;

    if (keys->type != GW_JSON_ARRAY)
        return gw_fail(err, GW_E_TYPE, "%s: Keys must be an array of keys", source);
    if (keys->as.array.count > GW_KEYRING_KEYS_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: Keys may hold at most %d keys", source, GW_KEYRING_KEYS_MAX);
    fresh = keyring_new(keys->as.array.count);
    for (size_t i = 0; i < keys->as.array.count && status == GW_OK; i++) {
        struct place place = {source, i, GW_STR_NONE, err};

        status = read_key(fresh, &keys->as.array.items[i], &place);
    }
    if (status != GW_OK)
        gw_keyring_free(&fresh);
    else
        *keyring = fresh;
    return status;
}

static enum gw_status check_document(const struct gw_json *root, const char *source, struct gw_err *err)
{
    const struct gw_json *version = gw_json_get(root, "Version");

    if (root->type != GW_JSON_OBJECT)
        return gw_fail(err, GW_E_TYPE, "%s: must be an object {\"Version\": 1, \"Keys\": [...]}", source);
    for (size_t i = 0; i < root->as.object.count; i++) {
        struct gw_str name = root->as.object.members[i].name;

        name.length = name.length < 64 ? name.length : 64;
        if (!gw_str_is(name, "Version") && !gw_str_is(name, "Keys"))
            return gw_fail(err, GW_E_SYNTAX, "%s: unknown member \"%.*s\"; known: Version, Keys", source,
                           GW_STR_ARG(name));
    }
    if (version == NULL || version->type != GW_JSON_INTEGER || version->as.integer != 1)
        return gw_fail(err, version == NULL ? GW_E_MISSING : GW_E_RANGE, "%s: Version is required and must be 1",
                       source);
    if (gw_json_get(root, "Keys") == NULL)
        return gw_fail(err, GW_E_MISSING, "%s: Keys is required: an array of keys", source);
    return GW_OK;
}

enum gw_status gw_keyring_parse(struct gw_str text, const char *source, struct gw_keyring **keyring, struct gw_err *err)
{
    struct gw_arena arena;
    struct gw_json root;
    struct gw_err why;
    enum gw_status status;

    if (text.length > GW_KEYRING_FILE_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: larger than 4 MiB", source);
    gw_arena_init(&arena, 0);
    status = gw_json_parse(text, &arena, &root, &why);
    if (status != GW_OK) {
        gw_fail(err, status, "%s: %s", source, why.text);
    } else {
        status = check_document(&root, source, err);
        if (status == GW_OK)
            status = gw_keyring_from_json(gw_json_get(&root, "Keys"), source, keyring, err);
        gw_secret_wipe(&root);
    }
    gw_arena_fini(&arena);
    return status;
}

enum gw_status gw_keyring_mock(struct gw_str account, struct gw_str partition, struct gw_keyring **keyring,
                               struct gw_err *err)
{
    static const char *const known[][3] = {
        {"test", "test", "test"},
        {"testing", "testing", "testing"},
        {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "quickstart"},
    };
    struct gw_keyring *fresh;

    if (!gw_arn_is_account(account))
        return gw_fail(err, GW_E_SYNTAX, "the account of a mock's keys must be twelve digits");
    if (!gw_arn_is_partition(partition))
        return gw_fail(err, GW_E_SYNTAX, "the partition of a mock's keys must be one of AWS's, like aws");
    fresh = keyring_new(GW_COUNT(known));
    for (size_t i = 0; i < GW_COUNT(known); i++) {
        struct gw_key *key = &fresh->keys[fresh->count++];

        key->id = gw_str_from(known[i][0]);
        key->any_token = true;
        key->expires_ms = INT64_MAX;
        set_secret(key, gw_str_from(known[i][1]), GW_STR_NONE);
        set_owner(key, gw_arena_printf(&fresh->arena, "arn:%.*s:iam::%.*s:user/%s", GW_STR_ARG(partition),
                                       GW_STR_ARG(account), known[i][2]));
        if (gw_map_add(&fresh->by_id, key->id, key) != GW_OK)
            gw_fatal("a mock's key is there twice");
    }
    fresh->account_key = &fresh->keys[0];
    *keyring = fresh;
    return GW_OK;
}

/* Nothing in it is worth hiding: AWS's published keys, without a session token. */
static bool is_public(const struct gw_keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (!keyring->keys[i].example || keyring->keys[i].session_token.at != NULL)
            return false;
    }
    return keyring->count > 0;
}

/* What can be said before the content is known. */
static enum gw_status check_kind(const char *path, const struct stat *found, struct gw_err *err)
{
    if (!S_ISREG(found->st_mode))
        return gw_fail(err, GW_E_TYPE, "%s: must be a regular file", path);
    if ((found->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return gw_fail(err, GW_E_DENIED, "%s: mode %04o lets others write it; chmod go-w %s", path,
                       (unsigned)found->st_mode & 07777, path);
    if ((uint64_t)found->st_size > GW_KEYRING_FILE_MAX)
        return gw_fail(err, GW_E_LIMIT, "%s: larger than 4 MiB", path);
    return GW_OK;
}

static enum gw_status check_secrecy(const char *path, const struct stat *found, const struct gw_keyring *keyring,
                                    struct gw_err *err)
{
    if (is_public(keyring))
        return GW_OK;
    if ((found->st_mode & S_IROTH) != 0)
        return gw_fail(err, GW_E_DENIED, "%s: mode %04o lets everybody read it; chmod o-rwx %s", path,
                       (unsigned)found->st_mode & 07777, path);
    if (found->st_uid != 0 && found->st_uid != geteuid())
        return gw_fail(err, GW_E_DENIED, "%s: belongs to user %u; it must belong to root or to user %u, who runs this",
                       path, (unsigned)found->st_uid, (unsigned)geteuid());
    return GW_OK;
}

/* Up to the cap and one byte more, so that a file that grew meanwhile is noticed. */
static enum gw_status read_all(int fd, const char *path, struct gw_buf *text, struct gw_err *err)
{
    for (;;) {
        ssize_t got;

        if (gw_buf_reserve(text, 65536) != GW_OK)
            return gw_fail(err, GW_E_LIMIT, "%s: larger than 4 MiB", path);
        got = read(fd, text->at + text->length, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
        if (got == 0)
            return GW_OK;
        text->length += (size_t)got;
    }
}

enum gw_status gw_keyring_load(const char *path, struct gw_keyring **keyring, struct gw_err *err)
{
    struct gw_keyring *fresh = NULL;
    struct gw_buf text;
    struct stat found;
    enum gw_status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return gw_fail(err, errno == ENOENT ? GW_E_MISSING : GW_E_IO, "%s: %s", path, strerror(errno));
    gw_buf_init(&text, GW_KEYRING_FILE_MAX + 2 * 65536);
    status =
        fstat(fd, &found) == 0 ? check_kind(path, &found, err) : gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    /* Room for all of it at once: growing would leave copies behind. */
    if (status == GW_OK)
        status = gw_buf_reserve(&text, (size_t)found.st_size + 65536 + 1);
    if (status == GW_OK)
        status = read_all(fd, path, &text, err);
    if (status == GW_OK)
        status = gw_keyring_parse(gw_buf_str(&text), path, &fresh, err);
    if (status == GW_OK)
        status = check_secrecy(path, &found, fresh, err);
    if (status == GW_OK)
        *keyring = fresh;
    else
        gw_keyring_free(&fresh);
    if (text.length > 0)
        gw_wipe(text.at, text.length);
    gw_buf_fini(&text);
    close(fd);
    return status;
}

void gw_keyring_free(struct gw_keyring **keyring)
{
    struct gw_keyring *old = *keyring;

    if (old == NULL)
        return;
    for (size_t i = 0; i < old->count; i++)
        gw_secret_free(old->keys[i].secret);
    gw_map_fini(&old->by_id);
    gw_arena_fini(&old->arena);
    free(old->keys);
    free(old);
    *keyring = NULL;
}

const struct gw_key *gw_keyring_find(const struct gw_keyring *keyring, struct gw_str id)
{
    return id.length == 0 || id.length > GW_KEYRING_ID_MAX ? NULL : gw_map_get(&keyring->by_id, id);
}

/* The secret version is the template's too: one secret, one derived key in the verifier's cache for all accounts. */
static const struct gw_key *make_account_key(const struct gw_key *like, struct gw_str id, struct gw_arena *arena)
{
    struct gw_key *key = gw_arena_zero(arena, 1, sizeof(*key));

    *key = *like;
    key->id = gw_arena_str(arena, id);
    set_owner(key,
              gw_arena_printf(arena, "arn:%.*s:iam::%.*s:root", GW_STR_ARG(like->owner.partition), GW_STR_ARG(id)));
    return key;
}

const struct gw_key *gw_keyring_resolve(const struct gw_keyring *keyring, struct gw_str id, struct gw_arena *arena)
{
    const struct gw_key *key = gw_keyring_find(keyring, id);

    if (key != NULL || keyring->account_key == NULL || !gw_arn_is_account(id))
        return key;
    return make_account_key(keyring->account_key, id, arena);
}

size_t gw_keyring_count(const struct gw_keyring *keyring)
{
    return keyring->count;
}

const struct gw_key *gw_keyring_at(const struct gw_keyring *keyring, size_t index)
{
    return index < keyring->count ? &keyring->keys[index] : NULL;
}

bool gw_keyring_has_example(const struct gw_keyring *keyring)
{
    for (size_t i = 0; i < keyring->count; i++) {
        if (keyring->keys[i].example)
            return true;
    }
    return false;
}

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

enum gw_status gw_keyring_stamp(const char *path, struct gw_keyring_stamp *stamp)
{
    struct stat link;
    struct stat file;

    if (lstat(path, &link) != 0 || stat(path, &file) != 0)
        return errno == ENOENT ? GW_E_MISSING : GW_E_IO;
    *stamp = (struct gw_keyring_stamp){{
        file.st_dev,
        file.st_ino,
        (uint64_t)file.st_size,
        nanoseconds(file.st_mtim),
        nanoseconds(file.st_ctim),
        link.st_dev,
        link.st_ino,
        nanoseconds(link.st_ctim),
    }};
    return GW_OK;
}
