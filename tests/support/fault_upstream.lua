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
local text = require("support.text")

local fault_upstream = {}
local faults = {}
faults.__index = faults

local program = (os.getenv("EKSGATE_ROOT") or ".") .. "/tests/support/fault_upstream.py"

function fault_upstream.start()
    local folder = text.make_folder()
    local one = process.start({ "python3", program, folder }, {
        stdout = folder .. "/stdout", stderr = folder .. "/stderr", state = folder,
    })
    local line = text.wait_for(function()
        return (text.read_file(folder .. "/stdout") or ""):match("[^\n]*\n")
    end, 20)
    if not line then
        one:kill()
        error("the upstream did not start:\n" .. (text.read_file(folder .. "/stderr") or ""))
    end
    local self = setmetatable(cjson.decode(line), faults)
    self.process, self.folder = one, folder
    return self
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

function faults:stop()
    self.process:kill()
    text.remove_folder(self.folder)
end

return fault_upstream
