-- SPDX-License-Identifier: Apache-2.0
--- Instants and weekly windows; an instant is whole seconds since 1970.
-- In eksgate this module is part of the program, and "now" is when the request came. This file stands in for it where
-- policies run without eksgate (plain busted); there, set() says what now is.
-- @module eksgate.time

---@class eksgate.time
local time = {}

local DAY = 86400
local LAST = 253402300799 -- 9999-12-31T23:59:59Z
local NAMES = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" }
local OFFSET_WRONG = '%s: an offset must be like "+02:00", "-09:30" or "Z"'
local DAYS_WRONG = "%s: 'days' must be a list of mon, tue, wed, thu, fri, sat and sun"

local present

--- Only here, for specs under plain busted: what now() answers from now on; nil: nothing again.
function time.set(seconds)
    present = seconds
end

local function raise(format, ...)
    error(format:format(...), 0)
end

local function now(what)
    if not present then
        raise("%s: no request is being handled (call it in a hook; under plain busted, time.set() says when it is)", what)
    end
    return present
end

local function check_instant(seconds, what)
    if seconds == nil then
        return now(what)
    end
    if math.type(seconds) == nil or math.tointeger(seconds) == nil or seconds < 0 or seconds > LAST then
        raise("%s: an instant must be whole seconds since 1970, up to the year 9999", what)
    end
    return math.tointeger(seconds)
end

local function read_clock(text, hours_max)
    local hour, minute = text:match("^(%d%d):(%d%d)$")
    if not hour or tonumber(hour) > hours_max or tonumber(minute) > 59 then
        return nil
    end
    return tonumber(hour) * 60 + tonumber(minute)
end

local function read_offset(text, what)
    if text == nil or text == "Z" then
        return 0
    end
    local sign, clock
    if type(text) == "string" then
        sign, clock = text:match("^([+-])(.+)$")
    end
    local minutes = clock and read_clock(clock, 23)
    if not minutes then
        raise(OFFSET_WRONG, what)
    end
    return (sign == "-" and -60 or 60) * minutes
end

local function check_local(seconds, offset, what)
    local value = check_instant(seconds, what) + read_offset(offset, what)
    return math.max(0, math.min(LAST, value))
end

local function weekday_of(value)
    return (value // DAY + 3) % 7
end

-- Days since 1970 to a date, and back, in eras of 400 years that begin in March.
local function split_date(days)
    local shifted = days + 719468
    local era = shifted // 146097
    local day = shifted % 146097
    local year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    local rest = day - (365 * year + year // 4 - year // 100)
    local month = (5 * rest + 2) // 153
    local civil = month < 10 and month + 3 or month - 9
    return year + era * 400 + (civil <= 2 and 1 or 0), civil, rest - (153 * month + 2) // 5 + 1
end

local function join_date(year, month, day)
    local y = month <= 2 and year - 1 or year
    local of_era = y % 400
    local shifted = month > 2 and month - 3 or month + 9
    return y // 400 * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + (153 * shifted + 2) // 5 + day - 1 - 719468
end

--- When the request came.
function time.now()
    return now("time.now")
end

local function zone_of(zone)
    if zone == "Z" then
        return 0
    end
    local sign, clock = zone:match("^([+-])(%d%d:%d%d)$")
    local minutes = clock and read_clock(clock, 23)
    return minutes and (sign == "-" and -60 or 60) * minutes
end

local function is_date(year, month, day)
    if year < 1970 or month < 1 or month > 12 or day < 1 then
        return false
    end
    local y, m, d = split_date(join_date(year, month, day))
    return y == year and m == month and d == day
end

local DATE_TIME = "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)(.*)$"

--- The instant that RFC 3339 text says ("2026-11-26T16:00:00Z", "2026-11-26T18:00:00+02:00"; fractions are dropped), nil
-- when it is no such text.
function time.parse(text)
    local year, month, day, hour, minute, second, rest
    if type(text) == "string" then
        year, month, day, hour, minute, second, rest = text:match(DATE_TIME)
    end
    if not year then
        return nil
    end
    local fraction, zone = rest:match("^%.(%d+)(.*)$")
    local offset = (not fraction or #fraction <= 9) and zone_of(zone or rest)
    year, month, day = tonumber(year), tonumber(month), tonumber(day)
    if not offset or not is_date(year, month, day) or tonumber(second) > 59 or not read_clock(hour .. ":" .. minute, 23) then
        return nil
    end
    local value = join_date(year, month, day) * DAY + read_clock(hour .. ":" .. minute, 23) * 60 + tonumber(second)
    value = value - offset
    return value >= 0 and value <= LAST and value or nil
end

--- An instant as RFC 3339 text; without a second argument in UTC. time.format(nil, offset) is about now.
-- @param seconds nil: now
-- @param offset "+02:00", "-09:30" or "Z"; nil: UTC
function time.format(seconds, offset)
    local shift = read_offset(offset, "time.format")
    local value = check_local(seconds, offset, "time.format")
    local year, month, day = split_date(value // DAY)
    local rest = value % DAY
    local zone = "Z"
    if shift ~= 0 then
        local minutes = math.abs(shift) // 60
        zone = ("%s%02d:%02d"):format(shift < 0 and "-" or "+", minutes // 60, minutes % 60)
    end
    return ("%04d-%02d-%02dT%02d:%02d:%02d%s"):format(year, month, day, rest // 3600, rest // 60 % 60, rest % 60, zone)
end

--- The date as text, "2026-11-26"; dates compare as texts do.
function time.date(seconds, offset)
    return ("%04d-%02d-%02d"):format(split_date(check_local(seconds, offset, "time.date") // DAY))
end

--- "mon", "tue", "wed", "thu", "fri", "sat" or "sun".
function time.weekday(seconds, offset)
    return NAMES[weekday_of(check_local(seconds, offset, "time.weekday")) + 1]
end

--- 0 to 23.
function time.hour(seconds, offset)
    return check_local(seconds, offset, "time.hour") // 3600 % 24
end

--- 0 to 59.
function time.minute(seconds, offset)
    return check_local(seconds, offset, "time.minute") // 60 % 60
end

local function read_days(days, what)
    if days == nil then
        days = NAMES
    end
    if type(days) ~= "table" or #days < 1 or #days > 7 then
        raise(DAYS_WRONG, what)
    end
    local chosen = {}
    for _, name in ipairs(days) do
        local found
        for i, known in ipairs(NAMES) do
            if known == name then
                chosen[i - 1], found = true, true
            end
        end
        if not found then
            raise(DAYS_WRONG, what)
        end
    end
    return chosen
end

local function read_edge(spec, name, absent, what)
    local text = spec[name]
    if text == nil then
        return absent
    end
    if type(text) ~= "string" then
        raise("%s: '%s' must be a text, not a %s", what, name, type(text))
    end
    local minutes = read_clock(text, 23) or (text == "24:00" and absent == 1440 and 1440)
    if not minutes then
        raise("%s: '%s' must be like \"22:00\"", what, name)
    end
    return minutes
end

local function read_window(spec, what)
    if type(spec) ~= "table" then
        raise("%s: a window is a table such as { days = { \"sat\" }, from = \"22:00\", to = \"04:00\" }", what)
    end
    for name in pairs(spec) do
        if name ~= "days" and name ~= "from" and name ~= "to" and name ~= "offset" then
            raise("%s: there is no '%s'", what, tostring(name))
        end
    end
    local days = read_days(spec.days, what)
    local from, to = read_edge(spec, "from", 0, what), read_edge(spec, "to", 1440, what)
    if spec.offset ~= nil and type(spec.offset) ~= "string" then
        raise("%s: 'offset' must be a text, not a %s", what, type(spec.offset))
    end
    if from == to then
        raise("%s: 'from' and 'to' are the same; leave both out for the whole day", what)
    end
    local shift = read_offset(spec.offset, what)
    return function(seconds)
        local value = check_instant(seconds, what) + shift + 7 * DAY
        local minute, today = value // 60 % 1440, weekday_of(value)
        if from < to then
            return days[today] == true and minute >= from and minute < to
        end
        return (days[today] == true and minute >= from) or (days[(today + 6) % 7] == true and minute < to)
    end
end

--- Prepares a weekly window: a function that takes an instant (nil: now) and answers whether the window is open.
-- Mistakes in it are found here, so call it at the top of the file.
-- @param spec days: a list of "mon" to "sun" on which it begins (nil: every day); from (counted in) and to (not), "HH:MM",
-- to earlier than from: on the next day (nil: begin and end of the day); offset: "+02:00" (nil: UTC)
function time.window(spec)
    return read_window(spec, "time.window")
end

--- True when the instant (nil: now) lies in the window.
function time.within(spec, seconds)
    return read_window(spec, "time.within")(seconds)
end

return time
