/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an answer of STS, a container's agent, IMDS or a process, and as a
 * caller's ARN: what is taken can stand in a header and says when it ends, errors
 * can stand in a line, and a session name is always one that STS takes.
 */
#include <stdlib.h>

#include "codec/sts.h"
#include "codec/xml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_printable(struct gw_str text, size_t max)
{
    require(text.length <= max);
    for (size_t i = 0; i < text.length; i++)
        require(text.at[i] >= ' ' && text.at[i] < 0x7f);
}

static void check_keys(const struct gw_aws_keys *keys)
{
    require(keys->access_key.length > 0 && keys->secret_access_key.length > 0);
    require(keys->session_token.at == NULL || keys->session_token.length > 0);
    require(keys->expires_ms > -1);
    check_printable(keys->access_key, GW_AWS_KEYS_ID_MAX);
    check_printable(keys->secret_access_key, GW_AWS_KEYS_SECRET_MAX);
    check_printable(keys->session_token, GW_AWS_KEYS_TOKEN_MAX);
}

static void check_sts(struct gw_str text, struct gw_arena *arena)
{
    struct gw_sts_answer answer;
    struct gw_err err;

    if (gw_sts_parse(text, arena, &answer, &err) != GW_OK)
        return;
    if (answer.code.at == NULL) {
        check_keys(&answer.keys);
        require(answer.keys.expires_ms < GW_AWS_KEYS_NEVER && answer.keys.session_token.at != NULL);
    } else {
        require(answer.code.length > 0);
        check_printable(answer.code, 64);
        check_printable(answer.message, GW_STS_MESSAGE_MAX);
    }
}

/* Opened and closed in pairs, never deeper than the bound, and it ends. */
static void check_xml(struct gw_str text, struct gw_arena *arena)
{
    struct gw_xml_reader reader;
    struct gw_xml_item item;
    struct gw_err err;
    size_t depth = 0;
    size_t steps = 0;
    enum gw_status status;

    gw_xml_begin(&reader, text);
    while ((status = gw_xml_next(&reader, arena, &item, &err)) == GW_OK) {
        require(steps++ <= 2 * text.length);
        require(item.event != GW_XML_CLOSE || depth > 0);
        depth += item.event == GW_XML_OPEN;
        depth -= item.event == GW_XML_CLOSE;
        require(depth <= GW_XML_DEPTH_MAX && depth == reader.depth);
    }
    require(status != GW_E_MISSING || depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum gw_aws_keys_dialect dialects[] = {GW_AWS_KEYS_CONTAINER, GW_AWS_KEYS_IMDS, GW_AWS_KEYS_PROCESS};
    struct gw_str text = {(const char *)data, size};
    char name[GW_STS_NAME_MAX + 1];
    struct gw_arena arena;
    size_t length;

    gw_arena_init(&arena, 0);
    for (size_t i = 0; i < GW_COUNT(dialects); i++) {
        struct gw_aws_keys keys;
        struct gw_err err;

        if (gw_aws_keys_parse(text, dialects[i], &arena, &keys, &err) == GW_OK)
            check_keys(&keys);
    }
    check_sts(text, &arena);
    check_xml(text, &arena);
    length = gw_sts_name_of(text, name);
    require(gw_sts_is_name((struct gw_str){name, length}) && strlen(name) == length);
    gw_arena_wipe(&arena);
    return 0;
}
