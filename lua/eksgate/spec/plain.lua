-- SPDX-License-Identifier: Apache-2.0
--- What eksgate.spec stands on under plain busted: policies run without a sandbox, budget or check of their answers.
-- @module eksgate.spec.plain

if not pcall(function()
    return debug.getinfo(1)
end) then
    error("eksgate.spec is for specs")
end

local counter = require("eksgate.counter")
local time = require("eksgate.time")

local plain = {}

local HOOKS = { authorize = 1, username = 1, tags = 1, conflict = 1, fault = 1, audit = 1, outcome = 1 }
local REQUEST = {
    operation = 1, account = 1, region = 1, cluster = 1, principal = 1, caller = 1, input = 1, time = 1, source_ip = 1,
    user_agent = 1, request_id = 1, client_certificate = 1, entry = 1, associations = 1, cluster_info = 1, admins = 1,
}
local PRINCIPAL = { arn = 1, partition = 1, account = 1, kind = 1, path = 1, name = 1 }
local CALLER = { arn = 1, account = 1, name = 1, access_key = 1, tags = 1, verified = 1 }
local NEEDS = { entry = "entry", associations = "associations", cluster_info = "cluster", admins = "admins" }

local replies = {}

--- A read-only table whose unknown names raise.
local function guard(values, known, what, check)
    return setmetatable({}, {
        __index = function(_, name)
            if known and not known[name] then
                error(("no such field: %s.%s"):format(what, tostring(name)), 2)
            end
            if check then
                check(name)
            end
            return values[name]
        end,
        __newindex = function()
            error(what .. " is read-only", 2)
        end,
        __pairs = function()
            return next, values, nil
        end,
    })
end

local function view(policy, request)
    local declared = {}
    for _, need in ipairs(policy.needs or {}) do
        declared[need] = true
    end
    local parts = {}
    for name, value in pairs(request) do
        if not REQUEST[name] then
            error("no such field of a request: " .. tostring(name), 3)
        end
        parts[name] = value
    end
    if type(parts.principal) == "table" then
        parts.principal = guard(parts.principal, PRINCIPAL, "req.principal")
    end
    local caller = {}
    for name, value in pairs(parts.caller or {}) do
        caller[name] = value
    end
    caller.tags = caller.tags or {}
    parts.caller = guard(caller, CALLER, "req.caller")
    parts.input = guard(parts.input or {}, nil, "req.input")
    return guard(parts, REQUEST, "req", function(name)
        if NEEDS[name] and not declared[NEEDS[name]] then
            error(('req.%s must be declared in the policy\'s table: needs = { "%s" }'):format(name, NEEDS[name]), 3)
        end
    end)
end

local function applies(policy, operation)
    if not policy.on or not operation then
        return true
    end
    for _, name in ipairs(policy.on) do
        if name == operation then
            return true
        end
    end
    return false
end

local function wrap(policy)
    local wrapped = { name = policy.name, on = policy.on, needs = policy.needs }
    for hook in pairs(HOOKS) do
        wrapped[hook] = policy[hook] and function(argument)
            argument = argument or {}
            if not applies(policy, argument.operation) then
                return nil
            end
            time.set(argument.time or 0)
            if hook ~= "audit" and hook ~= "outcome" then
                argument = view(policy, argument)
            end
            local ok, answer = pcall(policy[hook], argument)
            time.set(nil)
            if not ok then
                error(answer, 0)
            end
            return answer
        end
    end
    return wrapped
end

local function check_shape(policy, path)
    if type(policy) ~= "table" then
        error(path .. ": must return a table, not a " .. type(policy), 0)
    end
    if type(policy.name) ~= "string" then
        error(path .. ": name must be 1 to 64 letters, digits, '.', '_' or '-'", 0)
    end
    for key in pairs(policy) do
        if not HOOKS[key] and key ~= "name" and key ~= "on" and key ~= "needs" then
            error(("%s: unknown key '%s' in the policy's table"):format(path, tostring(key)), 0)
        end
    end
end

--- The folder of the spec that called.
local function spec_folder()
    local level = 2
    while true do
        local about = debug.getinfo(level, "S")
        if not about then
            return "."
        end
        if about.source:find("_spec%.lua$") then
            return about.source:match("^@(.*)/[^/]*$") or "."
        end
        level = level + 1
    end
end

--- Where the policy of a name is.
function plain.path(name)
    if name:find("^/") then
        return name
    end
    return spec_folder() .. "/" .. (name:find("%.lua$") and name or name .. ".lua")
end

local loaded = {}

local function load_policy(path)
    if not loaded[path] then
        local policy = dofile(path)
        check_shape(policy, path)
        loaded[path] = wrap(policy)
    end
    return loaded[path]
end

function plain.policy(name)
    local path = plain.path(name)
    loaded[path] = nil
    counter.reset()
    return load_policy(path), path
end

--- One hook; a failure refuses, whatever was said before.
local function put(policy, hook, request, result)
    if result.verdict ~= "allow" or not policy[hook] then
        return nil
    end
    local ok, answer = pcall(policy[hook], request)
    if ok then
        return answer
    end
    result.verdict, result.policy, result.reason, result.failure = "deny", policy.name, "policy failed", tostring(answer)
    return nil
end

local function authorize(policies, request, result, default)
    local allowed = default == "allow"
    for _, policy in ipairs(policies) do
        local said = put(policy, "authorize", request, result)
        if said then
            table.insert(result.verdicts, { policy = policy.name, verdict = said.verdict, reason = said.reason })
            allowed = allowed or said.verdict == "allow"
        end
        if said and said.verdict ~= "allow" then
            result.verdict, result.policy = said.verdict, policy.name
            result.reason, result.seconds = said.reason, said.seconds
        end
    end
    if not allowed and result.verdict == "allow" then
        result.verdict, result.policy, result.reason = "deny", "default_verdict", "no policy allowed it"
    end
end

local TAKES_USERNAME = { CreateAccessEntry = true, UpdateAccessEntry = true }
local TAKES_TAGS = { CreateAccessEntry = true, CreateCluster = true }

local function add_username(policies, request, result)
    local input = request.input or {}
    if not TAKES_USERNAME[request.operation] or input.username or (input.type or "STANDARD") ~= "STANDARD" then
        return
    end
    for _, policy in ipairs(policies) do
        result.username = result.username or put(policy, "username", request, result)
    end
end

local function add_tags(policies, request, result)
    if not TAKES_TAGS[request.operation] then
        return
    end
    local sent = (request.input or {}).tags or {}
    for _, policy in ipairs(policies) do
        for key, value in pairs(put(policy, "tags", request, result) or {}) do
            if sent[key] == nil and result.tags[key] == nil then
                result.tags[key] = value
            end
        end
    end
end

function plain.ask(paths, request, default)
    local policies = {}
    for i, path in ipairs(paths) do
        policies[i] = load_policy(path)
    end
    local result = { verdict = "allow", verdicts = {}, tags = {} }
    authorize(policies, request, result, default)
    add_username(policies, request, result)
    add_tags(policies, request, result)
    return result
end

--- For eksgate.http under plain busted: the function that answers for an endpoint, or nil.
function plain.replier(endpoint)
    return replies[endpoint]
end

function plain.reply(endpoint, answer)
    replies[endpoint] = answer
end

--- Replies are for one case, and so is what was counted.
local is_busted, busted = pcall(require, "busted")
if is_busted and busted.subscribe then
    busted.subscribe({ "test", "end" }, function()
        replies = {}
        counter.reset()
        return nil, true
    end)
end

return plain
