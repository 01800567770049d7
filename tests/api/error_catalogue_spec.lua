-- SPDX-License-Identifier: Apache-2.0
-- The catalogue of EKS's errors, E1 to E31 (core/eks/README.md), over HTTP: each row sends the requests that are known to
-- bring the error, on every operation that can answer it, and compares status, x-amzn-ErrorType and the body's bytes. Which
-- operations these are must be what the table of tests/README.md says.

local cjson = require("cjson")
local coverage = require("support.coverage")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local requests = eks.requests
local role = eks.role("my-role")
local linked_role = eks.role("aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS")
local foreign = "999988887777"
local node_types = { "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2" }
local prefixes = { "system:", "eks:", "aws:", "amazon:", "iam:" }
local view = eks.policy("AmazonEKSViewPolicy")

--- Status and members of each error, in the order of the service model.
local errors = {
    InvalidParameterException = { 400, "clusterName nodegroupName fargateProfileName addonName subscriptionId message" },
    InvalidRequestException = { 400, "clusterName nodegroupName addonName subscriptionId message" },
    ResourceNotFoundException = { 404, "clusterName nodegroupName fargateProfileName addonName subscriptionId message" },
    ResourceInUseException = { 409, "clusterName nodegroupName addonName message" },
    ResourceLimitExceededException = { 400, "clusterName nodegroupName subscriptionId message" },
    TooManyRequestsException = { 429, "message" },
    AccessDeniedException = { 403, "message" },
    BadRequestException = { 400, "message" },
    NotFoundException = { 404, "message" },
}

local function body_of(code, cluster, message)
    local members = {}
    for name in errors[code][2]:gmatch("%S+") do
        local value = cjson.null
        if name == "message" then
            value = message
        elseif name == "clusterName" and cluster then
            value = cluster
        end
        members[#members + 1] = '"' .. name .. '":' .. cjson.encode(value):gsub("\\/", "/")
    end
    return "{" .. table.concat(members, ",") .. "}"
end

-- The operations that the row under way has asked.
local asked

--- A row of the catalogue: a test that asks the operations which the table has for it, no others.
local function row(title, test)
    it(title, function()
        asked = {}
        test()
        local names = {}
        for name in pairs(asked) do
            names[#names + 1] = name
        end
        table.sort(names)
        assert.same(coverage.marked(title:match("^(E%d+):"), "c"), names)
    end)
end

--- Sends a request and compares the whole reply; `cluster` is what clusterName says, false for null.
local function answers(gw, request, code, message, cluster)
    local reply = gw:request(request)
    asked[coverage.operation_of(request)] = true
    if type(message) == "function" then
        message = message(reply)
    end
    local where = request.method .. " " .. request.target .. " " .. (request.body or cjson.encode(request.json or {}))
    assert.equal(errors[code][1], reply.status, where .. "\n" .. reply.body)
    assert.equal(code, reply.header["x-amzn-errortype"], where)
    assert.equal(body_of(code, cluster, message), reply.body, where)
    assert.equal("application/json", reply.header["content-type"])
    return reply
end

--- The requests of all operations on the entry of a principal, with `with`; `create` and `list` on its cluster.
local function on_entry(principal, with)
    return {
        describe = requests.describe(principal, with),
        update = requests.update(principal, { username = "u" }, with),
        delete = requests.delete(principal, with),
        associate = requests.associate(principal, eks.scope("AmazonEKSViewPolicy"), with),
        disassociate = requests.disassociate(principal, view, with),
        list_associated = requests.list_associated(principal, nil, with),
    }
end

local function on_cluster(principal, with)
    local all = on_entry(principal, with)
    all.create = requests.create({ principalArn = principal }, with)
    all.list = requests.list(nil, with)
    return all
end

describe("the error catalogue", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["config-map"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function refused(request, code, message, cluster)
        return answers(gw, request, code, message, cluster == nil and "my-cluster" or cluster)
    end

    local function invalid(request, message, cluster)
        return refused(request, "InvalidParameterException", message, cluster)
    end

    row("E1: no cluster found, on every operation that names one", function()
        local all = on_cluster(role, { cluster = "absent" })
        all.describe_cluster = requests.describe_cluster("absent")
        all.delete_cluster = requests.delete_cluster("absent")
        all.update_cluster = requests.update_cluster_config("absent", { deletionProtection = true })
        all.list_updates = requests.list_updates("absent")
        all.describe_update = requests.describe_update("absent", "some-id")
        for _, request in pairs(all) do
            refused(request, "ResourceNotFoundException", "No cluster found for name: absent.", false)
        end
    end)

    row("E2: the principal has no entry, on every operation on one", function()
        for _, request in pairs(on_entry(eks.role("nobody"))) do
            refused(request, "ResourceNotFoundException", "The specified principalArn could not be found. You can view "
                .. "your available access entries with 'list-access-entries'.")
        end
    end)

    row("E3: an unknown access policy: a typo, another partition, no account, the account as region", function()
        local principal = eks.made(gw).principalArn
        local message = "The specified policyArn could not be found. You can view your available access policies with "
            .. "'list-access-policies'."
        for _, arn in ipairs({
            "arn:aws:eks::aws:cluster-access-policy/AmazonEKSVeiwPolicy",
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:eks:::cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:eks:aws:cluster-access-policy/AmazonEKSViewPolicy",
        }) do
            refused(requests.associate(principal, { policyArn = arn, accessScope = { type = "cluster" } }),
                "ResourceNotFoundException", message)
            refused(requests.list({ associatedPolicyArn = arn }), "ResourceNotFoundException", message)
        end
    end)

    row("E4: the ARN of something else than an access policy", function()
        local arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
        invalid(requests.associate(role, { policyArn = arn, accessScope = { type = "cluster" } }),
            "The policyArn parameter format is not valid")
        invalid(requests.list({ associatedPolicyArn = arn }), "The policyArn parameter format is not valid")
    end)

    row("E5: an assumed role's ARN, on every operation that names a principal", function()
        local session = "arn:aws:sts::012345678910:assumed-role/my-role/session"
        local all = on_entry(session)
        all.create = requests.create({ principalArn = session })
        for _, request in pairs(all) do
            invalid(request, "The principalArn parameter format is not valid")
        end
        invalid(requests.create({ principalArn = session, type = "EC2_LINUX" }),
            "The principalArn parameter format is not valid")
    end)

    row("E6: a principal that IAM doesn't know, as an SSO role without its path, or can't know in this partition", function()
        local message = "The specified principalArn is invalid: invalid principal."
        local sso = "AWSReservedSSO_admin_0123456789abcdef"
        local whole = eks.role("aws-reserved/sso.amazonaws.com/eu-west-1/" .. sso)
        invalid(requests.create({ principalArn = "arn:aws-cn:iam::012345678910:role/my-role" }), message)
        local file = gw.folder .. "/principals"
        text.write_file(file, whole .. "\n")
        local own = gateway.start({ settings = { principals = file } })
        for _, principal in ipairs({ eks.role(sso), eks.role("my-role"), eks.user("alice"), whole .. "x" }) do
            answers(own, requests.create({ principalArn = principal }), "InvalidParameterException", message, "my-cluster")
        end
        eks.made(own, { principalArn = whole })
        own:stop()
    end)

    row("E7: a service-linked role, own or foreign, of any type, in every change", function()
        local message = "The caller is not allowed to modify access entries with a principalArn value of a Service Linked "
            .. "Role"
        for _, principal in ipairs({ linked_role, eks.role("aws-service-role/x.amazonaws.com/R", foreign) }) do
            for _, type_name in ipairs({ "STANDARD", "HYPERPOD_LINUX", table.unpack(node_types) }) do
                invalid(requests.create({ principalArn = principal, type = type_name }), message)
            end
            local all = on_entry(principal)
            for _, name in ipairs({ "update", "delete", "associate", "disassociate" }) do
                invalid(all[name], message)
            end
        end
    end)

    row("E8: a node type for a user or root", function()
        for _, principal in ipairs({ eks.user("alice"), "arn:aws:iam::012345678910:root" }) do
            for _, type_name in ipairs(node_types) do
                invalid(requests.create({ principalArn = principal, type = type_name }), "AccessEntry principalArn must "
                    .. "be IAM role when using types [EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]")
            end
        end
    end)

    row("E9: a node type for another account's role", function()
        for _, type_name in ipairs(node_types) do
            invalid(requests.create({ principalArn = eks.role("r", foreign), type = type_name }), "AccessEntry "
                .. "principalArn must be from the same account as the cluster when using types [EC2_LINUX, EC2_WINDOWS, "
                .. "FARGATE_LINUX, HYBRID_LINUX, EC2]")
        end
    end)

    row("E10: a username with a reserved prefix, on create and update, and sts: is none", function()
        local principal = eks.made(gw).principalArn
        for _, prefix in ipairs(prefixes) do
            local message = "The username must not begin with " .. prefix
            invalid(requests.create({ principalArn = role, username = prefix .. "x" }), message)
            invalid(requests.update(principal, { username = prefix .. "x" }), message)
        end
        expect.ok(eks.update(gw, principal, { username = "sts:x" }))
    end)

    row("E11: a group with a reserved prefix, on create and update, and system alone is none", function()
        local principal = eks.made(gw).principalArn
        for _, prefix in ipairs(prefixes) do
            local name = prefix .. "masters"
            local message = "The kubernetes group name " .. name .. " is invalid, it cannot start with " .. prefix
            invalid(requests.create({ principalArn = role, kubernetesGroups = { "ok", name } }), message)
            invalid(requests.update(principal, { kubernetesGroups = { name, "ok" } }), message)
        end
        expect.ok(eks.update(gw, principal, { kubernetesGroups = { "system" } }))
    end)

    row("E12: groups on a node type", function()
        for _, type_name in ipairs({ "HYPERPOD_LINUX", table.unpack(node_types) }) do
            invalid(requests.create({ principalArn = role, type = type_name, kubernetesGroups = { "g" } }), "The specified "
                .. 'kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "' .. type_name
                .. '"')
        end
    end)

    row("E13: a username on a node type", function()
        for _, type_name in ipairs({ "HYPERPOD_LINUX", table.unpack(node_types) }) do
            invalid(requests.create({ principalArn = role, type = type_name, username = "u" }), "The specified username is "
                .. 'invalid: setting username is not allowed when the type is "' .. type_name .. '"')
        end
    end)

    row("E14: a policy or an update for an entry that isn't STANDARD, but policies for EC2", function()
        local message = 'This operation can only be performed on Access Entries with a type of "STANDARD".'
        for _, type_name in ipairs({ "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX" }) do
            local principal = eks.made(gw, { type = type_name }).principalArn
            invalid(requests.associate(principal, eks.scope("AmazonEKSViewPolicy")), message)
            invalid(requests.update(principal, "{}"), message)
        end
        local auto = eks.made(gw, { type = "EC2" }).principalArn
        invalid(requests.update(auto, "{}"), message)
        eks.associated(gw, auto, "AmazonEKSAutoNodePolicy")
    end)

    row("E15: namespaces with the scope of a cluster", function()
        invalid(requests.associate(role, { policyArn = view, accessScope = { type = "cluster", namespaces = { "a" } } }),
            "accessScope should not include namespaces if the type is not set as namespace")
    end)

    row("E16: no namespaces with the scope of namespaces", function()
        for _, scope in ipairs({ '{"type":"namespace"}', '{"type":"namespace","namespaces":[]}' }) do
            invalid(requests.associate(role, '{"policyArn":"' .. view .. '","accessScope":' .. scope .. "}"),
                "At least 1 namespace must be provided if the type is set as namespace")
        end
    end)

    row("E17: a policy of service-linked roles for another role", function()
        local principal = eks.made(gw).principalArn
        for _, name in ipairs({
            "AmazonEKSBlockStorageClusterPolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSComputeClusterPolicy",
            "AmazonEKSComputePolicy", "AmazonEKSHybridPolicy", "AmazonEKSClusterInsightsPolicy",
        }) do
            invalid(requests.associate(principal, eks.scope(name)),
                "The specified policyArn can only be associated with service-linked roles")
        end
        eks.associated(gw, principal, "AmazonEKSLoadBalancingClusterPolicy")
    end)

    row("E18: a second create for the same principal", function()
        local principal = eks.made(gw).principalArn
        refused(requests.create({ principalArn = principal }), "ResourceInUseException",
            "The specified access entry resource is already in use on this cluster.")
    end)

    row("E19: a CONFIG_MAP cluster, on every operation on entries", function()
        for _, request in pairs(on_cluster(role, { cluster = "config-map" })) do
            refused(request, "InvalidRequestException", "The cluster's authentication mode must be set to one of [API, "
                .. "API_AND_CONFIG_MAP] to perform this operation.", "config-map")
        end
    end)

    --- The operations that name a cluster as their own object.
    local function on_cluster_itself(name)
        return {
            create_cluster = requests.create_cluster(eks.cluster_input(name)),
            describe_cluster = requests.describe_cluster(name), delete_cluster = requests.delete_cluster(name),
            update_cluster = requests.update_cluster_config(name, { deletionProtection = true }),
            list_updates = requests.list_updates(name), describe_update = requests.describe_update(name, "some-id"),
        }
    end

    row("E20: characters that no cluster's name has, on every operation that names one", function()
        local rest = ' contains invalid characters. It should conform to the regular expression "^[0-9A-Za-z][A-Za-z0-9-_]*"'
            .. "In other words, it should start with a number or letter, and can contain numbers, letters, dashes, and "
            .. "underscores."
        for _, name in ipairs({ "-c", "_c", "a.b", "a b", "\u{e9}" }) do
            for _, request in pairs(on_cluster(role, { cluster = name })) do
                invalid(request, "The clusterName parameter" .. rest, false)
            end
            for _, request in pairs(on_cluster_itself(name)) do
                invalid(request, "The parameter name" .. rest, false)
            end
        end
    end)

    row("E21: a cluster's name of 101 characters, on every operation that names one", function()
        local name = string.rep("c", 101)
        for _, request in pairs(on_cluster(role, { cluster = name })) do
            invalid(request, "The parameter clusterName should not be greater than 100 characters.", false)
        end
        for _, request in pairs(on_cluster_itself(name)) do
            invalid(request, "The parameter name should not be greater than 100 characters.", false)
        end
    end)

    row("E22: a client request token of 32 or 127 characters, on every operation that takes one", function()
        for _, token in ipairs({ "", "token", string.rep("t", 32), string.rep("t", 127) }) do
            local message = "The client request token parameter must be between 33 and 126 characters."
            invalid(requests.create({ principalArn = role, clientRequestToken = token }), message)
            invalid(requests.update(role, { clientRequestToken = token }), message)
            invalid(requests.create_cluster(eks.cluster_input("fresh", { clientRequestToken = token })), message, "fresh")
            invalid(requests.update_cluster_config("my-cluster", { deletionProtection = true, clientRequestToken = token }), message)
        end
    end)

    row("E23: a cluster of that name exists", function()
        refused(requests.create_cluster(eks.cluster_input("my-cluster")), "ResourceInUseException",
            "Cluster already exists with name: my-cluster")
    end)

    it("E24: nothing can hold a cluster back, for nobody can make a node group", function()
        eks.made_cluster(gw, "bare")
        assert.equal(501, gw:request(eks.build("POST", "/clusters/bare/node-groups", { nodegroupName = "ng" })).status)
        expect.ok(eks.delete_cluster(gw, "bare"))
    end)

    row("E25: a mode that doesn't follow the one before", function()
        for _, way in ipairs({
            { "CONFIG_MAP", "API" }, { "CONFIG_MAP", "CONFIG_MAP" },
            { "API_AND_CONFIG_MAP", "CONFIG_MAP" }, { "API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP" },
            { "API", "CONFIG_MAP" }, { "API", "API_AND_CONFIG_MAP" }, { "API", "API" },
        }) do
            expect.ok(eks.create_cluster(gw, eks.cluster_input("way", {
                accessConfig = { authenticationMode = way[1] },
            })))
            invalid(requests.update_cluster_config("way", { accessConfig = { authenticationMode = way[2] } }),
                "Unsupported authentication mode update from " .. way[1] .. " to " .. way[2], "way")
            expect.ok(eks.delete_cluster(gw, "way"))
        end
    end)

    it("E26: no update is in progress once it is answered, so the next one may come at once", function()
        eks.made_cluster(gw, "busy")
        for i = 1, 4 do
            local update = expect.ok(eks.update_cluster_config(gw, "busy", { deletionProtection = i % 2 == 1 })).update
            assert.equal("Successful", update.status)
        end
        expect.ok(eks.delete_cluster(gw, "busy"))
    end)

    --- A mock that answers an operation with a fault, for what can't arise of itself here.
    local function with_fault(operation, code, message, ask)
        local mock = gateway.start_mock()
        local ordered = mock:control("PUT", "/v1/mock/faults", {
            faults = { { operation = operation, error = code, message = message } },
        })
        assert.equal(200, ordered.status, ordered.body)
        ask(mock)
        mock:stop()
    end

    row("E24: node groups hold a cluster back, as a mock's fault", function()
        local message = "Cluster has nodegroups attached"
        with_fault("DeleteCluster", "ResourceInUseException", message, function(mock)
            answers(mock, requests.delete_cluster("my-cluster"), "ResourceInUseException", message, "my-cluster")
        end)
    end)

    row("E26: an update is in progress, as a mock's fault", function()
        local message = "Cannot AccessConfigUpdate because cluster my-cluster currently has update "
            .. "9a6a3c2e-4d19-3c4f-8fbb-1f2a3b4c5d6e in progress"
        with_fault("UpdateClusterConfig", "ResourceInUseException", message, function(mock)
            answers(mock, requests.update_cluster_config("my-cluster", { accessConfig = { authenticationMode = "API" } }),
                "ResourceInUseException", message, "my-cluster")
        end)
    end)

    row("E27: Auto Mode with a mode that knows no entries", function()
        local message = "When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of "
            .. "API_AND_CONFIG_MAP or API"
        local auto = {
            computeConfig = { enabled = true }, kubernetesNetworkConfig = { elasticLoadBalancing = { enabled = true } },
            storageConfig = { blockStorage = { enabled = true } },
        }
        invalid(requests.update_cluster_config("config-map", auto), message, "config-map")
        invalid(requests.create_cluster(eks.cluster_input("auto", auto)), message, "auto")
        auto.accessConfig = { authenticationMode = "CONFIG_MAP" }
        invalid(requests.create_cluster(eks.cluster_input("auto", auto)), message, "auto")
    end)

    --- A gateway with a policy that has `verdict` for everything.
    local function with_verdict(verdict)
        return gateway.start({ policies = {
            'local verdict = require("eksgate.verdict")\n'
                .. 'return { name = "p", authorize = function(req)\n'
                .. '    if req.caller.name ~= "admin" then return ' .. verdict .. " end\nend }\n",
        }, keys = { gateway.key, { id = "AKIAEKSGATEADMIN0001", secret = "s", arn = "arn:aws:iam::012345678910:user/admin" } } })
    end

    local function signed_off(reply, reason)
        return " (eksgate policy p: " .. reason .. ", request " .. reply.header["x-amzn-requestid"] .. ")"
    end

    --- Requests of all operations.
    local function on_everything()
        local all = on_cluster(role)
        all.policies = requests.list_policies()
        all.tag = requests.tag(eks.cluster_arn(), { tags = { a = "1" } })
        all.untag = requests.untag(eks.cluster_arn(), { tagKeys = "a" })
        all.tags = requests.tags(eks.cluster_arn())
        all.list_clusters = requests.list_clusters()
        for name, request in pairs(on_cluster_itself("my-cluster")) do
            all[name] = request
        end
        return all
    end

    row("E28: throttled, on every operation, by a mock's fault to the letter", function()
        with_fault("*", "TooManyRequestsException", "Too Many Requests", function(mock)
            for _, request in pairs(on_everything()) do
                answers(mock, request, "TooManyRequestsException", "Too Many Requests")
            end
        end)
    end)

    row("E28: throttled by a policy, which signs", function()
        local own = with_verdict('verdict.throttle(3, "slow down")')
        for _, request in pairs(on_everything()) do
            local reply = answers(own, request, "TooManyRequestsException", function(reply)
                return "Too Many Requests" .. signed_off(reply, "slow down")
            end)
            assert.equal("3", reply.header["retry-after"])
        end
        own:stop()
    end)

    row("E29: not authorized, with the resource that IAM names for the operation", function()
        local own = with_verdict('verdict.deny("no")')
        local admin = { key = { id = "AKIAEKSGATEADMIN0001", secret = "s" } }
        local entry = eks.made(own, { principalArn = eks.role("team/there") }, admin)
        local entry_arn = "arn:aws:eks:us-west-2:012345678910:access-entry/my-cluster/role/012345678910/"
        local cases = {
            { "CreateAccessEntry", requests.create({ principalArn = role }), eks.cluster_arn() },
            { "ListAccessEntries", requests.list(), eks.cluster_arn() },
            { "ListAccessPolicies", requests.list_policies(), "*" },
            { "ListClusters", requests.list_clusters(), "*" },
            { "CreateCluster", requests.create_cluster(eks.cluster_input("new")), eks.cluster_arn("new") },
            { "DescribeCluster", requests.describe_cluster("my-cluster"), eks.cluster_arn() },
            { "DeleteCluster", requests.delete_cluster("absent"), eks.cluster_arn("absent") },
            { "UpdateClusterConfig", requests.update_cluster_config("my-cluster", "{}"), eks.cluster_arn() },
            { "ListUpdates", requests.list_updates("my-cluster"), eks.cluster_arn() },
            { "DescribeUpdate", requests.describe_update("my-cluster", "x"), eks.cluster_arn() },
            { "TagResource", requests.tag(entry.accessEntryArn, { tags = { a = "1" } }), entry.accessEntryArn },
            { "UntagResource", requests.untag(eks.cluster_arn("x"), { tagKeys = "a" }), eks.cluster_arn("x") },
            { "ListTagsForResource", requests.tags(entry.accessEntryArn), entry.accessEntryArn },
        }
        local names = {
            describe = "DescribeAccessEntry", update = "UpdateAccessEntry", delete = "DeleteAccessEntry",
            associate = "AssociateAccessPolicy", disassociate = "DisassociateAccessPolicy",
            list_associated = "ListAssociatedAccessPolicies",
        }
        for name, request in pairs(on_entry(entry.principalArn)) do
            cases[#cases + 1] = { names[name], request, entry.accessEntryArn }
        end
        for name, request in pairs(on_entry(eks.role("team/absent"))) do
            cases[#cases + 1] = { names[name], request, entry_arn .. "absent/*" }
        end
        for _, case in ipairs(cases) do
            answers(own, case[2], "AccessDeniedException", function(reply)
                return "User: " .. gateway.key.arn .. " is not authorized to perform: eks:" .. case[1] .. " on resource: "
                    .. case[3] .. signed_off(reply, "no")
            end)
        end
        own:stop()
    end)

    row("E30: more entries than a cluster may have", function()
        local own = gateway.start({ settings = { limits = { entries_per_cluster = 2 } } })
        eks.made(own)
        eks.made(own)
        answers(own, requests.create({ principalArn = role }), "ResourceLimitExceededException",
            "The cluster my-cluster can't have more than 2 access entries.", "my-cluster")
        own:stop()
    end)

    row("E31: tags of a wrong or missing resource, and wrong tags, with errors of their own", function()
        local missing = "The specified resourceArn could not be found."
        local malformed = "The resourceArn parameter format is not valid"
        local absent = eks.cluster_arn("absent")
        local too_many = {}
        for i = 1, 51 do
            too_many["k" .. i] = "v"
        end
        local cases = {
            { requests.tag(absent, { tags = { a = "1" } }), "NotFoundException", missing },
            { requests.untag(absent, { tagKeys = "a" }), "NotFoundException", missing },
            { requests.tags(absent), "NotFoundException", missing },
            { requests.tag("x", { tags = { a = "1" } }), "BadRequestException", malformed },
            { requests.untag("x", { tagKeys = "a" }), "BadRequestException", malformed },
            { requests.tags("x"), "BadRequestException", malformed },
            { requests.tag(eks.cluster_arn(), "{}"), "BadRequestException", "The tags parameter is required." },
            { requests.tag(eks.cluster_arn(), { tags = too_many }), "BadRequestException",
                "The tags parameter must have 1 to 50 tags." },
            { requests.tag(eks.cluster_arn(), { tags = { ["aws:a"] = "1" } }), "BadRequestException",
                "A tag key must not begin with aws: in upper or lower case." },
            { requests.untag(eks.cluster_arn()), "BadRequestException", "The tagKeys parameter is required." },
        }
        for _, case in ipairs(cases) do
            refused(table.unpack(case))
        end
    end)
end)
