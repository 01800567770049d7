/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in CloudTrail's envelope, written member by member into the buffer: a
 * record is made for every change, and a tree built first would cost more than
 * the text. Members that don't apply are left out, except where CloudTrail writes
 * null. eksgate's own stand in front, where the journal adds a record's place in
 * the chain.
 *
 * What strangers choose is cut at CloudTrail's own sizes (1 KB), so that nobody
 * escapes being recorded by sending more than a record holds.
 */
#include "journal/record.h"

#include "codec/chain.h"
#include "codec/time.h"

#define TEXT_MAX 1024 /* userAgent, errorCode, errorMessage: CloudTrail's record contents reference */
#define KEY_MAX  128  /* an access key id as claimed */

/* The front of `text`, `max` bytes at most, not ending inside a character. */
static struct gw_str clip(struct gw_str text, size_t max)
{
    size_t end = max;

    if (text.length <= max)
        return text;
    while (end > 0 && max - end < 3 && ((unsigned char)text.at[end] & 0xc0) == 0x80)
        end--;
    return gw_str_slice(text, 0, end);
}

/* `name` is ready-made: a comma where one is needed, the quoted name, a colon. */
static void put_text(struct gw_buf *out, struct gw_str name, struct gw_str text)
{
    gw_buf_append_str(out, name);
    gw_json_encode_string(text, out);
}

static void put_optional(struct gw_buf *out, struct gw_str name, struct gw_str text)
{
    if (text.at != NULL)
        put_text(out, name, text);
}

static const char *identity_type(enum gw_principal_kind kind)
{
    static const char *const types[] = {
        [GW_PRINCIPAL_ROLE] = "\"Role\"",
        [GW_PRINCIPAL_USER] = "\"IAMUser\"",
        [GW_PRINCIPAL_ROOT] = "\"Root\"",
        [GW_PRINCIPAL_ASSUMED_ROLE] = "\"AssumedRole\"",
        [GW_PRINCIPAL_FEDERATED_USER] = "\"FederatedUser\"",
    };

    return types[kind];
}

/* The role behind a session. Its path isn't in the session's ARN, hence not here. */
static void encode_issuer(const struct gw_principal *caller, struct gw_buf *out)
{
    gw_buf_append_lit(out, ",\"sessionContext\":{\"sessionIssuer\":{\"type\":\"Role\",\"arn\":\"arn:");
    gw_buf_append_str(out, caller->partition);
    gw_buf_append_lit(out, ":iam::");
    gw_buf_append_str(out, caller->account);
    gw_buf_append_lit(out, ":role/");
    gw_buf_append_str(out, caller->name);
    put_text(out, GW_STR("\",\"accountId\":"), caller->account);
    put_text(out, GW_STR(",\"userName\":"), caller->name);
    gw_buf_append_lit(out, "}}");
}

static void encode_identity(const struct gw_record *record, struct gw_buf *out)
{
    const struct gw_principal *caller = &record->caller;

    gw_buf_append_lit(out, ",\"userIdentity\":{\"type\":");
    if (record->is_own) {
        gw_buf_append_lit(out, "\"AWSService\",\"invokedBy\":\"eksgate\"}");
        return;
    }
    if (!record->has_caller) {
        gw_buf_append_lit(out, "\"Unknown\"");
        put_optional(out, GW_STR(",\"accessKeyId\":"), clip(record->access_key, KEY_MAX));
        gw_buf_append_byte(out, '}');
        return;
    }
    gw_buf_append_str(out, gw_str_from(identity_type(caller->kind)));
    put_text(out, GW_STR(",\"arn\":"), caller->arn);
    put_text(out, GW_STR(",\"accountId\":"), caller->account);
    put_optional(out, GW_STR(",\"accessKeyId\":"), clip(record->access_key, KEY_MAX));
    if (caller->kind == GW_PRINCIPAL_USER)
        put_text(out, GW_STR(",\"userName\":"), caller->name);
    if (caller->kind == GW_PRINCIPAL_ASSUMED_ROLE)
        encode_issuer(caller, out);
    gw_buf_append_byte(out, '}');
}

static void encode_outcome(const struct gw_record *record, struct gw_buf *out)
{
    put_optional(out, GW_STR(",\"errorCode\":"), clip(record->error_code, TEXT_MAX));
    put_optional(out, GW_STR(",\"errorMessage\":"), clip(record->error_message, TEXT_MAX));
    gw_buf_append_lit(out, ",\"requestParameters\":");
    if (record->request_parameters != NULL)
        gw_json_encode(record->request_parameters, out);
    else
        gw_buf_append_lit(out, "null");
    gw_buf_append_lit(out, ",\"responseElements\":");
    gw_buf_append_str(out, record->response_elements.at != NULL ? record->response_elements : GW_STR("null"));
}

void gw_record_encode(const struct gw_record *record, struct gw_buf *out)
{
    struct gw_str source = record->event_source.at != NULL ? record->event_source : GW_STR("eks.amazonaws.com");
    char time[21];

    gw_time_iso_seconds(record->time_ms, time);
    /* The object's own brace is the last byte of the front. */
    gw_buf_append(out, GW_CHAIN_FRONT, sizeof(GW_CHAIN_FRONT) - 2);
    gw_json_encode(record->eksgate, out);
    gw_buf_append_byte(out, '}');
    encode_identity(record, out);
    gw_buf_append_lit(out, ",\"eventTime\":\"");
    gw_buf_append(out, time, sizeof(time) - 1);
    put_text(out, GW_STR("\",\"eventSource\":"), source);
    put_text(out, GW_STR(",\"eventName\":"), record->operation);
    put_optional(out, GW_STR(",\"awsRegion\":"), record->region);
    put_optional(out, GW_STR(",\"sourceIPAddress\":"), record->source_ip);
    put_optional(out, GW_STR(",\"userAgent\":"), clip(record->user_agent, TEXT_MAX));
    encode_outcome(record, out);
    put_optional(out, GW_STR(",\"requestID\":"), record->request_id);
    put_optional(out, GW_STR(",\"eventID\":"), record->event_id);
    gw_buf_append_lit(out, ",\"readOnly\":");
    gw_buf_append_str(out, record->read_only ? GW_STR("true") : GW_STR("false"));
    gw_buf_append_lit(out, ",\"eventType\":");
    gw_buf_append_str(out, record->is_own ? GW_STR("\"AwsServiceEvent\"") : GW_STR("\"AwsApiCall\""));
    gw_buf_append_lit(out, ",\"managementEvent\":true");
    put_optional(out, GW_STR(",\"recipientAccountId\":"), record->account);
    gw_buf_append_lit(out, ",\"eventCategory\":\"Management\"}");
}
