-- SPDX-License-Identifier: Apache-2.0
local tags = require("eksgate.tags")
local team = require("eksgate.team")

describe("eksgate.team", function()
    it("finds the first path segment that fits", function()
        assert.equal("team-a", team.from_path("/platform/team-a/team-b/", "^team%-"))
        assert.is_nil(team.from_path("/", "^team%-"))
        assert.is_nil(team.from_path(nil, "^team%-"))
    end)

    it("takes a tag only when it is a plain word", function()
        assert.equal("red.1", team.from_tag({ team = "red.1" }, "team"))
        for _, value in ipairs({ "", "system:masters", "a b", "-x" }) do
            assert.is_nil(team.from_tag({ team = value }, "team"))
        end
        assert.is_nil(team.from_tag(nil, "team"))
    end)

    local function sso(path, name, kind)
        return { kind = kind or "role", path = path, name = name }
    end

    it("knows the permission set of Identity Center's roles", function()
        for _, path in ipairs({ "/aws-reserved/sso.amazonaws.com/", "/aws-reserved/sso.amazonaws.com/eu-west-1/" }) do
            assert.equal("team-a_admin+x", team.permission_set(sso(path, "AWSReservedSSO_team-a_admin+x_0123456789abcdef")))
        end
        local anna = sso("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_team-a-admin_0123456789abcdef")
        assert.equal("team-a", team.from_permission_set(anna, "^team%-%w+"))
        assert.equal("a", team.from_permission_set(anna, "^team%-(%w+)%-admin$"))
        assert.is_nil(team.from_permission_set(anna, "^squad"))
    end)

    it("takes no other role for one of them", function()
        local path, name = "/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_team-a_0123456789abcdef"
        for _, principal in ipairs({
            sso("/", name), sso("/x" .. path, name), sso(path .. "x/y/", name), sso("/aws-reserved/sso.amazonaws.comx/", name),
            sso(path, name, "user"), sso(path, "AWSReservedSSO_team-a_0123456789abcde"), sso(path, "AWSReservedSSO_team-a"),
            sso(path, "AWSReservedSSO__0123456789abcdef"), sso(path, "x" .. name), sso(path, name .. "0"),
        }) do
            assert.is_nil(team.permission_set(principal), principal.path .. principal.name)
        end
        assert.is_nil(team.permission_set(nil))
        assert.is_nil(team.from_permission_set(nil, "^team"))
    end)
end)

describe("eksgate.tags", function()
    it("lists what is missing or empty, in order", function()
        assert.same({ "c", "a" }, tags.missing({ a = "", b = "x" }, { "c", "b", "a" }))
        assert.same({ "a" }, tags.missing(nil, { "a" }))
        assert.is_nil(tags.get({ a = "" }, "a"))
    end)
end)
