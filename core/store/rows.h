/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_ROWS_H
#define GW_STORE_ROWS_H

/*
 * What stands in the columns of a row: texts, lists as JSON, a checksum over all
 * of them. The reader takes exactly what the writer writes, and nothing else:
 *
 *   kubernetes_groups   ["a","b"]
 *   tags                {"key":"value"}
 *   associations        [{"policyArn":"a","namespaces":null,"associatedMs":1,"modifiedMs":2}]   null: cluster-wide
 *   updates             [{...},{...}]
 */

#include <sqlite3.h>

#include "base/buf.h"
#include "store/store.h"

#define GW_ROWS_TEXT_MAX ((size_t)64 << 20)       /* bytes of a column */
#define GW_ROWS_TAGS_MAX 1000                     /* of an entry */
#define GW_ROWS_KEY_MAX  2048                     /* bytes of each text of a key, and of an entry's ARN */
#define GW_ROWS_MS_MAX   INT64_C(253402300799999) /* the year 9999 ends */
#define GW_ROWS_ID_MAX   (INT64_C(1) << 62)       /* of a row */

static inline bool gw_rows_is_ms(int64_t ms)
{
    return ms >= 0 && ms <= GW_ROWS_MS_MAX;
}

/* The columns of each table, without their checksum: n number, t text, b bytes. */
#define GW_ROWS_STATE        "nnbnnnnn"
#define GW_ROWS_CLUSTER      "nttttntt"
#define GW_ROWS_ENTRY        "nntttttttnn"
#define GW_ROWS_TOKEN        "nnnbbnt"
#define GW_ROWS_SNAPSHOT     "nttt"
#define GW_ROWS_COUNT(kinds) (sizeof(kinds) - 1)

/* True for UTF-8 without NUL of GW_ROWS_TEXT_MAX bytes at most. */
bool gw_rows_is_text(struct gw_str text);

enum gw_rows_kind {
    GW_ROWS_KIND_NUMBER,
    GW_ROWS_KIND_TEXT,
    GW_ROWS_KIND_BYTES,
};

struct gw_rows_column {
    enum gw_rows_kind kind;
    int64_t number;
    struct gw_str text; /* bytes, too */
};

/* The checksum of a row: one changed word of eight bytes always changes it, more of them all but always. Stored rows
 * hold it, so that the way it is computed stays. */

/* Binds the columns of a row to the parameters 1 to `count`, and their checksum behind them; what they point to must
 * last until the statement was stepped. SQLite's code; SQLITE_MISMATCH for a text that isn't one. */
int gw_rows_bind(sqlite3_stmt *statement, const struct gw_rows_column *columns, size_t count);
/* Fills the columns with those of the row, one for each letter of `kinds`; what they point to lasts until the next
 * step. False when a kind, a text or the checksum in the column behind them is wrong. */
bool gw_rows_read(sqlite3_stmt *statement, const char *kinds, struct gw_rows_column *columns);

void gw_rows_encode_texts(const struct gw_str *texts, size_t count, struct gw_buf *out);
void gw_rows_encode_pairs(const struct gw_pair *pairs, size_t count, struct gw_buf *out);
void gw_rows_encode_associations(const struct gw_association *associations, size_t count, struct gw_buf *out);
/* Of texts that are JSON themselves. */
void gw_rows_encode_objects(const struct gw_str *objects, size_t count, struct gw_buf *out);

/* What the lists of one entry are read into; the memory is used again for the next. */
struct gw_rows {
    struct gw_str *texts; /* groups, then namespaces */
    size_t text_count;
    size_t text_capacity;
    struct gw_pair *tags;
    size_t tag_count;
    size_t tag_capacity;
    struct gw_association *associations;
    size_t association_count;
    size_t association_capacity;
    char *decoded; /* texts that had escapes */
    size_t decoded_used;
    size_t decoded_capacity;
};
void gw_rows_init(struct gw_rows *rows);
void gw_rows_fini(struct gw_rows *rows);

/* The lists of an entry, as they stand in its columns. */
struct gw_rows_lists {
    struct gw_str groups;
    struct gw_str tags;
    struct gw_str associations;
};
/* Fills the entry's lists: views of the three texts and of `rows`, until it is used again. NULL, or a word for the
 * column that isn't as the writer writes it. What
 * isn't UTF-8 comes out as it is. */
const char *gw_rows_parse_lists(struct gw_rows *rows, const struct gw_rows_lists *lists, struct gw_access_entry *entry);

#endif
