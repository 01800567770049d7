/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit's XML as CI systems read it: a testsuite per file, a testcase per case.
 */
#include "cli/test_report.h"

#include "codec/xml.h"

static void append_attribute(struct gw_buf *out, const char *name, struct gw_str value)
{
    gw_buf_printf(out, " %s=\"", name);
    gw_xml_append_text(value, out);
    gw_buf_append_byte(out, '"');
}

static void append_seconds(struct gw_buf *out, int64_t ns)
{
    gw_buf_printf(out, " time=\"%lld.%06lld\"", (long long)(ns / 1000000000), (long long)(ns / 1000 % 1000000));
}

/* The first line stands in the attribute, all of it in the element. */
static void append_problem(struct gw_buf *out, const struct gw_spec_case *one)
{
    const char *element = one->outcome == GW_SPEC_FAILED ? "failure" : "error";
    struct gw_str rest = one->message;

    gw_buf_printf(out, "      <%s", element);
    append_attribute(out, "message", gw_str_split(&rest, '\n'));
    gw_buf_append_lit(out, ">");
    gw_xml_append_text(one->where, out);
    gw_buf_append_lit(out, "\n");
    gw_xml_append_text(one->message, out);
    gw_buf_printf(out, "</%s>\n", element);
}

static void append_case(struct gw_buf *out, const struct gw_spec_case *one)
{
    gw_buf_append_lit(out, "    <testcase");
    append_attribute(out, "classname", one->file);
    append_attribute(out, "name", one->name.length > 0 ? one->name : one->file);
    append_seconds(out, one->wall_ns);
    if (one->outcome == GW_SPEC_PASSED) {
        gw_buf_append_lit(out, "/>\n");
        return;
    }
    gw_buf_append_lit(out, ">\n");
    if (one->outcome == GW_SPEC_PENDING) {
        gw_buf_append_lit(out, "      <skipped");
        append_attribute(out, "message", one->message);
        gw_buf_append_lit(out, "/>\n");
    } else {
        append_problem(out, one);
    }
    gw_buf_append_lit(out, "    </testcase>\n");
}

static size_t append_file(const struct gw_test_report *report, size_t first, struct gw_buf *out)
{
    size_t counts[4] = {0};
    int64_t wall_ns = 0;
    size_t end = first;

    for (; end < report->count && gw_str_equal(report->cases[end].file, report->cases[first].file); end++) {
        counts[report->cases[end].outcome]++;
        wall_ns += report->cases[end].wall_ns;
    }
    gw_buf_append_lit(out, "  <testsuite");
    append_attribute(out, "name", report->cases[first].file);
    gw_buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", end - first,
                  counts[GW_SPEC_FAILED], counts[GW_SPEC_ERROR], counts[GW_SPEC_PENDING]);
    append_seconds(out, wall_ns);
    gw_buf_append_lit(out, ">\n");
    for (size_t i = first; i < end; i++)
        append_case(out, &report->cases[i]);
    gw_buf_append_lit(out, "  </testsuite>\n");
    return end;
}

void gw_test_report_junit(const struct gw_test_report *report, struct gw_buf *out)
{
    size_t i = 0;

    gw_buf_append_lit(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"eksgate test\"");
    append_seconds(out, report->wall_ns);
    gw_buf_append_lit(out, ">\n");
    while (i < report->count)
        i = append_file(report, i, out);
    gw_buf_append_lit(out, "</testsuites>\n");
}
