-- SPDX-License-Identifier: Apache-2.0
local cidr = require("eksgate.cidr")

local function refused(message, call, ...)
    local ok, why = pcall(call, ...)
    assert.is_false(ok)
    assert.is_truthy(tostring(why):find(message, 1, true), why)
end

describe("eksgate.cidr", function()
    it("takes ranges apart", function()
        assert.same({ address = "10.0.0.0", prefix = 8, version = 4 }, cidr.parse("10.0.0.0/8"))
        assert.same({ address = "192.0.2.7", prefix = 32, version = 4 }, cidr.parse("192.0.2.7"))
        assert.same({ address = "0.0.0.0", prefix = 0, version = 4 }, cidr.parse("0.0.0.0/0"))
        assert.same({ address = "fd00::", prefix = 8, version = 6 }, cidr.parse("fd00::/8"))
        assert.same({ address = "2001:db8::1", prefix = 128, version = 6 }, cidr.parse("2001:0DB8:0:0:0:0:0:1"))
        assert.same({ address = "10.0.0.0", prefix = 8, version = 4 }, cidr.parse("::ffff:10.0.0.0/104"))
        assert.same({ address = "::", prefix = 0, version = 6 }, cidr.parse("::/0"))
        assert.same({ address = "1:0:0:2::", prefix = 64, version = 6 }, cidr.parse("1:0:0:2::/64"))
        assert.same({ address = "1:2:3:4:5:6:7:8", prefix = 128, version = 6 }, cidr.parse("1:2:3:4:5:6:7:8"))
    end)

    it("answers nil and why for what is no range", function()
        for _, text in ipairs({
            "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", " 1.2.3.4", "1.2.3.4:80", "[::1]", "1::2::3", ":::", "12345::",
            "g::", "::1.2.3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "localhost", "10.0.0.0/", "10.0.0.0/33",
            "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "::/129", "10/8", "10.0.0.1/8", "fd00::1/8", "::ffff:10.0.0.1/104",
            "::ffff:10.0.0.0/33", "1.2.3.4::", ":1::",
        }) do
            local range, why = cidr.parse(text)
            assert.is_nil(range, text)
            assert.equal("string", type(why))
        end
        assert.is_nil(cidr.parse(nil))
        assert.is_nil(cidr.parse(10))
        assert.equal(
            "10.1.2.3/8 has bits set behind its prefix; 10.0.0.0/8 is the range that it lies in",
            select(2, cidr.parse("10.1.2.3/8"))
        )
    end)

    it("knows first and last address from their neighbours", function()
        for _, case in ipairs({
            { "10.16.0.0/12", "10.16.0.0", "10.15.255.255" },
            { "10.16.0.0/12", "10.31.255.255", "10.32.0.0" },
            { "10.0.0.7", "10.0.0.7", "10.0.0.6" },
            { "0.0.0.0/0", "255.255.255.255", "::1" },
            { "fd00::/8", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::" },
            { "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::" },
            { "2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::" },
            { "::/0", "::1", "10.1.2.3" },
            { "10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.0.0.0" },
            { "::ffff:0:0/96", "1.2.3.4", "::1" },
        }) do
            assert.is_true(cidr.contains(case[1], case[2]), case[1] .. " " .. case[2])
            assert.is_false(cidr.contains(case[1], case[3]), case[1] .. " " .. case[3])
        end
    end)

    it("looks in all of a list", function()
        local office = { "192.0.2.0/24", "10.1.0.0/16", "10.0.0.0/15", "fd00::/8" }
        local is_office = cidr.compile(office)
        for ip, inside in pairs({
            ["192.0.2.255"] = true, ["10.1.2.3"] = true, ["10.0.0.0"] = true, ["10.2.0.0"] = false, ["fd12::1"] = true,
            ["192.0.3.0"] = false, ["::ffff:10.1.2.3"] = true, ["::1"] = false,
        }) do
            assert.equal(inside, is_office(ip), ip)
            assert.equal(inside, cidr.contains(office, ip), ip)
        end
        assert.is_false(cidr.contains({}, "10.0.0.1"))
    end)

    it("raises for ranges that are none", function()
        refused("range 2, '10.1.2.3/8': 10.1.2.3/8 has bits set", cidr.compile, { "10.0.0.0/8", "10.1.2.3/8" })
        refused("range 1 must be a text, not a number", cidr.compile, { 10 })
        refused("needs a list of ranges, not a nil", cidr.contains, nil, "10.0.0.1")
        refused("needs a list of ranges, not a number", cidr.compile, 10)
        local many = {}
        for i = 1, 4097 do
            many[i] = "10.0.0.0/8"
        end
        refused("more than 4096 ranges", cidr.compile, many)
    end)

    it("raises for addresses that are none, so that nobody is let in by mistake", function()
        local is_blocked = cidr.compile({ "10.0.0.0/8" })
        refused("must be a text, not a nil", is_blocked, nil)
        refused("must be a text, not a table", is_blocked, {})
        refused("not an IP address: ", is_blocked, "")
        refused("not an IP address: 10.0.0.1:443", is_blocked, "10.0.0.1:443")
        refused("not an IP address: 10.0.0.0/8", cidr.contains, "10.0.0.0/8", "10.0.0.0/8")
    end)
end)
