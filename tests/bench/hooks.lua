-- SPDX-License-Identifier: Apache-2.0
-- The four hooks that the create benchmark runs: each decides something from the request.

local verdict = require("eksgate.verdict")

local policy = { name = "bench", on = { "CreateAccessEntry" } }

function policy.authorize(req)
    if req.input.type ~= nil and req.input.type ~= "STANDARD" then
        return verdict.deny("nodes are created by the platform team")
    end
    if req.principal.account ~= req.account then
        return verdict.deny("principals of other accounts are not let in")
    end
    return verdict.allow()
end

function policy.username(req)
    return "team:" .. req.principal.name .. ":{{SessionName}}"
end

function policy.tags(req)
    return { ["cost-centre"] = "4711", ["created-by"] = req.caller.name }
end

function policy.audit(record)
    return { ticket = (record.input.tags or {}).ticket, team = "platform" }
end

return policy
