-- SPDX-License-Identifier: Apache-2.0
-- eksgate.http in the hands of a policy, under `eksgate test` and under plain busted.

local spec = require("eksgate.spec")

describe("eksgate.http", function()
    local function ask(tags)
        return spec.ask({ "fixtures/asking.lua" }, spec.request({
            principal = "arn:aws:iam::012345678910:role/team/dev", input = { tags = tags },
        }))
    end

    it("asks by POST with a table as JSON, and gives what the reply's JSON holds", function()
        local asked
        spec.reply("opa", function(request)
            asked = request
            return { json = { result = request.json.input.principal.name == "dev" } }
        end)
        assert.equal("allow", ask().verdict)
        assert.equal("opa", asked.endpoint)
        assert.equal("POST", asked.method)
        assert.equal("/eks/allow", asked.path)
        assert.equal("CreateAccessEntry", asked.json.input.operation)
        spec.reply("opa", function()
            return { json = { result = false } }
        end)
        assert.equal("OPA says no", ask().reason)
    end)

    it("asks by GET, and gives replies of any status and type", function()
        spec.reply("approvals", function(request)
            return { status = 404, body = request.method .. " " .. request.path, content_type = "text/plain" }
        end)
        assert.equal("404 text/plain GET /v1/a%2Fb%20c nil", ask({ get = "a/b c" }).reason)
        spec.reply("approvals", function()
            return {}
        end)
        assert.equal("200 -  nil", ask({ get = "x" }).reason)
    end)

    it("refuses without an answer", function()
        spec.reply("opa", function()
            return { error = "no whole reply within 1000 ms" }
        end)
        local result = ask()
        assert.equal("deny", result.verdict)
        assert.equal("policy failed", result.reason)
        assert.is_truthy(result.failure:find("endpoint opa: no whole reply within 1000 ms", 1, true))
    end)

    it("forgets replies with the case that gave them", function()
        local ok, said = pcall(ask)
        assert.matches('spec.reply%("opa", function...%)', ok and said.failure or said)
    end)

    it("tells a spec that said nothing for an endpoint", function()
        local ok, why = pcall(function()
            local result = ask({ get = "x", endpoint = "silent" })
            error(result.failure, 0)
        end)
        assert.is_false(ok)
        assert.is_truthy(why:find('spec.reply("silent", function...)', 1, true), why)
    end)
end)
