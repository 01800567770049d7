-- SPDX-License-Identifier: Apache-2.0
-- ListAccessEntries: its order, its pages, its tokens, its filter.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local invalid = expect.invalid
local view_policy = eks.policy("AmazonEKSViewPolicy")

describe("ListAccessEntries", function()
    local gw
    local clusters = {}
    local used = 0

    -- Tests take a cluster of their own each, so that none sees another's entries.
    for i = 1, 60 do
        clusters["c" .. i] = { accessConfig = { authenticationMode = "API" } }
    end
    clusters["both"] = { accessConfig = { authenticationMode = "API_AND_CONFIG_MAP" } }
    clusters["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } }

    setup(function()
        gw = gateway.start({ settings = { clusters = clusters } })
    end)

    teardown(function()
        gw:stop()
    end)

    --- A cluster with an entry for each principal, as `with` of further calls.
    local function fill(principals)
        used = used + 1
        local with = { cluster = "c" .. used }
        for _, principal in ipairs(principals or {}) do
            eks.made(gw, { principalArn = principal }, with)
        end
        return with
    end

    local function page(query, with)
        return expect.ok(eks.list(gw, query, with))
    end

    local function walk(query, with)
        return eks.walk("accessEntries", function(token)
            local asked = { nextToken = token }
            for name, value in pairs(query) do
                asked[name] = value
            end
            return page(asked, with)
        end)
    end

    --- Roles r001, r002, ...
    local function roles(count)
        local all = {}
        for i = 1, count do
            all[i] = eks.role(string.format("r%03d", i))
        end
        return all
    end

    describe("answers", function()
        it("an empty cluster with an empty list, and says null where no page follows", function()
            local reply = eks.list(gw, nil, fill())
            assert.equal('{"accessEntries":[],"nextToken":null}', reply.body)
            assert.equal("37", reply.header["content-length"])
            assert.equal("application/json", reply.header["content-type"])
        end)

        it("principal ARNs, not entry ARNs, byte for byte", function()
            local principal = eks.role("team/dev/my-role")
            assert.equal('{"accessEntries":["' .. principal .. '"],"nextToken":null}',
                eks.list(gw, nil, fill({ principal })).body)
        end)

        it("in ascending byte order, whatever the order of creation", function()
            local sorted = {
                "arn:aws:iam::012345678910:role/Admin", "arn:aws:iam::012345678910:role/Zed",
                "arn:aws:iam::012345678910:role/a", "arn:aws:iam::012345678910:role/a+b",
                "arn:aws:iam::012345678910:role/a/b", "arn:aws:iam::012345678910:role/admin",
                "arn:aws:iam::012345678910:role/admin-test-ip", "arn:aws:iam::012345678910:root",
                "arn:aws:iam::012345678910:user/a", "arn:aws:iam::999988887777:role/a",
            }
            local order = { 7, 2, 10, 1, 9, 5, 3, 8, 6, 4 }
            local shuffled = {}
            for i, at in ipairs(order) do
                shuffled[i] = sorted[at]
            end
            local with = fill(shuffled)
            assert.same(sorted, page(nil, with).accessEntries)
            assert.same(sorted, (walk({ maxResults = 1 }, with)))
        end)

        it("every printable character of a path, escaped for JSON", function()
            local principal = eks.role([[we"ird\path{}%2F'/r]])
            local with = fill({ principal })
            assert.equal([[{"accessEntries":["arn:aws:iam::012345678910:role/we\"ird\\path{}%2F'/r"],"nextToken":null}]],
                eks.list(gw, nil, with).body)
        end)

        it("a hundred of the longest ARNs in one page", function()
            local long = {}
            for i = 1, 100 do
                long[i] = eks.role(string.rep("p", 510) .. "/" .. string.format("n%063d", i))
            end
            local with = fill(long)
            assert.same(long, page({ maxResults = 100 }, with).accessEntries)
            assert.same(long, (walk({ maxResults = 40 }, with)))
        end)

        it("on an API_AND_CONFIG_MAP cluster too", function()
            eks.made(gw, { principalArn = eks.role("b") }, { cluster = "both" })
            assert.same({ eks.role("b") }, page(nil, { cluster = "both" }).accessEntries)
        end)

        it("without those that were deleted, with those that came back", function()
            local with = fill(roles(3))
            expect.ok(eks.delete(gw, eks.role("r002"), with))
            assert.same({ eks.role("r001"), eks.role("r003") }, page(nil, with).accessEntries)
            eks.made(gw, { principalArn = eks.role("r002") }, with)
            assert.same(roles(3), page(nil, with).accessEntries)
        end)

        it("a query of names that EKS doesn't know as if it weren't there", function()
            local with = fill(roles(1))
            for _, query in ipairs({
                "?", "?&&", "?foo=bar", "?foo", "?MaxResults=0", "?maxresults=abc", "?include=all&include=all",
                "?=x", "?tagKeys=a&tagKeys=b", "?X-Foo=%C3%A9",
            }) do
                assert.same(roles(1), page(query, with).accessEntries, query)
            end
        end)
    end)

    describe("gives pages", function()
        it("of a hundred unless it is asked for fewer", function()
            local with = fill(roles(101))
            local first = page(nil, with)
            assert.equal(100, #first.accessEntries)
            assert.equal("string", type(first.nextToken))
            local second = eks.list(gw, { nextToken = first.nextToken }, with)
            assert.equal('{"accessEntries":["' .. eks.role("r101") .. '"],"nextToken":null}', second.body)
            assert.same(page({ maxResults = 100 }, with), first)
            assert.same(roles(101), (walk({ maxResults = 100 }, with)))
        end)

        it("of any size from 1 to 100", function()
            local with = fill(roles(12))
            for size, pages in pairs({ [1] = 12, [2] = 6, [5] = 3, [11] = 2, [12] = 1, [13] = 1, [100] = 1 }) do
                local items, count = walk({ maxResults = size }, with)
                assert.same(roles(12), items)
                assert.equal(pages, count, "pages of " .. size)
            end
        end)

        it("whose size may change from page to page", function()
            local with = fill(roles(9))
            local first = page({ maxResults = 2 }, with)
            local second = page({ maxResults = 3, nextToken = first.nextToken }, with)
            local third = page({ nextToken = second.nextToken }, with)
            assert.same({ 2, 3, 4 }, { #first.accessEntries, #second.accessEntries, #third.accessEntries })
        end)

        for _, value in ipairs({
            "0", "101", "1000", "abc", "", "-1", "%2B5", "1.5", "1e1", "0x10", "%201", "1%20", "99999999999999999999",
            "18446744073709551617", "%D9%A3", "null", "1%2C2",
        }) do
            it("but none for maxResults=" .. value, function()
                expect.error(eks.list(gw, "?maxResults=" .. value, fill()), 400, invalid, eks.messages.max_results)
            end)
        end

        it("but none for maxResults without a value, or given twice", function()
            local with = fill()
            expect.error(eks.list(gw, "?maxResults", with), 400, invalid, eks.messages.max_results)
            expect.error(eks.list(gw, "?maxResults=5&maxResults=5", with), 400, invalid,
                "The maxResults parameter must not be given more than once.")
        end)
    end)

    describe("binds a token", function()
        it("to nothing that changes it: it is the same each time, and an empty one is none", function()
            local with = fill(roles(3))
            local first = page({ maxResults = 1 }, with)
            assert.same(first, page({ maxResults = 1 }, with))
            assert.same(first, page({ maxResults = 1, nextToken = "" }, with))
        end)

        it("to its bytes: altered anywhere it is refused", function()
            local with = fill(roles(2))
            local token = page({ maxResults = 1 }, with).nextToken
            for at = 1, #token do
                local other = token:sub(at, at) == "A" and "B" or "A"
                expect.error(eks.list(gw, { nextToken = token:sub(1, at - 1) .. other .. token:sub(at + 1) }, with),
                    400, invalid, eks.messages.next_token)
            end
            for _, bad in ipairs({
                token:sub(1, -2), token:sub(5), token .. "A", token .. "=", token .. token, token:lower(), "A", "====",
                "AAAA", "AAAAAAAAAAAAAAAA", string.rep("A", 4100), token .. "\u{e9}", " " .. token,
            }) do
                expect.error(eks.list(gw, { nextToken = bad }, with), 400, invalid, eks.messages.next_token)
            end
        end)

        it("to its cluster", function()
            local here, there = fill(roles(2)), fill(roles(2))
            local token = page({ maxResults = 1 }, here).nextToken
            expect.error(eks.list(gw, { nextToken = token }, there), 400, invalid, eks.messages.next_token)
        end)

        it("to its filter", function()
            local with = fill(roles(2))
            for _, principal in ipairs(roles(2)) do
                eks.associated(gw, principal, "AmazonEKSViewPolicy", nil, with)
                eks.associated(gw, principal, "AmazonEKSEditPolicy", nil, with)
            end
            local plain = page({ maxResults = 1 }, with).nextToken
            local filtered = page({ maxResults = 1, associatedPolicyArn = view_policy }, with).nextToken
            for _, query in ipairs({
                { nextToken = plain, associatedPolicyArn = view_policy }, { nextToken = filtered },
                { nextToken = filtered, associatedPolicyArn = eks.policy("AmazonEKSEditPolicy") },
            }) do
                expect.error(eks.list(gw, query, with), 400, invalid, eks.messages.next_token)
            end
            assert.same({ eks.role("r002") },
                page({ nextToken = filtered, associatedPolicyArn = view_policy }, with).accessEntries)
        end)

        it("to its operation", function()
            local with = fill(roles(2))
            local entries = page({ maxResults = 1 }, with).nextToken
            local policies = expect.ok(eks.list_policies(gw, { maxResults = 1 })).nextToken
            expect.error(eks.list(gw, { nextToken = policies }, with), 400, invalid, eks.messages.next_token)
            expect.error(eks.list_policies(gw, { nextToken = entries }), 400, invalid, eks.messages.next_token)
        end)

        it("to one value", function()
            local with = fill(roles(2))
            local token = text.escape(page({ maxResults = 1 }, with).nextToken)
            expect.error(eks.list(gw, "?nextToken=" .. token .. "&nextToken=" .. token, with), 400, invalid,
                "The nextToken parameter must not be given more than once.")
        end)

        it("for good: it outlives a restart", function()
            local own = gateway.start()
            for _, principal in ipairs(roles(5)) do
                eks.made(own, { principalArn = principal })
            end
            local token = expect.ok(eks.list(own, { maxResults = 2 })).nextToken
            own:restart()
            assert.same({ eks.role("r003"), eks.role("r004"), eks.role("r005") },
                expect.ok(eks.list(own, { nextToken = token })).accessEntries)
            own:stop()
        end)
    end)

    describe("is walked while entries come and go", function()
        it("and meets each that stays exactly once", function()
            local stay = roles(30)
            local with = fill(stay)
            local come = 0
            local seen = {}
            local token
            repeat
                local body = page({ maxResults = 3, nextToken = token }, with)
                token = type(body.nextToken) == "string" and body.nextToken or nil
                for _, principal in ipairs(body.accessEntries) do
                    seen[principal] = (seen[principal] or 0) + 1
                    -- Whoever isn't one of those that stay goes at once: also the one that the token names.
                    if not principal:find("role/r%d%d%d$") then
                        expect.ok(eks.delete(gw, principal, with))
                    end
                end
                -- New ones before, at and behind the place where the walk is.
                for _, where in ipairs({ "a", "r0", "z" }) do
                    come = come + 1
                    eks.made(gw, { principalArn = eks.role(where .. "x" .. come) }, with)
                end
            until not token or come > 600
            assert.is_nil(token, "the walk doesn't end")
            for _, principal in ipairs(stay) do
                assert.equal(1, seen[principal], principal)
            end
        end)

        it("and goes on behind an entry that is gone", function()
            local with = fill(roles(4))
            local token = page({ maxResults = 2 }, with).nextToken
            expect.ok(eks.delete(gw, eks.role("r002"), with))
            expect.ok(eks.delete(gw, eks.role("r003"), with))
            assert.same({ eks.role("r004") }, page({ nextToken = token }, with).accessEntries)
            expect.ok(eks.delete(gw, eks.role("r004"), with))
            assert.equal('{"accessEntries":[],"nextToken":null}', eks.list(gw, { nextToken = token }, with).body)
        end)

        it("by many at once, on several workers", function()
            local own = gateway.start({ settings = { workers = 2 } })
            for _, principal in ipairs(roles(20)) do
                eks.made(own, { principalArn = principal })
            end
            local token
            local seen = {}
            for round = 1, 20 do
                local requests = { eks.requests.list({ maxResults = 2, nextToken = token }) }
                for i = 1, 5 do
                    requests[#requests + 1] = eks.requests.create({ principalArn = eks.role("r0" .. i .. "-" .. round) })
                    requests[#requests + 1] = eks.requests.delete(eks.role("r0" .. i .. "-" .. round - 1))
                end
                local body = expect.ok(eks.at_once(own, requests)[1])
                for _, principal in ipairs(body.accessEntries) do
                    seen[principal] = (seen[principal] or 0) + 1
                end
                token = body.nextToken
                if type(token) ~= "string" then
                    break
                end
            end
            if type(token) == "string" then
                local rest = eks.walk("accessEntries", function(next_token)
                    return expect.ok(eks.list(own, { nextToken = next_token or token }))
                end)
                for _, principal in ipairs(rest) do
                    seen[principal] = (seen[principal] or 0) + 1
                end
            end
            for _, principal in ipairs(roles(20)) do
                assert.equal(1, seen[principal], principal)
            end
            own:stop()
        end)
    end)

    describe("filtered by associatedPolicyArn", function()
        local function filtered(with, policy)
            return page({ associatedPolicyArn = eks.policy(policy or "AmazonEKSViewPolicy") }, with).accessEntries
        end

        it("gives those that have the policy, whatever its scope", function()
            local with = fill(roles(4))
            eks.associated(gw, eks.role("r003"), "AmazonEKSViewPolicy", nil, with)
            eks.associated(gw, eks.role("r001"), "AmazonEKSViewPolicy", { "a", "dev-*" }, with)
            eks.associated(gw, eks.role("r002"), "AmazonEKSEditPolicy", nil, with)
            assert.same({ eks.role("r001"), eks.role("r003") }, filtered(with))
            assert.same({ eks.role("r002") }, filtered(with, "AmazonEKSEditPolicy"))
            assert.same({}, filtered(with, "AmazonEKSAdminPolicy"))
            assert.same(roles(4), page(nil, with).accessEntries)
        end)

        it("follows associations, and entries that go and come back", function()
            local with = fill(roles(2))
            assert.same({}, filtered(with))
            eks.associated(gw, eks.role("r001"), "AmazonEKSViewPolicy", nil, with)
            eks.associated(gw, eks.role("r002"), "AmazonEKSViewPolicy", nil, with)
            assert.same(roles(2), filtered(with))
            eks.associated(gw, eks.role("r002"), "AmazonEKSViewPolicy", { "ns" }, with)
            expect.ok(eks.update(gw, eks.role("r002"), { username = "u" }, with))
            assert.same(roles(2), filtered(with))
            expect.ok(eks.disassociate(gw, eks.role("r001"), view_policy, with))
            assert.same({ eks.role("r002") }, filtered(with))
            expect.ok(eks.delete(gw, eks.role("r002"), with))
            assert.same({}, filtered(with))
            eks.made(gw, { principalArn = eks.role("r002") }, with)
            assert.same({}, filtered(with))
        end)

        it("gives pages, and is walked while associations come and go", function()
            local with = fill(roles(12))
            for i, principal in ipairs(roles(12)) do
                if i % 2 == 0 then
                    eks.associated(gw, principal, "AmazonEKSViewPolicy", nil, with)
                end
            end
            local seen, token, turn = {}, nil, 0
            repeat
                local body = page({ maxResults = 1, nextToken = token, associatedPolicyArn = view_policy }, with)
                token = type(body.nextToken) == "string" and body.nextToken or nil
                for _, principal in ipairs(body.accessEntries) do
                    seen[principal] = (seen[principal] or 0) + 1
                end
                turn = turn + 1
                if turn == 2 then
                    eks.associated(gw, eks.role("r001"), "AmazonEKSViewPolicy", nil, with)
                    eks.associated(gw, eks.role("r011"), "AmazonEKSViewPolicy", nil, with)
                    expect.ok(eks.disassociate(gw, eks.role("r004"), view_policy, with))
                end
            until not token
            assert.same({
                [eks.role("r002")] = 1, [eks.role("r004")] = 1, [eks.role("r006")] = 1, [eks.role("r008")] = 1,
                [eks.role("r010")] = 1, [eks.role("r011")] = 1, [eks.role("r012")] = 1,
            }, seen)
        end)

        it("answers an unknown policy with 404, and 400 where it is no access policy's ARN", function()
            local with = fill(roles(1))
            for _, arn in ipairs({
                eks.policy("AmazonEKSNoSuchPolicy"), "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "arn:aws:eks:::cluster-access-policy/AmazonEKSViewPolicy", view_policy:lower(),
            }) do
                expect.error(eks.list(gw, { associatedPolicyArn = arn }, with), 404, "ResourceNotFoundException",
                    eks.messages.no_policy)
            end
            for _, arn in ipairs({ "", "AmazonEKSViewPolicy", "arn:aws:iam::aws:policy/AmazonEKSViewPolicy" }) do
                expect.error(eks.list(gw, { associatedPolicyArn = arn }, with), 400, invalid, eks.messages.bad_policy)
            end
        end)

        it("takes every spelling of the ARN in the query, and one only", function()
            local with = fill(roles(1))
            eks.associated(gw, eks.role("r001"), "AmazonEKSViewPolicy", nil, with)
            for _, spelling in ipairs({ view_policy, text.escape(view_policy), (view_policy:gsub("A", "%%41")) }) do
                assert.same(roles(1), page("?associatedPolicyArn=" .. spelling, with).accessEntries, spelling)
            end
            local twice = "?associatedPolicyArn=" .. view_policy .. "&associatedPolicyArn=" .. view_policy
            expect.error(eks.list(gw, twice, with), 400, invalid,
                "The associatedPolicyArn parameter must not be given more than once.")
        end)
    end)

    describe("is refused", function()
        it("for an unknown cluster, with its name in the message and null in the member", function()
            local body = expect.error(eks.list(gw, nil, { cluster = "nowhere" }), 404, "ResourceNotFoundException",
                eks.messages.no_cluster("nowhere"))
            assert.equal(require("cjson").null, body.clusterName)
        end)

        it("on a CONFIG_MAP cluster", function()
            local body = expect.error(eks.list(gw, nil, { cluster = "old" }), 400, "InvalidRequestException",
                eks.messages.mode)
            assert.equal("old", body.clusterName)
        end)

        it("for a name that no cluster can have", function()
            expect.error(eks.list(gw, nil, { cluster = "a.b" }), 400, invalid, eks.messages.cluster_name)
            expect.error(eks.list(gw, nil, { cluster = string.rep("c", 101) }), 400, invalid,
                eks.messages.long_cluster_name)
        end)

        it("for a wrong parameter before the cluster is looked for, for an unknown policy after", function()
            local nowhere = { cluster = "nowhere" }
            expect.error(eks.list(gw, { maxResults = 0 }, nowhere), 400, invalid, eks.messages.max_results)
            expect.error(eks.list(gw, { nextToken = "x" }, nowhere), 400, invalid, eks.messages.next_token)
            expect.error(eks.list(gw, { associatedPolicyArn = "x" }, nowhere), 400, invalid, eks.messages.bad_policy)
            expect.error(eks.list(gw, { associatedPolicyArn = eks.policy("No") }, nowhere), 404,
                "ResourceNotFoundException", eks.messages.no_cluster("nowhere"))
            expect.error(eks.list(gw, { associatedPolicyArn = eks.policy("No") }, { cluster = "old" }), 400,
                "InvalidRequestException", eks.messages.mode)
        end)
    end)
end)
