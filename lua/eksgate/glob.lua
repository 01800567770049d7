-- SPDX-License-Identifier: Apache-2.0
--- Patterns with '*' (any text, also none) and '?' (any one byte); everything else stands for itself.
-- In eksgate this module is part of the program: the time grows with the text's length, however many '*' and '?' a pattern
-- has. This file stands in for it where policies run without eksgate (plain busted).
-- @module eksgate.glob

---@class eksgate.glob
local glob = {}

local PATTERN_MAX, PATTERNS_MAX = 1024, 4096

local function check(what, pattern, text, is_compiled)
    if type(pattern) ~= "string" then
        error(("%s: a pattern must be a text, not a %s"):format(what, type(pattern)), 0)
    end
    if #pattern > PATTERN_MAX then
        error(("%s: a pattern must not be longer than %d bytes"):format(what, PATTERN_MAX), 0)
    end
    if type(text) ~= "string" and not is_compiled then
        error(("%s: the text must be a text, not a %s"):format(what, type(text)), 0)
    end
end

local function equals_at(text, at, piece)
    for i = 1, #piece do
        local byte = piece:byte(i)
        if byte ~= 63 and byte ~= text:byte(at + i - 1) then
            return false
        end
    end
    return at + #piece - 1 <= #text
end

--- The first place of piece at or after from, at last at most; nil when there is none.
local function find_piece(text, piece, from, last)
    if not piece:find("?", 1, true) then
        local at = text:find(piece, from, true)
        return at and at <= last and at or nil
    end
    for at = from, last do
        if equals_at(text, at, piece) then
            return at
        end
    end
    return nil
end

local function split(pattern)
    local pieces, from = {}, 1
    while true do
        local star = pattern:find("*", from, true)
        pieces[#pieces + 1] = pattern:sub(from, (star or #pattern + 1) - 1)
        if not star then
            return pieces
        end
        from = star + 1
    end
end

local function match_pieces(pieces, text)
    local first, final = pieces[1], pieces[#pieces]
    if not equals_at(text, 1, first) then
        return false
    end
    if #pieces == 1 then
        return #text == #first
    end
    local at = #first + 1
    for i = 2, #pieces - 1 do
        local found = find_piece(text, pieces[i], at, #text - #final - #pieces[i] + 1)
        if not found then
            return false
        end
        at = found + #pieces[i]
    end
    local tail = #text - #final + 1
    return tail >= at and equals_at(text, tail, final)
end

--- Prepares a pattern that is used often. Raises for one of more than 1,024 bytes.
-- @return a function that takes a text and returns true or false
function glob.compile(pattern)
    check("glob.compile", pattern, nil, true)
    local pieces = split(pattern)
    return function(text)
        check("glob.compile", pattern, text)
        return match_pieces(pieces, text)
    end
end

--- True when all of text fits the pattern.
function glob.match(pattern, text)
    check("glob.match", pattern, text)
    return match_pieces(split(pattern), text)
end

--- Prepares a list of up to 4,096 patterns.
-- @return a function that takes a text, or nil, and returns true when one of the patterns fits; nil fits none
function glob.any(patterns)
    if type(patterns) ~= "table" then
        error(("glob.any needs a list of patterns, not a %s"):format(type(patterns)), 0)
    end
    if #patterns > PATTERNS_MAX then
        error(("glob.any: more than %d patterns"):format(PATTERNS_MAX), 0)
    end
    local split_patterns = {}
    for i, pattern in ipairs(patterns) do
        check("glob.any", pattern, nil, true)
        split_patterns[i] = split(pattern)
    end
    return function(text)
        if text == nil then
            return false
        end
        check("glob.any", "", text)
        for _, pieces in ipairs(split_patterns) do
            if match_pieces(pieces, text) then
                return true
            end
        end
        return false
    end
end

return glob
