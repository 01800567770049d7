-- SPDX-License-Identifier: Apache-2.0
-- The table "operation × rule × test" of tests/README.md, taken apart, and which operation a request is.

local gateway = require("support.gateway")
local text = require("support.text")

local coverage = {}

--- Name, method and segments of every operation in core/eks/operations.def.
local function read_operations()
    local operations = {}
    local source = text.read_file(gateway.root .. "/core/eks/operations.def")
    for name, method, path in source:gmatch('GW_EKS_OPERATION%((%u%w+), (%u+), "([^"]+)"%)') do
        local pattern = text.literal(path):gsub("%%{[^}]*%%}", "[^/]+")
        operations[#operations + 1] = { name = name, method = method, path = path, pattern = "^" .. pattern .. "$" }
    end
    return operations
end

local all_operations

--- All of them: {name, method, path}.
function coverage.operations()
    all_operations = all_operations or read_operations()
    return all_operations
end

--- The name of the operation that a request is; nil for none.
function coverage.operation_of(request)
    local path = request.target:match("^[^?]*")
    for _, operation in ipairs(coverage.operations()) do
        if operation.method == request.method and path:find(operation.pattern) then
            return operation.name
        end
    end
    return nil
end

local function cells_of(line)
    local cells = {}
    for cell in line:sub(2):gmatch("%s*(.-)%s*|") do
        cells[#cells + 1] = cell
    end
    return cells
end

--- The lines of one table: from the first that begins with `head` to the end of its table.
local function rows_behind(lines, head)
    local rows = {}
    local inside = false
    for _, line in ipairs(lines) do
        inside = inside or line:sub(1, #head) == head
        if inside and line:sub(1, 1) ~= "|" then
            break
        end
        if inside then
            rows[#rows + 1] = cells_of(line)
        end
    end
    assert(#rows > 2, "tests/README.md has no table that begins with " .. head)
    table.remove(rows, 2)
    return rows
end

local parsed

--- {columns = {"CA", ...}, operation = {CA = name}, marks = {c = {file, ...}}, rules = {{name, cells = {CA = "c"},
--- because}}}. Raises where a cell is missing.
function coverage.read()
    if parsed then
        return parsed
    end
    local lines = {}
    for line in text.read_file(gateway.root .. "/tests/README.md"):gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
    end
    local result = { columns = {}, operation = {}, marks = {}, rules = {} }
    for _, row in ipairs({ table.unpack(rows_behind(lines, "| mark |"), 2) }) do
        result.marks[row[1]:gsub("`", "")] = row[2]:gsub("`", "")
    end
    for _, row in ipairs({ table.unpack(rows_behind(lines, "| column |"), 2) }) do
        for code, name in table.concat(row, " "):gmatch("(%u%u) (%u%w+)") do
            result.operation[code] = name
        end
    end
    local rows = rows_behind(lines, "| rule |")
    local head = rows[1]
    for i = 2, #head - 1 do
        result.columns[#result.columns + 1] = head[i]
    end
    for i = 2, #rows do
        local row = rows[i]
        assert(#row == #head, "tests/README.md: the row " .. row[1] .. " has " .. #row .. " cells, not " .. #head)
        local rule = { name = row[1], cells = {}, because = row[#row] }
        for at = 2, #head - 1 do
            rule.cells[head[at]] = row[at]
        end
        result.rules[#result.rules + 1] = rule
    end
    parsed = result
    return result
end

--- Names of the operations, sorted, whose cell in the row that begins with `rule` has the mark.
function coverage.marked(rule, mark)
    local found = {}
    local whole = coverage.read()
    for _, row in ipairs(whole.rules) do
        if row.name:match("^%S+") == rule then
            for code, cell in pairs(row.cells) do
                if (" " .. cell .. " "):find(" " .. mark .. " ", 1, true) then
                    found[#found + 1] = whole.operation[code]
                end
            end
        end
    end
    table.sort(found)
    return found
end

return coverage
