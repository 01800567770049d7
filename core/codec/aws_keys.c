/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that aren't known are let be: each of the three has grown some. What an
 * answer says is never put into a message, because it may be the secret; only
 * IMDS's Code, in which AWS's words stand, is.
 */
#include "codec/aws_keys.h"

#include "codec/json.h"
#include "codec/time.h"

static enum gw_status check_text(struct gw_str text, const char *name, size_t max, struct gw_err *err)
{
    if (text.length == 0)
        return gw_fail(err, GW_E_MISSING, "%s is missing", name);
    if (text.length > max)
        return gw_fail(err, GW_E_LIMIT, "%s is longer than %zu bytes", name, max);
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
            return gw_fail(err, GW_E_SYNTAX, "%s holds a byte that it can't have", name);
    }
    return GW_OK;
}

enum gw_status gw_aws_keys_check(struct gw_aws_keys *keys, struct gw_err *err)
{
    enum gw_status status = check_text(keys->access_key, "AccessKeyId", GW_AWS_KEYS_ID_MAX, err);

    if (keys->session_token.length == 0)
        keys->session_token = GW_STR_NONE;
    for (size_t i = 0; status == GW_OK && i < keys->access_key.length; i++) {
        if (memchr("/,=", keys->access_key.at[i], 3) != NULL) /* it stands in Credential=ID/scope, Signed... */
            status = gw_fail(err, GW_E_SYNTAX, "AccessKeyId holds a byte that it can't have");
    }
    if (status == GW_OK)
        status = check_text(keys->secret_access_key, "SecretAccessKey", GW_AWS_KEYS_SECRET_MAX, err);
    if (status == GW_OK && keys->session_token.at != NULL)
        status = check_text(keys->session_token, "the session token", GW_AWS_KEYS_TOKEN_MAX, err);
    return status;
}

static enum gw_status get_text(const struct gw_json *json, const char *name, struct gw_str *text, struct gw_err *err)
{
    const struct gw_json *member = gw_json_get(json, name);

    *text = GW_STR_NONE;
    if (member == NULL || member->type == GW_JSON_NULL)
        return GW_OK;
    if (member->type != GW_JSON_STRING)
        return gw_fail(err, GW_E_TYPE, "%s is of type %s, not a string", name, gw_json_type_name(member->type));
    *text = member->as.string;
    return GW_OK;
}

static enum gw_status check_code(const struct gw_json *json, struct gw_err *err)
{
    struct gw_str code;
    enum gw_status status = get_text(json, "Code", &code, err);

    if (status == GW_OK && !gw_str_is(code, "Success"))
        status = gw_fail(err, GW_E_DENIED, "its Code is \"%.*s\", not Success",
                         code.length > 80 ? 80 : (int)code.length, code.at == NULL ? "" : code.at);
    return status;
}

static enum gw_status check_version(const struct gw_json *json, struct gw_err *err)
{
    const struct gw_json *version = gw_json_get(json, "Version");

    if (version == NULL || version->type != GW_JSON_INTEGER || version->as.integer != 1)
        return gw_fail(err, GW_E_SYNTAX, "its Version is not 1");
    return GW_OK;
}

static enum gw_status read_expiry(const struct gw_json *json, bool is_needed, int64_t *expires_ms, struct gw_err *err)
{
    struct gw_str text;
    enum gw_status status = get_text(json, "Expiration", &text, err);

    *expires_ms = GW_AWS_KEYS_NEVER;
    if (status != GW_OK)
        return status;
    if (text.at == NULL && !is_needed)
        return GW_OK;
    if (text.at == NULL || gw_time_parse_iso(text, expires_ms) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "Expiration is not a time such as 2026-01-01T00:00:00Z");
    return GW_OK;
}

enum gw_status gw_aws_keys_parse(struct gw_str json, enum gw_aws_keys_dialect dialect, struct gw_arena *arena,
                                 struct gw_aws_keys *keys, struct gw_err *err)
{
    bool is_process = dialect == GW_AWS_KEYS_PROCESS;
    struct gw_aws_keys found = {0};
    struct gw_json tree;
    struct gw_err ignored; /* what a parser says may quote the text */
    enum gw_status status = GW_OK;

    if (gw_json_parse(json, arena, &tree, &ignored) != GW_OK || tree.type != GW_JSON_OBJECT)
        return gw_fail(err, GW_E_SYNTAX, "is no JSON object");
    if (is_process)
        status = check_version(&tree, err);
    else if (dialect == GW_AWS_KEYS_IMDS)
        status = check_code(&tree, err);
    if (status == GW_OK)
        status = get_text(&tree, "AccessKeyId", &found.access_key, err);
    if (status == GW_OK)
        status = get_text(&tree, "SecretAccessKey", &found.secret_access_key, err);
    if (status == GW_OK)
        status = get_text(&tree, is_process ? "SessionToken" : "Token", &found.session_token, err);
    if (status == GW_OK)
        status = read_expiry(&tree, !is_process, &found.expires_ms, err);
    if (status == GW_OK)
        status = gw_aws_keys_check(&found, err);
    if (status == GW_OK)
        *keys = found;
    return status;
}
