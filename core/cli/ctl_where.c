/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration is read for the settings of the admin listener alone, so that
 * a file that is being edited keeps nobody from asking for health or a reload.
 */
#include "cli/ctl_where.h"

#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1:9180"

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != '\0';
}

/* Something says which configuration it is, or one is at its usual place. */
static bool has_configuration(const struct gw_ctl_where_given *given)
{
    if (given->config->file != NULL || given->config->sets.count > 0)
        return true;
    if (given->admin != NULL)
        return false;
    return is_set("EKSGATE_CONFIG") || is_set("EKSGATE_ADMIN") || access(GW_CONFIG_FILE, F_OK) == 0;
}

static enum gw_status find_address(const struct gw_ctl_where_given *given, const struct gw_config *config,
                                   struct gw_ctl_address *address, struct gw_err *err)
{
    struct gw_str text = GW_STR(DEFAULT_ADDRESS);

    if (given->admin != NULL)
        text = gw_str_from(given->admin);
    else if (config != NULL)
        text = config->admin.at == NULL && given->health ? config->status : config->admin;
    if (text.at == NULL)
        return gw_fail(err, GW_E_MISSING, "%.*s: admin: is off; --admin names an address", GW_STR_ARG(config->source));
    return gw_ctl_address_parse(text, address, err);
}

static enum gw_status find_token(const struct gw_ctl_where_given *given, const struct gw_config *config,
                                 struct gw_config_token *token, struct gw_err *err)
{
    token->length = 0;
    if (given->token_file != NULL)
        return gw_config_token_load(given->token_file, true, token, err);
    if (is_set("EKSGATE_ADMIN_TOKEN"))
        return gw_config_token_parse(gw_str_from(getenv("EKSGATE_ADMIN_TOKEN")), "EKSGATE_ADMIN_TOKEN", token, err);
    return config != NULL ? gw_config_admin_token(config, token, err) : GW_OK;
}

enum gw_status gw_ctl_where_find(const struct gw_ctl_where_given *given, struct gw_ctl_where *where,
                                 struct gw_config_problems *problems)
{
    struct gw_config_source source = gw_args_source(given->config);
    struct gw_config *config = NULL;
    struct gw_err err;
    enum gw_status status = GW_OK;

    if (has_configuration(given))
        status = gw_config_load_admin(&source, &config, problems);
    if (status != GW_OK)
        return status;
    status = find_address(given, config, &where->address, &err);
    if (status == GW_OK)
        status = find_token(given, config, &where->token, &err);
    if (status != GW_OK)
        gw_config_problem(problems, "%s", err.text);
    gw_config_free(&config);
    return status;
}
