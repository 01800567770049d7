/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_BASE_LOG_H
#define GW_BASE_LOG_H

/*
 * The operator's log: one line per event on stderr,
 *
 *   2026-11-22T16:00:00.123Z warn keys: file unchanged because ...
 *
 * Each line is written by one write(2), so threads don't mix. Control bytes and
 * raw 8-bit bytes in the formatted text come out as \xNN: what a client sends
 * can't forge a line. Lines are cut at 2,048 bytes. Secrets, Authorization
 * headers, tokens and signatures are never passed here.
 */

#include "base/str.h"

enum gw_log_level {
    GW_LOG_ERROR,
    GW_LOG_WARN,
    GW_LOG_INFO,
    GW_LOG_DEBUG,
};

/* Lines above this level are dropped; default GW_LOG_INFO. Any thread. */
void gw_log_set_level(enum gw_log_level level);
enum gw_log_level gw_log_level_get(void);
const char *gw_log_level_name(enum gw_log_level level);

/* "error", "warn", "info", "debug"; GW_E_SYNTAX for another word. */
GW_NODISCARD enum gw_status gw_log_level_parse(struct gw_str name, enum gw_log_level *level);

/* `area` is the room or feature: "keys", "listener", "policy". Any thread. */
void gw_log(enum gw_log_level level, const char *area, const char *format, ...) GW_PRINTF(3, 4);

#endif
