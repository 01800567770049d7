-- SPDX-License-Identifier: Apache-2.0
--- Chooses Kubernetes usernames that begin with the team, so that cluster logs and role bindings show it:
--   arn:aws:iam::012345678910:role/team-a/deployer  ->  team-a:{{SessionName}}
--   arn:aws:iam::012345678910:user/team-a/anna      ->  team-a:anna
--   .../sso.amazonaws.com/AWSReservedSSO_team-a-admin_0123456789abcdef  ->  team-a:{{SessionName}}
-- The team is the first path segment that fits PATH_PATTERN, else what fits PERMISSION_SET_PATTERN in the permission set
-- that IAM Identity Center made the role for, else the entry's tag TAG. Without a team EKS's own rule applies. Only
-- entries whose caller sends no username are asked about.
--
-- To configure it, edit the lines below.

local PATH_PATTERN = "^team%-[%w._-]+$" -- a Lua pattern for one path segment
local PERMISSION_SET_PATTERN = "^team%-%w+" -- a Lua pattern; where it captures something, that is the team
local TAG = "team" -- nil: tags don't count; whoever makes an entry chooses them
local SESSION = "{{SessionName}}" -- "{{SessionNameRaw}}" keeps the '@' of a session named after an e-mail address

local team = require("eksgate.team")

local policy = { name = "team-username", on = { "CreateAccessEntry", "UpdateAccessEntry" } }

function policy.username(req)
    local principal = req.principal
    if not principal then
        return nil
    end
    local name = team.from_path(principal.path, PATH_PATTERN)
        or team.from_permission_set(principal, PERMISSION_SET_PATTERN)
        or TAG and team.from_tag(req.input.tags, TAG)
    if not name then
        return nil
    end
    return name .. ":" .. (principal.kind == "role" and SESSION or principal.name)
end

return policy
