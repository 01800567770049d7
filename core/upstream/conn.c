/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connection comes to be, address by address, and goes. What that means for
 * those who wait is pool.c's business.
 */
#include <stdlib.h>

#include "upstream/inner.h"

/* The address that worked last is tried first. */
static size_t find_first(const struct gw_upstream_pool *pool, const struct gw_resolver_answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct gw_address *at = &answer->addresses[i];

        if (at->kind == pool->good.kind && memcmp(at->bytes, pool->good.bytes, sizeof(at->bytes)) == 0)
            return i;
    }
    return 0;
}

struct gw_upstream_conn *gw_upstream_conn_new(struct gw_upstream_pool *pool, const struct gw_resolver_answer *answer,
                                              int64_t since_ms)
{
    struct gw_upstream *upstream = pool->upstream;
    struct gw_upstream_conn *conn = gw_alloc_zero(1, sizeof(*conn));

    gw_client_init(&conn->client, &upstream->room);
    gw_link_init(&conn->idle);
    gw_link_init(&conn->all);
    gw_link_append(&upstream->conns, &conn->all);
    conn->pool = pool;
    conn->opening = true;
    conn->answer = *answer;
    conn->first = find_first(pool, answer);
    conn->connect_by_ms = since_ms + 1 + upstream->options.connect_timeout_ms;
    pool->open++;
    pool->opening++;
    gw_upstream_count(&upstream->counters.open, 1);
    gw_upstream_count(&upstream->counters.connections, 1);
    gw_upstream_keep_ticking(upstream);
    return conn;
}

enum gw_status gw_upstream_conn_open(struct gw_upstream_conn *conn)
{
    struct gw_upstream_pool *pool = conn->pool;
    int64_t now_ms = gw_loop_monotonic_ms(pool->upstream->loop);

    while (conn->tried < conn->answer.count && now_ms < conn->connect_by_ms) {
        int64_t left = (int64_t)(conn->answer.count - conn->tried);
        int64_t share = (conn->connect_by_ms - now_ms) / left;
        const struct gw_client_peer peer = {
            .address = conn->answer.addresses[(conn->first + conn->tried++) % conn->answer.count],
            .port = pool->peer_port,
            .tunnel = pool->tunnel.length > 0 ? gw_buf_str(&pool->tunnel) : GW_STR_NONE,
            .tls = pool->target.is_tls ? pool->upstream->options.tls : NULL,
            .name = pool->target.host,
        };

        conn->deadline_ms = now_ms + 1 + (share > GW_UPSTREAM_ADDRESS_MS ? share : GW_UPSTREAM_ADDRESS_MS);
        if (conn->deadline_ms > conn->connect_by_ms)
            conn->deadline_ms = conn->connect_by_ms;
        if (gw_client_open(&conn->client, &peer) == GW_OK)
            return GW_OK;
    }
    return GW_E_IO;
}

void gw_upstream_conn_close(struct gw_upstream_conn *conn)
{
    struct gw_upstream_pool *pool = conn->pool;

    if (conn->settling)
        pool->settling_count--;
    gw_client_fini(&conn->client);
    gw_link_cut(&conn->all);
    gw_link_cut(&conn->idle);
    pool->open--;
    pool->opening -= conn->opening;
    gw_upstream_count(&pool->upstream->counters.open, -1);
    free(conn->tls_why);
    free(conn);
}
