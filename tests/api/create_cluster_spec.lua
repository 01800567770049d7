-- SPDX-License-Identifier: Apache-2.0
-- CreateCluster as a client sees it. Every rule of a configuration: tests/unit/eks/test_cluster_rules.c.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")

local vpc = { subnetIds = { "subnet-1", "subnet-2" } }
local role_arn = "arn:aws:iam::012345678910:role/eks"
local smallest = '{"name":"%s","roleArn":"arn:aws:iam::012345678910:role/eks",'
    .. '"resourcesVpcConfig":{"subnetIds":["subnet-1","subnet-2"]}}'

local function laid_over(more)
    local input = { name = "demo", roleArn = role_arn, resourcesVpcConfig = vpc }
    for name, value in pairs(more or {}) do
        input[name] = value
    end
    return input
end

local bad_name = "The parameter name contains invalid characters. It should conform to the regular expression "
    .. '"^[0-9A-Za-z][A-Za-z0-9-_]*"In other words, it should start with a number or letter, and can contain '
    .. "numbers, letters, dashes, and underscores."

describe("CreateCluster", function()
    local gw

    local function create(input, with)
        return gw:send("POST", "/clusters", input, with)
    end

    before_each(function()
        gw = gateway.start({ settings = { region = { "us-west-2", "eu-west-1" } } })
    end)

    after_each(gateway.stop_all)

    it("answers the cluster, ACTIVE at once, with every member in the model's order", function()
        local reply = create(smallest:format("demo"))
        assert.equal(200, reply.status)
        local _, id, _, authority = expect.template('{"cluster":{"name":"demo",'
            .. '"arn":"arn:aws:eks:us-west-2:012345678910:cluster/demo","createdAt":<time>,"version":"1.33",'
            .. '"endpoint":"https://<any>.us-west-2.eks.invalid","roleArn":"arn:aws:iam::012345678910:role/eks",'
            .. '"resourcesVpcConfig":{"subnetIds":["subnet-1","subnet-2"],"securityGroupIds":[],'
            .. '"clusterSecurityGroupId":"sg-00000000000000000","vpcId":"vpc-00000000000000000",'
            .. '"endpointPublicAccess":true,"endpointPrivateAccess":false,"publicAccessCidrs":["0.0.0.0/0"],'
            .. '"controlPlaneEgressMode":null},'
            .. '"kubernetesNetworkConfig":{"serviceIpv4Cidr":"10.100.0.0/16","serviceIpv6Cidr":null,'
            .. '"ipFamily":"ipv4","elasticLoadBalancing":{"enabled":false}},'
            .. '"logging":{"clusterLogging":[{"types":["api","audit","authenticator","controllerManager","scheduler"],'
            .. '"enabled":false}]},'
            .. '"identity":{"oidc":{"issuer":"https://oidc.eks.us-west-2.invalid/id/<any>"}},"status":"ACTIVE",'
            .. '"certificateAuthority":{"data":"<any>"},"clientRequestToken":null,"platformVersion":"eks.1",'
            .. '"tags":{},"encryptionConfig":null,"connectorConfig":null,"id":null,"health":{"issues":[]},'
            .. '"outpostConfig":null,"accessConfig":{"authenticationMode":"CONFIG_MAP"},'
            .. '"upgradePolicy":{"supportType":"EXTENDED"},"zonalShiftConfig":null,"remoteNetworkConfig":null,'
            .. '"computeConfig":null,"storageConfig":null,"deletionProtection":false,'
            .. '"controlPlaneScalingConfig":{"tier":"standard"}}}', reply.body)
        assert.truthy(id:find("^" .. ("%x"):rep(32) .. "$"), id)
        assert.truthy(authority:find("^LS0tLS1CRUdJTi"), authority)
        assert.equal(reply.body, gw:send("GET", "/clusters/demo").body)
    end)

    it("makes the creator's entry and its administrator's policy in the same change", function()
        expect.ok(create(laid_over({ accessConfig = { authenticationMode = "API" } })))
        local listed = gw:send("GET", "/clusters/demo/access-entries")
        assert.equal('{"accessEntries":["' .. gateway.key.arn .. '"],"nextToken":null}', listed.body)
        local policies = gw:send("GET", gateway.entry_target(gateway.key.arn, "demo") .. "/access-policies")
        expect.template('{"clusterName":"demo","principalArn":"arn:aws:iam::012345678910:user/tester",'
            .. '"nextToken":null,"associatedAccessPolicies":[{"policyArn":'
            .. '"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",'
            .. '"accessScope":{"type":"cluster","namespaces":[]},"associatedAt":<time>,"modifiedAt":<time>}]}',
            policies.body)
        expect.error(gw:create({ principalArn = gateway.key.arn }, { cluster = "demo" }), 409,
            "ResourceInUseException", expect.in_use) -- as everybody learns who creates it again
    end)

    it("makes no entry where it is told so, and never repeats what it was told", function()
        local reply = create(laid_over({
            accessConfig = { authenticationMode = "API", bootstrapClusterCreatorAdminPermissions = false },
        }))
        assert.same({ authenticationMode = "API" }, expect.ok(reply).cluster.accessConfig)
        assert.falsy(reply.body:find("bootstrap", 1, true))
        assert.equal('{"accessEntries":[],"nextToken":null}',
            gw:send("GET", "/clusters/demo/access-entries").body)
    end)

    it("is CONFIG_MAP where nothing is said, and refuses access entries then", function()
        expect.ok(create(laid_over()))
        expect.error(gw:send("GET", "/clusters/demo/access-entries"), 400, "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            .. "operation.")
    end)

    it("is refused for names that EKS refuses (E20, E21)", function()
        for _, name in ipairs({ "", "-a", "a b", "a/b", "ä", "../x" }) do
            local body = expect.error(create(laid_over({ name = name })), 400, expect.invalid, bad_name)
            assert.equal(cjson.null, body.clusterName)
        end
        expect.error(create(laid_over({ name = ("a"):rep(101) })), 400, expect.invalid,
            "The parameter name should not be greater than 100 characters.")
        expect.ok(create(laid_over({ name = ("a"):rep(100) })))
    end)

    it("is refused for tokens that EKS refuses (E22)", function()
        for _, token in ipairs({ "", ("t"):rep(32), ("t"):rep(127) }) do
            expect.error(create(laid_over({ clientRequestToken = token })), 400, expect.invalid,
                "The client request token parameter must be between 33 and 126 characters.")
        end
    end)

    it("is 409 for a name that is taken, with the name in the body (E23)", function()
        expect.ok(create(laid_over()))
        local reply = create(laid_over())
        expect.error(reply, 409, "ResourceInUseException", "Cluster already exists with name: demo")
        assert.equal('{"clusterName":"demo","nodegroupName":null,"addonName":null,'
            .. '"message":"Cluster already exists with name: demo"}', reply.body)
    end)

    it("is refused for Auto Mode without access entries (E27)", function()
        local auto = {
            computeConfig = { enabled = true },
            kubernetesNetworkConfig = { elasticLoadBalancing = { enabled = true } },
            storageConfig = { blockStorage = { enabled = true } },
        }
        expect.error(create(laid_over(auto)), 400, expect.invalid,
            "When EKS Auto Mode is enabled, you must use an EKS access config authentication mode of "
            .. "API_AND_CONFIG_MAP or API")
        auto.accessConfig = { authenticationMode = "API_AND_CONFIG_MAP" }
        expect.ok(create(laid_over(auto)))
    end)

    it("is refused for what isn't there, of another type or too much", function()
        for _, name in ipairs({ "name", "roleArn", "resourcesVpcConfig" }) do
            local input = laid_over()
            input[name] = nil
            expect.error(create(input), 400, expect.invalid, "The " .. name .. " parameter is required.")
            input[name] = 7
            expect.error(create(input), 400, expect.invalid, { "^The " .. name .. " parameter must be a" })
        end
        expect.error(create("{"), 400, expect.invalid, { "not valid JSON" })
        expect.error(create('{"name":"a\\u0000b"}'), 400, expect.invalid, { "not valid JSON" })
        expect.error(create('{"name":"\xff"}'), 400, expect.invalid, { "not valid JSON" })
        expect.error(create('{"name":"demo","name":"demo"}'), 400, expect.invalid, { "not valid JSON" })
        expect.error(create(('{"logging":'):rep(40) .. "1" .. ("}"):rep(40)), 400, expect.invalid, { "nested deeper" })
        assert.equal(404, gw:send("GET", "/clusters/demo").status)
    end)

    it("answers an SDK's retry with the first reply, and 400 when it says something else", function()
        local token = "0f3c1e0a-9d3b-4c56-8f0e-1234567890ab"
        local input = laid_over({ clientRequestToken = token, accessConfig = { authenticationMode = "API" } })
        local first = create(input)
        expect.ok(first)
        assert.equal(first.body, create(input).body)
        expect.error(create(laid_over({ clientRequestToken = token })), 400, expect.invalid,
            "The client request token was used by an earlier request with other parameters.")
    end)

    it("holds at the limit of clusters, which is a setting", function()
        local small = gateway.start({ settings = { limits = { clusters = 2 } } })
        expect.ok(small:send("POST", "/clusters", laid_over({ name = "two" })))
        local body = expect.error(small:send("POST", "/clusters", laid_over({ name = "three" })), 400,
            "ResourceLimitExceededException", "There can't be more than 2 clusters here.")
        assert.equal("three", body.clusterName)
    end)

    it("keeps accounts and regions apart", function()
        local other = {
            id = "AKIAEKSGATETEST00002", secret = gateway.key.secret,
            arn = "arn:aws:sts::999999999999:assumed-role/ci/run",
        }
        gateway.stop_all()
        gw = gateway.start({
            settings = { region = "*", clusters = gateway.none },
            keys = { gateway.key, other },
        })
        local mine = laid_over({ accessConfig = { authenticationMode = "API" } })
        local theirs = laid_over({
            accessConfig = { authenticationMode = "API" }, roleArn = "arn:aws:iam::999999999999:role/eks",
        })
        expect.ok(create(mine))
        assert.equal('{"clusters":[],"nextToken":null}', gw:send("GET", "/clusters", nil, { key = other }).body)
        assert.equal('{"clusters":[],"nextToken":null}',
            gw:send("GET", "/clusters", nil, { region = "eu-north-1" }).body)
        expect.ok(create(theirs, { key = other })) -- the same name, another cluster
        expect.ok(create(mine, { region = "eu-north-1" }))
        local function entries(with)
            return expect.ok(gw:send("GET", "/clusters/demo/access-entries", nil, with)).accessEntries
        end
        assert.same({ gateway.key.arn }, entries())
        assert.same({ "arn:aws:iam::999999999999:role/ci" }, entries({ key = other }))
        expect.ok(gw:create({ principalArn = role_arn }, { cluster = "demo", region = "eu-north-1" }))
        assert.same({ gateway.key.arn }, entries())
        assert.same({ role_arn, gateway.key.arn }, entries({ region = "eu-north-1" }))
        expect.ok(gw:send("DELETE", "/clusters/demo", nil, { key = other }))
        assert.same({ gateway.key.arn }, entries())
        assert.equal(404, gw:send("GET", "/clusters/demo", nil, { key = other }).status)
        assert.equal("arn:aws:eks:eu-north-1:012345678910:cluster/demo",
            expect.ok(gw:send("GET", "/clusters/demo", nil, { region = "eu-north-1" })).cluster.arn)
    end)

    it("stands in the record with its body as CloudTrail writes it", function()
        local reply = create(smallest:format("demo"))
        expect.ok(reply)
        local record = gw:audit_of(reply.header["x-amzn-requestid"])
        assert.equal("CreateCluster", record.eventName)
        assert.same({ name = "demo", roleArn = role_arn, resourcesVpcConfig = vpc }, record.requestParameters)
    end)

    it("asks policies with its members, and takes their tags", function()
        gateway.stop_all()
        gw = gateway.start({ policies = { [[
            local verdict = require("eksgate.verdict")
            return {
                name = "p", on = { "CreateCluster", "DeleteCluster" },
                authorize = function(req)
                    if req.operation == "DeleteCluster" then return verdict.deny("keep " .. req.input.name) end
                    if req.input.accessConfig == nil then return verdict.deny("say who may in") end
                end,
                tags = function(req) return { cluster = req.cluster, team = "x" } end,
            }
        ]] } })
        expect.error(create(laid_over()), 403, "AccessDeniedException", { "say who may in" })
        local made = create(laid_over({ accessConfig = { authenticationMode = "API" }, tags = { team = "mine" } }))
        assert.same({ team = "mine", cluster = "demo" }, expect.ok(made).cluster.tags)
        expect.error(gw:send("DELETE", "/clusters/demo"), 403, "AccessDeniedException", { "keep demo" })
    end)
end)
