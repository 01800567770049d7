# SPDX-License-Identifier: Apache-2.0
"""The tree under lint: which files there are, what they hold, which exceptions stand in tests/lint/allow."""
import os
import re

SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "node_modules", "venv", ".venv"}
# Data, not source: wrong on purpose as often as not.
FIXTURES = ("tests/data/", "tests/fuzz/corpus/", "tests/regress/")
TABLES = os.path.dirname(os.path.abspath(__file__))

C_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def is_fixture(path):
    return path.startswith(FIXTURES) or "/fixtures/" in path


def rows(name):
    """The lines of a table that carry something, split at blanks."""
    with open(os.path.join(TABLES, name), encoding="utf-8") as table:
        return [line.split() for line in table if line.strip() and not line.startswith("#")]


def without_comments(text):
    """C text with comments and literals blanked, line numbers kept; the file names of includes stay."""
    def blank(match):
        piece = match.group(0)
        if piece.startswith('"') and text[: match.start()].rsplit("\n", 1)[-1].strip() == "#include":
            return piece
        return " " + "\n" * piece.count("\n")

    return C_NOISE.sub(blank, text)


class Tree:
    def __init__(self, root):
        self.root = root
        self.paths = sorted(self._walk())
        self.allowed = {(row[0], row[1]) for row in rows("allow")}
        self._texts = {}

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.root)
                if not is_fixture(path) and not os.path.islink(os.path.join(self.root, path)):
                    yield path

    def text(self, path):
        """The file's text; None when it isn't text or went away meanwhile."""
        if path not in self._texts:
            try:
                with open(os.path.join(self.root, path), "rb") as file:
                    data = file.read()
                self._texts[path] = None if b"\0" in data else data.decode("utf-8")
            except (FileNotFoundError, UnicodeDecodeError):
                self._texts[path] = None
        return self._texts[path]

    def select(self, suffixes, folders=("",)):
        return [path for path in self.paths if path.endswith(suffixes) and path.startswith(folders)]

    def c_files(self):
        return self.select((".c", ".h"), ("core/", "tests/"))

    def scripts(self, word):
        """Files whose first line is a #! that names `word`."""
        return [path for path in self.paths if re.match(r"#!.*\b%s\b" % word, (self.text(path) or "")[:80])]

    def excepted(self, check, name):
        return (check, name) in self.allowed
