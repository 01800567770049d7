/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes checkpoints; whether and when one is due is the journal's business,
 * checking them the verifier's.
 */
#include "journal/checkpoint.h"

#include "codec/base64.h"
#include "codec/time.h"

void gw_checkpoint_message(const struct gw_chain_head *head, struct gw_str time, struct gw_buf *out)
{
    char hex[GW_DIGEST_HEX_SIZE];

    gw_digest_hex(head->hash, hex);
    gw_buf_append_lit(out, "eksgate audit checkpoint 1\n");
    gw_buf_append_u64(out, head->sequence);
    gw_buf_append_byte(out, '\n');
    gw_buf_append(out, hex, sizeof(hex));
    gw_buf_append_byte(out, '\n');
    gw_buf_append_str(out, time);
    gw_buf_append_byte(out, '\n');
}

void gw_checkpoint_key_id(const struct gw_ed25519_key *key, char out[GW_CHECKPOINT_KEY_ID])
{
    unsigned char bytes[GW_ED25519_PUBLIC];
    unsigned char digest[GW_DIGEST_SIZE];
    char hex[GW_DIGEST_HEX_SIZE];

    gw_ed25519_public_bytes(key, bytes);
    gw_digest_sha256((struct gw_str){(const char *)bytes, sizeof(bytes)}, digest);
    gw_digest_hex(digest, hex);
    memcpy(out, hex, GW_CHECKPOINT_KEY_ID);
}

/* arena: the signature in base64. */
static struct gw_str sign(const struct gw_ed25519_key *key, const struct gw_chain_head *head, struct gw_str time,
                          struct gw_arena *arena)
{
    unsigned char signature[GW_ED25519_SIGNATURE];
    struct gw_buf text;
    struct gw_str kept;

    gw_buf_init(&text, 512);
    gw_checkpoint_message(head, time, &text);
    gw_ed25519_sign(key, gw_buf_str(&text), signature);
    gw_buf_clear(&text);
    gw_base64_encode((struct gw_str){(const char *)signature, sizeof(signature)}, &text);
    kept = gw_arena_str(arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return kept;
}

struct gw_json gw_checkpoint_sign(const struct gw_ed25519_key *key, const struct gw_chain_head *head, int64_t time_ms,
                                  struct gw_arena *arena)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    char hex[GW_DIGEST_HEX_SIZE];
    char id[GW_CHECKPOINT_KEY_ID];
    char time[GW_TIME_ISO_SIZE];
    struct gw_str instant = {time, sizeof(time) - 1};

    gw_digest_hex(head->hash, hex);
    gw_checkpoint_key_id(key, id);
    gw_time_iso(time_ms, time);
    gw_json_set(arena, &object, GW_STR("sequence"), gw_json_integer((int64_t)head->sequence));
    gw_json_set(arena, &object, GW_STR("hash"), gw_json_string(gw_arena_str(arena, (struct gw_str){hex, sizeof(hex)})));
    gw_json_set(arena, &object, GW_STR("time"), gw_json_string(gw_arena_str(arena, instant)));
    gw_json_set(arena, &object, GW_STR("key"), gw_json_string(gw_arena_str(arena, (struct gw_str){id, sizeof(id)})));
    gw_json_set(arena, &object, GW_STR("signature"), gw_json_string(sign(key, head, instant, arena)));
    return object;
}
