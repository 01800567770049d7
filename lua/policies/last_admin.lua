-- SPDX-License-Identifier: Apache-2.0
--- Keeps the last principal that has AmazonEKSClusterAdminPolicy for the whole cluster: refuses to delete its entry, to take
-- the policy away from it, and to narrow it to namespaces. Of requests at the same time one more is refused, too.
--
-- To configure it, edit the two lists below.

local CLUSTERS = { "*" } -- patterns of the names of clusters that are kept; '*' is any text, '?' any one byte
local EXCEPT = {} -- who may lock everybody out: patterns of callers' ARNs, "arn:aws:iam::012345678910:role/teardown"

local arn = require("eksgate.arn")
local glob = require("eksgate.glob")
local verdict = require("eksgate.verdict")

local policy = {
    name = "last-admin",
    on = { "DeleteAccessEntry", "DisassociateAccessPolicy", "AssociateAccessPolicy" },
    needs = { "admins" },
}

local is_kept = glob.any(CLUSTERS)
local is_excepted = arn.any(EXCEPT)

--- True when the request takes the whole cluster from its principal, if that has it.
local function takes_away(req)
    if req.operation == "DeleteAccessEntry" then
        return true
    end
    if req.input.policyArn:match("[^/]*$") ~= "AmazonEKSClusterAdminPolicy" then
        return false
    end
    local scope = req.input.accessScope -- of AssociateAccessPolicy, which replaces the one that is there
    return req.operation == "DisassociateAccessPolicy" or not scope or scope.type ~= "cluster"
end

function policy.authorize(req)
    if not takes_away(req) or not is_kept(req.cluster) or is_excepted(req.caller.arn) then
        return nil
    end
    local admins = req.admins
    if admins and #admins == 1 and admins[1] == req.principal.arn then
        return verdict.deny("this is the last principal with AmazonEKSClusterAdminPolicy for the whole cluster")
    end
    return nil
end

return policy
