-- SPDX-License-Identifier: Apache-2.0
--- Amazon Resource Names of IAM principals.
-- @module eksgate.arn

local glob = require("eksgate.glob")

---@class eksgate.arn
local arn = {}

local KINDS = { iam = { role = true, user = true }, sts = { ["assumed-role"] = true, ["federated-user"] = true } }

local function split_resource(service, resource)
    if service == "iam" and resource == "root" then
        return "root", "/", "root"
    end
    local kind, rest = resource:match("^([%w-]+)/(.+)$")
    if not kind or not (KINDS[service] or {})[kind] then
        return nil
    end
    if service == "sts" then
        local name, session = rest:match("^([^/]+)/([^/]+)$")
        if kind == "assumed-role" then
            return name and kind, "/", name, session
        end
        return not rest:find("/", 1, true) and kind or nil, "/", rest
    end
    local path, name = rest:match("^(.*/)([^/]+)$")
    return (name or not rest:find("/", 1, true)) and kind or nil, "/" .. (path or ""), name or rest
end

--- Takes an ARN apart.
-- @param text for example "arn:aws:iam::012345678910:role/team-a/deployer"
-- @return a table with arn, partition, account, kind ("role", "user", "root", "assumed-role", "federated-user"),
-- path ("/team-a/", or "/"), name and, of an assumed role, session; nil when text isn't the ARN of a principal
function arn.parse(text)
    if type(text) ~= "string" then
        return nil
    end
    local partition, service, account, resource = text:match("^arn:(aws[%w-]*):(%w+)::(%d+):(.+)$")
    if not partition or #account ~= 12 then
        return nil
    end
    local kind, path, name, session = split_resource(service, resource)
    if not kind then
        return nil
    end
    return {
        arn = text,
        partition = partition,
        account = account,
        kind = kind,
        path = path,
        name = name,
        session = session,
    }
end

--- The partition of an ARN: "aws", "aws-cn", "aws-us-gov"; nil when text isn't an ARN.
function arn.partition(text)
    return type(text) == "string" and text:match("^arn:(aws[%w-]*):") or nil
end

--- The six fields of an ARN, or of a pattern: what stands behind the fifth colon is the last one.
local function split_fields(text)
    local fields, from = {}, 1
    for i = 1, 5 do
        local colon = text:find(":", from, true)
        if not colon then
            return nil
        end
        fields[i] = text:sub(from, colon - 1)
        from = colon + 1
    end
    fields[6] = text:sub(from)
    return fields
end

local function is_anything()
    return true
end

--- Prepares a pattern of ARNs: "arn:*:iam::*:role/team-a/*", or "*" for every text. Field by field, as IAM's ArnLike: a '*'
-- ends at the next colon, but for the last field, which may hold colons. A path of IAM may, too, so that a pattern over all
-- of the text would take arn:aws:iam::666666666666:user/:iam::0:role/team-a/x for a role of the team.
-- Raises when the pattern has fewer than six fields.
-- @return a function that takes a text and returns true or false
function arn.compile(pattern)
    if pattern == "*" then
        return is_anything
    end
    local globs = split_fields(pattern) or error("a pattern of ARNs has six fields, or is *: " .. pattern, 2)
    for i, field in ipairs(globs) do
        globs[i] = glob.compile(field)
    end
    return function(text)
        local fields = split_fields(text)
        for i, fits in ipairs(fields and globs or {}) do
            if not fits(fields[i]) then
                return false
            end
        end
        return fields ~= nil
    end
end

--- Prepares a list of such patterns.
-- @return a function that takes a text, or nil, and returns true when one of the patterns fits; nil fits none
function arn.any(patterns)
    local matchers = {}
    for i, pattern in ipairs(patterns) do
        matchers[i] = arn.compile(pattern)
    end
    return function(text)
        for _, fits in ipairs(text and matchers or {}) do
            if fits(text) then
                return true
            end
        end
        return false
    end
end

--- True when the ARN fits a pattern: arn.match("arn:*:iam::*:role/team-a/*", text); see arn.compile.
-- @param text the ARN, or nil, which fits none
function arn.match(pattern, text)
    return type(text) == "string" and arn.compile(pattern)(text)
end

return arn
