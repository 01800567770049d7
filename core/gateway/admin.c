/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of paths over net/server.h. Replies are plain text or JSON, never cached.
 */
#include "gateway/admin.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/digest.h"
#include "codec/json.h"
#include "gateway/foreign.h"
#include "net/address.h"

#define GW_ADMIN_TEXT_MAX ((size_t)1 << 20)
/* Bodies larger than GW_ADMIN_BODY_MAX, or of a length that isn't declared, that are read at the same time. */
#define GW_ADMIN_LARGE_MAX 4
#define GW_ADMIN_WARN_MS   10000
#define GW_ADMIN_WAIT_MAX  64 /* requests that wait for a reload */

#define MOCK_PATH "/v1/mock"

struct door {
    struct gw_admin *admin;
    const struct gw_listener *listener;
    bool changes; /* the admin listener, not the status one */
    struct gw_server *server;
};

/* POST /v1/reload: the first `begun` wait for the reload under way, the others came later and wait for the next one:
 * theirs must begin after they have asked. */
struct reloads {
    struct {
        struct door *door;
        struct gw_conn *conn;
    } waiting[GW_ADMIN_WAIT_MAX];
    size_t count;
    size_t begun;

    pthread_mutex_t lock; /* what another thread tells */
    bool is_told;
    enum gw_status status;
    struct gw_buf problems;
};

struct gw_admin {
    struct gw_loop *loop;
    struct door doors[2];
    struct reloads reloads;
    struct gw_admin_calls calls;
    struct gw_admin_options options;
    bool has_token;
    unsigned char token[GW_DIGEST_SIZE]; /* SHA-256 of it: tokens of all lengths compare in the same time */
    int64_t warn_after_ms;
    size_t large; /* bodies under way that count towards GW_ADMIN_LARGE_MAX */
    struct gw_buf head;
    struct gw_buf text;
};

struct route {
    const char *path;
    enum gw_method method; /* HEAD is answered as GET */
    bool on_status;        /* on the status listener too */
    void (*answer)(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request);
};

static void append_allow(const struct door *door, struct gw_str path, struct gw_buf *out);

static void answer(struct door *door, struct gw_conn *conn, unsigned status, const char *type, struct gw_str body)
{
    struct gw_buf *head = &door->admin->head;
    struct gw_reply reply = {.body = body, .close = true}; /* nobody holds one of the few connections */

    gw_buf_clear(head);
    gw_buf_printf(head,
                  "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
                  "X-Content-Type-Options: nosniff\r\n",
                  status, gw_http1_reason(status), type, body.length);
    if (status == 405)
        append_allow(door, gw_conn_request(conn)->path, head);
    if (status == 401)
        gw_buf_append_lit(head, "WWW-Authenticate: Bearer realm=\"eksgate\"\r\n");
    reply.head = gw_buf_str(head);
    gw_conn_reply(conn, &reply);
}

static void answer_message(struct door *door, struct gw_conn *conn, unsigned status, struct gw_str message)
{
    struct gw_buf *text = &door->admin->text;

    gw_buf_clear(text);
    gw_buf_append_lit(text, "{\"message\":");
    gw_json_encode_string(message, text);
    gw_buf_append_lit(text, "}\n");
    answer(door, conn, status, "application/json", gw_buf_str(text));
}

/* "192.0.2.1", "[2001:db8::1]" or "localhost", with a port or without. */
static bool is_never_rebound(struct gw_str host)
{
    size_t end = gw_str_starts(host, GW_STR("[")) ? gw_str_find(host, ']', 0) : gw_str_find(host, ':', 0);
    struct gw_str name = gw_str_slice(host, 0, end);
    struct gw_address address;

    if (gw_str_starts(host, GW_STR("[")))
        return gw_address_parse(gw_str_slice(host, 1, end - 1), &address) == GW_OK;
    return gw_str_equal_nocase(name, GW_STR("localhost")) || gw_address_parse(name, &address) == GW_OK;
}

/* The name that a page rebound to our address would send is not among these. */
static bool host_is_ours(const struct door *door, struct gw_str host)
{
    struct gw_foreign_names names = {door->admin->options.hosts, door->admin->options.host_count};

    if (door->admin->has_token || (!door->listener->is_loopback && is_never_rebound(host)))
        return true;
    return door->listener->is_unix || gw_foreign_is_named(door->listener, names, host);
}

static const char *why_foreign(const struct door *door, const struct gw_http1_request *request)
{
    return host_is_ours(door, request->host) ? gw_foreign_why(request) : gw_foreign_host_words;
}

/* Whether the process is alive may be known to who has no token: probes of an orchestrator. */
static bool is_probe(const struct gw_http1_request *request)
{
    return gw_str_is(request->path, "/livez") || gw_str_is(request->path, "/readyz");
}

static const char *why_no_entry(struct gw_admin *admin, const struct gw_http1_request *request)
{
    struct gw_str scheme = GW_STR("Bearer ");
    struct gw_str shown = gw_http1_header(request, GW_HEADER_AUTHORIZATION);
    unsigned char digest[GW_DIGEST_SIZE];
    bool equal;

    if (!admin->has_token || is_probe(request))
        return NULL;
    if (shown.length < scheme.length || !gw_str_equal_nocase(gw_str_slice(shown, 0, scheme.length), scheme))
        return "Authorization: Bearer TOKEN is needed; TOKEN is what the setting admin_token says.";
    gw_digest_sha256(gw_str_slice(shown, scheme.length, SIZE_MAX), digest);
    equal = gw_digest_equal(digest, admin->token, sizeof(digest));
    gw_wipe(digest, sizeof(digest));
    return equal ? NULL : "The token is not the one that the setting admin_token says.";
}

/* Once in a while: whoever tries tokens must not fill the log. */
static void warn_of_stranger(struct gw_admin *admin, struct gw_conn *conn)
{
    int64_t now = gw_clock_monotonic_ms(gw_clock_system());

    if (now < admin->warn_after_ms)
        return;
    admin->warn_after_ms = now + GW_ADMIN_WARN_MS;
    gw_log(GW_LOG_WARN, "admin", "refused a request of %.*s without the right token",
           GW_STR_ARG(gw_conn_source_ip(conn)));
}

static bool changes_something(enum gw_method method)
{
    return method != GW_METHOD_GET && method != GW_METHOD_HEAD && method != GW_METHOD_OPTIONS;
}

static const char *why_no_change(const struct gw_http1_request *request)
{
    if (!changes_something(request->method))
        return NULL;
    if (!gw_str_is(gw_http1_header(request, GW_HEADER_X_EKSGATE_ADMIN), "1"))
        return "Changes need the header X-Eksgate-Admin: 1.";
    if (gw_foreign_has_body(request) && !gw_foreign_is_type(request, "application/json"))
        return "Bodies must be application/json.";
    return NULL;
}

static void answer_live(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    (void)request;
    answer(door, conn, 200, "text/plain", GW_STR("ok\n"));
}

static void answer_ready(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    bool ready = door->admin->calls.is_ready(door->admin->calls.ctx);

    (void)request;
    answer(door, conn, ready ? 200 : 503, "text/plain", ready ? GW_STR("ok\n") : GW_STR("draining\n"));
}

static void answer_metrics(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    struct gw_admin *admin = door->admin;

    (void)request;
    gw_buf_clear(&admin->text);
    admin->calls.metrics(admin->calls.ctx, &admin->text);
    answer(door, conn, 200, "text/plain; version=0.0.4", gw_buf_str(&admin->text));
}

/* Problems are lines; the last one's end is not part of the message. */
static void answer_reloaded(struct door *door, struct gw_conn *conn, enum gw_status status, struct gw_str problems)
{
    if (status == GW_OK) {
        answer(door, conn, 200, "application/json", GW_STR("{\"reloaded\":true}\n"));
        return;
    }
    while (problems.length > 0 && problems.at[problems.length - 1] == '\n')
        problems.length--;
    answer_message(door, conn, 422, problems);
}

/* Those who wait for the reload that is over. */
static void answer_waiting(struct gw_admin *admin, enum gw_status status, struct gw_str problems)
{
    struct reloads *reloads = &admin->reloads;

    for (size_t i = 0; i < reloads->begun; i++)
        answer_reloaded(reloads->waiting[i].door, reloads->waiting[i].conn, status, problems);
    reloads->count -= reloads->begun;
    memmove(reloads->waiting, reloads->waiting + reloads->begun, reloads->count * sizeof(reloads->waiting[0]));
    reloads->begun = 0;
}

static void begin_reload(struct gw_admin *admin)
{
    admin->reloads.begun = admin->reloads.count;
    if (admin->reloads.begun > 0 && admin->calls.reload(admin->calls.ctx) != GW_OK)
        answer_waiting(admin, GW_E_IO, GW_STR("The reload can't begin; try again."));
}

static void answer_reload(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    struct reloads *reloads = &door->admin->reloads;

    (void)request;
    if (reloads->count == GW_ADMIN_WAIT_MAX) {
        answer_message(door, conn, 503, GW_STR("Too many wait for a reload; try again."));
        return;
    }
    reloads->waiting[reloads->count].door = door;
    reloads->waiting[reloads->count++].conn = conn;
    if (reloads->begun == 0)
        begin_reload(door->admin);
}

static void on_wake(void *ctx)
{
    struct gw_admin *admin = ctx;
    struct reloads *reloads = &admin->reloads;
    struct gw_buf problems;
    enum gw_status status;
    bool is_told;

    gw_buf_init(&problems, GW_ADMIN_TEXT_MAX / 8);
    (void)pthread_mutex_lock(&reloads->lock);
    is_told = reloads->is_told;
    reloads->is_told = false;
    status = reloads->status;
    gw_buf_append_str(&problems, gw_buf_str(&reloads->problems));
    (void)pthread_mutex_unlock(&reloads->lock);
    if (is_told) {
        answer_waiting(admin, status, gw_buf_str(&problems));
        begin_reload(admin);
    }
    gw_buf_fini(&problems);
}

void gw_admin_reloaded(struct gw_admin *admin, enum gw_status status, struct gw_str problems)
{
    struct reloads *reloads = &admin->reloads;

    (void)pthread_mutex_lock(&reloads->lock);
    reloads->is_told = true;
    reloads->status = status;
    gw_buf_clear(&reloads->problems);
    gw_buf_append_str(&reloads->problems, problems);
    (void)pthread_mutex_unlock(&reloads->lock);
    gw_loop_wake(admin->loop);
}

/* The answer leaves first: the process may be gone soon. */
static void answer_drain(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    struct gw_admin_calls *calls = &door->admin->calls;

    (void)request;
    answer(door, conn, 200, "application/json", GW_STR("{\"draining\":true}\n"));
    calls->drain(calls->ctx);
}

static void answer_level(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    struct gw_buf *text = &door->admin->text;

    (void)request;
    gw_buf_clear(text);
    gw_buf_printf(text, "{\"level\":\"%s\"}\n", gw_log_level_name(gw_log_level_get()));
    answer(door, conn, 200, "application/json", gw_buf_str(text));
}

static void answer_set_level(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    const struct gw_json *member = NULL;
    enum gw_log_level level;
    struct gw_json body;

    if (gw_json_parse(gw_conn_body(conn), gw_conn_arena(conn), &body, NULL) == GW_OK)
        member = gw_json_get(&body, "level");
    if (member == NULL || member->type != GW_JSON_STRING || gw_log_level_parse(member->as.string, &level) != GW_OK) {
        answer_message(
            door, conn, 400,
            GW_STR("The body must be {\"level\":LEVEL}; LEVEL is one of \"error\", \"warn\", \"info\", \"debug\"."));
        return;
    }
    gw_log_set_level(level);
    gw_log(GW_LOG_INFO, "admin", "the log level is %s from now on", gw_log_level_name(level));
    answer_level(door, conn, request);
}

static void answer_mock(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    struct gw_admin_calls *calls = &door->admin->calls;
    enum gw_status status;
    unsigned code = 200;
    struct gw_buf reply;

    if (calls->mock == NULL) {
        answer_message(door, conn, 404, GW_STR("Mock controls exist under eksgate mock."));
        return;
    }
    gw_buf_init(&reply, GW_ADMIN_MOCK_MAX);
    status = calls->mock(calls->ctx, request, gw_conn_body(conn), &code, &reply);
    if (reply.overflowed)
        answer_message(door, conn, 500, GW_STR("The reply is larger than 64 MiB."));
    else if (status == GW_OK)
        answer(door, conn, code, "application/json", gw_buf_str(&reply));
    else
        answer_message(door, conn, code == 200 ? 400 : code, gw_buf_str(&reply));
    gw_buf_fini(&reply);
}

static const struct route routes[] = {
    {"/livez", GW_METHOD_GET, true, answer_live},
    {"/readyz", GW_METHOD_GET, true, answer_ready},
    {"/metrics", GW_METHOD_GET, true, answer_metrics},
    {"/v1/reload", GW_METHOD_POST, false, answer_reload},
    {"/v1/drain", GW_METHOD_POST, false, answer_drain},
    {"/v1/log-level", GW_METHOD_GET, false, answer_level},
    {"/v1/log-level", GW_METHOD_PUT, false, answer_set_level},
};

static const char *method_name(enum gw_method method)
{
    if (method == GW_METHOD_GET)
        return "GET, HEAD";
    return method == GW_METHOD_PUT ? "PUT" : "POST";
}

static bool is_mock(struct gw_str path)
{
    return gw_str_is(path, MOCK_PATH) || gw_str_starts(path, GW_STR(MOCK_PATH "/"));
}

/* The next route from `*at` on that the door has at `path`, NULL behind the last. */
static const struct route *next_route(const struct door *door, struct gw_str path, size_t *at)
{
    while (*at < GW_COUNT(routes)) {
        const struct route *route = &routes[(*at)++];

        if ((route->on_status || door->changes) && gw_str_is(path, route->path))
            return route;
    }
    return NULL;
}

static void append_allow(const struct door *door, struct gw_str path, struct gw_buf *out)
{
    const struct route *route;
    const char *comma = "";
    size_t at = 0;

    if (is_mock(path)) {
        gw_buf_append_lit(out, "Allow: GET, HEAD, POST, PUT\r\n");
        return;
    }
    gw_buf_append_lit(out, "Allow: ");
    while ((route = next_route(door, path, &at)) != NULL) {
        gw_buf_printf(out, "%s%s", comma, method_name(route->method));
        comma = ", ";
    }
    gw_buf_append_lit(out, "\r\n");
}

static void answer_nowhere(struct door *door, struct gw_conn *conn)
{
    answer_message(door, conn, 404,
                   door->changes ? GW_STR("There are GET /livez, /readyz, /metrics and /v1/log-level, POST /v1/reload "
                                          "and /v1/drain, PUT /v1/log-level, and under eksgate mock /v1/mock/....")
                                 : GW_STR("There are GET /livez, /readyz and /metrics."));
}

static void answer_route(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    enum gw_method method = request->method == GW_METHOD_HEAD ? GW_METHOD_GET : request->method;
    const struct route *route;
    size_t at = 0;
    bool found = false;

    if (door->changes && is_mock(request->path)) {
        answer_mock(door, conn, request);
        return;
    }
    while ((route = next_route(door, request->path, &at)) != NULL) {
        found = true;
        if (route->method != method)
            continue;
        route->answer(door, conn, request);
        return;
    }
    if (found)
        answer_message(door, conn, 405, GW_STR("The method is not served here."));
    else
        answer_nowhere(door, conn);
}

/* Only where a body may be large: what it is for, and how many there are. True when the reply is given. */
static bool refuse_size(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    struct gw_admin *admin = door->admin;

    if (!request->chunked && request->content_length <= GW_ADMIN_BODY_MAX)
        return false;
    if (!request->chunked && !gw_str_is(request->path, MOCK_PATH "/state")) {
        answer_message(door, conn, 413, GW_STR("The body is larger than 1 MiB."));
        return true;
    }
    if (admin->large == GW_ADMIN_LARGE_MAX) {
        answer_message(door, conn, 503, GW_STR("Too many large bodies are on their way; try again."));
        return true;
    }
    admin->large++;
    gw_conn_set_user(conn, admin);
    return false;
}

static enum gw_status on_head(void *ctx, struct gw_conn *conn)
{
    struct door *door = ctx;
    const struct gw_http1_request *request = gw_conn_request(conn);
    const char *why = door->changes ? why_foreign(door, request) : NULL;
    unsigned status = 403;

    if (why == NULL && door->changes && (why = why_no_entry(door->admin, request)) != NULL) {
        warn_of_stranger(door->admin, conn);
        status = 401;
    }
    if (why == NULL && door->changes)
        why = why_no_change(request);
    if (why != NULL) {
        answer_message(door, conn, status, gw_str_from(why));
        return GW_E_DENIED;
    }
    return refuse_size(door, conn, request) ? GW_E_DENIED : GW_OK;
}

static void on_request(void *ctx, struct gw_conn *conn)
{
    struct door *door = ctx;
    const struct gw_http1_request *request = gw_conn_request(conn);

    if (gw_conn_body(conn).length > GW_ADMIN_BODY_MAX && !gw_str_is(request->path, MOCK_PATH "/state"))
        answer_message(door, conn, 413, GW_STR("The body is larger than 1 MiB."));
    else
        answer_route(door, conn, request);
}

static void on_refused(void *ctx, struct gw_conn *conn, const struct gw_http1_error *error)
{
    answer_message(ctx, conn, error->status, gw_str_from(error->reason));
}

static void on_done(void *ctx, struct gw_conn *conn)
{
    struct door *door = ctx;

    if (gw_conn_user(conn) != NULL)
        door->admin->large--;
}

static void open_door(struct gw_admin *admin, struct door *door, struct gw_loop *loop,
                      const struct gw_listener *listener, bool changes)
{
    struct gw_server_options options = {
        .limits = {.head_bytes = 8192, .headers = 64, .body_bytes = GW_ADMIN_BODY_MAX},
        .connections_max = 1024,
        .head_timeout_ms = 2000,
        .body_timeout_ms = 10000,
        .reply_timeout_ms = 10000,
        .idle_timeout_ms = 2000,
    };
    struct gw_server_handler handler = {
        .ctx = door, .on_head = on_head, .on_request = on_request, .on_refused = on_refused, .on_done = on_done};

    if (listener == NULL)
        return;
    if (changes && admin->calls.mock != NULL)
        options.limits.body_bytes = GW_ADMIN_MOCK_MAX;
    *door = (struct door){.admin = admin, .listener = listener, .changes = changes};
    door->server = gw_server_new(loop, &options, &handler);
    gw_server_listen(door->server, listener->fds[0], listener->is_unix);
}

struct gw_admin *gw_admin_new(struct gw_loop *loop, const struct gw_admin_options *options,
                              const struct gw_admin_calls *calls)
{
    struct gw_admin *a = gw_alloc_zero(1, sizeof(*a));

    a->loop = loop;
    a->calls = *calls;
    a->options = *options;
    a->options.token = GW_STR_NONE;
    a->has_token = options->token.at != NULL;
    gw_digest_sha256(options->token, a->token);
    gw_buf_init(&a->head, 4096);
    gw_buf_init(&a->text, GW_ADMIN_TEXT_MAX);
    gw_buf_init(&a->reloads.problems, GW_ADMIN_TEXT_MAX / 8);
    (void)pthread_mutex_init(&a->reloads.lock, NULL);
    if (loop != NULL)
        gw_loop_on_wake(loop, on_wake, a);
    open_door(a, &a->doors[0], loop, options->status, false);
    open_door(a, &a->doors[1], loop, options->admin, true);
    return a;
}

void gw_admin_free(struct gw_admin **admin)
{
    struct gw_admin *a = *admin;

    if (a == NULL)
        return;
    *admin = NULL;
    for (size_t i = 0; i < GW_COUNT(a->doors); i++)
        gw_server_free(&a->doors[i].server);
    gw_buf_fini(&a->head);
    gw_buf_fini(&a->text);
    gw_buf_fini(&a->reloads.problems);
    (void)pthread_mutex_destroy(&a->reloads.lock);
    gw_wipe(a->token, sizeof(a->token));
    free(a);
}
