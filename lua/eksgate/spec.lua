-- SPDX-License-Identifier: Apache-2.0
--- For specs of policies: loads a policy as the gateway does, makes requests as policies see them, asks several policies
-- at once. Under `eksgate test` policies run in the sandbox that serves them, under its budget, and their answers are
-- checked; under plain busted they run as they are.
-- @module eksgate.spec

local arn = require("eksgate.arn")

local is_offered, world = pcall(require, "eksgate.spec.native")
if not is_offered then
    world = require("eksgate.spec.plain")
end

---@class eksgate.spec
local spec = {}

local ACCOUNT = "012345678910"

--- What a request that says nothing else has. 2026-01-01T00:00:00Z.
local DEFAULTS = {
    operation = "CreateAccessEntry",
    region = "us-west-2",
    time = 1767225600,
    source_ip = "127.0.0.1",
    user_agent = "eksgate-test",
    request_id = "00000000-0000-4000-8000-000000000000",
}

local FIELDS = {
    "operation", "account", "region", "cluster", "principal", "caller", "input", "time", "source_ip", "user_agent",
    "request_id", "client_certificate", "entry", "associations", "cluster_info", "admins",
}

--- Operations that aren't about one cluster.
local NO_CLUSTER = {
    ListClusters = true, CreateCluster = true, ListAccessPolicies = true, GetCallerIdentity = true,
    TagResource = true, UntagResource = true, ListTagsForResource = true,
}

local paths = {}

--- Loads the policy beside the spec file, or the one at a path that ends in ".lua".
-- @param name "required_tags", "../policies/required_tags.lua"
-- @return its table: name, on, needs, and its hooks as functions. A hook takes a request (or a record) as spec.request makes
-- it, or a plain table with what the policy reads; it is asked about the operations of `on` only and answers nil to others.
-- What eksgate.counter has counted is forgotten, as it is with each case.
function spec.policy(name)
    if type(name) ~= "string" then
        error("spec.policy needs the name of a policy", 2)
    end
    local policy, path = world.policy(name)
    paths[policy] = path
    return policy
end

local function parse_principal(given, what)
    if given == nil or given == false then
        return nil
    end
    local principal = type(given) == "table" and given or arn.parse(given)
    if not principal then
        error(("spec.request: %s is no ARN of a principal: %s"):format(what, tostring(given)), 3)
    end
    return principal
end

local function make_caller(given, account)
    if given == nil then
        given = ("arn:aws:sts::%s:assumed-role/admin/session"):format(account)
    end
    local caller = { access_key = "AKIDEXAMPLE", tags = {}, verified = true }
    local parts = given
    if type(given) ~= "table" then
        parts = arn.parse(given)
    elseif given.arn then
        parts = arn.parse(given.arn)
    end
    if given and not parts then
        error("spec.request: caller is no ARN of a principal: " .. tostring(given), 3)
    end
    for _, source in ipairs({ parts or {}, type(given) == "table" and given or {} }) do
        for key, value in pairs(source) do
            caller[key] = value
        end
    end
    caller.session = nil
    return caller
end

local function make_input(given, request)
    local input = {}
    for name, value in pairs(given or {}) do
        input[name] = value
    end
    if request.principal and request.operation:find("Access") then
        input.principalArn = input.principalArn or request.principal.arn
    end
    if request.cluster and request.operation:find("Access") then
        input.clusterName = input.clusterName or request.cluster
    end
    return input
end

local function check_fields(given)
    local known = {}
    for _, name in ipairs(FIELDS) do
        known[name] = true
    end
    for name in pairs(given) do
        if not known[name] then
            error(("spec.request: no such field: %s; there are %s"):format(tostring(name), table.concat(FIELDS, ", ")), 3)
        end
    end
end

--- Makes a request as policies see it, complete: what isn't given has a default; false says that it isn't there.
-- @param fields operation ("CreateAccessEntry"), principal (its ARN), caller (an ARN, or a table), input, cluster, account,
-- region, time, source_ip, user_agent, request_id, client_certificate, and the facts entry, associations, cluster_info and
-- admins
function spec.request(fields)
    fields = fields or {}
    check_fields(fields)
    local request = {}
    for name, value in pairs(DEFAULTS) do
        request[name] = value
    end
    for name, value in pairs(fields) do
        request[name] = value or nil
    end
    request.principal = parse_principal(fields.principal or (fields.input or {}).principalArn, "principal")
    request.account = fields.account or request.principal and request.principal.account or ACCOUNT
    if fields.cluster == nil and not NO_CLUSTER[request.operation] then
        request.cluster = "my-cluster"
    end
    request.caller = make_caller(fields.caller, request.account)
    request.input = make_input(fields.input, request)
    return request
end

--- Asks policies in order, as the gateway does: authorize, then username and tags where nobody refused and they would be
-- asked.
-- @param policies a list of names, paths or tables that spec.policy returned
-- @param request see spec.request
-- @param options default_verdict = "deny", if that is what the gateway has; default "allow"
-- @return a table: verdict ("allow", "deny", "throttle"); when refused policy, reason, seconds and, where a policy failed,
-- failure (with file and line); verdicts, the opinions in order; username; tags (a table, the added ones)
function spec.ask(policies, request, options)
    local list = {}
    for i, policy in ipairs(policies) do
        list[i] = paths[policy] or type(policy) == "string" and world.path(policy)
        if not list[i] then
            error("spec.ask needs a list of names of policies, or of what spec.policy returned", 2)
        end
    end
    return world.ask(list, request, (options or {}).default_verdict or "allow")
end

--- Says what an endpoint answers to http.get and http.post of the policies, until the case ends.
-- @param endpoint its name in policy.endpoints
-- @param answer a function that takes the request (endpoint, method, path, body, json) and returns a table: status (200),
-- json or body, content_type; or error = "timed out", for one that doesn't answer
function spec.reply(endpoint, answer)
    if type(endpoint) ~= "string" or type(answer) ~= "function" then
        error("spec.reply needs the name of an endpoint and a function", 2)
    end
    world.reply(endpoint, answer)
end

return spec
