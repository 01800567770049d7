-- SPDX-License-Identifier: Apache-2.0
-- The operations on access entries, policies and tags as one call each.
--
--     local reply = eks.update(gw, eks.role("r"), { username = "u" })
--     local reply = eks.list(gw, { maxResults = 2 }, { cluster = "other" })
--
-- Bodies are tables, or text that is sent as it is. Queries are tables of name and value (a list repeats the name), or
-- text that is sent as it is. `with` may hold members of sigv4.sign (key, region, ...) and cluster.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local eks = {}

function eks.role(name, account)
    return "arn:aws:iam::" .. (account or gateway.account) .. ":role/" .. name
end

function eks.user(name, account)
    return "arn:aws:iam::" .. (account or gateway.account) .. ":user/" .. name
end

function eks.policy(name)
    return "arn:aws:eks::aws:cluster-access-policy/" .. name
end

local fresh = 0
--- A role that no test has used.
function eks.fresh_role()
    fresh = fresh + 1
    return eks.role("fresh-" .. fresh)
end

function eks.cluster_arn(name, region, account)
    return string.format("arn:aws:eks:%s:%s:cluster/%s", region or gateway.region, account or gateway.account,
        name or gateway.cluster)
end

--- "?a=1&b=2" of a table, in the order of the names; "" of nothing.
function eks.query(members)
    if type(members) == "string" then
        return members
    end
    local pieces = {}
    for name, value in pairs(members or {}) do
        for _, one in ipairs(type(value) == "table" and value or { value }) do
            pieces[#pieces + 1] = { name, text.escape(tostring(one)) }
        end
    end
    table.sort(pieces, function(a, b)
        return a[1] .. "=" .. a[2] < b[1] .. "=" .. b[2]
    end)
    for i, piece in ipairs(pieces) do
        pieces[i] = piece[1] .. "=" .. piece[2]
    end
    return #pieces > 0 and "?" .. table.concat(pieces, "&") or ""
end

--- What gateway:request takes, for method, target and body.
function eks.build(method, target, body, with)
    return setmetatable({
        method = method, target = target, json = type(body) == "table" and body or nil,
        body = type(body) == "string" and body or nil,
    }, { __index = with })
end

local function cluster_of(with)
    return with and with.cluster
end

local function entry_target(principal, with)
    return gateway.entry_target(principal, cluster_of(with))
end

--- Builders of requests, by operation; `eks.NAME(gw, ...)` sends what `eks.requests.NAME(...)` builds.
eks.requests = {
    create = function(input, with)
        return eks.build("POST", gateway.entries_target(cluster_of(with)), input, with)
    end,
    describe = function(principal, with)
        return eks.build("GET", entry_target(principal, with), nil, with)
    end,
    list = function(query, with)
        return eks.build("GET", gateway.entries_target(cluster_of(with)) .. eks.query(query), nil, with)
    end,
    update = function(principal, input, with)
        return eks.build("POST", entry_target(principal, with), input or "{}", with)
    end,
    delete = function(principal, with)
        return eks.build("DELETE", entry_target(principal, with), nil, with)
    end,
    associate = function(principal, input, with)
        return eks.build("POST", entry_target(principal, with) .. "/access-policies", input, with)
    end,
    disassociate = function(principal, policy, with)
        return eks.build("DELETE", entry_target(principal, with) .. "/access-policies/" .. text.escape(policy), nil,
            with)
    end,
    list_associated = function(principal, query, with)
        return eks.build("GET", entry_target(principal, with) .. "/access-policies" .. eks.query(query), nil, with)
    end,
    list_policies = function(query, with)
        return eks.build("GET", "/access-policies" .. eks.query(query), nil, with)
    end,
    tag = function(arn, input, with)
        return eks.build("POST", "/tags/" .. text.escape(arn), input, with)
    end,
    untag = function(arn, query, with)
        return eks.build("DELETE", "/tags/" .. text.escape(arn) .. eks.query(query), nil, with)
    end,
    tags = function(arn, with)
        return eks.build("GET", "/tags/" .. text.escape(arn), nil, with)
    end,
    create_cluster = function(input, with)
        return eks.build("POST", "/clusters", input, with)
    end,
    describe_cluster = function(name, with)
        return eks.build("GET", "/clusters/" .. text.escape(name), nil, with)
    end,
    list_clusters = function(query, with)
        return eks.build("GET", "/clusters" .. eks.query(query), nil, with)
    end,
    update_cluster_config = function(name, input, with)
        return eks.build("POST", "/clusters/" .. text.escape(name) .. "/update-config", input, with)
    end,
    delete_cluster = function(name, with)
        return eks.build("DELETE", "/clusters/" .. text.escape(name), nil, with)
    end,
    list_updates = function(name, query, with)
        return eks.build("GET", "/clusters/" .. text.escape(name) .. "/updates" .. eks.query(query), nil, with)
    end,
    describe_update = function(name, id, with)
        return eks.build("GET", "/clusters/" .. text.escape(name) .. "/updates/" .. text.escape(id), nil, with)
    end,
}

for name, build in pairs(eks.requests) do
    eks[name] = function(gw, ...)
        return gw:request(build(...))
    end
end

--- Makes an entry and returns it; the principal is a fresh role unless `input` names one.
function eks.made(gw, input, with)
    local body = {}
    for name, value in pairs(input or {}) do
        body[name] = value
    end
    body.principalArn = body.principalArn or eks.fresh_role()
    return expect.ok(eks.create(gw, body, with)).accessEntry
end

--- The body of a CreateCluster with what it must have; `more` is laid over.
function eks.cluster_input(name, more)
    local input = {
        name = name, roleArn = eks.role("eks"), resourcesVpcConfig = { subnetIds = { "subnet-1", "subnet-2" } },
    }
    for member, value in pairs(more or {}) do
        input[member] = value
    end
    return input
end

--- Makes a cluster whose mode knows entries, without one for its creator; its role is of the caller's account.
function eks.made_cluster(gw, name, with)
    local partition, account = (with and with.key or gateway.key).arn:match("^arn:([^:]+):%w+::(%d+):")
    return expect.ok(eks.create_cluster(gw, eks.cluster_input(name, {
        roleArn = "arn:" .. partition .. ":iam::" .. account .. ":role/eks",
        accessConfig = { authenticationMode = "API", bootstrapClusterCreatorAdminPermissions = false },
    }), with)).cluster
end

--- The entry as DescribeAccessEntry shows it.
function eks.described(gw, principal, with)
    return expect.ok(eks.describe(gw, principal, with)).accessEntry
end

--- The body that associates a policy with the whole cluster, or with the namespaces given.
function eks.scope(policy, namespaces)
    return {
        policyArn = eks.policy(policy),
        accessScope = { type = namespaces and "namespace" or "cluster", namespaces = namespaces },
    }
end

--- Associates, and returns the association.
function eks.associated(gw, principal, policy, namespaces, with)
    return expect.ok(eks.associate(gw, principal, eks.scope(policy, namespaces), with)).associatedAccessPolicy
end

--- All pages of a listing, one after the other: `page(token)` gives the decoded body of one; `member` names its list.
--- Returns all items, and how many pages there were.
function eks.walk(member, page)
    local items, token, pages = {}, nil, 0
    repeat
        local body = page(token)
        table.move(body[member], 1, #body[member], #items + 1, items)
        token = type(body.nextToken) == "string" and body.nextToken or nil
        pages = pages + 1
        assert(pages < 10000, "a walk without an end")
    until not token
    return items, pages
end

--- Sends all requests at once, each on a connection of its own, and returns the replies in their order.
function eks.at_once(gw, requests)
    local clients, replies = {}, {}
    for i, request in ipairs(requests) do
        clients[i] = gw:connect()
        clients[i]:send((gw:format(request)))
    end
    for i, client in ipairs(clients) do
        replies[i] = client:read()
        client:close()
    end
    return replies
end

eks.messages = {
    no_entry = expect.not_found,
    mode = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
        .. "operation.",
    no_policy = "The specified policyArn could not be found. You can view your available access policies with "
        .. "'list-access-policies'.",
    bad_policy = "The policyArn parameter format is not valid",
    linked = "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role",
    standard_only = 'This operation can only be performed on Access Entries with a type of "STANDARD".',
    cluster_name = 'The clusterName parameter contains invalid characters. It should conform to the regular '
        .. 'expression "^[0-9A-Za-z][A-Za-z0-9-_]*"In other words, it should start with a number or letter, and can '
        .. "contain numbers, letters, dashes, and underscores.",
    long_cluster_name = "The parameter clusterName should not be greater than 100 characters.",
    token_length = "The client request token parameter must be between 33 and 126 characters.",
    token_reused = "The client request token was used by an earlier request with other parameters.",
    max_results = "The maxResults parameter must be a whole number from 1 to 100.",
    next_token = "The nextToken parameter is not valid: it must be the nextToken of the page before, sent with the "
        .. "same parameters.",
    no_cluster = function(name)
        return "No cluster found for name: " .. name .. "."
    end,
}

return eks
