-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/last_admin.lua")

local anna, ben = "arn:aws:iam::012345678910:role/anna", "arn:aws:iam::012345678910:role/ben"
local cluster_admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

local function authorize(operation, input, admins, principal)
    return policy.authorize({
        operation = operation, cluster = "c", caller = {}, input = input or {}, admins = admins,
        principal = { arn = principal or anna },
    })
end

local ways = {
    { "DeleteAccessEntry" },
    { "DisassociateAccessPolicy", { policyArn = cluster_admin } },
    { "DisassociateAccessPolicy", { policyArn = "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy" } },
    { "AssociateAccessPolicy", { policyArn = cluster_admin, accessScope = { type = "namespace", namespaces = { "n" } } } },
}

describe("last_admin", function()
    it("denies every way to lose the last one", function()
        for _, way in ipairs(ways) do
            assert.same({
                verdict = "deny",
                reason = "this is the last principal with AmazonEKSClusterAdminPolicy for the whole cluster",
            }, authorize(way[1], way[2], { anna }))
        end
    end)

    it("has no opinion about one of two, about others, and where there is none", function()
        for _, way in ipairs(ways) do
            assert.is_nil(authorize(way[1], way[2], { anna, ben }))
            assert.is_nil(authorize(way[1], way[2], { anna }, ben))
            assert.is_nil(authorize(way[1], way[2], {}))
            assert.is_nil(authorize(way[1], way[2], nil))
        end
    end)

    it("has no opinion about other policies, and about giving this one", function()
        local view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
        assert.is_nil(authorize("DisassociateAccessPolicy", { policyArn = view }, { anna }))
        assert.is_nil(authorize("AssociateAccessPolicy", { policyArn = view, accessScope = { type = "namespace" } }, { anna }))
        assert.is_nil(authorize("AssociateAccessPolicy", { policyArn = cluster_admin, accessScope = { type = "cluster" } }, { anna }))
    end)

    it("needs to know the administrators", function()
        assert.same({ "admins" }, policy.needs)
    end)
end)
