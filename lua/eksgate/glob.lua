-- SPDX-License-Identifier: Apache-2.0
--- Patterns with '*' (any text, also none) and '?' (any one byte); everything else stands for itself.
-- A pattern never backtracks over a '*': the time grows with the text's length, however many stars there are.
-- @module eksgate.glob

local glob = {}

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

--- Prepares a pattern that is used often.
-- @return a function that takes a text and returns true or false
function glob.compile(pattern)
    local pieces = split(pattern)
    return function(text)
        return match_pieces(pieces, text)
    end
end

--- True when all of text fits the pattern.
function glob.match(pattern, text)
    return match_pieces(split(pattern), text)
end

--- Prepares a list of patterns.
-- @return a function that takes a text, or nil, and returns true when one of the patterns fits; nil fits none
function glob.any(patterns)
    local matchers = {}
    for i, pattern in ipairs(patterns) do
        matchers[i] = glob.compile(pattern)
    end
    return function(text)
        for _, matches in ipairs(text and matchers or {}) do
            if matches(text) then
                return true
            end
        end
        return false
    end
end

return glob
