-- SPDX-License-Identifier: Apache-2.0
-- For passing_client.py: what a gateway that lets signed requests pass stops all the same.
local verdict = require("eksgate.verdict")

local policy = { name = "no-nodes", on = { "CreateAccessEntry" } }

function policy.authorize(req)
    if req.input.type == "EC2_LINUX" then
        return verdict.deny("nodes are the platform team's")
    end
    return nil
end

return policy
