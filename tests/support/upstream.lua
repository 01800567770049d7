-- SPDX-License-Identifier: Apache-2.0
-- Two gateways, one behind the other: `back` answers by itself and verifies what reaches it, `front` forwards to it.
--
--     local pair = upstream.pair({ front = { policies = { ... } } })
--     local reply = pair.front:create({ ... })
--     pair:stop()
--
-- Callers sign for `front` with keys that `back` knows too, unless `credentials` says who signs.

local cjson = require("cjson")
local gateway = require("support.gateway")
local text = require("support.text")

local upstream = {}
local pair = {}
pair.__index = pair

local function with_settings(options, settings)
    local all = {}
    for name, value in pairs(options or {}) do
        all[name] = value
    end
    all.settings = settings
    for name, value in pairs(options and options.settings or {}) do
        all.settings[name] = value
    end
    return all
end

--- Options of gateway.start for a gateway that forwards to `endpoint`; `options.settings` are laid over, and
-- `options.upstream` over the table of that name.
function upstream.front(endpoint, options)
    local settings = {
        access_entries = "upstream", clusters = gateway.none, store = gateway.none,
        upstream = { endpoint = endpoint, credentials = "caller" },
    }
    for name, value in pairs(options and options.upstream or {}) do
        settings.upstream[name] = value
    end
    return with_settings(options, settings)
end

function upstream.pair(options)
    options = options or {}
    local self = setmetatable({}, pair)
    self.back = gateway.start(with_settings(options.back, { audit = { file = "audit.jsonl", record = "all" } }))
    self.front = gateway.start(upstream.front(self.back.address, options.front))
    return self
end

--- Options of gateway.start for a gateway that lets callers' own requests pass to `endpoint` (127.0.0.1:PORT), whose
-- name is eks.REGION.example. Nobody's key is known there.
function upstream.passing(endpoint, options)
    local port = endpoint:match("(%d+)$")
    return with_settings(options, {
        auth = "upstream", access_entries = "upstream", clusters = gateway.none, store = gateway.none, keys = gateway.none,
        account = gateway.none,
        upstream = { endpoint = "http://eks.{region}.example:" .. port, connect = "127.0.0.1:" .. port },
    })
end

--- The name that callers of such a gateway sign for.
function upstream.host(endpoint, region)
    return ("eks.%s.example:%s"):format(region or gateway.region, endpoint:match("(%d+)$"))
end

--- As upstream.pair, but what callers have signed passes through `front`. Both know the name that is signed for.
function upstream.passing_pair(options)
    options = options or {}
    local self = setmetatable({}, pair)
    self.back = gateway.start(with_settings(options.back, { audit = { file = "audit.jsonl", record = "all" } }))
    self.front = gateway.start(upstream.passing(self.back.address, options.front))
    self.front.host = upstream.host(self.back.address)
    return self
end

function pair:stop()
    self.front:stop()
    self.back:stop()
end

--- The records that a gateway has written, decoded; waits until there are `count` of them that `wanted` takes.
function upstream.records(gw, count, wanted)
    return text.wait_for(function()
        local found = {}
        for line in (text.read_file(gw.audit_file) or ""):gmatch("[^\n]+") do
            local record = cjson.decode(line)
            if not wanted or wanted(record) then
                found[#found + 1] = record
            end
        end
        return #found >= count and found or nil
    end, 10)
end

--- What eksgate itself says in a record.
function upstream.said(record)
    return record.additionalEventData and record.additionalEventData.eksgate or {}
end

return upstream
