-- SPDX-License-Identifier: Apache-2.0
--- Refuses access entries for principals whose ARN fits a pattern: '*' is any text, '?' any one character.
-- Entries that exist can still be read and deleted.
--
-- To configure it, edit the list below: pattern, then the reason that the caller is told. The first that fits counts.

local DENIED = {
    { "arn:*:iam::*:root", "root users get no cluster access" },
    { "arn:*:iam::*:user/*", "people come through roles, not IAM users" },
    { "arn:*:iam::*:role/aws-service-role/*", "service-linked roles get no cluster access" },
}

local glob = require("eksgate.glob")
local verdict = require("eksgate.verdict")

local policy = {
    name = "deny-glob",
    on = { "CreateAccessEntry", "UpdateAccessEntry", "AssociateAccessPolicy" },
}

local rules = {}
for i, rule in ipairs(DENIED) do
    rules[i] = { matches = glob.compile(rule[1]), reason = rule[2] }
end

function policy.authorize(req)
    local principal = req.principal
    for _, rule in ipairs(principal and rules or {}) do
        if rule.matches(principal.arn) then
            return verdict.deny(rule.reason)
        end
    end
    return nil
end

return policy
