-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/no_nodes.lua")

local function authorize(kind, caller)
    return policy.authorize({ caller = { arn = caller }, input = { type = kind } })
end

describe("no_nodes", function()
    it("denies every type but STANDARD, also one that isn't known yet", function()
        for _, kind in ipairs({
            "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2", "HYPERPOD_LINUX", "NEXT_YEARS", "standard",
        }) do
            assert.same({
                verdict = "deny",
                reason = "entries for nodes are the platform team's to make; others have type STANDARD",
            }, authorize(kind))
        end
    end)

    it("has no opinion about STANDARD, which is what no type means", function()
        assert.is_nil(authorize("STANDARD"))
        assert.is_nil(authorize(nil))
    end)

    it("lets excepted callers make them", function()
        assert.is_nil(authorize("EC2_LINUX", "arn:aws:sts::012345678910:assumed-role/platform-admin/anna"))
        assert.equal("deny", authorize("EC2_LINUX", "arn:aws:sts::012345678910:assumed-role/deployer/anna").verdict)
        assert.equal("deny", authorize("EC2_LINUX", "arn:aws:sts::666666666666:assumed-role/platform-admin/anna").verdict)
    end)

    it("is asked about creation only", function()
        assert.same({ "CreateAccessEntry" }, policy.on)
    end)
end)
