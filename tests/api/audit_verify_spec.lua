-- SPDX-License-Identifier: Apache-2.0
-- `eksgate audit verify` on files that a gateway wrote: good as they are, and each way to change them is named.

local cjson = require("cjson")
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
        for _, head in ipairs({ "", "x:y", ":", "-1:" .. ("0"):rep(64), "5:" .. ("A"):rep(64), "5:" .. ("0"):rep(63) }) do
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
