-- SPDX-License-Identifier: Apache-2.0
--- Amazon Resource Names of IAM principals.
-- @module eksgate.arn

local glob = require("eksgate.glob")

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

--- True when the ARN fits a glob pattern: arn.match("arn:*:iam::*:role/team-a/*", text).
-- @param pattern see eksgate.glob
-- @param text the ARN
function arn.match(pattern, text)
    return type(text) == "string" and glob.match(pattern, text)
end

return arn
