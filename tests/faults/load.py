# SPDX-License-Identifier: Apache-2.0
"""Clients that change things of their own, each over a connection of its own, until the gateway is gone or they are told to
stop."""
import threading

import api

NAMES = "ab/cd", "ef", "gh-ij/kl.mn", "op@qr", "st=uv,wx"


def random_body(random, token):
    body = {"kubernetesGroups": [f"g{random.randrange(100)}" for _ in range(random.randrange(3))],
            "username": f"u{random.randrange(10**6)}"}
    body["kubernetesGroups"] = list(dict.fromkeys(body["kubernetesGroups"]))
    if token:
        body["clientRequestToken"] = f"{random.getrandbits(200):050x}"
    return body


def random_tags(random, most):
    return {f"k{random.randrange(6)}": f"v{random.randrange(10**6)}" for _ in range(random.randrange(1, most + 1))}


def random_scope(random):
    if random.random() < 0.5:
        return {"type": "cluster", "namespaces": []}
    return {"type": "namespace", "namespaces": [f"n{random.randrange(10**6)}"]}


def next_change(random, entry):
    """A change that is right for what the entry is like now."""
    if entry.state is None:
        body = random_body(random, random.random() < 0.8)
        return entry.create({**body, "tags": random_tags(random, 4)})
    choice = random.random()
    tags, associations = entry.state["entry"]["tags"], entry.state["associations"]
    if choice < 0.3:
        return entry.update(random_body(random, random.random() < 0.6))
    if choice < 0.5:
        return entry.tag(random_tags(random, 3))
    if choice < 0.6 and tags:
        return entry.untag(random.sample(sorted(tags), 1))
    if choice < 0.8:
        return entry.associate(random.choice(api.POLICIES), random_scope(random))
    if choice < 0.9 and associations:
        return entry.disassociate(random.choice(sorted(associations)))
    return entry.delete()


class Client(threading.Thread):
    """One thread with things of its own. `complaints`: what it was told and shouldn't have been."""

    def __init__(self, number, ledger, random, address, things):
        super().__init__(daemon=True)
        self.number = number
        self.ledger = ledger
        self.random = random
        self.connection = api.Connection(address)
        self.entries, self.clusters = things
        self.stopped = threading.Event()
        self.complaints = []
        self.acknowledged = 0
        self.refused = 0  # answered 503
        self.may_refuse = False

    def choose(self):
        cluster = self.random.choice(self.clusters)
        if self.random.random() < 0.02 and all(one.pending is None for one in (cluster, *cluster.entries)):
            return cluster.create(f"{self.random.getrandbits(200):050x}") if cluster.state is None else cluster.delete()
        homeless = [entry for cluster in self.clusters if cluster.state is None for entry in cluster.entries]
        ready = [entry for entry in self.entries if entry.pending is None and entry not in homeless]
        return next_change(self.random, self.random.choice(ready)) if ready else None

    def run(self):
        try:
            while not self.stopped.is_set():
                self.step()
        except api.Lost:
            pass
        finally:
            self.connection.close()

    def ask_in_vain(self):
        """A request that is refused, which has a record that nobody waits for."""
        reply = self.connection.send(api.update_entry(self.ledger.configured[0], api.role("nobody"), {"username": "u"}))
        if reply.status != 404 and not (reply.status == 503 and self.may_refuse):
            self.complaints.append(f"an update of nobody: {reply}")

    def step(self):
        if self.random.random() < 0.1:
            self.ask_in_vain()
        change = self.choose()
        if change is None:  # all were refused
            self.stopped.wait(0.05)
            return
        reply = self.ledger.perform(self.connection, change)
        if reply.status == 200:
            self.acknowledged += 1
        elif reply.status == 503 and self.may_refuse:
            self.refused += 1
        else:
            self.complaints.append(f"{change.request.operation} {change.request.path}: {reply}")


class Load:
    """Several clients and their things; the things outlive the gateway, the clients don't."""

    def __init__(self, ledger, random, clients=6, principals=24):
        self.ledger = ledger
        self.random = random
        self.things = [self.make_things(number, principals) for number in range(clients)]
        self.clients = []

    def make_things(self, number, principals):
        def arn(i):
            return api.role(f"{NAMES[i % len(NAMES)]}-{number}-{i}")

        entries = [self.ledger.entry(self.ledger.configured[i % len(self.ledger.configured)], arn(i)) for i in range(principals)]
        clusters = [self.ledger.cluster(f"made-{number}-{i}", [arn(k) for k in range(3)]) for i in range(2)]
        return entries + [entry for cluster in clusters for entry in cluster.entries], clusters

    def start(self, address, may_refuse=False):
        self.clients = [Client(number, self.ledger, self.random, address, things) for number, things in enumerate(self.things)]
        for client in self.clients:
            client.may_refuse = may_refuse
            client.start()

    def finish(self):
        """Waits for the clients, which end when the gateway is gone; gives (acknowledged, refused, complaints)."""
        for client in self.clients:
            client.stopped.set()
        for client in self.clients:
            client.join()
        return (sum(client.acknowledged for client in self.clients), sum(client.refused for client in self.clients),
                [complaint for client in self.clients for complaint in client.complaints][:3])
