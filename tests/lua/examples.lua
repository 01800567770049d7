-- SPDX-License-Identifier: Apache-2.0
-- lua5.4 tests/lua/examples.lua README FOLDER: makes a policy and its spec in FOLDER of each example in the README's section
-- "The library". A line `EXPRESSION --> VALUES` must come out so; hooks of an example are called once and must not raise. Blocks
-- of JSON and CSV become the files that the next example of Lua names.
local readme, folder = arg[1], arg[2]

local HEAD = [[
local policy = { name = "example" }

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    for key, value in pairs(a) do
        if not same(value, b[key]) then
            return false
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return false
        end
    end
    return true
end

local function check(line, given, wanted)
    if not same(given, wanted) then
        error(("README.md:%d: not so: %s"):format(line, tostring(given[1])), 0)
    end
end

]]

local SPEC = [[
local spec = require("eksgate.spec")

describe("the example of README.md, line %d,", function()
    it("holds", function()
        local policy = spec.policy("example_%d")
        local request = spec.request({ principal = "arn:aws:iam::012345678910:role/deployer" })
        for _, hook in ipairs({ "authorize", "username", "tags" }) do
            if policy[hook] then
                policy[hook](request)
            end
        end
        if policy.outcome then
            policy.outcome({ operation = "CreateAccessEntry", outcome = "applied" })
        end
    end)
end)
]]

local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
end

-- Blocks of the section: language, first line's number, lines.
local function read_blocks()
    local blocks, block, inside, number = {}, nil, false, 0
    for line in io.lines(readme) do
        number = number + 1
        if line:find("^## ") then
            inside = line == "## The library"
        elseif block and line == "```" then
            blocks[#blocks + 1], block = block, nil
        elseif block then
            block[#block + 1] = line
        elseif inside and line:find("^```%l+$") then
            block = { language = line:sub(4), number = number + 1 }
        end
    end
    return blocks
end

local function make_example(block)
    local body = { HEAD }
    local text = table.concat(block, "\n")
    if not text:find("local verdict =", 1, true) then
        body[#body + 1] = 'local verdict = require("eksgate.verdict")\n'
    end
    for i, line in ipairs(block) do
        local expression, values = line:match("^(.-)%s+%-%->%s+(.+)$")
        if expression then
            line = ("check(%d, { %s }, { %s })"):format(block.number + i - 1, expression, values)
        end
        body[#body + 1] = line .. "\n"
    end
    body[#body + 1] = "\nreturn verdict and policy\n"
    write(("example_%d.lua"):format(block.number), table.concat(body))
    write(("example_%d_spec.lua"):format(block.number), SPEC:format(block.number, block.number))
end

local count, files = 0, {}
for _, block in ipairs(read_blocks()) do
    local text = table.concat(block, "\n")
    if block.language == "lua" then
        for language, content in pairs(files) do
            local name = text:match('data%.' .. language .. '%("([%w_]+%.' .. language .. ')"')
            if name then
                write(name, content)
            end
        end
        make_example(block)
        count, files = count + 1, {}
    else
        files[block.language] = text .. "\n"
    end
end
if count < 10 then
    error(("%s: %d examples found"):format(readme, count))
end
