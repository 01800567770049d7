-- SPDX-License-Identifier: Apache-2.0
-- DescribeUpdate and ListUpdates as a client sees them.

local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

describe("updates of a cluster", function()
    local gw
    local made = {}

    setup(function()
        gw = gateway.start({ settings = { region = { "us-west-2", "eu-west-1" } } })
        for i = 1, 5 do
            local reply = gw:send("POST", "/clusters/my-cluster/update-config", { deletionProtection = i % 2 == 1 })
            made[i] = { id = expect.ok(reply).update.id, body = reply.body }
        end
    end)

    teardown(function()
        gw:stop()
    end)

    it("are described by id with the bytes that made them", function()
        for _, update in ipairs(made) do
            assert.equal(update.body, gw:send("GET", "/clusters/my-cluster/updates/" .. update.id).body)
        end
    end)

    it("are 404 where the id is unknown", function()
        local body = expect.error(gw:send("GET", "/clusters/my-cluster/updates/some-id"), 404,
            "ResourceNotFoundException", "No update found for ID: some-id")
        assert.equal("my-cluster", body.clusterName)
        expect.error(gw:send("GET", "/clusters/nowhere/updates/some-id"), 404, "ResourceNotFoundException",
            "No cluster found for name: nowhere.")
    end)

    it("are listed oldest first", function()
        local ids = {}
        for i, update in ipairs(made) do
            ids[i] = update.id
        end
        assert.equal('{"updateIds":["' .. table.concat(ids, '","') .. '"],"nextToken":null}',
            gw:send("GET", "/clusters/my-cluster/updates").body)
    end)

    it("are listed each once over pages", function()
        for size = 1, 6 do
            local found, token = {}, nil
            repeat
                local query = "?maxResults=" .. size .. (token and "&nextToken=" .. text.escape(token) or "")
                local page = expect.ok(gw:send("GET", "/clusters/my-cluster/updates" .. query))
                table.move(page.updateIds, 1, #page.updateIds, #found + 1, found)
                token = type(page.nextToken) == "string" and page.nextToken or nil
            until not token
            assert.equal(5, #found)
            for i, id in ipairs(found) do
                assert.equal(made[i].id, id)
            end
        end
    end)

    it("of node groups and add-ons are not found: there are none", function()
        expect.error(gw:send("GET", "/clusters/my-cluster/updates?nodegroupName=ng"), 404,
            "ResourceNotFoundException", "No node group found for name: ng.")
        expect.error(gw:send("GET", "/clusters/my-cluster/updates?addonName=vpc-cni"), 404,
            "ResourceNotFoundException", "No addon: vpc-cni found in cluster: my-cluster")
    end)

    it("go with the cluster", function()
        expect.ok(gw:send("POST", "/clusters/my-cluster/update-config", { deletionProtection = false }))
        expect.ok(gw:send("DELETE", "/clusters/my-cluster"))
        expect.ok(gw:send("POST", "/clusters", {
            name = "my-cluster", roleArn = "arn:aws:iam::012345678910:role/r",
            resourcesVpcConfig = { subnetIds = { "a", "b" } },
        }))
        assert.equal('{"updateIds":[],"nextToken":null}', gw:send("GET", "/clusters/my-cluster/updates").body)
        assert.equal(404, gw:send("GET", "/clusters/my-cluster/updates/" .. made[1].id).status)
    end)
end)
