/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router: raw paths to operations of the model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/router.h"

static struct gw_router *router;

static int open_router(void **state)
{
    (void)state;
    router = gw_router_new();
    return 0;
}

static int close_router(void **state)
{
    (void)state;
    gw_router_free(&router);
    return 0;
}

static enum gw_status match(enum gw_method method, const char *path, struct gw_route *route)
{
    return gw_router_match(router, method, gw_str_from(path), route);
}

static void router__create__gives_the_cluster_label(void **state)
{
    struct gw_route route;

    (void)state;
    assert_int_equal(match(GW_METHOD_POST, "/clusters/prod/access-entries", &route), GW_OK);
    assert_int_equal(route.op, GW_EKS_CreateAccessEntry);
    assert_int_equal(route.label_count, 1);
    assert_true(gw_str_is(route.labels[0], "prod"));
}

static void router__labels__stay_encoded(void **state)
{
    struct gw_route route;

    (void)state;
    assert_int_equal(match(GW_METHOD_GET, "/clusters/prod/access-entries/arn%3Aaws%2Fx", &route), GW_OK);
    assert_int_equal(route.op, GW_EKS_DescribeAccessEntry);
    assert_true(gw_str_is(route.labels[1], "arn%3Aaws%2Fx"));
}

static void router__decoded_slash__makes_no_segment(void **state)
{
    struct gw_route route;

    (void)state;
    assert_int_equal(match(GW_METHOD_GET, "/clusters%2Fprod", &route), GW_E_MISSING);
    assert_int_equal(match(GW_METHOD_GET, "/clusters/prod/access%2Dentries", &route), GW_E_MISSING);
}

static void router__every_operation__is_found_by_its_own_path(void **state)
{
    (void)state;
    for (int op = 0; op < GW_EKS_OP_COUNT; op++) {
        struct gw_route route;
        char path[256];
        size_t length = 0;

        /* "{label}" stands for itself: any text fits a label. */
        for (const char *at = gw_eks_ops[op].path; *at != '\0'; at++) {
            if (*at != '{' && *at != '}')
                path[length++] = *at;
        }
        path[length] = '\0';
        assert_int_equal(match(gw_eks_ops[op].method, path, &route), GW_OK);
        assert_string_equal(gw_eks_ops[route.op].name, gw_eks_ops[op].name);
    }
}

static void router__other_method_or_path__is_missing(void **state)
{
    static const char *const paths[] = {"/",
                                        "/cluster/prod",
                                        "/clusters//access-entries",
                                        "/clusters/prod/",
                                        "/clusters/.",
                                        "/clusters/..",
                                        "/clusters/%2e%2e",
                                        "clusters",
                                        "/clusters/prod/access-entries/a/b/c/d/e/f/g/h/i/j/k/l"};
    struct gw_route route;

    (void)state;
    for (size_t i = 0; i < GW_COUNT(paths); i++)
        assert_int_equal(match(GW_METHOD_GET, paths[i], &route), GW_E_MISSING);
    assert_int_equal(match(GW_METHOD_PATCH, "/clusters/prod", &route), GW_E_MISSING);
    assert_int_equal(match(GW_METHOD_HEAD, "/clusters", &route), GW_E_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(router__create__gives_the_cluster_label),
        cmocka_unit_test(router__labels__stay_encoded),
        cmocka_unit_test(router__decoded_slash__makes_no_segment),
        cmocka_unit_test(router__every_operation__is_found_by_its_own_path),
        cmocka_unit_test(router__other_method_or_path__is_missing),
    };

    return cmocka_run_group_tests(tests, open_router, close_router);
}
