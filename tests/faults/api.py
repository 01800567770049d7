# SPDX-License-Identifier: Apache-2.0
"""Requests of EKS over connections that are kept: what is sent, and what came back."""
import http.client
import json
import urllib.parse

from sigv4 import Signer, escape

ACCOUNT = "012345678910"
KEY = {"AccessKeyId": "AKIAFAULTS0000000001", "SecretAccessKey": "faults/secret+of=tests",
       "Arn": f"arn:aws:iam::{ACCOUNT}:user/faults"}
POLICIES = [f"arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy" for name in ("View", "Edit", "Admin", "ClusterAdmin")]


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


class Lost(Exception):
    """No reply came. Whether the request did is not known."""


class Request:
    """An operation to be asked for, as often as one likes."""

    def __init__(self, operation, method, path, body=None, query=""):
        self.operation = operation
        self.method = method
        self.path = path
        self.query = query
        self.body = b"" if body is None else json.dumps(body).encode()


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.request_id = headers.get("x-amzn-RequestId")
        self.error = headers.get("x-amzn-ErrorType")
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:300].decode(errors='replace')}"


class Connection:
    """One client. It connects when it has something to say, and again after a loss."""

    def __init__(self, address, timeout=30):
        self.address = address
        self.timeout = timeout
        self.signer = Signer(KEY["AccessKeyId"], KEY["SecretAccessKey"])
        self.http = None

    def close(self):
        if self.http is not None:
            self.http.close()
            self.http = None

    def send(self, request):
        headers = self.signer.headers(request.method, self.address, request.path, request.query, request.body)
        if request.body:
            headers["Content-Type"] = "application/json"
        target = request.path + ("?" + request.query if request.query else "")
        try:
            if self.http is None:
                self.http = http.client.HTTPConnection(self.address, timeout=self.timeout)
            self.http.request(request.method, target, request.body or None, headers)
            answer = self.http.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise Lost(f"{request.operation}: {type(problem).__name__} {problem}") from None


def _entry(cluster, principal=None):
    path = f"/clusters/{escape(cluster)}/access-entries"
    return path if principal is None else f"{path}/{escape(principal)}"


def create_entry(cluster, body):
    return Request("CreateAccessEntry", "POST", _entry(cluster), body)


def update_entry(cluster, principal, body):
    return Request("UpdateAccessEntry", "POST", _entry(cluster, principal), body)


def delete_entry(cluster, principal):
    return Request("DeleteAccessEntry", "DELETE", _entry(cluster, principal))


def describe_entry(cluster, principal):
    return Request("DescribeAccessEntry", "GET", _entry(cluster, principal))


def associate(cluster, principal, policy, scope):
    return Request("AssociateAccessPolicy", "POST", _entry(cluster, principal) + "/access-policies",
                   {"policyArn": policy, "accessScope": scope})


def disassociate(cluster, principal, policy):
    return Request("DisassociateAccessPolicy", "DELETE", f"{_entry(cluster, principal)}/access-policies/{escape(policy)}")


def tag(arn, tags):
    return Request("TagResource", "POST", "/tags/" + escape(arn), {"tags": tags})


def untag(arn, keys):
    query = "&".join("tagKeys=" + escape(key) for key in sorted(keys))
    return Request("UntagResource", "DELETE", "/tags/" + escape(arn), query=query)


def create_cluster(name, token):
    return Request("CreateCluster", "POST", "/clusters", {
        "name": name, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/cluster", "clientRequestToken": token,
        "resourcesVpcConfig": {"subnetIds": ["subnet-0a", "subnet-0b"]},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}})


def delete_cluster(name):
    return Request("DeleteCluster", "DELETE", "/clusters/" + escape(name))


def describe_cluster(name):
    return Request("DescribeCluster", "GET", "/clusters/" + escape(name))


def expect(connection, request):
    """The reply's JSON; anything but 200 is an error."""
    reply = connection.send(request)
    if reply.status != 200:
        raise AssertionError(f"{request.operation} {request.path}: {reply}")
    return reply.json()


def pages(connection, operation, path, member):
    """All items of a listing."""
    items, token = [], None
    while True:
        query = "maxResults=100" + (f"&nextToken={urllib.parse.quote(token, safe='-_.~')}" if token else "")
        page = expect(connection, Request(operation, "GET", path, query=query))
        items += page[member]
        token = page.get("nextToken")
        if not token:
            return items


def list_entries(connection, cluster):
    return pages(connection, "ListAccessEntries", _entry(cluster), "accessEntries")


def dump(connection):
    """Everything that is there: {cluster: {"cluster": ..., "entries": {principal: {"entry": ..., "associations": {...}}}}}."""
    found = {}
    for cluster in pages(connection, "ListClusters", "/clusters", "clusters"):
        entries = {}
        for principal in list_entries(connection, cluster):
            entry = expect(connection, describe_entry(cluster, principal))["accessEntry"]
            listed = pages(connection, "ListAssociatedAccessPolicies", _entry(cluster, principal) + "/access-policies",
                           "associatedAccessPolicies")
            entries[principal] = {"entry": entry, "associations": {item["policyArn"]: item for item in listed}}
        found[cluster] = {"cluster": expect(connection, describe_cluster(cluster))["cluster"], "entries": entries}
    return found
