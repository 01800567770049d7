/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token's form, and where it comes from. What of a file was on the stack is
 * wiped.
 */
#include "config/token.h"

#include "config/secret.h"

static bool is_token(struct gw_str text)
{
    size_t end = text.length;

    while (end > 0 && text.at[end - 1] == '=')
        end--;
    for (size_t i = 0; i < end; i++) {
        char byte = text.at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') && !(byte >= '0' && byte <= '9') &&
            memchr("-._~+/", byte, 6) == NULL)
            return false;
    }
    return end > 0 && text.length >= GW_CONFIG_TOKEN_MIN && text.length <= GW_CONFIG_TOKEN_MAX;
}

enum gw_status gw_config_token_parse(struct gw_str text, const char *where, struct gw_config_token *token,
                                     struct gw_err *err)
{
    if (!is_token(text))
        return gw_fail(err, GW_E_SYNTAX,
                       "%s%sis no token; accepted: %d to %d of A-Z a-z 0-9 - . _ ~ + / and = at the end",
                       where != NULL ? where : "", where != NULL ? ": " : "", GW_CONFIG_TOKEN_MIN, GW_CONFIG_TOKEN_MAX);
    memcpy(token->text, text.at, text.length);
    token->text[text.length] = '\0';
    token->length = text.length;
    return GW_OK;
}

enum gw_status gw_config_token_load(const char *path, bool any_file, struct gw_config_token *token, struct gw_err *err)
{
    char bytes[GW_CONFIG_TOKEN_MAX + 8]; /* one that is too long shows */
    struct gw_str text = {bytes, 0};
    enum gw_status status = gw_config_secret_read(path, any_file, bytes, sizeof(bytes), &text.length, err);

    if (status == GW_OK) {
        if (text.length > 0 && bytes[text.length - 1] == '\n')
            text.length--;
        if (text.length > 0 && bytes[text.length - 1] == '\r')
            text.length--;
        status = gw_config_token_parse(text, path, token, err);
    }
    gw_wipe(bytes, sizeof(bytes));
    return status;
}

enum gw_status gw_config_admin_token(const struct gw_config *config, struct gw_config_token *token, struct gw_err *err)
{
    token->length = 0;
    if (config->admin_token_file.at != NULL)
        return gw_config_token_load(config->admin_token_file.at, false, token, err);
    if (config->admin_token.at != NULL)
        return gw_config_token_parse(config->admin_token, NULL, token, err);
    return GW_OK;
}
