-- SPDX-License-Identifier: Apache-2.0
-- The shipped policies as callers meet them, as they lie in lua/policies; their rules are in the specs beside them.

local cjson = require("cjson")
local eks = require("support.eks")
local endpoint_stub = require("support.endpoint_stub")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local admin = {
    id = "AKIAEKSGATETEST00002", secret = "YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3Rz", token = "session/of+admin=",
    arn = "arn:aws:sts::012345678910:assumed-role/platform-admin/anna",
}
local ci = {
    id = "AKIAEKSGATETEST00003", secret = "YSB0aGlyZCBzZWNyZXQgb2YgdGhlIHRlc3Rz", arn = "arn:aws:iam::012345678910:user/ci-1",
}
local sso = "arn:aws:iam::012345678910:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_team-a-view_0123456789abcdef"
describe("the shipped policy", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    --- With these of lua/policies, in order.
    local function start(names, settings, folder)
        settings = settings or {}
        settings.policies = {}
        for i, name in ipairs(names) do
            settings.policies[i] = gateway.root .. "/lua/policies/" .. name .. ".lua"
        end
        gw = gateway.start({ folder = folder, settings = settings, keys = { gateway.key, admin, ci } })
    end

    --- Expects the policy's refusal, said in full.
    local function refused(reply, name, reason)
        local message = expect.error(reply, 403, "AccessDeniedException").message
        local tail = "(eksgate policy " .. name .. ": " .. reason .. ", request " .. reply.header["x-amzn-requestid"] .. ")"
        assert.equal(tail, message:sub(-#tail))
    end

    it("team_username names Identity Center's roles after their permission set", function()
        start({ "team_username" })
        assert.equal("team-a:{{SessionName}}", expect.ok(gw:create({ principalArn = sso })).accessEntry.username)
        local plain = eks.fresh_role()
        assert.equal("arn:aws:sts::012345678910:assumed-role/" .. plain:match("[^/]+$") .. "/{{SessionName}}",
            expect.ok(gw:create({ principalArn = plain })).accessEntry.username)
        gw:stop()
    end)

    it("forbidden_groups refuses creates and updates, but not of the platform team", function()
        start({ "forbidden_groups" })
        local reason = "groups of admins are the platform team's to give"
        local principal = eks.fresh_role()
        refused(gw:create({ principalArn = principal, kubernetesGroups = { "a:admins" } }), "forbidden-groups", reason)
        expect.ok(gw:create({ principalArn = principal, kubernetesGroups = { "viewers" } }))
        refused(eks.update(gw, principal, { kubernetesGroups = { "viewers", "a:admins" } }), "forbidden-groups", reason)
        expect.ok(eks.update(gw, principal, { kubernetesGroups = { "on-call" } }))
        expect.ok(gw:create({ principalArn = eks.fresh_role(), kubernetesGroups = { "a:admins" } }, { key = admin }))
        expect.error(gw:create({ principalArn = eks.fresh_role(), kubernetesGroups = { "system:masters" } }), 400,
            "InvalidParameterException")
        gw:stop()
    end)

    it("only_these_principals refuses others, and lets them be deleted", function()
        local folder, other = text.make_folder(), eks.role("r", "666666666666")
        start({}, nil, folder)
        expect.ok(gw:create({ principalArn = other }))
        gw:stop()
        start({ "only_these_principals" }, nil, folder)
        refused(gw:create({ principalArn = other }), "only-these-principals",
            "this principal isn't among those that may have access to clusters")
        expect.ok(gw:create({ principalArn = eks.fresh_role() }))
        expect.ok(gw:create({ principalArn = sso }))
        expect.error(gw:create({ principalArn = "no ARN" }), 400, "InvalidParameterException")
        expect.ok(eks.delete(gw, other))
        gw:stop()
        text.remove_folder(folder)
    end)

    it("no_nodes refuses every node type, but not of the platform team", function()
        start({ "no_nodes" })
        for _, kind in ipairs({ "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2", "HYPERPOD_LINUX" }) do
            refused(gw:create({ principalArn = eks.fresh_role(), type = kind }), "no-nodes",
                "entries for nodes are the platform team's to make; others have type STANDARD")
        end
        expect.ok(gw:create({ principalArn = eks.fresh_role(), type = "STANDARD" }))
        expect.ok(gw:create({ principalArn = eks.fresh_role(), type = "EC2_LINUX" }, { key = admin }))
        gw:stop()
    end)

    it("team_owners leaves a team's entries to its owners", function()
        start({ "team_owners" })
        local ours = eks.role("team-b/deployer")
        local reason = "entries of team-b are its owners' to change"
        refused(gw:create({ principalArn = ours }), "team-owners", reason)
        expect.ok(gw:create({ principalArn = ours }, { key = ci }))
        refused(eks.update(gw, ours, { kubernetesGroups = { "g" } }), "team-owners", reason)
        refused(eks.associate(gw, ours, eks.scope("AmazonEKSViewPolicy")), "team-owners", reason)
        refused(eks.delete(gw, ours), "team-owners", reason)
        expect.ok(eks.describe(gw, ours))
        expect.ok(gw:create({ principalArn = eks.fresh_role() }))
        expect.ok(eks.delete(gw, ours, { key = admin }))
        gw:stop()
    end)

    it("last_admin keeps the last administrator, and lets the others go", function()
        start({ "last_admin" })
        local reason = "this is the last principal with AmazonEKSClusterAdminPolicy for the whole cluster"
        local name = "AmazonEKSClusterAdminPolicy"
        local first, last = eks.made(gw).principalArn, eks.made(gw).principalArn
        for _, principal in ipairs({ first, last }) do
            eks.associated(gw, principal, name)
            eks.associated(gw, principal, "AmazonEKSViewPolicy")
        end
        eks.associated(gw, first, name, { "n" })
        refused(eks.delete(gw, last), "last-admin", reason)
        refused(eks.disassociate(gw, last, eks.policy(name)), "last-admin", reason)
        refused(eks.associate(gw, last, eks.scope(name, { "n" })), "last-admin", reason)
        expect.ok(eks.disassociate(gw, last, eks.policy("AmazonEKSViewPolicy")))
        eks.associated(gw, first, name)
        expect.ok(eks.delete(gw, last))
        refused(eks.delete(gw, first), "last-admin", reason)
        expect.error(eks.delete(gw, eks.fresh_role()), 404, "ResourceNotFoundException")
        gw:stop()
    end)

    describe("change_window", function()
        --- With these windows in the place of those of the file, and without a freeze.
        local function start_edited(windows)
            local source = text.read_file(gateway.root .. "/lua/policies/change_window.lua")
            source = source:gsub("local WINDOWS = %b{}", "local WINDOWS = " .. windows):gsub("local FREEZES = %b{}",
                "local FREEZES = {}")
            gw = gateway.start({ policies = { source }, keys = { gateway.key, admin } })
        end

        it("lets changes through while it is open", function()
            start_edited("{ {} }")
            expect.ok(gw:create({ principalArn = eks.fresh_role() }))
            gw:stop()
        end)

        it("refuses changes and nothing else while it is closed", function()
            start_edited("{}")
            local reason = "clusters are changed Mon-Thu 08:00-17:00 and Fri 08:00-12:00 (UTC+1), and not in a freeze"
            refused(gw:create({ principalArn = eks.fresh_role() }), "change-window", reason)
            refused(eks.tag(gw, eks.cluster_arn(), { tags = { a = "b" } }), "change-window", reason)
            expect.ok(eks.list(gw))
            assert.equal(200, gw:caller().status)
            gw:stop()
        end)
    end)

    it("rate_limit throttles a caller in all workers together, and nobody else", function()
        start({ "rate_limit" }, { workers = 2 })
        local served, reply = 0
        repeat -- a token comes in every half second meanwhile
            reply = gw:create({ principalArn = eks.fresh_role() })
            served = served + (reply.status == 200 and 1 or 0)
        until reply.status ~= 200 or served > 200
        expect.error(reply, 429, "TooManyRequestsException")
        assert.truthy(reply.body:find("(eksgate policy rate-limit: too many requests of this caller, request ", 1, true))
        assert.equal("1", reply.header["retry-after"])
        assert.is_true(served >= 60)
        expect.ok(eks.list(gw))
        expect.ok(gw:create({ principalArn = eks.fresh_role() }, { key = ci }))
        gw:stop()
    end)

    describe("opa_delegate", function()
        local stub

        before_each(function()
            stub = endpoint_stub.start()
        end)

        after_each(function()
            stub:stop()
        end)

        local function start_with(path, settings)
            settings = settings or {}
            settings.policy = { library = gateway.root .. "/lua", endpoints = { opa = stub.plain .. path } }
            start({ "opa_delegate" }, settings)
        end

        it("sends all of the request, and allows what the service allows", function()
            start_with("/v1/data", { default_verdict = "deny" })
            local principal = eks.fresh_role()
            expect.ok(gw:create({ principalArn = principal, kubernetesGroups = { "viewers" }, tags = { team = "a" } }))
            assert.equal(200, gw:caller().status)
            local asked = stub:seen().last
            assert.equal("/v1/data/eksgate/allow", asked[1].path)
            local input = cjson.decode(asked[1].body).input
            assert.same({ "CreateAccessEntry", "012345678910", "us-west-2", "my-cluster" },
                { input.operation, input.account, input.region, input.cluster })
            assert.same({
                arn = principal, partition = "aws", account = "012345678910", kind = "role", path = "/",
                name = principal:match("[^/]+$"),
            }, input.principal)
            assert.same({
                access_key = gateway.key.id, arn = gateway.key.arn, account = "012345678910", name = "tester", tags = {},
                verified = true,
            }, input.caller)
            assert.same({ "viewers" }, input.input.kubernetesGroups)
            assert.same({ team = "a" }, input.input.tags)
            assert.is_true(math.abs(input.time - os.time()) < 30)
            assert.equal("127.0.0.1", input.source_ip)
            assert.is_string(input.request_id)
            assert.is_nil(input.entry)
            assert.equal("GetCallerIdentity", cjson.decode(asked[2].body).input.operation)
            gw:stop()
        end)

        for what, case in pairs({
            ["that says no"] = { "/deny", "the policy service refuses it" },
            ["without a result"] = { "/echo", "the policy service has no answer to it" },
            ["with another status"] = { "/status/500", "the policy service has no answer to it" },
            ["that isn't JSON"] = { "/text", "the policy service has no answer to it" },
            ["that breaks off"] = { "/cut", "policy failed" },
            ["that never comes"] = { "/hang", "policy failed" },
        }) do
            it("refuses for a reply " .. what, function()
                local source = text.read_file(gateway.root .. "/lua/policies/opa_delegate.lua")
                gw = gateway.start({
                    policies = { (source:gsub('"/eksgate/allow"', '"' .. case[1] .. '"')) },
                    settings = { policy = {
                        library = gateway.root .. "/lua", endpoints = { opa = { url = stub.plain, timeout_ms = 300 } },
                    } },
                })
                refused(gw:create({ principalArn = eks.fresh_role() }), "opa-delegate", case[2])
                assert.equal(1, #stub:seen().requests)
                gw:stop()
            end)
        end
    end)

    describe("allowed_callers, where the default is to deny,", function()
        local nobody = "no policy allowed it"

        it("lets everybody ask who they are, and each do what the list says", function()
            start({ "forbidden_groups", "allowed_callers" }, { default_verdict = "deny" })
            assert.equal(200, gw:caller().status)
            expect.ok(gw:send("GET", "/clusters"))
            local principal = eks.fresh_role()
            refused(gw:create({ principalArn = principal }), "default_verdict", nobody)
            expect.ok(gw:create({ principalArn = principal }, { key = ci }))
            refused(gw:create({ principalArn = eks.fresh_role(), kubernetesGroups = { "a:admins" } }, { key = ci }),
                "forbidden-groups", "groups of admins are the platform team's to give")
            refused(gw:send("DELETE", "/clusters/my-cluster", nil, { key = ci }), "default_verdict", nobody)
            expect.ok(gw:send("DELETE", "/clusters/my-cluster", nil, { key = admin }))
            gw:stop()
        end)
    end)
end)
