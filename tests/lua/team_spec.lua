-- SPDX-License-Identifier: Apache-2.0
local tags = require("eksgate.tags")
local team = require("eksgate.team")

describe("eksgate.team", function()
    it("finds the first path segment that fits", function()
        assert.equal("team-a", team.from_path("/platform/team-a/team-b/", "^team%-"))
        assert.is_nil(team.from_path("/", "^team%-"))
        assert.is_nil(team.from_path(nil, "^team%-"))
    end)

    it("takes a tag only when it is a plain word", function()
        assert.equal("red.1", team.from_tag({ team = "red.1" }, "team"))
        for _, value in ipairs({ "", "system:masters", "a b", "-x" }) do
            assert.is_nil(team.from_tag({ team = value }, "team"))
        end
        assert.is_nil(team.from_tag(nil, "team"))
    end)
end)

describe("eksgate.tags", function()
    it("lists what is missing or empty, in order", function()
        assert.same({ "c", "a" }, tags.missing({ a = "", b = "x" }, { "c", "b", "a" }))
        assert.same({ "a" }, tags.missing(nil, { "a" }))
        assert.is_nil(tags.get({ a = "" }, "a"))
    end)
end)
