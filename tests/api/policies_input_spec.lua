-- SPDX-License-Identifier: Apache-2.0
-- What policies see of every operation that is served: it may stand in `on`, and its members are in `req.input` under
-- their SDK names, wherever they travelled.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local role = "arn:aws:iam::012345678910:role/team-a/r"
local view_policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
local cluster_arn = "arn:aws:eks:us-west-2:012345678910:cluster/my-cluster"
local entries = gateway.entries_target()
local entry = gateway.entry_target(role)
local tags = "/tags/" .. text.escape(cluster_arn)

--- Says in its refusal what it was given, members sorted.
local looking = [[
local verdict = require("eksgate.verdict")

local function show(value)
    if type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    for i, item in ipairs(value) do
        parts[i] = show(item)
    end
    if #parts == 0 then
        local names = {}
        for name in pairs(value) do
            names[#names + 1] = name
        end
        table.sort(names)
        for i, name in ipairs(names) do
            parts[i] = name .. "=" .. show(value[name])
        end
    end
    return "{" .. table.concat(parts, ";") .. "}"
end

return {
    name = "look",
    on = { OPERATION },
    authorize = function(req)
        local input = {}
        for name, value in pairs(req.input) do
            input[name] = value
        end
        return verdict.deny(table.concat({
            req.operation, tostring(req.cluster), tostring(req.principal and req.principal.name), show(input),
        }, " "))
    end,
}
]]

local cases = {
    {
        operation = "CreateAccessEntry", method = "POST", target = entries, principal = "r",
        json = {
            principalArn = role, kubernetesGroups = { "g", "h" }, tags = { a = "1" }, clientRequestToken = "t",
            username = "u", type = "STANDARD",
        },
        input = "{clientRequestToken=t;clusterName=my-cluster;kubernetesGroups={g;h};principalArn=" .. role
            .. ";tags={a=1};type=STANDARD;username=u}",
    },
    {
        operation = "DescribeAccessEntry", method = "GET", target = entry, principal = "r",
        input = "{clusterName=my-cluster;principalArn=" .. role .. "}",
    },
    {
        operation = "UpdateAccessEntry", method = "POST", target = entry, principal = "r",
        json = { kubernetesGroups = { "g" }, username = "u", clientRequestToken = "t" },
        input = "{clientRequestToken=t;clusterName=my-cluster;kubernetesGroups={g};principalArn=" .. role
            .. ";username=u}",
    },
    {
        operation = "DeleteAccessEntry", method = "DELETE", target = entry, principal = "r",
        input = "{clusterName=my-cluster;principalArn=" .. role .. "}",
    },
    {
        operation = "ListAccessEntries", method = "GET",
        target = entries .. "?associatedPolicyArn=" .. text.escape(view_policy) .. "&maxResults=5",
        input = "{associatedPolicyArn=" .. view_policy .. ";clusterName=my-cluster;maxResults=5}",
    },
    {
        operation = "AssociateAccessPolicy", method = "POST", target = entry .. "/access-policies", principal = "r",
        json = { policyArn = view_policy, accessScope = { type = "namespace", namespaces = { "n" } } },
        input = "{accessScope={namespaces={n};type=namespace};clusterName=my-cluster;policyArn=" .. view_policy
            .. ";principalArn=" .. role .. "}",
    },
    {
        operation = "DisassociateAccessPolicy", method = "DELETE", principal = "r",
        target = entry .. "/access-policies/" .. text.escape(view_policy),
        input = "{clusterName=my-cluster;policyArn=" .. view_policy .. ";principalArn=" .. role .. "}",
    },
    {
        operation = "ListAssociatedAccessPolicies", method = "GET", target = entry .. "/access-policies?maxResults=7",
        principal = "r",
        input = "{clusterName=my-cluster;maxResults=7;principalArn=" .. role .. "}",
    },
    {
        operation = "ListAccessPolicies", method = "GET", target = "/access-policies?maxResults=7", cluster = "nil",
        input = "{maxResults=7}",
    },
    {
        operation = "TagResource", method = "POST", target = tags, json = { tags = { a = "1" } },
        input = "{resourceArn=" .. cluster_arn .. ";tags={a=1}}",
    },
    {
        operation = "UntagResource", method = "DELETE", target = tags .. "?tagKeys=a&tagKeys=b",
        input = "{resourceArn=" .. cluster_arn .. ";tagKeys={a;b}}",
    },
    {
        operation = "ListTagsForResource", method = "GET", target = tags,
        input = "{resourceArn=" .. cluster_arn .. "}",
    },
    {
        operation = "CreateCluster", method = "POST", target = "/clusters",
        json = {
            name = "my-cluster", roleArn = role, resourcesVpcConfig = { subnetIds = { "a", "b" } }, tags = { a = "1" },
            accessConfig = { authenticationMode = "API" }, version = "1.33", deletionProtection = false, odd = 1,
        },
        input = "{accessConfig={authenticationMode=API};deletionProtection=false;name=my-cluster;"
            .. "resourcesVpcConfig={subnetIds={a;b}};roleArn=" .. role .. ";tags={a=1};version=1.33}",
    },
    {
        operation = "DescribeCluster", method = "GET", target = "/clusters/my-cluster", input = "{name=my-cluster}",
    },
    {
        operation = "DeleteCluster", method = "DELETE", target = "/clusters/my-cluster", input = "{name=my-cluster}",
    },
    {
        operation = "ListClusters", method = "GET", target = "/clusters?include=all&maxResults=7", cluster = "nil",
        input = "{include={all};maxResults=7}",
    },
    {
        operation = "UpdateClusterConfig", method = "POST", target = "/clusters/my-cluster/update-config",
        json = { accessConfig = { authenticationMode = "API" }, clientRequestToken = "t", roleArn = role },
        input = "{accessConfig={authenticationMode=API};clientRequestToken=t;name=my-cluster}",
    },
    {
        operation = "DescribeUpdate", method = "GET", target = "/clusters/my-cluster/updates/a%2Db?addonName=x",
        input = "{addonName=x;name=my-cluster;updateId=a-b}",
    },
    {
        operation = "ListUpdates", method = "GET", target = "/clusters/my-cluster/updates?maxResults=7",
        input = "{maxResults=7;name=my-cluster}",
    },
}

describe("policies see", function()
    after_each(function()
        gateway.stop_all()
    end)

    for _, case in ipairs(cases) do
        it("all members of " .. case.operation, function()
            local gw = gateway.start({ policies = { (looking:gsub("OPERATION", ("%q"):format(case.operation))) } })
            local reply = gw:request({ method = case.method, target = case.target, json = case.json })
            local body = expect.error(reply, 403, "AccessDeniedException")
            local seen = body.message:match("%(eksgate policy look: (.*), request [%x-]+%)$")
            assert.equal(("%s %s %s %s"):format(case.operation, case.cluster or "my-cluster", case.principal or "nil",
                case.input), seen)
        end)
    end

    it("each operation that is served, in a case above", function()
        local covered = { GetCallerIdentity = true } -- it has no members, and a request form of its own
        for _, case in ipairs(cases) do
            covered[case.operation] = true
        end
        local gw, missing = gateway.start({}), {}
        local table_of_operations = text.read_file(gateway.root .. "/core/eks/operations.def")
        for name, method, path in table_of_operations:gmatch('GW_EKS_OPERATION%((%u%w+), (%u+), "([^"]+)"%)') do
            local target = path:gsub("{%w+}", "x")
            if not covered[name] and gw:request({ method = method, target = target }).status ~= 501 then
                missing[#missing + 1] = name
            end
        end
        assert.equal("", table.concat(missing, " "))
    end)

    it("every operation of the service model in `on`, and no other", function()
        local operations = {}
        for name in text.read_file(gateway.root .. "/core/eks/operations.def"):gmatch("GW_EKS_OPERATION%((%u%w+),") do
            operations[#operations + 1] = ("%q"):format(name)
        end
        assert.is_true(#operations > 60, #operations .. " operations")
        local gw = gateway.start({ policies = { (looking:gsub("OPERATION", table.concat(operations, ", "))) } })
        expect.error(gw:describe(role), 403, "AccessDeniedException")
        gw:stop()
        local prepared = gateway.prepare({ policies = { (looking:gsub("OPERATION", '"DescribeAccessEntries"')) } })
        local code, err = prepared:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("EKS has no operation 'DescribeAccessEntries'", 1, true), err)
        prepared:forget()
    end)
end)
