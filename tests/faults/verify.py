# SPDX-License-Identifier: Apache-2.0
"""Holds what is there after a restart against what clients were told and against the audit records."""
import hashlib
import os
import sqlite3

import api
import oracle
from gateway import counts


class Verifier:
    """Of one data folder."""

    def __init__(self, gateway, ledger):
        self.gateway = gateway
        self.ledger = ledger
        self.verified = 0
        self.retried = 0

    def check(self, random=None, retries=40):
        """Complaints; none when all is as it was told. The gateway runs, and nobody changes anything meanwhile."""
        try:
            return self._check(random, retries)
        except (AssertionError, api.Lost) as problem:
            return [f"{type(problem).__name__}: {problem}"]

    def _check(self, random, retries):
        connection = self.gateway.connection
        everything = api.dump(connection)
        complaints = self.ledger.settle(everything)
        try:
            complaints += self.check_records(everything)
        except oracle.Broken as problem:
            complaints.append(str(problem))
        things = [thing for thing in self.ledger.things if thing.retries and not thing.unanswered]
        if random is not None and len(things) > retries:
            things = random.sample(things, retries)
        count, wrong = self.ledger.retry(connection, things + [thing for thing in self.ledger.things if thing.unanswered])
        self.retried += count
        return complaints + wrong

    def check_records(self, everything):
        chain = oracle.read(self.gateway.audit_files())
        fresh = len(chain.records) - self.verified
        if fresh > 0:
            counts["verified records"] += fresh
            self.verified += fresh
        complaints = oracle.check(chain, everything, self.ledger.acknowledged)
        is_readable = os.path.exists(self.gateway.database) and not self.gateway.keeps_back
        return complaints + self.gateway.verify(*(head_of(self.gateway.database) if is_readable else ()))


def head_of(database):
    """The newest record that a database knows of, as options of `audit verify`."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    sequence, digest = connection.execute("SELECT audit_sequence, audit_hash FROM state").fetchone()
    connection.close()
    return ("--head", f"{sequence}:{digest.hex()}")


def check_database(path):
    """What SQLite itself says of the file."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = database.execute("PRAGMA integrity_check").fetchall()
        return [] if found == [("ok",)] else [f"integrity_check of {path}: {found[:3]}"]
    except sqlite3.Error as problem:
        return [f"{path}: {problem}"]
    finally:
        database.close()


def fingerprint(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
