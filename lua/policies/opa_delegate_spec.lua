-- SPDX-License-Identifier: Apache-2.0
local spec = require("eksgate.spec")

local policy = spec.policy("opa_delegate")

--- What the policy says when the service answers so; second result: what it was asked.
local function ask(answer, fields)
    local asked
    spec.reply("opa", function(request)
        asked = request
        return answer
    end)
    return policy.authorize(spec.request(fields)), asked
end

describe("opa_delegate", function()
    it("allows what the service allows", function()
        assert.same({ verdict = "allow" }, (ask({ json = { result = true } })))
        assert.same({ verdict = "allow" }, (ask({ json = { result = { allow = true } } })))
    end)

    it("denies with the service's reason, or one of its own", function()
        local reason = "the policy service refuses it"
        assert.same({ verdict = "deny", reason = "not on a Friday" },
            (ask({ json = { result = { allow = false, reason = "not on a Friday" } } })))
        for _, result in ipairs({ false, { allow = false }, { allow = false, reason = "" }, { allow = false, reason = 7 } }) do
            assert.same({ verdict = "deny", reason = reason }, (ask({ json = { result = result } })))
        end
    end)

    it("takes nothing else for consent", function()
        for _, answer in ipairs({
            { json = {} }, { json = { result = "true" } }, { json = { result = 1 } }, { json = { result = {} } },
            { json = { result = { allow = "yes" } } }, { json = { true } }, { body = "true" }, { body = "" },
            { status = 500, json = { result = true } }, { status = 201, json = { result = true } },
            { status = 404, json = { result = { allow = true } } },
        }) do
            assert.same({ verdict = "deny", reason = "the policy service has no answer to it" }, (ask(answer)))
        end
    end)

    it("doesn't outlive a service that gives no answer", function()
        assert.is_false((pcall(ask, { error = "timed out" })))
    end)

    it("sends what the request holds, and leaves out what isn't there", function()
        local _, asked = ask({ json = { result = true } }, {
            operation = "CreateAccessEntry", principal = "arn:aws:iam::012345678910:role/team-a/deployer",
            caller = "arn:aws:iam::012345678910:user/ci", input = { kubernetesGroups = { "viewers" }, tags = { team = "a" } },
        })
        assert.same({ "opa", "POST", "/eksgate/allow" }, { asked.endpoint, asked.method, asked.path })
        local input = asked.json.input
        assert.equal("CreateAccessEntry", input.operation)
        assert.same({ "my-cluster", "012345678910", "us-west-2" }, { input.cluster, input.account, input.region })
        assert.equal("/team-a/", input.principal.path)
        assert.equal("ci", input.caller.name)
        assert.is_true(input.caller.verified)
        assert.same({ "viewers" }, input.input.kubernetesGroups)
        assert.same({ team = "a" }, input.input.tags)
        assert.is_number(input.time)
        local _, about_nobody = ask({ json = { result = true } }, { operation = "ListClusters" })
        assert.is_nil(about_nobody.json.input.principal)
        assert.is_nil(about_nobody.json.input.cluster)
    end)
end)
