-- SPDX-License-Identifier: Apache-2.0
-- Policies in the shadow: asked beside the others, without effect, their differences recorded.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")
local upstream = require("support.upstream")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

--- Source of a policy with these members.
local function policy(name, members)
    return ('local verdict = require("eksgate.verdict")\nlocal p = { name = "%s" }\n%s\nreturn p'):format(name, members)
end

local made_by_eks = "arn:aws:sts::012345678910:assumed-role/r/{{SessionName}}"

local live = policy("live", [[
    function p.authorize(req)
        if req.principal and req.principal.name == "refused" then return verdict.deny("not this one") end
    end
    function p.username(req) return "live:" .. req.principal.name end
    function p.tags() return { by = "live", both = "same" } end]])

describe("policies in the shadow", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    --- A gateway with one live policy and one in the shadow.
    local function start(shadow, options)
        options = options or {}
        local folder = text.make_folder()
        text.write_file(folder .. "/shadow1.lua", shadow)
        local settings = { shadow = { "shadow1.lua" }, admin = "127.0.0.1:0", default_verdict = options.default_verdict,
            audit = { file = "audit.jsonl", durable = false, record = options.record or "changes" },
            policy = options.endpoints and { library = gateway.root .. "/lua", endpoints = options.endpoints } }
        gw = gateway.start({ folder = folder, policies = options.live or { live }, settings = settings })
    end

    local function metrics()
        local body = http.get(gw.admin, "/metrics").body
        local found = {}
        for name, value in body:gmatch("\neksgate_shadow_(%l+)_total (%d+)") do
            found[name] = tonumber(value)
        end
        return found
    end

    --- eksgate.shadow of the record of a reply.
    local function shadow_of(reply)
        return gw:audit_of(reply.header["x-amzn-requestid"]).additionalEventData.eksgate.shadow
    end

    it("change nothing, and the record says what they would have changed", function()
        start(policy("tried", [[
            function p.username(req) return "tried:" .. req.principal.name end
            function p.tags(req) return { by = "tried", more = req.input.tags.mine, both = "same" } end]]))
        local reply = gw:create({ principalArn = role("r"), tags = { mine = "m" } })
        local entry = expect.ok(reply).accessEntry
        assert.equal("live:r", entry.username)
        assert.same({ by = "live", both = "same", mine = "m" }, entry.tags)
        assert.same({
            policies = { "tried" },
            username = { before = "live:r", after = "tried:r" },
            tags = { before = { by = "live" }, after = { by = "tried", more = "m" } },
        }, shadow_of(reply))
        assert.same({ agreed = 0, differed = 1, failed = 0, unknown = 0 }, metrics())
    end)

    it("don't refuse, and don't let through", function()
        start(policy("tried", [[function p.authorize(req)
            if req.principal.name ~= "refused" then return verdict.deny("only that one") end
        end]]), { live = { policy("live", [[function p.authorize(req)
            if req.principal.name == "refused" then return verdict.deny("not this one") end
        end]]) } })
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        assert.same({ policies = { "tried" },
            verdict = { before = "allow", after = "deny", reason = "only that one" } }, shadow_of(reply))
        reply = gw:create({ principalArn = role("refused") })
        assert.equal(403, reply.status)
        assert.truthy(reply.body:find("(eksgate policy live: not this one", 1, true))
        assert.same({ policies = { "live" }, verdict = { before = "deny", after = "allow" } }, shadow_of(reply))
    end)

    it("that say the same leave no trace but a count", function()
        start(live)
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        assert.is_nil(shadow_of(reply))
        assert.equal(403, gw:create({ principalArn = role("refused") }).status)
        assert.same({ agreed = 2, differed = 0, failed = 0, unknown = 0 }, metrics())
    end)

    it("are asked where nobody else is", function()
        start(policy("tried", [[function p.username(req) return "tried:" .. req.principal.name end]]), { live = {} })
        local reply = gw:create({ principalArn = role("r") })
        assert.equal(made_by_eks, expect.ok(reply).accessEntry.username)
        assert.same({ before = cjson.null, after = "tried:r" }, shadow_of(reply).username)
    end)

    it("choose what EKS would have made, which is no difference", function()
        start(policy("tried", ("function p.username() return %q end"):format(made_by_eks)), { live = {} })
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        assert.is_nil(shadow_of(reply))
    end)

    it("aren't asked for a username or tags that nobody takes from policies", function()
        start(policy("tried", [[
            function p.username() return "tried" end
            function p.tags() return { by = "tried" } end]]), { live = {} })
        local reply = gw:create({ principalArn = role("r"), username = "mine" })
        expect.ok(reply)
        assert.same({ policies = { "tried" }, tags = { before = {}, after = { by = "tried" } } }, shadow_of(reply))
    end)

    it("aren't compared by what they aren't asked", function()
        local both = policy("both", [[
            function p.conflict(req)
                if req.principal.name == "raise" then error("ouch") end
                return true
            end
            function p.audit() return { by = "both" } end]])
        start(policy("tried", ""), { live = { both } })
        for _, name in ipairs({ "raise", "adopt" }) do
            expect.ok(gw:create({ principalArn = role(name) }))
            local again = gw:create({ principalArn = role(name) })
            assert.equal(name == "raise" and 403 or 200, again.status)
            assert.is_nil(shadow_of(again))
        end
    end)

    it("fail without harm, however they fail", function()
        start(policy("tried", [[
            function p.authorize(req)
                local name = req.principal.name
                if name == "raise" then error("ouch") end
                if name == "loop" then while true do end end
                if name == "grow" then local s = "x" while true do s = s .. s end end
                if name == "nonsense" then return 7 end
            end]]), { live = {} })
        for i, name in ipairs({ "raise", "nonsense", "grow" }) do
            local reply = gw:create({ principalArn = role(name) })
            expect.ok(reply)
            assert.same({ before = "allow", after = "failed", reason = "policy failed" }, shadow_of(reply).verdict)
            assert.equal(i, metrics().failed)
        end
        assert.truthy(gw:stderr():find("shadow: tried: authorize failed: ", 1, true), gw:stderr())
        assert.is_nil(gw:stderr():find("policy: tried", 1, true))
    end)

    it("with more to say than a record holds are left out of it", function()
        start(policy("tried", [[local tags = {} -- once, so that the hook has time enough on slow machines
        for i = 1, 45 do tags[("\u{10400}"):rep(120) .. i] = ("\u{10400}"):rep(256) end
        function p.tags() return tags end]]), { live = { policy("live", [[p.needs = { "cluster" }
            function p.authorize() return nil end
            function p.audit() return { seen = true } end]]) } })
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        local record = gw:audit_of(reply.header["x-amzn-requestid"])
        local kept = record.additionalEventData.eksgate
        assert.same({ omitted = true }, kept.shadow)
        -- and cost nothing else in it
        assert.equal(role("r"), record.requestParameters.principalArn)
        assert.is_table(kept.facts.cluster)
        assert.same({ live = { seen = true } }, kept.fields)
        assert.same({ agreed = 0, differed = 1, failed = 0, unknown = 0 }, metrics())
    end)

    it("rest after a hook that ran on", function()
        start(policy("tried", "function p.authorize(req) while true do end end"), { live = {} })
        local stopped, rested = 0, 0
        assert.truthy(text.wait_for(function()
            local reply = gw:create({ principalArn = role("r" .. stopped + rested) })
            expect.ok(reply)
            local shadow = shadow_of(reply)
            if shadow.unknown then
                assert.equal("it rests after a hook that was stopped", shadow.unknown)
                rested = rested + 1
            else
                assert.equal("failed", shadow.verdict.after)
                stopped = stopped + 1
            end
            return stopped >= 2 and rested >= 1
        end))
        assert.same({ agreed = 0, differed = 0, failed = stopped, unknown = rested }, metrics())
    end)

    it("are told of in the log where there is no record, once a second", function()
        start(policy("tried", [[function p.authorize(req)
            if req.operation == "DescribeAccessEntry" then return verdict.deny("look away") end
        end]]), { live = {} })
        expect.ok(gw:create({ principalArn = role("r") }))
        for _ = 1, 20 do
            expect.ok(gw:describe(role("r")))
        end
        assert.equal(20, metrics().differed)
        local lines = 0
        for line in gw:stderr():gmatch("[^\n]*shadow: DescribeAccessEntry would be decided otherwise[^\n]*") do
            assert.truthy(line:find('"reason":"look away"', 1, true), line)
            lines = lines + 1
        end
        assert.is_true(lines >= 1 and lines < 20, tostring(lines))
    end)

    it("know the facts that they need, though nobody else needs them", function()
        start([[return { name = "tried", needs = { "entry", "cluster" }, on = { "CreateAccessEntry" },
            tags = function(req)
                return { entry = tostring(req.entry ~= nil), name = req.cluster }
            end }]], { live = {} })
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        assert.equal("false", shadow_of(reply).tags.after.entry)
    end)

    it("that ask an endpoint have no opinion", function()
        start([[
            local http = require("eksgate.http")
            local verdict = require("eksgate.verdict")
            return { name = "tried", authorize = function(req)
                local reply = http.get("approval", { path = "/x" })
                return verdict.deny("answered " .. tostring(reply))
            end }]], { live = {}, endpoints = { approval = "http://127.0.0.1:1" } })
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        assert.same({ unknown = "it asks an endpoint" }, shadow_of(reply))
        assert.equal(1, metrics().unknown)
    end)

    it("count by themselves", function()
        local limited = [[
            local counter = require("eksgate.counter")
            local verdict = require("eksgate.verdict")
            return { name = "limit", on = { "CreateAccessEntry" }, authorize = function(req)
                if counter.add("creates", { per = 86400 }) > 2 then return verdict.throttle(5, "enough") end
            end }]]
        start(limited, { live = { limited } })
        for i = 1, 4 do
            local reply = gw:create({ principalArn = role("r" .. i) })
            assert.equal(i <= 2 and 200 or 429, reply.status)
            assert.is_nil(shadow_of(reply))
        end
    end)

    it("in front of an upstream know what the others know, and have no opinion where they need more", function()
        local folder = text.make_folder()
        local needy = [[return { name = "%s", needs = { "entry" }, on = { "DeleteAccessEntry" },
            authorize = function(req)
                return require("eksgate.verdict").deny("there is " .. (req.entry and req.entry.username or "none"))
            end }]]
        text.write_file(folder .. "/shadow1.lua", needy:format("needy"))
        text.write_file(folder .. "/shadow2.lua", policy("tried", [[
            function p.username(req) return "tried:" .. req.principal.name end]]))
        local settings = { shadow = { "shadow1.lua", "shadow2.lua" }, audit = { file = "audit.jsonl", durable = false },
            admin = "127.0.0.1:0" }
        local pair = upstream.pair({ front = { folder = folder, settings = settings, policies = { live } } })
        gw = pair.front
        --- Of the last record of what went on; the ids that clients see are the upstream's.
        local function last_shadow(name)
            local found
            for _, record in ipairs(gw:audit()) do
                local mine = record.additionalEventData.eksgate
                found = record.eventName == name and mine.generation and mine or found
            end
            return found.shadow
        end
        local made = gw:create({ principalArn = role("r") })
        assert.equal("live:r", expect.ok(made).accessEntry.username)
        assert.same({ before = "live:r", after = "tried:r" }, last_shadow("CreateAccessEntry").username)
        local gone = gw:send("DELETE", gateway.entry_target(role("r")))
        expect.ok(gone)
        assert.same({ unknown = "it needs facts that weren't fetched" }, last_shadow("DeleteAccessEntry"))
        gw:write("policy1.lua", 'return { name = "live", needs = { "entry" }, authorize = function() end }')
        assert.equal(200, gw:control("POST", "/v1/reload").status)
        expect.ok(gw:create({ principalArn = role("s"), username = "somebody" }))
        gone = gw:send("DELETE", gateway.entry_target(role("s")))
        expect.ok(gone)
        assert.equal("there is somebody", last_shadow("DeleteAccessEntry").verdict.reason)
    end)

    it("must load and pass the same tests, and go with a reload", function()
        start(live)
        text.write_file(gw.folder .. "/shadow1.lua", "return {")
        local reply = gw:control("POST", "/v1/reload")
        assert.equal(422, reply.status)
        assert.truthy(reply.body:find("shadow: ", 1, true) and reply.body:find("shadow1.lua:1", 1, true), reply.body)
        local code, _, err = gateway.run({ "check", "-c", gw.config })
        assert.equal(1, code)
        assert.truthy(err:find("shadow: ", 1, true), err)
        text.write_file(gw.folder .. "/shadow1.lua", policy("next", "function p.tags() return { next = 'yes' } end"))
        assert.equal(200, gw:control("POST", "/v1/reload").status)
        local made = gw:create({ principalArn = role("r") })
        assert.equal("yes", shadow_of(made).tags.after.next)
    end)
end)
