-- SPDX-License-Identifier: Apache-2.0
-- What policies must do before they are taken up, at the start, by a check and by a reload, and what becomes of requests that
-- are under way meanwhile.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

local raising = [[
local policy = { name = "raising" }
function policy.username(req)
    return "team:" .. req.caller.tags.team
end
return policy
]]

local marking = [[
local policy = { name = "marking" }
function policy.tags()
    return { mark = "%s" }
end
return policy
]]

local marking_spec = [[
local policy = dofile("policy1.lua")

describe("marking", function()
    it("marks with a", function()
        assert.same({ mark = "a" }, policy.tags())
    end)
end)
]]

describe("policies that are taken up", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function check(prepared, ...)
        return gateway.run({ "check", "-c", prepared.config, ... })
    end

    local function metric(name)
        return tonumber(http.get(gw.admin, "/metrics").body:match("\n" .. name .. " (%d+)\n"))
    end

    --- Expects that a reload is refused with `why` in reply, log and metric, and that the old set answers.
    local function refused(why)
        local generation, failures = metric("eksgate_generation"), metric("eksgate_reload_failures_total")
        local reply = gw:control("POST", "/v1/reload")
        assert.equal(422, reply.status)
        assert.truthy(reply.body:find(why, 1, true), reply.body)
        assert.truthy(gw:stderr():find(why, 1, true), gw:stderr())
        assert.truthy(gw:stderr():find("nothing was taken up; the old state stays", 1, true))
        assert.equal(failures + 1, metric("eksgate_reload_failures_total"))
        assert.equal(generation, metric("eksgate_generation"))
        local code, _, err = gateway.run({ "ctl", "--admin", gw.admin, "reload" })
        assert.equal(1, code)
        assert.truthy(err:find(why, 1, true), err)
    end

    describe("must answer a smoke request", function()
        local why = "raising: username failed on the smoke request, a CreateAccessEntry: "

        it("at the start and in a check, which say where they failed", function()
            local prepared = gateway.prepare({ policies = { raising }, smoke_test = true })
            local code, err = prepared:fail_to_start()
            assert.equal(1, code)
            assert.truthy(err:find(why, 1, true), err)
            assert.truthy(err:find("policy1.lua:3: attempt to concatenate a nil value (field 'team')", 1, true), err)
            local out
            code, out, err = check(prepared)
            assert.equal(1, code)
            assert.equal("", out)
            assert.truthy(err:find(why, 1, true), err)
            code, out = check(prepared, "--json")
            assert.equal(1, code)
            assert.truthy(cjson.decode(out).problems[1]:find(why, 1, true), out)
        end)

        it("at a reload, or the old ones stay", function()
            gw = gateway.start({
                policies = { marking:format("a") }, smoke_test = true, settings = { admin = "127.0.0.1:0" } })
            gw:write("policy1.lua", raising)
            refused(why)
            assert.same({ mark = "a" }, expect.ok(gw:create({ principalArn = role("r") })).accessEntry.tags)
            gw:write("policy1.lua", marking:format("b"))
            assert.equal(200, gw:control("POST", "/v1/reload").status)
            assert.same({ mark = "b" }, expect.ok(gw:create({ principalArn = role("s") })).accessEntry.tags)
        end)

        it("unless policies.smoke_test is false: then they fail request by request", function()
            gw = gateway.start({ policies = { raising } })
            assert.equal(403, gw:create({ principalArn = role("r") }).status)
        end)
    end)

    describe("with policies.self_test must pass their specs", function()
        local function write_specs(prepared, spec)
            text.write_file(prepared.folder .. "/policy1_spec.lua", spec)
        end

        local function prepare(policies, self_test)
            local prepared = gateway.prepare({ policies = policies, settings = { admin = "127.0.0.1:0" } })
            prepared.options.arguments = { "--set", "policies.self_test=" .. tostring(self_test) }
            return prepared
        end

        it("at the start and in a check, which say which case failed, and where", function()
            local prepared = prepare({ marking:format("b") }, true)
            write_specs(prepared, marking_spec)
            local code, err = prepared:fail_to_start()
            assert.equal(1, code)
            assert.truthy(err:find("policy1_spec.lua:5: marking marks with a: ", 1, true), err)
            local checked, _, problems = check(prepared, "--set", "policies.self_test=true")
            assert.equal(1, checked)
            assert.truthy(problems:find("policy1_spec.lua:5: ", 1, true), problems)
            assert.equal(0, (check(prepared)))
        end)

        it("at a reload, or the old ones stay", function()
            gw = prepare({ marking:format("a") }, true)
            write_specs(gw, marking_spec)
            gw:launch_and_wait()
            assert.truthy(gw:stderr():find("policies: 1 cases of their specs passed", 1, true), gw:stderr())
            gw:write("policy1.lua", marking:format("b"))
            refused("policy1_spec.lua:5: marking marks with a: ")
            assert.same({ mark = "a" }, expect.ok(gw:create({ principalArn = role("r") })).accessEntry.tags)
        end)

        it("while probes are answered, also where an administrator waits for them", function()
            gw = prepare({ marking:format("a") }, true)
            write_specs(gw, marking_spec)
            gw:launch_and_wait()
            write_specs(gw, 'it("loops", function() while true do end end)\nit("too", function() while true do end end)')
            local client = http.connect(gw.admin)
            client:send(("POST /v1/reload HTTP/1.1\r\nHost: %s\r\nX-Eksgate-Admin: 1\r\n\r\n"):format(http.host_of(gw.admin)))
            local answered = 0
            repeat
                local began = text.now()
                assert.equal(200, http.get(gw.admin, "/livez").status)
                assert.is_true(text.now() - began < 1.5)
                answered = answered + 1
            until not client:is_silent(0.05)
            assert.is_true(answered > 5)
            local reply = client:read()
            assert.equal(422, reply.status)
            assert.truthy(reply.body:find("loops: ran longer than it may", 1, true), reply.body)
        end)

        it("and those without one pass with a warning", function()
            gw = prepare({ marking:format("a"), (marking:format("b"):gsub("marking", "other")) }, true)
            write_specs(gw, marking_spec)
            gw:launch_and_wait()
            assert.truthy(gw:stderr():find("1 of 2 have no spec: nothing of them was tested", 1, true), gw:stderr())
        end)

        it("which are left alone without it", function()
            gw = prepare({ marking:format("b") }, false)
            write_specs(gw, marking_spec)
            gw:launch_and_wait()
            assert.same({ mark = "b" }, expect.ok(gw:create({ principalArn = role("r") })).accessEntry.tags)
        end)
    end)

    it("leave a request that is under way on those that it began on, and its record says so", function()
        local folder = text.make_folder()
        gw = gateway.start_mock({
            folder = folder,
            policies = { [[
                local p = { name = "p", on = { "CreateAccessEntry" } }
                function p.fault(req) if req.principal.name == "slow" then return { delay = 3 } end end
                function p.tags() return { mark = "a" } end
                return p]] },
            settings = { ["audit.file"] = folder .. "/audit.jsonl", workers = 1 },
        })
        local generation = metric("eksgate_generation")
        local slow = gw:connect()
        assert(slow:send((gw:format(gateway.create_request({ principalArn = role("slow") })))))
        assert.truthy(text.wait_for(function()
            return metric("eksgate_faults_total") == 1
        end))
        gw:write("policy1.lua", 'return { name = "p", tags = function() return { mark = "b" } end }')
        assert.equal(200, gw:control("POST", "/v1/reload").status)
        assert.truthy(metric("eksgate_generation") > generation)
        assert.same({ mark = "b" }, expect.ok(gw:create({ principalArn = role("quick") })).accessEntry.tags)
        assert.equal(2, metric("eksgate_policy_generations"))
        local reply = slow:read({ seconds = 10 })
        assert.same({ mark = "a" }, cjson.decode(reply.body).accessEntry.tags)
        local record = gw:audit_of(reply.header["x-amzn-requestid"])
        assert.equal(generation, record.additionalEventData.eksgate.generation)
        assert.truthy(text.wait_for(function()
            return metric("eksgate_policy_generations") == 1
        end))
    end)
end)
