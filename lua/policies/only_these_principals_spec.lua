-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/only_these_principals.lua")
local arn = require("eksgate.arn")

local function authorize(principal)
    return policy.authorize({ principal = arn.parse(principal) })
end

describe("only_these_principals", function()
    it("has no opinion about those of the list", function()
        for _, principal in ipairs({
            "arn:aws:iam::012345678910:role/any/path/deployer",
            "arn:aws-cn:iam::012345678910:user/anna",
            "arn:aws:iam::111122223333:role/platform/x/deployer",
            "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_a_0123456789abcdef",
        }) do
            assert.is_nil(authorize(principal), principal)
        end
    end)

    it("denies all others", function()
        for _, principal in ipairs({
            "arn:aws:iam::012345678910:root",
            "arn:aws:iam::111122223333:role/deployer",
            "arn:aws:iam::111122223333:user/platform/anna",
            "arn:aws:iam::444455556666:role/AWSReservedSSO_a_0123456789abcdef",
            "arn:aws:iam::666666666666:user/:iam::111122223333:role/platform/x",
            "arn:aws:iam::666666666666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_0123456789abcdef",
            "arn:aws:iam::666666666666:role/:iam::444455556666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x",
        }) do
            assert.same({
                verdict = "deny",
                reason = "this principal isn't among those that may have access to clusters",
            }, authorize(principal))
        end
    end)

    it("denies what has no principal that can be read", function()
        assert.equal("deny", policy.authorize({}).verdict)
    end)

    it("leaves reading, narrowing and deleting alone", function()
        assert.same({ "CreateAccessEntry", "UpdateAccessEntry", "AssociateAccessPolicy" }, policy.on)
    end)
end)
