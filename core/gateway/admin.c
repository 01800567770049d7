/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small router over net/server.h. Replies are plain text or JSON, never cached.
 */
#include "gateway/admin.h"

#include <stdlib.h>

#include "codec/json.h"

#define GW_ADMIN_TEXT_MAX ((size_t)1 << 20)

struct door {
    struct gw_admin *admin;
    const struct gw_listener *listener;
    bool changes; /* the admin listener, not the status one */
    struct gw_server *server;
};

struct gw_admin {
    struct door doors[2];
    struct gw_admin_calls calls;
    const struct gw_str *hosts;
    size_t host_count;
    struct gw_buf head;
    struct gw_buf text;
};

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
        gw_buf_append_lit(head, "Allow: GET, HEAD, POST\r\n");
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

/* True when `host` is `name`, or `name` with this listener's port. */
static bool host_is(const struct door *door, struct gw_str host, struct gw_str name)
{
    struct gw_str address = gw_str_from(door->listener->address);
    size_t colon = address.length;

    if (gw_str_equal_nocase(host, name))
        return true;
    while (colon > 0 && address.at[colon - 1] != ':')
        colon--;
    if (colon == 0 || host.length != name.length + 1 + (address.length - colon))
        return false;
    return gw_str_equal_nocase(gw_str_slice(host, 0, name.length), name) && host.at[name.length] == ':' &&
           gw_str_equal(gw_str_slice(host, name.length + 1, SIZE_MAX), gw_str_slice(address, colon, SIZE_MAX));
}

/* The name that a page rebound to our address would send is not among these. */
static bool host_is_ours(const struct door *door, struct gw_str host)
{
    if (door->listener->is_unix || gw_str_equal(host, gw_str_from(door->listener->address)))
        return true;
    if (door->listener->is_loopback && host_is(door, host, GW_STR("localhost")))
        return true;
    for (size_t i = 0; i < door->admin->host_count; i++) {
        if (host_is(door, host, door->admin->hosts[i]))
            return true;
    }
    return false;
}

/* What a browser would send on behalf of a page that isn't ours. */
static const char *why_foreign(const struct door *door, const struct gw_http1_request *request)
{
    struct gw_str site = gw_http1_header(request, GW_HEADER_SEC_FETCH_SITE);

    if (!host_is_ours(door, request->host))
        return "Host is not this listener's address; the setting `hosts` lists further names.";
    if (gw_http1_header(request, GW_HEADER_ORIGIN).at != NULL)
        return "Requests with an Origin are refused.";
    if (site.at != NULL && !gw_str_is(site, "none") && !gw_str_is(site, "same-origin"))
        return "Requests from other sites are refused.";
    return NULL;
}

static const char *why_no_change(const struct gw_conn *conn, const struct gw_http1_request *request)
{
    if (!gw_str_is(gw_http1_header(request, GW_HEADER_X_EKSGATE_ADMIN), "1"))
        return "Changes need the header X-Eksgate-Admin: 1.";
    if (gw_conn_body(conn).length > 0 &&
        !gw_str_equal_nocase(gw_http1_header(request, GW_HEADER_CONTENT_TYPE), GW_STR("application/json")))
        return "Bodies must be application/json.";
    return NULL;
}

static void answer_get(struct door *door, struct gw_conn *conn, struct gw_str path)
{
    struct gw_admin *admin = door->admin;

    if (gw_str_is(path, "/livez")) {
        answer(door, conn, 200, "text/plain", GW_STR("ok\n"));
    } else if (gw_str_is(path, "/readyz")) {
        bool ready = admin->calls.is_ready(admin->calls.ctx);

        answer(door, conn, ready ? 200 : 503, "text/plain", ready ? GW_STR("ok\n") : GW_STR("draining\n"));
    } else if (gw_str_is(path, "/metrics")) {
        gw_buf_clear(&admin->text);
        admin->calls.metrics(admin->calls.ctx, &admin->text);
        answer(door, conn, 200, "text/plain; version=0.0.4", gw_buf_str(&admin->text));
    } else {
        answer_message(door, conn, 404, GW_STR("There are /livez, /readyz and /metrics."));
    }
}

/* Problems are lines; the last one's end is not part of the message. */
static void answer_reload(struct door *door, struct gw_conn *conn)
{
    struct gw_admin *admin = door->admin;
    struct gw_buf problems;
    struct gw_str text;

    gw_buf_init(&problems, GW_ADMIN_TEXT_MAX / 8);
    if (admin->calls.reload(admin->calls.ctx, &problems) == GW_OK) {
        answer(door, conn, 200, "application/json", GW_STR("{\"reloaded\":true}\n"));
        goto out;
    }
    text = gw_buf_str(&problems);
    while (text.length > 0 && text.at[text.length - 1] == '\n')
        text.length--;
    answer_message(door, conn, 422, text);
out:
    gw_buf_fini(&problems);
}

static void answer_change(struct door *door, struct gw_conn *conn, const struct gw_http1_request *request)
{
    const char *why = why_no_change(conn, request);

    if (why != NULL)
        answer_message(door, conn, 403, gw_str_from(why));
    else if (gw_str_is(request->path, "/v1/reload"))
        answer_reload(door, conn);
    else
        answer_message(door, conn, 404, GW_STR("There is POST /v1/reload."));
}

static enum gw_status on_head(void *ctx, struct gw_conn *conn)
{
    struct door *door = ctx;
    const char *why = door->changes ? why_foreign(door, gw_conn_request(conn)) : NULL;

    if (why == NULL)
        return GW_OK;
    answer_message(door, conn, 403, gw_str_from(why));
    return GW_E_DENIED;
}

static void on_request(void *ctx, struct gw_conn *conn)
{
    struct door *door = ctx;
    const struct gw_http1_request *request = gw_conn_request(conn);

    if (request->method == GW_METHOD_GET || request->method == GW_METHOD_HEAD)
        answer_get(door, conn, request->path);
    else if (door->changes && request->method == GW_METHOD_POST)
        answer_change(door, conn, request);
    else
        answer_message(door, conn, 405, GW_STR("The method is not served here."));
}

static void on_refused(void *ctx, struct gw_conn *conn, const struct gw_http1_error *error)
{
    answer_message(ctx, conn, error->status, gw_str_from(error->reason));
}

static void on_done(void *ctx, struct gw_conn *conn)
{
    (void)ctx;
    (void)conn;
}

static void open_door(struct gw_admin *admin, struct door *door, struct gw_loop *loop,
                      const struct gw_listener *listener, bool changes)
{
    static const struct gw_server_options options = {
        .limits = {.head_bytes = 8192, .headers = 64, .body_bytes = 1 << 20},
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
    *door = (struct door){.admin = admin, .listener = listener, .changes = changes};
    door->server = gw_server_new(loop, &options, &handler);
    gw_server_listen(door->server, listener->fds[0], listener->is_unix);
}

struct gw_admin *gw_admin_new(struct gw_loop *loop, const struct gw_listener *status, const struct gw_listener *admin,
                              const struct gw_str *hosts, size_t host_count, const struct gw_admin_calls *calls)
{
    struct gw_admin *a = gw_alloc_zero(1, sizeof(*a));

    a->calls = *calls;
    a->hosts = hosts;
    a->host_count = host_count;
    gw_buf_init(&a->head, 4096);
    gw_buf_init(&a->text, GW_ADMIN_TEXT_MAX);
    open_door(a, &a->doors[0], loop, status, false);
    open_door(a, &a->doors[1], loop, admin, true);
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
    free(a);
}
