-- SPDX-License-Identifier: Apache-2.0
--- What an authorize hook may answer. No answer (nil) means: no opinion.
-- One deny or throttle refuses the request, whatever other policies say.
-- @module eksgate.verdict

---@class eksgate.verdict
local verdict = {}

local function check_reason(what, reason)
    if type(reason) ~= "string" or reason == "" then
        error(what .. " needs a reason: a text that tells the caller why", 3)
    end
end

--- Lets the request go on. Needed only where default_verdict is "deny".
function verdict.allow()
    return { verdict = "allow" }
end

--- Refuses the request with 403 AccessDeniedException.
-- @param reason text for the caller, at most 512 bytes
function verdict.deny(reason)
    check_reason("deny", reason)
    return { verdict = "deny", reason = reason }
end

--- Refuses the request for now, with 429 TooManyRequestsException and Retry-After.
-- @param seconds when it may be tried again: more than 0, at most 86400
-- @param reason text for the caller, at most 512 bytes
function verdict.throttle(seconds, reason)
    if type(seconds) ~= "number" or not (seconds > 0 and seconds <= 86400) then
        error("throttle needs a number of seconds, more than 0 and at most 86400", 2)
    end
    check_reason("throttle", reason)
    return { verdict = "throttle", seconds = seconds, reason = reason }
end

return verdict
