-- SPDX-License-Identifier: Apache-2.0
-- A certificate for a server under test, made while it runs; whoever trusts it trusts itself.

local altname = require("openssl.x509.altname")
local bignum = require("openssl.bignum")
local extension = require("openssl.x509.extension")
local name = require("openssl.x509.name")
local pkey = require("openssl.pkey")
local x509 = require("openssl.x509")
local text = require("support.text")

local certificates = {}

--- Writes certificate.pem and key.pem for an IP address into the folder; good for a day.
function certificates.write(folder, address)
    local key = pkey.new({ type = "EC", curve = "prime256v1" })
    local subject = name.new()
    local names = altname.new()
    local certificate = x509.new()
    subject:add("CN", "eksgate test " .. address)
    names:add("IP", address)
    certificate:setVersion(3)
    certificate:setSerial(bignum.new(1))
    certificate:setSubject(subject)
    certificate:setIssuer(subject)
    certificate:setSubjectAlt(names)
    certificate:addExtension(extension.new("basicConstraints", "critical,CA:TRUE"))
    certificate:setLifetime(os.time() - 60, os.time() + 86400)
    certificate:setPublicKey(key)
    certificate:sign(key, "sha256")
    text.write_file(folder .. "/certificate.pem", certificate:toPEM())
    text.write_file(folder .. "/key.pem", key:toPEM("private"), "600")
end

return certificates
