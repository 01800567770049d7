# SPDX-License-Identifier: Apache-2.0
"""Kills the gateway at random moments under load, starts it again, and looks at what is there: kill -9, and power failures
that take along what wasn't synced."""
import os
import random
import shutil
import signal
import time

from gateway import CLUSTERS, Gateway, Refused
from ledger import Ledger
from load import Load
from verify import Verifier, check_database

class Rounds:
    """Rounds on one data folder after the other. `loss`: None for kill -9, else a way of GW_FAULTS_LOSE per round."""

    def __init__(self, report, folder, seed, fresh_every, loss=None, settings=None):
        self.report = report
        self.folder = folder
        self.seed = seed
        self.fresh_every = fresh_every  # rounds; then there is a new data folder
        self.loss = loss
        self.settings = settings
        self.number = 0
        self.gateway = None

    def faults(self, random_numbers):
        if self.loss is None:
            return None
        return {"LOSE": random_numbers.choice(self.loss), "SEED": random_numbers.randrange(2**32)}

    def begin_folder(self, numbers):
        if self.gateway is not None:
            shutil.rmtree(self.gateway.folder, ignore_errors=True)
        self.gateway = Gateway(os.path.join(self.folder, f"{self.what().replace(' ', '')}-{self.number}"), self.settings)
        if self.number % (2 * self.fresh_every) >= self.fresh_every:
            self.gateway.configure({"audit.max_size": numbers.choice((1, 20000, 200000)),  # files are full all the time
                                    "audit.record": "all"})
            self.gateway.sign()
        self.ledger = Ledger(CLUSTERS)
        self.load = Load(self.ledger, numbers, *numbers.choice(((6, 24), (20, 8))))
        self.verifier = Verifier(self.gateway, self.ledger)

    def end_folder(self):
        """The last gateway ends in peace, and SQLite finds the file whole."""
        complaints = []
        if self.gateway is not None and self.gateway.process.poll() is None:
            code = self.gateway.stop()
            complaints = [f"exit {code}: {self.gateway.stderr()[-500:]}"] if code != 0 else []
            if os.path.exists(self.gateway.database):
                complaints += check_database(self.gateway.database)
            self.report.case(f"{self.what()}: the folder is left whole", complaints)

    def what(self):
        return "kill -9" if self.loss is None else "power failure"

    def kill_while_it_starts(self, numbers, number):
        """A start that doesn't get far."""
        self.gateway.launch(self.faults(numbers))
        time.sleep(numbers.random() * 0.06)
        self.gateway.kill(number)

    def round(self):
        numbers = random.Random(f"{self.seed}/{self.what()}/{self.number}")
        number = signal.SIGKILL if self.loss is None else signal.SIGUSR2
        if self.number % self.fresh_every == 0:
            self.end_folder()
            self.begin_folder(numbers)
        self.load.random = numbers
        if self.gateway.process is None or self.gateway.process.poll() is not None:
            self.gateway.start(self.faults(numbers))
        self.load.start(self.gateway.address)
        time.sleep(0.02 + numbers.random() ** 2 * 0.8)
        if numbers.random() < 0.3:
            self.gateway.rotate()
            time.sleep(numbers.choice((0, 0.02 * numbers.random())))
        if numbers.random() < 0.1:
            code = self.gateway.stop()
        else:
            code = self.gateway.kill(number)
        acknowledged, _, complaints = self.load.finish()
        if code not in (0, -signal.SIGKILL):
            complaints.append(f"exit {code}: {self.gateway.stderr()[-500:]}")
        under_way = self.ledger.under_way()
        if numbers.random() < 0.3:
            self.kill_while_it_starts(numbers, number)
        self.gateway.start(self.faults(numbers))
        retried = self.verifier.retried
        complaints += self.verifier.check(numbers)
        return acknowledged, under_way, self.verifier.retried - retried, complaints

    def run(self, count):
        for self.number in range(count):
            name = f"{self.what()} {self.number + 1} (seed {self.seed})"
            try:
                acknowledged, under_way, retried, complaints = self.round()
            except Refused as problem:
                self.report.case(name, [f"it doesn't start any more: {problem}"])
                self.gateway = None
                return
            self.report.case(f"{name}: {acknowledged} changes acknowledged, {under_way} under way, {retried} retried", complaints)
        self.end_folder()
