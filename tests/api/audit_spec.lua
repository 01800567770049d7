-- SPDX-License-Identifier: Apache-2.0
-- The audit file: a line per change and per refusal, in CloudTrail's shape, there before the reply is.

local cjson = require("cjson")
local lfs = require("lfs")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local sigv4 = require("support.sigv4")
local text = require("support.text")

local function role(name)
    return "arn:aws:iam::012345678910:role/" .. name
end

describe("the audit file", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function start(audit, more)
        local settings = more or {}
        settings.audit = audit
        gw = gateway.start({ settings = settings })
    end

    it("has the change's line when the reply is read, durable or not", function()
        for _, durable in ipairs({ true, false }) do
            start({ file = "audit.jsonl", durable = durable })
            for i = 1, 20 do
                local reply = gw:create({ principalArn = role("r" .. i) })
                expect.ok(reply)
                local all = gw:audit()
                assert.equal(i, #all)
                assert.equal(reply.header["x-amzn-requestid"], all[i].requestID)
            end
            gw:stop()
        end
    end)

    it("has the shape of CloudTrail's records", function()
        start({})
        local principal = role("team/dev")
        local reply = gw:create({ principalArn = principal, tags = { a = "1" } },
            { extra = { { "User-Agent", "agent/1 (x)" } } })
        local made = expect.ok(reply)
        local record = gw:audit()[1]
        assert.equal("eks.amazonaws.com", record.eventSource)
        assert.equal("CreateAccessEntry", record.eventName)
        assert.equal("AwsApiCall", record.eventType)
        assert.equal("us-west-2", record.awsRegion)
        assert.equal("127.0.0.1", record.sourceIPAddress)
        assert.equal("agent/1 (x)", record.userAgent)
        assert.equal("012345678910", record.recipientAccountId)
        assert.equal(reply.header["x-amzn-requestid"], record.requestID)
        expect.template("<uuid>", record.eventID)
        assert.truthy(record.eventVersion:find("^1%.%d+$"))
        assert.truthy(record.eventTime:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$"))
        assert.is_true(record.readOnly == false)
        assert.is_nil(record.errorCode)
        local identity = record.userIdentity
        assert.equal("IAMUser", identity.type)
        assert.equal(gateway.key.arn, identity.arn)
        assert.equal("012345678910", identity.accountId)
        assert.equal(gateway.key.id, identity.accessKeyId)
        assert.equal("tester", identity.userName)
        assert.same({ name = "my-cluster", principalArn = principal, tags = { a = "1" } }, record.requestParameters)
        assert.same(made, record.responseElements)
    end)

    it("has one line per record, whatever the input holds", function()
        start({})
        expect.ok(gw:create({ principalArn = role("r"), tags = { a = "x y" } },
            { extra = { { "User-Agent", 'a"\\b' } } }))
        gw:create('{"principalArn":"a\\nb\\u0000","username":"\\u2028"}')
        local lines = 0
        for line in text.read_file(gw.audit_file):gmatch("[^\n]*\n") do
            lines = lines + 1
            cjson.decode(line)
        end
        assert.equal(2 + #gw:audit_events(), lines)
    end)

    it("takes bodies past a record's 64 KiB by size and hash", function()
        local groups = {}
        for i = 1, 100 do
            groups[i] = string.format("%03d", i) .. ("\u{e9}"):rep(120)
        end
        local tags = {}
        for i = 1, 50 do
            tags["k" .. i] = ("\u{20ac}"):rep(256)
        end
        start({ file = "audit.jsonl" })
        expect.ok(gw:create({ principalArn = role("large"), kubernetesGroups = groups, tags = tags }))
        local record = gw:audit()[1]
        assert.equal("number", type(record.requestParameters.omittedBytes))
        assert.equal(64, #record.requestParameters.sha256)
        assert.is_true(record.responseElements.omittedBytes > 60000)
        assert.equal("CreateAccessEntry", record.eventName)
    end)

    it("names the role of an assumed role's session", function()
        local key = { id = "ASIAEKSGATETEST00001", secret = "s", token = "t",
            arn = "arn:aws:sts::012345678910:assumed-role/deployer/run-1" }
        gw = gateway.start({ keys = { key } })
        expect.ok(gw:create({ principalArn = role("r") }, { key = key }))
        local identity = gw:audit()[1].userIdentity
        assert.equal("AssumedRole", identity.type)
        assert.equal(key.arn, identity.arn)
    end)

    it("has refusals of known callers, with EKS's code and words", function()
        start({})
        expect.ok(gw:create({ principalArn = role("r") }))
        gw:create({ principalArn = role("r") })
        gw:create({ principalArn = "nonsense" })
        gw:describe(role("nobody"))
        local all = gw:audit()
        assert.equal(4, #all)
        assert.equal("ResourceInUseException", all[2].errorCode)
        assert.equal(expect.in_use, all[2].errorMessage)
        assert.equal("InvalidParameterException", all[3].errorCode)
        assert.equal(expect.bad_arn, all[3].errorMessage)
        assert.equal("ResourceNotFoundException", all[4].errorCode)
        assert.equal(text.escape(role("nobody")), all[4].requestParameters.principalArn)
        for i = 2, 4 do
            assert.is_true(all[i].responseElements == nil or all[i].responseElements == cjson.null)
        end
    end)

    it("has reads only when record is all", function()
        start({})
        expect.ok(gw:create({ principalArn = role("r") }))
        expect.ok(gw:describe(role("r")))
        assert.equal(1, #gw:audit())
        gw:stop()
        start({ record = "all" })
        expect.ok(gw:create({ principalArn = role("r") }))
        local reply = gw:describe(role("r"))
        expect.ok(reply)
        local record = gw:audit_of(reply.header["x-amzn-requestid"])
        assert.equal("DescribeAccessEntry", record.eventName)
        assert.is_true(record.readOnly)
        assert.same({ name = "my-cluster", principalArn = text.escape(role("r")) }, record.requestParameters)
        assert.is_true(record.responseElements == nil or record.responseElements == cjson.null)
    end)

    it("says of retries that they were", function()
        start({})
        local input = { principalArn = role("r"), clientRequestToken = text.uuid() }
        gw:create(input)
        local again = gw:create(input)
        expect.ok(again)
        local record = gw:audit_of(again.header["x-amzn-requestid"])
        assert.is_true(record.additionalEventData.eksgate.replayed)
    end)

    it("is bounded by the second for strangers, and says how many more there were", function()
        start({ strangers_per_second = 5 })
        local stranger = gw:format({ method = "GET", target = "/clusters", key = { id = "AKIANOBODY", secret = "x" } })
        local client = gw:connect()
        for _ = 1, 40 do
            client:send(stranger)
            assert.equal(403, client:read().status)
        end
        local all = gw:audit()
        assert.is_true(#all >= 1 and #all <= 20, tostring(#all))
        for _, record in ipairs(all) do
            assert.equal("UnrecognizedClientException", record.errorCode)
            assert.is_true(record.userIdentity == nil or record.userIdentity.arn == nil)
        end
        local reply = gw:create({ principalArn = role("r") })
        expect.ok(reply)
        local told = text.wait_for(function()
            for _, record in ipairs(gw:audit()) do
                if record.additionalEventData.eksgate.suppressedRefusals then
                    return record.additionalEventData.eksgate.suppressedRefusals
                end
            end
        end, 15)
        assert.equal(40, #gw:audit() - 2 + (told or 0)) -- but the create and the summary
    end)

    it("has no strangers at all when the setting is 0", function()
        start({ strangers_per_second = 0 })
        gw:describe(role("r"), { key = { id = "AKIANOBODY", secret = "x" } })
        http.exchange(gw.address, "nonsense\r\n\r\n")
        assert.equal(0, #gw:audit())
    end)

    it("is appended to, readable by its owner alone", function()
        local folder = text.make_folder()
        gw = gateway.start({ folder = folder })
        expect.ok(gw:create({ principalArn = role("a") }))
        gw:stop()
        assert.equal("rw-------", lfs.attributes(folder .. "/audit.jsonl", "permissions"))
        gw = gateway.start({ folder = folder })
        expect.ok(gw:create({ principalArn = role("b") }))
        assert.equal(2, #gw:audit())
        gw:stop()
        text.remove_folder(folder)
    end)

    it("is found below data when its path is relative", function()
        local folder = text.make_folder()
        start({ file = "there.jsonl" }, { data = folder .. "/new" })
        expect.ok(gw:create({ principalArn = role("a") }))
        assert.truthy(text.read_file(folder .. "/new/there.jsonl"))
        gw:stop()
        text.remove_folder(folder)
    end)

    it("can be stdout, and then the ready line is on stderr", function()
        start({ file = "-" })
        assert.equal("stderr", gw.ready_in)
        local reply = gw:create({ principalArn = role("a") })
        expect.ok(reply)
        local lines = {}
        for line in gw:stdout():gmatch("([^\n]*)\n") do
            lines[#lines + 1] = cjson.decode(line)
        end
        assert.equal("AuditBegun", lines[1].eventName)
        assert.equal("configuration", lines[2].additionalEventData.eksgate.source)
        assert.equal(3, #lines)
        assert.equal(reply.header["x-amzn-requestid"], lines[3].requestID)
    end)

    it("that can't be opened keeps the gateway from starting", function()
        gw = gateway.prepare({ settings = { audit = { file = "/proc/nowhere/audit.jsonl" } } })
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("/proc/nowhere/audit.jsonl", 1, true), err)
    end)

    it("must be a regular file", function()
        gw = gateway.prepare({ settings = { audit = { file = "/dev/full" } } })
        local code, err = gw:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("/dev/full", 1, true), err)
    end)

    it("that can't be written refuses changes with 503, applies none, and holds whole lines", function()
        -- Files may grow to 16 blocks of 512 bytes; the signal that says so is ignored, so that writing fails instead.
        gw = gateway.start({
            wrapper = { "sh", "-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "sh" },
            settings = { store = { driver = "memory" } }, -- whose file would reach the limit first
        })
        local made, refused = 0, 0
        for i = 1, 12 do
            local reply = gw:create({ principalArn = role("r" .. i) })
            if reply.status == 200 then
                made = made + 1
            else
                refused = refused + 1
                expect.error(reply, 503, "ServiceUnavailableException")
                assert.equal(404, gw:describe(role("r" .. i)).status)
            end
        end
        assert.is_true(made > 0 and refused > 0, made .. " made, " .. refused .. " refused")
        local changes = 0
        for _, record in ipairs(gw:audit()) do
            changes = changes + (record.errorCode == nil and 1 or 0)
        end
        assert.equal(made, changes)
        assert.equal("\n", text.read_file(gw.audit_file):sub(-1))
    end)

    it("has a record of each configured cluster that was made, with the configuration in the place of a caller", function()
        start({})
        local own = gw:audit_events("CreateCluster")
        assert.equal(1, #own)
        assert.equal(gateway.cluster, own[1].requestParameters.name)
        assert.equal(gateway.cluster, own[1].responseElements.name)
        assert.is_true(own[1].additionalEventData.eksgate.change)
        assert.equal("configuration", own[1].additionalEventData.eksgate.source)
        gw:restart()
        assert.equal(1, #gw:audit_events("CreateCluster"))
    end)

    it("has a record of a mock's state that was replaced", function()
        gw = gateway.prepare_mock({ settings = { ["audit.file"] = "audit.jsonl" } })
        table.move({ "--set", "data=" .. gw.folder }, 1, 2, #gw.command + 1, gw.command)
        gw:launch_and_wait()
        local put = gw:control("PUT", "/v1/mock/state", {
            clusters = { { cluster = { name = "c1" } }, { cluster = { name = "c2" } } },
        })
        assert.equal(200, put.status, put.body)
        local replaced = gw:audit_events("StateReplaced")
        assert.equal(1, #replaced)
        assert.same({ true, "mock", 2, 0 }, {
            replaced[1].additionalEventData.eksgate.change, replaced[1].additionalEventData.eksgate.source,
            replaced[1].additionalEventData.eksgate.clusters, replaced[1].additionalEventData.eksgate.accessEntries,
        })
        gw:stop()
    end)

    it("says which records are of a change, and hashes each request", function()
        start({ record = "all" })
        local made = gw:create({ principalArn = role("a") })
        expect.ok(made)
        expect.ok(gw:describe(role("a")))
        expect.error(gw:create({ principalArn = role("a") }), 409, "ResourceInUseException")
        local records = gw:audit()
        assert.equal(3, #records)
        assert.is_true(records[1].additionalEventData.eksgate.change)
        assert.is_nil(records[2].additionalEventData.eksgate.change)
        assert.is_nil(records[3].additionalEventData.eksgate.change)
        local hashes = {}
        for i, record in ipairs(records) do
            hashes[i] = record.additionalEventData.eksgate.requestSha256
            assert.truthy(hashes[i]:match("^%x+$") and #hashes[i] == 64)
        end
        assert.equal(hashes[1], hashes[3])
        assert.not_equal(hashes[1], hashes[2])
        local target = "/clusters/" .. gateway.cluster .. "/access-entries"
        assert.equal(hashes[1], sigv4.hash("POST " .. target .. "\n" .. cjson.encode({ principalArn = role("a") })))
    end)

    it("keeps the lines of many workers whole", function()
        start({ durable = true }, { workers = 2 })
        local clients = {}
        for i = 1, 16 do
            clients[i] = gw:connect()
        end
        for round = 1, 5 do
            for i, client in ipairs(clients) do
                client:send((gw:format(gateway.create_request({ principalArn = role(round .. "-" .. i) }))))
            end
            for _, client in ipairs(clients) do
                assert.equal(200, client:read().status)
            end
        end
        assert.equal(80, #gw:audit())
    end)
end)
