-- SPDX-License-Identifier: Apache-2.0
-- That policies see in eksgate replay what they saw in the gateway that recorded the request.

local cjson = require("cjson")
local cluster_stub = require("support.cluster_stub")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local replay = require("support.replay")
local text = require("support.text")
local upstream = require("support.upstream")

local policy = replay.policy

--- A policy that says all it sees, but to the caller who prepares things: the text's length, a checksum, its beginning.
local function mirror(kind)
    return policy("mirror", [[
        local function write(value, out)
            if type(value) ~= "table" and type(value) ~= "userdata" then
                out[#out + 1] = type(value) .. ":" .. tostring(value)
                return
            end
            local names = {}
            for name in pairs(value) do names[#names + 1] = name end
            table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
            out[#out + 1] = "{"
            for _, name in ipairs(names) do
                out[#out + 1] = tostring(name) .. "="
                write(value[name], out)
                out[#out + 1] = ","
            end
            out[#out + 1] = "}"
        end
        function p.authorize(req)
            if req.caller.name == "preparer" then return nil end
            local out = {}
            write(req, out)
            local all, sum = table.concat(out), 0
            for i = 1, #all do sum = (sum * 31 + all:byte(i)) % 4294967296 end
            return ]] .. (kind == "deny" and "verdict.deny(" or "verdict.throttle(1, ") .. [[
                #all .. " " .. sum .. " " .. all:sub(1, 400))
        end]], ', needs = { "entry", "associations", "cluster", "admins" }')
end

describe("eksgate replay", function()
    local bench

    before_each(function()
        bench = replay.open()
    end)

    after_each(function()
        bench:close()
    end)


    --- Records with the mirror that denies, replays with the one that throttles: what it saw is the reason of both.
    local function require_the_same_sight(file, sources)
        local seen = {}
        for line in text.read_file(file):gmatch("[^\n]+") do
            local one = cjson.decode(line)
            local verdict = (one.additionalEventData.eksgate.verdicts or {})[1]
            if verdict and one.additionalEventData.eksgate.refused.by == "mirror" then
                seen[one.requestID] = verdict.reason
            end
        end
        local _, report, out, said = bench:replay(sources or { mirror("throttle") }, file)
        assert.is_table(report, out .. said)
        local count = 0
        for _, one in ipairs(replay.find(report, "verdict")) do
            assert.equal("deny", one.verdict.before)
            assert.equal("throttle", one.verdict.after, one.verdict.reason)
            assert.equal(seen[one.request], one.verdict.reason, one.operation)
            seen[one.request] = nil
            count = count + 1
        end
        assert.is_nil(next(seen))
        return count, report
    end

    it("shows policies what they saw then, of every operation", function()
        local file = bench:record({ mirror("deny") }, function(g)
            replay.ask_everything(g, { key = replay.preparer })
            expect.ok(eks.create(g, { principalArn = eks.role("team-x/a"), tags = { t = "1" } }, { key = replay.preparer }))
            expect.ok(eks.associate(g, eks.role("team-x/a"), { policyArn = eks.policy("AmazonEKSViewPolicy"),
                accessScope = { type = "cluster" } }, { key = replay.preparer }))
            replay.ask_everything(g)
            replay.ask_everything(g, { key = replay.tagged, headers = { { "User-Agent", 'odd/1 "\\ é' } } })
        end)
        local count, report = require_the_same_sight(file)
        assert.equal(2 * 21, count)
        assert.equal(2 * 2 + 2, report.totals.early) -- what can't be read, whoever sent it
        assert.equal(0, report.totals.unreplayable)
        assert.equal(0, report.totals.unknown)
        assert.equal(count, report.totals.policies.mirror.throttled)
    end)

    it("shows policies what they saw then of what was forwarded, also where nobody here serves it", function()
        local back = gateway.start({ keys = replay.keys })
        local file = bench:record({ mirror("deny") }, function(g)
            replay.ask_everything(g)
            g:send("GET", "/clusters/my-cluster/node-groups?maxResults=3&nextToken=a%2Bb")
            g:send("POST", "/clusters/my-cluster/node-groups", { nodegroupName = "n", subnets = { "s" }, labels = { a = "b" } })
            g:send("GET", "/addons/supported-versions?types=a&types=b&publishers=x")
        end, upstream.front(back.address).settings)
        local count, report = require_the_same_sight(file)
        assert.equal(21 + 3, count)
        assert.equal(0, report.totals.unreplayable)
    end)

    it("shows policies what they saw then of callers whom an upstream verifies", function()
        local back = gateway.start({ keys = replay.keys })
        local options = upstream.passing(back.address, { settings = { audit = {
            file = "audit.jsonl", durable = false, record = "all", strangers_per_second = 1000000,
        } } })
        local source = mirror("deny"):gsub(", needs = %b{}", ""):gsub("if req.caller.name == .-end", "")
        options.policies = { source }
        local gw = gateway.start(options)
        gw.host = upstream.host(back.address)
        replay.ask_everything(gw)
        assert.equal(0, gw:end_process())
        local sources = { (source:gsub("verdict.deny%(", "verdict.throttle(1, ")) }
        local count = require_the_same_sight(gw.audit_file, sources)
        assert.equal(20, count) -- who asks isn't answered there
    end)

    it("shows policies what they saw then of entries on clusters of an upstream's", function()
        local stub = cluster_stub.start()
        local file = bench:record({ mirror("deny") }, function(g)
            expect.ok(eks.create_cluster(g, eks.cluster_input("my-cluster",
                { accessConfig = { authenticationMode = "API" } }), { key = replay.preparer }))
            expect.ok(eks.create(g, { principalArn = eks.role("team-x/a", cluster_stub.account) }, { key = replay.preparer }))
            replay.ask_everything(g)
        end, { upstream = { endpoint = stub.url, credentials = "caller" }, clusters = gateway.none,
            overlay = { cluster_ttl = 0 } })
        stub:stop()
        local count, report = require_the_same_sight(file)
        assert.equal(0, report.totals.unreplayable)
        local named = 0
        for _, one in ipairs(report.records) do
            named = named + (one.verdict.reason:find(cluster_stub.account, 1, true) and 1 or 0)
        end
        assert.is_true(count >= 18 and named >= 8, count .. " of which " .. named)
    end)

    it("shows policies the time at which they were asked, not that of the record", function()
        local late = policy("late", [[
            function p.fault() return { delay = 1.1 } end
            function p.authorize(req) return verdict.deny(tostring(req.time)) end]])
        local file = bench.folder .. "/late.jsonl"
        local gw = gateway.start_mock({ policies = { late }, settings = { ["audit.file"] = file } })
        expect.error(eks.create(gw, { principalArn = eks.role("r") }), 403, "AccessDeniedException")
        assert.equal(0, gw:end_process())
        local said
        for line in text.read_file(file):gmatch("[^\n]+") do
            local one = cjson.decode(line)
            said = one.eventType == "AwsApiCall" and upstream.said(one) or said
        end
        assert.equal(tostring(math.tointeger(said.asked)), said.verdicts[1].reason)
        local _, report = bench:replay({ (late:gsub("verdict.deny%(", "verdict.throttle(1, ")) }, file)
        assert.equal(said.verdicts[1].reason, report.records[1].verdict.reason)
    end)

    it("finds nothing where the policies are those that were asked then", function()
        local sources = {
            policy("team", [[
                function p.authorize(req)
                    if req.operation == "DeleteCluster" then return verdict.deny("no") end
                end
                function p.username(req) return "team:" .. req.principal.name end
                function p.tags() return { by = "team" } end
                function p.conflict() return true end]]),
        }
        local file, gw = bench:record(sources, function(g)
            replay.ask_everything(g)
            replay.ask_everything(g)
        end)
        local code, report, out, said = bench:replay(sources, file)
        assert.equal(0, code, out .. said)
        assert.equal(0, #report.records)
        assert.equal(0, report.totals.differing)
        assert.equal(2 * 21, report.totals.asked)
        assert.is_true(report.totals.own > 0)
        local text_code, lines = gateway.run({ "replay", "-c", gw.config, file })
        assert.equal(0, text_code)
        assert.truthy(lines:find("0 would differ, 0 can't be told", 1, true))
    end)
end)
