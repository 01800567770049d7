-- SPDX-License-Identifier: Apache-2.0
-- Child processes: started with their output in files, waited for with a deadline, ended by their id.

local cjson = require("cjson")
local text = require("support.text")

local process = {}
local child = {}
child.__index = child

local launcher = (os.getenv("EKSGATE_ROOT") or ".") .. "/tests/support/launch"
local started = 0

--- The command line that sets and removes variables and changes the folder before the program runs.
local function with_surroundings(arguments, options)
    local words = { "env" }
    if options.folder then
        table.insert(words, "--chdir=" .. options.folder)
    end
    for name, value in pairs(options.environment or {}) do
        if not value then
            table.insert(words, 2, "-u")
            table.insert(words, 3, name)
        end
    end
    for name, value in pairs(options.environment or {}) do
        if value then
            words[#words + 1] = name .. "=" .. value
        end
    end
    return table.move(arguments, 1, #arguments, #words + 1, words)
end

--- Starts `arguments` (program first). Options: stdout and stderr (files, appended to), stdin (file), environment (false
--- takes a variable away), folder (to run in), state (folder for the launcher's own files).
function process.start(arguments, options)
    started = started + 1
    local name = options.state .. "/process-" .. started
    local words = with_surroundings(arguments, options)
    assert(text.shell(launcher, name, options.stdin or "/dev/null", options.stdout, options.stderr, table.unpack(words)))
    local pid = text.wait_for(function()
        return tonumber(text.read_file(name .. ".pid") or "")
    end)
    return setmetatable({ pid = assert(pid, "the launcher did not start"), name = name }, child)
end

--- The exit code, 128 and the signal's number when one ended it; nil while it runs.
function child:poll()
    self.code = self.code or tonumber(text.read_file(self.name .. ".exit") or "")
    return self.code
end

--- Waits for the end; nil when it still runs after `seconds`.
function child:wait(seconds)
    return text.wait_for(function()
        return self:poll()
    end, seconds or 10)
end

--- Sends a signal by name: "TERM", "HUP".
function child:signal(name)
    if not self:poll() then
        text.shell("kill", "-" .. name, self.pid)
    end
end

--- Ends it at once, whatever it does.
function child:kill()
    self:signal("KILL")
    return self:wait(10)
end

--- Runs to the end and returns exit code, stdout, stderr. Options as process.start, and seconds, input (stdin's bytes).
function process.run(arguments, options)
    options = options or {}
    local folder = text.make_folder()
    if options.input then
        text.write_file(folder .. "/stdin", options.input)
    end
    local one = process.start(arguments, {
        stdout = folder .. "/stdout", stderr = folder .. "/stderr", stdin = options.input and folder .. "/stdin",
        environment = options.environment, folder = options.folder, state = folder,
    })
    local code = one:wait(options.seconds or 20)
    if not code then
        one:kill()
    end
    local out, err = text.read_file(folder .. "/stdout"), text.read_file(folder .. "/stderr")
    text.remove_folder(folder)
    return code or "still running", out or "", err or ""
end

--- Starts a Python program of tests/support that prints a line of JSON once it is there; gives that as a table of the class
-- `class`, with `process` and `folder`.
-- @param words its arguments: a list, or a function from its folder to one
function process.start_stub(program, class, words)
    local folder = text.make_folder()
    local arguments = { "python3", "-B", (os.getenv("EKSGATE_ROOT") or ".") .. "/tests/support/" .. program }
    words = type(words) == "function" and words(folder) or words or {}
    table.move(words, 1, #words, #arguments + 1, arguments)
    local one = process.start(arguments, { stdout = folder .. "/stdout", stderr = folder .. "/stderr", state = folder })
    local line = text.wait_for(function()
        return (text.read_file(folder .. "/stdout") or ""):match("[^\n]*\n")
    end, 20)
    if not line then
        one:kill()
        error(program .. " did not start:\n" .. (text.read_file(folder .. "/stderr") or ""))
    end
    local self = setmetatable(cjson.decode(line), class)
    self.process, self.folder = one, folder
    return self
end

--- Ends it; what speaks to its address from then on is refused.
function process.stop_stub(stub)
    stub.process:kill()
    text.remove_folder(stub.folder)
end

return process
