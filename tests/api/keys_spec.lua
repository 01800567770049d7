-- SPDX-License-Identifier: Apache-2.0
-- Keys: the verbs that edit the key file, and a running gateway that takes it up.

local cjson = require("cjson")
local lfs = require("lfs")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local arn = "arn:aws:iam::012345678910:user/jane"

describe("eksgate keys", function()
    local folder, file

    before_each(function()
        folder = text.make_folder()
        file = folder .. "/keys.json"
    end)

    after_each(function()
        text.remove_folder(folder)
    end)

    local function keys(verb, ...)
        return gateway.run({ "keys", verb, "--file", file, ... })
    end

    local function done(verb, ...)
        local code, out, err = keys(verb, ...)
        assert.equal(0, code, out .. err)
        return out
    end

    local function stored()
        return cjson.decode(text.read_file(file)).Keys
    end

    it("add makes a secret, prints it once, and a file that only its owner reads", function()
        local out = done("add", "--arn", arn)
        local key = stored()[1]
        assert.equal(arn, key.Arn)
        assert.truthy(#key.SecretAccessKey >= 40)
        assert.truthy(out:find(key.AccessKeyId, 1, true))
        assert.truthy(out:find(key.SecretAccessKey, 1, true))
        assert.equal("rw-------", lfs.attributes(file, "permissions"))
        assert.equal(1, cjson.decode(text.read_file(file)).Version)
    end)

    it("add makes another id and secret each time", function()
        done("add", "--arn", arn)
        done("add", "--arn", arn)
        local all = stored()
        assert.are_not.equal(all[1].AccessKeyId, all[2].AccessKeyId)
        assert.are_not.equal(all[1].SecretAccessKey, all[2].SecretAccessKey)
    end)

    it("add takes id, tags, expiry, and the secret from stdin", function()
        local code, out, err = gateway.run({ "keys", "add", "--file", file, "--arn", arn, "--id", "AKIAJANE00000000001",
            "--secret-stdin", "--tag", "team=blue", "--tag", "cost=a=b", "--expires", "2040-01-02T03:04:05Z" },
            { input = "piped-secret-of-jane\n" })
        assert.equal(0, code, err)
        local key = stored()[1]
        assert.equal("AKIAJANE00000000001", key.AccessKeyId)
        assert.equal("piped-secret-of-jane", key.SecretAccessKey)
        assert.same({ team = "blue", cost = "a=b" }, key.Tags)
        assert.truthy(key.Expiration:find("^2040%-01%-02T03:04:05"))
        assert.is_nil(out:find("piped-secret", 1, true))
    end)

    it("add takes no secret as an argument", function()
        for _, option in ipairs({ "--secret", "--secret=x", "--secret-access-key" }) do
            local code = keys("add", "--arn", arn, option, "x")
            assert.equal(2, code)
        end
        assert.is_nil(text.read_file(file))
    end)

    it("add refuses an id that is there, an ARN that is none, and a bad expiry, and changes nothing", function()
        done("add", "--arn", arn, "--id", "AKIAJANE00000000001")
        local before = text.read_file(file)
        for _, arguments in ipairs({
            { "--arn", arn, "--id", "AKIAJANE00000000001" }, { "--arn", "jane" }, { "--arn", arn, "--expires", "soon" },
            { "--arn", arn, "--tag", "no-equals" }, { "--arn", arn, "--id", "a b" },
        }) do
            local code, _, err = keys("add", table.unpack(arguments))
            assert.is_true(code == 1 or code == 2)
            assert.are_not.equal("", err)
        end
        assert.equal(before, text.read_file(file))
    end)

    it("list shows keys without their secrets", function()
        done("add", "--arn", arn, "--id", "AKIAJANE00000000001", "--tag", "team=blue")
        local secret = stored()[1].SecretAccessKey
        local out = done("list")
        assert.truthy(out:find("AKIAJANE00000000001", 1, true))
        assert.truthy(out:find(arn, 1, true))
        assert.is_nil(out:find(secret, 1, true))
        local json = done("list", "--json")
        assert.is_nil(json:find(secret, 1, true))
        assert.truthy(json:find("AKIAJANE00000000001", 1, true))
        assert.truthy(pcall(cjson.decode, json))
    end)

    it("disable, enable and remove change the one key", function()
        done("add", "--arn", arn, "--id", "AKIAJANE00000000001")
        done("add", "--arn", arn, "--id", "AKIAJANE00000000002")
        done("disable", "AKIAJANE00000000001")
        assert.is_true(stored()[1].Disabled)
        assert.is_true(not stored()[2].Disabled)
        done("enable", "AKIAJANE00000000001")
        assert.is_true(not stored()[1].Disabled)
        done("remove", "AKIAJANE00000000001")
        assert.equal(1, #stored())
        assert.equal("AKIAJANE00000000002", stored()[1].AccessKeyId)
    end)

    it("say which id they don't know", function()
        done("add", "--arn", arn)
        for _, verb in ipairs({ "disable", "enable", "remove" }) do
            local code, _, err = keys(verb, "AKIANOBODY")
            assert.equal(1, code)
            assert.truthy(err:find("AKIANOBODY", 1, true))
        end
    end)

    it("leave a file that they can't read as it is", function()
        text.write_file(file, "{ nonsense")
        local code, _, err = keys("add", "--arn", arn)
        assert.equal(1, code)
        assert.truthy(err:find(file, 1, true))
        assert.equal("{ nonsense", text.read_file(file))
    end)

    it("leave no other file behind", function()
        done("add", "--arn", arn)
        done("add", "--arn", arn)
        for name in lfs.dir(folder) do
            assert.is_true(name == "." or name == ".." or name == "keys.json", name)
        end
    end)

    it("wrong usage is 2", function()
        for _, arguments in ipairs({ {}, { "shout" }, { "add" }, { "disable" }, { "list", "--what" } }) do
            assert.equal(2, (gateway.run({ "keys", table.unpack(arguments) })))
        end
    end)
end)

describe("a running gateway", function()
    local gw
    local other = { id = "AKIAEKSGATETEST00009", secret = "other-secret", arn = arn }
    local principal = "arn:aws:iam::012345678910:role/r"

    after_each(function()
        gateway.stop_all()
    end)

    local function status(key)
        return gw:describe(principal, { key = key }).status
    end

    local function becomes(wanted, key, seconds)
        return text.wait_for(function()
            return status(key) == wanted
        end, seconds or 3)
    end

    it("takes up an added, a disabled and a removed key within two seconds", function()
        gw = gateway.start()
        assert.equal(403, status(other))
        local began = text.now()
        local code, _, err = gateway.run({ "keys", "add", "--file", gw.keys_file, "--arn", other.arn, "--id", other.id,
            "--secret-stdin" }, { input = other.secret .. "\n" })
        assert.equal(0, code, err)
        assert.is_true(becomes(404, other))
        assert.is_true(text.now() - began < 2 * text.patience)
        assert.equal(404, status(gateway.key))
        gateway.run({ "keys", "disable", "--file", gw.keys_file, other.id })
        assert.is_true(becomes(403, other))
        gateway.run({ "keys", "enable", "--file", gw.keys_file, other.id })
        assert.is_true(becomes(404, other))
        gateway.run({ "keys", "remove", "--file", gw.keys_file, other.id })
        assert.is_true(becomes(403, other))
    end)

    it("takes up a secret that changed under the same id, though its signing key was cached", function()
        gw = gateway.start()
        assert.equal(404, status(gateway.key))
        local rotated = { id = gateway.key.id, secret = "rotated", arn = gateway.key.arn }
        text.replace_file(gw.keys_file, gateway.key_file({ rotated }))
        assert.is_true(becomes(404, rotated))
        assert.equal(403, status(gateway.key))
    end)

    it("takes up a key file whose symlink was swapped, as Kubernetes does", function()
        local folder = text.make_folder()
        lfs.mkdir(folder .. "/1")
        lfs.mkdir(folder .. "/2")
        text.write_file(folder .. "/1/keys.json", gateway.key_file({ gateway.key }))
        text.write_file(folder .. "/2/keys.json", gateway.key_file({ gateway.key, other }))
        assert(lfs.link("1", folder .. "/data", true))
        assert(lfs.link("data/keys.json", folder .. "/keys.json", true))
        gw = gateway.start({ settings = { keys = folder .. "/keys.json" } })
        assert.equal(403, status(other))
        assert(lfs.link("2", folder .. "/data.new", true))
        assert(os.rename(folder .. "/data.new", folder .. "/data"))
        assert.is_true(becomes(404, other))
        gw:stop()
        text.remove_folder(folder)
    end)

    it("keeps the old keys when the new file is bad, and says so", function()
        gw = gateway.start({ keys = { gateway.key } })
        local bad = {
            "{ nonsense", '{"Version":1,"Keys":[{"AccessKeyId":"a"}]}', "",
            gateway.key_file({ other, other }),
        }
        for _, bytes in ipairs(bad) do
            local before = #gw:stderr()
            text.replace_file(gw.keys_file, bytes)
            assert.truthy(text.wait_for(function()
                return gw:stderr():find("keys.json", before + 1, true)
            end, 3), bytes)
            assert.equal(404, status(gateway.key))
        end
        text.replace_file(gw.keys_file, gateway.key_file({ gateway.key, other }), "644")
        assert.equal(404, status(gateway.key))
        assert.equal(403, status(other))
        text.replace_file(gw.keys_file, gateway.key_file({ gateway.key, other }))
        assert.is_true(becomes(404, other))
    end)

    it("never takes up a published example key where a listener can be reached from outside", function()
        local example = { id = "AKIDEXAMPLE", secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", arn = arn }
        gw = gateway.start({ settings = { listen = { "127.0.0.1:0", "0.0.0.0:0" } } })
        text.replace_file(gw.keys_file, gateway.key_file({ gateway.key, example }))
        assert.truthy(text.wait_for(function()
            return gw:stderr():find("published as an example", 1, true)
        end, 3))
        assert.equal(403, status(example))
        assert.equal(404, status(gateway.key))
    end)

    it("keeps the old keys while the file is gone, and takes it up when it is back", function()
        gw = gateway.start()
        os.remove(gw.keys_file)
        assert.is_nil(becomes(403, gateway.key, 1.2))
        text.write_file(gw.keys_file, gateway.key_file({ other }))
        assert.is_true(becomes(404, other))
        assert.equal(403, status(gateway.key))
    end)

    it("takes keys from the configuration's table", function()
        gw = gateway.start({ settings = { keys = { gateway.key_object(other) } } })
        assert.equal(404, status(other))
        assert.equal(403, status(gateway.key))
    end)

    it("doesn't start with a key file that others may read, or write", function()
        for _, mode in ipairs({ "604", "620", "602" }) do
            local prepared = gateway.prepare()
            text.shell("chmod", mode, prepared.keys_file)
            local code, err = prepared:fail_to_start()
            assert.equal(1, code, mode)
            assert.truthy(err:find("keys.json", 1, true))
            prepared:forget()
        end
        gw = gateway.prepare()
        text.shell("chmod", "640", gw.keys_file)
        gw:forget()
    end)

    it("lets the published example key be world-readable, on loopback", function()
        local example = {
            id = "AKIDEXAMPLE", secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            arn = "arn:aws:iam::012345678910:user/quickstart",
        }
        local folder = text.make_folder()
        text.write_file(folder .. "/keys.json", gateway.key_file({ example }), "644")
        gw = gateway.start({ settings = { keys = folder .. "/keys.json" } })
        expect.error(gw:describe(principal, { key = example }), 404, "ResourceNotFoundException", expect.not_found)
        gw:stop()
        local exposed = gateway.prepare({ settings = { keys = folder .. "/keys.json", listen = { "0.0.0.0:0" } } })
        local code, err = exposed:fail_to_start()
        assert.equal(1, code)
        assert.truthy(err:find("AKIDEXAMPLE", 1, true) or err:find("example", 1, true))
        exposed:forget()
        text.remove_folder(folder)
    end)
end)
