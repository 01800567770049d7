# SPDX-License-Identifier: Apache-2.0
"""Policies that try to get out: by failing, by running on, by taking all memory. Whatever they do, the request is refused,
nothing is stored, the next caller on the same worker hardly waits, and the program lives."""
import os
import sys
import threading
import time

import api
from gateway import ROOT, Gateway

sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import hostile_policies as hostile  # noqa: E402

WORST_WAIT_MS = 60
ATTEMPTS = 3  # a machine that stands still now and then isn't ours; a way out shows each time


class Bystander(threading.Thread):
    """Reads on a connection of its own, one request after the other, and notes the longest wait."""

    def __init__(self, address):
        super().__init__()
        self.connection = api.Connection(address)
        self.worst_ms = 0
        self.count = 0
        self.wrong = None
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                began = time.monotonic()
                reply = self.connection.send(api.describe_cluster("alpha"))
                self.worst_ms = max(self.worst_ms, (time.monotonic() - began) * 1000)
                self.count += 1
                if reply.status != 200:
                    self.wrong = str(reply)
        except api.Lost as lost:
            self.wrong = str(lost)
        self.connection.close()

    def end(self):
        self.ended.set()
        self.join()


def begin(folder, text, **settings):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "hostile.lua")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return Gateway(folder, {"workers": 1, "policies": {"files": [path], "smoke_test": False}, "store": {"driver": "memory"},
                            "audit.durable": False, **settings}).start()


def refused(reply):
    """Complaints about a reply that ought to be the refusal of a failed policy."""
    if reply.status != 403 or reply.error != "AccessDeniedException":
        return [f"answered {reply}"]
    return [] if b"(eksgate policy hostile: policy failed, request " in reply.body else [f"refused with {reply}"]


def attempt(gateway, number):
    """One request that meets the policy, beside a bystander: complaints, and the longest wait of the bystander."""
    bystander = Bystander(gateway.address)
    bystander.start()
    time.sleep(0.02)
    principal = api.role(f"hostile-{number}")
    complaints = refused(gateway.connection.send(api.create_entry("alpha", {"principalArn": principal})))
    bystander.end()
    if bystander.wrong is not None or bystander.count == 0:
        complaints.append(f"the bystander was answered {bystander.wrong}")
    if gateway.connection.send(api.describe_entry("alpha", principal)).status != 404:
        complaints.append("the entry was stored")
    return complaints, bystander.worst_ms


def ends_well(gateway):
    code = gateway.stop()
    return [f"exit {code}: {gateway.stderr()[-600:]}"] if code != 0 else []


def cannot_get_out(folder, body):
    gateway = begin(folder, hostile.policy("authorize", body))
    waits = []
    for number in range(ATTEMPTS):
        complaints, wait = attempt(gateway, number)
        waits.append(wait)
        if complaints or wait <= WORST_WAIT_MS:
            break
    if not complaints and min(waits) > WORST_WAIT_MS:
        complaints = [f"another caller waited {min(waits):.0f} ms"]
    return complaints + ends_well(gateway)


def other_hook_refuses(folder, hook, body):
    gateway = begin(folder, hostile.policy(hook, body))
    complaints = []
    principal = api.role("conflict")
    if hook == "conflict":
        # The first create finds nothing to conflict with.
        first = gateway.connection.send(api.create_entry("alpha", {"principalArn": principal}))
        complaints += [] if first.status == 200 else [f"the first create was answered {first}"]
        complaints += refused(gateway.connection.send(api.create_entry("alpha", {"principalArn": principal})))
    else:
        complaints += attempt(gateway, 0)[0]
    return complaints + ends_well(gateway)


def outcome_changes_nothing(folder):
    gateway = begin(folder, hostile.policy("outcome", "while true do end"))
    bystander = Bystander(gateway.address)
    bystander.start()
    reply = gateway.connection.send(api.create_entry("alpha", {"principalArn": api.role("told")}))
    bystander.end()
    complaints = [] if reply.status == 200 else [f"answered {reply}"]
    complaints += [] if bystander.wrong is None else [f"the bystander was answered {bystander.wrong}"]
    return complaints + ends_well(gateway)


def a_caller_is_stopped(folder):
    """After three stopped requests in ten seconds the next is refused at once, without running; others go on."""
    gateway = begin(folder, hostile.policy("authorize", "if req.input.type == 'STANDARD' then while true do end end"))
    complaints = []
    body = {"principalArn": api.role("again"), "type": "STANDARD"}
    for _ in range(3):
        complaints += refused(gateway.connection.send(api.create_entry("alpha", body)))
    reply = gateway.connection.send(api.create_entry("alpha", {"principalArn": api.role("harmless"), "type": "EC2_LINUX"}))
    if reply.status != 403 or b"policy failed" in reply.body:
        complaints.append(f"a caller whose requests were stopped three times was answered {reply}")
    time.sleep(1.2)
    reply = gateway.connection.send(api.create_entry("alpha", {"principalArn": api.role("harmless"), "type": "EC2_LINUX"}))
    complaints += [] if reply.status == 200 else [f"a second later it was answered {reply}"]
    return complaints + ends_well(gateway)


def run(report, folder):
    number = 0
    for name, body in {**hostile.BODIES, **{f"an answer that is {what}": body for what, body in hostile.NONSENSE.items()}}.items():
        report.run(f"a policy can't get out: {name}", cannot_get_out, os.path.join(folder, f"way-{number}"), body)
        number += 1
    for hook, body in hostile.OTHER_HOOKS.items():
        report.run(f"a policy can't get out: {hook} that runs on", other_hook_refuses, os.path.join(folder, f"hook-{hook}"), hook, body)
    report.run("outcome that runs on changes nothing", outcome_changes_nothing, os.path.join(folder, "outcome"))
    report.run("a caller whose requests were stopped is refused", a_caller_is_stopped, os.path.join(folder, "caller"))
