-- SPDX-License-Identifier: Apache-2.0
-- The hook of the proxy benchmark: reads three fields and allows.

local verdict = require("eksgate.verdict")

local policy = { name = "reader" }

function policy.authorize(req)
    if req.caller.name ~= "bench" or req.operation ~= "DescribeCluster" or req.cluster == nil then
        return verdict.deny("this isn't the benchmark")
    end
    return verdict.allow()
end

return policy
