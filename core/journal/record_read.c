/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line as a whole is checked (codec/json_check.h), and only what is needed is
 * taken out of it: a record holds more of others than of its own.
 */
#include "journal/record_read.h"

#include "codec/base64.h"
#include "codec/json_check.h"
#include "codec/json_walk.h"
#include "codec/time.h"

static const char *const outcome_names[GW_RECORD_OUTCOMES] = {
    [GW_RECORD_APPLIED] = "applied",
    [GW_RECORD_NOT_APPLIED] = "not applied",
    [GW_RECORD_UNKNOWN] = "unknown",
};

const char *gw_record_outcome_name(enum gw_record_outcome outcome)
{
    return outcome_names[outcome];
}

struct gw_str gw_record_member(struct gw_str object, const char *name, struct gw_arena *arena)
{
    struct gw_str wanted = gw_str_from(name);
    struct gw_json_walk walk;
    struct gw_json_item item;

    if (object.at == NULL || gw_json_walk_begin(&walk, object, GW_JSON_OBJECT, NULL) != GW_OK)
        return GW_STR_NONE;
    while (gw_json_walk_next(&walk, arena, &item, NULL) == GW_OK) {
        if (gw_str_equal(item.name, wanted))
            return item.text;
    }
    return GW_STR_NONE;
}

struct gw_str gw_record_string(struct gw_str text, struct gw_arena *arena)
{
    struct gw_json value;

    if (text.length < 2 || text.at[0] != '"')
        return GW_STR_NONE;
    if (memchr(text.at, '\\', text.length) == NULL) /* nothing in it stands for something else */
        return gw_str_slice(text, 1, text.length - 2);
    return gw_json_parse(text, arena, &value, NULL) == GW_OK ? value.as.string : GW_STR_NONE;
}

static struct gw_str string_of(struct gw_str object, const char *name, struct gw_arena *arena)
{
    return gw_record_string(gw_record_member(object, name, arena), arena);
}

/* A sequence number: digits without a sign or a leading zero. */
static bool read_number(struct gw_str text, uint64_t *number)
{
    return text.at != NULL && (text.length == 1 || text.at[0] != '0') &&
           gw_str_parse_u64(text, INT64_MAX, number) == GW_OK;
}

static enum gw_status read_settled(struct gw_str eksgate, struct gw_arena *arena, struct gw_record_read *read,
                                   struct gw_err *err)
{
    struct gw_str text = gw_record_member(eksgate, "settles", arena);
    struct gw_str outcome = string_of(eksgate, "outcome", arena);

    if (text.at == NULL)
        return GW_OK;
    for (size_t i = 0; i < GW_RECORD_OUTCOMES && read_number(text, &read->settles); i++) {
        if (outcome.at == NULL || !gw_str_is(outcome, outcome_names[i]))
            continue;
        read->outcome = (enum gw_record_outcome)i;
        return read->settles > 0 ? GW_OK : gw_fail(err, GW_E_SYNTAX, "it settles record 0");
    }
    return gw_fail(err, GW_E_SYNTAX, "what it settles is malformed");
}

static enum gw_status read_continues(struct gw_str eksgate, struct gw_arena *arena, struct gw_record_read *read,
                                     struct gw_err *err)
{
    struct gw_str continues = gw_record_member(eksgate, "continues", arena);

    if (continues.at == NULL)
        return GW_OK;
    read->continues = true;
    if (!read_number(gw_record_member(continues, "after", arena), &read->after))
        return gw_fail(err, GW_E_SYNTAX, "what it continues is malformed");
    return GW_OK;
}

static enum gw_status read_begun(struct gw_str eksgate, struct gw_arena *arena, struct gw_record_read *read,
                                 struct gw_err *err)
{
    struct gw_str begun = gw_record_member(eksgate, "begun", arena);
    struct gw_str range = gw_record_member(begun, "notApplied", arena);

    read->is_begun = begun.at != NULL;
    if (range.at == NULL)
        return GW_OK;
    if (read_number(gw_record_member(range, "after", arena), &read->undone.after) &&
        read_number(gw_record_member(range, "upTo", arena), &read->undone.up_to) &&
        read->undone.after < read->undone.up_to && read->undone.up_to < read->head.sequence)
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX, "what it says to be not applied is malformed");
}

static bool read_signature(struct gw_str text, unsigned char signature[GW_ED25519_SIGNATURE])
{
    struct gw_buf bytes;
    bool fits;

    gw_buf_init(&bytes, 2 * (size_t)GW_ED25519_SIGNATURE);
    fits = text.at != NULL && gw_base64_decode(text, &bytes) == GW_OK && bytes.length == GW_ED25519_SIGNATURE;
    if (fits)
        memcpy(signature, bytes.at, GW_ED25519_SIGNATURE);
    gw_buf_fini(&bytes);
    return fits;
}

static bool read_text(struct gw_str text, char *out, size_t min, size_t max)
{
    if (text.at == NULL || text.length < min || text.length > max)
        return false;
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
    return true;
}

static enum gw_status read_checkpoint(struct gw_str eksgate, struct gw_arena *arena, struct gw_record_read *read,
                                      struct gw_err *err)
{
    struct gw_str text = gw_record_member(eksgate, "checkpoint", arena);
    struct gw_record_checkpoint *checkpoint = &read->checkpoint;
    struct gw_str hash = string_of(text, "hash", arena);

    if (text.at == NULL)
        return GW_OK;
    read->has_checkpoint = true;
    if (read_number(gw_record_member(text, "sequence", arena), &checkpoint->head.sequence) && hash.at != NULL &&
        gw_digest_from_hex(hash, checkpoint->head.hash) == GW_OK &&
        read_text(string_of(text, "time", arena), checkpoint->time, 1, GW_RECORD_TIME_MAX) &&
        read_text(string_of(text, "key", arena), checkpoint->key, GW_CHECKPOINT_KEY_ID, GW_CHECKPOINT_KEY_ID) &&
        read_signature(string_of(text, "signature", arena), checkpoint->signature))
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX, "its checkpoint is malformed");
}

/* Of a line that is JSON. */
static enum gw_status read_members(struct gw_str line, struct gw_arena *arena, struct gw_record_read *read,
                                   struct gw_err *err)
{
    struct gw_str eksgate = gw_record_member(gw_record_member(line, "additionalEventData", arena), "eksgate", arena);
    struct gw_str time = string_of(line, "eventTime", arena);
    enum gw_status status;

    if (time.at == NULL || gw_time_parse_iso(time, &read->time_ms) != GW_OK)
        read->time_ms = 0;
    read->is_change = gw_str_is(gw_record_member(eksgate, "change", arena), "true");
    status = read_begun(eksgate, arena, read, err);
    if (status == GW_OK)
        status = read_settled(eksgate, arena, read, err);
    read->is_forwarded = read->settles == 0 && gw_str_is(gw_record_member(eksgate, "forwarded", arena), "true");
    if (status == GW_OK)
        status = read_continues(eksgate, arena, read, err);
    return status == GW_OK ? read_checkpoint(eksgate, arena, read, err) : status;
}

enum gw_status gw_record_read(struct gw_str line, struct gw_arena *arena, struct gw_record_read *read,
                              struct gw_err *err)
{
    struct gw_err why;

    memset(read, 0, sizeof(*read));
    if (gw_chain_parse(line, &read->head.sequence, read->previous) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "it doesn't begin as a record does");
    gw_digest_sha256(line, read->head.hash);
    if (gw_json_check(line, &why) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "%s", why.text);
    return read_members(line, arena, read, err);
}
