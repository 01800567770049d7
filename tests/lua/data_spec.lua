-- SPDX-License-Identifier: Apache-2.0
local data = require("eksgate.data")
local spec = require("eksgate.spec")

describe("eksgate.data", function()
    local policy = spec.policy("fixtures/tables")

    local function ask(question, principal)
        return policy.authorize(spec.request({ principal = principal, input = { question = question } })).reason
    end

    it("finds rows and members by name", function()
        assert.equal("team-a/anna/first, with a comma", ask("owner", "arn:aws:iam::012345678910:role/deployer"))
        assert.equal('team-b/bob/says "hi"\\x0aand more', ask("owner", "arn:aws:iam::012345678910:user/anna"):gsub("\n", "\\x0a"))
        assert.equal("team-b/bob/", ask("owner", "arn:aws:iam::012345678910:user/bob"))
        assert.equal("nobody", ask("owner", "arn:aws:iam::012345678910:user/carl"))
    end)

    it("keeps the types of JSON", function()
        assert.equal("integer float boolean 2 0", ask("types"))
    end)

    it("answers nil for what isn't there, null included", function()
        assert.equal("nothing", ask("absent"))
    end)

    it("goes through members by name and items in their order", function()
        local order = ask("order"):gsub("\n", "\\x0a")
        assert.equal('team-a=anna team-b=bob tëam "c"=ç😀\\x0a 1admins 2viewers 1team-a 2team-b 3team-b', order)
    end)

    it("counts", function()
        assert.equal("3 3 3 1", ask("count"))
    end)

    it("knows a table again", function()
        assert.equal("truefalse", ask("same"))
    end)

    it("is read-only", function()
        assert.equal("6anna3", ask("write"):gsub("^[456]", "6"))
    end)

    it("copies what must be a table of Lua's", function()
        assert.same({ cost = "c1" }, policy.tags(spec.request({ input = { team = "team-a" } })))
    end)

    it("reads files only while policies are loaded", function()
        assert.has_error(function()
            data.json("teams.json")
        end)
    end)

    it("takes names of files below the policy's folder only, by their ending", function()
        for _, name in ipairs({
            "", ".json", "teams", "teams.csv", "/etc/teams.json", "../teams.json", "a/../teams.json", "./teams.json", "a//b.json",
            "a/.hidden/b.json", ".teams.json", "a\\b.json", "a b.json", "a\0b.json", ("a"):rep(124) .. ".json", "teams.json/",
        }) do
            local ok, why = pcall(data.json, name)
            assert.is_false(ok)
            assert.is_truthy(why:find("data.json needs the name of a file beside the policy", 1, true), why)
        end
        for _, name in ipairs({ {}, 1, true }) do
            assert.is_false(pcall(data.json, name))
        end
        assert.is_false(pcall(data.csv, "teams.json"))
        assert.is_false(pcall(data.json, nil))
    end)

    it("raises for options of CSV that aren't there", function()
        for message, options in pairs({
            ["must be a table such as"] = "principal",
            ["there is no 'kye'"] = { kye = "principal" },
            ["'key' must be a text"] = { key = 1 },
        }) do
            local ok, why = pcall(data.csv, "owners.csv", options)
            assert.is_false(ok)
            assert.is_truthy(why:find(message, 1, true), why)
        end
    end)
end)
