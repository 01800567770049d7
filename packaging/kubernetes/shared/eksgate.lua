-- SPDX-License-Identifier: Apache-2.0
-- One eksgate for a cluster's clients: they sign with keys of the Secret eksgate-keys, and it answers from its own store.
return {
    listen = { { address = "0.0.0.0:8443", certificate = "/etc/eksgate-tls/tls.crt", key = "/etc/eksgate-tls/tls.key" } },
    status = "0.0.0.0:9181", -- in a cluster of IPv6: "[::]:9181", and "[::]:8443" above
    admin = "127.0.0.1:9180", -- kubectl exec deploy/eksgate -- eksgate ctl health
    workers = 2,
    region = "eu-central-1",
    account = "111122223333",
    clusters = { ["my-cluster"] = {} }, -- mode API
    keys = "/etc/eksgate-keys/keys.json",
    policies = { "entries.lua", "/usr/share/eksgate/lua/policies/team_username.lua" },
    audit = { file = "audit.jsonl" }, -- beside eksgate.db on the volume, /var/lib/eksgate
}
