/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads arguments along a verb's table and prints the same table as --help. A
 * value that begins with '-' is taken as the value it stands for ("-" is stdin or
 * stdout in many places); nothing is guessed from an abbreviated name.
 */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

void gw_args_list_fini(struct gw_args_list *list)
{
    free((void *)list->items);
    *list = (struct gw_args_list){0};
}

static void append(struct gw_args_list *list, const char *text)
{
    list->items = gw_realloc((void *)list->items, (list->count + 1) * sizeof(const char *));
    list->items[list->count++] = text;
}

int gw_args_wrong(const struct gw_args_verb *verb, const char *format, ...)
{
    va_list args;

    (void)fprintf(stderr, "eksgate %s: ", verb->name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "; see eksgate %s --help\n", verb->name);
    return GW_EXIT_USAGE;
}

static void print_usage(const struct gw_args_verb *verb)
{
    (void)printf("usage: eksgate %s", verb->name);
    for (size_t i = 0; i < verb->option_count; i++) {
        const struct gw_args_option *option = &verb->options[i];
        const char *blank = option->value != NULL ? " " : "";
        const char *value = option->value != NULL ? option->value : "";

        if (option->letter != '\0')
            (void)printf(" [-%c%s%s]", option->letter, blank, value);
        else
            (void)printf(" [%s%s%s]%s", option->name, blank, value, option->list != NULL ? "..." : "");
    }
    if (verb->operands != NULL)
        (void)printf(" %s", verb->operands);
    (void)printf("\n\n%s\n\n", verb->summary);
}

static void print_help(const struct gw_args_verb *verb)
{
    print_usage(verb);
    for (size_t i = 0; i < verb->option_count; i++) {
        const struct gw_args_option *option = &verb->options[i];
        char letter[8] = "    ";
        char name[64];

        if (option->letter != '\0')
            (void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
        (void)snprintf(name, sizeof(name), "%s %s", option->name, option->value != NULL ? option->value : "");
        (void)printf("  %s%-22s %s\n", letter, name, option->help);
    }
    (void)printf("  -h, %-22s print this\n", "--help");
}

/* The option that `argument` names; `*value` is what stands behind '=', or NULL. */
static const struct gw_args_option *find(const struct gw_args_verb *verb, const char *argument, const char **value)
{
    for (size_t i = 0; i < verb->option_count; i++) {
        const struct gw_args_option *option = &verb->options[i];
        size_t length = strlen(option->name);

        *value = NULL;
        if (option->letter != '\0' && argument[1] == option->letter && argument[2] == '\0')
            return option;
        if (strncmp(argument, option->name, length) != 0 || (argument[length] != '\0' && argument[length] != '='))
            continue;
        if (argument[length] == '=')
            *value = argument + length + 1;
        return option;
    }
    return NULL;
}

/* Takes the option at argv[*at] and its value; GW_ARGS_GO or an exit code. */
static int take(const struct gw_args_verb *verb, int argc, char **argv, int *at)
{
    const char *value = NULL;
    const struct gw_args_option *option = find(verb, argv[*at], &value);

    if (option == NULL)
        return gw_args_wrong(verb, "there is no option %s", argv[*at]);
    if (option->is_given != NULL) {
        if (value != NULL)
            return gw_args_wrong(verb, "%s takes no value", option->name);
        *option->is_given = true;
        return GW_ARGS_GO;
    }
    if (value == NULL && *at + 1 < argc)
        value = argv[++*at];
    if (value == NULL)
        return gw_args_wrong(verb, "%s needs a value: %s", option->name, option->value);
    if (option->list != NULL)
        append(option->list, value);
    else
        *option->text = value;
    return GW_ARGS_GO;
}

int gw_args_parse(const struct gw_args_verb *verb, int argc, char **argv, struct gw_args_list *operands)
{
    bool only_operands = false;
    size_t count = 0;

    for (int i = 1; i < argc; i++) {
        int code = GW_ARGS_GO;

        if (!only_operands && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            print_help(verb);
            return GW_EXIT_DONE;
        }
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0') {
            code = take(verb, argc, argv, &i);
        } else if (operands == NULL || ++count > verb->operands_max) {
            code = gw_args_wrong(verb, "%s is one argument too many", argv[i]);
        } else {
            append(operands, argv[i]);
        }
        if (code != GW_ARGS_GO)
            return code;
    }
    if (count < verb->operands_min)
        return gw_args_wrong(verb, "%s is missing", verb->operands);
    return GW_ARGS_GO;
}

void gw_args_config_fini(struct gw_args_config *given)
{
    gw_args_list_fini(&given->sets);
}

struct gw_config_source gw_args_source(const struct gw_args_config *given)
{
    return (struct gw_config_source){
        .file = given->file,
        .sets = given->sets.items,
        .set_count = given->sets.count,
        .environment = environ,
        .is_mock = given->is_mock,
    };
}

enum gw_status gw_args_load(const struct gw_args_config *given, struct gw_config **config)
{
    struct gw_config_source source = gw_args_source(given);
    struct gw_config_problems problems;
    enum gw_status status;

    gw_config_problems_init(&problems);
    status = gw_config_load(&source, config, &problems);
    if (problems.count > 0)
        (void)fwrite(problems.text.at, 1, problems.text.length, stderr);
    gw_config_problems_fini(&problems);
    return status;
}

static void print_choices(const struct gw_args_group *group, FILE *to)
{
    (void)fprintf(to, "usage: eksgate %s %s\n\n%s\n\n", group->name, group->usage, group->summary);
    for (size_t i = 0; i < group->choice_count; i++)
        (void)fprintf(to, "  %-8s %s\n", group->choices[i].name, group->choices[i].summary);
    (void)fprintf(to, "\neksgate %s VERB --help says more.\n", group->name);
}

int gw_args_choose(const struct gw_args_group *group, int argc, char **argv)
{
    if (argc < 2) {
        print_choices(group, stderr);
        return GW_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_choices(group, stdout);
        return GW_EXIT_DONE;
    }
    for (size_t i = 0; i < group->choice_count; i++) {
        if (strcmp(argv[1], group->choices[i].name) == 0)
            return group->choices[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "eksgate %s: there is no verb %s; eksgate %s --help lists them\n", group->name, argv[1],
                  group->name);
    return GW_EXIT_USAGE;
}
