-- SPDX-License-Identifier: Apache-2.0
--- Chooses Kubernetes usernames that begin with the team, so that cluster logs and role bindings show it:
--   arn:aws:iam::012345678910:role/team-a/deployer  ->  team-a:{{SessionName}}
--   arn:aws:iam::012345678910:user/team-a/anna      ->  team-a:anna
-- The team is the first path segment that fits PATH_PATTERN, else the entry's tag TAG. Without a team EKS's own rule
-- applies. Only entries whose caller sends no username are asked about.
--
-- To configure it, edit the two lines below.

local PATH_PATTERN = "^team%-[%w._-]+$" -- a Lua pattern for one path segment
local TAG = "team"

local team = require("eksgate.team")

local policy = { name = "team-username", on = { "CreateAccessEntry", "UpdateAccessEntry" } }

function policy.username(req)
    local principal = req.principal
    local name = team.from_path(principal.path, PATH_PATTERN) or team.from_tag(req.input.tags, TAG)
    if not name then
        return nil
    end
    if principal.kind == "role" then
        return name .. ":{{SessionName}}"
    end
    return name .. ":" .. principal.name
end

return policy
