-- SPDX-License-Identifier: Apache-2.0
--- luassert's words for specs under `eksgate test`: assert.equal, assert.is_not_nil, assert.has_no.errors, ...
-- @module eksgate.spec.assertions

local show = require("eksgate.spec.show")

local assertions = {}

local MODIFIERS = { is = true, are = true, was = true, has = true, have = true, does = true }
local NEGATIONS = { ["not"] = true, no = true }

--- By name: how many arguments it looks at, and a function that says whether it holds, what was expected, what was got.
local checks = {}

local function check(names, count, holds)
    for _, name in ipairs(names) do
        checks[name] = { count = count, holds = holds }
    end
end

check({ "equal", "equals" }, 2, function(expected, got)
    return expected == got, show.value(expected), show.value(got)
end)

check({ "same" }, 2, function(expected, got)
    local where = show.difference(expected, got)
    local remark = where and where ~= "" and "\n  they differ at " .. where or ""
    return where == nil, show.value(expected), show.value(got) .. remark
end)

check({ "near" }, 3, function(expected, got, tolerance)
    local both = type(expected) == "number" and type(got) == "number"
    return both and got >= expected - tolerance and got <= expected + tolerance,
        ("%s within %s"):format(show.value(expected), show.value(tolerance)),
        show.value(got)
end)

check({ "unique" }, 1, function(list)
    for i = 1, #list do
        for j = i + 1, #list do
            if list[i] == list[j] then
                return false, "items that are all different", show.value(list)
            end
        end
    end
    return true, "items that are all different", show.value(list)
end)

check({ "truthy" }, 1, function(got)
    return got ~= nil and got ~= false, "neither nil nor false", show.value(got)
end)

check({ "falsy" }, 1, function(got)
    return got == nil or got == false, "nil or false", show.value(got)
end)

for word, value in pairs({ ["true"] = true, ["false"] = false }) do
    check({ word }, 1, function(got)
        return got == value, word, show.value(got)
    end)
end

for _, kind in ipairs({ "nil", "boolean", "number", "string", "table", "function", "userdata", "thread" }) do
    check({ kind }, 1, function(got)
        return type(got) == kind, kind == "nil" and "nil" or "a " .. kind, show.value(got)
    end)
end

check({ "matches", "match" }, 2, function(pattern, got)
    return type(got) == "string" and got:find(pattern) ~= nil, "a text that fits " .. show.value(pattern), show.value(got)
end)

--- The error without the place that Lua puts before it.
local function bare(problem)
    return type(problem) == "string" and (problem:gsub("^.-:%d+: ", "", 1)) or problem
end

local function raised(body)
    local ok, problem = pcall(body)
    return not ok, problem
end

check({ "error", "errors" }, 2, function(body, expected)
    local failed, problem = raised(body)
    local got = failed and "error " .. show.value(problem) or "no error"
    if expected == nil then
        return failed, "an error", got
    end
    return failed and show.difference(expected, bare(problem)) == nil, "the error " .. show.value(expected), got
end)

check({ "error_matches", "error_match", "matches_error", "match_error" }, 2, function(body, pattern)
    local failed, problem = raised(body)
    local text = type(problem) == "string" and problem or tostring(problem)
    return failed and text:find(pattern) ~= nil,
        "an error that fits " .. show.value(pattern),
        failed and "error " .. show.value(problem) or "no error"
end)

local function known_names()
    local names = {}
    for name in pairs(checks) do
        names[#names + 1] = name
    end
    table.sort(names)
    return table.concat(names, ", ")
end

--- Takes "is_not_nil" apart: "nil", true.
local function parse(key, negated)
    local rest = key
    while not checks[rest] do
        local word, behind = rest:match("^(%a+)_?(.*)$")
        word = word and word:lower()
        if MODIFIERS[word] then
            rest = behind
        elseif NEGATIONS[word] then
            rest, negated = behind, not negated
        else
            break
        end
        if rest == "" then
            return nil, negated
        end
    end
    return checks[rest] and rest or checks[rest:lower()] and rest:lower() or false, negated
end

--- Makes `assert`.
-- @param where a function that says which line of the spec is running
function assertions.new(where)
    local failure = {}

    function failure.__tostring(problem)
        return problem.where .. ": " .. problem.message
    end

    local function fail(message)
        error(setmetatable({ where = where() or "?", message = message }, failure), 0)
    end

    local state

    local function call(check_, negated, ...)
        local given = select("#", ...)
        local ok, expected, got = check_.holds(...)
        if (ok and true or false) == negated then
            local remark = given > check_.count and select(check_.count + 1, ...) or nil
            local text = type(remark) == "string" and remark .. "\n" or ""
            fail(("%sexpected %s%s\n     got %s"):format(text, negated and "not " or "", expected, got))
        end
        return ...
    end

    local function index(negated)
        return function(_, key)
            local name, now = parse(tostring(key), negated)
            if name == nil then
                return state(now)
            elseif name == false then
                fail(("assert.%s: there is no such assertion; there are %s, each also behind is, are, was, has, does, "
                    .. "not and no"):format(tostring(key), known_names()))
            end
            local found = checks[name]
            return function(...)
                return call(found, now, ...)
            end
        end
    end

    state = function(negated)
        return setmetatable({}, {
            __index = index(negated),
            __call = function(_, value, message, ...)
                if not value then
                    fail(message == nil and "assertion failed: got " .. show.value(value) or tostring(message))
                end
                return value, message, ...
            end,
        })
    end

    return state(false), failure, fail
end

return assertions
