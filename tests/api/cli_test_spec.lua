-- SPDX-License-Identifier: Apache-2.0
-- eksgate test: the words that specs are written in, what is told of failures, the forms of the report, exit codes.

local cjson = require("cjson")
local gateway = require("support.gateway")
local text = require("support.text")

local POLICY = [[
local verdict = require("eksgate.verdict")
local policy = { name = "team", on = { "CreateAccessEntry" }, needs = { "entry" } }
function policy.authorize(req)
    if req.entry then
        return verdict.deny("has an entry")
    elseif req.principal.name == "typo" then
        return req.principle
    elseif req.principal.name == "number" then
        return 3
    end
    return nil
end
function policy.username(req)
    return "team:" .. req.principal.name
end
function policy.tags()
    return { team = "red", owner = "x" }
end
function policy.audit(record)
    return { who = record.caller.name }
end
return policy
]]

local HEAD = [[
local case = spec -- the word for a case: what most specs call spec is the library
local spec = require("eksgate.spec")
local team = spec.policy("team")
local function request(name, more)
    local fields = { principal = "arn:aws:iam::012345678910:role/" .. name }
    for key, value in pairs(more or {}) do
        fields[key] = value
    end
    return spec.request(fields)
end
]]

local ANSWERS_ANYTHING = [[
local policy = { name = "p" }
function policy.authorize(req) return req.input.answer end
function policy.username(req) return req.input.username end
function policy.tags(req) return req.input.tags end
function policy.conflict(req) return req.input.answer end
function policy.fault(req) return req.input.answer end
function policy.audit(record) return record.input end
function policy.outcome(record) return record end
return policy
]]

local HANDS_OVER_ANYTHING = [=[
local spec = require("eksgate.spec")
local native = require("eksgate.spec.native")
local p = spec.policy("p")
local loop = {}
loop.loop = loop
local deep = {}
do local at = deep for i = 1, 100 do at.x = {} at = at.x end end
local function raises() error("x") end
local lying = setmetatable({}, { __index = raises, __len = function() return 1e9 end, __pairs = raises })
local values = { nil, true, 0, -1, 1e308, 0/0, math.maxinteger, "", ("x"):rep(400000), "\0", {}, loop, deep, lying,
    function() error("z") end, p.authorize, { 1, 2, [5] = 3 }, { [1.5] = 1 }, { a = function() end }, native, spec }
local count = 0
local function try(f, ...)
    count = count + 1
    pcall(f, ...)
end
it("takes anything", function()
    for _, f in pairs({ p.authorize, p.username, p.tags, p.conflict, p.fault, p.audit, p.outcome, native.where, native.path,
        native.policy, native.dofile, native.ask, native.reply, native.reset, spec.policy, spec.request, spec.ask, spec.reply }) do
        for i = 1, 21 do
            try(f, values[i])
            for j = 1, 21 do
                try(f, values[i], values[j])
                try(f, { values[i] }, values[j], "deny")
            end
        end
    end
    assert.is_true(count > 1000)
end)
for _, hook in ipairs({ "authorize", "username", "tags", "conflict", "fault", "audit", "outcome" }) do
    it("answers anything to " .. hook, function()
        for _, field in ipairs({ "operation", "principal", "caller", "input", "time", "entry", "associations", "admins",
            "client_certificate" }) do
            for i = 1, 21 do
                try(p[hook], { [field] = values[i] })
                try(p[hook], { input = { [field] = values[i], answer = values[i], username = values[i], tags = values[i] } })
                try(p[hook], { principal = { [field] = values[i], arn = values[i] }, caller = { tags = values[i], [field] = values[i] } })
            end
        end
    end)
end
it("nests", function()
    spec.reply("x", function() return {} end)
    assert.has_error(function() describe("x", function() end) end)
    assert.has_error(function() it("x", function() end) end)
end)
]=]

describe("eksgate test", function()
    local folder

    before_each(function()
        folder = text.make_folder()
        text.write_file(folder .. "/team.lua", POLICY)
    end)

    after_each(function()
        text.remove_folder(folder)
    end)

    --- Runs a spec of the policy above; the report as a table, by the names of its cases, and the exit code.
    local function run(body)
        text.write_file(folder .. "/team_spec.lua", HEAD .. body)
        local code, out, err = gateway.run({ "test", "--json", folder })
        assert(out ~= "", err)
        local report, cases = cjson.decode(out), {}
        for _, case in ipairs(report.cases) do
            cases[case.name] = case
        end
        return report, cases, code
    end

    --- All of it passes.
    local function passes(body)
        local report, _, code = run(body)
        for _, case in ipairs(report.cases) do
            assert.equal("passed", case.outcome, case.name .. ": " .. tostring(case.message))
        end
        assert.is_true(#report.cases > 0)
        assert.equal(0, code)
    end

    --- The only case of a spec, which doesn't pass, has these texts in its message.
    local function tells(body, ...)
        local report, _, code = run('it("x", function()\n' .. body .. "\nend)\n")
        assert.equal(1, code)
        assert.equal(1, #report.cases)
        assert.truthy(report.cases[1].outcome == "failed" or report.cases[1].outcome == "error")
        for _, part in ipairs({ ... }) do
            assert.truthy(report.cases[1].message:find(part, 1, true), report.cases[1].message)
        end
        return report.cases[1]
    end

    it("passes what holds, in all of luassert's spellings", function()
        passes([[
            it("holds", function()
                assert(true)
                assert.equal(1, 1)
                assert.equals("a", "a")
                assert.are.equal(1, 1)
                assert.are_equal(1, 1)
                assert.is_not.equal(1, 2)
                assert.are_not.equals(1, 2)
                assert.same({ 1, { a = 2 } }, { 1, { a = 2 } })
                assert.are_not.same({ 1 }, { 2 })
                assert.is_true(true)
                assert.is_not_true(1)
                assert.is_false(false)
                assert.True(true)
                assert.is_nil(nil)
                assert.is_not_nil(0)
                assert.truthy(0)
                assert.is_truthy("")
                assert.falsy(nil)
                assert.is_falsy(false)
                assert.is_table({})
                assert.is_string("")
                assert.is_number(1)
                assert.is_boolean(false)
                assert.is_function(print)
                assert.is_not_string(1)
                assert.near(1, 1.05, 0.1)
                assert.unique({ 1, 2 })
                assert.matches("^a+$", "aaa")
                assert.does_not.match("b", "aaa")
                assert.has_error(function() error("x") end)
                assert.has.errors(function() error("x") end)
                assert.has_error(function() error("x") end, "x")
                assert.has_error(function() error({ 1 }) end, { 1 })
                assert.has_no.errors(function() end)
                assert.has_no_error(function() end)
                assert.error_matches(function() error("abc") end, "b")
                assert.equal(7, assert.is_number(7))
            end)
        ]])
    end)

    it("fails what doesn't hold, with what was expected and got", function()
        for _, case in ipairs({
            { "assert.equal(1, 2)", "expected 1", "got 2" },
            { "assert.equal({}, {})", "expected {}", "got {}" },
            { 'assert.same({ a = { b = 1 } }, { a = { b = "1" } })', "expected { a = { b = 1 } }", "they differ at .a.b" },
            { "assert.same({ 1, 2 }, { 1 })", "they differ at [2]" },
            { "assert.same({ 1 }, { 1, 2 })", "they differ at [2]" },
            { "assert.is_not_nil(nil)", "expected not nil", "got nil" },
            { "assert.is_true(1)", "expected true", "got 1" },
            { "assert.truthy(false)", "neither nil nor false", "got false" },
            { 'assert.is_table("x")', "a table", 'got "x"' },
            { "assert(nil)", "assertion failed: got nil" },
            { 'assert(false, "my words")', "my words" },
            { 'assert.is_nil(1, "my words")', "my words", "expected nil" },
            { 'assert.has_error(function() error("x") end, "y")', 'the error "y"', "x" },
            { "assert.has_error(function() end)", "an error", "no error" },
            { 'assert.has_no.errors(function() error("x") end)', "expected not an error", "x" },
            { 'assert.matches("b", "aaa")', 'fits "b"', 'got "aaa"' },
            { "assert.is_eqal(1, 1)", "assert.is_eqal: there is no such assertion", "equal, equals, error" },
            { "assert.spy(1)", "assert.spy: there is no such assertion" },
        }) do
            local one = tells(table.unpack(case))
            assert.equal(folder .. "/team_spec.lua:12", one.where)
            assert.equal("failed", one.outcome)
        end
    end)

    it("tells errors apart from failures, and where they were raised", function()
        local one = tells('error("broken")', "broken")
        assert.equal("error", one.outcome)
        assert.equal(folder .. "/team_spec.lua:12", one.where)
        one = tells("error({})", "raised table")
        assert.equal("error", one.outcome)
        tells("local x = nil; return x.y", "attempt to index a nil value")
        tells("io.open('x')", "unknown name 'io'")
    end)

    it("runs blocks, what stands before and behind them, and names cases by their blocks", function()
        local _, cases, code = run([[
            local said = {}
            local function say(word) return function() said[#said + 1] = word end end
            describe("a", function()
                setup(say("setup"))
                teardown(say("teardown"))
                before_each(say("before"))
                after_each(say("after"))
                context("b", function()
                    before_each(say("before b"))
                    it("one", say("one"))
                    case("two", say("two"))
                end)
                test("three", function() finally(say("finally")) end)
                pending("four")
                it("five")
            end)
            insulate("c", function()
                it("saw them in order", function()
                    assert.same({ "setup", "before", "before b", "one", "after", "before", "before b", "two", "after",
                        "before", "finally", "after", "teardown" }, said)
                end)
                it("waits", function() pending("for better days") end)
            end)
        ]])
        assert.equal(0, code)
        for _, name in ipairs({ "a b one", "a b two", "a three", "c saw them in order" }) do
            assert.equal("passed", (cases[name] or {}).outcome, name .. ": " .. tostring((cases[name] or {}).message))
        end
        assert.equal("pending", cases["a four"].outcome)
        assert.equal("pending", cases["a five"].outcome)
        assert.equal("pending", cases["c waits"].outcome)
        assert.equal("for better days", cases["c waits"].message)
    end)

    it("fails the cases of a block whose setup fails, and those whose teardown does", function()
        local _, cases, code = run([[
            describe("a", function()
                setup(function() error("no ground") end)
                it("one", function() end)
                it("two", function() end)
            end)
            describe("b", function()
                after_each(function() error("left over") end)
                it("one", function() end)
            end)
            it("alone", function() end)
        ]])
        assert.equal(1, code)
        for _, name in ipairs({ "a one", "a two" }) do
            assert.equal("no ground", cases[name].message)
        end
        assert.equal("left over", cases["b one"].message)
        assert.equal("passed", cases.alone.outcome)
    end)

    it("shows a policy the request that production would, and checks its answer", function()
        passes([[
            it("denies", function()
                assert.same({ verdict = "deny", reason = "has an entry" },
                    team.authorize(request("x", { entry = { username = "u", tags = {} } })))
                assert.is_nil(team.authorize(request("x")))
                assert.is_nil(team.authorize(request("x", { operation = "DeleteAccessEntry", entry = { type = "EC2" } })))
                assert.equal("team:x", team.username(request("x")))
                assert.same({ team = "red", owner = "x" }, team.tags(request("x")))
                assert.same({ who = "anna" }, team.audit({ caller = { name = "anna" } }))
                assert.same({ "CreateAccessEntry" }, team.on)
                assert.same({ "entry" }, team.needs)
                assert.equal("team", team.name)
            end)
            it("takes a plain table with what the policy reads", function()
                assert.equal("team:x", team.username({ principal = { name = "x" } }))
                assert.error_matches(function() team.username({ principle = {} }) end, "no such field: req.principle")
                assert.error_matches(function() team.username({ operation = 1 }) end, "req.operation must be a text")
            end)
            it("raises what the policy raises", function()
                assert.error_matches(function() team.authorize(request("typo")) end, "team.lua:7: no such field: req.principle")
                assert.error_matches(function() team.authorize(request("number")) end, "team.lua:3: authorize")
            end)
        ]])
        tells('team.authorize(request("typo"))', "team.lua:7: no such field: req.principle")
        tells('team.authorize(spec.request({ principle = "x" }))', "no such field: principle")
        tells('team.authorize(spec.request({ principal = "x" }))', "principal is no ARN of a principal: x")
        tells('team.authorize(request("x", { operation = "CreateAcessEntry" }))', "EKS has no operation 'CreateAcessEntry'")
        tells('team.deny(request("x"))', "attempt to call a nil value")
    end)

    it("asks several policies as the gateway does", function()
        text.write_file(
            folder .. "/more.lua",
            [[
            local verdict = require("eksgate.verdict")
            local policy = { name = "more" }
            function policy.authorize(req)
                if req.principal.name == "slow" then return verdict.throttle(5, "slow down") end
                if req.principal.name == "good" then return verdict.allow() end
                return nil
            end
            function policy.username() return "more" end
            function policy.tags() return { team = "blue", more = "1" } end
            return policy
        ]]
        )
        passes([[
            it("asks", function()
                assert.same({
                    verdict = "allow", verdicts = {}, username = "team:x",
                    tags = { owner = "x", more = "1" },
                }, spec.ask({ team, "more" }, request("x", { input = { tags = { team = "green" } } })))
                assert.same({
                    verdict = "throttle", policy = "more", reason = "slow down", seconds = 5, tags = {},
                    verdicts = { { policy = "more", verdict = "throttle", reason = "slow down" } },
                }, spec.ask({ "team", "more" }, request("slow")))
                local said = spec.ask({ "team", "more" }, request("typo"))
                assert.same({ "deny", "team", "policy failed" }, { said.verdict, said.policy, said.reason })
                assert.matches("team.lua:7: no such field", said.failure)
                said = spec.ask({ "team", "more" }, request("x"), { default_verdict = "deny" })
                assert.same({ "deny", "default_verdict" }, { said.verdict, said.policy })
                assert.equal("allow", spec.ask({ "team", "more" }, request("good"), { default_verdict = "deny" }).verdict)
            end)
        ]])
    end)

    it("gives every dofile and spec.policy a policy of its own", function()
        text.write_file(
            folder .. "/counts.lua",
            [[
            local policy, calls = { name = "counts" }, 0
            function policy.username() calls = calls + 1; return "n" .. calls end
            return policy
        ]]
        )
        passes([[
            for i = 1, 3 do
                it("starts anew " .. i, function()
                    local counts = i == 2 and dofile("counts.lua") or spec.policy("counts")
                    assert.equal("n1", counts.username(request("x")))
                    assert.equal("n2", counts.username(request("x")))
                end)
            end
        ]])
    end)

    it("lets modules beside the spec help", function()
        text.write_file(folder .. "/helpers.lua", 'return { name = function() return "x" end }')
        passes([[
            local helpers = require("helpers")
            it("helps", function() assert.equal("team:x", team.username(request(helpers.name()))) end)
        ]])
    end)

    it("prints text, TAP, JSON and JUnit's XML of the same run", function()
        local body = 'it("is & right # 1", function() end)\nit("is wrong", function() assert.equal("<a>", "b") end)\npending("later")\n'
        text.write_file(folder .. "/team_spec.lua", HEAD .. body)
        local code, out = gateway.run({ "test", folder, "--junit", folder .. "/out.xml" })
        assert.equal(1, code)
        assert.truthy(out:find(folder .. "/team_spec.lua: 1 passed, 1 failed, 1 pending", 1, true))
        assert.truthy(out:find('team_spec.lua:12: failed is wrong\n    expected "<a>"\n         got "b"', 1, true), out)
        assert.truthy(out:find("1 passed, 1 failed, 1 pending in ", 1, true))
        local xml = text.read_file(folder .. "/out.xml")
        assert.truthy(xml:find('tests="3" failures="1" errors="0" skipped="1"', 1, true), xml)
        assert.truthy(xml:find('name="is &amp; right # 1"', 1, true), xml)
        assert.truthy(xml:find("expected &quot;&lt;a&gt;&quot;", 1, true), xml)
        code, out = gateway.run({ "test", "--tap", folder })
        assert.equal(1, code)
        assert.truthy(out:find("TAP version 13\n1..3\nok 1 - is & right \\# 1\nnot ok 2 - is wrong\n", 1, true), out)
        assert.truthy(out:find("ok 3 - later # SKIP later", 1, true), out)
    end)

    it("lets nothing that a spec writes reach a terminal, or forge a line", function()
        text.write_file(
            folder .. "/team_spec.lua",
            [[it("a\27[2J\nok 7 - forged\0b", function() error("c\27]0;d\7\n  ...\rnot ok 8\0e") end)
            it("p", function() print("f\27[1m\rg\nh") pending("why\nok 9 - forged\0i\255") end)]]
        )
        for _, form in ipairs({ false, "--tap" }) do
            local code, out, err = gateway.run({ "test", folder, form or nil })
            assert.equal(1, code)
            assert.is_nil((out .. err):find("[\0-\9\11-\31\127-\255]"), out .. err)
            assert.is_nil(out:find("\nok %d+ %- forged"), out)
            assert.truthy(out:find("a\\x1b[2J", 1, true), out)
            assert.truthy(out:find("not ok 8\\x00e", 1, true), out)
            assert.truthy(out:find("forged\\x00i\\xff", 1, true), out)
            assert.truthy(err:find("f\\x1b[1m\\x0dg\n", 1, true), err)
        end
    end)

    it("keeps only so much of what cases say", function()
        local report = run([[
            it(("n"):rep(10000), function() error(("x"):rep(200000)) end)
            for i = 1, 1100 do
                it("case " .. i, function() error(("y"):rep(65000)) end)
            end
        ]])
        assert.equal(1101, report.failed)
        assert.equal(("n"):rep(4096) .. "... (10000 bytes)", report.cases[1].name)
        assert.truthy(report.cases[1].message:find("x... (200000 bytes)", 1, true))
        assert.equal(65000, #report.cases[2].message)
        assert.equal("(not kept: there is too much of it)", report.cases[1101].message)
    end)

    it("runs the cases that a filter lets pass, and what stands around them", function()
        text.write_file(
            folder .. "/team_spec.lua",
            [[
            local said = {}
            local function say(word) return function() said[#said + 1] = word end end
            describe("a", function()
                setup(say("setup"))
                teardown(say("teardown"))
                it("one", say("one"))
                it("two", say("two"))
            end)
            describe("b", function()
                setup(say("never"))
                teardown(say("never"))
                it("four", say("four"))
            end)
            it("saw one", function() assert.same({ "setup", "one", "teardown" }, said) end)
        ]]
        )
        local code, out = gateway.run({ "test", "--filter", "one", folder })
        assert.equal(0, code, out)
        assert.truthy(out:find("2 passed, 0 failed, 0 pending", 1, true), out)
        local _, err
        code, _, err = gateway.run({ "test", "--filter", "five", folder })
        assert.equal(1, code)
        assert.truthy(err:find("no case in these specs that --filter lets pass", 1, true), err)
    end)

    it("tells which lines ran, when asked to", function()
        text.write_file(folder .. "/helpers.lua", 'return {\n    a = function()\n        return 1\n    end,\n}\n')
        text.write_file(folder .. "/team.lua", 'local helpers = require("helpers")\n' .. POLICY .. "-- " .. "helpers\n")
        text.write_file(
            folder .. "/team_spec.lua",
            HEAD .. 'it("asks", function() team.username(request("x")) team.authorize(request("typo", { entry = {} })) end)'
        )
        local code, out = gateway.run({ "test", "--coverage", "--json", folder })
        assert.equal(0, code)
        local coverage = cjson.decode(out).coverage
        assert.same({ "helpers.lua", "team.lua" }, { coverage[1].file:match("[^/]*$"), coverage[2].file:match("[^/]*$") })
        assert.same({ 3 }, coverage[1].notRun)
        -- those behind "has an entry", of tags and of audit
        assert.same({ 7, 8, 9, 10, 12, 18, 21 }, coverage[2].notRun)
        assert.equal(#coverage[2].notRun, coverage[2].lines - coverage[2].run)
        code, out = gateway.run({ "test", "--coverage", folder })
        assert.equal(0, code)
        assert.truthy(out:find("helpers.lua +%d+%.%d %%  not run: 3\n"), out)
        assert.truthy(out:find("team.lua +%d+%.%d %%  not run: 7%-10, 12, 18, 21\n"), out)
        assert.truthy(out:find("\nlines +%d+%.%d %% of %d+ lines\n"), out)
        assert.is_nil(cjson.decode((select(2, gateway.run({ "test", "--json", folder })))).coverage)
    end)

    it("reports what each hook cost", function()
        local report = run('it("asks", function() for i = 1, 10 do team.username(request("x")) end end)')
        assert.equal(1, #report.hooks)
        local cost = report.hooks[1]
        assert.same({ "team", "username", 10 }, { cost.policy, cost.hook, cost.calls })
        assert.is_true(cost.cpuMedianNs > 0 and cost.cpuMaxNs >= cost.cpuMedianNs)
        assert.is_true(cost.memoryMaxBytes > 0 and cost.memoryMaxBytes < 10000)
    end)

    it("runs the specs of the configured policies, and says which have none", function()
        text.write_file(folder .. "/alone.lua", 'return { name = "alone" }')
        text.write_file(folder .. "/team_spec.lua", HEAD .. 'it("is there", function() end)')
        text.write_file(folder .. "/eksgate.lua", 'return { policies = { "team.lua", "alone.lua" } }')
        local code, out = gateway.run({ "test", "-c", folder .. "/eksgate.lua" })
        assert.equal(0, code)
        assert.truthy(out:find("alone.lua: no spec", 1, true))
        assert.truthy(out:find("1 passed, 0 failed, 0 pending", 1, true))
    end)

    it("takes the budget from the configuration", function()
        text.write_file(folder .. "/eksgate.lua", 'return { policies = { "team.lua" }, policy = { memory_bytes = 65536 } }')
        text.write_file(
            folder .. "/team.lua",
            [[
            local policy = { name = "team" }
            function policy.username() return #("x"):rep(100000) .. "" end
            return policy
        ]]
        )
        text.write_file(folder .. "/team_spec.lua", HEAD .. 'it("grows", function() team.username(request("x")) end)')
        local code, out = gateway.run({ "test", "-c", folder .. "/eksgate.lua" })
        assert.equal(1, code)
        assert.truthy(out:find("needs more memory than it may have", 1, true), out)
        code = gateway.run({ "test", folder })
        assert.equal(0, code)
    end)

    it("fails where there is nothing to run, and says why", function()
        local function says(words, ...)
            local code, out, err = gateway.run({ "test", ... })
            assert.equal(1, code)
            assert.truthy(err:find(words, 1, true), err)
            return out
        end
        assert.equal("", says("no file in it, or below, has a name that ends in _spec.lua", folder))
        says("missing_spec.lua: No such file", folder .. "/missing_spec.lua")
        text.write_file(folder .. "/eksgate.lua", 'return { policies = { "team.lua" } }')
        says("team.lua: is no spec and has none beside it", folder .. "/team.lua")
        says("none of its policies has a spec", "-c", folder .. "/eksgate.lua")
        text.write_file(folder .. "/team_spec.lua", "")
        says("there is no case", folder)
    end)

    it("fails where its report can't be written", function()
        text.write_file(folder .. "/team_spec.lua", 'it("passes", function() end)')
        local code, _, err = gateway.run({ "test", folder, "--junit", "/dev/full" })
        assert.equal(1, code)
        assert.truthy(err:find("/dev/full: No space left", 1, true), err)
        for _, form in ipairs({ "", "--json", "--tap" }) do
            local words = ("%s test %s %s >/dev/full 2>&1"):format(os.getenv("EKSGATE"), form, folder)
            assert.same({ "exit", 1 }, { select(2, os.execute(words)) })
        end
    end)

    it("takes whatever a spec hands over, and whatever a policy answers", function()
        text.write_file(folder .. "/p.lua", ANSWERS_ANYTHING)
        text.write_file(folder .. "/p_spec.lua", HANDS_OVER_ANYTHING)
        local code, out, err = gateway.run({ "test", folder })
        assert.equal(0, code, out .. err)
        assert.truthy(out:find("9 passed, 0 failed", 1, true), out)
    end)

    it("knows wrong usage", function()
        local code, _, err = gateway.run({ "test", "--tap", "--json", folder })
        assert.equal(2, code)
        assert.truthy(err:find("--json and --tap", 1, true))
    end)

    it("runs 1,000 cases in no time", function()
        local body = [[
            for i = 1, 1000 do
                it("names role " .. i, function()
                    assert.equal("team:r" .. i, team.username(request("r" .. i)))
                end)
            end
        ]]
        local report, _, code = run(body)
        assert.equal(0, code)
        assert.equal(1000, report.passed)
        -- 0.2 s is the bar, which tests/run bench measures; a busy machine or a sanitizer is slower
        assert.is_true(report.wallNs < 5e9, "took " .. report.wallNs / 1e9 .. " s")
    end)
end)
