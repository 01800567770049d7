-- SPDX-License-Identifier: Apache-2.0
--- Limits how often each caller may ask: 429 TooManyRequestsException with Retry-After, which AWS's SDKs wait for and retry.
-- A role is one caller, whatever its sessions are called. Where eksgate verifies nobody (pass-through, auth = "none"), a
-- caller is a source address: a key that is only claimed would spend somebody else's tokens. Name it first in `policies`, so
-- that what others refuse counts, too.
--
-- To configure it, edit the lists below. The first row whose operations fit counts: `rate` tokens come in every `per` seconds,
-- up to `burst` of them wait, each request takes one.

local LIMITS = {
    { operations = { "Describe*", "List*", "GetCallerIdentity" }, rate = 1200, per = 60, burst = 300 },
    { operations = { "*" }, rate = 120, per = 60, burst = 60 },
}
local EXCEPT = {} -- patterns of callers' ARNs

local arn = require("eksgate.arn")
local counter = require("eksgate.counter")
local glob = require("eksgate.glob")
local verdict = require("eksgate.verdict")

local policy = { name = "rate-limit" }

local is_excepted = arn.any(EXCEPT)
local rules = {}
for i, limit in ipairs(LIMITS) do
    rules[i] = {
        fits = glob.any(limit.operations),
        bucket = { rate = limit.rate, per = limit.per, burst = limit.burst },
        prefix = i .. ":",
    }
end

--- Who is asking, in few bytes: names of roles and of users are unique in their account, whatever their paths are.
local function name_of(req)
    local caller = req.caller.verified and arn.parse(req.caller.arn)
    if not caller then
        return "from:" .. (req.source_ip or "?")
    end
    return caller.account .. ":" .. caller.kind .. ":" .. caller.name
end

function policy.authorize(req)
    for _, rule in ipairs(rules) do
        if rule.fits(req.operation) then
            if is_excepted(req.caller.arn) then
                return nil
            end
            local may, wait = counter.take(rule.prefix .. name_of(req), rule.bucket)
            return not may and verdict.throttle(wait, "too many requests of this caller") or nil
        end
    end
    return nil
end

return policy
