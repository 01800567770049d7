# SPDX-License-Identifier: Apache-2.0
"""Reads audit files, written apart from `eksgate audit verify`: is the chain whole, and what must be there if the records are
true? Replaying them from nothing gives a state to compare with the one that the gateway shows."""
import hashlib
import json
import re
import urllib.parse

FRONT = re.compile(rb'\{"eventVersion":"1\.11","additionalEventData":\{"eksgate":\{"sequence":([1-9][0-9]*),"previous":"([0-9a-f]{64})",')
NOTHING = "0" * 64


class Broken(Exception):
    """The chain doesn't hold."""


class Chain:
    """Records in their order, each as (sequence, JSON)."""

    def __init__(self):
        self.first = None  # (sequence, hash) of what the oldest file goes on from
        self.records = []
        self.hashes = []
        self.superseded = 0

    def head(self):
        return (self.records[-1][0], self.hashes[-1]) if self.records else self.first or (0, NOTHING)

    def follow(self, line, where, begins_file):
        found = FRONT.match(line)
        if not found:
            raise Broken(f"{where}: no record: {line[:80]}")
        sequence, previous = int(found.group(1)), found.group(2).decode()
        if self.first is None:
            self.first = (sequence - 1, previous)
        if begins_file:
            self.go_back(sequence - 1)
        if (sequence - 1, previous) != self.head():
            raise Broken(f"{where}: record {sequence} follows {previous[:8]}, the one before is {self.head()}")
        self.records.append((sequence, json.loads(line)))
        self.hashes.append(hashlib.sha256(line).hexdigest())

    def go_back(self, sequence):
        """A file that was given up ends in records that the next one has again, or others in their place."""
        while self.records and self.records[-1][0] > sequence:
            self.records.pop()
            self.hashes.pop()
            self.superseded += 1


def read(paths):
    """The chain through all the files, oldest first. A file that was given up may end in anything, when the next one says so."""
    chain = Chain()
    given_up = None
    for path in paths:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
        before = chain.head()[0]
        problem = follow_file(chain, path, lines)
        after = [own(record)["continues"]["after"] for _, record in chain.records[-len(lines):] if "continues" in own(record)]
        if given_up is not None and not any(number <= before for number in after):
            raise Broken(given_up)
        given_up = problem
    if given_up is not None:
        raise Broken(given_up)
    return chain


def follow_file(chain, path, lines):
    """Takes what follows; gives what is wrong with the rest, or None."""
    half = lines.pop()
    for number, line in enumerate(lines):
        try:
            chain.follow(line, f"{path}:{number + 1}", number == 0)
        except (Broken, ValueError) as problem:
            if number == 0:
                raise Broken(str(problem)) from None
            return str(problem)
    return f"{path}: ends within a record" if half else None


def own(record):
    return record["additionalEventData"]["eksgate"]


def changes(chain):
    """The records of changes, those left out that were told to be not applied. Gives (list of (sequence, record), set of
    sequences that are still unknown)."""
    outcomes = {}
    for _, record in chain.records:
        if "settles" in own(record):
            outcomes[own(record)["settles"]] = own(record)["outcome"]
        lost = own(record).get("begun", {}).get("notApplied")  # with the store, or by putting back a backup
        if lost:
            outcomes.update((sequence, "not applied") for sequence in range(lost["after"] + 1, lost["upTo"] + 1))
    made = [(sequence, record) for sequence, record in chain.records
            if own(record).get("change") is True and outcomes.get(sequence) != "not applied"]
    return made, {sequence for sequence, outcome in outcomes.items() if outcome == "unknown"}


def label(parameters, name):
    return urllib.parse.unquote(parameters[name])


def tagged(state, parameters):
    arn = label(parameters, "resourceArn")
    for cluster in state.values():
        for thing in cluster["entries"].values():
            if thing["entry"]["accessEntryArn"] == arn:
                return thing["entry"]
    raise Broken(f"a record tags {arn}, which no record made")


def apply(state, record):
    """What one change does. Raises when it can't have happened as told."""
    name, parameters, reply = record["eventName"], record["requestParameters"], record["responseElements"]
    if own(record).get("source") == "configuration":  # answered nobody: the cluster itself
        state.setdefault(reply["name"], {"entries": {}})["cluster"] = reply
    elif name == "CreateCluster":
        state[reply["cluster"]["name"]] = {"cluster": reply["cluster"], "entries": {}}
    elif name == "DeleteCluster":
        del state[label(parameters, "name")]
    elif name == "CreateAccessEntry":
        entries = state[parameters["name"]]["entries"]
        if parameters["principalArn"] in entries:
            raise Broken(f"a record makes {parameters['principalArn']}, which is there")
        entries[parameters["principalArn"]] = {"entry": reply["accessEntry"], "associations": {}}
    elif name == "UpdateAccessEntry":
        state[parameters["name"]]["entries"][label(parameters, "principalArn")]["entry"] = reply["accessEntry"]
    elif name == "DeleteAccessEntry":
        del state[parameters["name"]]["entries"][label(parameters, "principalArn")]
    elif name == "AssociateAccessPolicy":
        there = state[parameters["name"]]["entries"][label(parameters, "principalArn")]["associations"]
        there[parameters["policyArn"]] = reply["associatedAccessPolicy"]
    elif name == "DisassociateAccessPolicy":
        there = state[parameters["name"]]["entries"][label(parameters, "principalArn")]["associations"]
        del there[label(parameters, "policyArn")]
    elif name == "TagResource":
        tagged(state, parameters)["tags"].update(parameters["tags"])
    elif name == "UntagResource":
        entry = tagged(state, parameters)
        entry["tags"] = {key: value for key, value in entry["tags"].items() if key not in parameters["tagKeys"]}
    else:
        raise Broken(f"a record changes something by {name}")


def replay(made):
    state = {}
    for sequence, record in made:
        try:
            apply(state, record)
        except (KeyError, TypeError) as problem:
            raise Broken(f"record {sequence} ({record['eventName']}) can't have happened: {problem!r} is missing") from None
    return state


def differences(told, there):
    """Where two states differ, in words; a few at most."""
    found = []
    for cluster in sorted(set(told) | set(there)):
        left, right = told.get(cluster), there.get(cluster)
        if left is None or right is None:
            found.append(f"cluster {cluster}: by the records {'there' if left else 'not there'}, by the gateway {'there' if right else 'not there'}")
            continue
        if left["cluster"] != right["cluster"]:
            found.append(f"cluster {cluster}: by the records {left['cluster']}, by the gateway {right['cluster']}")
        for principal in sorted(set(left["entries"]) | set(right["entries"])):
            if left["entries"].get(principal) != right["entries"].get(principal):
                found.append(f"{cluster} {principal}: by the records {left['entries'].get(principal)}, by the gateway "
                             f"{right['entries'].get(principal)}")
    return found[:4]


def check(chain, everything, acknowledged):
    """Complaints about records and state: each acknowledged change has exactly one record, and what all records tell is what
    is there."""
    made, unknown = changes(chain)
    seen = {}
    for _, record in made:
        request = record.get("requestID")
        seen[request] = seen.get(request, 0) + 1
    complaints = [f"the acknowledged {operation} {request} has {seen.get(request, 0)} records of a change"
                  for request, operation in acknowledged.items() if seen.get(request, 0) != 1][:3]
    complaints += [f"record {sequence} is still unknown" for sequence in sorted(unknown)]
    return complaints + differences(replay(made), everything)
