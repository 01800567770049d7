-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/allowed_callers.lua")

local function allows(caller, operation)
    local said = policy.authorize({ caller = { arn = caller }, operation = operation })
    assert.is_true(said == nil or said.verdict == "allow")
    return said ~= nil
end

describe("allowed_callers", function()
    it("lets everybody ask who they are, and strangers nothing else", function()
        for _, caller in ipairs({ "arn:aws:iam::999999999999:user/x", false }) do
            assert.is_true(allows(caller or nil, "GetCallerIdentity"))
            assert.is_false(allows(caller or nil, "ListClusters"))
            assert.is_false(allows(caller or nil, "CreateAccessEntry"))
        end
    end)

    it("lets the account look", function()
        assert.is_true(allows("arn:aws:iam::012345678910:user/anna", "DescribeAccessEntry"))
        assert.is_true(allows("arn:aws:sts::012345678910:assumed-role/x/anna", "ListTagsForResource"))
        assert.is_false(allows("arn:aws:iam::012345678910:user/anna", "DeleteAccessEntry"))
    end)

    it("lets pipelines keep entries, and the platform team do everything", function()
        local ci = "arn:aws:sts::012345678910:assumed-role/ci-deploy/run-7"
        assert.is_true(allows(ci, "AssociateAccessPolicy"))
        assert.is_false(allows(ci, "DeleteCluster"))
        assert.is_true(allows("arn:aws:sts::012345678910:assumed-role/platform-admin/anna", "DeleteCluster"))
        assert.is_false(allows("arn:aws:iam::666666666666:user/:sts::012345678910:assumed-role/ci-x/y", "CreateAccessEntry"))
    end)
end)
