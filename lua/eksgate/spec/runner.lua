-- SPDX-License-Identifier: Apache-2.0
--- Collects and runs the cases of a spec file under `eksgate test`, in busted's words. The program asks for one case after
-- the other; a case that is killed ends the state, and the next ones run in a new one.
-- @module eksgate.spec.runner

local assertions = require("eksgate.spec.assertions")

local runner = {}

local CASES_MAX = 100000

local function new_block(name, parent)
    return { name = name, parent = parent, setup = {}, teardown = {}, before_each = {}, after_each = {} }
end

local function full_name(block, name)
    while block.parent do
        name, block = block.name .. " " .. name, block.parent
    end
    return name
end

--- From the file's own block to the given one.
local function way_to(block)
    local way = {}
    while block do
        table.insert(way, 1, block)
        block = block.parent
    end
    return way
end

local function check_block(what, name, body)
    if type(name) ~= "string" or type(body) ~= "function" then
        error(("%s needs a name and a function"):format(what), 3)
    end
end

--- Words that take a function and keep it for the block that they stand in.
local KEEPERS = {
    setup = "setup",
    lazy_setup = "setup",
    strict_setup = "setup",
    teardown = "teardown",
    lazy_teardown = "teardown",
    strict_teardown = "teardown",
    before_each = "before_each",
    after_each = "after_each",
}

local function add_blocks(words, file)
    local function describe(name, body)
        check_block("describe", name, body)
        if file.running then
            error("describe inside of a case", 2)
        end
        local outer = file.block
        file.block = new_block(name, outer)
        body()
        file.block = outer
    end

    for _, word in ipairs({ "describe", "context", "insulate", "expose" }) do
        words[word] = describe
    end
    for word, list in pairs(KEEPERS) do
        words[word] = function(body)
            if type(body) ~= "function" then
                error(word .. " needs a function", 2)
            end
            table.insert(file.block[list], body)
        end
    end
end

local function add_cases(words, file, pending_mark)
    local function add(case)
        if file.running then
            error("a case inside of a case", 3)
        end
        if #file.cases == CASES_MAX then
            error(("more than %d cases"):format(CASES_MAX), 3)
        end
        case.block = file.block
        file.cases[#file.cases + 1] = case
        file.block.last = #file.cases
        local outer = file.block.parent
        while outer do
            outer.last, outer = #file.cases, outer.parent
        end
    end

    --- Without a body it waits to be written.
    local function it(name, body)
        if body ~= nil then
            check_block("it", name, body)
        end
        add({ name = tostring(name), body = body, pending = body == nil and "has no body" or nil })
    end

    words.it, words.spec, words.test = it, it, it

    function words.pending(reason)
        if file.running then
            error(setmetatable({ reason = reason }, pending_mark), 0)
        end
        add({ name = tostring(reason), pending = tostring(reason) })
    end

    function words.finally(body)
        file.finally = body
    end
end

--- Runs bodies in order, and the others too when one fails; keeps the first problem.
local function run_all(bodies, problem)
    for _, body in ipairs(bodies) do
        local ok, raised = pcall(body)
        if not ok and problem == nil then
            problem = raised
        end
    end
    return problem
end

--- Setups of blocks that haven't begun. What fails there fails all cases of the block.
local function enter(way)
    for _, block in ipairs(way) do
        if not block.entered then
            block.entered = true
            block.broken = run_all(block.setup)
        end
        if block.broken ~= nil then
            return block.broken
        end
    end
    return nil
end

local function leave(way, number, problem)
    for i = #way, 1, -1 do
        if way[i].entered and way[i].last == number then
            problem = run_all(way[i].teardown, problem)
        end
    end
    return problem
end

local function run_body(way, case, file)
    local problem
    for _, block in ipairs(way) do
        problem = problem or run_all(block.before_each)
    end
    if problem == nil then
        local ok, raised = pcall(case.body)
        problem = not ok and (raised == nil and "raised nil" or raised) or nil
    end
    if file.finally then
        problem = run_all({ file.finally }, problem)
        file.finally = nil
    end
    for i = #way, 1, -1 do
        problem = run_all(way[i].after_each, problem)
    end
    return problem
end

--- Makes the words for one spec file, and the functions that run what it says.
-- @param native what the program offers: where, dofile, reset
function runner.new(native)
    local file = { block = new_block(nil, nil), cases = {} }
    local pending_mark = {}
    local words = { dofile = native.dofile }
    local failure
    words.assert, failure = assertions.new(native.where)
    add_blocks(words, file)
    add_cases(words, file, pending_mark)

    local function outcome(problem)
        if problem == nil then
            return "passed"
        end
        local kind = type(problem) == "table" and getmetatable(problem)
        if kind == pending_mark then
            return "pending", tostring(problem.reason)
        elseif kind == failure then
            return "failed", problem.message, problem.where
        end
        return "error", type(problem) == "string" and problem or "raised " .. tostring(problem)
    end

    local function run(number)
        local case = file.cases[number]
        local way = way_to(case.block)
        if case.pending then
            local problem = leave(way, number)
            if problem == nil then
                return "pending", case.pending
            end
            return outcome(problem)
        end
        file.running = true
        native.reset()
        local problem = enter(way)
        if problem == nil then
            problem = run_body(way, case, file)
        end
        problem = leave(way, number, problem)
        file.running = false
        return outcome(problem)
    end

    return {
        words = words,
        count = function()
            return #file.cases
        end,
        name = function(number)
            return full_name(file.cases[number].block, file.cases[number].name)
        end,
        run = run,
        --- Instead of running it: what its blocks do behind their last case is done all the same.
        skip = function(number)
            return outcome(leave(way_to(file.cases[number].block), number))
        end,
    }
end

return runner
