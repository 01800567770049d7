/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines without a timer each: every kind lasts the same for all connections,
 * so its list is in order when each new one goes to the tail. One coarse tick
 * looks at the fronts.
 */
#include "net/conn.h"

static unsigned duration_ms(const struct gw_server *server, enum gw_conn_deadline kind)
{
    switch (kind) {
    case GW_DEADLINE_HEAD:
        return server->options.head_timeout_ms;
    case GW_DEADLINE_BODY:
        return server->options.body_timeout_ms;
    case GW_DEADLINE_REPLY:
        return server->options.reply_timeout_ms;
    case GW_DEADLINE_IDLE:
        return server->options.idle_timeout_ms;
    case GW_DEADLINE_LINGER:
    case GW_DEADLINE_COUNT:
        break;
    }
    return GW_CONN_LINGER_MS;
}

void gw_conn_deadline_set(struct gw_conn *conn, enum gw_conn_deadline kind)
{
    struct gw_server *server = conn->server;

    gw_link_cut(&conn->by_deadline);
    conn->deadline = kind;
    conn->deadline_ms = gw_loop_monotonic_ms(server->loop) + 1 + duration_ms(server, kind);
    gw_link_append(&server->deadlines[kind], &conn->by_deadline);
}

void gw_conn_deadline_clear(struct gw_conn *conn)
{
    gw_link_cut(&conn->by_deadline);
    conn->deadline = GW_DEADLINE_NONE;
}

void gw_conn_deadline_check(struct gw_server *server)
{
    int64_t now = gw_loop_monotonic_ms(server->loop);

    for (int kind = 0; kind < GW_DEADLINE_COUNT; kind++) {
        struct gw_link *list = &server->deadlines[kind];

        while (!gw_link_is_empty(list)) {
            struct gw_conn *conn = GW_LINK_OF(list->after, struct gw_conn, by_deadline);

            if (conn->deadline_ms > now)
                break;
            gw_conn_deadline_clear(conn);
            gw_conn_expire(conn, (enum gw_conn_deadline)kind);
        }
    }
}
