-- SPDX-License-Identifier: Apache-2.0
-- lua5.4 tests/lua/interface.lua FOLDER: makes a spec for `eksgate test` that compares lua/eksgate/meta.lua with what the
-- program has: the tables of names in its source, the modules and Lua's own libraries as the sandbox has them. Compares the
-- stand-ins itself. From the repository's top.
local folder = arg[1]

-- What only stand-ins have.
local ONLY_HERE = { ["eksgate.time"] = { "set" }, ["eksgate.counter"] = { "reset" }, ["eksgate.log"] = { "lines" } }

local function read(path)
    local file = assert(io.open(path))
    local text = file:read("a")
    file:close()
    return text
end

local meta = read("lua/eksgate/meta.lua")

local function sorted(names)
    table.sort(names)
    return names
end

local function all(text, pattern)
    local names = {}
    for name in text:gmatch(pattern) do
        names[#names + 1] = name
    end
    if #names == 0 then
        error("nothing found of " .. pattern)
    end
    return sorted(names)
end

local function fields(class)
    local block = (meta .. "\n"):match("%-%-%-@class " .. class:gsub("%.", "%%.") .. "[:\n](.-)\n\n")
        or error("lua/eksgate/meta.lua: there is no class " .. class)
    return all("\n" .. block, "\n%-%-%-@field ([%w_]+)")
end

local function alias(name)
    local block = meta:match("%-%-%-@alias " .. name:gsub("%.", "%%.") .. "(.-)\n\n") or error("no alias " .. name)
    return all(block, '"(%w+)"')
end

-- Names within the braces of an array in a C file; `pattern` finds one.
local function array(path, name, pattern)
    local block = read(path):match(name .. "%[[%w_]*%]%s*=%s*(%b{})") or error(path .. ": no array " .. name)
    return all(block, pattern)
end

local request = "core/script/bind_request.c"
local record = all(read("core/gateway/audit.c"):match("static void build_view.-\n}"), 'set[_%w]*%(view, "([%w_]+)"')
record[#record + 1] = "outcome"
--- The texts in a C function's body.
local function texts_of(path, name)
    return all(read(path):match(name .. "(.-)\n}") or error(path .. ": no function " .. name), '"(%w+)"')
end

local keys = texts_of("core/gateway/policy.h", "gw_policy_hook_name")
table.move({ "name", "on", "needs" }, 1, 3, #keys + 1, keys)

local cases = {
    { "req", fields("eksgate.Request"), array(request, "req_fields", '{"([%w_]+)"') },
    { "req.principal", fields("eksgate.Principal"), array(request, "principal_fields", '{"([%w_]+)"') },
    { "req.caller", fields("eksgate.Caller"), array(request, "caller_fields", '{"([%w_]+)"') },
    { "req.client_certificate", fields("eksgate.ClientCertificate"), array(request, "certificate_fields", '{"([%w_]+)"') },
    { "req.entry", fields("eksgate.Entry"), array(request, "entry_members", '"(%w+)"') },
    { "req.cluster_info", fields("eksgate.ClusterInfo"), array(request, "cluster_members", '"(%w+)"') },
    { "req.input", fields("eksgate.Input"), all(read("core/eks/members.def"), "\nGW_EKS_MEMBER%((%w+)%)") },
    { "operations", alias("eksgate.Operation"), all(read("core/eks/operations.def"), "\nGW_EKS_OPERATION%((%w+),") },
    { "facts", alias("eksgate.Fact"), texts_of("core/gateway/policy.h", "gw_policy_fact_name") },
    { "record", fields("eksgate.Record"), sorted(record) },
    { "a policy's keys", fields("eksgate.Policy"), sorted(keys) },
}

local function contains(list, name)
    for _, item in ipairs(list) do
        if item == name then
            return true
        end
    end
    return false
end

-- Modules: those that are C, and the files of the library.
local native = all(read("core/script/bind_modules.c"), '"(eksgate%.%w+)"')
local modules = {}
for path in io.popen("ls lua/eksgate/*.lua"):lines() do
    local name = "eksgate." .. path:match("(%w+)%.lua$")
    if name ~= "eksgate.meta" then
        modules[#modules + 1] = name
    end
end
for _, name in ipairs(native) do
    assert(contains(modules, name), name .. " has no stand-in")
end

local function names_of(module)
    local names = {}
    for name in pairs(module) do
        names[#names + 1] = name
    end
    return sorted(names)
end

package.path = "./lua/?.lua"
local documented = {}
for _, name in ipairs(modules) do
    documented[name] = fields(name)
    local has = {}
    for _, found in ipairs(names_of(require(name))) do
        if not contains(ONLY_HERE[name] or {}, found) then
            has[#has + 1] = found
        end
    end
    cases[#cases + 1] = { "the stand-in of " .. name, documented[name], has }
end
for class in meta:gmatch("@class (eksgate%.%l+)\n") do
    assert(documented[class], "lua/eksgate/meta.lua: there is no module " .. class)
end

-- Lua's own: what it has, without what meta.lua says that policies don't.
local missing = all(meta, "@deprecated[^\n]*\nfunction ([%w_.]+)%(")
local libraries = {}
-- Of 5.3, where Lua was built with LUA_COMPAT_MATHLIB.
local old = { "math.atan2", "math.cosh", "math.frexp", "math.ldexp", "math.log10", "math.pow", "math.sinh", "math.tanh" }
for _, library in ipairs({ "string", "table", "math", "utf8" }) do
    libraries[library] = {}
    for _, name in ipairs(names_of(_G[library])) do
        if not contains(missing, library .. "." .. name) and not contains(old, library .. "." .. name) then
            table.insert(libraries[library], name)
        end
    end
end
local globals = {}
for _, name in ipairs(names_of(_G)) do
    if name ~= "_G" and name ~= "arg" and name ~= "dofile" then -- specs have a dofile of their own
        globals[name] = not contains(missing, name)
    end
end
for _, name in ipairs({ "io", "os", "debug", "package", "coroutine" }) do
    globals[name] = false
    local hint = read("lua/README.md"):match('"runtime.builtin": (%b{})')
    assert(hint:find(('"%s": "disable"'):format(name), 1, true), "lua/README.md doesn't switch off " .. name)
end

local function show(value)
    if type(value) ~= "table" then
        return type(value) == "string" and ("%q"):format(value) or tostring(value)
    end
    local parts = {}
    for key, item in pairs(value) do
        parts[#parts + 1] = ("[%s] = %s"):format(show(key), show(item))
    end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

local SPEC = [[
local function names_of(module)
    local names = {}
    for name in pairs(module) do
        names[#names + 1] = name
    end
    table.sort(names)
    return names
end

describe("lua/eksgate/meta.lua", function()
    for _, case in ipairs(%s) do
        it("has what the program has: " .. case[1], function()
            assert.equal(table.concat(case[3], " "), table.concat(case[2], " "))
        end)
    end

    for name, documented in pairs(%s) do
        it("has what the program has: " .. name, function()
            assert.equal(table.concat(names_of(require(name)), " "), table.concat(documented, " "))
        end)
    end

    for name, offered in pairs(%s) do
        it("knows what policies don't have: " .. name, function()
            assert.equal(table.concat(names_of(_ENV[name]), " "), table.concat(offered, " "))
        end)
    end

    for name, is_offered in pairs(%s) do
        it("knows what policies don't have: " .. name, function()
            assert.equal(is_offered, (pcall(function()
                return _ENV[name]
            end)))
        end)
    end
end)
]]

local file = assert(io.open(folder .. "/interface_spec.lua", "w"))
file:write(SPEC:format(show(cases), show(documented), show(libraries), show(globals)))
file:close()
