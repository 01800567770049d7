# SPDX-License-Identifier: Apache-2.0
"""The lint must be able to fail: plants one violation at a time in a small clean tree and asks that the check reports it."""
import json
import os
import shutil
import tempfile

import source
import tools
from tree import TABLES, Tree

HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n"
LUA_HEAD = "-- SPDX-License-Identifier: Apache-2.0\n"
GUARDED = HEAD + "#ifndef GW_T_H\n#define GW_T_H\n\n%s\n\n#endif\n"

CLEAN = {
    "core/base/clean.h": HEAD + "#ifndef GW_BASE_CLEAN_H\n#define GW_BASE_CLEAN_H\n\n#include <stddef.h>\n\n"
                                "size_t gw_clean_size(void);\n\n#endif\n",
    "core/base/clean.c": HEAD + '/* strcpy( in a comment is no call. */\n#include "base/clean.h"\n\nsize_t gw_clean_size(void)\n'
                                '{\n    return sizeof("strcpy(");\n}\n',
    "core/codec/digest.c": HEAD + '#include <openssl/sha.h>\n\n#include "base/clean.h"\n',
    "core/gateway/policy.h": GUARDED % '#include "codec/none.h"',
    "core/script/hooks.c": HEAD + '#include "gateway/policy.h"\n\n#include <lua.h>\n',
    "core/config/config.c": HEAD + '#include "gateway/none.h"\n#include "script/none.h"\n',
    "core/main.c": HEAD + '#include "cli/none.h"\n',
    "lua/clean.lua": LUA_HEAD + "return {}\n",
    "tests/clean.sh": "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\necho clean\n",
}


def body(lines):
    return HEAD + "void gw_t_long(void);\n\nvoid gw_t_long(void)\n{\n" + "    gw_t_long();\n" * lines + "}\n"


# (check, file, its text, what the complaint must say)
CASES = [
    ("includes", "core/base/t.c", HEAD + '#include "codec/json.h"\n', "core/base/t.c:2: may not include codec/json.h"),
    ("includes", "core/eks/t.c", HEAD + '#include "gateway/policy.h"\n', "may not include gateway/policy.h"),
    ("includes", "core/script/t.c", HEAD + '#include "gateway/router.h"\n', "may not include gateway/router.h"),
    ("includes", "core/script/t.c", HEAD + '#include "eks/tag.h"\n', "may not include eks/tag.h"),
    ("includes", "core/gateway/t.c", HEAD + '#include "config/config.h"\n', "may not include config/config.h"),
    ("includes", "core/gateway/policy.h", HEAD + '#include "eks/tag.h"\n', "may not include eks/tag.h"),
    ("includes", "core/gateway/t.c", HEAD + "#include <lua.h>\n", "may not include lua.h"),
    ("includes", "core/auth/t.c", HEAD + "#include <openssl/evp.h>\n", "may not include openssl/evp.h"),
    ("includes", "core/eks/t.h", HEAD + "#include <jansson.h>\n", "may not include jansson.h"),
    ("includes", "core/gateway/t.c", HEAD + "#include <event2/event.h>\n", "may not include event2/event.h"),
    ("includes", "core/base/t.c", HEAD + "#include <zlib.h>\n", "may not include zlib.h"),
    ("includes", "core/base/t.c", HEAD + '#include "clean.h"\n', "may not include clean.h"),
    ("banned", "core/base/t.c", HEAD + "char *f(char *a) { return strcpy(a, a); }\n", "t.c:2: strcpy is banned"),
    ("banned", "tests/unit/base/t.c", HEAD + "int f(char *a) { return sprintf(a, a); }\n", "sprintf is banned"),
    ("banned", "core/base/t.c", HEAD + "int f(char *a) { return atoi (a); }\n", "atoi is banned"),
    ("banned", "core/base/t.c", HEAD + "char *f(char *a) { return strtok_r(a, a, 0); }\n", "strtok_r is banned"),
    ("banned", "core/base/t.c", HEAD + "void *f(void) { return alloca(9); }\n", "alloca is banned"),
    ("banned", "core/eks/t.c", HEAD + "void *f(void) { return json_loadb(0, 0, 0, 0); }\n", "json_loadb is banned"),
    ("banned", "core/script/t.c", HEAD + "int f(void *l) { return lua_pcall(l, 0, 0, 0); }\n", "lua_pcall is banned"),
    ("banned", "core/script/t.c", HEAD + "void f(void *l) { lua_callk(l, 0, 0, 0, 0); }\n", "lua_callk is banned"),
    ("headers", "core/base/t.h", GUARDED % "size_t gw_t_size(void);", "core/base/t.h: does not compile alone"),
    ("headers", "core/base/t.h", HEAD + "struct gw_t {\n    int a;\n};\n", "core/base/t.h: does not compile alone"),
    ("format", "core/base/t.c", HEAD + "int   f ( void ) ;\n", "core/base/t.c: clang-format"),
    ("spdx", "core/base/t.c", "int gw_t_none;\n", "core/base/t.c:1: does not begin"),
    ("spdx", "lua/t.lua", "return {}\n", "lua/t.lua:1: does not begin"),
    ("spdx", "tests/t.sh", "echo\n", "tests/t.sh:1: does not begin"),
    ("words", "core/base/t.c", HEAD + "/* TO" + "DO: more */\n", "core/base/t.c:2:"),
    ("words", "README.md", "This is un" + "implemented.\n", "README.md:1:"),
    ("words", "README.md", "one\nIt is not implemented " + "yet.\n", "README.md:2:"),
    ("paths", "tests/t.sh", "cd /wo" + "rk/main\n", "tests/t.sh:1:"),
    ("paths", "README.md", "see `/ho" + "me/me/notes`\n", "README.md:1:"),
    ("lengths", "core/base/t.c", HEAD + "extern int gw_t_none;\n" * 601, "602 lines, more than 600"),
    ("lengths", "core/base/t.c", body(120), "gw_t_long has 122 lines"),
    ("luacheck", "lua/t.lua", LUA_HEAD + "leaked = 1\n", "leaked"),
    ("luacheck", "config/t.lua", LUA_HEAD + "return { a = os.time(), b = undefined_name }\n", "undefined_name"),
    ("shell", "tests/t.sh", "#!/usr/bin/env bash\nif true; then\n", "tests/t.sh: bash"),
    ("shell", "tests/t.sh", "#!/usr/bin/env bash\nrm -rf $1/*\n", "tests/t.sh: shellcheck"),
    ("tidy", "core/base/t.c", HEAD + "int gw_t_div(int a)\n{\n    int b = 0;\n    return a / b;\n}\n", "core/base/t.c: clang-tidy"),
]
CHECKS = {name: getattr(source, name) for name in ("includes", "banned", "spdx", "words", "paths", "lengths")}
CHECKS.update({name: getattr(tools, name) for name in ("headers", "format", "luacheck", "shell", "tidy")})


def plant(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)


def complaints_of(check, files):
    """What the check says about a tree of these files."""
    with tempfile.TemporaryDirectory(prefix="eksgate-lint-") as root:
        plant(root, files)
        for name in (".clang-format", ".clang-tidy", ".luacheckrc"):
            shutil.copy(os.path.join(TABLES, "..", "..", name), root)
        if check == "tidy":
            commands = [{"directory": root, "file": os.path.join(root, path), "command": f"gcc -std=c11 -Icore -o t.o -c {path}"}
                        for path in files if path.startswith("core/base/") and path.endswith(".c")]
            plant(root, {"build/compile_commands.json": json.dumps(commands)})
            with build_folder(os.path.join(root, "build")):
                return "\n".join(CHECKS[check](Tree(root))[1])
        return "\n".join(CHECKS[check](Tree(root))[1])


class build_folder:  # pylint: disable=invalid-name
    """EKSGATE_BUILD names another folder for a while."""
    def __init__(self, path):
        self.path, self.before = path, os.environ.get("EKSGATE_BUILD")

    def __enter__(self):
        os.environ["EKSGATE_BUILD"] = self.path

    def __exit__(self, *_):
        del os.environ["EKSGATE_BUILD"]
        if self.before is not None:
            os.environ["EKSGATE_BUILD"] = self.before


def selftest(_tree):
    wrong = []
    for check, path, text, expected in CASES:
        said = complaints_of(check, {**CLEAN, path: text})
        if expected not in said:
            wrong.append(f"{check} did not say {expected!r} of {path}, but {said!r}")
    for check in CHECKS:
        kept = {path: text for path, text in CLEAN.items() if check != "headers" or "none.h" not in text}
        said = complaints_of(check, kept)
        if said:
            wrong.append(f"{check} complains of a clean tree: {said}")
    return len(CASES), wrong
