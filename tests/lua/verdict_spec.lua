-- SPDX-License-Identifier: Apache-2.0
local verdict = require("eksgate.verdict")

describe("eksgate.verdict", function()
    it("says allow, deny and throttle as plain tables", function()
        assert.same({ verdict = "allow" }, verdict.allow())
        assert.same({ verdict = "deny", reason = "no" }, verdict.deny("no"))
        assert.same({ verdict = "throttle", seconds = 5, reason = "slow down" }, verdict.throttle(5, "slow down"))
    end)

    it("insists on a reason", function()
        assert.error_matches(verdict.deny, "needs a reason")
        assert.error_matches(function()
            verdict.deny("")
        end, "needs a reason")
        assert.error_matches(function()
            verdict.throttle(5)
        end, "needs a reason")
    end)

    it("insists on seconds that make sense", function()
        for _, seconds in ipairs({ 0, -1, 86401, 0 / 0, "5" }) do
            assert.error_matches(function()
                verdict.throttle(seconds, "x")
            end, "number of seconds")
        end
    end)
end)
