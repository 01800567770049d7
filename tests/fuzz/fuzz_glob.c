/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line as a pattern, the rest as the text: the answer is that of the
 * definition, which a table of all beginnings of both works out slowly.
 */
#include <stdlib.h>

#include "codec/glob.h"

#define TEXT_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fits[j]: the pattern so far fits the first j bytes of the text. */
static bool match_by_definition(struct gw_str pattern, struct gw_str text)
{
    bool fits[TEXT_MAX + 1] = {true};

    for (size_t i = 0; i < pattern.length; i++) {
        char c = pattern.at[i];

        if (c == '*') {
            for (size_t j = 1; j <= text.length; j++)
                fits[j] = fits[j] || fits[j - 1];
            continue;
        }
        for (size_t j = text.length; j > 0; j--)
            fits[j] = fits[j - 1] && (c == '?' || c == text.at[j - 1]);
        fits[0] = false;
    }
    return fits[text.length];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_str text = {(const char *)data, size};
    struct gw_str pattern;

    if (size == 0)
        return 0;
    pattern = gw_str_slice(text, 0, gw_str_find(text, '\n', 0));
    text = gw_str_slice(text, pattern.length + 1, TEXT_MAX);
    if (pattern.length <= GW_GLOB_PATTERN_MAX && gw_glob_match(pattern, text) != match_by_definition(pattern, text))
        abort();
    return 0;
}
