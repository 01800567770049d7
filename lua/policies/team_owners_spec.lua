-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/team_owners.lua")
local arn = require("eksgate.arn")

local lead = "arn:aws:sts::012345678910:assumed-role/team-a-lead/ben"

local function authorize(principal, caller)
    return policy.authorize({
        operation = "CreateAccessEntry", caller = { arn = caller },
        principal = principal and arn.parse("arn:aws:iam::012345678910:role" .. principal),
    })
end

describe("team_owners", function()
    it("lets owners change the entries of their team", function()
        assert.is_nil(authorize("/team-a/deployer", lead))
        assert.is_nil(authorize("/platform/team-a/x/deployer", lead))
        assert.is_nil(authorize("/team-b/deployer", "arn:aws:iam::012345678910:user/anna"))
        assert.is_nil(authorize("/team-b/deployer", "arn:aws:iam::012345678910:user/ci-7"))
    end)

    it("denies everybody else", function()
        for _, caller in ipairs({
            lead, "arn:aws:iam::111122223333:user/anna", "arn:aws:iam::666666666666:user/:iam::012345678910:user/anna", false,
        }) do
            assert.same({ verdict = "deny", reason = "entries of team-b are its owners' to change" },
                authorize("/team-b/deployer", caller or nil))
        end
    end)

    it("knows a team by its permission set, not by tags", function()
        local role = "/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_team-b-admin_0123456789abcdef"
        assert.equal("deny", authorize(role, lead).verdict)
        assert.is_nil(policy.authorize({
            caller = { arn = lead }, input = { tags = { team = "team-b" } },
            principal = arn.parse("arn:aws:iam::012345678910:role/deployer"),
        }))
    end)

    it("has no opinion about what belongs to no team of the table", function()
        assert.is_nil(authorize("/deployer", "arn:aws:iam::111122223333:user/anna"))
        assert.is_nil(authorize("/team-z/deployer", "arn:aws:iam::111122223333:user/anna"))
        assert.is_nil(authorize(nil, nil))
    end)

    it("lets the platform team change all of it", function()
        assert.is_nil(authorize("/team-b/deployer", "arn:aws:sts::012345678910:assumed-role/platform-admin/x"))
        assert.equal("deny", authorize("/team-b/deployer", "arn:aws:sts::666666666666:assumed-role/platform-admin/x").verdict)
    end)
end)
