-- SPDX-License-Identifier: Apache-2.0
--- Takes access entries for these principals only. Entries of others can still be read, narrowed and deleted.
-- deny_glob.lua is the other way round: everybody but those.
--
-- To configure it, edit the list below. An item is an account (its roles and users, not its root) or a pattern of ARNs:
-- '*' is any text up to the next colon, slashes included, '?' any one byte.

local PRINCIPALS = {
    "012345678910",
    "arn:aws:iam::111122223333:role/platform/*",
    "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_*",
}

local arn = require("eksgate.arn")
local verdict = require("eksgate.verdict")

local policy = {
    name = "only-these-principals",
    on = { "CreateAccessEntry", "UpdateAccessEntry", "AssociateAccessPolicy" },
}

local accounts, patterns = {}, {}
for _, item in ipairs(PRINCIPALS) do
    if item:find("^%d%d%d%d%d%d%d%d%d%d%d%d$") then
        accounts[item] = true
    else
        table.insert(patterns, item)
    end
end
local is_listed = arn.any(patterns)

function policy.authorize(req)
    local principal = req.principal
    if principal and (accounts[principal.account] and principal.kind ~= "root" or is_listed(principal.arn)) then
        return nil
    end
    return verdict.deny("this principal isn't among those that may have access to clusters")
end

return policy
