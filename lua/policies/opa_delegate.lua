-- SPDX-License-Identifier: Apache-2.0
--- Leaves the decision to Open Policy Agent, or to any service that answers like it:
--   POST /v1/data/eksgate/allow   {"input": {"operation": "CreateAccessEntry", "principal": {...}, "input": {...}, ...}}
--   {"result": true}   or   {"result": {"allow": false, "reason": "not on a Friday"}}
-- Only true allows. Everything else refuses: false, no result, another status, a reply that isn't JSON, none in time.
-- lua/README.md says what the document holds.
--
-- To configure it, name the service in the configuration, policy = { endpoints = { opa = "http://127.0.0.1:8181/v1/data" } },
-- and edit the lines below.

local ENDPOINT = "opa" -- of policy.endpoints
local PATH = "/eksgate/allow" -- below its URL: rule allow of package eksgate
local OPERATIONS = { "*" } -- patterns of those that are asked about; '*' is any text, '?' any one byte

local glob = require("eksgate.glob")
local http = require("eksgate.http")
local verdict = require("eksgate.verdict")

local policy = { name = "opa-delegate" }

local is_asked = glob.any(OPERATIONS)

--- The service's words for the caller: they may be anything.
local function reason_of(result)
    local reason = type(result) == "table" and result.reason
    return type(reason) == "string" and reason ~= "" and reason or "the policy service refuses it"
end

function policy.authorize(req)
    if not is_asked(req.operation) then
        return nil
    end
    local reply = http.post(ENDPOINT, { path = PATH, body = { input = req } })
    local result
    if reply.status == 200 and type(reply.json) == "table" then
        result = reply.json.result
    end
    local allows = result
    if type(result) == "table" then
        allows = result.allow
    end
    if allows == true then
        return verdict.allow()
    elseif allows == false then
        return verdict.deny(reason_of(result))
    end
    return verdict.deny("the policy service has no answer to it")
end

return policy
