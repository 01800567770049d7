-- SPDX-License-Identifier: Apache-2.0
-- The record of each operation of EKS that is served: what it was asked as CloudTrail says it (the cluster under
-- `name`, labels of the path still escaped), what it was answered, and refusals.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local requests = eks.requests
local view = eks.policy("AmazonEKSViewPolicy")

describe("the audit record of", function()
    local gw
    local entry

    setup(function()
        gw = gateway.start({ settings = { audit = { record = "all" } } })
        entry = eks.made(gw, { principalArn = eks.role("team/there"), tags = { a = "1" } })
        eks.associated(gw, entry.principalArn, "AmazonEKSEditPolicy")
    end)

    teardown(function()
        gw:stop()
    end)

    local label = text.escape(eks.role("team/there"))
    local nobody = eks.role("nobody")
    local arn_label = text.escape(eks.cluster_arn())
    local scope = { type = "namespace", namespaces = { "a" } }
    -- Operation, request, parameters, whether it reads, whether the reply's body is recorded.
    local cases = {
        { "CreateAccessEntry", requests.create({ principalArn = eks.role("p/new"), username = "u" }),
            { name = "my-cluster", principalArn = eks.role("p/new"), username = "u" }, false, true },
        { "DescribeAccessEntry", requests.describe(eks.role("team/there")), { name = "my-cluster", principalArn = label },
            true, false },
        { "ListAccessEntries", requests.list({ maxResults = 2, associatedPolicyArn = view }),
            { name = "my-cluster", maxResults = 2, associatedPolicyArn = view }, true, false },
        { "UpdateAccessEntry", requests.update(eks.role("team/there"), { kubernetesGroups = { "g" }, unknown = 1 }),
            { name = "my-cluster", principalArn = label, kubernetesGroups = { "g" } }, false, true },
        { "AssociateAccessPolicy",
            requests.associate(eks.role("team/there"), { policyArn = view, accessScope = scope }),
            { name = "my-cluster", principalArn = label, policyArn = view, accessScope = scope }, false, true },
        { "ListAssociatedAccessPolicies", requests.list_associated(eks.role("team/there"), { maxResults = 1 }),
            { name = "my-cluster", principalArn = label, maxResults = 1 }, true, false },
        { "DisassociateAccessPolicy", requests.disassociate(eks.role("team/there"), view),
            { name = "my-cluster", principalArn = label, policyArn = text.escape(view) }, false, true },
        { "ListAccessPolicies", requests.list_policies({ maxResults = 1 }), { maxResults = 1 }, true, false },
        { "TagResource", requests.tag(eks.cluster_arn(), { tags = { a = "1" } }),
            { resourceArn = arn_label, tags = { a = "1" } }, false, true },
        { "ListTagsForResource", requests.tags(eks.cluster_arn()), { resourceArn = arn_label }, true, false },
        { "UntagResource", requests.untag(eks.cluster_arn(), { tagKeys = { "a", "b c" } }),
            { resourceArn = arn_label, tagKeys = { "a", "b c" } }, false, true },
        { "DeleteAccessEntry", requests.delete(eks.role("p/new")),
            { name = "my-cluster", principalArn = text.escape(eks.role("p/new")) }, false, true },
        { "CreateCluster", requests.create_cluster(eks.cluster_input("made", { tags = { a = "1" }, unknown = 1 })),
            eks.cluster_input("made", { tags = { a = "1" } }), false, true },
        { "DescribeCluster", requests.describe_cluster("made"), { name = "made" }, true, false },
        { "ListClusters", requests.list_clusters({ maxResults = 1, include = { "all" } }),
            { maxResults = 1, include = { "all" } }, true, false },
        { "UpdateClusterConfig", requests.update_cluster_config("made", { deletionProtection = true }),
            { name = "made", deletionProtection = true }, false, true },
        { "ListUpdates", requests.list_updates("made", { maxResults = 5 }), { name = "made", maxResults = 5 }, true, false },
        { "UpdateClusterConfig", requests.update_cluster_config("made", { deletionProtection = false }),
            { name = "made", deletionProtection = false }, false, true },
        { "DeleteCluster", requests.delete_cluster("made"), { name = "made" }, false, true },
    }

    it("DescribeUpdate says what was asked", function()
        local id = expect.ok(eks.update_cluster_config(gw, "my-cluster", { zonalShiftConfig = { enabled = true } })).update.id
        local record = gw:audit_of(eks.describe_update(gw, "my-cluster", id).header["x-amzn-requestid"])
        assert.equal("DescribeUpdate", record.eventName)
        assert.same({ name = "my-cluster", updateId = id }, record.requestParameters)
        assert.is_true(record.readOnly)
    end)

    for _, case in ipairs(cases) do
        it(case[1] .. " says what was asked and answered", function()
            local reply = gw:request(case[2])
            local body = expect.ok(reply)
            local record = gw:audit_of(reply.header["x-amzn-requestid"])
            assert.equal(case[1], record.eventName)
            assert.equal("eks.amazonaws.com", record.eventSource)
            assert.same(case[3], record.requestParameters)
            assert.equal(case[4], record.readOnly)
            if case[5] then
                assert.same(body, record.responseElements)
            else
                assert.equal(cjson.null, record.responseElements)
            end
            assert.is_nil(record.errorCode)
        end)
    end

    local refusals = {
        { "CreateAccessEntry", requests.create({ principalArn = eks.role("team/there") }), "ResourceInUseException" },
        { "CreateAccessEntry", requests.create('{"principalArn":5,"username":"u"}'), expect.invalid },
        { "DescribeAccessEntry", requests.describe(nobody), "ResourceNotFoundException" },
        { "ListAccessEntries", requests.list({ maxResults = 0 }), expect.invalid },
        { "UpdateAccessEntry", requests.update(nobody, { username = "u" }), "ResourceNotFoundException" },
        { "DeleteAccessEntry", requests.delete(nobody), "ResourceNotFoundException" },
        { "AssociateAccessPolicy", requests.associate(nobody, eks.scope("AmazonEKSViewPolicy")), "ResourceNotFoundException" },
        { "AssociateAccessPolicy", requests.associate(nobody, '{"policyArn":1,"accessScope":{}}'), expect.invalid },
        { "DisassociateAccessPolicy", requests.disassociate(nobody, view), "ResourceNotFoundException" },
        { "ListAssociatedAccessPolicies", requests.list_associated(nobody), "ResourceNotFoundException" },
        { "ListAccessPolicies", requests.list_policies({ nextToken = "x" }), expect.invalid },
        { "TagResource", requests.tag("x", { tags = { a = "1" } }), "BadRequestException" },
        { "UntagResource", requests.untag(eks.cluster_arn("absent"), { tagKeys = "a" }), "NotFoundException" },
        { "ListTagsForResource", requests.tags(eks.cluster_arn("absent")), "NotFoundException" },
        { "CreateCluster", requests.create_cluster(eks.cluster_input("my-cluster")), "ResourceInUseException" },
        { "DescribeCluster", requests.describe_cluster("absent"), "ResourceNotFoundException" },
        { "ListClusters", requests.list_clusters({ maxResults = 0 }), expect.invalid },
        { "UpdateClusterConfig", requests.update_cluster_config("my-cluster", "{}"), expect.invalid },
        { "ListUpdates", requests.list_updates("absent"), "ResourceNotFoundException" },
        { "DescribeUpdate", requests.describe_update("my-cluster", "x"), "ResourceNotFoundException" },
        { "DeleteCluster", requests.delete_cluster("absent"), "ResourceNotFoundException" },
    }
    for _, case in ipairs(refusals) do
        it(case[1] .. " that was refused says why: " .. case[3], function()
            local reply = gw:request(case[2])
            local record = gw:audit_of(reply.header["x-amzn-requestid"])
            assert.equal(case[1], record.eventName)
            assert.equal(case[3], record.errorCode)
            assert.equal(cjson.decode(reply.body).message, record.errorMessage)
            assert.equal(cjson.null, record.responseElements)
            assert.equal("table", type(record.requestParameters))
        end)
    end

    it("a body with members of the wrong type shows them as they came", function()
        local reply = eks.create(gw, '{"principalArn":5,"tags":{"a":1},"username":"u","unknown":1}')
        assert.same({ name = "my-cluster", principalArn = 5, tags = { a = 1 }, username = "u" },
            gw:audit_of(reply.header["x-amzn-requestid"]).requestParameters)
    end)

    it("a body that is no JSON shows the path alone", function()
        local reply = eks.update(gw, entry.principalArn, "{")
        assert.same({ name = "my-cluster", principalArn = label },
            gw:audit_of(reply.header["x-amzn-requestid"]).requestParameters)
    end)
end)
