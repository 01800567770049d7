-- SPDX-License-Identifier: Apache-2.0
-- ListClusters as a client sees it.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

describe("ListClusters", function()
    local gw
    local clusters = { ["my-cluster"] = {} }
    local names = { "B", "a", "a-0", "a_0", "aa", "b" } -- byte order

    for _, name in ipairs(names) do
        clusters[name] = {}
    end
    table.insert(names, "my-cluster")

    setup(function()
        gw = gateway.start({ settings = { clusters = clusters } })
    end)

    teardown(function()
        gw:stop()
    end)

    it("answers names in byte order and a null token", function()
        local listed = '{"clusters":["' .. table.concat(names, '","') .. '"],"nextToken":null}'
        assert.equal(listed, gw:send("GET", "/clusters").body)
        assert.equal(listed, gw:send("GET", "/clusters?include=all&maxResults=100").body)
    end)

    it("gives every cluster once over pages of any size", function()
        for size = 1, #names + 1 do
            local found, token = {}, nil
            repeat
                local query = "?maxResults=" .. size .. (token and "&nextToken=" .. text.escape(token) or "")
                local page = expect.ok(gw:send("GET", "/clusters" .. query))
                assert.truthy(#page.clusters <= size)
                table.move(page.clusters, 1, #page.clusters, #found + 1, found)
                token = type(page.nextToken) == "string" and page.nextToken or nil
            until not token
            assert.same(names, found)
        end
    end)

    it("refuses a size out of range and a token of another listing", function()
        for _, size in ipairs({ "0", "101", "-1", "x", "" }) do
            expect.error(gw:send("GET", "/clusters?maxResults=" .. size), 400, expect.invalid,
                "The maxResults parameter must be a whole number from 1 to 100.")
        end
        expect.error(gw:send("GET", "/clusters?nextToken=abc"), 400, expect.invalid, { "nextToken" })
    end)
end)
