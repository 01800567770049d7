-- SPDX-License-Identifier: Apache-2.0
-- `eksgate audit verify` on files that a gateway wrote: good as they are, and each way to change them is named.

local cjson = require("cjson")
local lfs = require("lfs")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("eksgate audit verify", function()
    local folder, file, written

    setup(function()
        local gw = gateway.start({})
        for i = 1, 20 do
            expect.ok(gw:create({ principalArn = role("r" .. i), tags = { a = ("x"):rep(i) } }))
        end
        gw:create({ principalArn = role("r1") })
        gw:end_process()
        written = text.read_file(gw.audit_file)
        gw:forget()
    end)

    before_each(function()
        folder = text.make_folder()
        file = folder .. "/audit.jsonl"
    end)

    after_each(function()
        gateway.stop_all()
        text.remove_folder(folder)
    end)

    local function verify(...)
        return gateway.run({ "audit", "verify", ... })
    end

    local function lines_of(bytes)
        local lines = {}
        for line in bytes:gmatch("[^\n]*\n") do
            lines[#lines + 1] = line
        end
        return lines
    end

    --- Writes the lines and gives what verify says of them on stderr, without the name of the program.
    local function problem_of(lines, ...)
        text.write_file(file, table.concat(lines))
        local code, out, err = verify(file, ...)
        assert.equal(1, code, out .. err)
        assert.equal("", out)
        return (err:gsub("^eksgate audit verify: ", ""):gsub(text.literal(folder .. "/"), ""):gsub("\n$", ""))
    end

    local function head_of(line)
        local sequence = line:match('"sequence":(%d+)')
        local digest = require("openssl.digest").new("sha256"):final((line:gsub("\n$", "")))
        return sequence .. ":" .. digest:gsub(".", function(c)
            return string.format("%02x", c:byte())
        end)
    end

    it("says of what a gateway wrote that it is good, while it runs and afterwards", function()
        local gw = gateway.start({})
        for i = 1, 5 do
            expect.ok(gw:create({ principalArn = role("r" .. i) }))
            local code, out, err = verify(gw.audit_file)
            assert.equal(0, code, err)
            assert.truthy(out:find("^good: %d+ records in 1 file, 1 to %d+\n"), out)
        end
        gw:restart()
        expect.ok(gw:create({ principalArn = role("r6") }))
        assert.equal(0, (verify(gw.audit_file)))
        gw:end_process()
        assert.equal(0, (verify(gw.audit_file)))
    end)

    it("prints first, last and its hash", function()
        text.write_file(file, written)
        local lines = lines_of(written)
        local code, out = verify(file)
        assert.equal(0, code)
        assert.truthy(out:find(head_of(lines[#lines]), 1, true))
        local head
        code, out = verify("--json", file)
        assert.equal(0, code)
        local report = cjson.decode(out)
        assert.is_true(report.ok)
        assert.equal(#lines, report.records)
        assert.equal(1, report.first)
        head = math.tointeger(report.last.sequence) .. ":" .. report.last.hash
        assert.equal(head_of(lines[#lines]), head)
        assert.is_nil(report.problem)
    end)

    it("names a record of which one byte was altered", function()
        local lines = lines_of(written)
        lines[17] = lines[17]:gsub("CreateAccessEntry", "DeleteAccessEntry", 1)
        assert.equal("record 17 (audit.jsonl line 17) was altered", problem_of(lines))
    end)

    it("names a record that was deleted, and several", function()
        local lines = lines_of(written)
        table.remove(lines, 9)
        assert.equal("record 9 is missing between audit.jsonl line 8 and audit.jsonl line 9", problem_of(lines))
        table.remove(lines, 9)
        table.remove(lines, 9)
        assert.equal("records 9 to 11 are missing between audit.jsonl line 8 and audit.jsonl line 9", problem_of(lines))
    end)

    it("names records in each other's place, and one that is there twice", function()
        local lines = lines_of(written)
        lines[5], lines[6] = lines[6], lines[5]
        assert.equal("record 6 (audit.jsonl line 5) stands before record 5 (audit.jsonl line 6)", problem_of(lines))
        lines = lines_of(written)
        table.insert(lines, 8, lines[4])
        assert.equal("record 4 is there a second time (audit.jsonl line 8, behind record 7)", problem_of(lines))
    end)

    it("needs to know the head to see a tail that was cut", function()
        local lines = lines_of(written)
        local count = #lines
        local head = head_of(lines[count])
        for _ = 1, 3 do
            table.remove(lines)
        end
        text.write_file(file, table.concat(lines))
        assert.equal(0, (verify(file)))
        assert.equal(("the tail is cut: the records end at %d, the head is %d"):format(count - 3, count),
            problem_of(lines, "--head", head))
        text.write_file(file, written)
        assert.equal(0, (verify(file, "--head", head)))
        assert.equal(0, (verify(file, "--head", head_of(lines[4]))))
    end)

    it("takes the head that the log and the metrics show", function()
        local gw = gateway.start({ settings = { admin = "127.0.0.1:0" } })
        expect.ok(gw:create({ principalArn = role("r") }))
        local metrics = text.wait_for(function()
            local body = gw:control("GET", "/metrics").body
            return body:match("\neksgate_audit_head_sequence (%d+)") == "3" and body
        end)
        local hash = assert(metrics, "no head"):match("\neksgate_audit_head_hash (%d+)")
        local head = ("%d:%012x"):format(3, math.tointeger(tonumber(hash)))
        local code, _, err = verify("--head", head, gw.audit_file)
        assert.equal(0, code, err)
        code, _, err = verify("--head", ("%d:%012x"):format(2, math.tointeger(tonumber(hash))), gw.audit_file)
        assert.equal(1, code)
        assert.truthy(err:find("isn't the one that the head names", 1, true), err)
        local logged = assert(gw:stderr():match("head (%d+:%x+)"), gw:stderr())
        assert.equal(64, #logged:match(":(%x+)"))
        assert.equal(0, (verify("--head", logged, gw.audit_file)))
    end)

    it("tells half a line at the end apart", function()
        local lines = lines_of(written)
        lines[#lines] = lines[#lines]:sub(1, -20)
        local said = problem_of(lines)
        assert.truthy(said:find(("audit.jsonl line %d, behind record %d, has no end: a crash"):format(#lines, #lines - 1),
            1, true), said)
    end)

    it("takes several files in any order", function()
        local lines = lines_of(written)
        text.write_file(file, table.concat(lines, "", 11))
        text.write_file(file .. ".000000000001", table.concat(lines, "", 1, 5))
        text.write_file(file .. ".000000000006", table.concat(lines, "", 6, 10))
        local code, out, err = verify(file, file .. ".000000000006", file .. ".000000000001")
        assert.equal(0, code, err)
        assert.truthy(out:find(#lines .. " records in 3 files, 1 to", 1, true))
        code, out = verify(file, file .. ".000000000006")
        assert.equal(0, code)
        assert.truthy(out:find("begins       with record 6", 1, true))
        local problem = select(3, verify(file, file .. ".000000000001"))
        assert.truthy(problem:find("records 6 to 10 are missing between", 1, true))
    end)

    it("takes the files that a gateway rotates, and those that logrotate moves", function()
        local gw = gateway.start({ settings = { audit = { max_size = 65536 } } })
        for i = 1, 100 do
            expect.ok(gw:create({ principalArn = role("r" .. i) }))
        end
        assert(os.rename(gw.audit_file, gw.folder .. "/moved"))
        gw:signal("USR1")
        assert.truthy(text.wait_for(function()
            return lfs.attributes(gw.audit_file, "mode")
        end))
        expect.ok(gw:create({ principalArn = role("behind") }))
        gw:end_process()
        local files = { gw.audit_file, gw.folder .. "/moved" }
        for name in lfs.dir(gw.folder) do
            if name:find("^audit%.jsonl%.%d+$") then
                table.insert(files, 1, gw.folder .. "/" .. name)
            end
        end
        assert.truthy(#files >= 4)
        local code, out, err = verify("--json", table.unpack(files))
        assert.equal(0, code, err)
        local report = cjson.decode(out)
        assert.equal(1, report.first)
        assert.equal(#files, report.files)
        assert.equal(102, report.changes) -- the configured cluster was made, too
        table.remove(files)
        code, out = verify(table.unpack(files))
        assert.equal(1, code, out)
    end)

    it("finds with the database's head what was cut off after a kill", function()
        local gw = gateway.start({ settings = { store = { driver = "sqlite" }, audit = { durable = true } } })
        for i = 1, 20 do
            expect.ok(gw:create({ principalArn = role("r" .. i) }))
        end
        gw.process:kill()
        local database = gw.folder .. "/eksgate.db"
        local code, _, err = verify("--head", database, gw.audit_file)
        assert.equal(0, code, err)
        local lines = lines_of(text.read_file(gw.audit_file))
        table.remove(lines)
        text.write_file(file, table.concat(lines))
        code, _, err = verify("--head", database, file)
        assert.equal(1, code)
        assert.truthy(err:find("the tail is cut: the records end at " .. #lines .. ", the head is", 1, true), err)
    end)

    it("gives the fault as JSON", function()
        local lines = lines_of(written)
        table.remove(lines, 9)
        text.write_file(file, table.concat(lines))
        local code, out, err = verify("--json", file)
        assert.equal(1, code)
        assert.equal("", err)
        local report = cjson.decode(out)
        assert.is_false(report.ok)
        assert.equal("missing", report.problem.fault)
        assert.equal(9, report.problem.from)
        assert.equal(9, report.problem.to)
        assert.equal(file, report.problem.file)
        assert.equal(9, report.problem.line)
    end)

    it("fails for a file that can't be read, and for an empty one", function()
        local code, _, err = verify(folder .. "/nowhere.jsonl")
        assert.equal(1, code)
        assert.truthy(err:find("nowhere.jsonl: can't be opened: No such file or directory", 1, true))
        assert.equal("there is no record in audit.jsonl", problem_of({}))
    end)

    it("is wrong usage without a file, with a wrong head, with what is no key", function()
        local code, _, err = verify()
        assert.equal(2, code)
        assert.truthy(err:find("FILE... is missing", 1, true))
        text.write_file(file, written)
        for _, head in ipairs({ "", "x:y", ":", "-1:" .. ("0"):rep(64), "5:" .. ("A"):rep(64), "5:" .. ("0"):rep(63),
            "5:" .. ("0"):rep(10), "5:" .. ("0"):rep(66) }) do
            code, _, err = verify("--head", head, file)
            assert.equal(1, code, head)
            assert.truthy(err:find("--head takes SEQUENCE:HEX", 1, true), err)
        end
        code, _, err = verify("--head", file, file)
        assert.equal(1, code)
        assert.truthy(err:find("file is not a database", 1, true), err)
        code, _, err = verify("--public-key", file, file)
        assert.equal(1, code)
        assert.truthy(err:find("holds no public key", 1, true))
        code, _, err = gateway.run({ "audit", "nonsense" })
        assert.equal(2, code)
        assert.truthy(err:find("there is no verb nonsense", 1, true))
    end)
end)

-- RFC 8032, section 7.1, test 1, and another.
local signing_key = [[
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
]]
local public_key = [[
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
]]
local other_public_key = [[
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=
-----END PUBLIC KEY-----
]]

describe("a signed audit file", function()
    local folder, file, lines

    local function hash_of(line)
        return (require("openssl.digest").new("sha256"):final(line):gsub(".", function(c)
            return string.format("%02x", c:byte())
        end))
    end

    --- What somebody can do who may write the file and hasn't got the key: every link, also in checkpoints, is made anew.
    local function rewrite(changed)
        local previous = ("0"):rep(64)
        for i, line in ipairs(changed) do
            line = line:gsub('"sequence":%d+,"previous":"%x+"', ('"sequence":%d,"previous":"%s"'):format(i, previous), 1)
            line = line:gsub('"checkpoint":{"sequence":%d+,"hash":"%x+"',
                ('"checkpoint":{"sequence":%d,"hash":"%s"'):format(i - 1, previous), 1)
            changed[i] = line
            previous = hash_of(line)
        end
        return changed
    end

    setup(function()
        folder = text.make_folder()
        file = folder .. "/audit.jsonl"
        text.write_file(folder .. "/key.pem", signing_key)
        text.write_file(folder .. "/public.pem", public_key)
        text.write_file(folder .. "/other.pem", other_public_key)
        local gw = gateway.start({ settings = { audit = { signing_key = folder .. "/key.pem" } } })
        for i = 1, 10 do
            expect.ok(gw:create({ principalArn = role("r" .. i) }))
        end
        gw:end_process()
        lines = {}
        for line in text.read_file(gw.audit_file):gmatch("[^\n]+") do
            lines[#lines + 1] = line
        end
        gw:forget()
    end)

    teardown(function()
        text.remove_folder(folder)
        gateway.stop_all()
    end)

    local function verify(changed, ...)
        text.write_file(file, table.concat(changed, "\n") .. "\n")
        return gateway.run({ "audit", "verify", file, ... })
    end

    it("is good to its last record, which is a checkpoint", function()
        local code, out, err = verify(lines, "--public-key", folder .. "/public.pem")
        assert.equal(0, code, err)
        assert.truthy(out:find("vouches for all up to record " .. #lines - 1 .. "; behind it are 0 unsigned", 1, true),
            out)
        code, out, err = verify(lines, "--public-key", folder .. "/other.pem", "--public-key", folder .. "/public.pem")
        assert.equal(0, code, out .. err)
    end)

    it("doesn't hold once it was written anew, which nothing else tells", function()
        local changed = { table.unpack(lines) }
        changed[5] = changed[5]:gsub("role/r%d", "role/xx")
        rewrite(changed)
        assert.equal(0, (verify(changed)))
        local code, _, err = verify(changed, "--public-key", folder .. "/public.pem")
        assert.equal(1, code)
        assert.truthy(err:find("has a signature that doesn't hold", 1, true), err)
    end)

    it("tells how much is unsigned when its tail is cut, and that nothing is signed", function()
        local code, out, err = verify({ table.unpack(lines, 1, #lines - 1) }, "--public-key", folder .. "/public.pem")
        assert.equal(0, code, err)
        assert.truthy(out:find("vouches for all up to record %d+; behind it are %d+ unsigned"), out)
        assert.is_nil(out:find("are 0 unsigned", 1, true))
        local unsigned = {}
        for _, line in ipairs(lines) do
            if not line:find('"checkpoint"', 1, true) then
                unsigned[#unsigned + 1] = line
            end
        end
        code, out, err = verify(rewrite(unsigned), "--public-key", folder .. "/public.pem")
        assert.equal(1, code, out)
        assert.truthy(err:find("there is no checkpoint in records 1 to", 1, true), err)
    end)

    it("is refused with another key", function()
        local code, _, err = verify(lines, "--public-key", folder .. "/other.pem")
        assert.equal(1, code)
        assert.truthy(err:find("is signed by another key, 21fe31dfa154a261", 1, true), err)
    end)
end)
