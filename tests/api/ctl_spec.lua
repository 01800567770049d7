-- SPDX-License-Identifier: Apache-2.0
-- eksgate ctl: orders to a running gateway, and what it makes of servers that are none.

local cjson = require("cjson")
local socket = require("socket")
local gateway = require("support.gateway")
local http = require("support.http")
local process = require("support.process")
local text = require("support.text")

local verbs = { "health", "reload", "drain", "log-level", "metrics", "state", "seed", "reset", "snapshot", "restore",
    "clock", "faults", "requests" }

local program = gateway.program:find("^/") and gateway.program or gateway.root .. "/" .. gateway.program

--- Variables of this process don't lead to another gateway.
local function ctl(arguments, options)
    options = options or {}
    options.environment = options.environment or {}
    for _, name in ipairs({ "EKSGATE_CONFIG", "EKSGATE_ADMIN", "EKSGATE_ADMIN_TOKEN" }) do
        if options.environment[name] == nil then
            options.environment[name] = false
        end
    end
    return gateway.run({ "ctl", table.unpack(arguments) }, options)
end

local function lines(out)
    return select(2, out:gsub("\n", ""))
end

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("eksgate ctl", function()
    local gw, at

    setup(function()
        gw = gateway.start({ settings = { admin = "127.0.0.1:0", status = "127.0.0.1:0" },
            policies = { 'return { name = "p" }' } })
        at = http.host_of(gw.admin)
    end)

    teardown(function()
        gw:stop()
    end)

    it("says whether the gateway is ready", function()
        local code, out, err = ctl({ "--admin", gw.admin, "health" })
        assert.same({ 0, "ready\n", "" }, { code, out, err })
        code, out = ctl({ "health", "--json", "--admin", at })
        assert.equal(0, code)
        assert.same({ ready = true, admin = gw.admin }, cjson.decode(out))
    end)

    it("reloads, and prints every problem when it can't", function()
        gw:write("policy1.lua", 'return { name = "p", tags = function() return { taken = "up" } end }')
        local code, out, err = ctl({ "--admin", gw.admin, "reload" })
        assert.same({ 0, "reloaded\n", "" }, { code, out, err })
        assert.same({ taken = "up" }, gw:create({ principalArn = role("reloaded") }).json.accessEntry.tags)
        gw:write("policy1.lua", "return {")
        gw:write("eksgate.lua", gateway.serialize(setmetatable({ typo = 1, workers = "no" }, { __index = gw.settings })))
        code, out, err = ctl({ "--admin", gw.admin, "reload" })
        assert.equal(1, code)
        assert.equal("", out)
        assert.truthy(err:find("\neksgate ctl reload: [^\n]*typo[^\n]*\n") or err:find("^eksgate ctl reload: [^\n]*typo"), err)
        assert.truthy(err:find("eksgate ctl reload: [^\n]*workers"), err)
        for line in err:gmatch("[^\n]+") do
            assert.truthy(line:find("^eksgate ctl reload: "), line)
        end
        gw:write("policy1.lua", 'return { name = "p" }')
        gw:write("eksgate.lua", gateway.serialize(gw.settings))
        code, out = ctl({ "--admin", gw.admin, "reload", "--json" })
        assert.equal(0, code)
        assert.is_true(cjson.decode(out).reloaded)
    end)

    it("sets the log level and prints it", function()
        local code, out, err = ctl({ "--admin", at, "log-level" })
        assert.same({ 0, "info\n", "" }, { code, out, err })
        code, out = ctl({ "--admin", at, "log-level", "debug" })
        assert.same({ 0, "debug\n" }, { code, out })
        code, out = ctl({ "--admin", at, "log-level", "--json" })
        assert.same({ 0, { level = "debug" } }, { code, cjson.decode(out) })
        gw:describe(role("loud"))
        assert.truthy(text.wait_for(function()
            return gw:stderr():find(" debug ", 1, true)
        end))
        assert.equal(0, (ctl({ "--admin", at, "log-level", "info" })))
    end)

    it("prints the counters, as text and as JSON", function()
        gw:describe(role("counted"))
        local code, out = ctl({ "--admin", at, "metrics" })
        assert.equal(0, code)
        assert.truthy(out:find('\neksgate_requests_total{operation="DescribeAccessEntry",status="404"} %d+\n'), out)
        code, out = ctl({ "--admin", at, "metrics", "--json" })
        assert.equal(0, code)
        local samples = cjson.decode(out)
        assert.is_true(samples['eksgate_requests_total{operation="DescribeAccessEntry",status="404"}'] >= 1)
        assert.equal("number", type(samples.eksgate_connections_open))
    end)

    it("finds the admin in the configuration, EKSGATE_ADMIN, --set and --admin, the later over the earlier", function()
        local function health(arguments, environment)
            return (ctl({ "health", table.unpack(arguments) }, { environment = environment }))
        end
        local folder = text.make_folder()
        local good, dead = folder .. "/good.lua", folder .. "/dead.lua"
        text.write_file(good, gateway.serialize({ admin = at }))
        text.write_file(dead, gateway.serialize({ admin = "127.0.0.1:1" }))
        assert.equal(0, health({ "-c", good }))
        assert.equal(0, health({}, { EKSGATE_CONFIG = good }))
        assert.equal(1, health({ "-c", dead }))
        assert.equal(0, health({ "-c", dead }, { EKSGATE_ADMIN = at }))
        assert.equal(0, health({}, { EKSGATE_ADMIN = at }))
        assert.equal(0, health({}, { EKSGATE_ADMIN = gw.admin }))
        assert.equal(1, health({ "-c", good }, { EKSGATE_ADMIN = "127.0.0.1:1" }))
        assert.equal(0, health({ "-c", dead, "--set", "admin=" .. at }, { EKSGATE_ADMIN = "127.0.0.1:1" }))
        assert.equal(0, health({ "-c", dead, "--set", "admin=127.0.0.1:1", "--admin", at }))
        text.remove_folder(folder)
    end)

    it("asks the status listener for health where the admin is off, and gives no orders there", function()
        local folder = text.make_folder()
        local file = folder .. "/c.lua"
        text.write_file(file, gateway.serialize({ status = http.host_of(gw:status_address()) }))
        assert.equal(0, (ctl({ "-c", file, "health" })))
        local code, _, err = ctl({ "-c", file, "reload" })
        assert.equal(1, code)
        assert.truthy(err:find("admin: is off", 1, true), err)
        text.remove_folder(folder)
    end)

    it("minds nothing in the configuration but what is about the admin", function()
        local folder = text.make_folder()
        local file = folder .. "/c.lua"
        text.write_file(file, gateway.serialize({ admin = at, workers = "none", typo = 1, keys = "/nowhere" }))
        assert.equal(0, (ctl({ "-c", file, "health" })))
        text.write_file(file, "return {")
        assert.equal(0, (ctl({ "health" }, { environment = { EKSGATE_CONFIG = file, EKSGATE_ADMIN = at } })))
        local code, _, err = ctl({ "-c", file, "health" })
        assert.equal(1, code)
        assert.truthy(err:find(file, 1, true), err)
        text.remove_folder(folder)
    end)

    it("says that mock controls need a mock, also when it has much to send", function()
        local code, out, err = ctl({ "--admin", at, "reset" })
        assert.same({ 1, "", "eksgate ctl reset: Mock controls exist under eksgate mock.\n" }, { code, out, err })
        code, out, err = ctl({ "--admin", at, "seed", "-" }, { input = '{"a":"' .. ("x"):rep(8000000) .. '"}' })
        assert.equal(1, code)
        assert.equal("", out)
        assert.truthy(err:find("^eksgate ctl seed: [^\n]+\n$"), err)
    end)

    it("with a wrong usage ends with 2 and sends nothing", function()
        for _, arguments in ipairs({
            {}, { "shout" }, { "--shout" }, { "--admin" }, { "--admin", at }, { "reload", "now" }, { "health", "--shout" },
            { "log-level", "loud" }, { "log-level", "debug", "info" }, { "seed" }, { "snapshot" }, { "restore" },
            { "clock", "noon" }, { "clock", "+" }, { "clock", "+-1" }, { "clock", "+1s" }, { "clock", "+9999999999999" },
            { "reload", "--operation", "X" }, { "reload", "--timeout", "0" }, { "reload", "--timeout", "1e3" },
            { "reload", "--timeout" }, { "requests", "--operation" },
        }) do
            local words = { table.unpack(arguments) }
            if #words > 0 and words[1]:sub(1, 1) ~= "-" and words[#words]:sub(1, 1) ~= "-" then
                words[#words + 1] = "--admin"
                words[#words + 1] = at
            end
            local code, out, err = ctl(words)
            assert.equal(2, code, table.concat(words, " "))
            assert.equal("", out)
            assert.truthy(err:find("eksgate ctl", 1, true), err)
        end
    end)

    it("has --help for itself and every verb", function()
        local code, out = ctl({ "--help" })
        assert.equal(0, code)
        for _, verb in ipairs(verbs) do
            assert.truthy(out:find("\n  " .. verb .. " ", 1, true), verb)
            local said
            code, said = ctl({ verb, "--help" })
            assert.equal(0, code)
            assert.truthy(said:find("^usage: eksgate ctl " .. verb:gsub("%-", "%%-") .. " "), said)
        end
    end)

    it("takes an address of a form that there is, and says which those are", function()
        for _, address in ipairs({ "nonsense", "127.0.0.1", "127.0.0.1:", ":9180", "127.0.0.1:99999", "127.0.0.1:0", "::1:9180",
            "[::1]9180", "[::1]", "https://127.0.0.1:9180", "http://a@127.0.0.1:9180", "http://127.0.0.1:9180/x", "unix:",
            "unix:/" .. ("x"):rep(200), "a\nb:1", "a b:1", "[::1%lo]:1", "" }) do
            local code, out, err = ctl({ "--admin", address, "reload" })
            assert.equal(1, code, address)
            assert.equal("", out)
            assert.truthy(err:find("^eksgate ctl reload: [^\n]+\n$"), err)
        end
    end)

    it("says where nobody answers", function()
        local folder = text.make_folder()
        local stale = folder .. "/stale.sock"
        local server = assert(require("socket.unix").stream())
        assert(server:bind(stale))
        server:close()
        local probe = assert(socket.bind("127.0.0.1", 0))
        local _, port = probe:getsockname()
        probe:close()
        for _, address in ipairs({ "http://127.0.0.1:" .. port, "unix:" .. stale, "unix:" .. folder .. "/none" }) do
            for _, verb in ipairs({ "health", "reload" }) do
                local code, out, err = ctl({ "--admin", address, verb })
                assert.equal(1, code)
                assert.equal("", out)
                assert.truthy(err:find("nobody answers at " .. address, 1, true), err)
                assert.equal(1, lines(err))
            end
        end
        local code, out = ctl({ "--admin", "127.0.0.1:" .. port, "health", "--json" })
        assert.equal(1, code)
        assert.is_false(cjson.decode(out).ready)
        text.remove_folder(folder)
    end)
end)

describe("eksgate ctl", function()
    after_each(function()
        gateway.stop_all()
    end)

    it("drains: health says no meanwhile, and the process ends with 0", function()
        local gw = gateway.start({ settings = { admin = "127.0.0.1:0" } })
        local head, body = gw:format(gateway.create_request({ principalArn = role("r") })):match("^(.-\r\n\r\n)(.*)$")
        local under_way = gw:connect()
        under_way:send(head)
        assert.truthy(text.wait_for(function()
            return http.get(gw.admin, "/metrics").body:find("\neksgate_connections_open 1\n", 1, true)
        end))
        local code, out, err = ctl({ "--admin", gw.admin, "drain" })
        assert.same({ 0, "draining\n", "" }, { code, out, err })
        assert.truthy(text.wait_for(function()
            code, out, err = ctl({ "--admin", gw.admin, "health" })
            return code == 1
        end))
        assert.same({ "", "eksgate ctl health: draining\n" }, { out, err })
        assert.equal(0, (ctl({ "--admin", gw.admin, "drain" })))
        under_way:send(body)
        assert.equal(200, under_way:read().status)
        assert.equal(0, gw.process:wait(10))
        assert.equal(1, (ctl({ "--admin", gw.admin, "health" })))
    end)

    it("speaks to a unix socket and to IPv6", function()
        local folder = text.make_folder()
        for _, address in ipairs({ "unix:" .. folder .. "/admin.sock", "[::1]:0" }) do
            local gw = gateway.start({ settings = { admin = address } })
            assert.equal(0, (ctl({ "--admin", gw.admin, "health" })))
            local code, out, err = ctl({ "--admin", gw.admin, "reload" })
            assert.same({ 0, "reloaded\n", "" }, { code, out, err })
            if address:find("^unix:") then
                assert.equal(0, (process.run({ program, "ctl", "--admin", "unix:admin.sock", "health" }, { folder = folder })))
                assert.equal(0, (ctl({ "-c", gw.config, "reload" })))
            end
            gw:stop()
        end
        text.remove_folder(folder)
    end)

    it("takes localhost for the address", function()
        local gw = gateway.start({ settings = { admin = "localhost:0" } })
        assert.equal(0, (ctl({ "--admin", "localhost:" .. gw.admin:match(":(%d+)$"), "reload" })))
        gw:stop()
    end)

    describe("with a token", function()
        local token = "right-token-of-this-test-0123456789=="
        local gw, folder

        before_each(function()
            folder = text.make_folder()
            gw = gateway.start({ settings = { admin = "127.0.0.1:0", admin_token = token } })
            text.write_file(folder .. "/right", token .. "\n")
            text.write_file(folder .. "/wrong", "wrong-token-of-this-test-0123456789==\n")
            assert(text.shell("chmod", "600", folder .. "/right", folder .. "/wrong"))
        end)

        after_each(function()
            gw:stop()
            text.remove_folder(folder)
        end)

        it("shows it, from a file, the environment, or the configuration", function()
            assert.equal(0, (ctl({ "--admin", gw.admin, "--token-file", folder .. "/right", "reload" })))
            assert.equal(0, (ctl({ "--admin", gw.admin, "reload" }, { environment = { EKSGATE_ADMIN_TOKEN = token } })))
            local port = gw.admin:match(":(%d+)$")
            text.write_file(folder .. "/c.lua", gateway.serialize({ admin = "127.0.0.1:" .. port, admin_token_file = "right" }))
            assert.equal(0, (ctl({ "-c", folder .. "/c.lua", "reload" })))
            assert.equal(0, (ctl({ "-c", folder .. "/c.lua", "--admin", gw.admin, "reload" })))
            assert.equal(0, (ctl({ "--admin", gw.admin, "--token-file", folder .. "/right", "metrics" })))
        end)

        it("is told when it is wrong or missing, by exit code and a line that doesn't show it", function()
            for _, arguments in ipairs({ {}, { "--token-file", folder .. "/wrong" } }) do
                for _, verb in ipairs({ "reload", "metrics", "drain", "state" }) do
                    local code, out, err = ctl({ "--admin", gw.admin, verb, table.unpack(arguments) })
                    assert.equal(1, code)
                    assert.equal("", out)
                    assert.truthy(err:find("^eksgate ctl " .. verb .. ": [^\n]+%-%-token%-file[^\n]+\n$"), err)
                    assert.is_nil(err:find("of-this-test", 1, true))
                end
            end
            assert.equal(200, http.get(gw.admin, "/readyz").status)
            assert.is_nil(gw:stderr():find("of-this-test", 1, true))
        end)

        it("is not needed for health", function()
            assert.equal(0, (ctl({ "--admin", gw.admin, "health" })))
        end)

        it("wants a file that others can't read, with a token in it", function()
            local file = folder .. "/right"
            assert(text.shell("chmod", "644", file))
            local code, _, err = ctl({ "--admin", gw.admin, "--token-file", file, "reload" })
            assert.equal(1, code)
            assert.truthy(err:find(file, 1, true))
            for _, content in ipairs({ "", "short", "two words are no token", "line\nline-line-line-line" }) do
                text.write_file(file, content)
                assert(text.shell("chmod", "600", file))
                code, _, err = ctl({ "--admin", gw.admin, "--token-file", file, "reload" })
                assert.equal(1, code)
                assert.is_nil(err:find("two words", 1, true))
            end
            code = ctl({ "--admin", gw.admin, "--token-file", folder .. "/none", "reload" })
            assert.equal(1, code)
        end)

        it("still is refused a page's request", function()
            local reply = http.exchange(gw.admin, http.format({ method = "POST", target = "/v1/drain", body = "", headers = {
                { "Host", http.host_of(gw.admin) }, { "X-Eksgate-Admin", "1" }, { "Authorization", "Bearer " .. token },
                { "Origin", gw.admin },
            } }))
            assert.equal(403, reply.status)
        end)
    end)
end)

--- Runs ctl against a server of the test's own: `serve(client, request)` gets the connection and the bytes that came,
--- head and declared body. Returns the request, exit code, stdout, stderr.
local function against(serve, arguments, options)
    options = options or {}
    local folder = text.make_folder()
    local server = assert(socket.bind("127.0.0.1", 0))
    server:settimeout(10)
    local _, port = server:getsockname()
    local words = { gateway.program, "ctl", "--admin", "http://127.0.0.1:" .. port }
    table.move(arguments, 1, #arguments, #words + 1, words)
    if options.input then
        text.write_file(folder .. "/in", options.input)
    end
    local one = process.start(words, { stdout = folder .. "/out", stderr = folder .. "/err", state = folder,
        stdin = options.input and folder .. "/in", environment = { EKSGATE_CONFIG = false, EKSGATE_ADMIN = false,
        EKSGATE_ADMIN_TOKEN = options.token or false } })
    local client = assert(server:accept())
    client:settimeout(10)
    local head, request = "", nil
    while not options.unread and not head:find("\r\n\r\n", 1, true) do
        head = head .. assert(client:receive(1))
    end
    if not options.unread then
        local length = tonumber(head:match("\r\nContent%-Length: (%d+)\r\n") or 0)
        request = head .. (length > 0 and assert(client:receive(length)) or "")
    end
    serve(client, request)
    local code = one:wait(20)
    if not code then
        one:kill()
    end
    client:close()
    server:close()
    local out, err = text.read_file(folder .. "/out") or "", text.read_file(folder .. "/err") or ""
    text.remove_folder(folder)
    return request, code or "still running", out, err, port
end

local function replying(bytes)
    return function(client)
        client:send(bytes)
        client:close()
    end
end

local function json_reply(body, status)
    return replying(string.format("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        status or "200 OK", #body, body))
end

describe("eksgate ctl asks a mock", function()
    local change = "X-Eksgate-Admin: 1\r\nContent-Length: %d\r\n"
    local typed = "Content-Type: application/json\r\n"

    --- The request's first line and body; that it is a change, is typed, or neither.
    local function check(arguments, first, body, options)
        local request, code, out, err, port = against(json_reply('{"clock":"frozen:2026-01-01T00:00:00Z"}'), arguments, options)
        assert.equal(0, code, err)
        local wanted = first .. " HTTP/1.1\r\nHost: 127.0.0.1:" .. port .. "\r\n"
        assert.equal(wanted, request:sub(1, #wanted))
        assert.equal(body or "", request:match("\r\n\r\n(.*)$"))
        local changes = first:find("^GET ") == nil
        assert.equal(changes, request:find(change:format(#(body or "")), 1, true) ~= nil, request)
        assert.equal(body ~= nil, request:find(typed, 1, true) ~= nil, request)
        assert.is_nil(request:find("Authorization", 1, true))
        return out
    end

    it("for its state, and gives it another", function()
        assert.equal('{"clock":"frozen:2026-01-01T00:00:00Z"}\n', check({ "state" }, "GET /v1/mock/state"))
        local seed = '{"clusters":["\u{e9}"]}\n'
        assert.equal("seeded\n", check({ "seed", "-" }, "PUT /v1/mock/state", seed, { input = seed }))
        local file = os.tmpname()
        text.write_file(file, seed)
        check({ "seed", file }, "PUT /v1/mock/state", seed)
        os.remove(file)
    end)

    it("to go back, to a name or to the start", function()
        assert.equal("reset\n", check({ "reset" }, "POST /v1/mock/reset"))
        check({ "snapshot", "a" }, "POST /v1/mock/snapshots/a")
        check({ "restore", "../b c?%\u{e9}" }, "POST /v1/mock/restore/..%2Fb%20c%3F%25%C3%A9")
    end)

    it("for the time, and for another", function()
        assert.equal("frozen:2026-01-01T00:00:00Z\n", check({ "clock" }, "GET /v1/mock/clock"))
        check({ "clock", "frozen:2026-01-01T00:00:00Z" }, "PUT /v1/mock/clock", '{"clock":"frozen:2026-01-01T00:00:00Z"}')
        check({ "clock", "system" }, "PUT /v1/mock/clock", '{"clock":"system"}')
        check({ "clock", "+90" }, "PUT /v1/mock/clock", '{"step":90}')
        check({ "clock", 'frozen:"' }, "PUT /v1/mock/clock", '{"clock":"frozen:\\""}')
    end)

    it("for its faults, and for others", function()
        check({ "faults" }, "GET /v1/mock/faults")
        check({ "faults", "-" }, "PUT /v1/mock/faults", "[1]", { input = "[1]" })
        assert.equal("cleared\n", check({ "faults", "clear" }, "PUT /v1/mock/faults", '{"faults":[]}'))
    end)

    it("for what it was asked", function()
        check({ "requests" }, "GET /v1/mock/requests")
        check({ "requests", "--operation", "CreateAccessEntry" }, "GET /v1/mock/requests?operation=CreateAccessEntry")
        check({ "requests", "--principal", role("a+b@c") },
            "GET /v1/mock/requests?principal=arn%3Aaws%3Aiam%3A%3A012345678910%3Arole%2Fa%2Bb%40c")
        check({ "--operation", "X", "requests", "--principal", "p" }, "GET /v1/mock/requests?operation=X&principal=p")
    end)

    it("to take nothing, or what is larger than it may be", function()
        local server = assert(socket.bind("127.0.0.1", 0))
        local _, port = server:getsockname()
        local folder = text.make_folder()
        assert(text.shell("truncate", "-s", tostring(64 * 1048576 + 1), folder .. "/large"))
        assert(text.shell("truncate", "-s", "0", folder .. "/empty"))
        for _, name in ipairs({ "/large", "/empty", "/none", "" }) do
            local code, out, err = ctl({ "--admin", "127.0.0.1:" .. port, "seed", folder .. name })
            assert.equal(1, code)
            assert.equal("", out)
            assert.truthy(err:find(folder .. name, 1, true), err)
        end
        server:settimeout(0)
        assert.is_nil((server:accept()))
        server:close()
        text.remove_folder(folder)
    end)

    it("and shows the token that it has", function()
        local request = against(json_reply("{}"), { "state" }, { token = "0123456789abcdef" })
        assert.truthy(request:find("\r\nAuthorization: Bearer 0123456789abcdef\r\n", 1, true))
    end)

    it("and prints its reply for --json, whatever it is", function()
        local _, code, out = against(json_reply('{"entries":7}\n'), { "reset", "--json" })
        assert.same({ 0, '{"entries":7}\n' }, { code, out })
    end)
end)

describe("eksgate ctl isn't held up or misled by a server", function()
    local function refused(serve, arguments, options)
        local began = text.now()
        local _, code, out, err = against(serve, arguments or { "state" }, options)
        assert.equal(1, code, err)
        assert.equal("", out)
        assert.truthy(err:find("^eksgate ctl %l+: [^\n]+\n$"), err)
        assert.is_nil(err:find("[\0-\9\11-\31\127]"), err)
        assert.is_true(text.now() - began < 15 * text.patience)
        return err
    end

    local function endless(begin, piece)
        return function(client)
            client:send(begin)
            while client:send(piece) do
                socket.sleep(0)
            end
        end
    end

    it("whose reply isn't HTTP, or is but by half", function()
        for _, bytes in ipairs({
            "", "\n", "SSH-2.0-OpenSSH_9.2\r\n", "\21\3\1\0\2\2\40", "HTTP/1.1", "HTTP/2 200\r\n\r\n", "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
            "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n", "HTTP/1.1 200 OK\r\n Content-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n",
        }) do
            refused(replying(bytes))
        end
    end)

    it("whose head or body has no end", function()
        refused(endless("HTTP/1.1 200 OK\r\nX: ", ("x"):rep(8192)))
        refused(endless("HTTP/1.1 200 OK\r\n", "X: y\r\n"))
        refused(endless("", ("x"):rep(8192)))
        refused(endless("HTTP/1.1 200 OK\r\nContent-Length: 68157441\r\n\r\n", ("x"):rep(1048576)))
        local err = refused(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "100000\r\n" .. ("x"):rep(1048576) .. "\r\n"))
        assert.truthy(err:find("too long", 1, true), err)
        refused(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", ("x"):rep(8192)))
    end)

    it("that says nothing, or a byte now and then, or doesn't take the request", function()
        local function waits(client)
            client:receive(1)
        end
        local err = refused(waits, { "state", "--timeout", "1" })
        assert.truthy(err:find("--timeout", 1, true), err)
        refused(endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1"),
            { "state", "--timeout", "1" })
        refused(function(client)
            for byte in ("HTTP/1.1 200 OK\r\nX: " .. ("x"):rep(100)):gmatch(".") do
                if not client:send(byte) then
                    break
                end
                socket.sleep(0.05)
            end
        end, { "state", "--timeout", "1" })
        refused(function(client)
            socket.select(nil, nil, 1.5)
            client:close()
        end, { "seed", "-", "--timeout", "1" }, { unread = true, input = ("x"):rep(60000000) })
    end)

    it("that sends it elsewhere, or errors without words, or with words for the terminal", function()
        local err = refused(json_reply("", "302 Found\r\nLocation: http://127.0.0.1:1/"))
        assert.truthy(err:find("302", 1, true), err)
        err = refused(json_reply("<html>", "500 Internal Server Error"))
        assert.truthy(err:find("500", 1, true), err)
        assert.is_nil(err:find("html", 1, true))
        err = refused(json_reply('{"message":"\\u001b]0;title\\u0007\\u009b31m \\u00e9"}', "409 Conflict"))
        assert.truthy(err:find("\u{e9}", 1, true), err)
        assert.is_nil(err:find("\u{9b}", 1, true))
        refused(json_reply("\27[2J", "200 OK"))
        refused(json_reply('{"clock":"\\u001b[2J"}', "200 OK"), { "clock" })
        refused(json_reply("{}", "401 Unauthorized"))
    end)

    it("that answers before it has read everything", function()
        local function serve(client)
            client:send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 24\r\n\r\n{"message":"too large!"}')
            client:settimeout(0.5)
            client:receive(100)
        end
        local err = refused(serve, { "seed", "-" }, { unread = true, input = ("x"):rep(60000000) })
        assert.equal("eksgate ctl seed: too large!\n", err)
    end)

    it("that is none of eksgate's, as to health", function()
        refused(json_reply('{"status":"UP"}'), { "health" })
        refused(json_reply("<html>ok</html>"), { "health" })
        refused(json_reply("ok\n", "404 Not Found"), { "health" })
        refused(replying(""), { "health" })
    end)

    it("and takes a chunked reply of a proxy", function()
        local _, code, out = against(replying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            .. "2\r\n{}\r\n1;a=b\r\n\n\r\n0\r\nX: y\r\n\r\n"), { "state" })
        assert.same({ 0, "{}\n" }, { code, out })
    end)
end)
