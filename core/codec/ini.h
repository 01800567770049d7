/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_INI_H
#define GW_CODEC_INI_H

/*
 * AWS's shared configuration files (~/.aws/config, ~/.aws/credentials):
 *
 *   [profile "dev"]            a section: of the kind "profile", called dev; [dev] has the kind ""
 *   region = us-west-2 # why   what follows a blank and # or ; is a comment, and so is a line that begins with one
 *   s3 =                       an indented NAME = VALUE below an empty value is a setting of a setting: "s3.use_tls"
 *     use_tls = true
 *   credential_process = a \   an indented line below a value that isn't empty goes on with it
 *     b
 *
 * A section that comes twice is one section; of a setting that comes twice the last counts.
 */

#include "base/arena.h"

#define GW_INI_LINES_MAX 65536

struct gw_ini_setting {
    struct gw_str kind;
    struct gw_str section;
    struct gw_str name; /* "": the section's own line */
    struct gw_str value;
};

struct gw_ini {
    struct gw_ini_setting *settings; /* in the order of the text; arena */
    size_t count;
};

/* Views into `text`; what had to be put together is the arena's. GW_E_SYNTAX, GW_E_LIMIT (more than GW_INI_LINES_MAX
 * lines); `err` begins with "line N: " and holds nothing of any value. */
GW_NODISCARD enum gw_status gw_ini_parse(struct gw_str text, struct gw_arena *arena, struct gw_ini *ini,
                                         struct gw_err *err);

bool gw_ini_has(const struct gw_ini *ini, struct gw_str kind, struct gw_str section);

/* The last value of that name, in any case, in that section. {NULL,0}: there is none. */
struct gw_str gw_ini_get(const struct gw_ini *ini, struct gw_str kind, struct gw_str section, const char *name);

#endif
