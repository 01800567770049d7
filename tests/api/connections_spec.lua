-- SPDX-License-Identifier: Apache-2.0
-- Connections: how long they may take, how many there may be, where they come in, and where they came from.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

describe("deadlines", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function start(settings)
        gw = gateway.start({ settings = { http = settings } })
    end

    --- Sends one byte after the other until the other side answers or closes; returns the reply and the seconds.
    local function drip(client, bytes)
        local socket = require("socket")
        local began = text.now()
        for i = 1, #bytes do
            if #socket.select({ client.stream }, nil, 0.05) > 0 or not client:send(bytes:sub(i, i)) then
                break
            end
        end
        return client:read(), text.now() - began
    end

    it("end a head that comes byte by byte", function()
        start({ head_timeout = 0.3 })
        local reply, took = drip(gw:connect(), "GET / HTTP/1.1\r\nHost: a\r\nX: " .. string.rep("a", 400))
        assert.is_true(took < 5 * text.patience)
        if reply then
            assert.equal(408, reply.status)
            assert.equal("RequestTimeoutException", reply.header["x-amzn-errortype"])
        end
    end)

    it("end a connection that sends nothing", function()
        start({ head_timeout = 0.2, idle_timeout = 0.2 })
        assert.is_true(gw:connect():is_closed(5))
    end)

    it("end a body that comes byte by byte", function()
        start({ body_timeout = 0.3 })
        local bytes = gw:format(gateway.create_request(string.rep(" ", 400)))
        local head, body = bytes:match("^(.-\r\n\r\n)(.*)$")
        local client = gw:connect()
        client:send(head)
        local reply, took = drip(client, body)
        assert.is_true(took < 5 * text.patience)
        assert.equal(408, reply.status)
        assert.is_true(client:is_closed())
    end)

    it("end a connection that is idle between requests", function()
        start({ idle_timeout = 0.2 })
        local client = gw:connect()
        client:send((gw:format({ method = "GET", target = "/nothing" })))
        assert.equal(403, client:read().status)
        assert.is_true(client:is_closed(5))
    end)

    it("end a client that doesn't take its replies", function()
        gw = gateway.start({ settings = { http = { reply_timeout = 0.3 }, admin = "127.0.0.1:0" } })
        local client = gw:connect()
        local bytes = string.rep((gw:format({ method = "GET", target = "/nothing" })), 200)
        client.stream:settimeout(0.3)
        for _ = 1, 500 do
            if not client.stream:send(bytes) then
                break
            end
        end
        assert.truthy(text.wait_for(function()
            return http.get(gw.admin, "/metrics").body:find("\neksgate_connections_open 0\n", 1, true)
        end))
        client:close()
    end)
end)

describe("listeners", function()
    local principal = "arn:aws:iam::012345678910:role/there"

    after_each(function()
        gateway.stop_all()
    end)

    it("serve several addresses, IPv6 and a unix socket among them, with one store", function()
        local folder = text.make_folder()
        local gw = gateway.start({ settings = {
            listen = { "127.0.0.1:0", "[::1]:0", "unix:" .. folder .. "/gw.sock" }, workers = 2,
            audit = { record = "all" },
        } })
        assert.equal(3, #gw.listeners)
        assert.truthy(gw.listeners[2]:find("^http://%[::1%]:%d+$"))
        assert.equal("unix:" .. folder .. "/gw.sock", gw.listeners[3])
        expect.ok(gw:create({ principalArn = principal }))
        for i, source in ipairs({ "127.0.0.1", "::1", "unix" }) do
            local reply = gw:describe(principal, { address = gw.listeners[i] })
            assert.equal(200, reply.status)
            assert.equal(source, gw:audit_of(reply.header["x-amzn-requestid"]).sourceIPAddress)
        end
        gw:stop()
        assert.is_nil(text.read_file(folder .. "/gw.sock"))
        text.remove_folder(folder)
    end)

    it("give a unix socket the mode of the setting", function()
        local lfs = require("lfs")
        local folder = text.make_folder()
        local path = folder .. "/gw.sock"
        local gw = gateway.start({ settings = { listen = { "unix:" .. path } } })
        assert.equal("rw-rw----", lfs.attributes(path, "permissions"))
        gw:stop()
        gw = gateway.start({ settings = { listen = { "unix:" .. path }, unix_mode = "0600" } })
        assert.equal("rw-------", lfs.attributes(path, "permissions"))
        gw:stop()
        text.remove_folder(folder)
    end)

    it("pause at the cap of connections and go on when one leaves", function()
        local gw = gateway.start({ settings = { http = { connections = 2 } } })
        local function ask(client)
            client:send((gw:format({ method = "GET", target = "/nothing" })))
        end
        local first, second, third = gw:connect(), gw:connect(), gw:connect()
        ask(first)
        ask(second)
        assert.equal(403, first:read().status)
        assert.equal(403, second:read().status)
        ask(third)
        assert.is_true(third:is_silent(0.2))
        first:close()
        assert.equal(403, third:read().status)
        gw:stop()
    end)
end)

describe("the source address", function()
    local gw
    local principal = "arn:aws:iam::012345678910:role/there"

    after_each(function()
        gateway.stop_all()
    end)

    local function source_of(reply)
        return gw:audit_of(reply.header["x-amzn-requestid"]).sourceIPAddress
    end

    local function ask(forwarded, before)
        local extra = {}
        for i, value in ipairs(forwarded or {}) do
            extra[i] = { "X-Forwarded-For", value }
        end
        local bytes = gw:format({ method = "GET", target = gateway.entry_target(principal), extra = extra })
        return http.exchange(gw.address, (before or "") .. bytes)
    end

    it("is the peer's, whatever X-Forwarded-For says", function()
        gw = gateway.start({ settings = { audit = { record = "all" } } })
        assert.equal("127.0.0.1", source_of(ask({ "203.0.113.9" })))
    end)

    it("is the rightmost untrusted one behind trusted proxies", function()
        gw = gateway.start({ settings = {
            audit = { record = "all" }, http = { trusted_proxies = { "127.0.0.0/8", "10.0.0.0/8" } },
        } })
        assert.equal("203.0.113.9", source_of(ask({ "198.51.100.1, 203.0.113.9, 10.1.2.3" })))
        assert.equal("203.0.113.9", source_of(ask({ "198.51.100.1", "203.0.113.9", "10.1.2.3" })))
        assert.equal("2001:db8::1", source_of(ask({ "2001:db8::1" })))
        assert.equal("127.0.0.1", source_of(ask()))
        local odd = source_of(ask({ "203.0.113.9, nonsense\"><" }))
        assert.is_nil(odd:find("nonsense", 1, true))
    end)

    describe("in a PROXY header", function()
        local signature = "\r\n\r\n\0\r\nQUIT\n"
        local function proxy4(command, source)
            return signature .. string.char(0x20 | command, 0x11, 0, 12) .. source .. "\127\0\0\1" .. "\4\210\0\80"
        end

        local function start(trusted)
            gw = gateway.start({ settings = {
                audit = { record = "all" }, http = { proxy_protocol = true, trusted_proxies = trusted },
            } })
        end

        it("is taken from a trusted proxy", function()
            start({ "127.0.0.1" })
            assert.equal("203.0.113.9", source_of(ask(nil, proxy4(1, "\203\0\113\9"))))
            local v6 = signature .. "\33\33\0\36" .. "\32\1\13\184" .. string.rep("\0", 11) .. "\1"
                .. string.rep("\0", 16) .. "\4\210\0\80"
            assert.equal("2001:db8::1", source_of(ask(nil, v6)))
        end)

        it("is the peer's for the proxy's own checks (LOCAL)", function()
            start({ "127.0.0.1" })
            assert.equal("127.0.0.1", source_of(ask(nil, proxy4(0, "\203\0\113\9"))))
        end)

        it("may carry further fields, which are skipped", function()
            start({ "127.0.0.1" })
            local header = signature .. "\33\17\0\19" .. "\203\0\113\9" .. "\127\0\0\1" .. "\4\210\0\80" .. "\4\0\4abcd"
            assert.equal("203.0.113.9", source_of(ask(nil, header)))
        end)

        it("is needed once the setting is on", function()
            start({ "127.0.0.1" })
            local client = gw:connect()
            client:send((gw:format({ method = "GET", target = gateway.entry_target(principal) })))
            local ok, reply = pcall(client.read, client)
            assert.is_true(ok)
            assert.is_true(reply == nil or reply.status == 400)
        end)

        it("that is cut, wrong or of version 1 ends the connection", function()
            start({ "127.0.0.1" })
            for _, header in ipairs({
                "PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n", signature .. "\17\17\0\12" .. string.rep("\0", 12),
                signature .. "\33\17\0\4abcd", signature .. "\47\17\0\12" .. string.rep("\0", 12),
                signature .. "\33\17\255\255" .. string.rep("a", 3000),
            }) do
                local client = gw:connect()
                client:send(header .. gw:format({ method = "GET", target = gateway.entry_target(principal) }))
                local ok, reply = pcall(client.read, client, { seconds = 0.3 })
                assert.is_true(not ok or reply == nil or reply.status >= 400)
                client:close()
            end
        end)

        it("is not taken from others", function()
            start({ "192.0.2.1" })
            local client = gw:connect()
            client:send(proxy4(1, "\203\0\113\9")
                .. gw:format({ method = "GET", target = gateway.entry_target(principal) }))
            local ok, reply = pcall(client.read, client)
            assert.is_true(ok)
            assert.is_true(reply == nil or reply.status == 400 or source_of(reply) == "127.0.0.1")
        end)
    end)
end)
