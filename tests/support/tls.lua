-- SPDX-License-Identifier: Apache-2.0
-- Certificates that a test makes for itself, and `openssl s_client` as a client that stays connected.
--
--     local authority = tls.authority(folder, "ca")                 -- authority.file: what clients trust
--     local pair = authority:make("server", { names = { "127.0.0.1", "gate.example" } })   -- pair.certificate, pair.key
--     local session = tls.connect(gw.address, { "-CAfile", authority.file })
--     session:send(bytes)
--     session:await("HTTP/1.1 200 OK")
--     session:close()

local altname = require("openssl.x509.altname")
local bignum = require("openssl.bignum")
local extension = require("openssl.x509.extension")
local pkey = require("openssl.pkey")
local x509 = require("openssl.x509")
local x509_name = require("openssl.x509.name")
local process = require("support.process")
local text = require("support.text")

local tls = {}
local authority = {}
authority.__index = authority
local session = {}
session.__index = session

local serial = 0
local fifos = 0

local function new_certificate(subject, key, from, to)
    local certificate = x509.new()
    local name = x509_name.new()
    serial = serial + 1
    for _, part in ipairs(subject) do
        name:add(part[1], part[2])
    end
    certificate:setVersion(3)
    certificate:setSerial(bignum.new(serial))
    certificate:setSubject(name)
    certificate:setPublicKey(key)
    certificate:setLifetime(os.time() + from, os.time() + to)
    return certificate
end

--- An authority; `name`.crt in the folder is what its clients trust.
function tls.authority(folder, name)
    local key = pkey.new({ type = "EC", curve = "prime256v1" })
    local certificate = new_certificate({ { "CN", name } }, key, -60, 86400)
    certificate:setIssuer(certificate:getSubject())
    certificate:setBasicConstraints({ CA = true })
    certificate:setBasicConstraintsCritical(true)
    certificate:addExtension(extension.new("subjectKeyIdentifier", "hash", { subject = certificate }))
    certificate:sign(key)
    local self = setmetatable({ folder = folder, key = key, certificate = certificate, file = folder .. "/" .. name .. ".crt" },
        authority)
    text.write_file(self.file, tostring(certificate))
    return self
end

--- A certificate and its key as PEM text. Options: names (DNS names and addresses for the SAN), subject (list of {"O",
--- "Example"}), from and to (seconds from now).
function authority:sign(name, options)
    options = options or {}
    local key = pkey.new({ type = "EC", curve = "prime256v1" })
    local certificate = new_certificate(options.subject or { { "CN", name } }, key, options.from or -60, options.to or 3600)
    certificate:setIssuer(self.certificate:getSubject())
    if options.names then
        local names = altname.new()
        for _, one in ipairs(options.names) do
            names:add(one:find("^[%d.]+$") and "IP" or "DNS", one)
        end
        certificate:setSubjectAlt(names)
    end
    certificate:sign(self.key)
    return tostring(certificate), key:toPEM("private")
end

--- The same in files of the folder: { certificate = PATH, key = PATH }. What is there already is replaced.
function authority:make(name, options)
    local certificate, key = self:sign(name, options)
    local pair = { certificate = self.folder .. "/" .. name .. ".crt", key = self.folder .. "/" .. name .. ".key" }
    text.replace_file(pair.certificate, certificate)
    text.replace_file(pair.key, key)
    return pair
end

local function host_and_port(address)
    return (address:gsub("^%a+://", ""))
end

--- Runs s_client to its end with `input`; exit code and all that it printed.
function tls.run(address, arguments, input)
    local words = { "openssl", "s_client", "-connect", host_and_port(address), table.unpack(arguments) }
    local code, out, err = process.run(words, { input = input or "", seconds = 20 })
    return code, out .. err
end

--- A client that stays connected: what is sent goes through TLS as it is, what comes back is kept.
function tls.connect(address, folder, arguments)
    fifos = fifos + 1
    local self = setmetatable({ out = string.format("%s/s_client-%d.out", folder, fifos), read = 0 }, session)
    local fifo = string.format("%s/s_client-%d.in", folder, fifos)
    assert(text.shell("mkfifo", fifo))
    self.input = assert(io.open(fifo, "r+"))
    self.input:setvbuf("no")
    self.process = process.start(
        { "openssl", "s_client", "-quiet", "-verify_return_error", "-connect", host_and_port(address), table.unpack(arguments or {}) },
        { stdin = fifo, stdout = self.out, stderr = self.out .. ".err", state = folder })
    return self
end

function session:send(bytes)
    self.input:write(bytes)
end

--- All that came so far.
function session:received()
    return text.read_file(self.out) or ""
end

--- What came since the last call, once it holds `pattern`; raises when it doesn't come.
function session:await(pattern)
    local found = text.wait_for(function()
        local fresh = self:received():sub(self.read + 1)
        return fresh:find(pattern) and fresh
    end)
    if not found then
        error(("'%s' never came; what came: %s\n%s"):format(pattern, self:received(), text.read_file(self.out .. ".err") or ""), 2)
    end
    self.read = self.read + #found
    return found
end

--- Waits for the server to close; the exit code.
function session:await_end()
    return self.process:wait(20)
end

--- Ends the client at once, without close_notify.
function session:kill()
    self.process:kill()
    self.input:close()
end

return tls
