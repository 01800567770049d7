# SPDX-License-Identifier: Apache-2.0
"""What others do to the files: take permissions away, damage, replace, lock them; a second process; a newer version."""
import copy
import os
import shutil
import sqlite3
import stat
import threading
import time

import api
import oracle
from gateway import CLUSTERS, PROGRAM, Gateway, Refused
from inject import Workload, begin
from ledger import Ledger
from load import Load
from verify import Verifier, fingerprint, head_of

NOBODY = 65534


class Meddling:
    """Cases that each take a copy of one data folder with entries in it, all of it written and closed."""

    def __init__(self, report, folder, numbers):
        self.report = report
        self.folder = folder
        self.numbers = numbers
        self.number = 0
        self.base, self.ledger = begin(os.path.join(folder, "meddle-base"), numbers)
        self.base.start()
        for thing in self.ledger.things:  # some more records, so that there is a middle
            Workload(self.ledger, self.base, numbers).change(thing.update({"kubernetesGroups": ["g"], "username": "u"}))
        self.base.stop()

    def fresh(self):
        self.number += 1
        return self.base.copy_to(os.path.join(self.folder, f"meddle-{self.number}"))

    def refuses(self, gateway, names, words=(), unchanged=(), **how):
        """It doesn't start, says why in one line that names the file, and leaves the files as they are."""
        before = [fingerprint(path) for path in unchanged]
        try:
            gateway.start(**how)
        except Refused as refused:
            said = refused.complaints()
            if refused.code != 1 or len(said) != 1 or names not in said[0]:
                return [f"not one line that names {names}: {refused}"]
            missing = [word for word in words if word not in said[0]]
            if missing:
                return [f"nothing about {missing[0]!r}: {said[0]}"]
            if "Sanitizer" in refused.stderr:
                return [refused.stderr[-600:]]
            return [] if before == [fingerprint(path) for path in unchanged] else ["a file is not as it was"]
        gateway.stop()
        return ["it starts"]

    def starts_whole(self, gateway):
        """It starts, with everything that was acknowledged."""
        gateway.start()
        complaints = Verifier(gateway, self.ledger).check()
        code = gateway.stop()
        return complaints + ([f"exit {code}: {gateway.stderr()[-400:]}"] if code != 0 else [])

    def run(self):
        cases = [name for name in dir(self) if name.startswith("case_")]
        for name in cases:
            function = getattr(self, name)
            self.report.run(function.__doc__, function)

    # The database

    def case_database_untouched(self):
        """an untouched copy starts with everything in it"""
        return self.starts_whole(self.fresh())

    def damaged(self, at, length=64):
        gateway = self.fresh()
        size = os.path.getsize(gateway.database)
        with open(gateway.database, "r+b") as file:
            file.seek(at if at >= 0 else size + at)
            file.write(self.numbers.randbytes(length))
        return self.refuses(gateway, gateway.database, unchanged=(gateway.database,))

    def case_database_header(self):
        """a database whose header is damaged is refused, and left as it is"""
        return self.damaged(0)

    def case_database_page(self):
        """a database with a damaged page is refused, and left as it is"""
        return self.damaged(4096)

    def case_database_last_page(self):
        """a database with a damaged last page is refused, and left as it is"""
        return self.damaged(-4096, 2000)

    def case_database_short(self):
        """a database that was cut short is refused, and left as it is"""
        gateway = self.fresh()
        os.truncate(gateway.database, os.path.getsize(gateway.database) // 2 // 4096 * 4096)
        return self.refuses(gateway, gateway.database, unchanged=(gateway.database,))

    def case_database_text(self):
        """a file that is no database is refused, and left as it is"""
        gateway = self.fresh()
        with open(gateway.database, "w", encoding="utf-8") as file:
            file.write("a shopping list\n" * 500)
        return self.refuses(gateway, gateway.database, unchanged=(gateway.database,))

    def case_database_foreign(self):
        """somebody else's database is refused, and left as it is"""
        gateway = self.fresh()
        os.remove(gateway.database)
        database = sqlite3.connect(gateway.database)
        database.execute("CREATE TABLE shopping (what TEXT)")
        database.commit()
        database.close()
        return self.refuses(gateway, gateway.database, unchanged=(gateway.database,))

    def case_database_newer(self):
        """a newer schema version is refused in words, and left as it is"""
        gateway = self.fresh()
        database = sqlite3.connect(gateway.database)
        database.execute("PRAGMA user_version = 999")
        database.commit()
        database.close()
        return self.refuses(gateway, gateway.database, ("999",), (gateway.database,))

    def case_database_gone(self):
        """a database that is gone is missed: it starts with nothing, and a record says which changes are lost"""
        gateway = self.fresh()
        os.remove(gateway.database)
        before = oracle.read(gateway.audit_files()).head()[0]
        gateway.start()
        complaints = Verifier(gateway, Ledger(CLUSTERS)).check()
        gateway.stop()
        begun = [record for record in oracle.read(gateway.audit_files()).records if "begun" in oracle.own(record[1])][-1]
        if oracle.own(begun[1])["begun"].get("notApplied") != {"after": 0, "upTo": before}:
            complaints.append(f"{begun}")
        return complaints

    def log_is(self, change):
        """What becomes of a database that was left with a write-ahead log, when that is changed: it isn't started on, or a
        record says what is lost."""
        self.number += 1
        gateway, ledger = begin(os.path.join(self.folder, f"meddle-{self.number}"), self.numbers)
        gateway.start()
        gateway.stop()
        gateway.start()
        Workload(ledger, gateway, self.numbers).run()
        gateway.kill()
        with open(gateway.database + "-wal", "r+b") as file:
            text = change(bytearray(file.read()))
            file.seek(0)
            file.truncate()
            file.write(text)
        try:
            gateway.start()
        except Refused as refused:
            said = refused.complaints()
            return [] if len(said) == 1 and gateway.audit in said[0] and "-wal" in said[0] else [str(refused)]
        begun = [record for _, record in oracle.read(gateway.audit_files()).records if "begun" in oracle.own(record)][-1]
        complaints = Verifier(gateway, Ledger(CLUSTERS)).check()
        gateway.stop()
        complaints = [complaint for complaint in complaints if "nobody made it" not in complaint]
        return complaints + ([] if "notApplied" in oracle.own(begun)["begun"] else [f"it starts without a word: {begun}"])

    def case_log_flipped(self):
        """a bit that flipped in the write-ahead log is missed: SQLite leaves out what is behind it without a word"""
        def flip(text):
            text[len(text) * 3 // 4] ^= 1
            return text

        return self.log_is(flip)

    def case_log_cut(self):
        """a write-ahead log that was cut short is missed"""
        return self.log_is(lambda text: text[:len(text) * 3 // 4])

    def case_log_gone(self):
        """a write-ahead log that is gone is missed, when somebody has copied the database without it, say"""
        return self.log_is(lambda text: b"")

    # The audit file

    def change_audit(self, change):
        gateway = self.fresh()
        with open(gateway.audit, "rb") as file:
            text = file.read()
        with open(gateway.audit, "wb") as file:
            file.write(change(text))
        return gateway

    def case_audit_cut(self):
        """an audit file whose end was cut off is refused"""
        gateway = self.change_audit(lambda text: b"".join(text.splitlines(True)[:-3]))
        return self.refuses(gateway, gateway.audit, unchanged=(gateway.audit, gateway.database))

    def case_audit_altered(self):
        """an audit file whose last committed record was altered is refused"""
        gateway = self.fresh()
        lines = open(gateway.audit, "rb").read().splitlines(True)
        at = max(number for number, line in enumerate(lines) if b'"change":true' in line)
        lines[at] = lines[at].replace(b'"username":"u"', b'"username":"v"')
        with open(gateway.audit, "wb") as file:
            file.write(b"".join(lines))
        complaints = self.refuses(gateway, gateway.audit)
        code, output = gateway.verb("audit", "verify", *head_of(gateway.database), gateway.audit)
        return complaints + ([] if code == 1 and str(at + 1) in output else [f"verify: exit {code}: {output}"])

    def case_audit_other(self):
        """an audit file of another chain is refused"""
        gateway = self.fresh()
        other, _ = begin(os.path.join(self.folder, f"meddle-other-{self.number}"), self.numbers)
        shutil.copy(other.audit, gateway.audit)
        return self.refuses(gateway, gateway.audit, unchanged=(gateway.audit, gateway.database))

    def case_audit_garbage(self):
        """an audit file that ends with something else is refused, and left as it is"""
        gateway = self.change_audit(lambda text: text + b"a shopping list\n")
        return self.refuses(gateway, gateway.audit, unchanged=(gateway.audit,))

    def case_audit_half(self):
        """half a record at the end is what a crash leaves: it is cut off, and everything is there"""
        return self.starts_whole(self.change_audit(lambda text: text + text.splitlines()[-1][:300]))

    def case_audit_moved(self):
        """an audit file that was moved away: the chain goes on in a new one, where it stopped"""
        gateway = self.fresh()
        kept = os.path.join(gateway.data, "kept")
        os.rename(gateway.audit, kept)
        gateway.start()
        gateway.stop()
        chain = oracle.read([kept, gateway.audit])
        code, output = gateway.verb("audit", "verify", kept, gateway.audit)
        return [] if code == 0 and chain.first[0] == 0 else [output]

    def case_audit_link(self):
        """an audit file that is a symbolic link is refused"""
        gateway = self.fresh()
        os.rename(gateway.audit, gateway.audit + "-real")
        os.symlink(gateway.audit + "-real", gateway.audit)
        return self.refuses(gateway, gateway.audit, ("symbolic link",))

    # Others at the same time

    def case_second_process(self):
        """a second process on the same files is refused, and the first goes on"""
        gateway = self.fresh().start()
        second = Gateway.__new__(Gateway)
        second.__dict__.update(gateway.__dict__, process=None, connection=None, folder=os.path.join(self.folder, "second"))
        os.makedirs(second.folder)
        complaints = self.refuses(second, gateway.data, ("process",))
        work = Workload(copy.deepcopy(self.ledger), gateway, self.numbers)
        work.run()
        gateway.stop()
        return complaints + work.complaints + ([f"{work.refused} changes were refused"] if work.refused else [])

    def case_foreign_lock(self):
        """while another process holds a lock changes are refused in time and reads go on; then changes are taken again"""
        gateway = self.fresh().start()
        work = Workload(copy.deepcopy(self.ledger), gateway, self.numbers)
        other = sqlite3.connect(gateway.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        entry = work.ledger.entry("alpha", api.role("locked-out"))
        reading = threading.Thread(target=work.look)
        reading.start()
        made = Workload(work.ledger, gateway_with_connection(gateway), self.numbers).change(entry.create(work.body()))
        seconds = time.monotonic() - began
        reading.join()
        complaints = ["a change was made under a foreign lock"] if made else []
        if seconds > 12:
            complaints.append(f"the refusal took {seconds:.1f} s")
        other.execute("ROLLBACK")
        other.close()
        if not work.recovers():
            complaints.append("changes are still refused after the lock has gone")
        gateway.stop()
        return complaints + work.complaints

    def case_foreign_reader(self):
        """another process that reads for long, with plain sqlite3, holds nothing up and sees what is there"""
        gateway = self.fresh().start()
        other = sqlite3.connect(f"file:{gateway.database}?mode=ro", uri=True, isolation_level=None)
        other.execute("BEGIN")
        there = other.execute("SELECT count(*) FROM access_entry").fetchone()[0]
        work = Workload(copy.deepcopy(self.ledger), gateway, self.numbers)
        work.run()
        other.execute("ROLLBACK")
        after = other.execute("SELECT count(*) FROM access_entry").fetchone()[0]
        other.close()
        gateway.stop()
        expected = sum(thing.state is not None and thing.key()[1] != "" for thing in work.ledger.things)
        complaints = work.complaints + ([f"{work.refused} changes were refused"] if work.refused else [])
        if (there, after) != (len(self.ledger.things), expected):
            complaints.append(f"it read {there} entries and then {after}; {len(self.ledger.things)} and {expected} were made")
        return complaints

    def case_backup(self):
        """a backup made under load and put back after a kill has one moment's state, and records tell what is undone"""
        gateway, ledger = self.fresh(), copy.deepcopy(self.ledger)
        backup = os.path.join(gateway.folder, "backup.db")
        load = Load(ledger, self.numbers, clients=4)
        gateway.start()
        load.start(gateway.address)
        time.sleep(0.3)
        said = [gateway.verb("backup", "-c", gateway.config, backup)]
        time.sleep(0.1)
        gateway.kill()
        complaints = load.finish()[2]
        said.append(gateway.verb("restore", "-c", gateway.config, backup))
        gateway.start()
        chain = oracle.read(gateway.audit_files())
        complaints += oracle.check(chain, api.dump(gateway.connection), {}) + gateway.verify(*head_of(gateway.database))
        gateway.stop()
        if not any("notApplied" in oracle.own(record).get("begun", {}) for _, record in chain.records):
            complaints.append("no record tells of it")
        return complaints + [output for code, output in said if code != 0]

    # Permissions

    def without_root(self, gateway):
        """How to start it as somebody whom permissions bind: (start's arguments)."""
        if os.geteuid() != 0:
            return {}
        program = os.path.join(self.folder, "eksgate")
        if not os.path.exists(program):
            shutil.copy(PROGRAM, program)
            os.chmod(program, 0o755)
        os.chmod(self.folder, 0o755)
        for top, folders, files in os.walk(gateway.folder):
            for name in (top, *(os.path.join(top, name) for name in folders + files)):
                os.chown(name, NOBODY, NOBODY)
        return {"program": program, "user": NOBODY}

    def case_private_files(self):
        """all files are the owner's alone"""
        gateway = Gateway(os.path.join(self.folder, "modes")).start()
        Workload(Ledger(CLUSTERS), gateway, self.numbers).recovers()
        modes = {name: stat.S_IMODE(os.stat(os.path.join(gateway.data, name)).st_mode) for name in os.listdir(gateway.data)}
        folder = stat.S_IMODE(os.stat(gateway.data).st_mode)
        gateway.stop()
        wrong = {name: oct(mode) for name, mode in modes.items() if mode & 0o177}
        return [f"{wrong}"] if wrong or folder & 0o077 else []

    def unwritable(self, what):
        gateway = self.fresh()
        how = self.without_root(gateway)
        path = what(gateway)
        os.chmod(path, 0o500 if os.path.isdir(path) else 0o400)
        complaints = self.refuses(gateway, gateway.data, unchanged=(gateway.database,), **how)
        os.chmod(path, 0o700 if os.path.isdir(path) else 0o600)
        gateway.start(**how)
        code = gateway.stop()
        return complaints + ([] if code == 0 else [f"with permissions back: exit {code}"])

    def case_unwritable_database(self):
        """a database that may not be written is refused; with the permission back it starts"""
        return self.unwritable(lambda gateway: gateway.database)

    def case_unwritable_audit(self):
        """an audit file that may not be written is refused; with the permission back it starts"""
        return self.unwritable(lambda gateway: gateway.audit)

    def case_unwritable_folder(self):
        """a folder that may not be written is refused; with the permission back it starts"""
        return self.unwritable(lambda gateway: gateway.data)


def gateway_with_connection(gateway):
    """The same gateway, spoken to over another connection."""
    other = Gateway.__new__(Gateway)
    other.__dict__.update(gateway.__dict__, connection=api.Connection(gateway.address))
    return other
