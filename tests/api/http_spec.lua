-- SPDX-License-Identifier: Apache-2.0
-- The front door over the wire: what is read, what is refused, and when the connection ends. Requests are written out
-- byte by byte; most need no signature, because how a message is framed is decided before anyone asks who sent it.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")

local host = "Host: 127.0.0.1\r\n"
local types = {
    [400] = "BadRequestException", [408] = "RequestTimeoutException", [413] = "RequestEntityTooLargeException",
    [417] = "ExpectationFailedException", [431] = "HeadersTooLargeException", [501] = "NotImplementedException",
    [505] = "HTTPVersionNotSupportedException",
}

describe("the front door", function()
    local gw
    local principal = "arn:aws:iam::012345678910:role/there"
    local quiet = { authorization = function() end }

    setup(function()
        gw = gateway.start({ settings = {
            http = { body_bytes = 4096, head_bytes = 4096, headers = 32 }, workers = 2,
            audit = { strangers_per_second = 100000 },
        } })
        expect.ok(gw:create({ principalArn = principal }))
    end)

    teardown(function()
        gw:stop()
    end)

    after_each(function()
        http.close_all()
    end)

    local function signed_get()
        return (gw:format({ method = "GET", target = gateway.entry_target(principal) }))
    end

    local function signed_create(with)
        local input = { principalArn = "arn:aws:iam::012345678910:role/" .. text.uuid() }
        return (gw:format(gateway.create_request(input, with)))
    end

    --- Sends bytes and expects a refusal of that status behind which the connection closes and nothing else is served.
    local function refuses(status, bytes)
        local client = gw:connect()
        client:send(bytes)
        local reply = client:read()
        assert.truthy(reply, "closed without a reply")
        assert.equal(status, reply.status, bytes:sub(1, 200) .. "\n" .. reply.body)
        assert.equal(types[status], reply.header["x-amzn-errortype"])
        assert.equal("string", type(cjson.decode(reply.body).message))
        assert.equal("close", reply.header["connection"])
        assert.is_true(client:is_closed())
        client:close()
        return reply
    end

    describe("refuses, and closes", function()
        local smuggled = "GET /smuggled HTTP/1.1\r\n" .. host .. "\r\n"
        local start = "POST /clusters/my-cluster/access-entries HTTP/1.1\r\n" .. host
        local cases = {
            ["Content-Length with Transfer-Encoding"] =
                start .. "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" .. smuggled,
            ["Transfer-Encoding with Content-Length"] =
                start .. "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" .. smuggled,
            ["two different lengths"] = start .. "Content-Length: 0\r\nContent-Length: 36\r\n\r\n" .. smuggled,
            ["the same length twice"] = start .. "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
            ["a list of lengths"] = start .. "Content-Length: 5, 5\r\n\r\nhello",
            ["a length with a sign"] = start .. "Content-Length: +5\r\n\r\nhello",
            ["a negative length"] = start .. "Content-Length: -5\r\n\r\nhello",
            ["a length in hex"] = start .. "Content-Length: 0x5\r\n\r\nhello",
            ["a length with a space in it"] = start .. "Content-Length: 1 0\r\n\r\n0123456789",
            ["an empty length"] = start .. "Content-Length: \r\n\r\n",
            ["a space before the colon"] = start .. "Content-Length : 5\r\n\r\nhello",
            ["a space before the colon of the coding"] = start .. "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            ["a tab before the colon"] = start .. "X-A\t: 5\r\n\r\n",
            ["a folded line"] = start .. "X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
            ["a folded first line"] = "GET / HTTP/1.1\r\n Host: a\r\n" .. host .. "\r\n",
            ["a bare LF"] = "GET / HTTP/1.1\n" .. host .. "\r\n",
            ["a bare LF between fields"] = start .. "X-A: a\nX-B: b\r\n\r\n",
            ["a bare LF at the end"] = start .. "X-A: a\r\n\n",
            ["a bare CR"] = start .. "X-A: a\rX-B: b\r\n\r\n",
            ["NUL in a value"] = start .. "X-A: a\0b\r\n\r\n",
            ["a control byte in a value"] = start .. "X-A: a\1b\r\n\r\n",
            ["DEL in a value"] = start .. "X-A: a\127b\r\n\r\n",
            ["an empty name"] = start .. ": a\r\n\r\n",
            ["a name with an illegal character"] = start .. "X(A): a\r\n\r\n",
            ["a name in 8 bits"] = start .. "X\xc3\xa9: a\r\n\r\n",
            ["a line without colon"] = start .. "X-A\r\n\r\n",
            ["no Host"] = "GET / HTTP/1.1\r\nX-A: a\r\n\r\n",
            ["two Hosts"] = "GET / HTTP/1.1\r\n" .. host .. host .. "\r\n",
            ["a Host with a path"] = "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            ["a Host with a user"] = "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
            ["two Hosts in one"] = "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            ["absolute form that disagrees with Host"] = "GET http://other/clusters HTTP/1.1\r\n" .. host .. "\r\n",
            ["authority form"] = "CONNECT 127.0.0.1:80 HTTP/1.1\r\n" .. host .. "\r\n",
            ["the asterisk form"] = "OPTIONS * HTTP/1.1\r\n" .. host .. "\r\n",
            ["an empty Host"] = "GET / HTTP/1.1\r\nHost: \r\n\r\n",
            ["a target without slash"] = "GET clusters HTTP/1.1\r\n" .. host .. "\r\n",
            ["a target with a space"] = "GET /a b HTTP/1.1\r\n" .. host .. "\r\n",
            ["a target with a tab"] = "GET /a\tb HTTP/1.1\r\n" .. host .. "\r\n",
            ["a target with a control byte"] = "GET /a\1 HTTP/1.1\r\n" .. host .. "\r\n",
            ["a target in 8 bits"] = "GET /\xe1\x88\xb4 HTTP/1.1\r\n" .. host .. "\r\n",
            ["a fragment"] = "GET /a#b HTTP/1.1\r\n" .. host .. "\r\n",
            ["no target"] = "GET  HTTP/1.1\r\n" .. host .. "\r\n",
            ["two spaces"] = "GET  / HTTP/1.1\r\n" .. host .. "\r\n",
            ["no version"] = "GET /\r\n" .. host .. "\r\n",
            ["a version in lower case"] = "GET / http/1.1\r\n" .. host .. "\r\n",
            ["a method that is no token"] = "G{T / HTTP/1.1\r\n" .. host .. "\r\n",
            ["a space before the method"] = " GET / HTTP/1.1\r\n" .. host .. "\r\n",
            ["HTTP/1.0 with chunks"] =
                "POST / HTTP/1.0\r\n" .. host .. "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ["a body on HEAD"] = "HEAD / HTTP/1.1\r\n" .. host .. "Content-Length: " .. #smuggled .. "\r\n\r\n" .. smuggled,
            ["chunks on HEAD"] = "HEAD / HTTP/1.1\r\n" .. host .. "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ["TLS"] = "\22\3\1\2\0\1\0\1\252\3\3\r\n\r\n",
        }
        for what, bytes in pairs(cases) do
            it(what, function()
                refuses(400, bytes)
            end)
        end

        it("codings that it doesn't know", function()
            for _, coding in ipairs({
                "gzip, chunked", "gzip", "identity", "chunked, chunked", "", "xchunked", "chunked;q=1", "\"chunked\"",
            }) do
                refuses(400, start .. "Transfer-Encoding: " .. coding .. "\r\n\r\n0\r\n\r\n")
            end
        end)

        it("two codings in two fields", function()
            refuses(400, start .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n")
        end)

        it("lengths that wrap", function()
            refuses(413, start .. "Content-Length: 18446744073709551621\r\n\r\nhello")
            refuses(413, start .. "Content-Length: 99999999999999999999999999\r\n\r\nhello")
        end)

        it("versions other than 1.0 and 1.1", function()
            for _, version in ipairs({ "2.0", "0.9", "1.2", "1.9", "3.0" }) do
                local reply = refuses(505, "GET / HTTP/" .. version .. "\r\n" .. host .. "\r\n")
                assert.equal("HTTP/1.1", reply.version)
            end
            refuses(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        end)

        it("expectations that it can't meet", function()
            refuses(417, start .. "Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello")
        end)
    end)

    describe("reads chunks", function()
        -- Signs a create whose body travels in the chunks given; their data must be the body.
        local function chunked(body, chunks)
            return (gw:format(gateway.create_request(body, { extra = { { "Transfer-Encoding", "chunked" } } })
            ):gsub("\r\n\r\n.*$", function() return "\r\n\r\n" .. chunks end))
        end

        local function fresh()
            return '{"principalArn":"arn:aws:iam::012345678910:role/' .. text.uuid() .. '"}'
        end

        local function in_chunks(body, size, extension)
            local out = {}
            for i = 1, #body, size do
                local piece = body:sub(i, i + size - 1)
                out[#out + 1] = string.format("%x%s\r\n%s\r\n", #piece, extension or "", piece)
            end
            return table.concat(out) .. "0\r\n\r\n"
        end

        it("of any size, and verifies the body's hash over their data", function()
            for _, size in ipairs({ 1, 7, 1000 }) do
                local body = fresh()
                local reply = http.exchange(gw.address, chunked(body, in_chunks(body, size)))
                assert.equal(200, reply.status, reply.body)
            end
        end)

        it("that arrive byte by byte", function()
            local body = fresh()
            local bytes = chunked(body, in_chunks(body, 20))
            local client = gw:connect()
            for i = 1, #bytes do
                client:send(bytes:sub(i, i))
            end
            assert.equal(200, client:read().status)
        end)

        it("with extensions, leading zeros, upper-case hex and trailers, which it drops", function()
            local body = fresh()
            assert.equal(200, http.exchange(gw.address, chunked(body, in_chunks(body, 30, ";a=b"))).status)
            body = fresh()
            assert.equal(200, http.exchange(gw.address,
                chunked(body, string.format("000%X\r\n%s\r\n0\r\nX-Trailer: a\r\n\r\n", #body, body))).status)
        end)

        it("and keeps the connection", function()
            local body = fresh()
            local client = gw:connect()
            client:send(chunked(body, in_chunks(body, 10)) .. signed_get())
            assert.equal(200, client:read().status)
            assert.equal(200, client:read().status)
        end)

        for what, frame in pairs({
            ["a size with 0x"] = "0x5\r\nhello\r\n0\r\n\r\n",
            ["a size with a sign"] = "+5\r\nhello\r\n0\r\n\r\n",
            ["a size with junk"] = "5 junk\r\nhello\r\n0\r\n\r\n",
            ["a size that wraps"] = "ffffffffffffffff1\r\nhello\r\n0\r\n\r\n",
            ["no size"] = "\r\nhello\r\n0\r\n\r\n",
            ["data longer than its size"] = "4\r\nhello\r\n0\r\n\r\n",
            ["no CRLF behind the data"] = "5\r\nhello0\r\n\r\n",
            ["a bare LF behind the size"] = "5\nhello\r\n0\r\n\r\n",
            ["a bare LF behind the data"] = "5\r\nhello\n0\r\n\r\n",
            ["a bare LF at the end"] = "5\r\nhello\r\n0\r\n\n",
            ["a control byte in an extension"] = "5;a=\1\r\nhello\r\n0\r\n\r\n",
            ["a trailer that is no field"] = "5\r\nhello\r\n0\r\nnonsense\r\n\r\n",
        }) do
            it("and refuses " .. what, function()
                refuses(400, chunked("hello", frame))
            end)
        end

        it("and refuses more than the cap, without waiting for the end", function()
            local piece = string.rep("x", 1024)
            local client = gw:connect()
            client:send(chunked(piece, string.rep("400\r\n" .. piece .. "\r\n", 5)))
            assert.equal(413, client:read().status)
            assert.is_true(client:is_closed())
        end)
    end)

    describe("holds caps", function()
        it("on the declared body, before it comes", function()
            local client = gw:connect()
            client:send((gw:format(gateway.create_request("x", { extra = { { "Content-Length", "4097" } } }))))
            assert.equal(413, client:read().status)
            assert.is_true(client:is_closed())
        end)

        it("on the body, to the byte", function()
            local input = '{"principalArn":"arn:aws:iam::012345678910:role/' .. text.uuid() .. '"}'
            assert.equal(200, gw:create(input .. string.rep(" ", 4096 - #input)).status)
            assert.equal(413, gw:create(input .. string.rep(" ", 4097 - #input)).status)
        end)

        it("on the head", function()
            local start = "GET / HTTP/1.1\r\n" .. host .. "X-A: "
            assert.equal(403, http.exchange(gw.address,
                start .. string.rep("a", 4096 - #start - 4) .. "\r\n\r\n").status)
            refuses(431, start .. string.rep("a", 4097 - #start - 4) .. "\r\n\r\n")
        end)

        it("on a head without an end", function()
            local client = gw:connect()
            client:send("GET /" .. string.rep("a", 5000))
            assert.equal(431, client:read().status)
            assert.is_true(client:is_closed())
        end)

        it("on the number of fields", function()
            assert.equal(403, http.exchange(gw.address,
                "GET / HTTP/1.1\r\n" .. host .. string.rep("X: a\r\n", 31) .. "\r\n").status)
            refuses(431, "GET / HTTP/1.1\r\n" .. host .. string.rep("X: a\r\n", 32) .. "\r\n")
        end)
    end)

    describe("keeps connections", function()
        it("for further requests", function()
            local client = gw:connect()
            for _ = 1, 5 do
                client:send(signed_get())
                local reply = client:read()
                assert.equal(200, reply.status)
                assert.equal("keep-alive", reply.header["connection"])
            end
        end)

        it("and answers pipelined requests in their order", function()
            local names = { "there", "nobody", "there", "nobody" }
            local bytes, client = {}, gw:connect()
            for i, name in ipairs(names) do
                bytes[i] = gw:format({ method = "GET",
                    target = gateway.entry_target("arn:aws:iam::012345678910:role/" .. name) })
            end
            client:send(table.concat(bytes))
            for _, name in ipairs(names) do
                assert.equal(name == "there" and 200 or 404, client:read().status)
            end
        end)

        it("and answers a hundred pipelined changes, each once", function()
            local bytes, client = {}, gw:connect()
            for i = 1, 100 do
                bytes[i] = signed_create()
            end
            client:send(table.concat(bytes))
            for _ = 1, 100 do
                assert.equal(200, client:read().status)
            end
        end)

        it("when a request arrives in pieces of any size", function()
            local bytes = signed_create()
            for _, size in ipairs({ 1, 3, 100 }) do
                local client = gw:connect()
                local one = size == 1 and bytes or signed_create()
                for i = 1, #one, size do
                    client:send(one:sub(i, i + size - 1))
                end
                assert.equal(200, client:read().status)
                client:close()
            end
        end)

        it("after an error that says nothing about the framing", function()
            local client = gw:connect()
            client:send((gw:format({ method = "GET", target = "/nothing" })))
            assert.equal(403, client:read().status)
            client:send(signed_get())
            assert.equal(200, client:read().status)
        end)

        it("until the client asks to close", function()
            for _, value in ipairs({ "close", "Close", "x, close" }) do
                local client = gw:connect()
                client:send((gw:format({ method = "GET", target = gateway.entry_target(principal),
                    extra = { { "Connection", value } } })))
                local reply = client:read()
                assert.equal(200, reply.status)
                assert.equal("close", reply.header["connection"])
                assert.is_true(client:is_closed())
            end
        end)

        it("with an empty line before a request, once", function()
            local client = gw:connect()
            client:send("\r\n" .. signed_get())
            assert.equal(200, client:read().status)
        end)

        it("when the client has finished sending", function()
            local client = gw:connect()
            client:send(signed_get())
            client:finish_sending()
            assert.equal(200, client:read().status)
            assert.is_true(client:is_closed())
        end)

        it("and survives clients that leave in the middle", function()
            for cut = 1, 200, 40 do
                local client = gw:connect()
                client:send(signed_create():sub(1, cut))
                client:reset()
            end
            local client = gw:connect()
            client:send(signed_create())
            client:reset()
            assert.equal(200, http.exchange(gw.address, signed_get()).status)
        end)
    end)

    describe("answers HTTP/1.0", function()
        it("and closes", function()
            local client = gw:connect()
            client:send((gw:format({ method = "GET", target = gateway.entry_target(principal), version = "1.0" })))
            local reply = client:read()
            assert.equal(200, reply.status)
            assert.equal("close", reply.header["connection"])
            assert.is_true(client:is_closed())
        end)

        it("and closes whatever Connection says", function()
            local client = gw:connect()
            client:send((gw:format({ method = "GET", target = gateway.entry_target(principal), version = "1.0",
                extra = { { "Connection", "keep-alive" } } })))
            assert.equal(200, client:read().status)
            assert.is_true(client:is_closed())
        end)
    end)

    describe("answers HEAD", function()
        it("with the length and without the body", function()
            local client = gw:connect()
            client:send((gw:format({ method = "HEAD", target = gateway.entry_target(principal) })))
            local reply = client:read({ head = true })
            assert.is_true(tonumber(reply.header["content-length"]) > 0)
            client:send(signed_get())
            assert.equal(200, client:read().status)
        end)
    end)

    describe("takes absolute form", function()
        it("when it agrees with Host", function()
            local where = http.host_of(gw.address)
            local bytes = signed_get():gsub("^GET /", "GET http://" .. where .. "/")
            assert.equal(200, http.exchange(gw.address, bytes).status)
        end)
    end)

    describe("says 100 Continue", function()
        local function ask(request)
            local bytes = gw:format(request)
            local head, body = bytes:match("^(.-\r\n\r\n)(.*)$")
            local client = gw:connect()
            client:send(head)
            return client, body
        end

        it("once the head is found good, then reads the body", function()
            local client, body = ask(gateway.create_request(
                { principalArn = "arn:aws:iam::012345678910:role/" .. text.uuid() },
                { extra = { { "Expect", "100-continue" } } }))
            assert.equal(100, client:read().status)
            client:send(body)
            assert.equal(200, client:read().status)
        end)

        it("to nobody whose head is refused", function()
            local client = ask(gateway.create_request({ principalArn = "x" },
                { extra = { { "Expect", "100-continue" } }, key = { id = "AKIANOBODY", secret = "x" } }))
            assert.equal(403, client:read().status)
            assert.is_true(client:is_closed())
        end)

        it("to nobody whose body is declared too long", function()
            local client = gw:connect()
            client:send((gw:format(gateway.create_request(string.rep(" ", 5000),
                { extra = { { "Expect", "100-continue" } } })):match("^(.-\r\n\r\n)")))
            assert.equal(413, client:read().status)
        end)
    end)

    it("refuses a stranger before the body is sent", function()
        local client = gw:connect()
        client:send((gw:format(gateway.create_request(string.rep(" ", 4000), quiet)):match("^(.-\r\n\r\n)")))
        assert.equal(403, client:read().status)
        assert.is_true(client:is_closed())
    end)
end)
