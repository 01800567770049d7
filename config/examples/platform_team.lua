-- SPDX-License-Identifier: Apache-2.0
-- A platform team's gateway in front of EKS: pipelines keep the access entries of their teams, people look, the platform
-- team does everything, and nobody hands out nodes, groups of admins or the last administrator. What no policy allows is
-- refused. Copy the policies, edit their lines on top, and name the copies here; lua/README.md has a page on each.
--
--     eksgate keys add -c config/examples/platform_team.lua --arn arn:aws:iam::012345678910:user/ci-deploy
--     eksgate check -c config/examples/platform_team.lua && eksgate serve -c config/examples/platform_team.lua
--
-- config/examples/gateway.lua says what the gateway's own role needs.
return {
    listen = { "127.0.0.1:8080" }, -- for others than this machine: { address = "0.0.0.0:8443", certificate = "...", key = "..." }
    status = "127.0.0.1:9181",
    admin = "127.0.0.1:9180",
    data = env("GATEWAY_DATA", "../../build/platform-team"),
    region = { "us-west-2", "eu-central-1" },
    keys = env("GATEWAY_KEYS", "../../build/platform-team.keys.json"),
    access_entries = "upstream",
    upstream = {
        endpoint = env("GATEWAY_EKS", "https://eks.{region}.amazonaws.com"),
        credentials = "default",
    },
    policies = { -- in this order: the first that refuses ends the question
        "../../lua/policies/rate_limit.lua",
        "../../lua/policies/only_these_principals.lua",
        "../../lua/policies/forbidden_groups.lua",
        "../../lua/policies/no_nodes.lua",
        "../../lua/policies/team_owners.lua", -- and team_owners.json beside it
        "../../lua/policies/last_admin.lua",
        "../../lua/policies/required_tags.lua",
        "../../lua/policies/team_username.lua",
        "../../lua/policies/audit_enrich.lua",
        "../../lua/policies/allowed_callers.lua",
        self_test = true, -- their specs must pass, at the start and at each reload
    },
    default_verdict = "deny",
    audit = { file = "audit.jsonl", durable = true, record = "all" },
}
