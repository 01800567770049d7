/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_XML_H
#define GW_CODEC_XML_H

/*
 * Text in XML 1.0 documents of ours. Nothing here reads XML.
 */

#include "base/buf.h"

/* Appends `text` as character data, fit for an attribute's value too: markup and carriage returns escaped, and U+FFFD
 * for what XML has no way to say (control characters, bytes that aren't UTF-8, U+FFFE, U+FFFF). */
void gw_xml_append_text(struct gw_str text, struct gw_buf *out);

#endif
