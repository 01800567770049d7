-- SPDX-License-Identifier: Apache-2.0
--- Refuses entries for nodes: every type but STANDARD (EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2,
-- HYPERPOD_LINUX, and those that EKS will come to have). Who can make one can let a machine of theirs join the cluster.
--
-- To configure it, edit the list below: patterns of the ARNs of callers who may, '*' is any text, '?' any one byte.

local EXCEPT = {
    "arn:*:sts::012345678910:assumed-role/platform-admin/*",
}

local arn = require("eksgate.arn")
local verdict = require("eksgate.verdict")

local policy = { name = "no-nodes", on = { "CreateAccessEntry" } }

local is_excepted = arn.any(EXCEPT)

function policy.authorize(req)
    local kind = req.input.type
    if kind == nil or kind == "STANDARD" or is_excepted(req.caller.arn) then
        return nil
    end
    return verdict.deny("entries for nodes are the platform team's to make; others have type STANDARD")
end

return policy
