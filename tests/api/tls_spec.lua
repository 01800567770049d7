-- SPDX-License-Identifier: Apache-2.0
-- TLS listeners as clients meet them: versions, names, client certificates, resumption, certificates that change, and
-- clients that misbehave. Clients are curl and openssl s_client.

local cjson = require("cjson")
local gateway = require("support.gateway")
local http = require("support.http")
local process = require("support.process")
local text = require("support.text")
local tls = require("support.tls")

local folder, authority, server

local function listener(more)
    local one = { address = "127.0.0.1:0", certificate = server.certificate, key = server.key }
    for name, value in pairs(more or {}) do
        one[name] = value
    end
    return { one }
end

local function start(more, options)
    options = options or {}
    options.settings = options.settings or {}
    options.settings.listen = listener(more)
    return gateway.start(options)
end

--- curl with a signed request; its exit code, what it printed, what it said of errors.
local function curl(gw, arguments, target)
    return process.run({
        "curl", "-sS", "--max-time", "15", "--aws-sigv4", "aws:amz:us-west-2:eks", "-u", gateway.key.id .. ":" .. gateway.key.secret,
        "-H", "Content-Type: application/json", gw.address .. (target or "/clusters/" .. gateway.cluster),
        table.unpack(arguments),
    }, { environment = { SSL_CERT_FILE = false, https_proxy = false, HTTPS_PROXY = false } })
end

local function list_request(gw)
    return gw:format({ method = "GET", target = "/clusters" })
end

before_each(function()
    folder = text.make_folder()
    authority = tls.authority(folder, "authority")
    server = authority:make("server", { names = { "127.0.0.1", "gate.example" } })
end)

after_each(function()
    gateway.stop_all()
    text.remove_folder(folder)
end)

describe("a TLS listener", function()
    it("is named https in the ready line and serves who trusts its authority", function()
        local gw = start()
        assert.matches("^eksgate ready https://127%.0%.0%.1:%d+ admin off$", gw.ready_line)
        local code, out = curl(gw, { "--cacert", authority.file })
        assert.equal(0, code)
        assert.equal(gateway.cluster, cjson.decode(out).cluster.name)
        gw:stop()
    end)

    it("stands beside plain ones", function()
        server = authority:make("server", { names = { "127.0.0.1" } })
        local gw = gateway.start({ settings = { listen = { "127.0.0.1:0", listener()[1] } } })
        assert.matches("^http://", gw.listeners[1])
        assert.matches("^https://", gw.listeners[2])
        assert.equal(200, http.exchange(gw.listeners[1], list_request(gw)).status)
        assert.equal(0, (curl({ address = gw.listeners[2] }, { "--cacert", authority.file })))
        gw:stop()
    end)

    it("is refused by who doesn't trust its authority, or asks for another name", function()
        local gw = start()
        local other = tls.authority(folder, "other")
        assert.equal(60, (curl(gw, { "--cacert", other.file })))
        local port = gw.address:match("%d+$")
        local code, _, err = curl({ address = "https://elsewhere.example:" .. port },
            { "--cacert", authority.file, "--resolve", "elsewhere.example:" .. port .. ":127.0.0.1" })
        assert.equal(60, code)
        assert.matches("elsewhere", err)
        gw:stop()
    end)

    it("speaks TLS 1.2 and 1.3 with forward secrecy and AEAD, and nothing older or weaker", function()
        local gw = start()
        local function speaks(...)
            local _, out = tls.run(gw.address, { "-CAfile", authority.file, ... })
            return out:match("New, (TLSv[%d.]+), Cipher is ([%w_-]+)")
        end
        assert.equal("TLSv1.3", (speaks("-tls1_3")))
        assert.equal("TLSv1.2", (speaks("-tls1_2")))
        assert.is_nil((speaks("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")))
        assert.is_nil((speaks("-tls1", "-cipher", "ALL:@SECLEVEL=0")))
        for _, weak in ipairs({ "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "AECDH-AES128-SHA" }) do
            assert.is_nil((speaks("-tls1_2", "-cipher", weak .. ":@SECLEVEL=0")), weak)
        end
        gw:stop()
    end)

    it("doesn't renegotiate", function()
        local gw = start()
        local _, out = tls.run(gw.address, { "-tls1_2", "-CAfile", authority.file }, "R\n")
        assert.matches("no renegotiation", out)
        gw:stop()
    end)

    it("resumes sessions, also those that another worker began", function()
        local gw = start(nil, { settings = { workers = 3, status = "127.0.0.1:0" } })
        for _, version in ipairs({ "-tls1_2", "-tls1_3" }) do
            local kept = folder .. "/session" .. version
            local session = tls.connect(gw.address, folder, { "-CAfile", authority.file, version, "-sess_out", kept })
            session:send(list_request(gw)) -- the tickets of TLS 1.3 come before its reply
            session:await("HTTP/1.1 200 OK")
            session:kill()
            for _ = 1, 8 do
                local _, out = tls.run(gw.address, { "-CAfile", authority.file, version, "-sess_in", kept })
                assert.matches("Reused, " .. (version == "-tls1_2" and "TLSv1.2" or "TLSv1.3"), out)
            end
        end
        gw:stop()
    end)

    it("chooses among certificates by the name that the client asks for", function()
        local wild = authority:make("wild", { names = { "*.b.example" } })
        local exact = authority:make("exact", { names = { "x.b.example" } })
        local gw = start({ certificates = { wild, exact } })
        local function subject(name)
            local _, out = tls.run(gw.address, name and { "-servername", name } or { "-noservername" })
            return out:match("subject=CN ?= ?(%w+)")
        end
        assert.equal("server", subject())
        assert.equal("server", subject("unknown.example"))
        assert.equal("wild", subject("y.b.example"))
        assert.equal("exact", subject("X.b.example"))
        assert.equal("server", subject("z.y.b.example"))
        gw:stop()
    end)
end)

describe("client certificates", function()
    local policy = [[
        local verdict = require("eksgate.verdict")
        return { name = "ci-only", authorize = function(req)
            local certificate = req.client_certificate
            if certificate and certificate.subject == "CN=ci,O=Example" then
                return verdict.allow()
            end
            return verdict.deny("for the CI alone, not " .. tostring(certificate and certificate.subject))
        end }]]
    local clients

    before_each(function()
        clients = tls.authority(folder, "clients")
    end)

    local function with(pair)
        return { "--cacert", authority.file, "--cert", pair.certificate, "--key", pair.key }
    end

    it("are demanded where required, and their subject is seen by policies and recorded", function()
        local gw = start({ client_ca = clients.file }, { policies = { policy }, settings = { audit = { record = "all" } } })
        local ci = clients:make("ci", { subject = { { "O", "Example" }, { "CN", "ci" } } })
        local code, out = curl(gw, with(ci))
        assert.equal(0, code)
        assert.equal(gateway.cluster, cjson.decode(out).cluster.name)
        code, out = curl(gw, with(clients:make("other")))
        assert.equal(0, code)
        assert.matches("for the CI alone, not CN=other", out)
        assert.not_equal(0, (curl(gw, { "--cacert", authority.file })))
        assert.not_equal(0, (curl(gw, with(authority:make("stranger")))))
        assert.not_equal(0, (curl(gw, with(clients:make("late", { from = -7200, to = -3600 })))))
        local subjects = {}
        for line in (text.read_file(gw.audit_file) or ""):gmatch("[^\n]+") do
            local eksgate = cjson.decode(line).additionalEventData.eksgate
            subjects[#subjects + 1] = eksgate.clientCertificate and eksgate.clientCertificate.subject
        end
        assert.same({ "CN=ci,O=Example", "CN=other" }, subjects)
        gw:stop()
    end)

    it("may be left out where optional, and is nil to policies then", function()
        local gw = start({ client_ca = clients.file, client_certificates = "optional" }, { policies = { policy } })
        local code, out = curl(gw, { "--cacert", authority.file })
        assert.equal(0, code)
        assert.matches("for the CI alone, not nil", out)
        assert.not_equal(0, (curl(gw, with(authority:make("stranger")))))
        gw:stop()
    end)
end)

describe("certificates that change", function()
    local function offered(gw)
        local _, out = tls.run(gw.address, { "-CAfile", authority.file })
        return out:match("subject=CN ?= ?(%w+)")
    end

    local function renew(pair, name)
        local certificate, key = authority:sign(name, { names = { "127.0.0.1" } })
        text.replace_file(pair.certificate, certificate)
        text.replace_file(pair.key, key)
    end

    local function await_offered(gw, name)
        assert.is_truthy(text.wait_for(function()
            return offered(gw) == name
        end), "never offered " .. name)
    end

    it("are taken up by themselves, and open connections go on", function()
        local gw = start()
        local session = tls.connect(gw.address, folder, { "-CAfile", authority.file })
        session:send(list_request(gw))
        session:await("HTTP/1.1 200 OK")
        renew(server, "renewed")
        await_offered(gw, "renewed")
        session:send(list_request(gw))
        session:await("HTTP/1.1 200 OK")
        session:kill()
        gw:stop()
    end)

    it("are taken up through a symlink that is swapped, as Kubernetes does", function()
        local function write(name)
            local certificate, key = authority:sign(name, { names = { "127.0.0.1" } })
            assert(text.shell("mkdir", folder .. "/" .. name))
            text.write_file(folder .. "/" .. name .. "/tls.crt", certificate)
            text.write_file(folder .. "/" .. name .. "/tls.key", key)
        end
        write("before")
        write("after")
        assert(text.shell("ln", "-s", "before", folder .. "/data"))
        server = { certificate = folder .. "/data/tls.crt", key = folder .. "/data/tls.key" }
        local gw = start()
        assert.equal("before", offered(gw))
        assert(text.shell("ln", "-s", "after", folder .. "/data2"))
        assert(text.shell("mv", "-T", folder .. "/data2", folder .. "/data"))
        await_offered(gw, "after")
        gw:stop()
    end)

    it("stay as they were when the new ones are no good, and the log says why", function()
        local gw = start()
        text.replace_file(server.key, "nonsense\n")
        assert.is_truthy(text.wait_for(function()
            return gw:stderr():find("holds no private key in PEM form; 127.0.0.1:0 keeps the old certificates", 1, true)
        end))
        assert.equal("server", offered(gw))
        renew(server, "repaired")
        await_offered(gw, "repaired")
        gw:stop()
    end)

    it("are taken up by SIGHUP under other names", function()
        local gw = start()
        local other = authority:make("other", { names = { "127.0.0.1" } })
        gw.settings.listen[1].certificate, gw.settings.listen[1].key = other.certificate, other.key
        text.replace_file(gw.config, gateway.serialize(gw.settings))
        gw.process:signal("HUP")
        await_offered(gw, "other")
        gw.settings.listen[1].key = folder .. "/none.key"
        text.replace_file(gw.config, gateway.serialize(gw.settings))
        gw.process:signal("HUP")
        assert.is_truthy(text.wait_for(function()
            return gw:stderr():find("none.key: can't be opened", 1, true)
        end))
        assert.equal("other", offered(gw))
        gw:stop()
    end)
end)

describe("eksgate check", function()
    it("names every certificate and key that is wrong, and those that have expired", function()
        local late = authority:make("late", { from = -7200, to = -3600 })
        local readable = authority:make("readable")
        assert(text.shell("chmod", "644", readable.key))
        local gw = gateway.prepare({ settings = { listen = listener({
            certificates = {
                late, readable, { certificate = folder .. "/none.crt", key = server.key },
                { certificate = server.certificate, key = late.key },
            },
            client_ca = server.key,
        }) } })
        local code, _, err = gateway.run({ "check", "-c", gw.config })
        assert.equal(1, code)
        assert.matches("late%.crt: the certificate has expired", err)
        assert.matches("readable%.key: mode 0644 lets everybody read it", err)
        assert.matches("none%.crt: can't be opened", err)
        assert.matches("late%.key: isn't the key of the first certificate in [^\n]*server%.crt", err)
        assert.matches("server%.key: holds no certificate in PEM form", err)
        gw:forget()
    end)

    it("is satisfied with good ones", function()
        local gw = gateway.prepare({ settings = { listen = listener() } })
        local code, out = gateway.run({ "check", "-c", gw.config })
        assert.equal(0, code)
        assert.matches("listen    127%.0%.0%.1:0 with TLS", out)
        gw:forget()
    end)
end)

describe("over TLS", function()
    it("pipelined requests, one byte per record and large bodies are answered", function()
        local gw = start()
        local session = tls.connect(gw.address, folder, { "-CAfile", authority.file })
        session:send(list_request(gw):rep(100))
        assert.is_truthy(text.wait_for(function()
            local _, count = session:received():gsub("HTTP/1%.1 200 OK", "")
            return count == 100
        end))
        session:await("HTTP")
        for byte in list_request(gw):gmatch(".") do
            session:send(byte)
        end
        session:await("HTTP/1.1 200 OK")
        local tags = {}
        for i = 1, 40 do
            tags["key" .. i] = ("v"):rep(250)
        end
        session:send(gw:format({
            method = "POST", target = "/clusters/" .. gateway.cluster .. "/access-entries",
            body = cjson.encode({ principalArn = "arn:aws:iam::012345678910:role/large", tags = tags }),
        }))
        session:await("role/large")
        session:kill()
        gw:stop()
    end)

    it("a request whose client then says no more is answered before the end", function()
        local gw = start()
        local code, out = tls.run(gw.address, { "-quiet", "-ign_eof", "-CAfile", authority.file },
            (list_request(gw):gsub("\r\nHost", "\r\nConnection: close\r\nHost", 1)))
        assert.equal(0, code)
        assert.matches("HTTP/1.1 200 OK", out)
        gw:stop()
    end)

    it("a client that speaks plain HTTP is told so and closed", function()
        local gw = start()
        local client = http.connect(gw.address)
        client:send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        local reply = client:read()
        assert.equal(400, reply.status)
        assert.matches("TLS", reply.body)
        assert.is_true(client:is_closed())
        gw:stop()
    end)

    it("garbage and a handshake that stalls end, and others don't wait for them", function()
        local gw = start(nil, { settings = { http = { head_timeout = 1 } } })
        local stalled = http.connect(gw.address)
        stalled:send("\22\3\1\0\200\1")
        local garbage = http.connect(gw.address)
        garbage:send(("\0\255"):rep(500))
        assert.is_true(garbage:is_closed())
        assert.equal(0, (curl(gw, { "--cacert", authority.file })))
        assert.is_true(stalled:is_closed())
        gw:stop()
    end)

    it("idle connections end with close_notify when the gateway drains", function()
        local gw = start()
        local session = tls.connect(gw.address, folder, { "-CAfile", authority.file })
        session:send(list_request(gw))
        session:await("HTTP/1.1 200 OK")
        gw:stop()
        assert.equal(0, session:await_end())
    end)
end)
