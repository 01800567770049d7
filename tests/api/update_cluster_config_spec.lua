-- SPDX-License-Identifier: Apache-2.0
-- UpdateClusterConfig as a client sees it.

local expect = require("support.expect")
local gateway = require("support.gateway")

describe("UpdateClusterConfig", function()
    local gw

    local function update(input, cluster, with)
        return gw:send("POST", "/clusters/" .. (cluster or "my-cluster") .. "/update-config", input, with)
    end

    local function mode(name)
        return { accessConfig = { authenticationMode = name } }
    end

    before_each(function()
        gw = gateway.start({ settings = { clusters = {
            ["my-cluster"] = mode("API"), both = mode("API_AND_CONFIG_MAP"), old = mode("CONFIG_MAP"),
        } } })
    end)

    after_each(gateway.stop_all)

    it("moves to the next authentication mode, and answers an update that is done", function()
        local reply = update('{"accessConfig":{"authenticationMode":"API_AND_CONFIG_MAP"}}', "old")
        assert.equal(200, reply.status)
        expect.template('{"update":{"id":"<uuid>","status":"Successful","type":"AccessConfigUpdate",'
            .. '"params":[{"type":"AuthenticationMode","value":"API_AND_CONFIG_MAP"}],"createdAt":<time>,"errors":[]}}',
            reply.body)
        local cluster = expect.ok(gw:send("GET", "/clusters/old")).cluster
        assert.same({ authenticationMode = "API_AND_CONFIG_MAP" }, cluster.accessConfig)
        assert.equal("ACTIVE", cluster.status)
        assert.equal('{"accessEntries":[],"nextToken":null}', gw:send("GET", "/clusters/old/access-entries").body)
        expect.ok(update(mode("API"), "old"))
        expect.ok(gw:create({ principalArn = "arn:aws:iam::012345678910:role/r" }, { cluster = "old" }))
    end)

    it("refuses every other way (E25)", function()
        local ways = {
            { "old", "CONFIG_MAP", "CONFIG_MAP" }, { "old", "CONFIG_MAP", "API" },
            { "both", "API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP" }, { "both", "API_AND_CONFIG_MAP", "CONFIG_MAP" },
            { "my-cluster", "API", "API" }, { "my-cluster", "API", "API_AND_CONFIG_MAP" },
            { "my-cluster", "API", "CONFIG_MAP" },
        }
        for _, way in ipairs(ways) do
            expect.error(update(mode(way[3]), way[1]), 400, expect.invalid,
                "Unsupported authentication mode update from " .. way[2] .. " to " .. way[3])
        end
    end)

    it("takes exactly one kind of update", function()
        expect.error(update({}), 400, expect.invalid, "Invalid type for cluster update.")
        expect.error(update({ deletionProtection = true, upgradePolicy = { supportType = "STANDARD" } }), 400,
            expect.invalid, "Only one type of update can be allowed.")
    end)

    it("changes logging and endpoints in EKS's words", function()
        local logging = { clusterLogging = { { types = { "audit" }, enabled = true } } }
        assert.equal("LoggingUpdate", expect.ok(update({ logging = logging })).update.type)
        expect.error(update({ logging = logging }), 400, expect.invalid,
            "No changes needed for the logging config provided")
        local endpoints = { endpointPrivateAccess = true, endpointPublicAccess = true }
        local done = expect.ok(update({ resourcesVpcConfig = endpoints })).update
        assert.equal("EndpointAccessUpdate", done.type)
        assert.same({
            { type = "EndpointPublicAccess", value = "true" }, { type = "EndpointPrivateAccess", value = "true" },
        }, done.params)
        expect.error(update({ resourcesVpcConfig = endpoints }), 400, expect.invalid,
            "Cluster is already at the desired configuration with endpointPrivateAccess: true , endpointPublicAccess: "
            .. "true, and Public Endpoint Restrictions: [0.0.0.0/0]")
        local cluster = expect.ok(gw:send("GET", "/clusters/my-cluster")).cluster
        assert.same({ { types = { "audit" }, enabled = true }, {
            types = { "api", "authenticator", "controllerManager", "scheduler" }, enabled = false,
        } }, cluster.logging.clusterLogging)
        assert.is_true(cluster.resourcesVpcConfig.endpointPrivateAccess)
    end)

    it("lifts the protection that keeps a cluster from being deleted", function()
        expect.ok(update({ deletionProtection = true }))
        assert.equal(400, gw:send("DELETE", "/clusters/my-cluster").status)
        expect.ok(update({ deletionProtection = false }))
        assert.equal(200, gw:send("DELETE", "/clusters/my-cluster").status)
    end)

    it("answers an SDK's retry with the first reply", function()
        local input = { deletionProtection = true, clientRequestToken = "0f3c1e0a-9d3b-4c56-8f0e-1234567890ab" }
        local first = update(input)
        expect.ok(first)
        assert.equal(first.body, update(input).body)
        input.deletionProtection = false
        expect.error(update(input), 400, expect.invalid,
            "The client request token was used by an earlier request with other parameters.")
        input.clientRequestToken = "short"
        expect.error(update(input), 400, expect.invalid,
            "The client request token parameter must be between 33 and 126 characters.")
    end)

    it("is 404 for an unknown cluster and 400 for an impossible name", function()
        expect.error(update(mode("API"), "nowhere"), 404, "ResourceNotFoundException",
            "No cluster found for name: nowhere.")
        expect.error(update(mode("API"), "-x"), 400, expect.invalid, { "^The parameter name contains invalid" })
    end)

    it("is a change: in the record, and refused where a policy says so", function()
        local reply = update({ deletionProtection = true })
        local record = gw:audit_of(reply.header["x-amzn-requestid"])
        assert.equal("UpdateClusterConfig", record.eventName)
        assert.same({ name = "my-cluster", deletionProtection = true }, record.requestParameters)
        gateway.stop_all()
        gw = gateway.start({ policies = { [[
            local verdict = require("eksgate.verdict")
            return {
                name = "p", on = { "UpdateClusterConfig" },
                authorize = function(req)
                    local access = req.input.accessConfig
                    if access then return verdict.deny("mode stays, not " .. access.authenticationMode) end
                end,
            }
        ]] } })
        expect.error(update(mode("API")), 403, "AccessDeniedException", { "mode stays, not API" })
        expect.ok(update({ deletionProtection = true }))
    end)
end)
