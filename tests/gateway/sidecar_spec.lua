-- SPDX-License-Identifier: Apache-2.0
-- The sidecar of packaging/kubernetes at work, with its own configuration and policy: an app that signs nothing, a role's
-- credentials from where a pod gets them, and a second gateway in EKS's place that verifies what reaches it.

local aws_stubs = require("support.aws_stubs")
local cjson = require("cjson")
local gateway = require("support.gateway")
local http = require("support.http")
local manifests = require("support.manifests")
local text = require("support.text")

-- What the stubs give to whoever shows the pod's token.
local key = {
    id = "ASIASTUB00000001", secret = "secret/1+", token = "token/1+=",
    arn = "arn:aws:sts::111122223333:assumed-role/app/session",
}

local function start_back()
    return gateway.start({
        keys = { key }, settings = { region = "eu-west-1", account = "111122223333", audit = { file = "audit.jsonl", record = "all" } },
    })
end

--- Started as the pod starts it, but for places and ports, and for who is EKS.
local function start_sidecar(name, root, stubs, back)
    local variant = manifests.load(name)
    local command = { gateway.program, table.unpack(variant.eksgate.args) }
    for _, word in ipairs({
        "-c", manifests.lay_out(variant, root), "--set", "listen=127.0.0.1:0,unix:" .. root .. "/run/eksgate/eksgate.sock",
        "--set", "status=127.0.0.1:0", "--set", "upstream.endpoint=" .. back.address,
        "--set", "policy.library=" .. gateway.root .. "/lua",
    }) do
        command[#command + 1] = word
    end
    local gw = gateway.start({ command = command, environment = manifests.environment(variant, root, stubs) })
    assert(text.wait_for(function() -- it is ready without, and answers 503 until then
        return gw:stderr():find("credentials: from", 1, true)
    end, 10), gw:stderr())
    return gw
end

local function send(address, method, target, input)
    local body = input and cjson.encode(input)
    local reply = http.exchange(address, http.format({
        method = method, target = target, body = body,
        headers = { { "Host", http.host_of(address) }, body and { "Content-Type", "application/json" } or nil },
    }), { seconds = 20 })
    reply.json = cjson.decode(reply.body)
    return reply
end

local function create(address, role)
    return send(address, "POST", gateway.entries_target(), { principalArn = "arn:aws:iam::111122223333:role" .. role })
end

for _, name in ipairs({ "irsa", "pod-identity" }) do
    describe("the sidecar of " .. name, function()
        local root, stubs, back, sidecar

        setup(function()
            root = text.make_folder()
            stubs = aws_stubs.start()
            back = start_back()
            sidecar = start_sidecar(name, root, stubs, back)
        end)

        teardown(function()
            sidecar:stop()
            back:stop()
            stubs:stop()
            text.remove_folder(root)
        end)

        it("forwards what the app asks as the role, by loopback and by its socket", function()
            for _, address in ipairs(sidecar.listeners) do
                local reply = send(address, "GET", "/clusters/" .. gateway.cluster)
                assert.equal(200, reply.status, reply.body)
                assert.equal(gateway.cluster, reply.json.cluster.name)
            end
            local theirs = text.wait_for(function()
                return back:audit()[2]
            end)
            assert.equal(key.arn, theirs.userIdentity.arn)
        end)

        it("refuses what its policy doesn't let the app do, before anybody else sees it", function()
            assert.equal(200, create(sidecar.address, "/app/worker").status)
            local before = #back:audit()
            local reply = create(sidecar.address, "/admin/worker")
            assert.equal(403, reply.status)
            assert.matches("eksgate policy app: the app keeps the entries of roles below /app/ only", reply.json.message, 1, true)
            reply = send(sidecar.address, "DELETE", "/clusters/" .. gateway.cluster)
            assert.equal(403, reply.status)
            assert.equal(200, create(sidecar.address, "/app/other").status)
            assert.equal(before + 1, #back:audit())
        end)

        it("prints a record of each change and refusal, with the role as who asked", function()
            local reply = create(sidecar.listeners[2], "/app/recorded")
            assert.equal(200, reply.status, reply.body)
            local record = text.wait_for(function()
                for line in sidecar:stdout():gmatch("(%b{})\n") do
                    local one = cjson.decode(line)
                    if one.requestID == reply.header["x-eksgate-requestid"] then
                        return one
                    end
                end
            end)
            assert.equal("CreateAccessEntry", record.eventName)
            assert.equal(manifests.role, record.userIdentity.arn)
        end)
    end)
end
