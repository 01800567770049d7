/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request: an Authorization value, a line with a target, then
 * fields, one per line. The readers stay within the bytes, the hash equals that
 * of the text, canonicalising a canonical query changes nothing, and the verifier
 * lets nobody in (the driver can't sign).
 *
 *   AWS4-HMAC-SHA256 Credential=...          (may be empty)
 *   /path?query
 *   Name: value
 */
#include <stdlib.h>

#include "auth/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void add_field(struct gw_http1_request *request, struct gw_str line)
{
    size_t colon = gw_str_find(line, ':', 0);
    struct gw_header *header = &request->headers[request->header_count];

    if (colon == line.length || request->header_count == 64)
        return;
    header->name = gw_str_slice(line, 0, colon);
    header->value = gw_str_trim(gw_str_slice(line, colon + 1, line.length));
    header->id = gw_http1_header_id(header->name);
    request->header_count++;
    if (header->id != GW_HEADER_OTHER && request->index[header->id] == 0)
        request->index[header->id] = (uint8_t)request->header_count;
}

static void read_request(struct gw_str text, struct gw_http1_request *request)
{
    struct gw_str authorization = gw_str_split(&text, '\n');
    struct gw_str target = text.at == NULL ? GW_STR("/") : gw_str_split(&text, '\n');
    size_t mark = gw_str_find(target, '?', 0);

    memset(request, 0, sizeof(*request));
    request->method_text = GW_STR("GET");
    request->target = target;
    request->path = gw_str_slice(target, 0, mark);
    request->query = mark < target.length ? gw_str_slice(target, mark + 1, target.length) : GW_STR_NONE;
    if (authorization.length > 0) {
        request->headers[0] =
            (struct gw_header){GW_STR("Authorization"), gw_str_trim(authorization), GW_HEADER_AUTHORIZATION};
        request->index[GW_HEADER_AUTHORIZATION] = 1;
        request->header_count = 1;
    }
    while (text.at != NULL)
        add_field(request, gw_str_split(&text, '\n'));
}

static void check_query(struct gw_str text, struct gw_arena *arena)
{
    struct gw_sigv4_request request = {.path = GW_STR("/")};
    struct gw_sigv4_query again;
    struct gw_buf first;
    struct gw_err err;

    if (gw_sigv4_parse_query(text, arena, &request.query, &err) != GW_OK)
        return;
    gw_buf_init(&first, SIZE_MAX);
    for (size_t i = 0; i < request.query.count; i++) {
        gw_buf_printf(&first, "%s%.*s=%.*s", i > 0 ? "&" : "", GW_STR_ARG(request.query.items[i].canonical_name),
                      GW_STR_ARG(request.query.items[i].canonical_value));
    }
    require(gw_sigv4_parse_query(gw_buf_str(&first), arena, &again, &err) == GW_OK);
    require(again.count == request.query.count);
    for (size_t i = 0; i < again.count; i++) {
        require(gw_str_equal(again.items[i].canonical_name, request.query.items[i].canonical_name));
        require(gw_str_equal(again.items[i].canonical_value, request.query.items[i].canonical_value));
    }
    gw_buf_fini(&first);
}

static void check_canonical(const struct gw_http1_request *from, struct gw_str list, struct gw_arena *arena)
{
    struct gw_sigv4_request request = {
        .method = from->method_text,
        .path = from->path,
        .headers = from->headers,
        .header_count = from->header_count,
        .signed_headers = list,
    };
    unsigned char hash[GW_DIGEST_SIZE];
    unsigned char of_text[GW_DIGEST_SIZE];
    struct gw_buf text;
    struct gw_err err;

    if (gw_sigv4_parse_query(from->query, arena, &request.query, &err) != GW_OK)
        return;
    gw_buf_init(&text, SIZE_MAX);
    require(gw_sigv4_canonical_hash(&request, hash) == gw_sigv4_canonical_text(&request, false, &text));
    gw_digest_sha256(gw_buf_str(&text), of_text);
    require(memcmp(hash, of_text, sizeof(hash)) == 0);
    gw_buf_fini(&text);
}

static void check_verifier(const struct gw_http1_request *request, struct gw_arena *arena)
{
    static const char keys[] = "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"AKIDEXAMPLE\",\"SecretAccessKey\":\"x\","
                               "\"Arn\":\"arn:aws:iam::111122223333:user/a\"}]}";
    static const struct gw_verify_options options = {
        .clock_window_s = 300, .query_auth = true, .query_expires_max_s = 900};
    struct gw_verifier *verifier = gw_verify_new(&options);
    struct gw_keyring *keyring;
    struct gw_verify state = {.service = {GW_STR_INIT("eks"), false}};
    struct gw_caller caller;
    struct gw_refusal refusal;
    struct gw_err err;
    int64_t now = INT64_C(1440938160000);

    require(gw_keyring_parse(GW_STR(keys), "keys", &keyring, &err) == GW_OK);
    if (gw_verify_admit(verifier, keyring, request, now, arena, &state, &refusal) == GW_OK)
        require(gw_verify_finish(verifier, &state, request, GW_STR(""), now, arena, &caller, &refusal) != GW_OK);
    require(refusal.status == 400 || refusal.status == 403);
    require(refusal.message.length > 0);
    gw_keyring_free(&keyring);
    gw_verify_free(&verifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_http1_request request;
    struct gw_sigv4_auth auth = {.signed_headers = GW_STR("host")};
    struct gw_sigv4_credential credential;
    struct gw_arena arena;
    struct gw_err err;

    gw_arena_init(&arena, 0);
    read_request(text, &request);
    if (gw_sigv4_parse_authorization(gw_str_split(&text, '\n'), true, &auth, &err) == GW_OK &&
        gw_sigv4_parse_credential(auth.credential, &credential, &err) == GW_OK)
        require(credential.scope.length + credential.access_key.length + 1 == auth.credential.length);
    check_query(request.query, &arena);
    check_canonical(&request, auth.signed_headers, &arena);
    check_verifier(&request, &arena);
    gw_arena_fini(&arena);
    return 0;
}
