-- SPDX-License-Identifier: Apache-2.0
-- Policies as callers meet them: refusals in HOUSE's words, values that they chose, what the record says about them.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

local function policy(name, body)
    return 'local verdict = require("eksgate.verdict")\nlocal p = { name = "' .. name .. '" }\n' .. body
        .. "\nreturn p\n"
end

--- How the message of every refusal by a policy ends.
local function signed_off(name, reason, reply)
    return "(eksgate policy " .. name .. ": " .. reason .. ", request " .. reply.header["x-amzn-requestid"] .. ")"
end

local count = 0
local function fresh_role()
    count = count + 1
    return role("fresh-" .. count)
end

describe("policies", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function start(sources, settings)
        gw = gateway.start({ policies = sources, settings = settings or { admin = "127.0.0.1:0" } })
    end

    --- Expects a refusal that ends as every policy's does, with the id of the reply.
    local function refused(reply, name, reason)
        local body = expect.error(reply, 403, "AccessDeniedException")
        local tail = signed_off(name, reason, reply)
        assert.equal(tail, body.message:sub(-#tail))
        return body.message
    end

    describe("that deny", function()
        it("refuse in IAM's words, signed by the policy", function()
            start({ policy("no-nodes", [[
                function p.authorize(req)
                    if req.input.type == "EC2_LINUX" then
                        return verdict.deny("nodes are created by the platform team")
                    end
                end]]) })
            local message = refused(gw:create({ principalArn = role("r"), type = "EC2_LINUX" }), "no-nodes",
                "nodes are created by the platform team")
            assert.equal("User: " .. gateway.key.arn .. " is not authorized to perform: eks:CreateAccessEntry on "
                .. "resource: arn:aws:eks:us-west-2:012345678910:cluster/my-cluster ", message:match("^(.-)%("))
            assert.equal(404, gw:describe(role("r")).status)
            expect.ok(gw:create({ principalArn = role("r") }))
        end)

        it("win over those that allow, before and after them", function()
            local allow = policy("allow", "function p.authorize() return verdict.allow() end")
            local deny = policy("deny", 'function p.authorize() return verdict.deny("no") end')
            start({ allow, deny, policy("late", "function p.authorize() return verdict.allow() end") })
            refused(gw:create({ principalArn = role("r") }), "deny", "no")
        end)

        it("refuse reads too, unless `on` says otherwise", function()
            start({ policy("all", 'function p.authorize() return verdict.deny("no") end') })
            refused(gw:describe(role("r")), "all", "no")
            gw:stop()
            start({ policy("some", 'p.on = { "CreateAccessEntry" }\n'
                .. 'function p.authorize() return verdict.deny("no") end') })
            expect.error(gw:describe(role("r")), 404, "ResourceNotFoundException")
            refused(gw:create({ principalArn = role("r") }), "some", "no")
        end)

        it("come before EKS's own rules", function()
            start({ policy("first", 'function p.authorize() return verdict.deny("no") end') })
            refused(gw:create({ principalArn = role("r"), username = "system:x" }), "first", "no")
        end)

        it("can't break out of the message", function()
            start({ policy("odd", [[function p.authorize() return verdict.deny("a\r\nX-Evil: 1\0\"}") end]]) })
            local reply = gw:create({ principalArn = role("r") })
            assert.equal(403, reply.status)
            assert.is_nil(reply.header["x-evil"])
            assert.is_nil(reply.json.message:find("[%c]"))
        end)
    end)

    it("that throttle answer 429 with Retry-After", function()
        start({ policy("slow", 'function p.authorize() return verdict.throttle(5, "slow down") end') })
        local reply = gw:create({ principalArn = role("r") })
        local tail = signed_off("slow", "slow down", reply)
        local body = expect.error(reply, 429, "TooManyRequestsException")
        assert.equal(tail, body.message:sub(-#tail))
        assert.equal("5", reply.header["retry-after"])
    end)

    describe("that fail are refusals", function()
        local failing = {
            ["raise"] = 'error("boom")',
            ["raise no text"] = "error({})",
            ["loop"] = "while true do end",
            ["loop in a pattern"] = 'string.find(string.rep("a", 50000), string.rep("a-", 50000) .. "b")',
            ["use too much memory"] = 'local t = {} while true do t[#t + 1] = string.rep("x", 1000) .. #t end',
            ["use too much memory at once"] = 'local s = string.rep("x", 1 << 28) return s',
            ["recurse for ever"] = "local function f() return 1 + f() end return f()",
            ["catch their own end"] = "while true do pcall(function() while true do end end) end",
            ["answer a number"] = "return 5",
            ["answer text"] = 'return "allow"',
            ["answer true"] = "return true",
            ["answer a table of their own"] = 'return { verdict = "maybe" }',
            ["use a name that doesn't exist"] = "return req.nonsense",
            ["use an input member that doesn't exist"] = "return req.input.nonsense",
            ["write to the request"] = "req.cluster = 'other'",
            ["ask for what isn't there"] = 'os.execute("true")',
            ["read files"] = 'io.open("/etc/passwd")',
        }
        for what, body in pairs(failing) do
            it("when they " .. what, function()
                start({ policy("bad", "function p.authorize(req)\n" .. body .. "\nend") })
                refused(gw:create({ principalArn = role("r") }), "bad", "policy failed")
                assert.truthy(gw:stderr():find("bad: authorize failed", 1, true), gw:stderr())
                assert.equal("bad", gw:audit()[1].errorMessage:match("policy (%w+):"))
                refused(gw:describe(role("r")), "bad", "policy failed")
            end)
        end

        it("and the log has file and line", function()
            start({ policy("bad", "function p.authorize(req)\n error('boom')\nend") })
            gw:create({ principalArn = role("r") })
            assert.truthy(gw:stderr():find("policy1.lua:4: boom", 1, true), gw:stderr())
            gw:stop()
            start({ policy("bad", "function p.authorize(req)\n while true do end\nend") })
            gw:create({ principalArn = role("r") })
            assert.truthy(gw:stderr():find("policy1.lua:4:", 1, true), gw:stderr())
        end)

        it("counted by kind", function()
            local http = require("support.http")
            start({ policy("bad", [[function p.authorize(req)
                if req.principal.name == "loop" then while true do end end
                if req.principal.name == "eat" then local t = {} for i = 1, 8 do t[i] = ("x"):rep(400000 + i) end end
            end]]) })
            gw:create({ principalArn = role("loop") })
            gw:create({ principalArn = role("eat") })
            local metrics = http.get(gw.admin, "/metrics").body
            assert.truthy(metrics:find('eksgate_policy_kills_total{kind="time"} 1\n', 1, true), metrics)
            assert.truthy(metrics:find('eksgate_policy_kills_total{kind="memory"} 1\n', 1, true), metrics)
            -- and against the worker's loop, which they held up
            assert.truthy(metrics:find('eksgate_loop_callbacks_slow_total{cause="work"} [1-9]'), metrics)
        end)

        it("one at a time: the next request is served", function()
            start({ policy("bad", [[function p.authorize(req)
                if req.principal.name == "loop" then while true do end end
            end]]) })
            refused(gw:create({ principalArn = role("loop") }), "bad", "policy failed")
            expect.ok(gw:create({ principalArn = role("fine") }))
        end)
    end)

    describe("that choose a username", function()
        local team = policy("team", [[function p.username(req)
            return "team:" .. req.principal.name .. ":{{SessionName}}"
        end]])

        it("do so for those who sent none", function()
            start({ team })
            local made = expect.ok(gw:create({ principalArn = role("a/b/dev") })).accessEntry
            assert.equal("team:dev:{{SessionName}}", made.username)
            made = expect.ok(gw:create({ principalArn = fresh_role(), username = "own" })).accessEntry
            assert.equal("own", made.username)
        end)

        it("do so for updates too, which return to EKS's rule where nobody answers", function()
            start({ policy("named", [[function p.username(req)
                if req.operation == "UpdateAccessEntry" and req.principal.name == "dev" then return "team:updated" end
            end]]) })
            local function update(name, input)
                return expect.ok(gw:request({ method = "POST", target = gateway.entry_target(role(name)), json = input }))
                    .accessEntry.username
            end
            expect.ok(gw:create({ principalArn = role("dev"), username = "own" }))
            assert.equal("team:updated", update("dev", { kubernetesGroups = { "g" } }))
            assert.equal("other", update("dev", { username = "other" }))
            expect.ok(gw:create({ principalArn = role("ops"), username = "own" }))
            assert.equal("arn:aws:sts::012345678910:assumed-role/ops/{{SessionName}}", update("ops",
                { kubernetesGroups = { "g" } }))
        end)

        it("are not asked about nodes", function()
            start({ team })
            local made = expect.ok(gw:create({ principalArn = fresh_role(), type = "EC2_LINUX" })).accessEntry
            assert.equal("system:node:{{EC2PrivateDNSName}}", made.username)
            expect.error(gw:request({ method = "POST", target = gateway.entry_target(made.principalArn),
                json = { kubernetesGroups = { "g" } } }), 400, "InvalidParameterException", { "with a type of" })
        end)

        it("are asked in order, and nil asks the next and then EKS's rule", function()
            start({
                policy("one", 'function p.username(req) if req.principal.name == "a" then return "first" end end'),
                policy("two", 'function p.username(req) if req.principal.name ~= "c" then return "second" end end'),
            })
            assert.equal("first", expect.ok(gw:create({ principalArn = role("a") })).accessEntry.username)
            assert.equal("second", expect.ok(gw:create({ principalArn = role("b") })).accessEntry.username)
            assert.equal("arn:aws:sts::012345678910:assumed-role/c/{{SessionName}}",
                expect.ok(gw:create({ principalArn = role("c") })).accessEntry.username)
        end)

        for what, answer in pairs({
            ["EKS would refuse"] = '"system:masters"', ["is empty"] = '""', ["is no text"] = "5",
            ["is too long"] = '("x"):rep(100000)', ["holds control bytes"] = '"a\\nb"', ["is no UTF-8"] = '"\\xff"',
        }) do
            it("are refused when it " .. what, function()
                start({ policy("bad", "function p.username() return " .. answer .. " end") })
                refused(gw:create({ principalArn = role("r") }), "bad", "policy failed")
                assert.equal(404, gw:describe(role("r")).status)
            end)
        end
    end)

    describe("that add tags", function()
        it("leave the caller's own alone", function()
            start({
                policy("one", 'function p.tags() return { ["cost-centre"] = "4711", team = "red" } end'),
                policy("two", 'function p.tags() return { team = "green", stage = "dev" } end'),
            })
            local tags = expect.ok(gw:create({ principalArn = fresh_role(), tags = { ["cost-centre"] = "1" } }))
                .accessEntry.tags
            assert.equal("1", tags["cost-centre"])
            assert.equal("dev", tags.stage)
            assert.truthy(tags.team)
            assert.same(tags, expect.ok(gw:describe(role("fresh-" .. count))).accessEntry.tags)
        end)

        for what, answer in pairs({
            ["AWS keeps for itself"] = '{ ["aws:x"] = "1" }', ["are numbers"] = "{ a = 1 }", ["are a list"] = '{ "a" }',
            ["are no table"] = '"a"', ["are more than fifty"] = "many",
        }) do
            it("are refused when they " .. what, function()
                start({ policy("bad", "local many = {}\nfor i = 1, 51 do many['k' .. i] = 'v' end\n"
                    .. "function p.tags() return " .. answer .. " end") })
                refused(gw:create({ principalArn = role("r") }), "bad", "policy failed")
                assert.equal(404, gw:describe(role("r")).status)
            end)
        end
    end)

    it("leave the idempotency of retries alone, which is judged by what the caller sent", function()
        start({ policy("counting", [[
            local n = 0
            function p.username() n = n + 1 return "name:" .. n end]]) })
        local input = { principalArn = fresh_role(), clientRequestToken = text.uuid() }
        local first, again = gw:create(input), gw:create(input)
        expect.ok(first)
        assert.equal(first.body, again.body)
    end)

    describe("under default_verdict = deny", function()
        it("refuse what nobody allowed", function()
            start({ policy("some", [[function p.authorize(req)
                if req.principal.name == "good" then return verdict.allow() end
            end]]) }, { default_verdict = "deny" })
            expect.ok(gw:create({ principalArn = role("good") }))
            local body = expect.error(gw:create({ principalArn = role("bad") }), 403, "AccessDeniedException")
            assert.truthy(body.message:find("(eksgate policy default_verdict: ", 1, true), body.message)
        end)

        it("refuse everything when there are none", function()
            start({}, { default_verdict = "deny" })
            expect.error(gw:create({ principalArn = role("r") }), 403, "AccessDeniedException")
            expect.error(gw:describe(role("r")), 403, "AccessDeniedException")
        end)
    end)

    it("see the caller, its tags, the input and where it came from", function()
        local key = { id = "AKIAEKSGATETEST00007", secret = "s", arn = gateway.key.arn, tags = { team = "blue" } }
        gw = gateway.start({ keys = { key }, policies = { policy("look", [[function p.authorize(req)
            return verdict.deny(table.concat({
                req.operation, req.account, req.region, req.cluster, req.principal.kind, req.principal.path,
                req.principal.name, req.principal.account, req.caller.access_key, req.caller.name,
                tostring(req.caller.verified), req.caller.tags.team, req.input.tags.a,
                tostring(#req.input.kubernetesGroups), req.input.kubernetesGroups[1], tostring(req.input.username),
                req.source_ip, req.user_agent, tostring(math.type(req.time)),
            }, " "))
        end]]) } })
        local reply = gw:create({ principalArn = role("team/dev"), tags = { a = "1" }, kubernetesGroups = { "g", "h" } },
            { key = key, extra = { { "User-Agent", "agent/1" } } })
        refused(reply, "look", "CreateAccessEntry 012345678910 us-west-2 my-cluster role /team/ dev 012345678910 "
            .. "AKIAEKSGATETEST00007 tester true blue 1 2 g nil 127.0.0.1 agent/1 integer")
    end)

    describe("that audit", function()
        it("add fields to the record, under their name", function()
            start({ policy("ticket", [[function p.audit(record)
                return { ticket = (record.input.tags or {}).ticket, operation = record.operation }
            end]]) })
            local reply = gw:create({ principalArn = fresh_role(), tags = { ticket = "T-1" } })
            expect.ok(reply)
            local ours = gw:audit_of(reply.header["x-amzn-requestid"]).additionalEventData.eksgate
            assert.same({ ticket = { ticket = "T-1", operation = "CreateAccessEntry" } }, ours.fields)
        end)

        it("see what was decided, and may refuse by failing", function()
            start({
                policy("one", 'function p.authorize() return verdict.allow() end\n'
                    .. 'function p.username() return "chosen" end'),
                policy("two", [[function p.audit(record)
                    assert(record.verdicts[1].policy == "one")
                    assert(record.reply)
                    if record.principal:find("bad") then error("not recorded") end
                end]]),
            })
            expect.ok(gw:create({ principalArn = role("good") }))
            refused(gw:create({ principalArn = role("bad") }), "two", "policy failed")
            assert.equal(404, gw:describe(role("bad")).status)
        end)
    end)

    it("that are told the outcome can't change it", function()
        start({ policy("told", [[function p.outcome(record) error("told " .. record.outcome) end]]) })
        expect.ok(gw:create({ principalArn = role("r") }))
        assert.equal(409, gw:create({ principalArn = role("r") }).status)
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("told applied", 1, true)
        end), gw:stderr())
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("told refused", 1, true)
        end), gw:stderr())
    end)

    it("leave their verdicts and changes in the record", function()
        start({
            policy("one", 'function p.authorize() return verdict.allow() end'),
            policy("two", 'function p.username() return "chosen" end\n'
                .. 'function p.tags() return { stage = "dev" } end'),
        })
        local reply = gw:create({ principalArn = fresh_role() })
        local ours = gw:audit_of(reply.header["x-amzn-requestid"]).additionalEventData.eksgate
        assert.equal("one", ours.verdicts[1].policy)
        assert.equal("allow", ours.verdicts[1].verdict)
        local changed = {}
        for _, change in ipairs(ours.changes) do
            assert.equal("two", change.policy)
            changed[change.hook] = change.after
        end
        assert.equal("chosen", changed.username)
        assert.same({ stage = "dev" }, changed.tags)
    end)

    it("can be given on the command line", function()
        local folder = text.make_folder()
        text.write_file(folder .. "/a.lua", policy("a", 'function p.tags() return { a = "1" } end'))
        text.write_file(folder .. "/b.lua", policy("b", 'function p.tags() return { b = "2" } end'))
        gw = gateway.start({ arguments = { "--set", "policies=" .. folder .. "/a.lua," .. folder .. "/b.lua" } })
        assert.same({ a = "1", b = "2" }, expect.ok(gw:create({ principalArn = fresh_role() })).accessEntry.tags)
        gw:stop()
        text.remove_folder(folder)
    end)

    it("share nothing, neither globals nor the library", function()
        start({
            policy("one", [[function p.authorize()
                pcall(function() verdict.allow = nil end)
                pcall(function() string.rep = nil end)
                pcall(function() leaked = 1 end)
                pcall(function() _G.leaked = 1 end)
                pcall(function() getmetatable("").__index = nil end)
            end]]),
            policy("two", [[function p.authorize()
                local ok, seen = pcall(function() return leaked end)
                if (ok and seen) or not verdict.allow or not ("x"):rep(2) then return verdict.deny("saw it") end
            end]]),
        })
        local reply = gw:create({ principalArn = fresh_role() })
        assert.is_nil(reply.body:find("saw it", 1, true), reply.body)
    end)

    describe("that can't be loaded keep the gateway from starting", function()
        for what, source in pairs({
            ["syntax"] = "return {", ["raising"] = 'error("at load")', ["no table"] = "return 5",
            ["no name"] = "return {}", ["an unknown operation"] = 'return { name = "p", on = { "Nonsense" } }',
            ["an unknown hook"] = 'return { name = "p", autorize = function() end }',
            ["bytecode"] = string.dump(function() return { name = "p" } end),
            ["an endless load"] = "while true do end",
            ["a global"] = 'leaked = 1\nreturn { name = "p" }',
        }) do
            it("(" .. what .. ")", function()
                local prepared = gateway.prepare({ policies = { source } })
                local code, err = prepared:fail_to_start()
                assert.equal(1, code, err)
                assert.truthy(err:find("policy1.lua", 1, true), err)
                prepared:forget()
            end)
        end

        it("(two with one name)", function()
            local prepared = gateway.prepare({ policies = { 'return { name = "p" }', 'return { name = "p" }' } })
            local code = prepared:fail_to_start()
            assert.equal(1, code)
            prepared:forget()
        end)
    end)
end)
