# SPDX-License-Identifier: Apache-2.0
"""Makes each call on a file fail in turn: the N-th of a little workload, with ENOSPC and with EIO, once and from then on."""
import copy
import os
import random
import shutil
import signal

import api
from gateway import CLUSTERS, Gateway, Refused, counts, wait_until
from ledger import Ledger
from load import random_body, random_scope, random_tags
from verify import Verifier, check_database

ERRORS = ("ENOSPC", "EIO")
REFUSED = (503, "ServiceUnavailableException")


def role(name):
    return api.role(f"inject/{name}")


def fails_for_good(faults):
    """Has a sync of the database failed? Then changes stay refused until a restart, and what was refused may be there then."""
    return any(": sync of " in line and "(audit)" not in line for line in faults)


class Workload:
    """A few changes of each kind, reads between them, a refusal. What is wrong with a reply goes into `complaints`."""

    def __init__(self, ledger, gateway, numbers):
        self.ledger = ledger
        self.gateway = gateway
        self.numbers = numbers
        self.complaints = []
        self.refused = 0

    def body(self, tags=True):
        body = random_body(self.numbers, True)
        return {**body, "tags": random_tags(self.numbers, 3)} if tags else body

    def change(self, change):
        """One change: made, or refused in the right words and nowhere to be seen."""
        reply = self.ledger.perform(self.gateway.connection, change)
        if reply.status == 200:
            return True
        self.refused += 1
        if (reply.status, reply.error) != REFUSED:
            self.complaints.append(f"{change.request.operation}: {reply.error} {reply}")
        if not fails_for_good(self.gateway.faults()):
            change.thing.pending = None  # a restart finds it as it was
        return False

    def look(self):
        """Reads are answered, and show what was acknowledged."""
        everything = api.dump(self.gateway.connection)
        for thing in self.ledger.things:
            if thing.found(everything) != thing.state:
                self.complaints.append(f"while it runs {thing.key()} reads as {thing.found(everything)}, not {thing.state}")

    def run(self):
        entries = [thing for thing in self.ledger.things if thing.key()[1].startswith(role("there"))]
        for entry in entries:
            if entry.state is None:
                self.change(entry.create(self.body()))
        ready = [entry for entry in entries if entry.state is not None and entry.pending is None]
        for entry, change in zip(ready, (
                lambda entry: entry.update(self.body(tags=False)), lambda entry: entry.tag(random_tags(self.numbers, 3)),
                lambda entry: entry.associate(api.POLICIES[0], random_scope(self.numbers)), lambda entry: entry.delete())):
            self.change(change(entry))
        self.look()
        self.refuse()
        cluster = self.ledger.cluster("made", [role("in-made")])
        if self.change(cluster.create(f"{self.numbers.getrandbits(200):050x}")):
            self.change(cluster.entries[0].create(self.body()))
        self.change(self.ledger.entry("beta", role("new")).create(self.body()))
        self.look()

    def refuse(self):
        reply = self.gateway.connection.send(api.update_entry("alpha", role("nobody"), {"username": "u"}))
        if reply.status != 404 and (reply.status, reply.error) != REFUSED:
            self.complaints.append(f"an update of nobody: {reply.error} {reply}")

    def recovers(self, seconds=15):
        """Does it take changes again, without a restart?"""
        def probe():
            return self.change(self.ledger.entry("gamma", role(f"probe-{len(self.ledger.things)}")).create(self.body()))

        return wait_until(probe, seconds)


def new_ledger():
    ledger = Ledger(CLUSTERS)
    for i in range(4):
        ledger.entry(CLUSTERS[i % 3], role(f"there/{i}"))
    return ledger


def begin(folder, numbers, settings=None):
    """A data folder that a kill -9 left behind, with entries; and what is known of it."""
    gateway, ledger = Gateway(folder, settings), new_ledger()
    gateway.start()
    work = Workload(ledger, gateway, numbers)
    for entry in list(ledger.things):
        work.change(entry.create(work.body()))
    gateway.kill()
    if work.complaints:
        raise AssertionError(work.complaints[0])
    return gateway, ledger


def begin_unsettled(folder, numbers):
    """A data folder in whose audit file the last record is of a change that wasn't made: the process was killed between the
    record and the commit."""
    gateway, ledger = begin(folder, numbers)
    on = os.path.join(folder, "on")
    gateway.start({"ON": on})
    with open(on, "w", encoding="utf-8") as file:
        file.write("EIO write log")
    Workload(ledger, gateway, numbers).change(ledger.things[0].delete())
    gateway.kill()
    with open(gateway.audit, "rb") as file:
        lines = file.read().splitlines(True)
    while b'"settles"' in lines[-1]:
        lines.pop()
    if b'"change":true' not in lines[-1] or b"DeleteAccessEntry" not in lines[-1]:
        raise AssertionError(f"the last record isn't the change's: {lines[-1]}")
    with open(gateway.audit, "wb") as file:
        file.write(b"".join(lines))
    os.remove(gateway.faults_log)
    os.remove(on)
    return gateway, ledger


def begin_small_files(folder, numbers):
    """A data folder whose audit files are full all the time, and signed."""
    gateway, ledger = begin(folder, numbers, {"audit.max_size": 3000})
    gateway.sign()
    return gateway, ledger


class Injection:
    """One run with one fault."""

    def __init__(self, base, folder, seed, number, error, sticky):
        self.base = base
        self.folder = folder
        self.number = number
        self.error = error
        self.sticky = sticky
        self.numbers = random.Random(f"{seed}/{number}")
        self.fired = []
        self.what = ""

    def make(self):
        if self.base is None:
            return Gateway(self.folder), new_ledger()
        gateway, ledger = self.base
        return gateway.copy_to(self.folder), copy.deepcopy(ledger)

    def run(self):
        """Complaints. `fired` is empty when the workload was through before the fault."""
        gateway, ledger = self.make()
        off = os.path.join(self.folder, "off")
        faults = {"FAIL": f"{self.number}:{self.error}{':sticky' if self.sticky else ''}", "OFF": off,
                  "LOSE": self.numbers.choice(("all", "prefix", "sectors")), "SEED": self.numbers.randrange(2**32),
                  "COUNTS": os.path.join(self.folder, "counts")}
        work = Workload(ledger, gateway, self.numbers)
        try:
            complaints = self.under_fault(gateway, work, faults, off)
        finally:
            self.fired = gateway.faults()
            counts["injected faults"] += len(self.fired)
            self.what = self.fired[0].split(": ", 1)[1].replace(self.folder + "/data/", "") if self.fired else "nothing fails"
        if gateway.process.poll() is None:
            gateway.kill()
        gateway.start()
        complaints += Verifier(gateway, ledger).check()
        complaints += self.ended(gateway, gateway.stop())
        complaints += check_database(gateway.database)
        shutil.rmtree(self.folder, ignore_errors=True)
        return complaints

    def ended(self, gateway, code):
        if code != 0 or "Sanitizer" in gateway.stderr():
            return [f"exit {code}: {gateway.stderr()[-600:]}"]
        return []

    def under_fault(self, gateway, work, faults, off):
        try:
            gateway.start(faults)
        except Refused as refused:
            return self.refused_start(gateway, refused)
        work.run()
        if not gateway.faults():
            return work.complaints + self.at_the_end(gateway)
        with open(off, "w", encoding="utf-8"):
            pass
        if not work.recovers(0 if fails_for_good(gateway.faults()) else 15) and not fails_for_good(gateway.faults()):
            work.complaints.append("changes are still refused after the fault has gone")
        work.look()
        gateway.kill(signal.SIGUSR2 if self.number % 2 else signal.SIGKILL)
        if "Sanitizer" in gateway.stderr():
            work.complaints.append(gateway.stderr()[-600:])
        return work.complaints

    def refused_start(self, gateway, refused):
        said = refused.complaints()
        if not gateway.faults():
            return [f"it didn't start, and nothing had failed: {refused}"]
        if refused.code != 1 or len(said) != 1 or gateway.data not in said[0]:
            return [f"a start that fails isn't told in one line that names the file: {refused}"]
        return []

    def at_the_end(self, gateway):
        code = gateway.stop()
        if gateway.faults() and code in (0, 1) and "Sanitizer" not in gateway.stderr():
            return []
        return self.ended(gateway, code)


def calls_of(base, folder, seed):
    """How many calls the workload makes when none fails."""
    run = Injection(base, folder, seed, 10**9, "EIO", False)
    gateway, ledger = run.make()
    counts_file = os.path.join(folder, "counts")
    gateway.start({"COUNTS": counts_file, "LOSE": "all"})
    work = Workload(ledger, gateway, run.numbers)
    work.run()
    gateway.stop()
    with open(counts_file, encoding="utf-8") as file:
        text = file.read()
    shutil.rmtree(folder)
    return int(text.split('"calls":')[1].split(",")[0])


def run_every(report, folder, seed, full):
    """Every call in turn; else a sample over all of them."""
    numbers = random.Random(f"{seed}/inject")
    bases = (("a new folder", None), ("after a kill", begin(os.path.join(folder, "inject-kill"), numbers)),
             ("after a kill in a commit", begin_unsettled(os.path.join(folder, "inject-commit"), numbers)),
             ("small files", begin_small_files(os.path.join(folder, "inject-small"), numbers)))
    for name, base in bases:
        calls = calls_of(base, os.path.join(folder, "inject-calls"), seed)
        for number, error, sticky in choose(calls, numbers, full):
            run = Injection(base, os.path.join(folder, "inject"), seed, number, error, sticky)
            try:
                complaints = run.run()
            except (AssertionError, OSError, Refused, api.Lost) as problem:
                complaints = [f"{type(problem).__name__}: {problem}"]
                shutil.rmtree(run.folder, ignore_errors=True)
            report.case(f"{name}, call {number} of {calls}{', and all after it' if sticky else ''}: {run.what or error}",
                        complaints)


def choose(calls, numbers, full):
    """(number, error, whether it stays) of each run."""
    ways = [(error, sticky) for error in ERRORS for sticky in (False, True)]
    if full:
        return [(number, *way) for number in range(1, calls + 1) for way in ways]
    return [(1 + (i * calls + numbers.randrange(calls)) // 8 % calls, *ways[i % 4]) for i in range(8)]
