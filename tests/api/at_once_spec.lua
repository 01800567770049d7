-- SPDX-License-Identifier: Apache-2.0
-- Many requests at once about one cluster, on several workers: what is refused is refused for what is true, and nothing is
-- left over.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")

local requests = eks.requests

describe("at once", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { workers = 2 } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function many(count, build)
        local all = {}
        for i = 1, count do
            all[i] = build(i)
        end
        return eks.at_once(gw, all)
    end

    it("CreateCluster of one name makes one cluster", function()
        local made = 0
        for _, reply in ipairs(many(20, function()
            return requests.create_cluster(eks.cluster_input("one"))
        end)) do
            if reply.status == 200 then
                made = made + 1
            else
                expect.error(reply, 409, "ResourceInUseException", "Cluster already exists with name: one")
            end
        end
        assert.equal(1, made)
    end)

    it("DeleteCluster of one name deletes it once", function()
        eks.made_cluster(gw, "gone")
        local gone = 0
        for _, reply in ipairs(many(20, function()
            return requests.delete_cluster("gone")
        end)) do
            if reply.status == 200 then
                gone = gone + 1
            else
                expect.error(reply, 404, "ResourceNotFoundException", eks.messages.no_cluster("gone"))
            end
        end
        assert.equal(1, gone)
    end)

    it("UpdateClusterConfig and TagResource of one cluster all get through", function()
        eks.made_cluster(gw, "busy")
        local kinds = {
            { deletionProtection = true }, { upgradePolicy = { supportType = "STANDARD" } },
            { resourcesVpcConfig = { endpointPrivateAccess = true } }, { zonalShiftConfig = { enabled = true } },
            { logging = { clusterLogging = { { types = { "api" }, enabled = true } } } },
        }
        for _, reply in ipairs(many(30, function(i)
            if kinds[i] then
                return requests.update_cluster_config("busy", kinds[i])
            end
            return requests.tag(eks.cluster_arn("busy"), { tags = { ["k" .. i] = "v" } })
        end)) do
            expect.ok(reply)
        end
        local cluster = expect.ok(eks.describe_cluster(gw, "busy")).cluster
        assert.is_true(cluster.deletionProtection)
        assert.equal("STANDARD", cluster.upgradePolicy.supportType)
        assert.is_true(cluster.resourcesVpcConfig.endpointPrivateAccess)
        local count = 0
        for _ in pairs(cluster.tags) do
            count = count + 1
        end
        assert.equal(25, count)
        assert.equal(5, #expect.ok(eks.list_updates(gw, "busy")).updateIds)
    end)

    it("entries of a cluster that is deleted meanwhile go with it, and none is left in the next of its name", function()
        for round = 1, 10 do
            eks.made_cluster(gw, "fleeting")
            local replies = many(21, function(i)
                if i == 11 then
                    return requests.delete_cluster("fleeting")
                end
                return requests.create({ principalArn = eks.role("r" .. i) }, { cluster = "fleeting" })
            end)
            for i, reply in ipairs(replies) do
                if reply.status ~= 200 then
                    assert.are_not.equal(11, i)
                    expect.error(reply, 404, "ResourceNotFoundException", eks.messages.no_cluster("fleeting"))
                end
            end
            eks.made_cluster(gw, "fleeting")
            assert.equal('{"accessEntries":[],"nextToken":null}', eks.list(gw, nil, { cluster = "fleeting" }).body,
                "round " .. round)
            expect.ok(eks.delete_cluster(gw, "fleeting"))
        end
    end)

    it("DisassociateAccessPolicy of one entry takes each policy away once", function()
        local principal = eks.made(gw).principalArn
        local names = { "AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminPolicy", "AmazonEKSACKPolicy" }
        for _, name in ipairs(names) do
            eks.associated(gw, principal, name)
        end
        local gone = 0
        for _, reply in ipairs(many(20, function(i)
            return requests.disassociate(principal, eks.policy(names[i % #names + 1]))
        end)) do
            if reply.status == 200 then
                gone = gone + 1
            else
                expect.error(reply, 404, "ResourceNotFoundException", { "^The specified policyArn is not associated" })
            end
        end
        assert.equal(#names, gone)
        assert.same({}, expect.ok(eks.list_associated(gw, principal)).associatedAccessPolicies)
    end)

    it("everything about one entry is answered as if it came one after the other", function()
        local principal = eks.made(gw).principalArn
        local arn = eks.described(gw, principal).accessEntryArn
        for i, reply in ipairs(many(40, function(i)
            if i % 4 == 0 then
                return requests.update(principal, { username = "u" .. i })
            elseif i % 4 == 1 then
                return requests.tag(arn, { tags = { ["k" .. i] = "v" } })
            elseif i % 4 == 2 then
                return requests.associate(principal, eks.scope("AmazonEKSViewPolicy", { "n" .. i }))
            end
            return requests.untag(arn, { tagKeys = "none" })
        end)) do
            assert.equal(200, reply.status, i .. " " .. reply.body)
        end
        local entry = eks.described(gw, principal)
        local count = 0
        for _ in pairs(entry.tags) do
            count = count + 1
        end
        assert.equal(10, count)
        assert.truthy(entry.username:find("^u%d+$"))
        assert.equal(1, #expect.ok(eks.list_associated(gw, principal)).associatedAccessPolicies)
    end)
end)
