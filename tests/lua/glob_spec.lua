-- SPDX-License-Identifier: Apache-2.0
local glob = require("eksgate.glob")

local function fits(pattern, text)
    assert.is_true(glob.match(pattern, text), pattern .. " should fit " .. text)
end

local function fails(pattern, text)
    assert.is_false(glob.match(pattern, text), pattern .. " should not fit " .. text)
end

describe("eksgate.glob", function()
    it("compares all of the text", function()
        fits("abc", "abc")
        fails("abc", "abcd")
        fails("abc", "ab")
        fits("", "")
        fails("", "a")
    end)

    it("lets a star stand for any text", function()
        fits("*", "")
        fits("a*c", "ac")
        fits("a*c", "abbbc")
        fits("*b*", "abc")
        fits("a*b*c", "a--b--b--c")
        fits("**a**", "a")
        fails("a*b", "acd")
        fails("ab*ba", "aba")
        fails("*ab*ab", "aab")
    end)

    it("lets a question mark stand for one byte", function()
        fits("a?c", "abc")
        fits("*?b", "aab")
        fits("x*?y*z", "x1y2z")
        fails("a?c", "ac")
        fails("?", "")
    end)

    it("takes Lua's magic characters as they are", function()
        fits("a.b", "a.b")
        fails("a.b", "axb")
        fits("%d[1]*", "%d[1]2")
    end)

    it("stays quick with many stars: backtracking would outlast everybody's patience", function()
        fails(("a*"):rep(50) .. "b", ("a"):rep(2000))
    end)

    it("compiles a pattern once for many texts", function()
        local matches = glob.compile("role/*")
        assert.is_true(matches("role/x"))
        assert.is_false(matches("user/x"))
    end)

    it("matches lists of patterns", function()
        local is_verb = glob.any({ "Describe*", "List?" })
        assert.is_true(is_verb("DescribeCluster"))
        assert.is_true(is_verb("Lists"))
        assert.is_false(is_verb("List"))
        assert.is_false(is_verb(nil))
    end)

    it("raises for what is no pattern, and no text", function()
        for message, call in pairs({
            ["a pattern must be a text, not a nil"] = function()
                glob.compile(nil)
            end,
            ["a pattern must be a text, not a number"] = function()
                glob.any({ "a", 1 })
            end,
            ["must not be longer than 1024 bytes"] = function()
                glob.match(("*"):rep(1025), "")
            end,
            ["the text must be a text, not a nil"] = function()
                glob.match("*", nil)
            end,
            ["the text must be a text, not a number"] = function()
                glob.compile("*")(1)
            end,
            ["the text must be a text, not a table"] = function()
                glob.any({ "*" })({})
            end,
            ["glob.any needs a list of patterns, not a string"] = function()
                glob.any("*")
            end,
        }) do
            local ok, why = pcall(call)
            assert.is_false(ok, message)
            assert.is_truthy(why:find(message, 1, true), why)
        end
    end)
end)
