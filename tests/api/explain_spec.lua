-- SPDX-License-Identifier: Apache-2.0
-- eksgate explain: why a request is refused, or what would become of it, without sending it anywhere.

local cjson = require("cjson")
local gateway = require("support.gateway")
local sigv4 = require("support.sigv4")
local text = require("support.text")
local upstream = require("support.upstream")

local AT = 1767225600 -- 2026-01-01T00:00:00Z
local ROLE = "arn:aws:iam::012345678910:role/team/dev"

describe("eksgate explain", function()
    local gw

    setup(function()
        gw = gateway.prepare({ policies = { [[
            local verdict = require("eksgate.verdict")
            local policy = { name = "team" }
            function policy.authorize(req)
                if req.principal and req.principal.name == "nodes" then
                    return verdict.deny("nodes are created by the platform team")
                elseif req.principal and req.principal.name == "wrong" then
                    error("oops")
                elseif req.principal and req.principal.name == "often" then
                    return verdict.throttle(5, "slow down")
                end
                return verdict.allow()
            end
            function policy.username(req) return "team:" .. req.principal.name end
            function policy.tags() return { ["cost-centre"] = "4711" } end
            return policy
        ]] } })
    end)

    teardown(function()
        gw:forget()
    end)

    --- What is signed for `request`, as text of a file; members of gateway.format, and tamper, a function of the text.
    local function write(request)
        request = setmetatable(request, { __index = { method = "GET", time = AT, host = "eks.example",
            target = gateway.entry_target(ROLE) } })
        local bytes, details = gw:format(request)
        if request.tamper then
            bytes = request.tamper(bytes)
        end
        local path = gw.folder .. "/request"
        text.write_file(path, bytes)
        return path, details
    end

    local function explain(path, ...)
        local arguments = { "explain", "-c", gw.config, "--at", "2026-01-01T00:01:00Z", "--json", ... }
        arguments[#arguments + 1] = path
        local code, out, said = gateway.run(arguments)
        assert.is_nil((out .. said):find(gateway.key.secret, 1, true))
        local report = out ~= "" and cjson.decode(out) or nil
        local checks = {}
        for _, check in ipairs(report and report.checks or {}) do
            checks[check.check] = check
        end
        return code, report, checks, said
    end

    --- The names of the checks that don't hold, in order.
    local function failed(report)
        local names = {}
        for _, check in ipairs(report.checks) do
            if check.verdict ~= "ok" then
                names[#names + 1] = check.check
            end
        end
        return table.concat(names, ", ")
    end

    local function create(arn, with)
        local request = { method = "POST", target = gateway.entries_target(), json = { principalArn = arn } }
        for name, value in pairs(with or {}) do
            request[name] = value
        end
        return request
    end

    it("lets a good request through, with all that is made of it", function()
        local path, details = write(create(ROLE))
        local code, report = explain(path)
        assert.equal(0, code)
        assert.is_true(report.passes)
        assert.equal("CreateAccessEntry", report.operation)
        assert.same({ name = "my-cluster" }, report.labels)
        assert.equal(gateway.key.arn, report.caller.arn)
        assert.equal(details.canonical, report.canonicalRequest)
        assert.equal("AWS4-HMAC-SHA256\n20260101T000000Z\n20260101/us-west-2/eks/aws4_request\n"
            .. sigv4.hash(details.canonical), report.stringToSign)
        assert.equal(ROLE, report.input.principalArn)
        assert.equal("", failed(report))
        assert.same({ { policy = "team", verdict = "allow" } }, report.verdicts)
        assert.same({ { policy = "team", hook = "username", before = cjson.null, after = "team:dev" },
            { policy = "team", hook = "tags", before = cjson.null, after = { ["cost-centre"] = "4711" } } },
            report.changes)
    end)

    it("shows the labels of a path decoded", function()
        local code, report = explain((write({})))
        assert.equal(0, code)
        assert.same({ name = "my-cluster", principalArn = ROLE }, report.labels)
    end)

    it("tells which header arrived with another value", function()
        local path, details = write({ tamper = function(bytes)
            return (bytes:gsub("Host: eks.example", "Host: eks2.example"))
        end })
        text.write_file(gw.folder .. "/canonical", details.canonical)
        local code, report = explain(path, "--canonical", gw.folder .. "/canonical")
        assert.equal(1, code)
        assert.equal("signature", failed(report))
        assert.equal("header", report.difference.part)
        assert.equal("host", report.difference.name)
        assert.equal("host:eks.example", report.difference.client)
        assert.equal("host:eks2.example", report.difference.here)
        assert.equal(details.canonical:find("eks.example", 1, true) - 1 + 3, report.difference.byte)
        assert.equal("InvalidSignatureException", report.refusal.error)
    end)

    it("tells that the text is the same and the secret is not", function()
        local key = { id = gateway.key.id, secret = "another" }
        local path, details = write({ key = key })
        text.write_file(gw.folder .. "/canonical", details.canonical .. "\n")
        local code, report = explain(path, "--canonical", gw.folder .. "/canonical")
        assert.equal(1, code)
        assert.equal("signature", failed(report))
        assert.equal("none", report.difference.part)
        assert.truthy(report.difference.remark:find("another secret", 1, true))
    end)

    it("goes by the time that it is told", function()
        local path = write({})
        local code, report, checks = explain(path, "--at", "2026-01-01T00:10:00Z")
        assert.equal(1, code)
        assert.equal("clock", failed(report))
        assert.truthy(checks.clock.message:find("Signature expired: 20260101T000000Z is now earlier than", 1, true))
        assert.equal(0, (explain(path, "--at", "20260101T000459Z")))
        assert.equal(2, (gateway.run({ "explain", "-c", gw.config, "--at", "noon", path })))
    end)

    it("names the mistakes that signers make", function()
        local target = gateway.entry_target(ROLE)
        local cases = {
            { "encoded once", { canonical_path = target } },
            { "an empty body", create(ROLE, { payload_hash = sigv4.empty_hash }) },
            { "UNSIGNED-PAYLOAD", create(ROLE, { payload_hash = "UNSIGNED-PAYLOAD" }) },
        }
        for _, case in ipairs(cases) do
            local code, report, checks = explain((write(case[2])))
            assert.equal(1, code, case[1])
            assert.equal("signature", failed(report), case[1])
            assert.truthy(checks.signature.remark:find(case[1], 1, true), checks.signature.remark)
        end
    end)

    it("tells a query that was signed unsorted from one that was changed", function()
        local policy = text.escape("arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy")
        local target = gateway.entries_target() .. "?maxResults=3&associatedPolicyArn=" .. policy
        local path, details = write({ target = target })
        assert.equal(0, (explain(path)))
        local unsorted = details.canonical:gsub("(associated[^&]*)&(maxResults=3)", "%2&%1")
        text.write_file(gw.folder .. "/canonical", unsorted)
        local _, report = explain(path, "--canonical", gw.folder .. "/canonical")
        assert.equal("query", report.difference.part)
        assert.truthy(report.difference.remark:find("as it was sent", 1, true))
        path = write({ target = target, tamper = function(bytes)
            return (bytes:gsub("maxResults=3", "maxResults=4"))
        end })
        text.write_file(gw.folder .. "/canonical", details.canonical)
        _, report = explain(path, "--canonical", gw.folder .. "/canonical")
        assert.equal("maxResults", report.difference.name)
    end)

    it("tells that the body is another", function()
        local path, details = write(create(ROLE, { tamper = function(bytes)
            return (bytes:gsub("principalArn", "principalNrn"))
        end }))
        text.write_file(gw.folder .. "/canonical", details.canonical)
        local code, report = explain(path, "--canonical", gw.folder .. "/canonical")
        assert.equal(1, code)
        assert.truthy(failed(report):find("^signature"))
        assert.equal("body", report.difference.part)
    end)

    it("tells of a body that isn't what x-amz-content-sha256 claims, apart from the signature", function()
        local code, report = explain((write(create(ROLE, { headers = { { "x-amz-content-sha256", sigv4.empty_hash } } }))))
        assert.equal(1, code)
        assert.equal("body hash", failed(report))
    end)

    it("goes on past what fails", function()
        local code, report, checks = explain((write({ region = "eu-north-1", extra = { { "X-Amz-Late", "1" } } })),
            "--at", "2026-01-02T00:00:00Z")
        assert.equal(1, code)
        assert.equal("clock, signed headers, scope", failed(report))
        assert.truthy(checks["signed headers"].message:find("'X-Amz-Late'", 1, true))
        assert.equal("ok", checks.signature.verdict)
        assert.truthy(report.refusal.message:find("Signature expired", 1, true))
    end)

    it("says what can't be told without a key", function()
        local code, report, checks = explain((write({ key = { id = "AKIDSTRANGER", secret = "s" } })))
        assert.equal(1, code)
        assert.equal("key, signature, token, key expiry", failed(report))
        assert.equal("the key isn't known", checks.signature.remark)
        assert.equal("UnrecognizedClientException", report.refusal.error)
        assert.is_nil(report.caller)
        assert.is_nil(report.verdicts)
    end)

    it("says which policy denies, throttles or fails", function()
        for name, said in pairs({ nodes = { "deny", "AccessDeniedException", "nodes are created by the platform team" },
            often = { "throttle", "TooManyRequestsException", "slow down" },
            wrong = { "failed", "AccessDeniedException", "policy failed" } }) do
            local code, report = explain((write(create("arn:aws:iam::012345678910:role/" .. name))))
            assert.equal(1, code)
            assert.equal("", failed(report))
            assert.equal(said[1], report.verdicts[1].verdict)
            assert.equal(said[3], report.verdicts[1].reason)
            assert.equal(said[2], report.refusal.error)
            assert.truthy(report.refusal.message:find("eksgate policy team: " .. said[3], 1, true), report.refusal.message)
            assert.is_nil(report.changes)
        end
    end)

    it("leaves open what a policy would ask an endpoint, and asks nobody", function()
        local asking = gateway.prepare({
            policies = { [[
                local http = require("eksgate.http")
                return { name = "asking", authorize = function(req)
                    pcall(http.post, req.principal.name, { path = "/v1/allow", body = { input = req } })
                end }
            ]] },
            settings = { policy = { endpoints = { opa = "http://127.0.0.1:1/data" } } },
        })
        for name, expected in pairs({
            opa = { verdict = "open", reason = "asks endpoint opa, POST /v1/allow, and goes by what it answers" },
            other = { verdict = "failed", reason = "policy failed" },
        }) do
            local path = write({ target = gateway.entry_target("arn:aws:iam::012345678910:role/" .. name) })
            local code, out = gateway.run({ "explain", "-c", asking.config, "--at", "2026-01-01T00:01:00Z", "--json", path })
            local report = cjson.decode(out)
            expected.policy = "asking"
            assert.same({ expected }, report.verdicts)
            assert.equal(1, code)
            assert.is_false(report.passes)
            assert.equal(expected.verdict == "failed", report.refusal ~= nil)
        end
        local _, out = gateway.run({ "explain", "-c", asking.config, "--at", "2026-01-01T00:01:00Z",
            (write({ target = gateway.entry_target("arn:aws:iam::012345678910:role/opa") })) })
        assert.truthy(out:find("open     asking: asks endpoint opa, POST /v1/allow", 1, true))
        assert.truthy(out:find("can't be told", 1, true))
        asking:forget()
    end)

    it("applies EKS's rules to the completed input", function()
        local code, report = explain((write(create(ROLE, { json = { principalArn = ROLE, username = "system:x" } }))))
        assert.equal(1, code)
        assert.equal("EKS's rules", failed(report))
        assert.equal("InvalidParameterException", report.refusal.error)
        code, report = explain((write(create(ROLE, { json = { principalArn = 7 } }))))
        assert.equal(1, code)
        assert.equal("input", failed(report))
    end)

    it("never shows a session token", function()
        local key = { id = gateway.key.id, secret = gateway.key.secret, token = "TOKENVALUE" }
        local path, details = write({ key = key })
        text.write_file(gw.folder .. "/canonical", (details.canonical:gsub("TOKENVALUE", "TOKENOTHER")))
        for _, format in ipairs({ {}, { "--json" } }) do
            local _, out = gateway.run({ "explain", "-c", gw.config, "--canonical", gw.folder .. "/canonical", path,
                table.unpack(format) })
            assert.is_nil(out:find("TOKEN", 1, true), out)
            assert.truthy(out:find("x-amz-security-token", 1, true), out)
        end
    end)

    it("writes text for people, without control bytes of the request", function()
        local code, out = gateway.run({ "explain", "-c", gw.config, "--at", "2026-01-01T00:01:00Z",
            (write(create(ROLE, { json = { principalArn = ROLE, username = "a\27[31mb" } }))) })
        assert.equal(1, code)
        assert.is_nil(out:find("\27", 1, true))
        for _, part in ipairs({ "operation  CreateAccessEntry\n", "\ncanonical request\n    POST\n",
            "\nstring to sign\n    AWS4-HMAC-SHA256\n", "\n  ok       signature", "\nrefused: 400 " }) do
            assert.truthy(out:find(part, 1, true), out)
        end
    end)

    it("refuses what is no request", function()
        for said, bytes in pairs({ ["is empty"] = "\n", ["no request is sent"] = "botocore.hooks - DEBUG - Event" }) do
            text.write_file(gw.folder .. "/odd", bytes)
            local code, _, words = gateway.run({ "explain", "-c", gw.config, gw.folder .. "/odd" })
            assert.equal(1, code)
            assert.truthy(said == "is empty" or words:find(said, 1, true), words)
        end
        text.write_file(gw.folder .. "/odd", "GET /clusters HTTP/1.1\nHost : a\n\n")
        local code, report = explain(gw.folder .. "/odd")
        assert.equal(1, code)
        assert.equal("http", failed(report))
        assert.equal(1, (gateway.run({ "explain", "-c", gw.config, gw.folder .. "/missing" })))
        assert.equal(2, (gateway.run({ "explain" })))
    end)

    describe("of what clients print", function()
        local function sample(name, ...)
            local code, out, said = gateway.run({ "explain", "--mock", "--json", "--at", ...,
                gateway.root .. "/tests/data/transcripts/" .. name })
            assert.truthy(out ~= "", said)
            return code, cjson.decode(out)
        end

        it("reads aws --debug", function()
            for name, operation in pairs({ ["aws-describe.log"] = "DescribeAccessEntry",
                ["aws-list.log"] = "ListAccessEntries", ["aws-sts.log"] = "GetCallerIdentity",
                ["aws-create.log"] = "CreateAccessEntry" }) do
                local log = text.read_file(gateway.root .. "/tests/data/transcripts/" .. name)
                local code, report = sample(name, log:match("'X%-Amz%-Date': b'(%w+)'"))
                assert.equal(operation, report.operation)
                assert.equal("aws --debug", report.format)
                assert.equal("the client signed the same text", report.difference.remark)
                assert.equal("", failed(report))
                assert.equal(0, code)
            end
        end)

        it("reads curl -v, and the body from elsewhere", function()
            local code, report = sample("curl-create.log", "2026-11-26T09:38:00Z")
            assert.equal(1, code)
            assert.is_nil(report.refusal)
            assert.equal("body hash, signature, input", failed(report))
            local body = gw.folder .. "/body"
            text.write_file(body, '{"principalArn":"arn:aws:iam::012345678910:role/x"}')
            code, report = gateway.run({ "explain", "--mock", "--json", "--at", "2026-11-26T09:38:00Z", "--body", body,
                gateway.root .. "/tests/data/transcripts/curl-create.log" })
            assert.equal(0, code, report)
        end)
    end)

    describe("in front of an upstream", function()
        local function forwarding(forwarded_to, policies)
            return gateway.prepare({ policies = policies, settings = { access_entries = "upstream", upstream = forwarded_to,
                store = gateway.none, clusters = gateway.none } })
        end

        local function upstream_of(front, request)
            local code, out, said = gateway.run({ "explain", "-c", front.config, "--at", "2026-01-01T00:01:00Z", "--json",
                (write(request)) })
            front:forget()
            assert.equal(0, code, out .. said)
            return cjson.decode(out).upstream
        end

        it("shows the request that would be sent, as it is completed and signed anew", function()
            local front = forwarding({ endpoint = "https://eks.{region}.example", credentials = "caller" },
                { 'return { name = "n", username = function() return "team:x" end }' })
            local token = ("t"):rep(36)
            local up = upstream_of(front, create(ROLE, { json = { principalArn = ROLE, clientRequestToken = token } }))
            assert.equal("POST", up.method)
            assert.equal("https://eks.us-west-2.example/clusters/my-cluster/access-entries", up.url)
            assert.same({ principalArn = ROLE, clientRequestToken = token, username = "team:x" }, cjson.decode(up.body))
            assert.equal("POST\n/clusters/my-cluster/access-entries\n\ncontent-type:application/json\n"
                .. "host:eks.us-west-2.example\nx-amz-date:20260101T000100Z\n\ncontent-type;host;x-amz-date\n"
                .. sigv4.hash(up.body), up.canonicalRequest)
            assert.equal("AWS4-HMAC-SHA256\n20260101T000100Z\n20260101/us-west-2/eks/aws4_request\n"
                .. sigv4.hash(up.canonicalRequest), up.stringToSign)
            assert.equal("the caller's key", up.signedBy)
        end)

        it("says so where the gateway's own credentials sign, and doesn't fetch them", function()
            local up = upstream_of(forwarding({ endpoint = "http://127.0.0.1:1" }), { target = "/clusters/my-cluster/addons" })
            assert.equal("http://127.0.0.1:1/clusters/my-cluster/addons", up.url)
            assert.truthy(up.signedBy:find("aren't fetched here", 1, true))
        end)

        it("shows of an overlay's requests those that the upstream answers", function()
            local function of(request)
                local up = upstream_of(gateway.prepare({ settings = {
                    upstream = { endpoint = "http://127.0.0.1:1" }, clusters = gateway.none,
                } }), request)
                return up and up.url
            end
            assert.is_nil(of(create(ROLE)))
            assert.is_nil(of({ target = "/clusters/my-cluster" }))
            assert.equal("http://127.0.0.1:1/clusters/my-cluster/node-groups", of({ target = "/clusters/my-cluster/node-groups" }))
            local tags = "/tags/arn%3Aaws%3Aeks%3Aus-west-2%3A012345678910%3A"
            assert.is_nil(of({ target = tags .. "access-entry%2Fmy-cluster%2Frole%2F1%2Fr%2F2" }))
            assert.equal("http://127.0.0.1:1" .. tags .. "cluster%2Fmy-cluster", of({ target = tags .. "cluster%2Fmy-cluster" }))
        end)

        it("shows none that a policy denies", function()
            local front = forwarding({ endpoint = "http://127.0.0.1:1" }, { [[
                return { name = "no", authorize = function() return require("eksgate.verdict").deny("no") end } ]] })
            local code, out = gateway.run({ "explain", "-c", front.config, "--at", "2026-01-01T00:01:00Z", "--json",
                (write({})) })
            front:forget()
            assert.equal(1, code)
            assert.is_nil(cjson.decode(out).upstream)
        end)
    end)

    it("explains what a gateway that lets signed requests pass makes of it", function()
        local passing = gateway.prepare(upstream.passing("http://127.0.0.1:5000"))
        local host = upstream.host("http://127.0.0.1:5000")
        local theirs = "key, signature, token, key expiry"
        local function look(request)
            local path = write(request)
            local code, out = gateway.run({
                "explain", "-c", passing.config, "--at", "2026-01-01T00:01:00Z", "--json", path,
            })
            return code, cjson.decode(out)
        end
        local code, report = look({ host = host, key = { id = "ASIAUNKNOWN", secret = "nobody here knows" } })
        assert.equal(0, code)
        assert.equal(theirs, failed(report))
        code, report = look({ host = host, key = { id = "AKIAOTHER Credential=AKIAMINE", secret = "x" } })
        assert.equal(1, code)
        assert.truthy(failed(report):find("key id", 1, true))
        code, report = look({ host = "eks.eu-west-1.example:5000" })
        assert.equal(1, code)
        assert.truthy(failed(report):find("endpoint's host", 1, true))
        code, report = look({ host = host, headers = { { "TE", "trailers" } }, signed = { "host", "te", "x-amz-date" } })
        assert.equal(1, code)
        assert.truthy(failed(report):find("goes on as it came", 1, true))
        code, report = look({ host = host, time = AT - 3600 })
        assert.equal(1, code)
        assert.truthy(failed(report):find("clock", 1, true))
        passing:forget()
    end)

    it("explains what a gateway without signatures makes of it", function()
        local open = gateway.prepare({ settings = { auth = "none", caller = "arn:aws:iam::012345678910:role/app",
            listen = { "127.0.0.1:8080" } } })
        local path = open.folder .. "/request"
        for head, wanted in pairs({ ["Host: 127.0.0.1:8080"] = "", ["Host: evil.example"] = "host",
            ["Host: localhost:8080\r\nOrigin: null"] = "page" }) do
            text.write_file(path, "GET /clusters HTTP/1.1\r\n" .. head .. "\r\n\r\n")
            local code, out = gateway.run({ "explain", "-c", open.config, "--json", path })
            local report = cjson.decode(out)
            assert.equal(wanted, failed(report))
            assert.equal(wanted == "" and 0 or 1, code)
            assert.equal("arn:aws:iam::012345678910:role/app", report.caller.arn)
        end
        open:forget()
    end)
end)
