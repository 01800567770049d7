-- SPDX-License-Identifier: Apache-2.0
-- The state of a mock as a whole: read, replaced, kept, brought back, reset; and seeds.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

local function role(name)
    return "arn:aws:iam::111122223333:role/" .. name
end

--- A cluster of the region that requests are signed for; without an arn it would be in the setting's first.
local function here(name)
    return { name = name, arn = "arn:aws:eks:us-west-2:012345678910:cluster/" .. name }
end

local function cluster_call(gw, method, name, with)
    return gw:request(setmetatable({ method = method, target = "/clusters/" .. name }, { __index = with }))
end

local function state_of(gw)
    local reply = gw:control("GET", "/v1/mock/state")
    assert.equal(200, reply.status)
    return reply.body
end

local function put_state(gw, input)
    local reply = gw:control("PUT", "/v1/mock/state", input)
    assert.equal(200, reply.status, reply.body)
    return reply.json
end

--- A state of one cluster with these principals' entries.
local function one_cluster(name, ...)
    local entries = {}
    for i, principal in ipairs({ ... }) do
        entries[i] = { accessEntry = { principalArn = principal } }
    end
    return { clusters = { { cluster = here(name), accessEntries = #entries > 0 and entries or nil } } }
end

local function post(gw, path)
    return gw:control("POST", "/v1/mock/" .. path)
end

describe("the state of a mock", function()
    after_each(gateway.stop_all)

    it("is all that there is, in the API's own shapes", function()
        local gw = gateway.start_mock()
        assert.equal('{"clusters":[]}\n', state_of(gw))
        local made = expect.ok(gw:create({ principalArn = role("r"), tags = { k = "v" } }))
        local associated = expect.ok(gw:request({
            method = "POST", target = gateway.entry_target(role("r")) .. "/access-policies",
            json = { policyArn = view, accessScope = { type = "namespace", namespaces = { "a" } } },
        }))
        local state = cjson.decode(state_of(gw)).clusters
        assert.equal(1, #state)
        assert.same(expect.ok(cluster_call(gw, "GET", gateway.cluster)).cluster, state[1].cluster)
        assert.same({ { accessEntry = made.accessEntry, associatedAccessPolicies = { associated.associatedAccessPolicy } } },
            state[1].accessEntries)
        gw:stop()
    end)

    it("taken out and put back is the same, in another mock too", function()
        local gw = gateway.start_mock()
        for _, name in ipairs({ "b", "a", "path/c" }) do
            expect.ok(gw:create({ principalArn = role(name), kubernetesGroups = { name:sub(1, 1) } }))
        end
        expect.ok(gw:create({ principalArn = role("x") }, { key = { id = "999988887777", secret = "test" }, region = "eu-west-1" }))
        local state = state_of(gw)
        put_state(gw, state)
        assert.equal(state, state_of(gw))
        local other = gateway.start_mock()
        assert.same({ clusters = 2, accessEntries = 4 }, put_state(other, state))
        assert.equal(state, state_of(other))
        local before, after = gw:describe(role("path/c")), other:describe(role("path/c"))
        assert.equal(before.body, after.body)
        other:stop()
        gw:stop()
    end)

    it("is replaced whole: what isn't in it is gone", function()
        local gw = gateway.start_mock()
        expect.ok(gw:create({ principalArn = role("old") }))
        put_state(gw, one_cluster("c", role("new")))
        expect.ok(gw:describe(role("new"), { cluster = "c" }))
        expect.error(gw:describe(role("old")), 404, "ResourceNotFoundException", expect.not_found)
        local names = expect.ok(gw:request({ method = "GET", target = "/clusters" })).clusters
        assert.same({ "c" }, names)
        gw:stop()
    end)

    it("that is wrong changes nothing, and is refused by element and member", function()
        local gw = gateway.start_mock()
        expect.ok(gw:create({ principalArn = role("r") }))
        local before = state_of(gw)
        for body, words in pairs({
            ["{"] = "a member's name is missing",
            ['{"clusters":[{"cluster":{"name":"c"}},{"cluster":{"name":"!"}}]}'] = "clusters[1].cluster.name: must be 1 to 100",
            ['{"clusters":[{"cluster":{"name":"c"},"accessEntries":[{"accessEntry":{"principalArn":"x"}}]}]}'] =
                "clusters[0].accessEntries[0].accessEntry.principalArn: must be the ARN of an IAM role, user or root",
            ['{"clusters":[{"cluster":{"name":"c"},"accessEntry":[]}]}'] = "clusters[0]: has cluster, updates and accessEntries",
        }) do
            local reply = gw:control("PUT", "/v1/mock/state", body)
            assert.equal(400, reply.status)
            assert.truthy(reply.json.message:find(words, 1, true), reply.json.message)
        end
        assert.equal(before, state_of(gw))
        gw:stop()
    end)

    it("may hold what EKS makes itself, and shows it", function()
        local gw = gateway.start_mock()
        local linked = "arn:aws:iam::012345678910:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
        put_state(gw, { clusters = { {
            cluster = here("c"),
            accessEntries = { { accessEntry = { principalArn = linked, username = "eks:auto" } } },
        } } })
        local entry = expect.ok(gw:describe(linked, { cluster = "c" })).accessEntry
        assert.equal("eks:auto", entry.username)
        gw:stop()
    end)

    it("ends idempotency tokens with their entries", function()
        local gw = gateway.start_mock()
        local input = { principalArn = role("r"), clientRequestToken = "a-token-of-more-than-33-characters" }
        expect.ok(gw:create(input))
        put_state(gw, '{"clusters":[]}')
        expect.error(gw:describe(role("r")), 404, "ResourceNotFoundException", expect.not_found)
        local again = expect.ok(gw:create({ principalArn = role("other"), clientRequestToken = input.clientRequestToken }))
        assert.equal(role("other"), again.accessEntry.principalArn)
        gw:stop()
    end)

    it("is seen before or after a replacement, never in between", function()
        local gw = gateway.start_mock({ settings = { workers = 2, ["limits.entries_per_cluster"] = 3000 } })
        local function full(mark)
            local entries = {}
            for i = 1, 300 do
                entries[i] = { accessEntry = { principalArn = role("r" .. i), username = mark } }
            end
            return cjson.encode({ clusters = { { cluster = here("c"), accessEntries = entries } } })
        end
        local states = { full("one"), full("two") }
        put_state(gw, states[1])
        local clients, bytes = {}, {}
        for i = 1, 8 do
            clients[i] = gw:connect()
            bytes[i] = gw:format({ method = "GET", target = gateway.entry_target(role("r" .. (37 * i)), "c") })
        end
        local list = gw:connect()
        local list_bytes = gw:format({ method = "GET", target = gateway.entries_target("c") .. "?maxResults=100" })
        for round = 1, 30 do
            local admin = http.connect(gw.admin)
            local body = states[round % 2 + 1]
            admin:send(http.format({ method = "PUT", target = "/v1/mock/state", body = body, headers = {
                { "Host", http.host_of(gw.admin) }, { "X-Eksgate-Admin", "1" }, { "Content-Type", "application/json" },
            } }))
            repeat
                for i, client in ipairs(clients) do
                    client:send(bytes[i])
                end
                list:send(list_bytes)
                for _, client in ipairs(clients) do
                    local username = expect.ok(client:read()).accessEntry.username
                    assert.truthy(username == "one" or username == "two")
                end
                assert.equal(100, #expect.ok(list:read()).accessEntries)
            until not admin:is_silent(0)
            assert.equal(200, admin:read().status)
            admin:close()
        end
        gw:stop()
    end)

    it("is taken by 2,000 entries and more at once", function()
        local gw = gateway.start_mock()
        local parts = {}
        for i = 1, 3000 do
            parts[i] = '{"accessEntry":{"principalArn":"' .. role("r" .. i) .. '"}}'
        end
        local body = '{"clusters":[{"cluster":' .. cjson.encode(here("c")) .. ',"accessEntries":[' .. table.concat(parts, ",") .. "]}]}"
        assert.same({ clusters = 1, accessEntries = 3000 }, put_state(gw, body))
        expect.error(gw:create({ principalArn = role("one-more") }, { cluster = "c" }), 400, "ResourceLimitExceededException")
        local over = gw:control("PUT", "/v1/mock/state", (body:gsub("%]}%]}$", ',{"accessEntry":{"principalArn":"'
            .. role("r") .. '"}}]}]}')))
        assert.equal(400, over.status)
        assert.truthy(over.json.message:find("clusters[0].accessEntries: has more than 3000 entries", 1, true))
        gw:stop()
    end)
end)

describe("a cluster that DeleteCluster deleted", function()
    after_each(gateway.stop_all)

    it("stays deleted however often it is mentioned, until it is created or the mock is reset", function()
        local gw = gateway.start_mock()
        expect.ok(cluster_call(gw, "GET", "c"))
        expect.ok(cluster_call(gw, "DELETE", "c"))
        for _ = 1, 3 do
            expect.error(cluster_call(gw, "GET", "c"), 404, "ResourceNotFoundException", "No cluster found for name: c.")
            expect.error(gw:create({ principalArn = role("r") }, { cluster = "c" }), 404, "ResourceNotFoundException")
        end
        expect.ok(cluster_call(gw, "GET", "c", { key = { id = "999988887777", secret = "test" } }))
        expect.ok(gw:request({ method = "POST", target = "/clusters", json = {
            name = "c", roleArn = "arn:aws:iam::012345678910:role/eks",
            resourcesVpcConfig = { subnetIds = { "subnet-1", "subnet-2" } },
        } }))
        expect.ok(cluster_call(gw, "DELETE", "c"))
        expect.error(cluster_call(gw, "GET", "c"), 404, "ResourceNotFoundException")
        assert.equal(200, post(gw, "reset").status)
        expect.ok(cluster_call(gw, "GET", "c"))
        gw:stop()
    end)

    it("is deleted again where a snapshot from behind the deletion comes back", function()
        local gw = gateway.start_mock()
        expect.ok(cluster_call(gw, "GET", "c"))
        assert.equal(200, post(gw, "snapshots/before").status)
        expect.ok(cluster_call(gw, "DELETE", "c"))
        assert.equal(200, post(gw, "snapshots/behind").status)
        assert.equal(200, post(gw, "restore/before").status)
        expect.ok(cluster_call(gw, "GET", "c"))
        assert.equal(200, post(gw, "restore/behind").status)
        expect.error(cluster_call(gw, "GET", "c"), 404, "ResourceNotFoundException")
        gw:stop()
    end)
end)

describe("snapshots of a mock", function()
    after_each(gateway.stop_all)

    it("bring back what there was, as often as wanted", function()
        local gw = gateway.start_mock()
        expect.ok(gw:create({ principalArn = role("kept") }))
        local state = state_of(gw)
        assert.same({ snapshot = "base" }, post(gw, "snapshots/base").json)
        for _ = 1, 2 do
            expect.ok(gw:create({ principalArn = role("later") }))
            assert.same({ restored = "base" }, post(gw, "restore/base").json)
            assert.equal(state, state_of(gw))
        end
        gw:stop()
    end)

    it("bring back seeded ids with the state: the same steps give the same bodies", function()
        local gw = gateway.start_mock({ settings = { ids = "seeded:1", clock = "frozen:2026-01-01T00:00:00Z" } })
        expect.ok(gw:create({ principalArn = role("r") }))
        post(gw, "snapshots/base")
        local function steps()
            expect.ok(gw:request({ method = "DELETE", target = gateway.entry_target(role("r")) }))
            return gw:create({ principalArn = role("r") }).body .. gw:create({ principalArn = role("s") }).body
        end
        local first = steps()
        post(gw, "restore/base")
        assert.equal(first, steps())
        gw:stop()
    end)

    it("are listed, replaced under their name, and at most 16", function()
        local gw = gateway.start_mock()
        for i = 1, 16 do
            assert.equal(200, post(gw, "snapshots/s" .. i).status)
        end
        local reply = post(gw, "snapshots/more")
        assert.equal(409, reply.status)
        assert.truthy(reply.json.message:find("16", 1, true))
        expect.ok(gw:create({ principalArn = role("r") }))
        assert.equal(200, post(gw, "snapshots/s3").status)
        local listed = gw:control("GET", "/v1/mock/snapshots").json.snapshots
        assert.equal(16, #listed)
        assert.equal("s3", listed[3].name)
        assert.is_true(listed[3].bytes > listed[2].bytes)
        post(gw, "restore/s2")
        expect.error(gw:describe(role("r")), 404, "ResourceNotFoundException")
        post(gw, "restore/s3")
        expect.ok(gw:describe(role("r")))
        gw:stop()
    end)

    it("stay over a restart where the store is durable, with what goes with them", function()
        local folder = text.make_folder()
        local gw = gateway.start_mock({ folder = folder, settings = {
            ids = "seeded:1", clock = "frozen:2026-01-01T00:00:00Z", ["store.driver"] = "sqlite", data = folder,
        } })
        expect.ok(gw:create({ principalArn = role("r") }))
        expect.ok(cluster_call(gw, "GET", "gone"))
        expect.ok(cluster_call(gw, "DELETE", "gone"))
        local state = state_of(gw)
        post(gw, "snapshots/first")
        post(gw, "snapshots/base")
        local function steps()
            expect.error(cluster_call(gw, "GET", "gone"), 404, "ResourceNotFoundException")
            expect.ok(gw:request({ method = "DELETE", target = gateway.entry_target(role("r")) }))
            return gw:create({ principalArn = role("r") }).body .. gw:create({ principalArn = role("s") }).body
        end
        local first = steps()
        post(gw, "snapshots/first")
        local listed = gw:control("GET", "/v1/mock/snapshots").body
        local behind = state_of(gw)
        gw:restart()
        assert.equal(behind, state_of(gw))
        assert.equal(listed, gw:control("GET", "/v1/mock/snapshots").body)
        assert.equal(200, post(gw, "restore/base").status)
        assert.equal(state, state_of(gw))
        assert.equal(first, steps())
        post(gw, "snapshots/again")
        gw:restart()
        assert.equal(200, post(gw, "restore/again").status)
        assert.equal(behind, state_of(gw))
        gw:stop()
        text.remove_folder(folder)
    end)

    it("refuse names that are none, and names that nobody gave", function()
        local gw = gateway.start_mock()
        for _, name in ipairs({ "", "a/b", "a%20b", "..", string.rep("x", 65), "a.b" }) do
            assert.equal(400, post(gw, "snapshots/" .. name).status, name)
            assert.equal(400, post(gw, "restore/" .. name).status, name)
        end
        assert.equal(404, post(gw, "restore/nothing").status)
        assert.equal(200, post(gw, "snapshots/" .. string.rep("x", 64)).status)
        assert.equal(405, gw:control("GET", "/v1/mock/snapshots/" .. string.rep("x", 64)).status)
        gw:stop()
    end)
end)

describe("reset", function()
    after_each(gateway.stop_all)

    it("takes everything back to the start: state, clock, faults, requests, ids", function()
        local gw = gateway.start_mock({ settings = {
            ids = "seeded:1", clock = "frozen:2026-01-01T00:00:00Z",
            ["clusters.configured.accessConfig.authenticationMode"] = "CONFIG_MAP", region = "us-west-2",
        } })
        local before = state_of(gw)
        assert.truthy(before:find('"name":"configured"', 1, true))
        local first = gw:create({ principalArn = role("r") }).body
        gw:control("PUT", "/v1/mock/clock", { step = 3600 })
        gw:control("PUT", "/v1/mock/faults", { faults = { { operation = "*", drop = true } } })
        assert.same({ reset = true }, post(gw, "reset").json)
        assert.equal(before, state_of(gw))
        assert.same({}, gw:control("GET", "/v1/mock/requests").json.requests)
        assert.same({}, gw:control("GET", "/v1/mock/faults").json.faults)
        assert.equal("frozen:2026-01-01T00:00:00.000Z", gw:control("GET", "/v1/mock/clock").json.clock)
        assert.equal(first, gw:create({ principalArn = role("r") }).body)
        gw:stop()
    end)

    it("goes back to the seed and to the faults of the start", function()
        local prepared = gateway.prepare_mock({ settings = { seed = "seed.json", faults = "faults.json" } })
        prepared.options.working_folder = prepared.folder
        text.write_file(prepared.folder .. "/seed.json", cjson.encode(one_cluster("c", role("seeded"))))
        text.write_file(prepared.folder .. "/faults.json",
            '{"faults":[{"operation":"DeleteAccessEntry","error":"ServerException"}]}')
        prepared:launch_and_wait()
        assert.truthy(prepared:stderr():find("the state is that of " .. prepared.folder .. "/seed.json", 1, true))
        local before = state_of(prepared)
        expect.ok(prepared:describe(role("seeded"), { cluster = "c" }))
        expect.ok(prepared:create({ principalArn = role("r") }, { cluster = "c" }))
        prepared:control("PUT", "/v1/mock/faults", '{"faults":[]}')
        assert.equal(200, post(prepared, "reset").status)
        assert.equal(before, state_of(prepared))
        assert.equal(1, #prepared:control("GET", "/v1/mock/faults").json.faults)
        prepared:stop()
    end)

    it("has the clusters that a reload has added since", function()
        local gw = gateway.prepare_mock()
        text.write_file(gw.folder .. "/mock.json", '{"region":"us-west-2"}')
        table.move({ "-c", gw.folder .. "/mock.json" }, 1, 2, #gw.command + 1, gw.command)
        gw:launch_and_wait()
        text.write_file(gw.folder .. "/mock.json", '{"region":"us-west-2","clusters":{"added":{}}}')
        assert.equal(200, gw:control("POST", "/v1/reload").status)
        assert.equal(200, post(gw, "reset").status)
        assert.truthy(state_of(gw):find('"name":"added"', 1, true))
        gw:stop()
    end)
end)

describe("a seed", function()
    after_each(gateway.stop_all)

    it("keeps a mock from starting when it is wrong, and says where", function()
        local prepared = gateway.prepare_mock({ settings = { seed = "seed.json" } })
        prepared.options.working_folder = prepared.folder
        text.write_file(prepared.folder .. "/seed.json", '{"clusters":[{"cluster":{"name":"c","nmae":"x"}}]}')
        local code, err = prepared:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("seed: " .. prepared.folder .. "/seed.json: clusters[0].cluster.nmae: no such member", 1, true), err)
        prepared:forget()
        prepared = gateway.prepare_mock({ settings = { seed = "/nonexistent/seed.json" } })
        code, err = prepared:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("seed: /nonexistent/seed.json: can't be opened: No such file", 1, true), err)
        prepared:forget()
    end)

    it("is reached through eksgate ctl, like everything else", function()
        local gw = gateway.start_mock()
        text.write_file(gw.folder .. "/seed.json", cjson.encode(one_cluster("c", role("r"))))
        local function ctl(...)
            local code, out, err = gateway.run({ "ctl", "--admin", gw.admin, ... })
            assert.equal(0, code, err)
            return out
        end
        ctl("seed", gw.folder .. "/seed.json")
        expect.ok(gw:describe(role("r"), { cluster = "c" }))
        ctl("snapshot", "one")
        ctl("reset")
        expect.error(gw:describe(role("r"), { cluster = "c" }), 404, "ResourceNotFoundException")
        ctl("restore", "one")
        expect.ok(gw:describe(role("r"), { cluster = "c" }))
        assert.equal(state_of(gw), ctl("state"))
        gw:stop()
    end)
end)
