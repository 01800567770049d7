/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the key's PEM into the stack, and wipes it.
 */
#include "config/signing_key.h"

#include "config/secret.h"

#define PEM_MAX 4096

enum gw_status gw_config_signing_key(const struct gw_config *config, struct gw_ed25519_key **key, struct gw_err *err)
{
    const char *path = config->audit_signing_key.at; /* NUL-terminated, like all paths of the arena */
    char pem[PEM_MAX];
    struct gw_str text = {pem, 0};
    enum gw_status status;

    *key = NULL;
    if (path == NULL)
        return GW_OK;
    status = gw_config_secret_read(path, false, pem, sizeof(pem), &text.length, err);
    if (status == GW_OK) {
        status = gw_ed25519_private(text, key);
        if (status != GW_OK)
            status = gw_fail(err, status,
                             "%s: holds no Ed25519 private key in PEM that needs no password; "
                             "openssl genpkey -algorithm ed25519 makes one",
                             path);
    }
    gw_wipe(pem, sizeof(pem));
    return status;
}
