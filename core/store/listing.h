/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GW_STORE_LISTING_H
#define GW_STORE_LISTING_H

/*
 * An ordered set of texts that many threads page through while one changes it.
 * Readers are inside an epoch; each page is taken from one state of the set.
 */

#include <stdatomic.h>

#include "store/store.h"

struct gw_listing_index;

struct gw_listing {
    _Atomic(struct gw_listing_index *) index; /* NULL: empty */
    struct gw_epoch *epoch;
};

/* `epoch` must outlive the listing. Takes no memory. */
void gw_listing_init(struct gw_listing *listing, struct gw_epoch *epoch);
/* Frees at once what no reader sees any more; the listing is empty afterwards. */
void gw_listing_fini(struct gw_listing *listing);

/* Texts in the set. */
size_t gw_listing_count(const struct gw_listing *listing);

/* Readers: as gw_store_page says. */
size_t gw_listing_page(const struct gw_listing *listing, struct gw_store_page *page);

/* Writer: false when the text is there already. */
bool gw_listing_add(struct gw_listing *listing, struct gw_str text);
/* Writer: false when it isn't there. */
bool gw_listing_remove(struct gw_listing *listing, struct gw_str text);

/* Writer, of an empty listing: puts all of them in at once. They are in byte order, and different. */
void gw_listing_fill(struct gw_listing *listing, const struct gw_str *texts, size_t count);

/* Writer: takes all of them out. */
void gw_listing_clear(struct gw_listing *listing);

#endif
