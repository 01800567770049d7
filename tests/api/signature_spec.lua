-- SPDX-License-Identifier: Apache-2.0
-- Who is let in: Signature Version 4 over HTTP, its refusals in AWS's words, and what never reaches a log.

local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local sigv4 = require("support.sigv4")
local text = require("support.text")

local wrong = "InvalidSignatureException"
local incomplete = "IncompleteSignatureException"
local unknown = "UnrecognizedClientException"

local session = {
    id = "ASIAEKSGATETEST00001", secret = "session-secret", token = "FwoGZXIvYXdzEXAMPLE/+==",
    arn = "arn:aws:sts::012345678910:assumed-role/deployer/run-1",
}
local expired = {
    id = "ASIAEKSGATETEST00002", secret = "session-secret", token = "old-token", expiration = "2020-01-01T00:00:00Z",
    arn = "arn:aws:sts::012345678910:assumed-role/deployer/run-2",
}
local disabled = {
    id = "AKIAEKSGATETEST00003", secret = "disabled", disabled = true, arn = "arn:aws:iam::012345678910:user/gone",
}

describe("the tests' own signer", function()
    local key = { id = "AKIDEXAMPLE", secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
    local base = { key = key, method = "GET", host = "eks.us-east-1.amazonaws.com", region = "us-east-1",
        timestamp = "20150830T123600Z" }

    local function signature(request)
        return select(2, sigv4.sign(setmetatable(request, { __index = base }))).signature
    end

    it("agrees with signatures that botocore made", function()
        assert.equal("1e4fcb0bd084b4c10213050daa50d1456a920ab7941866b73cf103dbda6d5ab9", signature({
            target = "/clusters/prod/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role",
        }))
        assert.equal("47c8fcb105da76dd531ae490c3437168e0e2625acacf15754d2378f4fe5a538c", signature({
            method = "POST", target = "/clusters/prod/access-entries",
            headers = { { "Content-Type", "application/json" } },
            body = '{"principalArn": "arn:aws:iam::111122223333:role/my-role", "kubernetesGroups": ["g"], '
                .. '"clientRequestToken": "00000000-0000-0000-0000-000000000000"}',
        }))
        assert.equal("e65f6cbfd0a95ac44d51549f9a834db7417ed3613e31c571e45f3c871a2fa9cd", signature({
            target = "/clusters/prod",
            key = { id = "ASIDEXAMPLE", secret = key.secret, token = "TOKENexample/+==" },
        }))
        assert.equal("7abbcd9eaabf5883bf4bec58173c00f307c93a744e05e9d55152cce8fef05888", signature({
            target = "/clusters/prod", host = "gw.example:8443",
        }))
        local _, presigned = sigv4.sign_query(setmetatable({ target = "/clusters/prod" }, { __index = base }))
        assert.equal("e39097ebc0710cf9c1482e793500ef8c2976b203b6a97d769720acbc3bce4323", presigned.signature)
    end)
end)

describe("a signed request", function()
    local gw
    local principal = "arn:aws:iam::012345678910:role/team/a+b=c,d.e@f-g"

    setup(function()
        gw = gateway.start({
            settings = { audit = { record = "all", strangers_per_second = 1000 } },
            keys = { gateway.key, session, expired, disabled },
        })
        expect.ok(gw:create({ principalArn = principal }))
    end)

    teardown(function()
        gw:stop()
    end)

    local function ask(with)
        return gw:describe(principal, with)
    end

    local function refused(with, code, message)
        return expect.error(ask(with), 403, code, message)
    end

    describe("is let in", function()
        it("with a Date header instead of X-Amz-Date", function()
            assert.equal(200, ask({ date_header = "Date" }).status)
        end)

        it("with a session's key and token", function()
            assert.equal(200, ask({ key = session }).status)
        end)

        it("with further headers signed, their white space collapsed", function()
            assert.equal(200, ask({ headers = {
                { "amz-sdk-invocation-id", text.uuid() }, { "X-Amz-Custom", '  a   "b   c"  ' },
                { "My-Header", "v2" }, { "My-Header", "v1" },
            } }).status)
        end)

        it("with headers that are not signed and not x-amz-*", function()
            assert.equal(200, ask({ extra = { { "User-Agent", "x/1" }, { "amz-sdk-request", "attempt=1" },
                { "X-Amzn-Trace-Id", "Root=1" } } }).status)
        end)

        it("with a correct x-amz-content-sha256", function()
            assert.equal(200, ask({ headers = { { "X-Amz-Content-Sha256", sigv4.empty_hash } } }).status)
        end)

        it("with query parameters in any order", function()
            for _, query in ipairs({ "b=2&a=1", "a=2&a=1&a", "k=a%20b&k=%C3%A9", "x=a/b:c", "q=a+b" }) do
                local reply = gw:request({ method = "GET",
                    target = gateway.entry_target(principal) .. "?" .. query })
                assert.equal(200, reply.status, query .. " " .. reply.body)
            end
        end)

        it("at the edges of the clock's window", function()
            assert.equal(200, ask({ time = os.time() - 290 }).status)
            assert.equal(200, ask({ time = os.time() + 290 }).status)
        end)
    end)

    describe("is refused", function()
        it("without a signature", function()
            refused({ authorization = function() end }, "MissingAuthenticationTokenException",
                "Missing Authentication Token")
        end)

        it("with the wrong secret, told the canonical request and the string to sign", function()
            local reply, signed = ask({ key = { id = gateway.key.id, secret = "wrong" } })
            expect.error(reply, 403, wrong)
            local message = reply.json.message
            assert.equal(expect.mismatch, message:sub(1, #expect.mismatch))
            if #message > #expect.mismatch then
                assert.equal(expect.mismatch .. "\n\nThe Canonical String for this request should have been\n'"
                    .. signed.canonical .. "'\n\nThe String-to-Sign should have been\n'" .. signed.to_sign .. "'\n",
                    message)
            end
        end)

        it("and never told the signature that it should have had", function()
            local request = { time = os.time() }
            local _, good = gw:format(setmetatable({ method = "GET", target = gateway.entry_target(principal) },
                { __index = request }))
            local reply = ask({ time = request.time, signature = function(signature)
                return (signature:sub(1, 1) == "0" and "1" or "0") .. signature:sub(2)
            end })
            expect.error(reply, 403, wrong)
            assert.is_nil(reply.body:find(good.signature, 1, true))
            assert.is_nil(gw:stderr():find(good.signature, 1, true))
        end)

        it("with the path encoded once only", function()
            local path = gateway.entry_target(principal)
            refused({ canonical_path = path }, wrong)
        end)

        it("with another method, path, query or host than was signed", function()
            local function altered(pattern, replacement)
                local bytes = gw:format({ method = "GET", target = gateway.entry_target(principal) })
                return http.exchange(gw.address, (bytes:gsub(pattern, replacement, 1)))
            end
            expect.error(altered("my%-cluster", "my-clusteR"), 403, wrong)
            expect.error(altered(" HTTP/1.1", "?a=1 HTTP/1.1"), 403, wrong)
            expect.error(altered("Host: 127", "Host: 128"), 403, wrong)
            expect.error(altered("%%3Aaws", "%%3aaws"), 403, wrong)
        end)

        it("with an upper-case or shortened signature", function()
            for _, change in ipairs({ string.upper, function(s) return s:sub(1, 63) end,
                function(s) return s .. "0" end, function() return "" end }) do
                local reply = ask({ signature = change })
                assert.equal(403, reply.status)
                local code = reply.header["x-amzn-errortype"]
                assert.is_true(code == wrong or code == incomplete, code)
            end
        end)

        it("when too old, in AWS's words with the window's minutes", function()
            local reply = ask({ time = os.time() - 400 })
            expect.error(reply, 403, wrong, { "^Signature expired: %d+T%d+Z is now earlier than %d+T%d+Z "
                .. "%(%d+T%d+Z %- 5 min%.%)$" })
            expect.template("Signature expired: " .. os.date("!%Y%m%dT", os.time() - 400) .. "<any>Z (<any>Z - 5 min.)",
                reply.json.message)
        end)

        it("when from the future", function()
            expect.error(ask({ time = os.time() + 400 }), 403, wrong,
                { "^Signature not yet current: %d+T%d+Z is still later than %d+T%d+Z %(%d+T%d+Z %+ 5 min%.%)$" })
        end)

        it("without a date", function()
            refused({ date_header = "" }, incomplete,
                { "requires existence of either a 'X%-Amz%-Date' or a 'Date' header" })
        end)

        it("with a date of another form", function()
            for _, stamp in ipairs({ "2026-01-02T03:04:05Z", "20260102T030405", "20261302T030405Z", "x" }) do
                refused({ timestamp = stamp, scope_date = "20260102" }, incomplete,
                    "Date must be in ISO-8601 'basic format'. Got '" .. stamp
                    .. "'. See http://en.wikipedia.org/wiki/ISO_8601")
            end
        end)

        it("with another authorization scheme, quoted by hash alone", function()
            local bearer = "Bearer c2VjcmV0"
            refused({ authorization = function() return bearer end }, incomplete,
                "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded "
                .. "with Base64): '" .. sigv4.hash_base64(bearer) .. "'.")
        end)

        it("with an unsupported algorithm", function()
            refused({ algorithm = "AWS4-HMAC-SHA512" }, incomplete,
                { "^Unsupported AWS 'algorithm': 'AWS4%-HMAC%-SHA512'" })
        end)

        for _, part in ipairs({ "Credential", "SignedHeaders", "Signature" }) do
            it("without " .. part, function()
                local reply = ask({ authorization = function(value)
                    return (value:gsub(part .. "=[^ ,]*,? ?", ""):gsub(", $", ""))
                end })
                expect.error(reply, 403, incomplete, { "Authorization header requires '" .. part .. "' parameter%." })
                assert.is_nil(reply.body:find(gateway.key.id, 1, true))
            end)
        end

        it("with a part twice", function()
            local reply = ask({ authorization = function(value)
                return value .. ", Signature=" .. value:match("Signature=(%x+)")
            end })
            assert.equal(403, reply.status)
        end)

        it("with a scope that hasn't five parts", function()
            for _, scope in ipairs({ "20260102/us-west-2/eks", "20260102/us-west-2/eks/aws4_request/x" }) do
                refused({ scope = scope }, incomplete,
                    { "^Credential must have exactly 5 slash%-delimited elements, e%.g%. keyid/date/region/service/"
                    .. "term, got '" })
            end
        end)

        it("with another region, service, terminator or date in the scope, all of them told", function()
            refused({ region = "us-west-1" }, wrong, "Credential should be scoped to a valid region, not 'us-west-1'. ")
            refused({ service = "batch" }, wrong, "Credential should be scoped to correct service: 'eks'. ")
            refused({ terminator = "x" }, wrong,
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'x'. ")
            local at = os.time()
            local stamp = os.date("!%Y%m%dT%H%M%SZ", at)
            refused({ scope_date = "20150829", time = at }, wrong,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' "
                .. "!= '" .. stamp:sub(1, 8) .. "', from '" .. stamp .. "'.")
            refused({ region = "us-west-1", service = "batch" }, wrong,
                "Credential should be scoped to a valid region, not 'us-west-1'. "
                .. "Credential should be scoped to correct service: 'eks'. ")
        end)

        it("with Host unsigned", function()
            refused({ signed = { "x-amz-date" } }, wrong,
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        end)

        it("with an unsigned x-amz-* header", function()
            refused({ extra = { { "x-amz-target", "AmazonEKS.DeleteCluster" } } }, wrong, { "x%-amz%-target" })
            refused({ unsigned = { "x-amz-date" } }, wrong, { "'X%-Amz%-Date' must be a 'SignedHeader'" })
            refused({ key = session, unsigned = { "x-amz-security-token" } }, wrong, { "X%-Amz%-Security%-Token" })
        end)

        it("with signed headers in disorder, twice, upper case or absent", function()
            for _, names in ipairs({
                { "x-amz-date", "host" }, { "host", "host", "x-amz-date" }, { "Host", "x-amz-date" },
                { "host", "x-absent", "x-amz-date" }, { "host", "", "x-amz-date" },
            }) do
                assert.equal(403, ask({ signed = names }).status, table.concat(names, ";"))
            end
        end)

        it("with an unknown key", function()
            refused({ key = { id = "AKIANOBODYKNOWSIT", secret = "x" } }, unknown,
                "The security token included in the request is invalid.")
        end)

        it("with a disabled key", function()
            refused({ key = disabled }, unknown, "The security token included in the request is invalid.")
        end)

        it("with a session's key and no token or another's", function()
            for _, token in ipairs({ false, "another-token" }) do
                refused({ key = { id = session.id, secret = session.secret, token = token or nil } }, unknown,
                    { "^The security token included in the request is invalid%.?$" })
            end
        end)

        it("with a token beside a key that has none", function()
            local reply = ask({ key = { id = gateway.key.id, secret = gateway.key.secret, token = "t" } })
            expect.error(reply, 403, unknown, { "^The security token included in the request is invalid%.?$" })
        end)

        it("with an expired token, once the signature held", function()
            refused({ key = expired }, "ExpiredTokenException",
                "The security token included in the request is expired")
            local reply = ask({ key = { id = expired.id, secret = "wrong", token = expired.token } })
            assert.are_not.equal("ExpiredTokenException", reply.header["x-amzn-errortype"])
        end)

        it("with another body than was signed", function()
            local bytes = gw:format(gateway.create_request({ principalArn = "arn:aws:iam::012345678910:role/a" }))
            local reply = http.exchange(gw.address, (bytes:gsub("role([^/]*)/a", "role%1/b")))
            expect.error(reply, 403, wrong)
        end)

        it("with a body hash that isn't the body's, though signed", function()
            local other = sigv4.hash("something else")
            local reply = gw:create({ principalArn = "arn:aws:iam::012345678910:role/a" }, {
                payload_hash = other, headers = { { "X-Amz-Content-Sha256", other } },
            })
            expect.error(reply, 403, wrong)
            assert.equal(404, gw:describe("arn:aws:iam::012345678910:role/a").status)
        end)

        it("with an unsigned or streaming payload", function()
            for _, hash in ipairs({ "UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "", string.rep("A", 64) }) do
                refused({ payload_hash = hash, headers = { { "X-Amz-Content-Sha256", hash } } }, wrong)
            end
        end)

        it("with a header twice that may be there once", function()
            for _, name in ipairs({ "X-Amz-Date", "Authorization", "X-Amz-Security-Token", "Content-Type", "Date",
                "X-Amz-Content-Sha256" }) do
                expect.error(ask({ extra = { { name, "x" }, { name, "x" } } }), 400, "BadRequestException")
            end
        end)

        it("in the order of AWS's checks", function()
            local nobody = { id = "AKIANOBODYKNOWSIT", secret = "x" }
            refused({ key = nobody, time = os.time() - 4000 }, wrong, { "^Signature expired" })
            refused({ key = nobody, region = "mars" }, wrong, { "valid region, not 'mars'" })
            refused({ key = nobody, signed = { "x-amz-date" } }, wrong, { "^'Host'" })
        end)
    end)

    describe("in the query", function()
        local function presigned(running, with)
            local request = setmetatable({
                key = gateway.key, method = "GET", target = gateway.entry_target(principal),
                host = http.host_of(running.address),
            }, { __index = with })
            local target = sigv4.sign_query(request)
            if with and with.change then
                target = with.change(target)
            end
            local headers = { { "Host", request.host } }
            table.move(with and with.headers or {}, 1, #(with and with.headers or {}), 2, headers)
            table.move(with and with.extra or {}, 1, #(with and with.extra or {}), #headers + 1, headers)
            return http.exchange(running.address, http.format({ method = "GET", target = target, headers = headers }))
        end

        it("is refused unless the setting allows it", function()
            assert.equal(403, presigned(gw).status)
        end)

        describe("with the setting", function()
            local open

            setup(function()
                open = gateway.start({
                    settings = { sigv4 = { query_auth = true } }, keys = { gateway.key, session },
                })
                expect.ok(open:create({ principalArn = principal }))
            end)

            teardown(function()
                open:stop()
            end)

            it("is let in", function()
                assert.equal(200, presigned(open).status)
                assert.equal(200, presigned(open, { key = session }).status)
                assert.equal(200, presigned(open, { expires = 900 }).status)
            end)

            it("is refused once it has expired, or is to live too long", function()
                assert.equal(403, presigned(open, { time = os.time() - 100, expires = 60 }).status)
                for _, expires in ipairs({ 0, 901, -1, "x", "+60" }) do
                    local status = presigned(open, { expires = expires }).status
                    assert.is_true(status == 403 or status == 400, tostring(expires))
                end
            end)

            it("is refused when anything but the signature was changed or added", function()
                for _, change in ipairs({
                    function(target) return target .. "&a=1" end,
                    function(target) return (target:gsub("X%-Amz%-Expires=60", "X-Amz-Expires=61")) end,
                    function(target) return target .. "&X-Amz-Expires=60" end,
                    function(target) return target .. "&x-amz-credential=a" end,
                    function(target) return (target:gsub("%x$", function(c) return c == "0" and "1" or "0" end)) end,
                    function(target) return (target:gsub("&X%-Amz%-Credential=[^&]*", "")) end,
                    function(target) return (target:gsub("&X%-Amz%-Signature=[^&]*", "")) end,
                }) do
                    local reply = presigned(open, { change = change })
                    assert.is_true(reply.status == 403 or reply.status == 400, reply.body)
                end
            end)

            it("is refused beside an Authorization header", function()
                local reply = presigned(open, { extra = { { "Authorization", "AWS4-HMAC-SHA256 Credential=x" } } })
                expect.error(reply, 403, wrong,
                    "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
            end)

            it("is refused with an x-amz-* header that isn't signed", function()
                assert.equal(403, presigned(open, { extra = { { "x-amz-target", "x" } } }).status)
                assert.equal(200, presigned(open, {
                    headers = { { "X-Amz-Custom", "x" } }, signed = { "host", "x-amz-custom" },
                }).status)
            end)
        end)
    end)

    it("may carry an x-amz-* header unsigned that a setting names", function()
        local front = gateway.start({ settings = { sigv4 = { unsigned_headers = { "x-amz-cf-id" } } } })
        expect.ok(front:create({ principalArn = principal }))
        assert.equal(200, front:describe(principal, { extra = { { "X-Amz-Cf-Id", "abc" } } }).status)
        assert.equal(403, front:describe(principal, { extra = { { "X-Amz-Cf-Ix", "abc" } } }).status)
        front:stop()
    end)

    it("is judged by the clock's window that a setting gives", function()
        local strict = gateway.start({ settings = { sigv4 = { clock_window = 60 } } })
        expect.error(strict:describe(principal, { time = os.time() - 100 }), 403, wrong, { "%- 1 min%.%)$" })
        expect.error(strict:describe(principal, { time = os.time() - 30 }), 404, "ResourceNotFoundException")
        strict:stop()
    end)

    it("may come for any region when the setting is *", function()
        local anywhere = gateway.start({ settings = { region = "*" } })
        expect.error(anywhere:describe(principal, { region = "eu-west-3" }), 404, "ResourceNotFoundException")
        anywhere:stop()
    end)

    it("leaves no secret, token, signature or Authorization in log and audit", function()
        local _, signed = ask({ key = session })
        local _, bad = ask({ key = { id = session.id, secret = "a-wrong-secret", token = session.token } })
        ask({ authorization = function() return "Bearer bearer-of-news" end })
        local written = gw:stderr() .. gw:stdout() .. text.read_file(gw.audit_file)
        assert.truthy(written:find(session.id, 1, true))
        for _, secret in ipairs({
            gateway.key.secret, session.secret, session.token, signed.signature, bad.signature, "bearer-of-news",
            "SignedHeaders=",
        }) do
            assert.is_nil(written:find(secret, 1, true), secret)
        end
    end)
end)
