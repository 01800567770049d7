-- SPDX-License-Identifier: Apache-2.0
--- IP addresses and ranges of them: "10.0.0.0/8", "fd00::/8", "192.0.2.7". An IPv4-mapped IPv6 address (::ffff:10.0.0.1) is
-- the IPv4 address that it maps.
-- In eksgate this module is part of the program. This file stands in for it where policies run without eksgate (plain
-- busted).
-- @module eksgate.cidr

---@class eksgate.cidr
local cidr = {}

local RANGES_MAX = 4096

local function parse_v4(text)
    local bytes = { text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
    local value = #bytes == 4 and 0 or nil
    for _, byte in ipairs(bytes) do
        if not value or #byte > 3 or tonumber(byte) > 255 or byte:find("^0.") then
            return nil
        end
        value = value << 8 | tonumber(byte)
    end
    return value
end

-- The groups of one side of "::"; an IPv4 tail counts as two.
local function parse_groups(text, groups)
    if text == "" then
        return true
    end
    for group in (text .. ":"):gmatch("([^:]*):") do
        local tail = group:find(".", 1, true) and parse_v4(group)
        if tail then
            groups[#groups + 1] = tail >> 16
            groups[#groups + 1] = tail & 0xffff
            groups.tail = true
        elseif groups.tail or #group < 1 or #group > 4 or group:find("%X") then
            return false
        else
            groups[#groups + 1] = tonumber(group, 16)
        end
    end
    return true
end

local function parse_v6(text)
    local head, rest = text:match("^(.-)::(.*)$")
    local left, right = {}, {}
    if not parse_groups(head or text, left) or not parse_groups(rest or "", right) or (head and left.tail) then
        return nil
    end
    if (head and #left + #right > 7) or (not head and #left ~= 8) then
        return nil
    end
    for _ = #left + #right + 1, 8 do
        left[#left + 1] = 0
    end
    table.move(right, 1, #right, #left + 1, left)
    return left[1] << 48 | left[2] << 32 | left[3] << 16 | left[4], left[5] << 48 | left[6] << 32 | left[7] << 16 | left[8]
end

-- Addresses are two integers; those of IPv4 are ::ffff:a.b.c.d.
local function parse_ip(text)
    local v4 = type(text) == "string" and #text < 46 and parse_v4(text)
    if v4 then
        return 0, 0xffff << 32 | v4
    end
    if type(text) == "string" and #text < 46 and text:find(":", 1, true) then
        return parse_v6(text)
    end
    return nil
end

local function is_v4(high, low)
    return high == 0 and low >> 32 == 0xffff
end

-- What of an address the first `bits` bits are.
local function cut(high, low, bits)
    if bits <= 64 then
        return bits == 0 and 0 or high & ~0 << (64 - bits), 0
    end
    return high, low & ~0 << (128 - bits)
end

local function show(high, low, v4)
    if v4 then
        return ("%d.%d.%d.%d"):format(low >> 24 & 255, low >> 16 & 255, low >> 8 & 255, low & 255)
    end
    local groups, best, run = {}, { 0, 0 }, nil
    for i = 0, 7 do
        groups[i + 1] = (i < 4 and high or low) >> (48 - i % 4 * 16) & 0xffff
        run = groups[i + 1] == 0 and (run or i + 1) or nil
        if run and i + 2 - run > best[2] and i + 2 - run > 1 then
            best = { run, i + 2 - run }
        end
        groups[i + 1] = ("%x"):format(groups[i + 1])
    end
    if best[2] == 0 then
        return table.concat(groups, ":")
    end
    return table.concat(groups, ":", 1, best[1] - 1) .. "::" .. table.concat(groups, ":", best[1] + best[2])
end

local function parse_range(text)
    if type(text) ~= "string" then
        return nil, "no text"
    end
    local address, prefix = text:match("^([^/]*)/(.*)$")
    local high, low = parse_ip(address or text)
    if not high then
        return nil, "no IP address or range such as 10.0.0.0/8 or fd00::/8"
    end
    local dotted = not text:find(":", 1, true)
    local most = dotted and 32 or 128
    if prefix and (not prefix:find("^%d%d?%d?$") or prefix:find("^0.") or tonumber(prefix) > most) then
        return nil, "the prefix must be a number from 0 to " .. most
    end
    local bits = (prefix and tonumber(prefix) or most) + (dotted and 96 or 0)
    local v4 = is_v4(high, low) and bits >= 96
    local range = { bits = bits, v4 = v4, prefix = v4 and bits - 96 or bits }
    range.high, range.low = cut(high, low, bits)
    if range.high ~= high or range.low ~= low then
        return nil,
            ("%s has bits set behind its prefix; %s/%d is the range that it lies in"):format(
                text,
                show(range.high, range.low, v4),
                range.prefix
            )
    end
    return range
end

--- Takes a range apart.
-- @return a table with address (the first one), prefix and version (4 or 6); nil and why when it is none, also where bits
-- behind the prefix are set
function cidr.parse(text)
    local range, why = parse_range(text)
    if not range then
        return nil, why
    end
    return { address = show(range.high, range.low, range.v4), prefix = range.prefix, version = range.v4 and 4 or 6 }
end

local function prepare(ranges, what)
    if type(ranges) == "string" then
        ranges = { ranges }
    end
    if type(ranges) ~= "table" then
        error(("%s needs a list of ranges, not a %s"):format(what, type(ranges)), 0)
    end
    if #ranges > RANGES_MAX then
        error(("%s: more than %d ranges"):format(what, RANGES_MAX), 0)
    end
    local prepared = {}
    for i, text in ipairs(ranges) do
        if type(text) ~= "string" then
            error(("%s: range %d must be a text, not a %s"):format(what, i, type(text)), 0)
        end
        local range, why = parse_range(text)
        prepared[i] = range or error(("%s: range %d, '%s': %s"):format(what, i, text, why), 0)
    end
    return function(ip)
        if type(ip) ~= "string" then
            error(("%s: an IP address must be a text, not a %s"):format(what, ip == nil and "nil" or type(ip)), 0)
        end
        local high, low = parse_ip(ip)
        if not high then
            error(("%s: not an IP address: %s"):format(what, ip), 0)
        end
        for _, range in ipairs(prepared) do
            local first, second = cut(high, low, range.bits)
            if range.v4 == is_v4(high, low) and first == range.high and second == range.low then
                return true
            end
        end
        return false
    end
end

--- Prepares a list of ranges: a function that takes an address and answers whether it is in one of them, in as many steps
-- as the logarithm of their number.
-- Raises for a range that is none. The function raises for an address that is none, and for nil.
-- @param ranges a list of up to 4,096 texts, or one text; IPv4 addresses are in no range of IPv6
function cidr.compile(ranges)
    return prepare(ranges, "cidr.compile")
end

--- True when the address is in one of the ranges. Prepare a list that doesn't change with cidr.compile.
function cidr.contains(ranges, ip)
    return prepare(ranges, "cidr.contains")(ip)
end

return cidr
