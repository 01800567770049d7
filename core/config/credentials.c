/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstream.credentials and what belongs to it. Nothing of a key is ever in a
 * message.
 */
#include "config/credentials.h"

#include "codec/aws_keys.h"
#include "codec/sts.h"
#include "config/settings.h"
#include "upstream/template.h"
#include "upstream/upstream.h"

static void refuse(const struct gw_settings *settings, enum gw_option_id id, const char *what)
{
    gw_settings_problem(settings, id, "%s; accepted: %s", what, gw_option_rows[id].accepted);
}

static struct gw_str *place_of(struct gw_credentials_key *key, struct gw_str name)
{
    if (gw_str_is(name, "access_key_id"))
        return &key->access_key;
    if (gw_str_is(name, "secret_access_key"))
        return &key->secret_access_key;
    return gw_str_is(name, "session_token") ? &key->session_token : NULL;
}

static bool read_key(const struct gw_settings *settings, const struct gw_json *table, struct gw_credentials_key *key)
{
    struct gw_aws_keys keys;
    struct gw_err err;

    for (size_t i = 0; i < table->as.object.count; i++) {
        const struct gw_json_member *member = &table->as.object.members[i];
        struct gw_str *place = place_of(key, member->name);

        if (place == NULL || (member->value.type != GW_JSON_STRING && member->value.type != GW_JSON_NULL)) {
            refuse(settings, GW_OPTION_UPSTREAM_CREDENTIALS,
                   place == NULL ? "is a table with another member" : "is a table with a member that is no text");
            return false;
        }
        if (member->value.type == GW_JSON_STRING && member->value.as.string.length > 0)
            *place = member->value.as.string;
    }
    keys = (struct gw_aws_keys){key->access_key, key->secret_access_key, key->session_token, GW_AWS_KEYS_NEVER};
    if (gw_aws_keys_check(&keys, &err) == GW_OK)
        return true;
    gw_settings_problem(settings, GW_OPTION_UPSTREAM_CREDENTIALS, "is a table in which %s; accepted: %s", err.text,
                        gw_option_rows[GW_OPTION_UPSTREAM_CREDENTIALS].accepted);
    return false;
}

static void fill_credentials(const struct gw_settings *settings, struct gw_config *config)
{
    const struct gw_given *given = &settings->given[GW_OPTION_UPSTREAM_CREDENTIALS];

    if (given->json != NULL && given->json->type == GW_JSON_OBJECT) {
        if (read_key(settings, given->json, &config->credentials_key))
            config->credentials = GW_CONFIG_CREDENTIALS_KEY;
    } else if (given->json != NULL) {
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_CREDENTIALS, "is of type %s; accepted: %s",
                            gw_json_type_name(given->json->type),
                            gw_option_rows[GW_OPTION_UPSTREAM_CREDENTIALS].accepted);
    } else if (gw_str_is(given->text, "default")) {
        config->credentials = GW_CONFIG_CREDENTIALS_DEFAULT;
    } else if (gw_str_is(given->text, "caller")) {
        config->credentials = GW_CONFIG_CREDENTIALS_CALLER;
    } else if (given->text.length > 0) { /* not quoted: somebody may have put a key here */
        refuse(settings, GW_OPTION_UPSTREAM_CREDENTIALS, "is another text");
    }
}

static void fill_name(const struct gw_settings *settings, enum gw_option_id id, struct gw_str *name)
{
    if (gw_settings_text(settings, id, name) && name->at != NULL && !gw_sts_is_name(*name))
        refuse(settings, id, "is no such name");
}

static void fill_role(const struct gw_settings *settings, struct gw_config *config)
{
    static const struct gw_template_place place = {.account = GW_STR_INIT("000000000000")};
    struct gw_credentials_role_options *assumes = &config->assumes;
    struct gw_principal who;

    fill_name(settings, GW_OPTION_UPSTREAM_SESSION_NAME, &assumes->session_name);
    fill_name(settings, GW_OPTION_UPSTREAM_SOURCE_IDENTITY, &assumes->source_identity);
    if (assumes->session_name.at == NULL && settings->given[GW_OPTION_UPSTREAM_SESSION_NAME].json == NULL)
        refuse(settings, GW_OPTION_UPSTREAM_SESSION_NAME, "is empty");
    if (!gw_settings_text(settings, GW_OPTION_UPSTREAM_ASSUME_ROLE, &assumes->arn) || assumes->arn.at == NULL)
        return;
    if (gw_arn_parse_principal(gw_template_fill_in(assumes->arn, &place, settings->arena), &who) != GW_OK ||
        who.kind != GW_PRINCIPAL_ROLE)
        refuse(settings, GW_OPTION_UPSTREAM_ASSUME_ROLE, "is no role's ARN");
    else if (config->credentials == GW_CONFIG_CREDENTIALS_CALLER)
        refuse(settings, GW_OPTION_UPSTREAM_ASSUME_ROLE,
               "is set, but with upstream.credentials = \"caller\" the gateway has none to assume it with");
}

static void fill_endpoint(const struct gw_settings *settings, struct gw_config *config)
{
    static const struct gw_template_place place = {.region = GW_STR_INIT("us-gov-west-1")};
    struct gw_upstream_target target;
    struct gw_err err;

    if (!gw_settings_text(settings, GW_OPTION_UPSTREAM_STS_ENDPOINT, &config->sts_endpoint) ||
        config->sts_endpoint.at == NULL)
        return;
    if (gw_upstream_parse_url(gw_template_fill_in(config->sts_endpoint, &place, settings->arena), &target, &err) !=
        GW_OK)
        gw_settings_problem(settings, GW_OPTION_UPSTREAM_STS_ENDPOINT, "is %.*s; accepted: %s",
                            config->sts_endpoint.length > 80 ? 80 : (int)config->sts_endpoint.length,
                            config->sts_endpoint.at, gw_option_rows[GW_OPTION_UPSTREAM_STS_ENDPOINT].accepted);
}

void gw_settings_credentials(const struct gw_settings *settings, struct gw_config *config)
{
    fill_credentials(settings, config);
    fill_role(settings, config);
    fill_endpoint(settings, config);
}

bool gw_config_has_credentials(const struct gw_config *config)
{
    return config->credentials == GW_CONFIG_CREDENTIALS_DEFAULT || config->credentials == GW_CONFIG_CREDENTIALS_KEY;
}

void gw_config_credentials_options(const struct gw_config *config, char *const *environment,
                                   struct gw_credentials_options *options)
{
    *options = (struct gw_credentials_options){
        .fixed = config->credentials == GW_CONFIG_CREDENTIALS_KEY ? &config->credentials_key : NULL,
        .region = config->region_count > 0 ? config->regions[0] : GW_STR_NONE,
        .sts_endpoint = config->sts_endpoint,
        .proxy = config->upstream_pool.proxy,
        .no_proxy = config->upstream_pool.no_proxy,
        .environment = environment,
        .clock = gw_clock_system(),
        .random = gw_random_system(),
    };
}
