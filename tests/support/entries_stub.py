#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An EKS with access entries that lists as it is told to: short pages, slow replies, errors. Any cluster is there, with the
same entries, unless the state says otherwise.

Signatures are not verified. Listens on 127.0.0.1, prints {"url": URL, "control": URL} and runs until it is ended.

  PUT  control/state    lays the members of a JSON object over the state (see STATE); begins a new log
  GET  control/log      {"requests": ["METHOD TARGET"], "at_once": the most that were under way together}
"""
import json
import re
import threading
import time
import urllib.parse

from cluster_stub import Handler, serve

ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
LOCK = threading.Lock()
STATE = {
    "entries": {},  # principal -> list of associations; null: it is listed, and gone when it is looked at
    "page": 100,  # principals on a page, whatever is asked for
    "delay": 0,  # seconds before each reply
    "replies": [],  # [pattern of "METHOD TARGET", status, type or null, body]: the first that fits is the answer
}
LOG = []
UNDER_WAY = {"now": 0, "most": 0}


def missing(what):
    return 404, "ResourceNotFoundException", {"message": what}


def listed(query):
    wanted = query.get("associatedPolicyArn", [None])[0]
    names = sorted(name for name, held in STATE["entries"].items()
                   if not wanted or held is None or any(one["policyArn"] == wanted for one in held))
    start = int(query.get("nextToken", ["page/0"])[0].split("/")[1])
    more = start + STATE["page"] < len(names)
    return 200, None, {"accessEntries": names[start:start + STATE["page"]],
                       "nextToken": f"page/{start + STATE['page']}" if more else None}


def answer(method, target):
    url = urllib.parse.urlsplit(target)
    parts = [urllib.parse.unquote(part) for part in url.path.split("/")[2:]]
    for pattern, status, kind, body in STATE["replies"]:
        if re.search(pattern, f"{method} {target}"):
            return status, kind, body
    if len(parts) == 1:
        return 200, None, {"cluster": {"name": parts[0]}}
    if len(parts) == 2:
        return listed(urllib.parse.parse_qs(url.query))
    held = STATE["entries"].get(parts[2])
    if held is None:
        return missing("no entry")
    if method == "DELETE" and len(parts) == 3:
        del STATE["entries"][parts[2]]
        return 200, None, {}
    return 200, None, {"associatedAccessPolicies": held, "nextToken": None}


class Upstream(Handler):
    def handle_one(self):
        self.body()
        with LOCK:
            LOG.append(f"{self.command} {self.path}")
            UNDER_WAY["now"] += 1
            UNDER_WAY["most"] = max(UNDER_WAY["most"], UNDER_WAY["now"])
            delay = STATE["delay"]
        time.sleep(delay)
        with LOCK:
            result = answer(self.command, self.path)
            UNDER_WAY["now"] -= 1
        self.reply(*result)

    do_GET = do_POST = do_DELETE = handle_one


class Control(Handler):
    def handle_one(self):
        value = json.loads(self.body() or b"{}")
        result = {}
        with LOCK:
            if self.path == "/state":
                STATE.update(value)
                LOG.clear()
                UNDER_WAY["most"] = 0
            else:
                result = {"requests": LOG, "at_once": UNDER_WAY["most"]}
            self.reply(200, None, result)

    do_GET = do_PUT = handle_one


def main():
    print(json.dumps({"url": serve(Upstream), "control": serve(Control)}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
