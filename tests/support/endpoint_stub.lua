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

local endpoint_stub = {}
local stub = {}
stub.__index = stub

function endpoint_stub.start(pairs_of_files)
    local words = {}
    for _, pair in ipairs(pairs_of_files or {}) do
        table.move({ pair.certificate, pair.key }, 1, 2, #words + 1, words)
    end
    return process.start_stub("endpoint_stub.py", stub, words)
end

--- What reached it so far, and how many requests wait now (this one not counted).
function stub:seen()
    local seen = cjson.decode(http.get(self.plain, "/_log").body)
    seen.waiting = seen.waiting - 1
    return seen
end

stub.stop = process.stop_stub

return endpoint_stub
