/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_SCHEMA_H
#define GW_STORE_SCHEMA_H

/*
 * What the database consists of, and how older ones become this one. The header
 * of an SQLite file holds two numbers for such a purpose: application_id says
 * whose file it is, user_version which schema it has.
 */

#include <sqlite3.h>

#include "base/gw.h"

#define GW_SCHEMA_APPLICATION 0x656b7367 /* "eksg" */
#define GW_SCHEMA_VERSION     1

/* Whose file it is, and of which version: 0 when it is empty. Changes nothing. GW_E_SYNTAX: someone else's, or no
 * database; GW_E_RANGE: a newer eksgate's; GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_schema_check(sqlite3 *handle, const char *path, int *version, struct gw_err *err);

/* Brings a file of that version to GW_SCHEMA_VERSION, in one transaction. GW_E_BUSY, GW_E_IO. */
GW_NODISCARD enum gw_status gw_schema_migrate(sqlite3 *handle, const char *path, int version, struct gw_err *err);

#endif
