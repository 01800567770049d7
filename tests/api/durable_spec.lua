-- SPDX-License-Identifier: Apache-2.0
-- What is kept over a restart, and what a start says of files that aren't right.

local lfs = require("lfs")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")


local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("a restart", function()
    after_each(gateway.stop_all)

    it("keeps entries with groups, username, tags and associated policies, byte for byte", function()
        local gw = gateway.start()
        expect.ok(gw:create({
            principalArn = role("a"), kubernetesGroups = { "g1", "g2" }, username = "u:{{SessionName}}",
            tags = { ["k e y"] = "v/=+-@ \u{e4}", empty = "" },
        }))
        eks.associated(gw, role("a"), "AmazonEKSViewPolicy")
        local described = expect.ok(gw:describe(role("a")))
        local policies = gw:request({ method = "GET", target = gateway.entry_target(role("a")) .. "/access-policies" }).body
        gw:restart()
        assert.same(described, expect.ok(gw:describe(role("a"))))
        assert.equal(policies,
            gw:request({ method = "GET", target = gateway.entry_target(role("a")) .. "/access-policies" }).body)
        assert.truthy(policies:find("AmazonEKSViewPolicy", 1, true))
    end)

    it("keeps what was deleted deleted", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        expect.ok(gw:request({ method = "DELETE", target = gateway.entry_target(role("a")) }))
        gw:restart()
        expect.error(gw:describe(role("a")), 404, "ResourceNotFoundException")
    end)

    it("keeps what a clientRequestToken was answered", function()
        local gw = gateway.start()
        local input = { principalArn = role("a"), clientRequestToken = ("t"):rep(33) }
        local first = gw:create(input)
        expect.ok(first)
        gw:restart()
        assert.equal(first.body, gw:create(input).body)
        input.username = "other"
        expect.error(gw:create(input), 400, "InvalidParameterException")
    end)

    it("goes on with the chain of records", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        gw:restart()
        expect.ok(gw:create({ principalArn = role("b") }))
        local expected = 1
        for line in text.read_file(gw.audit_file):gmatch("[^\n]+") do
            assert.equal(expected, tonumber(line:match('^{"eventVersion":"1.11","additionalEventData":{"eksgate":{"sequence":(%d+)')))
            expected = expected + 1
        end
        assert.is_true(expected > 5)
    end)

    it("says in the log what it read", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        gw:restart()
        assert.truthy(gw:stderr():find("/eksgate.db: 1 entries and 1 clusters, read in %d+ ms"))
        assert.truthy(gw:stderr():find("/audit.jsonl, head %d+:%x+"))
    end)
end)

describe("the store's files", function()
    after_each(gateway.stop_all)

    it("are for their owner alone", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        for _, name in ipairs({ "eksgate.db", "eksgate.db-wal", "eksgate.db-shm", "eksgate.db.lock", "audit.jsonl" }) do
            assert.equal("rw-------", lfs.attributes(gw.folder .. "/" .. name, "permissions"), name)
        end
    end)

    it("belong to one process: a second one doesn't start on them", function()
        local gw = gateway.start()
        local second = gateway.prepare({ settings = { data = gw.folder, audit = { file = "other.jsonl" } } })
        local code, err = second:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find(gw.folder .. "/eksgate.db", 1, true), err)
        expect.ok(gw:create({ principalArn = role("a") }))
    end)

    it("belong to one process, whatever their name", function()
        local gw = gateway.start()
        local second = gateway.prepare()
        assert.is_true(lfs.link(gw.folder .. "/eksgate.db", second.folder .. "/eksgate.db"))
        local code, err = second:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find(second.folder .. "/eksgate.db: has another name", 1, true), err)
        gw:stop()
        second:launch_and_wait()
    end)

    it("keep a gateway from starting when they are something else", function()
        local gw = gateway.prepare()
        text.write_file(gw.folder .. "/eksgate.db", ("not a database "):rep(100))
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find(gw.folder .. "/eksgate.db", 1, true), err)
    end)

    it("keep a gateway from starting when the chain ends before what the store has committed", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        assert.equal(0, gw:end_process())
        local lines = text.read_file(gw.audit_file)
        text.write_file(gw.audit_file, lines:match("^([^\n]+\n)"))
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find(gw.audit_file, 1, true), err)
    end)
end)

describe("an audit that goes elsewhere for a while", function()
    after_each(gateway.stop_all)

    --- The same data with these arguments, and one entry more.
    local function run_with(gw, arguments, name)
        assert.equal(0, gw:end_process())
        gw.options.arguments = arguments
        gw:launch_and_wait()
        expect.ok(gw:create({ principalArn = role(name) }))
    end

    local function verify(gw)
        local code, out, err = gateway.run({ "audit", "verify", "--head", gw.folder .. "/eksgate.db", gw.audit_file })
        assert.equal(0, code, out .. err)
    end

    it("goes on in its file when it has been on stdout, which is never durable", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        run_with(gw, { "--set", "audit.file=-" }, "b")
        assert.truthy(gw:stderr():find("stdout is never durable", 1, true))
        run_with(gw, {}, "c")
        verify(gw)
        assert.equal(0, #gw:audit_events("ChangeSettled"))
    end)

    it("says nothing of changes to another store, when this one was without an audit before", function()
        local gw = gateway.start()
        expect.ok(gw:create({ principalArn = role("a") }))
        run_with(gw, { "--set", "store.file=other.db", "--set", "audit.file=" }, "a")
        run_with(gw, { "--set", "store.file=other.db" }, "b")
        assert.equal(0, #gw:audit_events("ChangeSettled"))
    end)
end)

describe("the chain's head", function()
    after_each(gateway.stop_all)

    it("is in the log while the gateway runs, as audit verify takes it", function()
        local gw = gateway.start({ settings = { audit = { durable = true } } })
        expect.ok(gw:create({ principalArn = role("a") }))
        local head = text.wait_for(function() return gw:stderr():match("audit: head (%d+:%x+)\n") end, 10)
        assert.truthy(head, gw:stderr())
        local code, out, err = gateway.run({ "audit", "verify", "--head", head, gw.audit_file })
        assert.equal(0, code, out .. err)
    end)
end)

describe("/metrics", function()
    after_each(gateway.stop_all)

    it("shows the chain's head and the store's work", function()
        local gw = gateway.start({ settings = { admin = "127.0.0.1:0", audit = { durable = true } } })
        expect.ok(gw:create({ principalArn = role("a") }))
        local shown = http.get(gw.admin, "/metrics").body
        local function metrics(name)
            return tonumber(shown:match("\n" .. name .. " (%d+)\n"))
        end
        assert.is_true(metrics("eksgate_audit_head_sequence") >= 3)
        assert.is_true(metrics("eksgate_audit_head_hash") > 0)
        assert.is_true(metrics("eksgate_audit_syncs_total") >= 1)
        assert.is_true(metrics("eksgate_store_transactions_total") >= 1)
        assert.equal(0, metrics("eksgate_store_fenced"))
    end)
end)
