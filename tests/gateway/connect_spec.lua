-- SPDX-License-Identifier: Apache-2.0
-- A gateway that clients take for their HTTPS_PROXY, and one that private DNS leads them to: what curl and openssl sign and
-- send for the endpoint's own name passes through to a second gateway, which verifies it.

local cjson = require("cjson")
local gateway = require("support.gateway")
local http = require("support.http")
local process = require("support.process")
local text = require("support.text")
local tls = require("support.tls")
local upstream = require("support.upstream")

local folder, authority, server

--- A pair whose front has a listener of these members beside its address and certificate.
local function start(listener, options)
    options = options or {}
    options.front = options.front or {}
    local settings = options.front.settings or {}
    local one = { address = "127.0.0.1:0", certificate = server.certificate, key = server.key }
    for name, value in pairs(listener) do
        one[name] = value
    end
    settings.listen = { one }
    options.front.settings = settings
    return upstream.passing_pair(options)
end

--- curl with a signed request to the endpoint's name; its exit code, what it printed, what it said of errors.
local function curl(pair, arguments, target)
    return process.run({
        "curl", "-sS", "--max-time", "15", "--aws-sigv4", "aws:amz:us-west-2:eks", "-u", gateway.key.id .. ":" .. gateway.key.secret,
        "-H", "Content-Type: application/json", "--cacert", authority.file,
        "https://" .. pair.front.host .. (target or "/clusters/" .. gateway.cluster), table.unpack(arguments),
    }, { environment = { SSL_CERT_FILE = false, https_proxy = false, HTTPS_PROXY = false, NO_PROXY = false, no_proxy = false } })
end

local function answer_to(gw, bytes)
    return http.exchange(gw.address, bytes)
end

before_each(function()
    folder = text.make_folder()
    authority = tls.authority(folder, "authority")
    server = authority:make("server", { names = { "eks.us-west-2.example", "127.0.0.1" } })
end)

after_each(function()
    gateway.stop_all()
    text.remove_folder(folder)
end)

describe("a listener for HTTPS_PROXY", function()
    it("is named http in the ready line and passes on what curl asks through it", function()
        local pair = start({ connect = true })
        assert.matches("^eksgate ready http://127%.0%.0%.1:%d+ admin off$", pair.front.ready_line)
        local proxy = { "--proxy", pair.front.address }
        local code, out, err = curl(pair, proxy)
        assert.equal(0, code, err)
        assert.equal(gateway.cluster, cjson.decode(out).cluster.name)
        local body = '{"principalArn":"arn:aws:iam::012345678910:role/by-curl"}'
        code, out = curl(pair, { "-d", body, table.unpack(proxy) }, gateway.entries_target())
        assert.equal(0, code)
        assert.equal("arn:aws:iam::012345678910:role/by-curl", cjson.decode(out).accessEntry.principalArn)
        assert.is_true(upstream.said(upstream.records(pair.front, 1, function(record)
            return upstream.said(record).settles ~= nil
        end)[1]).verified)
        pair:stop()
    end)

    it("serves many requests in one tunnel, as openssl asks for it in HTTP/1.0", function()
        local pair = start({ connect = true })
        local session = tls.connect(pair.front.host, folder, {
            "-proxy", http.host_of(pair.front.address), "-CAfile", authority.file, "-servername", "eks.us-west-2.example",
            "-verify_hostname", "eks.us-west-2.example",
        })
        for _ = 1, 3 do
            session:send(pair.front:format({ method = "GET", target = "/clusters/" .. gateway.cluster }))
            session:await('"name":"my%-cluster"')
        end
        session:kill()
        pair:stop()
    end)

    it("chooses the certificate by the name that is asked for", function()
        local other = authority:make("other", { names = { "eks.eu-west-1.example" } })
        local pair = start({ connect = true, certificates = { other } },
            { front = { settings = { region = { "us-west-2", "eu-west-1" } } } })
        for _, region in ipairs({ "us-west-2", "eu-west-1" }) do
            local name = "eks." .. region .. ".example"
            local code, out = tls.run(upstream.host(pair.back.address, region), {
                "-proxy", http.host_of(pair.front.address), "-CAfile", authority.file, "-servername", name, "-verify_hostname",
                name, "-verify_return_error",
            })
            assert.equal(0, code, out)
        end
        pair:stop()
    end)

    it("is no way to anywhere else", function()
        local pair = start({ connect = true })
        local port = pair.back.address:match("(%d+)$")
        for _, target in ipairs({
            "127.0.0.1:" .. port, "eks.us-west-2.example:443", "eks.us-east-1.example:" .. port, "sts.us-west-2.example:" .. port,
            "eks.us-west-2.example.:" .. port, "localhost:" .. port, "[::1]:" .. port,
        }) do
            local reply = answer_to(pair.front, ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n"):format(target, target))
            assert.equal(403, reply.status, target)
            assert.equal("close", reply.header.connection)
        end
        local code, _, err = curl(pair, { "--proxy", pair.front.address, "--connect-to", "::elsewhere.example:443" })
        assert.not_equal(0, code)
        assert.truthy(err:find("403", 1, true), err)
        assert.truthy(upstream.records(pair.front, 8, function(record)
            return record.errorCode == "AccessDeniedException" and record.eventName == "Unknown"
        end))
        pair:stop()
    end)

    it("takes nothing but CONNECT, and no byte before it has answered", function()
        local pair = start({ connect = true })
        local host = pair.front.host
        for _, bytes in ipairs({
            pair.front:format({ method = "GET", target = "/clusters" }),
            ("GET http://%s/clusters HTTP/1.1\r\nHost: %s\r\n\r\n"):format(host, host),
            ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n\22\3\1"):format(host, host),
            ("CONNECT %s HTTP/1.1\r\nHost: other.example\r\n\r\n"):format(host),
            "CONNECT eks.us-west-2.example HTTP/1.1\r\n\r\n",
            "\22\3\1\2\0\1\0\1\252\3\3",
        }) do
            assert.equal(400, answer_to(pair.front, bytes).status)
        end
        pair:stop()
    end)

    it("takes requests in the tunnel for the endpoint alone, as anywhere", function()
        local pair = start({ connect = true })
        local session = tls.connect(pair.front.host, folder, {
            "-proxy", http.host_of(pair.front.address), "-CAfile", authority.file, "-servername", "eks.us-west-2.example",
        })
        session:send(pair.front:format({ method = "GET", target = "/clusters", host = "elsewhere.example" }))
        session:await("HTTP/1.1 403 Forbidden")
        session:send("GET /clusters HTTP/1.1\r\nHost: " .. pair.front.host .. "\r\n\r\n")
        session:await("Missing Authentication Token")
        session:kill()
        pair:stop()
    end)

    it("drops who takes too long, in the tunnel too", function()
        local pair = start({ connect = true }, { front = { settings = { http = { head_timeout = 0.3 } } } })
        local silent = assert(http.connect(pair.front.address))
        local idle = assert(http.connect(pair.front.address))
        assert(idle:send(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n"):format(pair.front.host, pair.front.host)))
        idle.stream:settimeout(10)
        assert.equal("HTTP/1.1 200 Connection established", idle.stream:receive("*l"))
        assert.equal("", idle.stream:receive("*l"))
        assert.is_true(silent:is_closed(10))
        assert.is_true(idle:is_closed(10))
        pair:stop()
    end)

    it("is refused without a certificate and where signatures are verified here", function()
        local function refused(settings, words)
            local gw = gateway.prepare({ settings = settings })
            local code, _, err = gateway.run({ "check", "-c", gw.config })
            assert.equal(1, code)
            assert.truthy(err:find(words, 1, true), err)
        end
        refused({ listen = { { address = "127.0.0.1:0", connect = true } } }, "has no certificate")
        refused({ listen = { { address = "127.0.0.1:0", connect = true, certificate = server.certificate, key = server.key } } },
            'connect is for auth = "upstream"')
    end)
end)

describe("a listener that private DNS leads to", function()
    it("passes on what curl asks of the endpoint's name, but tunnels nothing", function()
        local pair = start({})
        local address = http.host_of(pair.front.address)
        local code, out, err = curl(pair, { "--connect-to", "::" .. address })
        assert.equal(0, code, err)
        assert.equal(gateway.cluster, cjson.decode(out).cluster.name)
        local session = tls.connect(address, folder, { "-CAfile", authority.file, "-servername", "eks.us-west-2.example" })
        session:send(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n"):format(pair.front.host, pair.front.host))
        session:await("HTTP/1.1 400 Bad Request")
        session:await_end()
        pair:stop()
    end)
end)
