/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of blocks, each with a request's text and the names that it is found by.
 */
#include "gateway/requests.h"

#include <pthread.h>
#include <stdlib.h>

struct note {
    struct note *next;
    size_t size;
    struct gw_requests_names names; /* views of the block */
    struct gw_str text;
};

struct gw_requests {
    size_t max;
    pthread_mutex_t lock; /* of what follows */
    struct note *first;
    struct note **end;
    size_t count;
    size_t bytes;
    uint64_t dropped;
};

struct gw_requests *gw_requests_new(size_t max)
{
    struct gw_requests *requests = gw_alloc_zero(1, sizeof(*requests));

    requests->max = max;
    requests->end = &requests->first;
    (void)pthread_mutex_init(&requests->lock, NULL);
    return requests;
}

/* Under the lock. */
static void drop_first(struct gw_requests *requests)
{
    struct note *note = requests->first;

    requests->first = note->next;
    if (requests->first == NULL)
        requests->end = &requests->first;
    requests->count--;
    requests->bytes -= note->size;
    free(note);
}

void gw_requests_clear(struct gw_requests *requests)
{
    (void)pthread_mutex_lock(&requests->lock);
    while (requests->first != NULL)
        drop_first(requests);
    requests->dropped = 0;
    (void)pthread_mutex_unlock(&requests->lock);
}

void gw_requests_free(struct gw_requests **requests)
{
    if (*requests == NULL)
        return;
    gw_requests_clear(*requests);
    (void)pthread_mutex_destroy(&(*requests)->lock);
    free(*requests);
    *requests = NULL;
}

static struct gw_str put(char **at, struct gw_str text)
{
    struct gw_str copy = {*at, text.length};

    if (text.at == NULL)
        return GW_STR_NONE;
    memcpy(*at, text.at, text.length);
    *at += text.length;
    return copy;
}

static struct note *note_new(const struct gw_requests_names *names, struct gw_str text)
{
    size_t size =
        sizeof(struct note) + names->operation.length + names->principal.length + names->cluster.length + text.length;
    struct note *note = gw_alloc(size);
    char *at = (char *)(note + 1);

    *note = (struct note){.size = size};
    note->names.operation = put(&at, names->operation);
    note->names.principal = put(&at, names->principal);
    note->names.cluster = put(&at, names->cluster);
    note->text = put(&at, text);
    return note;
}

void gw_requests_add(struct gw_requests *requests, const struct gw_requests_names *names, struct gw_str text)
{
    struct note *note;

    if (requests->max == 0)
        return;
    note = note_new(names, text);
    (void)pthread_mutex_lock(&requests->lock);
    *requests->end = note;
    requests->end = &note->next;
    requests->count++;
    requests->bytes += note->size;
    while (requests->count > requests->max || requests->bytes > GW_REQUESTS_BYTES_MAX) {
        drop_first(requests);
        requests->dropped++;
    }
    (void)pthread_mutex_unlock(&requests->lock);
}

static bool is_asked_for(struct gw_str wanted, struct gw_str name)
{
    return wanted.at == NULL || (name.at != NULL && gw_str_equal(wanted, name));
}

void gw_requests_encode(struct gw_requests *requests, const struct gw_requests_names *names, struct gw_buf *out)
{
    const char *comma = "";

    gw_buf_append_lit(out, "{\"requests\":[");
    (void)pthread_mutex_lock(&requests->lock);
    for (const struct note *note = requests->first; note != NULL; note = note->next) {
        if (!is_asked_for(names->operation, note->names.operation) ||
            !is_asked_for(names->principal, note->names.principal) ||
            !is_asked_for(names->cluster, note->names.cluster))
            continue;
        gw_buf_printf(out, "%s", comma);
        gw_buf_append_str(out, note->text);
        comma = ",";
    }
    gw_buf_printf(out, "],\"dropped\":%llu}\n", (unsigned long long)requests->dropped);
    (void)pthread_mutex_unlock(&requests->lock);
}
