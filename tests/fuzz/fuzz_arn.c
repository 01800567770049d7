/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a principal's ARN, a username, a group and a tag: the pieces of
 * what parses make up the whole again.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "codec/username.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void rebuild(const struct gw_principal *p, struct gw_buf *out)
{
    bool sts = p->kind == GW_PRINCIPAL_ASSUMED_ROLE || p->kind == GW_PRINCIPAL_FEDERATED_USER;

    gw_buf_printf(out, "arn:%.*s:%s::%.*s:%.*s", GW_STR_ARG(p->partition), sts ? "sts" : "iam", GW_STR_ARG(p->account),
                  GW_STR_ARG(p->kind_text));
    if (p->kind == GW_PRINCIPAL_ROOT)
        return;
    gw_buf_printf(out, "%.*s%.*s", GW_STR_ARG(p->path), GW_STR_ARG(p->name));
    if (p->kind == GW_PRINCIPAL_ASSUMED_ROLE)
        gw_buf_printf(out, "/%.*s", GW_STR_ARG(p->session));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_principal principal;
    struct gw_arena arena;
    struct gw_buf again;
    struct gw_err err;

    gw_arena_init(&arena, 0);
    gw_buf_init(&again, 4096);
    if (gw_arn_parse_principal(text, &principal) == GW_OK) {
        rebuild(&principal, &again);
        require(gw_str_equal(gw_buf_str(&again), text));
        require(gw_username_default(&principal, &arena).length > 0);
        (void)gw_arn_is_service_linked(&principal);
    }
    if (gw_username_check(text, &err) == GW_OK)
        require(size > 0 && size <= (size_t)4 * GW_USERNAME_MAX);
    if (gw_username_check_group(text, &err) != GW_OK)
        require(err.text[0] != '\0');
    if (gw_username_check_tag(text, text, &err) == GW_OK)
        require(size <= (size_t)4 * GW_TAG_KEY_MAX);
    gw_buf_fini(&again);
    gw_arena_fini(&arena);
    return 0;
}
