-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/default_tags.lua")

describe("default_tags", function()
    it("gives text under text", function()
        local tags = policy.tags()
        assert.equal("eksgate", tags["managed-by"])
        for key, value in pairs(tags) do
            assert.same({ "string", "string" }, { type(key), type(value) })
        end
    end)

    it("is asked about creation only", function()
        assert.same({ "CreateAccessEntry" }, policy.on)
    end)
end)
