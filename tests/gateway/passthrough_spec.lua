-- SPDX-License-Identifier: Apache-2.0
-- Callers whose secrets nobody here knows: what they have signed goes on as it came, to a second gateway that verifies it
-- as AWS would. Policies see it, may stop it, and can't change it.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local socket = require("socket")
local text = require("support.text")
local upstream = require("support.upstream")

local said = upstream.said

local function policy(name, members)
    return ('local verdict = require("eksgate.verdict")\nreturn { name = %q, %s }, verdict\n'):format(name, members)
end

local function named(operation)
    return function(record)
        return record.eventName == operation
    end
end

local function is_settling(record)
    return said(record).settles ~= nil
end

describe("a gateway that lets signed requests pass", function()
    local pair

    after_each(function()
        gateway.stop_all()
    end)

    local function start(options)
        pair = upstream.passing_pair(options)
        return pair.front, pair.back
    end

    --- What reached the one behind, but for the listing that nobody sent.
    local function arrived(back, operation)
        return #upstream.records(back, 0, named(operation))
    end

    it("answers with what the upstream answers to its callers' own signatures, to all operations on entries", function()
        local front, back = start()
        local role = eks.fresh_role()
        local made = expect.ok(eks.create(front, { principalArn = role, tags = { a = "b" } })).accessEntry
        assert.same(made, eks.described(back, role))
        assert.same(made, expect.ok(eks.describe(front, role)).accessEntry)
        expect.ok(eks.update(front, role, { kubernetesGroups = { "g" } }))
        eks.associated(front, role, "AmazonEKSViewPolicy", { "team-*" })
        assert.equal(1, #expect.ok(eks.list_associated(front, role, { maxResults = 10 })).associatedAccessPolicies)
        expect.ok(eks.disassociate(front, role, eks.policy("AmazonEKSViewPolicy")))
        expect.ok(eks.tag(front, made.accessEntryArn, { tags = { c = "d" } }))
        expect.ok(eks.untag(front, made.accessEntryArn, { tagKeys = { "a", "x y" } }))
        assert.same({ c = "d" }, expect.ok(eks.tags(front, made.accessEntryArn)).tags)
        assert.same({ role }, expect.ok(eks.list(front)).accessEntries)
        expect.ok(eks.delete(front, role))
        expect.error(eks.describe(front, role), 404, "ResourceNotFoundException")
        expect.error(front:send("POST", "/clusters/my-cluster/addons", { addonName = "vpc-cni" }), 501,
            "NotImplementedException")
        pair:stop()
    end)

    it("lets the upstream refuse who isn't known there, whose signature is wrong, and whose token is", function()
        local front = start()
        local role = eks.fresh_role()
        expect.error(eks.describe(front, role, { key = { id = "AKIASOMEBODYELSE", secret = "x" } }), 403,
            "UnrecognizedClientException")
        expect.error(eks.create(front, { principalArn = role }, { key = { id = gateway.key.id, secret = "x" } }), 403,
            "InvalidSignatureException")
        local settled = upstream.records(front, 1, is_settling)[1]
        assert.equal("not applied", said(settled).outcome)
        assert.truthy(said(settled).reason:find("403 InvalidSignatureException", 1, true))
        assert.is_false(said(settled).verified)
        assert.is_nil(said(settled).verifiedBy)
        pair:stop()
    end)

    it("refuses by itself what could never verify, before it goes anywhere", function()
        local front, back = start()
        local role = eks.fresh_role()
        local now = os.time()
        local function refused(with, status, code)
            expect.error(eks.describe(front, role, with), status, code)
        end
        refused({ time = now - 900 }, 403, "InvalidSignatureException")
        refused({ time = now + 900 }, 403, "InvalidSignatureException")
        refused({ service = "s3" }, 403, "InvalidSignatureException")
        refused({ region = "eu-west-1" }, 403, "InvalidSignatureException")
        refused({ unsigned = { "host" } }, 403, "InvalidSignatureException")
        refused({ extra = { { "X-Amz-Copy", "other" } } }, 403, "InvalidSignatureException")
        refused({ algorithm = "AWS4-HMAC-SHA512" }, 403, "IncompleteSignatureException")
        refused({ authorization = function() return "Bearer abc" end }, 403, "IncompleteSignatureException")
        refused({ headers = { { "X-Amz-Content-Sha256", ("0"):rep(64) } } }, 403, "InvalidSignatureException")
        for _, id in ipairs({ "AKIAOTHER Credential=AKIAMINE", "AKIA\xff", 'AKIA"', ("A"):rep(129) }) do
            refused({ key = { id = id, secret = "x" } }, 403, "UnrecognizedClientException")
        end
        assert.equal(0, arrived(back, "DescribeAccessEntry"))
        assert.equal(0, arrived(back, "Unknown"))
        pair:stop()
    end)

    it("takes nothing for another host than the endpoint's in the region that is signed for", function()
        local front, back = start({ front = { settings = { region = { gateway.region, "eu-west-1" } } } })
        local port = back.address:match("(%d+)$")
        for _, host in ipairs({
            back.address:gsub("http://", ""), "eks.us-west-2.example", "eks.eu-west-1.example:" .. port,
            "sts.us-west-2.example:" .. port, "eks.us-west-2.example.evil:" .. port,
        }) do
            expect.error(eks.describe(front, eks.fresh_role(), { host = host }), 403, "AccessDeniedException")
        end
        assert.equal(501, front:caller().status)
        assert.equal(0, arrived(back, "DescribeAccessEntry"))
        expect.error(eks.describe(front, eks.fresh_role(), { host = upstream.host(back.address):upper() }), 404,
            "ResourceNotFoundException")
        pair:stop()
    end)

    it("refuses requests whose signature covers what stays on this connection", function()
        local front, back = start()
        local role = eks.fresh_role()
        for _, header in ipairs({
            { "TE", "trailers" }, { "Proxy-Authorization", "Basic eDp5" }, { "Upgrade", "h2c" }, { "Keep-Alive", "9" },
            { "Expect", "100-continue" },
        }) do
            local signed = { header[1]:lower(), "host", "x-amz-date" }
            table.sort(signed)
            expect.error(eks.describe(front, role, { headers = { header }, signed = signed }), 400, "BadRequestException")
        end
        expect.error(eks.describe(front, role, { headers = { { "Mine", "1" } }, extra = { { "Connection", "mine" } } }),
            400, "BadRequestException")
        assert.equal(0, arrived(back, "DescribeAccessEntry"))
        expect.error(eks.describe(front, role, {
            extra = { { "Connection", "x-amz-date, host, authorization, other" }, { "Other", "1" }, { "TE", "trailers" } },
        }), 404, "ResourceNotFoundException")
        pair:stop()
    end)

    it("sends the very bytes that came, but for what is the connection's, and gives the reply back as it is", function()
        local server = assert(socket.bind("127.0.0.1", 0))
        server:settimeout(10)
        local _, port = server:getsockname()
        local endpoint = "127.0.0.1:" .. port
        local front = gateway.start(upstream.passing(endpoint))
        local body = '{ "principalArn" :"' .. eks.fresh_role() .. '" }'
        local bytes = front:format({
            method = "POST", target = "/clusters/my%2Dcluster/access-entries", body = body,
            host = upstream.host(endpoint), headers = { { "x-MIXED", "a  b" }, { "Cookie", "c=d" } },
            extra = { { "User-Agent", "tester/1" } },
        })
        local spaced = bytes:gsub("Cookie: ", "Cookie: \t  "):gsub("c=d\r\n", "c=d \t\r\n")
        local sent = spaced:gsub("\r\nUser%-Agent", "\r\nConnection: keep-alive, mine\r\nMine: 1\r\nUser-Agent")
        local client = front:connect()
        assert(client:send(sent))
        local peer = server:accept() or error(client:read().body)
        peer:settimeout(10)
        local got = assert(peer:receive(#spaced + #"Connection: keep-alive\r\n"))
        local head, rest = spaced:match("^(.-\r\n)\r\n(.*)$")
        assert.equal(head .. "Connection: keep-alive\r\n\r\n" .. rest, got)
        assert(peer:send("HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Type: application/x-own\r\n"
            .. "Keep-Alive: timeout=5\r\nx-amzn-RequestId: theirs\r\nX-Own: 1\r\nx-other:  2\r\nConnection: x-gone\r\nX-Gone: 1\r\n"
            .. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
        local reply = client:read()
        assert.equal("abcde", reply.body)
        assert.same({
            { "Date", "Mon, 01 Jan 2001 00:00:00 GMT" }, { "Content-Type", "application/x-own" },
            { "x-amzn-RequestId", "theirs" }, { "X-Own", "1" }, { "x-other", "2" }, { "Content-Length", "5" },
        }, { table.unpack(reply.fields, 1, 6) })
        assert.equal(8, #reply.fields)
        assert.truthy(reply.header["x-eksgate-requestid"])
        peer:close()
        server:close()
        front:stop()
    end)

    it("sends a body that came in chunks with its length", function()
        local front, back = start()
        local role = eks.fresh_role()
        local body = '{"principalArn":"' .. role .. '"}'
        local bytes = front:format({
            method = "POST", target = gateway.entries_target(), body = body, bare = true,
            headers = { { "Content-Type", "application/json" } },
        })
        local head = bytes:match("^(.-\r\n)\r\n"):gsub("Content%-Length: %d+\r\n", "")
        local client = front:connect()
        assert(client:send(head .. "Transfer-Encoding: chunked\r\n\r\n"
            .. ("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n"):format(10, body:sub(1, 10), #body - 10, body:sub(11))))
        assert.equal(200, client:read().status)
        assert.equal(role, eks.described(back, role).principalArn)
        pair:stop()
    end)

    it("refuses what it can't read before it goes on", function()
        local front, back = start()
        expect.error(front:send("POST", "/clusters/my-cluster/addons", '{"addonName":"a","addonName":"b"}'), 400,
            "InvalidParameterException")
        expect.error(eks.create(front, "{"), 400, "InvalidParameterException")
        expect.error(eks.describe(front, eks.fresh_role(), { extra = { { "X-HTTP-Method-Override", "DELETE" } } }), 400,
            "BadRequestException")
        expect.error(front:send("GET", "/clusters/my-cluster/addons/a%2F..%2F..%2Fb"), 400, "InvalidParameterException")
        expect.error(front:send("GET", "/clusters/my-cluster/access-entries?nextToken=a+b"), 400, "BadRequestException")
        expect.error(front:request({
            method = "POST", target = gateway.entries_target(), body = "{}", bare = true,
            headers = { { "Content-Type", "application/cbor" } },
        }), 400, "BadRequestException")
        assert.equal(0, arrived(back, "CreateAddon"))
        assert.equal(0, arrived(back, "CreateAccessEntry"))
        pair:stop()
    end)

    it("lets policies deny and throttle, who are told that nobody is verified", function()
        local front, back = start({ front = { policies = { policy("see", [[
            authorize = function(req)
                local caller = req.caller
                if caller.verified or caller.arn or caller.account or caller.name or req.account then
                    return verdict.deny("somebody is known")
                end
                if req.input.nodegroupName then return verdict.deny("no nodes for " .. caller.access_key) end
                if req.operation == "ListClusters" then return verdict.throttle(7, "slow down") end
            end]]) } } })
        expect.ok(eks.create(front, { principalArn = eks.fresh_role() }))
        local reply = expect.error(front:send("POST", "/clusters/my-cluster/node-groups", { nodegroupName = "n" }), 403,
            "AccessDeniedException")
        assert.truthy(reply.message:find("no nodes for " .. gateway.key.id, 1, true))
        assert.equal(1, (reply.message:find("The user of " .. gateway.key.id .. " is not authorized to perform: eks:CreateNodegroup (",
            1, true)))
        local slow = front:send("GET", "/clusters")
        assert.equal(429, slow.status)
        assert.equal("7", slow.header["retry-after"])
        assert.equal(0, arrived(back, "CreateNodegroup"))
        assert.equal(0, arrived(back, "ListClusters"))
        local denied = upstream.records(front, 1, named("CreateNodegroup"))[1]
        assert.is_false(said(denied).verified)
        assert.equal("Unknown", denied.userIdentity.type)
        assert.equal(gateway.key.id, denied.userIdentity.accessKeyId)
        assert.equal("deny", said(denied).verdicts[1].verdict)
        pair:stop()
    end)

    it("forwards nothing that no policy allows where the default is to deny", function()
        local front, back = start({ front = {
            settings = { default_verdict = "deny" },
            policies = { policy("reads", [[
                on = { "DescribeAccessEntry" }, authorize = function() return verdict.allow() end]]) },
        } })
        expect.error(eks.create(front, { principalArn = eks.fresh_role() }), 403, "AccessDeniedException")
        expect.error(eks.describe(front, eks.fresh_role()), 404, "ResourceNotFoundException")
        assert.equal(0, arrived(back, "CreateAccessEntry"))
        pair:stop()
    end)

    it("records a change as nobody's before it goes on, and what the upstream knew of its caller behind it", function()
        local front = start({ front = { settings = { audit = { file = "audit.jsonl", durable = true, record = "all" } } } })
        local role = eks.fresh_role()
        expect.ok(eks.create(front, { principalArn = role }))
        expect.error(eks.create(front, { principalArn = role }), 409, "ResourceInUseException")
        local forwarded = upstream.records(front, 2, named("CreateAccessEntry"))
        local settled = upstream.records(front, 2, is_settling)
        assert.is_false(said(forwarded[1]).verified)
        assert.is_true(said(forwarded[1]).forwarded)
        assert.equal("applied", said(settled[1]).outcome)
        assert.equal("not applied", said(settled[2]).outcome)
        for i = 1, 2 do
            assert.is_true(said(settled[i]).verified)
            assert.equal("upstream", said(settled[i]).verifiedBy)
        end
        expect.ok(eks.describe(front, role))
        expect.error(eks.describe(front, role, { key = { id = gateway.key.id, secret = "x" } }), 403,
            "InvalidSignatureException")
        local reads = upstream.records(front, 2, named("DescribeAccessEntry"))
        assert.is_true(said(reads[1]).verified)
        assert.equal("upstream", said(reads[1]).verifiedBy)
        assert.is_false(said(reads[2]).verified)
        assert.is_nil(said(reads[2]).verifiedBy)
        front:end_process()
        local code, out = gateway.run({ "audit", "verify", front.audit_file })
        assert.equal(0, code, out)
        front:forget()
        pair.back:stop()
    end)

    it("keeps what strangers are refused from filling the disk", function()
        local front = start({ front = { settings = { audit = { file = "audit.jsonl", strangers_per_second = 1 } } } })
        for _ = 1, 20 do
            expect.error(eks.describe(front, eks.fresh_role(), { key = { id = "AKIASTRANGER", secret = "x" } }), 403,
                "UnrecognizedClientException")
        end
        front:end_process()
        local count = 0
        for _ in (text.read_file(front.audit_file) or ""):gmatch('"eventName":"DescribeAccessEntry"') do
            count = count + 1
        end
        assert.is_true(count < 20, count)
        front:forget()
        pair.back:stop()
    end)

    it("answers 503 to what could not be sent, and records that nothing was changed", function()
        local front, back = start()
        back:stop()
        expect.error(eks.describe(front, eks.fresh_role()), 503, "ServiceUnavailableException")
        expect.error(eks.create(front, { principalArn = eks.fresh_role() }), 503, "ServiceUnavailableException")
        local settled = upstream.records(front, 1, is_settling)
        assert.equal("not applied", said(settled[1]).outcome)
        front:stop()
    end)

    describe("is refused", function()
        local function refused(options, words)
            local gw = gateway.prepare(upstream.passing("127.0.0.1:1", options))
            local code, _, err = gateway.run({ "check", "-c", gw.config })
            assert.equal(1, code)
            assert.truthy(err:find(words, 1, true), err)
        end

        it("with policies that change requests or want to know what can't be asked", function()
            refused({ policies = { policy("p", "username = function() end") } }, "has a username hook")
            refused({ policies = { policy("p", "tags = function() end") } }, "has a tags hook")
            refused({ policies = { policy("p", "conflict = function() end") } }, "has a conflict hook")
            refused({ policies = { policy("p", 'needs = { "entry" }') } }, "has needs")
        end)

        it("with settings that have no meaning for it", function()
            refused({ settings = { access_entries = "store" } }, "auth: is upstream, and the upstream doesn't answer")
            refused({ settings = { caller = gateway.key.arn } }, "caller: is for auth")
            refused({ settings = { upstream = { endpoint = "https://a.{account}.example" } } }, "holds {account}")
            refused({ settings = { upstream = { endpoint = "https://a", credentials = "default" } } },
                "upstream.credentials: has no use")
            refused({ settings = { upstream = { endpoint = "https://a", assume_role = "arn:aws:iam::012345678910:role/r" } } },
                "upstream.assume_role: has no use")
            refused({ settings = { upstream = { endpoint = "https://a", connect = "a b" } } }, "upstream.connect: is a b")
        end)
    end)
end)
