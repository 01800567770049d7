-- SPDX-License-Identifier: Apache-2.0
-- A gateway in front of another: what is asked is verified, decided, completed, signed anew, forwarded and recorded.

local cjson = require("cjson")
local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local socket = require("socket")
local upstream = require("support.upstream")

local said = upstream.said

local function policy(name, members)
    return ('local verdict = require("eksgate.verdict")\nreturn { name = %q, %s }, verdict\n'):format(name, members)
end

describe("a gateway in front of another", function()
    local pair

    after_each(function()
        gateway.stop_all()
    end)

    local function start(options)
        pair = upstream.pair(options)
        return pair.front, pair.back
    end

    it("answers with what the upstream answers, to all operations on entries", function()
        local front, back = start()
        local role = eks.fresh_role()
        local made = expect.ok(eks.create(front, { principalArn = role, tags = { a = "b" } })).accessEntry
        assert.same(made, expect.ok(eks.describe(back, role)).accessEntry)
        assert.same(made, expect.ok(eks.describe(front, role)).accessEntry)
        expect.ok(eks.update(front, role, { kubernetesGroups = { "g" } }))
        assert.same({ "g" }, eks.described(back, role).kubernetesGroups)
        eks.associated(front, role, "AmazonEKSViewPolicy", { "team-*" })
        assert.equal(1, #expect.ok(eks.list_associated(front, role, { maxResults = 10 })).associatedAccessPolicies)
        expect.ok(eks.disassociate(front, role, eks.policy("AmazonEKSViewPolicy")))
        expect.ok(eks.tag(front, made.accessEntryArn, { tags = { c = "d" } }))
        expect.ok(eks.untag(front, made.accessEntryArn, { tagKeys = { "a", "x y" } }))
        assert.same({ c = "d" }, expect.ok(eks.tags(front, made.accessEntryArn)).tags)
        assert.same({ role }, expect.ok(eks.list(front)).accessEntries)
        assert.is_true(#expect.ok(eks.list_policies(front)).accessPolicies > 0)
        expect.ok(eks.delete(front, role))
        expect.error(eks.describe(back, role), 404, "ResourceNotFoundException")
        pair:stop()
    end)

    it("gives the upstream's refusals as they are, with its request's id", function()
        local front, back = start()
        local reply = eks.describe(front, eks.fresh_role())
        expect.error(reply, 404, "ResourceNotFoundException")
        local theirs = upstream.records(back, 1, function(record)
            return record.errorCode == "ResourceNotFoundException"
        end)[1]
        assert.equal(theirs.requestID, reply.header["x-amzn-requestid"])
        local mine = upstream.records(front, 1, function(record)
            return record.errorCode == "ResourceNotFoundException"
        end)[1]
        assert.equal(mine.requestID, reply.header["x-eksgate-requestid"])
        assert.equal(theirs.requestID, said(mine).upstreamRequestId)
        pair:stop()
    end)

    it("lets nobody reach the upstream whose signature doesn't hold here", function()
        local front, back = start()
        local other = { id = gateway.key.id, secret = "another", arn = gateway.key.arn }
        expect.error(eks.describe(front, eks.fresh_role(), { key = other }), 403, "InvalidSignatureException")
        expect.error(eks.create(front, { principalArn = eks.fresh_role() }, { key = other }), 403,
            "InvalidSignatureException")
        assert.equal(0, #upstream.records(back, 0, function(record)
            return record.eventName == "DescribeAccessEntry" or record.eventName == "CreateAccessEntry"
        end))
        pair:stop()
    end)

    it("signs what leaves for the upstream's own host, and takes nothing of the caller's headers along", function()
        local server = assert(socket.bind("127.0.0.1", 0))
        server:settimeout(10)
        local _, port = server:getsockname()
        local front = gateway.start(upstream.front("http://127.0.0.1:" .. port))
        local request = eks.requests.create({ principalArn = eks.fresh_role() })
        request.extra = {
            { "X-Forwarded-Host", "elsewhere" }, { "Forwarded", "for=1.2.3.4" }, { "Cookie", "a=b" },
            { "Connection", "x-amz-date" }, { "User-Agent", "tester/1" },
        }
        local client = front:connect()
        assert(client:send(front:format(request)))
        local peer = assert(server:accept())
        peer:settimeout(10)
        assert.equal("POST /clusters/my-cluster/access-entries HTTP/1.1", assert(peer:receive("*l")))
        local fields, names = {}, {}
        for line in function() return assert(peer:receive("*l")) end do
            if line == "" then
                break
            end
            local name, value = line:match("^([^:]+): (.*)$")
            names[#names + 1], fields[name] = name, value
        end
        table.sort(names)
        assert.same({
            "Authorization", "Connection", "Content-Length", "Content-Type", "Host", "User-Agent", "X-Amz-Date",
        }, names)
        assert.equal("127.0.0.1:" .. port, fields.Host)
        assert.truthy(fields["User-Agent"]:find("^tester/1 eksgate/"))
        assert.truthy(fields.Authorization:find("SignedHeaders=content-type;host;x-amz-date,", 1, true))
        assert(peer:send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"))
        assert.equal(200, client:read().status)
        peer:close()
        server:close()
        front:stop()
    end)

    it("forwards operations that it doesn't know by itself", function()
        local front, back = start()
        local reply = front:send("POST", "/clusters/my-cluster/addons", { addonName = "vpc-cni" })
        -- The one behind doesn't serve it, and says so: it arrived.
        expect.error(reply, 501, "NotImplementedException")
        local record = upstream.records(back, 1, function(one)
            return one.eventName == "CreateAddon"
        end)[1]
        assert.equal("NotImplementedException", record.errorCode)
        pair:stop()
    end)

    it("refuses bodies that two readers could read differently before they go anywhere", function()
        local front, back = start()
        local reply = front:send("POST", "/clusters/my-cluster/addons", '{"addonName":"a","addonName":"b"}')
        expect.error(reply, 400, "InvalidParameterException")
        reply = front:send("GET", "/clusters/my-cluster/addons/%2e%2e")
        assert.is_true(reply.status >= 400 and reply.status < 500)
        assert.equal(0, #upstream.records(back, 0, function(one)
            return one.eventName == "CreateAddon" or one.eventName == "DescribeAddon"
        end))
        pair:stop()
    end)

    it("lets policies deny, name and tag; what they chose arrives", function()
        local front, back = start({ front = { policies = {
            policy("team", [[
                authorize = function(req)
                    if req.input.nodegroupName == "bad" then return verdict.deny("no bad ones") end
                end,
                username = function(req) return "team:" .. req.principal.name end,
                tags = function() return { cost = "4711" } end]]),
        } } })
        local role = eks.role("app")
        local made = expect.ok(eks.create(front, { principalArn = role, tags = { a = "b" } })).accessEntry
        assert.equal("team:app", made.username)
        assert.same({ a = "b", cost = "4711" }, made.tags)
        assert.same(made, eks.described(back, role))
        expect.error(front:send("POST", "/clusters/my-cluster/node-groups", { nodegroupName = "bad" }), 403,
            "AccessDeniedException")
        assert.equal(0, #upstream.records(back, 0, function(one)
            return one.eventName == "CreateNodegroup"
        end))
        expect.ok(eks.update(front, role, { kubernetesGroups = { "g" } }))
        assert.equal("team:app", eks.described(back, role).username)
        pair:stop()
    end)

    it("refuses what a policy chose when EKS would refuse it, before anything is sent", function()
        local front, back = start({ front = { policies = {
            policy("wrong", 'username = function() return "system:admin" end'),
        } } })
        expect.error(eks.create(front, { principalArn = eks.fresh_role() }), 403, "AccessDeniedException")
        assert.equal(0, #upstream.records(back, 0, function(one)
            return one.eventName == "CreateAccessEntry"
        end))
        pair:stop()
    end)

    it("fetches what policies need to know from the upstream", function()
        local front = start({ front = { policies = {
            policy("keep", [[
                needs = { "entry", "associations", "cluster" },
                authorize = function(req)
                    if req.operation == "DeleteAccessEntry" and req.entry and req.entry.tags.keep then
                        return verdict.deny(req.cluster .. " keeps it: " .. #req.associations)
                    end
                end]]),
        } } })
        local role = eks.fresh_role()
        expect.error(eks.delete(front, role), 404, "ResourceNotFoundException")
        expect.ok(eks.create(front, { principalArn = role, tags = { keep = "yes" } }))
        eks.associated(front, role, "AmazonEKSViewPolicy")
        local reply = expect.error(eks.delete(front, role), 403, "AccessDeniedException")
        assert.truthy(reply.message:find("keeps it: 1", 1, true))
        pair:stop()
    end)

    it("has a change's record on the disk before it is forwarded, and says afterwards what became of it", function()
        local front = start({ front = { settings = { audit = { file = "audit.jsonl", durable = true } } } })
        local role = eks.fresh_role()
        expect.ok(eks.create(front, { principalArn = role }))
        expect.error(eks.create(front, { principalArn = role }), 409, "ResourceInUseException")
        local forwarded = upstream.records(front, 2, function(record)
            return said(record).forwarded
        end)
        local settled = upstream.records(front, 2, function(record)
            return said(record).settles ~= nil
        end)
        assert.equal("CreateAccessEntry", forwarded[1].eventName)
        assert.is_nil(said(forwarded[1]).status)
        assert.equal("applied", said(settled[1]).outcome)
        assert.equal("not applied", said(settled[2]).outcome)
        assert.truthy(said(settled[1]).reason:find("^upstream answered 200 request %x+%-"))
        assert.truthy(said(settled[2]).reason:find("^upstream answered 409 ResourceInUseException, request %x+%-"))
        front:end_process()
        local code, out = gateway.run({ "audit", "verify", front.audit_file })
        assert.equal(0, code, out)
        front:forget()
        pair.back:stop()
    end)

    it("answers 503 to what could not be sent, and records that nothing was changed", function()
        local front, back = start()
        back:stop()
        local role = eks.fresh_role()
        expect.error(eks.describe(front, role), 503, "ServiceUnavailableException")
        local body = expect.error(eks.create(front, { principalArn = role }), 503, "ServiceUnavailableException")
        assert.truthy(body.message:find("nothing was changed", 1, true))
        local settled = upstream.records(front, 1, function(record)
            return said(record).settles ~= nil
        end)
        assert.equal("not applied", said(settled[1]).outcome)
        front:stop()
    end)

    it("forwards nothing that it can't record, and reads meanwhile", function()
        local front, back = start({ front = {
            wrapper = { "sh", "-c", 'ulimit -f 16; exec "$@"', "sh" },
            settings = { audit = { file = "audit.jsonl", durable = true } },
        } })
        local made, refused = 0
        repeat
            local reply = eks.create(front, { principalArn = eks.role("limit-" .. made) })
            refused = reply.status ~= 200 and reply or nil
            made = made + (refused and 0 or 1)
        until refused or made == 40
        expect.error(refused, 503, "ServiceUnavailableException")
        assert.is_true(made > 0)
        assert.equal(made, #expect.ok(eks.list(back)).accessEntries)
        expect.ok(eks.describe(front, eks.role("limit-0")))
        pair:stop()
    end)

    it("counts what goes upstream and comes back", function()
        local front, back = start({ front = { settings = { admin = "127.0.0.1:0" } } })
        expect.error(eks.describe(front, eks.fresh_role()), 404, "ResourceNotFoundException")
        back:stop()
        expect.error(eks.describe(front, eks.fresh_role()), 503, "ServiceUnavailableException")
        local shown = http.get(front.admin, "/metrics").body
        for _, line in ipairs({
            "eksgate_upstream_requests_total 2", "eksgate_upstream_not_sent_total 1",
            "eksgate_forwards_answered_total 1", "eksgate_forwards_not_sent_total 1",
            "eksgate_upstream_connections_open 0",
        }) do
            assert.truthy(shown:find("\n" .. line .. "\n", 1, true), line .. " in " .. shown)
        end
        front:stop()
    end)

    it("answers STS by itself", function()
        local front = start()
        local reply = front:request({
            method = "POST", target = "/", body = "Action=GetCallerIdentity&Version=2011-06-15",
            headers = { { "Content-Type", "application/x-www-form-urlencoded" } }, bare = true, service = "sts",
        })
        assert.equal(200, reply.status, reply.body)
        assert.truthy(reply.body:find(gateway.key.arn, 1, true))
        pair:stop()
    end)

    it("keeps callers' replies apart on connections that they share", function()
        local front = start()
        local roles, sockets = {}, {}
        for i = 1, 20 do
            roles[i] = eks.fresh_role()
            expect.ok(eks.create(front, { principalArn = roles[i] }))
        end
        for i = 1, 20 do
            sockets[i] = front:connect()
            assert(sockets[i]:send(front:format(eks.requests.describe(roles[i]))))
        end
        for i = 20, 1, -1 do
            local reply = sockets[i]:read()
            assert.equal(roles[i], cjson.decode(reply.body).accessEntry.principalArn)
        end
        pair:stop()
    end)

    it("is refused where access entries are to be the upstream's and there is none", function()
        local gw = gateway.prepare({ settings = { access_entries = "upstream", clusters = gateway.none } })
        local code, out = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(out:find("upstream.endpoint is missing", 1, true), out)
    end)

    it("is refused as a store in front of AWS", function()
        local gw = gateway.prepare({
            settings = { upstream = { endpoint = "https://eks.{region}.amazonaws.com" }, clusters = gateway.none },
        })
        local code, out = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(out:find("accepted: upstream", 1, true), out)
    end)
end)
