-- SPDX-License-Identifier: Apache-2.0
--- Says who may ask for what. It only allows, so it is for default_verdict = "deny"; what the other shipped policies refuse
-- stays refused.
--
-- To configure it, edit the list below: patterns of callers' ARNs and of operations; '*' is any text, '?' any one byte.

local ALLOWED = {
    -- Terraform's provider and many programs ask who they are before anything else. "*" is also a caller that isn't known.
    { callers = { "*" }, operations = { "GetCallerIdentity" } },
    { callers = { "arn:*:*::012345678910:*" }, operations = { "Describe*", "List*" } },
    {
        callers = { "arn:aws:sts::012345678910:assumed-role/ci-*/*", "arn:aws:iam::012345678910:user/ci-*" },
        operations = {
            "CreateAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy",
            "DisassociateAccessPolicy", "TagResource", "UntagResource",
        },
    },
    { callers = { "arn:aws:sts::012345678910:assumed-role/platform-admin/*" }, operations = { "*" } },
}

local arn = require("eksgate.arn")
local glob = require("eksgate.glob")
local verdict = require("eksgate.verdict")

local policy = { name = "allowed-callers" }

local rules = {}
for i, rule in ipairs(ALLOWED) do
    rules[i] = { is_caller = arn.any(rule.callers), is_operation = glob.any(rule.operations) }
end

function policy.authorize(req)
    local caller = req.caller.arn or ""
    for _, rule in ipairs(rules) do
        if rule.is_operation(req.operation) and rule.is_caller(caller) then
            return verdict.allow()
        end
    end
    return nil
end

return policy
