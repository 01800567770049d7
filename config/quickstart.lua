-- SPDX-License-Identifier: Apache-2.0
-- A gateway to try things with: one cluster, one caller whose secret everybody knows, no policies, so that it answers as
-- EKS does. Loopback only. Start it with packaging/run; config/README.md has every setting.
return {
    listen = { "127.0.0.1:8080" },
    status = "127.0.0.1:9181", -- /livez /readyz /metrics
    admin = "127.0.0.1:9180", -- changes things: loopback or a unix socket
    workers = "auto",
    data = env("EKSGATE_DATA", "../build/quickstart"),

    partition = "aws",
    region = "us-west-2",
    account = "012345678910",

    auth = "sigv4",
    keys = "quickstart.keys.json", -- AKIDEXAMPLE, as in AWS's documents

    access_entries = "store",
    store = { driver = "sqlite", file = "eksgate.db" }, -- below data; "memory": gone when the process ends
    clusters = { ["my-cluster"] = { accessConfig = { authenticationMode = "API" } } },

    policies = {}, -- "../lua/policies/team_username.lua", ... in order
    default_verdict = "allow",

    audit = { file = "audit.jsonl", durable = true, record = "changes" }, -- below data
}
