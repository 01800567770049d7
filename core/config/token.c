/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a token with as few copies as can be: the file goes straight into a
 * buffer on the stack, which is wiped.
 */
#include "config/token.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

static enum gw_status check_file(const char *path, int fd, bool any_file, struct gw_err *err)
{
    struct stat found;

    if (fstat(fd, &found) != 0)
        return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode)) {
        if (any_file && !S_ISDIR(found.st_mode))
            return GW_OK;
        return gw_fail(err, GW_E_IO, "%s: is no file", path);
    }
    if ((found.st_mode & (S_IWGRP | S_IWOTH | S_IROTH)) != 0)
        return gw_fail(err, GW_E_DENIED,
                       "%s: mode %04o lets everybody read it, or others write it; chmod go-w,o-rwx %s", path,
                       (unsigned)found.st_mode & 07777, path);
    if (!any_file && found.st_uid != 0 && found.st_uid != geteuid())
        return gw_fail(err, GW_E_DENIED, "%s: belongs to user %u; it must belong to root or to user %u, who runs this",
                       path, (unsigned)found.st_uid, (unsigned)geteuid());
    return GW_OK;
}

/* At most `size` bytes; a longer file is none that is read to its end. */
static enum gw_status read_all(const char *path, int fd, char *text, size_t size, size_t *length, struct gw_err *err)
{
    *length = 0;
    while (*length < size) {
        ssize_t got = read(fd, text + *length, size - *length);

        if (got == 0)
            return GW_OK;
        if (got < 0 && errno != EINTR)
            return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
        *length += got > 0 ? (size_t)got : 0;
    }
    return GW_OK;
}

enum gw_status gw_config_token_load(const char *path, bool any_file, struct gw_config_token *token, struct gw_err *err)
{
    char bytes[GW_CONFIG_TOKEN_MAX + 8]; /* one that is too long shows */
    int fd = open(path, O_RDONLY | O_CLOEXEC | (any_file ? 0 : O_NONBLOCK));
    struct gw_str text = {bytes, 0};
    enum gw_status status;

    if (fd < 0)
        return gw_fail(err, GW_E_IO, "%s: %s", path, strerror(errno));
    status = check_file(path, fd, any_file, err);
    if (status == GW_OK)
        status = read_all(path, fd, bytes, sizeof(bytes), &text.length, err);
    (void)close(fd);
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
