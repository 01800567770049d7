-- SPDX-License-Identifier: Apache-2.0
local counter = require("eksgate.counter")
local log = require("eksgate.log")
local spec = require("eksgate.spec")
local time = require("eksgate.time")

local NOON = 1795348800

describe("eksgate.counter", function()
    local policy

    local function ask(call, key, options, now)
        return policy.authorize(spec.request({ time = now or NOON, input = { call = call, key = key, options = options } })).reason
    end

    before_each(function()
        policy = spec.policy("fixtures/counting")
    end)

    it("counts within a window and begins anew with the next", function()
        assert.equal("1 60", ask("add", "k", { per = 60 }))
        assert.equal("5 1", ask("add", "k", { per = 60, amount = 4 }, NOON + 59))
        assert.equal("5 1", ask("add", "k", { per = 60, amount = 0 }, NOON + 59))
        assert.equal("1 60", ask("add", "k", { per = 60 }, NOON + 60))
    end)

    it("keeps keys and periods apart", function()
        assert.equal("1 60", ask("add", "k", { per = 60 }))
        assert.equal("1 60", ask("add", "l", { per = 60 }))
        assert.equal("1 30", ask("add", "k", { per = 30 }))
        assert.equal("2 60", ask("add", "k", { per = 60 }))
    end)

    it("counts what comes a little late in the newest window", function()
        assert.equal("1 60", ask("add", "k", { per = 60 }))
        assert.equal("2 1", ask("add", "k", { per = 60 }, NOON - 1))
        assert.equal("1 1", ask("add", "k", { per = 60 }, NOON - 61))
    end)

    it("gives a burst, then says when", function()
        local options = { rate = 10, per = 60, burst = 2 }
        assert.equal("true 0", ask("take", "k", options))
        assert.equal("true 0", ask("take", "k", options))
        assert.equal("false 6", ask("take", "k", options))
        assert.equal("false 1", ask("take", "k", options, NOON + 5))
        assert.equal("true 0", ask("take", "k", options, NOON + 6))
        assert.equal("true 0", ask("take", "k", { rate = 10, per = 60, burst = 2, amount = 2 }, NOON + 1000))
        assert.equal("false 6", ask("take", "k", options, NOON + 1000))
    end)

    it("loses nothing at rates that divide badly", function()
        local taken = 0
        for second = 0, 700 do
            taken = taken + (ask("take", "k", { rate = 3, per = 7, burst = 2 }, NOON + second) == "true 0" and 1 or 0)
        end
        assert.equal(302, taken)
    end)

    it("never asks to wait for longer than a day", function()
        assert.equal("true 0", ask("take", "k", { rate = 1, per = 2000000 }))
        assert.equal("false 86400", ask("take", "k", { rate = 1, per = 2000000 }))
        assert.equal("1 86400", ask("add", "k", { per = 2678400 }))
    end)

    it("raises for what it can't count", function()
        for message, wrong in pairs({
            ["the key must be a text, not a number"] = { 1, { per = 60 } },
            ["the key must have 1 to 128 bytes"] = { "", { per = 60 } },
            ["must have 1 to 128 bytes"] = { ("k"):rep(129), { per = 60 } },
            ["must be a table such as"] = { "k", 60 },
            ["'per' must be a whole number from 1 to 2678400"] = { "k", {} },
            ["'per' must be"] = { "k", { per = 0 } },
            ["'per' must be a"] = { "k", { per = 1.5 } },
            ["'per' must be a whole"] = { "k", { per = "60" } },
            ["'per' must be a whole number"] = { "k", { per = 2678401 } },
            ["'amount' must be a whole number from 0 to 1000000000"] = { "k", { per = 60, amount = -1 } },
            ["there is no 'amuont'"] = { "k", { per = 60, amuont = 1 } },
        }) do
            local ok, why = pcall(ask, "add", wrong[1], wrong[2])
            assert.is_false(ok)
            assert.is_truthy(tostring(why):find(message, 1, true), why)
        end
        for message, wrong in pairs({
            ["'rate' must be a whole number from 1 to 1000000"] = { per = 60 },
            ["'rate' must be"] = { rate = 0, per = 60 },
            ["'per' must be"] = { rate = 1 },
            ["'amount' must be a whole number from 1 to 1"] = { rate = 1, per = 60, amount = 2 },
            ["'amount' must be"] = { rate = 1, per = 60, amount = 0 },
            ["'burst' must be"] = { rate = 1, per = 60, burst = 0 },
            ["'rate' must be a"] = { rate = 1000001, per = 60 },
        }) do
            local ok, why = pcall(ask, "take", "k", wrong)
            assert.is_false(ok)
            assert.is_truthy(tostring(why):find(message, 1, true), why)
        end
    end)

    it("needs a request", function()
        assert.has_error(function()
            counter.add("k", { per = 60 })
        end)
    end)
end)

describe("eksgate.log", function()
    it("takes values of every kind", function()
        log.info()
        log.info("a", 1, nil, true, {})
        log.warn(("x"):rep(600))
        log.error("b")
        local is_stand_in, lines = pcall(function()
            return log.lines
        end)
        if is_stand_in then
            assert.equal("a 1 nil true table:", lines[2].text:sub(1, 19))
            assert.equal(512, #lines[3].text)
            assert.equal("error", lines[4].level)
        end
    end)
end)

describe("eksgate.time", function()
    it("is that of the request, or there is none", function()
        assert.has_error(function()
            return time.within({})
        end)
    end)
end)
