-- SPDX-License-Identifier: Apache-2.0
-- `eksgate mock`: starts without a file, prints what a client needs, lets everybody in, and fakes clock and ids.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::111122223333:role/" .. name
end

--- The lines behind the ready line.
local function exports(gw)
    return text.wait_for(function()
        local lines = gw:stdout():match("\n(.*AWS_DEFAULT_REGION=[^\n]*\n)$")
        return lines
    end)
end

describe("eksgate mock", function()
    after_each(gateway.stop_all)

    it("prints the ready line as serve does, then what a shell needs", function()
        local gw = gateway.start_mock()
        assert.equal("eksgate ready " .. gw.address .. " admin " .. gw.admin, gw.ready_line)
        assert.equal("export AWS_ENDPOINT_URL=" .. gw.address .. "\nexport AWS_ACCESS_KEY_ID=test\n"
            .. "export AWS_SECRET_ACCESS_KEY=test\nexport AWS_REGION=us-east-1\nexport AWS_DEFAULT_REGION=us-east-1\n",
            exports(gw))
        gw:stop()
    end)

    it("prints exports that a shell takes and that lead to it", function()
        local gw = gateway.start_mock({ settings = { listen = "0.0.0.0:0", region = "eu-west-1" } })
        exports(gw)
        local pipe = io.popen("sed 1d " .. text.quote(gw.stdout_file) .. " > " .. text.quote(gw.folder .. "/env") .. " && . "
            .. text.quote(gw.folder .. "/env") .. " && echo $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_REGION")
        local url, key, region = pipe:read("a"):match("^(%S+) (%S+) (%S+)\n$")
        pipe:close()
        assert.equal("http://127.0.0.1:" .. gw.address:match("%d+$"), url)
        assert.equal("test", key)
        assert.equal("eu-west-1", region)
        expect.ok(gw:create({ principalArn = role("r") }, { address = url, region = region }))
        gw:stop()
    end)

    it("starts without any configuration and writes no file", function()
        local gw = gateway.prepare_mock()
        gw.options.environment = { EKSGATE_CONFIG = "/nonexistent/eksgate.lua" }
        gw:launch_and_wait()
        assert.truthy(gw:stderr():find("EKSGATE_CONFIG is not read", 1, true))
        expect.ok(gw:create({ principalArn = role("r") }))
        gw:stop()
    end)

    it("takes the keys that everybody knows, for any region", function()
        local gw = gateway.start_mock()
        for id, secret in pairs({ test = "test", testing = "testing",
            AKIDEXAMPLE = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ["999988887777"] = "test" }) do
            for _, region in ipairs({ "us-west-2", "ap-south-1" }) do
                expect.ok(gw:create({ principalArn = role(id) }, { key = { id = id, secret = secret }, region = region }))
            end
        end
        expect.error(gw:create({ principalArn = role("x") }, { key = { id = "test", secret = "tset" } }), 403,
            "InvalidSignatureException")
        expect.error(gw:create({ principalArn = role("x") }, { key = { id = "other", secret = "test" } }), 403,
            "UnrecognizedClientException")
        gw:stop()
    end)

    it("takes keys of one's own instead", function()
        local prepared = gateway.prepare_mock()
        text.write_file(prepared.folder .. "/keys.json", gateway.key_file({ gateway.key }))
        table.move({ "--set", "keys=" .. prepared.folder .. "/keys.json" }, 1, 2, #prepared.command + 1, prepared.command)
        prepared:launch_and_wait()
        expect.ok(prepared:create({ principalArn = role("r") }, { key = gateway.key }))
        expect.error(prepared:create({ principalArn = role("s") }), 403, "UnrecognizedClientException")
        assert.is_nil(exports(prepared):find("ACCESS_KEY", 1, true))
        prepared:stop()
    end)

    it("keeps accounts and regions apart: a key of twelve digits is its own account", function()
        local gw = gateway.start_mock()
        local one = { id = "111111111111", secret = "test" }
        local two = { id = "222222222222", secret = "test" }
        local made = expect.ok(gw:create({ principalArn = role("r") }, { key = one }))
        assert.truthy(made.accessEntry.accessEntryArn:find(
            "^arn:aws:eks:us%-west%-2:111111111111:access%-entry/my%-cluster/role/111122223333/r/"))
        expect.error(gw:describe(role("r"), { key = two }), 404, "ResourceNotFoundException", expect.not_found)
        expect.error(gw:describe(role("r"), { key = one, region = "eu-west-1" }), 404, "ResourceNotFoundException",
            expect.not_found)
        expect.ok(gw:create({ principalArn = role("r") }, { key = two }))
        expect.ok(gw:describe(role("r"), { key = one }))
        gw:stop()
    end)

    it("makes a cluster when it is first mentioned, once, whoever is first", function()
        local gw = gateway.start_mock({ settings = { workers = 2 } })
        local clients = {}
        for i = 1, 16 do
            clients[i] = gw:connect()
            clients[i]:send((gw:format(gateway.create_request({ principalArn = role("r" .. i) }, { cluster = "fresh" }))))
        end
        for _, client in ipairs(clients) do
            expect.ok(client:read())
        end
        for i = 1, 16 do
            expect.ok(gw:describe(role("r" .. i), { cluster = "fresh" }))
        end
        gw:stop()
    end)

    it("has the clusters that are configured, as they are configured", function()
        local gw = gateway.start_mock({
            settings = { region = "us-west-2", ["clusters.old.accessConfig.authenticationMode"] = "CONFIG_MAP" },
        })
        expect.error(gw:create({ principalArn = role("r") }, { cluster = "old" }), 400, "InvalidRequestException")
        expect.ok(gw:create({ principalArn = role("r") }, { cluster = "new" }))
        gw:stop()
    end)

    it("says in its log everything that it fakes", function()
        local gw = gateway.start_mock({
            settings = { listen = "0.0.0.0:0", clock = "frozen:2026-01-01T00:00:00Z", ids = "seeded:7" },
        })
        local log = gw:stderr()
        for _, words in ipairs({
            "entries are kept in memory and are gone when this process ends",
            "audit is off",
            "everybody knows the keys",
            gw.address .. " can be reached from outside",
            "clusters are made when they are first mentioned",
            "the clock of createdAt and modifiedAt stands at 2026-01-01T00:00:00.000Z",
            "ids are derived from the number 7",
        }) do
            assert.truthy(log:find(words, 1, true), words .. " in\n" .. log)
        end
        gw:stop()
        gw = gateway.start_mock()
        assert.is_nil(gw:stderr():find("the clock of", 1, true))
        assert.is_nil(gw:stderr():find("ids are derived", 1, true))
        gw:stop()
    end)

    it("refuses what a mock has not, and lists every problem", function()
        local code, err = gateway.prepare_mock({ settings = {
            clock = "frozen:soon", ids = "4", ["upstream.endpoint"] = "https://eks.us-east-1.amazonaws.com",
        } }):fail_to_start()
        assert.equal(1, code)
        for _, words in ipairs({ "--set: clock: is \"frozen:soon\"; accepted: system, or frozen:",
            "--set: ids: is \"4\"; accepted: random, or seeded:", "--set: upstream.endpoint: is AWS's, which no mock" }) do
            assert.truthy(err:find(words, 1, true), words .. " in\n" .. err)
        end
    end)
end)

describe("a mock's frozen clock", function()
    after_each(gateway.stop_all)

    it("is the time in data, and leaves signatures and Date alone", function()
        local gw = gateway.start_mock({ settings = { clock = "frozen:2020-02-29T12:00:00.500Z" } })
        local reply = gw:create({ principalArn = role("r") })
        local made = expect.ok(reply).accessEntry
        assert.equal(1582977600.5, made.createdAt)
        assert.equal(1582977600.5, made.modifiedAt)
        assert.is_nil(reply.header.date:find(" 2020 ", 1, true))
        expect.error(gw:describe(role("r"), { timestamp = "20200229T120000Z" }), 403, "InvalidSignatureException",
            { "Signature expired" })
        gw:stop()
    end)

    it("doesn't age tokens", function()
        local gw = gateway.start_mock({ settings = { clock = "frozen:2020-02-29T12:00:00Z" } })
        local input = { principalArn = role("r"), clientRequestToken = "a-token-of-more-than-33-characters" }
        local first = gw:create(input)
        assert.equal(first.body, gw:create(input).body)
        gw:stop()
    end)
end)

describe("a mock's seeded ids", function()
    after_each(gateway.stop_all)

    --- Every body that a run of concurrent creates gives, by principal.
    local function run(settings, order)
        local gw = gateway.start_mock({ settings = settings })
        local clients, bodies = {}, {}
        for _, name in ipairs(order) do
            clients[name] = gw:connect()
        end
        for _, name in ipairs(order) do
            clients[name]:send((gw:format(gateway.create_request({ principalArn = role(name) }))))
        end
        for name, client in pairs(clients) do
            bodies[name] = client:read().body
            client:close()
        end
        gw:stop()
        return bodies
    end

    it("are the same in every run, whatever the order of requests", function()
        local settings = { ids = "seeded:4711", clock = "frozen:2026-01-01T00:00:00Z", workers = 2 }
        local there, back = {}, {}
        for i = 1, 24 do
            there[i], back[25 - i] = "r" .. i, "r" .. i
        end
        local first = run(settings, there)
        assert.same(first, run(settings, back))
        local seen = {}
        for _, body in pairs(first) do
            assert.is_nil(seen[body])
            seen[body] = true
        end
        settings.ids = "seeded:4712"
        assert.not_same(first, run(settings, there))
    end)

    it("are others from run to run where no seed is given", function()
        local settings = { clock = "frozen:2026-01-01T00:00:00Z" }
        assert.not_same(run(settings, { "r" }), run(settings, { "r" }))
    end)
end)

describe("the setting principals", function()
    after_each(gateway.stop_all)

    local nobody = "The specified principalArn is invalid: invalid principal."

    it("refuses whoever isn't in the file, and is taken up by a reload", function()
        local prepared = gateway.prepare({ settings = { admin = "127.0.0.1:0" } })
        prepared:write("principals", role("there") .. "\n")
        prepared:write("eksgate.lua", (text.read_file(prepared.config):gsub("return {", "return { principals = 'principals',")))
        prepared:launch_and_wait()
        expect.ok(prepared:create({ principalArn = role("there") }))
        expect.error(prepared:create({ principalArn = role("new") }), 400, "InvalidParameterException", nobody)
        prepared:write("principals", '["' .. role("new") .. '"]')
        assert.equal(200, prepared:control("POST", "/v1/reload").status)
        expect.ok(prepared:create({ principalArn = role("new") }))
        expect.error(prepared:create({ principalArn = role("later") }), 400, "InvalidParameterException", nobody)
        prepared:write("principals", "nonsense")
        local reply = prepared:control("POST", "/v1/reload")
        assert.equal(422, reply.status)
        assert.truthy(reply.body:find("principals: line 1: is no ARN of an IAM role, user or root", 1, true))
        prepared:stop()
    end)
end)

describe("the controls of a mock", function()
    it("are not there under serve", function()
        local gw = gateway.start({ settings = { admin = "127.0.0.1:0" } })
        for _, order in ipairs({ { "GET", "/v1/mock/state" }, { "POST", "/v1/mock/reset" }, { "PUT", "/v1/mock/clock" } }) do
            assert.equal(404, gw:control(order[1], order[2], order[1] == "PUT" and { clock = "system" } or nil).status)
        end
        assert.equal(404, http.get(gw.admin, "/v1/mock/requests").status)
        gw:stop()
    end)
end)
