-- SPDX-License-Identifier: Apache-2.0
-- The way in lua/README.md, from nothing to a live policy: the files as they stand there, the commands as they stand there.

local gateway = require("support.gateway")
local text = require("support.text")

local ROOT = assert(os.getenv("EKSGATE_ROOT"))

--- The blocks of a section: Lua files in their order, and command lines.
local function read_section(title)
    local section = text.read_file(ROOT .. "/lua/README.md"):match("\n## " .. title .. "\n(.-)\n## ")
    local files, commands = {}, {}
    for block in section:gmatch("```lua\n(.-)```") do
        files[#files + 1] = block
    end
    for line in section:gmatch("\n    (eksgate[^\n]*)") do
        commands[#commands + 1] = line
    end
    return files, commands
end

describe("the policy author's guide", function()
    local folder

    before_each(function()
        folder = text.make_folder()
    end)

    after_each(function()
        gateway.stop_all()
        text.remove_folder(folder)
    end)

    it("leads from nothing to a policy that is checked, tested and asked", function()
        local files, commands = read_section("From nothing to a live policy")
        text.write_file(folder .. "/my_policy.lua", files[1])
        text.write_file(folder .. "/my_policy_spec.lua", files[2])
        assert.truthy(text.shell("ln", "-s", ROOT .. "/config", folder .. "/config"))
        assert.matches("^eksgate check .*my_policy.lua$", commands[1])
        assert.matches("^eksgate test my_policy_spec.lua$", commands[2])
        assert.matches("^eksgate serve .*my_policy.lua$", commands[3])
        for i = 1, 2 do
            local arguments = {}
            for word in commands[i]:gsub("^eksgate ", ""):gmatch("%S+") do
                arguments[#arguments + 1] = word
            end
            local code, out, err = gateway.run(arguments, { folder = folder })
            assert.equal(0, code, out .. err)
        end
        local gw = gateway.start({ policies = { files[1] } })
        assert.equal(403, gw:create({ principalArn = "arn:aws:iam::012345678910:user/anna" }).status)
        assert.equal(200, gw:create({ principalArn = "arn:aws:iam::012345678910:role/deployer" }).status)
        gw:stop()
    end)
end)
