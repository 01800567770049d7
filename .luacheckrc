-- luacheck: everything is Lua 5.4; specs see busted, configuration files see env() and nothing else.
std = "lua54"
max_line_length = 140
max_cyclomatic_complexity = 20
self = false

files["lua/eksgate/meta.lua"] = { ignore = { "1..", "212" } } -- declares what isn't there
files["tests/**/*.lua"] = { std = "lua54+busted" }
files["**/*_spec.lua"] = { std = "lua54+busted" }
files[".luacheckrc"] = { ignore = { "111", "112" } }
files["config/**/*.lua"] = { std = { read_globals = { "env" } } }
