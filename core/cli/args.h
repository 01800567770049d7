/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_ARGS_H
#define GW_CLI_ARGS_H

/*
 * Arguments of a verb, read from a table, which is also what --help prints.
 * "--name VALUE", "--name=VALUE", "-c VALUE"; options and operands in any order;
 * "--" ends the options; -h and --help are known to every verb.
 *
 *   struct gw_args_config given = {0};
 *   const struct gw_args_option options[] = {GW_ARGS_CONFIG(given, GW_ARGS_CONFIG_ELSE)};
 *   const struct gw_args_verb verb = {.name = "serve", .summary = "Runs the gateway.",
 *                                     .options = options, .option_count = GW_COUNT(options)};
 *   int code = gw_args_parse(&verb, argc, argv, NULL);
 *
 *   if (code == GW_ARGS_GO)
 *       ...
 *   gw_args_config_fini(&given);
 */

#include "config/config.h"

#define GW_ARGS_GO (-1) /* no exit code yet: go on */

/* Texts of argv, in order. */
struct gw_args_list {
    const char **items;
    size_t count;
};
void gw_args_list_fini(struct gw_args_list *list);

/* One option: exactly one of the last three is set. */
struct gw_args_option {
    const char *name;  /* "--set" */
    char letter;       /* 'c' for -c; 0: none */
    const char *value; /* how --help calls the value: "FILE"; NULL: a switch */
    const char *help;
    bool *is_given;
    const char **text; /* the last one wins */
    struct gw_args_list *list;
};

struct gw_args_verb {
    const char *name;     /* "check", "keys add" */
    const char *operands; /* for --help: "ID"; NULL: none */
    size_t operands_min;
    size_t operands_max;
    const char *summary; /* one or more sentences */
    const struct gw_args_option *options;
    size_t option_count;
};

/* Verbs below a verb: eksgate keys add. */
struct gw_args_group {
    const char *name;    /* "keys" */
    const char *usage;   /* behind it, for --help: "VERB [ARGUMENT]..." */
    const char *summary; /* one or more sentences */
    const struct gw_args_choice {
        const char *name;
        int (*run)(int argc, char **argv);
        const char *summary; /* half a line */
    } * choices;
    size_t choice_count;
};
/* Runs the one that argv[1] names, with argv[0] being its name, or prints help or what is wrong; gives the exit code.
 */
int gw_args_choose(const struct gw_args_group *group, int argc, char **argv);

/* GW_ARGS_GO, or the exit code after having printed help or what is wrong. `operands` may be NULL when there are none;
 * its items belong to the caller, whatever is returned. argv[0] is the verb. */
int gw_args_parse(const struct gw_args_verb *verb, int argc, char **argv, struct gw_args_list *operands);

/* "eksgate VERB: ..." on stderr; gives GW_EXIT_USAGE. */
int gw_args_wrong(const struct gw_args_verb *verb, const char *format, ...) GW_PRINTF(2, 3);

/* What -c and --set gave. */
struct gw_args_config {
    const char *file;
    struct gw_args_list sets;
    bool is_mock; /* set by the verb */
};
#define GW_ARGS_CONFIG(given)                                                                                          \
    GW_ARGS_CONFIG_FILE(given, "the configuration; else $EKSGATE_CONFIG, else /etc/eksgate/eksgate.lua")
/* The same, where no file stands in for one that isn't given. */
#define GW_ARGS_CONFIG_FILE(given, file_help)                                                                          \
    {.name = "--config", .letter = 'c', .value = "FILE", .help = (file_help), .text = &(given).file},                  \
    {                                                                                                                  \
        .name = "--set", .value = "KEY=VALUE",                                                                         \
        .help = "a setting that goes before environment and file; can be repeated", .list = &(given).sets              \
    }
#define GW_ARGS_JSON(wanted)                                                                                           \
    {                                                                                                                  \
        .name = "--json", .help = "print JSON", .is_given = &(wanted)                                                  \
    }

void gw_args_config_fini(struct gw_args_config *given);

/* borrows: for gw_config_load, with the process's environment. */
struct gw_config_source gw_args_source(const struct gw_args_config *given);

/* new: the configuration; every problem is printed on stderr otherwise. gw_config_check is not called. */
GW_NODISCARD enum gw_status gw_args_load(const struct gw_args_config *given, struct gw_config **config);

#endif
