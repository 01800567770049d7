# SPDX-License-Identifier: Apache-2.0
"""Reloads under load: two sets of policies in turn, and bad ones in between that must be refused. Each answer has to be wholly
that of one set, each record has to name the generation that it was made by, a set in the shadow has to differ from one of them
alone, and the process must not grow."""
import http.client
import json
import os
import signal
import threading
import time

import api
from gateway import Gateway, wait_until

CLIENTS = 4
GROWTH = 0.05  # of resident memory, from behind the warm-up to the end

# A set says of each request what it is: it denies one principal that the other lets in, and marks what it makes.
GOOD = """local arn = require("eksgate.arn")
local verdict = require("eksgate.verdict")
local policy = { name = "set-%(set)s", on = { "CreateAccessEntry" } }
function policy.authorize(req)
    if req.principal.name:find("no-%(set)s", 1, true) then
        return verdict.deny("set %(set)s")
    end
    return verdict.allow()
end
function policy.username(req)
    return "%(set)s:" .. arn.parse(req.principal.arn).partition .. ":" .. req.principal.name
end
function policy.tags()
    return { set = "%(set)s" }
end
function policy.audit()
    return { set = "%(set)s" }
end
return policy
"""
BAD = {
    "a syntax error": "return { name = ",
    "an error while loading": "error('no')",
    "a table that is no policy": "return { name = 'x', authorise = function() end }",
    "nothing": "return nil",
    "a loop while loading": "while true do end",
    "a name that isn't there": "return { name = 'x', authorize = os.exit }",
    "a module that isn't there": "require('eksgate.nothing') return { name = 'x' }",
    "a hook that raises when it is asked": "return { name = 'set-x', authorize = function() error('no') end }",
    "a hook that runs on when it is asked": "return { name = 'set-x', authorize = function() while true do end end }",
    "a set that its spec doesn't know": "return { name = 'x' }",
}
SPEC = """local policy = dofile("current.lua")
describe("the set", function()
    it("has its name", function()
        assert.truthy(policy.name:find("^set%-[ab]$"))
    end)
end)
"""


class Client(threading.Thread):
    """Creates, looks and deletes over one connection, and judges each answer."""

    def __init__(self, number, address):
        super().__init__(daemon=True)
        self.connection = api.Connection(address)
        self.names = [f"{kind}-{number}" for kind in ("plain", "no-a", "no-b")]
        self.stopped = threading.Event()
        self.requests = 0
        self.sets = {"a": 0, "b": 0}
        self.complaints = []

    def ask(self, request):
        self.requests += 1
        return self.connection.send(request)

    def judge_refusal(self, name, reply):
        refuser = name.split("-")[1] if name.startswith("no-") else None
        if reply.status == 403 and refuser and f"(eksgate policy set-{refuser}: set {refuser}, ".encode() in reply.body:
            self.sets[refuser] += 1
        else:
            self.complaints.append(f"create of {name}: {reply}")

    def judge(self, name, entry):
        by = entry["tags"].get("set")
        if by not in self.sets or entry["username"] != f"{by}:aws:{name}" or name.startswith(f"no-{by}"):
            self.complaints.append(f"create of {name} by no one set: {entry['username']} {entry['tags']}")
        else:
            self.sets[by] += 1

    def round(self, name):
        principal = api.role(name)
        reply = self.ask(api.create_entry("alpha", {"principalArn": principal}))
        if reply.status != 200:
            self.judge_refusal(name, reply)
            return
        made = reply.json()["accessEntry"]
        self.judge(name, made)
        seen = self.ask(api.describe_entry("alpha", principal))
        if seen.status != 200 or seen.json()["accessEntry"] != made:
            self.complaints.append(f"describe of {name}: {seen}")
        gone = self.ask(api.delete_entry("alpha", principal))
        if gone.status != 200:
            self.complaints.append(f"delete of {name}: {gone}")

    def run(self):
        try:
            while not self.stopped.is_set():
                for name in self.names:
                    self.round(name)
        except (api.Lost, ValueError, KeyError) as problem:
            self.complaints.append(f"{type(problem).__name__}: {problem}")
        finally:
            self.connection.close()


class Reloads:
    """A gateway whose one policy file is exchanged for a good one, `count` times behind those of the warm-up."""

    def __init__(self, report, folder, warm_up, count):
        self.report = report
        self.warm_up = warm_up
        self.count = count
        self.gateway = Gateway(os.path.join(folder, "reloads"))
        self.policy = os.path.join(self.gateway.folder, "current.lua")
        self.gateway.configure({"policies": {"files": ["current.lua"], "self_test": True}, "store": {"driver": "memory"},
                                "shadow": ["shadow.lua"], "admin": "127.0.0.1:0", "audit.durable": False, "audit.max_size": 0})
        self.done = self.refused = 0
        self.complaints = []
        self.admin = None

    def write(self, text):
        """In one piece, as an operator's tools would."""
        with open(self.policy + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.policy + ".new", self.policy)

    def ask_admin(self, method, path):
        self.admin.request(method, path, headers={"X-Eksgate-Admin": "1"})
        reply = self.admin.getresponse()
        return reply.status, reply.read().decode()

    def metric(self, name):
        text = self.ask_admin("GET", "/metrics")[1]
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))

    def take_up(self, by_signal):
        """Reloads what is good; by SIGHUP it is done when the generation is another."""
        if by_signal:
            before = self.metric("eksgate_generation")
            self.gateway.process.send_signal(signal.SIGHUP)
            if not wait_until(lambda: self.metric("eksgate_generation") > before):
                self.complaints.append("SIGHUP: nothing is taken up")
        else:
            status, text = self.ask_admin("POST", "/v1/reload")
            if status != 200:
                self.complaints.append(f"reload of a good set: {status} {text}")
        self.done += 1

    def refuse(self, what):
        before = self.metric("eksgate_generation")
        self.write(BAD[what])
        status, text = self.ask_admin("POST", "/v1/reload")
        if status != 422 or "current" not in text:
            self.complaints.append(f"reload of {what}: {status} {text}")
        if self.metric("eksgate_generation") != before:
            self.complaints.append(f"reload of {what}: there is a new generation")
        self.refused += 1

    def resident_kib(self):
        """The least of some seconds: once a second what reloads left is given back."""
        found = []
        for _ in range(30):
            with open(f"/proc/{self.gateway.process.pid}/status", encoding="ascii") as file:
                found.append(next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")))
            time.sleep(0.1)
        return min(found)

    def reload(self, number):
        if number % 20 == 10:
            self.refuse(list(BAD)[number // 20 % len(BAD)])
        self.write(GOOD % {"set": "ab"[number % 2]})
        self.take_up(number % 50 == 25)

    def look_at_records(self):
        """Each generation is one set's, in all of its records."""
        sets = {}
        count = 0
        with open(self.gateway.audit, encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                if record["eventName"] == "AuditBegun":  # of the chain, not of a request
                    continue
                made_by = record["additionalEventData"]["eksgate"]
                if "generation" not in made_by:
                    self.complaints.append(f"a record without its generation: {line[:300]}")
                    return count, sets
                if not made_by.get("fields"):
                    continue
                (name, fields), = made_by["fields"].items()
                count += 1
                seen = {fields["set"], name[-1], *(row["policy"][-1] for row in made_by["verdicts"] + made_by["changes"])}
                shadow = made_by.get("shadow", {})
                if "unknown" not in shadow and (fields["set"] == "b") != ("policies" in shadow):
                    self.complaints.append(f"a record whose shadow, set a, has another opinion: {line[:900]}")
                    return count, sets
                if len(seen) != 1 or sets.setdefault(made_by["generation"], fields["set"]) != fields["set"]:
                    self.complaints.append(f"a record of two sets: {line[:600]}")
                    return count, sets
        return count, sets

    def run(self):
        self.write(GOOD % {"set": "b"})
        with open(os.path.join(self.gateway.folder, "current_spec.lua"), "w", encoding="utf-8") as file:
            file.write(SPEC)
        with open(os.path.join(self.gateway.folder, "shadow.lua"), "w", encoding="utf-8") as file:
            file.write(GOOD % {"set": "a"})
        self.gateway.start()
        self.admin = http.client.HTTPConnection(self.gateway.admin.removeprefix("http://"), timeout=60)
        clients = [Client(number, self.gateway.address) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        began = time.monotonic()
        warm = None
        for number in range(self.warm_up + self.count):
            self.reload(number)
            if number == self.warm_up:
                warm = self.resident_kib()
            if self.complaints or any(client.complaints for client in clients):
                break
        took = time.monotonic() - began
        for client in clients:
            client.stopped.set()
        for client in clients:
            client.join()
        self.finish(clients, warm, took)

    def finish(self, clients, warm, took):
        requests = sum(client.requests for client in clients)
        by_set = {name: sum(client.sets[name] for client in clients) for name in "ab"}
        complaints = self.complaints + [complaint for client in clients for complaint in client.complaints]
        if min(by_set.values()) == 0:
            complaints.append(f"one set never answered: {by_set}")
        what = (f"{self.done} reloads and {self.refused} refused ones in {took:.1f} s under {requests} requests "
                f"({by_set['a']} decided by set a, {by_set['b']} by set b): {len(complaints)} failed")
        self.report.case(what, complaints)
        if complaints:
            return
        self.report.case("no worker keeps an old generation", self.look_at_generations())
        last = self.resident_kib()
        grown = (last - warm) / warm
        if os.environ.get("EKSGATE_PRESET") in ("asan", "tsan"):
            print("resident memory isn't looked at: a sanitizer keeps what is freed", flush=True)
        else:
            self.report.case(f"resident memory {warm / 1024:.1f} MiB behind the warm-up, {last / 1024:.1f} MiB at the end "
                             f"({grown:+.1%})", [] if abs(grown) <= GROWTH else [f"more than {GROWTH:.0%}"])
        code = self.gateway.stop()
        self.report.case("it ends in peace", [] if code == 0 else [f"exit {code}: {self.gateway.stderr()[-500:]}"])
        count, sets = self.look_at_records()
        self.report.case(f"{count} records name {len(sets)} generations, each of one set", self.complaints)

    def look_at_generations(self):
        workers = self.gateway.settings.get("workers", 2)
        left = wait_until(lambda: self.metric("eksgate_policy_generations") == workers)
        return [] if left else [f"{self.metric('eksgate_policy_generations')} are open, of {workers} workers"]


def run(report, folder, full):
    Reloads(report, folder, *((1000, 10000) if full else (250, 200))).run()
