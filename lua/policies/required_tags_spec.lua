-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/required_tags.lua")

local function authorize(tags)
    return policy.authorize({ input = { tags = tags } })
end

describe("required_tags", function()
    it("has no opinion when all tags are there", function()
        assert.is_nil(authorize({ team = "red", ["cost-centre"] = "1", more = "x" }))
    end)

    it("denies and says what is missing", function()
        assert.same(
            { verdict = "deny", reason = "access entries need the tags team, cost-centre" },
            authorize(nil)
        )
        assert.same(
            { verdict = "deny", reason = "access entries need the tags cost-centre" },
            authorize({ team = "red", ["cost-centre"] = "" })
        )
    end)

    it("is asked about creation only", function()
        assert.same({ "CreateAccessEntry" }, policy.on)
    end)
end)
