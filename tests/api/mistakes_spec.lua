-- SPDX-License-Identifier: Apache-2.0
-- What stand-ins for EKS usually get wrong, by the numbers of the list in core/eks/README.md, seen from a client.
-- tests/unit/eks/test_mistakes.c holds the operations themselves to some of them.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local requests = eks.requests
local node_types = { "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "EC2", "HYPERPOD_LINUX" }
local view = eks.policy("AmazonEKSViewPolicy")

describe("a usual mistake of stand-ins", function()
    local gw

    setup(function()
        gw = gateway.start({ settings = { audit = { record = "all" }, clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["empty"] = { accessConfig = { authenticationMode = "API" } },
            ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
    end)

    teardown(function()
        gw:stop()
    end)

    it("mistake 1: accessEntry/ in the ARN", function()
        local arn = eks.made(gw).accessEntryArn
        assert.truthy(arn:find(":access-entry/my-cluster/role/", 1, true), arn)
        assert.is_nil(arn:find("accessEntry/", 1, true))
    end)

    it("mistake 2: update merged", function()
        local principal = eks.made(gw, { username = "u", kubernetesGroups = { "g" } }).principalArn
        local later = expect.ok(eks.update(gw, principal, { kubernetesGroups = { "h" } })).accessEntry
        assert.truthy(later.username:find("assumed-role/", 1, true), later.username)
        later = expect.ok(eks.update(gw, principal, { username = "v" })).accessEntry
        assert.same({}, later.kubernetesGroups)
    end)

    it("mistake 3: Auto Mode's username given as {{EC2PrivateDNSName}}", function()
        assert.equal("system:node:{{SessionName}}", eks.made(gw, { type = "EC2" }).username)
        assert.equal("system:node:{{EC2PrivateDNSName}}", eks.made(gw, { type = "EC2_LINUX" }).username)
    end)

    it("mistake 4: node types without system:nodes", function()
        for _, type_name in ipairs(node_types) do
            assert.same({ "system:nodes" }, eks.made(gw, { type = type_name }).kubernetesGroups)
        end
    end)

    it("mistake 5: the conflict's text decorated", function()
        local principal = eks.made(gw).principalArn
        local reply = eks.create(gw, { principalArn = principal })
        assert.equal('{"clusterName":"my-cluster","nodegroupName":null,"addonName":null,"message":"The specified access '
            .. 'entry resource is already in use on this cluster."}', reply.body)
    end)

    it("mistake 6: an unknown policy answered 400", function()
        local principal = eks.made(gw).principalArn
        expect.error(eks.associate(gw, principal, eks.scope("NoSuchPolicy")), 404, "ResourceNotFoundException",
            eks.messages.no_policy)
        expect.error(eks.associate(gw, principal, { policyArn = "arn:aws:iam::aws:policy/NoSuchPolicy",
            accessScope = { type = "cluster" } }), 400, expect.invalid, eks.messages.bad_policy)
    end)

    it("mistake 7: nextToken omitted", function()
        local principal = eks.made(gw).principalArn
        assert.truthy(eks.list(gw, nil, { cluster = "empty" }).body:find('"nextToken":null', 1, true))
        assert.truthy(eks.list_policies(gw).body:find('"nextToken":null', 1, true))
        assert.truthy(eks.list_associated(gw, principal).body:find('"nextToken":null', 1, true))
    end)

    it("mistake 8: namespaces missing for the scope of a cluster", function()
        local principal = eks.made(gw).principalArn
        local body = '{"policyArn":"' .. view .. '","accessScope":{"type":"cluster"}}'
        local scope = '"accessScope":{"type":"cluster","namespaces":[]}'
        assert.truthy(eks.associate(gw, principal, body).body:find(scope, 1, true))
        assert.truthy(eks.list_associated(gw, principal).body:find(scope, 1, true))
    end)

    it("mistake 9: tag errors as ResourceNotFoundException and InvalidParameterException", function()
        for _, send in ipairs({
            function(arn)
                return eks.tag(gw, arn, { tags = { a = "1" } })
            end,
            function(arn)
                return eks.untag(gw, arn, { tagKeys = "a" })
            end,
            function(arn)
                return eks.tags(gw, arn)
            end,
        }) do
            expect.error(send(eks.cluster_arn("absent")), 404, "NotFoundException")
            expect.error(send("x"), 400, "BadRequestException")
        end
    end)

    it("mistake 10: No cluster found before prefix, service-linked and node errors", function()
        local absent = { cluster = "absent" }
        for _, input in ipairs({
            { principalArn = eks.role("r"), username = "system:x" },
            { principalArn = eks.role("r"), kubernetesGroups = { "system:masters" } },
            { principalArn = eks.role("aws-service-role/x.amazonaws.com/R") },
            { principalArn = eks.user("u"), type = "EC2_LINUX" },
            { principalArn = eks.role("r", "999988887777"), type = "EC2_LINUX" },
        }) do
            expect.error(eks.create(gw, input, absent), 400, expect.invalid)
        end
        expect.error(eks.create(gw, { principalArn = eks.role("r"), type = "EC2_LINUX", username = "u" }, absent), 404,
            "ResourceNotFoundException", eks.messages.no_cluster("absent"))
    end)

    it("mistake 11: only system: reserved", function()
        local principal = eks.made(gw).principalArn
        for _, prefix in ipairs({ "system:", "eks:", "aws:", "amazon:", "iam:" }) do
            expect.error(eks.update(gw, principal, { username = prefix .. "x" }), 400, expect.invalid,
                "The username must not begin with " .. prefix)
            expect.error(eks.update(gw, principal, { kubernetesGroups = { prefix .. "x" } }), 400, expect.invalid,
                "The kubernetes group name " .. prefix .. "x is invalid, it cannot start with " .. prefix)
        end
    end)

    it("mistake 12: the error's code in the body alone", function()
        for _, reply in ipairs({
            eks.describe(gw, eks.role("nobody")), eks.describe(gw, "x"), eks.tags(gw, "x"),
            eks.create(gw, "{"), (eks.list(gw, nil, { cluster = "old" })),
        }) do
            assert.truthy(reply.header["x-amzn-errortype"]:find("^%a+Exception$"))
            assert.is_nil(reply.json.__type)
            assert.is_nil(reply.json.code)
            assert.equal("string", type(reply.json.message))
        end
    end)

    it("mistake 13: ISO times", function()
        local principal = eks.made(gw).principalArn
        for _, body in ipairs({
            eks.describe(gw, principal).body, eks.associate(gw, principal, eks.scope("AmazonEKSViewPolicy")).body,
            (eks.list_associated(gw, principal).body),
        }) do
            local count = 0
            for _, value in body:gmatch('"(%a+At)":([^,}]*)') do
                assert.truthy(value:find("^%d%d%d%d%d%d%d%d%d%d%.%d%d%d$"), value)
                count = count + 1
            end
            assert.equal(2, count)
        end
    end)

    it("mistake 14: the path split on decoded slashes", function()
        local principal = eks.role("team/dev/my-role")
        eks.made(gw, { principalArn = principal })
        eks.associated(gw, principal, "AmazonEKSViewPolicy")
        assert.equal(principal, eks.described(gw, principal).principalArn)
        assert.equal(1, #expect.ok(eks.list_associated(gw, principal)).associatedAccessPolicies)
        expect.ok(eks.disassociate(gw, principal, view))
        expect.ok(eks.tags(gw, eks.described(gw, principal).accessEntryArn))
        -- Unescaped slashes make another path.
        expect.error(gw:request({ method = "GET", target = gateway.entries_target() .. "/" .. principal }), 403,
            "MissingAuthenticationTokenException")
    end)

    it("mistake 15: the path not encoded twice for the signature, or a fixed set of signed headers", function()
        local principal = eks.made(gw).principalArn
        local target = gateway.entry_target(principal)
        local once = gw:request({ method = "GET", target = target, canonical_path = target })
        expect.error(once, 403, "InvalidSignatureException")
        for _, with in ipairs({
            { signed = { "host", "x-amz-date" } },
            { headers = { { "amz-sdk-invocation-id", text.uuid() }, { "amz-sdk-request", "attempt=1; max=25" } } },
            { headers = { { "x-amz-content-sha256", require("support.sigv4").empty_hash } } },
        }) do
            expect.ok(eks.describe(gw, principal, with))
        end
        local body = '{"username":"u"}'
        expect.ok(eks.update(gw, principal, body, {
            headers = { { "Content-Length", tostring(#body) } },
            signed = { "content-length", "content-type", "host", "x-amz-date" },
        }))
    end)

    it("mistake 16: one of %3A and : refused", function()
        local principal = eks.role("colons")
        eks.made(gw, { principalArn = principal })
        for _, colon in ipairs({ ":", "%3A", "%3a" }) do
            local label = principal:gsub("[:/]", { [":"] = colon, ["/"] = "%2F" })
            expect.ok(gw:request({ method = "GET", target = gateway.entries_target() .. "/" .. label }))
            local tagged = eks.cluster_arn():gsub("[:/]", { [":"] = colon, ["/"] = "%2F" })
            expect.ok(gw:request({ method = "GET", target = "/tags/" .. tagged }))
        end
    end)

    it("mistake 17: ids that are UUIDv4, or the same after a new creation", function()
        local versions, seen = {}, {}
        for _ = 1, 100 do
            local entry = eks.made(gw, { principalArn = eks.role("again") })
            local id = entry.accessEntryArn:match("/([^/]+)$")
            expect.template("<uuid>", id)
            assert.truthy(id:find("^%x[02468ace]"), id)
            assert.is_nil(seen[id])
            seen[id] = true
            versions[id:sub(15, 15)] = true
            expect.ok(eks.delete(gw, entry.principalArn))
        end
        local count = 0
        for _ in pairs(versions) do
            count = count + 1
        end
        assert.is_true(count > 3, "only " .. count .. " versions")
    end)

    it("mistake 18: the path kept in the username, or dropped from the ARN", function()
        local entry = eks.made(gw, { principalArn = eks.role("team/dev/kept") })
        assert.equal(eks.role("team/dev/kept"), entry.principalArn)
        assert.equal("arn:aws:sts::012345678910:assumed-role/kept/{{SessionName}}", entry.username)
    end)

    it("mistake 19: root refused, assumed roles accepted", function()
        eks.made(gw, { principalArn = "arn:aws:iam::999988887777:root" })
        expect.error(eks.create(gw, { principalArn = "arn:aws:sts::012345678910:assumed-role/r/s" }), 400,
            expect.invalid, expect.bad_arn)
    end)

    it("mistake 20: principals that don't exist taken, where somebody says who does", function()
        local sso = "AWSReservedSSO_admin_0123456789abcdef"
        local whole = eks.role("aws-reserved/sso.amazonaws.com/" .. sso)
        text.write_file(gw.folder .. "/principals", '["' .. whole .. '"]')
        local own = gateway.start({ settings = { principals = gw.folder .. "/principals" } })
        expect.error(eks.create(own, { principalArn = eks.role(sso) }), 400, expect.invalid,
            "The specified principalArn is invalid: invalid principal.")
        eks.made(own, { principalArn = whole })
        own:stop()
    end)

    it("mistake 21: lists unsorted, or of entry ARNs", function()
        for _, name in ipairs({ "role/z", "role/a", "user/a", "role/aws-x/y", "root" }) do
            eks.made(gw, { principalArn = "arn:aws:iam::111122223333:" .. name })
        end
        local list = expect.ok(eks.list(gw)).accessEntries
        local sorted = { table.unpack(list) }
        table.sort(sorted)
        assert.same(sorted, list)
        for _, arn in ipairs(list) do
            assert.truthy(arn:find("^arn:aws:iam::%d+:"), arn)
        end
    end)

    it("mistake 21: the creator's entry missing on a fresh cluster", function()
        expect.ok(eks.create_cluster(gw, eks.cluster_input("fresh", { accessConfig = { authenticationMode = "API" } })))
        assert.same({ gateway.key.arn }, expect.ok(eks.list(gw, nil, { cluster = "fresh" })).accessEntries)
    end)

    it("mistake 22: CONFIG_MAP clusters answered by some operations, or with another exception", function()
        local with = { cluster = "old" }
        local principal = eks.role("r")
        for _, request in ipairs({
            requests.create({ principalArn = principal }, with), requests.describe(principal, with),
            requests.list(nil, with), requests.update(principal, "{}", with), requests.delete(principal, with),
            requests.associate(principal, eks.scope("AmazonEKSViewPolicy"), with),
            requests.disassociate(principal, view, with), requests.list_associated(principal, nil, with),
        }) do
            expect.error(gw:request(request), 400, "InvalidRequestException", eks.messages.mode)
        end
    end)

    it("mistake 23: bootstrapClusterCreatorAdminPermissions echoed by DescribeCluster", function()
        for name, bootstrap in pairs({ yes = true, no = false }) do
            local made = eks.create_cluster(gw, eks.cluster_input(name, { accessConfig = {
                authenticationMode = "API", bootstrapClusterCreatorAdminPermissions = bootstrap,
            } }))
            assert.same({ authenticationMode = "API" }, expect.ok(made).cluster.accessConfig)
            assert.equal(made.body, eks.describe_cluster(gw, name).body)
        end
    end)

    it("mistake 24: an SDK's retry answered 409", function()
        local input = { principalArn = eks.fresh_role(), clientRequestToken = text.uuid() }
        local first = eks.create(gw, input)
        expect.ok(first)
        assert.equal(first.body, eks.create(gw, input).body)
    end)

    it("mistake 25: HYPERPOD_LINUX missing, or bound to own roles", function()
        for _, principal in ipairs({ eks.fresh_role(), eks.user("hyper"), eks.role("hyper", "999988887777") }) do
            assert.equal("HYPERPOD_LINUX", eks.made(gw, { principalArn = principal, type = "HYPERPOD_LINUX" }).type)
        end
    end)

    it("mistake 26: policies refused on EC2 or taken on EC2_LINUX, or an empty list of namespaces refused", function()
        eks.associated(gw, eks.made(gw, { type = "EC2" }).principalArn, "AmazonEKSAutoNodePolicy")
        expect.error(eks.associate(gw, eks.made(gw, { type = "EC2_LINUX" }).principalArn,
            eks.scope("AmazonEKSAutoNodePolicy")), 400, expect.invalid, eks.messages.standard_only)
        expect.ok(eks.associate(gw, eks.made(gw).principalArn, '{"accessScope":{"namespaces":[],"type":"cluster"},'
            .. '"policyArn":"' .. view .. '"}'))
    end)

    it("mistake 27: a second association taken for a conflict", function()
        local principal = eks.made(gw).principalArn
        eks.associated(gw, principal, "AmazonEKSViewPolicy")
        assert.same({ type = "namespace", namespaces = { "a" } },
            eks.associated(gw, principal, "AmazonEKSViewPolicy", { "a" }).accessScope)
        assert.equal(1, #expect.ok(eks.list_associated(gw, principal)).associatedAccessPolicies)
    end)

    it("mistake 28: 204 or an empty body for deletes", function()
        local entry = eks.made(gw, { tags = { a = "1" } })
        eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy")
        for _, reply in ipairs({
            eks.disassociate(gw, entry.principalArn, view), eks.untag(gw, entry.accessEntryArn, { tagKeys = "a" }),
            (eks.delete(gw, entry.principalArn)),
        }) do
            assert.same({ 200, "{}", "2" }, { reply.status, reply.body, reply.header["content-length"] })
        end
    end)

    it("mistake 29: maxResults=101, 51 tags and an empty cluster segment untested", function()
        expect.error(eks.list(gw, { maxResults = 101 }), 400, expect.invalid, eks.messages.max_results)
        local tags = {}
        for i = 1, 51 do
            tags["k" .. i] = "v"
        end
        expect.error(eks.create(gw, { principalArn = eks.fresh_role(), tags = tags }), 400, expect.invalid)
        expect.error(eks.tag(gw, eks.cluster_arn(), { tags = tags }), 400, "BadRequestException")
        for _, request in ipairs({
            { method = "POST", target = "/clusters//access-entries", body = "{}" },
            { method = "GET", target = "/clusters//access-entries" },
            { method = "GET", target = "/clusters//access-entries/" .. text.escape(eks.role("r")) },
            { method = "GET", target = "/tags/" },
        }) do
            expect.error(gw:request(request), 403, "MissingAuthenticationTokenException")
        end
    end)

    it("mistake 30: throttling as 400", function()
        local own = gateway.start({ policies = {
            'local verdict = require("eksgate.verdict")\n'
                .. 'return { name = "p", authorize = function() return verdict.throttle(1, "slow") end }',
        } })
        expect.error(eks.list(own), 429, "TooManyRequestsException", { "^Too Many Requests" })
        own:stop()
    end)

    it("mistake 31: DELETE with a length of 0 or without any, or a connection that ends after it", function()
        local client = gw:connect()
        for _, headers in ipairs({ { { "Content-Length", "0" } }, {}, { { "Content-Length", "0" } } }) do
            local entry = eks.made(gw, { tags = { a = "1" } })
            eks.associated(gw, entry.principalArn, "AmazonEKSViewPolicy")
            for _, request in ipairs({
                requests.untag(entry.accessEntryArn, { tagKeys = "a" }, { extra = headers }),
                requests.disassociate(entry.principalArn, view, { extra = headers }),
                requests.delete(entry.principalArn, { extra = headers }),
            }) do
                client:send((gw:format(request)))
                assert.equal("{}", client:read().body)
            end
        end
        client:close()
    end)

    it("mistake 32: records that decode path parameters or rename the cluster's", function()
        local principal = eks.made(gw).principalArn
        local label = text.escape(principal)
        local associated = eks.associate(gw, principal, '{"policyArn":"' .. view .. '","accessScope":{"type":"cluster"}}')
        local function parameters(reply)
            return gw:audit_of(reply.header["x-amzn-requestid"]).requestParameters
        end
        assert.same({ name = "my-cluster", principalArn = label, policyArn = view, accessScope = { type = "cluster" } },
            parameters(associated))
        assert.same({ name = "my-cluster", principalArn = label, policyArn = text.escape(view) },
            parameters(eks.disassociate(gw, principal, view)))
        assert.same({ name = "my-cluster", maxResults = 2 }, parameters(eks.list(gw, { maxResults = 2 })))
        assert.same({ name = "my-cluster", principalArn = label, username = "u" },
            parameters(eks.update(gw, principal, { username = "u" })))
        local arn = eks.cluster_arn()
        assert.same({ resourceArn = text.escape(arn), tags = { a = "1" } },
            parameters(eks.tag(gw, arn, { tags = { a = "1" } })))
        assert.same({ resourceArn = text.escape(arn), tagKeys = { "a", "b" } },
            parameters(eks.untag(gw, arn, { tagKeys = { "a", "b" } })))
        assert.same({ name = "my-cluster", principalArn = label }, parameters(eks.delete(gw, principal)))
        assert.equal(cjson.null, gw:audit_of(eks.list(gw).header["x-amzn-requestid"]).responseElements)
    end)
end)
