/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random batches, committed to a file or rolled back, and the store closed and
 * opened in between: it has what the model has, whatever the order in which things
 * came and went.
 */
#include "sqlite_case.h"

#include "model_case.h"

#define BATCHES 1500

static void store__random_batches_and_starts__do_what_the_model_does(void **state)
{
    static struct run run;
    struct fixture *f = *state;

    close_store(f);
    f->options = (struct gw_store_options){.tokens_max = 1000, .tokens_per_entry_max = 1000, .token_age_ms = 1000};
    open_again(f);
    run = run_of(f);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        struct gw_err err;

        stage_batch(&run);
        if (choose(&run, 3) == 0)
            assert_int_equal(gw_store_prepare(f->store, NULL, &err), GW_OK);
        if (choose(&run, 5) == 0) {
            gw_store_rollback(f->store);
        } else {
            commit(f);
            run.committed = run.staged;
        }
        gw_store_tend(f->store);
        reclaim(f);
        if (choose(&run, 8) == 0) {
            reopen(f);
            adopt_versions(&run);
        }
        expect_model(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DURABLE_TEST(store__random_batches_and_starts__do_what_the_model_does),
    };

    return cmocka_run_group_tests_name("store/sqlite_model", tests, NULL, NULL);
}
