-- SPDX-License-Identifier: Apache-2.0
-- Authorize hooks that ask another service: who waits holds nobody up, and what gives no answer refuses.

local cjson = require("cjson")
local lfs = require("lfs")
local eks = require("support.eks")
local endpoint_stub = require("support.endpoint_stub")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")
local tls = require("support.tls")
local upstream = require("support.upstream")

local secret = "Bearer 0nly-between-us"

--- Asks what a create's tags say: `path` of `endpoint`; with `guard` behind a pcall that takes no answer for consent.
local asking = [[
local http = require("eksgate.http")
local verdict = require("eksgate.verdict")
local policy = { name = "asking", on = { "CreateAccessEntry" } }

local function ask(tags)
    return http.get(tags.endpoint or "stub", { path = tags.path })
end

function policy.authorize(req)
    local tags = req.input.tags
    local ok, reply = true, nil
    if tags.guard then
        ok, reply = pcall(ask, tags)
    else
        reply = ask(tags)
    end
    if not ok or reply.json and reply.json.result then
        return verdict.allow()
    end
    return verdict.deny(("%d %s %s"):format(reply.status, reply.content_type or "-", reply.body:sub(1, 60)))
end

return policy
]]

local function policy(name, members)
    return ([[
local http = require("eksgate.http")
local verdict = require("eksgate.verdict")
return { name = %q, on = { "CreateAccessEntry" }, %s }
]]):format(name, members)
end

local function refused_by(reply, name, reason)
    expect.error(reply, 403, "AccessDeniedException")
    local found = reply.json.message:match("%(eksgate policy (.*), request [-%x]+%)$")
    assert.equal(name .. ": " .. reason, found)
end

describe("an authorize hook that asks an endpoint", function()
    local stub, folder, authority, gw

    setup(function()
        folder = text.make_folder()
        authority = tls.authority(folder, "ca")
        stub = endpoint_stub.start({
            authority:make("right", { names = { "127.0.0.1" } }),
            authority:make("wrong", { names = { "approvals.example" } }),
            tls.authority(folder, "other"):make("stranger", { names = { "127.0.0.1" } }),
        })
    end)

    teardown(function()
        stub:stop()
        text.remove_folder(folder)
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local function endpoints(more)
        local all = { stub = { url = stub.plain, timeout_ms = 400, headers = { Authorization = secret } } }
        for name, value in pairs(more or {}) do
            all[name] = value
        end
        return all
    end

    local function start(policies, more, settings)
        local all = { policy = { endpoints = endpoints(more) } }
        for name, value in pairs(settings or {}) do
            all[name] = value
        end
        gw = gateway.start({ policies = policies, settings = all })
        return gw
    end

    local function create(tags, with)
        return eks.create(gw, { principalArn = eks.fresh_role(), tags = tags }, with)
    end

    --- Lines of the log since it was so long.
    local function log_since(length)
        return gw:stderr():sub(length + 1)
    end

    it("goes by what it answers", function()
        start({ asking })
        expect.ok(create({ path = "/allow" }))
        refused_by(create({ path = "/deny" }), "asking", '200 application/json {"result": false}')
        assert.is_nil(gw:stderr():find(secret, 1, true))
        gw:stop()
    end)

    it("gets replies of any status, and follows no redirect", function()
        start({ asking })
        local before = #stub:seen().requests
        refused_by(create({ path = "/status/500" }), "asking", '500 application/json {"status": 500}')
        refused_by(create({ path = "/status/404" }), "asking", '404 application/json {"status": 404}')
        refused_by(create({ path = "/redirect" }), "asking", "302 - ")
        refused_by(create({ path = "/text" }), "asking", "200 text/plain yes")
        refused_by(create({ path = "/chunks/20" }), "asking", "200 text/plain " .. ("x"):rep(20))
        assert.equal(before + 5, #stub:seen().requests)
        gw:stop()
    end)

    it("refuses when there is no answer, whatever the hook makes of that", function()
        start({ asking }, {
            closed = "http://127.0.0.1:1",
            nowhere = { url = "http://nobody.invalid", timeout_ms = 2000 },
            small = { url = stub.plain, reply_bytes = 100 },
        })
        local cases = {
            { path = "/hang", why = "no whole reply within 400 ms" },
            { path = "/half", why = "no whole reply within 400 ms" },
            { path = "/drip", why = "no whole reply within 400 ms" },
            { path = "/endless", why = "" },
            { path = "/cut", why = "" },
            { path = "/reset", why = "" },
            { path = "/nonsense", why = "" },
            { path = "/twice", why = "" },
            { path = "/early", why = "" },
            { path = "/big/65537", why = "" },
            { path = "/chunks/65537", why = "" },
            { path = "/big/101", endpoint = "small", why = "" },
            { path = "/broken", why = "says that it is JSON and isn't" },
            { path = "/allow", endpoint = "closed", why = "127.0.0.1:1" },
            { path = "/allow", endpoint = "nowhere", why = "" },
            { path = "/allow", endpoint = "unknown", why = "no such endpoint" },
            { path = "/../allow", why = "dot segments" },
            { path = "//127.0.0.1/allow", why = "empty" },
        }
        for _, case in ipairs(cases) do
            for _, guard in ipairs({ "", "yes" }) do
                local tags = { path = case.path, endpoint = case.endpoint, guard = guard ~= "" and guard or nil }
                local length = #gw:stderr()
                local began = text.now()
                refused_by(create(tags), "asking", "policy failed")
                assert.is_true(text.now() - began < 3 * text.patience, case.path)
                local line = log_since(length)
                local expected = ("policy: asking: authorize failed: .-policy1%%.lua:%%d+: endpoint %s: "):format(
                    case.endpoint or "stub")
                assert.truthy(line:find(expected), case.path .. " " .. guard .. ": " .. line)
                assert.truthy(line:find(case.why, 1, true), line)
                assert.is_nil(line:find(secret, 1, true))
            end
        end
        assert.same({}, expect.ok(eks.list(gw)).accessEntries)
        expect.ok(create({ path = "/big/60000?/allow" }).status == 403 and create({ path = "/allow" }))
        gw:stop()
    end)

    it("sends tables as JSON, the request as policies see it, with the operator's headers", function()
        start({ policy("post", [[authorize = function(req)
            http.post("stub", { path = "/v1/echo", body = { input = req, list = { 1, "b" } } })
            http.post("stub", { path = "/echo", body = "a=b", content_type = "text/x-own" })
            http.post("stub", { path = "/echo?a=" .. http.encode("x/y&z") })
            local reply = http.post("stub", { path = "/echo", body = req.principal })
            return verdict.deny(reply.json.path .. " " .. reply.json.body:sub(1, 14))
        end]]) })
        local role = eks.fresh_role()
        local reply = eks.create(gw, { principalArn = role, kubernetesGroups = { "g" } })
        refused_by(reply, "post", '/echo {"account":"01')
        local first, second, third = table.unpack(stub:seen().last, 7)
        assert.equal("POST", first.method)
        assert.equal("/v1/echo", first.path)
        local function field(request, name)
            local found
            for _, one in ipairs(request.fields) do
                if one[1]:lower() == name then
                    assert.is_nil(found)
                    found = one[2]
                end
            end
            return found
        end
        assert.equal(secret, field(first, "authorization"))
        assert.equal("application/json", field(first, "content-type"))
        assert.equal(stub.plain:gsub("http://", ""), field(first, "host"))
        assert.truthy(field(first, "user-agent"):find("^eksgate/"))
        local sent = cjson.decode(first.body)
        assert.same({ 1, "b" }, sent.list)
        assert.same({ "g" }, sent.input.input.kubernetesGroups)
        assert.equal(role, sent.input.principal.arn)
        assert.equal(gateway.key.arn, sent.input.caller.arn)
        assert.equal(reply.header["x-amzn-requestid"], sent.input.request_id)
        assert.equal("CreateAccessEntry", sent.input.operation)
        assert.equal("text/x-own", field(second, "content-type"))
        assert.equal("a=b", second.body)
        assert.equal("/echo?a=x%2Fy%26z", third.path)
        assert.equal("", third.body)
        assert.equal("0", field(third, "content-length"))
        gw:stop()
    end)

    it("keeps connections", function()
        start({ asking })
        expect.ok(create({ path = "/allow" }))
        local before = stub:seen().connections
        for _ = 1, 5 do
            expect.ok(create({ path = "/allow" }))
        end
        assert.equal(before + 1, stub:seen().connections) -- that of this look
        gw:stop()
    end)

    it("believes no certificate of another name or authority", function()
        local function https(url)
            return { url = url, ca = authority.file, timeout_ms = 2000 }
        end
        start({ asking }, {
            right = https(stub.tls[1]), wrong = https(stub.tls[2]), stranger = https(stub.tls[3]), system = stub.tls[1],
        })
        expect.ok(create({ path = "/allow", endpoint = "right" }))
        for name, why in pairs({ wrong = "IP address mismatch", stranger = "certificate", system = "certificate" }) do
            local length = #gw:stderr()
            refused_by(create({ path = "/allow", endpoint = name }), "asking", "policy failed")
            assert.truthy(log_since(length):find(why, 1, true), log_since(length))
        end
        gw:stop()
    end)

    it("may ask eight times for one request", function()
        start({ policy("often", [[authorize = function(req)
            for i = 1, tonumber(req.input.tags.times) do
                if http.get("stub", { path = "/status/" .. 400 + i }).status ~= 400 + i then
                    return verdict.deny("crossed")
                end
            end
            return verdict.allow()
        end]]) })
        expect.ok(create({ times = "8" }))
        refused_by(create({ times = "9" }), "often", "policy failed")
        assert.truthy(gw:stderr():find("8 times", 1, true))
        gw:stop()
    end)

    it("asks in authorize hooks alone, and nowhere that can't wait", function()
        local get = 'http.get("stub", { path = "/allow" })'
        local cases = {
            { "sort", ("table.sort({ 3, 1, 2 }, function(a, b) return %s and a < b end)"):format(get), "refused" },
            { "gsub", ('(("a"):gsub("a", function() return %s.body end))'):format(get), "either" },
            { "text", ('tostring(setmetatable({}, { __tostring = function() return %s.body end }))'):format(get), "either" },
            { "less", ("setmetatable({}, { __lt = function() return %s end }) < {}"):format(get) },
            { "iterator", ("(function() for _ in function() return %s and nil end do end end)()"):format(get) },
            { "deep", ("pcall(pcall, function() return %s end)"):format(get) },
            { "index", ("setmetatable({}, { __index = function() return %s end }).x"):format(get) },
        }
        for _, case in ipairs(cases) do
            start({ policy(case[1], "authorize = function() local x = " .. case[2] .. " return verdict.allow(), x end") })
            local reply = create()
            if case[3] == "refused" or (case[3] and reply.status ~= 200) then
                refused_by(reply, case[1], "policy failed")
                assert.truthy(gw:stderr():find("endpoints can't be asked inside a function that sort", 1, true), case[1])
            else
                expect.ok(reply)
            end
            assert.is_nil(gw:stderr():find("yield", 1, true))
            gw:stop()
        end
        for _, hook in ipairs({ "username", "tags", "audit" }) do
            start({ policy(hook, ("%s = function() %s end"):format(hook, get)) })
            refused_by(create(), hook, "policy failed")
            assert.truthy(gw:stderr():find("endpoints are asked by authorize hooks, not by " .. hook, 1, true))
            gw:stop()
        end
        gw = gateway.prepare({ policies = { policy("load", "x = " .. get) } })
        local code, problems = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(problems:find("not while policies are loaded", 1, true))
    end)

    it("says what is wrong with how it was called", function()
        for arguments, why in pairs({
            ['"stub", { pth = "/allow" }'] = "http.get: there is no 'pth'",
            ['"stub", { path = 5 }'] = "http.get: 'path' must be a text, not a number",
            ['{}, { path = "/allow" }'] = "string expected",
            ['"stub", "/allow"'] = "table expected",
            ['"stub", { body = "x" }'] = "http.get: there is no 'body'",
        }) do
            start({ policy("wrong", ("authorize = function() http.get(%s) end"):format(arguments)) })
            refused_by(create(), "wrong", "policy failed")
            assert.truthy(gw:stderr():find(why, 1, true), gw:stderr())
            gw:stop()
        end
    end)

    it("lets a hundred wait on one worker while a bystander is served at once", function()
        start({ asking }, { stub = { url = stub.plain, timeout_ms = 5000 } })
        local known = eks.fresh_role()
        expect.ok(eks.create(gw, { principalArn = known, tags = { path = "/allow" } }))
        local waiting, began = {}, text.now()
        for i = 1, 100 do
            waiting[i] = gw:connect()
            waiting[i]:send((gw:format(gateway.create_request({
                principalArn = eks.fresh_role(), tags = { path = "/wait/1500" },
            }))))
        end
        assert.truthy(text.wait_for(function() return stub:seen().waiting == 100 end, 5))
        local worst, served = 0, 0
        local bystander = gw:connect()
        while stub:seen().waiting == 100 do
            local bytes = gw:format({ method = "GET", target = gateway.entry_target(known) })
            local sent = text.now()
            bystander:send(bytes)
            assert.equal(200, bystander:read().status)
            worst, served = math.max(worst, text.now() - sent), served + 1
        end
        for i = 1, 100 do
            assert.equal(200, waiting[i]:read({ seconds = 10 }).status)
        end
        assert.is_true(served > 20, "served " .. served)
        assert.is_true(worst < 0.1 * text.patience, "worst " .. worst)
        assert.is_true(text.now() - began < 6 * text.patience)
        gw:stop()
    end)

    it("turns away what would be too many at once", function()
        start({ asking }, { stub = { url = stub.plain, timeout_ms = 1500 } })
        local waiting = {}
        for i = 1, 140 do
            waiting[i] = gw:connect()
            waiting[i]:send((gw:format(gateway.create_request({
                principalArn = eks.fresh_role(), tags = { path = "/wait/700" },
            }))))
        end
        local answered = { [200] = 0, [403] = 0 }
        for i = 1, 140 do
            local status = waiting[i]:read({ seconds = 10 }).status
            answered[status] = answered[status] + 1
        end
        assert.same({ [200] = 128, [403] = 12 }, answered)
        assert.truthy(gw:stderr():find("too many requests wait for it", 1, true))
        gw:stop()
    end)

    it("outlives its client, and goes on serving others", function()
        start({ asking })
        for _, path in ipairs({ "/hang", "/wait/200", "/half" }) do
            for _, leave in ipairs({ "close", "reset" }) do
                local client = gw:connect()
                client:send((gw:format(gateway.create_request({
                    principalArn = eks.fresh_role(), tags = { path = path },
                }))))
                local before = #stub:seen().requests
                text.wait_for(function() return #stub:seen().requests > before end, 0.05)
                client[leave](client)
                expect.ok(create({ path = "/allow" }))
            end
        end
        assert.truthy(text.wait_for(function()
            return select(2, gw:stderr():gsub("no whole reply within 400 ms", "")) == 4
        end, 5))
        gw:stop()
    end)

    it("ends with a drain, at its endpoint's deadline", function()
        start({ asking })
        local client = gw:connect()
        client:send((gw:format(gateway.create_request({ principalArn = eks.fresh_role(), tags = { path = "/hang" } }))))
        assert.truthy(text.wait_for(function() return stub:seen().waiting == 1 end))
        gw:signal("TERM")
        assert.equal(403, client:read().status)
        assert.equal(0, gw.process:wait(5))
    end)

    it("is given up when the process doesn't wait for it", function()
        start({ asking }, { stub = { url = stub.plain, timeout_ms = 10000 } }, { drain_timeout = 0.2 })
        local client = gw:connect()
        client:send((gw:format(gateway.create_request({ principalArn = eks.fresh_role(), tags = { path = "/hang" } }))))
        assert.truthy(text.wait_for(function() return stub:seen().waiting == 1 end))
        gw:signal("TERM")
        assert.is_not_nil(gw.process:wait(5))
        assert.is_nil(gw:stderr():find("Sanitizer", 1, true))
    end)

    it("ends on the endpoints that it began on, and the next one takes up a reload", function()
        start({ asking })
        local client = gw:connect()
        client:send((gw:format(gateway.create_request({
            principalArn = eks.fresh_role(), tags = { path = "/wait/300" },
        }))))
        assert.truthy(text.wait_for(function() return stub:seen().waiting == 1 end))
        gw.settings.policy.endpoints = { stub = { url = stub.plain .. "/status/404" } }
        gw:write("eksgate.lua", gateway.serialize(gw.settings))
        gw:signal("HUP")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("taken up", 1, true)
        end))
        assert.equal(200, client:read().status)
        refused_by(create({ path = "/deny" }), "asking", '200 application/json {"result": false}')
        assert.equal("GET /status/404/deny", stub:seen().requests[#stub:seen().requests])
        gw:stop()
    end)

    it("takes its connections along when it is replaced", function()
        local function descriptors()
            local count = 0
            for _ in lfs.dir("/proc/" .. gw.pid .. "/fd") do
                count = count + 1
            end
            return count
        end
        start({ asking })
        local function ask_and_reload(times)
            for _ = 1, times do
                expect.ok(create({ path = "/allow" }))
                local seen = #gw:stderr()
                gw:signal("HUP")
                assert.truthy(text.wait_for(function() return log_since(seen):find("taken up", 1, true) end))
            end
            expect.ok(create({ path = "/allow" }))
            return descriptors()
        end
        local before = ask_and_reload(2)
        assert.is_true(ask_and_reload(20) <= before + 2)
        gw:stop()
    end)

    it("decides anew on what changed while it waited", function()
        start({ ([[
local http = require("eksgate.http")
local verdict = require("eksgate.verdict")
local policy = { name = "locked", on = { "UpdateAccessEntry" }, needs = { "entry" } }
function policy.authorize(req)
    http.get("stub", { path = "/wait/250" })
    if req.entry.tags.locked then
        return verdict.deny("it is locked")
    end
    return verdict.allow()
end
return policy
]]) })
        local role = eks.fresh_role()
        local made = expect.ok(eks.create(gw, { principalArn = role })).accessEntry
        local client = gw:connect()
        client:send((gw:format({ method = "POST", target = gateway.entry_target(role), json = { username = "u" } })))
        assert.truthy(text.wait_for(function() return stub:seen().waiting == 1 end))
        expect.ok(eks.tag(gw, made.accessEntryArn, { tags = { locked = "yes" } }))
        local reply = client:read()
        reply.json = cjson.decode(reply.body)
        refused_by(reply, "locked", "it is locked")
        gw:stop()
    end)

    it("works where requests pass through as they came", function()
        local pair = upstream.passing_pair({ front = {
            policies = { policy("pass", [[authorize = function(req)
                return http.get("stub", { path = req.principal.name == "good" and "/allow" or "/deny" }).json.result
                    and verdict.allow() or verdict.deny("no")
            end]]) },
            settings = { policy = { library = gateway.root .. "/lua", endpoints = endpoints() } },
        } })
        expect.ok(eks.create(pair.front, { principalArn = eks.role("good") }))
        refused_by(eks.create(pair.front, { principalArn = eks.role("bad") }), "pass", "no")
        pair:stop()
    end)

    it("is counted", function()
        start({ asking }, nil, { status = "127.0.0.1:0" })
        expect.ok(create({ path = "/allow" }))
        refused_by(create({ path = "/hang" }), "asking", "policy failed")
        refused_by(create({ path = "/x", endpoint = "unknown" }), "asking", "policy failed")
        local metrics = require("support.http").get(gw:status_address(), "/metrics").body
        assert.truthy(metrics:find("\neksgate_policy_fetches_total 2\n", 1, true))
        assert.truthy(metrics:find("\neksgate_policy_fetches_failed_total 2\n", 1, true))
        assert.truthy(metrics:find("\neksgate_policy_fetches_under_way 0\n", 1, true))
        local seconds = tonumber(metrics:match("\neksgate_policy_fetch_seconds_total ([%d.]+)\n"))
        assert.is_true(seconds >= 0.35 and seconds < 3 * text.patience, tostring(seconds))
        gw:stop()
    end)
end)
