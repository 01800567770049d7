-- SPDX-License-Identifier: Apache-2.0
-- A gateway whose decisions Open Policy Agent makes, on this machine: opa.rego is to begin with. What OPA doesn't allow is
-- refused, and so is everything while it can't be asked. What shall hold whatever OPA says stands before it: a deny ends the
-- question.
--
--     opa run --server --addr 127.0.0.1:8181 config/examples/opa.rego &
--     eksgate keys add -c config/examples/opa.lua --arn arn:aws:iam::012345678910:user/ci-deploy
--     eksgate check -c config/examples/opa.lua && eksgate serve -c config/examples/opa.lua
return {
    listen = { "127.0.0.1:8080" },
    status = "127.0.0.1:9181",
    admin = "127.0.0.1:9180",
    data = env("GATEWAY_DATA", "../../build/opa"),
    region = "us-west-2",
    account = "012345678910",
    clusters = { ["my-cluster"] = {} }, -- mode API
    keys = env("GATEWAY_KEYS", "../../build/opa.keys.json"),
    store = { driver = "sqlite", file = "eksgate.db" },
    policy = {
        endpoints = {
            opa = { url = env("OPA_URL", "http://127.0.0.1:8181/v1/data"), timeout_ms = 500 },
        },
    },
    policies = {
        "../../lua/policies/last_admin.lua",
        "../../lua/policies/opa_delegate.lua",
    },
    default_verdict = "deny",
    audit = { file = "audit.jsonl", durable = true, record = "all" },
}
