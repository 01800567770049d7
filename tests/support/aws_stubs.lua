-- SPDX-License-Identifier: Apache-2.0
-- Starts aws_stubs.py and speaks to it.
--
--     local stubs = aws_stubs.start()
--     stubs:set({ web_token = "..." })
--     ... stubs.sts, stubs.container, stubs.imds: URLs
--     stubs:log().exchanges
--     stubs:stop()

local cjson = require("cjson")
local http = require("support.http")
local process = require("support.process")

local aws_stubs = {}
local stubs = {}
stubs.__index = stubs

--- Options: certificate and key (files), with which STS speaks TLS.
function aws_stubs.start(options)
    local words = options and options.certificate and { "--certificate", options.certificate, "--key", options.key }
    return process.start_stub("aws_stubs.py", stubs, words)
end

local function control(self, method, target, body)
    local reply = http.exchange(self.control, http.format({
        method = method, target = target, body = body, headers = {
            { "Host", http.host_of(self.control) }, { "Content-Type", "application/json" },
        },
    }), { seconds = 20 })
    assert(reply.status == 200, "the stubs answered " .. tostring(reply.status))
    return cjson.decode(reply.body)
end

--- Lays `state` over the stubs' state, and begins a new log.
function stubs:set(state)
    control(self, "PUT", "/state", cjson.encode(state))
end

--- Exchanges since the last set, and how many keys were issued so far.
function stubs:log()
    return control(self, "GET", "/log")
end

--- "who method path status" of each exchange.
function stubs:lines()
    local lines = {}
    for _, exchange in ipairs(self:log().exchanges) do
        lines[#lines + 1] = string.format("%s %s %s %d%s", exchange.who, exchange.method, exchange.path, exchange.status,
            exchange.problem and " " .. exchange.problem or "")
    end
    return lines
end

stubs.stop = process.stop_stub

return aws_stubs
