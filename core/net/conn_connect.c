/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listener that clients take for their HTTPS_PROXY. What they ask for a tunnel to
 * is answered here: the session that they begin in it is this connection's own, and
 * nothing is connected to. No byte may follow before the 200 has left, since a
 * client that waits for it has nothing to say, and what has been read can't be given
 * back to the socket that the session reads from.
 */
#include "net/conn.h"

#include <sys/socket.h>

static const char said_established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

static enum gw_status refuse(struct gw_http1_error *error, unsigned status, const char *reason)
{
    *error = (struct gw_http1_error){status, reason};
    return GW_E_DENIED;
}

static enum gw_status read_connect(struct gw_conn *conn, struct gw_http1_error *error)
{
    const struct gw_server *server = conn->server;
    struct gw_http1_request *request = &conn->work->request;
    struct gw_str data = {conn->input->bytes + conn->start, conn->end - conn->start};
    enum gw_status status = gw_http1_parse_connect(data, &server->options.limits, &conn->scanned, request, error);

    if (status != GW_OK)
        return status;
    if (request->head_length < data.length)
        return refuse(error, 400, "bytes follow CONNECT before it was answered");
    if (server->handler.on_connect == NULL || !server->handler.on_connect(server->handler.ctx, request->host))
        return refuse(error, 403, "no tunnel leads to that host and port");
    return GW_OK;
}

enum gw_status gw_conn_connect(struct gw_conn *conn, struct gw_http1_error *error)
{
    enum gw_status status;

    if (conn->start == conn->end)
        return GW_AGAIN;
    if (conn->work == NULL)
        gw_conn_pool_take_work(conn);
    status = read_connect(conn, error);
    if (status != GW_OK && status != GW_AGAIN) {
        conn->next = conn->end;
        return status;
    }
    gw_conn_pool_give_work(conn);
    if (status == GW_AGAIN)
        return status;
    gw_conn_pool_give_input(conn);
    conn->start = conn->next = conn->end = conn->scanned = 0;
    /* The first bytes of a connection: the kernel has room for them, or it is lost, which the handshake notices. */
    (void)send(conn->fd, said_established, sizeof(said_established) - 1, MSG_NOSIGNAL);
    conn->state = GW_CONN_HANDSHAKE;
    gw_conn_tls_begin(conn);
    return GW_OK;
}
