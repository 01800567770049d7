# SPDX-License-Identifier: Apache-2.0
"""How long other callers wait while policies try to get out."""
import os
import socket
import statistics
import sys
import threading

import servers

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "faults")]

import api  # noqa: E402
import hostile_policies as ways  # noqa: E402
from sigv4 import Signer  # noqa: E402

# Each caller's requests are stopped twice in a measurement at most: the third would be the last that runs.
CALLERS = 3000
SECONDS = 1.5
BURST_SECONDS = 5  # 200 requests of 10 ms each take two

# Of the ways out those that take the longest in one go, and one of each kind.
MEASURED = (
    "an endless loop", "a loop around pcall", "pcall of pcall", "a pattern of many wildcards", "a pattern of many balances",
    "gsub over much", "gsub with a callback in a loop", "sort by a comparison that contradicts itself", "concat of much",
    "plain find of long in long", "comparing long texts, unrolled", "equal long texts", "long texts as keys", "doubling a text",
    "a table that is filled and emptied", "next over what was emptied", "weak tables by a key set afterwards",
    "a close handler that spins at the end of a loop", "close handlers within close handlers", "unpack in a loop",
    "deep recursion through pcall", "utf8.codes over much",
)


class Attackers:
    """Connections that ask for nothing but what meets the policy, as callers that change with each request."""

    def __init__(self, server, count):
        self.ended = threading.Event()
        self.asked = 0
        self.answers = set()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(f"127.0.0.1:{server.port}", number)) for number in range(count)]

    def run(self, address, number):
        connection = api.Connection(address)
        while not self.ended.is_set():
            with self.lock:
                self.asked += 1
                caller = self.asked % CALLERS
            connection.signer = Signer(f"AKIAHOSTILE{caller:09}", f"hostile{caller}")
            reply = connection.send(api.create_entry("my-cluster", {"principalArn": api.role(f"hostile-{number}")}))
            self.answers.add((reply.status, b"hostile: policy failed" in reply.body))
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def callers():
    return [{"AccessKeyId": f"AKIAHOSTILE{n:09}", "SecretAccessKey": f"hostile{n}",
             "Arn": f"arn:aws:iam::012345678910:user/hostile-{n}"} for n in range(CALLERS)]


def beside(lab, body, count):
    """A reader on the one worker beside `count` connections that meet the policy: p99, longest wait (both ms), attacks per
    second. The longest wait is that of the better of two runs: what a machine's stall adds isn't ours."""
    runs = []
    policy = lab.write("hostile.lua", ways.policy("authorize", body))
    configuration = lab.configuration(policies=[policy], audit=False, keys=callers())
    for _ in range(2):
        with lab.serving(configuration) as server:
            with Attackers(server, count) as attackers:
                result = lab.load(server, "cluster", connections=1, seconds=SECONDS, warmup=0.1)
            if attackers.answers != {(403, True)}:
                raise servers.Failed(f"hostile requests were answered {attackers.answers}")
            runs.append((result["p99_us"] / 1000, result["longest_us"] / 1000, attackers.asked / result["seconds"]))
    return min(run[0] for run in runs), min(run[1] for run in runs), statistics.mean(run[2] for run in runs)


class Bursts(Attackers):
    """Connections that ask at the same moment, again and again."""

    def __init__(self, server, count):
        super().__init__(server, 0)
        self.count = count
        self.threads = [threading.Thread(target=self.run, args=(server.port,))]

    def request(self, address, number):
        caller = self.asked % CALLERS
        self.asked += 1
        request = api.create_entry("my-cluster", {"principalArn": api.role(f"burst-{number}")})
        signer = Signer(f"AKIAHOSTILE{caller:09}", f"hostile{caller}")
        headers = {**signer.headers(request.method, address, request.path, request.query, request.body), "Host": address,
                   "Content-Type": "application/json", "Content-Length": str(len(request.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{request.method} {request.path} HTTP/1.1\r\n{lines}\r\n".encode() + request.body

    def run(self, port):
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(self.count)]
        while not self.ended.is_set():
            requests = [self.request(f"127.0.0.1:{port}", number) for number in range(self.count)]
            for connection, request in zip(connections, requests):
                connection.sendall(request)
            for connection in connections:
                self.answers.add(connection.recv(65536)[9:12])
        for connection in connections:
            connection.close()


def beside_bursts(lab, hook, body):
    """The longest wait of a reader on the one worker beside 200 connections that ask at once; the better of two runs."""
    waits = []
    policy = lab.write("hostile.lua", ways.policy(hook, body))
    configuration = lab.configuration(policies=[policy], audit=False, keys=callers())
    for _ in range(2):
        with lab.serving(configuration) as server:
            with Bursts(server, 200) as bursts:
                result = lab.load(server, "cluster", connections=1, seconds=BURST_SECONDS, warmup=0.1)
            if not bursts.answers <= {b"403", b"200", b"409"} or bursts.asked < 400:
                raise servers.Failed(f"{bursts.asked} requests in bursts were answered {bursts.answers}")
            waits.append(result["longest_us"] / 1000)
    return min(waits)


def hostile(lab, table, *_):
    worst = {1: (0, 0), 16: (0, 0)}
    for name in MEASURED:
        found = {count: beside(lab, ways.BODIES[name], count) for count in worst}
        print(f"  {name}: " + "; ".join(f"{count}: p99 {p99:.2f} ms, longest {longest:.1f} ms, {rate:.0f} attacks/s"
                                         for count, (p99, longest, rate) in found.items()), flush=True)
        worst = {count: (max(worst[count][0], found[count][0]), max(worst[count][1], found[count][1])) for count in worst}
    table.add("p99 of a bystander beside 1 hostile hook, worst of all", worst[1][0], 15, "ms")
    table.add("p99 of a bystander beside 16 hostile hooks, worst of all", worst[16][0], 40, "ms")
    table.add("longest single wait of a bystander, of all", max(worst[1][1], worst[16][1]), 60, "ms")
    for hook, body in (("authorize", ways.BODIES["an endless loop"]), ("outcome", "while true do end")):
        table.inform(f"  longest beside bursts of 200, {hook} that runs on", f"{beside_bursts(lab, hook, body):.1f} ms")
