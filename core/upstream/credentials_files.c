/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the files are: AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, else below
 * ~/.aws; without HOME there are none, unless they are named. A name that begins
 * with ~/ is below HOME.
 */
#include "upstream/credentials_files.h"

#include <unistd.h>

#include "base/file.h"
#include "codec/ini.h"

struct gw_chain_files {
    struct gw_ini config;
    struct gw_ini credentials;
};

struct gw_str gw_chain_profile_name(const struct gw_chain *chain, bool *is_named)
{
    struct gw_str name = gw_chain_variable(chain, "AWS_PROFILE");

    *is_named = name.at != NULL;
    return name.at != NULL ? name : GW_STR("default");
}

/* {NULL,0}: there is no such file to look for. */
static struct gw_str path_of(struct gw_chain *chain, const char *variable, const char *usual)
{
    struct gw_str home = gw_chain_variable(chain, "HOME");
    struct gw_str path = gw_chain_variable(chain, variable);

    if (path.at == NULL && home.at == NULL)
        return GW_STR_NONE;
    if (path.at == NULL)
        return gw_arena_printf(&chain->arena, "%.*s/.aws/%s", GW_STR_ARG(home), usual);
    if (gw_str_starts(path, GW_STR("~/")) && home.at != NULL)
        return gw_arena_printf(&chain->arena, "%.*s/%.*s", GW_STR_ARG(home),
                               GW_STR_ARG(gw_str_slice(path, 2, SIZE_MAX)));
    return gw_arena_str(&chain->arena, path);
}

static enum gw_status read_one(struct gw_chain *chain, struct gw_str path, struct gw_ini *ini, struct gw_err *err)
{
    struct gw_str text;
    struct gw_err why;
    enum gw_status status;

    if (path.at == NULL || access(path.at, F_OK) != 0)
        return GW_OK;
    status = gw_chain_read_file(chain, "the shared files", path, &text, err);
    if (status != GW_OK)
        return status;
    status = gw_ini_parse(text, &chain->arena, ini, &why);
    return status == GW_OK ? status : gw_fail(err, status, "%.*s: %s", GW_STR_ARG(path), why.text);
}

enum gw_status gw_chain_files_read(struct gw_chain *chain, struct gw_err *err)
{
    struct gw_chain_files *files;
    enum gw_status status;

    if (chain->files != NULL)
        return GW_OK;
    files = gw_arena_zero(&chain->arena, 1, sizeof(*files));
    status = read_one(chain, path_of(chain, "AWS_CONFIG_FILE", "config"), &files->config, err);
    if (status == GW_OK)
        status =
            read_one(chain, path_of(chain, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), &files->credentials, err);
    if (status == GW_OK)
        chain->files = files;
    return status;
}

bool gw_chain_files_has(const struct gw_chain *chain, struct gw_str profile)
{
    const struct gw_chain_files *files = chain->files;

    return gw_ini_has(&files->credentials, GW_STR(""), profile) ||
           gw_ini_has(&files->config, GW_STR("profile"), profile) ||
           (gw_str_is(profile, "default") && gw_ini_has(&files->config, GW_STR(""), profile));
}

struct gw_str gw_chain_files_get(const struct gw_chain *chain, struct gw_str profile, const char *name)
{
    const struct gw_chain_files *files = chain->files;
    struct gw_str value = gw_ini_get(&files->credentials, GW_STR(""), profile, name);

    if (value.length == 0)
        value = gw_ini_get(&files->config, GW_STR("profile"), profile, name);
    if (value.length == 0 && gw_str_is(profile, "default"))
        value = gw_ini_get(&files->config, GW_STR(""), profile, name);
    return value.length > 0 ? value : GW_STR_NONE;
}

struct gw_str gw_chain_profile_setting(struct gw_chain *chain, const char *name)
{
    struct gw_err ignored;
    bool is_named;

    if (gw_chain_files_read(chain, &ignored) != GW_OK)
        return GW_STR_NONE;
    return gw_chain_files_get(chain, gw_chain_profile_name(chain, &is_named), name);
}
