-- SPDX-License-Identifier: Apache-2.0
local policy = dofile("lua/policies/rate_limit.lua")
local time = require("eksgate.time")

local set_time = rawget(time, "set") or function() end -- plain busted has it; eksgate goes by the request
local NOON = 1795348800

--- A request at that many seconds past noon; `fields` over what is usual.
local function authorize(operation, caller, after, fields)
    local now = NOON + (after or 0)
    set_time(now)
    local req = { operation = operation, time = now, source_ip = "192.0.2.1", caller = { arn = caller, verified = true } }
    for name, value in pairs(fields or {}) do
        req[name] = value or nil
    end
    return policy.authorize(req)
end

--- How many of at most `limit` requests are let through at once.
local function count(limit, ...)
    for i = 1, limit do
        local said = authorize(...)
        if said then
            assert.equal("throttle", said.verdict)
            assert.equal("too many requests of this caller", said.reason)
            assert.is_true(said.seconds >= 1 and said.seconds <= 60)
            return i - 1
        end
    end
    return limit
end

local function user(name)
    return "arn:aws:iam::012345678910:user/" .. name
end

describe("rate_limit", function()
    after_each(function()
        set_time(nil)
    end)

    it("lets a burst through, then as many as come in", function()
        assert.equal(60, count(100, "CreateAccessEntry", user("anna")))
        assert.equal(20, count(100, "DeleteAccessEntry", user("anna"), 10))
        assert.equal(60, count(100, "CreateAccessEntry", user("anna"), 3600))
    end)

    it("counts reads apart, and each caller for itself", function()
        assert.equal(60, count(100, "CreateAccessEntry", user("ben")))
        assert.equal(300, count(400, "ListAccessEntries", user("ben")))
        assert.is_table(authorize("GetCallerIdentity", user("ben")))
        assert.is_nil(authorize("CreateAccessEntry", user("cem")))
    end)

    it("takes a role's sessions for one caller, and a path for none of its own", function()
        local session = "arn:aws:sts::012345678910:assumed-role/deployer/"
        assert.equal(60, count(100, "CreateAccessEntry", session .. "one"))
        assert.is_table(authorize("CreateAccessEntry", session .. "two"))
        assert.is_nil(authorize("CreateAccessEntry", "arn:aws:iam::012345678910:user/deployer"))
        assert.is_nil(authorize("CreateAccessEntry", "arn:aws:sts::111122223333:assumed-role/deployer/one"))
        local long = "arn:aws:iam::012345678910:user/" .. ("p"):rep(500) .. "/" .. ("n"):rep(64)
        assert.equal(60, count(100, "CreateAccessEntry", long))
    end)

    it("goes by the address where nobody is verified", function()
        local claimed = { caller = { access_key = "AKIAONE", verified = false }, source_ip = "192.0.2.7" }
        assert.equal(60, count(100, "CreateAccessEntry", nil, 0, claimed))
        claimed.caller = { access_key = "AKIATWO", arn = user("dana"), verified = false }
        assert.is_table(authorize("CreateAccessEntry", nil, 0, claimed))
        assert.is_nil(authorize("CreateAccessEntry", user("dana")))
        assert.is_nil(authorize("CreateAccessEntry", nil, 0, { caller = { verified = false }, source_ip = false }))
    end)
end)
