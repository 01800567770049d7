-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/forbidden_groups.lua")

local function authorize(groups, caller)
    return policy.authorize({ caller = { arn = caller }, input = { kubernetesGroups = groups } })
end

describe("forbidden_groups", function()
    it("denies with the reason of the first pattern that fits any of the groups", function()
        assert.same(
            { verdict = "deny", reason = "groups of the platform team are its own to give" },
            authorize({ "viewers", "platform:on-call" })
        )
        assert.equal(
            "cluster admins come by an access policy, which EKS records",
            authorize({ "platform:x", "cluster-admins" }).reason
        )
        assert.equal("deny", authorize({ "team-a:admins" }).verdict)
    end)

    it("has no opinion about other groups, and where there are none", function()
        assert.is_nil(authorize({ "viewers", "cluster-admins-of-old", "admins", "Platform:x" }))
        assert.is_nil(authorize({}))
        assert.is_nil(authorize(nil))
    end)

    it("lets excepted callers give them, and nobody whose name only looks like theirs", function()
        assert.is_nil(authorize({ "cluster-admins" }, "arn:aws:sts::012345678910:assumed-role/platform-admin/anna"))
        for _, arn in ipairs({
            "arn:aws:iam::012345678910:user/platform-admin",
            "arn:aws:sts::012345678910:assumed-role/other/platform-admin",
            "arn:aws:sts::666666666666:assumed-role/platform-admin/anna",
            "arn:aws:iam::666666666666:user/:sts::012345678910:assumed-role/platform-admin/x",
        }) do
            assert.equal("deny", authorize({ "cluster-admins" }, arn).verdict)
        end
    end)

    it("is asked about creation and updates only", function()
        assert.same({ "CreateAccessEntry", "UpdateAccessEntry" }, policy.on)
    end)
end)
