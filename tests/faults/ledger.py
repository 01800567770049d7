# SPDX-License-Identifier: Apache-2.0
"""What a client was told: of each entry and cluster the last state that was acknowledged, and the change under way.

A thing belongs to one client, so its changes come one after the other. A change that got no reply leaves two states that
are both right, the one before and the one after; whichever is found after the restart holds from then on."""
from unittest.mock import ANY

import api


class Change:
    """One change under way: what is sent, and what the thing is like afterwards."""

    def __init__(self, thing, request, after, token=False):
        self.thing = thing
        self.request = request
        self.after = after  # of the reply's JSON to the new state; of None when no reply is known
        self.token = token


class Entry:
    """An access entry as the clients know it: None, or {"entry": accessEntry, "associations": {policyArn: association}}."""

    def __init__(self, cluster, principal):
        self.cluster = cluster
        self.principal = principal
        self.state = None
        self.pending = None  # a Change whose reply did not come
        self.retries = []  # [(request with a token, the reply's body)], of the entry that is there now
        self.unanswered = None  # (Change with a token, whether it was made), for its retry

    def key(self):
        return (self.cluster, self.principal)

    def asked(self, body, before):
        """The accessEntry that a create or an update answers with, as far as it can be told."""
        return {"clusterName": self.cluster, "principalArn": self.principal, "kubernetesGroups": body["kubernetesGroups"],
                "accessEntryArn": before["accessEntryArn"] if before else ANY,
                "createdAt": before["createdAt"] if before else ANY, "modifiedAt": ANY,
                "tags": before["tags"] if before else body["tags"], "username": body["username"], "type": "STANDARD"}

    def create(self, body):
        request = api.create_entry(self.cluster, {"principalArn": self.principal, **body})
        return Change(self, request, lambda reply: {"entry": reply["accessEntry"] if reply else self.asked(body, None),
                                                    "associations": {}}, "clientRequestToken" in body)

    def update(self, body):
        request = api.update_entry(self.cluster, self.principal, body)
        entry, kept = self.state["entry"], self.state["associations"]
        return Change(self, request, lambda reply: {"entry": reply["accessEntry"] if reply else self.asked(body, entry),
                                                    "associations": kept}, "clientRequestToken" in body)

    def delete(self):
        return Change(self, api.delete_entry(self.cluster, self.principal), lambda reply: None)

    def _with(self, tags=None, associations=None):
        entry = self.state["entry"] if tags is None else {**self.state["entry"], "tags": tags}
        return {"entry": entry, "associations": self.state["associations"] if associations is None else associations}

    def tag(self, tags):
        after = self._with(tags={**self.state["entry"]["tags"], **tags})
        return Change(self, api.tag(self.state["entry"]["accessEntryArn"], tags), lambda reply: after)

    def untag(self, keys):
        after = self._with(tags={key: value for key, value in self.state["entry"]["tags"].items() if key not in keys})
        return Change(self, api.untag(self.state["entry"]["accessEntryArn"], keys), lambda reply: after)

    def associate(self, policy, scope):
        there = self.state["associations"]
        unknown = {"policyArn": policy, "accessScope": scope, "modifiedAt": ANY,
                   "associatedAt": there[policy]["associatedAt"] if policy in there else ANY}
        return Change(self, api.associate(self.cluster, self.principal, policy, scope),
                      lambda reply: self._with(associations={**there, policy: reply["associatedAccessPolicy"] if reply else unknown}))

    def disassociate(self, policy):
        left = {arn: one for arn, one in self.state["associations"].items() if arn != policy}
        return Change(self, api.disassociate(self.cluster, self.principal, policy), lambda reply: self._with(associations=left))

    def found(self, everything):
        return everything.get(self.cluster, {"entries": {}})["entries"].get(self.principal)


class Cluster:
    """A cluster that clients made: None, or {"cluster": cluster}. Its entries end with it."""

    def __init__(self, name, principals):
        self.name = name
        self.state = None
        self.pending = None
        self.retries = []
        self.unanswered = None
        self.entries = [Entry(name, principal) for principal in principals]

    def key(self):
        return (self.name, "")

    def create(self, token):
        unknown = {"cluster": ANY}
        return Change(self, api.create_cluster(self.name, token),
                      lambda reply: {"cluster": reply["cluster"]} if reply else unknown, True)

    def delete(self):
        return Change(self, api.delete_cluster(self.name), lambda reply: None)

    def found(self, everything):
        there = everything.get(self.name)
        return None if there is None else {"cluster": there["cluster"]}

    def forget_entries(self):
        for entry in self.entries:
            entry.state, entry.pending, entry.retries, entry.unanswered = None, None, [], None


class Ledger:
    """Of one data folder, over all its restarts."""

    def __init__(self, configured):
        self.configured = configured
        self.things = []
        self.acknowledged = {}  # request id: operation

    def entry(self, cluster, principal):
        thing = Entry(cluster, principal)
        self.things.append(thing)
        return thing

    def cluster(self, name, principals):
        thing = Cluster(name, principals)
        self.things += [thing, *thing.entries]
        return thing

    def perform(self, connection, change):
        """Sends a change and remembers what is known afterwards; gives the reply. Raises Lost when none came."""
        thing = change.thing
        thing.pending = change
        reply = connection.send(change.request)
        if reply.status == 200:
            self.acknowledge(change, reply)
        elif reply.status < 500:
            thing.pending = None
        return reply

    def acknowledge(self, change, reply):
        thing = change.thing
        thing.state = change.after(reply.json())
        thing.pending = thing.unanswered = None
        self.acknowledged[reply.request_id] = change.request.operation
        if isinstance(thing, Cluster) and thing.state is None:
            thing.forget_entries()
        if thing.state is None or change.request.operation.startswith("Create"):
            thing.retries = []
        if change.token:
            thing.retries = thing.retries[-3:] + [(change.request, reply.body)]

    def under_way(self):
        return sum(thing.pending is not None for thing in self.things)

    def settle(self, everything):
        """Compares with what is there; takes up which of the changes under way were made. Gives complaints."""
        complaints = []
        for thing in self.things:
            found, before = thing.found(everything), thing.state
            if thing.pending is None:
                if found != before:
                    complaints.append(f"{thing.key()} was acknowledged as {before} and is {found}")
                continue
            after = thing.pending.after(None)
            if found not in (before, after):
                complaints.append(f"{thing.key()} is {found}, neither {before} nor {after}, after an unanswered "
                                  f"{thing.pending.request.operation}")
            self._take_up(thing, found, found != before)
        known = set(thing.key() for thing in self.things) | set((name, "") for name in self.configured)
        for name, cluster in everything.items():
            unknown = [key for key in [(name, ""), *((name, principal) for principal in cluster["entries"])] if key not in known]
            complaints += [f"{key} is there, and nobody made it" for key in unknown]
        return complaints

    @staticmethod
    def _take_up(thing, found, is_made):
        change, thing.pending = thing.pending, None
        thing.state = found
        if isinstance(thing, Cluster) and found is None:
            thing.forget_entries()
        if found is None or (is_made and change.request.operation.startswith("Create")):
            thing.retries = []
        if change.token:
            thing.unanswered = (change, is_made)

    def retry(self, connection, things):
        """Repeats requests with their tokens: the original reply byte for byte where there was one, else what is there or
        comes to be. Gives (how many, complaints)."""
        count, complaints = 0, []
        for thing in things:
            for request, body in list(thing.retries):
                reply = connection.send(request)
                count += 1
                if reply.status != 200 or reply.body != body:
                    complaints.append(f"the retry of {request.operation} {request.body} was answered {reply}, not {body}")
            if thing.unanswered is not None:
                count += 1
                complaints += self._retry_unanswered(connection, thing)
        return count, complaints

    def _retry_unanswered(self, connection, thing):
        change, is_made = thing.unanswered
        thing.unanswered = None
        reply = connection.send(change.request)
        if reply.status != 200:
            return [f"the retry of {change.request.operation} {change.request.body} was answered {reply}"]
        after = change.after(reply.json())
        if not is_made:
            self.acknowledge(change, reply)
            return []
        thing.retries.append((change.request, reply.body))
        if after != thing.state:
            return [f"the retry of {change.request.operation} told of {after}, there is {thing.state}"]
        return []
