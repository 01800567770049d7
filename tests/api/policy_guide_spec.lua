-- SPDX-License-Identifier: Apache-2.0
-- The way in lua/README.md, from nothing to a live policy: the files and the commands as they stand there. Only ports and
-- the data folder are others.

local gateway = require("support.gateway")
local process = require("support.process")
local text = require("support.text")

local ROOT = assert(os.getenv("EKSGATE_ROOT"))
local ELSEWHERE = " --set listen=127.0.0.1:0 --set status=127.0.0.1:0 --set admin=127.0.0.1:0"

--- The blocks of a section: Lua files and indented command lines, in their order.
local function read_section(title)
    local section = text.read_file(ROOT .. "/lua/README.md"):match("\n## " .. title .. "\n(.-)\n## ")
    local files, commands = {}, {}
    for block in section:gmatch("```lua\n(.-)```") do
        files[#files + 1] = block
    end
    for line in section:gsub("```.-```", ""):gmatch("\n    (%l[^\n]*)") do
        commands[#commands + 1] = line
    end
    return files, commands
end

describe("the policy author's guide", function()
    local folder, server

    before_each(function()
        folder = text.make_folder()
        assert(text.shell("ln", "-s", ROOT .. "/config", folder .. "/config"))
    end)

    after_each(function()
        if server then
            server:signal("TERM")
            server:wait()
        end
        text.remove_folder(folder)
    end)

    --- A command line of the guide, by a shell.
    local function run(command, environment)
        local line = text.quote(gateway.program) .. command:match("^eksgate( .*)$")
        return process.run({ "sh", "-c", line }, { folder = folder, environment = environment })
    end

    --- The address that answers, and that of the admin listener.
    local function serve(command)
        local words = { gateway.program }
        for word in (command .. ELSEWHERE):gmatch("%S+") do
            words[#words + 1] = word
        end
        table.remove(words, 2) -- "eksgate"
        server = process.start(words, {
            folder = folder, state = folder, stdout = folder .. "/out", stderr = folder .. "/err",
            environment = { EKSGATE_DATA = folder .. "/data" },
        })
        local ready = text.wait_for(function()
            return (text.read_file(folder .. "/out") or ""):match("^eksgate ready [^\n]+\n")
        end, 10)
        assert(ready, text.read_file(folder .. "/err"))
        return ready:match("^eksgate ready (%S+) admin http://(%S+)")
    end

    it("leads from nothing to a policy that is checked, tested, asked, changed and replayed", function()
        local files, commands = read_section("From nothing to a live policy")
        text.write_file(folder .. "/my_policy.lua", files[1])
        text.write_file(folder .. "/my_policy_spec.lua", files[2])
        local path, check, test, start, curl, reload, replay = table.unpack(commands)
        assert.equal("export PATH=$PWD/build/release:$PATH", path)
        assert.matches("^eksgate check .*my_policy.lua$", check)
        assert.matches("^eksgate test my_policy_spec.lua$", test)
        assert.matches("^eksgate serve .*my_policy.lua$", start)
        assert.matches("^curl .*http://127.0.0.1:8080/", curl)
        assert.matches("^eksgate ctl .*reload$", reload)
        assert.matches("^eksgate replay .* build/quickstart/audit.jsonl$", replay)
        for _, command in ipairs({ check, test }) do
            local code, out, err = run(command)
            assert.equal(0, code, out .. err)
        end
        local url, admin = serve(start)

        local function ask(input)
            local line = curl:gsub("http://127.0.0.1:8080", url):gsub("'{.*}'", "'" .. (input or curl:match("'({.*})'")) .. "'")
            return (select(2, process.run({ "sh", "-c", line }, { folder = folder })))
        end

        local refusal = "(eksgate policy my-policy: entries for IAM users need tags, request "
        assert.truthy(ask():find(refusal, 1, true), ask())
        for _, input in ipairs({
            '{"principalArn":"arn:aws:iam::012345678910:user/anna","tags":{"team":"red"}}',
            '{"principalArn":"arn:aws:iam::012345678910:role/deployer"}',
        }) do
            local reply = ask(input)
            assert.truthy(reply:find('"accessEntryArn"', 1, true), reply)
        end

        text.write_file(folder .. "/my_policy.lua", files[1] .. "}")
        local code, _, err = run(reload, { EKSGATE_ADMIN = admin })
        assert.equal(1, code)
        assert.truthy(err:find("my_policy.lua:%d+: .*expected"), err)
        assert.truthy(ask():find(refusal, 1, true))
        text.write_file(folder .. "/my_policy.lua", (files[1]:gsub("need tags", "need better tags")))
        code, _, err = run(reload, { EKSGATE_ADMIN = admin })
        assert.equal(0, code, err)
        assert.truthy(ask():find("need better tags", 1, true))

        replay = replay:gsub("build/quickstart", folder .. "/data")
        local told
        code, told, err = run(replay)
        assert.equal(0, code, told .. err)
        text.write_file(folder .. "/my_policy.lua", (files[1]:gsub('"user"', '"root"')))
        code, told, err = run(replay)
        assert.equal(1, code, err)
        assert.truthy(told:find("verdict: deny -> allow", 1, true), told)
    end)
end)
