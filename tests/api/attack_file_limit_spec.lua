-- SPDX-License-Identifier: Apache-2.0
-- An audit file that may not grow any more: changes are refused, and the process lives.

local gateway = require("support.gateway")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("a limit on the size of files", function()
    after_each(gateway.stop_all)

    it("refuses changes with 503, keeps whole records, and lets describes through", function()
        local gw = gateway.start({
            wrapper = { "sh", "-c", 'ulimit -f 16; exec "$@"', "sh" },
            settings = { store = { driver = "memory" } }, -- whose file would reach the limit first
        })
        local created, refused = 0, nil
        for i = 1, 40 do
            local reply = gw:create({ principalArn = role("r" .. i) })
            if reply.status ~= 200 then
                refused = reply
                break
            end
            created = created + 1
        end
        assert.is_true(created > 0)
        assert.equal(503, refused and refused.status)
        assert.equal(200, gw:describe(role("r" .. created)).status)
        assert.equal(404, gw:describe(role("r" .. created + 1)).status)
        local recorded = 0
        for _, record in ipairs(gw:audit()) do
            recorded = recorded + (record.eventName == "CreateAccessEntry" and not record.errorCode and 1 or 0)
        end
        assert.equal(created, recorded)
        gw:stop()
    end)
end)
