/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would go upstream: the request made anew from what was read, with its own
 * canonical request and string to sign. It is not sent, and the gateway's own
 * credentials are not fetched: what depends on them is said in words.
 */
#include "cli/explain.h"

#include "eks/forward.h"
#include "eks/overlay.h"
#include "gateway/endpoint.h"
#include "upstream/template.h"

#define TEXT_MAX ((size_t)1 << 20)

/* In front of an overlay's upstream, what is asked of both counts: explain knows no updates of the store's. */
static bool is_forwarded_by_overlay(const struct gw_eks_call *call)
{
    enum gw_eks_side side = gw_eks_overlay_side(call);

    return side == GW_EKS_SIDE_UPSTREAM || side == GW_EKS_SIDE_BOTH;
}

bool gw_explain_is_forwarded(const struct gw_explain *explain)
{
    const struct gw_eks_call *call = &explain->call;

    if (explain->config->mode == GW_GATEWAY_OVERLAY)
        return is_forwarded_by_overlay(call);
    return explain->config->mode == GW_GATEWAY_PROXY && !gw_eks_service_of(call->op)->query;
}

static struct gw_str keep(struct gw_explain *explain, struct gw_buf *text)
{
    struct gw_str kept = text->length > 0 ? gw_arena_str(explain->arena, gw_buf_str(text)) : GW_STR_NONE;

    gw_buf_clear(text);
    return kept;
}

/* Method to body, and where it goes: `url` is the whole of it. */
static enum gw_status build(struct gw_explain *explain, struct gw_sign_request *sign, struct gw_str *url,
                            struct gw_err *err)
{
    const struct gw_eks_call *call = &explain->call;
    struct gw_template_place place = {call->region, call->account};
    struct gw_str endpoint = gw_template_fill_in(explain->config->upstream.endpoint, &place, explain->arena);
    bool adds_token = gw_eks_takes_token(call->op) && !gw_eks_has_token(call);
    struct gw_upstream_target target;
    struct gw_sigv4_query query;
    struct gw_buf text;
    enum gw_status status;

    if (endpoint.at == NULL)
        return gw_fail(err, GW_E_LIMIT, "the endpoint is too long");
    status = gw_upstream_parse_url(endpoint, &target, err);
    if (status == GW_OK)
        status = gw_sigv4_parse_query(call->query, explain->arena, &query, err);
    if (status != GW_OK)
        return status;
    gw_buf_init(&text, TEXT_MAX);
    *sign = (struct gw_sign_request){.method = explain->request.method_text,
                                     .host = gw_endpoint_host(&target, explain->arena),
                                     .region = call->region,
                                     .service = gw_eks_service_of(call->op)->name,
                                     .now_ms = explain->now_ms};
    status = gw_eks_forward_path(call, &text);
    sign->path = keep(explain, &text);
    gw_eks_forward_query(&query, &text);
    sign->query = keep(explain, &text);
    gw_buf_fini(&text);
    if (status == GW_OK)
        status = gw_eks_forward_body(call, adds_token ? call->request_id : GW_STR_NONE,
                                     explain->config->http.limits.body_bytes, &sign->body);
    if (status != GW_OK)
        return gw_fail(err, status, "path or body can't be made anew");
    if (sign->body.length > 0)
        sign->content_type = GW_STR("application/json");
    *url = gw_arena_printf(explain->arena, "%s://%.*s%.*s%s%.*s", target.is_tls ? "https" : "http",
                           GW_STR_ARG(sign->host), GW_STR_ARG(sign->path), sign->query.length > 0 ? "?" : "",
                           (int)sign->query.length, sign->query.length > 0 ? sign->query.at : "");
    return GW_OK;
}

/* What of the signer shows in the canonical request: whether there is a token. Gives words for who it is. */
static const char *identify(const struct gw_explain *explain, struct gw_sign_identity *identity)
{
    const struct gw_config *config = explain->config;
    const struct gw_key *key;

    if (config->credentials == GW_CONFIG_CREDENTIALS_CALLER) {
        key = gw_keyring_resolve(explain->keyring, explain->caller.access_key, explain->arena);
        if (key != NULL)
            identity->session_token = key->session_token;
        return "the caller's key";
    }
    if (config->assumes.arn.at != NULL)
        return "a role that is assumed for the caller; it adds x-amz-security-token";
    if (config->credentials == GW_CONFIG_CREDENTIALS_KEY) {
        identity->session_token = config->credentials_key.session_token;
        return "the key of upstream.credentials";
    }
    return "the gateway's own credentials, which aren't fetched here; temporary ones add x-amz-security-token";
}

static void tell(struct gw_explain *explain, const struct gw_sign_request *sign, struct gw_str url)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_sign_identity identity = {.access_key = GW_STR("-")};
    const char *signer = identify(explain, &identity);
    struct gw_buf canonical;
    struct gw_buf to_sign;

    gw_buf_init(&canonical, TEXT_MAX);
    gw_buf_init(&to_sign, TEXT_MAX);
    gw_explain_text(explain, &object, "method", sign->method);
    gw_explain_text(explain, &object, "url", url);
    gw_explain_text(explain, &object, "body", sign->body.length > 0 ? sign->body : GW_STR_NONE);
    if (gw_sign_explain(&identity, sign, explain->arena, &canonical, &to_sign) == GW_OK) {
        gw_explain_text(explain, &object, "canonicalRequest", gw_buf_str(&canonical));
        gw_explain_text(explain, &object, "stringToSign", gw_buf_str(&to_sign));
    }
    gw_explain_text(explain, &object, "signedBy", gw_str_from(signer));
    if (gw_eks_takes_token(explain->call.op) && !gw_eks_has_token(&explain->call))
        gw_explain_text(explain, &object, "remark", GW_STR("clientRequestToken is another one each time"));
    gw_explain_say(explain, "upstream", object);
    gw_buf_fini(&canonical);
    gw_buf_fini(&to_sign);
}

void gw_explain_upstream(struct gw_explain *explain)
{
    struct gw_json object = {.type = GW_JSON_OBJECT};
    struct gw_sign_request sign = {.now_ms = 0};
    struct gw_str url = GW_STR_NONE;
    struct gw_err err = {""};

    if (!explain->goes_on || !explain->call.is_forwarded)
        return;
    if (explain->config->auth == GW_GATEWAY_AUTH_UPSTREAM) {
        gw_explain_text(explain, &object, "remark",
                        GW_STR("the request goes on byte for byte, with its own signature"));
        gw_explain_say(explain, "upstream", object);
    } else if (build(explain, &sign, &url, &err) == GW_OK) {
        tell(explain, &sign, url);
    } else {
        gw_explain_refuse(explain, 400, "InvalidParameterException",
                          gw_arena_str(explain->arena, gw_str_from(err.text)));
    }
}
