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
local text = require("support.text")

local aws_stubs = {}
local stubs = {}
stubs.__index = stubs

local program = (os.getenv("EKSGATE_ROOT") or ".") .. "/tests/support/aws_stubs.py"

--- Options: certificate and key (files), with which STS speaks TLS.
function aws_stubs.start(options)
    options = options or {}
    local folder = text.make_folder()
    local words = { "python3", program }
    if options.certificate then
        table.move({ "--certificate", options.certificate, "--key", options.key }, 1, 4, #words + 1, words)
    end
    local one = process.start(words, { stdout = folder .. "/stdout", stderr = folder .. "/stderr", state = folder })
    local line = text.wait_for(function()
        return (text.read_file(folder .. "/stdout") or ""):match("[^\n]*\n")
    end, 20)
    if not line then
        one:kill()
        error("the stubs did not start:\n" .. (text.read_file(folder .. "/stderr") or ""))
    end
    local self = setmetatable(cjson.decode(line), stubs)
    self.process, self.folder = one, folder
    return self
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

function stubs:stop()
    self.process:kill()
    text.remove_folder(self.folder)
end

return aws_stubs
