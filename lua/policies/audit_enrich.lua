-- SPDX-License-Identifier: Apache-2.0
--- Adds the team and the ticket to the audit record, so that a reviewer needn't look them up.
-- The team is the first segment of the principal's path that fits PATH_PATTERN, else what fits PERMISSION_SET_PATTERN in the
-- permission set of an Identity Center role, else the tag TEAM_TAG; the ticket is the tag TICKET_TAG, else the caller's
-- own tag of that name. What isn't known is left out.
--
-- To configure it, edit the lines below.

local PATH_PATTERN = "^team%-[%w._-]+$" -- a Lua pattern for one path segment
local PERMISSION_SET_PATTERN = "^team%-%w+" -- a Lua pattern; where it captures something, that is the team
local TEAM_TAG = "team"
local TICKET_TAG = "ticket"

local arn = require("eksgate.arn")
local tags = require("eksgate.tags")
local team = require("eksgate.team")

local policy = { name = "audit-enrich" }

--- The record names the principal by its ARN.
local function team_of(principal, sent)
    principal = principal and arn.parse(principal)
    return principal and team.from_path(principal.path, PATH_PATTERN)
        or team.from_permission_set(principal, PERMISSION_SET_PATTERN)
        or team.from_tag(sent, TEAM_TAG)
end

function policy.audit(record)
    local sent = (record.input or {}).tags
    local caller = record.caller or {}
    local fields = {
        team = team_of(record.principal, sent),
        ticket = tags.get(sent, TICKET_TAG) or tags.get(caller.tags, TICKET_TAG),
    }
    return next(fields) and fields or nil
end

return policy
