-- SPDX-License-Identifier: Apache-2.0
-- The policies' library where it needs a gateway: counters that workers share and reloads keep, tables that are read again
-- with the policies, lines in the log.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("the policies' library", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function reload()
        return gw:control("POST", "/v1/reload")
    end

    --- How many of `count` requests, each on a connection of its own, are let through.
    local function let_through(count)
        local passed = 0
        for _ = 1, count do
            http.close_all()
            passed = passed + (gw:describe(role("nobody")).status == 404 and 1 or 0)
        end
        return passed
    end

    it("counts for all workers together, and over reloads", function()
        gw = gateway.start({
            settings = { admin = "127.0.0.1:0", workers = 4 },
            policies = { [[
                local counter, verdict = require("eksgate.counter"), require("eksgate.verdict")
                return { name = "limit", authorize = function()
                    if counter.add("all", { per = 2678400 }) > 20 then
                        return verdict.throttle(7, "enough")
                    end
                end }]] },
        })
        assert.equal(12, let_through(12))
        assert.equal(200, reload().status)
        assert.equal(8, let_through(20))
        local reply = gw:describe(role("nobody"))
        assert.equal(429, reply.status)
        assert.equal("7", reply.header["retry-after"])
        assert.is_truthy(http.get(gw.admin, "/metrics").body:find("\neksgate_policy_counters 1\n", 1, true))
        assert.equal(200, reload().status)
        assert.equal(0, let_through(3))
    end)

    it("reads tables again with the policies, and keeps the old ones when the new are wrong", function()
        gw = gateway.prepare({
            settings = { admin = "127.0.0.1:0", workers = 2 },
            policies = { [[
                local data, verdict = require("eksgate.data"), require("eksgate.verdict")
                local owners = data.csv("owners.csv", { key = "principal" })
                return { name = "owners", authorize = function(req)
                    local owner = owners[req.principal.arn]
                    return owner and verdict.deny("belongs to " .. owner.team) or nil
                end }]] },
        })
        local file = gw.folder .. "/owners.csv"
        text.write_file(file, "principal,team\n" .. role("r") .. ",red\n")
        gw:launch_and_wait()
        local function reason()
            http.close_all()
            return expect.error(gw:describe(role("r")), 403, "AccessDeniedException").message:match("owners: belongs to (%w+)")
        end
        assert.equal("red", reason())
        text.write_file(file, "principal,team\n" .. role("r") .. ",blue\n")
        assert.equal("red", reason())
        assert.equal(200, reload().status)
        for _ = 1, 8 do
            assert.equal("blue", reason())
        end
        text.write_file(file, "principal,team\n" .. role("r") .. ",green,dark\n")
        local reply = reload()
        assert.is_true(reply.status >= 400)
        assert.is_truthy(reply.body:find("owners.csv: line 2: it has more fields than the first line", 1, true), reply.body)
        assert.equal("blue", reason())
        assert.is_true(os.remove(file))
        assert.is_true(reload().status >= 400)
        assert.equal("blue", reason())
    end)

    it("refuses to start when a table is wrong", function()
        gw = gateway.prepare({
            policies = { 'require("eksgate.data").json("teams.json")\nreturn { name = "p" }' },
        })
        text.write_file(gw.folder .. "/teams.json", '{ "a": 1, "a": 2 }')
        local code, log = gw:fail_to_start()
        assert.equal(1, code)
        assert.is_truthy(log:find("teams.json: line 1, column 13: duplicate object key", 1, true), log)
    end)

    it("writes lines with level and policy", function()
        gw = gateway.start({ policies = { [[
            local log = require("eksgate.log")
            return { name = "speaker", authorize = function(req)
                log.warn("saw", req.operation, "\27[31m")
            end }]] } })
        gw:describe(role("nobody"))
        local line = text.wait_for(function()
            return gw:stderr():match("[^\n]* warn policy: speaker: saw[^\n]*")
        end, 5)
        assert.is_truthy(line)
        assert.is_truthy(line:find("saw DescribeAccessEntry \\x1b[31m", 1, true), line)
    end)
end)
