-- SPDX-License-Identifier: Apache-2.0
-- The command line: verbs, usage, exit codes, and the settings in their order of precedence.

local cjson = require("cjson")
local expect = require("support.expect")
local gateway = require("support.gateway")
local text = require("support.text")

local run = gateway.run

describe("eksgate", function()
    it("without a verb, or with an unknown one, is wrong usage", function()
        for _, arguments in ipairs({ {}, { "shout" }, { "--shout" } }) do
            local code, out, err = run(arguments)
            assert.equal(2, code)
            assert.equal("", out)
            assert.truthy(err:find("serve", 1, true) or err:find("eksgate --help", 1, true), err)
        end
    end)

    it("--help lists the verbs", function()
        for _, option in ipairs({ "--help", "-h", "help" }) do
            local code, out = run({ option })
            assert.equal(0, code, option)
            for _, verb in ipairs({ "serve", "check", "keys", "ctl", "options", "version" }) do
                assert.truthy(out:find(verb, 1, true))
            end
        end
    end)

    for _, verb in ipairs({ "serve", "check", "keys", "ctl", "options", "version" }) do
        it(verb .. " has --help, and takes no unknown option", function()
            local code, out = run({ verb, "--help" })
            assert.equal(0, code)
            assert.truthy(out:find(verb, 1, true))
            local err
            code, out, err = run({ verb, "--shout" })
            assert.equal(2, code)
            assert.equal("", out)
            assert.truthy(err:find("--shout", 1, true), err)
        end)
    end

    it("version names itself and the libraries it was built with", function()
        local code, out = run({ "version" })
        assert.equal(0, code)
        assert.truthy(out:find("^eksgate %d+%.%d+"))
        local json
        code, json = run({ "version", "--json" })
        assert.equal(0, code)
        local versions = cjson.decode(json)
        for _, name in ipairs({ "libevent", "openssl", "lua", "jansson", "sqlite" }) do
            assert.truthy(out:find("\n" .. name .. " %d+%.%d+"), name)
            assert.truthy(versions[name]:find("^%d+%.%d+"), name)
        end
        local release = tonumber(versions.lua:match("^5%.4%.(%d+)"))
        assert.equal(release < 6, versions.luaWarning ~= nil)
    end)

    it("version, check and the log name the interpreter, and warn of an old one", function()
        local _, json = run({ "version", "--json" })
        local versions = cjson.decode(json)
        local code, out = run({ "check", "-c", os.getenv("EKSGATE_ROOT") .. "/config/quickstart.lua", "--json" })
        assert.equal(0, code)
        local summary = cjson.decode(out)
        assert.equal(versions.lua, summary.lua)
        assert.equal(versions.luaWarning, summary.luaWarning)
        local log = gateway.start():stderr()
        assert.truthy(log:find("lua: Lua " .. versions.lua, 1, true), log)
        assert.equal(versions.luaWarning ~= nil, log:find("is older than 5.4.6", 1, true) ~= nil)
    end)

    it("options prints every setting with type, default and meaning", function()
        local code, out = run({ "options" })
        assert.equal(0, code)
        code = run({ "options", "--json" })
        assert.equal(0, code)
        local rows = cjson.decode((select(2, run({ "options", "--json" }))))
        assert.is_true(#rows > 30)
        for _, row in ipairs(rows) do
            assert.truthy(out:find(row.key, 1, true), row.key)
            assert.equal("string", type(row.type))
            assert.truthy(#row.meaning > 10, row.key)
            assert.equal("boolean", type(row.reloads))
        end
    end)
end)

describe("eksgate check", function()
    after_each(function()
        gateway.stop_all()
    end)

    local function check(options, ...)
        local prepared = gateway.prepare(options)
        local code, out, err = run({ "check", "-c", prepared.config, ... })
        prepared:forget()
        return code, out, err
    end

    it("is content with a good configuration, starts nothing and writes nothing", function()
        local prepared = gateway.prepare({ policies = { 'return { name = "p" }' } })
        local code, out, err = run({ "check", "-c", prepared.config })
        assert.equal(0, code, out .. err)
        assert.is_nil(text.read_file(prepared.audit_file))
        prepared:forget()
    end)

    it("lists every problem, not just the first", function()
        local code, out, err = check({
            settings = { workers = 0, region = "nowhere!", unix_mode = "rw", typo = true,
                audit = { record = "some" }, clusters = { ["-bad"] = { accessConfig = {} } } },
        })
        assert.equal(1, code)
        for _, name in ipairs({ "workers", "region", "unix_mode", "typo", "audit.record", "-bad" }) do
            assert.truthy((out .. err):find(name, 1, true), name .. " in " .. out .. err)
        end
    end)

    it("finds what only shows when keys and policies are loaded", function()
        local code, out, err = check({ policies = { "return {" } })
        assert.equal(1, code)
        assert.truthy((out .. err):find("policy1.lua", 1, true))
        code, out, err = check({
            settings = { keys = "/nowhere/keys.json", listen = { "nonsense" }, admin = "192.0.2.1:80" },
            policies = { "return {" },
        })
        assert.equal(1, code)
        for _, name in ipairs({ "/nowhere/keys.json", "nonsense", "admin", "policy1.lua" }) do
            assert.truthy((out .. err):find(name, 1, true), name .. " in " .. out .. err)
        end
    end)

    it("refuses settings that lack what they need", function()
        for name, value in pairs({
            access_entries = "upstream", caller = "nobody", upstream = { endpoint = "ftp://127.0.0.1:5000" },
        }) do
            local code, out, err = check({ settings = { [name] = value } })
            assert.equal(1, code, name)
            assert.truthy((out .. err):find(name, 1, true))
        end
    end)

    it("speaks JSON", function()
        local code, out = check({}, "--json")
        assert.equal(0, code)
        assert.is_true(cjson.decode(out).ok)
        code, out = check({ settings = { typo = 1 } }, "--json")
        assert.equal(1, code)
        local report = cjson.decode(out)
        assert.is_false(report.ok)
        assert.equal(1, #report.problems)
    end)

    it("names a file that isn't there", function()
        local code, _, err = run({ "check", "-c", "/nowhere/eksgate.lua" })
        assert.equal(1, code)
        assert.truthy(err:find("/nowhere/eksgate.lua", 1, true))
    end)

    it("never shows a secret", function()
        local _, out, err = check({ settings = { keys = {
            { AccessKeyId = "AKIAX", SecretAccessKey = "a secret in the file", Arn = "nonsense" },
        } } })
        assert.is_nil((out .. err):find("a secret in the file", 1, true))
    end)
end)

describe("settings", function()
    local gw

    after_each(function()
        gateway.stop_all()
    end)

    local function has_cors(options)
        gw = gateway.start(options)
        local header = gw:describe("arn:aws:iam::012345678910:role/r").header["access-control-allow-origin"]
        gw:stop()
        return header ~= nil
    end

    it("come from the file, the environment above it, and --set above both", function()
        assert.is_true(has_cors())
        assert.is_false(has_cors({ settings = { http = { cors_headers = false } } }))
        assert.is_true(has_cors({
            settings = { http = { cors_headers = false } }, environment = { EKSGATE_HTTP__CORS_HEADERS = "true" },
        }))
        assert.is_false(has_cors({
            environment = { EKSGATE_HTTP__CORS_HEADERS = "true" },
            arguments = { "--set", "http.cors_headers=false" },
        }))
    end)

    it("may be read from JSON", function()
        local prepared = gateway.prepare()
        text.write_file(prepared.folder .. "/eksgate.json", cjson.encode(prepared.settings))
        local code, out, err = run({ "check", "-c", prepared.folder .. "/eksgate.json" })
        assert.equal(0, code, out .. err)
        prepared:forget()
    end)

    it("are found through EKSGATE_CONFIG", function()
        local prepared = gateway.prepare()
        local code, out, err = run({ "check" }, { environment = { EKSGATE_CONFIG = prepared.config } })
        assert.equal(0, code, out .. err)
        prepared:forget()
    end)

    it("that the environment misspells are errors", function()
        local prepared = gateway.prepare()
        local code, _, err = run({ "check", "-c", prepared.config }, { environment = { EKSGATE_HTPT__BODY = "1" } })
        assert.equal(1, code)
        assert.truthy(err:find("EKSGATE_HTPT__BODY", 1, true), err)
        prepared:forget()
    end)

    it("see nothing but env in the file", function()
        local folder = text.make_folder()
        for _, source in ipairs({ "return { data = os.getenv('HOME') }", "io.open('x', 'w') return {}",
            "while true do end", "return 5", "return { listen = function() end }" }) do
            text.write_file(folder .. "/eksgate.lua", source)
            local code, _, err = run({ "check", "-c", folder .. "/eksgate.lua" })
            assert.equal(1, code, source)
            assert.truthy(err:find("eksgate.lua", 1, true), err)
        end
        text.remove_folder(folder)
    end)

    it("with env() in the file take a variable or its default", function()
        local folder = text.make_folder()
        text.write_file(folder .. "/keys.json", gateway.key_file({ gateway.key }))
        text.write_file(folder .. "/eksgate.lua", 'return { listen = { env("TEST_LISTEN", "nonsense") }, '
            .. 'keys = "keys.json", account = "012345678910", data = "." }')
        local code = run({ "check", "-c", folder .. "/eksgate.lua" })
        assert.equal(1, code)
        local out, err
        code, out, err = run({ "check", "-c", folder .. "/eksgate.lua" },
            { environment = { TEST_LISTEN = "127.0.0.1:0" } })
        assert.equal(0, code, out .. err)
        text.remove_folder(folder)
    end)

    it("of the quickstart are good, and its key works", function()
        local folder = text.make_folder()
        local program = gateway.prepare()
        program.config = gateway.root .. "/config/quickstart.lua"
        program.options.arguments = { "--set", "listen=127.0.0.1:0", "--set", "admin=127.0.0.1:0", "--set",
            "status=127.0.0.1:0", "--set", "data=" .. folder, "--set", "policy.library=" .. gateway.root .. "/lua" }
        gw = program
        gw:launch_and_wait()
        local key = { id = "AKIDEXAMPLE", secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
        expect.ok(gw:create({ principalArn = "arn:aws:iam::012345678910:role/r" }, { key = key }))
        gw:stop()
        text.remove_folder(folder)
    end)
end)
