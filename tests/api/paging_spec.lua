-- SPDX-License-Identifier: Apache-2.0
-- What every operation that lists has in common: maxResults, nextToken, and that no token is good for another listing.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")

local requests = eks.requests
local principal = eks.role("r")

-- Operation, its request for a query, the list's name in the reply, how many items there are, and what wrong parameters
-- are answered with.
local listings = {
    ListAccessEntries = {
        member = "accessEntries", count = 3, code = expect.invalid,
        ask = function(query)
            return requests.list(query)
        end,
    },
    ListAssociatedAccessPolicies = {
        member = "associatedAccessPolicies", count = 3, code = "InvalidRequestException",
        ask = function(query)
            return requests.list_associated(principal, query)
        end,
    },
    ListAccessPolicies = {
        member = "accessPolicies", count = 33, code = expect.invalid,
        ask = function(query)
            return requests.list_policies(query)
        end,
    },
    ListClusters = {
        member = "clusters", count = 3, code = expect.invalid,
        ask = function(query)
            return requests.list_clusters(query)
        end,
    },
    ListUpdates = {
        member = "updateIds", count = 3, code = expect.invalid,
        ask = function(query)
            return requests.list_updates("my-cluster", query)
        end,
    },
}

describe("a listing", function()
    local gw

    setup(function()
        gw = gateway.start()
        eks.made_cluster(gw, "b")
        eks.made_cluster(gw, "a")
        for _, name in ipairs({ "r", "s", "t" }) do
            eks.made(gw, { principalArn = eks.role(name) })
        end
        for _, name in ipairs({ "AmazonEKSViewPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminPolicy" }) do
            eks.associated(gw, principal, name)
        end
        for i = 1, 3 do
            expect.ok(eks.update_cluster_config(gw, "my-cluster", { deletionProtection = i % 2 == 1 }))
        end
    end)

    teardown(function()
        gw:stop()
    end)

    local function page(listing, query)
        return expect.ok(gw:request(listing.ask(query)))
    end

    local function first_token(listing)
        return page(listing, { maxResults = 1 }).nextToken
    end

    for operation, listing in pairs(listings) do
        it("of " .. operation .. " gives the same items over pages of every size, and null at the end", function()
            local all = page(listing)[listing.member]
            assert.equal(listing.count, #all)
            for _, size in ipairs({ 1, 2, listing.count - 1, listing.count, 100 }) do
                local items, pages = eks.walk(listing.member, function(token)
                    local body = page(listing, { maxResults = size, nextToken = token })
                    assert.is_true(#body[listing.member] <= size)
                    return body
                end)
                assert.same(all, items)
                assert.equal(math.ceil(listing.count / size), pages)
            end
        end)

        for _, value in ipairs({ "0", "101", "abc", "", "-1", "1.5", "%2B1", "1%20", "99999999999999999999" }) do
            it("of " .. operation .. " is refused for maxResults=" .. value, function()
                expect.error(gw:request(listing.ask("?maxResults=" .. value)), 400, listing.code, eks.messages.max_results)
            end)
        end

        it("of " .. operation .. " refuses a token that is altered anywhere", function()
            local token = first_token(listing)
            for at = 1, #token do
                local other = token:sub(at, at) == "A" and "B" or "A"
                expect.error(gw:request(listing.ask({ nextToken = token:sub(1, at - 1) .. other .. token:sub(at + 1) })),
                    400, listing.code, eks.messages.next_token)
            end
        end)

        it("of " .. operation .. " refuses the tokens of all others", function()
            for name, other in pairs(listings) do
                local reply = gw:request(listing.ask({ nextToken = first_token(other) }))
                if name == operation then
                    assert.equal(listing.count - 1, #expect.ok(reply)[listing.member])
                else
                    expect.error(reply, 400, listing.code, eks.messages.next_token)
                end
            end
        end)

        it("of " .. operation .. " takes an empty token for none", function()
            assert.same(page(listing), page(listing, { nextToken = "" }))
        end)
    end

    it("of clusters is walked while clusters come and go", function()
        local own = gateway.start({ settings = { clusters = gateway.none } })
        for i = 1, 9 do
            eks.made_cluster(own, "c" .. i)
        end
        local seen, token, turn = {}, nil, 0
        repeat
            local body = expect.ok(eks.list_clusters(own, { maxResults = 2, nextToken = token }))
            token = type(body.nextToken) == "string" and body.nextToken or nil
            for _, name in ipairs(body.clusters) do
                seen[name] = (seen[name] or 0) + 1
                if tonumber(name:sub(2)) and tonumber(name:sub(2)) % 3 == 0 then
                    expect.ok(eks.delete_cluster(own, name))
                end
            end
            turn = turn + 1
            eks.made_cluster(own, "a" .. turn)
        until not token
        for i = 1, 9 do
            assert.equal(1, seen["c" .. i])
        end
        own:stop()
    end)

    it("of updates is walked while updates are added", function()
        local ids = page(listings.ListUpdates).updateIds
        local seen, token = {}, nil
        for i = 1, 2 * #ids do
            local body = page(listings.ListUpdates, { maxResults = 1, nextToken = token })
            seen[#seen + 1] = body.updateIds[1]
            token = body.nextToken
            expect.ok(eks.update_cluster_config(gw, "my-cluster", { zonalShiftConfig = { enabled = i % 2 == 1 } }))
        end
        assert.same(ids, { table.unpack(seen, 1, #ids) })
        local there = {}
        for _, id in ipairs(seen) do
            assert.is_nil(there[id])
            there[id] = true
        end
    end)

    it("of another cluster or account refuses the token", function()
        eks.made(gw, { principalArn = principal }, { cluster = "a" })
        for _, request in ipairs({
            requests.list({ nextToken = first_token(listings.ListAccessEntries) }, { cluster = "a" }),
            requests.list_updates("a", { nextToken = first_token(listings.ListUpdates) }),
        }) do
            expect.error(gw:request(request), 400, expect.invalid, eks.messages.next_token)
        end
        expect.error(eks.list_associated(gw, principal,
            { nextToken = first_token(listings.ListAssociatedAccessPolicies) }, { cluster = "a" }), 400,
            "InvalidRequestException", eks.messages.next_token)
    end)
end)
