-- SPDX-License-Identifier: Apache-2.0
--- Tables beside the policy: JSON and CSV files in its folder or below. They are read when policies are loaded and again
-- with them, and are read-only: index them, take their length, go through them with ipairs and pairs.
-- In eksgate this module is part of the program: the tables lie outside of Lua, once for all workers, and their type is
-- "userdata"; 16 MiB a file, 32 MiB and a million values for all files. This file stands in for it where policies run
-- without eksgate (plain busted).
-- @module eksgate.data

---@class eksgate.data
local data = {}

local BYTES_MAX, VALUES_MAX, COLUMNS_MAX, DEPTH_MAX = 16 << 20, 1000000, 256, 32

-- The real tables behind the read-only ones.
local behind = setmetatable({}, { __mode = "k" })

local function sorted_keys(value)
    local keys = {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    return keys
end

local function freeze(value)
    if type(value) ~= "table" then
        return value
    end
    local frozen, keys = {}, sorted_keys(value)
    for key, inner in pairs(value) do
        value[key] = freeze(inner)
    end
    behind[frozen] = value
    return setmetatable(frozen, {
        __index = value,
        __newindex = function()
            error("tables of eksgate.data are read-only", 2)
        end,
        __len = function()
            return #value
        end,
        __pairs = function()
            local i = 0
            return function()
                i = i + 1
                return keys[i], value[keys[i]]
            end
        end,
        __metatable = false,
    })
end

local function check_table(value)
    return behind[value] or error("a table of eksgate.data expected, got " .. type(value), 3)
end

-- JSON

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function fail(parser, what)
    local _, lines = parser.text:sub(1, parser.at - 1):gsub("\n", "")
    error(("line %d: %s"):format(lines + 1, what), 0)
end

local function skip(parser)
    parser.at = parser.text:find("[^ \t\r\n]", parser.at) or #parser.text + 1
    return parser.text:sub(parser.at, parser.at)
end

local function read_escape(parser, at)
    local letter = parser.text:sub(at, at)
    if ESCAPES[letter] then
        return ESCAPES[letter], at + 1
    end
    local high = parser.text:match("^u(%x%x%x%x)", at)
    local code = high and tonumber(high, 16) or fail(parser, "invalid escape")
    at = at + 5
    if code >= 0xd800 and code < 0xdc00 then
        local low = parser.text:match("^\\u([dD][c-fC-F]%x%x)", at) or fail(parser, "invalid escape")
        code, at = 0x10000 + ((code - 0xd800) << 10 | tonumber(low, 16) - 0xdc00), at + 6
    elseif code == 0 or (code >= 0xdc00 and code < 0xe000) then
        fail(parser, "invalid escape")
    end
    return utf8.char(code), at
end

local function read_string(parser)
    local parts, at = {}, parser.at + 1
    while true do
        local stop = parser.text:find('[%c"\\]', at) or fail(parser, "a string doesn't end")
        parts[#parts + 1] = parser.text:sub(at, stop - 1)
        local byte = parser.text:sub(stop, stop)
        if byte == '"' then
            parser.at = stop + 1
            return table.concat(parts)
        elseif byte ~= "\\" then
            fail(parser, "a control character in a string")
        end
        parts[#parts + 1], at = read_escape(parser, stop + 1)
    end
end

local read_value

local function read_members(parser, object, depth)
    if skip(parser) ~= '"' then
        fail(parser, "a member's name expected")
    end
    local name = read_string(parser)
    if parser.seen[object][name] then
        fail(parser, "duplicate object key")
    end
    parser.seen[object][name] = true
    if skip(parser) ~= ":" then
        fail(parser, "':' expected")
    end
    parser.at = parser.at + 1
    object[name] = read_value(parser, depth)
end

local function read_items(parser, list, depth)
    local item = read_value(parser, depth)
    if item == nil then
        error(("item %d of a list is null"):format(#list + 1), 0)
    end
    list[#list + 1] = item
end

local function read_container(parser, closing, read, depth)
    local container = {}
    parser.seen[container] = {}
    if depth > DEPTH_MAX then
        fail(parser, ("JSON is nested deeper than %d levels"):format(DEPTH_MAX))
    end
    parser.at = parser.at + 1
    if skip(parser) == closing then
        parser.at = parser.at + 1
        return container
    end
    while true do
        read(parser, container, depth)
        local byte = skip(parser)
        parser.at = parser.at + 1
        if byte == closing then
            return container
        elseif byte ~= "," then
            fail(parser, ("',' or '%s' expected"):format(closing))
        end
    end
end

local WORDS = { ["true"] = true, ["false"] = false }

local function read_word(parser)
    local word = parser.text:match("^%l+", parser.at)
    if word and (WORDS[word] ~= nil or word == "null") then
        parser.at = parser.at + #word
        return WORDS[word]
    end
    local number = parser.text:match("^-?%d[%d.eE+-]*", parser.at)
    if not number or number:find("^-?0%d") or not tonumber(number) or number:find("%.$") or number:find("%.[eE]") then
        fail(parser, "a value expected")
    end
    parser.at = parser.at + #number
    return tonumber(number)
end

function read_value(parser, depth)
    parser.values = parser.values + 1
    if parser.values > VALUES_MAX then
        error(("JSON has more than %d values"):format(VALUES_MAX), 0)
    end
    local byte = skip(parser)
    if byte == "{" then
        return read_container(parser, "}", read_members, depth + 1)
    elseif byte == "[" then
        return read_container(parser, "]", read_items, depth + 1)
    elseif byte == '"' then
        return read_string(parser)
    end
    return read_word(parser)
end

local function parse_json(text)
    local parser = { text = text, at = 1, values = 0, seen = {} }
    local value = read_value(parser, 0)
    if skip(parser) ~= "" then
        fail(parser, "end of file expected")
    end
    if type(value) ~= "table" then
        error("must be an object or an array, not a " .. type(value), 0)
    end
    return value
end

-- CSV

local function read_quoted(text, at, line)
    local parts, begun = {}, line
    while true do
        local stop = text:find('"', at, true) or error(("line %d: a quoted field doesn't end"):format(begun), 0)
        local part = text:sub(at, stop - 1)
        parts[#parts + 1] = part
        line = line + select(2, part:gsub("\n", ""))
        at = stop + 1
        if text:sub(at, at) ~= '"' then
            return table.concat(parts), at, line
        end
        parts[#parts + 1] = '"'
        at = at + 1
    end
end

local function read_plain(text, at, line)
    local stop = text:find('[,\n\r"]', at) or #text + 1
    if text:sub(stop, stop) == '"' then
        error(("line %d: a quote within a field that doesn't begin with one"):format(line), 0)
    elseif text:sub(stop, stop) == "\r" and text:sub(stop + 1, stop + 1) ~= "\n" then
        error(("line %d: a carriage return without a line feed"):format(line), 0)
    end
    return text:sub(at, stop - 1), stop, line
end

-- One line's fields, where the next line begins and its number.
local function read_line(text, at, line)
    local fields = {}
    while true do
        local begun, field = line
        if text:sub(at, at) == '"' then
            field, at, line = read_quoted(text, at + 1, line)
        else
            field, at, line = read_plain(text, at, line)
        end
        fields[#fields + 1] = field
        local stop = text:match("^\r?\n()", at)
        if stop or at > #text then
            return fields, stop or at, line + (stop and 1 or 0)
        elseif text:sub(at, at) ~= "," then
            error(("line %d: text behind a field's closing quote"):format(begun), 0)
        end
        at = at + 1
    end
end

local function check_header(names, key)
    local seen = {}
    for i, name in ipairs(names) do
        if name == "" then
            error(("column %d has no name"):format(i), 0)
        elseif seen[name] then
            error(("column '%s' is there twice"):format(name), 0)
        elseif i > COLUMNS_MAX then
            error(("more than %d columns"):format(COLUMNS_MAX), 0)
        end
        seen[name] = true
    end
    if key and not seen[key] then
        error(("there is no column '%s'"):format(key), 0)
    end
end

local function make_row(names, fields, line)
    if #fields ~= #names then
        local which = #fields < #names and "fewer" or "more"
        error(("line %d: it has %s fields than the first line, which has %d"):format(line, which, #names), 0)
    end
    local row = {}
    for i, name in ipairs(names) do
        row[name] = fields[i]
    end
    return row
end

local function add_row(rows, row, key, line)
    if not key then
        rows[#rows + 1] = row
    elseif row[key] == "" then
        error(("line %d: column '%s' is empty"):format(line, key), 0)
    elseif rows[row[key]] then
        error(("'%s' is there twice in column '%s'"):format(row[key], key), 0)
    else
        rows[row[key]] = row
    end
end

local function parse_csv(text, key)
    local rows, names, values, at, line = {}, nil, 0, text:find("^\xef\xbb\xbf") and 4 or 1, 1
    while at <= #text do
        local empty = text:match("^\r?\n()", at)
        if empty then
            at, line = empty, line + 1
        else
            local begun, fields = line
            fields, at, line = read_line(text, at, line)
            values = values + #fields + (names and 1 or 0)
            if values > VALUES_MAX then
                error(("line %d: more than %d values"):format(begun, VALUES_MAX), 0)
            elseif not names then
                names = fields
                check_header(names, key)
            else
                add_row(rows, make_row(names, fields, begun), key, begun)
            end
        end
    end
    return names and rows or error("there is no line that names the columns", 0)
end

-- Files

local function check_name(what, name, ending)
    local good = type(name) == "string" and #name <= 128 and #name > #ending and name:sub(-#ending) == ending
    for word in (good and name .. "/" or "/"):gmatch("([^/]*)/") do
        good = good and word:find("^[%w_-][%w_.-]*$")
    end
    if not good then
        error(
            ('%s needs the name of a file beside the policy or below, such as "teams%s" or "data/teams%s"'):format(
                what,
                ending,
                ending
            ),
            0
        )
    end
end

-- The file in the folder of a Lua file that is being loaded: the policy, or a helper of it.
local function open_beside(name)
    local level, why = 3, nil
    while true do
        local about = debug.getinfo(level, "S")
        if not about then
            error(why or "files are read when policies are loaded (call it at the policy's top)", 0)
        end
        if about.what == "main" and about.source:find("^@") then
            local path = (about.source:match("^@(.*)/[^/]*$") or ".") .. "/" .. name
            local file, reason = io.open(path, "rb")
            if file then
                return file, path
            end
            why = why or reason
        end
        level = level + 1
    end
end

local function load_file(what, name, parse, key)
    local ok, result = pcall(function()
        local file, path = open_beside(name)
        local text = file:read(BYTES_MAX + 1) or ""
        file:close()
        if #text > BYTES_MAX then
            error(("%s: is larger than %d bytes"):format(path, BYTES_MAX), 0)
        end
        local parsed, value = pcall(parse, text, key)
        return parsed and value or error(path .. ": " .. tostring(value), 0)
    end)
    return ok and freeze(result) or error(what .. ": " .. tostring(result), 0)
end

--- Reads a JSON file: an object or an array. Members that are null are left out; a list must have none.
-- @param name of a file beside the policy or in a folder below, "teams.json" or "data/teams.json"
function data.json(name)
    check_name("data.json", name, ".json")
    return load_file("data.json", name, parse_json)
end

--- Reads a CSV file (RFC 4180, UTF-8) whose first line names the columns. Values are texts.
-- @param name of a file beside the policy or in a folder below, "owners.csv"
-- @param options key: a column; the result has the lines under their values in it, which must be there and differ. Without
-- it the result is a list of the lines.
function data.csv(name, options)
    if options ~= nil and type(options) ~= "table" then
        error('data.csv: the second argument must be a table such as { key = "principal" }', 0)
    end
    for option, value in pairs(options or {}) do
        if option ~= "key" then
            error(("data.csv: there is no '%s'"):format(tostring(option)), 0)
        elseif type(value) ~= "string" then
            error("data.csv: 'key' must be a text, not a " .. type(value), 0)
        end
    end
    check_name("data.csv", name, ".csv")
    return load_file("data.csv", name, parse_csv, options and options.key)
end

--- How many items or members a table has.
function data.count(value)
    return #sorted_keys(check_table(value))
end

local function copy(value)
    local real = behind[value]
    if not real then
        return value
    end
    local fresh = {}
    for key, inner in pairs(real) do
        fresh[key] = copy(inner)
    end
    return fresh
end

--- A table of Lua's with the same content, for what must be one: what a tags or audit hook returns, say.
function data.copy(value)
    check_table(value)
    return copy(value)
end

return data
