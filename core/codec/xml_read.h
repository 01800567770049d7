/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_CODEC_XML_READ_H
#define GW_CODEC_XML_READ_H

/*
 * Reads the little of XML 1.0 that AWS's Query services answer in: elements,
 * text, the five entities that XML has by itself, character references. Attributes
 * are skipped; document types, CDATA and processing instructions (but a first
 * <?xml ...?>) are refused, comments too.
 *
 *   while ((status = gw_xml_next(&reader, &arena, &item, &err)) == GW_OK) ...
 *   status == GW_E_MISSING: the document is at its end, and it was whole
 */

#include "base/arena.h"

#define GW_XML_DEPTH_MAX 16

struct gw_xml_reader {
    struct gw_str text;
    size_t at;
    size_t depth;
    struct gw_str open[GW_XML_DEPTH_MAX]; /* names of the elements around, the root first */
    bool closes;                          /* the element that was just opened is empty: <a/> */
    bool ended;
};

enum gw_xml_event {
    GW_XML_OPEN,  /* reader.open[reader.depth - 1] is it */
    GW_XML_TEXT,  /* `text` of that element; blanks alone don't come out */
    GW_XML_CLOSE, /* of the element `text` names, which isn't in reader.open any more */
};

struct gw_xml_item {
    enum gw_xml_event event;
    struct gw_str text; /* a view, or arena */
};

void gw_xml_begin(struct gw_xml_reader *reader, struct gw_str text);

/* GW_E_SYNTAX, GW_E_LIMIT (nested too deeply); `err` quotes nothing of the text. */
GW_NODISCARD enum gw_status gw_xml_next(struct gw_xml_reader *reader, struct gw_arena *arena, struct gw_xml_item *item,
                                        struct gw_err *err);

#endif
