-- SPDX-License-Identifier: Apache-2.0
-- Access entries on clusters of an upstream that has none: what is answered here, what goes up, and that the entries follow
-- the clusters. The upstream is support/cluster_stub.py, which does as moto does, and worse where it is told to.

local cjson = require("cjson")
local cluster_stub = require("support.cluster_stub")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")
local upstream = require("support.upstream")

local other_key = {
    id = "AKIAEKSGATETEST00002", secret = "b3RoZXIgc2VjcmV0IG9mIHRoZSB0ZXN0cw",
    arn = "arn:aws:iam::111122223333:user/other",
}

local function policy(name, members)
    return ('local verdict = require("eksgate.verdict")\nreturn { name = %q, %s }, verdict\n'):format(name, members)
end

describe("an overlay", function()
    local stub

    before_each(function()
        stub = cluster_stub.start()
    end)

    after_each(function()
        gateway.stop_all()
        stub:stop()
    end)

    local function start(settings, options)
        local all = {
            upstream = { endpoint = stub.url, credentials = "caller" }, clusters = gateway.none,
            overlay = { cluster_ttl = 0 }, audit = { file = "audit.jsonl" },
        }
        for name, value in pairs(settings or {}) do
            all[name] = value
        end
        options = options or {}
        options.settings = all
        return gateway.start(options)
    end

    local function create(gw, access, name, with)
        return expect.ok(eks.create_cluster(gw, eks.cluster_input(name or "my-cluster", { accessConfig = access }), with)).cluster
    end

    local function mode(gw, name)
        return expect.ok(eks.describe_cluster(gw, name or "my-cluster")).cluster.accessConfig.authenticationMode
    end

    local function entries(gw, with)
        return expect.ok(eks.list(gw, nil, with)).accessEntries
    end

    describe("of a cluster that was made through it", function()
        it("shows the accessConfig that it was made with, and the creator's entry", function()
            local gw = start()
            local made = create(gw, { authenticationMode = "API" })
            assert.same({ authenticationMode = "API" }, made.accessConfig)
            assert.equal(eks.cluster_arn("my-cluster", nil, cluster_stub.account), made.arn)
            assert.equal("API", mode(gw))
            assert.same({ gateway.key.arn }, entries(gw))
            local entry = eks.described(gw, gateway.key.arn)
            assert.truthy(entry.accessEntryArn:find(":" .. cluster_stub.account .. ":access-entry/my-cluster/", 1, true))
            local admin = expect.ok(eks.list_associated(gw, gateway.key.arn)).associatedAccessPolicies
            assert.equal(eks.policy("AmazonEKSClusterAdminPolicy"), admin[1].policyArn)
            gw:stop()
        end)

        it("has no entry for the creator who doesn't want it, or whose mode has none", function()
            local gw = start()
            create(gw, { authenticationMode = "API", bootstrapClusterCreatorAdminPermissions = false })
            assert.same({}, entries(gw))
            create(gw, { authenticationMode = "CONFIG_MAP" }, "old")
            expect.error(eks.list(gw, nil, { cluster = "old" }), 400, "InvalidRequestException")
            gw:stop()
        end)

        it("takes the setting's mode where the request names none", function()
            local gw = start()
            assert.equal("API_AND_CONFIG_MAP", create(gw, nil).accessConfig.authenticationMode)
            gw:stop()
            gw = start({ overlay = { cluster_ttl = 0, authentication_mode = "API" } })
            assert.equal("API", create(gw, nil, "another").accessConfig.authenticationMode)
            gw:stop()
        end)

        it("sends up what the caller sent, and a token", function()
            local gw = start()
            create(gw, { authenticationMode = "API" })
            local sent = cjson.decode(stub:requests("^POST /clusters ")[1]:match("{.*"))
            assert.same({ authenticationMode = "API" }, sent.accessConfig)
            assert.equal(36, #sent.clientRequestToken)
            gw:stop()
        end)

        it("gives the upstream's refusals as they are, and keeps what there is", function()
            local gw = start()
            create(gw, { authenticationMode = "API" })
            local role = eks.made(gw).principalArn
            local reply = eks.create_cluster(gw, eks.cluster_input("my-cluster", { accessConfig = {
                authenticationMode = "CONFIG_MAP",
            } }))
            assert.equal(409, reply.status)
            assert.equal("ResourceInUseException", reply.header["x-amzn-errortype"])
            assert.equal("API", mode(gw))
            eks.described(gw, role)
            gw:stop()
        end)

        it("counts as made that way though somebody saw it before its creator was answered", function()
            local gw = start()
            stub:set({ hold = { "POST /clusters" } })
            local socket = gw:connect()
            assert(socket:send((gw:format(eks.requests.create_cluster(eks.cluster_input("my-cluster", {
                accessConfig = { authenticationMode = "API" },
            }))))))
            text.wait_for(function()
                return #stub:requests("^POST /clusters ") == 1
            end, 10)
            assert.equal("API_AND_CONFIG_MAP", mode(gw))
            local role = eks.made(gw).principalArn
            stub:set({ hold = cjson.decode("[]") })
            local reply = socket:read()
            assert.equal(200, reply.status, reply.body)
            assert.equal("API", cjson.decode(reply.body).cluster.accessConfig.authenticationMode)
            assert.equal("API", mode(gw))
            eks.described(gw, role)
            eks.described(gw, gateway.key.arn)
            gw:stop()
        end)
    end)

    describe("of a cluster that was there", function()
        it("answers all operations on entries by itself", function()
            local gw = start()
            stub:make("my-cluster")
            local role = eks.fresh_role()
            local made = eks.made(gw, { principalArn = role, tags = { a = "b" } })
            expect.ok(eks.update(gw, role, { kubernetesGroups = { "g" } }))
            eks.associated(gw, role, "AmazonEKSViewPolicy", { "team-*" })
            assert.equal(1, #expect.ok(eks.list_associated(gw, role)).associatedAccessPolicies)
            expect.ok(eks.disassociate(gw, role, eks.policy("AmazonEKSViewPolicy")))
            expect.ok(eks.tag(gw, made.accessEntryArn, { tags = { c = "d" } }))
            expect.ok(eks.untag(gw, made.accessEntryArn, { tagKeys = { "a" } }))
            assert.same({ c = "d" }, expect.ok(eks.tags(gw, made.accessEntryArn)).tags)
            assert.is_true(#expect.ok(eks.list_policies(gw)).accessPolicies > 0)
            expect.ok(eks.delete(gw, role))
            assert.same({}, entries(gw))
            assert.same({}, stub:requests("access%-entries"))
            assert.same({}, stub:requests("^%a+ /tags/"))
            gw:stop()
        end)

        it("takes the mode that the upstream shows, else the setting's", function()
            local gw = start()
            stub:make("my-cluster")
            assert.equal("API_AND_CONFIG_MAP", mode(gw))
            stub:set({ mode = "CONFIG_MAP" })
            stub:make("another")
            assert.equal("CONFIG_MAP", mode(gw, "another"))
            gw:stop()
        end)

        it("lists entries page by page, whatever account the upstream has for the caller", function()
            local gw = start()
            stub:make("my-cluster")
            for _ = 1, 5 do
                eks.made(gw)
            end
            local items, pages = eks.walk("accessEntries", function(token)
                return expect.ok(eks.list(gw, { maxResults = 2, nextToken = token }))
            end)
            assert.equal(5, #items)
            assert.equal(3, pages)
            gw:stop()
        end)

        it("shows what else the upstream shows, byte for byte where nobody reads it", function()
            local gw = start()
            stub:make("my-cluster")
            local cluster = expect.ok(eks.describe_cluster(gw, "my-cluster")).cluster
            assert.equal("ACTIVE", cluster.status)
            assert.equal("1.33", cluster.version)
            assert.same({ "my-cluster" }, expect.ok(eks.list_clusters(gw)).clusters)
            assert.same({ "ng" }, expect.ok(gw:send("GET", "/clusters/my-cluster/node-groups")).nodegroups)
            assert.equal(404, gw:send("GET", "/clusters/my-cluster/addons").status)
            gw:stop()
        end)

        it("finds its entries again after a restart", function()
            local gw = start({ store = { driver = "sqlite" } })
            create(gw, { authenticationMode = "API" })
            local role = eks.made(gw).principalArn
            gw:restart()
            eks.described(gw, role)
            assert.equal("API", mode(gw))
            gw:stop()
        end)
    end)

    describe("of a cluster that is made anew", function()
        local function filled(gw)
            create(gw, { authenticationMode = "API" })
            local made = eks.made(gw, { tags = { a = "b" } })
            eks.associated(gw, made.principalArn, "AmazonEKSViewPolicy")
            return made
        end

        it("starts empty when it was deleted and made through the gateway", function()
            local gw = start()
            local made = filled(gw)
            local gone = expect.ok(eks.delete_cluster(gw, "my-cluster")).cluster
            assert.same({ authenticationMode = "API" }, gone.accessConfig)
            expect.error(eks.describe(gw, made.principalArn), 404, "ResourceNotFoundException",
                "No cluster found for name: my-cluster.")
            create(gw, { bootstrapClusterCreatorAdminPermissions = false })
            assert.same({}, entries(gw))
            expect.error(eks.tags(gw, made.accessEntryArn), 404, "NotFoundException")
            assert.equal("API_AND_CONFIG_MAP", mode(gw))
            gw:stop()
        end)

        it("starts empty when that happened behind the gateway's back, and says so in the records", function()
            local gw = start()
            local made = filled(gw)
            stub:make("my-cluster")
            expect.error(eks.describe(gw, made.principalArn), 404, "ResourceNotFoundException", expect.not_found)
            assert.same({}, entries(gw))
            assert.equal("API_AND_CONFIG_MAP", mode(gw))
            eks.made(gw, { principalArn = made.principalArn })
            local record = upstream.records(gw, 1, function(one)
                return upstream.said(one).replaces
            end)[1]
            assert.equal("upstream", upstream.said(record).source)
            gw:end_process()
            local code, out = gateway.run({ "audit", "verify", gw.audit_file })
            assert.equal(0, code, out)
            gw:forget()
        end)

        it("starts empty where times are told as text, too", function()
            local gw = start()
            stub:set({ iso = true })
            local made = filled(gw)
            eks.described(gw, made.principalArn)
            stub:make("my-cluster")
            assert.same({}, entries(gw))
            gw:stop()
        end)

        it("is noticed though it was remembered, as soon as it was made through the gateway", function()
            local gw = start({ overlay = { cluster_ttl = 60 }, workers = 2 })
            for _ = 1, 5 do
                local made = filled(gw)
                expect.ok(eks.delete_cluster(gw, "my-cluster"))
                expect.error(eks.describe(gw, made.principalArn), 404, "ResourceNotFoundException",
                    "No cluster found for name: my-cluster.")
            end
            gw:stop()
        end)
    end)

    describe("of a cluster that is gone", function()
        it("says so in EKS's words, whatever is asked", function()
            local gw = start()
            stub:make("my-cluster")
            local made = eks.made(gw)
            stub:forget("my-cluster")
            local role = made.principalArn
            for _, reply in ipairs({
                eks.describe(gw, role), eks.list(gw), eks.create(gw, { principalArn = eks.fresh_role() }), eks.delete(gw, role),
                eks.list_associated(gw, role), eks.associate(gw, role, eks.scope("AmazonEKSViewPolicy")),
                eks.describe_cluster(gw, "my-cluster"), eks.list_updates(gw, "my-cluster"),
                (eks.update_cluster_config(gw, "my-cluster", { accessConfig = { authenticationMode = "API" } })),
            }) do
                expect.error(reply, 404, "ResourceNotFoundException", "No cluster found for name: my-cluster.")
            end
            expect.error(eks.tags(gw, made.accessEntryArn), 404, "NotFoundException")
            assert.equal(1, #upstream.records(gw, 1, function(one)
                return one.eventName == "DeleteCluster" and upstream.said(one).source == "upstream"
            end))
            gw:stop()
        end)

        it("still refuses what is wrong in itself first", function()
            local gw = start()
            expect.error(eks.create(gw, { principalArn = "nonsense" }), 400, expect.invalid)
            gw:stop()
        end)

        it("is asked for each time: that there is none is never remembered", function()
            local gw = start({ overlay = { cluster_ttl = 60 } })
            expect.error(eks.list(gw), 404, "ResourceNotFoundException")
            stub:make("my-cluster")
            assert.same({}, entries(gw))
            gw:stop()
        end)
    end)

    it("remembers that a cluster is there for as long as the setting says", function()
        local gw = start({ overlay = { cluster_ttl = 60 } })
        stub:make("my-cluster")
        entries(gw)
        entries(gw)
        stub:clear()
        for _ = 1, 10 do
            entries(gw)
        end
        assert.same({}, stub:requests("."))
        mode(gw) -- what is shown is asked for
        assert.equal(1, #stub:requests("^GET /clusters/my%-cluster "))
        gw:stop()
    end)

    describe("changing the mode", function()
        it("is answered here: one step at a time, with an update that can be described", function()
            local gw = start()
            create(gw, { authenticationMode = "CONFIG_MAP" })
            stub:clear()
            local function change(wanted)
                return eks.update_cluster_config(gw, "my-cluster", { accessConfig = { authenticationMode = wanted } })
            end
            expect.error(change("API"), 400, expect.invalid, "Unsupported authentication mode update from CONFIG_MAP to API")
            local update = expect.ok(change("API_AND_CONFIG_MAP")).update
            assert.equal("AccessConfigUpdate", update.type)
            assert.same(update, expect.ok(eks.describe_update(gw, "my-cluster", update.id)).update)
            assert.equal("API_AND_CONFIG_MAP", mode(gw))
            expect.ok(change("API"))
            assert.same({}, stub:requests("update%-config"))
            gw:stop()
        end)

        it("isn't mixed with other changes, which go up alone", function()
            local gw = start()
            create(gw, { authenticationMode = "API_AND_CONFIG_MAP" })
            local logging = { clusterLogging = { { types = { "api" }, enabled = true } } }
            expect.error(eks.update_cluster_config(gw, "my-cluster", {
                accessConfig = { authenticationMode = "API" }, logging = logging,
            }), 400, expect.invalid, "Only one type of update can be allowed.")
            assert.same({}, stub:requests("update%-config"))
            assert.equal(200, eks.update_cluster_config(gw, "my-cluster", { logging = logging }).status)
            assert.equal(1, #stub:requests("update%-config"))
            gw:stop()
        end)

        it("has its updates listed behind the upstream's, whose own go on", function()
            local gw = start()
            create(gw, { authenticationMode = "CONFIG_MAP" })
            local ours = {}
            for _, wanted in ipairs({ "API_AND_CONFIG_MAP", "API" }) do
                ours[#ours + 1] = expect.ok(eks.update_cluster_config(gw, "my-cluster", {
                    accessConfig = { authenticationMode = wanted },
                })).update.id
            end
            -- An upstream without the operation has none.
            assert.same(ours, expect.ok(eks.list_updates(gw, "my-cluster")).updateIds)
            stub:set({ updates = { ids = { "u1", "u2" }, token = cjson.null } })
            assert.same({ "u1", "u2", ours[1], ours[2] }, expect.ok(eks.list_updates(gw, "my-cluster")).updateIds)
            for max = 2, 3 do
                local items = eks.walk("updateIds", function(token)
                    return expect.ok(eks.list_updates(gw, "my-cluster", { maxResults = max, nextToken = token }))
                end)
                assert.same({ "u1", "u2", ours[1], ours[2] }, items)
            end
            stub:set({ updates = { ids = { "u1" }, token = "theirs" } })
            local page = expect.ok(eks.list_updates(gw, "my-cluster"))
            assert.same({ "u1" }, page.updateIds)
            assert.equal("theirs", page.nextToken)
            expect.ok(eks.list_updates(gw, "my-cluster", { nextToken = "theirs" }))
            assert.equal(1, #stub:requests("nextToken=theirs"))
            expect.error(eks.describe_update(gw, "my-cluster", "11111111-2222-4333-8444-555555555555"), 404,
                "ResourceNotFoundException")
            gw:stop()
        end)
    end)

    it("keeps accounts apart as the upstream does, and signs with the caller's own key", function()
        local gw = start(nil, { keys = { gateway.key, other_key } })
        stub:set({ accounts = { [other_key.id] = "444455556666" } })
        create(gw, { authenticationMode = "API" })
        create(gw, { authenticationMode = "CONFIG_MAP" }, nil, { key = other_key })
        assert.equal("API", mode(gw))
        local theirs = expect.ok(eks.describe_cluster(gw, "my-cluster", { key = other_key })).cluster
        assert.equal("CONFIG_MAP", theirs.accessConfig.authenticationMode)
        assert.equal(eks.cluster_arn("my-cluster", nil, "444455556666"), theirs.arn)
        expect.ok(eks.update_cluster_config(gw, "my-cluster", { accessConfig = {
            authenticationMode = "API_AND_CONFIG_MAP",
        } }, { key = other_key }))
        local made = eks.made(gw)
        assert.same({}, entries(gw, { key = other_key }))
        expect.error(eks.tags(gw, made.accessEntryArn, { key = other_key }), 404, "NotFoundException")
        stub:forget("my-cluster", other_key)
        expect.error(eks.list(gw, nil, { key = other_key }), 404, "ResourceNotFoundException")
        eks.described(gw, made.principalArn)
        gw:stop()
    end)

    it("sends tag calls up but for access entries' ARNs", function()
        local gw = start()
        create(gw, { authenticationMode = "API" })
        local arn = eks.cluster_arn("my-cluster", nil, cluster_stub.account)
        expect.ok(eks.tag(gw, arn, { tags = { a = "1", b = "2" } }))
        expect.ok(eks.untag(gw, arn, { tagKeys = { "b" } }))
        assert.same({ a = "1" }, expect.ok(eks.tags(gw, arn)).tags)
        assert.equal(3, #stub:requests("^%a+ /tags/"))
        assert.equal(404, eks.tags(gw, arn:gsub("cluster/", "nodegroup/") .. "/ng/1").status)
        assert.equal(4, #stub:requests("^%a+ /tags/"))
        gw:stop()
    end)

    describe("where the upstream doesn't tell", function()
        it("answers 503 to everything that needs a cluster, and nothing happens", function()
            local gw = start()
            create(gw, { authenticationMode = "API" })
            local made = eks.made(gw)
            stub:stop()
            for _, reply in ipairs({
                eks.describe(gw, made.principalArn), eks.delete(gw, made.principalArn),
                eks.tag(gw, made.accessEntryArn, { tags = { a = "b" } }), eks.describe_cluster(gw, "my-cluster"),
                (eks.update_cluster_config(gw, "my-cluster", { accessConfig = { authenticationMode = "API" } })),
            }) do
                expect.error(reply, 503, "ServiceUnavailableException")
            end
            assert.is_true(#expect.ok(eks.list_policies(gw)).accessPolicies > 0)
            gw:stop()
        end)

        it("takes no other 404 for the cluster's, and no nonsense for a cluster", function()
            local gw = start()
            create(gw, { authenticationMode = "API" })
            local role = eks.made(gw).principalArn
            local arn = eks.cluster_arn("my-cluster", nil, cluster_stub.account)
            for _, fail in ipairs({
                { status = 404, body = "<html>not found</html>" }, { status = 500 }, { status = 200, body = "{" },
                { status = 200, body = { cluster = {} } },
                { status = 200, body = { cluster = { arn = arn:gsub("my%-", "your-"), createdAt = 1 } } },
                { status = 200, body = { cluster = { arn = arn } } },
                { status = 200, body = { cluster = { arn = arn, createdAt = "yesterday" } } },
                { status = 200, body = { cluster = { arn = arn:gsub("%d+", "1"), createdAt = 1 } } },
                { status = 302 },
            }) do
                stub:set({ fail_describe = fail })
                expect.error(eks.delete(gw, role), 503, "ServiceUnavailableException")
            end
            stub:set({ fail_describe = cjson.null })
            eks.described(gw, role)
            gw:stop()
        end)

        it("gives the upstream's refusal to show the cluster", function()
            local gw = start()
            stub:set({ fail_describe = { status = 403, type = "AccessDeniedException", body = { message = "not you" } } })
            local reply = eks.list(gw)
            assert.equal(403, reply.status)
            assert.equal("AccessDeniedException", reply.header["x-amzn-errortype"])
            assert.equal("not you", cjson.decode(reply.body).message)
            gw:stop()
        end)
    end)

    it("tells policies what the upstream shows of the cluster, and what the store has of the entry", function()
        local gw = start(nil, { policies = { policy("keep", [[
            needs = { "entry", "associations", "cluster" },
            authorize = function(req)
                if req.operation == "DeleteAccessEntry" and req.entry and req.entry.tags.keep then
                    return verdict.deny(req.account .. " " .. #req.associations)
                end
            end]]) } })
        create(gw, { authenticationMode = "API" })
        local role = eks.made(gw, { tags = { keep = "yes" } }).principalArn
        eks.associated(gw, role, "AmazonEKSViewPolicy")
        local said = expect.error(eks.delete(gw, role), 403, "AccessDeniedException")
        assert.truthy(said.message:find("keep: " .. cluster_stub.account .. " 1,", 1, true), said.message)
        expect.error(eks.delete(gw, eks.fresh_role()), 404, "ResourceNotFoundException")
        assert.equal(200, gw:send("GET", "/clusters/my-cluster/node-groups").status)
        gw:stop()
    end)

    it("lets policies deny and tag what goes up", function()
        local gw = start(nil, { policies = { policy("tags", [[
            authorize = function(req)
                if req.operation == "DeleteCluster" then return verdict.deny("never") end
            end,
            tags = function(req) if req.operation == "CreateCluster" then return { cost = "4711" } end end]]) } })
        assert.same({ cost = "4711" }, create(gw, nil).tags)
        expect.error(eks.delete_cluster(gw, "my-cluster"), 403, "AccessDeniedException")
        assert.same({}, stub:requests("^DELETE"))
        gw:stop()
    end)

    it("has the record of a forwarded change before it leaves, and one of its own for what the store follows with", function()
        local gw = start()
        create(gw, { authenticationMode = "API" })
        expect.ok(eks.delete_cluster(gw, "my-cluster"))
        local names = {}
        local records = upstream.records(gw, 6, function(record)
            return record.eventName ~= "AuditBegun"
        end)
        for _, record in ipairs(records) do
            local said = upstream.said(record)
            names[#names + 1] = said.settles and said.outcome or said.source == "upstream" and "followed"
                or said.forwarded and "forwarded" or record.eventName
        end
        assert.same({ "forwarded", "applied", "followed", "forwarded", "applied", "followed" }, names)
        gw:stop()
    end)

    it("settles many first requests at once on one row", function()
        local gw = start({ workers = 2 })
        stub:make("my-cluster")
        local sockets, roles = {}, {}
        for i = 1, 20 do
            roles[i] = eks.fresh_role()
            sockets[i] = gw:connect()
            assert(sockets[i]:send((gw:format(eks.requests.create({ principalArn = roles[i] })))))
        end
        for i = 1, 20 do
            local reply = sockets[i]:read()
            assert.equal(200, reply.status, reply.body)
        end
        assert.equal(20, #entries(gw))
        gw:stop()
    end)

    it("makes no cluster upstream that there is no room for here", function()
        local gw = start({ limits = { clusters = 1 } })
        create(gw, nil)
        expect.error(eks.create_cluster(gw, eks.cluster_input("another")), 400, "ResourceLimitExceededException")
        assert.equal(1, #stub:requests("^POST /clusters "))
        stub:make("third")
        expect.error(eks.list(gw, nil, { cluster = "third" }), 400, "ResourceLimitExceededException")
        expect.ok(eks.delete_cluster(gw, "my-cluster"))
        create(gw, nil, "another")
        gw:stop()
    end)

    it("is a mock's as well, which makes no clusters then", function()
        local gw = gateway.start_mock({ settings = {
            ["upstream.endpoint"] = stub.url, ["upstream.credentials"] = "caller", ["overlay.cluster_ttl"] = "0",
        } })
        local function list()
            return eks.list(gw)
        end
        expect.error(list(), 404, "ResourceNotFoundException")
        stub:make("my-cluster")
        eks.made(gw)
        assert.equal(1, #expect.ok(list()).accessEntries)
        assert.is_nil(gw:stderr():find("first mentioned", 1, true))
        gw:stop()
    end)

    it("has no clusters in its configuration", function()
        local gw = gateway.prepare({ settings = { upstream = { endpoint = stub.url } } })
        local code, out = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(out:find("clusters: are the upstream's", 1, true), out)
    end)
end)
