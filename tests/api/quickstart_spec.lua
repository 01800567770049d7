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

    --- What packaging/run prints for a gateway at `url`; `variables` as its own, for TLS.
    local function printed(url, variables)
        local code, out, err = process.run({ "bash", "-c", ([[
            url=%s tls= curl_trusts= cli_trusts=
            %s
            eval "$(sed -n '/^print_first_request() {/,/^}/p' "$EKSGATE_ROOT/packaging/run")"
            print_first_request]]):format(url, variables or "") }, { environment = { EKSGATE_ROOT = gateway.root } })
        assert.equal("0 ", code .. " " .. err)
        return out
    end

    local function run_printed_command(said)
        local command = assert(said:match("\n(%s+curl [^\n]+)"), "no curl command")
        local code, out, err = process.run({ "sh", "-c", (command:gsub("^%s+curl", "curl -sS")) })
        assert.equal(0, code, err)
        return cjson.decode(out).accessEntry
    end

    it("answers the request that packaging/run prints", function()
        local gw = gateway.start({
            config = gateway.root .. "/config/quickstart.lua",
            environment = { EKSGATE_DATA = text.make_folder() },
            arguments = { "--set", "listen=127.0.0.1:0", "--set", "status=", "--set", "admin=" },
        })
        local entry = run_printed_command(printed(gw.address))
        assert.equal("arn:aws:sts::012345678910:assumed-role/deployer/{{SessionName}}", entry.username)
        assert.equal("my-cluster", entry.clusterName)
    end)

    it("prints lines that the AWS CLI and the policy need", function()
        local script = printed("http://127.0.0.1:8080")
        for _, wanted in ipairs({ "AWS_ENDPOINT_URL_EKS=http://127.0.0.1:8080", "AWS_DEFAULT_REGION=us-west-2",
            "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "--set policies=lua/policies/team_username.lua" }) do
            assert.truthy(script:find(wanted, 1, true), wanted)
        end
    end)

    it("answers the request that packaging/run --tls prints", function()
        local folder = text.make_folder()
        assert(text.shell(gateway.root .. "/packaging/make-certificate", folder .. "/build/tls"))
        assert(text.shell("mkdir", folder .. "/config"))
        for _, name in ipairs({ "quickstart-tls.lua", "quickstart.keys.json" }) do
            assert(text.shell("cp", gateway.root .. "/config/" .. name, folder .. "/config/" .. name))
        end
        local config = folder .. "/config/quickstart-tls.lua"
        text.write_file(config, (text.read_file(config):gsub("127%.0%.0%.1:8443", "127.0.0.1:0")))
        local gw = gateway.start({
            config = config, environment = { EKSGATE_DATA = folder }, arguments = { "--set", "status=", "--set", "admin=" },
        })
        local said = printed(gw.address, ("curl_trusts='--cacert %s/build/tls/ca.crt '"):format(folder))
        assert.equal("my-cluster", run_printed_command(said).clusterName)
        text.remove_folder(folder)
    end)
end)
