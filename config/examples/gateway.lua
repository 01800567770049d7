-- SPDX-License-Identifier: Apache-2.0
-- In front of real EKS: whoever has a key of the key file may ask, policies decide, and what they let through goes to
-- EKS signed with the gateway's own credentials (environment, profile, IRSA, Pod Identity, instance: the order of AWS's SDKs;
-- `eksgate check` says which won). Every change has its record on the disk before it leaves.
--
--     eksgate keys add -c config/examples/gateway.lua --arn arn:aws:iam::012345678910:user/ci
--     eksgate check -c config/examples/gateway.lua && eksgate serve -c config/examples/gateway.lua
--
-- What policies let through is done with the gateway's own rights: give its role no more than callers shall have, and set
-- default_verdict = "deny" once a policy of yours allows what they need. With assume_role EKS and CloudTrail see a session
-- per caller, and each account its own role.
return {
    listen = { "127.0.0.1:8080" }, -- for others than this machine: { address = "0.0.0.0:8443", certificate = "...", key = "..." }
    status = "127.0.0.1:9181",
    data = env("GATEWAY_DATA", "../../build/gateway"),
    region = { "us-west-2", "eu-central-1" },
    keys = env("GATEWAY_KEYS", "../../build/gateway.keys.json"),
    access_entries = "upstream",
    upstream = {
        endpoint = env("GATEWAY_EKS", "https://eks.{region}.amazonaws.com"),
        credentials = "default",
        -- assume_role = "arn:aws:iam::{account}:role/eksgate",
    },
    policies = { "../../lua/policies/required_tags.lua" },
    audit = { file = "audit.jsonl", durable = true },
}
