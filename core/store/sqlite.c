/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable engine isn't in this version yet; asking for it is refused.
 */
#include "store/store.h"

enum gw_status gw_store_open_sqlite(const struct gw_store_options *options, const struct gw_store_file *file,
                                    struct gw_epoch *epoch, const struct gw_random *random, struct gw_store **store,
                                    struct gw_err *err)
{
    (void)options;
    (void)epoch;
    (void)random;
    (void)store;
    return gw_fail(err, GW_E_IO, "store.file: %s: this version has no durable engine", file->path);
}
