-- SPDX-License-Identifier: Apache-2.0
-- DisassociateAccessPolicy.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local invalid = expect.invalid
local view = eks.policy("AmazonEKSViewPolicy")
local not_associated = "The specified policyArn is not associated with the specified principalArn. You can view its "
    .. "policies with 'list-associated-access-policies'."

describe("DisassociateAccessPolicy", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    local function with_policies(...)
        local principal = eks.made(gw).principalArn
        for _, name in ipairs({ ... }) do
            eks.associated(gw, principal, name)
        end
        return principal
    end

    local function names_of(principal)
        local names = {}
        for i, one in ipairs(expect.ok(eks.list_associated(gw, principal)).associatedAccessPolicies) do
            names[i] = one.policyArn:match("[^/]+$")
        end
        return names
    end

    it("answers 200 with {} of two bytes", function()
        local reply = eks.disassociate(gw, with_policies("AmazonEKSViewPolicy"), view)
        assert.equal(200, reply.status)
        assert.equal("{}", reply.body)
        assert.equal("2", reply.header["content-length"])
        assert.equal("application/json", reply.header["content-type"])
    end)

    it("takes away that policy and no other, wherever it stands", function()
        local all = { "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy" }
        for gone = 1, 3 do
            local principal = with_policies(table.unpack(all))
            expect.ok(eks.disassociate(gw, principal, eks.policy(all[gone])))
            local left = { table.unpack(all) }
            table.remove(left, gone)
            assert.same(left, names_of(principal))
        end
    end)

    it("moves neither the entry nor what it says", function()
        local principal = with_policies("AmazonEKSViewPolicy")
        local before = eks.describe(gw, principal).body
        expect.ok(eks.disassociate(gw, principal, view))
        assert.equal(before, eks.describe(gw, principal).body)
        assert.same({}, names_of(principal))
    end)

    it("takes every spelling of the ARN in the path", function()
        local principal = with_policies("AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminPolicy")
        local base = gateway.entry_target(principal) .. "/access-policies/"
        for _, spelling in ipairs({
            (text.escape(view):gsub("%%%x%x", string.lower)), (eks.policy("AmazonEKSEditPolicy"):gsub("/", "%%2F")),
            (text.escape(eks.policy("AmazonEKSAdminPolicy")):gsub("%%3A", ":"):gsub("A", "%%41")),
        }) do
            expect.ok(gw:request({ method = "DELETE", target = base .. spelling }))
        end
        assert.same({}, names_of(principal))
    end)

    describe("is refused", function()
        it("for a policy that isn't associated, known or not, and a second time", function()
            local principal = with_policies("AmazonEKSViewPolicy")
            for _, arn in ipairs({
                eks.policy("AmazonEKSEditPolicy"), eks.policy("NoSuchPolicy"), "nonsense", view:lower(), view .. "x",
                "arn:aws:eks:::cluster-access-policy/AmazonEKSViewPolicy",
            }) do
                local body = expect.error(eks.disassociate(gw, principal, arn), 404, "ResourceNotFoundException",
                    not_associated)
                assert.equal("my-cluster", body.clusterName)
            end
            expect.ok(eks.disassociate(gw, principal, view))
            expect.error(eks.disassociate(gw, principal, view), 404, "ResourceNotFoundException", not_associated)
        end)

        it("for a label that is no printable ASCII", function()
            local principal = with_policies("AmazonEKSViewPolicy")
            for _, label in ipairs({ "arn%00", "arn%0A", "arn%C3%A9", "arn%C0%AF" }) do
                expect.error(gw:request({
                    method = "DELETE", target = gateway.entry_target(principal) .. "/access-policies/" .. label,
                }), 400, invalid, eks.messages.bad_policy)
            end
        end)

        it("for a principal without an entry, an unknown cluster and a CONFIG_MAP cluster", function()
            expect.error(eks.disassociate(gw, eks.role("nobody"), view), 404, "ResourceNotFoundException",
                eks.messages.no_entry)
            local body = expect.error(eks.disassociate(gw, eks.role("r"), view, { cluster = "nowhere" }), 404,
                "ResourceNotFoundException", eks.messages.no_cluster("nowhere"))
            assert.equal(cjson.null, body.clusterName)
            expect.error(eks.disassociate(gw, eks.role("r"), view, { cluster = "old" }), 400,
                "InvalidRequestException", eks.messages.mode)
            expect.error(eks.disassociate(gw, eks.role("r"), view, { cluster = "a.b" }), 400, invalid,
                eks.messages.cluster_name)
        end)

        it("for what is no principal's ARN, and for service-linked roles", function()
            expect.error(eks.disassociate(gw, "x", view), 400, invalid, expect.bad_arn)
            expect.error(eks.disassociate(gw, eks.role("aws-service-role/x.amazonaws.com/R"), view), 400, invalid,
                eks.messages.linked)
        end)

        it("on an entry of a node type, which has no policies", function()
            local node = eks.made(gw, { type = "EC2_LINUX" }).principalArn
            expect.error(eks.disassociate(gw, node, view), 404, "ResourceNotFoundException", not_associated)
        end)
    end)
end)
