/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every vector folder through the HTTP reader and the verifier.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/verify.h"
#include "verify_fixture.h"

static struct gw_str with_crlf(struct gw_arena *into, struct gw_str text)
{
    char *out = gw_arena_alloc(into, 2 * text.length + 1);
    size_t length = 0;
    bool head = true;

    for (size_t i = 0; i < text.length; i++) {
        if (head && text.at[i] == '\n') {
            out[length++] = '\r';
            head = i == 0 || text.at[i - 1] != '\n';
        }
        out[length++] = text.at[i];
    }
    return (struct gw_str){out, length};
}

static void verify_vector(const char *folder)
{
    static const struct gw_http1_limits limits = {65536, 128, 1 << 20};
    struct sigv4_vector vector;
    struct gw_http1_request *read_back = gw_alloc(sizeof(*read_back));
    struct gw_http1_error error;
    struct gw_keyring *ring = NULL;
    struct gw_str bytes;
    struct gw_str keys;
    size_t scanned = 0;
    int64_t now;
    bool accepted;

    vector_load(&vector, folder);
    bytes = with_crlf(&vector.arena, vector_read(&vector.arena, folder, "request"));
    if (gw_str_is(vector.verdict, "library")) {
        vector_unload(&vector);
        free(read_back);
        return;
    }
    if (gw_http1_parse_head(bytes, &limits, &scanned, read_back, &error) != GW_OK)
        fail_msg("%s: the HTTP reader says %s", folder, error.reason);
    state.service = (struct gw_verify_service){vector.service, false};
    options.regions = &vector.region;
    options.query_expires_max_s = 3600;
    restart_verifier();
    keys = gw_arena_printf(&vector.arena,
                           "{\"Version\":1,\"Keys\":[{\"AccessKeyId\":\"%.*s\",\"SecretAccessKey\":\"%.*s\",%s%.*s%s"
                           "\"Arn\":\"arn:aws:iam::111122223333:user/vector\"}]}",
                           GW_STR_ARG(vector.id), GW_STR_ARG(vector.secret),
                           vector.token.at == NULL ? "" : "\"SessionToken\":\"", (int)vector.token.length,
                           vector.token.at == NULL ? "" : vector.token.at, vector.token.at == NULL ? "" : "\",");
    assert_int_equal(gw_keyring_parse(keys, "vector", &ring, &err), GW_OK);
    assert_int_equal(gw_time_parse_amz(vector.time, &now), GW_OK);
    accepted =
        gw_verify_admit(verifier, ring, read_back, now, &vector.arena, &state, &refusal) == GW_OK &&
        gw_verify_finish(verifier, &state, read_back, vector.body, now, &vector.arena, &caller, &refusal) == GW_OK;
    if (accepted != gw_str_is(vector.verdict, "accept"))
        fail_msg("%s: %s %.*s", folder, accepted ? "accepted" : "refused", (int)(accepted ? 0 : refusal.message.length),
                 refusal.message.at);
    gw_keyring_free(&ring);
    free(read_back);
    vector_unload(&vector);
}

static void verify__every_vector_folder__is_accepted_or_refused_as_it_says(void **unused)
{
    (void)unused;
    assert_true(vector_walk(GW_TEST_DATA "/sigv4", 2, verify_vector) >= 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verify__every_vector_folder__is_accepted_or_refused_as_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
