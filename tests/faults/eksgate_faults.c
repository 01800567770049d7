/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eksgate serve, on files that are slow to keep what they are given and quick to
 * fail: what engine.h and lost.h do, said by the environment. Arguments are those
 * of serve.
 */
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/serve.h"
#include "engine.h"
#include "files.h"
#include "vfs.h"

int main(int argc, char **argv)
{
    struct gw_args_config given = {0};
    const struct gw_args_option options[] = {GW_ARGS_CONFIG(given)};
    const struct gw_args_verb verb = {.name = "serve",
                                      .summary = "As eksgate serve, with faults: GW_FAULTS_... says which.",
                                      .options = options,
                                      .option_count = GW_COUNT(options)};
    struct gw_serve_verb kind = {.layers = {.journal_io = faults_journal_io(), .store_vfs = FAULTS_VFS}};
    int code = gw_args_parse(&verb, argc, argv, NULL);

    if (code == GW_ARGS_GO) {
        faults_start();
        faults_vfs_register();
        code = gw_serve_run(&given, &kind);
    }
    gw_args_config_fini(&given);
    return code;
}
