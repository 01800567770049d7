/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to stdout and stderr. What a terminal might obey is C0 but for line ends
 * and tabs, DEL, and C1 as UTF-8 has it.
 */
#include "cli/ctl_print.h"

#include <stdio.h>

#include "cli/cli.h"
#include "codec/http1.h"
#include "codec/json.h"

#define MESSAGE_MAX ((size_t)1 << 20) /* bytes of a body that is looked into */

int gw_ctl_print_failure(const char *verb, struct gw_str text)
{
    while (text.at != NULL) {
        struct gw_str line = gw_str_split(&text, '\n');

        if (line.length > 0)
            (void)fprintf(stderr, "eksgate ctl %s: %.*s\n", verb, GW_STR_ARG(line));
    }
    return GW_EXIT_FAILED;
}

static bool is_control(struct gw_str text, size_t at)
{
    unsigned char byte = (unsigned char)text.at[at];

    if (byte < 0x20)
        return byte != '\n' && byte != '\t' && byte != '\r';
    return byte == 0x7f || (byte >= 0x80 && byte < 0xa0 && at > 0 && (unsigned char)text.at[at - 1] == 0xc2);
}

static void append_clean(struct gw_str text, struct gw_buf *out)
{
    for (size_t i = 0; i < text.length; i++)
        gw_buf_append_byte(out, is_control(text, i) || text.at[i] == '\r' ? '?' : text.at[i]);
}

/* arena: the text member `name` of a JSON object, {NULL,0} when there is none. */
static struct gw_str find_member(struct gw_str body, const char *name, struct gw_arena *arena)
{
    const struct gw_json *member = NULL;
    struct gw_json value;

    if (body.length <= MESSAGE_MAX && gw_json_parse(body, arena, &value, NULL) == GW_OK)
        member = gw_json_get(&value, name);
    return member != NULL && member->type == GW_JSON_STRING ? member->as.string : GW_STR_NONE;
}

int gw_ctl_print_refusal(const char *verb, const struct gw_ctl_address *address, const struct gw_ctl_reply *reply)
{
    struct gw_arena arena;
    struct gw_buf text;
    struct gw_str message;

    gw_arena_init(&arena, 0);
    gw_buf_init(&text, MESSAGE_MAX + 1024);
    message = find_member(gw_buf_str(&reply->body), "message", &arena);
    if (message.length > 0)
        append_clean(message, &text);
    else
        gw_buf_printf(&text, "%s answers %u %s", address->url, reply->status, gw_http1_reason(reply->status));
    if (reply->status == 401)
        gw_buf_append_lit(&text, " --token-file FILE or $EKSGATE_ADMIN_TOKEN gives one.");
    (void)gw_ctl_print_failure(verb, gw_buf_str(&text));
    gw_buf_fini(&text);
    gw_arena_fini(&arena);
    return GW_EXIT_FAILED;
}

int gw_ctl_print_text(const char *verb, struct gw_str text)
{
    bool ends = text.length > 0 && text.at[text.length - 1] == '\n';

    for (size_t i = 0; i < text.length; i++) {
        if (is_control(text, i))
            return gw_ctl_print_failure(verb, GW_STR("the reply holds control bytes and isn't printed"));
    }
    if (fwrite(text.at, 1, text.length, stdout) != text.length || (!ends && putchar('\n') == EOF) ||
        fflush(stdout) != 0)
        return gw_ctl_print_failure(verb, GW_STR("stdout takes no more"));
    return GW_EXIT_DONE;
}

int gw_ctl_print_member(const char *verb, struct gw_str body, const char *name)
{
    struct gw_arena arena;
    struct gw_str text;
    int code;

    gw_arena_init(&arena, 0);
    text = find_member(body, name, &arena);
    code = gw_ctl_print_text(verb, text.at != NULL ? text : body);
    gw_arena_fini(&arena);
    return code;
}

/* "name{label="..."} 12" becomes a member of that name; the text's other lines are comments. */
static void append_sample(struct gw_str line, struct gw_buf *out)
{
    size_t at = line.length;
    struct gw_str value;
    uint64_t number;

    while (at > 0 && line.at[at - 1] != ' ')
        at--;
    if (at < 2 || line.at[0] == '#')
        return;
    value = gw_str_slice(line, at, SIZE_MAX);
    if (out->length > 1)
        gw_buf_append_byte(out, ',');
    gw_json_encode_string(gw_str_slice(line, 0, at - 1), out);
    gw_buf_append_byte(out, ':');
    if (gw_str_parse_u64(value, UINT64_MAX, &number) == GW_OK)
        gw_buf_append_u64(out, number);
    else
        gw_json_encode_string(value, out);
}

int gw_ctl_print_samples(const char *verb, struct gw_str text)
{
    struct gw_buf out;
    int code;

    gw_buf_init(&out, 8 * MESSAGE_MAX);
    gw_buf_append_byte(&out, '{');
    while (text.at != NULL)
        append_sample(gw_str_split(&text, '\n'), &out);
    gw_buf_append_byte(&out, '}');
    code = out.overflowed ? gw_ctl_print_failure(verb, GW_STR("the reply is too long"))
                          : gw_ctl_print_text(verb, gw_buf_str(&out));
    gw_buf_fini(&out);
    return code;
}
