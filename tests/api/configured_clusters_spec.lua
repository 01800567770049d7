-- SPDX-License-Identifier: Apache-2.0
-- Clusters of the configuration as a client sees them: what is given wins, at the start and at every reload.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

describe("a configured cluster", function()
    local gw

    after_each(gateway.stop_all)

    local function shown(name)
        return expect.ok(gw:send("GET", "/clusters/" .. (name or "my-cluster"))).cluster
    end

    --- SIGHUP, and waits until it has done something.
    local function reload()
        local before = #gw:stderr()
        gw:signal("HUP")
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("taken up", before, true)
        end), gw:stderr())
    end

    it("shows what is given, and local values for the rest", function()
        gw = gateway.start({
            settings = { clusters = { ["my-cluster"] = {
                version = "1.29", endpoint = "https://127.0.0.1:6443", roleArn = "arn:aws:iam::012345678910:role/mine",
                createdAt = 1795312861.5, certificateAuthority = { data = "bWluZQ==" }, tags = { team = "a" },
                resourcesVpcConfig = { subnetIds = { "subnet-a" } }, status = "UPDATING",
                logging = { clusterLogging = { { types = { "audit" }, enabled = true } } },
            } } },
            arguments = { "--set", "clusters.my-cluster.resourcesVpcConfig.vpcId=vpc-1", "--set",
                "clusters.my-cluster.tags.more=b" },
        })
        local body = gw:send("GET", "/clusters/my-cluster").body
        expect.template('{"cluster":{"name":"my-cluster",'
            .. '"arn":"arn:aws:eks:us-west-2:012345678910:cluster/my-cluster","createdAt":1795312861.500,'
            .. '"version":"1.29","endpoint":"https://127.0.0.1:6443","roleArn":"arn:aws:iam::012345678910:role/mine",'
            .. '"resourcesVpcConfig":{"subnetIds":["subnet-a"],"securityGroupIds":[],'
            .. '"clusterSecurityGroupId":"sg-00000000000000000","vpcId":"vpc-1","endpointPublicAccess":true,'
            .. '"endpointPrivateAccess":false,"publicAccessCidrs":["0.0.0.0/0"],"controlPlaneEgressMode":null},'
            .. '"kubernetesNetworkConfig":{"serviceIpv4Cidr":"10.100.0.0/16","serviceIpv6Cidr":null,'
            .. '"ipFamily":"ipv4","elasticLoadBalancing":{"enabled":false}},'
            .. '"logging":{"clusterLogging":[{"types":["audit"],"enabled":true},'
            .. '{"types":["api","authenticator","controllerManager","scheduler"],"enabled":false}]},'
            .. '"identity":{"oidc":{"issuer":"<any>"}},"status":"UPDATING",'
            .. '"certificateAuthority":{"data":"bWluZQ=="},"clientRequestToken":null,"platformVersion":"eks.1",'
            .. '"tags":{"team":"a","more":"b"},<any>', body)
    end)

    it("is brought back to what is given by a reload; everything else stays", function()
        gw = gateway.start({ settings = { clusters = { ["my-cluster"] = {
            accessConfig = { authenticationMode = "API_AND_CONFIG_MAP" }, deletionProtection = false,
        } } } })
        local endpoint = shown().endpoint
        for _, input in ipairs({
            { accessConfig = { authenticationMode = "API" } }, { deletionProtection = true },
            { upgradePolicy = { supportType = "STANDARD" } },
        }) do
            expect.ok(gw:send("POST", "/clusters/my-cluster/update-config", input))
        end
        expect.ok(gw:create({ principalArn = "arn:aws:iam::012345678910:role/r" }))
        reload()
        local cluster = shown()
        assert.equal("API_AND_CONFIG_MAP", cluster.accessConfig.authenticationMode)
        assert.is_false(cluster.deletionProtection)
        assert.equal("STANDARD", cluster.upgradePolicy.supportType)
        assert.equal(endpoint, cluster.endpoint)
        assert.equal(3, #expect.ok(gw:send("GET", "/clusters/my-cluster/updates")).updateIds)
        expect.ok(gw:describe("arn:aws:iam::012345678910:role/r"))
    end)

    it("keeps a mode that isn't given", function()
        gw = gateway.start({ settings = { clusters = { ["my-cluster"] = {} } } })
        expect.ok(gw:send("DELETE", "/clusters/my-cluster"))
        expect.ok(gw:send("POST", "/clusters", {
            name = "my-cluster", roleArn = "arn:aws:iam::012345678910:role/r",
            resourcesVpcConfig = { subnetIds = { "a", "b" } },
        }))
        reload()
        assert.equal("CONFIG_MAP", shown().accessConfig.authenticationMode)
    end)

    it("is made again by a reload when a request has deleted it, and stays when it isn't named any more", function()
        gw = gateway.start()
        expect.ok(gw:send("DELETE", "/clusters/my-cluster"))
        assert.equal(404, gw:send("GET", "/clusters/my-cluster").status)
        gw.settings.clusters.second = { version = "1.31" }
        gw:write("eksgate.lua", gateway.serialize(gw.settings))
        reload()
        assert.equal("ACTIVE", shown().status)
        assert.equal("1.31", shown("second").version)
        gw.settings.clusters = {}
        gw:write("eksgate.lua", gateway.serialize(gw.settings))
        reload()
        assert.equal("1.31", shown("second").version)
    end)

    it("with a member that no cluster has stops the start, and each mistake is told", function()
        gw = gateway.prepare({ settings = { clusters = { ["my-cluster"] = { verison = "1.33", endpoint = 7 } } } })
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("clusters.my-cluster.verison: no such member; accepted: name, arn,", 1, true), err)
        assert.truthy(err:find("clusters.my-cluster.endpoint: must be a string", 1, true), err)
    end)
end)
