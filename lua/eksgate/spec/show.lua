-- SPDX-License-Identifier: Apache-2.0
--- Values as text for messages, and deep comparison. Part of `eksgate test`.
-- @module eksgate.spec.show

local show = {}

local TEXT_MAX = 2000
local DEPTH_MAX = 8

local function quote(text)
    return '"' .. text:gsub('[%c"\\]', function(c)
        return c == "\n" and "\\n" or c == '"' and '\\"' or c == "\\" and "\\\\" or ("\\%03d"):format(c:byte())
    end) .. '"'
end

local function is_name(key)
    return type(key) == "string" and key:find("^[%a_][%w_]*$") ~= nil
end

--- Keys of a table: 1..n first, then the others by type and text.
local function keys_of(value)
    local keys = {}
    for key in pairs(value) do
        if not (math.type(key) == "integer" and key >= 1 and key <= #value) then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys, function(a, b)
        if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
            return a < b
        end
        return type(a) .. tostring(a) < type(b) .. tostring(b)
    end)
    return keys
end

local write

local function write_table(value, out, depth, seen)
    if seen[value] then
        out[#out + 1] = "<itself>"
        return
    end
    if depth > DEPTH_MAX then
        out[#out + 1] = "{ ... }"
        return
    end
    seen[value] = true
    local first = #out + 1
    out[first] = "{ "
    local empty = true
    for _, item in ipairs(value) do
        out[#out + 1] = empty and "" or ", "
        empty = false
        write(item, out, depth + 1, seen)
    end
    for _, key in ipairs(keys_of(value)) do
        out[#out + 1] = empty and "" or ", "
        empty = false
        if is_name(key) then
            out[#out + 1] = key
        else
            out[#out + 1] = "["
            write(key, out, depth + 1, seen)
            out[#out + 1] = "]"
        end
        out[#out + 1] = " = "
        write(value[key], out, depth + 1, seen)
    end
    out[#out + 1] = " }"
    if empty then
        out[first], out[#out] = "{}", nil
    end
    seen[value] = nil
end

write = function(value, out, depth, seen)
    if type(value) == "table" then
        write_table(value, out, depth, seen)
    elseif type(value) == "string" then
        out[#out + 1] = quote(value:sub(1, TEXT_MAX))
    else
        out[#out + 1] = tostring(value)
    end
end

--- A value as it would stand in a Lua file, cut where it gets too long.
function show.value(value)
    local out = {}
    write(value, out, 1, {})
    local text = table.concat(out)
    return #text <= TEXT_MAX and text or text:sub(1, TEXT_MAX) .. " ..."
end

local function step(path, key)
    return path .. (is_name(key) and "." .. key or "[" .. show.value(key) .. "]")
end

--- Compares what tables hold, not what they are.
-- @return nil when both are the same, else where they first differ: "", ".tags.team", "[2]"
function show.difference(a, b, path, seen)
    path, seen = path or "", seen or {}
    if rawequal(a, b) or a == b then
        return nil
    end
    if type(a) ~= "table" or type(b) ~= "table" then
        return path
    end
    if seen[a] == b then
        return nil
    end
    seen[a] = b
    for key, value in pairs(a) do
        local where = show.difference(value, b[key], step(path, key), seen)
        if where then
            return where
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return step(path, key)
        end
    end
    return nil
end

return show
