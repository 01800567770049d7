-- SPDX-License-Identifier: Apache-2.0
-- Starts fault_upstream.py and asks it what reached it.
--
--     local faults = fault_upstream.start()
--     ... faults.plain, faults.good, faults.expired, ...: URLs; faults.ca: a file
--     faults:seen("cut-3")   -- the requests for that cluster
--     faults:stop()

local cjson = require("cjson")
local http = require("support.http")
local process = require("support.process")

local fault_upstream = {}
local faults = {}
faults.__index = faults

function fault_upstream.start()
    return process.start_stub("fault_upstream.py", faults, function(folder)
        return { folder }
    end)
end

--- The length of the reply that stall-N and cut-N cut up, for N of two digits.
function faults:reply_length()
    return tonumber(http.get(self.plain, "/_reply").body)
end

--- All requests for a cluster so far, or for all clusters.
function faults:seen(cluster)
    local found = {}
    for _, request in ipairs(cjson.decode(http.get(self.plain, "/_log").body)) do
        if not cluster or request.cluster == cluster then
            found[#found + 1] = request
        end
    end
    return found
end

faults.stop = process.stop_stub

return fault_upstream
