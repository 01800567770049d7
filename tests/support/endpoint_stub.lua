-- SPDX-License-Identifier: Apache-2.0
-- Starts endpoint_stub.py, a service that policies ask.
--
--     local stub = endpoint_stub.start({ pair, ... })   -- of tls.lua's authority:make, for listeners with TLS
--     ... stub.plain, stub.tls[1]: URLs
--     stub:seen()    -- { requests = { "GET /x", ... }, connections = 2, waiting = 0 }
--     stub:stop()

local cjson = require("cjson")
local http = require("support.http")
local process = require("support.process")
local text = require("support.text")

local endpoint_stub = {}
local stub = {}
stub.__index = stub

local program = (os.getenv("EKSGATE_ROOT") or ".") .. "/tests/support/endpoint_stub.py"

function endpoint_stub.start(pairs_of_files)
    local folder = text.make_folder()
    local words = { "python3", "-B", program }
    for _, pair in ipairs(pairs_of_files or {}) do
        table.move({ pair.certificate, pair.key }, 1, 2, #words + 1, words)
    end
    local one = process.start(words, { stdout = folder .. "/stdout", stderr = folder .. "/stderr", state = folder })
    local line = text.wait_for(function()
        return (text.read_file(folder .. "/stdout") or ""):match("[^\n]*\n")
    end, 20)
    if not line then
        one:kill()
        error("the endpoint did not start:\n" .. (text.read_file(folder .. "/stderr") or ""))
    end
    local self = setmetatable(cjson.decode(line), stub)
    self.process, self.folder = one, folder
    return self
end

--- What reached it so far, and how many requests wait now (this one not counted).
function stub:seen()
    local seen = cjson.decode(http.get(self.plain, "/_log").body)
    seen.waiting = seen.waiting - 1
    return seen
end

function stub:stop()
    self.process:kill()
    text.remove_folder(self.folder)
end

return endpoint_stub
