-- SPDX-License-Identifier: Apache-2.0
-- `needs`: policies that decide on what is there already.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")

local role = "arn:aws:iam::012345678910:role/r"
local view_policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

local function policy(name, needs, body)
    return ('local verdict = require("eksgate.verdict")\nreturn { name = %q, needs = { %s }, authorize = function(req)\n'
        .. "%s\nend }, verdict\n"):format(name, needs, body)
end

describe("policies with needs", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function start(...)
        gw = gateway.start({ policies = { ... } })
    end

    local function on_entry(method, input, tail)
        return gw:request({ method = method, target = gateway.entry_target(role) .. (tail or ""), json = input })
    end

    --- The reason that a policy gave.
    local function reason(reply, name)
        local body = expect.error(reply, 403, "AccessDeniedException")
        return body.message:match("%(eksgate policy " .. name .. ": (.*), request [%x-]+%)$") or body.message
    end

    it("see the entry, and nil where there is none", function()
        start(policy("keep", "'entry'", [[
            if req.operation == "CreateAccessEntry" then
                return req.entry and verdict.deny("there is " .. req.entry.accessEntryArn) or nil
            end
            if req.entry.tags.keep == "yes" and req.operation == "DeleteAccessEntry" then
                return verdict.deny(req.entry.username .. " stays: " .. table.concat(req.entry.kubernetesGroups, " "))
            end]]))
        local made = expect.ok(gw:create({
            principalArn = role, tags = { keep = "yes" }, username = "u", kubernetesGroups = { "a", "b" },
        })).accessEntry
        assert.equal("u stays: a b", reason(on_entry("DELETE"), "keep"))
        assert.equal("there is " .. made.accessEntryArn, reason(gw:create({ principalArn = role }), "keep"))
        expect.ok(gw:describe(role))
    end)

    it("see the access policies associated with it", function()
        start(policy("two", "'associations'", [[
            if req.operation == "AssociateAccessPolicy" and #req.associations == 1 then
                local first = req.associations[1]
                return verdict.deny(first.accessScope.type .. " " .. first.policyArn)
            end]]))
        expect.ok(gw:create({ principalArn = role }))
        local input = { policyArn = view_policy, accessScope = { type = "cluster" } }
        expect.ok(on_entry("POST", input, "/access-policies"))
        assert.equal("cluster " .. view_policy, reason(on_entry("POST", input, "/access-policies"), "two"))
    end)

    it("see the cluster as DescribeCluster shows it", function()
        start(policy("mode", "'cluster'", [[
            local seen = req.cluster_info
            return verdict.deny(seen and seen.name .. " " .. seen.accessConfig.authenticationMode or "no cluster")]]))
        assert.equal("my-cluster API", reason(gw:create({ principalArn = role }), "mode"))
        assert.equal("no cluster", reason(gw:create({ principalArn = role }, { cluster = "other" }), "mode"))
    end)

    it("see the entry that a tag operation names by its ARN", function()
        start(policy("tags", "'entry'", [[
            if req.operation == "TagResource" then
                return verdict.deny(req.entry and req.entry.principalArn or "no entry")
            end]]))
        local made = expect.ok(gw:create({ principalArn = role })).accessEntry
        local text = require("support.text")
        local function tag(arn)
            return gw:request({ method = "POST", target = "/tags/" .. text.escape(arn), json = { tags = { a = "1" } } })
        end
        assert.equal(role, reason(tag(made.accessEntryArn), "tags"))
        assert.equal("no entry", reason(tag(made.accessEntryArn:sub(1, -2) .. "x"), "tags"))
        assert.equal("no entry", reason(tag("arn:aws:eks:us-west-2:012345678910:cluster/my-cluster"), "tags"))
    end)

    it("see facts of another account as little as its caller does", function()
        local stranger = { id = "AKIAEKSGATETEST00019", secret = "s", arn = "arn:aws:iam::999999999999:user/s" }
        gw = gateway.start({ keys = { gateway.key, stranger }, policies = { policy("look", "'entry', 'cluster'", [[
            if req.caller.account == "999999999999" then
                return verdict.deny(tostring(req.entry) .. " " .. tostring(req.cluster_info))
            end]]) } })
        expect.ok(gw:create({ principalArn = role }))
        assert.equal("nil nil", reason(gw:describe(role, { key = stranger }), "look"))
    end)

    it("raise where they read what they didn't declare, whoever else did", function()
        start(policy("one", "'entry'", "assert(req.entry == nil or req.entry.type)"),
            policy("two", "'cluster'", "return req.entry and nil"))
        assert.equal("policy failed", reason(gw:create({ principalArn = role }), "two"))
        assert.truthy(gw:stderr():find('req.entry must be declared in the policy\'s table: needs = { "entry" }', 1, true),
            gw:stderr())
    end)

    it("raise for a member that an entry doesn't have", function()
        start(policy("typo", "'entry'", "return req.entry and req.entry.groups and nil"))
        expect.ok(gw:create({ principalArn = role }))
        assert.equal("policy failed", reason(gw:describe(role), "typo"))
        assert.truthy(gw:stderr():find("no such field: req.entry.groups", 1, true), gw:stderr())
    end)

    it("can tell other hooks too what is there", function()
        start([[return { name = "again", needs = { "entry" }, conflict = function(req)
            return req.entry.tags.adoptable == "yes"
        end }]])
        local made = gw:create({ principalArn = role, tags = { adoptable = "yes" } })
        assert.equal(made.body, gw:create({ principalArn = role }).body)
        expect.ok(on_entry("DELETE"))
        expect.ok(gw:create({ principalArn = role }))
        expect.error(gw:create({ principalArn = role }), 409, "ResourceInUseException")
    end)

    it("decide on what the others left where many changes of one entry come together", function()
        gw = gateway.start({
            settings = { workers = 2 },
            policies = { policy("six", "'associations'", [[
                if req.operation == "AssociateAccessPolicy" and #req.associations >= 6 then
                    return verdict.deny("six are enough")
                end]]) },
        })
        for _ = 1, 5 do
            local principal = eks.made(gw).principalArn
            local requests, statuses = {}, {}
            for i, name in ipairs({ "ACK", "Admin", "AdminView", "AutoNode", "ClusterAdmin", "Edit", "Event", "KRO",
                "SecretReader", "View" }) do
                requests[i] = eks.requests.associate(principal, eks.scope("AmazonEKS" .. name .. "Policy"))
            end
            for _, reply in ipairs(eks.at_once(gw, requests)) do
                statuses[reply.status] = (statuses[reply.status] or 0) + 1
            end
            assert.same({ [200] = 6, [403] = 4 }, statuses)
        end
    end)

    for needs, part in pairs({
        ["'entry', 'entries'"] =
            "needs[2]: there is no fact 'entries'; accepted are entry, associations, cluster and admins",
        [""] = "needs must be a list of facts: entry, associations, cluster, admins",
    }) do
        it("{" .. needs .. "} keep the gateway from starting", function()
            local prepared = gateway.prepare({ policies = { policy("p", needs, "") } })
            local code, err = prepared:fail_to_start()
            assert.equal(1, code, err)
            assert.truthy(err:find("policy1.lua", 1, true), err)
            assert.truthy(err:find(part, 1, true), err)
            prepared:forget()
        end)
    end
end)
