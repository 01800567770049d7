/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 against its authors' vectors: key 00..0f, input 00..(n-1), output as little-endian bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

#include <stdio.h>

static const struct gw_hash_seed reference_seed = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

static const char *const reference[] = {
    "310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785", "b7877127e09427cf",
    "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab", "6224939a79f5f593", "b0e4a90bdf82009e",
    "f3b9dd94c5bb5d7a", "a7ad6b22462fb3f4", "fbe50e86bc8f1e75", "903d84c02756ea14", "eef27a8e90ca23f7",
    "e545be4961ca29a1", "db9bc2577fcc2a3f", "9447be2cf5e99a69", "9cd38d96f0b3c14b", "bd6179a71dc96dbb",
    "98eea21af25cd6be", "c7673b2eb0cbf2d0", "883ea3e395675393", "c8ce5ccd8c030ca8", "94af49f6c650adb8",
    "eab8858ade92e1bc", "f315bb5bb835d817", "adcf6b0763612e2f", "a5c91da7acaa4dde", "716595876650a2a6",
    "28ef495c53a387ad", "42c341d8fa92d832", "ce7cf2722f512771", "e37859f94623f3a7", "381205bb1ab0e012",
    "ae97a10fd434e015", "b4a31508beff4d31", "81396229f0907902", "4d0cf49ee5d4dcca", "5c73336a76d8bf9a",
    "d0a704536ba93e0e", "925958fcd6420cad", "a915c29bc8067318", "952b79f3bc0aa6d4", "f21df2e41d4535f9",
    "87577519048f53a9", "10a56cf5dfcd9adb", "eb75095ccd986cd0", "51a9cb9ecba312e6", "96afadfc2ce666c7",
    "72fe52975a4364ee", "5a1645b276d592a1", "b274cb8ebf87870a", "6f9bb4203de7b381", "eaecb2a30b22a87f",
    "9924a43cc1315724", "bd838d3aafbf8db7", "0b1a2a3265d51aea", "135079a3231ce660", "932b2846e4d70666",
    "e1915f5cb1eca46c", "f325965ca16d629f", "575ff28e60381be5", "724506eb4c328a95",
};

static void hash__reference_inputs__gives_the_published_values(void **state)
{
    unsigned char input[GW_COUNT(reference)];

    (void)state;
    for (size_t i = 0; i < GW_COUNT(reference); i++) {
        uint64_t hash = gw_hash(&reference_seed, input, i);
        char text[17];

        for (size_t k = 0; k < 8; k++)
            (void)snprintf(text + 2 * k, 3, "%02x", (unsigned)(hash >> (8 * k)) & 0xff);
        assert_string_equal(text, reference[i]);
        input[i] = (unsigned char)i;
    }
}

static void hash__unaligned_input__is_the_same(void **state)
{
    char shifted[32] = "xthe same twenty-nine bytes";

    (void)state;
    assert_true(gw_hash(&reference_seed, shifted + 1, 26) ==
                gw_hash(&reference_seed, "the same twenty-nine bytes", 26));
}

static void hash__other_seed__differs(void **state)
{
    const struct gw_hash_seed k0 = {reference_seed.k0 ^ 1, reference_seed.k1};
    const struct gw_hash_seed k1 = {reference_seed.k0, reference_seed.k1 ^ 1};

    (void)state;
    assert_true(gw_hash(&k0, "a", 1) != gw_hash(&reference_seed, "a", 1));
    assert_true(gw_hash(&k1, "a", 1) != gw_hash(&reference_seed, "a", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__reference_inputs__gives_the_published_values),
        cmocka_unit_test(hash__unaligned_input__is_the_same),
        cmocka_unit_test(hash__other_seed__differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
