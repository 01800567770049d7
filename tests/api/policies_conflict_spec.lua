-- SPDX-License-Identifier: Apache-2.0
-- The hook `conflict`: a create whose principal has an entry may be answered with that entry.

local expect = require("support.expect")
local gateway = require("support.gateway")

local role = "arn:aws:iam::012345678910:role/r"
local in_use = "The specified access entry resource is already in use on this cluster."

local function conflict(body)
    return 'return { name = "adopter", conflict = function(req) ' .. body .. " end }"
end

describe("policies asked about conflicts", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function start(...)
        gw = gateway.start({ policies = { ... }, settings = { audit = { record = "all" } } })
    end

    local function ours(reply)
        return gw:audit_of(reply.header["x-amzn-requestid"]).additionalEventData.eksgate
    end

    it("that say true let the existing entry be the answer", function()
        start(conflict("return true"))
        local made = gw:create({ principalArn = role, kubernetesGroups = { "a", "b" }, tags = { stage = "dev" } })
        expect.ok(made)
        local again = gw:create({ principalArn = role, kubernetesGroups = { "b", "a" }, tags = { stage = "live" } })
        expect.ok(again)
        assert.equal(made.body, again.body)
        assert.equal(made.body, gw:describe(role).body)
        assert.is_true(ours(again).adopted)
        assert.same({ { policy = "adopter", hook = "conflict", before = require("cjson").null, after = true } },
            ours(again).changes)
        assert.is_nil(ours(made).adopted)
        gw:stop()
    end)

    for what, input in pairs({
        ["other groups"] = { principalArn = role, username = "u", kubernetesGroups = { "a" } },
        ["another username"] = { principalArn = role, username = "v", kubernetesGroups = { "a", "b" } },
        ["another type"] = { principalArn = role, type = "EC2_LINUX" },
        ["generated values"] = { principalArn = role },
    }) do
        it("don't hide " .. what, function()
            start(conflict("return true"))
            expect.ok(gw:create({ principalArn = role, username = "u", kubernetesGroups = { "a", "b" } }))
            local reply = gw:create(input)
            assert.equal(in_use, expect.error(reply, 409, "ResourceInUseException").message)
            assert.is_nil(ours(reply).adopted)
        end)
    end

    it("see a username that a policy chose as part of the create", function()
        start(conflict("return true"), 'return { name = "n", username = function() return "team:x" end }')
        local made = gw:create({ principalArn = role })
        assert.equal("team:x", expect.ok(made).accessEntry.username)
        assert.equal(made.body, gw:create({ principalArn = role }).body)
        assert.equal(made.body, gw:create({ principalArn = role, username = "team:x" }).body)
    end)

    it("that say false or nothing leave the 409", function()
        start(conflict("return false"), 'return { name = "b", conflict = function() end }')
        expect.ok(gw:create({ principalArn = role }))
        local reply = gw:create({ principalArn = role })
        assert.equal(in_use, expect.error(reply, 409, "ResourceInUseException").message)
        assert.same({}, ours(reply).changes)
    end)

    it("are asked about that operation and that error only", function()
        start(conflict('error("asked " .. req.operation)'))
        expect.ok(gw:create({ principalArn = role }))
        expect.error(gw:create({ principalArn = role, username = "system:x" }), 400, "InvalidParameterException")
        expect.ok(gw:describe(role))
        assert.is_nil(gw:stderr():find("asked", 1, true), gw:stderr())
        expect.error(gw:create({ principalArn = role }), 403, "AccessDeniedException",
            { "eksgate policy adopter: policy failed" })
        assert.truthy(gw:stderr():find("asked CreateAccessEntry", 1, true), gw:stderr())
    end)

    for what, answer in pairs({ ["a number"] = "1", ["text"] = '"true"', ["a table"] = "{ true }" }) do
        it("that answer " .. what .. " are refusals", function()
            start(conflict("return " .. answer))
            expect.ok(gw:create({ principalArn = role }))
            expect.error(gw:create({ principalArn = role }), 403, "AccessDeniedException", { "policy failed" })
        end)
    end

    it("are shipped as adopt_on_conflict, for callers that its list names", function()
        local robot = { id = "AKIAEKSGATETEST00009", secret = "s", arn = "arn:aws:iam::012345678910:user/ci-robot" }
        gw = gateway.start({ keys = { gateway.key, robot },
            settings = { policies = { gateway.root .. "/lua/policies/adopt_on_conflict.lua" } } })
        local made = gw:create({ principalArn = role })
        expect.ok(made)
        expect.error(gw:create({ principalArn = role }), 409, "ResourceInUseException")
        assert.equal(made.body, gw:create({ principalArn = role }, { key = robot }).body)
    end)
end)
