-- SPDX-License-Identifier: Apache-2.0
-- Files that go away between two runs: what was told to be done is never told not to have been done, and the log says
-- what is missing.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("between two runs", function()
    local gw

    after_each(gateway.stop_all)

    local function start()
        gw = gateway.start({ settings = { audit = { durable = true } } })
        expect.ok(gw:create({ principalArn = role("a") }))
        assert.equal(0, gw:end_process())
    end

    local function last_begun()
        local events = gw:audit_events("AuditBegun")
        return events[#events].additionalEventData.eksgate.begun
    end

    local function log_has(words)
        assert.truthy(gw:stderr():find(words, 1, true), gw:stderr())
    end

    local function verifies()
        local code, out, err = gateway.run({ "audit", "verify", "--head", gw.folder .. "/eksgate.db", gw.audit_file })
        assert.equal(0, code, out .. err)
    end

    it("a database that is removed is missed, and its changes were made", function()
        start()
        local head = #gw:audit() + #gw:audit_events()
        assert.truthy(os.remove(gw.folder .. "/eksgate.db"))
        gw:launch_and_wait()
        assert.equal(0, #gw:audit_events("ChangeSettled"))
        assert.equal("new", last_begun().store)
        assert.same({ after = 0, upTo = head }, last_begun().notApplied)
        log_has("tells of changes to a store, and the store is new")
        expect.ok(gw:create({ principalArn = role("a") }))
        gw:restart()
        expect.ok(gw:describe(role("a")))
        assert.equal("kept", last_begun().store)
        verifies()
    end)

    it("an older copy of the database is seen to be one", function()
        start()
        local copy = text.read_file(gw.folder .. "/eksgate.db")
        gw:launch_and_wait()
        local committed = last_begun().committed
        expect.ok(gw:create({ principalArn = role("b") }))
        assert.equal(0, gw:end_process())
        local head = #gw:audit() + #gw:audit_events()
        text.write_file(gw.folder .. "/eksgate.db", copy)
        gw:launch_and_wait()
        assert.equal(0, #gw:audit_events("ChangeSettled"))
        assert.equal("older", last_begun().store)
        assert.same({ after = committed, upTo = head }, last_begun().notApplied)
        log_has(("tells of changes to a store behind record %d, which"):format(committed))
        verifies()
    end)

    it("a change that a crash has cut off is told not to be made, alone", function()
        start()
        gw:launch_and_wait()
        local before = {}
        for _, name in ipairs({ "eksgate.db", "eksgate.db-wal" }) do
            before[name] = text.read_file(gw.folder .. "/" .. name)
        end
        expect.ok(gw:create({ principalArn = role("b") }))
        gw:signal("KILL")
        gw.process:wait(10)
        for name, bytes in pairs(before) do
            text.write_file(gw.folder .. "/" .. name, bytes)
        end
        gw:launch_and_wait()
        local settled = gw:audit_events("ChangeSettled")
        assert.equal(1, #settled)
        assert.equal("not applied", settled[1].additionalEventData.eksgate.outcome)
        assert.equal("kept", last_begun().store)
        verifies()
    end)

    it("changes that were made without an audit file leave a trace in it", function()
        start()
        local with = text.read_file(gw.config)
        for _, audit in ipairs({ '["audit"] = {}', '["audit"] = { file = "-" }' }) do
            text.write_file(gw.config, (with:gsub('%["audit"%] = %b{}', audit)))
            gw:launch_and_wait()
            expect.ok(gw:create({ principalArn = role("b" .. #audit) }))
            assert.equal(0, gw:end_process())
            text.write_file(gw.config, with)
            gw:launch_and_wait()
            assert.is_true(last_begun().unrecorded)
            log_has("the store was changed while there was no audit file")
            gw:restart()
            assert.is_nil(last_begun().unrecorded)
            assert.equal(0, gw:end_process())
            verifies()
        end
    end)

    it("an audit file that is removed is missed", function()
        start()
        local committed = #gw:audit() + #gw:audit_events()
        assert.truthy(os.remove(gw.audit_file))
        gw:launch_and_wait()
        log_has("record " .. committed .. ", which the store has committed, is in no file beside it")
        local first = cjson.decode(text.read_file(gw.audit_file):match("^[^\n]+"))
        assert.equal(committed + 1, first.additionalEventData.eksgate.sequence)
        verifies()
    end)
end)

describe("an audit file that is removed", function()
    local gw

    after_each(gateway.stop_all)

    --- Creates until one is answered with 200; the refused ones must have changed nothing.
    local function create(name)
        for _ = 1, 3 do
            local reply = gw:create({ principalArn = role(name) })
            if reply.status == 200 then
                return
            end
            assert.equal(503, reply.status)
            expect.error(gw:describe(role(name)), 404, "ResourceNotFoundException")
        end
        error("no change is accepted any more")
    end

    local function created()
        local names = {}
        for _, record in ipairs(gw:audit()) do
            if record.eventName == "CreateAccessEntry" and not record.errorCode then
                names[#names + 1] = record.requestParameters.principalArn:match("[^/]+$")
            end
        end
        return names
    end

    it("while it is written is followed by a new one, and the log says so", function()
        for _, durable in ipairs({ true, false }) do
            gw = gateway.start({ settings = { audit = { durable = durable } } })
            create("a")
            assert.truthy(os.remove(gw.audit_file))
            create("b")
            create("c")
            assert.same({ "b", "c" }, created())
            assert.equal("the file was removed",
                gw:audit_events("AuditContinued")[1].additionalEventData.eksgate.continues.reason)
            assert.truthy(gw:stderr():find("audit.jsonl: was removed, with what it held up to record %d"))
            gw:restart()
            assert.same({ "b", "c" }, created())
            local code, out, err = gateway.run({ "audit", "verify", gw.audit_file })
            assert.equal(0, code, out .. err)
            gw:stop()
        end
    end)

    it("is not taken for one that logrotate has moved", function()
        gw = gateway.start({ settings = { audit = { durable = true } } })
        create("a")
        assert.truthy(os.rename(gw.audit_file, gw.audit_file .. ".1"))
        assert.equal(200, gw:create({ principalArn = role("b") }).status)
        assert.is_nil(text.read_file(gw.audit_file))
        gw:signal("USR1")
        assert.truthy(text.wait_for(function() return text.read_file(gw.audit_file) end, 5))
        assert.equal(200, gw:create({ principalArn = role("c") }).status)
        assert.equal(0, #gw:audit_events("AuditContinued"))
    end)
end)
