-- SPDX-License-Identifier: Apache-2.0
-- The set-ups of config/examples that have policies, as they are but for ports and places: what their first comment promises.

local cjson = require("cjson")
local eks = require("support.eks")
local endpoint_stub = require("support.endpoint_stub")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local pipeline = { id = "AKIAPIPELINE", secret = "pipeline", arn = "arn:aws:iam::012345678910:user/ci-deploy" }
local ci = { id = "AKIAEXAMPLES00000001", secret = "c2VjcmV0IG9mIGEgcGlwZWxpbmU", arn = pipeline.arn }
local anna = {
    id = "AKIAEXAMPLES00000002", secret = "c2VjcmV0IG9mIGFubmE", arn = "arn:aws:iam::012345678910:user/anna",
}
local admin = {
    id = "AKIAEXAMPLES00000003", secret = "c2VjcmV0IG9mIGFuIGFkbWlu", token = "session=",
    arn = "arn:aws:sts::012345678910:assumed-role/platform-admin/ben",
}
local team = { team = "team-a", ["cost-centre"] = "4711" }

local function example(name)
    return gateway.root .. "/config/examples/" .. name .. ".lua"
end

local function refused(reply, policy)
    local message = expect.error(reply, 403, "AccessDeniedException").message
    assert.truthy(message:find("(eksgate policy " .. policy .. ": ", 1, true), message)
end

describe("the example", function()
    after_each(gateway.stop_all)

    it("ci_mock.lua refuses in the pull request what the gateway would", function()
        local gw = gateway.start({ command = {
            gateway.program, "mock", "-c", example("ci_mock"), "--set", "listen=127.0.0.1:0", "--set", "admin=127.0.0.1:0",
        } })
        gw.key = pipeline
        assert.equal(200, gw:caller().status)
        local role = eks.role("team-a/deployer")
        refused(gw:create({ principalArn = role }), "required-tags")
        refused(gw:create({ principalArn = role, tags = team, type = "EC2_LINUX" }), "no-nodes")
        refused(gw:create({ principalArn = role, tags = team, kubernetesGroups = { "cluster-admins" } }), "forbidden-groups")
        refused(gw:create({ principalArn = eks.role("r", "666666666666"), tags = team }), "only-these-principals")
        local made = gw:create({ principalArn = role, tags = team })
        assert.equal("team-a:{{SessionName}}", expect.ok(made).accessEntry.username)
        assert.equal(made.body, gw:create({ principalArn = role, tags = team }).body)
        expect.ok(eks.create_cluster(gw, eks.cluster_input("another")))
        gw:stop()
    end)

    describe("in front of EKS", function()
        local back, folder

        before_each(function()
            back = gateway.start_mock()
            folder = text.make_folder()
            text.write_file(folder .. "/callers.json", gateway.key_file({ ci, anna, admin }))
        end)

        after_each(function()
            text.remove_folder(folder)
        end)

        local function start(name, environment)
            environment = environment or {}
            environment.GATEWAY_DATA, environment.GATEWAY_KEYS = folder, folder .. "/callers.json"
            environment.GATEWAY_EKS = back.address
            environment.AWS_ACCESS_KEY_ID, environment.AWS_SECRET_ACCESS_KEY = "test", "test"
            return gateway.start({
                folder = folder, config = example(name), environment = environment,
                arguments = { "--set", "listen=127.0.0.1:0", "--set", "status=", "--set", "admin=" },
            })
        end

        it("opa.lua does what OPA says, and nothing while it can't be asked", function()
            local opa = endpoint_stub.start()
            local gw = start("opa", { OPA_URL = opa.plain .. "/v1/data" })
            local role = expect.ok(gw:create({ principalArn = eks.fresh_role() }, { key = ci })).accessEntry.principalArn
            expect.ok(eks.associate(gw, role, eks.scope("AmazonEKSClusterAdminPolicy"), { key = ci }))
            refused(eks.delete(gw, role, { key = ci }), "last-admin")
            assert.equal("POST /v1/data/eksgate/allow", opa:seen().requests[1])
            opa:stop()
            refused(eks.list(gw, nil, { key = ci }), "opa-delegate")
            assert.equal(0, gw:end_process())
        end)

        it("platform_team.lua gives pipelines their teams' entries, people a look, the platform team everything", function()
            local gw = start("platform_team")
            local role = eks.role("team-a/deployer")
            for _, key in ipairs({ ci, anna, admin }) do
                assert.equal(200, gw:caller({ key = key }).status)
                expect.ok(eks.list(gw, nil, { key = key }))
            end
            refused(gw:create({ principalArn = eks.role("r"), tags = team }, { key = anna }), "default_verdict")
            refused(gw:create({ principalArn = role }, { key = ci }), "required-tags")
            local made = expect.ok(gw:create({ principalArn = role, tags = team }, { key = ci })).accessEntry
            assert.equal("team-a:{{SessionName}}", made.username)
            refused(gw:create({ principalArn = role, tags = team }, { key = anna }), "team-owners")
            refused(gw:create({ principalArn = eks.role("n"), tags = team, type = "EC2_LINUX" }, { key = ci }), "no-nodes")
            expect.ok(gw:create({ principalArn = eks.role("n"), tags = team, type = "EC2_LINUX" }, { key = admin }))
            refused(eks.delete_cluster(gw, "my-cluster", { key = ci }), "default_verdict")
            local scope = eks.scope("AmazonEKSClusterAdminPolicy")
            expect.ok(eks.associate(gw, role, scope, { key = ci }))
            refused(eks.delete(gw, role, { key = ci }), "last-admin")
            expect.ok(eks.associate(gw, eks.made(gw, { tags = team }, { key = admin }).principalArn, scope, { key = admin }))
            expect.ok(eks.delete(gw, role, { key = ci }))
            gw:end_process()
            local teams = {}
            for line in text.read_file(folder .. "/audit.jsonl"):gmatch("[^\n]+") do
                local event = cjson.decode(line)
                local ours = event.additionalEventData and event.additionalEventData.eksgate or {}
                teams[#teams + 1] = ours.fields and ours.fields["audit-enrich"] and ours.fields["audit-enrich"].team
            end
            assert.truthy(teams[1] == "team-a", text.read_file(folder .. "/audit.jsonl"):sub(1, 3000))
        end)
    end)
end)
