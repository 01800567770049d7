-- SPDX-License-Identifier: Apache-2.0
--- Which team a principal belongs to.
-- @module eksgate.team

local tags = require("eksgate.tags")

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

return team
