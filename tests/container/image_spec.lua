-- SPDX-License-Identifier: Apache-2.0
-- The container image: what is in it, and that it works as it is meant to be run, read-only and as nobody in particular.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local http = require("support.http")
local image = require("container.image")
local text = require("support.text")

local user = "65532"
local key = { id = "AKIAEKSGATECONTAINER", secret = "a/secret+of+the+container+tests", arn = "arn:aws:iam::111122223333:user/deployer" }
local environment = {
    CLUSTER_ACCOUNT = "111122223333", CLUSTER_REGION = gateway.region, CLUSTER_NAME = gateway.cluster,
    DEPLOYER_KEY_ID = key.id, DEPLOYER_SECRET = key.secret,
}
-- Ports of the machine's are the kernel's choice; everything else is as in the image.
local any_port = { "--set", "listen=127.0.0.1:0", "--set", "status=127.0.0.1:0", "--set", "admin=127.0.0.1:0" }

local function serve(more)
    local arguments = { "serve", "-c", "/etc/eksgate/container.lua", table.unpack(any_port) }
    return image.start({ arguments = table.move(more or {}, 1, #(more or {}), #arguments + 1, arguments), environment = environment })
end

local function status_of(pid, field)
    return text.read_file("/proc/" .. pid .. "/status"):match("\n" .. field .. ":[ \t]*([^\n]*)")
end

describe("the container image", function()
    setup(function()
        image.build()
        image.open()
        print(image.engine and "containers are started by podman" or "no engine can start here: containers are started by chroot")
    end)

    teardown(image.close)

    after_each(function()
        gateway.stop_all()
        image.remove_containers()
    end)

    it("holds the program, its libraries, the policies' library and their licences, and nothing else", function()
        local expected = {
            "^usr/bin/eksgate$", "^lib64/ld%-linux%-[%w-]+%.so%.%d$", "^lib/ld%-linux%-[%w-]+%.so%.%d$",
            "^usr/share/eksgate/lua/[%w_/]+%.lua$", "^usr/share/eksgate/lua/policies/[%w_]+%.json$",
            "^usr/share/doc/[%w.+-]+/copyright$", "^usr/share/doc/eksgate/LICENSE$",
            "^etc/passwd$", "^etc/group$", "^etc/eksgate/container%.lua$", "^usr/lib/ssl/cert%.pem$",
        }
        for _, library in ipairs({ "c", "m", "crypto", "ssl", "event_core%-2%.1", "jansson", "lua5%.4", "sqlite3" }) do
            expected[#expected + 1] = "^lib/[%w_-]+/lib" .. library .. "%.so%.%d+$"
        end
        for _, file in ipairs(image.files()) do
            local is_known = file.mode:sub(1, 1) == "d"
            for _, pattern in ipairs(expected) do
                is_known = is_known or file.path:find(pattern) ~= nil
            end
            assert.is_true(is_known, "in the image without a reason: " .. file.path)
        end
    end)

    it("lets its user write nowhere but in the data folder, and raises nobody's rights", function()
        local writable = {}
        for _, file in ipairs(image.files()) do
            assert.matches("^[-d]", file.mode)
            assert.is_nil(file.mode:find("[sStT]"), file.path)
            if file.owner ~= "0/0" or file.mode:find("w", 6, true) then
                writable[#writable + 1] = file.mode .. " " .. file.owner .. " " .. file.path
            end
        end
        assert.same({ "drwx------ 65532/65532 var/lib/eksgate/" }, writable)
    end)

    it("holds the authorities that AWS's certificates lead to, where TLS looks for them", function()
        local file = image.folder .. "/cert.pem"
        assert(text.shell("sh", "-c", 'tar --extract --to-stdout --file "$1" usr/lib/ssl/cert.pem > "$2"', "sh", image.layer, file))
        local found = text.read_file(file)
        assert.is_true(select(2, found:gsub("%-%-%-%-%-BEGIN CERTIFICATE%-%-%-%-%-", "")) > 50)
    end)

    it("is small", function()
        assert.is_true(#text.read_file(image.archive) < 12 * 1024 * 1024)
    end)

    it("says who it runs as, what it starts and how it is asked for its health", function()
        assert.same({ "eksgate" }, image.config.Entrypoint)
        assert.same({ "mock", "--set", "listen=0.0.0.0:8080" }, image.config.Cmd)
        assert.same({ "CMD", "eksgate", "ctl", "health" }, image.config.Healthcheck.Test)
        assert.equal(user .. ":" .. user, image.config.User)
        assert.is_not_nil(image.config.ExposedPorts["8080/tcp"])
    end)

    it("is a mock by default, healthy while it runs and not afterwards", function()
        local arguments
        if not image.engine then -- without a network of its own
            arguments = table.move(any_port, 1, #any_port, #image.config.Cmd + 1, { table.unpack(image.config.Cmd) })
        end
        local gw = image.start({ network = "none", arguments = arguments })
        if image.engine then
            assert.equal("http://0.0.0.0:8080", gw.address)
        end
        local code, out, err = image.health(gw)
        assert.equal(0, code, out .. err)
        assert.equal(0, gw:end_process())
        assert.equal(1, (image.health(gw)))
    end)

    it("is healthy also when its environment opens the admin listener to others", function()
        local gw = image.start({
            network = "none", arguments = not image.engine and { "mock", "--set", "listen=127.0.0.1:0" } or nil,
            environment = {
                EKSGATE_ADMIN = image.engine and "0.0.0.0:9180" or "0.0.0.0:0",
                EKSGATE_ADMIN_TOKEN = "a-token-of-the-container-tests",
            },
        })
        local code, out, err = image.health(gw)
        assert.equal(0, code, out .. err)
        gw:stop()
    end)

    it("answers as a mock whoever signs with the keys of tests", function()
        local gw = image.start({ arguments = { "mock", table.unpack(any_port) } })
        local reply = gw:create({ principalArn = "arn:aws:iam::000000000000:role/r" }, { key = { id = "test", secret = "test" } })
        assert.equal(200, reply.status)
        gw:stop()
    end)

    it("serves the example configuration: answers signed requests, prints records on stdout", function()
        local gw = serve()
        assert.equal(200, http.exchange(gw.admin, http.format({
            method = "GET", target = "/readyz", headers = { { "Host", http.host_of(gw.admin) } },
        })).status)
        local reply = gw:create({ principalArn = "arn:aws:iam::111122223333:role/r" }, { key = key })
        assert.equal(200, reply.status)
        assert.equal("arn:aws:iam::111122223333:role/r", reply.json.accessEntry.principalArn)
        expect.error(gw:create({ principalArn = "arn:aws:iam::111122223333:role/r" }, { key = key }), 409,
            "ResourceInUseException")
        local record = text.wait_for(function() -- it passes through the engine
            return gw:stdout():match('({[^\n]*"eventName":"CreateAccessEntry"[^\n]*)\n')
        end)
        assert.equal("CreateAccessEntry", cjson.decode(record).eventName)
        gw:stop()
    end)

    it("finds the shipped policies and their library", function()
        local arguments = { "--set", "policies=/usr/share/eksgate/lua/policies/team_username.lua" }
        if not image.engine then -- the program looks where it stands, in /proc, which a bare chroot lacks
            table.move({ "--set", "policy.library=/usr/share/eksgate/lua" }, 1, 2, 3, arguments)
        end
        local gw = serve(arguments)
        local reply = gw:create({ principalArn = "arn:aws:iam::111122223333:role/team-a/r" }, { key = key })
        assert.equal(200, reply.status)
        assert.equal("team-a:{{SessionName}}", reply.json.accessEntry.username)
        gw:stop()
    end)

    it("runs as its user, without capabilities, on a root that can't be written to", function()
        local gw = serve()
        assert.equal(table.concat({ user, user, user, user }, "\t"), status_of(gw.pid, "Uid"))
        assert.equal(table.concat({ user, user, user, user }, "\t"), status_of(gw.pid, "Gid"))
        assert.equal("", (status_of(gw.pid, "Groups"):gsub(user, ""):gsub(" ", "")))
        assert.equal("0000000000000000", status_of(gw.pid, "CapEff"))
        gw:stop()
        local code, _, err = image.run({ arguments = { "keys", "add", "--file", "/usr/keys.json", "--arn", key.arn } })
        assert.equal(1, code)
        assert.matches(image.engine and "Read%-only file system" or "Permission denied", err)
    end)

    it("may write to a volume over its data folder", function()
        local code, out, err = image.run({
            arguments = { "keys", "add", "--file", "/var/lib/eksgate/keys.json", "--arn", key.arn }, volume = "/var/lib/eksgate",
        })
        assert.equal(0, code, out .. err)
    end)

    it("drains at SIGTERM: a request under way is answered, then it ends with 0", function()
        local gw = serve()
        local bytes = gw:format(gateway.create_request({ principalArn = "arn:aws:iam::111122223333:role/late" }, { key = key }))
        local client = gw:connect()
        client:send(bytes:sub(1, -2))
        gw:signal("TERM")
        assert.is_truthy(text.wait_for(function()
            return gw:stderr():find("draining", 1, true)
        end))
        client:send(bytes:sub(-1))
        assert.equal(200, client:read().status)
        assert.equal(0, gw.process:wait(15))
    end)

    if os.getenv("EKSGATE_FULL") == "1" then
        local function digest_and_paths()
            local paths = {}
            for i, file in ipairs(image.files()) do
                paths[i] = file.mode .. " " .. file.owner .. " " .. file.path:gsub("^%./", "")
            end
            table.sort(paths)
            return image.digest(), paths
        end

        it("is the same, byte for byte, when it is built again", function()
            local before = digest_and_paths()
            image.build("--fresh")
            image.reopen()
            assert.equal(before, (digest_and_paths()))
        end)

        it("has the same files and settings when it is built without an engine", function()
            local _, before = digest_and_paths()
            local config = image.config
            image.build("--engine", "none")
            image.reopen()
            local _, after = digest_and_paths()
            assert.same(before, after)
            for _, field in ipairs({ "User", "Env", "Entrypoint", "Cmd", "Healthcheck", "ExposedPorts" }) do
                assert.same(config[field], image.config[field])
            end
        end)
    end
end)
