-- SPDX-License-Identifier: Apache-2.0
-- eksgate.spec under plain busted and under eksgate test: the same spec passes in both.
local spec = require("eksgate.spec")

local ROLE = "arn:aws:iam::012345678910:role/team-a/deployer"
local FOLDER = "../../lua/policies/"

describe("spec.request", function()
    it("is complete where nothing is said", function()
        local request = spec.request({ principal = ROLE, input = { tags = { a = "b" } } })
        assert.equal("CreateAccessEntry", request.operation)
        assert.same({ "team-a", "deployer", "role" }, {
            request.principal.path:match("^/(.*)/$"),
            request.principal.name,
            request.principal.kind,
        })
        assert.equal("my-cluster", request.cluster)
        assert.equal("012345678910", request.account)
        assert.same({ tags = { a = "b" }, principalArn = ROLE, clusterName = "my-cluster" }, request.input)
        assert.is_true(request.caller.verified)
        assert.same({}, request.caller.tags)
        assert.is_nil(request.entry)
    end)

    it("takes the principal from the input, and the account from the principal", function()
        local request = spec.request({ input = { principalArn = "arn:aws-cn:iam::111122223333:user/anna" } })
        assert.same({ "user", "anna", "111122223333" }, { request.principal.kind, request.principal.name, request.account })
    end)

    it("takes callers as ARNs and as tables", function()
        assert.equal("anna", spec.request({ caller = "arn:aws:iam::012345678910:user/anna" }).caller.name)
        local caller = spec.request({ caller = { arn = "arn:aws:iam::012345678910:user/anna", verified = false } }).caller
        assert.same({ "anna", false }, { caller.name, caller.verified })
        assert.is_nil(spec.request({ caller = false }).caller.arn)
    end)

    it("takes false for absent", function()
        assert.is_nil(spec.request({ cluster = false }).cluster)
        assert.is_nil(spec.request({ user_agent = false }).user_agent)
        assert.is_nil(spec.request({ operation = "ListClusters" }).cluster)
    end)

    it("refuses what it doesn't know", function()
        assert.error_matches(function()
            spec.request({ principle = ROLE })
        end, "spec.request: no such field: principle; there are operation, account")
        assert.error_matches(function()
            spec.request({ principal = "role/x" })
        end, "principal is no ARN of a principal: role/x")
        assert.error_matches(function()
            spec.request({ caller = "anna" })
        end, "caller is no ARN of a principal: anna")
    end)
end)

describe("spec.policy", function()
    it("gives the policy's table with hooks to call", function()
        local policy = spec.policy(FOLDER .. "required_tags.lua")
        assert.equal("required-tags", policy.name)
        assert.same({ "CreateAccessEntry" }, policy.on)
        assert.is_nil(policy.username)
        assert.equal("deny", policy.authorize(spec.request({ principal = ROLE })).verdict)
        assert.equal("deny", policy.authorize({ input = {} }).verdict)
    end)

    it("asks about the operations of `on` only", function()
        local policy = spec.policy(FOLDER .. "required_tags")
        assert.is_nil(policy.authorize(spec.request({ operation = "DeleteAccessEntry", principal = ROLE })))
    end)

    it("says what it can't find, and takes names only", function()
        assert.error_matches(function()
            spec.policy("missing")
        end, "missing%.lua")
        assert.error_matches(function()
            spec.policy(nil)
        end, "needs the name of a policy")
    end)

    it("lets no hook read what isn't there", function()
        local policy = spec.policy(FOLDER .. "required_tags")
        assert.error_matches(function()
            policy.authorize({ inputs = {} })
        end, "no such field")
    end)
end)

describe("a case", function()
    local counting = spec.policy("fixtures/counting")

    before_each(function()
        spec.reply("opa", function()
            return { json = { result = true } }
        end)
    end)

    for i = 1, 2 do
        it("begins with nothing counted, and with the replies of its before_each: " .. i, function()
            local input = { call = "add", key = "k", options = { per = 60 } }
            assert.equal("1 60", counting.authorize(spec.request({ time = 1795348800, input = input })).reason)
            assert.equal("allow", spec.ask({ "fixtures/asking" }, spec.request({ principal = ROLE })).verdict)
        end)
    end
end)

describe("spec.ask", function()
    local policies = { FOLDER .. "deny_glob", FOLDER .. "required_tags", FOLDER .. "team_username", FOLDER .. "default_tags" }

    it("gives username and added tags where nobody refuses", function()
        local said = spec.ask(
            policies,
            spec.request({ principal = ROLE, input = { tags = { team = "x", ["cost-centre"] = "1" } } })
        )
        assert.same({
            verdict = "allow",
            verdicts = {},
            username = "team-a:{{SessionName}}",
            tags = { ["managed-by"] = "eksgate" },
        }, said)
    end)

    it("stops at the first refusal", function()
        local said = spec.ask(policies, spec.request({ principal = "arn:aws:iam::012345678910:user/anna" }))
        assert.same({ "deny", "deny-glob", 1 }, { said.verdict, said.policy, #said.verdicts })
        assert.is_nil(said.username)
        assert.same({}, said.tags)
    end)

    it("says when nobody allowed it", function()
        local said = spec.ask({}, spec.request(), { default_verdict = "deny" })
        assert.same({ "deny", "default_verdict" }, { said.verdict, said.policy })
    end)

    it("takes what spec.policy gave, and names, and nothing else", function()
        local policy = spec.policy(FOLDER .. "required_tags")
        assert.equal("deny", spec.ask({ policy }, spec.request({ principal = ROLE })).verdict)
        assert.error_matches(function()
            spec.ask({ {} }, spec.request())
        end, "needs a list of names")
    end)
end)
