/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON: what parses is written out, parsed again, and must be
 * written the same. What the parser takes the check takes too.
 */
#include <stdlib.h>

#include "codec/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_arena arena;
    struct gw_buf first;
    struct gw_buf second;
    struct gw_json value;
    struct gw_err err;

    gw_arena_init(&arena, 0);
    gw_buf_init(&first, 8 * size + 64);
    gw_buf_init(&second, 8 * size + 64);
    if (gw_json_parse(text, &arena, &value, &err) == GW_OK) {
        gw_json_encode(&value, &first);
        require(!first.overflowed);
        require(gw_json_check(text, &err) == GW_OK);
        require(gw_json_parse(gw_buf_str(&first), &arena, &value, &err) == GW_OK);
        gw_json_encode(&value, &second);
        require(gw_str_equal(gw_buf_str(&first), gw_buf_str(&second)));
    }
    gw_buf_clear(&first);
    gw_json_encode_string(text, &first);
    require(!first.overflowed);
    require(gw_json_check(gw_buf_str(&first), &err) == GW_OK);
    if (memchr(text.at == NULL ? "" : text.at, '\0', size) == NULL)
        require(gw_json_parse(gw_buf_str(&first), &arena, &value, &err) == GW_OK);
    gw_buf_fini(&second);
    gw_buf_fini(&first);
    gw_arena_fini(&arena);
    return 0;
}
