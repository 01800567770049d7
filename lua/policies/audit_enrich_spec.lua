-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/audit_enrich.lua")

describe("audit_enrich", function()
    it("adds team and ticket", function()
        assert.same(
            { team = "team-a", ticket = "T-1" },
            policy.audit({
                principal = "arn:aws:iam::012345678910:role/team-a/deployer",
                input = { tags = { ticket = "T-1" } },
            })
        )
    end)

    it("takes the team from the tag and the ticket from the caller", function()
        assert.same(
            { team = "red", ticket = "T-2" },
            policy.audit({
                principal = "arn:aws:iam::012345678910:role/deployer",
                caller = { tags = { ticket = "T-2" } },
                input = { tags = { team = "red" } },
            })
        )
    end)

    it("takes the team from the permission set of Identity Center's roles", function()
        assert.same(
            { team = "team-a" },
            policy.audit({
                principal = "arn:aws:iam::012345678910:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_team-a_0123456789abcdef",
                input = { tags = { team = "red" } },
            })
        )
    end)

    it("adds nothing where nothing is known", function()
        assert.is_nil(policy.audit({ input = {} }))
        assert.is_nil(policy.audit({ principal = "x", input = { tags = {} } }))
    end)
end)
