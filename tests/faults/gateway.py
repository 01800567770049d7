# SPDX-License-Identifier: Apache-2.0
"""Starts and ends the program under test, with a data folder that outlives it."""
import json
import os
import select
import shutil
import signal
import subprocess
import time

import api

ROOT = os.environ.get("EKSGATE_ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("EKSGATE") or os.path.join(ROOT, "build/release/eksgate"))
WITH_FAULTS = PROGRAM + "_faults"
CLUSTERS = ("alpha", "beta", "gamma")
START_SECONDS = 60

counts = {"kills": 0, "power failures": 0, "injected faults": 0, "verified records": 0}
running = set()


class Refused(Exception):
    """The program ended instead of getting ready."""

    def __init__(self, code, stderr):
        super().__init__(f"exit {code}: {stderr.strip()[-800:]}")
        self.code = code
        self.stderr = stderr

    def complaints(self):
        """What it said to whoever started it; its log aside."""
        return [line for line in self.stderr.splitlines() if line.startswith("eksgate: ")]


def end_all():
    for gateway in list(running):
        gateway.kill()


def environment(extra):
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR") or name.endswith("SAN_OPTIONS")}
    return {**kept, **(extra or {})}


class Gateway:
    """A data folder, and the program that runs on it now and then."""

    def __init__(self, folder, settings=None, data=None):
        self.folder = folder
        self.data = data or os.path.join(folder, "data")
        self.process = None
        self.address = None
        self.admin = None  # its URL, or "off"
        self.connection = None
        self.faults_log = os.path.join(folder, "faults.log")
        self.keeps_back = False  # is what it wrote in its files?
        self.public_key = None
        self.rotated = 0
        self.settings = {}
        os.makedirs(folder, exist_ok=True)
        self.configure(settings or {})

    def configure(self, settings):
        """Settings besides those that there are already, "group.name" for one in a group."""
        self.settings.update(settings)
        table = {"listen": ["127.0.0.1:0"], "workers": 2, "data": self.data, "region": "us-west-2", "account": api.ACCOUNT,
                 "keys": [api.KEY], "audit": {"file": "audit.jsonl", "record": "changes"},
                 "store": {"driver": "sqlite", "file": "eksgate.db"},
                 "clusters": {name: {"accessConfig": {"authenticationMode": "API"}} for name in CLUSTERS}}
        for name, value in self.settings.items():
            group, _, member = name.partition(".")
            if member:
                table.setdefault(group, {})[member] = value
            else:
                table[name] = value
        path = os.path.join(self.folder, "eksgate.json")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(table, file)
        self.config = path

    @property
    def database(self):
        return os.path.join(self.data, "eksgate.db")

    @property
    def audit(self):
        return os.path.join(self.data, "audit.jsonl")

    def sign(self):
        """Checkpoints are signed from the next start on; with a key that is made for it."""
        key = os.path.join(self.folder, "audit.key")
        self.public_key = key + ".pub"
        for command in (["openssl", "genpkey", "-algorithm", "ed25519", "-out", key],
                        ["openssl", "pkey", "-in", key, "-pubout", "-out", self.public_key]):
            subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        os.chmod(key, 0o600)
        self.configure({"audit.signing_key": key})

    def stderr(self):
        with open(os.path.join(self.folder, "stderr"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def launch(self, faults=None, program=None, user=None):
        """Starts the program and doesn't wait. `faults`: variables of tests/faults/engine.h; None: the program itself."""
        extra = None
        self.keeps_back = "LOSE" in (faults or {})
        if faults is not None:
            extra = {"GW_FAULTS_LOG": self.faults_log, **{"GW_FAULTS_" + name: str(value) for name, value in faults.items()}}
        program = program or (PROGRAM if faults is None else WITH_FAULTS)
        with open(os.path.join(self.folder, "stderr"), "wb") as stderr:
            self.process = subprocess.Popen([program, "serve", "-c", self.config] if faults is None else
                                            [program, "-c", self.config],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, user=user,
                                            env=environment(extra), cwd=self.folder)
        running.add(self)

    def start(self, faults=None, program=None, user=None):
        self.launch(faults, program, user)
        select.select([self.process.stdout], [], [], START_SECONDS)
        line = self.process.stdout.readline().decode() if self.has_said() else ""
        if not line.startswith("eksgate ready "):
            code = self.await_end(START_SECONDS)
            raise Refused(code, self.stderr())
        words = line.split()
        self.address = words[2].removeprefix("http://")
        self.admin = words[words.index("admin") + 1]
        self.connection = api.Connection(self.address)
        return self

    def has_said(self):
        """Is there a line on its stdout, or did it end? Else it hangs, and is ended."""
        if select.select([self.process.stdout], [], [], 0)[0]:
            return True
        self.process.kill()
        return False

    def await_end(self, seconds):
        code = self.process.wait(seconds)
        self.process.stdout.close()
        running.discard(self)
        if self.connection is not None:
            self.connection.close()
        return code

    def kill(self, number=signal.SIGKILL):
        """Ends it at once: kill -9, or with SIGUSR2 a power failure of eksgate_faults."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            counts["kills" if number == signal.SIGKILL else "power failures"] += 1
        return self.await_end(START_SECONDS)

    def stop(self):
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.await_end(START_SECONDS)

    def faults(self):
        """The lines of the faults that were injected so far."""
        try:
            with open(self.faults_log, encoding="utf-8") as file:
                return [line for line in file.read().splitlines() if line.startswith("call ")]
        except FileNotFoundError:
            return []

    def audit_files(self):
        """In the order of the chain: by the number of their first record; of two that begin alike the one in use is last."""
        names = sorted(name for name in os.listdir(self.data) if name.startswith("audit.jsonl.")) if os.path.isdir(self.data) else []
        found = []
        for path in [os.path.join(self.data, name) for name in names] + [self.audit]:
            try:
                with open(path, "rb") as file:
                    front = file.read(200)
            except FileNotFoundError:
                continue
            if front:
                number = front.partition(b'"sequence":')[2].partition(b",")[0]
                found.append((int(number) if number.isdigit() else 0, path))
        return [path for _, path in sorted(found, key=lambda one: one[0])]

    def rotate(self):
        """What logrotate does: moves the audit file away and asks for a new one."""
        self.rotated += 1
        os.rename(self.audit, f"{self.audit}.rotated-{self.rotated:04}")
        self.process.send_signal(signal.SIGUSR1)

    def verify(self, *options):
        """`eksgate audit verify` of all files; complaints. Looks again where a file was rotated away meanwhile."""
        if self.public_key is not None:
            options += ("--public-key", self.public_key)
        while True:
            files = self.audit_files()
            code, output = self.verb("audit", "verify", *options, *files)
            if code == 0 or files == self.audit_files():
                break
        return [] if code == 0 else [f"eksgate audit verify: exit {code}: {output.strip()[-400:]}"]

    def verb(self, *arguments):
        """Runs another verb; (exit code, output)."""
        done = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=environment(None), cwd=self.folder, check=False)
        return done.returncode, done.stdout.decode(errors="replace")

    def copy_to(self, folder):
        """A gateway on a copy of the data folder, with the same settings; nothing may be running on this one."""
        other = Gateway(folder, self.settings)
        other.public_key = self.public_key
        shutil.copytree(self.data, other.data)
        return other


def wait_until(look, seconds=20):
    """What `look` gives as soon as it is true; else its last answer."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.01)
