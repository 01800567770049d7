-- SPDX-License-Identifier: Apache-2.0
-- The gateway's own credentials while it runs: they are taken anew before they end, and nobody notices.

local cjson = require("cjson")
local aws_stubs = require("support.aws_stubs")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")
local upstream = require("support.upstream")

describe("a gateway with credentials of its own", function()
    local stubs, front

    before_each(function()
        stubs = aws_stubs.start()
    end)

    after_each(function()
        gateway.stop_all()
        stubs:stop()
    end)

    local function start(environment, settings, policies)
        local all = {
            AWS_CONTAINER_CREDENTIALS_FULL_URI = stubs.container .. "/v1/credentials", AWS_EC2_METADATA_DISABLED = "true",
            AWS_ENDPOINT_URL_STS = stubs.sts, HOME = "/nonexistent", AWS_REGION = gateway.region,
            AWS_ACCESS_KEY_ID = false, AWS_SECRET_ACCESS_KEY = false, AWS_PROFILE = false,
            AWS_SHARED_CREDENTIALS_FILE = false, AWS_CONFIG_FILE = false, AWS_WEB_IDENTITY_TOKEN_FILE = false,
        }
        for name, value in pairs(environment or {}) do
            all[name] = value
        end
        local asked = { credentials = "default" }
        for name, value in pairs(settings or {}) do
            asked[name] = value
        end
        front = gateway.start(upstream.front(stubs.eks, {
            upstream = asked, environment = all, policies = policies,
        }))
        return front
    end

    local function describe_cluster()
        return front:request({ method = "GET", target = "/clusters/" .. gateway.cluster })
    end

    --- The first key is fetched while the gateway starts.
    local function await_first()
        assert.truthy(text.wait_for(function()
            return stubs:log().issued > 0 and describe_cluster().status == 200
        end, 10))
    end

    it("serves on through rotations without a failed request", function()
        stubs:set({ lifetime = 3 })
        start()
        await_first()
        local keys, asked, began = {}, 0, os.time()
        while os.time() < began + 8 do
            local reply = describe_cluster()
            assert.equal(200, reply.status, reply.body)
            keys[expect.ok(reply).cluster.roleArn] = true
            asked = asked + 1
        end
        local count = 0
        for _ in pairs(keys) do
            count = count + 1
        end
        assert.is_true(count >= 3, count .. " keys signed " .. asked .. " requests")
        assert.is_nil(front:stderr():find("not fetched", 1, true))
    end)

    it("serves until they end where they can't be renewed, then says 503, and recovers by itself", function()
        stubs:set({ lifetime = 4 })
        start()
        await_first()
        stubs:set({ container_fail = { status = 404 } })
        assert.equal(200, describe_cluster().status)
        local refused = text.wait_for(function()
            local reply = describe_cluster()
            return reply.status ~= 200 and reply or nil
        end, 10)
        expect.error(refused, 503, "ServiceUnavailableException")
        stubs:set({ container_fail = cjson.null, lifetime = 3600 })
        assert.truthy(text.wait_for(function()
            return describe_cluster().status == 200
        end, 20))
    end)

    it("fetches them anew when the upstream calls them expired", function()
        start()
        await_first()
        stubs:set({ revoked = stubs:log().issued })
        expect.error(describe_cluster(), 503, "ServiceUnavailableException")
        assert.truthy(text.wait_for(function()
            return describe_cluster().status == 200
        end, 10))
    end)

    it("fetches them anew when they are refused while it asks what policies need to know", function()
        start({}, {}, { [[return { name = "sees", needs = { "cluster" }, authorize = function() end }]] })
        await_first()
        stubs:set({ revoked = stubs:log().issued })
        expect.error(describe_cluster(), 503, "ServiceUnavailableException")
        assert.truthy(text.wait_for(function()
            return describe_cluster().status == 200
        end, 10))
    end)

    it("assumes a role in the request's account, as the caller", function()
        local who = "user=tester@" .. gateway.account
        stubs:set({
            role = "arn:aws:iam::" .. gateway.account .. ":role/eks", session = who, form = { SourceIdentity = who },
            region = gateway.region,
        })
        start({}, { assume_role = "arn:aws:iam::{account}:role/eks" })
        assert.truthy(text.wait_for(function()
            return stubs:log().issued > 0
        end, 10))
        local reply = text.wait_for(function()
            local one = describe_cluster()
            return one.status == 200 and one or nil
        end, 20)
        assert.equal("ASIASTUB00000002", expect.ok(reply).cluster.roleArn)
        local sts = 0
        for _ = 1, 5 do
            expect.ok(describe_cluster())
        end
        for _, line in ipairs(stubs:lines()) do
            sts = sts + (line == "sts POST / 200" and 1 or 0)
        end
        assert.equal(1, sts)
    end)

    it("says what STS says where the role is refused", function()
        stubs:set({
            sts_fail = { status = 403, code = "AccessDenied", message = "not you" },
            form = { SourceIdentity = "user=tester@" .. gateway.account },
        })
        start({}, { assume_role = "arn:aws:iam::{account}:role/eks" })
        assert.truthy(text.wait_for(function()
            return stubs:log().issued > 0
        end, 10))
        expect.error(eks.describe(front, eks.fresh_role()), 403, "AccessDeniedException")
        local body = expect.error(eks.create(front, { principalArn = eks.fresh_role() }), 403, "AccessDeniedException")
        assert.truthy(body.message:find("this gateway can't act for it", 1, true))
        assert.truthy(front:stderr():find("AccessDenied", 1, true))
    end)
end)
