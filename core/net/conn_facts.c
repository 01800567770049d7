/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler asks of a connection and its request. Of a session it may ask
 * after the client is lost: conn_pool.c frees it with the connection.
 */
#include "net/conn.h"

#include "net/proxy.h"

void gw_conn_find_source(struct gw_conn *conn)
{
    const struct gw_server *server = conn->server;
    struct gw_conn_work *work = conn->work;
    struct gw_address source;

    if (server->trusted_count == 0 || work->request.index[GW_HEADER_X_FORWARDED_FOR] == 0)
        return;
    source = gw_proxy_source(&work->request, &conn->peer, server->trusted, server->trusted_count);
    work->source_length = gw_address_print(&source, work->source);
}

const struct gw_http1_request *gw_conn_request(const struct gw_conn *conn)
{
    return conn->has_request ? &conn->work->request : NULL;
}

struct gw_str gw_conn_body(const struct gw_conn *conn)
{
    return conn->work->body_view;
}

struct gw_arena *gw_conn_arena(struct gw_conn *conn)
{
    return &conn->work->arena;
}

struct gw_str gw_conn_source_ip(const struct gw_conn *conn)
{
    if (conn->work != NULL && conn->work->source_length > 0)
        return (struct gw_str){conn->work->source, conn->work->source_length};
    return (struct gw_str){conn->source, conn->source_length};
}

bool gw_conn_is_unix(const struct gw_conn *conn)
{
    return conn->peer.kind == GW_ADDRESS_UNIX;
}

bool gw_conn_is_alive(const struct gw_conn *conn)
{
    return conn->fd >= 0;
}

void gw_conn_set_user(struct gw_conn *conn, void *user)
{
    conn->user = user;
}

void *gw_conn_user(const struct gw_conn *conn)
{
    return conn->user;
}

struct gw_str gw_conn_tls_subject(const struct gw_conn *conn)
{
    return conn->tls != NULL ? gw_tls_client_subject(conn->tls) : GW_STR_NONE;
}

bool gw_conn_is_tls(const struct gw_conn *conn)
{
    return conn->tls != NULL;
}
