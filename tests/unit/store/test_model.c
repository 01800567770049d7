/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of random batches, committed to memory or rolled back.
 */
#include "model_case.h"

#define BATCHES 8000

static void store__random_batches__do_what_the_model_does(void **state)
{
    static const struct gw_store_options options = {
        .tokens_max = 1000, .tokens_per_entry_max = 1000, .token_age_ms = 1000};
    static struct run run;
    struct fixture f;

    (void)state;
    open_with(&f, &options);
    run = run_of(&f);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        stage_batch(&run);
        if (choose(&run, 5) == 0) {
            gw_store_rollback(f.store);
        } else {
            commit(&f);
            run.committed = run.staged;
        }
        reclaim(&f);
        expect_model(&run);
    }
    close_it(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store__random_batches__do_what_the_model_does),
    };

    return cmocka_run_group_tests_name("store/model", tests, NULL, NULL);
}
