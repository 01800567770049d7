-- SPDX-License-Identifier: Apache-2.0
-- Starts the program under test with a configuration of the test's own, in a folder of its own, on ports that the
-- kernel chooses, and stops it by its process id.
--
--     local gw = gateway.start({ settings = { audit = { record = "all" } }, policies = { 'return { name = "p" }' } })
--     local reply = gw:create({ principalArn = "arn:aws:iam::012345678910:role/r" })
--     gw:stop()
--
-- Options of start: settings (laid over the defaults below; gateway.none takes one away), policies (list of source
-- text), keys (list of key objects), arguments (further ones after the configuration), environment, folder (an earlier one,
-- kept), wrapper (words before the program's), command (words in place of the program and its arguments; what they start
-- prints the ready line).

local cjson = require("cjson")
local lfs = require("lfs")
local http = require("support.http")
local process = require("support.process")
local sigv4 = require("support.sigv4")
local text = require("support.text")

local gateway = {}
local running = {}
local instance = {}
instance.__index = instance

gateway.program = os.getenv("EKSGATE") or "build/release/eksgate"
gateway.root = os.getenv("EKSGATE_ROOT") or lfs.currentdir()

--- Takes a default setting away.
gateway.none = setmetatable({}, { __name = "none" })

gateway.account = "012345678910"
gateway.region = "us-west-2"
--- The store of gateways under test: the default one, on disk. EKSGATE_STORE would be a setting, hence the other name.
gateway.driver = os.getenv("GW_TEST_STORE") or "sqlite"
gateway.cluster = "my-cluster"

--- The key that requests are signed with unless they name another.
gateway.key = {
    id = "AKIAEKSGATETEST00001",
    secret = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgb25seSB0aGVy",
    arn = "arn:aws:iam::012345678910:user/tester",
}

--- A key object of a key file.
function gateway.key_object(key)
    return {
        AccessKeyId = key.id, SecretAccessKey = key.secret, SessionToken = key.token, Expiration = key.expiration,
        Arn = key.arn, Tags = key.tags, Disabled = key.disabled,
    }
end

--- A key file's text.
function gateway.key_file(keys)
    local objects = {}
    for i, key in ipairs(keys) do
        objects[i] = gateway.key_object(key)
    end
    return cjson.encode({ Version = 1, Keys = objects }) .. "\n"
end

local function serialize(value, out)
    if type(value) == "table" then
        out[#out + 1] = "{"
        for _, member in ipairs(value) do
            serialize(member, out)
            out[#out + 1] = ", "
        end
        for name, member in pairs(value) do
            if type(name) == "string" then
                out[#out + 1] = string.format("[%q] = ", name)
                serialize(member, out)
                out[#out + 1] = ", "
            end
        end
        out[#out + 1] = "}"
    else
        out[#out + 1] = string.format("%q", value)
    end
end

--- Lua source that returns `settings`.
function gateway.serialize(settings)
    local out = { "return " }
    serialize(settings, out)
    out[#out + 1] = "\n"
    return table.concat(out)
end

local function is_map(value)
    return type(value) == "table" and value ~= gateway.none and #value == 0
end

local function lay_over(below, above)
    for name, value in pairs(above) do
        if value == gateway.none then
            below[name] = nil
        elseif is_map(value) and is_map(below[name]) and name ~= "clusters" then
            lay_over(below[name], value)
        else
            below[name] = value
        end
    end
    return below
end

local function defaults(folder)
    return {
        listen = { "127.0.0.1:0" },
        workers = 1,
        data = folder,
        partition = "aws",
        region = gateway.region,
        account = gateway.account,
        keys = folder .. "/keys.json",
        store = { driver = gateway.driver },
        clusters = { [gateway.cluster] = { accessConfig = { authenticationMode = "API" } } },
        audit = { file = "audit.jsonl", durable = false },
        policy = { library = gateway.root .. "/lua" },
    }
end

--- Writes policies, keys and configuration into the folder; returns the configuration's path.
local function write_files(folder, options)
    local settings = lay_over(defaults(folder), options.settings or {})
    if options.policies then
        -- Many are there to be asked what they can't answer; the smoke test would have none of them.
        settings.policies = { smoke_test = options.smoke_test == true }
        for i, source in ipairs(options.policies) do
            settings.policies[i] = string.format("%s/policy%d.lua", folder, i)
            text.write_file(settings.policies[i], source)
        end
    end
    text.write_file(folder .. "/keys.json", gateway.key_file(options.keys or { gateway.key }))
    text.write_file(folder .. "/eksgate.lua", gateway.serialize(settings))
    return folder .. "/eksgate.lua", settings
end

--- "eksgate ready URL... admin URL|off" taken apart.
local function parse_ready(line)
    local words, listeners, named = {}, {}, {}
    for word in line:gmatch("%S+") do
        words[#words + 1] = word
    end
    assert(words[1] == "eksgate" and words[2] == "ready", "not a ready line: " .. line)
    local i = 3
    while words[i] and (words[i]:find("^https?://") or words[i]:find("^unix:")) do
        listeners[#listeners + 1] = words[i]
        i = i + 1
    end
    while words[i] do
        named[words[i]] = words[i + 1]
        i = i + 2
    end
    return listeners, named
end

local function await_ready(self)
    local function look()
        for _, path in ipairs({ self.stdout_file, self.stderr_file }) do
            local fresh = (text.read_file(path) or ""):sub(1 + self.read_before[path])
            local line = fresh:match("eksgate ready[^\n]*\n")
            if line then
                self.ready_in = path == self.stdout_file and "stdout" or "stderr"
                return line:sub(1, -2)
            end
        end
        return self.process:poll() and "ended" or nil
    end
    local line = text.wait_for(look, 10)
    if not line or line == "ended" then
        local code = self.process:poll()
        self.process:kill()
        error(string.format("the gateway did not get ready (exit %s):\n%s", tostring(code), self:stderr()), 3)
    end
    self.ready_line = line
    self.listeners, self.named = parse_ready(line)
    self.address = self.listeners[1]
    self.admin = self.named.admin ~= "off" and self.named.admin or nil
end

local function launch(self)
    local arguments = { table.unpack(self.options.wrapper or {}) }
    local command = self.command or self.options.command or { gateway.program, "serve", "-c", self.config }
    table.move(command, 1, #command, #arguments + 1, arguments)
    table.move(self.options.arguments or {}, 1, #(self.options.arguments or {}), #arguments + 1, arguments)
    self.read_before = {
        [self.stdout_file] = #(text.read_file(self.stdout_file) or ""),
        [self.stderr_file] = #(text.read_file(self.stderr_file) or ""),
    }
    self.process = process.start(arguments, {
        stdout = self.stdout_file, stderr = self.stderr_file, environment = self.options.environment,
        folder = self.options.working_folder, state = self.folder,
    })
    self.pid = self.process.pid
    running[self] = true
end

--- Prepares the folder, starts, and waits for the ready line; raises with stderr when there is none.
function gateway.start(options)
    local self = gateway.prepare(options)
    launch(self)
    await_ready(self)
    return self
end

--- The folder and its files, nothing started: for verbs that need a configuration, and for starts that shall fail.
function gateway.prepare(options)
    options = options or {}
    local folder = options.folder or text.make_folder()
    local self = setmetatable({
        options = options, folder = folder, stdout_file = folder .. "/stdout", stderr_file = folder .. "/stderr",
        audit_file = folder .. "/audit.jsonl", keys_file = folder .. "/keys.json",
    }, instance)
    self.config, self.settings = write_files(folder, options)
    self.config = options.config or self.config
    running[self] = running[self] or "prepared"
    return self
end

--- The key that requests to a mock are signed with.
gateway.mock_key = { id = "test", secret = "test", arn = "arn:aws:iam::012345678910:user/test" }

--- `eksgate mock`, not started: without a file, `settings` (a flat table, keys with dots) as --set; policies as for start.
function gateway.prepare_mock(options)
    options = options or {}
    local folder = options.folder or text.make_folder()
    local self = setmetatable({
        options = options, folder = folder, stdout_file = folder .. "/stdout", stderr_file = folder .. "/stderr",
        audit_file = folder .. "/audit.jsonl", key = gateway.mock_key,
    }, instance)
    local settings = { listen = "127.0.0.1:0", admin = "127.0.0.1:0", ["policy.library"] = gateway.root .. "/lua" }
    for i, source in ipairs(options.policies or {}) do
        local path = string.format("%s/policy%d.lua", folder, i)
        text.write_file(path, source)
        settings.policies = (settings.policies and settings.policies .. "," or "") .. path
        settings["policies.smoke_test"] = false
    end
    self.command = { gateway.program, "mock" }
    for name, value in pairs(lay_over(settings, options.settings or {})) do
        table.move({ "--set", name .. "=" .. tostring(value) }, 1, 2, #self.command + 1, self.command)
    end
    running[self] = "prepared"
    return self
end

--- Starts a mock. Requests of instance:request and its like are signed with gateway.mock_key.
function gateway.start_mock(options)
    local self = gateway.prepare_mock(options)
    launch(self)
    await_ready(self)
    return self
end

--- An order to the admin listener, as `eksgate ctl` sends it; `input` is a value for the body, or its text. The reply has
--- `json` where it is JSON.
function instance:control(method, target, input)
    local body = type(input) == "table" and cjson.encode(input) or input
    local headers = { { "Host", http.host_of(self.admin) } }
    if method ~= "GET" then
        headers[#headers + 1] = { "X-Eksgate-Admin", "1" }
    end
    if body then
        headers[#headers + 1] = { "Content-Type", "application/json" }
    elseif method ~= "GET" then
        headers[#headers + 1] = { "Content-Length", "0" }
    end
    local reply = http.exchange(self.admin, http.format({
        method = method, target = target, headers = headers, body = body,
    }), { seconds = 20 })
    if reply.header["content-type"] == "application/json" then
        reply.json = cjson.decode(reply.body)
    end
    return reply
end

--- Starts what was prepared and expects it to fail: exit code and stderr.
function instance:fail_to_start()
    launch(self)
    local code = self.process:wait(10)
    if not code then
        self.process:kill()
    end
    return code or "still running", self:stderr()
end

--- Starts what was prepared, for tests that changed something in between.
function instance:launch_and_wait()
    launch(self)
    await_ready(self)
end

--- Runs `eksgate VERB...` without a gateway: exit code, stdout, stderr.
function gateway.run(arguments, options)
    return process.run({ gateway.program, table.unpack(arguments) }, options)
end

--- Stops with SIGTERM, checks that it drained and ended with 0, removes the folder.
function instance:stop()
    local code = self:end_process()
    local log = self:stderr()
    self:forget()
    assert(code == 0, "the gateway ended with " .. tostring(code) .. ":\n" .. log)
end

--- SIGTERM and the exit code; the folder stays.
function instance:end_process()
    self.process:signal("TERM")
    local code = self.process:wait(15)
    if not code then
        self.process:kill()
        return "still running after SIGTERM"
    end
    return code
end

--- Stops, and starts again with the same folder and files.
function instance:restart()
    local code = self:end_process()
    assert(code == 0, "the gateway ended with " .. tostring(code) .. ":\n" .. self:stderr())
    launch(self)
    await_ready(self)
end

--- Ends it without asking and removes the folder.
function instance:forget()
    http.close_all()
    if self.process then
        self.process:kill()
    end
    running[self] = nil
    if not self.options.folder then
        text.remove_folder(self.folder)
    end
end

--- For after_each: ends whatever a failed test left.
function gateway.stop_all()
    http.close_all()
    for one in pairs(running) do
        one:forget()
    end
end

-- Also what a spec left that failed in its setup: when Lua ends, so do its gateways.
gateway.guard = setmetatable({}, { __gc = gateway.stop_all })

function instance:signal(name)
    self.process:signal(name)
end

function instance:stderr()
    return text.read_file(self.stderr_file) or ""
end

function instance:stdout()
    return text.read_file(self.stdout_file) or ""
end

function instance:connect()
    return assert(http.connect(self.address))
end

--- Writes over one of the folder's files in place.
function instance:write(name, bytes)
    text.write_file(self.folder .. "/" .. name, bytes)
end

--- The bytes of a signed request, for the instance's `host` where it has one. Members as sigv4.sign, and: json (a value for
--- the body), extra (headers that are added after signing), version.
function instance:format(request)
    request = setmetatable({}, { __index = request })
    request.key = request.key or self.key or gateway.key
    request.host = request.host or self.host or http.host_of(request.address or self.address)
    if request.json then
        request.body = cjson.encode(request.json)
    end
    local headers = {}
    for _, header in ipairs(request.headers or {}) do
        headers[#headers + 1] = header
    end
    if request.body and not request.bare then
        table.insert(headers, 1, { "Content-Type", "application/json" })
    end
    request.headers = headers
    local signed, details = sigv4.sign(request)
    table.move(request.extra or {}, 1, #(request.extra or {}), #signed + 1, signed)
    return http.format({
        method = request.method, target = request.target, headers = signed, body = request.body,
        version = request.version,
    }), details
end

--- Sends a signed request on a connection of its own and returns the reply; second result: what was signed.
function instance:request(request)
    local bytes, details = self:format(request)
    local reply = http.exchange(request.address or self.address, bytes, { head = request.method == "HEAD" })
    if reply and reply.header["content-type"] == "application/json" and reply.body ~= "" then
        reply.json = cjson.decode(reply.body)
    end
    return reply, details
end

--- A signed request with what it mostly is; `input` a table (made JSON) or text. `with`: further members.
function instance:send(method, target, input, with)
    return self:request(setmetatable({
        method = method, target = target, json = type(input) == "table" and input or nil,
        body = type(input) == "string" and input or nil,
    }, { __index = with }))
end

function gateway.entries_target(cluster)
    return "/clusters/" .. text.escape(cluster or gateway.cluster) .. "/access-entries"
end

function gateway.entry_target(principal, cluster)
    return gateway.entries_target(cluster) .. "/" .. text.escape(principal)
end

--- The request of CreateAccessEntry for `input` (its body). `with` may hold members of sigv4.sign and cluster.
function gateway.create_request(input, with)
    return setmetatable({
        method = "POST", target = gateway.entries_target(with and with.cluster),
        json = type(input) == "table" and input or nil, body = type(input) == "string" and input or nil,
    }, { __index = with })
end

function instance:create(input, with)
    return self:request(gateway.create_request(input, with))
end

function instance:describe(principal, with)
    return self:request(setmetatable({
        method = "GET", target = gateway.entry_target(principal, with and with.cluster),
    }, { __index = with }))
end

--- The request of STS's GetCallerIdentity. `with` may hold members of sigv4.sign; its headers replace the type.
function gateway.caller_request(with)
    return setmetatable({ bare = true }, { __index = function(_, name)
        if with and with[name] ~= nil then
            return with[name]
        end
        return ({
            method = "POST", target = "/", service = "sts", body = "Action=GetCallerIdentity&Version=2011-06-15",
            headers = { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" } },
        })[name]
    end })
end

function instance:caller(with)
    return self:request(gateway.caller_request(with))
end

local function records_of(self, wanted)
    local records = {}
    for line in (text.read_file(self.audit_file) or ""):gmatch("([^\n]*)\n") do
        local record = cjson.decode(line)
        if wanted(record) then
            records[#records + 1] = record
        end
    end
    return records
end

local function is_own(record)
    return record.eventType == "AwsServiceEvent"
end

--- The records of requests in the audit file, parsed; those that the journal makes of itself are left out.
function instance:audit()
    return records_of(self, function(record) return not is_own(record) end)
end

--- The journal's own records; those with that eventName where one is given.
function instance:audit_events(name)
    return records_of(self, function(record)
        return is_own(record) and (not name or record.eventName == name)
    end)
end

--- The record whose requestID is `id`; nil without one.
function instance:audit_of(id)
    for _, record in ipairs(self:audit()) do
        if record.requestID == id then
            return record
        end
    end
    return nil
end

local function listening_inodes(pid)
    local found = {}
    local ports = {}
    for _, table_name in ipairs({ "tcp", "tcp6" }) do
        for line in (text.read_file("/proc/" .. pid .. "/net/" .. table_name) or ""):gmatch("[^\n]+") do
            local port, inode = line:match("^%s*%d+: %x+:(%x+) %x+:%x+ 0A %S+ %S+ %S+%s+%d+%s+%d+ (%d+)")
            if port then
                ports[inode] = tonumber(port, 16)
            end
        end
    end
    for name in lfs.dir("/proc/" .. pid .. "/fd") do
        local link = lfs.symlinkattributes("/proc/" .. pid .. "/fd/" .. name, "target") or ""
        local inode = link:match("^socket:%[(%d+)%]$")
        if inode and ports[inode] then
            found[ports[inode]] = true
        end
    end
    return found
end

--- The address of the status listener: the one port of the process that the ready line doesn't name.
function instance:status_address()
    if self.named.status then
        return self.named.status
    end
    local ports = listening_inodes(self.pid)
    for _, url in ipairs({ self.admin or "", table.unpack(self.listeners) }) do
        ports[tonumber(url:match(":(%d+)$")) or 0] = nil
    end
    local port = next(ports)
    assert(port and not next(ports, port), "no single further port")
    return "http://127.0.0.1:" .. port
end

return gateway
