-- SPDX-License-Identifier: Apache-2.0
-- GET /v1/mock/requests: what a test's subject asked for, and what it was told.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::111122223333:role/" .. name
end

local function requests(gw, query)
    local reply = gw:control("GET", "/v1/mock/requests" .. (query or ""))
    assert.equal(200, reply.status, reply.body)
    return reply.json.requests, reply.json.dropped
end

describe("the requests that a mock has kept", function()
    after_each(gateway.stop_all)

    it("show each in full: who, what, and the answer", function()
        local gw = gateway.start_mock()
        local made = gw:create({ principalArn = role("a+b=c"), kubernetesGroups = { "g" }, tags = { k = "v" } },
            { cluster = "c", region = "eu-west-1" })
        local seen = requests(gw)
        assert.equal(1, #seen)
        local one = seen[1]
        assert.equal(made.header["x-amzn-requestid"], one.id)
        assert.truthy(one.time:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$"))
        assert.same({ "CreateAccessEntry", role("a+b=c"), "c", "012345678910", "eu-west-1",
            "arn:aws:iam::012345678910:user/test", 200 },
            { one.operation, one.principal, one.cluster, one.account, one.region, one.caller, one.status })
        assert.same({ clusterName = "c", principalArn = role("a+b=c"), kubernetesGroups = { "g" }, tags = { k = "v" } },
            one.input)
        assert.same(cjson.decode(made.body), one.reply)
        assert.is_nil(one.error)
        gw:stop()
    end)

    it("let a test assert exactly one create by a principal", function()
        local gw = gateway.start_mock()
        for _, name in ipairs({ "p", "q", "p" }) do
            gw:create({ principalArn = role(name) })
        end
        gw:describe(role("p"))
        local seen = requests(gw, "?operation=CreateAccessEntry&principal=" .. text.escape(role("p")))
        local made = {}
        for _, request in ipairs(seen) do
            if request.status == 200 then
                made[#made + 1] = request
            end
        end
        assert.equal(2, #seen)
        assert.equal(1, #made)
        assert.equal("ResourceInUseException", seen[2].error)
        assert.equal(expect.in_use, seen[2].reply.message)
        assert.equal(1, #requests(gw, "?operation=DescribeAccessEntry"))
        assert.equal(4, #requests(gw))
        assert.equal(4, #requests(gw, "?cluster=" .. gateway.cluster))
        assert.equal(0, #requests(gw, "?cluster=other"))
        gw:stop()
    end)

    it("tell a replay from a create", function()
        local gw = gateway.start_mock()
        local input = { principalArn = role("r"), clientRequestToken = "a-token-of-more-than-33-characters" }
        expect.ok(gw:create(input))
        expect.ok(gw:create(input))
        local seen = requests(gw)
        assert.is_nil(seen[1].replayed)
        assert.is_true(seen[2].replayed)
        gw:stop()
    end)

    it("have what was refused, down to what was never understood", function()
        local gw = gateway.start_mock()
        gw:create({ principalArn = "nobody" })
        gw:create("{")
        gw:create({ principalArn = role("r") }, { key = { id = "test", secret = "wrong" } })
        gw:request({ method = "GET", target = "/no/such/path" })
        local seen = requests(gw)
        assert.equal(4, #seen)
        assert.same({ "InvalidParameterException", "nobody" }, { seen[1].error, seen[1].input.principalArn })
        assert.equal("InvalidParameterException", seen[2].error)
        assert.same({ "InvalidSignatureException", 403 }, { seen[3].error, seen[3].status })
        assert.is_nil(seen[3].caller)
        assert.is_nil(seen[3].input)
        assert.is_nil(seen[4].operation)
        assert.equal(403, seen[4].status)
        gw:stop()
    end)

    it("have faults by their kind", function()
        local gw = gateway.start_mock()
        expect.ok(gw:create({ principalArn = role("r") }))
        gw:control("PUT", "/v1/mock/faults", { faults = {
            { operation = "*", error = "ServerException", times = 1 }, { operation = "*", delay = 0.001, times = 1 },
            { operation = "*", drop = true, times = 1 },
        } })
        gw:describe(role("r"))
        gw:describe(role("r"))
        assert.is_false((pcall(function()
            return assert(gw:describe(role("r")))
        end)))
        local seen = requests(gw, "?operation=DescribeAccessEntry")
        assert.same({ "error", 500 }, { seen[1].fault, seen[1].status })
        assert.same({ "delay", 200 }, { seen[2].fault, seen[2].status })
        assert.same({ "drop", 0, "ConnectionDropped" }, { seen[3].fault, seen[3].status, seen[3].error })
        assert.is_nil(seen[3].reply)
        gw:stop()
    end)

    it("are bounded: the oldest fall out and are counted", function()
        local gw = gateway.start_mock({ settings = { ["mock.requests"] = 3 } })
        for i = 1, 5 do
            gw:describe(role("r" .. i))
        end
        local seen, dropped = requests(gw)
        assert.same({ role("r3"), role("r4"), role("r5") }, { seen[1].principal, seen[2].principal, seen[3].principal })
        assert.equal(2, dropped)
        gw:stop()
    end)

    it("are bounded in bytes: a request that is too long is kept without its bodies", function()
        local gw = gateway.start_mock()
        gw:create({ principalArn = role("r"), unknown = string.rep("x", 500000), kubernetesGroups = { string.rep("g", 300000) } })
        local seen = requests(gw)
        assert.equal(1, #seen)
        assert.equal("CreateAccessEntry", seen[1].operation)
        assert.is_nil(seen[1].input)
        assert.is_nil(seen[1].reply)
        assert.equal(400, seen[1].status)
        gw:stop()
    end)

    it("refuse a question that they can't answer", function()
        local gw = gateway.start_mock()
        for _, query in ipairs({ "?op=x", "?operation=a&operation=b", "?principal=%zz", "?cluster=%00" }) do
            assert.equal(400, gw:control("GET", "/v1/mock/requests" .. query).status, query)
        end
        gw:stop()
    end)
end)
