/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on views. None allocates but gw_str_dup; none reads past a view's
 * length or depends on the locale.
 */
#include "base/str.h"

int gw_str_compare(struct gw_str a, struct gw_str b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.at, b.at, common) : 0;

    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}

static unsigned char fold(char byte)
{
    unsigned char c = (unsigned char)byte;

    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool gw_str_equal_nocase(struct gw_str a, struct gw_str b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++) {
        if (fold(a.at[i]) != fold(b.at[i]))
            return false;
    }
    return true;
}

size_t gw_str_find(struct gw_str a, char byte, size_t start)
{
    const char *hit;

    if (start >= a.length)
        return a.length;
    hit = memchr(a.at + start, byte, a.length - start);
    return hit == NULL ? a.length : (size_t)(hit - a.at);
}

bool gw_str_is_among(const struct gw_str *items, size_t count, struct gw_str wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (gw_str_equal(items[i], wanted))
            return true;
    }
    return false;
}

size_t gw_str_search(struct gw_str a, struct gw_str needle)
{
    if (needle.length == 0)
        return 0;
    for (size_t i = gw_str_find(a, needle.at[0], 0); i + needle.length <= a.length;
         i = gw_str_find(a, needle.at[0], i + 1)) {
        if (memcmp(a.at + i, needle.at, needle.length) == 0)
            return i;
    }
    return SIZE_MAX;
}

struct gw_str gw_str_trim(struct gw_str a)
{
    while (a.length > 0 && (a.at[0] == ' ' || a.at[0] == '\t')) {
        a.at++;
        a.length--;
    }
    while (a.length > 0 && (a.at[a.length - 1] == ' ' || a.at[a.length - 1] == '\t'))
        a.length--;
    return a;
}

struct gw_str gw_str_split(struct gw_str *rest, char separator)
{
    size_t end = gw_str_find(*rest, separator, 0);
    struct gw_str piece = {rest->at, end};

    if (end == rest->length)
        *rest = GW_STR_NONE;
    else
        *rest = (struct gw_str){rest->at + end + 1, rest->length - end - 1};
    return piece;
}

enum gw_status gw_str_parse_u64(struct gw_str a, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (a.length == 0)
        return GW_E_SYNTAX;
    for (size_t i = 0; i < a.length; i++) {
        if (a.at[i] < '0' || a.at[i] > '9')
            return GW_E_SYNTAX;
    }
    for (size_t i = 0; i < a.length; i++) {
        uint64_t digit = (uint64_t)(a.at[i] - '0');

        if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, digit, &value) ||
            value > max)
            return GW_E_RANGE;
    }
    *number = value;
    return GW_OK;
}

char *gw_str_dup(struct gw_str a)
{
    char *copy = gw_alloc(a.length + 1);

    if (a.length > 0)
        memcpy(copy, a.at, a.length);
    copy[a.length] = '\0';
    return copy;
}
