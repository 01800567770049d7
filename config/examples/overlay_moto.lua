-- SPDX-License-Identifier: Apache-2.0
-- In front of moto (`moto_server -p 5000`): access entries, their policies and tags and a cluster's accessConfig are answered
-- here, everything else of EKS by moto. Clients of EKS get this address, those of other services moto's.
--
--     moto_server -p 5000 &
--     eksgate serve -c config/examples/overlay_moto.lua
--     AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_ENDPOINT_URL_EKS=http://127.0.0.1:8080 AWS_ACCESS_KEY_ID=testing \
--         AWS_SECRET_ACCESS_KEY=testing aws eks create-cluster --name demo ...
--
-- Requests go up signed with the caller's own key, by which moto tells accounts apart: give every key that moto's IAM or STS
-- has handed out here, too. An unknown one is of moto's account 123456789012.
return {
    listen = { "127.0.0.1:8080" },
    admin = "127.0.0.1:9180",
    data = env("OVERLAY_DATA", "../../build/overlay"),
    region = "*",
    keys = {
        {
            AccessKeyId = "testing",
            SecretAccessKey = env("OVERLAY_SECRET", "testing"),
            Arn = "arn:aws:iam::123456789012:user/testing",
        },
    },
    access_entries = "store",
    upstream = { endpoint = env("MOTO_URL", "http://127.0.0.1:5000") },
    overlay = {
        cluster_ttl = 1, -- seconds; a cluster that is deleted at moto itself is missed for so long
        authentication_mode = "API_AND_CONFIG_MAP", -- of clusters that nobody made through here
    },
    store = { driver = "memory" }, -- moto forgets its clusters when it ends, too
    audit = { file = "audit.jsonl", durable = false },
}
