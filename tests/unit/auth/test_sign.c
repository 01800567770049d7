/* SPDX-License-Identifier: Apache-2.0 */
/* What goes upstream carries the signature that AWS's own clients make: vectors E1, E3, E7 and E9, by botocore. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/sign.h"

#define AT_20150830T123600Z 1440938160000

struct signing {
    struct gw_signer *signer;
    struct gw_secret *secret;
    struct gw_sign_identity identity;
    struct gw_sign_request request;
    struct gw_arena arena;
    struct gw_buf head;
};

static void begin(struct signing *s)
{
    *s = (struct signing){.signer = gw_sign_new()};
    s->secret = gw_sign_secret_new(GW_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), &s->identity.secret_version);
    s->identity.secret = s->secret;
    s->identity.access_key = GW_STR("AKIDEXAMPLE");
    s->request = (struct gw_sign_request){.method = GW_STR("GET"),
                                          .path = GW_STR("/clusters/prod"),
                                          .host = GW_STR("eks.us-east-1.amazonaws.com"),
                                          .region = GW_STR("us-east-1"),
                                          .service = GW_STR("eks"),
                                          .now_ms = AT_20150830T123600Z};
    gw_arena_init(&s->arena, 0);
    gw_buf_init(&s->head, 8192);
}

static void end(struct signing *s)
{
    gw_buf_fini(&s->head);
    gw_arena_fini(&s->arena);
    gw_sign_secret_free(&s->secret);
    gw_sign_free(&s->signer);
    assert_null(s->signer);
    assert_null(s->secret);
}

static void assert_signed(struct signing *s, const char *fields)
{
    gw_buf_clear(&s->head);
    assert_int_equal(gw_sign(s->signer, &s->identity, &s->request, &s->arena, &s->head), GW_OK);
    gw_buf_append_byte(&s->head, '\0');
    assert_string_equal(s->head.at, fields);
}

static void sign__path_with_an_arn__is_the_signature_of_botocore(void **state)
{
    static const char fields[] =
        "X-Amz-Date: 20150830T123600Z\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=1e4fcb0bd084b4c10213050daa50d1456a920ab7941866b73cf103dbda6d5ab9\r\n";
    struct signing s;

    (void)state;
    begin(&s);
    s.request.path = GW_STR("/clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role");
    assert_signed(&s, fields);
    assert_signed(&s, fields); /* by the key that was kept */
    end(&s);
}

static void sign__body_with_a_content_type__signs_both(void **state)
{
    struct signing s;

    (void)state;
    begin(&s);
    s.request.method = GW_STR("POST");
    s.request.path = GW_STR("/clusters/prod/access-entries");
    s.request.content_type = GW_STR("application/json");
    s.request.body =
        GW_STR("{\"principalArn\": \"arn:aws:iam::111122223333:role/my-role\", \"kubernetesGroups\": [\"g\"], "
               "\"clientRequestToken\": \"00000000-0000-0000-0000-000000000000\"}");
    assert_signed(&s, "X-Amz-Date: 20150830T123600Z\r\n"
                      "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request, "
                      "SignedHeaders=content-type;host;x-amz-date, "
                      "Signature=47c8fcb105da76dd531ae490c3437168e0e2625acacf15754d2378f4fe5a538c\r\n");
    end(&s);
}

static void sign__temporary_credentials__sign_their_token(void **state)
{
    struct signing s;

    (void)state;
    begin(&s);
    s.identity.access_key = GW_STR("ASIDEXAMPLE");
    s.identity.session_token = GW_STR("TOKENexample/+==");
    assert_signed(&s, "X-Amz-Date: 20150830T123600Z\r\n"
                      "X-Amz-Security-Token: TOKENexample/+==\r\n"
                      "Authorization: AWS4-HMAC-SHA256 Credential=ASIDEXAMPLE/20150830/us-east-1/eks/aws4_request, "
                      "SignedHeaders=host;x-amz-date;x-amz-security-token, "
                      "Signature=e65f6cbfd0a95ac44d51549f9a834db7417ed3613e31c571e45f3c871a2fa9cd\r\n");
    end(&s);
}

static void sign__host_with_a_port__signs_the_port(void **state)
{
    struct signing s;

    (void)state;
    begin(&s);
    s.request.host = GW_STR("gw.example:8443");
    assert_signed(&s, "X-Amz-Date: 20150830T123600Z\r\n"
                      "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/eks/aws4_request, "
                      "SignedHeaders=host;x-amz-date, "
                      "Signature=7abbcd9eaabf5883bf4bec58173c00f307c93a744e05e9d55152cce8fef05888\r\n");
    end(&s);
}

static void sign__other_secret_of_the_same_key__is_another_signature(void **state)
{
    struct signing s;
    struct gw_secret *other;
    struct gw_str first;

    (void)state;
    begin(&s);
    assert_int_equal(gw_sign(s.signer, &s.identity, &s.request, &s.arena, &s.head), GW_OK);
    first = gw_arena_str(&s.arena, gw_buf_str(&s.head));
    other = gw_sign_secret_new(GW_STR("another"), &s.identity.secret_version);
    s.identity.secret = other;
    gw_buf_clear(&s.head);
    assert_int_equal(gw_sign(s.signer, &s.identity, &s.request, &s.arena, &s.head), GW_OK);
    assert_false(gw_str_equal(first, gw_buf_str(&s.head)));
    gw_sign_secret_free(&other);
    end(&s);
}

static void sign__query_that_cannot_be_read__is_refused(void **state)
{
    struct signing s;

    (void)state;
    begin(&s);
    s.request.query = GW_STR("a=%zz");
    assert_int_equal(gw_sign(s.signer, &s.identity, &s.request, &s.arena, &s.head), GW_E_SYNTAX);
    end(&s);
}

static void explain__token__is_left_out(void **state)
{
    struct signing s;
    struct gw_buf text;

    (void)state;
    begin(&s);
    gw_buf_init(&text, 8192);
    s.identity.session_token = GW_STR("TOKENexample/+==");
    assert_int_equal(gw_sign_explain(&s.identity, &s.request, &s.arena, &text, &s.head), GW_OK);
    gw_buf_append_byte(&text, '\0');
    assert_string_equal(text.at,
                        "GET\n/clusters/prod\n\nhost:eks.us-east-1.amazonaws.com\nx-amz-date:20150830T123600Z\n"
                        "x-amz-security-token:...\n\nhost;x-amz-date;x-amz-security-token\n"
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    gw_buf_append_byte(&s.head, '\0');
    assert_non_null(strstr(s.head.at, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/eks/aws4_request\n"));
    gw_buf_fini(&text);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sign__path_with_an_arn__is_the_signature_of_botocore),
        cmocka_unit_test(sign__body_with_a_content_type__signs_both),
        cmocka_unit_test(sign__temporary_credentials__sign_their_token),
        cmocka_unit_test(sign__host_with_a_port__signs_the_port),
        cmocka_unit_test(sign__other_secret_of_the_same_key__is_another_signature),
        cmocka_unit_test(sign__query_that_cannot_be_read__is_refused),
        cmocka_unit_test(explain__token__is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
