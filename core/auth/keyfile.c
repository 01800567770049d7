/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock the folder -> load and check -> change the tree -> print and check
 *   -> temporary file, synced -> rename -> sync the folder
 *
 * The lock is flock on the folder itself, which leaves nothing behind. Symbolic
 * links are followed first, so that the file they lead to is replaced and not the
 * link. Buffers that held secrets are wiped.
 */
#include "auth/keyfile.h"

#include "auth/secret.h"
#include "codec/base64.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (GW_KEYRING_FILE_MAX + 65536)

struct edit {
    const char *shown; /* the path as the user wrote it, for messages */
    char path[PATH_MAX];
    char folder[PATH_MAX];
    int folder_fd;
    bool existed;
    struct stat old;
    struct gw_arena arena;
    struct gw_keyring *keyring; /* of the file as it was */
    struct gw_buf text;         /* as it was, then as it shall be */
    struct gw_json root;
    struct gw_err *err;
};

static enum gw_status fail_io(struct edit *edit, const char *what)
{
    return gw_fail(edit->err, GW_E_IO, "%s: %s: %s", edit->shown, what, strerror(errno));
}

/* Where the file really is, and its folder. */
static enum gw_status resolve(struct edit *edit)
{
    char *slash;

    if (realpath(edit->shown, edit->path) == NULL) {
        if (errno != ENOENT)
            return fail_io(edit, "can't be found");
        if (snprintf(edit->path, sizeof(edit->path), "%s", edit->shown) >= (int)sizeof(edit->path))
            return gw_fail(edit->err, GW_E_LIMIT, "%s: path too long", edit->shown);
    }
    memcpy(edit->folder, edit->path, sizeof(edit->folder));
    slash = strrchr(edit->folder, '/');
    if (slash == NULL)
        memcpy(edit->folder, ".", 2);
    else
        slash[slash == edit->folder] = '\0';
    return GW_OK;
}

static enum gw_status lock(struct edit *edit)
{
    int status;

    edit->folder_fd = open(edit->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (edit->folder_fd < 0)
        return fail_io(edit, edit->folder);
    do
        status = flock(edit->folder_fd, LOCK_EX);
    while (status != 0 && errno == EINTR);
    return status == 0 ? GW_OK : fail_io(edit, "can't lock its folder");
}

static enum gw_status read_text(struct edit *edit)
{
    FILE *file = fopen(edit->path, "rbe");

    if (file == NULL)
        return fail_io(edit, "can't be opened");
    setvbuf(file, NULL, _IONBF, 0); /* no copy of secrets in a buffer that nobody wipes */
    edit->text.length = fread(edit->text.at, 1, TEXT_MAX, file);
    fclose(file);
    return GW_OK;
}

/* The tree of the file as it is, of an empty one when there is none. */
static enum gw_status load(struct edit *edit, bool create)
{
    static const char empty[] = "{\"Version\":1,\"Keys\":[]}";
    enum gw_status status;

    edit->existed = stat(edit->path, &edit->old) == 0;
    if (!edit->existed && (!create || errno != ENOENT))
        return gw_fail(edit->err, errno == ENOENT ? GW_E_MISSING : GW_E_IO, "%s: %s", edit->shown, strerror(errno));
    if (edit->existed) {
        status = gw_keyring_load(edit->path, &edit->keyring, edit->err);
        if (status == GW_OK)
            status = read_text(edit);
    } else {
        gw_buf_append_lit(&edit->text, empty);
        status = gw_keyring_parse(GW_STR(empty), edit->shown, &edit->keyring, edit->err);
    }
    if (status == GW_OK)
        status = gw_json_parse(gw_buf_str(&edit->text), &edit->arena, &edit->root, edit->err);
    return status;
}

static enum gw_status open_edit(struct edit *edit, const char *path, bool create, struct gw_err *err)
{
    enum gw_status status;

    *edit = (struct edit){.shown = path, .folder_fd = -1, .err = err};
    gw_arena_init(&edit->arena, 0);
    gw_buf_init(&edit->text, TEXT_MAX);
    status = gw_buf_reserve(&edit->text, TEXT_MAX); /* once: growing would leave copies behind */
    if (status == GW_OK)
        status = resolve(edit);
    if (status == GW_OK)
        status = lock(edit);
    return status == GW_OK ? load(edit, create) : status;
}

static void close_edit(struct edit *edit)
{
    gw_secret_wipe(&edit->root);
    gw_arena_fini(&edit->arena);
    if (edit->text.at != NULL)
        gw_wipe(edit->text.at, edit->text.capacity);
    gw_buf_fini(&edit->text);
    gw_keyring_free(&edit->keyring);
    if (edit->folder_fd >= 0)
        close(edit->folder_fd);
}

static void indent(struct gw_buf *out, int depth)
{
    gw_buf_append_byte(out, '\n');
    for (int i = 0; i < depth; i++)
        gw_buf_append_lit(out, "  ");
}

/* Two spaces per level; empty objects and arrays on one line. Depth is bounded by the parser. */
static void print(const struct gw_json *value, int depth, struct gw_buf *out)
{
    bool array = value->type == GW_JSON_ARRAY;
    size_t count = array ? value->as.array.count : value->type == GW_JSON_OBJECT ? value->as.object.count : 0;

    if (count == 0) {
        gw_json_encode(value, out);
        return;
    }
    gw_buf_append_byte(out, array ? '[' : '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        indent(out, depth + 1);
        if (array) {
            print(&value->as.array.items[i], depth + 1, out);
        } else {
            gw_json_encode_string(value->as.object.members[i].name, out);
            gw_buf_append_lit(out, ": ");
            print(&value->as.object.members[i].value, depth + 1, out);
        }
    }
    indent(out, depth);
    gw_buf_append_byte(out, array ? ']' : '}');
}

static bool is_public(const struct gw_keyring *keyring)
{
    for (size_t i = 0; i < gw_keyring_count(keyring); i++) {
        const struct gw_key *key = gw_keyring_at(keyring, i);

        if (!key->example || key->session_token.at != NULL)
            return false;
    }
    return true;
}

static enum gw_status write_all(struct edit *edit, int fd)
{
    size_t done = 0;

    while (done < edit->text.length) {
        ssize_t wrote = write(fd, edit->text.at + done, edit->text.length - done);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return fail_io(edit, "can't be written");
        done += (size_t)wrote;
    }
    return fsync(fd) == 0 ? GW_OK : fail_io(edit, "can't be synced");
}

/* The new file gets the old one's owner and mode, minus "everybody" once there is something to hide. */
static enum gw_status take_over(struct edit *edit, int fd, bool public)
{
    mode_t mode = edit->existed ? edit->old.st_mode & 07777 : 0600;

    if (!public)
        mode &= ~(mode_t)07;
    if (edit->existed && (edit->old.st_uid != geteuid() || edit->old.st_gid != getegid()) &&
        fchown(fd, edit->old.st_uid, edit->old.st_gid) != 0)
        return fail_io(edit, "can't keep its owner");
    return fchmod(fd, mode) == 0 ? GW_OK : fail_io(edit, "can't keep its mode");
}

static enum gw_status replace(struct edit *edit, bool public)
{
    char temporary[PATH_MAX + 32];
    enum gw_status status;
    int fd;

    snprintf(temporary, sizeof(temporary), "%s/.eksgate-keys.XXXXXX", edit->folder);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return fail_io(edit, "no file can be made in its folder");
    status = take_over(edit, fd, public);
    if (status == GW_OK)
        status = write_all(edit, fd);
    close(fd);
    if (status == GW_OK && rename(temporary, edit->path) != 0)
        status = fail_io(edit, "can't be replaced");
    if (status != GW_OK)
        unlink(temporary);
    else if (fsync(edit->folder_fd) != 0)
        status = fail_io(edit, "its folder can't be synced");
    return status;
}

/* Prints the tree, checks that a gateway would take it, puts it in place. */
static enum gw_status save(struct edit *edit)
{
    struct gw_keyring *fresh = NULL;
    enum gw_status status;

    gw_buf_clear(&edit->text);
    print(&edit->root, 0, &edit->text);
    gw_buf_append_byte(&edit->text, '\n');
    if (edit->text.overflowed)
        return gw_fail(edit->err, GW_E_LIMIT, "%s: would be larger than 4 MiB", edit->shown);
    status = gw_keyring_parse(gw_buf_str(&edit->text), edit->shown, &fresh, edit->err);
    if (status == GW_OK)
        status = replace(edit, is_public(fresh));
    gw_keyring_free(&fresh);
    return status;
}

/* The array "Keys"; it is there, since the file was checked. */
static struct gw_json *keys_of(struct edit *edit)
{
    return (struct gw_json *)(uintptr_t)gw_json_get(&edit->root, "Keys");
}

static void make_id(const struct gw_random *random, char out[21])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    unsigned char bytes[16];

    gw_random_fill(random, bytes, sizeof(bytes));
    memcpy(out, "EKSG", 4);
    for (size_t i = 0; i < sizeof(bytes); i++)
        out[4 + i] = letters[bytes[i] % 32];
    out[20] = '\0';
}

static void make_secret(const struct gw_random *random, char out[41])
{
    unsigned char bytes[30];
    struct gw_buf text;

    gw_random_fill(random, bytes, sizeof(bytes));
    gw_buf_init(&text, 64);
    gw_base64_encode((struct gw_str){(const char *)bytes, sizeof(bytes)}, &text);
    memcpy(out, text.at, 40);
    out[40] = '\0';
    gw_wipe(text.at, text.length);
    gw_wipe(bytes, sizeof(bytes));
    gw_buf_fini(&text);
}

/* Texts too long for `added` are refused by the check of the written file; here they are only cut. */
static void choose(const struct gw_keyfile_key *key, const struct gw_random *random, struct gw_keyfile_added *added)
{
    if (key->id.at != NULL)
        snprintf(added->id, sizeof(added->id), "%.*s", GW_STR_ARG(key->id));
    else
        make_id(random, added->id);
    if (key->secret.at != NULL)
        snprintf(added->secret, sizeof(added->secret), "%.*s", GW_STR_ARG(key->secret));
    else
        make_secret(random, added->secret);
}

static void set_text(struct gw_arena *arena, struct gw_json *object, const char *name, struct gw_str value)
{
    if (value.at != NULL)
        gw_json_set(arena, object, gw_str_from(name), gw_json_string(gw_arena_str(arena, value)));
}

/* arena: the key as the file has it. */
static struct gw_json describe(struct gw_arena *arena, const struct gw_keyfile_key *key,
                               const struct gw_keyfile_added *chosen)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_json tags = {.type = GW_JSON_OBJECT};

    set_text(arena, &object, "AccessKeyId", key->id.at != NULL ? key->id : gw_str_from(chosen->id));
    set_text(arena, &object, "SecretAccessKey", key->secret.at != NULL ? key->secret : gw_str_from(chosen->secret));
    set_text(arena, &object, "SessionToken", key->session_token);
    set_text(arena, &object, "Expiration", key->expiration);
    set_text(arena, &object, "Arn", key->arn);
    for (size_t i = 0; i < key->tag_count; i++)
        gw_json_set(arena, &tags, gw_arena_str(arena, key->tags[i].key),
                    gw_json_string(gw_arena_str(arena, key->tags[i].value)));
    if (key->tag_count > 0)
        gw_json_set(arena, &object, GW_STR("Tags"), tags);
    if (key->disabled)
        gw_json_set(arena, &object, GW_STR("Disabled"), gw_json_bool(true));
    return object;
}

static void append_key(struct edit *edit, struct gw_json key)
{
    struct gw_json *keys = keys_of(edit);
    size_t count = keys->as.array.count;
    struct gw_json *items = gw_arena_zero(&edit->arena, count + 1, sizeof(*items));

    for (size_t i = 0; i < count; i++)
        items[i] = keys->as.array.items[i];
    items[count] = key;
    keys->as.array.items = items;
    keys->as.array.count = count + 1;
}

enum gw_status gw_keyfile_add(const char *path, const struct gw_keyfile_key *key, const struct gw_random *random,
                              struct gw_keyfile_added *added, struct gw_err *err)
{
    struct gw_keyfile_added chosen;
    struct edit edit;
    enum gw_status status = open_edit(&edit, path, true, err);

    memset(&chosen, 0, sizeof(chosen));
    if (status == GW_OK) {
        choose(key, random, &chosen);
        if (gw_keyring_find(edit.keyring, gw_str_from(chosen.id)) != NULL)
            status = gw_fail(err, GW_E_DUPLICATE, "%s: there is a key %s already", path, chosen.id);
    }
    if (status == GW_OK) {
        append_key(&edit, describe(&edit.arena, key, &chosen));
        status = save(&edit);
    }
    if (status == GW_OK && added != NULL)
        *added = chosen;
    gw_wipe(&chosen, sizeof(chosen));
    close_edit(&edit);
    return status;
}

/* The place of a key in the file, SIZE_MAX when it isn't there. */
static size_t place_of(struct edit *edit, struct gw_str id)
{
    const struct gw_json *keys = keys_of(edit);

    for (size_t i = 0; i < keys->as.array.count; i++) {
        if (gw_str_equal(gw_json_get(&keys->as.array.items[i], "AccessKeyId")->as.string, id))
            return i;
    }
    return SIZE_MAX;
}

static enum gw_status open_at(struct edit *edit, const char *path, struct gw_str id, size_t *place, struct gw_err *err)
{
    enum gw_status status = open_edit(edit, path, false, err);
    struct gw_str shown = gw_str_slice(id, 0, GW_KEYRING_ID_MAX);

    if (status != GW_OK)
        return status;
    *place = place_of(edit, id);
    if (*place == SIZE_MAX)
        return gw_fail(err, GW_E_MISSING, "%s: there is no key %.*s", path, GW_STR_ARG(shown));
    return GW_OK;
}

static void drop_member(struct gw_json *object, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < object->as.object.count; i++) {
        if (!gw_str_is(object->as.object.members[i].name, name))
            object->as.object.members[kept++] = object->as.object.members[i];
    }
    object->as.object.count = kept;
}

enum gw_status gw_keyfile_set_disabled(const char *path, struct gw_str id, bool disabled, struct gw_err *err)
{
    struct edit edit;
    size_t place = 0;
    enum gw_status status = open_at(&edit, path, id, &place, err);

    if (status == GW_OK && gw_keyring_at(edit.keyring, place)->disabled != disabled) {
        struct gw_json *key = &keys_of(&edit)->as.array.items[place];

        if (disabled)
            gw_json_set(&edit.arena, key, GW_STR("Disabled"), gw_json_bool(true));
        else
            drop_member(key, "Disabled");
        status = save(&edit);
    }
    close_edit(&edit);
    return status;
}

enum gw_status gw_keyfile_remove(const char *path, struct gw_str id, struct gw_err *err)
{
    struct edit edit;
    size_t place = 0;
    enum gw_status status = open_at(&edit, path, id, &place, err);

    if (status == GW_OK) {
        struct gw_json *keys = keys_of(&edit);

        gw_secret_wipe(&keys->as.array.items[place]);
        keys->as.array.count--;
        for (size_t i = place; i < keys->as.array.count; i++)
            keys->as.array.items[i] = keys->as.array.items[i + 1];
        status = save(&edit);
    }
    close_edit(&edit);
    return status;
}
