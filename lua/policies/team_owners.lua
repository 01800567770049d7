-- SPDX-License-Identifier: Apache-2.0
--- Lets a team's access entries be changed by the team's owners only: who they are says team_owners.json beside this file,
-- patterns of callers' ARNs under each team. The team is the first path segment of the principal that fits PATH_PATTERN, else
-- what fits PERMISSION_SET_PATTERN in the permission set that IAM Identity Center made its role for; an entry's tags, which
-- its maker chooses, don't count.
--
-- To configure it, edit the table beside it, and the lines below.

local PATH_PATTERN = "^team%-[%w._-]+$" -- a Lua pattern for one path segment
local PERMISSION_SET_PATTERN = "^team%-%w+" -- a Lua pattern; where it captures something, that is the team
local OWNERS_OF_ALL = { -- patterns of the ARNs of callers who own every team, and what belongs to none
    "arn:*:sts::012345678910:assumed-role/platform-admin/*",
}
local REST_IS_FREE = true -- false: what belongs to no team of the table is for OWNERS_OF_ALL alone

local arn = require("eksgate.arn")
local data = require("eksgate.data")
local team = require("eksgate.team")
local verdict = require("eksgate.verdict")

local policy = {
    name = "team-owners",
    on = {
        "CreateAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy", "DisassociateAccessPolicy",
    },
}

local owns_all = arn.any(OWNERS_OF_ALL)
local owners = {}
for name, patterns in pairs(data.json("team_owners.json")) do
    owners[name] = arn.any(patterns)
end

function policy.authorize(req)
    if owns_all(req.caller.arn) then
        return nil
    end
    local name = req.principal and (team.from_path(req.principal.path, PATH_PATTERN)
        or team.from_permission_set(req.principal, PERMISSION_SET_PATTERN))
    local owns = name and owners[name]
    if not owns then
        return not REST_IS_FREE and verdict.deny("this principal belongs to no team that has owners") or nil
    end
    return not owns(req.caller.arn) and verdict.deny("entries of " .. name .. " are its owners' to change") or nil
end

return policy
