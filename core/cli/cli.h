/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_CLI_H
#define GW_CLI_CLI_H

/*
 * The verbs of the eksgate command. Each takes its own arguments (argv[0] is the
 * verb) and returns the exit code: 0 done, 1 the thing asked for failed, 2 wrong
 * usage. Errors go to stderr as one line that names the file and the setting or
 * value, and says what would be accepted.
 */

#include "base/gw.h"

enum {
    GW_EXIT_DONE = 0,
    GW_EXIT_FAILED = 1,
    GW_EXIT_USAGE = 2,
};

int gw_cli_serve(int argc, char **argv);
int gw_cli_mock(int argc, char **argv);
int gw_cli_check(int argc, char **argv);
int gw_cli_explain(int argc, char **argv);
int gw_cli_test(int argc, char **argv);
int gw_cli_keys(int argc, char **argv);
int gw_cli_ctl(int argc, char **argv);
int gw_cli_backup(int argc, char **argv);
int gw_cli_restore(int argc, char **argv);
int gw_cli_audit(int argc, char **argv);
int gw_cli_replay(int argc, char **argv);
int gw_cli_options(int argc, char **argv);
int gw_cli_version(int argc, char **argv);

#endif
