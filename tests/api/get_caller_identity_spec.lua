-- SPDX-License-Identifier: Apache-2.0
-- STS's GetCallerIdentity, which SDKs and Terraform ask before anything else: a form in, XML out, also for refusals.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local sigv4 = require("support.sigv4")

local namespace = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'

--- The bytes of an answer, with the request's id open.
local function answer_of(arn, id, account)
    return "<GetCallerIdentityResponse " .. namespace .. ">\n  <GetCallerIdentityResult>\n"
        .. "    <Arn>" .. arn .. "</Arn>\n    <UserId>" .. id .. "</UserId>\n    <Account>" .. account .. "</Account>\n"
        .. "  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    <RequestId><uuid></RequestId>\n"
        .. "  </ResponseMetadata>\n</GetCallerIdentityResponse>\n"
end

local function error_of(kind, code, message)
    return "<ErrorResponse " .. namespace .. ">\n  <Error>\n    <Type>" .. kind .. "</Type>\n    <Code>" .. code
        .. "</Code>\n    <Message>" .. message .. "</Message>\n  </Error>\n  <RequestId><uuid></RequestId>\n"
        .. "</ErrorResponse>\n"
end

local function expect_answer(reply, arn, id, account)
    assert.equal(200, reply.status, reply.body)
    assert.equal("text/xml", reply.header["content-type"])
    assert.equal(reply.header["x-amzn-requestid"], expect.template(answer_of(arn, id, account), reply.body))
end

--- Status, the whole body with `message` as it stands between the tags (it may hold <any>), the id in both places, and
--- nothing in the head that STS doesn't send. Returns what stood for <any>.
local function expect_error(reply, status, code, message)
    assert.equal(status, reply.status, reply.body)
    assert.equal("text/xml", reply.header["content-type"])
    assert.is_nil(reply.header["x-amzn-errortype"])
    local found = { expect.template(error_of(status < 500 and "Sender" or "Receiver", code, message), reply.body) }
    assert.equal(reply.header["x-amzn-requestid"], table.remove(found))
    return table.unpack(found)
end

local function key_of(arn, more)
    local key = { id = "AKIA" .. sigv4.hash(arn):sub(1, 16):upper(), secret = "of " .. arn, arn = arn }
    key.secret = sigv4.hash(key.secret)
    for name, value in pairs(more or {}) do
        key[name] = value
    end
    return key
end

local tester_id = "AIDAPEQALVRL7HYD4WJ4W"
local role_id = "AROAFUWVBCO2PFQWADVOH"
local keys = {
    user = gateway.key,
    role = key_of("arn:aws:iam::012345678910:role/team/my-role"),
    session = key_of("arn:aws:sts::012345678910:assumed-role/my-role/session@1", { token = "TOKEN/+==" }),
    federated = key_of("arn:aws:sts::012345678910:federated-user/bob"),
    root = key_of("arn:aws:iam::210987654321:root"),
    odd = key_of("arn:aws:iam::012345678910:user/<a>&\"b'/tester"),
    expired = key_of("arn:aws:iam::012345678910:user/late", { expiration = "2020-01-01T00:00:00Z" }),
}

describe("GetCallerIdentity", function()
    local gw

    setup(function()
        local list = {}
        for _, key in pairs(keys) do
            list[#list + 1] = key
        end
        gw = gateway.start({
            keys = list,
            settings = {
                audit = { record = "all", strangers_per_second = 1000000 }, http = { body_bytes = 4096 }, status = "127.0.0.1:0",
                sigv4 = { query_auth = true },
            },
        })
    end)

    teardown(function()
        gw:stop()
    end)

    describe("answers", function()
        it("a user with STS's bytes and fields", function()
            local reply = gw:caller()
            expect_answer(reply, gateway.key.arn, tester_id, "012345678910")
            local names = {}
            for i, field in ipairs(reply.fields) do
                names[i] = field[1]
            end
            assert.same({ "Date", "Content-Type", "Content-Length", "x-amzn-RequestId", "Connection" }, names)
        end)

        it("every kind of caller with its form of id", function()
            expect_answer(gw:caller({ key = keys.role }), keys.role.arn, role_id, "012345678910")
            expect_answer(gw:caller({ key = keys.session }), keys.session.arn, role_id .. ":session@1", "012345678910")
            expect_answer(gw:caller({ key = keys.federated }), keys.federated.arn, "012345678910:bob", "012345678910")
            expect_answer(gw:caller({ key = keys.root }), keys.root.arn, "210987654321", "210987654321")
        end)

        it("an ARN that holds markup as text", function()
            expect_answer(gw:caller({ key = keys.odd }),
                "arn:aws:iam::012345678910:user/&lt;a&gt;&amp;&quot;b&apos;/tester", tester_id, "012345678910")
        end)

        it("whatever region it is signed for", function()
            for _, region in ipairs({ "us-east-1", "eu-central-1", "aws-global" }) do
                expect_answer(gw:caller({ region = region }), gateway.key.arn, tester_id, "012345678910")
            end
        end)

        it("forms that are spelt otherwise, and parameters in the query", function()
            for _, form in ipairs({
                "Version=2011-06-15&Action=GetCallerIdentity", "Action=GetCallerIdentity",
                "%41ction=Get%43allerIdentity&Version=2011%2D06-15&&Other=%3C",
            }) do
                expect_answer(gw:caller({ body = form }), gateway.key.arn, tester_id, "012345678910")
            end
            local target = "/?Action=GetCallerIdentity&Version=2011-06-15"
            expect_answer(gw:caller({ target = target, body = "" }), gateway.key.arn, tester_id, "012345678910")
        end)

        it("whatever type the form is sent with", function()
            for _, headers in ipairs({ {}, { { "Content-Type", "application/x-www-form-urlencoded" } } }) do
                expect_answer(gw:caller({ headers = headers }), gateway.key.arn, tester_id, "012345678910")
            end
        end)

        it("a presigned request where such are let in", function()
            local form = "Action=GetCallerIdentity"
            local host = http.host_of(gw.address)
            local target = sigv4.sign_query({
                key = gateway.key, method = "POST", target = "/", host = host, service = "sts", body = form,
            })
            local reply = http.exchange(gw.address, http.format({
                method = "POST", target = target, headers = { { "Host", host } }, body = form,
            }))
            expect_answer(reply, gateway.key.arn, tester_id, "012345678910")
        end)
    end)

    describe("refuses in XML", function()
        it("a request that nobody signed", function()
            expect_error(gw:caller({ authorization = function() end }), 403, "MissingAuthenticationToken",
                "Request is missing Authentication Token")
        end)

        it("a scope of another service", function()
            expect_error(gw:caller({ service = "eks" }), 403, "SignatureDoesNotMatch",
                "Credential should be scoped to correct service: &apos;sts&apos;. ")
        end)

        it("a scope whose region has no region's form", function()
            expect_error(gw:caller({ region = "<Mars>" }), 403, "SignatureDoesNotMatch",
                "Credential should be scoped to a valid region, not &apos;&lt;Mars&gt;&apos;. ")
        end)

        it("a clock that is too far off", function()
            expect_error(gw:caller({ time = os.time() - 400 }), 403, "SignatureDoesNotMatch",
                "Signature expired: <any> is now earlier than <any> (<any> - 5 min.)")
            expect_error(gw:caller({ time = os.time() + 400 }), 403, "SignatureDoesNotMatch",
                "Signature not yet current: <any> is still later than <any> (<any> + 5 min.)")
        end)

        it("a key that nobody has", function()
            expect_error(gw:caller({ key = { id = "AKIANOBODY", secret = "x" } }), 403, "InvalidClientTokenId",
                "The security token included in the request is invalid.")
        end)

        it("a token that isn't the key's", function()
            local key = { id = keys.session.id, secret = keys.session.secret, token = "other" }
            expect_error(gw:caller({ key = key }), 403, "InvalidClientTokenId",
                "The security token included in the request is invalid")
        end)

        it("a key past its expiration", function()
            expect_error(gw:caller({ key = keys.expired }), 403, "ExpiredToken",
                "The security token included in the request is expired")
        end)

        it("a wrong signature, and shows what was to be signed", function()
            local reply, details = gw:caller({ key = { id = gateway.key.id, secret = "wrong" },
                target = "/?a=<&b='" })
            local escaped = expect_error(reply, 403, "SignatureDoesNotMatch", expect.mismatch .. "<any>")
            local shown = escaped:gsub("&apos;", "'"):gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&amp;", "&")
            assert.truthy(shown:find("'" .. details.canonical .. "'", 1, true), shown)
            assert.truthy(shown:find("'" .. details.to_sign .. "'", 1, true), shown)
        end)

        it("an Authorization field that is none", function()
            expect_error(gw:caller({ authorization = function() return "Bearer x" end }), 403, "IncompleteSignature",
                "<any>")
        end)

        it("a body that was changed after signing", function()
            local reply = gw:caller({ payload_hash = sigv4.hash("Action=AssumeRole&Version=2011-06-15") })
            expect_error(reply, 403, "SignatureDoesNotMatch", expect.mismatch .. "<any>")
        end)

        it("other actions and versions", function()
            for form, shown in pairs({
                ["Action=AssumeRole&Version=2011-06-15"] = "AssumeRole for version 2011-06-15",
                ["Action=GetCallerIdentity&Version=2011-06-16"] = "GetCallerIdentity for version 2011-06-16",
                ["Action=CreateAccessEntry"] = "CreateAccessEntry for version NO_VERSION_SPECIFIED",
                ["Action=%3C/Message%3E%00%1B%FF%0D&Version=%26"] =
                    "&lt;/Message&gt;\u{FFFD}\u{FFFD}\u{FFFD}&#xD; for version &amp;",
            }) do
                expect_error(gw:caller({ body = form }), 400, "InvalidAction", "Could not find operation " .. shown)
            end
        end)

        it("forms that name no action", function()
            for _, form in ipairs({ "", "Version=2011-06-15", '{"Action":"GetCallerIdentity"}', "Action", "\0\255" }) do
                expect_error(gw:caller({ body = form }), 400, "MissingAction",
                    "The request must contain the parameter Action.")
            end
        end)

        it("forms that are broken, or say something twice", function()
            local form = "Action=GetCallerIdentity&Version=2011-06-15"
            for _, broken in ipairs({ form .. "&x=%", form .. "&%zz", "Action=GetCallerIdentity%4" }) do
                expect_error(gw:caller({ body = broken }), 400, "MalformedQueryString",
                    "The form has an escape % that is not followed by two hexadecimal digits.")
            end
            expect_error(gw:caller({ body = form .. "&Action=GetCallerIdentity" }), 400, "MalformedQueryString",
                "The parameter Action is there twice.")
            expect_error(gw:caller({ target = "/?Version=2011-06-15" }), 400, "MalformedQueryString",
                "The parameter Version is there twice.")
            expect_error(gw:caller({ target = "/?a=%" }), 400, "MalformedQueryString", "<any>")
        end)

        it("forms past the cap, once it is known what is asked", function()
            local form = "Action=GetCallerIdentity&Version=2011-06-15&x="
            expect_answer(gw:caller({ body = form .. ("x"):rep(4096 - #form) }), gateway.key.arn, tester_id, "012345678910")
            local client = gw:connect()
            local head = gw:format(gateway.caller_request({ body = "", extra = { { "Transfer-Encoding", "chunked" } } }))
            client:send((head:gsub("Content%-Length: 0\r\n", "")))
            client:send(("400\r\n" .. ("x"):rep(1024) .. "\r\n"):rep(5))
            expect_error(client:read(), 413, "RequestEntityTooLarge", "the body is larger than this server accepts")
            -- A declared length is refused with the head, before anybody reads the path.
            expect.error(gw:caller({ body = form .. ("x"):rep(4097 - #form) }), 413, "RequestEntityTooLargeException")
        end)

        it("a form of nothing but separators and escapes", function()
            expect_error(gw:caller({ body = ("&"):rep(4096) }), 400, "MissingAction", "<any>")
            expect_error(gw:caller({ body = ("%00=+&"):rep(682) }), 400, "MissingAction", "<any>")
            expect_error(gw:caller({ body = "Action=" .. ("+"):rep(4000) }), 400, "InvalidAction", "<any>")
        end)
    end)

    it("doesn't lend its scope to EKS's operations", function()
        expect.error(gw:describe("arn:aws:iam::012345678910:role/r", { service = "sts" }), 403,
            "InvalidSignatureException", "Credential should be scoped to correct service: 'eks'. ")
        expect.error(gw:create({ principalArn = "arn:aws:iam::012345678910:role/r" }, { service = "sts" }), 403,
            "InvalidSignatureException", "Credential should be scoped to correct service: 'eks'. ")
    end)

    it("is asked with POST alone", function()
        for _, method in ipairs({ "GET", "PUT", "DELETE" }) do
            local reply = gw:caller({ method = method, target = "/?Action=GetCallerIdentity", body = false })
            expect.error(reply, 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        end
        expect.error(gw:caller({ target = "//" }), 403, "MissingAuthenticationTokenException",
            "Missing Authentication Token")
    end)

    it("is recorded as STS's", function()
        local record = gw:audit_of(gw:caller({ region = "us-east-1" }).header["x-amzn-requestid"])
        assert.equal("sts.amazonaws.com", record.eventSource)
        assert.equal("GetCallerIdentity", record.eventName)
        assert.equal("us-east-1", record.awsRegion)
        assert.equal("012345678910", record.recipientAccountId)
        assert.equal(gateway.key.arn, record.userIdentity.arn)
        assert.is_true(record.readOnly)
        assert.equal(cjson.null, record.requestParameters)
        assert.equal(cjson.null, record.responseElements)
        assert.is_nil(record.errorCode)
        record = gw:audit_of(gw:caller({ body = "Action=AssumeRole" }).header["x-amzn-requestid"])
        assert.equal("GetCallerIdentity", record.eventName)
        assert.equal("InvalidAction", record.errorCode)
        assert.equal("Could not find operation AssumeRole for version NO_VERSION_SPECIFIED", record.errorMessage)
        record = gw:audit_of(gw:caller({ service = "eks" }).header["x-amzn-requestid"])
        assert.equal("sts.amazonaws.com", record.eventSource)
        assert.equal("SignatureDoesNotMatch", record.errorCode)
        assert.equal("Unknown", record.userIdentity.type)
    end)

    it("is counted", function()
        local function count()
            local body = http.get(gw:status_address(), "/metrics").body
            return tonumber(body:match('requests_total{operation="GetCallerIdentity",status="200"} (%d+)\n') or 0)
        end
        local before = count()
        gw:caller()
        assert.equal(before + 1, count())
    end)
end)

describe("GetCallerIdentity under policies", function()
    after_each(gateway.stop_all)

    local function start(body, settings)
        return gateway.start({ settings = settings, policies = {
            'local verdict = require("eksgate.verdict")\nlocal p = { name = "p" }\n' .. body .. "\nreturn p\n",
        } })
    end

    it("is an operation as any other, without cluster and principal", function()
        local gw = start([[
            p.on = { "GetCallerIdentity" }
            function p.authorize(req)
                if req.operation == "GetCallerIdentity" and req.cluster == nil and req.principal == nil
                    and req.input.clusterName == nil and req.region == "eu-west-1" then
                    return verdict.deny("<no> & never")
                end
            end]])
        local reply = gw:caller({ region = "eu-west-1" })
        local id = expect_error(reply, 403, "AccessDenied", "User: " .. gateway.key.arn
            .. " is not authorized to perform: sts:GetCallerIdentity on resource: * "
            .. "(eksgate policy p: &lt;no&gt; &amp; never, request <uuid>)")
        assert.equal(reply.header["x-amzn-requestid"], id)
        assert.equal("AccessDenied", gw:audit_of(id).errorCode)
        expect_answer(gw:caller(), gateway.key.arn, tester_id, "012345678910")
        expect.ok(gw:create({ principalArn = "arn:aws:iam::012345678910:role/r" }, { region = "us-west-2" }))
        gw:stop()
    end)

    it("is throttled in STS's word", function()
        local gw = start('function p.authorize() return verdict.throttle(7, "slow down") end')
        local reply = gw:caller()
        expect_error(reply, 429, "Throttling", "<any>")
        assert.equal("7", reply.header["retry-after"])
        gw:stop()
    end)

    it("needs somebody who allows it where the default is to deny", function()
        local gw = start('p.on = { "DescribeAccessEntry" } function p.authorize() return verdict.allow() end',
            { default_verdict = "deny" })
        expect_error(gw:caller(), 403, "AccessDenied", "<any>(eksgate policy default_verdict: <any>, request <any>)")
        gw:stop()
        gw = start('p.on = { "GetCallerIdentity" } function p.authorize() return verdict.allow() end',
            { default_verdict = "deny" })
        expect_answer(gw:caller(), gateway.key.arn, tester_id, "012345678910")
        gw:stop()
    end)

    it("fails closed, in XML, when a policy does", function()
        local gw = start("function p.authorize(req) return req.input.nothing.at_all end")
        expect_error(gw:caller(), 403, "AccessDenied", "<any>(eksgate policy p: policy failed, request <any>)")
        gw:stop()
    end)

    it("shows audit hooks the answer as it leaves", function()
        local gw = start([[
            function p.audit(record)
                return { operation = record.operation, account = record.reply:match("<Account>(%d+)</Account>") }
            end]], { audit = { record = "all" } })
        local record = gw:audit_of(gw:caller().header["x-amzn-requestid"])
        assert.same({ p = { operation = "GetCallerIdentity", account = "012345678910" } },
            record.additionalEventData.eksgate.fields)
        gw:stop()
    end)
end)
