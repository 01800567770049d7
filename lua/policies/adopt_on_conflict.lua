-- SPDX-License-Identifier: Apache-2.0
--- Answers a create with the entry that is already there, if that is just as asked for (type, groups, username), where
-- EKS would say ResourceInUseException. For pipelines that run again, and for two that make the same entry at once.
-- Who adopts an entry takes it over: Terraform will change its tags to those of the configuration, and destroy it.
--
-- To configure it, edit the list below: patterns of the callers' ARNs, '*' is any text, '?' any one character.

local ADOPTERS = {
    "arn:*:sts::*:assumed-role/ci-*/*",
    "arn:*:iam::*:user/ci-*",
}

local glob = require("eksgate.glob")

local policy = { name = "adopt-on-conflict", on = { "CreateAccessEntry" } }

local adopters = {}
for i, pattern in ipairs(ADOPTERS) do
    adopters[i] = glob.compile(pattern)
end

function policy.conflict(req)
    local caller = req.caller.arn
    for _, matches in ipairs(caller and adopters or {}) do
        if matches(caller) then
            return true
        end
    end
    return nil
end

return policy
