-- SPDX-License-Identifier: Apache-2.0
-- The status and admin listeners, and the web pages that must not drive them.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("the status listener", function()
    local gw, status

    setup(function()
        gw = gateway.start({ settings = { status = "127.0.0.1:0", admin = "127.0.0.1:0" } })
        status = gw:status_address()
    end)

    teardown(function()
        gw:stop()
    end)

    it("says that the gateway lives and is ready", function()
        assert.equal(200, http.get(status, "/livez").status)
        assert.equal(200, http.get(status, "/readyz").status)
    end)

    it("answers a probe while many connections say nothing", function()
        local began = require("socket").gettime()
        for _ = 1, 200 do
            http.connect(status)
        end
        assert.equal(200, http.get(status, "/livez").status)
        assert.is_true(require("socket").gettime() - began < 1.5)
        http.close_all()
    end)

    it("is not named by the ready line, which ends with the admin's", function()
        assert.equal("eksgate ready " .. gw.address .. " admin " .. gw.admin, gw.ready_line)
    end)

    it("has metrics in Prometheus' text format", function()
        expect.ok(gw:create({ principalArn = role("m") }))
        gw:create({ principalArn = role("m") })
        gw:describe(role("m"))
        gw:describe(role("m"))
        local reply = http.get(status, "/metrics")
        assert.equal(200, reply.status)
        assert.truthy(reply.header["content-type"]:find("^text/plain"))
        for _, line in ipairs({
            'eksgate_requests_total{operation="CreateAccessEntry",status="200"} 1',
            'eksgate_requests_total{operation="CreateAccessEntry",status="409"} 1',
            'eksgate_requests_total{operation="DescribeAccessEntry",status="200"} 2',
            'eksgate_policy_kills_total{kind="time"} 0',
            'eksgate_policy_kills_total{kind="memory"} 0',
        }) do
            assert.truthy(reply.body:find(line .. "\n", 1, true), line .. " in\n" .. reply.body)
        end
        assert.truthy(reply.body:find("\neksgate_connections_open %d+\n"))
        assert.truthy(reply.body:find('\neksgate_loop_callbacks_slow_total{cause="wait"} %d+\n'), reply.body)
        assert.truthy(reply.body:find('\neksgate_loop_callback_longest_seconds{cause="work"} %d%.%d*[1-9]%d*\n'), reply.body)
        for line in reply.body:gmatch("([^\n]*)\n") do
            assert.truthy(line:find("^# HELP [%w_]+ ") or line:find("^# TYPE [%w_]+ %l+$")
                or line:find('^[%w_]+ [%d.]+$') or line:find('^[%w_]+{[%w_]+="[%w_]+"[%w_,="]*} [%d.]+$'), line)
        end
    end)

    it("counts open connections", function()
        local function open()
            return tonumber(http.get(status, "/metrics").body:match("\neksgate_connections_open (%d+)\n"))
        end
        local before = open()
        local client = gw:connect()
        client:send((gw:format({ method = "GET", target = "/nothing" })))
        client:read()
        assert.equal(before + 1, open())
        client:close()
        assert.truthy(text.wait_for(function()
            return open() == before
        end))
    end)

    it("changes nothing", function()
        local reply = http.exchange(status, "POST /v1/reload HTTP/1.1\r\nHost: " .. http.host_of(status)
            .. "\r\nX-Eksgate-Admin: 1\r\nContent-Length: 0\r\n\r\n")
        assert.is_true(reply.status == 404 or reply.status == 405)
        assert.is_true(http.get(status, "/v1/options").status >= 400)
    end)

    it("answers while the workers are busy", function()
        gw:stop()
        gw = gateway.start({
            settings = { status = "127.0.0.1:0", admin = "127.0.0.1:0", policy = { cpu_ms = 1000 } },
            policies = { 'return { name = "slow", authorize = function(req) if req.principal.name == "slow" then '
                .. "while true do end end end }" },
        })
        status = gw:status_address()
        local client = gw:connect()
        client:send((gw:format(gateway.create_request({ principalArn = role("slow") }))))
        local began = text.now()
        assert.equal(200, http.get(status, "/livez").status)
        assert.is_true(text.now() - began < 1)
        assert.equal(403, client:read({ seconds = 30 }).status)
        client:close()
    end)
end)

describe("the admin listener", function()
    local gw, origin

    setup(function()
        gw = gateway.start({ settings = { admin = "127.0.0.1:0" }, policies = { 'return { name = "p" }' } })
        origin = http.host_of(gw.admin)
    end)

    teardown(function()
        gw:stop()
    end)

    local function send(method, target, fields, body)
        local headers = {}
        local given = setmetatable(fields or {}, { __index = { ["X-Eksgate-Admin"] = "1", Host = origin } })
        for _, name in ipairs({ "Host", "X-Eksgate-Admin", "Content-Type", "Origin", "Sec-Fetch-Site",
            "Sec-Fetch-Mode" }) do
            if given[name] then
                headers[#headers + 1] = { name, given[name] }
            end
        end
        return http.exchange(gw.admin, http.format({
            method = method, target = target, headers = headers, body = body or "",
        }))
    end

    local function post(...)
        return send("POST", ...)
    end

    local function put_level(body)
        return send("PUT", "/v1/log-level", { ["Content-Type"] = "application/json" }, body)
    end

    it("answers health and metrics as the status listener does", function()
        assert.equal(200, http.get(gw.admin, "/livez").status)
        assert.equal(200, http.get(gw.admin, "/readyz").status)
        assert.equal(200, http.get(gw.admin, "/metrics").status)
    end)

    it("reloads policies and keys on request", function()
        local other = { id = "AKIAEKSGATETEST00008", secret = "s", arn = "arn:aws:iam::012345678910:user/o" }
        gw:write("policy1.lua", 'return { name = "p", tags = function() return { taken = "up" } end }')
        gw:write("keys.json", gateway.key_file({ gateway.key, other }))
        local reply = post("/v1/reload")
        assert.equal(200, reply.status, reply.body)
        local made = expect.ok(gw:create({ principalArn = role("reloaded") }, { key = other }))
        assert.same({ taken = "up" }, made.accessEntry.tags)
    end)

    it("says what is wrong with a reload and keeps the old state", function()
        gw:write("policy1.lua", "return {")
        local reply = post("/v1/reload")
        assert.equal(422, reply.status)
        assert.truthy(reply.body:find("policy1.lua", 1, true))
        assert.equal(404, gw:describe(role("nobody")).status)
        gw:write("policy1.lua", 'return { name = "p" }')
        assert.equal(200, post("/v1/reload").status)
    end)

    it("changes the log level at once, and says what it is", function()
        assert.equal('{"level":"info"}\n', http.get(gw.admin, "/v1/log-level").body)
        local function lines()
            return select(2, gw:stderr():gsub(" debug ", ""))
        end
        local before = lines()
        gw:describe(role("quiet"))
        assert.equal(before, lines())
        local reply = put_level('{"level":"debug"}')
        assert.equal(200, reply.status, reply.body)
        assert.equal('{"level":"debug"}\n', reply.body)
        assert.equal('{"level":"debug"}\n', http.get(gw.admin, "/v1/log-level").body)
        gw:describe(role("loud"))
        assert.truthy(text.wait_for(function()
            return lines() > before
        end), gw:stderr())
        assert.equal(200, put_level('{"level":"info"}').status)
    end)

    it("takes no level that there isn't", function()
        for _, body in ipairs({ "", "{}", "{", '{"level":"loud"}', '{"level":1}', '["debug"]', '{"level":"debug\\u0000"}' }) do
            local reply = put_level(body)
            assert.equal(400, reply.status, body)
            assert.truthy(reply.body:find("warn", 1, true))
        end
        assert.equal('{"level":"info"}\n', http.get(gw.admin, "/v1/log-level").body)
    end)

    it("says which methods there are", function()
        local allowed = { ["/v1/reload"] = "POST", ["/v1/log-level"] = "GET, HEAD, PUT", ["/metrics"] = "GET, HEAD" }
        for target, methods in pairs(allowed) do
            local reply = send("DELETE", target)
            assert.equal(405, reply.status)
            assert.equal(methods, reply.header["allow"])
        end
        assert.equal(404, send("DELETE", "/v1/nothing").status)
    end)

    it("has no mock controls where there is no mock", function()
        for _, target in ipairs({ "/v1/mock", "/v1/mock/state", "/v1/mock/reset" }) do
            local reply = post(target)
            assert.equal(404, reply.status)
            assert.truthy(reply.body:find("eksgate mock", 1, true))
            assert.equal(404, http.get(gw.admin, target).status)
        end
        assert.equal(404, post("/v1/mockery").status)
    end)

    it("takes no body past its cap", function()
        local typed = { ["Content-Type"] = "application/json" }
        assert.equal(400, put_level(("{}" .. (" "):rep(1048576)):sub(1, 1048576)).status)
        assert.equal(413, send("PUT", "/v1/log-level", typed, (" "):rep(1048577)).status)
    end)

    it("drains as SIGTERM does, and asking twice cuts nothing short", function()
        local one = gateway.start({ settings = { admin = "127.0.0.1:0" } })
        local head, body = one:format(gateway.create_request({ principalArn = role("r") })):match("^(.-\r\n\r\n)(.*)$")
        local under_way = one:connect()
        under_way:send(head)
        local admin = http.host_of(one.admin)
        local order = "POST /v1/drain HTTP/1.1\r\nHost: " .. admin .. "\r\nX-Eksgate-Admin: 1\r\nContent-Length: 0\r\n\r\n"
        assert.truthy(text.wait_for(function()
            return http.get(one.admin, "/metrics").body:find("\neksgate_connections_open 1\n", 1, true)
        end))
        local reply = http.exchange(one.admin, order)
        assert.equal(200, reply.status)
        assert.equal('{"draining":true}\n', reply.body)
        assert.truthy(text.wait_for(function()
            return http.get(one.admin, "/readyz").status == 503
        end))
        assert.equal(200, http.exchange(one.admin, order).status)
        assert.equal(200, http.get(one.admin, "/livez").status)
        assert.is_nil(one.process:poll())
        under_way:send(body)
        assert.equal(200, under_way:read().status)
        assert.equal(0, one.process:wait(10))
        assert.is_nil(one:stderr():find("with requests under way", 1, true))
        one:forget()
    end)

    describe("refuses a page that someone has open", function()
        it("by its Origin, even its own", function()
            for _, value in ipairs({ "http://evil.example", "null", "http://" .. origin, "" }) do
                assert.equal(403, post("/v1/reload", { Origin = value }).status, value)
            end
        end)

        it("by Sec-Fetch-Site", function()
            for _, value in ipairs({ "cross-site", "same-site" }) do
                assert.equal(403, post("/v1/reload", { ["Sec-Fetch-Site"] = value }).status)
            end
        end)

        it("by a Host that was rebound to this address", function()
            local port = origin:match(":(%d+)$")
            for _, value in ipairs({
                "evil.example", "evil.example:" .. port, "127.0.0.1.evil.example:" .. port, "127.0.0.1:1",
                "localhost.evil.example", "0.0.0.0:" .. port,
            }) do
                assert.equal(403, post("/v1/reload", { Host = value }).status, value)
                assert.equal(403, http.exchange(gw.admin,
                    "GET /metrics HTTP/1.1\r\nHost: " .. value .. "\r\n\r\n").status, value)
            end
        end)

        it("by the header that a form can't send", function()
            assert.equal(403, post("/v1/reload", { ["X-Eksgate-Admin"] = "0" }).status)
            local reply = http.exchange(gw.admin,
                "POST /v1/reload HTTP/1.1\r\nHost: " .. origin .. "\r\nContent-Length: 0\r\n\r\n")
            assert.equal(403, reply.status)
        end)

        it("by the content type of a form", function()
            for _, value in ipairs({ "text/plain", "application/x-www-form-urlencoded", "multipart/form-data" }) do
                assert.equal(403, post("/v1/reload", { ["Content-Type"] = value }, "{}").status, value)
            end
            assert.equal(403, post("/v1/reload", nil, "{}").status)
            assert.equal(200, post("/v1/reload", { ["Content-Type"] = "application/json" }, "{}").status)
        end)

        it("by its preflight, which gets no CORS header", function()
            local reply = http.exchange(gw.admin, "OPTIONS /v1/reload HTTP/1.1\r\nHost: " .. origin
                .. "\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n")
            assert.equal(403, reply.status)
            for _, one in ipairs({ reply, post("/v1/reload"), http.get(gw.admin, "/livez") }) do
                for _, field in ipairs(one.fields) do
                    assert.is_nil(field[1]:lower():find("access-control", 1, true))
                end
            end
        end)

        it("whatever it asks for", function()
            for _, order in ipairs({ { "POST", "/v1/drain" }, { "PUT", "/v1/log-level" }, { "PUT", "/v1/mock/state" } }) do
                local method, target = table.unpack(order)
                assert.equal(403, send(method, target, { ["X-Eksgate-Admin"] = "0" }).status)
                assert.equal(403, send(method, target, { Origin = "null" }).status)
                assert.equal(403, send(method, target, { ["Content-Type"] = "text/plain" }, "{}").status)
            end
            assert.equal(403, send("GET", "/v1/mock/state", { ["Sec-Fetch-Site"] = "cross-site" }).status)
            assert.equal(403, send("GET", "/v1/mock/state", { Host = "evil.example" }).status)
            assert.equal(200, http.get(gw.admin, "/readyz").status)
        end)

        it("with GET", function()
            assert.is_true(http.get(gw.admin, "/v1/reload", { { "X-Eksgate-Admin", "1" } }).status >= 400)
        end)
    end)

    it("takes localhost and the names of the setting as Host", function()
        local port = origin:match(":(%d+)$")
        assert.equal(200, post("/v1/reload", { Host = "localhost:" .. port }).status)
        local named = gateway.start({ settings = { admin = "127.0.0.1:0", hosts = { "gate.internal" } } })
        local function livez(host)
            return http.exchange(named.admin, "GET /livez HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n").status
        end
        assert.equal(200, livez("gate.internal"))
        assert.equal(200, livez("gate.internal:" .. named.admin:match(":(%d+)$")))
        assert.equal(403, livez("other.internal"))
        named:stop()
    end)

    it("can be a unix socket", function()
        local folder = text.make_folder()
        local socketed = gateway.start({ settings = { admin = "unix:" .. folder .. "/admin.sock" } })
        assert.equal("unix:" .. folder .. "/admin.sock", socketed.admin)
        assert.equal(200, http.get(socketed.admin, "/livez").status)
        socketed:stop()
        text.remove_folder(folder)
    end)

    it("must be loopback, or have a token", function()
        local prepared = gateway.prepare({ settings = { admin = "0.0.0.0:0" } })
        local code, err = prepared:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("admin_token", 1, true), err)
        prepared:forget()
    end)

    it("with a token asks for it on everything but the probes, and never tells it", function()
        local token = "the-token-of-this-test~0123456789=="
        local guarded = gateway.start({ settings = { admin = "127.0.0.1:0", status = "127.0.0.1:0", admin_token = token } })
        local function order(shown)
            return http.exchange(guarded.admin, http.format({ method = "POST", target = "/v1/reload", body = "", headers = {
                { "Host", http.host_of(guarded.admin) }, { "X-Eksgate-Admin", "1" },
                shown and { "Authorization", shown } or nil,
            } }))
        end
        for _, shown in ipairs({ "", "Bearer", "Bearer " .. token .. "=", "Bearer " .. token:sub(1, -2), "Basic " .. token,
            token, "Bearer wrong-token-of-this-test~0123456789==" }) do
            assert.equal(401, order(shown).status, shown)
        end
        assert.equal(401, order(nil).status)
        assert.equal(401, http.get(guarded.admin, "/metrics").status)
        assert.equal(401, http.get(guarded.admin, "/v1/log-level").status)
        assert.equal(200, http.get(guarded.admin, "/livez").status)
        assert.equal(200, http.get(guarded.admin, "/readyz").status)
        assert.equal(200, order("Bearer " .. token).status)
        assert.equal(200, http.get(guarded.admin, "/metrics", { { "Authorization", "Bearer " .. token } }).status)
        assert.equal(200, http.get(guarded:status_address(), "/metrics").status)
        assert.truthy(guarded:stderr():find("without the right token", 1, true))
        assert.is_nil((guarded:stderr() .. guarded:stdout()):find("of%-this%-test"))
        assert.equal(0, guarded:end_process())
        guarded:forget()
    end)

    it("reads the token from a file that others can't read", function()
        local folder = text.make_folder()
        local file = folder .. "/token"
        text.write_file(file, "from-a-file-0123456789\n")
        local settings = { admin = "127.0.0.1:0", admin_token_file = file }
        assert(text.shell("chmod", "644", file))
        local prepared = gateway.prepare({ settings = settings })
        local code, err = prepared:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find(file, 1, true), err)
        assert.is_nil(err:find("from-a-file", 1, true))
        prepared:forget()
        assert(text.shell("chmod", "600", file))
        local guarded = gateway.start({ settings = settings })
        assert.equal(401, http.get(guarded.admin, "/metrics").status)
        assert.equal(200,
            http.get(guarded.admin, "/metrics", { { "Authorization", "Bearer from-a-file-0123456789" } }).status)
        guarded:stop()
        text.remove_folder(folder)
    end)
end)
