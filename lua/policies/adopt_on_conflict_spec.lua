-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/adopt_on_conflict.lua")

local function conflict(arn)
    return policy.conflict({ caller = { arn = arn } })
end

describe("adopt_on_conflict", function()
    it("adopts for the callers of its list", function()
        assert.is_true(conflict("arn:aws:sts::012345678910:assumed-role/ci-deploy/run-7"))
        assert.is_true(conflict("arn:aws-cn:iam::012345678910:user/ci-robot"))
    end)

    it("has no opinion about others", function()
        assert.is_nil(conflict("arn:aws:iam::012345678910:user/anna"))
        assert.is_nil(conflict("arn:aws:sts::012345678910:assumed-role/admin/ci-anna"))
        assert.is_nil(conflict("arn:aws:sts::666666666666:assumed-role/ci-deploy/run-7"))
        assert.is_nil(conflict("arn:aws:iam::666666666666:user/ci-robot"))
        assert.is_nil(conflict("arn:aws:iam::666666666666:user/:sts::012345678910:assumed-role/ci-x/y"))
        assert.is_nil(conflict(nil))
    end)

    it("is asked about creates only", function()
        assert.same({ "CreateAccessEntry" }, policy.on)
    end)
end)
