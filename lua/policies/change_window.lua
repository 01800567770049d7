-- SPDX-License-Identifier: Apache-2.0
--- Lets changes through in certain hours of the week only, and on no day of a freeze. Reading is always fine. Callers of
-- EMERGENCY change things at any time; the audit record then says outside_window.
--
-- To configure it, edit the lines below. Hours are those of a clock that is OFFSET ahead of UTC; there is no summer time.

local OFFSET = "+01:00"
local WINDOWS = { -- from is in, to isn't; a `to` before `from` is on the next day
    { days = { "mon", "tue", "wed", "thu" }, from = "08:00", to = "17:00" },
    { days = { "fri" }, from = "08:00", to = "12:00" },
}
local FREEZES = { -- first and last day
    { "2026-12-19", "2027-01-03" },
}
local REASON = "clusters are changed Mon-Thu 08:00-17:00 and Fri 08:00-12:00 (UTC+1), and not in a freeze"
local EMERGENCY = { -- patterns of callers' ARNs
    "arn:*:sts::012345678910:assumed-role/break-glass/*",
}
local READS = { "Describe*", "List*", "GetCallerIdentity" } -- patterns of operations; every other one is a change

local arn = require("eksgate.arn")
local glob = require("eksgate.glob")
local time = require("eksgate.time")
local verdict = require("eksgate.verdict")

local policy = { name = "change-window" }

local is_read = glob.any(READS)
local is_emergency = arn.any(EMERGENCY)
local windows = {}
for i, window in ipairs(WINDOWS) do
    windows[i] = time.window({ days = window.days, from = window.from, to = window.to, offset = OFFSET })
end

local function is_open(now)
    local today = time.date(now, OFFSET)
    for _, freeze in ipairs(FREEZES) do
        if today >= freeze[1] and today <= freeze[2] then
            return false
        end
    end
    for _, holds in ipairs(windows) do
        if holds(now) then
            return true
        end
    end
    return false
end

function policy.authorize(req)
    if is_read(req.operation) or is_open(req.time) or is_emergency(req.caller.arn) then
        return nil
    end
    return verdict.deny(REASON)
end

function policy.audit(record)
    if is_read(record.operation) or is_open(record.time) or not is_emergency((record.caller or {}).arn) then
        return nil
    end
    return { outside_window = true }
end

return policy
