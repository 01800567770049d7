-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/team_username.lua")
local arn = require("eksgate.arn")

local function username(principal, tags)
    return policy.username({ principal = arn.parse(principal), input = { tags = tags } })
end

describe("team_username", function()
    it("puts a role's team before its session name", function()
        assert.equal("team-a:{{SessionName}}", username("arn:aws:iam::012345678910:role/team-a/deployer"))
        assert.equal("team-a:{{SessionName}}", username("arn:aws:iam::012345678910:role/platform/team-a/x/deployer"))
    end)

    it("puts a user's team before the user's name", function()
        assert.equal("team-a:anna", username("arn:aws:iam::012345678910:user/team-a/anna"))
    end)

    it("takes the team from the tag where the path has none", function()
        assert.equal("red:{{SessionName}}", username("arn:aws:iam::012345678910:role/deployer", { team = "red" }))
        assert.equal("team-a:x", username("arn:aws:iam::012345678910:user/team-a/x", { team = "red" }))
    end)

    it("takes the team from the permission set of Identity Center's roles", function()
        local path = "arn:aws:iam::012345678910:role/aws-reserved/sso.amazonaws.com/"
        local name = "AWSReservedSSO_team-a-admin_0123456789abcdef"
        assert.equal("team-a:{{SessionName}}", username(path .. name))
        assert.equal("team-a:{{SessionName}}", username(path .. "eu-west-1/" .. name, { team = "red" }))
        assert.is_nil(username("arn:aws:iam::012345678910:role/" .. name))
    end)

    it("leaves the name to EKS without a principal", function()
        assert.is_nil(policy.username({ input = {} }))
    end)

    it("leaves the name to EKS without a team", function()
        assert.is_nil(username("arn:aws:iam::012345678910:role/deployer"))
        assert.is_nil(username("arn:aws:iam::012345678910:role/deployer", { team = "system:masters" }))
    end)

    it("is asked about creation and updates only", function()
        assert.same({ "CreateAccessEntry", "UpdateAccessEntry" }, policy.on)
    end)
end)
