-- SPDX-License-Identifier: Apache-2.0
-- DescribeCluster as a client sees it.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")

describe("DescribeCluster", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { clusters = {
            ["my-cluster"] = {}, ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    it("shows a cluster of the configuration, with local values for what isn't given", function()
        local cluster = expect.ok(gw:send("GET", "/clusters/my-cluster")).cluster
        assert.equal("arn:aws:eks:us-west-2:012345678910:cluster/my-cluster", cluster.arn)
        assert.equal("ACTIVE", cluster.status)
        assert.same({ authenticationMode = "API" }, cluster.accessConfig)
        assert.truthy(cluster.endpoint:find("^https://[%w.-]+%.invalid$"))
        assert.truthy(cluster.identity.oidc.issuer:find("^https://[%w.-]+%.invalid/id/%x+$"))
        assert.equal("arn:aws:iam::012345678910:role/eksgate-no-role", cluster.roleArn)
    end)

    it("answers whatever the authentication mode", function()
        assert.same({ authenticationMode = "CONFIG_MAP" },
            expect.ok(gw:send("GET", "/clusters/old")).cluster.accessConfig)
    end)

    it("answers the same bytes every time", function()
        assert.equal(gw:send("GET", "/clusters/my-cluster").body, gw:send("GET", "/clusters/my-cluster").body)
    end)

    it("is 404 for an unknown cluster, whose name is not in clusterName (E1)", function()
        local body = expect.error(gw:send("GET", "/clusters/nowhere"), 404, "ResourceNotFoundException",
            "No cluster found for name: nowhere.")
        assert.equal(cjson.null, body.clusterName)
    end)

    it("is 400 for a name that no cluster can have (E20, E21)", function()
        for _, label in ipairs({ "a%20b", "-a", "a%2Fb", "a%252Fb", "%C3%A4", "a%00" }) do
            expect.error(gw:send("GET", "/clusters/" .. label), 400, expect.invalid,
                { "^The parameter name contains invalid characters%. .-underscores%.$" })
        end
        expect.error(gw:send("GET", "/clusters/" .. ("a"):rep(101)), 400, expect.invalid,
            "The parameter name should not be greater than 100 characters.")
    end)

    it("shows tags that were set and taken away again", function()
        local target = "/tags/arn%3Aaws%3Aeks%3Aus-west-2%3A012345678910%3Acluster%2Fmy-cluster"
        expect.ok(gw:send("POST", target, { tags = { team = "x" } }))
        assert.same({ team = "x" }, expect.ok(gw:send("GET", "/clusters/my-cluster")).cluster.tags)
        expect.ok(gw:send("DELETE", target .. "?tagKeys=team"))
        assert.truthy(gw:send("GET", "/clusters/my-cluster").body:find('"tags":{}', 1, true))
    end)
end)
