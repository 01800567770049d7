/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last requests of a mock: what is found, and what falls out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/requests.h"

static const struct gw_requests_names all = {.operation = {NULL, 0}};

static void add(struct gw_requests *requests, const char *operation, const char *principal, const char *cluster,
                const char *text)
{
    const struct gw_requests_names names = {gw_str_from(operation), gw_str_from(principal), gw_str_from(cluster)};

    gw_requests_add(requests, &names, gw_str_from(text));
}

static void assert_encodes(struct gw_requests *requests, const struct gw_requests_names *names, const char *text)
{
    struct gw_buf out;

    gw_buf_init(&out, (size_t)8 << 20);
    gw_requests_encode(requests, names, &out);
    gw_buf_append_byte(&out, '\0');
    assert_string_equal(out.at, text);
    gw_buf_fini(&out);
}

static void requests__asked_by_name__gives_those_oldest_first(void **unused)
{
    struct gw_requests *requests = gw_requests_new(10);

    (void)unused;
    assert_encodes(requests, &all, "{\"requests\":[],\"dropped\":0}\n");
    add(requests, "Create", "p", "c", "{\"n\":1}");
    add(requests, "Create", "q", "c", "{\"n\":2}");
    add(requests, "Describe", "p", "d", "{\"n\":3}");
    add(requests, NULL, NULL, NULL, "{\"n\":4}");
    assert_encodes(requests, &all, "{\"requests\":[{\"n\":1},{\"n\":2},{\"n\":3},{\"n\":4}],\"dropped\":0}\n");
    assert_encodes(requests, &(struct gw_requests_names){.operation = GW_STR_INIT("Create")},
                   "{\"requests\":[{\"n\":1},{\"n\":2}],\"dropped\":0}\n");
    assert_encodes(requests, &(struct gw_requests_names){.principal = GW_STR_INIT("p")},
                   "{\"requests\":[{\"n\":1},{\"n\":3}],\"dropped\":0}\n");
    assert_encodes(requests,
                   &(struct gw_requests_names){.operation = GW_STR_INIT("Create"), .cluster = GW_STR_INIT("d")},
                   "{\"requests\":[],\"dropped\":0}\n");
    gw_requests_free(&requests);
}

static void requests__past_their_number__the_oldest_fall_out_and_are_counted(void **unused)
{
    struct gw_requests *requests = gw_requests_new(2);

    (void)unused;
    for (int i = 1; i <= 5; i++) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d", i);
        add(requests, "x", NULL, NULL, text);
    }
    assert_encodes(requests, &all, "{\"requests\":[4,5],\"dropped\":3}\n");
    gw_requests_clear(requests);
    assert_encodes(requests, &all, "{\"requests\":[],\"dropped\":0}\n");
    add(requests, "x", NULL, NULL, "6");
    assert_encodes(requests, &all, "{\"requests\":[6],\"dropped\":0}\n");
    gw_requests_free(&requests);
}

static void requests__past_their_bytes__the_oldest_fall_out(void **unused)
{
    struct gw_requests *requests = gw_requests_new(100000);
    char *text = gw_alloc(GW_REQUESTS_ONE_MAX + 1);
    struct gw_buf out;

    (void)unused;
    memset(text, '7', GW_REQUESTS_ONE_MAX);
    text[GW_REQUESTS_ONE_MAX] = '\0';
    for (size_t i = 0; i < 2 * GW_REQUESTS_BYTES_MAX / GW_REQUESTS_ONE_MAX; i++)
        add(requests, "x", NULL, NULL, text);
    gw_buf_init(&out, (size_t)8 << 20);
    gw_requests_encode(requests, &all, &out);
    assert_true(out.length < GW_REQUESTS_BYTES_MAX);
    assert_true(out.length > GW_REQUESTS_BYTES_MAX - 2 * GW_REQUESTS_ONE_MAX);
    gw_buf_append_byte(&out, '\0');
    assert_null(strstr(out.at, "\"dropped\":0"));
    gw_buf_fini(&out);
    free(text);
    gw_requests_free(&requests);
}

static void requests__none_wanted__none_kept(void **unused)
{
    struct gw_requests *requests = gw_requests_new(0);

    (void)unused;
    add(requests, "x", NULL, NULL, "1");
    assert_encodes(requests, &all, "{\"requests\":[],\"dropped\":0}\n");
    gw_requests_free(&requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests__asked_by_name__gives_those_oldest_first),
        cmocka_unit_test(requests__past_their_number__the_oldest_fall_out_and_are_counted),
        cmocka_unit_test(requests__past_their_bytes__the_oldest_fall_out),
        cmocka_unit_test(requests__none_wanted__none_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
