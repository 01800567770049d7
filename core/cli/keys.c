/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate keys: edits the key file and lists what it holds. A secret is never an
 * argument (other users see those) and is shown only when it was made here, once.
 * Which file: --file, else the one that the configuration names.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/keyfile.h"
#include "base/clock.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "codec/time.h"

#define SECRET_LINE_MAX 1024

/* What the sub-verbs have in common. */
struct keys_args {
    struct gw_args_config given;
    const char *file;
    bool json;
    struct gw_args_list operands;
};
#define KEYS_FILE(args)                                                                                                \
    {.name = "--file",                                                                                                 \
     .value = "FILE",                                                                                                  \
     .help = "the key file; else the one that the configuration names",                                                \
     .text = &(args).file},                                                                                            \
        GW_ARGS_CONFIG((args).given)

static void fini(struct keys_args *args)
{
    gw_args_config_fini(&args->given);
    gw_args_list_fini(&args->operands);
}

static int failed(const char *verb, const char *text)
{
    (void)fprintf(stderr, "eksgate keys %s: %s\n", verb, text);
    return GW_EXIT_FAILED;
}

/* new: the path of the file to edit; NULL after having said why there is none. */
static char *find_file(const struct keys_args *args, const char *verb)
{
    struct gw_config *config = NULL;
    char *path = NULL;

    if (args->file != NULL)
        return gw_str_dup(gw_str_from(args->file));
    if (gw_args_load(&args->given, &config) != GW_OK)
        return NULL;
    if (config->keys_file.at != NULL)
        path = gw_str_dup(config->keys_file);
    else if (config->keys != NULL)
        (void)failed(verb, "keys is a table of the configuration and is edited there; --file names a key file");
    else
        (void)failed(verb, "the configuration names no key file; --file does");
    gw_config_free(&config);
    return path;
}

/* One line, without its end. GW_E_LIMIT when longer, GW_E_MISSING when empty. */
static enum gw_status read_secret(char line[SECRET_LINE_MAX], struct gw_str *secret, struct gw_err *err)
{
    size_t length = 0;
    ssize_t got;

    while ((got = read(STDIN_FILENO, line + length, SECRET_LINE_MAX - length)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gw_fail(err, GW_E_IO, "stdin can't be read (errno %d)", errno);
        length += (size_t)got;
        if (length == SECRET_LINE_MAX)
            return gw_fail(err, GW_E_LIMIT, "the secret on stdin is too long");
        if (memchr(line, '\n', length) != NULL)
            break;
    }
    *secret = gw_str_slice((struct gw_str){line, length}, 0, gw_str_find((struct gw_str){line, length}, '\n', 0));
    if (secret->length > 0 && secret->at[secret->length - 1] == '\r')
        secret->length--;
    return secret->length > 0 ? GW_OK : gw_fail(err, GW_E_MISSING, "no secret came on stdin");
}

static int print_added(const char *path, const struct gw_keyfile_added *added, bool made, bool json)
{
    struct gw_buf out;
    bool printed;

    gw_buf_init(&out, (size_t)1 << 16);
    if (json) {
        gw_buf_printf(&out, "{\"AccessKeyId\":\"%s\"", added->id);
        if (made) {
            gw_buf_append_lit(&out, ",\"SecretAccessKey\":");
            gw_json_encode_string(gw_str_from(added->secret), &out);
        }
        gw_buf_append_lit(&out, ",\"File\":");
        gw_json_encode_string(gw_str_from(path), &out);
        gw_buf_append_lit(&out, "}\n");
    } else {
        gw_buf_printf(&out, "AccessKeyId      %s\n", added->id);
        if (made)
            gw_buf_printf(&out, "SecretAccessKey  %s\n", added->secret);
    }
    printed = fwrite(out.at, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
    gw_wipe(out.at, out.length);
    gw_buf_fini(&out);
    if (!printed)
        return failed("add", "the key is in the file, but its secret could not be printed; remove it and add another");
    (void)fprintf(stderr, "%s is in %s now%s\n", added->id, path,
                  made ? "; its secret was printed on stdout and isn't shown again" : "");
    return GW_EXIT_DONE;
}

static int add_key(const struct keys_args *args, const struct gw_keyfile_key *wanted, bool secret_stdin)
{
    struct gw_keyfile_key key = *wanted;
    struct gw_keyfile_added added = {0};
    struct gw_err err = {""};
    char line[SECRET_LINE_MAX];
    char *path = find_file(args, "add");
    int code = GW_EXIT_FAILED;

    if (path == NULL)
        return code;
    if (secret_stdin && read_secret(line, &key.secret, &err) != GW_OK) {
        code = failed("add", err.text);
    } else if (gw_keyfile_add(path, &key, gw_random_system(), &added, &err) != GW_OK) {
        code = failed("add", err.text);
    } else {
        code = print_added(path, &added, !secret_stdin, args->json);
    }
    gw_wipe(&added, sizeof(added));
    gw_wipe(line, sizeof(line));
    free(path);
    return code;
}

/* "K=V" to pairs; NULL when one has no '='. new */
static struct gw_pair *split_tags(const struct gw_args_list *texts)
{
    struct gw_pair *tags = gw_alloc_zero(texts->count, sizeof(*tags));

    for (size_t i = 0; i < texts->count; i++) {
        tags[i].value = gw_str_from(texts->items[i]);
        tags[i].key = gw_str_split(&tags[i].value, '=');
        if (tags[i].value.at == NULL) {
            free(tags);
            return NULL;
        }
    }
    return tags;
}

static int run_add(int argc, char **argv)
{
    struct keys_args args = {0};
    struct gw_args_list tags = {0};
    struct gw_keyfile_key key = {0};
    struct gw_pair *pairs;
    const char *arn = NULL;
    const char *id = NULL;
    const char *expires = NULL;
    bool secret_stdin = false;
    const struct gw_args_option options[] = {
        {.name = "--arn", .value = "ARN", .help = "who the key belongs to: a role, user or session", .text = &arn},
        {.name = "--id", .value = "ID", .help = "the access key id; else one is made up", .text = &id},
        {.name = "--secret-stdin",
         .help = "read the secret from stdin; else one is made up",
         .is_given = &secret_stdin},
        {.name = "--expires", .value = "TIME", .help = "as in 2030-01-31T12:00:00Z; else never", .text = &expires},
        {.name = "--tag", .value = "KEY=VALUE", .help = "a tag of the caller; can be repeated", .list = &tags},
        KEYS_FILE(args),
        GW_ARGS_JSON(args.json),
    };
    const struct gw_args_verb verb = {
        .name = "keys add",
        .summary = "Adds an access key. A secret that was made up is printed once.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code == GW_ARGS_GO && arn == NULL)
        code = gw_args_wrong(&verb, "--arn is missing");
    if (code == GW_ARGS_GO) {
        pairs = split_tags(&tags);
        key = (struct gw_keyfile_key){.id = gw_str_from(id),
                                      .arn = gw_str_from(arn),
                                      .expiration = gw_str_from(expires),
                                      .tags = pairs,
                                      .tag_count = tags.count};
        code = pairs == NULL ? gw_args_wrong(&verb, "--tag takes KEY=VALUE") : add_key(&args, &key, secret_stdin);
        free(pairs);
    }
    gw_args_list_fini(&tags);
    fini(&args);
    return code;
}

static const char *state_of(const struct gw_key *key)
{
    if (key->disabled)
        return "disabled";
    return key->expires_ms <= gw_clock_wall_ms(gw_clock_system()) ? "expired" : "enabled";
}

static void print_keys(const struct gw_keyring *keyring)
{
    for (size_t i = 0; i < gw_keyring_count(keyring); i++) {
        const struct gw_key *key = gw_keyring_at(keyring, i);
        char until[GW_TIME_ISO_SIZE] = "";

        if (key->expires_ms != INT64_MAX)
            gw_time_iso_seconds(key->expires_ms, until);
        (void)printf("%-24.*s %-8s %-20s %.*s", GW_STR_ARG(key->id), state_of(key), until[0] != '\0' ? until : "-",
                     GW_STR_ARG(key->owner.arn));
        for (size_t k = 0; k < key->tag_count; k++)
            (void)printf(" %.*s=%.*s", GW_STR_ARG(key->tags[k].key), GW_STR_ARG(key->tags[k].value));
        (void)putchar('\n');
    }
}

/* The key file's names, without what is secret. */
static void append_key(struct gw_arena *arena, const struct gw_key *key, struct gw_buf *out)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    char until[GW_TIME_ISO_SIZE];

    gw_json_set(arena, &object, GW_STR("AccessKeyId"), gw_json_string(key->id));
    gw_json_set(arena, &object, GW_STR("Arn"), gw_json_string(key->owner.arn));
    if (key->expires_ms != INT64_MAX) {
        gw_time_iso_seconds(key->expires_ms, until);
        gw_json_set(arena, &object, GW_STR("Expiration"), gw_json_string(gw_arena_str(arena, gw_str_from(until))));
    }
    gw_json_set(arena, &object, GW_STR("Tags"), gw_json_pairs(arena, key->tags, key->tag_count));
    gw_json_set(arena, &object, GW_STR("Disabled"), gw_json_bool(key->disabled));
    gw_json_set(arena, &object, GW_STR("HasSessionToken"), gw_json_bool(key->session_token.at != NULL));
    gw_json_encode(&object, out);
}

static void print_keys_json(const struct gw_keyring *keyring)
{
    struct gw_arena arena;
    struct gw_buf out;

    gw_arena_init(&arena, 0);
    gw_buf_init(&out, (size_t)1 << 20);
    (void)printf("{\"Keys\":[");
    for (size_t i = 0; i < gw_keyring_count(keyring); i++) {
        gw_buf_clear(&out);
        append_key(&arena, gw_keyring_at(keyring, i), &out);
        (void)printf("%s%.*s", i > 0 ? ",\n" : "", GW_STR_ARG(gw_buf_str(&out)));
        gw_arena_reset(&arena);
    }
    (void)printf("]}\n");
    gw_buf_fini(&out);
    gw_arena_fini(&arena);
}

/* new: of --file, else of the configuration, where it may be a table too. */
static enum gw_status load_keyring(const struct keys_args *args, struct gw_keyring **keyring)
{
    struct gw_config *config = NULL;
    struct gw_err err = {""};
    enum gw_status status;

    if (args->file != NULL) {
        status = gw_keyring_load(args->file, keyring, &err);
    } else {
        status = gw_args_load(&args->given, &config);
        if (status == GW_OK)
            status = gw_config_keyring(config, keyring, &err);
    }
    if (status != GW_OK && err.text[0] != '\0')
        (void)failed("list", err.text);
    gw_config_free(&config);
    return status;
}

static int run_list(int argc, char **argv)
{
    struct keys_args args = {0};
    struct gw_keyring *keyring = NULL;
    const struct gw_args_option options[] = {KEYS_FILE(args), GW_ARGS_JSON(args.json)};
    const struct gw_args_verb verb = {
        .name = "keys list",
        .summary = "Prints the keys: id, state, expiration, owner, tags. Never a secret.",
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code == GW_ARGS_GO && load_keyring(&args, &keyring) != GW_OK)
        code = GW_EXIT_FAILED;
    if (code == GW_ARGS_GO) {
        (args.json ? print_keys_json : print_keys)(keyring);
        code = GW_EXIT_DONE;
    }
    gw_keyring_free(&keyring);
    fini(&args);
    return code;
}

static enum gw_status enable(const char *path, struct gw_str id, struct gw_err *err)
{
    return gw_keyfile_set_disabled(path, id, false, err);
}

static enum gw_status disable(const char *path, struct gw_str id, struct gw_err *err)
{
    return gw_keyfile_set_disabled(path, id, true, err);
}

struct key_edit {
    const char *name; /* "keys enable" */
    const char *summary;
    const char *done; /* "ID is DONE in FILE" */
    enum gw_status (*apply)(const char *path, struct gw_str id, struct gw_err *err);
};

static int edit(const struct key_edit *kind, const struct keys_args *args)
{
    const char *verb = kind->name + sizeof("keys ") - 1;
    const char *id = args->operands.items[0];
    char *path = find_file(args, verb);
    struct gw_err err = {""};
    int code = GW_EXIT_DONE;

    if (path == NULL)
        return GW_EXIT_FAILED;
    if (kind->apply(path, gw_str_from(id), &err) != GW_OK)
        code = failed(verb, err.text);
    else
        (void)printf("%s is %s in %s\n", id, kind->done, path);
    free(path);
    return code;
}

static int run_edit(const struct key_edit *kind, int argc, char **argv)
{
    struct keys_args args = {0};
    const struct gw_args_option options[] = {KEYS_FILE(args)};
    const struct gw_args_verb verb = {
        .name = kind->name,
        .operands = "ID",
        .operands_min = 1,
        .operands_max = 1,
        .summary = kind->summary,
        .options = options,
        .option_count = GW_COUNT(options),
    };
    int code = gw_args_parse(&verb, argc, argv, &args.operands);

    if (code == GW_ARGS_GO)
        code = edit(kind, &args);
    fini(&args);
    return code;
}

static int run_enable(int argc, char **argv)
{
    static const struct key_edit kind = {"keys enable", "Lets a disabled key in again.", "enabled", enable};

    return run_edit(&kind, argc, argv);
}

static int run_disable(int argc, char **argv)
{
    static const struct key_edit kind = {"keys disable", "Keeps a key in the file and refuses it.", "disabled",
                                         disable};

    return run_edit(&kind, argc, argv);
}

static int run_remove(int argc, char **argv)
{
    static const struct key_edit kind = {"keys remove", "Removes a key from the file.", "no longer", gw_keyfile_remove};

    return run_edit(&kind, argc, argv);
}

static const struct gw_args_choice verbs[] = {
    {"add", run_add, "--arn ARN: add a key"},
    {"list", run_list, "print the keys, never a secret"},
    {"enable", run_enable, "ID: let a disabled key in again"},
    {"disable", run_disable, "ID: refuse a key and keep it"},
    {"remove", run_remove, "ID: remove a key"},
};

int gw_cli_keys(int argc, char **argv)
{
    static const struct gw_args_group group = {
        .name = "keys",
        .usage = "VERB [ARGUMENT]...",
        .summary = "Edits the key file; a running gateway takes the change up within a second.",
        .choices = verbs,
        .choice_count = GW_COUNT(verbs)};

    return gw_args_choose(&group, argc, argv);
}
