-- SPDX-License-Identifier: Apache-2.0
-- The files of the audit: full ones, moved ones, signed ones, and what a start finds in them. `eksgate audit verify` is
-- the judge.

local lfs = require("lfs")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("the audit files", function()
    local gw

    after_each(gateway.stop_all)

    local function start(audit)
        gw = gateway.start({ settings = { audit = audit } })
    end

    --- The paths of all audit files, in the order of their names; the one being written comes first.
    local function files()
        local found = {}
        for name in lfs.dir(gw.folder) do
            if name:find("^audit%.jsonl") then
                found[#found + 1] = gw.folder .. "/" .. name
            end
        end
        table.sort(found)
        return found
    end

    local function verify(...)
        local arguments = { "audit", "verify", ... }
        table.move(files(), 1, #files(), #arguments + 1, arguments)
        return gateway.run(arguments)
    end

    local function assert_good()
        local code, _, err = verify()
        assert.equal(0, code, err)
    end

    local function create(from, to)
        for i = from, to do
            expect.ok(gw:create({ principalArn = role("r" .. i) }))
        end
    end

    local function records_in(path)
        local _, count = text.read_file(path):gsub("\n", "")
        return count
    end

    it("are followed by new ones when they are full, as one chain", function()
        start({ file = "audit.jsonl", max_size = 8192 })
        create(1, 40)
        local found = files()
        assert.is_true(#found > 3, #found .. " files")
        assert.equal(gw.folder .. "/audit.jsonl.000000000001", found[2])
        for i = 2, #found do
            assert.is_true(lfs.attributes(found[i], "size") >= 8192)
            assert.equal("rw-------", lfs.attributes(found[i], "permissions"))
        end
        local code, out, err = verify()
        assert.equal(0, code, err)
        assert.truthy(out:find("^good: %d+ records in " .. #found .. " files"), out)
        gw:restart()
        create(41, 42)
        assert_good()
    end)

    it("hold checkpoints at both ends, which the public key verifies", function()
        local key = os.tmpname()
        local public = os.tmpname()
        assert(os.execute("openssl genpkey -algorithm ed25519 -out " .. text.quote(key) .. " 2>/dev/null"))
        assert(os.execute("openssl pkey -in " .. text.quote(key) .. " -pubout -out " .. text.quote(public)))
        start({ file = "audit.jsonl", max_size = 8192, signing_key = key })
        create(1, 20)
        assert.equal(0, gw:end_process())
        local code, out, err = verify("--public-key", public)
        assert.equal(0, code, err .. out)
        for _, path in ipairs(files()) do
            local lines = {}
            for line in text.read_file(path):gmatch("[^\n]+") do
                lines[#lines + 1] = line
            end
            assert.truthy(lines[2]:find('"eventName":"AuditCheckpoint"', 1, true), lines[2])
            assert.truthy(lines[#lines]:find('"eventName":"AuditCheckpoint"', 1, true), lines[#lines])
        end
        os.remove(key)
        os.remove(public)
    end)

    it("that logrotate moves stay parts of the chain, also when the gateway is killed right after", function()
        start({ file = "audit.jsonl" })
        create(1, 3)
        local before = records_in(gw.audit_file)
        assert(os.rename(gw.audit_file, gw.audit_file .. "-20261122"))
        gw:signal("USR1")
        assert.truthy(text.wait_for(function()
            return #gw:audit_events("AuditRotated") == 1
        end))
        create(4, 5)
        gw:signal("KILL")
        gw.process:wait(10)
        gw:launch_and_wait()
        create(6, 6)
        assert_good()
        assert.equal(2, #files())
        assert.equal(before, records_in(files()[2]))
    end)

    it("whose end was cut keep the gateway from starting; moved away, a new one goes on", function()
        start({ file = "audit.jsonl" })
        create(1, 3)
        assert.equal(0, gw:end_process())
        local bytes = text.read_file(gw.audit_file)
        local cut = bytes:gsub("[^\n]*\n$", "")
        gw:write("audit.jsonl", cut)
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("its end was cut off", 1, true), err)
        assert.truthy(err:find("move this one away", 1, true), err)
        assert.equal(cut, text.read_file(gw.audit_file))
        assert(os.rename(gw.audit_file, gw.folder .. "/cut"))
        gw:launch_and_wait()
        create(4, 4)
        assert_good()
    end)

    it("that end with something else keep the gateway from starting, and are left as they are", function()
        start({ file = "audit.jsonl" })
        create(1, 1)
        assert.equal(0, gw:end_process())
        local bytes = text.read_file(gw.audit_file) .. "a note by hand\n"
        gw:write("audit.jsonl", bytes)
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("eksgate audit verify", 1, true), err)
        assert.equal(bytes, text.read_file(gw.audit_file))
    end)

    it("that a crash left with half a line go on behind the last whole one", function()
        start({ file = "audit.jsonl" })
        create(1, 2)
        gw:signal("KILL")
        gw.process:wait(10)
        local bytes = text.read_file(gw.audit_file)
        gw:write("audit.jsonl", bytes .. bytes:match("^[^\n]*"):sub(1, 200))
        gw:launch_and_wait()
        assert.truthy(gw:stderr():find("200 bytes of a half line", 1, true), gw:stderr())
        create(3, 3)
        assert_good()
    end)
end)
