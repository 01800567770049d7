/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the admin listener answers under /v1/mock: a table of paths and methods.
 * It runs on the admin's thread, behind the checks of admin.c. Bodies are hostile;
 * a refusal is one line that says what would be accepted.
 */
#include "base/log.h"
#include "codec/time.h"
#include "codec/uri.h"
#include "gateway/exchange.h"
#include "gateway/states.h"

#include <stdio.h>

#define PREFIX "/v1/mock/"

#define STEP_MAX 1e11 /* seconds, more than all years that a clock knows */

/* One order. */
struct control {
    struct gw_gateway *gateway;
    struct gw_mock *mock;
    const struct gw_http1_request *request;
    struct gw_str body;
    struct gw_str name; /* behind the route's path, where that has one */
    unsigned status;
    struct gw_buf *reply;
    struct gw_arena arena;
};

static enum gw_status refuse(struct control *control, unsigned status, const char *format, ...) GW_PRINTF(3, 4);

static enum gw_status refuse(struct control *control, unsigned status, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    gw_buf_clear(control->reply);
    gw_buf_append_str(control->reply, gw_str_from(text));
    control->status = status;
    return GW_E_DENIED;
}

static enum gw_status get_clock(struct control *control)
{
    struct gw_mock_clock clock = gw_mock_clock_get(control->mock);
    char text[GW_TIME_ISO_SIZE] = "";

    if (clock.frozen)
        gw_time_iso(clock.ms, text);
    gw_buf_printf(control->reply, "{\"clock\":\"%s%s\"}\n", clock.frozen ? "frozen:" : "system", text);
    return GW_OK;
}

/* The nearest. */
static int64_t to_ms(double seconds)
{
    return (int64_t)(seconds * 1000 + (seconds < 0 ? -0.5 : 0.5));
}

static enum gw_status step_clock(struct control *control, const struct gw_json *step)
{
    double seconds = step->type == GW_JSON_INTEGER ? (double)step->as.integer : step->as.real;
    enum gw_status status;

    if ((step->type != GW_JSON_INTEGER && step->type != GW_JSON_REAL) || !(seconds >= -STEP_MAX && seconds <= STEP_MAX))
        return refuse(control, 400, "step: must be a number of seconds.");
    status = gw_mock_clock_step(control->mock, to_ms(seconds));
    if (status == GW_E_DENIED)
        return refuse(control, 409, "The clock runs; only one that is frozen takes steps.");
    if (status != GW_OK)
        return refuse(control, 400, "step: leads out of the years 1970 to 9999.");
    return GW_OK;
}

static enum gw_status put_clock(struct control *control)
{
    const struct gw_json *clock;
    const struct gw_json *step;
    enum gw_status status = GW_OK;
    struct gw_mock_clock fresh;
    struct gw_json body;
    struct gw_err err;

    if (gw_json_parse(control->body, &control->arena, &body, &err) != GW_OK)
        return refuse(control, 400, "The body is no JSON: %s.", err.text);
    clock = gw_json_get(&body, "clock");
    step = gw_json_get(&body, "step");
    if ((clock == NULL) == (step == NULL) || body.as.object.count != 1)
        return refuse(control, 400,
                      "The body must be {\"clock\":\"frozen:INSTANT\"}, {\"clock\":\"system\"} or {\"step\":SECONDS}.");
    if (step != NULL)
        status = step_clock(control, step);
    else if (clock->type != GW_JSON_STRING || gw_mock_clock_parse(clock->as.string, &fresh) != GW_OK)
        status = refuse(control, 400,
                        "clock: must be \"system\" or \"frozen:\" and an instant such as 2026-01-01T00:00:00Z.");
    else
        gw_mock_clock_set(control->mock, &fresh);
    return status == GW_OK ? get_clock(control) : status;
}

static enum gw_status get_faults(struct control *control)
{
    gw_fault_table_encode(gw_mock_faults(control->mock), control->reply);
    return GW_OK;
}

static enum gw_status put_faults(struct control *control)
{
    struct gw_err err;

    if (gw_fault_table_set(gw_mock_faults(control->mock), control->body, &err) != GW_OK)
        return refuse(control, 400, "%s.", err.text);
    return get_faults(control);
}

/* A query's value; as for a path, what decodes to control or 8-bit bytes is refused. */
static enum gw_status read_name(struct control *control, struct gw_str name, struct gw_str value,
                                struct gw_requests_names *names)
{
    struct gw_str *into = NULL;

    if (gw_str_is(name, "operation"))
        into = &names->operation;
    else if (gw_str_is(name, "principal"))
        into = &names->principal;
    else if (gw_str_is(name, "cluster"))
        into = &names->cluster;
    if (into == NULL || into->at != NULL)
        return refuse(control, 400, "The query may have operation, principal and cluster, each once.");
    if (gw_uri_decode(value, GW_URI_ARN, &control->arena, into) != GW_OK)
        return refuse(control, 400, "A value of the query is not encoded as it should be.");
    return GW_OK;
}

static enum gw_status get_requests(struct control *control)
{
    struct gw_requests_names names = {.operation = GW_STR_NONE};
    struct gw_str rest = control->request->query;
    enum gw_status status = GW_OK;
    struct gw_str name;
    struct gw_str value;

    while (status == GW_OK && gw_uri_query_next(&rest, &name, &value))
        status = read_name(control, name, value, &names);
    if (status == GW_OK)
        gw_requests_encode(gw_mock_requests(control->mock), &names, control->reply);
    return status;
}

/* What the states refuse: a text that is no state, a name that isn't there, a writer that takes nothing. */
static enum gw_status refuse_state(struct control *control, enum gw_status status, const struct gw_err *err)
{
    unsigned code = 400;

    if (status == GW_E_BUSY || status == GW_E_IO)
        code = 503;
    else if (status == GW_E_MISSING)
        code = 404;
    return refuse(control, code, "%s", err->text);
}

static enum gw_status get_state(struct control *control)
{
    struct gw_err err;
    enum gw_status status = gw_states_write(control->gateway, control->reply, &err);

    return status == GW_OK || status == GW_E_LIMIT ? GW_OK : refuse_state(control, status, &err);
}

static enum gw_status put_state(struct control *control)
{
    size_t clusters;
    size_t entries;
    struct gw_err err;
    enum gw_status status = gw_states_put(control->gateway, control->body, &clusters, &entries, &err);

    if (status != GW_OK)
        return refuse_state(control, status, &err);
    gw_buf_printf(control->reply, "{\"clusters\":%zu,\"accessEntries\":%zu}\n", clusters, entries);
    return GW_OK;
}

static enum gw_status post_reset(struct control *control)
{
    struct gw_err err;
    enum gw_status status = gw_states_reset(control->gateway, &err);

    if (status != GW_OK)
        return refuse_state(control, status, &err);
    gw_buf_append_lit(control->reply, "{\"reset\":true}\n");
    return GW_OK;
}

static enum gw_status get_snapshots(struct control *control)
{
    gw_states_list(control->gateway, control->reply);
    return GW_OK;
}

static enum gw_status refuse_name(struct control *control)
{
    return refuse(control, 400, "A snapshot's name has 1 to %d letters, digits, - and _.", GW_STATES_NAME_MAX);
}

static enum gw_status post_snapshot(struct control *control)
{
    struct gw_err err;
    enum gw_status status;

    if (!gw_states_is_name(control->name))
        return refuse_name(control);
    status = gw_states_keep(control->gateway, control->name, &err);
    if (status == GW_E_LIMIT)
        return refuse(control, 409, "%s", err.text);
    if (status != GW_OK)
        return refuse_state(control, status, &err);
    gw_buf_printf(control->reply, "{\"snapshot\":\"%.*s\"}\n", GW_STR_ARG(control->name));
    return GW_OK;
}

static enum gw_status post_restore(struct control *control)
{
    struct gw_err err;
    enum gw_status status;

    if (!gw_states_is_name(control->name))
        return refuse_name(control);
    status = gw_states_restore(control->gateway, control->name, &err);
    if (status != GW_OK)
        return refuse_state(control, status, &err);
    gw_buf_printf(control->reply, "{\"restored\":\"%.*s\"}\n", GW_STR_ARG(control->name));
    return GW_OK;
}

static const struct route {
    const char *path; /* behind PREFIX; one that ends in '/' has a name behind it */
    enum gw_method method;
    enum gw_status (*run)(struct control *control);
} routes[] = {
    {"state", GW_METHOD_GET, get_state},           {"state", GW_METHOD_PUT, put_state},
    {"reset", GW_METHOD_POST, post_reset},         {"snapshots", GW_METHOD_GET, get_snapshots},
    {"snapshots/", GW_METHOD_POST, post_snapshot}, {"restore/", GW_METHOD_POST, post_restore},
    {"clock", GW_METHOD_GET, get_clock},           {"clock", GW_METHOD_PUT, put_clock},
    {"faults", GW_METHOD_GET, get_faults},         {"faults", GW_METHOD_PUT, put_faults},
    {"requests", GW_METHOD_GET, get_requests},
};

static bool leads_to(const struct route *route, struct gw_str path, struct gw_str *name)
{
    struct gw_str own = gw_str_from(route->path);

    if (own.at[own.length - 1] != '/')
        return gw_str_equal(path, own);
    *name = gw_str_slice(path, own.length, SIZE_MAX);
    return gw_str_starts(path, own);
}

static enum gw_status run(struct control *control)
{
    enum gw_method method = control->request->method == GW_METHOD_HEAD ? GW_METHOD_GET : control->request->method;
    struct gw_str path = gw_str_slice(control->request->path, sizeof(PREFIX) - 1, SIZE_MAX);
    bool found = false;

    for (size_t i = 0; i < GW_COUNT(routes); i++) {
        const struct route *route = &routes[i];
        enum gw_status status;

        if (!leads_to(route, path, &control->name))
            continue;
        found = true;
        if (route->method != method)
            continue;
        status = route->run(control);
        if (status == GW_OK && method != GW_METHOD_GET)
            gw_log(GW_LOG_INFO, "mock", "%.*s: done for the admin listener", GW_STR_ARG(path));
        return status;
    }
    if (found)
        return refuse(control, 405, "The method is not served here.");
    return refuse(control, 404,
                  "There are GET and PUT " PREFIX "state, clock and faults, GET " PREFIX "requests and snapshots, and "
                  "POST " PREFIX "reset, snapshots/NAME and restore/NAME.");
}

enum gw_status gw_gateway_control(struct gw_gateway *gateway, const struct gw_http1_request *request,
                                  struct gw_str body, unsigned *status, struct gw_buf *reply)
{
    struct control control = {
        .gateway = gateway, .mock = gateway->mock, .request = request, .body = body, .status = *status, .reply = reply};
    enum gw_status answered;

    gw_arena_init(&control.arena, 0);
    answered = run(&control);
    gw_arena_fini(&control.arena);
    *status = control.status;
    return answered;
}
