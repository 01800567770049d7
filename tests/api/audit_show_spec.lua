-- SPDX-License-Identifier: Apache-2.0
-- `eksgate audit show`: which records are printed, and how.

local cjson = require("cjson")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

local policy = [[
local verdict = require("eksgate.verdict")
return {
    name = "show",
    authorize = function(req)
        local name = req.principal and req.principal.name or ""
        if name == "denied" then return verdict.deny("no") end
        if name == "slow" then return verdict.throttle(1, "slow") end
        if name == "failing" then error("oops") end
        if name == "allowed" then return verdict.allow() end
    end,
}
]]

describe("eksgate audit show", function()
    local gw, other

    setup(function()
        other = { id = "AKIAEKSGATETEST00002", secret = "another", arn = "arn:aws:iam::012345678910:user/other" }
        gw = gateway.start({ policies = { policy }, keys = { gateway.key, other } })
        for _, name in ipairs({ "allowed", "team/plain", "denied", "slow", "failing" }) do
            gw:create({ principalArn = role(name) })
        end
        gw:create({ principalArn = role("team/others") }, { key = other })
        gw:describe(role("team/nobody"))
        gw:send("DELETE", gateway.entry_target(role("team/plain")))
        gw:describe(role("x"), { key = { id = "AKIANOBODY", secret = "x" } })
        gw:end_process()
    end)

    teardown(function()
        gw:forget()
    end)

    --- The words of each line that is printed.
    local function show(...)
        local code, out, err = gateway.run({ "audit", "show", gw.audit_file, ... })
        assert.equal(0, code, err)
        local rows = {}
        for line in out:gmatch("[^\n]+") do
            local words = {}
            for word in line:gmatch("%S+") do
                words[#words + 1] = word
            end
            rows[#rows + 1] = words
        end
        return rows
    end

    --- Names of the principals in the lines that are printed.
    local function names(...)
        local list = {}
        for i, words in ipairs(show(...)) do
            list[i] = words[6]:match("role/(.*)$") or words[6]
        end
        return list
    end

    it("prints a line per record: when, which, what, who, where, whose, and how it ended", function()
        local rows = show()
        assert.equal(9, #rows)
        local first = rows[1]
        assert.truthy(first[1]:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$"))
        assert.same({ "CreateAccessEntry", gateway.key.arn, "my-cluster", role("allowed"), "200", "-" },
            { table.unpack(first, 3, 8) })
        assert.same({ "CreateAccessEntry", gateway.key.arn, "my-cluster", role("denied"), "403", "AccessDeniedException" },
            { table.unpack(rows[3], 3, 8) })
        assert.same({ "DeleteAccessEntry", gateway.key.arn, "my-cluster", role("team/plain") },
            { table.unpack(rows[8], 3, 6) })
        assert.equal("AKIANOBODY", rows[9][4])
    end)

    it("filters by principal", function()
        assert.same({ "team/plain", "team/plain" }, names("--principal", role("team/plain")))
        assert.same({ "team/plain", "team/others", "team/nobody", "team/plain" }, names("--principal", "*:role/team/*"))
        assert.same({}, names("--principal", "team"))
    end)

    it("filters by caller and operation", function()
        assert.same({ "team/others" }, names("--caller", other.arn))
        assert.same({ "team/others" }, names("--caller", other.id))
        assert.same({ "team/nobody" }, names("--operation", "DescribeAccessEntry", "--caller", "*:user/tester"))
        assert.same({ "team/plain" }, names("--operation", "Delete*"))
    end)

    it("filters by what policies said and how it ended", function()
        assert.same({ "allowed" }, names("--verdict", "allow"))
        assert.same({ "denied", "failing" }, names("--verdict", "deny"))
        assert.same({ "slow" }, names("--verdict", "throttle"))
        assert.same({ "failing" }, names("--verdict", "failed"))
        assert.same({ "denied", "slow", "failing", "team/nobody", "-" }, names("--verdict", "refused"))
        assert.same({ "team/plain", "team/others", "team/nobody", "team/plain", "-" }, names("--verdict", "none"))
        assert.same({ "allowed", "team/plain", "team/others", "team/plain" }, names("--verdict", "applied"))
        assert.same({}, names("--verdict", "not-applied"))
    end)

    it("filters by time", function()
        assert.equal(9, #show("--since", "2020-01-01", "--until", "2100-01-01T00:00:00Z"))
        assert.equal(0, #show("--since", "2100-01-01"))
        assert.equal(0, #show("--until", "2020-01-01T00:00:00+02:00"))
    end)

    it("filters by request and prints records as they are with --json", function()
        local id = gw:audit()[3].requestID
        assert.equal(1, #show("--request", id))
        local code, out = gateway.run({ "audit", "show", "--json", "--request", id, gw.audit_file })
        assert.equal(0, code)
        assert.truthy(text.read_file(gw.audit_file):find(out, 1, true))
        assert.equal(id, cjson.decode(out).requestID)
    end)

    it("leaves the gateway's own records out unless they are asked for", function()
        local own = 0
        for _, words in ipairs(show("--own")) do
            own = own + (words[3] == "AuditBegun" and 1 or 0)
        end
        assert.equal(1, own)
        for _, words in ipairs(show()) do
            assert.are_not.equal("AuditBegun", words[3])
        end
    end)

    it("shows of a forwarded change what an upstream made of it, and that it is open until then", function()
        local folder = text.make_folder()
        local line = text.read_file(gw.audit_file):match("[^\n]*role/allowed[^\n]*\n")
        local lines = {}
        for i = 1, 4 do
            lines[i] = line:gsub('"change":true', '"forwarded":true'):gsub('"sequence":%d+', '"sequence":' .. i, 1)
        end
        for i, outcome in ipairs({ "applied", "not applied", "unknown" }) do
            lines[#lines + 1] = lines[1]:gsub('"sequence":1', '"sequence":' .. #lines + 1, 1)
                :gsub('"forwarded":true', ('"forwarded":true,"settles":%d,"outcome":"%s"'):format(i, outcome))
                :gsub('"AwsApiCall"', '"AwsServiceEvent"')
        end
        text.write_file(folder .. "/a", table.concat(lines))
        local code, out, err = gateway.run({ "audit", "show", folder .. "/a" })
        local _, applied = gateway.run({ "audit", "show", "--verdict", "applied", folder .. "/a" })
        text.remove_folder(folder)
        assert.equal(0, code, err)
        local ends = {}
        for shown in out:gmatch("[^\n]+") do
            ends[#ends + 1] = shown:match(" 200 %- (.*)$")
        end
        assert.same({ "applied", "not applied", "unknown", "open" }, ends)
        assert.equal(1, select(2, applied:gsub("\n", "")))
    end)

    it("shows nothing that a terminal would obey", function()
        local folder = text.make_folder()
        local line = text.read_file(gw.audit_file):match("[^\n]*allowed[^\n]*\n")
        line = line:gsub('"eventName":"[^"]*"', '"eventName":"a\\u001b[2J\\n\\u009b1m\\u202eb \\\\"', 1)
        text.write_file(folder .. "/a", line)
        local code, out, err = gateway.run({ "audit", "show", folder .. "/a" })
        text.remove_folder(folder)
        assert.equal(0, code, err)
        assert.truthy(out:find([[ a\x1b[2J\x0a\x9b1m\u202eb\x20\x5c ]], 1, true), out)
        assert.is_nil(out:find("\27", 1, true))
    end)

    it("goes on behind a line that is no record, and fails", function()
        local folder = text.make_folder()
        text.write_file(folder .. "/a", "nonsense\27\n" .. text.read_file(gw.audit_file))
        local code, out, err = gateway.run({ "audit", "show", folder .. "/a" })
        text.remove_folder(folder)
        assert.equal(1, code)
        assert.equal(9, select(2, out:gsub("\n", "")))
        assert.truthy(err:find("line 1 is no record", 1, true))
        assert.is_nil(err:find("\27", 1, true))
    end)

    it("is wrong usage with a word, a time or an option that there isn't, and without a file", function()
        for _, wrong in ipairs({ { "--verdict", "allowed" }, { "--since", "yesterday" }, { "--until", "2026-02-30" },
            { "--colour", "red" } }) do
            local code, out, err = gateway.run({ "audit", "show", gw.audit_file, table.unpack(wrong) })
            assert.equal(2, code, wrong[1])
            assert.equal("", out)
            assert.truthy(err:find(wrong[1], 1, true))
        end
        assert.equal(2, (gateway.run({ "audit", "show" })))
    end)
end)
