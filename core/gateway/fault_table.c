/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what an operator ordered, and counting requests against it. What is
 * read is hostile: unknown members and wrong types are refused by name, so that a
 * misspelt order isn't one that silently never comes.
 */
#include "gateway/fault_table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "codec/digest.h"
#include "eks/service.h"

#define CLUSTER_MAX 100
#define MESSAGE_MAX 1024
#define COUNT_MAX   INT64_C(1000000000)

/* One order; texts live in the table's arena. */
struct order {
    struct gw_str operation; /* {NULL,0}: all */
    struct gw_str cluster;   /* {NULL,0}: all */
    struct gw_fault fault;
    double delay_s; /* as given */
    uint64_t after;
    bool bounded; /* `times` was given */
    uint64_t times;
    double probability;
    uint64_t matched;
    uint64_t hits;
};

struct gw_fault_table {
    struct gw_fault_chance chance;
    _Atomic size_t count; /* a request that finds 0 takes no lock */
    pthread_mutex_t lock; /* of what follows */
    struct order *orders;
    struct gw_arena arena;
};

/* Where a reader is, for its messages. */
struct reader {
    size_t element;
    struct gw_arena *arena;
    struct gw_err *err;
};

struct gw_fault_table *gw_fault_table_new(const struct gw_fault_chance *chance)
{
    struct gw_fault_table *table = gw_alloc_zero(1, sizeof(*table));

    table->chance = *chance;
    (void)pthread_mutex_init(&table->lock, NULL);
    gw_arena_init(&table->arena, 0);
    return table;
}

void gw_fault_table_free(struct gw_fault_table **table)
{
    struct gw_fault_table *t = *table;

    if (t == NULL)
        return;
    *table = NULL;
    gw_arena_fini(&t->arena);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

static enum gw_status wrong(const struct reader *reader, const char *member, const char *what)
{
    return gw_fail(reader->err, GW_E_SYNTAX, "faults[%zu]%s%s: %s", reader->element, member[0] == '\0' ? "" : ".",
                   member, what);
}

static bool is_operation(struct gw_str name)
{
    for (size_t i = 0; i < GW_EKS_OP_COUNT; i++) {
        if (gw_str_is(name, gw_eks_ops[i].name))
            return true;
    }
    return false;
}

static enum gw_status read_text(const struct reader *reader, const char *member, const struct gw_json *value,
                                size_t max, struct gw_str *text)
{
    if (value->type != GW_JSON_STRING || value->as.string.length == 0 || value->as.string.length > max)
        return gw_fail(reader->err, GW_E_SYNTAX, "faults[%zu].%s: must be a string of 1 to %zu bytes", reader->element,
                       member, max);
    *text = gw_arena_str(reader->arena, value->as.string);
    return GW_OK;
}

static enum gw_status read_count(const struct reader *reader, const char *member, const struct gw_json *value,
                                 uint64_t *count)
{
    if (value->type != GW_JSON_INTEGER || value->as.integer < 0 || value->as.integer > COUNT_MAX)
        return wrong(reader, member, "must be a whole number, 0 to 1000000000");
    *count = (uint64_t)value->as.integer;
    return GW_OK;
}

static enum gw_status read_number(const struct reader *reader, const char *member, const struct gw_json *value,
                                  double max, double *number)
{
    double found = value->type == GW_JSON_INTEGER ? (double)value->as.integer : value->as.real;

    if ((value->type != GW_JSON_INTEGER && value->type != GW_JSON_REAL) || !(found >= 0 && found <= max))
        return gw_fail(reader->err, GW_E_SYNTAX, "faults[%zu].%s: must be a number, 0 to %g", reader->element, member,
                       max);
    *number = found;
    return GW_OK;
}

static enum gw_status read_operation(const struct reader *reader, const struct gw_json *value, struct order *order)
{
    struct gw_str name = GW_STR_NONE;

    if (value->type == GW_JSON_STRING)
        name = value->as.string;
    if (!gw_str_is(name, "*") && !is_operation(name))
        return wrong(reader, "operation", "must be \"*\" or an operation of EKS, such as \"CreateAccessEntry\"");
    order->operation = gw_str_is(name, "*") ? GW_STR_NONE : gw_arena_str(reader->arena, name);
    return GW_OK;
}

static enum gw_status set_kind(const struct reader *reader, const char *member, enum gw_fault_kind kind,
                               struct order *order)
{
    if (order->fault.kind != GW_FAULT_NONE)
        return wrong(reader, member, "must be alone: error, delay and drop exclude each other");
    order->fault.kind = kind;
    return GW_OK;
}

static enum gw_status read_error(const struct reader *reader, const struct gw_json *value, struct order *order)
{
    enum gw_eks_error_code code;

    if (value->type != GW_JSON_STRING || gw_eks_error_find(value->as.string, &code) != GW_OK)
        return wrong(reader, "error", "must be an exception of EKS, such as \"ThrottlingException\"");
    order->fault.error = gw_arena_str(reader->arena, value->as.string);
    return set_kind(reader, "error", GW_FAULT_ERROR, order);
}

static enum gw_status read_delay(const struct reader *reader, const struct gw_json *value, struct order *order)
{
    enum gw_status status = read_number(reader, "delay", value, (double)GW_FAULT_DELAY_MAX_MS / 1000, &order->delay_s);

    if (status != GW_OK)
        return status;
    order->fault.delay_ms = (unsigned)(order->delay_s * 1000 + 0.5);
    return set_kind(reader, "delay", GW_FAULT_DELAY, order);
}

static enum gw_status read_drop(const struct reader *reader, const struct gw_json *value, struct order *order)
{
    if (value->type != GW_JSON_BOOL || !value->as.boolean)
        return wrong(reader, "drop", "must be true");
    return set_kind(reader, "drop", GW_FAULT_DROP, order);
}

static enum gw_status read_member(const struct reader *reader, const struct gw_json_member *member, struct order *order)
{
    struct gw_str name = member->name;
    const struct gw_json *value = &member->value;

    if (gw_str_is(name, "operation"))
        return read_operation(reader, value, order);
    if (gw_str_is(name, "cluster"))
        return read_text(reader, "cluster", value, CLUSTER_MAX, &order->cluster);
    if (gw_str_is(name, "error"))
        return read_error(reader, value, order);
    if (gw_str_is(name, "message"))
        return read_text(reader, "message", value, MESSAGE_MAX, &order->fault.message);
    if (gw_str_is(name, "delay"))
        return read_delay(reader, value, order);
    if (gw_str_is(name, "drop"))
        return read_drop(reader, value, order);
    if (gw_str_is(name, "after"))
        return read_count(reader, "after", value, &order->after);
    if (gw_str_is(name, "times")) {
        order->bounded = true;
        return read_count(reader, "times", value, &order->times);
    }
    if (gw_str_is(name, "probability"))
        return read_number(reader, "probability", value, 1, &order->probability);
    if (gw_str_is(name, "hits"))
        return GW_OK; /* what gw_fault_table_encode adds */
    return gw_fail(reader->err, GW_E_SYNTAX,
                   "faults[%zu]: has no member %.*s; accepted: operation, cluster, error, message, delay, drop, "
                   "after, times, probability",
                   reader->element, name.length > 40 ? 40 : (int)name.length, name.at);
}

static enum gw_status read_order(const struct reader *reader, const struct gw_json *value, struct order *order)
{
    enum gw_status status = GW_OK;

    *order = (struct order){.probability = 1};
    if (value->type != GW_JSON_OBJECT)
        return wrong(reader, "", "must be an object");
    for (size_t i = 0; i < value->as.object.count && status == GW_OK; i++)
        status = read_member(reader, &value->as.object.members[i], order);
    if (status != GW_OK)
        return status;
    if (gw_json_get(value, "operation") == NULL)
        return wrong(reader, "operation", "is missing");
    if (order->fault.kind == GW_FAULT_NONE)
        return wrong(reader, "", "must have error, delay or drop");
    if (order->fault.message.at != NULL && order->fault.kind != GW_FAULT_ERROR)
        return wrong(reader, "message", "goes with error only");
    return GW_OK;
}

static enum gw_status read_orders(struct gw_str json, struct gw_arena *scratch, struct gw_arena *arena,
                                  struct order **orders, size_t *count, struct gw_err *err)
{
    struct reader reader = {.arena = arena, .err = err};
    const struct gw_json *list;
    struct gw_json value;
    enum gw_status status = gw_json_parse(json, scratch, &value, err);

    if (status != GW_OK)
        return status;
    list = gw_json_get(&value, "faults");
    if (list == NULL || list->type != GW_JSON_ARRAY || value.as.object.count != 1)
        return gw_fail(err, GW_E_SYNTAX, "must be {\"faults\":[...]}");
    if (list->as.array.count > GW_FAULT_TABLE_MAX)
        return gw_fail(err, GW_E_LIMIT, "faults: has more than %d elements", GW_FAULT_TABLE_MAX);
    *count = list->as.array.count;
    *orders = gw_arena_zero(arena, *count, sizeof(**orders));
    for (; reader.element < *count && status == GW_OK; reader.element++)
        status = read_order(&reader, &list->as.array.items[reader.element], &(*orders)[reader.element]);
    return status;
}

/* takes: what `arena` holds. */
static void replace(struct gw_fault_table *table, struct gw_arena *arena, struct order *orders, size_t count)
{
    struct gw_arena old;

    (void)pthread_mutex_lock(&table->lock);
    old = table->arena;
    table->arena = *arena;
    table->orders = orders;
    atomic_store(&table->count, count);
    (void)pthread_mutex_unlock(&table->lock);
    gw_arena_fini(&old);
}

enum gw_status gw_fault_table_set(struct gw_fault_table *table, struct gw_str json, struct gw_err *err)
{
    struct gw_arena scratch;
    struct gw_arena arena;
    struct order *orders = NULL;
    size_t count = 0;
    enum gw_status status;

    gw_arena_init(&scratch, 0);
    gw_arena_init(&arena, 0);
    status = read_orders(json, &scratch, &arena, &orders, &count, err);
    gw_arena_fini(&scratch);
    if (status == GW_OK)
        replace(table, &arena, orders, count);
    else
        gw_arena_fini(&arena);
    return status;
}

void gw_fault_table_clear(struct gw_fault_table *table)
{
    struct gw_arena arena;

    gw_arena_init(&arena, 0);
    replace(table, &arena, NULL, 0);
}

/* 0 inclusive to 1 exclusive, 53 bits of it. */
static double draw(const struct gw_fault_table *table, size_t element, uint64_t matched)
{
    unsigned char bytes[GW_DIGEST_SIZE];
    const uint64_t words[] = {table->chance.seed, element, matched};
    uint64_t word;

    if (table->chance.seeded)
        gw_digest_sha256((struct gw_str){(const char *)words, sizeof(words)}, bytes);
    else
        gw_random_fill(table->chance.random, bytes, sizeof(word));
    memcpy(&word, bytes, sizeof(word));
    return (double)(word >> 11) / (double)(UINT64_C(1) << 53);
}

static bool matches(const struct order *order, struct gw_str operation, struct gw_str cluster)
{
    return (order->operation.at == NULL || gw_str_equal(order->operation, operation)) &&
           (order->cluster.at == NULL || gw_str_equal(order->cluster, cluster));
}

/* Counts the request and says whether it is hit. */
static bool hits(const struct gw_fault_table *table, struct order *order)
{
    size_t element = (size_t)(order - table->orders);

    if (order->matched++ < order->after || (order->bounded && order->hits >= order->times))
        return false;
    if (order->probability < 1 && draw(table, element, order->matched) >= order->probability)
        return false;
    order->hits++;
    return true;
}

void gw_fault_table_take(struct gw_fault_table *table, struct gw_str operation, struct gw_str cluster,
                         struct gw_arena *arena, struct gw_fault *fault)
{
    *fault = (struct gw_fault){.kind = GW_FAULT_NONE};
    if (atomic_load_explicit(&table->count, memory_order_relaxed) == 0)
        return;
    (void)pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->count; i++) {
        struct order *order = &table->orders[i];

        if (!matches(order, operation, cluster) || !hits(table, order))
            continue;
        *fault = order->fault;
        fault->error = gw_arena_str(arena, fault->error);
        if (fault->message.at != NULL)
            fault->message = gw_arena_str(arena, fault->message);
        break;
    }
    (void)pthread_mutex_unlock(&table->lock);
}

static void encode_text(const char *member, struct gw_str text, struct gw_buf *out)
{
    if (text.at == NULL)
        return;
    gw_buf_printf(out, ",\"%s\":", member);
    gw_json_encode_string(text, out);
}

static void encode_number(const char *member, double number, struct gw_buf *out)
{
    struct gw_json value = {.type = GW_JSON_REAL, .as.real = number};

    gw_buf_printf(out, ",\"%s\":", member);
    gw_json_encode(&value, out);
}

static void encode_order(const struct order *order, struct gw_buf *out)
{
    gw_buf_append_lit(out, "{\"operation\":");
    gw_json_encode_string(order->operation.at == NULL ? GW_STR("*") : order->operation, out);
    encode_text("cluster", order->cluster, out);
    if (order->fault.kind == GW_FAULT_ERROR) {
        encode_text("error", order->fault.error, out);
        encode_text("message", order->fault.message, out);
    } else if (order->fault.kind == GW_FAULT_DELAY) {
        encode_number("delay", order->delay_s, out);
    } else {
        gw_buf_append_lit(out, ",\"drop\":true");
    }
    if (order->after > 0)
        gw_buf_printf(out, ",\"after\":%llu", (unsigned long long)order->after);
    if (order->bounded)
        gw_buf_printf(out, ",\"times\":%llu", (unsigned long long)order->times);
    if (order->probability < 1)
        encode_number("probability", order->probability, out);
    gw_buf_printf(out, ",\"hits\":%llu}", (unsigned long long)order->hits);
}

void gw_fault_table_encode(struct gw_fault_table *table, struct gw_buf *out)
{
    gw_buf_append_lit(out, "{\"faults\":[");
    (void)pthread_mutex_lock(&table->lock);
    for (size_t i = 0; i < table->count; i++) {
        if (i > 0)
            gw_buf_append_byte(out, ',');
        encode_order(&table->orders[i], out);
    }
    (void)pthread_mutex_unlock(&table->lock);
    gw_buf_append_lit(out, "]}\n");
}
