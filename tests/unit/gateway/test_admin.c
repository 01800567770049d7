/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin listener asks of the process it belongs to, and what never gets that far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_server.h"
#include "gateway/admin.h"

/* What the mock's function was given, and what it is to give back. */
struct asked {
    unsigned calls;
    char path[64];
    char query[64];
    char body[64];
    enum gw_status status;
    unsigned code; /* 0: left as it was */
    struct gw_str reply;
    size_t filler; /* bytes of reply instead */
};

static void copy(struct gw_str text, char out[64])
{
    size_t length = text.length < 64 ? text.length : 63;

    if (length > 0)
        memcpy(out, text.at, length);
    out[length] = '\0';
}

static enum gw_status on_mock(void *ctx, const struct gw_http1_request *request, struct gw_str body, unsigned *status,
                              struct gw_buf *reply)
{
    struct asked *asked = ctx;

    asked->calls++;
    copy(request->path, asked->path);
    copy(request->query, asked->query);
    copy(body, asked->body);
    assert_int_equal(*status, 200);
    assert_int_equal(reply->length, 0);
    if (asked->code != 0)
        *status = asked->code;
    gw_buf_append_str(reply, asked->reply);
    for (size_t i = 0; i < asked->filler; i += 1024)
        gw_buf_append(reply, (char[1024]){0}, 1024);
    return asked->status;
}

struct desk {
    struct gw_listener listener;
    struct asked asked;
    struct gw_admin *admin;
    struct gw_conn conn;
    char text[1024];
};

static bool is_ready(void *ctx)
{
    (void)ctx;
    return true;
}

static void open_desk_at(struct desk *desk, const char *address, struct gw_str token)
{
    struct gw_admin_options options = {.admin = &desk->listener, .token = token};
    struct gw_admin_calls calls = {.ctx = &desk->asked, .is_ready = is_ready, .mock = on_mock};

    *desk = (struct desk){.listener = {.is_loopback = gw_str_starts(gw_str_from(address), GW_STR("127."))}};
    (void)snprintf(desk->listener.address, sizeof(desk->listener.address), "%s", address);
    desk->asked.reply = GW_STR("{\"a\":1}");
    desk->admin = gw_admin_new(NULL, &options, &calls);
    gw_arena_init(&desk->conn.arena, 0);
}

static void open_desk(struct desk *desk, bool on_status, bool with_mock)
{
    struct gw_admin_options options = {.status = on_status ? &desk->listener : NULL,
                                       .admin = on_status ? NULL : &desk->listener};
    struct gw_admin_calls calls = {.ctx = &desk->asked, .mock = with_mock ? on_mock : NULL};

    *desk = (struct desk){.listener = {.is_loopback = true, .address = "127.0.0.1:9180"}};
    desk->asked.reply = GW_STR("{\"a\":1}");
    desk->admin = gw_admin_new(NULL, &options, &calls);
    gw_arena_init(&desk->conn.arena, 0);
}

static void close_desk(struct desk *desk)
{
    gw_arena_fini(&desk->conn.arena);
    gw_admin_free(&desk->admin);
}

/* Gives a head to the listener; true when it asks for the body. */
static bool begin(struct desk *desk, const char *line, const char *fields)
{
    const struct gw_http1_limits limits = {.head_bytes = 1024, .headers = 16, .body_bytes = GW_ADMIN_MOCK_MAX};
    struct gw_http1_error error;
    size_t scanned = 0;

    desk->conn.user = NULL;
    desk->conn.reply_head[0] = '\0';
    desk->conn.replies = 0;
    desk->conn.body = GW_STR("");
    (void)snprintf(desk->text, sizeof(desk->text), "%s HTTP/1.1\r\n%s%s\r\n", line,
                   strstr(fields, "Host: ") == NULL ? "Host: 127.0.0.1:9180\r\n" : "", fields);
    assert_int_equal(gw_http1_parse_head(gw_str_from(desk->text), &limits, &scanned, &desk->conn.request, &error),
                     GW_OK);
    return fake_server_made->handler.on_head(fake_server_made->handler.ctx, &desk->conn) == GW_OK;
}

static void end(struct desk *desk)
{
    fake_server_made->handler.on_done(fake_server_made->handler.ctx, &desk->conn);
}

/* The status of the reply. */
static unsigned ask(struct desk *desk, const char *line, const char *fields, struct gw_str body)
{
    uint64_t status;

    if (begin(desk, line, fields)) {
        desk->conn.body = body;
        fake_server_made->handler.on_request(fake_server_made->handler.ctx, &desk->conn);
    }
    assert_int_equal(desk->conn.replies, 1);
    end(desk);
    assert_memory_equal(desk->conn.reply_head, "HTTP/1.1 ", 9);
    assert_int_equal(gw_str_parse_u64((struct gw_str){desk->conn.reply_head + 9, 3}, 599, &status), GW_OK);
    return (unsigned)status;
}

#define CHANGE "X-Eksgate-Admin: 1\r\nContent-Type: application/json\r\n"

static void mock__request_under_its_path__reaches_the_mock_as_it_came(void **state)
{
    struct desk desk;

    (void)state;
    open_desk(&desk, false, true);
    assert_int_equal(ask(&desk, "GET /v1/mock/requests?operation=A&principal=%2F", "", GW_STR("")), 200);
    assert_string_equal(desk.asked.path, "/v1/mock/requests");
    assert_string_equal(desk.asked.query, "operation=A&principal=%2F");
    assert_string_equal(desk.conn.reply_body, "{\"a\":1}");
    assert_non_null(strstr(desk.conn.reply_head, "Content-Type: application/json\r\n"));
    assert_int_equal(ask(&desk, "PUT /v1/mock/clock", CHANGE "Content-Length: 2\r\n", GW_STR("{}")), 200);
    assert_string_equal(desk.asked.path, "/v1/mock/clock");
    assert_string_equal(desk.asked.body, "{}");
    assert_int_equal(ask(&desk, "POST /v1/mock", CHANGE, GW_STR("")), 200);
    assert_int_equal(desk.asked.calls, 3);
    close_desk(&desk);
}

static void mock__status_and_message__are_what_the_mock_says(void **state)
{
    struct desk desk;

    (void)state;
    open_desk(&desk, false, true);
    desk.asked.code = 201;
    assert_int_equal(ask(&desk, "POST /v1/mock/snapshots/a", CHANGE, GW_STR("")), 201);
    desk.asked.status = GW_E_SYNTAX;
    desk.asked.reply = GW_STR("no \"such\" state");
    desk.asked.code = 404;
    assert_int_equal(ask(&desk, "POST /v1/mock/restore/a", CHANGE, GW_STR("")), 404);
    assert_string_equal(desk.conn.reply_body, "{\"message\":\"no \\\"such\\\" state\"}\n");
    desk.asked.code = 0;
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", CHANGE, GW_STR("")), 400);
    desk.asked.code = 405;
    assert_int_equal(ask(&desk, "DELETE /v1/mock/state", CHANGE, GW_STR("")), 405);
    assert_non_null(strstr(desk.conn.reply_head, "Allow: GET, HEAD, POST, PUT\r\n"));
    close_desk(&desk);
}

static void mock__reply_past_its_cap__is_500(void **state)
{
    struct desk desk;

    (void)state;
    open_desk(&desk, false, true);
    desk.asked.filler = GW_ADMIN_MOCK_MAX;
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "", GW_STR("")), 500);
    desk.asked.reply = GW_STR("");
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "", GW_STR("")), 200);
    close_desk(&desk);
}

static void mock__request_that_the_door_refuses__is_never_seen(void **state)
{
    struct desk desk;

    (void)state;
    open_desk(&desk, false, true);
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", "", GW_STR("")), 403);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "Origin: http://127.0.0.1:9180\r\n", GW_STR("")), 403);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "Sec-Fetch-Site: cross-site\r\n", GW_STR("")), 403);
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", "X-Eksgate-Admin: 1\r\nContent-Length: 2\r\n", GW_STR("{}")),
                     403);
    assert_int_equal(ask(&desk, "GET /v1/mocks", "", GW_STR("")), 404);
    close_desk(&desk);
    open_desk(&desk, true, true);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "", GW_STR("")), 404);
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", CHANGE, GW_STR("")), 404);
    assert_int_equal(desk.asked.calls, 0);
    close_desk(&desk);
}

static void mock__without_one__is_404_that_names_the_verb(void **state)
{
    struct desk desk;

    (void)state;
    open_desk(&desk, false, false);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "", GW_STR("")), 404);
    assert_non_null(strstr(desk.conn.reply_body, "eksgate mock"));
    assert_int_equal(fake_server_made->options.limits.body_bytes, GW_ADMIN_BODY_MAX);
    close_desk(&desk);
}

static void body__larger_than_usual__is_for_the_state_only(void **state)
{
    struct gw_str large = {calloc(1, GW_ADMIN_BODY_MAX + 1), GW_ADMIN_BODY_MAX + 1};
    struct desk desk;

    (void)state;
    open_desk(&desk, false, true);
    assert_int_equal(fake_server_made->options.limits.body_bytes, GW_ADMIN_MOCK_MAX);
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", CHANGE "Content-Length: 1048577\r\n", large), 200);
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", CHANGE "Transfer-Encoding: chunked\r\n", large), 200);
    assert_int_equal(ask(&desk, "PUT /v1/mock/faults", CHANGE "Content-Length: 1048577\r\n", large), 413);
    assert_int_equal(ask(&desk, "PUT /v1/mock/faults", CHANGE "Transfer-Encoding: chunked\r\n", large), 413);
    assert_int_equal(desk.asked.calls, 2);
    close_desk(&desk);
    open_desk(&desk, true, true);
    assert_int_equal(fake_server_made->options.limits.body_bytes, GW_ADMIN_BODY_MAX);
    close_desk(&desk);
    free((void *)(uintptr_t)large.at);
}

static void body__larger_than_usual__is_read_for_few_at_a_time(void **state)
{
    static const char line[] = "PUT /v1/mock/state";
    static const char fields[] = CHANGE "Content-Length: 1048577\r\n";
    struct desk desk;
    unsigned taken = 0;

    (void)state;
    open_desk(&desk, false, true);
    while (taken < 100 && begin(&desk, line, fields))
        taken++;
    assert_in_range(taken, 1, 16);
    assert_non_null(strstr(desk.conn.reply_head, " 503 "));
    end(&desk); /* of the one that was refused: gives nothing back */
    assert_false(begin(&desk, line, fields));
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", CHANGE "Content-Length: 2\r\n", GW_STR("{}")), 200);
    desk.conn.user = desk.admin; /* one of those under way */
    end(&desk);
    assert_true(begin(&desk, line, fields));
    close_desk(&desk);
}

#define TOKEN "aB3-._~+/aB3-._~+/=="

static void token__all_but_probes__is_asked_for(void **state)
{
    static const char *const wrong[] = {
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: " TOKEN "\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: Bearer  " TOKEN "\r\n",
        "Authorization: Bearer aB3-._~+/aB3-._~+/=\r\n",
        "Authorization: Bearer aB3-._~+/aB3-._~+/===\r\n",
        "Authorization: Bearer Ab3-._~+/aB3-._~+/==\r\n",
    };
    char fields[256];
    struct desk desk;

    (void)state;
    open_desk_at(&desk, "127.0.0.1:9180", GW_STR(TOKEN));
    for (size_t i = 0; i < GW_COUNT(wrong); i++) {
        assert_int_equal(ask(&desk, "GET /v1/mock/state", wrong[i], GW_STR("")), 401);
        assert_non_null(strstr(desk.conn.reply_head, "WWW-Authenticate: Bearer realm=\"eksgate\"\r\n"));
        assert_null(strstr(desk.conn.reply_body, "aB3"));
        (void)snprintf(fields, sizeof(fields), CHANGE "%s", wrong[i]);
        assert_int_equal(ask(&desk, "PUT /v1/mock/state", fields, GW_STR("")), 401);
        assert_int_equal(ask(&desk, "GET /metrics", wrong[i], GW_STR("")), 401);
        assert_int_equal(ask(&desk, "GET /nowhere", wrong[i], GW_STR("")), 401);
        assert_int_equal(ask(&desk, "GET /livez", wrong[i], GW_STR("")), 200);
        assert_int_equal(ask(&desk, "GET /readyz", wrong[i], GW_STR("")), 200);
    }
    assert_int_equal(desk.asked.calls, 0);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "Authorization: Bearer " TOKEN "\r\n", GW_STR("")), 200);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "Authorization: bearer " TOKEN "\r\n", GW_STR("")), 200);
    assert_int_equal(desk.asked.calls, 2);
    close_desk(&desk);
}

static void token__right_one__doesnt_open_the_door_to_pages(void **state)
{
    struct desk desk;

    (void)state;
    open_desk_at(&desk, "127.0.0.1:9180", GW_STR(TOKEN));
    assert_int_equal(
        ask(&desk, "GET /v1/mock/state", "Origin: null\r\nAuthorization: Bearer " TOKEN "\r\n", GW_STR("")), 403);
    assert_int_equal(ask(&desk, "PUT /v1/mock/state", "Authorization: Bearer " TOKEN "\r\n", GW_STR("")), 403);
    assert_int_equal(desk.asked.calls, 0);
    close_desk(&desk);
}

static void token__on_the_status_listener__is_not_asked_for(void **state)
{
    struct desk desk;
    struct gw_admin_options options = {.status = &desk.listener, .token = GW_STR(TOKEN)};
    struct gw_admin_calls calls = {.is_ready = is_ready};

    (void)state;
    desk = (struct desk){.admin = gw_admin_new(NULL, &options, &calls)};
    gw_arena_init(&desk.conn.arena, 0);
    assert_int_equal(ask(&desk, "GET /readyz", "", GW_STR("")), 200);
    assert_int_equal(ask(&desk, "POST /readyz", "", GW_STR("")), 405);
    close_desk(&desk);
}

static void host__that_cant_be_rebound__is_taken_where_the_listener_is_public(void **state)
{
    static const char *const taken[] = {"192.0.2.7:9180", "192.0.2.7",      "[2001:db8::1]:19180",
                                        "[::1]",          "127.0.0.1:9180", "LOCALHOST:1"};
    static const char *const refused[] = {"evil.example",           "evil.example:9180", "192.0.2.7.evil.example:9180",
                                          "localhost.evil.example", "192.0.2:9180",      "0x7f000001",
                                          "2130706433:9180",        "192.0.2.7.:9180",   "mock:9180"};
    char fields[128];
    struct desk desk;

    (void)state;
    open_desk_at(&desk, "0.0.0.0:9180", GW_STR_NONE);
    for (size_t i = 0; i < GW_COUNT(taken); i++) {
        (void)snprintf(fields, sizeof(fields), "Host: %s\r\n", taken[i]);
        assert_int_equal(ask(&desk, "GET /v1/mock/state", fields, GW_STR("")), 200);
    }
    for (size_t i = 0; i < GW_COUNT(refused); i++) {
        (void)snprintf(fields, sizeof(fields), "Host: %s\r\n", refused[i]);
        assert_int_equal(ask(&desk, "GET /v1/mock/state", fields, GW_STR("")), 403);
        assert_int_equal(ask(&desk, "GET /readyz", fields, GW_STR("")), 403);
    }
    close_desk(&desk);
    open_desk_at(&desk, "127.0.0.1:9180", GW_STR_NONE);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "Host: 192.0.2.7:9180\r\n", GW_STR("")), 403);
    close_desk(&desk);
    open_desk_at(&desk, "0.0.0.0:9180", GW_STR(TOKEN));
    assert_int_equal(ask(&desk, "GET /readyz", "Host: gate.internal\r\n", GW_STR("")), 200);
    assert_int_equal(ask(&desk, "GET /v1/mock/state", "Host: gate.internal\r\n", GW_STR("")), 401);
    assert_int_equal(
        ask(&desk, "GET /v1/mock/state", "Host: gate.internal\r\nAuthorization: Bearer " TOKEN "\r\n", GW_STR("")),
        200);
    close_desk(&desk);
}

static enum gw_status count_reload(void *ctx)
{
    struct asked *asked = ctx;

    asked->calls++;
    return asked->status;
}

/* Two requests at the door; `desk` has the first. */
static void open_two(struct desk *desk, struct desk *other, struct gw_loop *loop, enum gw_status status)
{
    struct gw_admin_options options = {.admin = &desk->listener};
    struct gw_admin_calls calls = {.ctx = &desk->asked, .is_ready = is_ready, .reload = count_reload};

    *other = *desk = (struct desk){.listener = {.is_loopback = true, .address = "127.0.0.1:9180"}};
    desk->asked.status = status;
    desk->admin = gw_admin_new(loop, &options, &calls);
    gw_arena_init(&desk->conn.arena, 0);
    gw_arena_init(&other->conn.arena, 0);
}

static void ask_to_reload(struct desk *desk)
{
    assert_true(begin(desk, "POST /v1/reload", CHANGE));
    fake_server_made->handler.on_request(fake_server_made->handler.ctx, &desk->conn);
}

static void reload__while_it_lasts__others_are_answered(void **state)
{
    struct gw_loop loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct desk first;
    struct desk second;
    struct desk probe = {.text = ""};

    (void)state;
    open_two(&first, &second, &loop, GW_OK);
    ask_to_reload(&first);
    assert_int_equal(first.asked.calls, 1);
    ask_to_reload(&second); /* what changed since the first began isn't in that one */
    assert_int_equal(first.asked.calls, 1);
    assert_int_equal(ask(&probe, "GET /livez", "", GW_STR("")), 200);
    assert_int_equal(first.conn.replies + second.conn.replies, 0);
    gw_admin_reloaded(first.admin, GW_E_SYNTAX, GW_STR("one\ntwo\n"));
    assert_int_equal(first.conn.replies, 0); /* another thread told */
    fake_wait(&loop);
    assert_int_equal(first.conn.replies, 1);
    assert_memory_equal(first.conn.reply_head, "HTTP/1.1 422", 12);
    assert_int_equal(second.conn.replies, 0);
    assert_int_equal(first.asked.calls, 2);
    gw_admin_reloaded(first.admin, GW_OK, GW_STR(""));
    fake_wait(&loop);
    assert_int_equal(second.conn.replies, 1);
    assert_memory_equal(second.conn.reply_head, "HTTP/1.1 200", 12);
    assert_int_equal(first.asked.calls, 2);
    gw_arena_fini(&second.conn.arena);
    close_desk(&first);
}

static void reload__that_cant_begin__is_said(void **state)
{
    struct gw_loop loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct desk first;
    struct desk second;

    (void)state;
    open_two(&first, &second, &loop, GW_E_IO);
    ask_to_reload(&first);
    assert_int_equal(first.conn.replies, 1);
    assert_memory_equal(first.conn.reply_head, "HTTP/1.1 422", 12);
    first.asked.status = GW_OK;
    ask_to_reload(&second);
    assert_int_equal(first.asked.calls, 2);
    assert_int_equal(second.conn.replies, 0);
    gw_arena_fini(&second.conn.arena);
    close_desk(&first);
}

static void reload__too_many_that_wait__are_turned_away(void **state)
{
    struct gw_loop loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct desk first;
    struct desk second;

    (void)state;
    open_two(&first, &second, &loop, GW_OK);
    for (int i = 0; i < 64; i++)
        ask_to_reload(&first);
    assert_int_equal(first.conn.replies, 0);
    ask_to_reload(&second);
    assert_int_equal(second.conn.replies, 1);
    assert_memory_equal(second.conn.reply_head, "HTTP/1.1 503", 12);
    gw_arena_fini(&second.conn.arena);
    close_desk(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mock__request_under_its_path__reaches_the_mock_as_it_came),
        cmocka_unit_test(mock__status_and_message__are_what_the_mock_says),
        cmocka_unit_test(mock__reply_past_its_cap__is_500),
        cmocka_unit_test(mock__request_that_the_door_refuses__is_never_seen),
        cmocka_unit_test(mock__without_one__is_404_that_names_the_verb),
        cmocka_unit_test(body__larger_than_usual__is_for_the_state_only),
        cmocka_unit_test(body__larger_than_usual__is_read_for_few_at_a_time),
        cmocka_unit_test(token__all_but_probes__is_asked_for),
        cmocka_unit_test(token__right_one__doesnt_open_the_door_to_pages),
        cmocka_unit_test(token__on_the_status_listener__is_not_asked_for),
        cmocka_unit_test(host__that_cant_be_rebound__is_taken_where_the_listener_is_public),
        cmocka_unit_test(reload__while_it_lasts__others_are_answered),
        cmocka_unit_test(reload__that_cant_begin__is_said),
        cmocka_unit_test(reload__too_many_that_wait__are_turned_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
