-- SPDX-License-Identifier: Apache-2.0
--- What the app may ask: to look at clusters and their access entries, and to keep the entries of roles below PATH.
-- What nobody allows here is refused (default_verdict = "deny").
--
-- To configure it, edit the two lists below.

local PATH = "/app/"
local READS = { "DescribeCluster", "ListClusters", "DescribeAccessEntry", "ListAccessEntries", "ListAssociatedAccessPolicies" }
local CHANGES = {
    "CreateAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy", "DisassociateAccessPolicy",
}

local verdict = require("eksgate.verdict")

local policy = { name = "app", on = {} }

local is_read = {}
for _, operation in ipairs(READS) do
    is_read[operation] = true
    table.insert(policy.on, operation)
end
for _, operation in ipairs(CHANGES) do
    table.insert(policy.on, operation)
end

function policy.authorize(req)
    if is_read[req.operation] then
        return verdict.allow()
    end
    if req.principal.kind == "role" and req.principal.path:sub(1, #PATH) == PATH then
        return verdict.allow()
    end
    return verdict.deny("the app keeps the entries of roles below " .. PATH .. " only")
end

return policy
