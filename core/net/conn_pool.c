/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of connections, kept in free lists so that a steady stream of requests
 * allocates nothing. The last one given back is taken first: it is in the cache.
 * What a rare large request made grow goes back to the system.
 */
#include "net/conn.h"

#include <stdlib.h>

#define KEPT_CONNS  1024
#define KEPT_WORKS  64
#define KEPT_INPUTS 64

struct gw_conn *gw_conn_pool_take(struct gw_server *server)
{
    struct gw_conn *conn = server->free_conns;

    if (conn != NULL) {
        server->free_conns = conn->user;
        server->free_conn_count--;
    } else {
        conn = gw_alloc(sizeof(*conn));
    }
    memset(conn, 0, sizeof(*conn));
    conn->server = server;
    conn->fd = -1;
    conn->deadline = GW_DEADLINE_NONE;
    conn->fresh = true;
    gw_buf_init(&conn->out, SIZE_MAX / 2);
    gw_link_init(&conn->all);
    gw_link_init(&conn->by_deadline);
    gw_link_init(&conn->resumed);
    return conn;
}

void gw_conn_pool_give(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;

    gw_tls_free(&conn->tls);
    gw_buf_fini(&conn->out);
    gw_conn_pool_give_input(conn);
    gw_conn_pool_give_work(conn);
    if (server->free_conn_count >= KEPT_CONNS) {
        free(conn);
        return;
    }
    conn->user = server->free_conns;
    server->free_conns = conn;
    server->free_conn_count++;
}

void gw_conn_pool_take_work(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;
    struct gw_conn_work *work = server->free_works;

    if (work != NULL) {
        server->free_works = work->next_free;
        server->free_work_count--;
    } else {
        work = gw_alloc(sizeof(*work));
        gw_arena_init(&work->arena, GW_CONN_ARENA);
        gw_buf_init(&work->body, server->options.limits.body_bytes);
    }
    work->body_view = GW_STR("");
    work->source_length = 0;
    conn->work = work;
}

static void free_work(struct gw_conn_work *work)
{
    gw_arena_fini(&work->arena);
    gw_buf_fini(&work->body);
    free(work);
}

void gw_conn_pool_give_work(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;
    struct gw_conn_work *work = conn->work;

    if (work == NULL)
        return;
    conn->work = NULL;
    if (server->free_work_count >= KEPT_WORKS || work->arena.taken > GW_CONN_KEPT ||
        work->body.capacity > GW_CONN_KEPT) {
        free_work(work);
        return;
    }
    gw_arena_reset(&work->arena);
    gw_buf_clear(&work->body);
    work->next_free = server->free_works;
    server->free_works = work;
    server->free_work_count++;
}

void gw_conn_pool_take_input(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;
    struct gw_conn_input *input = server->free_inputs;

    if (input != NULL) {
        server->free_inputs = input->next_free;
        server->free_input_count--;
    } else {
        input = gw_alloc(sizeof(*input) + GW_CONN_INPUT);
        input->capacity = GW_CONN_INPUT;
    }
    conn->input = input;
}

void gw_conn_pool_give_input(struct gw_conn *conn)
{
    struct gw_server *server = conn->server;
    struct gw_conn_input *input = conn->input;

    if (input == NULL)
        return;
    conn->input = NULL;
    if (server->free_input_count >= KEPT_INPUTS || input->capacity != GW_CONN_INPUT) {
        free(input);
        return;
    }
    input->next_free = server->free_inputs;
    server->free_inputs = input;
    server->free_input_count++;
}

void gw_conn_pool_fini(struct gw_server *server)
{
    while (server->free_conns != NULL) {
        struct gw_conn *conn = server->free_conns;

        server->free_conns = conn->user;
        free(conn);
    }
    while (server->free_works != NULL) {
        struct gw_conn_work *work = server->free_works;

        server->free_works = work->next_free;
        free_work(work);
    }
    while (server->free_inputs != NULL) {
        struct gw_conn_input *input = server->free_inputs;

        server->free_inputs = input->next_free;
        free(input);
    }
}
