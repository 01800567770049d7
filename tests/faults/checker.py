# SPDX-License-Identifier: Apache-2.0
"""Would it be noticed? Takes away what the other cases rely on, and expects complaints."""
import os
import random
import sqlite3

import api
import oracle
from gateway import Refused
from inject import begin
from kills import Rounds
from verify import Verifier


class Silent:
    """A report that keeps the complaints to itself."""

    def __init__(self):
        self.complaints = []

    def case(self, what, complaints):
        self.complaints += complaints


def notices(found, word):
    """Complaints about missing complaints."""
    return [] if any(word in complaint for complaint in found) else [f"it isn't noticed: {found}"]


def forgotten(folder, seed):
    """a store that forgets everything at a kill is found out"""
    silent = Silent()
    Rounds(silent, folder, seed, 1, settings={"store": {"driver": "memory"}, "audit.durable": False}).run(1)
    return notices(silent.complaints, "was acknowledged as")


def unsynced(folder, seed):
    """records that aren't synced before the change is made are found out by a power failure"""
    silent = Silent()
    for number in range(3):  # the power may fail when nothing is under way
        Rounds(silent, os.path.join(folder, f"unsynced-{number}"), seed + number, 1, ("all",), {"audit.durable": False}).run(1)
    return [] if silent.complaints else ["it isn't noticed"]


def rewritten(folder, seed):
    """a row that somebody changed with sqlite3 is found out at the start"""
    gateway, _ = begin(os.path.join(folder, "rewritten"), random.Random(seed))
    gateway.start()
    gateway.stop()
    database = sqlite3.connect(gateway.database)
    database.execute("UPDATE access_entry SET username = 'somebody' WHERE rowid = (SELECT min(rowid) FROM access_entry)")
    database.commit()
    database.close()
    try:
        gateway.start()
    except Refused as refused:
        return [] if gateway.database in str(refused) else [str(refused)]
    gateway.stop()
    return ["it starts"]


def altered(folder, seed):
    """a state that isn't what clients were told, or what the records tell, is found out"""
    gateway, ledger = begin(os.path.join(folder, "altered"), random.Random(seed))
    gateway.start()
    everything = api.dump(gateway.connection)
    gateway.stop()
    first = ledger.things[0]
    first.found(everything)["entry"]["username"] = "somebody"
    found = ledger.settle(everything) + oracle.check(oracle.read(gateway.audit_files()), everything, {"an id": "CreateAccessEntry"})
    return (notices(found, "was acknowledged as") + notices(found, "by the records") +
            notices(found, "the acknowledged CreateAccessEntry an id has 0 records"))


def tampered(folder, seed):
    """a record altered, taken out or moved is found out, by name, here and by `eksgate audit verify`"""
    gateway, _ = begin(os.path.join(folder, "tampered"), random.Random(seed))
    lines = open(gateway.audit, "rb").read().splitlines(True)
    copy = os.path.join(folder, "copy.jsonl")
    complaints = []
    for what, text in (("altered", lines[:2] + [lines[2].replace(b'"readOnly":false', b'"readOnly":true')] + lines[3:]),
                       ("taken out", lines[:2] + lines[3:]), ("moved", lines[:2] + [lines[3], lines[2]] + lines[4:])):
        with open(copy, "wb") as file:
            file.write(b"".join(text))
        try:
            oracle.read([copy])
            complaints.append(f"a record {what} isn't noticed")
        except oracle.Broken:
            pass
        code, output = gateway.verb("audit", "verify", copy)
        if code != 1 or not any(str(number) in output for number in (3, 4)):
            complaints.append(f"a record {what}: verify says {code}: {output}")
    return complaints


def run(report, folder, seed):
    for case in (forgotten, unsynced, rewritten, altered, tampered):
        report.run(case.__doc__, case, os.path.join(folder, "checker-" + case.__name__), seed)
