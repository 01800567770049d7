/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading operations without knowing them. The SDK calls the first label of almost
 * all of them clusterName, where the path says {name}.
 *
 * EKS takes each parameter from one place: the path, the query of a GET or DELETE,
 * the body of a POST or PUT. Other servers look in several and let one win, and
 * policies would have seen the other; so whatever stands where it doesn't belong is
 * refused.
 */
#include "eks/any.h"

#include "codec/sigv4.h"
#include "codec/uri.h"
#include "eks/cluster.h"
#include "eks/error.h"

/* Members of the model's queries that are no single text. */
static const char *const lists[] = {"clusterVersions", "include", "includeStatus", "owners",
                                    "publishers",      "tagKeys", "types"};
static const char *const booleans[] = {"defaultOnly", "includeAll", "preserve"};

static bool is_one_of(struct gw_str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_is(name, names[i]))
            return true;
    }
    return false;
}

/* Operations on the cluster itself call it `name`. */
static const char *label_name(const struct gw_eks_call *call, struct gw_str name)
{
    bool is_own = call->op == GW_EKS_UpdateClusterVersion || call->op == GW_EKS_DeregisterCluster;

    if (gw_str_is(name, "name"))
        return is_own ? "name" : "clusterName";
    return gw_arena_str(call->arena, name).at;
}

/* Labels are names or ARNs: only these hold what splits a path where somebody decodes first. */
enum gw_uri_kind gw_eks_any_label_kind(struct gw_str segment)
{
    size_t before = segment.length < 4 ? 0 : segment.length - 4;

    return gw_str_is(gw_str_slice(segment, before, 4), "Arn}") ? GW_URI_ARN : GW_URI_NAME;
}

/* Whether a label is called so, in the path or by SDKs, in letters of any case. */
static bool is_label(const struct gw_eks_call *call, struct gw_str name)
{
    struct gw_str rest = gw_str_from(gw_eks_ops[call->op].path + 1);

    while (rest.at != NULL) {
        struct gw_str segment = gw_str_split(&rest, '/');
        struct gw_str label = gw_str_slice(segment, 1, segment.length < 2 ? 0 : segment.length - 2);

        if (segment.length == 0 || segment.at[0] != '{')
            continue;
        if (gw_str_equal_nocase(label, name) ||
            (gw_str_is(label, "name") && gw_str_equal_nocase(name, GW_STR("clusterName"))))
            return true;
    }
    return false;
}

bool gw_eks_any_has_body(enum gw_eks_op op)
{
    return gw_eks_ops[op].method == GW_METHOD_POST || gw_eks_ops[op].method == GW_METHOD_PUT;
}

/* A name as messages repeat it. */
static int shown(struct gw_str name)
{
    return (int)(name.length < 64 ? name.length : 64);
}

static enum gw_status check_place(struct gw_eks_call *call, const struct gw_json *members, bool belongs,
                                  const char *place, struct gw_eks_error *error)
{
    for (size_t i = 0; i < members->as.object.count; i++) {
        struct gw_str name = members->as.object.members[i].name;

        if (!belongs || is_label(call, name))
            return gw_eks_error_invalid(call, error, "The %.*s parameter does not belong into the %s.", shown(name),
                                        name.at, place);
    }
    return GW_OK;
}

static enum gw_status read_labels(struct gw_eks_call *call, struct gw_eks_any_input *in, struct gw_eks_error *error)
{
    struct gw_str rest = gw_str_from(gw_eks_ops[call->op].path + 1);
    size_t at = 0;

    if (gw_str_starts(rest, GW_STR("clusters/{name}")) && gw_eks_cluster_decode(call, error) != GW_OK)
        return GW_E_DENIED;
    while (rest.at != NULL && at < call->label_count) {
        struct gw_str segment = gw_str_split(&rest, '/');
        struct gw_str value;
        const char *name;

        if (segment.length < 3 || segment.at[0] != '{')
            continue;
        name = label_name(call, gw_str_slice(segment, 1, segment.length - 2));
        if (gw_uri_decode(call->raw_labels[at++], gw_eks_any_label_kind(segment), call->arena, &value) != GW_OK ||
            value.length == 0)
            return gw_eks_error_invalid(call, error, "The %s parameter is not valid text.", name);
        gw_json_set(call->arena, &in->labels, gw_str_from(name), gw_json_string(value));
    }
    return GW_OK;
}

/* A member of a list behind those that are there. */
static void add_to_list(struct gw_eks_call *call, struct gw_json *params, struct gw_str name, struct gw_str value)
{
    const struct gw_json *had = gw_json_get(params, name.at);
    size_t count = had == NULL ? 0 : had->as.array.count;
    struct gw_json array = {.type = GW_JSON_ARRAY};

    array.as.array.items = gw_arena_zero(call->arena, count + 1, sizeof(struct gw_json));
    if (count > 0)
        memcpy(array.as.array.items, had->as.array.items, count * sizeof(struct gw_json));
    array.as.array.items[count] = gw_json_string(value);
    array.as.array.count = count + 1;
    gw_json_set(call->arena, params, name, array);
}

static struct gw_json typed(struct gw_str name, struct gw_str value)
{
    uint64_t number;

    if (gw_str_is(name, "maxResults") && gw_str_parse_u64(value, INT32_MAX, &number) == GW_OK)
        return gw_json_integer((int64_t)number);
    if (is_one_of(name, booleans, GW_COUNT(booleans)) && (gw_str_is(value, "true") || gw_str_is(value, "false")))
        return gw_json_bool(gw_str_is(value, "true"));
    return gw_json_string(value);
}

static enum gw_status read_params(struct gw_eks_call *call, struct gw_eks_any_input *in, struct gw_eks_error *error)
{
    struct gw_str rest = call->query;
    struct gw_str raw_name;
    struct gw_str raw_value;
    size_t count = 0;

    while (gw_uri_query_next(&rest, &raw_name, &raw_value)) {
        struct gw_str name;
        struct gw_str value;

        if (++count > GW_SIGV4_PARAMS_MAX)
            return gw_eks_error_invalid(call, error, "The query string has more than %d parameters.",
                                        GW_SIGV4_PARAMS_MAX);
        if (gw_uri_decode(raw_name, GW_URI_TEXT, call->arena, &name) != GW_OK ||
            gw_uri_decode(raw_value, GW_URI_TEXT, call->arena, &value) != GW_OK)
            return gw_eks_error_invalid(call, error, "The query string is not valid text.");
        if (gw_str_equal_nocase(gw_str_slice(name, 0, 6), GW_STR("x-amz-")))
            continue;
        name = gw_arena_str(call->arena, name);
        if (is_one_of(name, lists, GW_COUNT(lists)))
            add_to_list(call, &in->params, name, value);
        else if (gw_json_get(&in->params, name.at) != NULL)
            return gw_eks_error_invalid(call, error, "The %.*s parameter must not be given more than once.",
                                        shown(name), name.at);
        else
            gw_json_set(call->arena, &in->params, name, typed(name, value));
    }
    return GW_OK;
}

static enum gw_status read_body(struct gw_eks_call *call, struct gw_eks_any_input *in, struct gw_eks_error *error)
{
    struct gw_err err;

    if (call->body.length == 0)
        return GW_OK;
    if (gw_json_parse(call->body, call->arena, &in->body, &err) != GW_OK)
        return gw_eks_error_invalid(call, error, "The request body is not valid JSON: %s", err.text);
    if (in->body.type != GW_JSON_OBJECT)
        return gw_eks_error_invalid(call, error, "The request body must be a JSON object.");
    return GW_OK;
}

static enum gw_status read_rest(struct gw_eks_call *call, struct gw_eks_any_input *in, struct gw_eks_error *error)
{
    bool has_body = gw_eks_any_has_body(call->op);
    enum gw_status status = read_params(call, in, error);

    if (status == GW_OK)
        status = read_body(call, in, error);
    if (status == GW_OK)
        status = check_place(call, &in->params, !has_body, "query", error);
    if (status == GW_OK)
        status = check_place(call, &in->body, has_body, "body", error);
    return status;
}

static struct gw_eks_any_input *new_input(struct gw_eks_call *call)
{
    struct gw_eks_any_input *in = gw_arena_zero(call->arena, 1, sizeof(*in));

    in->body.type = in->params.type = in->labels.type = GW_JSON_OBJECT;
    call->any = in;
    return in;
}

static enum gw_status decode(struct gw_eks_call *call, struct gw_eks_error *error)
{
    struct gw_eks_any_input *in = new_input(call);
    enum gw_status status = read_labels(call, in, error);

    return status == GW_OK ? read_rest(call, in, error) : status;
}

enum gw_status gw_eks_any_decode_rest(struct gw_eks_call *call, struct gw_eks_error *error)
{
    if (call->query.length == 0 && call->body.length == 0)
        return GW_OK;
    return read_rest(call, new_input(call), error);
}

/* Appends what `from` has and the first `fixed` members don't: where a name travels twice, the path's word counts, then
 * the query's. */
static void append_members(const struct gw_json *from, size_t fixed, struct gw_json *to)
{
    for (size_t i = 0; i < from->as.object.count; i++) {
        const struct gw_json_member *member = &from->as.object.members[i];
        bool is_there = false;

        for (size_t k = 0; k < fixed && !is_there; k++)
            is_there = gw_str_equal(to->as.object.members[k].name, member->name);
        if (!is_there)
            to->as.object.members[to->as.object.count++] = *member;
    }
}

static struct gw_json join(struct gw_eks_call *call, const struct gw_json *first, const struct gw_eks_any_input *in)
{
    size_t count = first->as.object.count + in->params.as.object.count + in->body.as.object.count;
    struct gw_json all = {.type = GW_JSON_OBJECT};

    all.as.object.members = gw_arena_zero(call->arena, count + 1, sizeof(struct gw_json_member));
    append_members(first, 0, &all);
    append_members(&in->params, all.as.object.count, &all);
    append_members(&in->body, all.as.object.count, &all);
    return all;
}

static void view(struct gw_eks_call *call)
{
    const struct gw_eks_any_input *in = call->any;

    if (in == NULL || in->body.type != GW_JSON_OBJECT)
        return;
    call->input = join(call, &in->labels, in);
    call->request_parameters = join(call, &call->request_parameters, in);
}

void gw_eks_any_view_rest(struct gw_eks_call *call)
{
    const struct gw_eks_any_input *in = call->any;

    if (in == NULL || in->body.type != GW_JSON_OBJECT)
        return;
    call->input = join(call, &call->input, in);
    call->request_parameters = join(call, &call->request_parameters, in);
}

const struct gw_eks_handler gw_eks_any = {.decode = decode, .view = view};
