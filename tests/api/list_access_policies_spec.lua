-- SPDX-License-Identifier: Apache-2.0
-- ListAccessPolicies.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

-- As ListAccessPolicies of EKS gave them in April 2026.
local names = {
    "AIDevOpsAgentAccessPolicy", "AmazonAIOpsAssistantPolicy", "AmazonARCRegionSwitchScalingPolicy",
    "AmazonEKSACKPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSArgoCDClusterPolicy",
    "AmazonEKSArgoCDPolicy", "AmazonEKSAutoNodePolicy", "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSBlockStoragePolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSComputeClusterPolicy",
    "AmazonEKSComputePolicy", "AmazonEKSEditPolicy", "AmazonEKSEventPolicy", "AmazonEKSHybridPolicy",
    "AmazonEKSKROPolicy", "AmazonEKSLoadBalancingClusterPolicy", "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy", "AmazonEKSNetworkingPolicy", "AmazonEKSPodIdentityPolicy",
    "AmazonEKSSecretAdminPolicy", "AmazonEKSSecretReaderPolicy", "AmazonEKSViewPolicy", "AmazonEMRJobPolicy",
    "AmazonSagemakerHyperpodClusterPolicy", "AmazonSagemakerHyperpodControllerPolicy",
    "AmazonSagemakerHyperpodSpacePolicy", "AmazonSagemakerHyperpodSpaceTemplatePolicy",
    "AmazonSagemakerHyperpodSystemNamespacePolicy", "AmazonSagemakerHyperpodUserClusterPolicy",
}

--- The whole reply's body for a partition.
local function whole(partition)
    local items = {}
    for i, name in ipairs(names) do
        items[i] = '{"name":"' .. name .. '","arn":"arn:' .. partition .. ":eks::aws:cluster-access-policy/" .. name .. '"}'
    end
    return '{"accessPolicies":[' .. table.concat(items, ",") .. '],"nextToken":null}'
end

describe("ListAccessPolicies", function()
    local gw
    local china = { id = "AKIAEKSGATETEST000CN", secret = "s", arn = "arn:aws-cn:iam::012345678910:user/tester" }

    setup(function()
        gw = gateway.start({ keys = { gateway.key, china } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function walk(size)
        local items, pages = eks.walk("accessPolicies", function(token)
            return expect.ok(eks.list_policies(gw, { maxResults = size, nextToken = token }))
        end)
        for i, item in ipairs(items) do
            assert.equal(eks.policy(item.name), item.arn)
            items[i] = item.name
        end
        return items, pages
    end

    it("answers name and ARN of each, by name in byte order, byte for byte", function()
        local reply = eks.list_policies(gw)
        assert.equal(200, reply.status)
        assert.equal(whole("aws"), reply.body)
        assert.equal("application/json", reply.header["content-type"])
    end)

    it("answers with ARNs of the caller's partition", function()
        local reply = eks.list_policies(gw, nil, { key = china })
        assert.equal(whole("aws-cn"), reply.body)
    end)

    it("gives pages of any size from 1 to 100", function()
        for size, pages in pairs({ [1] = 33, [2] = 17, [32] = 2, [33] = 1, [34] = 1, [100] = 1 }) do
            local items, count = walk(size)
            assert.same(names, items)
            assert.equal(pages, count)
        end
    end)

    for _, value in ipairs({ "0", "101", "abc", "", "-1", "1.5" }) do
        it("gives none for maxResults=" .. value, function()
            local body = expect.error(eks.list_policies(gw, "?maxResults=" .. value), 400, expect.invalid,
                eks.messages.max_results)
            assert.equal(require("cjson").null, body.clusterName)
        end)
    end

    it("gives none for a token that is altered, another partition's, or there twice", function()
        local token = expect.ok(eks.list_policies(gw, { maxResults = 1 })).nextToken
        for _, bad in ipairs({ token:sub(1, -2), token .. "AAAA", token:reverse(), "x", "AAAA" }) do
            expect.error(eks.list_policies(gw, { nextToken = bad }), 400, expect.invalid, eks.messages.next_token)
        end
        expect.error(eks.list_policies(gw, { nextToken = token }, { key = china }), 400, expect.invalid,
            eks.messages.next_token)
        local once = "nextToken=" .. text.escape(token)
        expect.error(eks.list_policies(gw, "?" .. once .. "&" .. once), 400, expect.invalid,
            "The nextToken parameter must not be given more than once.")
    end)

    it("gives a token that outlives a restart", function()
        local own = gateway.start()
        local token = expect.ok(eks.list_policies(own, { maxResults = 32 })).nextToken
        own:restart()
        assert.equal('{"accessPolicies":[{"name":"' .. names[33] .. '","arn":"' .. eks.policy(names[33])
            .. '"}],"nextToken":null}', eks.list_policies(own, { nextToken = token }).body)
        own:stop()
    end)

    it("ignores parameters that aren't its own, and needs no cluster", function()
        for _, query in ipairs({ "?associatedPolicyArn=x&associatedPolicyArn=y", "?include=a&foo", "?maxresults=0" }) do
            assert.equal(whole("aws"), eks.list_policies(gw, query).body)
        end
        local bare = gateway.start({ settings = { clusters = gateway.none } })
        assert.equal(whole("aws"), eks.list_policies(bare).body)
        bare:stop()
    end)
end)
