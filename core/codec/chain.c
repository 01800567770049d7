/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record's place goes in behind its constant front, so that whoever encodes the
 * record needn't know it: records are made on many threads, places given on one.
 */
#include "codec/chain.h"

static const struct gw_str front = GW_STR_INIT(GW_CHAIN_FRONT);
static const struct gw_str sequence_member = GW_STR_INIT("\"sequence\":");
static const struct gw_str previous_member = GW_STR_INIT(",\"previous\":\"");
static const struct gw_str committed_member = GW_STR_INIT("\"committed\":");

enum gw_status gw_chain_link(struct gw_chain_head *head, uint64_t committed, struct gw_str record, struct gw_buf *out)
{
    size_t start = out->length;
    char hex[GW_DIGEST_HEX_SIZE];

    if (!gw_str_starts(record, front))
        return GW_E_SYNTAX;
    gw_digest_hex(head->hash, hex);
    gw_buf_append_str(out, front);
    gw_buf_append_str(out, sequence_member);
    gw_buf_append_u64(out, head->sequence + 1);
    gw_buf_append_str(out, previous_member);
    gw_buf_append(out, hex, sizeof(hex));
    gw_buf_append_lit(out, "\",");
    if (committed > 0) {
        gw_buf_append_str(out, committed_member);
        gw_buf_append_u64(out, committed);
        gw_buf_append_byte(out, ',');
    }
    gw_buf_append_str(out, gw_str_slice(record, front.length, record.length - front.length));
    if (out->overflowed)
        return GW_E_LIMIT;
    head->sequence++;
    gw_digest_sha256((struct gw_str){out->at + start, out->length - start}, head->hash);
    return GW_OK;
}

/* Digits up to the next other byte: no sign, no leading zero, below 2^63. */
static enum gw_status take_number(struct gw_str *rest, uint64_t *number)
{
    uint64_t value = 0;
    size_t at = 0;

    while (at < rest->length && rest->at[at] >= '0' && rest->at[at] <= '9') {
        if (value > (INT64_MAX - 9) / 10)
            return GW_E_SYNTAX;
        value = value * 10 + (uint64_t)(rest->at[at++] - '0');
    }
    if (at == 0 || rest->at[0] == '0')
        return GW_E_SYNTAX;
    *number = value;
    *rest = gw_str_slice(*rest, at, rest->length);
    return GW_OK;
}

static bool take_text(struct gw_str *rest, struct gw_str text)
{
    if (!gw_str_starts(*rest, text))
        return false;
    *rest = gw_str_slice(*rest, text.length, rest->length);
    return true;
}

/* `*rest` is what follows the place. */
static enum gw_status take_place(struct gw_str *rest, uint64_t *sequence, unsigned char previous[GW_DIGEST_SIZE])
{
    uint64_t number;

    if (!take_text(rest, front) || !take_text(rest, sequence_member) || take_number(rest, &number) != GW_OK ||
        !take_text(rest, previous_member))
        return GW_E_SYNTAX;
    if (rest->length < GW_DIGEST_HEX_SIZE + 2 || rest->at[GW_DIGEST_HEX_SIZE] != '"' ||
        rest->at[GW_DIGEST_HEX_SIZE + 1] != ',')
        return GW_E_SYNTAX;
    if (gw_digest_from_hex(gw_str_slice(*rest, 0, GW_DIGEST_HEX_SIZE), previous) != GW_OK)
        return GW_E_SYNTAX;
    *sequence = number;
    *rest = gw_str_slice(*rest, GW_DIGEST_HEX_SIZE + 2, rest->length);
    return GW_OK;
}

enum gw_status gw_chain_parse(struct gw_str line, uint64_t *sequence, unsigned char previous[GW_DIGEST_SIZE])
{
    struct gw_str rest = line;

    return take_place(&rest, sequence, previous);
}

uint64_t gw_chain_committed(struct gw_str line)
{
    unsigned char previous[GW_DIGEST_SIZE];
    struct gw_str rest = line;
    uint64_t committed;
    uint64_t sequence;

    if (take_place(&rest, &sequence, previous) != GW_OK || !take_text(&rest, committed_member) ||
        take_number(&rest, &committed) != GW_OK)
        return 0;
    return committed;
}

bool gw_chain_equal(const struct gw_chain_head *a, const struct gw_chain_head *b)
{
    return a->sequence == b->sequence && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}
