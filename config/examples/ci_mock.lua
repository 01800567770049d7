-- SPDX-License-Identifier: Apache-2.0
-- For pipelines: a throw-away access-entry service with the policies of the real gateway, so that what it would refuse fails in
-- the pull request. One key, the pipeline's, so that policies know the caller as the real one does; nothing is kept.
--
--     eksgate mock -c config/examples/ci_mock.lua &
--     export AWS_ENDPOINT_URL=http://127.0.0.1:8080 AWS_ACCESS_KEY_ID=AKIAPIPELINE AWS_SECRET_ACCESS_KEY=pipeline
--     terraform apply && terraform plan -detailed-exitcode
--
-- Without default_verdict = "deny" and allowed_callers.lua, so that a test may also make the clusters it needs.
return {
    listen = { "127.0.0.1:8080" },
    admin = "127.0.0.1:9180",
    region = "*",
    account = "012345678910",
    clusters = { ["my-cluster"] = {} }, -- mode API
    keys = {
        {
            AccessKeyId = "AKIAPIPELINE",
            SecretAccessKey = "pipeline",
            Arn = "arn:aws:iam::012345678910:user/ci-deploy",
        },
    },
    policies = {
        "../../lua/policies/only_these_principals.lua",
        "../../lua/policies/forbidden_groups.lua",
        "../../lua/policies/no_nodes.lua",
        "../../lua/policies/required_tags.lua",
        "../../lua/policies/team_username.lua",
        "../../lua/policies/adopt_on_conflict.lua", -- so that a job can run again
    },
    store = { driver = "memory" },
    audit = { file = "-", durable = false, record = "all" }, -- the job's log says what was refused, and why
}
