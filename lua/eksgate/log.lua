-- SPDX-License-Identifier: Apache-2.0
--- Lines in eksgate's log, with the policy's name: 512 bytes each, 16 for one request.
-- In eksgate this module is part of the program. This file stands in for it where policies run without eksgate (plain
-- busted); it keeps the lines in log.lines.
-- @module eksgate.log

---@class eksgate.log
local log = {}

--- Only here, for specs under plain busted: what was written, as { level = "info", text = "..." }.
log.lines = {}

local function write(level, ...)
    local parts = table.pack(...)
    for i = 1, parts.n do
        parts[i] = tostring(parts[i])
    end
    log.lines[#log.lines + 1] = { level = level, text = table.concat(parts, " "):sub(1, 512) }
end

--- Writes a line: the values as tostring gives them, with blanks between them.
function log.info(...)
    write("info", ...)
end

--- The same, as a warning.
function log.warn(...)
    write("warn", ...)
end

--- The same, as an error.
function log.error(...)
    write("error", ...)
end

return log
