/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the Security Token Service, and which one is asked:
 *
 *   the setting upstream.sts_endpoint, else AWS_ENDPOINT_URL_STS, else https://sts.REGION.SUFFIX,
 *   or sts.amazonaws.com where AWS_STS_REGIONAL_ENDPOINTS is legacy and the region is one of the old ones
 *
 * With a web identity token the request isn't signed; the token is what proves.
 */
#include "upstream/credentials_chain.h"

#include "codec/sts.h"
#include "upstream/template.h"

#define ATTEMPTS    3
#define PAUSE_MS    500
#define TIMEOUT_MS  5000
#define FORM_MAX    ((size_t)64 << 10)
#define GLOBAL_HOST "https://sts.amazonaws.com"

struct place {
    struct gw_upstream_target target;
    struct gw_str path;
    struct gw_str region; /* that a signature names */
};

/* Regions that AWS's tools ask the global endpoint for, when told to be as they were. */
static bool is_legacy_region(struct gw_str region)
{
    static const char *const regions[] = {"ap-northeast-1", "ap-south-1",   "ap-southeast-1", "ap-southeast-2",
                                          "aws-global",     "ca-central-1", "eu-central-1",   "eu-north-1",
                                          "eu-west-1",      "eu-west-2",    "eu-west-3",      "sa-east-1",
                                          "us-east-1",      "us-east-2",    "us-west-1",      "us-west-2"};

    for (size_t i = 0; i < GW_COUNT(regions); i++) {
        if (gw_str_is(region, regions[i]))
            return true;
    }
    return false;
}

static const char *suffix_of(struct gw_str region)
{
    static const struct {
        const char *prefix;
        const char *suffix;
    } partitions[] = {{"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
                      {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"}, {"eusc-", "amazonaws.eu"}};

    for (size_t i = 0; i < GW_COUNT(partitions); i++) {
        if (gw_str_starts(region, gw_str_from(partitions[i].prefix)))
            return partitions[i].suffix;
    }
    return "amazonaws.com";
}

static bool is_region(struct gw_str text)
{
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.at[i];

        if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
            return false;
    }
    return text.length > 0 && text.length <= 64;
}

static bool wants_legacy(struct gw_chain *chain)
{
    struct gw_str mode = gw_chain_variable(chain, "AWS_STS_REGIONAL_ENDPOINTS");

    if (mode.at == NULL)
        mode = gw_chain_profile_setting(chain, "sts_regional_endpoints");
    return gw_str_is(mode, "legacy");
}

static enum gw_status find_place(struct gw_chain *chain, struct gw_str region, struct place *place, struct gw_err *err)
{
    struct gw_str url = chain->world->options->sts_endpoint;

    place->region = region.length > 0 ? region : gw_chain_region(chain);
    if (place->region.length == 0)
        place->region = GW_STR("us-east-1");
    if (!is_region(place->region))
        return gw_fail(err, GW_E_SYNTAX, "STS: the region is no region's name");
    if (url.length == 0)
        url = gw_chain_variable(chain, "AWS_ENDPOINT_URL_STS");
    if (url.length == 0 && wants_legacy(chain) && is_legacy_region(place->region)) {
        url = GW_STR(GLOBAL_HOST);
        place->region = GW_STR("us-east-1");
    }
    if (url.length == 0)
        url =
            gw_arena_printf(&chain->arena, "https://sts.%.*s.%s", GW_STR_ARG(place->region), suffix_of(place->region));
    return gw_chain_parse_url(
        gw_template_fill_in(url, &(struct gw_template_place){.region = place->region}, &chain->arena), &place->target,
        &place->path, err);
}

/* The fields that carry the signature, behind Content-Type. */
static enum gw_status write_fields(struct gw_chain *chain, const struct place *place, const struct gw_sign_identity *by,
                                   struct gw_str form, struct gw_buf *fields)
{
    struct gw_str type = GW_STR("application/x-www-form-urlencoded; charset=utf-8");
    struct gw_str query = place->path;
    struct gw_str path = gw_str_split(&query, '?');
    struct gw_sign_request request = {.method = GW_STR("POST"),
                                      .path = path,
                                      .query = query,
                                      .host = gw_chain_host(chain, &place->target),
                                      .content_type = type,
                                      .body = form,
                                      .region = place->region,
                                      .service = GW_STR("sts"),
                                      .now_ms = gw_clock_wall_ms(chain->world->options->clock)};
    struct gw_signer *signer;
    enum gw_status status;

    gw_buf_printf(fields, "Content-Type: %.*s\r\n", GW_STR_ARG(type));
    if (by == NULL)
        return GW_OK;
    signer = gw_sign_new();
    status = gw_sign(signer, by, &request, &chain->arena, fields);
    gw_sign_free(&signer);
    return status;
}

/* Errors after which AWS's own tools ask once more. */
static bool may_pass(struct gw_str code)
{
    return gw_str_is(code, "IDPCommunicationError") || gw_str_is(code, "InvalidIdentityToken") ||
           gw_str_is(code, "Throttling") || gw_str_is(code, "ServiceUnavailable") || gw_str_is(code, "InternalFailure");
}

/* Of a reply that is there. GW_AGAIN: worth another attempt. */
static enum gw_status judge(struct gw_chain *chain, const struct gw_ask_reply *reply, struct gw_aws_keys *keys,
                            struct gw_err *err)
{
    struct gw_sts_answer answer;
    struct gw_err why;
    struct gw_str text = gw_arena_str(&chain->arena, gw_buf_str(&reply->body));
    enum gw_status status = gw_sts_parse(text, &chain->arena, &answer, &why);

    if (status != GW_OK || (answer.code.at == NULL) != (reply->status == 200)) {
        (void)gw_fail(err, GW_E_IO, "STS: the answer with status %u %s", reply->status,
                      status != GW_OK ? why.text : "contradicts itself");
        return reply->status >= 500 ? GW_AGAIN : GW_E_IO;
    }
    if (answer.code.at == NULL) {
        *keys = answer.keys;
        return GW_OK;
    }
    (void)gw_fail(err, GW_E_DENIED, "STS: %.*s (%u): %.*s", GW_STR_ARG(answer.code), reply->status,
                  GW_STR_ARG(answer.message));
    if (may_pass(answer.code) || reply->status >= 500)
        return GW_AGAIN;
    return GW_E_DENIED;
}

static enum gw_status attempt(struct gw_chain *chain, const struct place *place, const struct gw_sign_identity *by,
                              struct gw_str form, struct gw_aws_keys *keys, struct gw_err *err)
{
    struct gw_chain_request request = {.method = "POST",
                                       .target = place->target,
                                       .path = place->path,
                                       .body = form,
                                       .timeout_ms = TIMEOUT_MS,
                                       .by_proxy = true};
    struct gw_ask_reply reply = {0};
    struct gw_buf fields;
    enum gw_status status;

    gw_buf_init(&fields, GW_ASK_HEAD_MAX);
    status = gw_buf_reserve(&fields, GW_ASK_HEAD_MAX);
    if (status == GW_OK)
        status = write_fields(chain, place, by, form, &fields);
    if (status != GW_OK) {
        (void)gw_fail(err, status, "STS: the request can't be signed");
    } else {
        struct gw_err why;

        request.fields = gw_buf_str(&fields);
        status = gw_chain_ask(chain, &request, &reply, &why);
        if (status == GW_OK)
            status = judge(chain, &reply, keys, err);
        else
            status = gw_fail(err, status == GW_E_BUSY ? GW_E_BUSY : GW_E_IO, "STS: %s", why.text);
    }
    gw_ask_reply_fini(&reply);
    gw_wipe(fields.at, fields.length);
    gw_buf_fini(&fields);
    return status;
}

enum gw_status gw_chain_assume_role(struct gw_chain *chain, const struct gw_chain_assume *assume,
                                    struct gw_aws_keys *keys, struct gw_err *err)
{
    struct gw_sts_request request = {.role_arn = assume->role_arn,
                                     .session_name = assume->session_name,
                                     .web_identity_token = assume->web_identity_token,
                                     .external_id = assume->external_id,
                                     .source_identity = assume->source_identity,
                                     .duration_s = assume->duration_s};
    const struct gw_sign_identity *by = assume->web_identity_token.at != NULL ? NULL : assume->by;
    struct place place;
    struct gw_buf form;
    enum gw_status status = find_place(chain, assume->region, &place, err);

    if (status != GW_OK)
        return status;
    gw_buf_init(&form, FORM_MAX);
    status = gw_buf_reserve(&form, FORM_MAX);
    gw_sts_encode(&request, &form);
    if (status != GW_OK || form.overflowed)
        status = gw_fail(err, GW_E_LIMIT, "STS: the request is too long");
    for (unsigned i = 0; status == GW_OK; i++) {
        status = attempt(chain, &place, by, gw_buf_str(&form), keys, err);
        if (status != GW_AGAIN)
            break;
        if (i + 1 == ATTEMPTS) {
            status = GW_E_IO;
            break;
        }
        chain->world->pause(chain->world->ctx, PAUSE_MS << i);
        status = GW_OK;
    }
    gw_wipe(form.at, form.length);
    gw_buf_fini(&form);
    return status;
}

enum gw_status gw_chain_web_identity(struct gw_chain *chain, struct gw_chain_found *found, struct gw_err *err)
{
    struct gw_str file = gw_chain_variable(chain, "AWS_WEB_IDENTITY_TOKEN_FILE");
    struct gw_chain_assume assume = {.role_arn = gw_chain_variable(chain, "AWS_ROLE_ARN"),
                                     .session_name = gw_chain_variable(chain, "AWS_ROLE_SESSION_NAME")};
    enum gw_status status;

    if (file.at == NULL)
        return gw_fail(err, GW_E_MISSING, "AWS_WEB_IDENTITY_TOKEN_FILE isn't set");
    if (assume.role_arn.at == NULL)
        return gw_fail(err, GW_E_SYNTAX, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN isn't");
    if (assume.session_name.at == NULL)
        assume.session_name = GW_STR("eksgate");
    if (!gw_sts_is_name(assume.session_name))
        return gw_fail(err, GW_E_SYNTAX, "AWS_ROLE_SESSION_NAME is not 2 to 64 of A-Z a-z 0-9 _ + = , . @ -");
    status = gw_chain_read_file(chain, "AWS_WEB_IDENTITY_TOKEN_FILE", file, &assume.web_identity_token, err);
    if (status != GW_OK)
        return status;
    found->provider = gw_arena_printf(&chain->arena, "web identity (%.*s)", GW_STR_ARG(assume.role_arn));
    status = gw_chain_assume_role(chain, &assume, &found->keys, err);
    return status == GW_E_MISSING ? GW_E_IO : status;
}
