/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that somebody next door hands out over HTTP: the container's agent
 * (ECS, EKS Pod Identity) and the machine's metadata service, version 2.
 *
 *   GET URI, Authorization: TOKEN                       -> JSON
 *
 *   PUT /latest/api/token, with the time it shall last  -> a token
 *   GET /latest/meta-data/iam/security-credentials/     -> the role's name
 *   GET ... NAME                                        -> JSON
 *
 * Over plain HTTP a container's URI is asked at this machine and at the two
 * agents' addresses alone; what a name stands for is looked at, not the name.
 */
#include "upstream/credentials_chain.h"

#define CONTAINER_HOST       "http://169.254.170.2"
#define CONTAINER_TIMEOUT_MS 2000
#define CONTAINER_ATTEMPTS   3
#define CONTAINER_PAUSE_MS   1000
#define TOKEN_MAX            8192 /* bytes of an authorization token */

#define IMDS_HOST       "http://169.254.169.254"
#define IMDS_HOST_IPV6  "http://[fd00:ec2::254]"
#define IMDS_TIMEOUT_MS 1000
#define IMDS_TOKEN_MAX  256
#define IMDS_PATH       "/latest/meta-data/iam/security-credentials/"

static bool is_agent(const struct gw_address *address)
{
    static const char *const networks[] = {"127.0.0.0/8", "::1/128", "169.254.170.2/32", "169.254.170.23/32",
                                           "fd00:ec2::23/128"};

    for (size_t i = 0; i < GW_COUNT(networks); i++) {
        struct gw_cidr one;
        struct gw_err ignored;

        if (gw_address_parse_cidr(gw_str_from(networks[i]), &one, &ignored) == GW_OK &&
            gw_address_is_in(address, &one, 1))
            return true;
    }
    return false;
}

/* Fit for a header's value. */
static bool is_value(struct gw_str text, size_t max)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < ' ' || text.at[i] >= 0x7f)
            return false;
    }
    return text.length > 0 && text.length <= max;
}

/* "Authorization: TOKEN" with its CRLF, or "". */
static enum gw_status write_authorization(struct gw_chain *chain, struct gw_str *fields, struct gw_err *err)
{
    struct gw_str file = gw_chain_variable(chain, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct gw_str token = gw_chain_variable(chain, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *from = file.at != NULL ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN";

    *fields = GW_STR("Accept: application/json\r\n");
    if (file.at != NULL) {
        enum gw_status status = gw_chain_read_file(chain, from, file, &token, err);

        if (status != GW_OK)
            return status;
    }
    if (token.at == NULL)
        return GW_OK;
    if (!is_value(token, TOKEN_MAX))
        return gw_fail(err, GW_E_SYNTAX,
                       "%s: the token is empty, too long or holds a byte (a line's end?) that no header can have",
                       from);
    *fields = gw_arena_printf(&chain->arena, "%.*sAuthorization: %.*s\r\n", GW_STR_ARG(*fields), GW_STR_ARG(token));
    return GW_OK;
}

/* Asks until a reply comes that another attempt wouldn't change. */
static enum gw_status ask_agent(struct gw_chain *chain, const struct gw_chain_request *request,
                                struct gw_ask_reply *reply, struct gw_err *err)
{
    enum gw_status status;

    for (unsigned i = 1;; i++) {
        status = gw_chain_ask(chain, request, reply, err);
        if (status == GW_OK && reply->status < 500)
            return GW_OK;
        if (status == GW_OK)
            status = gw_fail(err, GW_E_IO, "the agent answered with status %u", reply->status);
        if (i == CONTAINER_ATTEMPTS || status == GW_E_DENIED || status == GW_E_BUSY)
            return status;
        gw_ask_reply_fini(reply);
        chain->world->pause(chain->world->ctx, CONTAINER_PAUSE_MS);
    }
}

static enum gw_status read_keys(struct gw_chain *chain, const struct gw_ask_reply *reply,
                                enum gw_aws_keys_dialect dialect, struct gw_aws_keys *keys, struct gw_err *err)
{
    struct gw_str text = gw_arena_str(&chain->arena, gw_buf_str(&reply->body));
    struct gw_err why;

    if (reply->status != 200)
        return gw_fail(err, GW_E_DENIED, "answered with status %u", reply->status);
    if (gw_aws_keys_parse(text, dialect, &chain->arena, keys, &why) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "the answer: %s", why.text);
    return GW_OK;
}

enum gw_status gw_chain_container(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err)
{
    struct gw_str relative = gw_chain_variable(chain, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    struct gw_str url = gw_chain_variable(chain, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    struct gw_chain_request request = {.method = "GET", .timeout_ms = CONTAINER_TIMEOUT_MS};
    struct gw_ask_reply reply = {0};
    enum gw_status status;

    if (relative.at == NULL && url.at == NULL)
        return gw_fail(err, GW_E_MISSING, "AWS_CONTAINER_CREDENTIALS_FULL_URI isn't set");
    if (relative.at != NULL && relative.at[0] != '/')
        return gw_fail(err, GW_E_SYNTAX, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI doesn't begin with /");
    if (relative.at != NULL)
        url = gw_arena_printf(&chain->arena, CONTAINER_HOST "%.*s", GW_STR_ARG(relative));
    status = gw_chain_parse_url(url, &request.target, &request.path, err);
    if (status == GW_OK)
        status = write_authorization(chain, &request.fields, err);
    if (status != GW_OK)
        return status == GW_E_MISSING ? GW_E_IO : status;
    request.allows = request.target.is_tls ? NULL : is_agent;
    found->provider =
        gw_arena_printf(&chain->arena, "container (%.*s)", GW_STR_ARG(gw_chain_host(chain, &request.target)));
    status = ask_agent(chain, &request, &reply, err);
    if (status == GW_OK)
        status = read_keys(chain, &reply, GW_AWS_KEYS_CONTAINER, &found->keys, err);
    gw_ask_reply_fini(&reply);
    return status == GW_E_MISSING ? GW_E_IO : status;
}

/* arena: the text of a 200. */
static enum gw_status ask_imds(struct gw_chain *chain, const struct gw_chain_request *request, struct gw_str *text,
                               struct gw_err *err)
{
    struct gw_ask_reply reply = {0};
    enum gw_status status = gw_chain_ask(chain, request, &reply, err);

    if (status == GW_OK && reply.status != 200)
        status = gw_fail(err, GW_E_DENIED, "%s %.*s was answered with status %u", request->method,
                         GW_STR_ARG(request->path), reply.status);
    if (status == GW_OK)
        *text = gw_arena_str(&chain->arena, gw_buf_str(&reply.body));
    gw_ask_reply_fini(&reply);
    return status;
}

/* A role's name is a line of [A-Za-z0-9_+=,.@-]; further lines don't count, as there is one role. */
static bool take_role(struct gw_str text, struct gw_str *role)
{
    *role = gw_str_trim(gw_str_split(&text, '\n'));
    for (size_t i = 0; i < role->length; i++) {
        char byte = role->at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') && !(byte >= '0' && byte <= '9') &&
            memchr("_+=,.@-", byte, 7) == NULL)
            return false;
    }
    return role->length > 0 && role->length <= 64;
}

static enum gw_status parse_imds(struct gw_chain *chain, struct gw_chain_request *request, struct gw_err *err)
{
    struct gw_str url = gw_chain_variable(chain, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    struct gw_str mode = gw_chain_variable(chain, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");

    if (url.at == NULL)
        url = gw_str_equal_nocase(mode, GW_STR("IPv6")) ? GW_STR(IMDS_HOST_IPV6) : GW_STR(IMDS_HOST);
    if (gw_chain_parse_url(url, &request->target, &request->path, err) != GW_OK)
        return GW_E_SYNTAX;
    if (gw_str_is(request->path, "/"))
        return GW_OK;
    return gw_fail(err, GW_E_SYNTAX, "AWS_EC2_METADATA_SERVICE_ENDPOINT has a path");
}

static enum gw_status run_imds(struct gw_chain *chain, struct gw_chain_request *request, struct gw_aws_keys *keys,
                               struct gw_err *err)
{
    struct gw_str text;
    struct gw_str role;
    struct gw_err why;
    enum gw_status status;

    request->method = "PUT";
    request->path = GW_STR("/latest/api/token");
    request->fields = GW_STR("x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");
    status = ask_imds(chain, request, &text, err);
    if (status != GW_OK)
        return status;
    if (!is_value(text, IMDS_TOKEN_MAX))
        return gw_fail(err, GW_E_SYNTAX, "its token is none");
    request->method = "GET";
    request->path = GW_STR(IMDS_PATH);
    request->fields = gw_arena_printf(&chain->arena, "x-aws-ec2-metadata-token: %.*s\r\n", GW_STR_ARG(text));
    status = ask_imds(chain, request, &text, err);
    if (status != GW_OK)
        return status;
    if (!take_role(text, &role))
        return gw_fail(err, GW_E_SYNTAX, "the machine has no role, or one whose name is none");
    request->path = gw_arena_printf(&chain->arena, IMDS_PATH "%.*s", GW_STR_ARG(role));
    status = ask_imds(chain, request, &text, err);
    if (status != GW_OK)
        return status;
    if (gw_aws_keys_parse(text, GW_AWS_KEYS_IMDS, &chain->arena, keys, &why) != GW_OK)
        return gw_fail(err, GW_E_SYNTAX, "the answer: %s", why.text);
    return GW_OK;
}

enum gw_status gw_chain_imds(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err)
{
    struct gw_chain_request request = {.timeout_ms = IMDS_TIMEOUT_MS};
    struct gw_str disabled = gw_chain_variable(chain, "AWS_EC2_METADATA_DISABLED");
    enum gw_status status;

    if (gw_str_equal_nocase(disabled, GW_STR("true")))
        return gw_fail(err, GW_E_MISSING, "AWS_EC2_METADATA_DISABLED is true");
    status = parse_imds(chain, &request, err);
    if (status == GW_OK)
        status = run_imds(chain, &request, &found->keys, err);
    found->provider = GW_STR("imds");
    return status == GW_E_MISSING ? GW_E_IO : status;
}
