-- SPDX-License-Identifier: Apache-2.0
-- DescribeAccessEntry as a client sees it, and the headers that every reply carries.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

local function names_of(reply)
    local names = {}
    for i, field in ipairs(reply.fields) do
        names[i] = field[1]
    end
    return names
end

describe("DescribeAccessEntry", function()
    local gw, made
    local principal = role("team/dev/w+=,.@-x")

    setup(function()
        gw = gateway.start({ settings = { clusters = {
            ["my-cluster"] = { accessConfig = { authenticationMode = "API" } },
            ["old"] = { accessConfig = { authenticationMode = "CONFIG_MAP" } },
        } } })
        made = gw:create({ principalArn = principal, tags = { a = "1" }, kubernetesGroups = { "g" } })
        expect.ok(made)
    end)

    teardown(function()
        gw:stop()
    end)

    it("answers the bytes that create answered", function()
        local reply = gw:describe(principal)
        assert.equal(200, reply.status)
        assert.equal(made.body, reply.body)
    end)

    it("takes every spelling of the same ARN in the path", function()
        local base = gateway.entries_target() .. "/"
        local spellings = {
            text.escape(principal),
            (text.escape(principal):gsub("%%%x%x", string.lower)),
            (principal:gsub("/", "%%2F")),
            (text.escape(principal):gsub("%%3A", ":")),
        }
        for _, spelling in ipairs(spellings) do
            local reply = gw:request({ method = "GET", target = base .. spelling })
            assert.equal(200, reply.status, spelling .. " " .. reply.body)
        end
    end)

    it("decodes the path once, not twice", function()
        local odd = role("a%2Fb/r")
        expect.ok(gw:create({ principalArn = odd }))
        assert.equal(odd, expect.ok(gw:describe(odd)).accessEntry.principalArn)
        assert.equal(404, gw:describe(role("a/b/r")).status)
        assert.equal(404, gw:describe((odd:gsub("%%2F", "%%252F"))).status)
    end)

    it("answers 404 for a principal without an entry", function()
        local body = expect.error(gw:describe(role("nobody")), 404, "ResourceNotFoundException", expect.not_found)
        assert.equal(cjson.null, body.nodegroupName)
    end)

    it("answers 404 for an unknown cluster", function()
        expect.error(gw:describe(principal, { cluster = "nowhere" }), 404, "ResourceNotFoundException",
            "No cluster found for name: nowhere.")
    end)

    it("is refused on a CONFIG_MAP cluster", function()
        expect.error(gw:describe(principal, { cluster = "old" }), 400, "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            .. "operation.")
    end)

    it("answers an ARN that is none without looking for it", function()
        expect.error(gw:describe("nonsense"), 400, expect.invalid, expect.bad_arn)
    end)

    it("is also answered behind a body-less connection that stays open", function()
        local client = gw:connect()
        for _ = 1, 3 do
            client:send((gw:format({ method = "GET", target = gateway.entry_target(principal) })))
            assert.equal(made.body, client:read().body)
        end
        client:close()
    end)

    describe("sends the headers of a real reply", function()
        it("in EKS's order, and nothing else", function()
            local reply = gw:describe(principal)
            assert.same({
                "Date", "Content-Type", "Content-Length", "x-amzn-RequestId", "Access-Control-Allow-Origin",
                "Access-Control-Allow-Headers", "x-amz-apigw-id", "Access-Control-Allow-Methods",
                "Access-Control-Expose-Headers", "X-Amzn-Trace-Id", "Connection",
            }, names_of(reply))
            assert.equal("HTTP/1.1", reply.version)
            assert.equal("OK", reply.reason)
        end)

        it("with their values", function()
            local header = gw:describe(principal).header
            assert.equal("application/json", header["content-type"])
            assert.equal("keep-alive", header["connection"])
            assert.equal("*", header["access-control-allow-origin"])
            assert.equal("*,Authorization,Date,X-Amz-Date,X-Amz-Security-Token,X-Amz-Target,content-type,"
                .. "x-amz-content-sha256,x-amz-user-agent,x-amzn-platform-id,x-amzn-trace-id",
                header["access-control-allow-headers"])
            assert.equal("GET,HEAD,PUT,POST,DELETE,OPTIONS", header["access-control-allow-methods"])
            assert.equal("x-amzn-errortype,x-amzn-errormessage,x-amzn-trace-id,x-amzn-requestid,x-amz-apigw-id,date",
                header["access-control-expose-headers"])
            expect.template("<uuid>", header["x-amzn-requestid"])
            assert.truthy(header["x-amz-apigw-id"]:find("^[A-Za-z0-9_-]+=$"))
            assert.equal(16, #header["x-amz-apigw-id"])
            assert.truthy(header["x-amzn-trace-id"]:find("^Root=1%-%x%x%x%x%x%x%x%x%-" .. string.rep("%x", 24) .. "$"))
        end)

        it("with the time of now in GMT", function()
            local date = gw:describe(principal).header["date"]
            local near = {}
            for offset = -2, 2 do
                near[os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + offset)] = true
            end
            assert.is_true(near[date], date)
        end)

        it("with ids that no two replies share", function()
            local seen = {}
            for _ = 1, 20 do
                local header = gw:describe(principal).header
                for _, name in ipairs({ "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id" }) do
                    assert.is_nil(seen[header[name]])
                    seen[header[name]] = true
                end
            end
        end)

        it("on errors too, with the error's type behind the request's id", function()
            local names = names_of(gw:describe(role("nobody")))
            assert.equal("x-amzn-RequestId", names[4])
            assert.equal("x-amzn-ErrorType", names[5])
            assert.equal("Access-Control-Allow-Origin", names[6])
        end)

        it("on refusals of strangers too", function()
            local header = gw:describe(principal, { key = { id = "AKIANOBODY", secret = "x" } }).header
            assert.equal("application/json", header["content-type"])
            expect.template("<uuid>", header["x-amzn-requestid"])
            assert.truthy(header["x-amz-apigw-id"])
        end)

        it("without CORS when the setting says so", function()
            local quiet = gateway.start({ settings = { http = { cors_headers = false } } })
            local names = names_of(quiet:describe(principal))
            assert.same({
                "Date", "Content-Type", "Content-Length", "x-amzn-RequestId", "x-amzn-ErrorType", "x-amz-apigw-id",
                "X-Amzn-Trace-Id", "Connection",
            }, names)
            quiet:stop()
        end)
    end)
end)
