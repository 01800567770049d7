-- SPDX-License-Identifier: Apache-2.0
-- auth = "none": whoever reaches the listener is let in, but for the web page that somebody has open.

local cjson = require("cjson")
local gateway = require("support.gateway")
local http = require("support.http")

local APP = "arn:aws:iam::444455556666:role/app"
local ROLE = "arn:aws:iam::444455556666:role/r"

--- Settings of a gateway without keys; `more` goes on top.
local function settings(more)
    local all = {
        auth = "none", caller = APP, keys = gateway.none, account = gateway.none,
        status = "127.0.0.1:0", audit = { record = "all" },
    }
    for name, value in pairs(more or {}) do
        all[name] = value
    end
    return all
end

local function has_text(wanted, said)
    assert.truthy(said:find(wanted, 1, true), said)
end

--- One request as it is, with nobody's signature; `fields` add to Host and Content-Type, false takes one away.
local function send(address, method, target, fields, body)
    local given = { Host = http.host_of(address), ["Content-Type"] = body and "application/json" or nil }
    for name, value in pairs(fields or {}) do
        given[name] = value or nil
    end
    local lines = { method .. " " .. target .. " HTTP/1.1" }
    for name, value in pairs(given) do
        lines[#lines + 1] = name .. ": " .. value
    end
    if body then
        lines[#lines + 1] = "Content-Length: " .. #body
    end
    return http.exchange(address, table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
end

local function create(address, arn, fields)
    return send(address, "POST", "/clusters/my-cluster/access-entries", fields,
        cjson.encode({ principalArn = arn }))
end

describe("a gateway that asks for no signature", function()
    local gw

    setup(function()
        gw = gateway.start({
            settings = settings(),
            policies = { [[
                local verdict = require("eksgate.verdict")
                return { name = "who", on = { "CreateAccessEntry" }, authorize = function(req)
                    if req.principal.name == "ask" then
                        return verdict.deny(req.caller.arn .. " " .. tostring(req.caller.verified) .. " "
                            .. tostring(req.caller.access_key) .. " " .. req.account .. " " .. req.region)
                    end
                end }
            ]] },
        })
    end)

    teardown(function()
        gw:stop()
    end)

    it("takes a request without one as its caller's", function()
        local reply = create(gw.address, ROLE)
        assert.equal(200, reply.status, reply.body)
        local entry = cjson.decode(reply.body).accessEntry
        assert.equal("arn:aws:eks:us-west-2:444455556666:access-entry/my-cluster/role/444455556666/r/",
            entry.accessEntryArn:match("^(.*/)[^/]+$"))
        assert.equal(200, send(gw.address, "GET", "/clusters/my-cluster").status)
    end)

    it("tells policies that nobody verified who it is", function()
        local reply = create(gw.address, "arn:aws:iam::444455556666:role/ask")
        assert.equal(403, reply.status)
        assert.truthy(reply.body:find(APP .. " false nil 444455556666 us-west-2", 1, true), reply.body)
    end)

    it("records the caller, unverified", function()
        local reply = create(gw.address, "arn:aws:iam::444455556666:role/recorded")
        local record = gw:audit_of(reply.header["x-amzn-requestid"])
        assert.equal(APP, record.userIdentity.arn)
        assert.is_nil(record.userIdentity.accessKeyId)
        assert.equal("us-west-2", record.awsRegion)
        assert.is_false(record.additionalEventData.eksgate.verified)
    end)

    it("doesn't look at a signature that is sent along, good or bad", function()
        for _, authorization in ipairs({ "AWS4-HMAC-SHA256 Credential=AKIDSTRANGER/20200101/eu-north-1/eks/aws4_request, "
            .. "SignedHeaders=host, Signature=" .. ("0"):rep(64), "nonsense" }) do
            local reply = create(gw.address, "arn:aws:iam::444455556666:role/signed-" .. #authorization,
                { Authorization = authorization, ["X-Amz-Date"] = "20200101T000000Z" })
            assert.equal(200, reply.status, reply.body)
            assert.truthy(reply.body:find("arn:aws:eks:us-west-2:444455556666:", 1, true), reply.body)
        end
    end)

    it("answers GetCallerIdentity, whose protocol is made of forms", function()
        local reply = send(gw.address, "POST", "/", {
            ["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8",
        }, "Action=GetCallerIdentity&Version=2011-06-15")
        assert.equal(200, reply.status, reply.body)
        assert.truthy(reply.body:find("<Arn>" .. APP .. "</Arn>", 1, true), reply.body)
    end)

    it("sends no CORS headers", function()
        for _, reply in ipairs({ send(gw.address, "GET", "/clusters/my-cluster"), send(gw.address, "GET", "/clusters/x"),
            send(gw.address, "GET", "/", { Origin = "http://evil.example" }) }) do
            for name in pairs(reply.header) do
                assert.is_nil(name:find("^access%-control"), name)
            end
        end
    end)

    describe("refuses a web page", function()
        local before

        before_each(function()
            before = send(gw.address, "GET", "/clusters/my-cluster/access-entries").body
        end)

        after_each(function()
            assert.equal(before, send(gw.address, "GET", "/clusters/my-cluster/access-entries").body)
        end)

        local function evil(fields, status)
            local reply = create(gw.address, "arn:aws:iam::444455556666:role/evil", fields)
            assert.equal(status or 403, reply.status, cjson.encode(fields))
            return reply
        end

        it("by its Origin, even its own", function()
            for _, origin in ipairs({ "http://evil.example", "null", gw.address, "" }) do
                evil({ Origin = origin })
            end
            assert.equal(403, send(gw.address, "DELETE", "/clusters/my-cluster", { Origin = "null" }).status)
        end)

        it("by what its browser says about the site", function()
            for _, site in ipairs({ "cross-site", "same-site", "anything" }) do
                evil({ ["Sec-Fetch-Site"] = site })
            end
            assert.equal(403, send(gw.address, "GET", "/clusters", { ["Sec-Fetch-Site"] = "cross-site" }).status)
        end)

        it("by a name that was rebound to this address", function()
            local port = gw.address:match(":(%d+)$")
            for _, host in ipairs({ "evil.example", "evil.example:" .. port, "127.0.0.1:1", "127.0.0.2:" .. port,
                "localhost.evil.example:" .. port, "127.0.0.1" }) do
                evil({ Host = host })
                assert.equal(403, send(gw.address, "GET", "/clusters/my-cluster", { Host = host }).status, host)
            end
            assert.equal(200, send(gw.address, "GET", "/clusters", { Host = "localhost:" .. port }).status)
        end)

        it("by a body of a type that forms and plain scripts send", function()
            for _, kind in ipairs({ "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
                "text/plain; application/json", "text/plain;charset=application/json", "application/jsonx",
                "application/json, text/plain", "" }) do
                evil({ ["Content-Type"] = kind }, 415)
            end
            evil({ ["Content-Type"] = false }, 415)
        end)

        it("by a form in chunks", function()
            local reply = http.exchange(gw.address, "POST /clusters/my-cluster/access-entries HTTP/1.1\r\nHost: "
                .. http.host_of(gw.address) .. "\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                .. "2\r\n{}\r\n0\r\n\r\n")
            assert.equal(415, reply.status)
        end)

        it("that asks before it sends", function()
            local reply = send(gw.address, "OPTIONS", "/clusters/my-cluster/access-entries", {
                Origin = "http://evil.example", ["Access-Control-Request-Method"] = "POST",
            })
            assert.truthy(reply.status >= 400)
            assert.is_nil(reply.header["access-control-allow-origin"])
        end)

        it("and counts it", function()
            evil({ Origin = "null" })
            local metrics = http.get(gw:status_address(), "/metrics").body
            assert.truthy(tonumber(metrics:match("\neksgate_refused_foreign_total (%d+)\n")) > 0)
        end)
    end)

    it("takes JSON's type with parameters", function()
        local reply = create(gw.address, "arn:aws:iam::444455556666:role/typed",
            { ["Content-Type"] = "Application/JSON; charset=utf-8" })
        assert.equal(200, reply.status, reply.body)
    end)
end)

describe("auth = none", function()
    it("takes the names of the setting hosts, and on a unix socket any", function()
        local gw = gateway.start({ settings = settings({ hosts = { "eks.us-west-2.amazonaws.com" } }) })
        assert.equal(200, send(gw.address, "GET", "/clusters", { Host = "eks.us-west-2.amazonaws.com" }).status)
        assert.equal(403, send(gw.address, "GET", "/clusters", { Host = "eks.eu-west-1.amazonaws.com" }).status)
        gw:stop()
        gw = gateway.start({ settings = settings({ listen = { "unix:s" } }) })
        assert.equal(200, send(gw.address, "GET", "/clusters", { Host = "anything.example" }).status)
        assert.equal(403, send(gw.address, "GET", "/clusters", { Host = "x", Origin = "null" }).status)
        gw:stop()
    end)

    it("is for the region of the process where none is configured", function()
        local function region_of(more, environment)
            local gw = gateway.start({ settings = settings(more), environment = environment })
            local reply = send(gw.address, "GET", "/clusters/my-cluster")
            gw:stop()
            return cjson.decode(reply.body).cluster.arn:match("^arn:aws:eks:([^:]+):")
        end
        assert.equal("eu-north-1", region_of({ region = gateway.none }, { AWS_REGION = "eu-north-1" }))
        assert.equal("eu-west-3", region_of({ region = "*" }, { AWS_DEFAULT_REGION = "eu-west-3" }))
        assert.equal("us-west-2", region_of({}, { AWS_REGION = "eu-north-1" }))
    end)

    --- What `eksgate check` says to these settings.
    local function check(given)
        local gw = gateway.prepare({ settings = given })
        local code, _, said = gateway.run({ "check", "-c", gw.config })
        gw:forget()
        assert.equal(1, code)
        return said
    end

    it("is refused where others than this machine can reach a listener", function()
        has_text('0.0.0.0:0 can be reached from outside, and auth = "none" lets everybody in',
            check(settings({ listen = { "127.0.0.1:0", "0.0.0.0:0" } })))
    end)

    it("needs a caller that is a principal", function()
        has_text("caller: is missing, and auth is none", check(settings({ caller = gateway.none })))
        has_text('caller: is "me"; accepted: the ARN', check(settings({ caller = "me" })))
    end)

    it("is what caller is for", function()
        has_text('caller: is for auth = "none"; leave it out', check({ caller = APP }))
    end)
end)
