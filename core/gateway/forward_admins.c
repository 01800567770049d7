/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who administers a cluster of an upstream's: the entries that have the policy, by
 * pages, and of each where it holds, a few at a time.
 *
 *   LISTS -> LOOKS -> KNOWN
 *         -> CONFIRMS -> KNOWN   a 404: the cluster isn't there, or only the policy isn't
 *
 * Whatever can't be told, or is more than is asked for, is a failure.
 */
#include "gateway/forward.h"

#include <stdlib.h>

#include "base/log.h"
#include "codec/uri.h"
#include "eks/access_policy.h"

#define CANDIDATES_MAX 100 /* each is a request */
#define PAGES_MAX      20
#define AT_ONCE        8

enum phase {
    LISTS,
    CONFIRMS,
    LOOKS,
    KNOWN,
    FAILED,
};

struct candidate {
    struct gw_str principal;
    bool administers;
};

struct look {
    struct gw_forward read;
    struct candidate *candidate; /* NULL: it is free */
};

struct gw_forward_admins {
    enum phase phase;
    struct gw_forward list; /* and the confirmation */
    struct gw_str next_token;
    size_t pages;
    struct candidate candidates[CANDIDATES_MAX];
    size_t count;
    size_t begun;
    struct look looks[AT_ONCE];
};

static void on_read(void *ctx, struct gw_upstream_call *call)
{
    struct gw_forward *read = ctx;

    gw_forward_wipe(call);
    read->has_ended = true;
    gw_exchange_resume(read->exchange);
}

/* ".../access-entries[/PRINCIPAL/access-policies]", or the cluster itself. */
static struct gw_str path_of(const struct gw_exchange *exchange, const char *kind, struct gw_str principal)
{
    struct gw_buf text;
    struct gw_str path;

    gw_buf_init(&text, GW_FORWARD_HEAD_MAX);
    gw_buf_append_lit(&text, "/clusters/");
    gw_uri_encode(exchange->call.cluster, false, &text);
    gw_buf_append_str(&text, gw_str_from(kind));
    if (principal.at != NULL) {
        gw_buf_append_byte(&text, '/');
        gw_uri_encode(principal, false, &text);
        gw_buf_append_lit(&text, "/access-policies");
    }
    path = text.overflowed ? GW_STR_NONE : gw_arena_str(exchange->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return path;
}

/* In the order of names, as it is signed. */
static struct gw_str query_of(const struct gw_exchange *exchange, struct gw_str next_token)
{
    struct gw_buf text;
    struct gw_str query;

    gw_buf_init(&text, GW_FORWARD_HEAD_MAX);
    gw_buf_append_lit(&text, "associatedPolicyArn=");
    gw_uri_encode(gw_eks_policy_admin(&exchange->call, exchange->arena), false, &text);
    gw_buf_append_lit(&text, "&maxResults=100");
    if (next_token.at != NULL) {
        gw_buf_append_lit(&text, "&nextToken=");
        gw_uri_encode(next_token, false, &text);
    }
    query = text.overflowed ? GW_STR_NONE : gw_arena_str(exchange->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return query;
}

static void fail(struct gw_exchange *exchange, const char *why)
{
    exchange->forward_admins->phase = FAILED;
    gw_log(GW_LOG_WARN, "upstream", "who administers %.*s isn't told (request %s): %s",
           GW_STR_ARG(exchange->call.cluster), exchange->request_id, why);
}

static void begin_read(struct gw_exchange *exchange, struct gw_str path, struct gw_str query, struct gw_forward *read)
{
    *read = (struct gw_forward){.exchange = NULL};
    gw_forward_read(exchange, path, query, read);
    read->call.on_done = on_read;
    read->call.ctx = read;
    if (path.at == NULL)
        fail(exchange, "a name is too long");
}

static void begin_list(struct gw_exchange *exchange)
{
    struct gw_forward_admins *admins = exchange->forward_admins;
    struct gw_str query = query_of(exchange, admins->next_token);

    begin_read(exchange, path_of(exchange, "/access-entries", GW_STR_NONE), query, &admins->list);
    if (query.at == NULL)
        fail(exchange, "the upstream's nextToken is too long");
    else if (admins->pages++ == PAGES_MAX)
        fail(exchange, "the list of those that have the policy has too many pages");
}

/* True when it is under way, or waits for credentials. */
static bool is_waiting(struct gw_exchange *exchange, struct gw_forward *read)
{
    enum gw_status status;
    struct gw_err err;

    if (read->is_sent || exchange->forward_admins->phase == FAILED)
        return read->is_sent && !read->has_ended;
    status = gw_forward_send(read, &err);
    if (status != GW_OK && status != GW_AGAIN)
        fail(exchange, err.text);
    return exchange->forward_admins->phase != FAILED;
}

/* GW_OK: 200. GW_E_MISSING: there is none. GW_E_IO: untold, and said so. */
static enum gw_status hear(struct gw_exchange *exchange, const struct gw_forward *read)
{
    const struct gw_upstream_call *call = &read->call;
    struct gw_str why;

    if (call->outcome != GW_UPSTREAM_REPLIED) {
        fail(exchange, call->err.text);
        return GW_E_IO;
    }
    if (call->reply.status == 200)
        return GW_OK;
    if (gw_forward_says_absent(read, exchange->arena))
        return GW_E_MISSING;
    (void)gw_forward_doubt(exchange, read);
    why = gw_arena_printf(exchange->arena, "the upstream answered %u %.*s", call->reply.status,
                          GW_STR_ARG(gw_forward_error_type(call)));
    fail(exchange, why.at);
    return GW_E_IO;
}

static int compare(const void *a, const void *b)
{
    return gw_str_compare(((const struct candidate *)a)->principal, ((const struct candidate *)b)->principal);
}

/* Sorted; what two pages show is there once. */
static void begin_looks(struct gw_forward_admins *admins)
{
    size_t kept = 0;

    admins->phase = LOOKS;
    if (admins->count > 0)
        qsort(admins->candidates, admins->count, sizeof(admins->candidates[0]), compare);
    for (size_t i = 0; i < admins->count; i++) {
        if (kept == 0 || !gw_str_equal(admins->candidates[kept - 1].principal, admins->candidates[i].principal))
            admins->candidates[kept++] = admins->candidates[i];
    }
    admins->count = kept;
}

static void take_page(struct gw_exchange *exchange)
{
    struct gw_forward_admins *admins = exchange->forward_admins;
    struct gw_eks_forward_page page;

    if (gw_eks_forward_entries(admins->list.call.reply_body, exchange->arena, &page) != GW_OK) {
        fail(exchange, "the upstream's answer isn't ListAccessEntries's");
        return;
    }
    for (size_t i = 0; i < page.principals->as.array.count; i++) {
        if (admins->count == CANDIDATES_MAX) {
            fail(exchange, "more principals have the policy than are looked at");
            return;
        }
        admins->candidates[admins->count++] =
            (struct candidate){.principal = page.principals->as.array.items[i].as.string};
    }
    admins->next_token = page.next_token;
    if (page.next_token.at != NULL)
        begin_list(exchange);
    else
        begin_looks(admins);
}

/* Gives whether something is awaited. */
static bool run_lists(struct gw_exchange *exchange)
{
    struct gw_forward_admins *admins = exchange->forward_admins;

    while (admins->phase == LISTS) {
        if (is_waiting(exchange, &admins->list))
            return true;
        if (admins->phase != LISTS)
            break;
        switch (hear(exchange, &admins->list)) {
        case GW_OK:
            take_page(exchange);
            break;
        case GW_E_MISSING:
            admins->phase = CONFIRMS;
            begin_read(exchange, path_of(exchange, "", GW_STR_NONE), GW_STR_NONE, &admins->list);
            break;
        default:
            break;
        }
    }
    return false;
}

/* To take a policy that isn't found for a cluster that isn't would tell of no administrators. */
static bool run_confirms(struct gw_exchange *exchange)
{
    struct gw_forward_admins *admins = exchange->forward_admins;

    if (admins->phase != CONFIRMS)
        return false;
    if (is_waiting(exchange, &admins->list))
        return true;
    if (admins->phase != CONFIRMS)
        return false;
    switch (hear(exchange, &admins->list)) {
    case GW_E_MISSING:
        admins->phase = KNOWN;
        break;
    case GW_OK:
        fail(exchange, "the upstream has the cluster, and not the policy");
        break;
    default:
        break;
    }
    return false;
}

static void take_look(struct gw_exchange *exchange, struct look *look)
{
    switch (hear(exchange, &look->read)) {
    case GW_OK:
        if (gw_eks_forward_administers(look->read.call.reply_body, exchange->arena, &look->candidate->administers) !=
            GW_OK)
            fail(exchange, "the upstream's answer isn't ListAssociatedAccessPolicies's, or has pages");
        break;
    case GW_E_MISSING: /* its entry has gone since */
    default:
        break;
    }
    look->candidate = NULL;
}

/* Takes what has come, and begins the next; gives whether the look is busy. */
static bool run_look(struct gw_exchange *exchange, struct look *look)
{
    struct gw_forward_admins *admins = exchange->forward_admins;

    for (;;) {
        if (look->candidate == NULL) {
            if (admins->phase != LOOKS || admins->begun == admins->count)
                return false;
            look->candidate = &admins->candidates[admins->begun++];
            begin_read(exchange, path_of(exchange, "/access-entries", look->candidate->principal),
                       GW_STR("maxResults=100"), &look->read);
        }
        if (is_waiting(exchange, &look->read))
            return true;
        if (!look->read.has_ended)
            return false; /* it has failed */
        take_look(exchange, look);
    }
}

static void finish(struct gw_exchange *exchange)
{
    struct gw_forward_admins *admins = exchange->forward_admins;
    struct gw_str found[CANDIDATES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < admins->count; i++) {
        if (admins->candidates[i].administers)
            found[count++] = admins->candidates[i].principal;
    }
    exchange->facts.admins = gw_json_strings(exchange->arena, found, count);
    exchange->facts.has_admins = true;
    admins->phase = KNOWN;
}

/* Also when it has failed: what is under way ends before the exchange goes on. */
static bool run_looks(struct gw_exchange *exchange)
{
    struct gw_forward_admins *admins = exchange->forward_admins;
    bool is_busy = false;

    for (size_t i = 0; i < AT_ONCE; i++)
        is_busy = run_look(exchange, &admins->looks[i]) || is_busy;
    if (!is_busy && admins->phase == LOOKS)
        finish(exchange);
    return is_busy;
}

enum gw_step gw_forward_admins(struct gw_exchange *exchange)
{
    if (exchange->call.cluster.at == NULL)
        return GW_STEP_DONE;
    if (exchange->forward_admins == NULL) {
        exchange->forward_admins = gw_arena_zero(exchange->arena, 1, sizeof(*exchange->forward_admins));
        begin_list(exchange);
    }
    if (run_lists(exchange) || run_confirms(exchange) || run_looks(exchange))
        return GW_STEP_WAITING;
    return exchange->forward_admins->phase == FAILED ? GW_STEP_FAILED : GW_STEP_DONE;
}
