-- SPDX-License-Identifier: Apache-2.0
-- The hook `fault` as users of a gateway and of a mock meet it.

local gateway = require("support.gateway")

local throttling = 'return { name = "flaky", fault = function() return { error = "ThrottlingException" } end }'

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
        local text = require("support.text")
        text.write_file(gw.folder .. "/policy1.lua", throttling)
        gw:signal("HUP")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("fault hooks are for eksgate mock", 1, true)
        end), gw:stderr())
        assert.equal(404, gw:describe("arn:aws:iam::012345678910:role/r").status)
        gw:stop()
    end)
end)
