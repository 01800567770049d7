-- SPDX-License-Identifier: Apache-2.0
-- The controls of a mock as such: the clock, paths and methods, and pages that must not drive them.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")

local function role(name)
    return "arn:aws:iam::111122223333:role/" .. name
end

describe("the clock of a mock", function()
    local gw

    before_each(function()
        gw = gateway.start_mock({ settings = { clock = "frozen:2026-01-01T00:00:00Z" } })
    end)

    after_each(gateway.stop_all)

    local made = 0
    local function created_at()
        made = made + 1
        return expect.ok(gw:create({ principalArn = role("r" .. made) })).accessEntry.createdAt
    end

    local function put(input)
        local reply = gw:control("PUT", "/v1/mock/clock", input)
        return reply.status, reply.json.clock or reply.json.message
    end

    it("is read, set, moved, and let go", function()
        assert.equal("frozen:2026-01-01T00:00:00.000Z", gw:control("GET", "/v1/mock/clock").json.clock)
        assert.equal(1767225600, created_at())
        assert.same({ 200, "frozen:2026-01-01T01:00:00.500Z" }, { put({ step = 3600.5 }) })
        assert.equal(1767229200.5, created_at())
        assert.same({ 200, "frozen:2025-12-31T23:59:59.500Z" }, { put({ step = -3601 }) })
        assert.equal(1767225599.5, created_at())
        assert.same({ 200, "frozen:1999-12-31T23:00:00.000Z" }, { put({ clock = "frozen:2000-01-01T00:00:00+01:00" }) })
        assert.equal(946681200, created_at())
        assert.same({ 200, "system" }, { put({ clock = "system" }) })
        assert.is_true(math.abs(created_at() - os.time()) < 30)
        gw:stop()
    end)

    it("leaves signatures and Date alone wherever it stands", function()
        put({ clock = "frozen:2040-01-01T00:00:00Z" })
        local reply = gw:create({ principalArn = role("future") })
        assert.equal(2208988800, expect.ok(reply).accessEntry.createdAt)
        assert.is_nil(reply.header.date:find("2040", 1, true))
        gw:stop()
    end)

    it("refuses what is no time", function()
        for _, input in ipairs({
            { clock = "yesterday" }, { clock = 7 }, { step = "1" }, { step = 1e12 }, { step = -1e11 }, {},
            { clock = "system", step = 1 }, { clock = "system", more = 1 }, "[]", "", "{",
        }) do
            assert.equal(400, (put(input)))
        end
        assert.same({ 200, "system" }, { put({ clock = "system" }) })
        assert.equal(409, (put({ step = 1 })))
        gw:stop()
    end)
end)

describe("the controls of a mock", function()
    local gw

    setup(function()
        gw = gateway.start_mock()
    end)

    teardown(function()
        gw:stop()
    end)

    it("answer other paths and methods plainly", function()
        assert.equal(404, gw:control("GET", "/v1/mock").status)
        assert.equal(404, gw:control("GET", "/v1/mock/nothing").status)
        assert.equal(404, gw:control("PUT", "/v1/mock/clock/", { clock = "system" }).status)
        assert.equal(405, gw:control("POST", "/v1/mock/clock").status)
        assert.equal(405, gw:control("PUT", "/v1/mock/requests", {}).status)
        assert.equal(405, gw:control("DELETE", "/v1/mock/faults").status)
    end)

    it("answer HEAD as GET without the body", function()
        local reply = http.exchange(gw.admin, "HEAD /v1/mock/clock HTTP/1.1\r\nHost: " .. http.host_of(gw.admin)
            .. "\r\n\r\n", { head = true })
        assert.equal(200, reply.status)
        assert.equal(#'{"clock":"system"}\n', tonumber(reply.header["content-length"]))
    end)

    --- A request as a page would send it; the fields laid over those of an honest one. nil takes one away.
    local function send(method, target, fields)
        local headers = {}
        local honest = { Host = http.host_of(gw.admin), ["X-Eksgate-Admin"] = "1", ["Content-Type"] = "application/json" }
        for name, value in pairs(fields) do
            honest[name] = value or nil
        end
        for name, value in pairs(honest) do
            headers[#headers + 1] = { name, value }
        end
        local body = method ~= "GET" and '{"clock":"frozen:2000-01-01T00:00:00Z"}' or nil
        return http.exchange(gw.admin, http.format({ method = method, target = target, headers = headers, body = body }))
    end

    it("can't be driven by a page that someone has open", function()
        local port = gw.admin:match("%d+$")
        for _, fields in ipairs({
            { Origin = "http://evil.example" }, { Origin = "http://" .. http.host_of(gw.admin) }, { Origin = "null" },
            { ["Sec-Fetch-Site"] = "cross-site" }, { ["Sec-Fetch-Site"] = "same-site" },
            { Host = "evil.example" }, { Host = "evil.example:" .. port }, { ["X-Eksgate-Admin"] = false },
            { ["Content-Type"] = "text/plain" }, { ["Content-Type"] = false },
        }) do
            local reply = send("PUT", "/v1/mock/clock", fields)
            assert.equal(403, reply.status)
            for _, field in ipairs(reply.fields) do
                assert.is_nil(field[1]:lower():find("access-control", 1, true))
            end
        end
        assert.equal("system", gw:control("GET", "/v1/mock/clock").json.clock)
        assert.equal(403, send("GET", "/v1/mock/requests", { Origin = "http://evil.example" }).status)
        assert.equal(403, send("GET", "/v1/mock/requests", { Host = "evil.example:" .. port }).status)
        assert.equal(200, send("PUT", "/v1/mock/clock", {}).status)
        assert.equal("frozen:2000-01-01T00:00:00.000Z", gw:control("GET", "/v1/mock/clock").json.clock)
    end)
end)
