# SPDX-License-Identifier: Apache-2.0
"""Checks that read text and need no tool. Each takes a Tree and gives (number of files looked at, list of complaints)."""
import re

from tree import rows, without_comments

FILE_LINES = 600
FUNCTION_LINES = 100
SPDX = "SPDX-License-Identifier: Apache-2.0"
GENERATED = ("package-lock.json", "go.sum", "LICENSE")


def include_rules():
    rules = {}
    for row in rows("includes.table"):
        rules.setdefault(row[0].rstrip(":"), []).extend(row[1:])
    return rules


def may_include(rules, path, target, system):
    room = path.split("/")[1]
    allowed = rules.get(path, rules.get(room, [])) + rules["libc"]
    if system:
        prefixes = [word[1:-1] for word in allowed if word.startswith("<")]
        return any(target == p or (p.endswith("/") and target.startswith(p)) for p in prefixes)
    if "/" not in target or target.startswith("."):
        return False
    own = [] if path in rules else [room]
    return "*" in allowed or target in allowed or target.split("/")[0] in allowed + own


def includes(tree):
    rules = include_rules()
    complaints = []
    paths = tree.select((".c", ".h", ".def"), ("core/",))
    for path in paths:
        for number, line in enumerate(without_comments(tree.text(path) or "").split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
            if found and not may_include(rules, path, found.group(2), found.group(1) == "<"):
                complaints.append(f"{path}:{number}: may not include {found.group(2)} (tests/lint/includes.table)")
    return len(paths), complaints


def banned(tree):
    table = [(re.compile(r"\b(?:%s)\s*\(" % row[0]), row[1], " ".join(row[2:])) for row in rows("banned.table")]
    complaints = []
    for path in tree.c_files():
        for number, line in enumerate(without_comments(tree.text(path) or "").split("\n"), 1):
            for pattern, home, instead in table:
                found = pattern.search(line)
                if found and path != home:
                    complaints.append(f"{path}:{number}: {found.group(0).rstrip('( ')} is banned here; use {instead}")
    return len(tree.c_files()), complaints


def needs_spdx(tree, path):
    if path.endswith((".c", ".h", ".def", ".lua", ".sh", ".py", "CMakeLists.txt")):
        return True
    return (tree.text(path) or "").startswith("#!")


def spdx(tree):
    paths = [path for path in tree.paths if needs_spdx(tree, path)]
    complaints = []
    for path in paths:
        if not any(SPDX in line for line in (tree.text(path) or "").split("\n")[:2]):
            complaints.append(f"{path}:1: does not begin with {SPDX}")
    return len(paths), complaints


def forbidden_text(tree, check):
    patterns = [re.compile(row[1].replace("\\x20", " ") if len(row) == 2 else " ".join(row[1:]))
                for row in rows("words.table") if row[0] == check]
    paths = [path for path in tree.paths if not path.endswith(GENERATED) and not tree.excepted(check, path)]
    complaints = []
    for path in paths:
        text = tree.text(path) or ""
        for pattern in patterns:
            for found in pattern.finditer(text):
                number = text.count("\n", 0, found.start()) + 1
                complaints.append(f"{path}:{number}: {found.group(0)!r} (tests/lint/words.table)")
    return len(paths), complaints


def words(tree):
    return forbidden_text(tree, "words")


def paths(tree):
    return forbidden_text(tree, "paths")


def functions(text):
    """(name, first line, lines) of each function: its body is between braces in the first column."""
    lines = without_comments(text).split("\n")
    start = None
    for number, line in enumerate(lines):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield function_name(lines, start), start + 1, number - start + 1
            start = None


def function_name(lines, brace):
    above = []
    for line in reversed(lines[max(0, brace - 8):brace]):
        if not line.strip() or line.startswith(("}", "#")) or line.rstrip().endswith(";"):
            break
        above.insert(0, line)
    found = re.search(r"(\w+)\s*\(", " ".join(above))
    return found.group(1) if found else "?"


def lengths(tree):
    sources = [path for path in tree.paths
               if path.endswith((".c", ".h", ".def", ".lua", ".py", ".sh")) or (tree.text(path) or "").startswith("#!")]
    complaints = []
    for path in sources:
        text = tree.text(path) or ""
        count = text.count("\n")
        if count > FILE_LINES and not tree.excepted("file", path):
            complaints.append(f"{path}: {count} lines, more than {FILE_LINES}")
        for name, line, size in functions(text) if path.endswith((".c", ".h")) else ():
            if size > FUNCTION_LINES and not tree.excepted("function", f"{path}:{name}"):
                complaints.append(f"{path}:{line}: {name} has {size} lines, more than {FUNCTION_LINES}")
    return len(sources), complaints
