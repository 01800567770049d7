-- SPDX-License-Identifier: Apache-2.0
-- quickstart.lua with a listener that speaks TLS. `packaging/run --tls` makes the certificate, below build/, and starts it.
return {
    listen = { {
        address = "127.0.0.1:8443",
        certificate = "../build/tls/server.crt", -- taken up again when it changes
        key = "../build/tls/server.key",
    } },
    status = "127.0.0.1:9181",
    admin = "127.0.0.1:9180",
    data = env("EKSGATE_DATA", "../build/quickstart"),
    region = "us-west-2",
    account = "012345678910",
    keys = "quickstart.keys.json", -- AKIDEXAMPLE, as in AWS's documents
    clusters = { ["my-cluster"] = { accessConfig = { authenticationMode = "API" } } },
    audit = { file = "audit.jsonl", durable = true, record = "changes" },
}
