-- SPDX-License-Identifier: Apache-2.0
-- `eksgate backup` while a gateway runs and `eksgate restore` while none does; what each refuses, and that it changes
-- nothing then.

local cjson = require("cjson")
local lfs = require("lfs")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("backup and restore", function()
    local gw, to

    before_each(function()
        gw = gateway.start({ settings = { store = { driver = "sqlite" }, audit = { durable = true } } })
        to = gw.folder .. "/backup.db"
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local function backup(...)
        return gateway.run({ "backup", "-c", gw.config, ... })
    end

    local function restore(...)
        return gateway.run({ "restore", "-c", gw.config, ... })
    end

    local function done(code, out, err)
        assert.equal(0, code, out .. err)
        return out
    end

    local function create(name)
        return expect.ok(gw:create({ principalArn = role(name) }))
    end

    --- The names of files in the gateway's folder that match.
    local function files(pattern)
        local found = {}
        for name in lfs.dir(gw.folder) do
            if name:find(pattern) then
                found[#found + 1] = name
            end
        end
        return found
    end

    local function verify(...)
        return gateway.run({ "audit", "verify", gw.audit_file, ... })
    end

    it("brings back what there was when the backup was made", function()
        for i = 1, 20 do
            create("old" .. i)
        end
        local said = done(backup(to))
        assert.truthy(said:find("1 clusters, 20 access entries", 1, true), said)
        create("new")
        gw:send("DELETE", gateway.entry_target(role("old1")))
        gw:end_process()
        done(restore(to))
        gw:launch_and_wait()
        expect.ok(gw:describe(role("old1")))
        expect.error(gw:describe(role("new")), 404, "ResourceNotFoundException")
        for i = 1, 20 do
            expect.ok(gw:describe(role("old" .. i)))
        end
        create("new")
        done(verify("--head", gw.folder .. "/eksgate.db"))
        gw:restart()
        expect.ok(gw:describe(role("new")))
    end)

    it("tells in the audit which changes putting it back has undone", function()
        create("kept")
        done(backup(to))
        create("undone1")
        create("undone2")
        gw:end_process()
        done(restore(to))
        gw:launch_and_wait()
        create("later")
        gw:end_process()
        local function shown(word)
            local names = {}
            for name in done(gateway.run({ "audit", "show", gw.audit_file, "--verdict", word })):gmatch("role/(%w+)") do
                names[#names + 1] = name
            end
            return names
        end
        assert.same({ "kept", "later" }, shown("applied"))
        assert.same({ "undone1", "undone2" }, shown("not-applied"))
        local own = done(gateway.run({ "audit", "show", gw.audit_file, "--own" }))
        assert.truthy(own:find("AuditBegun records %d+ to %d+: not in the store any more"), own)
        done(verify("--head", gw.folder .. "/eksgate.db"))
    end)

    it("copies one moment while changes are made", function()
        for i = 1, 30 do
            create("before" .. i)
        end
        local principals = {}
        for i = 1, 200 do
            principals[i] = role("during" .. i)
        end
        local one = require("support.process").start({ gateway.program, "backup", "-c", gw.config, "--json", to },
            { stdout = gw.folder .. "/out", stderr = gw.folder .. "/err", state = gw.folder })
        local acknowledged = {}
        for i, principal in ipairs(principals) do
            expect.ok(gw:create({ principalArn = principal }))
            acknowledged[i] = principal
        end
        assert.equal(0, one:wait(20), text.read_file(gw.folder .. "/err"))
        local report = cjson.decode(text.read_file(gw.folder .. "/out"))
        assert.truthy(report.accessEntries >= 30)
        gw:end_process()
        done(restore(to))
        gw:launch_and_wait()
        local count = math.tointeger(report.accessEntries)
        for i = 1, 30 do
            expect.ok(gw:describe(role("before" .. i)))
        end
        for i, principal in ipairs(acknowledged) do -- one client, one after the other: the copy has the first of them
            assert.equal(i <= count - 30 and 200 or 404, gw:describe(principal).status, principal)
        end
        assert.equal(#principals, #acknowledged)
    end)

    it("makes a database of its own, for its owner alone, that names the audit head", function()
        create("r")
        local report = cjson.decode(done(backup("--json", to)))
        assert.equal("rw-------", lfs.attributes(to, "permissions"))
        assert.equal(lfs.attributes(to, "size"), math.tointeger(report.bytes))
        assert.equal(to, report.file)
        local head = math.tointeger(report.audit.sequence) .. ":" .. report.audit.hash
        done(verify("--head", head))
        done(verify("--head", to))
        assert.same({ "backup.db" }, files("^backup%.db"))
    end)

    it("is run again for another name, and refuses one that is there", function()
        done(backup(to))
        local before = text.read_file(to)
        local code, out, err = backup(to)
        assert.equal(1, code)
        assert.equal("", out)
        assert.truthy(err:find("backup.db: is there already; name another", 1, true), err)
        assert.equal(before, text.read_file(to))
        done(backup(to .. "2"))
    end)

    it("refuses to restore while a gateway runs", function()
        create("r")
        done(backup(to))
        local code, _, err = restore(to)
        assert.equal(1, code)
        assert.truthy(err:find("process " .. gw.pid .. " has it", 1, true), err)
        create("still")
        assert.same({}, files("restoring"))
        assert.same({}, files("replaced"))
    end)

    it("keeps what was replaced, and can go back to it", function()
        create("first")
        done(backup(to))
        create("second")
        gw:end_process()
        local said = done(restore(to))
        local kept = files("^eksgate%.db%.replaced%-%d+T%d+Z$")
        assert.equal(1, #kept)
        assert.truthy(said:find(kept[1], 1, true), said)
        assert.equal("rw-------", lfs.attributes(gw.folder .. "/" .. kept[1], "permissions"))
        assert.equal("rw-------", lfs.attributes(gw.folder .. "/eksgate.db", "permissions"))
        done(restore(gw.folder .. "/" .. kept[1]))
        gw:launch_and_wait()
        expect.ok(gw:describe(role("second")))
    end)

    it("takes the log of a gateway that was killed along, and none of it into the new one", function()
        create("first")
        done(backup(to))
        create("second")
        gw.process:kill()
        assert.truthy(lfs.attributes(gw.folder .. "/eksgate.db-wal", "size") > 0)
        done(restore(to))
        assert.is_nil(lfs.attributes(gw.folder .. "/eksgate.db-wal"))
        local kept = files("%.replaced%-%d+T%d+Z$")
        assert.equal(1, #files("%.replaced%-%d+T%d+Z%-wal$"))
        gw:launch_and_wait()
        expect.error(gw:describe(role("second")), 404, "ResourceNotFoundException")
        gw:end_process()
        done(restore(gw.folder .. "/" .. kept[1]))
        gw:launch_and_wait()
        expect.ok(gw:describe(role("second")))
    end)

    it("refuses a backup that is corrupt, cut, empty, none, or somebody else's", function()
        for i = 1, 50 do
            create("r" .. i)
        end
        done(backup(to))
        gw:end_process()
        local good = text.read_file(to)
        local database = text.read_file(gw.folder .. "/eksgate.db")
        local at = assert(good:find("r50", 1, true))
        local bad = {
            ["one character of a row"] = good:sub(1, at - 1) .. "s" .. good:sub(at + 1),
            ["half of it"] = good:sub(1, #good // 2),
            ["a page of zeros"] = good:sub(1, 4096) .. ("\0"):rep(4096) .. good:sub(8193),
            ["nothing"] = "",
            ["no database"] = ("nonsense"):rep(2000),
        }
        for what, bytes in pairs(bad) do
            text.write_file(to, bytes)
            local code, out, err = restore(to)
            assert.equal(1, code, what)
            assert.equal("", out)
            assert.truthy(err:find("^eksgate restore: "), what)
            assert.equal(database, text.read_file(gw.folder .. "/eksgate.db"), what)
            assert.same({}, files("replaced"))
            assert.same({}, files("restoring"))
        end
        local code, _, err = restore(gw.folder .. "/nowhere.db")
        assert.equal(1, code)
        assert.truthy(err:find("nowhere.db: can't open it: No such file or directory", 1, true), err)
        code, _, err = restore(gw.folder .. "/eksgate.db")
        assert.equal(1, code)
        assert.truthy(err:find("is the database itself", 1, true), err)
        gw:launch_and_wait()
        expect.ok(gw:describe(role("r50")))
    end)

    it("does not open a store whose restoring was cut off", function()
        done(backup(to))
        gw:end_process()
        text.write_file(gw.folder .. "/eksgate.db.restoring", "half")
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("restoring it was cut off; run eksgate restore again", 1, true), err)
        done(restore(to))
        gw:launch_and_wait()
    end)

    it("has nothing to copy of a store in memory", function()
        local code, _, err = backup("--set", "store.driver=memory", to)
        assert.equal(1, code)
        assert.truthy(err:find('store.driver is "memory"', 1, true), err)
    end)

    it("restores into a folder without a database", function()
        create("r")
        done(backup(to))
        gw:end_process()
        assert(os.remove(gw.folder .. "/eksgate.db"))
        local said = done(restore(to))
        assert.is_nil(said:find("before", 1, true))
        gw:launch_and_wait()
        expect.ok(gw:describe(role("r")))
    end)

    it("is wrong usage without a name", function()
        assert.equal(2, (backup()))
        assert.equal(2, (restore()))
        assert.equal(2, (restore(to, to)))
    end)
end)
