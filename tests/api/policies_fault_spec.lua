-- SPDX-License-Identifier: Apache-2.0
-- The hook `fault` as users of a gateway and of a mock meet it.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local throttling = 'return { name = "flaky", fault = function() return { error = "ThrottlingException" } end }'
local role = "arn:aws:iam::012345678910:role/r"

describe("policies that inject faults", function()
    after_each(function()
        gateway.stop_all()
    end)

    it("keep a gateway from starting, because they are for mocks", function()
        local prepared = gateway.prepare({ policies = { throttling } })
        local code, err = prepared:fail_to_start()
        assert.equal(1, code, err)
        assert.truthy(err:find("policy1.lua: fault hooks are for eksgate mock", 1, true), err)
        prepared:forget()
    end)

    it("are no reason to stop a gateway that runs: a reload with one is refused", function()
        local gw = gateway.start({ policies = { 'return { name = "p" }' } })
        text.write_file(gw.folder .. "/policy1.lua", throttling)
        gw:signal("HUP")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("fault hooks are for eksgate mock", 1, true)
        end), gw:stderr())
        assert.equal(404, gw:describe(role).status)
        gw:stop()
    end)

    describe("in a mock", function()
        local mock

        local function start(body, on)
            local source = 'return { name = "flaky", on = { %s }, fault = function(req) %s end }'
            mock = gateway.start_mock({ policies = { source:format(on or '"CreateAccessEntry"', body) } })
        end

        --- The sum that /metrics shows.
        local function faults()
            return tonumber(http.get(mock.admin, "/metrics").body:match("\neksgate_faults_total (%d+)\n"))
        end

        it("answer with any exception, in EKS's form, and change nothing", function()
            start([[
                if req.input.tags and req.input.tags.error then
                    return { error = req.input.tags.error, message = req.input.tags.message }
                end]])
            local reply = mock:create({ principalArn = role,
                tags = { error = "ThrottlingException", message = "Rate exceeded" } })
            local body = expect.error(reply, 429, "ThrottlingException")
            assert.equal("Rate exceeded", body.message)
            assert.equal("my-cluster", body.clusterName)
            reply = mock:create({ principalArn = role, tags = { error = "ServerException" } })
            assert.equal("An injected fault.", expect.error(reply, 500, "ServerException").message)
            assert.equal(404, mock:describe(role).status)
            expect.ok(mock:create({ principalArn = role }))
            assert.equal(2, faults())
        end)

        it("drop connections without a byte of reply, and change nothing", function()
            start('if req.principal.name == "r" then return { drop = true } end')
            assert.is_nil(mock:create({ principalArn = role }))
            assert.equal(404, mock:describe(role).status)
            expect.ok(mock:create({ principalArn = role .. "2" }))
            assert.equal(1, faults())
        end)

        it("delay what then goes on", function()
            start("return { delay = 0.3 }")
            local began = text.now()
            expect.ok(mock:create({ principalArn = role }))
            assert.is_true(text.now() - began >= 0.25)
            expect.ok(mock:describe(role))
            assert.equal(1, faults())
        end)

        it("hold up neither others nor the end", function()
            start('if req.principal.name:find("^slow") then return { delay = 60 } end')
            local function create_slowly(name)
                local one = mock:connect()
                one:send((mock:format(gateway.create_request({ principalArn = role .. "/" .. name }))))
                return one
            end
            local waiting, leaving = create_slowly("slow-1"), create_slowly("slow-2")
            assert.truthy(text.wait_for(function()
                return faults() == 2
            end))
            leaving:reset()
            expect.ok(mock:create({ principalArn = role }))
            local began = text.now()
            mock:signal("TERM")
            assert.equal(200, waiting:read().status)
            mock:stop()
            assert.is_true(text.now() - began < 10 * text.patience)
        end)

        it("refuse when they answer nonsense", function()
            start('return { error = "NoSuchException" }')
            expect.error(mock:create({ principalArn = role }), 403, "AccessDeniedException",
                { "eksgate policy flaky: policy failed" })
            assert.truthy(mock:stderr():find("fault returned the error 'NoSuchException', which EKS doesn't have", 1, true),
                mock:stderr())
            assert.equal(0, faults())
        end)

        it("meet every operation, the caller's identity too", function()
            mock = gateway.start_mock({ policies = { throttling } })
            assert.equal(429, mock:describe(role).status)
            assert.equal(429, mock:create({ principalArn = role }).status)
            local reply = mock:caller()
            assert.truthy(reply.body:find("<Code>Throttling", 1, true), reply.body)
        end)
    end)
end)
