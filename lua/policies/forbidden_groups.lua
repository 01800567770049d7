-- SPDX-License-Identifier: Apache-2.0
--- Refuses access entries with certain Kubernetes groups: '*' is any text, '?' any one byte. EKS itself refuses groups that
-- begin with system:, eks:, aws:, amazon: or iam:; these are the further ones that your role bindings make powerful.
--
-- To configure it, edit the two lists below.

-- Pattern, then the reason that the caller is told. The first that fits counts.
local FORBIDDEN = {
    { "cluster-admins", "cluster admins come by an access policy, which EKS records" },
    { "*:admins", "groups of admins are the platform team's to give" },
    { "platform:*", "groups of the platform team are its own to give" },
}

-- Who may give them all the same: patterns of callers' ARNs.
local EXCEPT = {
    "arn:*:sts::012345678910:assumed-role/platform-admin/*",
}

local arn = require("eksgate.arn")
local glob = require("eksgate.glob")
local verdict = require("eksgate.verdict")

local policy = { name = "forbidden-groups", on = { "CreateAccessEntry", "UpdateAccessEntry" } }

local is_excepted = arn.any(EXCEPT)
local rules = {}
for i, rule in ipairs(FORBIDDEN) do
    rules[i] = { matches = glob.compile(rule[1]), reason = rule[2] }
end

function policy.authorize(req)
    local groups = req.input.kubernetesGroups
    if not groups or is_excepted(req.caller.arn) then
        return nil
    end
    for _, rule in ipairs(rules) do
        for _, group in ipairs(groups) do
            if rule.matches(group) then
                return verdict.deny(rule.reason)
            end
        end
    end
    return nil
end

return policy
