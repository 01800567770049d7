/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as one of AWS's shared files: every
 * setting that is read lies in a section that is there, is found again under its
 * own name, and is no longer than a line or the bound.
 */
#include <stdlib.h>

#include "codec/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_setting(const struct gw_ini *ini, const struct gw_ini_setting *one, struct gw_arena *arena)
{
    const char *name = gw_arena_str(arena, one->name).at;
    struct gw_str found = gw_ini_get(ini, one->kind, one->section, name);

    require(one->section.length > 0);
    require(gw_ini_has(ini, one->kind, one->section));
    require(found.at != NULL || one->value.at == NULL);
    require(one->value.length == 0 || (one->value.at[0] != ' ' && one->value.at[one->value.length - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_arena arena;
    struct gw_ini ini;
    struct gw_err err;

    gw_arena_init(&arena, 0);
    if (gw_ini_parse(text, &arena, &ini, &err) == GW_OK) {
        for (size_t i = 0; i < ini.count && i < 64; i++)
            check_setting(&ini, &ini.settings[i], &arena);
    } else {
        require(strncmp(err.text, "line ", 5) == 0);
    }
    gw_arena_wipe(&arena);
    return 0;
}
