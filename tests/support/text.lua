-- SPDX-License-Identifier: Apache-2.0
-- Small things that several modules need: files, waiting, escaping.

local lfs = require("lfs")
local system = require("system")

local text = {}

--- Seconds that only move forward.
text.now = system.monotime
--- Seconds since 1970, with their fraction.
text.wall = system.gettime

-- A sanitizer's build is several times slower; deadlines only bound how long a failure takes to show.
local preset = os.getenv("EKSGATE_PRESET") or "release"
text.patience = (preset == "release" or preset == "debug") and 1 or 4

--- Asks `question` until it answers something true, and returns that; nil once `seconds` have passed.
function text.wait_for(question, seconds)
    local deadline = text.now() + (seconds or 5) * text.patience
    while true do
        local answer = question()
        if answer then
            return answer
        end
        if text.now() > deadline then
            return nil
        end
        system.sleep(0.003)
    end
end

--- One argument of a shell's command line.
function text.quote(argument)
    return "'" .. tostring(argument):gsub("'", "'\\''") .. "'"
end

--- Runs a shell's command line; true when it ended with 0.
function text.shell(...)
    local words = { ... }
    for i, word in ipairs(words) do
        words[i] = text.quote(word)
    end
    return os.execute(table.concat(words, " ")) == true
end

--- The file's bytes; nil when it can't be read.
function text.read_file(path)
    local file = io.open(path, "rb")
    if not file then
        return nil
    end
    local bytes = file:read("a")
    file:close()
    return bytes
end

--- Writes a file whole, readable by its owner alone unless `mode` ("644") says otherwise.
function text.write_file(path, bytes, mode)
    local is_new = lfs.attributes(path, "mode") == nil
    local file = assert(io.open(path, "wb"))
    if mode or is_new then
        assert(text.shell("chmod", mode or "600", path))
    end
    assert(file:write(bytes))
    file:close()
end

--- Puts a file in the place of another in one step, as an editor or a deployment does.
function text.replace_file(path, bytes, mode)
    text.write_file(path .. ".new", bytes, mode)
    assert(os.rename(path .. ".new", path))
end

--- A new folder of the test's own.
function text.make_folder()
    local pipe = assert(io.popen("mktemp -d \"${TMPDIR:-/tmp}/eksgate-test-XXXXXX\""))
    local folder = pipe:read("l")
    pipe:close()
    return assert(folder, "mktemp failed")
end

--- Removes a folder that text.make_folder made, and what is in it.
function text.remove_folder(path)
    assert(path:find("/eksgate%-test%-%w+$"), "not a test's folder: " .. path)
    text.shell("rm", "-rf", "--", path)
end

--- Percent-encodes everything but the unreserved characters, as SDKs do with a path label.
function text.escape(bytes)
    return (bytes:gsub("[^A-Za-z0-9%-._~]", function(c)
        return string.format("%%%02X", c:byte())
    end))
end

--- Makes a pattern that matches `bytes` and nothing else.
function text.literal(bytes)
    return (bytes:gsub("%p", "%%%0"))
end

--- A random UUID for client request tokens and unique names.
function text.uuid()
    return (assert(text.read_file("/proc/sys/kernel/random/uuid")):gsub("\n", ""))
end

return text
