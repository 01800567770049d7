/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getrandom(2) in pages. Bytes given out are wiped from the page; a fork does not
 * happen in eksgate after threads start, so pages aren't shared.
 */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

struct page {
    unsigned char bytes[512];
    size_t left;
};

static _Thread_local struct page thread_page;

static void from_kernel(void *bytes, size_t length)
{
    unsigned char *at = bytes;

    while (length > 0) {
        ssize_t got = getrandom(at, length < 256 ? length : 256, 0);

        if (got < 0 && errno != EINTR)
            gw_fatal("getrandom failed (errno %d)", errno);
        if (got > 0) {
            at += got;
            length -= (size_t)got;
        }
    }
}

static void system_fill(void *ctx, void *bytes, size_t length)
{
    struct page *page = &thread_page;
    unsigned char *from;

    (void)ctx;
    if (length > sizeof(page->bytes) / 4) {
        from_kernel(bytes, length);
        return;
    }
    if (page->left < length) {
        from_kernel(page->bytes, sizeof(page->bytes));
        page->left = sizeof(page->bytes);
    }
    page->left -= length;
    from = page->bytes + page->left;
    memcpy(bytes, from, length);
    gw_wipe(from, length);
}

const struct gw_random *gw_random_system(void)
{
    static const struct gw_random random = {NULL, system_fill};

    return &random;
}

void gw_random_uuid(const struct gw_random *random, char out[37])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16];
    size_t at = 0;

    gw_random_fill(random, bytes, sizeof(bytes));
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[bytes[i] >> 4];
        out[at++] = digits[bytes[i] & 15];
    }
    out[at] = '\0';
}

void gw_random_seed(const struct gw_random *random, struct gw_hash_seed *seed)
{
    gw_random_fill(random, seed, sizeof(*seed));
}
