-- SPDX-License-Identifier: Apache-2.0
--- Counting, for limits on how often something may happen. Counters belong to the policy and are shared by all workers.
-- In eksgate this module is part of the program: 65,536 counters in all, and a policy that needs one more is refused. This
-- file stands in for it where policies run without eksgate (plain busted); the time is that of eksgate.time there.
-- @module eksgate.counter

local time = require("eksgate.time")

---@class eksgate.counter
local counter = {}

local PER_MAX, AMOUNT_MAX, RATE_MAX, WAIT_MAX = 2678400, 1000000000, 1000000, 86400

local windows, buckets = {}, {}

--- Only here, for specs under plain busted: forgets everything.
function counter.reset()
    windows, buckets = {}, {}
end

local function check(what, key, options, names)
    if type(key) ~= "string" then
        error(("%s: the key must be a text, not a %s"):format(what, type(key)), 0)
    end
    if #key < 1 or #key > 128 then
        error(("%s: the key must have 1 to 128 bytes"):format(what), 0)
    end
    if type(options) ~= "table" then
        error(("%s: the second argument must be a table such as { per = 60 }"):format(what), 0)
    end
    for name in pairs(options) do
        if not names[name] then
            error(("%s: there is no '%s'"):format(what, tostring(name)), 0)
        end
    end
end

local function whole(what, options, name, range, absent)
    local value = options[name]
    if value == nil then
        value = absent
    end
    value = math.type(value) and math.tointeger(value)
    if not value or value < range[1] or value > range[2] then
        error(("%s: '%s' must be a whole number from %d to %d"):format(what, name, range[1], range[2]), 0)
    end
    return value
end

--- Adds to what was counted in this window of time and returns the total, and the seconds until the window ends (at most
-- 86,400). Windows begin at multiples of their length: of 60 at each full minute.
-- @param key a text of 1 to 128 bytes; with another `per` it is another counter
-- @param options per: the window's length in seconds, up to 31 days; amount: what to add (nil: 1; 0 only looks)
function counter.add(key, options)
    local what = "counter.add"
    check(what, key, options, { per = true, amount = true })
    local now = time.now()
    local per = whole(what, options, "per", { 1, PER_MAX })
    local amount = whole(what, options, "amount", { 0, AMOUNT_MAX }, 1)
    local id = per .. "/" .. key
    local window = windows[id]
    if not window or window.since + per <= now or window.since - per > now then
        window = { since = now - now % per, total = 0 }
        windows[id] = window
    end
    window.total = window.total + amount
    return window.total, math.min(per - now % per, WAIT_MAX)
end

--- Takes tokens out of a bucket: true and 0, or, when there are too few, false and the seconds after which there will be
-- enough (at most 86,400). A bucket begins full.
-- @param key a text of 1 to 128 bytes; with another `per` it is another bucket
-- @param options rate: tokens that come in every `per` seconds; burst: the most that wait (nil: rate); amount: how many to
-- take (nil: 1)
function counter.take(key, options)
    local what = "counter.take"
    check(what, key, options, { rate = true, per = true, burst = true, amount = true })
    local now = time.now()
    local rate = whole(what, options, "rate", { 1, RATE_MAX })
    local per = whole(what, options, "per", { 1, PER_MAX })
    local burst = whole(what, options, "burst", { 1, RATE_MAX }, rate)
    local amount = whole(what, options, "amount", { 1, burst }, 1)
    local id = per .. "/" .. key
    local bucket = buckets[id] or { level = burst * per, since = now }
    if now > bucket.since or now < bucket.since - per then
        bucket.level = bucket.level + math.max(0, now - bucket.since) * rate
        bucket.since = now
    end
    bucket.level = math.min(bucket.level, burst * per)
    buckets[id] = bucket
    if bucket.level >= amount * per then
        bucket.level = bucket.level - amount * per
        return true, 0
    end
    local missing = amount * per - bucket.level
    return false, math.min((missing + rate - 1) // rate, WAIT_MAX)
end

return counter
