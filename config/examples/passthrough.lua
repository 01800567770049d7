-- SPDX-License-Identifier: Apache-2.0
-- In front of AWS for callers whose secrets nobody here has: SSO, OIDC, IRSA, Pod Identity. They keep signing for
-- eks.REGION.amazonaws.com; AWS verifies and authorises, eksgate denies, throttles and records. packaging/README.md says how
-- they get here ("Pass-through").
return {
    listen = {
        -- Private DNS leads to this one: a certificate of your own authority for eks.eu-central-1.amazonaws.com.
        { address = "0.0.0.0:443", certificate = "/etc/eksgate/eks.crt", key = "/etc/eksgate/eks.key" },
        -- Or clients take this one for their HTTPS_PROXY.
        { address = "0.0.0.0:3128", certificate = "/etc/eksgate/eks.crt", key = "/etc/eksgate/eks.key", connect = true },
    },
    status = "0.0.0.0:9181",
    admin = "unix:/run/eksgate/admin.sock",
    region = { "eu-central-1" },
    auth = "upstream",
    access_entries = "upstream",
    upstream = {
        endpoint = "https://eks.{region}.amazonaws.com",
        -- Where that name leads to this gateway: the VPC endpoint's own.
        connect = "vpce-0a1b2c3d4e5f60718-a1b2c3d4.eks.{region}.vpce.amazonaws.com",
        proxy = "none", -- not through itself
    },
    policies = { -- that deny and throttle; who asks isn't known before AWS says so, so that none of them excepts anybody
        "../../lua/policies/rate_limit.lua", -- by source address
        "../../lua/policies/change_window.lua",
        "../../lua/policies/only_these_principals.lua",
        "../../lua/policies/forbidden_groups.lua",
        "../../lua/policies/no_nodes.lua",
    },
    audit = { file = "/var/log/eksgate/audit.jsonl", record = "all" },
}
