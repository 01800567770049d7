-- SPDX-License-Identifier: Apache-2.0
--- Questions about tags: tables from text to text, or nil where there are none.
-- @module eksgate.tags

---@class eksgate.tags
local tags = {}

--- The tag's value, nil when it is absent or empty.
function tags.get(given, key)
    local value = given and given[key]
    return value ~= "" and value or nil
end

--- The keys out of a list that are absent or empty, in the list's order.
function tags.missing(given, keys)
    local absent = {}
    for _, key in ipairs(keys) do
        if not tags.get(given, key) then
            absent[#absent + 1] = key
        end
    end
    return absent
end

return tags
