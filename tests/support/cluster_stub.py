#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for an emulator that has clusters and no access entries, as moto is: accounts go by the access key, a cluster's
accessConfig is dropped, operations that it hasn't are a page of HTML.

Signatures are not verified, but that there is one. Listens on 127.0.0.1, prints {"url": URL, "control": URL} and runs until
it is ended.

  PUT  control/state     lays the members of a JSON object over the state (see STATE); begins a new log
  GET  control/log       {"requests": ["METHOD PATH KEY BODY"]}
  PUT  control/clusters  {"key", "region", "name"}: makes that cluster anew, behind everybody's back
  POST control/forget    the same body: it is gone
"""
import http.server
import json
import re
import threading
import urllib.parse

LOCK = threading.Lock()
STATE = {
    "accounts": {},  # access key id -> account; all others are of 123456789012
    "fail": None,  # {"status", "type", "body"}: answered to every request instead
    "fail_describe": None,  # the same, of DescribeCluster alone
    "updates": None,  # ids that ListUpdates gives, {"ids": [...], "token": next or null}; null: there is no such operation
    "mode": None,  # accessConfig.authenticationMode that DescribeCluster shows; null: none
    "iso": False,  # createdAt is text
    "hold": [],  # "METHOD PATH" of requests whose replies wait until the state says otherwise
}
LOG = []
CLUSTERS = {}
MADE = [0]
MOVED = threading.Condition(LOCK)


def make(account, region, name, body):
    MADE[0] += 1
    cluster = {"name": name, "arn": f"arn:aws:eks:{region}:{account}:cluster/{name}",
               "createdAt": 1795686337 + MADE[0] / 1000, "status": "ACTIVE", "version": body.get("version", "1.33"),
               "roleArn": body.get("roleArn"), "tags": body.get("tags") or {}, "logging": body.get("logging")}
    CLUSTERS[account, region, name] = cluster
    return cluster


def shown(cluster):
    cluster = dict(cluster)
    if STATE["mode"]:
        cluster["accessConfig"] = {"authenticationMode": STATE["mode"]}
    if STATE["iso"]:
        cluster["createdAt"] = f"2026-11-26T09:45:37.{round(cluster['createdAt'] % 1 * 1000):03d}Z"
    return {"cluster": cluster}


def missing(name):
    return 404, "ResourceNotFoundException", {"clusterName": None, "message": f"No cluster found for name: {name}."}


def no_such_operation():
    return 404, None, "<!doctype html>\n<title>404 Not Found</title>\n"


def tags(method, arn, account, region, body, query):
    match = re.fullmatch(r"arn:aws:eks:[^:]+:\d+:cluster/(.+)", arn)
    cluster = CLUSTERS.get((account, region, match.group(1))) if match else None
    if not cluster:
        return 404, "NotFoundException", {"message": "An error occurred (NotFoundException)"}
    if method == "POST":
        cluster["tags"].update(body["tags"])
    elif method == "DELETE":
        for key in query.get("tagKeys", []):
            cluster["tags"].pop(key, None)
    else:
        return 200, None, {"tags": cluster["tags"]}
    return 200, None, {}


def clusters(method, account, region, body):
    if method == "GET":
        return 200, None, {"clusters": [key[2] for key in CLUSTERS if key[:2] == (account, region)], "nextToken": None}
    if (account, region, body["name"]) in CLUSTERS:
        return 409, "ResourceInUseException", {"clusterName": body["name"],
                                               "message": f"Cluster already exists with name: {body['name']}"}
    return 200, None, shown(make(account, region, body["name"], body))


def cluster_at(method, parts, account, region, body):
    name = parts[1]
    cluster = CLUSTERS.get((account, region, name))
    if parts[2:] == ["updates"] and STATE["updates"] and cluster:
        return 200, None, {"updateIds": STATE["updates"]["ids"], "nextToken": STATE["updates"]["token"]}
    if len(parts) == 2 and method in ("GET", "DELETE"):
        if method == "GET" and STATE["fail_describe"]:
            fail = STATE["fail_describe"]
            return fail["status"], fail.get("type"), fail.get("body", {})
        if not cluster:
            return missing(name)
        if method == "DELETE":
            del CLUSTERS[account, region, name]
        return 200, None, shown(cluster)
    if parts[2:] == ["update-config"] and method == "POST":
        if not cluster:
            return missing(name)
        cluster.update({key: value for key, value in body.items() if key == "logging"})
        return 200, None, {}
    if parts[2:] == ["node-groups"] and cluster:
        return 200, None, {"nodegroups": ["ng"]} if method == "GET" else {"nodegroup": {"nodegroupName": "ng"}}
    return no_such_operation()


def answer(method, target, key, region, body):
    url = urllib.parse.urlsplit(target)
    parts = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
    account = STATE["accounts"].get(key, "123456789012")
    LOG.append(f"{method} {target} {key}" + (" " + json.dumps(body, sort_keys=True) if body else ""))
    if STATE["fail"]:
        return STATE["fail"]["status"], STATE["fail"].get("type"), STATE["fail"].get("body", {})
    if parts[0] == "tags":
        return tags(method, parts[1], account, region, body, urllib.parse.parse_qs(url.query))
    if parts == ["clusters"]:
        return clusters(method, account, region, body)
    if parts[0] == "clusters":
        return cluster_at(method, parts, account, region, body)
    return no_such_operation()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        """Says nothing."""

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(self, status, kind, value):
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(value, str) else "application/json")
        if kind:
            self.send_header("x-amzn-errortype", kind)
        self.send_header("x-amzn-requestid", "stub-request")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Upstream(Handler):
    def handle_one(self):
        body = self.body()
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/eks/aws4_request", self.headers.get("Authorization", ""))
        if not scope:
            self.reply(403, "MissingAuthenticationTokenException", {"message": "Missing Authentication Token"})
            return
        with LOCK:
            result = answer(self.command, self.path, scope.group(1), scope.group(2), json.loads(body) if body else None)
            MOVED.notify_all()
            while f"{self.command} {self.path}" in STATE["hold"]:
                MOVED.wait()
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
            elif self.path == "/log":
                result = {"requests": LOG}
            else:
                account = STATE["accounts"].get(value["key"], "123456789012")
                CLUSTERS.pop((account, value["region"], value["name"]), None)
                if self.path == "/clusters":
                    make(account, value["region"], value["name"], {})
            MOVED.notify_all()
            self.reply(200, None, result)

    do_GET = do_PUT = do_POST = handle_one


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that went away."""


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def main():
    print(json.dumps({"url": serve(Upstream), "control": serve(Control)}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
