-- SPDX-License-Identifier: Apache-2.0
-- Who administers a cluster that an upstream has: asked for, bounded, refused where it can't be told; and changes that are
-- decided on it, one at a time.

local cjson = require("cjson")
local cluster_stub = require("support.cluster_stub")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")
local upstream = require("support.upstream")

local admin = "AmazonEKSClusterAdminPolicy"
local untold = "What policies need to know of the cluster could not be fetched"
local busy = "Other changes of who administers the cluster are under way"

local show = [[
local verdict = require("eksgate.verdict")
return { name = "show", on = { "ListUpdates", "ListClusters" }, needs = { "admins" }, authorize = function(req)
    return verdict.deny(req.admins and "[" .. table.concat(req.admins, " ") .. "]" or "nil")
end }]]

local last = [[
local verdict = require("eksgate.verdict")
local changes = { "DeleteAccessEntry", "DisassociateAccessPolicy", "AssociateAccessPolicy" }
return { name = "last", on = changes, needs = { "admins" }, authorize = function(req)
    local narrows = req.operation ~= "AssociateAccessPolicy" or req.input.accessScope.type == "namespace"
    if narrows and #req.admins == 1 and req.admins[1] == req.principal.arn then
        return verdict.deny("the last one")
    end
end }]]

local function seen(reply)
    return expect.error(reply, 403, "AccessDeniedException").message:match("%(eksgate policy show: (.*), request")
end

local function count(replies)
    local statuses = {}
    for _, reply in ipairs(replies) do
        statuses[reply.status] = (statuses[reply.status] or 0) + 1
    end
    return statuses
end

describe("a gateway in front of another, with policies that need the administrators", function()
    local front

    after_each(function()
        gateway.stop_all()
    end)

    local function start(workers)
        front = upstream.pair({ front = { settings = { workers = workers }, policies = { last, show } } }).front
    end

    it("tells those of the whole cluster, sorted, and nil without one", function()
        start()
        assert.equal("[]", seen(eks.list_updates(front, gateway.cluster)))
        local b = eks.made(front, { principalArn = eks.role("team/b+c") }).principalArn
        local a = eks.made(front, { principalArn = eks.user("a") }).principalArn
        local c = eks.made(front, { principalArn = eks.role("c") }).principalArn
        for _, principal in ipairs({ a, b }) do
            eks.associated(front, principal, admin)
        end
        eks.associated(front, c, admin, { "n" })
        eks.associated(front, c, "AmazonEKSAdminPolicy")
        assert.equal("[" .. b .. " " .. a .. "]", seen(eks.list_updates(front, gateway.cluster)))
        assert.equal("nil", seen(eks.list_updates(front, "other")))
        assert.equal("nil", seen(eks.list_clusters(front)))
    end)

    it("keeps exactly one of them where changes come at once, over and over", function()
        start(2)
        local ways = {
            eks.requests.delete,
            function(principal) return eks.requests.disassociate(principal, eks.policy(admin)) end,
            function(principal) return eks.requests.associate(principal, eks.scope(admin, { "n" })) end,
        }
        for round = 1, 9 do
            local requests = {}
            for old in seen(eks.list_updates(front, gateway.cluster)):gmatch("[^%[%] ]+") do
                requests[1] = ways[1](old)
            end
            for i = 1, 8 do
                local principal = eks.made(front).principalArn
                eks.associated(front, principal, admin)
                requests[#requests + 1] = ways[(i * (round % 4) + round) % 3 + 1](principal)
            end
            assert.same({ [200] = #requests - 1, [403] = 1 }, count(eks.at_once(front, requests)))
            local left = seen(eks.list_updates(front, gateway.cluster))
            assert.truthy(left:match("^%[[^ ]+%]$"), left)
        end
    end)
end)

describe("the administrators of an upstream's cluster", function()
    local stub, front

    setup(function()
        stub = cluster_stub.start("entries_stub.py")
    end)

    teardown(function()
        stub:stop()
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local function set(state)
        local all = { entries = {}, page = 100, delay = 0, replies = {} }
        for name, value in pairs(state) do
            all[name] = value
        end
        stub:set(all)
    end

    local function start(state, more)
        set(state)
        local settings = { proxy = "none", total_timeout = 10 }
        for name, value in pairs(more or {}) do
            settings[name] = value
        end
        front = gateway.start(upstream.front(stub.url, {
            upstream = settings, settings = { workers = 2 }, policies = { last, show },
        }))
    end

    local function held(scope, more)
        local one = { policyArn = eks.policy(admin), accessScope = { type = scope } }
        for name, value in pairs(more or {}) do
            one[name] = value
        end
        return { { policyArn = eks.policy("AmazonEKSViewPolicy"), accessScope = { type = "cluster" } }, one }
    end

    --- `number` entries, of which each third administers, one is for namespaces, and one goes before it is looked at.
    local function entries(number)
        local all, admins = {}, {}
        for i = 1, number do
            local principal = ("arn:aws:iam::012345678910:role/r%03d"):format(i)
            all[principal] = ({ held("cluster"), held("namespace"), cjson.null })[i % 3 + 1]
            admins[#admins + 1] = i % 3 == 0 and principal or nil
        end
        return all, "[" .. table.concat(admins, " ") .. "]"
    end

    local function admins()
        return eks.list_updates(front, gateway.cluster)
    end

    for _, page in ipairs({ 1, 7, 100 }) do
        it("are put together from pages of " .. page, function()
            local all, expected = entries(20)
            start({ entries = all, page = page })
            assert.equal(expected, seen(admins()))
            assert.equal(math.ceil(20 / page), #stub:requests("^GET /clusters/[^/]+/access%-entries%?associatedPolicyArn=arn"
                .. "%%3Aaws%%3Aeks%%3A%%3Aaws%%3Acluster%-access%-policy%%2FAmazonEKSClusterAdminPolicy&maxResults=100"))
            assert.equal(20, #stub:requests("/access%-policies%?maxResults=100$"))
        end)
    end

    it("are looked at eight at a time", function()
        local all, expected = entries(40)
        start({ entries = all, delay = 0.3 })
        assert.equal(expected, seen(admins()))
        local most = stub:at_once()
        assert.is_true(most > 4 and most <= 8, tostring(most))
    end)

    it("are told up to 100 that have the policy; more of them refuse, before any is looked at", function()
        local all, expected = entries(100)
        start({ entries = all })
        local got = seen(admins())
        assert.equal(expected:sub(1, #got), got) -- as much as a reason holds
        assert.is_true(#got > 400)
        assert.equal(100, #stub:requests("/access%-policies"))
        set({ entries = (entries(101)) })
        assert.truthy(expect.error(admins(), 503, "ServiceUnavailableException").message:find(untold, 1, true))
        assert.equal(0, #stub:requests("/access%-policies"))
        assert.truthy(front:stderr():find("more principals have the policy than are looked at", 1, true))
    end)

    local list = "GET /clusters/[^/]+/access-entries\\?"
    local look = "role%2Fr003/access-policies"
    local policies = function(...)
        return { associatedAccessPolicies = { ... } }
    end
    local wrong = {
        ["the list is throttled"] = { list, 429, "ThrottlingException", {} },
        ["the list fails"] = { list, 500, "ServerException", {} },
        ["the list isn't allowed"] = { list, 403, "AccessDeniedException", {} },
        ["the cluster knows no entries"] = { list, 400, "InvalidRequestException", {} },
        ["the list is somebody else's 404"] = { list, 404, cjson.null, "<html>" },
        ["the list is another reply"] = { list, 200, cjson.null, { cluster = {} } },
        ["the list is no JSON"] = { list, 200, cjson.null, "<html>" },
        ["the list holds what isn't an ARN"] = { list, 200, cjson.null, { accessEntries = { ".." } } },
        ["the list holds what isn't text"] = { list, 200, cjson.null, { accessEntries = { 1 } } },
        ["the list has a token that isn't text"] = { list, 200, cjson.null, { accessEntries = { "arn:a" }, nextToken = 1 } },
        ["the list never ends"] = { list, 200, cjson.null, { accessEntries = { "arn:a" }, nextToken = "again" } },
        ["the list never ends and is empty"] = { list, 200, cjson.null, '{"accessEntries":[],"nextToken":"again"}' },
        ["the policy isn't known"] = { list, 404, "ResourceNotFoundException", {} },
        ["one look is throttled"] = { look, 429, "ThrottlingException", {} },
        ["one look is somebody else's 404"] = { look, 404, cjson.null, "<html>" },
        ["one look has pages"] = { look, 200, cjson.null, '{"associatedAccessPolicies":[],"nextToken":"more"}' },
        ["one look is another reply"] = { look, 200, cjson.null, { accessEntry = {} } },
        ["one look shows what is no association"] = { look, 200, cjson.null, policies(1) },
        ["one look shows no scope"] = { look, 200, cjson.null, policies({ policyArn = "arn:p" }) },
    }
    for what, reply in pairs(wrong) do
        it("refuse where " .. what, function()
            start({ entries = (entries(20)), replies = { reply } })
            assert.truthy(expect.error(admins(), 503, "ServiceUnavailableException").message:find(untold, 1, true))
            -- a change too: nothing is forwarded
            assert.equal(503, eks.delete(front, eks.role("r001")).status)
            assert.equal(0, #stub:requests("^DELETE"))
            -- and whoever comes next isn't held up
            set({ entries = {} })
            assert.equal("[]", seen(admins()))
        end)
    end

    it("are nil where the cluster isn't there either", function()
        start({ replies = { { "^GET /clusters/", 404, "ResourceNotFoundException", {} } } })
        assert.equal("nil", seen(admins()))
        assert.equal(2, #stub:requests(""))
    end)

    it("of another partition count, other policies of that name don't", function()
        start({ entries = {
            ["arn:aws:iam::012345678910:role/a"] = held("cluster", {
                policyArn = "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            }),
            ["arn:aws:iam::012345678910:role/b"] = held("cluster", {
                policyArn = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy2",
            }),
            ["arn:aws:iam::012345678910:role/c"] = held("cluster", {
                policyArn = "arn:aws:iam::aws:policy/AmazonEKSClusterAdminPolicy",
            }),
        }, replies = { { list, 200, cjson.null, { accessEntries = {
            "arn:aws:iam::012345678910:role/c", "arn:aws:iam::012345678910:role/b", "arn:aws:iam::012345678910:role/a",
            "arn:aws:iam::012345678910:role/a",
        } } } } })
        assert.equal("[arn:aws:iam::012345678910:role/a]", seen(admins()))
    end)

    describe("hold changes up", function()
        local function delete(name, cluster)
            return eks.requests.delete(eks.role(name), { cluster = cluster })
        end

        --- The DELETEs and lists as they came: what overlaps shows as a list before the DELETE of the one before.
        local function order()
            local letters = {}
            for _, line in ipairs(stub:requests("")) do
                letters[#letters + 1] = line:find("^DELETE") and "D" or line:find("access%-entries%?") and "L" or nil
            end
            return table.concat(letters)
        end

        it("one after the other, also over workers, and on one cluster only", function()
            local all = entries(12)
            start({ entries = all, delay = 0.02 })
            local replies = eks.at_once(front, { delete("r001"), delete("r003"), delete("r004"), delete("r006") })
            assert.same({ [200] = 4 }, count(replies))
            assert.equal("LDLDLDLD", order())
            set({ entries = all, delay = 0.3 })
            replies = eks.at_once(front, { delete("r001", "one"), delete("r003", "two"), delete("r004", "three") })
            assert.same({ [200] = 3 }, count(replies))
            assert.equal("LLLDDD", order())
        end)

        it("no longer than until a deadline", function()
            start({ entries = (entries(6)), delay = 0.7 }, { total_timeout = 1.5 })
            local began = text.now()
            local replies = eks.at_once(front, { delete("r001"), delete("r003"), delete("r004") })
            assert.is_true(text.now() - began < 6)
            assert.same({ [200] = 1, [503] = 2 }, count(replies))
            for _, reply in ipairs(replies) do
                if reply.status == 503 then
                    assert.truthy(expect.error(reply, 503, "ServiceUnavailableException").message:find(busy, 1, true))
                end
            end
        end)

        it("up to 64 of them, and turns others away at once", function()
            start({ entries = (entries(3)), delay = 0.8 }, { total_timeout = 3 })
            local requests = {}
            for i = 1, 85 do
                requests[i] = delete("r001")
            end
            local replies = eks.at_once(front, requests)
            local statuses = count(replies)
            assert.equal(85, (statuses[200] or 0) + (statuses[404] or 0) + statuses[503])
            local _, turned_away = front:stderr():gsub("there are too many", "")
            local _, late = front:stderr():gsub("it has waited for long", "")
            assert.equal(statuses[503], turned_away + late)
            -- 65 of them fit; one or two have gone while the others came
            assert.is_true(turned_away >= 18 and turned_away <= 20, tostring(turned_away))
            -- the lane is empty again
            set({ entries = (entries(3)) })
            assert.equal(200, front:request(delete("r001")).status)
        end)

        it("but not those of a caller that has left", function()
            start({ entries = (entries(6)), delay = 0.3 })
            for _, name in ipairs({ "r001", "r003", "r004" }) do
                local client = front:connect()
                client:send((front:format(delete(name))))
                client:close()
            end
            assert.is_true(front:request(delete("r006")).status < 500)
        end)

        it("and a drain lets all of them end", function()
            start({ entries = (entries(9)), delay = 0.2 })
            local clients = {}
            for i, name in ipairs({ "r001", "r003", "r004", "r006" }) do
                clients[i] = front:connect()
                clients[i]:send((front:format(delete(name))))
            end
            text.wait_for(function()
                return #stub:requests("") > 0
            end, 10)
            front:signal("TERM")
            for _, client in ipairs(clients) do
                assert.equal(200, client:read().status)
                client:close()
            end
            assert.equal("LDLDLDLD", order())
            assert.equal(0, front.process:wait(15))
        end)

        it("and let reads be", function()
            start({ entries = (entries(3)), delay = 0.4 })
            local client = front:connect()
            client:send((front:format(delete("r001"))))
            text.wait_for(function()
                return #stub:requests("") > 0
            end, 10)
            local began = text.now()
            assert.truthy(seen(admins()))
            assert.is_true(text.now() - began < 1.4)
            assert.equal(200, client:read().status)
            client:close()
        end)
    end)
end)

describe("an overlay's administrators", function()
    local stub, gw

    setup(function()
        stub = cluster_stub.start()
    end)

    teardown(function()
        stub:stop()
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local show_count = show:gsub("ListUpdates", "ListAccessEntries")

    before_each(function()
        gw = gateway.start({ policies = { last, show_count }, settings = {
            workers = 2, upstream = { endpoint = stub.url, credentials = "caller" }, clusters = gateway.none,
            overlay = { cluster_ttl = 0 },
        } })
    end)

    local function told(name)
        return seen(eks.list(gw, nil, { cluster = name }))
    end

    it("are the store's, of a cluster that the upstream has", function()
        assert.equal("nil", told())
        expect.ok(eks.create_cluster(gw, eks.cluster_input(gateway.cluster, { accessConfig = { authenticationMode = "API" } })))
        assert.equal("[" .. gateway.key.arn .. "]", told()) -- who made it
        assert.equal("nil", told("other"))
    end)

    it("are never none, however many changes come at once", function()
        stub:make(gateway.cluster)
        for round = 1, 6 do
            local requests = {}
            for old in told():gmatch("[^%[%] ]+") do
                requests[1] = eks.requests.delete(old)
            end
            for i = 1, 8 do
                local role = eks.made(gw).principalArn
                eks.associated(gw, role, admin)
                requests[#requests + 1] = (i + round) % 2 == 0 and eks.requests.delete(role)
                    or eks.requests.disassociate(role, eks.policy(admin))
            end
            assert.same({ [200] = #requests - 1, [403] = 1 }, count(eks.at_once(gw, requests)))
            assert.truthy(told():match("^%[[^ ]+%]$"))
        end
    end)
end)
