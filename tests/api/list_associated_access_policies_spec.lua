-- SPDX-License-Identifier: Apache-2.0
-- ListAssociatedAccessPolicies.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local names = {
    "AmazonEKSACKPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy", "AmazonEKSViewPolicy", "AmazonEMRJobPolicy",
}

describe("ListAssociatedAccessPolicies", function()
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

    --- An entry with the first `count` policies.
    local function with_policies(count)
        local principal = eks.made(gw).principalArn
        for i = count, 1, -1 do
            eks.associated(gw, principal, names[i])
        end
        return principal
    end

    local function walk(principal, size)
        local items, pages = eks.walk("associatedAccessPolicies", function(token)
            return expect.ok(eks.list_associated(gw, principal, { maxResults = size, nextToken = token }))
        end)
        for i, item in ipairs(items) do
            items[i] = item.policyArn:match("[^/]+$")
        end
        return items, pages
    end

    it("answers with nextToken before an empty list", function()
        local principal = with_policies(0)
        assert.equal('{"clusterName":"my-cluster","principalArn":"' .. principal
            .. '","nextToken":null,"associatedAccessPolicies":[]}', eks.list_associated(gw, principal).body)
    end)

    it("answers with each association as AssociateAccessPolicy did, byte for byte", function()
        local principal = eks.made(gw).principalArn
        local whole = eks.associate(gw, principal, eks.scope("AmazonEKSViewPolicy")).body
        local some = eks.associate(gw, principal, eks.scope("AmazonEKSAdminPolicy", { "b", "a-*" })).body
        local head = '{"clusterName":"my-cluster","principalArn":"' .. principal .. '",'
        local function inner(body)
            return body:sub(#head + #'"associatedAccessPolicy":' + 1, -2)
        end
        local reply = eks.list_associated(gw, principal)
        assert.equal(head .. '"nextToken":null,"associatedAccessPolicies":[' .. inner(some) .. "," .. inner(whole) .. "]}",
            reply.body)
        expect.template(head .. '"nextToken":null,"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:'
            .. 'cluster-access-policy/AmazonEKSAdminPolicy","accessScope":{"type":"namespace","namespaces":["b","a-*"]},'
            .. '"associatedAt":<time>,"modifiedAt":<time>},{"policyArn":"arn:aws:eks::aws:cluster-access-policy/'
            .. 'AmazonEKSViewPolicy","accessScope":{"type":"cluster","namespaces":[]},"associatedAt":<time>,'
            .. '"modifiedAt":<time>}]}', reply.body)
        assert.equal("application/json", reply.header["content-type"])
    end)

    it("gives them by policy ARN in byte order, whatever the order of association", function()
        assert.same(names, (walk(with_policies(7), 100)))
    end)

    describe("gives pages", function()
        it("of any size from 1 to 100", function()
            local principal = with_policies(7)
            for size, pages in pairs({ [1] = 7, [2] = 4, [6] = 2, [7] = 1, [100] = 1 }) do
                local items, count = walk(principal, size)
                assert.same(names, items)
                assert.equal(pages, count)
            end
        end)

        it("whose token goes on behind a policy that is gone, and meets each that stays once", function()
            local principal = with_policies(6)
            local first = expect.ok(eks.list_associated(gw, principal, { maxResults = 3 }))
            expect.ok(eks.disassociate(gw, principal, eks.policy(names[3])))
            expect.ok(eks.disassociate(gw, principal, eks.policy(names[1])))
            eks.associated(gw, principal, names[7])
            local rest = expect.ok(eks.list_associated(gw, principal, { nextToken = first.nextToken }))
            local there = {}
            for i, one in ipairs(rest.associatedAccessPolicies) do
                there[i] = one.policyArn:match("[^/]+$")
            end
            assert.same({ names[4], names[5], names[6], names[7] }, there)
            assert.equal(cjson.null, rest.nextToken)
        end)

        for _, value in ipairs({ "0", "101", "abc", "", "-1", "1.5" }) do
            it("but none for maxResults=" .. value, function()
                expect.error(eks.list_associated(gw, eks.role("r"), "?maxResults=" .. value), 400,
                    "InvalidRequestException", eks.messages.max_results)
            end)
        end

        it("but none for a token that is another principal's, altered, broken or there twice", function()
            local principal, other = with_policies(2), with_policies(2)
            local token = expect.ok(eks.list_associated(gw, principal, { maxResults = 1 })).nextToken
            for _, bad in ipairs({ token .. "A", token:sub(2), "x", token:sub(1, -5) }) do
                expect.error(eks.list_associated(gw, principal, { nextToken = bad }), 400, "InvalidRequestException",
                    eks.messages.next_token)
            end
            expect.error(eks.list_associated(gw, other, { nextToken = token }), 400, "InvalidRequestException",
                eks.messages.next_token)
            local once = "nextToken=" .. text.escape(token)
            expect.error(eks.list_associated(gw, principal, "?" .. once .. "&" .. once), 400, "InvalidRequestException",
                "The nextToken parameter must not be given more than once.")
            expect.error(eks.list_associated(gw, principal, "?nextToken=%00"), 400, "InvalidRequestException",
                "The nextToken parameter is not valid text.")
        end)

        it("and a token outlives a restart", function()
            local own = gateway.start()
            local principal = eks.role("kept")
            eks.made(own, { principalArn = principal })
            for i = 1, 3 do
                eks.associated(own, principal, names[i])
            end
            local token = expect.ok(eks.list_associated(own, principal, { maxResults = 2 })).nextToken
            own:restart()
            local rest = expect.ok(eks.list_associated(own, principal, { nextToken = token })).associatedAccessPolicies
            assert.same({ 1, eks.policy(names[3]) }, { #rest, rest[1].policyArn })
            own:stop()
        end)
    end)

    it("ignores parameters that aren't its own", function()
        local principal = with_policies(1)
        for _, query in ipairs({
            "?associatedPolicyArn=x&associatedPolicyArn=y", "?include=a", "?foo=1&foo=2", "?maxresults=0",
        }) do
            assert.equal(eks.list_associated(gw, principal).body, eks.list_associated(gw, principal, query).body)
        end
    end)

    it("is refused as DescribeAccessEntry is", function()
        expect.error(eks.list_associated(gw, eks.role("nobody")), 404, "ResourceNotFoundException",
            eks.messages.no_entry)
        local body = expect.error(eks.list_associated(gw, eks.role("r"), nil, { cluster = "nowhere" }), 404,
            "ResourceNotFoundException", eks.messages.no_cluster("nowhere"))
        assert.equal(cjson.null, body.clusterName)
        expect.error(eks.list_associated(gw, eks.role("r"), nil, { cluster = "old" }), 400, "InvalidRequestException",
            eks.messages.mode)
        expect.error(eks.list_associated(gw, "x"), 400, expect.invalid, expect.bad_arn)
        expect.error(eks.list_associated(gw, eks.role("r"), nil, { cluster = "a.b" }), 400, expect.invalid,
            eks.messages.cluster_name)
    end)
end)
