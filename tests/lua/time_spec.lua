-- SPDX-License-Identifier: Apache-2.0
local time = require("eksgate.time")

local THURSDAY = 1795708800 -- 2026-11-26T16:00:00Z

local function refused(message, call, ...)
    local ok, why = pcall(call, ...)
    assert.is_false(ok)
    assert.is_truthy(tostring(why):find(message, 1, true), why)
end

describe("eksgate.time", function()
    it("reads RFC 3339", function()
        assert.equal(THURSDAY, time.parse("2026-11-26T16:00:00Z"))
        assert.equal(THURSDAY, time.parse("2026-11-26T18:00:00+02:00"))
        assert.equal(THURSDAY, time.parse("2026-11-26T06:30:00.987654-09:30"))
        assert.equal(0, time.parse("1970-01-01T00:00:00Z"))
        assert.equal(951782400, time.parse("2000-02-29T00:00:00Z"))
        assert.equal(253402300799, time.parse("9999-12-31T23:59:59Z"))
    end)

    it("answers nil for what isn't RFC 3339 or no date", function()
        for _, text in ipairs({
            "",
            "2026-11-26",
            "2026-11-26 16:00:00Z",
            "2026-11-26T16:00:00",
            "2026-11-26t16:00:00z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-11-00T00:00:00Z",
            "2026-11-26T24:00:00Z",
            "2026-11-26T16:60:00Z",
            "2026-11-26T16:00:60Z",
            "2026-11-26T16:00:00.Z",
            "2026-11-26T16:00:00.1234567890Z",
            "2026-11-26T16:00:00+24:00",
            "2026-11-26T16:00:00+0200",
            "2026-11-26T16:00:00Z ",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
        }) do
            assert.is_nil(time.parse(text), text)
        end
        assert.is_nil(time.parse(nil))
        assert.is_nil(time.parse(12))
        assert.is_nil(time.parse({}))
    end)

    it("writes RFC 3339, in UTC and at an offset", function()
        assert.equal("2026-11-26T16:00:00Z", time.format(THURSDAY))
        assert.equal("2026-11-26T16:00:00Z", time.format(THURSDAY, "Z"))
        assert.equal("2026-11-26T18:00:00+02:00", time.format(THURSDAY, "+02:00"))
        assert.equal("2026-11-26T06:30:00-09:30", time.format(THURSDAY, "-09:30"))
        assert.equal("2026-11-27T15:59:00+23:59", time.format(THURSDAY, "+23:59"))
    end)

    it("tells date, weekday, hour and minute", function()
        assert.equal("2026-11-26", time.date(THURSDAY))
        assert.equal("2026-11-27", time.date(THURSDAY, "+08:00"))
        assert.equal("thu", time.weekday(THURSDAY))
        assert.equal("fri", time.weekday(THURSDAY, "+08:00"))
        assert.equal("thu", time.weekday(0))
        assert.equal(16, time.hour(THURSDAY))
        assert.equal(6, time.hour(THURSDAY, "-09:30"))
        assert.equal(30, time.minute(THURSDAY, "-09:30"))
        assert.equal(0, time.minute(THURSDAY))
    end)

    it("knows what it wrote", function()
        for seconds = 0, 253402300799, 9999999961 do
            assert.equal(seconds, time.parse(time.format(seconds)))
            assert.equal(seconds + 86400, time.parse(time.format(seconds + 86400, "-03:30")))
        end
    end)

    it("opens a window during the day, begin in and end out", function()
        local spec = { days = { "thu" }, from = "09:00", to = "16:00" }
        assert.is_false(time.within(spec, THURSDAY))
        assert.is_true(time.within(spec, THURSDAY - 1))
        assert.is_true(time.within(spec, THURSDAY - 7 * 3600))
        assert.is_false(time.within(spec, THURSDAY - 7 * 3600 - 1))
        assert.is_false(time.within(spec, THURSDAY - 86400 - 1))
    end)

    it("lets a window pass midnight; its days are those on which it begins", function()
        local open = time.window({ days = { "sat" }, from = "22:00", to = "04:00" })
        local saturday = THURSDAY + 2 * 86400 -- 16:00
        assert.is_false(open(saturday))
        assert.is_true(open(saturday + 6 * 3600))
        assert.is_true(open(saturday + 12 * 3600 - 1))
        assert.is_false(open(saturday + 12 * 3600))
        assert.is_false(open(saturday - 13 * 3600)) -- 03:00 belongs to Friday's, which isn't one
    end)

    it("lets Sunday's window end on Monday", function()
        local open = time.window({ days = { "sun" }, from = "22:00", to = "04:00" })
        assert.is_true(open(THURSDAY + 3 * 86400 + 11 * 3600)) -- Monday 03:00
        assert.is_false(open(THURSDAY + 2 * 86400 + 11 * 3600)) -- Sunday 03:00
    end)

    it("shifts a window by its offset", function()
        local open = time.window({ days = { "fri" }, from = "00:00", to = "01:00", offset = "+08:00" })
        assert.is_true(open(THURSDAY))
        assert.is_false(open(THURSDAY + 3600))
        assert.is_true(time.within({ days = { "wed" }, offset = "-18:00" }, THURSDAY))
    end)

    it("takes what is left out for every day, and for the whole day", function()
        assert.is_true(time.within({}, THURSDAY))
        assert.is_true(time.within({ from = "16:00" }, THURSDAY + 8 * 3600 - 1))
        assert.is_false(time.within({ from = "16:00" }, THURSDAY - 1))
        assert.is_true(time.within({ to = "24:00" }, THURSDAY))
        assert.is_false(time.within({ to = "16:00" }, THURSDAY))
        assert.is_true(time.within({ days = { "mon", "thu" } }, THURSDAY))
        assert.is_false(time.within({ days = { "mon", "fri" } }, THURSDAY))
    end)

    it("works before 1970 begins somewhere", function()
        assert.is_true(time.within({ days = { "wed" }, from = "23:00", offset = "-01:00" }, 0))
    end)

    it("raises for a window that can't be meant", function()
        refused("a window is a table", time.window)
        refused("a window is a table", time.within, "22:00")
        refused("there is no 'form'", time.window, { form = "22:00" })
        refused("there is no", time.window, { "sat" })
    end)

    it("raises for days, edges and offsets that are none", function()
        for _, days in ipairs({ {}, { "Monday" }, { "mon", 2 }, "mon", { "mon", "mon", "mon", "mon", "mon", "mon", "mon", "mon" } }) do
            refused("'days' must be a list of mon", time.window, { days = days })
        end
        for _, edge in ipairs({ "", "9:00", "09:60", "24:01", "09:00:00", "ab:cd", "-1:00", "+9:00" }) do
            refused("'from' must be like", time.window, { from = edge })
            refused("'to' must be like", time.window, { to = edge })
        end
        refused("'from' must be like", time.window, { from = "24:00" })
        refused("'from' must be a text, not a number", time.window, { from = 9 })
        refused("'from' and 'to' are the same", time.window, { from = "09:00", to = "09:00" })
        for _, offset in ipairs({ "", "2", "+2:00", "02:00", "+24:00", "+02:60", "CET", "+02:00 " }) do
            refused("an offset must be like", time.window, { offset = offset })
            refused("an offset must be like", time.format, THURSDAY, offset)
        end
        refused("an offset must be like", time.hour, THURSDAY, 2)
        refused("'offset' must be a text", time.window, { offset = 2 })
    end)

    it("raises for instants that are none", function()
        for _, instant in ipairs({ -1, 1.5, "1", 253402300800, math.huge, 0 / 0, {} }) do
            refused("an instant must be whole seconds", time.format, instant)
            refused("an instant must be whole seconds", time.within, {}, instant)
            refused("an instant must be whole seconds", time.weekday, instant)
        end
        assert.equal("1970-01-01T00:00:10Z", time.format(10.0))
    end)
end)
