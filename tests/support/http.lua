-- SPDX-License-Identifier: Apache-2.0
-- A client that sends exactly the bytes it is given and reads replies strictly: over TCP, IPv6 and unix sockets.
--
--     local client = http.connect("127.0.0.1:8080")
--     client:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
--     local reply = client:read()
--     reply.status, reply.reason, reply.fields (list of {name, value}), reply.header["content-type"], reply.body
--
-- A reply that breaks HTTP/1.1 raises; so does one that takes longer than the deadline.

local socket = require("socket")
local unix = require("socket.unix")
local text = require("support.text")

local http = {}
local client = {}
client.__index = client

local open_clients = setmetatable({}, { __mode = "k" })

local function open_unix(path)
    local stream = assert(unix.stream())
    local ok, problem = stream:connect(path)
    return ok and stream, problem
end

local function open_tcp(address)
    local host, port = address:gsub("^%a+://", ""):match("^%[?([^%]]-)%]?:(%d+)$")
    assert(host, "not an address: " .. address)
    local stream = host:find(":", 1, true) and socket.tcp6() or socket.tcp4()
    stream:settimeout(2 * text.patience)
    local ok, problem = stream:connect(host, tonumber(port))
    if ok then
        stream:setoption("tcp-nodelay", true)
    end
    return ok and stream, problem
end

--- A connection to "127.0.0.1:80", "http://[::1]:80" or "unix:/path"; nothing is sent before the caller says so. nil and
--- the problem when nobody accepts.
function http.connect(address)
    local path = address:match("^unix:(.*)$")
    local stream, problem
    if path then
        stream, problem = open_unix(path)
    else
        stream, problem = open_tcp(address)
    end
    if not stream then
        return nil, problem
    end
    local new = setmetatable({ stream = stream, address = address, buffer = "", ended = false }, client)
    open_clients[new] = true
    return new
end

--- The Host value that a well-behaved client sends to `address`.
function http.host_of(address)
    if address:find("^unix:") then
        return "localhost"
    end
    return (address:gsub("^%a+://", ""))
end

--- Closes every connection that a test left open.
function http.close_all()
    for one in pairs(open_clients) do
        one:close()
    end
end

function client:close()
    self.stream:close()
    open_clients[self] = nil
end

--- Closes with a reset instead of an orderly end.
function client:reset()
    self.stream:setoption("linger", { on = true, timeout = 0 })
    self:close()
end

--- No more bytes will be sent; replies can still be read.
function client:finish_sending()
    self.stream:shutdown("send")
end

--- Sends all of it; false when the other side has closed or takes nothing for five seconds.
function client:send(bytes)
    self.stream:settimeout(5 * text.patience)
    return self.stream:send(bytes) ~= nil
end

--- Waits for more bytes and takes them into the buffer; notes the end of the stream.
local function fill(self, deadline)
    local left = deadline - text.now()
    if left <= 0 then
        error("no reply within the deadline; so far: " .. self.buffer:sub(1, 400), 0)
    end
    socket.select({ self.stream }, nil, left)
    self.stream:settimeout(0)
    local bytes, problem, part = self.stream:receive(65536)
    self.buffer = self.buffer .. (bytes or part)
    self.ended = problem ~= nil and problem ~= "timeout"
end

local function parse_field(line)
    local name, value = line:match("^([!#$%%&'*+%-.^_`|~%w]+): ([\32-\126]*)$")
    if not name then
        error("not a header field: " .. line, 0)
    end
    return name, value
end

local function parse_head(head)
    local first, rest = head:match("^([^\r\n]*)\r\n(.*)$")
    local version, status, reason = first:match("^(HTTP/1%.%d) (%d%d%d) ([ -~]*)$")
    if not version then
        error("not a status line: " .. first, 0)
    end
    local reply = { version = version, status = tonumber(status), reason = reason, fields = {}, header = {} }
    for line in rest:gmatch("([^\r\n]*)\r\n") do
        local name, value = parse_field(line)
        if reply.header[name:lower()] then
            error("header twice: " .. name, 0)
        end
        reply.fields[#reply.fields + 1] = { name, value }
        reply.header[name:lower()] = value
    end
    return reply
end

local function body_length(reply, options)
    if reply.header["transfer-encoding"] then
        error("a chunked reply", 0)
    end
    local length = reply.header["content-length"]
    if reply.status < 200 or reply.status == 204 then
        if length then
            error("a length with status " .. reply.status, 0)
        end
        return 0
    end
    if not length or not length:find("^%d+$") then
        error("no Content-Length", 0)
    end
    return options.head and 0 or tonumber(length)
end

--- Reads one reply. Options: head (the request was HEAD), seconds. nil when the connection ended before its first byte.
function client:read(options)
    options = options or {}
    local deadline = text.now() + (options.seconds or 5) * text.patience
    local at
    while true do
        at = self.buffer:find("\r\n\r\n", 1, true)
        if at then
            break
        end
        if self.ended then
            if self.buffer == "" then
                return nil
            end
            error("the connection ended within a head: " .. self.buffer, 0)
        end
        fill(self, deadline)
    end
    local reply = parse_head(self.buffer:sub(1, at + 1))
    reply.head = self.buffer:sub(1, at + 3)
    self.buffer = self.buffer:sub(at + 4)
    local length = body_length(reply, options)
    while #self.buffer < length do
        if self.ended then
            error("the connection ended within a body", 0)
        end
        fill(self, deadline)
    end
    reply.body = self.buffer:sub(1, length)
    self.buffer = self.buffer:sub(length + 1)
    return reply
end

--- True when the other side has closed, or does so in time, and sent nothing more.
function client:is_closed(seconds)
    local deadline = text.now() + (seconds or 5) * text.patience
    while not self.ended do
        if not pcall(fill, self, deadline) then
            return false
        end
    end
    if self.buffer ~= "" then
        error("more bytes than one reply: " .. self.buffer:sub(1, 400), 0)
    end
    return true
end

--- True when nothing arrives and the connection stays open for that long.
function client:is_silent(seconds)
    if self.buffer ~= "" or self.ended then
        return false
    end
    return #socket.select({ self.stream }, nil, seconds) == 0
end

--- A request's bytes. Members: method, target, headers (list of {name, value}), body, version. A Content-Length is
--- added when there is a body and none is given.
function http.format(request)
    local lines = { string.format("%s %s HTTP/%s", request.method, request.target, request.version or "1.1") }
    local framed = request.framed
    for _, header in ipairs(request.headers or {}) do
        local name = header[1]:lower()
        framed = framed or name == "content-length" or name == "transfer-encoding"
        lines[#lines + 1] = header[1] .. ": " .. header[2]
    end
    if request.body and not framed then
        lines[#lines + 1] = "Content-Length: " .. #request.body
    end
    return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (request.body or "")
end

--- One request on a connection of its own. Options as client:read.
function http.exchange(address, bytes, options)
    local one = assert(http.connect(address))
    one:send(bytes)
    local ok, reply = pcall(one.read, one, options)
    one:close()
    if not ok then
        error(reply, 2)
    end
    return reply
end

--- GET without ceremony, for status and admin listeners.
function http.get(address, target, headers)
    local fields = { { "Host", http.host_of(address) } }
    table.move(headers or {}, 1, #(headers or {}), 2, fields)
    return http.exchange(address, http.format({ method = "GET", target = target, headers = fields }))
end

return http
