/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_TEST_REPORT_H
#define GW_CLI_TEST_REPORT_H

/*
 * What eksgate test tells: results as text for people, TAP 13 or JSON on stdout, and
 * JUnit's XML for a file. All are written from the same list of cases.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "script/spec.h"

enum gw_test_form {
    GW_TEST_TEXT,
    GW_TEST_TAP,
    GW_TEST_JSON,
};

struct gw_test_report {
    struct gw_arena arena; /* of all texts */
    size_t kept;           /* bytes of names and messages in it */
    struct gw_spec_case *cases;
    size_t count;
    size_t capacity;
    size_t passed;
    size_t failed;
    size_t pending;
    const struct gw_str *without; /* policies that have no spec */
    size_t without_count;
    const struct gw_spec_cost *costs;
    size_t cost_count;
    const struct gw_spec_coverage *coverage;
    size_t coverage_count;
    bool has_coverage; /* it was asked for */
    int64_t wall_ns;   /* of the whole run */
};

void gw_test_report_init(struct gw_test_report *report);
void gw_test_report_fini(struct gw_test_report *report);

/* Copies a case. */
void gw_test_report_add(struct gw_test_report *report, const struct gw_spec_case *one);

/* The whole report on stdout. */
void gw_test_report_print(const struct gw_test_report *report, enum gw_test_form form);

/* test_junit.c: appends the XML. */
void gw_test_report_junit(const struct gw_test_report *report, struct gw_buf *out);

#endif
