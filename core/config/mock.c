/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mock alone may be told: its clock, where its ids come from, faults.
 */
#include "base/file.h"
#include "config/settings.h"

#define TEXT_SHOWN 80

static void refuse(const struct gw_settings *settings, enum gw_option_id id, struct gw_str text)
{
    gw_settings_problem(settings, id, "is \"%.*s\"; accepted: %s",
                        text.length > TEXT_SHOWN ? TEXT_SHOWN : (int)text.length, text.at, gw_option_rows[id].accepted);
}

void gw_settings_mock(const struct gw_settings *settings, struct gw_config *config)
{
    struct gw_mock_options *mock = &config->mock;
    struct gw_str text = GW_STR_NONE;
    uint64_t number;

    if (gw_settings_text(settings, GW_OPTION_CLOCK, &text) && gw_mock_clock_parse(text, &mock->clock) != GW_OK)
        refuse(settings, GW_OPTION_CLOCK, text);
    if (gw_settings_text(settings, GW_OPTION_IDS, &text) && gw_mock_ids_parse(text, &mock->ids) != GW_OK)
        refuse(settings, GW_OPTION_IDS, text);
    (void)gw_settings_path(settings, GW_OPTION_SEED, &config->seed_file);
    (void)gw_settings_path(settings, GW_OPTION_FAULTS, &config->faults_file);
    if (gw_settings_integer(settings, GW_OPTION_MOCK_REQUESTS, &number))
        mock->requests_max = (size_t)number;
}

enum gw_status gw_config_faults(const struct gw_config *config, struct gw_buf *text, struct gw_err *err)
{
    const struct gw_fault_chance chance = {.random = gw_random_system()};
    const char *path = config->faults_file.at;
    enum gw_status status = gw_file_read(path, text, err);
    struct gw_fault_table *table;
    struct gw_err why;

    if (status != GW_OK)
        return status;
    table = gw_fault_table_new(&chance);
    status = gw_fault_table_set(table, gw_buf_str(text), &why);
    gw_fault_table_free(&table);
    return status == GW_OK ? GW_OK : gw_fail(err, status, "%s: %s", path, why.text);
}
