-- SPDX-License-Identifier: Apache-2.0
-- lua/README.md about the shipped policies: a page and a spec for each, and what it says about pass-through.

local eks = require("support.eks")
local expect = require("support.expect")
local gateway = require("support.gateway")
local lfs = require("lfs")
local text = require("support.text")
local upstream = require("support.upstream")

local folder = gateway.root .. "/lua/policies/"
local guide = text.read_file(gateway.root .. "/lua/README.md")

local function path_of(name)
    return folder .. name .. ".lua"
end

--- The table's rows: name to what it says about pass-through.
local rows = {}
for name, passing in guide:gmatch("\n| %[`([%w_]+)%.lua`%]%(#[%w_]+%) | [^|]+ | ([^|]+) |") do
    rows[name] = passing
end

describe("the guide", function()
    it("has a row and a section for each shipped policy, which has a spec", function()
        local count = 0
        for file in lfs.dir(folder) do
            local name = file:match("^([%w_]+)%.lua$")
            if name and not name:find("_spec$") then
                count = count + 1
                assert.is_string(rows[name], name)
                assert.truthy(guide:find("\n### " .. name .. "\n", 1, true), name)
                assert.truthy(lfs.attributes(folder .. name .. "_spec.lua"), name)
            end
        end
        for _ in pairs(rows) do
            count = count - 1
        end
        assert.equal(0, count)
    end)
end)

describe("the guide's table of set-ups", function()
    it("says which policies they have", function()
        local count = 0
        for name, listed in guide:gmatch("\n| `([%w_]+)%.lua` | [^|]+ | ([%w_, ]+) |") do
            local used = {}
            for policy in text.read_file(gateway.root .. "/config/examples/" .. name .. ".lua"):gmatch("policies/([%w_]+)%.lua\"") do
                used[#used + 1] = policy
            end
            assert.equal(table.concat(used, ", "), listed, name)
            count = count + 1
        end
        assert.is_true(count >= 3)
    end)
end)

describe("in pass-through", function()
    local pair

    after_each(gateway.stop_all)

    local function front_options(names)
        local policies = {}
        for i, name in ipairs(names) do
            policies[i] = path_of(name)
        end
        return {
            settings = {
                policies = policies, policy = { library = gateway.root .. "/lua", endpoints = { opa = "http://127.0.0.1:9" } },
            },
        }
    end

    local function start(...)
        pair = upstream.passing_pair({ front = front_options({ ... }) })
        return pair.front
    end

    for name, passing in pairs(rows) do
        local can = passing:sub(1, 2) ~= "no"
        it(name .. (can and " is loaded" or " is refused"), function()
            local gw = gateway.prepare(upstream.passing("http://127.0.0.1:9", front_options({ name })))
            local code, _, err = gateway.run({ "check", "-c", gw.config })
            assert.equal(can and 0 or 1, code, err)
            assert.equal(not can, err:find(name .. ".lua", 1, true) ~= nil, err)
        end)
    end

    local function refused(reply, policy)
        local message = expect.error(reply, 403, "AccessDeniedException").message
        assert.truthy(message:find("(eksgate policy " .. policy .. ": ", 1, true), message)
    end

    it("those that refuse do so, and except nobody", function()
        local front = start("forbidden_groups", "only_these_principals", "no_nodes", "required_tags", "audit_enrich")
        local role, tags = eks.fresh_role(), { team = "a", ["cost-centre"] = "1" }
        refused(eks.create(front, { principalArn = role, tags = tags, kubernetesGroups = { "a:admins" } }), "forbidden-groups")
        refused(eks.create(front, { principalArn = role, tags = tags, type = "EC2" }), "no-nodes")
        refused(eks.create(front, { principalArn = eks.role("r", "666666666666"), tags = tags }), "only-these-principals")
        refused(eks.create(front, { principalArn = role }), "required-tags")
        expect.ok(eks.create(front, { principalArn = role, tags = tags }))
        expect.ok(eks.update(front, role, { kubernetesGroups = { "viewers" } }))
        refused(eks.update(front, role, { kubernetesGroups = { "platform:x" } }), "forbidden-groups")
        pair:stop()
    end)
end)
