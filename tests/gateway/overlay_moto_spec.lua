-- SPDX-License-Identifier: Apache-2.0
-- An overlay on moto itself: clusters are moto's, access entries the gateway's.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local moto = require("support.moto")

local account = "123456789012" -- moto's
local cluster = '{"name":"my-cluster","roleArn":"arn:aws:iam::123456789012:role/r","resourcesVpcConfig":{}}'

describe("an overlay on moto", function()
    local server

    setup(function()
        server = moto.start()
        -- The first node group makes moto load its EC2, which takes seconds.
        server:request("POST", "/clusters", cluster)
        server:request("POST", "/clusters/my-cluster/node-groups",
            '{"nodegroupName":"ng","nodeRole":"arn:aws:iam::123456789012:role/n","subnets":["subnet-1"]}')
    end)

    teardown(function()
        server:stop()
    end)

    before_each(function()
        assert.equal(200, server:request("POST", "/moto-api/reset").status)
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local function start(keys)
        return gateway.start({
            keys = keys, settings = {
                upstream = { endpoint = server.url }, clusters = gateway.none, overlay = { cluster_ttl = 0 },
            },
        })
    end

    local function create(gw, access, with)
        return expect.ok(eks.create_cluster(gw, eks.cluster_input("my-cluster", { accessConfig = access }), with)).cluster
    end

    local function mode(gw, with)
        return expect.ok(eks.describe_cluster(gw, "my-cluster", with)).cluster.accessConfig.authenticationMode
    end

    it("keeps a cluster's accessConfig, which moto drops, and its entries", function()
        local gw = start()
        local made = create(gw, { authenticationMode = "API" })
        assert.equal(eks.cluster_arn("my-cluster", nil, account), made.arn)
        assert.equal("API", mode(gw))
        local shown = expect.ok(server:request("GET", "/clusters/my-cluster")).cluster
        assert.is_nil(shown.accessConfig)
        assert.equal(shown.endpoint, expect.ok(eks.describe_cluster(gw, "my-cluster")).cluster.endpoint)
        local entry = eks.made(gw, { tags = { a = "b" } })
        eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy", { "team-*" })
        assert.equal(2, #expect.ok(eks.list(gw)).accessEntries)
        assert.equal(1, #expect.ok(eks.list_associated(gw, entry.principalArn)).associatedAccessPolicies)
        expect.ok(eks.delete(gw, entry.principalArn))
        gw:stop()
    end)

    it("forgets the entries of a cluster that was deleted, by whomever", function()
        local gw = start()
        create(gw, { authenticationMode = "API" })
        local role = eks.made(gw).principalArn
        expect.ok(eks.delete_cluster(gw, "my-cluster"))
        expect.error(eks.list(gw), 404, "ResourceNotFoundException", "No cluster found for name: my-cluster.")
        create(gw, { bootstrapClusterCreatorAdminPermissions = false })
        assert.same({}, expect.ok(eks.list(gw)).accessEntries)
        expect.ok(eks.create(gw, { principalArn = role }))
        assert.equal(200, server:request("DELETE", "/clusters/my-cluster").status)
        expect.error(eks.describe(gw, role), 404, "ResourceNotFoundException", "No cluster found for name: my-cluster.")
        assert.equal(200, server:request("POST", "/clusters", cluster).status)
        expect.error(eks.describe(gw, role), 404, "ResourceNotFoundException", expect.not_found)
        gw:stop()
    end)

    it("changes the mode, of which moto knows nothing, and moto the rest", function()
        local gw = start()
        create(gw, { authenticationMode = "API_AND_CONFIG_MAP" })
        local update = expect.ok(eks.update_cluster_config(gw, "my-cluster", {
            accessConfig = { authenticationMode = "API" },
        })).update
        assert.same(update, expect.ok(eks.describe_update(gw, "my-cluster", update.id)).update)
        assert.same({ update.id }, expect.ok(eks.list_updates(gw, "my-cluster")).updateIds)
        expect.ok(eks.update_cluster_config(gw, "my-cluster", {
            logging = { clusterLogging = { { types = { "api" }, enabled = true } } },
        }))
        local changed = expect.ok(eks.describe_cluster(gw, "my-cluster")).cluster
        assert.same({ "api" }, changed.logging.clusterLogging[1].types)
        assert.equal("API", changed.accessConfig.authenticationMode)
        gw:stop()
    end)

    it("keeps the accounts apart that moto tells by their keys", function()
        local key = server:assume("111122223333")
        local gw = start({ gateway.key, key })
        local with = { key = key }
        create(gw, { authenticationMode = "API" })
        assert.equal(eks.cluster_arn("my-cluster", nil, "111122223333"),
            create(gw, { authenticationMode = "CONFIG_MAP" }, with).arn)
        assert.equal("API", mode(gw))
        assert.equal("CONFIG_MAP", mode(gw, with))
        expect.ok(eks.delete_cluster(gw, "my-cluster", with))
        expect.error(eks.list(gw, nil, with), 404, "ResourceNotFoundException")
        assert.same({ gateway.key.arn }, expect.ok(eks.list(gw)).accessEntries)
        gw:stop()
    end)

    it("gives a cluster's tags to moto, and keeps those of entries", function()
        local gw = start()
        local arn = create(gw, { authenticationMode = "API" }).arn
        local entry = eks.made(gw)
        for _, one in ipairs({ arn, entry.accessEntryArn }) do
            expect.ok(eks.tag(gw, one, { tags = { a = "1", b = "2" } }))
            expect.ok(eks.untag(gw, one, { tagKeys = { "b" } }))
            assert.same({ a = "1" }, expect.ok(eks.tags(gw, one)).tags)
        end
        assert.same({ a = "1" }, expect.ok(eks.describe_cluster(gw, "my-cluster")).cluster.tags)
        gw:stop()
    end)

    it("forwards node groups and the like", function()
        local gw = start()
        create(gw, nil)
        expect.ok(gw:send("POST", "/clusters/my-cluster/node-groups", {
            nodegroupName = "ng", nodeRole = "arn:aws:iam::123456789012:role/n", subnets = { "subnet-1" },
        }))
        assert.same({ "ng" }, expect.ok(gw:send("GET", "/clusters/my-cluster/node-groups")).nodegroups)
        local reply = eks.delete_cluster(gw, "my-cluster")
        assert.equal(409, reply.status)
        assert.equal("ResourceInUseException", reply.header["x-amzn-errortype"])
        expect.ok(gw:send("DELETE", "/clusters/my-cluster/node-groups/ng"))
        expect.ok(eks.delete_cluster(gw, "my-cluster"))
        gw:stop()
    end)
end)
