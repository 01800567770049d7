-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/deny_glob.lua")

local function authorize(arn)
    return policy.authorize({ principal = { arn = arn } })
end

describe("deny_glob", function()
    it("denies with the reason of the first pattern that fits", function()
        assert.equal("root users get no cluster access", authorize("arn:aws:iam::012345678910:root").reason)
        assert.equal(
            "people come through roles, not IAM users",
            authorize("arn:aws-cn:iam::012345678910:user/team-a/anna").reason
        )
        assert.equal("deny", authorize("arn:aws:iam::012345678910:role/aws-service-role/x/y").verdict)
    end)

    it("has no opinion about others", function()
        assert.is_nil(authorize("arn:aws:iam::012345678910:role/team-a/deployer"))
        assert.is_nil(policy.authorize({}))
    end)

    it("leaves reading and deleting alone", function()
        assert.same({ "CreateAccessEntry", "UpdateAccessEntry", "AssociateAccessPolicy" }, policy.on)
    end)
end)
