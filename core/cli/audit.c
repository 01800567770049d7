/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate audit: reads audit files. Speaks to no gateway and writes nothing.
 */
#include "cli/audit.h"

#include "cli/args.h"
#include "cli/cli.h"

static const struct gw_args_choice verbs[] = {
    {"verify", gw_audit_verify, "FILE...: is every record there, in its place, and as it was written?"},
    {"show", gw_audit_show, "FILE...: print records, a line each; filters choose which"},
};

int gw_cli_audit(int argc, char **argv)
{
    static const struct gw_args_group group = {
        .name = "audit",
        .usage = "VERB [ARGUMENT]... FILE...",
        .summary = "Reads audit files, all of them at once or some; the order in which they are named doesn't matter.",
        .choices = verbs,
        .choice_count = GW_COUNT(verbs)};

    return gw_args_choose(&group, argc, argv);
}
