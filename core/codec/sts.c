/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers come as one of
 *
 *   <XResponse><XResult><Credentials><AccessKeyId>...   {"XResponse":{"XResult":{"Credentials":{...
 *   <ErrorResponse><Error><Code>...                     {"Error":{"Code":...
 *
 * with X one of the two actions. Only these places are looked at; the rest of an
 * answer must merely be well formed.
 */
#include "codec/sts.h"

#include <stdio.h>

#include "codec/arn.h"
#include "codec/digest.h"
#include "codec/json.h"
#include "codec/time.h"
#include "codec/uri.h"
#include "codec/xml_read.h"

#define HASH_DIGITS 16

static void add(struct gw_buf *out, const char *name, struct gw_str value)
{
    if (value.at == NULL)
        return;
    gw_buf_printf(out, "&%s=", name);
    gw_uri_encode(value, false, out);
}

void gw_sts_encode(const struct gw_sts_request *request, struct gw_buf *out)
{
    bool is_web = request->web_identity_token.at != NULL;

    gw_buf_printf(out, "Action=%s&Version=2011-06-15", is_web ? "AssumeRoleWithWebIdentity" : "AssumeRole");
    add(out, "RoleArn", request->role_arn);
    add(out, "RoleSessionName", request->session_name);
    add(out, "WebIdentityToken", request->web_identity_token);
    if (!is_web) {
        add(out, "ExternalId", request->external_id);
        add(out, "SourceIdentity", request->source_identity);
    }
    if (request->duration_s > 0)
        gw_buf_printf(out, "&DurationSeconds=%u", request->duration_s);
}

/* An answer as it is found, piece by piece. */
struct found {
    struct gw_str access_key;
    struct gw_str secret_access_key;
    struct gw_str session_token;
    struct gw_str expiration;
    struct gw_str code;
    struct gw_str message;
    double expires_s; /* JSON's; 0: a text, or none */
};

static struct gw_str *place_of(struct found *found, bool is_error, struct gw_str name)
{
    if (is_error)
        return gw_str_is(name, "Code") ? &found->code : gw_str_is(name, "Message") ? &found->message : NULL;
    if (gw_str_is(name, "AccessKeyId"))
        return &found->access_key;
    if (gw_str_is(name, "SecretAccessKey"))
        return &found->secret_access_key;
    if (gw_str_is(name, "SessionToken"))
        return &found->session_token;
    return gw_str_is(name, "Expiration") ? &found->expiration : NULL;
}

static bool is_action(struct gw_str name, const char *suffix)
{
    struct gw_str rest = gw_str_slice(name, strlen("AssumeRole"), SIZE_MAX);

    if (!gw_str_starts(name, GW_STR("AssumeRole")))
        return false;
    if (gw_str_starts(rest, GW_STR("WithWebIdentity")))
        rest = gw_str_slice(rest, strlen("WithWebIdentity"), SIZE_MAX);
    return gw_str_is(rest, suffix);
}

/* Where the text of the innermost element belongs; NULL: nowhere. */
static struct gw_str *xml_place(const struct gw_xml_reader *reader, struct found *found)
{
    const struct gw_str *open = reader->open;

    if (reader->depth == 3 && gw_str_is(open[0], "ErrorResponse") && gw_str_is(open[1], "Error"))
        return place_of(found, true, open[2]);
    if (reader->depth == 4 && is_action(open[0], "Response") && is_action(open[1], "Result") &&
        gw_str_is(open[2], "Credentials"))
        return place_of(found, false, open[3]);
    return NULL;
}

static enum gw_status read_xml(struct gw_str text, struct gw_arena *arena, struct found *found, struct gw_err *err)
{
    struct gw_xml_reader reader;
    struct gw_xml_item item;
    enum gw_status status;

    gw_xml_begin(&reader, text);
    while ((status = gw_xml_next(&reader, arena, &item, err)) == GW_OK) {
        struct gw_str *place = item.event == GW_XML_TEXT ? xml_place(&reader, found) : NULL;

        if (place != NULL && place->at != NULL)
            return gw_fail(err, GW_E_SYNTAX, "says something twice");
        if (place != NULL)
            *place = item.text;
    }
    return status == GW_E_MISSING ? GW_OK : status;
}

static enum gw_status take_members(const struct gw_json *object, bool is_error, struct found *found, struct gw_err *err)
{
    for (size_t i = 0; object->type == GW_JSON_OBJECT && i < object->as.object.count; i++) {
        const struct gw_json_member *member = &object->as.object.members[i];
        struct gw_str *place = place_of(found, is_error, member->name);

        if (place == NULL || member->value.type == GW_JSON_NULL)
            continue;
        if (member->value.type == GW_JSON_STRING)
            *place = member->value.as.string;
        else if (place == &found->expiration && member->value.type == GW_JSON_REAL)
            found->expires_s = member->value.as.real;
        else if (place == &found->expiration && member->value.type == GW_JSON_INTEGER)
            found->expires_s = (double)member->value.as.integer;
        else
            return gw_fail(err, GW_E_SYNTAX, "has a member of the wrong type");
    }
    return GW_OK;
}

static const struct gw_json *member_of_action(const struct gw_json *json, const char *suffix)
{
    for (size_t i = 0; json != NULL && json->type == GW_JSON_OBJECT && i < json->as.object.count; i++) {
        if (is_action(json->as.object.members[i].name, suffix))
            return &json->as.object.members[i].value;
    }
    return NULL;
}

static enum gw_status read_json(struct gw_str text, struct gw_arena *arena, struct found *found, struct gw_err *err)
{
    struct gw_json tree;
    struct gw_err ignored; /* it may quote the text */
    const struct gw_json *object;

    if (gw_json_parse(text, arena, &tree, &ignored) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "is no JSON");
    object = gw_json_get(&tree, "Error");
    if (object != NULL)
        return take_members(object, true, found, err);
    object = gw_json_get(member_of_action(member_of_action(&tree, "Response"), "Result"), "Credentials");
    return object == NULL ? GW_OK : take_members(object, false, found, err);
}

static bool is_code(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') && !(byte >= '0' && byte <= '9') &&
            byte != '.')
            return false;
    }
    return text.length > 0 && text.length <= 64;
}

/* What may stand in a line for people. */
static struct gw_str printable(struct gw_str text, struct gw_arena *arena)
{
    size_t length = text.length < GW_STS_MESSAGE_MAX ? text.length : GW_STS_MESSAGE_MAX;
    char *at = gw_arena_alloc(arena, length + 1);

    for (size_t i = 0; i < length; i++)
        at[i] = text.at[i] >= ' ' && text.at[i] < 0x7f ? text.at[i] : ' ';
    at[length] = '\0';
    return (struct gw_str){at, length};
}

static enum gw_status finish_keys(const struct found *found, struct gw_aws_keys *keys, struct gw_err *err)
{
    *keys = (struct gw_aws_keys){found->access_key, found->secret_access_key, found->session_token, 0};
    if (found->expires_s >= 1 && found->expires_s < 253402300800.0)
        keys->expires_ms = (int64_t)(found->expires_s * 1000 + 0.5);
    else if (found->expiration.at == NULL || gw_time_parse_iso(found->expiration, &keys->expires_ms) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "has no Expiration that can be read");
    if (keys->session_token.length == 0)
        return gw_fail(err, GW_E_MISSING, "has no SessionToken");
    return gw_aws_keys_check(keys, err);
}

enum gw_status gw_sts_parse(struct gw_str text, struct gw_arena *arena, struct gw_sts_answer *answer,
                            struct gw_err *err)
{
    struct found found = {0};
    struct gw_sts_answer made = {0};
    enum gw_status status;

    if (text.length > GW_STS_ANSWER_MAX)
        return gw_fail(err, GW_E_LIMIT, "is longer than %zu bytes", GW_STS_ANSWER_MAX);
    status =
        text.length > 0 && text.at[0] == '{' ? read_json(text, arena, &found, err) : read_xml(text, arena, &found, err);
    if (status != GW_OK)
        return status;
    if (found.code.at != NULL) {
        if (!is_code(found.code))
            return gw_fail(err, GW_E_SYNTAX, "is an error whose Code is none");
        made.code = found.code;
        made.message = printable(found.message, arena);
    } else if (found.access_key.at == NULL) {
        return gw_fail(err, GW_E_MISSING, "holds neither Credentials nor an Error");
    } else {
        status = finish_keys(&found, &made.keys, err);
    }
    if (status == GW_OK)
        *answer = made;
    return status;
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("_+=,.@-", byte) != NULL);
}

bool gw_sts_is_name(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_name_byte(text.at[i]))
            return false;
    }
    return text.length >= GW_STS_NAME_MIN && text.length <= GW_STS_NAME_MAX;
}

/* What people read of an ARN, in `at`; false: it isn't all there, or another ARN could read the same. */
static bool write_name(struct gw_str arn, char *at, size_t size)
{
    struct gw_principal who;
    int length;
    bool is_plain;

    if (gw_arn_parse_principal(arn, &who) != GW_OK) {
        (void)snprintf(at, size, "%.*s", (int)(arn.length < size ? arn.length : size), arn.at);
        return false;
    }
    if (who.kind == GW_PRINCIPAL_ASSUMED_ROLE)
        length = snprintf(at, size, "role=%.*s=%.*s@%.*s", GW_STR_ARG(who.name), GW_STR_ARG(who.session),
                          GW_STR_ARG(who.account));
    else
        length = snprintf(at, size, "%.*s=%.*s@%.*s", GW_STR_ARG(who.kind_text), GW_STR_ARG(who.name),
                          GW_STR_ARG(who.account));
    is_plain = gw_str_find(who.name, '=', 0) == who.name.length && gw_str_is(who.partition, "aws");
    return is_plain && length > 0 && (size_t)length < size;
}

size_t gw_sts_name_of(struct gw_str arn, char out[GW_STS_NAME_MAX + 1])
{
    char text[GW_STS_NAME_MAX + 1];
    bool is_whole = write_name(arn, text, sizeof(text));
    size_t length = strlen(text);
    unsigned char digest[GW_DIGEST_SIZE];
    char hex[GW_DIGEST_HEX_SIZE];

    for (size_t i = 0; i < length; i++) {
        if (!is_name_byte(text[i])) {
            text[i] = '-';
            is_whole = false;
        }
    }
    if (!is_whole) {
        gw_digest_sha256(arn, digest);
        gw_digest_hex(digest, hex);
        if (length > GW_STS_NAME_MAX - HASH_DIGITS - 1)
            length = GW_STS_NAME_MAX - HASH_DIGITS - 1;
        text[length++] = '-';
        memcpy(text + length, hex, HASH_DIGITS);
        length += HASH_DIGITS;
        text[length] = '\0';
    }
    memcpy(out, text, length + 1);
    return length;
}
