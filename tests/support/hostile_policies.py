# SPDX-License-Identifier: Apache-2.0
"""Policies that do what no policy may: each way out of a Lua sandbox that is known, as the body of a hook.

`BODIES` has ways to take time or memory, `NONSENSE` has answers that mean nothing. Sources: what Lua's own library does when
it is let (patterns, sort, rep, finalizers), and the lists of what other gateways and sandboxes fell for."""

# Name, and the body of `function policy.authorize(req)`.
BODIES = {
    "an endless loop": "while true do end",
    "an endless loop of goto": "::again:: goto again",
    "an endless numeric for": "for _ = 1, math.maxinteger do end",
    "a pattern of many wildcards": "return ('a'):rep(300):find('.-.-.-.-b')",
    "a pattern of many balances": "return ('('):rep(1e5):find(('%b()'):rep(30))",
    "match with many wildcards": "return ('a'):rep(300):match('.*.*.*.*b')",
    "gmatch with many wildcards": "for _ in ('a'):rep(300):gmatch('.-.-.-.-b') do end",
    "a finalizer that spins": "setmetatable({}, { __gc = function() while true do end end })",
    "a finalizer set afterwards":
        "local m = {} setmetatable({}, m) m.__gc = function() while true do end end for i = 1, 1e9 do local _ = { i } end",
    "weak tables by a key set afterwards":
        "local m = {} local t = setmetatable({}, m) m.__mode = 'k' local k = {} for _ = 1, 1e9 do local n = {} t[k] = n k = n end",
    "a handler of xpcall that spins": "xpcall(error, function() while true do end end)",
    "a loop around pcall": "while true do pcall(function() while true do end end) end",
    "pcall of pcall": "local f f = function() pcall(f) while true do pcall(f) end end f()",
    "pcall of error": "while true do pcall(error, 'again') end",
    "rep of 100 million": "return ('x'):rep(1e8)",
    "rep of nothing, two billion times": "while true do local _ = (''):rep(2e9) end",
    "rep with a separator": "return (''):rep(1e9, 'x')",
    "gsub over much": "local s = ('a'):rep(5e5) while true do s:gsub('a', 'bb') end",
    "gsub with a callback that spins": "('a'):gsub('a', function() while true do end end)",
    "gsub with a callback in a loop": "local s = ('a'):rep(1e5) while true do s:gsub('.', function() end) end",
    "gsub by a table whose __index spins": "('a'):gsub('a', setmetatable({}, { __index = function() while true do end end }))",
    "a coroutine that spins": "coroutine.wrap(function() while true do end end)()",
    "a close handler that spins": "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')",
    "a close handler that spins at the end of a loop":
        "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
    "a close handler set afterwards":
        "local m = { __close = function() end } local x <close> = setmetatable({}, m) m.__close = function() while true do end end "
        "while true do end",
    "close handlers within close handlers":
        "local function open() return setmetatable({}, { __close = function() local y <close> = open() while true do end end }) end "
        "local x <close> = open() while true do end",
    "a wide format": "return ('x'):format(('%500d'):rep(1000), 1)",
    "many formats": "local f = ('%99.99f'):rep(32) while true do pcall(string.format, f, 1e300) end",
    "unpack of ten million": "return table.unpack({}, 1, 1e7)",
    "unpack beyond the integers": "return table.unpack({}, math.mininteger, math.maxinteger)",
    "unpack with a lying length":
        "local t = setmetatable({}, { __len = function() return 1e15 end }) while true do local _ = { table.unpack(t) } end",
    "unpack in a loop": "local t = table.pack(('x'):rep(4000):byte(1, 4000)) while true do local _ = { table.unpack(t) } end",
    "deep recursion": "local function down() return 1 + down() end down()",
    "deep recursion through pcall": "local function down() pcall(down) end while true do down() end",
    "deep recursion through metamethods":
        "local t = setmetatable({}, {}) getmetatable(t).__index = function(s, k) return s[k .. 'x'] end return t.x",
    "tail calls": "local function on() return on() end on()",
    "table.move far": "table.move({}, 1, math.maxinteger - 1, 2)",
    "table.move in a loop": "local t = {} for i = 1, 1000 do t[i] = i end while true do table.move(t, 1, 1000, 2) end",
    "insert in front": "local t = {} while true do table.insert(t, 1, 0) end",
    "insert with a lying length": "local t = setmetatable({}, { __len = function() return 1e15 end }) while true do table.insert(t, 1, 0) end",
    "remove with a lying length": "local t = setmetatable({}, { __len = function() return 1e15 end }) while true do table.remove(t, 1) end",
    "remove in front": "local t = {} for i = 1, 20000 do t[i] = i end while true do table.remove(t, 1) table.insert(t, 0) end",
    "sort with a lying length":
        "table.sort(setmetatable({}, { __len = function() return math.maxinteger end, __index = function() return 1 end })) while true do end",
    "sort by a comparison that spins": "table.sort({ 1, 2, 3 }, function() while true do end end)",
    "sort by a comparison that contradicts itself":
        "local t = {} for i = 1, 50000 do t[i] = i end while true do table.sort(t, function() return true end) end",
    "sort of long texts that are nearly alike":
        "local t = {} local s = ('x'):rep(4000) for i = 1, 100 do t[i] = s .. i end while true do table.sort(t) end",
    "concat with a lying length":
        "return table.concat(setmetatable({}, { __len = function() return 1e15 end, __index = function() return 'x' end }), '', 1, 1e15)",
    "concat of numbers":
        "local t = {} for i = 1, 30000 do t[i] = 1e300 end while true do table.concat(t) end",
    "a value that holds one emptied table a thousand times":
        "local e = {} for i = 1, 30000 do e[i] = i end for i = 1, 30000 do e[i] = nil end local t = {} for i = 1, 1000 do t[i] = e end "
        "while true do pcall(require('eksgate.http').post, 'opa', { body = t }) end",
    "concat of much": "local t = {} for i = 1, 10000 do t[i] = ('x'):rep(90) end while true do table.concat(t) end",
    "plain find of long in long": "local s = ('a'):rep(4e5) local n = ('a'):rep(2e5) .. 'b' while true do s:find(n, 1, true) end",
    "find without specials of long in long": "local s = ('a'):rep(4e5) local n = ('a'):rep(1000) .. 'b' while true do s:find(n) end",
    "comparing long texts": "local a, b = ('x'):rep(4e5) .. 'a', ('x'):rep(4e5) .. 'b' while true do local _ = a < b end",
    "comparing long texts, unrolled":
        "local a, b = ('x'):rep(4e5) .. 'a', ('x'):rep(4e5) .. 'b' local _ while true do " + "_ = a < b " * 200 + "end",
    "equal long texts": "local a, b = ('x'):rep(4e5), ('x'):rep(2e5) .. ('x'):rep(2e5) while true do local _ = a == b end",
    "long texts as keys": "local t = {} local i = 0 while true do i = i + 1 t[('x'):rep(3e5) .. i] = nil end",
    "doubling a text": "local s = 'x' while true do s = s .. s end",
    "a chain of texts": "local s = '' while true do s = s .. 'x' end",
    "a table that grows": "local t = {} while true do t[#t + 1] = {} end",
    "a table with holes": "local t = {} local i = 1 while true do t[i] = i i = i * 2 + 1 if i < 0 then i = 1 end end",
    "a table that is filled and emptied": "local t = {} while true do for i = 1, 2e4 do t[i] = i end for i = 1, 2e4 do t[i] = nil end end",
    "next over what was emptied":
        "local t = {} for i = 1, 2e4 do t['k' .. i] = 1 end for k in pairs(t) do t[k] = nil end while true do next(t) end",
    "closures without end": "local f = function() end while true do local g = f f = function() return g end end",
    "an __index that spins": "return setmetatable({}, { __index = function() while true do end end }).x",
    "an __index of itself": "local t = {} setmetatable(t, { __index = t }) return t.x or setmetatable(t, { __index = function(s) return s.y end }).x",
    "an __eq that spins":
        "local m = { __eq = function() while true do end end } return setmetatable({}, m) == setmetatable({}, m)",
    "a __lt that spins within sort":
        "local m = { __lt = function() while true do end end } table.sort({ setmetatable({}, m), setmetatable({}, m) })",
    "a __concat that spins": "return setmetatable({}, { __concat = function() while true do end end }) .. 'x'",
    "a __tostring that spins": "return tostring(setmetatable({}, { __tostring = function() while true do end end }))",
    "a __tostring that spins within format":
        "return ('%s'):format(setmetatable({}, { __tostring = function() while true do end end }))",
    "a __tostring that spins within print": "print(setmetatable({}, { __tostring = function() while true do end end }))",
    "a __pairs that spins": "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end",
    "an iterator without end": "for _ in function() return 1 end do end",
    "an error whose __tostring spins": "error(setmetatable({}, { __tostring = function() while true do end end }))",
    "error objects that are tables": "error({ verdict = 'allow' })",
    "an error without a value": "error(nil)",
    "an error that is a function": "error(function() while true do end end)",
    "an error of a million bytes": "error(('x'):rep(9e5))",
    "print without end": "while true do print(('x'):rep(500)) end",
    "select of many": "local t = table.pack(('x'):rep(4000):byte(1, 4000)) while true do select('#', table.unpack(t)) end",
    "utf8 over much": "local s = ('\u00e9'):rep(2e5) while true do utf8.len(s) end",
    "utf8.char of many": "local t = table.pack(('x'):rep(4000):byte(1, 4000)) while true do utf8.char(table.unpack(t)) end",
    "utf8.codes over much": "local s = ('x'):rep(4e5) while true do for _ in utf8.codes(s) do end end",
    "upper and reverse over much": "local s = ('x'):rep(4e5) while true do local _ = s:upper():reverse():lower() end",
    "tonumber of long digits": "local s = ('1'):rep(4e5) while true do tonumber(s) tonumber(s, 36) end",
    "reading the request without end": "while true do local _ = req.input.tags end",
    "changing what is shared": "string.rep = nil",
    "changing the request": "req.operation = 'DescribeCluster'",
    "rawset on what is shared": "rawset(string, 'rep', nil)",
    "a global": "verdict_of_others = 'allow'",
    "load": "return load('return 1')()",
    "os.exit": "os.exit(0)",
    "io.open": "return io.open('/etc/passwd')",
    "debug.sethook": "debug.sethook()",
    "bytecode": "return string.dump(function() end)",
    "the globals' table": "return _G.os",
    "the string metatable": "getmetatable('').__index = function() return { verdict = 'allow' } end return ('').x",
    "require while a request runs": "return require('policy_that_is_not_there')",
    "require out of the folder": "return require('...etc.passwd')",
}

# What is no answer of an authorize hook.
NONSENSE = {
    "a number": "return 42",
    "true": "return true",
    "a text": "return 'allow'",
    "an empty table": "return {}",
    "a verdict that doesn't exist": "return { verdict = 'maybe' }",
    "a verdict that is a table": "return { verdict = {} }",
    "a deny without a text": "return { verdict = 'deny', reason = {} }",
    "a function": "return function() end",
    "the request": "return req",
    "a throttle forever": "return { verdict = 'throttle', seconds = 1 / 0, reason = 'x' }",
    "a throttle of no number": "return { verdict = 'throttle', seconds = 0 / 0, reason = 'x' }",
    "an allow by a metatable": "return setmetatable({}, { __index = { verdict = 'allow' } })",
    "an allow by an __index that spins": "return setmetatable({}, { __index = function() while true do end end })",
    "a further member": "return { verdict = 'allow', unless = 'x' }",
}

# Bodies of other hooks that run on without end; `record` or `req` is their argument.
OTHER_HOOKS = {
    "username": "while true do end",
    "tags": "local t = {} while true do t[#t + 1] = 'x' end",
    "audit": "while true do pcall(error) end",
    "conflict": "while true do end",
}


def policy(hook, body, name="hostile", on="CreateAccessEntry"):
    """The file of a policy with one hook."""
    return (f'local policy = {{ name = "{name}", on = {{ "{on}" }} }}\n'
            f"function policy.{hook}({'record' if hook in ('audit', 'outcome') else 'req'})\n{body}\nend\nreturn policy\n")
