-- SPDX-License-Identifier: Apache-2.0
-- Starts cluster_stub.py, an upstream that has clusters and no access entries, and speaks to it.
--
--     local stub = cluster_stub.start()
--     stub:make("my-cluster"); stub:forget("my-cluster")
--     stub:set({ fail = { status = 503 } })
--     local lines = stub:requests("^GET /clusters/")
--     stub:stop()
--
-- cluster_stub.start("entries_stub.py") starts one that has access entries, and knows set, clear, requests and at_once.

local cjson = require("cjson")
local gateway = require("support.gateway")
local http = require("support.http")
local process = require("support.process")

local cluster_stub = {}
local stub = {}
stub.__index = stub

--- The account that the stub has for keys of which it was told nothing; moto's.
cluster_stub.account = "123456789012"

function cluster_stub.start(program)
    return process.start_stub(program or "cluster_stub.py", stub)
end

local function control(self, method, target, value)
    local reply = http.exchange(self.control, http.format({
        method = method, target = target, body = value and cjson.encode(value), headers = {
            { "Host", http.host_of(self.control) }, { "Content-Type", "application/json" },
        },
    }), { seconds = 20 })
    assert(reply.status == 200, "the stub answered " .. tostring(reply.status))
    return cjson.decode(reply.body)
end

--- Lays `state` over the stub's state, and begins a new log.
function stub:set(state)
    control(self, "PUT", "/state", state)
end

--- Begins a new log.
function stub:clear()
    control(self, "PUT", "/state", cjson.decode("{}"))
end

--- Makes a cluster, in the place of one that is there; for the account of `key`.
function stub:make(name, key)
    control(self, "PUT", "/clusters", { key = (key or gateway.key).id, region = gateway.region, name = name })
end

function stub:forget(name, key)
    control(self, "POST", "/forget", { key = (key or gateway.key).id, region = gateway.region, name = name })
end

--- "METHOD PATH KEY BODY" of the requests since the last set or clear that match.
function stub:requests(pattern)
    local found = {}
    for _, line in ipairs(control(self, "GET", "/log").requests) do
        if line:find(pattern) then
            found[#found + 1] = line
        end
    end
    return found
end

--- The most requests that were under way together since the last set or clear.
function stub:at_once()
    return control(self, "GET", "/log").at_once
end

stub.stop = process.stop_stub

return cluster_stub
