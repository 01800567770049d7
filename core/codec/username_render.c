/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usernames as a session turns them out, and words that are safe to make them
 * of. Values are put in once and not looked at again: they can't hold braces.
 */
#include "codec/username.h"

#define SESSION_NAME_MIN 2
#define SESSION_NAME_MAX 64
#define DNS_NAME_MAX     253

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_made_of(struct gw_str text, const char *more, size_t least, size_t most)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_alphanumeric(text.at[i]) && (text.at[i] == '\0' || strchr(more, text.at[i]) == NULL))
            return false;
    }
    return text.length >= least && text.length <= most;
}

static enum gw_status check_session(const struct gw_username_session *session, struct gw_err *err)
{
    if (session->name.at != NULL && !is_made_of(session->name, "_+=,.@-", SESSION_NAME_MIN, SESSION_NAME_MAX))
        return gw_fail(err, GW_E_SYNTAX, "a session's name has %d to %d letters, digits and _ + = , . @ -",
                       SESSION_NAME_MIN, SESSION_NAME_MAX);
    if (session->account.at != NULL && !gw_arn_is_account(session->account))
        return gw_fail(err, GW_E_SYNTAX, "an account has 12 digits");
    if (session->private_dns_name.at != NULL && !is_made_of(session->private_dns_name, ".-", 1, DNS_NAME_MAX))
        return gw_fail(err, GW_E_SYNTAX, "a DNS name has 1 to %d letters, digits, '.' and '-'", DNS_NAME_MAX);
    return GW_OK;
}

enum gw_status gw_username_render(struct gw_str username, const struct gw_username_session *session, struct gw_buf *out,
                                  struct gw_err *err)
{
    const struct {
        struct gw_str template;
        struct gw_str value;
    } known[] = {
        {GW_STR("{{SessionName}}"), session->name},
        {GW_STR("{{SessionNameRaw}}"), session->name},
        {GW_STR("{{AccountID}}"), session->account},
        {GW_STR("{{EC2PrivateDNSName}}"), session->private_dns_name},
    };
    enum gw_status status = check_session(session, err);

    if (status != GW_OK)
        return status;
    while (username.length > 0) {
        size_t which = 0;

        while (which < GW_COUNT(known) && !gw_str_starts(username, known[which].template))
            which++;
        if (which == GW_COUNT(known)) {
            gw_buf_append_byte(out, username.at[0]);
            username = gw_str_slice(username, 1, SIZE_MAX);
            continue;
        }
        if (known[which].value.at == NULL)
            return gw_fail(err, GW_E_MISSING, "there is nothing to put in for %.*s", GW_STR_ARG(known[which].template));
        for (size_t i = 0; i < known[which].value.length; i++) {
            char c = known[which].value.at[i];

            gw_buf_append_byte(out, which == 0 && c == '@' ? '-' : c);
        }
        username = gw_str_slice(username, known[which].template.length, SIZE_MAX);
    }
    return GW_OK;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void gw_username_sanitize(struct gw_str text, struct gw_buf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        bool looks_escaped = c == '_' && i + 2 < text.length && is_hex(text.at[i + 1]) && is_hex(text.at[i + 2]);

        if (is_alphanumeric(c) || c == '.' || c == '-' || (c == '_' && !looks_escaped))
            gw_buf_append_byte(out, c);
        else
            gw_buf_printf(out, "_%02x", (unsigned)(unsigned char)c);
    }
}
