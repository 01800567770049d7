/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CLI_AUDIT_H
#define GW_CLI_AUDIT_H

/*
 * The sub-verbs of eksgate audit; argv[0] is the sub-verb.
 */

int gw_audit_verify(int argc, char **argv);
int gw_audit_show(int argc, char **argv);

#endif
