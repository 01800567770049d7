-- SPDX-License-Identifier: Apache-2.0
-- Large replies that nobody in between looks into: they pass through while they come, and no faster than the client takes
-- them.

local lfs = require("lfs")
local eks = require("support.eks")
local fault_upstream = require("support.fault_upstream")
local gateway = require("support.gateway")
local http = require("support.http")
local text = require("support.text")
local tls = require("support.tls")
local upstream = require("support.upstream")

local size = 5000000

--- More than the kernel's buffers between upstream and client hold.
local endless = 40000000

local function expected(length)
    local lines = {}
    for i = 0, length // 8 do
        lines[#lines + 1] = ("%07d\n"):format(i)
    end
    return table.concat(lines):sub(1, length)
end

--- In KiB: what the process had at most since the last call of `forget_peak`.
local function peak_of(pid)
    return tonumber(text.read_file("/proc/" .. pid .. "/status"):match("VmHWM:%s*(%d+) kB"))
end

local function forget_peak(pid)
    text.write_file("/proc/" .. pid .. "/clear_refs", "5")
end

--- Waits until the connection has brought so many bytes; they stay in its buffer.
local function await_bytes(client, count)
    while #client.buffer < count do
        assert(not client.ended, "the connection ended")
        client.stream:settimeout(10 * text.patience)
        local bytes, problem = client.stream:receive(math.min(count - #client.buffer, 65536))
        assert(bytes, problem)
        client.buffer = client.buffer .. bytes
    end
end

describe("a large reply", function()
    local faults, whole

    setup(function()
        faults = fault_upstream.start()
        whole = expected(size)
    end)

    teardown(function()
        faults:stop()
    end)

    after_each(function()
        gateway.stop_all()
    end)

    local function start(endpoint, options)
        options = options or { settings = {} }
        options.settings.admin = "127.0.0.1:0"
        options.upstream = { credentials = "caller", proxy = "none", ca_file = faults.ca, breaker_failures = 0, reply_bytes = 64000000 }
        return gateway.start(upstream.front(endpoint, options))
    end

    local function describe_in(cluster)
        return eks.requests.describe_cluster(cluster)
    end

    --- Sends the request on a connection whose kernel buffers little.
    local function ask_slowly(gw, cluster)
        local client = gw:connect()
        client.stream:setoption("recv-buffer-size", 131072)
        client:send((gw:format(describe_in(cluster))))
        return client
    end

    local function forwards(gw)
        local metrics = http.get(gw.admin, "/metrics").body
        local function count(name)
            return tonumber(metrics:match("\neksgate_forwards_" .. name .. "_total (%d+)"))
        end
        return { answered = count("answered"), unknown = count("unknown") }
    end

    it("arrives as it was sent, one after the other on the same connections", function()
        local gw = start(faults.plain)
        local client = gw:connect()
        for _ = 1, 3 do
            client:send((gw:format(describe_in("large-" .. size))))
            local reply = client:read({ seconds = 20 })
            assert.equal(200, reply.status)
            assert.equal("text/plain", reply.header["content-type"])
            assert.equal("large", reply.header["x-amzn-requestid"])
            assert.equal(36, #reply.header["x-eksgate-requestid"])
            assert.is_true(reply.body == whole)
        end
        local seen = faults:seen("large-" .. size)
        assert.equal(seen[1].connection, seen[#seen].connection)
        assert.same({ answered = 3, unknown = 0 }, forwards(gw))
        gw:stop()
    end)

    it("passes through with all of the upstream's fields where the upstream verifies who asks", function()
        local gw = gateway.start(upstream.passing(faults.plain, { settings = { audit = gateway.none } }))
        local client = gw:connect()
        local request = setmetatable({ host = upstream.host(faults.plain) },
            { __index = describe_in("large-" .. size) })
        client:send((gw:format(request)))
        local reply = client:read({ seconds = 20 })
        assert.equal("large", reply.header["x-amzn-requestid"])
        assert.is_nil(reply.header["x-amz-apigw-id"])
        assert.is_true(reply.body == whole)
        request.target = describe_in("half-" .. size).target
        client:send((gw:format(request)))
        local ok, problem = pcall(client.read, client, { seconds = 20 })
        assert.is_false(ok)
        assert.truthy(tostring(problem):find("ended within a body", 1, true), tostring(problem))
        gw:stop()
    end)

    it("arrives over TLS on both sides, also when its reader stands still for a while", function()
        local folder = text.make_folder()
        local authority = tls.authority(folder, "clients-trust")
        local pair = authority:make("server", { names = { "127.0.0.1" } })
        local gw = start(faults.good, {
            settings = { listen = { { address = "127.0.0.1:0", certificate = pair.certificate, key = pair.key } } },
        })
        local function ask(length)
            local session = tls.connect(gw.address, folder, { "-CAfile", authority.file })
            session:send((gw:format(describe_in("large-" .. length))))
            return session
        end
        local function await_body(session, body)
            assert.is_truthy(text.wait_for(function()
                return (lfs.attributes(session.out, "size") or 0) > #body
                    and session:received():match("\r\n\r\n()") + #body == lfs.attributes(session.out, "size") + 1
            end, 30), "it never came whole")
            assert.is_true(session:received():sub(-#body) == body)
            session:kill()
        end
        local slow = ask(endless)
        slow:await("\r\n\r\n0000000\n")
        slow.process:signal("STOP")
        await_body(ask(size), whole)
        slow.process:signal("CONT")
        await_body(slow, expected(8000000):rep(endless // 8000000))
        gw:stop()
        text.remove_folder(folder)
    end)

    it("reaches its client before it has left the upstream, and is held for nobody who is slow", function()
        local gw = start(faults.plain, { settings = { workers = 1 } })
        local long = "large-8000000"
        local clients = {}
        assert.equal(200, gw:request(describe_in(long)).status) -- what is used once is there
        forget_peak(gw.pid)
        local before = peak_of(gw.pid)
        for i = 1, 20 do
            clients[i] = ask_slowly(gw, long)
        end
        for _, client in ipairs(clients) do
            await_bytes(client, 100000)
            assert.truthy(client.buffer:find("\r\n\r\n0000000\n0000001\n", 1, true))
        end
        assert.equal(200, gw:request(describe_in("large-70000")).status) -- others aren't held up
        for i, client in ipairs(clients) do
            if i > 2 then
                client:close()
            else
                assert.is_true(client:read({ seconds = 30 }).body == expected(8000000))
            end
        end
        if text.patience == 1 then
            local grown = peak_of(gw.pid) - before
            assert.is_true(grown < 6 * 1024, "20 replies of 8 MB took " .. grown .. " KiB")
        end
        gw:stop()
    end)

    it("ends before its length where the upstream's does, and the next request is answered", function()
        local gw = start(faults.plain)
        for _, cluster in ipairs({ "half-" .. size, "surplus-" .. size }) do
            local client = gw:connect()
            client:send((gw:format(describe_in(cluster))))
            local ok, problem = pcall(client.read, client, { seconds = 20 })
            assert.is_false(ok)
            assert.truthy(tostring(problem):find("ended within a body", 1, true), tostring(problem))
            local reply = gw:request(describe_in("large-" .. size))
            assert.is_true(reply.body == whole)
        end
        assert.same({ answered = 2, unknown = 2 }, forwards(gw))
        local broken = upstream.records(gw, 2, function(record)
            return record.errorCode == "ServerException"
        end)
        assert.equal("DescribeCluster", broken[1].eventName)
        gw:stop()
    end)

    it("is not fetched any further when the client leaves", function()
        local gw = start(faults.plain)
        local cluster = "large-" .. endless + 2
        for _, leave in ipairs({ "close", "reset" }) do
            local client = ask_slowly(gw, cluster)
            await_bytes(client, 70000)
            client[leave](client)
        end
        assert.is_truthy(text.wait_for(function()
            local seen = faults:seen(cluster)
            return seen[1].refused and seen[2].refused
        end, 20))
        assert.equal(0, forwards(gw).unknown)
        assert.equal(200, gw:request(describe_in("large-70000")).status)
        gw:stop()
    end)

    it("is cut off where its client takes too long", function()
        local gw = start(faults.plain, { settings = { http = { reply_timeout = 0.3 } } })
        local cluster = "large-" .. endless + 1
        local client = ask_slowly(gw, cluster)
        assert.is_truthy(text.wait_for(function()
            local seen = faults:seen(cluster)
            return seen[1] and seen[1].refused
        end, 20))
        local ok = pcall(client.read, client, { seconds = 20 })
        assert.is_false(ok)
        gw:stop()
    end)

    it("is told whole to those who look into it", function()
        local curious = 'return { name = "curious", outcome = function(record) assert(#record.reply > 4000000) end }\n'
        for _, options in ipairs({
            { settings = { audit = { file = "audit.jsonl", record = "all" } } },
            { settings = {}, policies = { curious } },
        }) do
            local gw = start(faults.plain, options)
            assert.is_true(gw:request(describe_in("large-" .. size)).body == whole)
            local reply = gw:request(describe_in("half-" .. size))
            assert.equal(500, reply.status)
            gw:stop()
        end
    end)

    it("ends a stop of the gateway only when it is through", function()
        local gw = start(faults.plain)
        local client = ask_slowly(gw, "large-" .. size)
        await_bytes(client, 70000)
        gw:signal("TERM")
        assert.is_true(client:read({ seconds = 20 }).body == whole)
        assert.equal(0, gw.process:wait(20))
    end)
end)
