-- SPDX-License-Identifier: Apache-2.0
--- Asking other services: the endpoints that the operator has named in `policy.endpoints`. For authorize hooks.
-- In eksgate this module is part of the program: others are served while a hook waits, and an endpoint that gives no
-- answer in time refuses the request, whatever a pcall makes of that. This file stands in for it where policies run
-- without eksgate (plain busted): functions given to spec.reply answer.
-- @module eksgate.http

---@class eksgate.http
local http = {}

--- The function that a spec gave to spec.reply for this endpoint.
local function find_replier(endpoint)
    local is_there, plain = pcall(require, "eksgate.spec.plain")
    local replier = is_there and plain.replier(endpoint)
    if not replier then
        error(("the policy asks endpoint '%s', and nothing answers for it: spec.reply(\"%s\", function...)"):format(
            endpoint, endpoint), 0)
    end
    return replier
end

local OPTIONS = { GET = { path = true }, POST = { path = true, body = true, content_type = true } }

local function ask(method, endpoint, options)
    options = options or {}
    if type(endpoint) ~= "string" or type(options) ~= "table" then
        error(("http.%s needs the name of an endpoint and a table"):format(method:lower()), 0)
    end
    for name in pairs(options) do
        if not OPTIONS[method][name] then
            error(("http.%s: there is no '%s'"):format(method:lower(), tostring(name)), 0)
        end
    end
    local is_json = type(options.body) == "table"
    local answer = find_replier(endpoint)({
        endpoint = endpoint, method = method, path = options.path, json = is_json and options.body or nil,
        body = not is_json and options.body or nil, content_type = options.content_type,
    })
    if answer.error then
        error(("endpoint %s: %s"):format(endpoint, answer.error), 0)
    end
    return {
        status = answer.status or 200, json = answer.json, body = answer.body or "",
        content_type = answer.content_type or answer.json and "application/json" or nil,
    }
end

--- Asks with GET.
-- @param endpoint its name in policy.endpoints
-- @param options path: goes behind the endpoint's URL and begins with a slash
-- @return a table: status, body (text), content_type (nil: none), json (what a JSON body holds, null is nil; nil where it
-- isn't JSON)
function http.get(endpoint, options)
    return ask("GET", endpoint, options)
end

--- Asks with POST.
-- @param endpoint its name in policy.endpoints
-- @param options path as for get; body: a text, or a table (or req, or a part of it), which is sent as JSON; content_type
-- of a text, "text/plain; charset=utf-8" unless it is given
-- @return as get
function http.post(endpoint, options)
    return ask("POST", endpoint, options)
end

--- A text as one segment of a path, or a value of a query: everything but letters, digits and - . _ ~ is percent-encoded.
function http.encode(text)
    return (text:gsub("[^A-Za-z0-9%-._~]", function(byte)
        return ("%%%02X"):format(byte:byte())
    end))
end

return http
