/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random batches, committed to a file or rolled back, and the store closed and
 * opened in between: it has what the model has, whatever the order in which things
 * came and went.
 */
#include "sqlite_case.h"

#include "model_case.h"

#define BATCHES 1500

static bool has_arn(const struct run *run, size_t owner, size_t arn)
{
    const struct model_entry *entry;

    if (owner == 0)
        return false;
    entry = &run->committed.entries[(owner - 1) / PRINCIPALS][(owner - 1) % PRINCIPALS];
    return entry->version != 0 && entry->arn == arn;
}

/* Versions are new with every start, and of several entries with one ARN any may be found by it. */
static void adopt_versions(struct run *run)
{
    for (size_t i = 0; i < CLUSTERS; i++) {
        struct gw_store_key at = key_of(i, OF_A_CLUSTER);

        assert_int_equal(cluster_version(run->f, &at) != 0, run->committed.clusters[i] != 0);
        run->committed.clusters[i] = cluster_version(run->f, &at);
        for (size_t k = 0; k < PRINCIPALS; k++) {
            struct gw_store_key of_entry = key_of(i, k);
            const struct gw_access_entry *entry = gw_store_find(run->f->store, &of_entry);

            assert_int_equal(entry != NULL, run->committed.entries[i][k].version != 0);
            run->committed.entries[i][k].version = entry == NULL ? 0 : entry->version;
        }
    }
    for (size_t arn = 0; arn < ARNS; arn++) {
        const struct gw_access_entry *found = gw_store_find_arn(run->f->store, arn_of(arn));
        size_t owner = 0;

        for (size_t i = 0; found != NULL && i < CLUSTERS * PRINCIPALS; i++) {
            struct gw_store_key at = key_of(i / PRINCIPALS, i % PRINCIPALS);

            if (gw_store_find(run->f->store, &at) == found)
                owner = i + 1;
        }
        assert_true(has_arn(run, owner, arn) || !has_arn(run, run->committed.arns[arn], arn));
        run->committed.arns[arn] = owner;
    }
}

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
