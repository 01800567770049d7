-- SPDX-License-Identifier: Apache-2.0
-- What a newcomer does first: the gateway of config/quickstart.lua, and the request that packaging/run prints, pasted.

local cjson = require("cjson")
local gateway = require("support.gateway")
local process = require("support.process")
local text = require("support.text")

describe("the quickstart", function()
    after_each(function()
        gateway.stop_all()
    end)

    local function printed_command()
        for line in text.read_file(gateway.root .. "/packaging/run"):gmatch("[^\n]+") do
            if line:match("^%s+curl ") then
                return line
            end
        end
        error("packaging/run prints no curl command")
    end

    it("answers the request that packaging/run prints", function()
        local gw = gateway.start({
            config = gateway.root .. "/config/quickstart.lua",
            environment = { EKSGATE_DATA = text.make_folder() },
            arguments = { "--set", "listen=127.0.0.1:0", "--set", "status=", "--set", "admin=" },
        })
        local command = printed_command():gsub("http://127%.0%.0%.1:8080", gw.address)
        local code, out, err = process.run({ "sh", "-c", command:gsub("^%s+curl", "curl -sS") })
        assert.equal(0, code, err)
        local entry = cjson.decode(out).accessEntry
        assert.equal("arn:aws:sts::012345678910:assumed-role/deployer/{{SessionName}}", entry.username)
        assert.equal("my-cluster", entry.clusterName)
    end)

    it("prints lines that the AWS CLI and the policy need", function()
        local script = text.read_file(gateway.root .. "/packaging/run")
        for _, wanted in ipairs({ "AWS_ENDPOINT_URL_EKS=http://127.0.0.1:8080", "AWS_DEFAULT_REGION=us-west-2",
            "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "--set policies=lua/policies/team_username.lua" }) do
            assert.truthy(script:find(wanted, 1, true), wanted)
        end
    end)
end)
