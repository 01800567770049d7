-- SPDX-License-Identifier: Apache-2.0
-- `needs = { "admins" }`: who administers a cluster, and that what was decided on it holds.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local admin = "AmazonEKSClusterAdminPolicy"

--- A policy that shows the administrators in its refusals of ListAccessEntries and lets others be.
local show = [[
local verdict = require("eksgate.verdict")
return { name = "show", on = { "ListAccessEntries", "ListClusters" }, needs = { "admins" }, authorize = function(req)
    return verdict.deny(req.admins and "[" .. table.concat(req.admins, " ") .. "]" or "nil")
end }]]

--- One that keeps the last administrator.
local last = [[
local verdict = require("eksgate.verdict")
local changes = { "DeleteAccessEntry", "DisassociateAccessPolicy", "AssociateAccessPolicy" }
return { name = "last", on = changes, needs = { "admins" }, authorize = function(req)
    local admins = req.admins
    local narrows = req.operation ~= "AssociateAccessPolicy" or req.input.accessScope.type == "namespace"
    if narrows and #admins == 1 and admins[1] == req.principal.arn then
        return verdict.deny("the last one")
    end
end }]]

describe("policies that need the administrators", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function seen(reply)
        return expect.error(reply, 403, "AccessDeniedException").message:match("%(eksgate policy show: (.*), request")
    end

    it("see those of the whole cluster, sorted, through every change", function()
        gw = gateway.start({ policies = { show } })
        local function list()
            return seen(eks.list(gw))
        end
        assert.equal("[]", list())
        local b = eks.made(gw, { principalArn = eks.role("b") }).principalArn
        local a = eks.made(gw, { principalArn = eks.user("a") }).principalArn
        local c = eks.made(gw, { principalArn = eks.role("c") }).principalArn
        eks.associated(gw, a, admin)
        eks.associated(gw, b, admin)
        eks.associated(gw, c, admin, { "n" })
        eks.associated(gw, c, "AmazonEKSAdminPolicy")
        assert.equal("[" .. b .. " " .. a .. "]", list())
        eks.associated(gw, c, admin)
        assert.equal(("[%s %s %s]"):format(b, c, a), list())
        eks.associated(gw, b, admin, { "n" })
        assert.equal(("[%s %s]"):format(c, a), list())
        expect.ok(eks.disassociate(gw, c, eks.policy(admin)))
        assert.equal("[" .. a .. "]", list())
        expect.ok(eks.delete(gw, a))
        assert.equal("[]", list())
    end)

    it("see nil where there is no such cluster, or none is asked about", function()
        gw = gateway.start({ policies = { show } })
        assert.equal("nil", seen(eks.list(gw, {}, { cluster = "other" })))
        assert.equal("nil", seen(eks.list_clusters(gw)))
    end)

    it("see those of the cluster that is asked about", function()
        gw = gateway.start({ policies = { show } })
        eks.made_cluster(gw, "other")
        local there = eks.made(gw, nil, { cluster = "other" }).principalArn
        eks.associated(gw, there, admin, nil, { cluster = "other" })
        assert.equal("[]", seen(eks.list(gw)))
        assert.equal("[" .. there .. "]", seen(eks.list(gw, {}, { cluster = "other" })))
    end)

    it("see those that a restart found", function()
        gw = gateway.start({ policies = { show } })
        local there = eks.made(gw).principalArn
        eks.associated(gw, there, admin)
        gw:restart()
        assert.equal("[" .. there .. "]", seen(eks.list(gw)))
    end)

    --- Makes `count` administrators, and some who aren't.
    local function make_admins(count)
        local admins = {}
        for i = 1, count do
            admins[i] = eks.made(gw).principalArn
            eks.associated(gw, admins[i], admin)
            eks.associated(gw, eks.made(gw).principalArn, admin, { "n" })
        end
        return admins
    end

    local ways = {
        eks.requests.delete,
        function(principal) return eks.requests.disassociate(principal, eks.policy(admin)) end,
        function(principal) return eks.requests.associate(principal, eks.scope(admin, { "n" })) end,
    }

    for name, ways_of in pairs({
        ["deletes"] = function() return ways[1] end,
        ["disassociations"] = function() return ways[2] end,
        ["narrowed scopes"] = function() return ways[3] end,
        ["all of these"] = function(i) return ways[i % 3 + 1] end,
    }) do
        it("keep exactly one where " .. name .. " of all come at once, over and over", function()
            gw = gateway.start({ settings = { workers = 2 }, policies = { last, show } })
            for round = 1, 12 do
                local admins, requests, statuses = make_admins(10), {}, {}
                local kept = seen(eks.list(gw))
                for i, principal in ipairs(admins) do
                    requests[i] = ways_of(i + round)(principal)
                end
                -- the one that was left over is among them
                for old in kept:gmatch("[^%[%] ]+") do
                    if not table.concat(admins, " "):find(old, 1, true) then
                        requests[#requests + 1] = ways_of(round)(old)
                    end
                end
                for _, reply in ipairs(eks.at_once(gw, requests)) do
                    statuses[reply.status] = (statuses[reply.status] or 0) + 1
                end
                assert.same({ [200] = #requests - 1, [403] = 1 }, statuses)
                local left = seen(eks.list(gw))
                assert.truthy(left:match("^%[[^ ]+%]$"), left)
            end
        end)
    end

    -- More than the 64 that a decision is made anew: some are told to try again, and none takes the last one.
    it("keep at least one where a hundred changes come at once", function()
        gw = gateway.start({ settings = { workers = 2 }, policies = { last } })
        local requests, statuses = {}, {}
        for i = 1, 100 do
            local principal = eks.made(gw).principalArn
            eks.associated(gw, principal, admin)
            requests[i] = ways[1](principal)
        end
        for _, reply in ipairs(eks.at_once(gw, requests)) do
            statuses[reply.status] = (statuses[reply.status] or 0) + 1
        end
        local left = #expect.ok(eks.list(gw)).accessEntries
        assert.equal(100 - statuses[200], left)
        assert.is_true(left >= 1)
        assert.equal(left, (statuses[403] or 0) + (statuses[409] or 0))
    end)

    it("are told to eksgate explain as a store without entries has them", function()
        gw = gateway.prepare({ policies = { show } })
        local request = eks.requests.list()
        request.host, request.time = "eks.example", 1767225600
        local path = gw.folder .. "/request"
        text.write_file(path, (gw:format(request)))
        local code, out = gateway.run({ "explain", "-c", gw.config, "--at", "2026-01-01T00:00:00Z", "--json", path })
        gw:forget()
        assert.equal(1, code, out) -- a refusal
        assert.truthy(out:find("eksgate policy show: []", 1, true), out)
        assert.truthy(out:find("of no entry and no administrator", 1, true), out)
    end)

    it("don't hinder each other's changes of those who aren't", function()
        gw = gateway.start({ settings = { workers = 2, admin = "127.0.0.1:0" }, policies = { last } })
        local requests = {}
        for i = 1, 40 do
            requests[i] = eks.requests.delete(eks.made(gw).principalArn)
        end
        for _, reply in ipairs(eks.at_once(gw, requests)) do
            expect.ok(reply)
        end
        assert.truthy(http.get(gw.admin, "/metrics").body:find("\neksgate_policy_overtaken_total 0\n", 1, true))
    end)
end)
