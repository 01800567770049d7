-- SPDX-License-Identifier: Apache-2.0
--- Which team a principal belongs to.
-- @module eksgate.team

local tags = require("eksgate.tags")

---@class eksgate.team
local team = {}

--- The first segment of an IAM path that fits a Lua pattern: "/platform/team-a/" and "^team%-" give "team-a"; nil when
-- none does.
function team.from_path(path, pattern)
    for segment in (path or ""):gmatch("[^/]+") do
        if segment:find(pattern) then
            return segment
        end
    end
    return nil
end

--- The value of a tag, when it is made of letters, digits, '.', '_' and '-' alone; else nil.
function team.from_tag(given, key)
    local value = tags.get(given, key)
    return value and value:match("^%w[%w._-]*$")
end

--- The name of the permission set that IAM Identity Center made a role for: "team-a-admin" of the principal
-- arn:aws:iam::012345678910:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_team-a-admin_0123456789abcdef.
-- Nobody but AWS makes roles below that path; a role that only has such a name isn't one.
-- @param principal a table with kind, path and name: req.principal, or what arn.parse gives
-- @return text, or nil when the role is none of Identity Center's
function team.permission_set(principal)
    local region = principal and principal.kind == "role" and principal.path:match("^/aws%-reserved/sso%.amazonaws%.com/(.*)$")
    if not region or (region ~= "" and not region:find("^[a-z0-9-]+/$")) then
        return nil
    end
    local name, suffix = principal.name:match("^AWSReservedSSO_([%w+=,.@_-]+)_(%x+)$")
    return suffix and #suffix == 16 and name or nil
end

--- What of a permission set's name fits a Lua pattern, or what the pattern captures: "team-a-admin" and "^team%-%w+" give
-- "team-a". nil when the principal's role is none of Identity Center's, or nothing fits.
function team.from_permission_set(principal, pattern)
    local name = team.permission_set(principal)
    return name and name:match(pattern)
end

return team
