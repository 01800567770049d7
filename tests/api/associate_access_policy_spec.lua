-- SPDX-License-Identifier: Apache-2.0
-- AssociateAccessPolicy: scopes, and what happens when the policy is there already.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local invalid = expect.invalid

describe("AssociateAccessPolicy", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { workers = 2, clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["both"] = { accessConfig = { authenticationMode = "API_AND_CONFIG_MAP" } },
            ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function fresh()
        return eks.made(gw).principalArn
    end

    local function policies_of(principal)
        return expect.ok(eks.list_associated(gw, principal)).associatedAccessPolicies
    end

    describe("answers", function()
        it("with the association, members in the order of EKS's sample, namespaces as [] for the whole cluster", function()
            local principal = fresh()
            local reply = eks.associate(gw, principal,
                '{"policyArn":"' .. eks.policy("AmazonEKSClusterAdminPolicy") .. '","accessScope":{"type":"cluster"}}')
            assert.equal(200, reply.status)
            assert.equal("application/json", reply.header["content-type"])
            local associated, modified = expect.template(
                '{"clusterName":"my-cluster","principalArn":"' .. principal .. '","associatedAccessPolicy":{"policyArn":'
                .. '"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster",'
                .. '"namespaces":[]},"associatedAt":<time>,"modifiedAt":<time>}}', reply.body)
            assert.equal(associated, modified)
            assert.is_true(math.abs(tonumber(associated) - text.wall()) < 30)
        end)

        it("with the namespaces in the order sent, each once", function()
            local association = eks.associated(gw, fresh(), "AmazonEKSViewPolicy", { "z", "dev-*", "a", "z", "*" })
            assert.same({ type = "namespace", namespaces = { "z", "dev-*", "a", "*" } }, association.accessScope)
        end)

        it("when a cluster's scope comes with an empty list, as Terraform sends it", function()
            local reply = eks.associate(gw, fresh(), '{"accessScope":{"namespaces":[],"type":"cluster"},"policyArn":"'
                .. eks.policy("AmazonEKSViewPolicy") .. '"}')
            assert.truthy(reply.body:find('"accessScope":{"type":"cluster","namespaces":[]}', 1, true), reply.body)
        end)

        it("when namespaces is null, which means absent, and members are unknown", function()
            expect.ok(eks.associate(gw, fresh(), '{"policyArn":"' .. eks.policy("AmazonEKSViewPolicy")
                .. '","accessScope":{"type":"cluster","namespaces":null,"extra":1},"clientRequestToken":5,"x":[{}]}'))
        end)

        it("on an API_AND_CONFIG_MAP cluster too", function()
            local entry = eks.made(gw, {}, { cluster = "both" })
            eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy", nil, { cluster = "both" })
        end)

        it("for every policy that ListAccessPolicies shows, but those of service-linked roles", function()
            local allowed, linked = 0, 0
            local own = gateway.start({ settings = { limits = { policies_per_entry = 100 } } })
            local principal = eks.made(own).principalArn
            for _, policy in ipairs(expect.ok(eks.list_policies(own)).accessPolicies) do
                local reply = eks.associate(own, principal, eks.scope(policy.name))
                if reply.status == 200 then
                    allowed = allowed + 1
                else
                    linked = linked + 1
                    expect.error(reply, 400, invalid,
                        "The specified policyArn can only be associated with service-linked roles")
                end
            end
            assert.same({ 28, 5 }, { allowed, linked })
            own:stop()
        end)
    end)

    describe("changes", function()
        it("neither the entry nor its modifiedAt", function()
            local entry = eks.made(gw, { tags = { a = "1" } })
            local before = eks.describe(gw, entry.principalArn).body
            eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy")
            assert.equal(before, eks.describe(gw, entry.principalArn).body)
        end)

        it("the scope of a policy that is associated already, in place", function()
            local principal = fresh()
            local first = eks.associated(gw, principal, "AmazonEKSViewPolicy", { "a" })
            local again
            text.wait_for(function()
                again = eks.associated(gw, principal, "AmazonEKSViewPolicy")
                return again.modifiedAt > first.modifiedAt
            end)
            assert.equal(first.associatedAt, again.associatedAt)
            assert.is_true(again.modifiedAt > first.modifiedAt)
            assert.same({ type = "cluster", namespaces = {} }, again.accessScope)
            assert.same({ again }, policies_of(principal))
            local back = eks.associated(gw, principal, "AmazonEKSViewPolicy", { "b", "c" })
            assert.same({ type = "namespace", namespaces = { "b", "c" } }, back.accessScope)
            assert.equal(first.associatedAt, back.associatedAt)
            assert.same({ back }, policies_of(principal))
        end)

        it("associatedAt when the policy was disassociated in between", function()
            local principal = fresh()
            local first = eks.associated(gw, principal, "AmazonEKSViewPolicy")
            local again
            text.wait_for(function()
                expect.ok(eks.disassociate(gw, principal, eks.policy("AmazonEKSViewPolicy")))
                again = eks.associated(gw, principal, "AmazonEKSViewPolicy")
                return again.associatedAt > first.associatedAt
            end)
            assert.is_true(again.associatedAt > first.associatedAt)
            assert.equal(again.associatedAt, again.modifiedAt)
        end)

        it("nothing of the entry's other policies", function()
            local principal = fresh()
            local view = eks.associated(gw, principal, "AmazonEKSViewPolicy", { "a" })
            local edit = eks.associated(gw, principal, "AmazonEKSEditPolicy")
            local admin = eks.associated(gw, principal, "AmazonEKSAdminPolicy", { "b" })
            local again = eks.associated(gw, principal, "AmazonEKSEditPolicy", { "c" })
            assert.are_not.same(edit.accessScope, again.accessScope)
            assert.same({ admin, again, view }, policies_of(principal))
        end)
    end)

    describe("is open to entries of type", function()
        for type_name, open in pairs({
            STANDARD = true, EC2 = true, EC2_LINUX = false, EC2_WINDOWS = false, FARGATE_LINUX = false,
            HYBRID_LINUX = false, HYPERPOD_LINUX = false,
        }) do
            it(type_name .. ": " .. (open and "yes" or "no"), function()
                local principal = eks.made(gw, { type = type_name }).principalArn
                local reply = eks.associate(gw, principal, eks.scope("AmazonEKSAutoNodePolicy"))
                if open then
                    expect.ok(reply)
                else
                    expect.error(reply, 400, invalid, eks.messages.standard_only)
                    assert.same({}, policies_of(principal))
                end
            end)
        end
    end)

    describe("refuses a policy", function()
        for _, arn in ipairs({
            eks.policy("AmazonEKSViewPolicyy"), eks.policy("amazoneksviewpolicy"), eks.policy("x/AmazonEKSViewPolicy"),
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:eks:::cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:eks:aws:cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:eks:us-west-2:aws:cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:eks::012345678910:cluster-access-policy/AmazonEKSViewPolicy",
        }) do
            it("that is unknown: " .. arn, function()
                expect.error(eks.associate(gw, fresh(), { policyArn = arn, accessScope = { type = "cluster" } }), 404,
                    "ResourceNotFoundException", eks.messages.no_policy)
            end)
        end

        for _, arn in ipairs({
            "", "AmazonEKSViewPolicy", "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", "arn:aws:eks::aws:cluster/x",
            "arn:aws:eks::aws:cluster-access-policy/", "arn::eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "arn:aws:s3::aws:cluster-access-policy/AmazonEKSViewPolicy", " " .. eks.policy("AmazonEKSViewPolicy"),
            "ARN:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", ":cluster-access-policy/x", "arn",
        }) do
            it("that is no access policy's ARN: '" .. arn .. "'", function()
                expect.error(eks.associate(gw, fresh(), { policyArn = arn, accessScope = { type = "cluster" } }), 400,
                    invalid, eks.messages.bad_policy)
            end)
        end

        it("past twenty of one entry, but changes the scope of one that is there", function()
            local principal = fresh()
            local names = {}
            for _, policy in ipairs(expect.ok(eks.list_policies(gw)).accessPolicies) do
                if eks.associate(gw, principal, eks.scope(policy.name)).status == 200 then
                    names[#names + 1] = policy.name
                end
            end
            assert.equal(20, #names)
            expect.error(eks.associate(gw, principal, eks.scope("AmazonEKSViewPolicy")), 400,
                "InvalidRequestException", "An access entry can't have more than 20 access policies associated.")
            eks.associated(gw, principal, names[20], { "ns" })
            expect.ok(eks.disassociate(gw, principal, eks.policy(names[1])))
            eks.associated(gw, principal, "AmazonEKSViewPolicy")
        end)
    end)

    describe("refuses a scope", function()
        local long = string.rep("\u{20ac}", 63)
        local bad_namespace = "A namespace of the accessScope parameter must have 1 to 63 characters, and no blanks or "
            .. "control characters."
        local cases = {
            { "of the cluster with namespaces", '{"type":"cluster","namespaces":["a"]}',
                "accessScope should not include namespaces if the type is not set as namespace" },
            { "of namespaces without any", '{"type":"namespace"}',
                "At least 1 namespace must be provided if the type is set as namespace" },
            { "of namespaces with an empty list", '{"type":"namespace","namespaces":[]}',
                "At least 1 namespace must be provided if the type is set as namespace" },
            { "of namespaces that are null", '{"type":"namespace","namespaces":null}',
                "At least 1 namespace must be provided if the type is set as namespace" },
            { "of another type", '{"type":"Cluster"}', "The accessScope.type parameter must be one of [cluster, namespace]." },
            { "of an empty type", '{"type":""}', "The accessScope.type parameter must be one of [cluster, namespace]." },
            { "without a type", '{"namespaces":["a"]}',
                "The accessScope.type parameter must be one of [cluster, namespace]." },
            { "whose type is a number", '{"type":1}', "The accessScope.type parameter must be a string." },
            { "whose namespaces are no list", '{"type":"namespace","namespaces":"a"}',
                "The accessScope.namespaces parameter must be an array of strings." },
            { "with a namespace that is no text", '{"type":"namespace","namespaces":["a",null]}',
                "The accessScope.namespaces parameter must be an array of strings." },
            { "with an empty namespace", '{"type":"namespace","namespaces":["a",""]}', bad_namespace },
            { "with a namespace of 64 characters", '{"type":"namespace","namespaces":["' .. long .. 'x"]}', bad_namespace },
            { "with a blank", '{"type":"namespace","namespaces":["a b"]}', bad_namespace },
            { "with a control character", '{"type":"namespace","namespaces":["a\u{9b}b"]}', bad_namespace },
            { "that is text", '"cluster"', "The accessScope parameter must be an object." },
            { "that is a list", "[]", "The accessScope parameter must be an object." },
            { "that is null", "null", "The accessScope parameter is required." },
        }
        for _, case in ipairs(cases) do
            it(case[1], function()
                expect.error(eks.associate(gw, fresh(), '{"policyArn":"' .. eks.policy("AmazonEKSViewPolicy")
                    .. '","accessScope":' .. case[2] .. "}"), 400, invalid, case[3])
            end)
        end

        it("of more than a thousand namespaces, not of a thousand, and takes 63 characters", function()
            local principal = fresh()
            local names = { long }
            for i = 2, 1000 do
                names[i] = "n" .. i
            end
            assert.same(names, eks.associated(gw, principal, "AmazonEKSViewPolicy", names).accessScope.namespaces)
            names[1001] = "n2"
            expect.error(eks.associate(gw, principal, eks.scope("AmazonEKSViewPolicy", names)), 400, invalid,
                "The accessScope parameter must not have more than 1000 namespaces.")
        end)
    end)

    describe("refuses a body", function()
        it("without policyArn or accessScope", function()
            local principal = fresh()
            for _, body in ipairs({ "{}", "", '{"accessScope":{"type":"cluster"}}', '{"policyArn":null}' }) do
                expect.error(eks.associate(gw, principal, body), 400, invalid, "The policyArn parameter is required.")
            end
            expect.error(eks.associate(gw, principal, { policyArn = eks.policy("AmazonEKSViewPolicy") }), 400, invalid,
                "The accessScope parameter is required.")
        end)

        it("whose policyArn is no text", function()
            expect.error(eks.associate(gw, fresh(), '{"policyArn":["a"],"accessScope":{"type":"cluster"}}'), 400,
                invalid, "The policyArn parameter must be a string.")
        end)
    end)

    describe("is refused", function()
        local view = eks.scope("AmazonEKSViewPolicy")

        it("for a principal without an entry", function()
            local body = expect.error(eks.associate(gw, eks.role("nobody"), view), 404, "ResourceNotFoundException",
                eks.messages.no_entry)
            assert.equal("my-cluster", body.clusterName)
        end)

        it("for an unknown cluster, a CONFIG_MAP cluster and a name that no cluster can have", function()
            local body = expect.error(eks.associate(gw, eks.role("r"), view, { cluster = "nowhere" }), 404,
                "ResourceNotFoundException", eks.messages.no_cluster("nowhere"))
            assert.equal(cjson.null, body.clusterName)
            expect.error(eks.associate(gw, eks.role("r"), view, { cluster = "old" }), 400, "InvalidRequestException",
                eks.messages.mode)
            expect.error(eks.associate(gw, eks.role("r"), view, { cluster = "a b" }), 400, invalid,
                eks.messages.cluster_name)
        end)

        it("for what is no principal's ARN, and for service-linked roles, with policies of theirs too", function()
            expect.error(eks.associate(gw, "x", view), 400, invalid, expect.bad_arn)
            expect.error(eks.associate(gw, eks.role("aws-service-role/x.amazonaws.com/R"),
                eks.scope("AmazonEKSComputePolicy")), 400, invalid, eks.messages.linked)
        end)

        it("for its own form before the cluster, for the entry before the policy, for the type before both", function()
            local bad_scope = { policyArn = eks.policy("AmazonEKSViewPolicy"), accessScope = { type = "namespace" } }
            expect.error(eks.associate(gw, eks.role("r"), bad_scope, { cluster = "nowhere" }), 400, invalid)
            expect.error(eks.associate(gw, eks.role("r"), { policyArn = "x", accessScope = { type = "" } },
                { cluster = "nowhere" }), 400, invalid, eks.messages.bad_policy)
            expect.error(eks.associate(gw, eks.role("nobody"), eks.scope("No")), 404, "ResourceNotFoundException",
                eks.messages.no_entry)
            local node = eks.made(gw, { type = "EC2_LINUX" }).principalArn
            expect.error(eks.associate(gw, node, eks.scope("No")), 400, invalid, eks.messages.standard_only)
        end)
    end)

    it("lets all policies through that come for one entry at once, as Terraform sends them", function()
        local names = {
            "AmazonEKSACKPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSAutoNodePolicy",
            "AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSEventPolicy", "AmazonEKSKROPolicy",
            "AmazonEKSViewPolicy", "AmazonEMRJobPolicy",
        }
        for _ = 1, 5 do
            local principal = fresh()
            local requests, expected = {}, {}
            for i, name in ipairs(names) do
                requests[i] = eks.requests.associate(principal, eks.scope(name))
                expected[i] = eks.policy(name)
            end
            for _, reply in ipairs(eks.at_once(gw, requests)) do
                expect.ok(reply)
            end
            local there = {}
            for i, one in ipairs(policies_of(principal)) do
                there[i] = one.policyArn
            end
            assert.same(expected, there)
        end
    end)
end)
