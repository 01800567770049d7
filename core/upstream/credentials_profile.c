/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a profile of the shared files stands for, in botocore's order:
 *
 *   role_arn with web_identity_token_file     STS, with the token
 *   role_arn with source_profile              STS, signed with that profile's
 *   role_arn with credential_source           STS, signed with what another provider gives
 *   aws_access_key_id ...                     themselves
 *   credential_process                        what a command prints
 *   sso_..., login_session                    not here: somebody must have logged in with a browser
 *
 * A profile that another one names as its source is asked for its keys first.
 */
#include "upstream/credentials_files.h"

#include "codec/sts.h"

#define PROFILES_MAX 8 /* in a row, each the source of the one before */

struct walk {
    struct gw_chain *chain;
    struct gw_str seen[PROFILES_MAX];
    size_t seen_count;
};

static enum gw_status resolve(struct walk *walk, struct gw_str profile, struct gw_aws_keys *keys, struct gw_err *err);

static struct gw_str setting(const struct walk *walk, struct gw_str profile, const char *name)
{
    return gw_chain_files_get(walk->chain, profile, name);
}

static enum gw_status read_keys(const struct walk *walk, struct gw_str profile, struct gw_aws_keys *keys,
                                struct gw_err *err)
{
    struct gw_aws_keys found = {.access_key = setting(walk, profile, "aws_access_key_id"),
                                .secret_access_key = setting(walk, profile, "aws_secret_access_key"),
                                .session_token = setting(walk, profile, "aws_session_token"),
                                .expires_ms = GW_AWS_KEYS_NEVER};
    struct gw_err why;

    if (found.session_token.at == NULL)
        found.session_token = setting(walk, profile, "aws_security_token");
    if (gw_aws_keys_check(&found, &why) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "profile %.*s: %s", GW_STR_ARG(profile), why.text);
    *keys = found;
    return GW_OK;
}

static enum gw_status run_process(const struct walk *walk, struct gw_str profile, struct gw_str command,
                                  struct gw_aws_keys *keys, struct gw_err *err)
{
    struct gw_str output;
    struct gw_err why;
    enum gw_status status = gw_chain_process(walk->chain, command, &output, &why);

    if (status == GW_OK)
        status = gw_aws_keys_parse(output, GW_AWS_KEYS_PROCESS, &walk->chain->arena, keys, &why);
    if (status == GW_OK)
        return GW_OK;
    return gw_fail(err, status == GW_E_MISSING ? GW_E_SYNTAX : status, "profile %.*s: credential_process: %s",
                   GW_STR_ARG(profile), why.text);
}

static enum gw_status refuse_login(const struct walk *walk, struct gw_str profile, struct gw_err *err)
{
    bool is_sso =
        setting(walk, profile, "sso_session").at != NULL || setting(walk, profile, "sso_start_url").at != NULL;

    if (!is_sso && setting(walk, profile, "login_session").at == NULL)
        return gw_fail(err, GW_E_SYNTAX, "profile %.*s: has no credentials", GW_STR_ARG(profile));
    return gw_fail(err, GW_E_DENIED,
                   "profile %.*s: is for %s, which needs a browser; give its credentials to eksgate with: "
                   "eval \"$(aws configure export-credentials --profile %.*s --format env)\"",
                   GW_STR_ARG(profile), is_sso ? "SSO" : "aws login", GW_STR_ARG(profile));
}

/* What signs the call that assumes the profile's role. */
static enum gw_status find_source(struct walk *walk, struct gw_str profile, struct gw_aws_keys *keys,
                                  struct gw_err *err)
{
    struct gw_str from = setting(walk, profile, "source_profile");
    struct gw_str kind = setting(walk, profile, "credential_source");
    struct gw_chain_found found = {0};
    struct gw_err why = {""};
    enum gw_status status = GW_E_SYNTAX;

    if ((from.at == NULL) == (kind.at == NULL))
        return gw_fail(err, GW_E_SYNTAX,
                       "profile %.*s: has role_arn and needs one of source_profile and credential_source",
                       GW_STR_ARG(profile));
    if (from.at != NULL && gw_str_equal(from, profile))
        return read_keys(walk, profile, keys, err);
    if (from.at != NULL)
        return resolve(walk, from, keys, err);
    if (gw_str_is(kind, "Environment"))
        status = gw_chain_environment(walk->chain, &found, &why);
    else if (gw_str_is(kind, "EcsContainer"))
        status = gw_chain_container(walk->chain, &found, &why);
    else if (gw_str_is(kind, "Ec2InstanceMetadata"))
        status = gw_chain_imds(walk->chain, &found, &why);
    else
        (void)gw_fail(&why, status, "accepted: Environment, EcsContainer, Ec2InstanceMetadata");
    *keys = found.keys;
    if (status == GW_OK)
        return GW_OK;
    return gw_fail(err, status == GW_E_MISSING ? GW_E_IO : status, "profile %.*s: credential_source: %s",
                   GW_STR_ARG(profile), why.text);
}

static enum gw_status read_duration(const struct walk *walk, struct gw_str profile, unsigned *seconds,
                                    struct gw_err *err)
{
    struct gw_str text = setting(walk, profile, "duration_seconds");
    uint64_t number = 0;

    if (text.at != NULL && (gw_str_parse_u64(text, 43200, &number) != GW_OK || number < 900))
        return gw_fail(err, GW_E_SYNTAX, "profile %.*s: duration_seconds is not 900 to 43200", GW_STR_ARG(profile));
    *seconds = (unsigned)number;
    return GW_OK;
}

static enum gw_status call_sts(struct walk *walk, struct gw_str profile, const struct gw_chain_assume *wanted,
                               struct gw_aws_keys *keys, struct gw_err *err)
{
    struct gw_chain_assume call = *wanted;
    struct gw_aws_keys source = {0};
    struct gw_sign_identity by;
    struct gw_secret *secret;
    struct gw_err why;
    enum gw_status status = GW_OK;

    if (call.web_identity_token.at == NULL) {
        status = find_source(walk, profile, &source, err);
        if (status != GW_OK)
            return status;
        by = (struct gw_sign_identity){.access_key = source.access_key, .session_token = source.session_token};
        secret = gw_sign_secret_new(source.secret_access_key, &by.secret_version);
        by.secret = secret;
        call.by = &by;
        status = gw_chain_assume_role(walk->chain, &call, keys, &why);
        gw_sign_secret_free(&secret);
    } else {
        status = gw_chain_assume_role(walk->chain, &call, keys, &why);
    }
    return status == GW_OK ? status : gw_fail(err, status, "profile %.*s: %s", GW_STR_ARG(profile), why.text);
}

static enum gw_status assume(struct walk *walk, struct gw_str profile, struct gw_aws_keys *keys, struct gw_err *err)
{
    struct gw_str token_file = setting(walk, profile, "web_identity_token_file");
    struct gw_chain_assume wanted = {.role_arn = setting(walk, profile, "role_arn"),
                                     .session_name = setting(walk, profile, "role_session_name"),
                                     .external_id = setting(walk, profile, "external_id"),
                                     .region = setting(walk, profile, "region")};
    enum gw_status status = read_duration(walk, profile, &wanted.duration_s, err);

    if (wanted.session_name.at == NULL)
        wanted.session_name = GW_STR("eksgate");
    if (status == GW_OK && setting(walk, profile, "mfa_serial").at != NULL)
        return gw_fail(err, GW_E_DENIED, "profile %.*s: has mfa_serial, and eksgate has nobody to ask for a code",
                       GW_STR_ARG(profile));
    if (gw_chain_variable(walk->chain, "AWS_REGION").at != NULL ||
        gw_chain_variable(walk->chain, "AWS_DEFAULT_REGION").at != NULL)
        wanted.region = GW_STR_NONE; /* they go before it */
    if (status == GW_OK && token_file.at != NULL)
        status =
            gw_chain_read_file(walk->chain, "web_identity_token_file", token_file, &wanted.web_identity_token, err);
    return status == GW_OK ? call_sts(walk, profile, &wanted, keys, err) : status;
}

static bool is_seen(const struct walk *walk, struct gw_str profile)
{
    for (size_t i = 0; i < walk->seen_count; i++) {
        if (gw_str_equal(walk->seen[i], profile))
            return true;
    }
    return false;
}

static enum gw_status resolve(struct walk *walk, struct gw_str profile, struct gw_aws_keys *keys, struct gw_err *err)
{
    bool is_first = walk->seen_count == 0;
    bool has_keys = setting(walk, profile, "aws_access_key_id").at != NULL ||
                    setting(walk, profile, "aws_secret_access_key").at != NULL;
    struct gw_str command = setting(walk, profile, "credential_process");

    if (!gw_chain_files_has(walk->chain, profile))
        return gw_fail(err, GW_E_SYNTAX, "profile %.*s: is in none of the shared files", GW_STR_ARG(profile));
    if (walk->seen_count == PROFILES_MAX || is_seen(walk, profile))
        return gw_fail(err, GW_E_SYNTAX, "profile %.*s: its source_profile leads in a circle, or over too many",
                       GW_STR_ARG(profile));
    walk->seen[walk->seen_count++] = profile;
    if (has_keys && !is_first)
        return read_keys(walk, profile, keys, err);
    if (setting(walk, profile, "role_arn").at != NULL)
        return assume(walk, profile, keys, err);
    if (has_keys)
        return read_keys(walk, profile, keys, err);
    if (command.at != NULL)
        return run_process(walk, profile, command, keys, err);
    return refuse_login(walk, profile, err);
}

/* Settings that are about credentials; a profile without any is there for its region. */
static bool is_about_credentials(const struct gw_chain *chain, struct gw_str profile)
{
    static const char *const names[] = {"aws_access_key_id",  "aws_secret_access_key", "role_arn",
                                        "credential_process", "sso_session",           "sso_start_url",
                                        "login_session"};

    for (size_t i = 0; i < GW_COUNT(names); i++) {
        if (gw_chain_files_get(chain, profile, names[i]).at != NULL)
            return true;
    }
    return false;
}

enum gw_status gw_chain_profile(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err)
{
    struct walk walk = {.chain = chain};
    bool is_named;
    struct gw_str profile = gw_chain_profile_name(chain, &is_named);
    enum gw_status status = gw_chain_files_read(chain, err);

    if (status != GW_OK)
        return status;
    if (is_named && !gw_chain_files_has(chain, profile))
        return gw_fail(err, GW_E_SYNTAX, "AWS_PROFILE names %.*s, which is in none of the shared files",
                       GW_STR_ARG(profile));
    if (!is_about_credentials(chain, profile))
        return gw_fail(err, GW_E_MISSING, "the shared files have no credentials for profile %.*s", GW_STR_ARG(profile));
    status = resolve(&walk, profile, &found->keys, err);
    found->provider = gw_arena_printf(&chain->arena, "profile %.*s", GW_STR_ARG(profile));
    return status == GW_E_MISSING ? GW_E_IO : status;
}
