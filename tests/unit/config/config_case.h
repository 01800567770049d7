/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_TESTS_CONFIG_CASE_H
#define GW_TESTS_CONFIG_CASE_H

/*
 * A temporary folder with a configuration file in it, and one load of it with
 * --set and environment as a test wants them. Include after cmocka.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

struct config_case {
    char folder[64];
    char file[96];
    bool is_mock; /* of the load */
    struct gw_config *config;
    struct gw_config_problems problems;
};

static inline void config_case_write(const char *folder, const char *name, const char *text, char *path, size_t size)
{
    FILE *file;

    assert_true((size_t)snprintf(path, size, "%s/%s", folder, name) < size);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* `name` ends in .lua or .json. */
static inline void config_case_open(struct config_case *one, const char *name, const char *text)
{
    *one = (struct config_case){0};
    (void)snprintf(one->folder, sizeof(one->folder), "/tmp/eksgate-config-XXXXXX");
    assert_non_null(mkdtemp(one->folder));
    config_case_write(one->folder, name, text, one->file, sizeof(one->file));
    gw_config_problems_init(&one->problems);
}

static inline enum gw_status config_case_load(struct config_case *one, const char *const *sets, size_t set_count,
                                              char *const *environment)
{
    struct gw_config_source source = {
        .file = one->file, .sets = sets, .set_count = set_count, .environment = environment, .is_mock = one->is_mock};

    return gw_config_load(&source, &one->config, &one->problems);
}

static inline void config_case_close(struct config_case *one)
{
    gw_config_free(&one->config);
    gw_config_problems_fini(&one->problems);
    assert_int_equal(unlink(one->file), 0);
    assert_int_equal(rmdir(one->folder), 0);
}

/* The problems as text; never NULL. */
static inline const char *config_case_text(struct config_case *one)
{
    gw_buf_append_byte(&one->problems.text, '\0');
    one->problems.text.length--;
    return one->problems.text.at;
}

static inline void config_case_assert_says(struct config_case *one, const char *words)
{
    if (strstr(config_case_text(one), words) == NULL)
        fail_msg("the problems don't say \"%s\":\n%s", words, config_case_text(one));
}

static inline void config_case_assert_good(struct config_case *one, enum gw_status status)
{
    if (status != GW_OK || one->problems.count > 0)
        fail_msg("%s", config_case_text(one));
}

#endif
