-- SPDX-License-Identifier: Apache-2.0
-- An upstream that goes wrong: each fault ends in a defined error for the client within its deadline; nothing is forwarded
-- twice, and nothing of one caller's reply reaches another.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local fault_upstream = require("support.fault_upstream")
local gateway = require("support.gateway")
local text = require("support.text")
local upstream = require("support.upstream")

local not_sent = { "could not be forwarded" }
local unknown = { "outcome unknown" }

--- Seconds; the gateway's, so that a test lasts no longer than it must.
local total = 2

describe("an upstream that goes wrong", function()
    local faults, role

    setup(function()
        faults = fault_upstream.start()
        role = eks.role("r")
    end)

    teardown(function()
        faults:stop()
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local function start(endpoint, more)
        local settings = {
            connect_timeout = 1, first_byte_timeout = 1, total_timeout = total, write_timeout = 1, connections = 512,
            waiting = 1000, breaker_failures = 0, credentials = "caller", proxy = "none", ca_file = faults.ca,
        }
        for name, value in pairs(more or {}) do
            settings[name] = value
        end
        return gateway.start(upstream.front(endpoint, { upstream = settings }))
    end

    --- Sends all at once: replies, and the seconds until the last.
    local function at_once(gw, requests)
        local began = text.now()
        local replies = eks.at_once(gw, requests)
        return replies, text.now() - began
    end

    local function describe_in(cluster)
        return eks.requests.describe(role, { cluster = cluster })
    end

    local function delete_in(cluster)
        return eks.requests.delete(role, { cluster = cluster })
    end

    --- Reads and changes on clusters of these names, all at once: every one is answered in time with an error of the
    --- server's, changes with "outcome unknown"; and each reached the upstream once.
    local function require_unknown(gw, clusters)
        local requests = {}
        for _, cluster in ipairs(clusters) do
            requests[#requests + 1] = describe_in(cluster)
            requests[#requests + 1] = delete_in(cluster)
        end
        local replies, seconds = at_once(gw, requests)
        assert.is_true(seconds < (total + 1) * text.patience, "it took " .. seconds .. " s")
        for i, cluster in ipairs(clusters) do
            expect.error(replies[2 * i - 1], 500, "ServerException", { "no whole answer" })
            expect.error(replies[2 * i], 500, "ServerException", unknown)
            local seen = faults:seen(cluster)
            assert.equal(2, #seen, cluster)
            assert.are_not.equal(seen[1].method, seen[2].method)
        end
    end

    it("answers what a sound one answers, and uses connections again", function()
        local gw = start(faults.plain)
        for _, cluster in ipairs({ "ok", "chunked", "close", "ok", "ok" }) do
            local reply = expect.ok(eks.delete(gw, role, { cluster = cluster }))
            assert.equal("DELETE", reply.method)
            assert.equal(gateway.entry_target(role, cluster), reply.path)
        end
        local seen = faults:seen("ok")
        assert.equal(seen[2].connection, seen[3].connection)
        gw:stop()
    end)

    it("tells a reply that is cut off at any byte from a whole one", function()
        local gw = start(faults.plain)
        local clusters = {}
        for length = 10, faults:reply_length() - 1 do
            clusters[#clusters + 1] = "cut-" .. length
        end
        assert.is_true(#clusters > 100)
        require_unknown(gw, clusters)
        require_unknown(gw, { "cut-0", "cut-1", "cut-9" })
        gw:stop()
    end)

    it("waits no longer than its deadline for a reply that stalls at any byte", function()
        local gw = start(faults.plain)
        local clusters = {}
        for length = 10, faults:reply_length() - 1 do
            clusters[#clusters + 1] = "stall-" .. length
        end
        require_unknown(gw, clusters)
        require_unknown(gw, { "stall-0", "stall-1", "stall-9" })
        gw:stop()
    end)

    it("takes nothing that isn't one reply of the length that it says", function()
        local gw = start(faults.plain)
        require_unknown(gw, {
            "reset", "reset-5", "reset-60", "two", "long", "short", "interim", "nolength", "huge", "garbage",
        })
        gw:stop()
    end)

    it("gives the upstream's errors as they are, whatever their form", function()
        local gw = start(faults.plain)
        local replies = at_once(gw, { delete_in("status-429"), delete_in("status-500"), delete_in("status-503") })
        assert.equal(429, replies[1].status)
        assert.equal("ThrottlingException", replies[1].header["x-amzn-errortype"])
        assert.equal(500, replies[2].status)
        assert.equal("ServerException", replies[2].header["x-amzn-errortype"])
        assert.equal(503, replies[3].status)
        for i, status in ipairs({ 429, 500, 503 }) do
            assert.equal("fault " .. status, cjson.decode(replies[i].body).message)
            assert.equal(1, #faults:seen("status-" .. status))
        end
        local bare = gw:request(delete_in("bare-502"))
        assert.equal(502, bare.status)
        assert.equal(1, #faults:seen("bare-502"))
        gw:stop()
    end)

    it("sends a change without a token once, however a kept connection ends", function()
        local gw = start(faults.plain, { connections = 1 })
        expect.ok(gw:request(delete_in("ok")))
        expect.error(gw:request(delete_in("once-1")), 500, "ServerException", unknown)
        assert.equal(1, #faults:seen("once-1"))
        -- A read may be asked again, and is, on a fresh connection.
        expect.ok(gw:request(delete_in("ok")))
        expect.ok(gw:request(describe_in("once-2")))
        local seen = faults:seen("once-2")
        assert.equal(2, #seen)
        assert.are_not.equal(seen[1].connection, seen[2].connection)
        gw:stop()
    end)

    it("sends a create again with the same token alone", function()
        local gw = start(faults.plain, { connections = 1 })
        expect.ok(gw:request(delete_in("ok")))
        expect.ok(eks.create(gw, { principalArn = role }, { cluster = "once-3" }))
        local seen = faults:seen("once-3")
        assert.equal(2, #seen)
        assert.equal(seen[1].body, seen[2].body)
        assert.is_true(#cjson.decode(seen[1].body).clientRequestToken >= 33)
        gw:stop()
    end)

    it("says that nothing was sent where nobody can be reached", function()
        for _, endpoint in ipairs({ faults.refused, "http://nowhere.invalid" }) do
            local gw = start(endpoint)
            local replies, seconds = at_once(gw, { describe_in("ok"), delete_in("ok") })
            assert.is_true(seconds < (total + 1) * text.patience)
            expect.error(replies[1], 503, "ServiceUnavailableException", not_sent)
            expect.error(replies[2], 503, "ServiceUnavailableException", { "nothing was changed" })
            gw:stop()
        end
    end)

    it("waits no longer than its deadline for one that says nothing", function()
        local gw = start(faults.silent)
        local replies, seconds = at_once(gw, { describe_in("ok"), delete_in("ok") })
        assert.is_true(seconds < (total + 1) * text.patience)
        expect.error(replies[1], 500, "ServerException")
        expect.error(replies[2], 500, "ServerException", unknown)
        gw:stop()
    end)

    it("speaks TLS with nobody but whom the certificate names, in time, and tells why in the log", function()
        local reasons = {
            expired = "expired", wrong_name = "isn't for 127.0.0.1", unknown_ca = "certificate isn't accepted",
            slow = "took too long",
        }
        for name, reason in pairs(reasons) do
            local before = #faults:seen()
            local gw = start(faults[name])
            local replies, seconds = at_once(gw, { describe_in("ok"), delete_in("ok") })
            assert.is_true(seconds < (total + 1) * text.patience, name)
            for _, reply in ipairs(replies) do
                expect.error(reply, 503, "ServiceUnavailableException", not_sent)
            end
            assert.truthy(gw:stderr():find(reason, 1, true), reason .. " in\n" .. gw:stderr())
            assert.equal(before, #faults:seen())
            gw:stop()
        end
        local gw = start(faults.good)
        expect.ok(gw:request(delete_in("ok")))
        gw:stop()
    end)

    it("goes through a proxy, whose password nobody is shown", function()
        local named = faults.wrong_name:gsub("127.0.0.1", "eks.example")
        local function through(login, more)
            return start(named, setmetatable({ proxy = (faults.proxy:gsub("//", "//" .. login)) }, { __index = more }))
        end
        local gw = through("me:s3cret@")
        local reply = expect.ok(gw:request(delete_in("ok")))
        assert.equal("DELETE", reply.method)
        expect.ok(gw:request(describe_in("chunked")))
        local asked = {}
        for _, request in ipairs(faults:seen()) do
            if request.method == "CONNECT" then
                asked[#asked + 1] = request.path
            end
        end
        assert.same({ (named:gsub("https://", "")) }, asked)
        gw:stop()
        gw = through("me:wr0ng@")
        expect.error(gw:request(delete_in("ok")), 503, "ServiceUnavailableException", { "nothing was changed" })
        assert.truthy(gw:stderr():find("the proxy answered 407", 1, true))
        assert.is_nil(gw:stderr():find("wr0ng", 1, true))
        gw:stop()
    end)

    it("keeps TLS faults apart from replies too", function()
        local gw = start(faults.good)
        expect.ok(gw:request(describe_in("chunked")))
        local before = #faults:seen("two")
        local replies = at_once(gw, {
            delete_in("two"), delete_in("cut-50"), delete_in("reset-60"), delete_in("stall-70"), delete_in("interim"),
        })
        for _, reply in ipairs(replies) do
            expect.error(reply, 500, "ServerException", unknown)
        end
        assert.equal(before + 1, #faults:seen("two"))
        gw:stop()
    end)

    it("gives every caller the reply to what it asked, and no other", function()
        local gw = start(faults.plain, { connections = 8 })
        local kinds = { "ok", "two", "chunked", "cut-40", "ok", "reset", "close", "once", "status-503", "ok" }
        for round = 1, 4 do
            local requests, roles, kind = {}, {}, {}
            for i = 1, 88 do
                roles[i] = eks.role(string.format("caller-%d-%d", round, i))
                kind[i] = kinds[1 + (i * 7 + round) % #kinds]
                requests[i] = i % 3 == 0 and eks.requests.delete(roles[i], { cluster = kind[i] })
                    or eks.requests.describe(roles[i], { cluster = kind[i] })
            end
            local replies = at_once(gw, requests)
            local served = 0
            for i, reply in ipairs(replies) do
                if reply.status == 200 then
                    local body = cjson.decode(reply.body)
                    assert.equal(requests[i].target, body.path)
                    assert.equal(requests[i].method, body.method)
                    served = served + 1
                elseif kind[i] == "ok" or kind[i] == "chunked" or kind[i] == "close" then
                    -- A kept connection may have ended under it; a change is not repeated then.
                    assert.equal(500, reply.status)
                    assert.equal("DELETE", requests[i].method)
                end
            end
            assert.is_true(served >= 30, served .. " served")
        end
        local counts = {}
        for _, request in ipairs(faults:seen()) do
            if request.path:find("caller%-") and request.method == "DELETE" then
                counts[request.path] = (counts[request.path] or 0) + 1
                assert.equal(1, counts[request.path], request.path)
            end
        end
        gw:stop()
    end)

    it("leaves an upstream alone that fails in a row, and tries it again", function()
        local gw = start(faults.plain, { breaker_failures = 3, breaker_time = 0.5 })
        for _ = 1, 3 do
            expect.error(gw:request(delete_in("reset")), 500, "ServerException", unknown)
        end
        local before = #faults:seen()
        expect.error(gw:request(delete_in("ok")), 503, "ServiceUnavailableException", { "nothing was changed" })
        assert.equal(before, #faults:seen())
        assert.is_truthy(text.wait_for(function()
            return gw:request(delete_in("ok")).status == 200
        end, 10))
        gw:stop()
    end)

    it("refuses at once what finds no place to wait", function()
        local gw = start(faults.plain, { connections = 1, waiting = 1 })
        local replies = at_once(gw, { delete_in("stall-0"), delete_in("ok"), delete_in("ok"), delete_in("ok") })
        local refused = 0
        for _, reply in ipairs(replies) do
            refused = refused + (reply.status == 503 and 1 or 0)
        end
        assert.is_true(refused >= 2)
        gw:stop()
    end)
end)
