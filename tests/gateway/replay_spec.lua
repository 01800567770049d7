-- SPDX-License-Identifier: Apache-2.0
-- eksgate replay: what other policies would have said to the requests in audit files. Each file was recorded by a live
-- gateway; what was damaged was damaged afterwards.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local lfs = require("lfs")
local replay = require("support.replay")
local text = require("support.text")
local upstream = require("support.upstream")

local policy = replay.policy

describe("eksgate replay", function()
    local bench

    before_each(function()
        bench = replay.open()
    end)

    after_each(function()
        bench:close()
    end)

    describe("of a file", function()
        local file

        --- Made once with a policy that denies one name, chooses usernames and adds a tag.
        local function recorded()
            file = bench:record({ policy("old", [[
                function p.authorize(req)
                    if not req.principal then return nil end
                    if req.principal.name == "denied" then return verdict.deny("not this one") end
                    if req.principal.name == "slow" then return verdict.throttle(3, "wait") end
                    if req.principal.name == "broken" then error("oops") end
                end
                function p.username(req) return "old:" .. req.principal.name end
                function p.tags() return { from = "old", gone = "x" } end]]) }, function(g)
                for _, name in ipairs({ "good", "denied", "slow", "broken" }) do
                    eks.create(g, { principalArn = eks.role(name) })
                end
                eks.update(g, eks.role("good"), { kubernetesGroups = { "a" } })
                eks.create(g, { principalArn = eks.role("good") })
            end)
            return file
        end

        local function by_principal(report, operation)
            local found = {}
            for _, one in ipairs(report.records) do
                if one.operation == operation then
                    local name = one.principal:match("[^/]*$")
                    found[name] = found[name] or one
                end
            end
            return found
        end

        it("tells verdicts, usernames and tags apart, with totals by policy", function()
            local code, report = bench:replay({
                policy("first", [[
                    function p.authorize(req)
                        if req.principal.name == "good" and req.operation == "UpdateAccessEntry" then
                            return verdict.deny("nothing is updated")
                        elseif req.principal.name == "denied" then
                            return verdict.throttle(1, "later")
                        elseif req.principal.name == "broken" then
                            return verdict.deny("broken")
                        end
                    end]]),
                policy("second", [[
                    function p.username(req) return "new:" .. req.principal.name end
                    function p.tags() return { from = "new", fresh = "y" } end]]),
            }, recorded())
            assert.equal(1, code)
            local creates = by_principal(report, "CreateAccessEntry")
            assert.same({ before = "deny", after = "throttle", reason = "later" }, creates.denied.verdict)
            assert.same({ before = "throttle", after = "allow" }, creates.slow.verdict)
            assert.is_nil(creates.slow.username) -- it was never chosen
            assert.same({ before = "failed", after = "deny", reason = "broken" }, creates.broken.verdict)
            assert.same({ before = "old:good", after = "new:good" }, creates.good.username)
            assert.same({ before = { from = "old", gone = "x" }, after = { fresh = "y", from = "new" } }, creates.good.tags)
            assert.same({ "second", "old" }, creates.good.policies)
            assert.equal("arn:aws:iam::012345678910:user/tester", creates.good.caller)
            assert.equal("my-cluster", creates.good.cluster)
            assert.same({ before = "allow", after = "deny", reason = "nothing is updated" },
                by_principal(report, "UpdateAccessEntry").good.verdict)
            local totals = report.totals
            assert.equal(6, totals.asked)
            assert.equal(6, totals.differing)
            assert.same({ denied = 2, throttled = 1, failed = 0, allowed = 0, usernames = 0, tags = 0, adoptions = 0,
                unknown = 0 }, totals.policies.first)
            assert.same({ denied = 0, throttled = 0, failed = 0, allowed = 0, usernames = 2, tags = 2, adoptions = 0,
                unknown = 0 }, totals.policies.second)
            assert.equal(1, totals.policies.old.allowed)
        end)

        it("says that a policy would fail, and where on stderr", function()
            local code, report, _, said = bench:replay({ policy("bad", 'function p.tags() local x = nil; return x.y end') }, recorded())
            assert.equal(1, code)
            assert.equal("failed", by_principal(report, "CreateAccessEntry").good.verdict.after)
            assert.equal(4, report.totals.policies.bad.failed) -- all but the update and the one that failed before
            assert.truthy(said:find("01.lua:3", 1, true), said)
        end)

        it("counts an endless hook as failed and goes on", function()
            local code, report = bench:replay({ policy("endless", [[
                function p.authorize(req)
                    if req.principal.name == "denied" then while true do end end
                end]]) }, recorded())
            assert.equal(1, code)
            local creates = by_principal(report, "CreateAccessEntry")
            assert.same({ before = "deny", after = "failed", reason = "policy failed" }, creates.denied.verdict)
            assert.equal("allow", creates.slow.verdict.after)
        end)

        it("goes by default_verdict", function()
            local sources = { policy("quiet", "function p.authorize() end") }
            local _, report = bench:replay(sources, recorded(), "--set", "default_verdict=deny")
            assert.equal("deny", by_principal(report, "CreateAccessEntry").good.verdict.after)
            assert.equal(5, report.totals.policies.default_verdict.denied) -- all but what was denied before
        end)

        it("tells an adoption that would be", function()
            local _, report = bench:replay({ policy("adopter", "function p.conflict() return true end") }, recorded())
            local adoptions = replay.find(report, "adopt")
            assert.equal(1, #adoptions)
            assert.same({ before = false, after = true }, adoptions[1].adopt)
            assert.equal(1, report.totals.policies.adopter.adoptions)
        end)

        it("doesn't guess facts that nobody had asked for", function()
            local code, report = bench:replay({
                policy("guard", [[
                    function p.authorize(req)
                        if req.principal.name == "good" and req.entry then return verdict.deny("it is there") end
                    end]], ', needs = { "entry" }'),
                policy("sly", [[
                    function p.tags(req)
                        local is_good, entry = pcall(function() return req.entry end)
                        return { from = is_good and "known" or "unknown" }
                    end]], ', needs = { "entry" }'),
            }, recorded())
            assert.equal(1, code)
            local creates = by_principal(report, "CreateAccessEntry")
            assert.same({ policy = "guard", why = "needs entry" }, creates.good.unknown)
            assert.is_nil(creates.good.verdict)
            assert.same({ policy = "sly", why = "needs entry" }, creates.slow.unknown)
            assert.equal(3, report.totals.policies.guard.unknown)
            assert.equal(6, report.totals.unknown)
        end)

        it("asks audit hooks about the changes that were made, with what they saw then", function()
            local auditor = policy("auditor", [[
                local function write(value, out)
                    if type(value) ~= "table" then out[#out + 1] = tostring(value) return end
                    local names = {}
                    for name in pairs(value) do names[#names + 1] = name end
                    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
                    for _, name in ipairs(names) do
                        out[#out + 1] = tostring(name) .. "="
                        write(value[name], out)
                    end
                end
                function p.username(req) return "n:" .. req.principal.name end
                function p.audit(record)
                    local out, all = {}, {}
                    for name, value in pairs(record) do all[name] = value end
                    write(all, out)
                    local text = table.concat(out, " ")
                    WHAT
                end]], ', on = { "CreateAccessEntry", "DescribeAccessEntry", "DeleteAccessEntry" }')
            local audited, gw = bench:record({ (auditor:gsub("WHAT", "return { saw = text }")) }, function(g)
                eks.create(g, { principalArn = eks.role("one"), tags = { a = "b" } })
                eks.create(g, { principalArn = eks.role("one") })
                eks.describe(g, eks.role("one"))
                eks.delete(g, eks.role("one"))
            end)
            local saw = {}
            for _, one in ipairs(gw:audit()) do
                saw[#saw + 1] = upstream.said(one).fields.auditor.saw
            end
            assert.equal(4, #saw)
            local checker = ('if text ~= %q and text ~= %q then error("another sight") end'):format(saw[1], saw[4])
            local code, _, out, said = bench:replay({ (auditor:gsub("WHAT", function() return checker end)) }, audited)
            assert.equal(0, code, out .. said)
            local report
            code, report = bench:replay({ (auditor:gsub("WHAT", 'error("oops")')) }, audited)
            assert.equal(1, code)
            assert.equal(2, #report.records)
            assert.same({ before = "allow", after = "failed", reason = "policy failed" }, report.records[2].verdict)
            assert.equal("DeleteAccessEntry", report.records[2].operation)
        end)

        it("says that it can't tell what audit hooks would make of what one of them refused", function()
            local failing = policy("failing", 'function p.audit() error("oops") end')
            local refused = bench:record({ failing }, function(g)
                eks.create(g, { principalArn = eks.role("one") })
            end)
            local code, report = bench:replay({ failing }, refused)
            assert.equal(1, code)
            assert.equal("what audit hooks would see isn't recorded", report.records[1].unknown.why)
            code, report = bench:replay({ policy("none", "function p.authorize() end") }, refused)
            assert.equal(1, code)
            assert.same({ before = "failed", after = "allow" }, report.records[1].verdict)
        end)

        it("asks no endpoint, and doesn't guess what one would have said", function()
            local code, report, out = bench:replay({ policy("approval", [[
                local http = require("eksgate.http")
                function p.authorize(req)
                    if req.principal.name == "good" then
                        local is_good, reply = pcall(http.get, "approvals", { path = "/" .. req.principal.name })
                        return is_good and reply.status == 200 and verdict.allow() or nil
                    end
                end]]) }, recorded())
            assert.equal(1, code)
            local creates = by_principal(report, "CreateAccessEntry")
            assert.same({ policy = "approval", why = "asks approvals" }, creates.good.unknown, out)
            assert.equal(3, report.totals.unknown)
            assert.equal("allow", creates.denied.verdict.after)
        end)

        it("counts by the records' time", function()
            local _, report = bench:replay({ policy("often", [[
                local counter = require("eksgate.counter")
                function p.authorize(req)
                    if counter.add("all", { per = 86400 }) > 4 then return verdict.throttle(1, "often") end
                end]]) }, recorded())
            assert.equal(2, report.totals.policies.often.throttled) -- the fifth and the sixth
            local updates = by_principal(report, "UpdateAccessEntry")
            assert.same({ before = "allow", after = "throttle", reason = "often" }, updates.good.verdict)
        end)

        it("gives the same bytes each time, in both forms, and from stdin", function()
            recorded()
            local sources = { policy("same", [[
                function p.username(req) return "same:" .. req.principal.name end
                function p.tags() return { a = "1", b = "2", c = "3", d = "4" } end]]) }
            local _, report, first = bench:replay(sources, file)
            assert.is_table(report)
            local arguments = { "replay", "--policies", bench.last, "--set",
                "policy.library=" .. gateway.root .. "/lua", file }
            local _, lines = gateway.run(arguments)
            for _ = 1, 5 do
                assert.equal(first, select(3, bench:replay(sources, file)))
                assert.equal(lines, select(2, gateway.run(arguments)))
            end
            arguments[#arguments] = "-"
            local code, out = gateway.run(arguments, { input = text.read_file(file) })
            assert.equal(1, code)
            assert.equal(lines, out)
        end)

        it("goes on behind a damaged line, and says which", function()
            recorded()
            local lines = {}
            for line in text.read_file(file):gmatch("[^\n]+") do
                lines[#lines + 1] = line
            end
            local sources = { policy("nothing", "function p.authorize() end") }
            local _, whole = bench:replay(sources, file)
            lines[3] = lines[3]:sub(1, 200)
            text.write_file(file, table.concat(lines, "\n") .. "\n")
            local code, report, out, said = bench:replay(sources, file)
            assert.equal(1, code, out)
            assert.equal(1, report.totals.damaged)
            assert.equal(whole.totals.records, report.totals.records)
            assert.truthy(said:find(file .. ":3: no record", 1, true), said)
            assert.equal(3, replay.find(report, "damaged")[1].line)
            lines[1] = "x"
            text.write_file(file, table.concat(lines, "\n") .. "\n")
            code, out, said = gateway.run({ "replay", "--policies", bench.last, "--set",
                "policy.library=" .. gateway.root .. "/lua", file })
            assert.equal(1, code)
            assert.truthy(said:find(file .. ":1: no record", 1, true), said)
            assert.truthy(out:find(" 2 damaged\n", 1, true), out)
        end)

        it("takes a last line without a newline where it is whole, and says that it passes over half a one", function()
            local all = text.read_file(recorded())
            local sources = { policy("nothing", "function p.authorize() end") }
            local _, whole = bench:replay(sources, file)
            local _, report, _, said = bench:replay(sources, file, "--stats")
            assert.same(whole, report)
            assert.truthy(said:find("^eksgate replay: %d+ records in [%d.]+ s, %d+ per second\n$"), said)
            text.write_file(file, all:match("^(.-)\n$"))
            _, report, _, said = bench:replay(sources, file)
            assert.same(whole, report)
            assert.equal("", said)
            text.write_file(file, all:sub(1, -40))
            _, report, _, said = bench:replay(sources, file)
            assert.equal(whole.totals.records - 1, report.totals.records)
            assert.truthy(said:find("has no end and is passed over", 1, true), said)
        end)

        it("counts a request that is recorded by its size as not replayable", function()
            file = bench:record({}, function(g)
                eks.create(g, { principalArn = eks.role("large"), tags = { x = ("y"):rep(70000) } })
            end)
            local code, report = bench:replay({ policy("nothing", "function p.authorize() end") }, file)
            assert.equal(1, code)
            assert.equal(1, report.totals.unreplayable)
            assert.truthy(replay.find(report, "unreplayable")[1].unreplayable:find("too large", 1, true))
        end)

        it("never takes a forged record for another request", function()
            recorded()
            local sources = { policy("nothing", "function p.authorize() end") }
            local lines = text.read_file(file)
            for _, forge in ipairs({
                function(all) return (all:gsub('"CreateAccessEntry"', '"DropTable"')) end,
                function(all) return (all:gsub('"requestParameters":{"name"', '"requestParameters":{"nom"')) end,
                function(all) return (all:gsub('"requestParameters":{', '"requestParameters":[{')) end,
                function(all) return (all:gsub('"userIdentity":{"type":"IAMUser","arn":"arn:', '"userIdentity":{"arn":"arm:')) end,
                function(all) return (all:gsub('"verdicts":', '"facts":{"entry":7},"verdicts":')) end,
                function(all) return (all:gsub('"verdicts":', '"callerTags":{"a":[]},"verdicts":')) end,
                function(all) return (all:gsub('"refused":{"at":"[^"]*"', '"refused":{"an":"x"')) end,
            }) do
                text.write_file(bench.folder .. "/forged.jsonl", forge(lines))
                local code, report, out, said = bench:replay(sources, bench.folder .. "/forged.jsonl")
                assert.equal(1, code, out .. said)
                assert.is_true(report.totals.unreplayable + report.totals.damaged > 0, out)
            end
        end)
    end)

    it("asks for the username of an update where the entry's type is known, and says where it isn't", function()
        local namer = policy("namer", 'function p.username(req) return "n:" .. req.principal.name end')
        local back = gateway.start({ keys = replay.keys })
        local file = bench:record({}, function(g)
            expect.ok(eks.create(g, { principalArn = eks.role("r") }))
            expect.ok(eks.update(g, eks.role("r"), { kubernetesGroups = { "a" } }))
            expect.ok(eks.update(g, eks.role("r"), { username = "mine" }))
        end, upstream.front(back.address).settings)
        local _, report = bench:replay({ namer }, file)
        assert.equal(2, #report.records)
        assert.same({ before = cjson.null, after = "n:r" }, report.records[1].username)
        assert.equal("the entry's type isn't recorded", report.records[2].unknown.why)
        expect.ok(eks.delete(back, eks.role("r")))
        gateway.stop_all()
        file = bench:record({ namer }, function(g)
            expect.ok(eks.create(g, { principalArn = eks.role("r") }))
            expect.ok(eks.update(g, eks.role("r"), { kubernetesGroups = { "a" } }))
            expect.ok(eks.create(g, { principalArn = eks.role("n"), type = "EC2_LINUX" }))
            expect.error(eks.update(g, eks.role("n"), { kubernetesGroups = { "b" } }), 400, "InvalidParameterException")
        end)
        assert.equal(0, (bench:replay({ namer }, file)))
        _, report = bench:replay({ (namer:gsub('"n:"', '"m:"')) }, file)
        assert.equal(2, report.totals.policies.namer.usernames)
        assert.equal(2, report.totals.differing)
    end)

    it("leaves facts away that make a record too large, and says so in it", function()
        local lister = policy("lister", "function p.authorize(req) return #req.admins >= 0 and nil end",
            ', needs = { "admins" }')
        local path = eks.role(("x"):rep(400) .. "/a")
        local file, gw = bench:record({ lister }, function(g)
            for i = 1, 160 do
                local one = path .. i
                expect.ok(eks.create(g, { principalArn = one }))
                expect.ok(eks.associate(g, one, { policyArn = eks.policy("AmazonEKSClusterAdminPolicy"),
                    accessScope = { type = "cluster" } }))
            end
        end)
        local kept, omitted = 0, 0
        for _, one in ipairs(gw:audit()) do
            local said = upstream.said(one)
            kept = kept + (said.facts and 1 or 0)
            omitted = omitted + (said.factsOmitted and 1 or 0)
            assert.is_nil(one.requestParameters.omittedBytes)
            if said.factsOmitted then
                assert.same({ "admins" }, said.factsOmitted)
            end
        end
        assert.is_true(kept > 100 and omitted > 10, kept .. " and " .. omitted)
        local code, report = bench:replay({ lister }, file)
        assert.equal(1, code)
        assert.equal(omitted, report.totals.unknown)
        assert.equal(0, report.totals.differing)
    end)

    it("takes rotated files in any order", function()
        local file, gw = bench:record({}, function(g)
            for i = 1, 8 do
                eks.create(g, { principalArn = eks.role("r" .. i), tags = { x = ("y"):rep(200) } })
            end
        end, { audit = { file = "audit.jsonl", durable = false, max_size = 4096 } })
        local files = {}
        for name in lfs.dir(gw.folder) do
            if name:find("^audit%.jsonl") then
                files[#files + 1] = gw.folder .. "/" .. name
            end
        end
        assert.is_true(#files > 1, "only " .. file)
        table.sort(files, function(a, b) return a > b end)
        local sources = { policy("named", 'function p.username(req) return "n:" .. req.principal.name end') }
        local _, report = bench:replay(sources, files)
        assert.equal(8, #report.records)
        for i, one in ipairs(report.records) do
            assert.equal("n:r" .. i, one.username.after)
        end
    end)

    it("hides nothing of a caller's and shows no secret", function()
        local file = bench:record({ policy("denier", "function p.authorize() return verdict.deny('no') end") }, function(g)
            eks.create(g, { principalArn = eks.role("a\27[31m") })
            eks.create(g, { principalArn = eks.role("a"), tags = { ["x"] = "\27[2J" } }, { key = replay.tagged })
        end)
        local all = text.read_file(file)
        for _, key in ipairs(replay.keys) do
            assert.is_nil(all:find(key.secret, 1, true))
            assert.is_nil(all:find(key.token or key.secret, 1, true))
        end
        assert.truthy(all:find(replay.tagged.id, 1, true))
        assert.truthy(all:find('"callerTags":{', 1, true))
        local _, lines = gateway.run({ "replay", "--policies", bench.folder .. "/none.lua", file })
        assert.equal("", lines)
        text.write_file(bench.folder .. "/none.lua", policy("\\27", ""):gsub('"\\27"', '"x"'))
        local code, out = gateway.run({ "replay", "--policies", bench.folder .. "/none.lua", "--set",
            "policy.library=" .. gateway.root .. "/lua", file })
        assert.equal(1, code)
        assert.is_nil(out:find("\27", 1, true))
    end)

    it("says what is wrong with its arguments", function()
        assert.equal(2, (gateway.run({ "replay" })))
        local code, _, said = gateway.run({ "replay", "--policies", bench.folder, "-", "x" })
        assert.equal(2, code)
        assert.truthy(said:find("- is stdin", 1, true), said)
        assert.equal(2, (gateway.run({ "replay", "--policies", "a.lua,,b.lua", "/nowhere" })))
        code, _, said = gateway.run({ "replay", "--policies", bench.folder, "/nowhere" })
        assert.equal(1, code)
        assert.truthy(said:find("no policy stands in this folder", 1, true), said)
        text.write_file(bench.folder .. "/a.lua", 'return { name = "a", authorise = function() end }')
        code, _, said = gateway.run({ "replay", "--policies", bench.folder, "/nowhere" })
        assert.equal(1, code)
        assert.truthy(said:find("authorise", 1, true), said)
        text.write_file(bench.folder .. "/a.lua", 'return { name = "a" }')
        text.write_file(bench.folder .. "/a_spec.lua", "nonsense(")
        code, _, said = gateway.run({ "replay", "--policies", bench.folder, "/nowhere" })
        assert.equal(1, code)
        assert.truthy(said:find("/nowhere: can't be opened", 1, true), said)
    end)
end)
