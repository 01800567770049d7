/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TEST_KEY_CASE_H
#define GW_TEST_KEY_CASE_H

/*
 * What the tests of keyrings and of the key file's edits share: a folder of their
 * own with the path of a key file in it, a keyring, and the last explanation. One
 * program includes it once, after cmocka.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/keyring.h"

static struct gw_keyring *keyring;
static struct gw_err err;
static char folder[64];
static char path[128];

static int start(void **state)
{
    (void)state;
    keyring = NULL;
    err.text[0] = '\0';
    snprintf(folder, sizeof(folder), "/tmp/eksgate-keys-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/keys.json", folder);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gw_keyring_free(&keyring);
    unlink(path);
    return rmdir(folder); /* fails when a temporary file was left behind */
}

#endif
