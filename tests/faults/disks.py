# SPDX-License-Identifier: Apache-2.0
"""Real disks that are full, or gone: small file systems mounted for it, and the fault layer under load."""
import os
import random
import shutil
import signal
import subprocess
import time

import api
from gateway import CLUSTERS, Gateway, Refused, counts, end_all, wait_until
from inject import Workload, fails_for_good
from ledger import Ledger
from load import Load
from verify import Verifier, check_database


def tell(command):
    """Runs a command; (exit code, output)."""
    if shutil.which(command[0]) is None:
        return 127, f"{command[0]} is not installed"
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors="replace").strip()


class Mount:
    """A small file system of its own. `why` says why there is none."""

    def __init__(self, kind, folder, megabytes):
        self.path = os.path.join(folder, f"mount-{kind}")
        self.image = self.path + ".img"
        self.why = None
        os.makedirs(self.path)
        if kind == "tmpfs":
            commands = [["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", self.path]]
        else:
            with open(self.image, "wb") as file:
                file.truncate(megabytes << 20)
            commands = [["mkfs.ext4", "-q", "-m", "0", self.image], ["mount", "-o", "loop", self.image, self.path]]
        for command in commands:
            code, output = tell(command)
            if code != 0:
                self.why = f"optional tool mount may not be used here: {output.splitlines()[-1] if output else code}"
                return

    def end(self):
        tell(["umount", self.path])


def under_load(report, folder, seed):
    """Faults that come and go while clients change things."""
    for number, (what, fault) in enumerate((("the disk is full", "ENOSPC write"), ("audit writes fail", "EIO write audit"),
                                            ("audit syncs fail", "EIO sync audit"), ("the log can't be written", "EIO write log"),
                                            ("the log can't be synced", "EIO sync log"),
                                            ("the database can't be synced", "EIO sync database"),
                                            ("everything is read-only", "EROFS"))):
        report.run(f"under load, {what} now and then ({fault})", fault_under_load, os.path.join(folder, f"load-{number}"), seed,
                   fault)


def fault_under_load(folder, seed, fault):
    numbers = random.Random(f"{seed}/{fault}")
    gateway, ledger = Gateway(folder, {"audit.max_size": 300000}), Ledger(CLUSTERS)
    load = Load(ledger, numbers, clients=4, principals=60)
    on = os.path.join(folder, "on")
    gateway.start({"ON": on, "LOSE": "sectors", "SEED": numbers.randrange(2**32)})
    load.start(gateway.address, may_refuse=True)
    complaints = []
    for _ in range(4):
        time.sleep(0.2 * numbers.random())
        with open(on + ".new", "w", encoding="utf-8") as file:
            file.write(fault)
        os.rename(on + ".new", on)
        time.sleep(0.2 * numbers.random())
        complaints += read_all(gateway.connection)
        os.remove(on)
    time.sleep(0.2)
    acknowledged, refused, wrong = load.finish()
    fired = gateway.faults()
    counts["injected faults"] += len(fired)
    complaints += wrong + settle_and_recover(gateway, ledger, numbers, fired)
    if acknowledged == 0 or refused == 0:
        complaints.append(f"{acknowledged} changes were acknowledged and {refused} refused")
    gateway.kill(numbers.choice((signal.SIGKILL, signal.SIGUSR2)))
    gateway.start()
    complaints += Verifier(gateway, ledger).check(numbers)
    code = gateway.stop()
    complaints += [f"exit {code}: {gateway.stderr()[-400:]}"] if code != 0 else []
    complaints += check_database(gateway.database)
    shutil.rmtree(folder, ignore_errors=True)
    return complaints


def read_all(connection):
    """Describes everything once, while clients change it: what is gone by then may be gone."""
    complaints = []
    for cluster in CLUSTERS:
        for principal in api.list_entries(connection, cluster):
            reply = connection.send(api.describe_entry(cluster, principal))
            if reply.status not in (200, 404):
                complaints.append(f"reads don't go on: {reply}")
    return complaints[:1]


def settle_and_recover(gateway, ledger, numbers, fired):
    """The fault is over: what was refused wasn't made, and changes are taken again; except where a restart must tell."""
    if fails_for_good(fired):
        return []
    complaints = ledger.settle(api.dump(gateway.connection))
    if not Workload(ledger, gateway, numbers).recovers():
        complaints.append("changes are still refused after the fault has gone")
    return complaints


def full_disk(mount, seed):
    """A file system that somebody else fills up, and empties again."""
    numbers = random.Random(f"{seed}/{mount.path}")
    gateway, ledger = Gateway(mount.path + "-gateway", data=os.path.join(mount.path, "data")), Ledger(CLUSTERS)
    load = Load(ledger, numbers, clients=3, principals=40)
    ballast = os.path.join(mount.path, "ballast")
    gateway.start()
    complaints = []
    for _ in range(3):
        load.start(gateway.address, may_refuse=True)
        time.sleep(0.2)
        fill(ballast)
        refused = wait_until(lambda: sum(client.refused for client in load.clients) > 20)
        acknowledged, _, wrong = load.finish()
        complaints += wrong + ([] if refused else [f"{acknowledged} changes, none refused, on a full disk"])
        complaints += ledger.settle(api.dump(gateway.connection))
        os.remove(ballast)
        if not Workload(ledger, gateway, numbers).recovers():
            return complaints + ["changes are still refused after space came back: " + gateway.stderr()[-400:]]
    fill(ballast)
    load.start(gateway.address, may_refuse=True)
    time.sleep(0.3)
    gateway.kill()
    complaints += load.finish()[2]
    os.remove(ballast)
    gateway.start()
    complaints += Verifier(gateway, ledger).check(numbers)
    code = gateway.stop()
    return complaints + ([f"exit {code}: {gateway.stderr()[-400:]}"] if code != 0 else []) + check_database(gateway.database)


def fill(path):
    """Takes every block that is left."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 512, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass


def full_from_the_start(mount):
    """A start without space is refused in one line, and is a start as soon as there is some."""
    gateway = Gateway(mount.path + "-later", data=os.path.join(mount.path, "later"))
    ballast = os.path.join(mount.path, "ballast")
    fill(ballast)
    complaints = []
    try:
        gateway.start()
        gateway.kill()
    except Refused as refused:
        said = refused.complaints()
        if len(said) != 1 or gateway.data not in said[0]:
            complaints.append(f"not told in one line: {refused}")
    os.remove(ballast)
    gateway.start()
    gateway.stop()
    return complaints


class Flakey:
    """A file system on a device that can be told to take no more writes; dm-flakey."""

    def __init__(self, folder, megabytes):
        self.path = os.path.join(folder, "mount-flakey")
        self.image = self.path + ".img"
        self.name = f"eksgate-faults-{os.getpid()}"
        self.loop = ""
        self.sectors = megabytes << 11
        os.makedirs(self.path)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        self.why = self.prepare()

    def prepare(self):
        """What is missing; None when it is mounted."""
        tell(["modprobe", "dm-flakey"])
        code, output = tell(["dmsetup", "targets"])
        if code != 0 or "flakey" not in output:
            return "optional tool dm-flakey is not in this kernel"
        code, self.loop = tell(["losetup", "--find", "--show", self.image])
        if code != 0:
            return f"optional tool dm-flakey has no device to work on: {self.loop}"
        code, output = tell(["dmsetup", "create", self.name, "--table", self.table(True)])
        if code != 0:
            return f"optional tool dm-flakey may not be used here: {output}"
        tell(["mkfs.ext4", "-q", self.device()])
        code, output = tell(["mount", self.device(), self.path])
        return None if code == 0 else f"optional tool mount may not be used here: {output}"

    def device(self):
        return "/dev/mapper/" + self.name

    def table(self, works):
        return f"0 {self.sectors} flakey {self.loop} 0 " + ("180 0" if works else "0 180 1 error_writes")

    def switch(self, works):
        tell(["dmsetup", "suspend", "--nolockfs", "--noflush", self.name])
        tell(["dmsetup", "load", self.name, "--table", self.table(works)])
        tell(["dmsetup", "resume", self.name])

    def fail_and_mount_again(self, gateway):
        """No write reaches the disk from now on; then the machine is started anew."""
        self.switch(False)
        gateway.kill()
        tell(["umount", self.path])
        self.switch(True)
        code, output = tell(["mount", self.device(), self.path])
        return [] if code == 0 else [f"the file system can't be mounted again: {output}"]

    def end(self):
        tell(["umount", self.path])
        tell(["dmsetup", "remove", self.name])
        if self.loop.startswith("/dev/"):
            tell(["losetup", "--detach", self.loop])


def flakey_round(gateway, load, flakey, numbers):
    load.start(gateway.address, may_refuse=True)
    time.sleep(0.1 + numbers.random())
    complaints = flakey.fail_and_mount_again(gateway) + load.finish()[2]
    gateway.start()
    return complaints + Verifier(gateway, load.ledger).check(numbers)


def run_flakey(report, folder, seed, count):
    flakey = Flakey(folder, 64)
    numbers = random.Random(f"{seed}/flakey")
    try:
        if flakey.why is not None:
            report.skip(flakey.why)
            return
        gateway, ledger = Gateway(flakey.path + "-gateway", data=os.path.join(flakey.path, "data")), Ledger(CLUSTERS)
        load = Load(ledger, numbers)
        gateway.start()
        for number in range(count):
            report.run(f"a device that fails {number + 1}", flakey_round, gateway, load, flakey, numbers)
        gateway.stop()
    finally:
        end_all()
        flakey.end()


def run(report, folder, seed, full):
    under_load(report, folder, seed)
    run_flakey(report, folder, seed, 10 if full else 2)
    for kind, megabytes in (("tmpfs", 48), ("ext4", 64)):
        mount = Mount(kind, folder, megabytes)
        try:
            if mount.why is not None:
                report.skip(mount.why)
                continue
            report.run(f"a full disk ({kind}) refuses changes, reads go on, and space that comes back is used", full_disk, mount, seed)
            report.run(f"a full disk ({kind}) refuses a start, and space that comes back is used", full_from_the_start, mount)
        finally:
            end_all()  # of a case that failed
            mount.end()
