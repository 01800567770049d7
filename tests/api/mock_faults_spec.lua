-- SPDX-License-Identifier: Apache-2.0
-- PUT /v1/mock/faults: what a client meets, and what comes of retrying.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::111122223333:role/" .. name
end

describe("an ordered fault", function()
    local gw

    setup(function()
        gw = gateway.start_mock()
    end)

    teardown(function()
        gw:stop()
    end)

    local function order(...)
        local none = select("#", ...) == 0 and '{"faults":[]}'
        local reply = gw:control("PUT", "/v1/mock/faults", none or { faults = { ... } })
        assert.equal(200, reply.status, reply.body)
    end

    --- Creates as SDKs do: again after what is worth a retry, with the same token.
    local function create_with_retries(principal, attempts)
        local input = { principalArn = principal, clientRequestToken = "token-of-" .. principal }
        local reply
        for attempt = 1, attempts do
            local ok
            ok, reply = pcall(gw.create, gw, input)
            reply = ok and reply or nil
            if reply and reply.status < 500 and reply.status ~= 429 then
                return reply, attempt
            end
        end
        return reply, attempts
    end

    it("fails twice and then works, so that a client that retries gets its entry once", function()
        order({ operation = "CreateAccessEntry", error = "ServerException", times = 2 })
        local reply, attempts = create_with_retries(role("twice"), 5)
        expect.ok(reply)
        assert.equal(3, attempts)
        local seen = gw:control("GET", "/v1/mock/requests?operation=CreateAccessEntry&principal=" .. text.escape(role("twice")))
        local statuses = {}
        for i, request in ipairs(seen.json.requests) do
            statuses[i] = request.status
        end
        assert.same({ 500, 500, 200 }, statuses)
    end)

    it("is an exception of EKS with its status, and its message where one is ordered", function()
        order({ operation = "DescribeAccessEntry", error = "ThrottlingException", message = "Rate exceeded", times = 1 })
        expect.error(gw:describe(role("twice")), 429, "ThrottlingException", "Rate exceeded")
        expect.ok(gw:describe(role("twice")))
        order({ operation = "DescribeAccessEntry", error = "ResourceNotFoundException", times = 1 })
        expect.error(gw:describe(role("twice")), 404, "ResourceNotFoundException", "An injected fault.")
    end)

    it("has no effect on entries", function()
        order({ operation = "CreateAccessEntry", error = "ServiceUnavailableException" })
        expect.error(gw:create({ principalArn = role("never") }), 503, "ServiceUnavailableException")
        order()
        expect.error(gw:describe(role("never")), 404, "ResourceNotFoundException", expect.not_found)
    end)

    it("drops the connection without a reply", function()
        order({ operation = "DescribeAccessEntry", drop = true, times = 1 })
        local client = gw:connect()
        client:send((gw:format({ method = "GET", target = gateway.entry_target(role("twice")) })))
        assert.is_nil(client:read())
        client:close()
        expect.ok(gw:describe(role("twice")))
    end)

    it("delays and then lets go on", function()
        order({ operation = "DescribeAccessEntry", delay = 0.3, times = 1 })
        local began = text.now()
        expect.ok(gw:describe(role("twice")))
        assert.is_true(text.now() - began >= 0.25)
        began = text.now()
        expect.ok(gw:describe(role("twice")))
        assert.is_true(text.now() - began < 0.25)
    end)

    it("is for one cluster where it names one, for all operations where it says so", function()
        order({ operation = "*", cluster = "broken", error = "ServerException" })
        expect.error(gw:describe(role("twice"), { cluster = "broken" }), 500, "ServerException")
        expect.error(gw:create({ principalArn = role("x") }, { cluster = "broken" }), 500, "ServerException")
        expect.ok(gw:describe(role("twice")))
    end)

    it("comes after so many requests, and says how often it came", function()
        order({ operation = "DescribeAccessEntry", error = "ServerException", after = 2, times = 1 })
        local statuses = {}
        for i = 1, 5 do
            statuses[i] = gw:describe(role("twice")).status
        end
        assert.same({ 200, 200, 500, 200, 200 }, statuses)
        assert.same({ { operation = "DescribeAccessEntry", error = "ServerException", after = 2, times = 1, hits = 1 } },
            gw:control("GET", "/v1/mock/faults").json.faults)
    end)

    it("comes by chance, the same in every run where ids are seeded", function()
        local function run()
            local seeded = gateway.start_mock({ settings = { ids = "seeded:3" } })
            assert.equal(200, seeded:control("PUT", "/v1/mock/faults", { faults = {
                { operation = "*", error = "ServerException", probability = 0.5 },
            } }).status)
            local statuses = {}
            for i = 1, 40 do
                statuses[i] = seeded:describe(role("nobody")).status
            end
            seeded:stop()
            return table.concat(statuses, " ")
        end
        local first = run()
        assert.truthy(first:find("500", 1, true))
        assert.truthy(first:find("404", 1, true))
        assert.equal(first, run())
    end)

    it("stays as it was when new orders are wrong, which are refused by name", function()
        order({ operation = "DescribeAccessEntry", error = "ServerException" })
        for body, words in pairs({
            ['{"faults":[{"operation":"DescribeAcessEntry","drop":true}]}'] = "faults[0].operation: must be",
            ['{"faults":[{"operation":"*","drop":true},{"operation":"*","error":"Nope"}]}'] = "faults[1].error: must be",
            ['{"faults":[{"operation":"*","drop":true,"probabilty":1}]}'] = "faults[0]: has no member probabilty",
            ['{"faults":'] = "line 1",
            ["[]"] = "must be {\"faults\":[...]}",
        }) do
            local reply = gw:control("PUT", "/v1/mock/faults", body)
            assert.equal(400, reply.status)
            assert.truthy(reply.json.message:find(words, 1, true), reply.json.message)
        end
        expect.error(gw:describe(role("twice")), 500, "ServerException")
        order()
    end)

    it("comes before a policy's", function()
        local both = gateway.start_mock({ policies = {
            'return { name = "p", fault = function() return { error = "ThrottlingException" } end }',
        } })
        expect.error(both:describe(role("x")), 429, "ThrottlingException")
        both:control("PUT", "/v1/mock/faults", { faults = { { operation = "*", error = "ServerException", times = 1 } } })
        expect.error(both:describe(role("x")), 500, "ServerException")
        expect.error(both:describe(role("x")), 429, "ThrottlingException")
        both:stop()
    end)

    it("comes from a file at the start, and that is said", function()
        local prepared = gateway.prepare_mock({ settings = { faults = "faults.json" } })
        prepared.options.working_folder = prepared.folder
        text.write_file(prepared.folder .. "/faults.json",
            '{"faults":[{"operation":"CreateAccessEntry","error":"ServerException","times":1}]}')
        prepared:launch_and_wait()
        assert.truthy(prepared:stderr():find("requests are met by the faults of " .. prepared.folder .. "/faults.json", 1, true))
        expect.error(prepared:create({ principalArn = role("r") }), 500, "ServerException")
        expect.ok(prepared:create({ principalArn = role("r") }))
        prepared:stop()
    end)

    it("keeps a mock from starting when its file is wrong", function()
        local prepared = gateway.prepare_mock({ settings = { faults = "faults.json" } })
        prepared.options.working_folder = prepared.folder
        text.write_file(prepared.folder .. "/faults.json", '{"faults":[{"operation":"*"}]}')
        local code, err = prepared:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("faults.json: faults[0]: must have error, delay or drop", 1, true), err)
        prepared:forget()
    end)
end)
