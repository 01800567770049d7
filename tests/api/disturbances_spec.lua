-- SPDX-License-Identifier: Apache-2.0
-- What happens around a gateway while it works: signals while it drains, settings and files that go away.

local cjson = require("cjson")
local lfs = require("lfs")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("a disturbance", function()
    after_each(gateway.stop_all)

    for _, name in ipairs({ "USR1", "HUP" }) do
        it("SIG" .. name .. " while draining ends no request under way", function()
            local gw = gateway.start({ settings = { drain_timeout = 20 } })
            local head, body = gw:format(gateway.create_request({ principalArn = role("r") }))
                :match("^(.-\r\n\r\n)(.*)$")
            local under_way = gw:connect()
            under_way:send(head .. body:sub(1, 10))
            gw:signal("TERM")
            assert.truthy(text.wait_for(function()
                return gw:stderr():find("draining", 1, true)
            end))
            assert(os.rename(gw.audit_file, gw.audit_file .. ".1"))
            gw:signal(name)
            assert.truthy(text.wait_for(function()
                return gw:stderr():find(name == "HUP" and "taken up" or "reopened", 1, true)
            end), gw:stderr())
            under_way:send(body:sub(11))
            assert.equal(200, under_way:read().status)
            assert.equal(0, gw.process:wait(10))
            if name == "USR1" then
                assert.truthy(lfs.attributes(gw.audit_file))
            end
        end)
    end

    it("a second SIGTERM ends the drain", function()
        local gw = gateway.start({ settings = { drain_timeout = 3600, workers = 2 } })
        local under_way = gw:connect()
        under_way:send((gw:format(gateway.create_request({ principalArn = role("r") })):match("^(.-\r\n\r\n)")))
        gw:signal("TERM")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("draining", 1, true)
        end))
        gw:signal("TERM")
        assert.equal(0, gw.process:wait(10))
    end)

    -- Sends every round's requests at once, each on a connection of its own; gives each round's replies to `judge`.
    local function race(rounds, racers, input_of, judge)
        local gw = gateway.start({ settings = { workers = 2 } })
        local clients = {}
        for i = 1, racers do
            clients[i] = gw:connect()
        end
        for round = 1, rounds do
            local bytes, replies = {}, {}
            for i = 1, racers do
                bytes[i] = gw:format(gateway.create_request(input_of(round, i)))
            end
            for i = 1, racers do
                clients[i]:send(bytes[i])
            end
            for i = 1, racers do
                replies[i] = clients[i]:read()
            end
            judge(replies)
        end
        gw:stop()
    end

    it("of retries that overlap gives each the first one's reply", function()
        race(30, 8, function(round)
            return { principalArn = role("r" .. round), clientRequestToken = string.format("token-%032d", round) }
        end, function(replies)
            for _, reply in ipairs(replies) do
                assert.equal(200, reply.status, reply.body)
                assert.equal(replies[1].body, reply.body)
            end
        end)
    end)

    it("of two creates under way with one token lets one of them through", function()
        race(30, 8, function(round, i)
            return {
                principalArn = role("r" .. round .. "-" .. i), clientRequestToken = string.format("token-%032d", round),
            }
        end, function(replies)
            local made = 0
            for _, reply in ipairs(replies) do
                made = made + (reply.status == 200 and 1 or 0)
                if reply.status ~= 200 then
                    expect.error(reply, 400, "InvalidParameterException", { "used by an earlier request" })
                end
            end
            assert.equal(1, made)
        end)
    end)

    it("a key that is disabled while a body is on its way lets nobody in", function()
        local gw = gateway.start()
        local head, body = gw:format(gateway.create_request({ principalArn = role("r") })):match("^(.-\r\n\r\n)(.*)$")
        local under_way = gw:connect()
        under_way:send(head:gsub("\r\n\r\n$", "\r\nExpect: 100-continue\r\n\r\n"))
        assert.equal(100, under_way:read().status) -- the key was found good
        assert.equal(0, (gateway.run({ "keys", "disable", "--file", gw.keys_file, gateway.key.id })))
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("keys taken up", 1, true)
        end))
        under_way:send(body)
        expect.error(under_way:read(), 403, "UnrecognizedClientException")
        gw:stop()
    end)

    it("a reload of a configuration without audit.file goes on recording", function()
        local gw = gateway.start()
        gw.settings.audit = nil
        gw:write("eksgate.lua", gateway.serialize(gw.settings))
        gw:signal("HUP")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("taken up", 1, true)
        end))
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        assert.truthy(gw:audit_of(reply.header["x-amzn-requestid"]))
        gw:stop()
    end)

    it("a reload asked of the admin listener that fails says 422 and the problem", function()
        local gw = gateway.start({ settings = { admin = "127.0.0.1:0" } })
        gw:write("eksgate.lua", "return { nonsense = 1 }")
        local reply = http.exchange(gw.admin, http.format({
            method = "POST", target = "/v1/reload",
            headers = { { "Host", http.host_of(gw.admin) }, { "X-Eksgate-Admin", "1" }, { "Content-Length", "0" } },
        }))
        assert.equal(422, reply.status)
        assert.equal("Unprocessable Content", reply.reason)
        assert.truthy(cjson.decode(reply.body).message:find("nonsense: no such setting; [^\n]*[^\n]$"), reply.body)
        gw:stop()
    end)

    it("a key file that goes away leaves the keys, is told once, and is taken up when it comes back", function()
        local gw = gateway.start()
        assert(os.remove(gw.keys_file))
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("keys.json: can't be looked at any more; the old keys stay", 1, true)
        end))
        assert.equal(404, gw:describe(role("r")).status)
        text.write_file(gw.keys_file, gateway.key_file({ gateway.key }), "600")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("1 keys taken up", 1, true)
        end))
        local _, told = gw:stderr():gsub("any more", "")
        assert.equal(1, told)
        gw:stop()
    end)
end)
