-- SPDX-License-Identifier: Apache-2.0
-- DeleteCluster as a client sees it.

local expect = require("support.expect")
local gateway = require("support.gateway")

describe("DeleteCluster", function()
    local gw

    before_each(function()
        gw = gateway.start()
    end)

    after_each(gateway.stop_all)

    it("answers the cluster with status DELETING; it is gone then", function()
        local before = gw:send("GET", "/clusters/my-cluster").body
        local reply = gw:send("DELETE", "/clusters/my-cluster")
        assert.equal(200, reply.status)
        assert.equal((before:gsub('"status":"ACTIVE"', '"status":"DELETING"')), reply.body)
        for _, method in ipairs({ "GET", "DELETE" }) do
            expect.error(gw:send(method, "/clusters/my-cluster"), 404, "ResourceNotFoundException",
                "No cluster found for name: my-cluster.")
        end
        assert.equal('{"clusters":[],"nextToken":null}', gw:send("GET", "/clusters").body)
    end)

    it("takes the entries with it: a new cluster of that name has none of them", function()
        local principal = "arn:aws:iam::012345678910:role/r"
        expect.ok(gw:create({ principalArn = principal }))
        expect.ok(gw:send("DELETE", "/clusters/my-cluster"))
        expect.error(gw:describe(principal), 404, "ResourceNotFoundException", "No cluster found for name: my-cluster.")
        expect.ok(gw:send("POST", "/clusters", {
            name = "my-cluster", roleArn = principal, resourcesVpcConfig = { subnetIds = { "a", "b" } },
            accessConfig = { authenticationMode = "API", bootstrapClusterCreatorAdminPermissions = false },
        }))
        expect.error(gw:describe(principal), 404, "ResourceNotFoundException", expect.not_found)
    end)

    it("is refused while deletion protection is on", function()
        expect.ok(gw:send("POST", "/clusters", {
            name = "kept", roleArn = "arn:aws:iam::012345678910:role/r", deletionProtection = true,
            resourcesVpcConfig = { subnetIds = { "a", "b" } },
        }))
        expect.error(gw:send("DELETE", "/clusters/kept"), 400, "InvalidRequestException", { "deletion protection" })
        expect.ok(gw:send("GET", "/clusters/kept"))
    end)
end)
