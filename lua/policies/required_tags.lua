-- SPDX-License-Identifier: Apache-2.0
--- Refuses to create an access entry without certain tags, and says which are missing.
-- Tags that a policy would add (default_tags.lua) don't count: the caller must send them.
--
-- To configure it, edit the list below.

local REQUIRED = { "team", "cost-centre" }

local tags = require("eksgate.tags")
local verdict = require("eksgate.verdict")

local policy = { name = "required-tags", on = { "CreateAccessEntry" } }

function policy.authorize(req)
    local missing = tags.missing(req.input.tags, REQUIRED)
    if #missing > 0 then
        return verdict.deny("access entries need the tags " .. table.concat(missing, ", "))
    end
    return nil
end

return policy
