/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms and XML as STS has them, blanks and line ends included:
 *
 *   <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
 *     <Error>
 *       <Type>Sender</Type>
 *       <Code>InvalidClientTokenId</Code>
 *       <Message>The security token included in the request is invalid.</Message>
 *     </Error>
 *     <RequestId>...</RequestId>
 *   </ErrorResponse>
 */
#include "eks/query.h"

#include "codec/form.h"
#include "codec/uri.h"
#include "codec/xml.h"
#include "eks/error.h"

#define SHOWN_MAX 128 /* bytes of a parameter that a refusal repeats */

static enum gw_status refuse_twice(const struct gw_eks_call *call, struct gw_str name, struct gw_eks_error *error)
{
    return gw_eks_error_refuse(call, error, GW_EKS_MalformedQueryString,
                               gw_arena_printf(call->arena, "The parameter %.*s is there twice.", GW_STR_ARG(name)));
}

static enum gw_status read_form(const struct gw_eks_call *call, struct gw_str form, struct gw_eks_query *query,
                                struct gw_eks_error *error)
{
    struct gw_str name;
    struct gw_str value;

    while (gw_uri_query_next(&form, &name, &value)) {
        struct gw_str *wanted = NULL;

        if (gw_form_decode(name, call->arena, &name) != GW_OK || gw_form_decode(value, call->arena, &value) != GW_OK)
            return gw_eks_error_refuse(call, error, GW_EKS_MalformedQueryString,
                                       GW_STR("The form has an escape % that is not followed by two hexadecimal "
                                              "digits."));
        if (gw_str_is(name, "Action"))
            wanted = &query->action;
        else if (gw_str_is(name, "Version"))
            wanted = &query->version;
        if (wanted == NULL)
            continue;
        if (wanted->at != NULL)
            return refuse_twice(call, name, error);
        *wanted = value;
    }
    return GW_OK;
}

enum gw_status gw_eks_query_decode(const struct gw_eks_call *call, struct gw_eks_query *query,
                                   struct gw_eks_error *error)
{
    struct gw_eks_query found = {GW_STR_NONE, GW_STR_NONE};
    enum gw_status status = read_form(call, call->query, &found, error);

    if (status == GW_OK)
        status = read_form(call, call->body, &found, error);
    if (status != GW_OK)
        return status;
    if (found.action.length == 0)
        return gw_eks_error_refuse(call, error, GW_EKS_MissingAction,
                                   GW_STR("The request must contain the parameter Action."));
    if (found.version.length == 0)
        found.version = GW_STR_NONE;
    *query = found;
    return GW_OK;
}

enum gw_status gw_eks_query_refuse_action(const struct gw_eks_call *call, const struct gw_eks_query *query,
                                          struct gw_eks_error *error)
{
    struct gw_str action = gw_str_slice(query->action, 0, SHOWN_MAX);
    struct gw_str version = gw_str_slice(query->version, 0, SHOWN_MAX);
    struct gw_buf text;

    if (version.at == NULL)
        version = GW_STR("NO_VERSION_SPECIFIED");
    gw_buf_init(&text, 1024);
    gw_buf_append_lit(&text, "Could not find operation ");
    gw_buf_append_str(&text, action); /* may hold NULs: not for a format */
    gw_buf_append_lit(&text, " for version ");
    gw_buf_append_str(&text, version);
    action = gw_arena_str(call->arena, gw_buf_str(&text));
    gw_buf_fini(&text);
    return gw_eks_error_refuse(call, error, GW_EKS_InvalidAction, action);
}

void gw_eks_query_put(struct gw_buf *out, unsigned depth, const char *name, struct gw_str text)
{
    struct gw_str tag = gw_str_from(name);

    for (unsigned i = 0; i < depth; i++)
        gw_buf_append_lit(out, "  ");
    gw_buf_append_byte(out, '<');
    gw_buf_append_str(out, tag);
    gw_buf_append_byte(out, '>');
    gw_xml_append_text(text, out);
    gw_buf_append_lit(out, "</");
    gw_buf_append_str(out, tag);
    gw_buf_append_lit(out, ">\n");
}

/* Where the two protocols have other names or words for one refusal; all others lose their "Exception" alone. */
static const struct {
    const char *name;
    const char *code;
    const char *message; /* NULL: the same */
} translations[] = {
    {"InvalidSignatureException", "SignatureDoesNotMatch", NULL},
    {"MissingAuthenticationTokenException", "MissingAuthenticationToken", "Request is missing Authentication Token"},
    {"ServerException", "InternalFailure", NULL},
    {"TooManyRequestsException", "Throttling", NULL},
    {"UnrecognizedClientException", "InvalidClientTokenId", NULL},
};

static const char *without_suffix(const char *name, struct gw_arena *arena)
{
    static const struct gw_str suffix = GW_STR_INIT("Exception");
    struct gw_str text = gw_str_from(name);
    size_t front = text.length > suffix.length ? text.length - suffix.length : text.length;

    return gw_str_equal(gw_str_slice(text, front, SIZE_MAX), suffix)
               ? gw_arena_str(arena, gw_str_slice(text, 0, front)).at
               : name;
}

void gw_eks_query_translate(const char *name, struct gw_str message, struct gw_arena *arena,
                            struct gw_eks_query_error *error)
{
    error->code = NULL;
    error->message = message;
    for (size_t i = 0; i < GW_COUNT(translations); i++) {
        if (strcmp(translations[i].name, name) != 0)
            continue;
        error->code = translations[i].code;
        if (translations[i].message != NULL)
            error->message = gw_str_from(translations[i].message);
    }
    if (error->code == NULL)
        error->code = without_suffix(name, arena);
}

void gw_eks_query_error_encode(const struct gw_eks_query_error *error, struct gw_buf *body)
{
    gw_buf_append_lit(body, "<ErrorResponse xmlns=\"" GW_EKS_QUERY_NAMESPACE "\">\n  <Error>\n");
    gw_eks_query_put(body, 2, "Type", error->status < 500 ? GW_STR("Sender") : GW_STR("Receiver"));
    gw_eks_query_put(body, 2, "Code", gw_str_from(error->code));
    gw_eks_query_put(body, 2, "Message", error->message);
    gw_buf_append_lit(body, "  </Error>\n");
    gw_eks_query_put(body, 1, "RequestId", error->request_id);
    gw_buf_append_lit(body, "</ErrorResponse>\n");
}
