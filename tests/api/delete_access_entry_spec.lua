-- SPDX-License-Identifier: Apache-2.0
-- DeleteAccessEntry: the entry goes with its associations, tags and tokens.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local invalid = expect.invalid

describe("DeleteAccessEntry", function()
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

    describe("answers", function()
        it("200 with {} of two bytes", function()
            local reply = eks.delete(gw, eks.made(gw).principalArn)
            assert.equal(200, reply.status)
            assert.equal("{}", reply.body)
            assert.equal("2", reply.header["content-length"])
            assert.equal("application/json", reply.header["content-type"])
        end)

        it("for entries of every type, and on an API_AND_CONFIG_MAP cluster", function()
            for _, type_name in ipairs({
                "STANDARD", "EC2_LINUX", "EC2_WINDOWS", "EC2", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX",
            }) do
                expect.ok(eks.delete(gw, eks.made(gw, { type = type_name }).principalArn))
            end
            expect.ok(eks.delete(gw, eks.made(gw, {}, { cluster = "both" }).principalArn, { cluster = "both" }))
        end)

        it("for users, root and names with every character", function()
            for _, principal in ipairs({
                eks.user("people/jane"), "arn:aws:iam::012345678910:root", eks.role("a%2Fb/w+=,.@-_9"),
            }) do
                eks.made(gw, { principalArn = principal })
                assert.equal("{}", eks.delete(gw, principal).body)
                assert.equal(404, eks.describe(gw, principal).status)
            end
        end)

        it("with a body of no bytes declared, and with none declared, on one connection", function()
            local client = gw:connect()
            for _, headers in ipairs({ { { "Content-Length", "0" } }, {} }) do
                local principal = eks.made(gw).principalArn
                client:send((gw:format(eks.requests.delete(principal, { extra = headers }))))
                assert.equal("{}", client:read().body)
                client:send((gw:format(eks.requests.describe(principal))))
                assert.equal(404, client:read().status)
            end
            client:close()
        end)
    end)

    describe("takes away", function()
        it("the entry, for each operation that asks for it", function()
            local entry = eks.made(gw, { tags = { a = "1" } })
            local principal = entry.principalArn
            expect.ok(eks.delete(gw, principal))
            for _, reply in ipairs({
                eks.describe(gw, principal), eks.update(gw, principal, "{}"), eks.delete(gw, principal),
                eks.associate(gw, principal, eks.scope("AmazonEKSViewPolicy")), eks.list_associated(gw, principal),
                (eks.disassociate(gw, principal, eks.policy("AmazonEKSViewPolicy"))),
            }) do
                local body = expect.error(reply, 404, "ResourceNotFoundException", eks.messages.no_entry)
                assert.equal("my-cluster", body.clusterName)
            end
            expect.error(eks.tags(gw, entry.accessEntryArn), 404, "NotFoundException")
        end)

        it("its associations: a new entry of the principal has none, and no tags", function()
            local entry = eks.made(gw, { tags = { a = "1" } })
            eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy")
            expect.ok(eks.delete(gw, entry.principalArn))
            local again = eks.made(gw, { principalArn = entry.principalArn })
            assert.same({}, again.tags)
            assert.same({}, expect.ok(eks.list_associated(gw, entry.principalArn)).associatedAccessPolicies)
        end)

        it("its id: a new entry has another ARN, and the old one names nothing", function()
            local entry = eks.made(gw)
            expect.ok(eks.delete(gw, entry.principalArn))
            local again = eks.made(gw, { principalArn = entry.principalArn })
            assert.are_not.equal(entry.accessEntryArn, again.accessEntryArn)
            expect.error(eks.tags(gw, entry.accessEntryArn), 404, "NotFoundException")
            expect.ok(eks.tags(gw, again.accessEntryArn))
        end)

        it("the token that made it: the same create makes a new entry", function()
            local input = { principalArn = eks.fresh_role(), clientRequestToken = text.uuid() }
            local first = expect.ok(eks.create(gw, input)).accessEntry
            expect.ok(eks.delete(gw, input.principalArn))
            local second = expect.ok(eks.create(gw, input)).accessEntry
            assert.are_not.equal(first.accessEntryArn, second.accessEntryArn)
        end)

        it("nothing else", function()
            local stays = eks.made(gw)
            expect.ok(eks.delete(gw, eks.made(gw).principalArn))
            assert.same(stays, eks.described(gw, stays.principalArn))
            local twin = eks.made(gw, { principalArn = stays.principalArn }, { cluster = "both" })
            expect.ok(eks.delete(gw, stays.principalArn))
            assert.same(twin, eks.described(gw, stays.principalArn, { cluster = "both" }))
        end)
    end)

    describe("is refused", function()
        it("for a principal without an entry, however close its ARN", function()
            local principal = eks.role("Team/r")
            eks.made(gw, { principalArn = principal })
            for _, other in ipairs({ eks.role("r"), eks.role("team/r"), eks.role("Team/r2"), eks.user("Team/r") }) do
                expect.error(eks.delete(gw, other), 404, "ResourceNotFoundException", eks.messages.no_entry)
            end
            expect.ok(eks.delete(gw, principal))
        end)

        it("for an unknown cluster, a CONFIG_MAP cluster and a name that no cluster can have", function()
            local body = expect.error(eks.delete(gw, eks.role("r"), { cluster = "nowhere" }), 404,
                "ResourceNotFoundException", eks.messages.no_cluster("nowhere"))
            assert.equal(cjson.null, body.clusterName)
            expect.error(eks.delete(gw, eks.role("r"), { cluster = "old" }), 400, "InvalidRequestException",
                eks.messages.mode)
            expect.error(eks.delete(gw, eks.role("r"), { cluster = "_" }), 400, invalid, eks.messages.cluster_name)
        end)

        it("for what is no principal's ARN, and for service-linked roles", function()
            expect.error(eks.delete(gw, "x"), 400, invalid, expect.bad_arn)
            for _, cluster in ipairs({ "my-cluster", "nowhere" }) do
                expect.error(eks.delete(gw, eks.role("aws-service-role/x.amazonaws.com/R"), { cluster = cluster }),
                    400, invalid, eks.messages.linked)
            end
        end)

        it("to all but one of many that come at once", function()
            local principal = eks.made(gw).principalArn
            local requests = {}
            for i = 1, 20 do
                requests[i] = eks.requests.delete(principal)
            end
            local gone = 0
            for _, reply in ipairs(eks.at_once(gw, requests)) do
                if reply.status == 200 then
                    gone = gone + 1
                else
                    expect.error(reply, 404, "ResourceNotFoundException", eks.messages.no_entry)
                end
            end
            assert.equal(1, gone)
        end)
    end)
end)
