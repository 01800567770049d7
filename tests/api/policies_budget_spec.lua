-- SPDX-License-Identifier: Apache-2.0
-- Hooks that run long: they give way to other requests of the same worker, and are stopped when their budget is spent.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

local other_key = {
    id = "AKIAEKSGATETEST00002",
    secret = "YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3RzLCB0b28",
    arn = "arn:aws:iam::012345678910:user/other",
}

--- Some milliseconds of work, which the hook doesn't notice being cut into slices.
local work = "local n = 0 for i = 1, 300000 do n = n + i end "
local spin = "while true do end "

describe("a hook", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function start(source, settings)
        settings = settings or {}
        settings.workers = 1
        settings.policy = settings.policy or { cpu_ms = 1000 }
        gw = gateway.start({ policies = { source }, settings = settings, keys = { gateway.key, other_key } })
    end

    --- Sends a create on a connection of its own and doesn't wait for the answer.
    local function begin(name, with)
        local client = gw:connect()
        client:send((gw:format(gateway.create_request({ principalArn = role(name) }, with))))
        return client
    end

    it("that runs long lets other requests of its worker pass", function()
        start('return { name = "p", authorize = function(req) if req.input.principalArn == "' .. role("slow")
            .. '" then ' .. spin .. "end end }")
        local client = begin("slow")
        for i = 1, 10 do
            expect.ok(gw:create({ principalArn = role("quick-" .. i) }, { key = other_key }))
        end
        expect.error(client:read({ seconds = 30 }), 403, "AccessDeniedException")
        client:close()
        local names = {}
        for _, record in ipairs(gw:audit()) do
            names[#names + 1] = record.requestParameters.principalArn
        end
        assert.equal(11, #names)
        assert.equal(role("slow"), names[11])
    end)

    for hook, made in pairs({
        authorize = work .. "end",
        username = work .. 'return "team:" .. n end',
        tags = work .. 'return { n = tostring(n) } end',
        audit = work .. "return { n = n } end",
    }) do
        it("`" .. hook .. "` that runs long comes to its end", function()
            start('return { name = "p", ' .. hook .. " = function(req) " .. made .. " }",
                { audit = { record = "all" } })
            local reply = gw:create({ principalArn = role("r") })
            local entry = expect.ok(reply).accessEntry
            assert.same(entry, expect.ok(gw:describe(role("r"))).accessEntry)
            local ours = gw:audit_of(reply.header["x-amzn-requestid"]).additionalEventData.eksgate
            if hook == "username" then
                assert.equal("team:45000150000", entry.username)
            elseif hook == "tags" then
                assert.equal("45000150000", entry.tags.n)
            elseif hook == "audit" then
                assert.equal(45000150000, ours.fields.p.n)
            end
        end)
    end

    it("`conflict` that runs long comes to its end", function()
        start('return { name = "p", conflict = function(req) ' .. work .. "return true end }")
        local made = gw:create({ principalArn = role("r") })
        expect.ok(made)
        assert.equal(made.body, gw:create({ principalArn = role("r") }).body)
    end)

    it("`audit` sees the reply of a read after it gave way", function()
        start('return { name = "p", audit = function(record) ' .. work
            .. "return { reply = record.reply, status = record.status } end }", { audit = { record = "all" } })
        expect.ok(gw:create({ principalArn = role("r") }))
        local reply = gw:describe(role("r"))
        expect.ok(reply)
        local ours = gw:audit_of(reply.header["x-amzn-requestid"]).additionalEventData.eksgate
        assert.equal(reply.body, ours.fields.p.reply)
        assert.equal(200, ours.fields.p.status)
    end)

    it("whose client leaves meanwhile is forgotten", function()
        start('return { name = "p", authorize = function(req) if req.input.principalArn == "' .. role("slow")
            .. '" then ' .. spin .. "end end, audit = function(record) " .. work .. "end }",
            { policy = { cpu_ms = 50 } })
        for _ = 1, 20 do
            begin("slow"):close()
        end
        for i = 1, 20 do
            begin("r" .. i):close()
        end
        expect.ok(gw:create({ principalArn = role("last") }, { key = other_key }))
        expect.ok(gw:describe(role("last"), { key = other_key }))
    end)

    it("is waited for when the gateway is asked to end", function()
        start('return { name = "p", authorize = function(req) ' .. work:rep(10) .. "end }")
        local client = begin("r")
        text.wait_for(function()
            return gw:stderr() ~= ""
        end, 0.05)
        gw:signal("TERM")
        expect.ok(client:read({ seconds = 30 }))
        client:close()
    end)

    describe("that was stopped three times in ten seconds", function()
        local loops = 'return { name = "p", authorize = function(req) if req.caller.access_key == "' .. gateway.key.id
            .. '" then ' .. spin .. "end end }"

        local function reason(reply)
            return expect.error(reply, 403, "AccessDeniedException").message:match("eksgate policy ([%w%-]+: [^,]+)")
        end

        it("isn't run for that caller for a second, and for others it is", function()
            start(loops, { status = "127.0.0.1:0", policy = { cpu_ms = 10 } })
            for i = 1, 3 do
                assert.equal("p: policy failed", reason(gw:create({ principalArn = role("r" .. i) })))
            end
            local began = text.now()
            local refused = gw:create({ principalArn = role("r4") })
            assert.equal("policies: they had to be stopped for this caller three times in ten seconds: wait a second",
                reason(refused))
            expect.ok(gw:create({ principalArn = role("r5") }, { key = other_key }))
            assert.is_truthy(gw:audit_of(refused.header["x-amzn-requestid"]))
            text.wait_for(function()
                return text.now() - began > 1.1
            end)
            assert.equal("p: policy failed", reason(gw:create({ principalArn = role("r6") })))
        end)
    end)
end)
