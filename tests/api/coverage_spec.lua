-- SPDX-License-Identifier: Apache-2.0
-- The table "operation × rule × test" of tests/README.md says what is: every operation that is served and every error
-- stand in it, no cell is empty, and what a mark names is there. What the marks of E1 to E31 ask, error_catalogue_spec.lua
-- compares as it runs.

local coverage = require("support.coverage")
local gateway = require("support.gateway")
local text = require("support.text")

-- For each rule behind E31 and each mark of its cells: what one of the titles in the marked file begins with or holds.
local titles = {
    ["reply, byte for byte"] = { o = { "^answers", "^shows", "^are described", "^are listed", "an update that is done" } },
    ["body: JSON, cap"] = { b = { "^in a body of", "may be as long as the cap" }, o = { "^forms that are broken" } },
    ["body: types of members"] = { b = { "^of a wrong type" } },
    ["body: unknown members, nulls"] = { b = { "is no bad input where EKS ignores it" } },
    ["path labels"] = { b = { "^in the path" } },
    ["query members"] = {
        b = { "^in a query", "^in the query of DescribeUpdate" },
        o = { "reads a plus sign", "^ignores a query", "parameters in the query" },
    },
    ["pages and order"] = {
        p = { "gives the same items over pages of every size" },
        o = { "^gives pages", "over pages", "gives pages of any size" },
    },
    ["page tokens"] = { p = { "refuses a token that is altered", "refuses the tokens of all others" } },
    ["walks while things change"] = {
        p = { "is walked while" }, o = { "^is walked while", "goes on behind a policy that is gone" },
    },
    ["request tokens"] = { o = { "client request token", "SDK's retry" } },
    ["tags: keys, values, fifty"] = { b = { "^in tags" }, o = { "^counts to fifty", "^is refused" } },
    ["limits that are counted"] = {
        o = { "limit of entries", "counts groups", "past twenty", "^counts to fifty", "^is refused", "limit of clusters" },
    },
    ["accounts and regions apart"] = { i = { "hide a cluster from", "hide tags from" } },
    ["many at once"] = { o = { "at once" }, r = { "^at once" } },
    ["what policies see"] = { v = { "all members of", "each operation that is served" }, o = { "is an operation as any other" } },
    ["audit record"] = { a = { "says what was asked" }, o = { "is recorded" } },
}

local function snake(name)
    return (name:gsub("(%l)(%u)", "%1_%2"):lower())
end

--- The file that holds an operation's own tests.
local function own_file(name)
    if name == "ListUpdates" or name == "DescribeUpdate" then
        return "api/updates_spec.lua"
    end
    return "api/" .. snake(name) .. "_spec.lua"
end

--- The titles of a file's tests and groups, without what a loop puts into them.
local function titles_of(file)
    local source = text.read_file(gateway.root .. "/tests/" .. file)
    assert(source, "tests/README.md names " .. file .. ", which is not there")
    local found = {}
    for kind, title in source:gmatch("\n%s*(%l+)%(([^\n]-), function%(%)") do
        if kind == "it" or kind == "describe" or kind == "row" then
            found[#found + 1] = title:gsub("%s*%.%.%s*[%w_.%[%]]+%s*", ""):gsub('"', ""):gsub("%s*%.%.%s*", "")
        end
    end
    assert(#found > 0, file .. " has no tests")
    return found
end

local function has_title(file, patterns)
    for _, title in ipairs(titles_of(file)) do
        for _, pattern in ipairs(patterns) do
            if title:find(pattern) then
                return true
            end
        end
    end
    return false
end

describe("the table of operations, rules and tests", function()
    local whole = coverage.read()

    it("has a column for every operation that is served, and no others", function()
        local gw = gateway.start()
        local served, columns = {}, {}
        for _, operation in ipairs(coverage.operations()) do
            local reply = gw:request({
                method = operation.method, target = operation.path:gsub("{[^}]*}", "x"),
                service = operation.name == "GetCallerIdentity" and "sts" or nil,
                body = operation.method == "POST" and "{}" or nil,
            })
            if reply.status ~= 501 then
                served[#served + 1] = operation.name
            end
        end
        for _, code in ipairs(whole.columns) do
            columns[#columns + 1] = whole.operation[code]
        end
        table.sort(served)
        table.sort(columns)
        assert.same(served, columns)
        gw:stop()
    end)

    it("has a row for every error of the catalogue, in order, with a test of its name", function()
        for number = 1, 31 do
            assert.equal("E" .. number, whole.rules[number].name:match("^%S+"))
            assert.is_true(has_title("api/error_catalogue_spec.lua", { "^E" .. number .. ": " }), "E" .. number)
        end
    end)

    it("has no empty cell, and a reason in each row where a rule doesn't apply", function()
        for _, rule in ipairs(whole.rules) do
            local applies_to_all = true
            for _, code in ipairs(whole.columns) do
                local cell = rule.cells[code]
                assert.truthy(cell and cell ~= "", rule.name .. " " .. code)
                applies_to_all = applies_to_all and cell ~= "–"
                for mark in cell:gmatch("%S+") do
                    assert.truthy(mark == "–" or whole.marks[mark], rule.name .. " " .. code .. ": " .. mark)
                end
            end
            assert.equal(applies_to_all, rule.because == "–", rule.name)
        end
    end)

    it("names tests that are there", function()
        for number = 32, #whole.rules do
            local rule = whole.rules[number]
            assert.truthy(titles[rule.name], "coverage_spec.lua doesn't know the rule " .. rule.name)
            for code, cell in pairs(rule.cells) do
                for mark in cell:gmatch("[%a]+") do
                    local file = mark == "o" and own_file(whole.operation[code]) or whole.marks[mark]
                    assert.is_true(has_title(file, titles[rule.name][mark] or {}),
                        file .. " has no test for " .. rule.name .. " of " .. whole.operation[code])
                end
            end
        end
    end)

    it("names each operation in the files that go through them by name", function()
        local by_name = {
            ["body: JSON, cap"] = "b", ["body: types of members"] = "b", ["page tokens"] = "p",
            ["audit record"] = "a", ["what policies see"] = "v",
        }
        for number = 32, #whole.rules do
            local rule = whole.rules[number]
            local mark = by_name[rule.name]
            for code, cell in pairs(mark and rule.cells or {}) do
                if cell:find(mark, 1, true) then
                    local source = text.read_file(gateway.root .. "/tests/" .. whole.marks[mark])
                    local name = whole.operation[code]
                    assert.truthy(source:find(name, 1, true), whole.marks[mark] .. " doesn't name " .. name)
                end
            end
        end
    end)

    it("is joined by a test for each of the 32 usual mistakes", function()
        for number = 1, 32 do
            assert.is_true(has_title("api/mistakes_spec.lua", { "^mistake " .. number .. ": " }), "mistake " .. number)
        end
    end)
end)
