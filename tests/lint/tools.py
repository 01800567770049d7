# SPDX-License-Identifier: Apache-2.0
"""Checks made by other programs: compiler, clang-format, clang-tidy, luacheck, bash, shellcheck."""
import hashlib
import json
import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor


def run(command, root, text=None):
    """(exit status, output) of a command; a missing program is a failure that names it."""
    try:
        done = subprocess.run(command, cwd=root, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        return done.returncode, done.stdout.strip()
    except FileNotFoundError:
        return 127, f"{command[0]} is not installed"


def each(paths, one):
    """Runs `one` on every path, as many at once as there are processors; gives the complaints."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [complaint for complaint in pool.map(one, paths) if complaint]


def headers(tree):
    _, flags = run(["pkg-config", "--cflags", "lua5.4", "jansson", "libevent_core", "libcrypto", "sqlite3"], tree.root)
    command = ["gcc", "-fsyntax-only", "-std=c11", "-D_GNU_SOURCE", "-Icore", *shlex.split(flags), "-Wall", "-Wextra",
               "-Wundef", "-Werror", "-x", "c", "-"]
    paths = tree.select((".h",), ("core/",))

    def compile_alone(path):
        line = f'#include "{path[len("core/"):]}"\n'
        status, output = run(command, tree.root, line * 2)
        return f"{path}: does not compile alone, or not twice\n{output}" if status != 0 else None

    return len(paths), each(paths, compile_alone)


def format(tree):  # pylint: disable=redefined-builtin
    paths = tree.c_files()

    def dry_run(path):
        status, output = run(["clang-format", "--dry-run", "-Werror", path], tree.root)
        return f"{path}: clang-format -i would change it\n" + "\n".join(output.split("\n")[:3]) if status != 0 else None

    return len(paths), each(paths, dry_run)


def compile_commands(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        return json.load(file)


def tidy_key(tree, entry, settings):
    """Names everything that clang-tidy's verdict depends on: the settings and the preprocessed file, comments included."""
    command = shlex.split(entry["command"])
    at = command.index("-o")
    status, output = run(command[:at] + command[at + 2:] + ["-E", "-C"], entry["directory"])
    digest = hashlib.sha256((settings + " ".join(command) + output).encode("utf-8", "replace")).hexdigest()
    return digest if status == 0 else None


# The analyzer follows calls and paths less far, which takes a tenth of the time; --full lets it.
SHALLOW = ["--extra-arg=" + word for word in ("-Xclang", "-analyzer-config", "-Xclang", "mode=shallow")]


def tidy(tree):
    how = [] if os.environ.get("EKSGATE_FULL") == "1" else SHALLOW
    build = os.environ.get("EKSGATE_BUILD", os.path.join(tree.root, "build", "release"))
    settings = (tree.text(".clang-tidy") or "") + " ".join(how)
    try:
        entries = {os.path.relpath(entry["file"], tree.root): entry for entry in compile_commands(build)}
    except FileNotFoundError:
        return 0, [f"{build}/compile_commands.json is missing; configure first"]
    paths = [path for path in tree.select((".c",), ("core/", "tests/")) if path in entries]
    passed = os.path.join(build, "tidy")
    os.makedirs(passed, exist_ok=True)

    def one(path):
        key = tidy_key(tree, entries[path], settings)
        stamp = os.path.join(passed, key or "none")
        if key and os.path.exists(stamp):
            return None
        status, output = run(["clang-tidy", "-p", build, "--quiet", "--warnings-as-errors=*", *how, path], tree.root)
        if status != 0:
            return f"{path}: clang-tidy\n{output}"
        if key:
            open(stamp, "w", encoding="utf-8").close()
        return None

    return len(paths), each(paths, one)


def luacheck(tree):
    paths = tree.select((".lua",), ("lua/", "config/", "tests/"))
    status, output = run(["luacheck", "--no-color", "-q", *paths], tree.root) if paths else (0, "")
    return len(paths), [output] if status != 0 else []


def shell(tree):
    paths = sorted(set(tree.select((".sh",)) + tree.scripts("bash") + tree.scripts("sh")))
    complaints = []
    for path in paths:
        for command in (["bash", "-n", path], ["shellcheck", "-x", path]):
            status, output = run(command, tree.root)
            if status != 0:
                complaints.append(f"{path}: {command[0]}\n{output}")
    return len(paths), complaints
