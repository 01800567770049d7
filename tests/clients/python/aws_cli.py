# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI goes through the life of entries, policies, tags and clusters, pages, waits, and writes a kubeconfig for
kubectl. With CLIENT_SHORT set, in fewer commands."""
import base64
import concurrent.futures
import json
import os
import ssl
import subprocess
import sys

from common import CALLER, CLUSTER, CLUSTER_ROLE, IN_USE, LARGE, POLICIES, PREFIX, PRINCIPALS, VPC, check, finish

SHORT = os.environ.get("CLIENT_SHORT")
AWS = os.path.join(os.path.dirname(sys.executable), "aws")
ENVIRONMENT = {**os.environ, "AWS_ENDPOINT_URL": os.environ["ENDPOINT"], "AWS_DEFAULT_REGION": "us-west-2"}


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          env={**ENVIRONMENT, **environment})


def eks(*arguments, **environment):
    return run(AWS, "eks", "--output", "json", *arguments, **environment)


def reply(done):
    """The reply of a command that succeeded; a made-up one for a command that failed, which no check takes for good."""
    if done.returncode != 0:
        return {"accessEntry": {}, "cluster": {}, "update": {}, "associatedAccessPolicy": {}, "failed": done.stderr}
    return json.loads(done.stdout) if done.stdout else {}


def refused(done, code, words=""):
    return done.returncode != 0 and f"({code})" in done.stderr and words in done.stderr


def principal(arn, username):
    where = ["--cluster-name", CLUSTER, "--principal-arn", arn]
    done = eks("create-access-entry", *where, "--tags", "team=blue")
    made = reply(done)["accessEntry"]
    check(f"creates {arn}", made.get("principalArn") == arn and made.get("username") == username and
          made.get("tags") == {"team": "blue"}, done.stdout + done.stderr)
    done = eks("describe-access-entry", *where)
    check("reads it back", made and reply(done)["accessEntry"] == made, done.stdout + done.stderr)
    done = eks("create-access-entry", *where)
    check("is refused a second one", refused(done, "ResourceInUseException", IN_USE), done.stdout + done.stderr)


def round_trip():
    """Every command on an entry, in the order of its life."""
    arn = f"arn:aws:iam::012345678910:role/team/a+b=c,d.e@f-g/{PREFIX}-life"
    where = ["--cluster-name", CLUSTER, "--principal-arn", arn]
    done = eks("create-access-entry", *where, "--kubernetes-groups", "viewers", "--username", "life:{{SessionName}}",
               "--type", "STANDARD", "--tags", json.dumps({"team": "blue", "odd key +@": "a b"}))
    made = reply(done)["accessEntry"]
    check("creates with groups, username, type and tags", made.get("kubernetesGroups") == ["viewers"] and
          made.get("username") == "life:{{SessionName}}" and made.get("tags") == {"team": "blue", "odd key +@": "a b"},
          done.stdout + done.stderr)
    tagged = made.get("accessEntryArn", "none")
    done = eks("update-access-entry", *where, "--kubernetes-groups", "editors", "viewers")
    check("updates", reply(done)["accessEntry"].get("kubernetesGroups") == ["editors", "viewers"] and reply(done)[
        "accessEntry"].get("username") == f"arn:aws:sts::012345678910:assumed-role/{PREFIX}-life/{{{{SessionName}}}}",
        done.stdout + done.stderr)
    quiet = [eks("tag-resource", "--resource-arn", tagged, "--tags", "stage=test,team=red"),
             eks("untag-resource", "--resource-arn", tagged, "--tag-keys", "odd key +@", "nothing")]
    done = eks("list-tags-for-resource", "--resource-arn", tagged)
    check("tags and untags", reply(done).get("tags") == {"team": "red", "stage": "test"} and not any(
        silent.stdout + silent.stderr for silent in quiet), done.stdout + done.stderr)
    for policy, scope in (POLICIES[0], "type=cluster"), (POLICIES[1], "type=namespace,namespaces=dev-*,ops"):
        done = eks("associate-access-policy", *where, "--policy-arn", policy, "--access-scope", scope)
        made = reply(done)["associatedAccessPolicy"]
        check(f"associates with {scope}", made.get("policyArn") == policy and made["accessScope"]["namespaces"] ==
              (["dev-*", "ops"] if "namespaces" in scope else []), done.stdout + done.stderr)
    done = eks("list-access-entries", "--cluster-name", CLUSTER, "--associated-policy-arn", POLICIES[1])
    check("lists entries by policy", reply(done).get("accessEntries") == [arn], done.stdout + done.stderr)
    done = eks("disassociate-access-policy", *where, "--policy-arn", POLICIES[0])
    check("disassociates", done.returncode == 0 and not done.stdout, done.stdout + done.stderr)
    done = eks("list-associated-access-policies", *where)
    left = [policy["policyArn"] for policy in reply(done).get("associatedAccessPolicies", [])]
    check("lists what is associated", left == [POLICIES[1]], done.stdout + done.stderr)
    done = eks("delete-access-entry", *where)
    check("deletes", done.returncode == 0 and refused(eks("describe-access-entry", *where), "ResourceNotFoundException",
                                                      "The specified principalArn could not be found"), done.stderr)


def pages():
    wanted = sorted(LARGE)
    listing = ["list-access-entries", "--cluster-name", "large"]
    for more in [["--page-size", "7"]] if SHORT else [[], ["--page-size", "7"]]:
        done = eks(*listing, *more)
        check(f"walks {len(LARGE)} entries {' '.join(more)}", reply(done).get("accessEntries") == wanted, done.stderr)
    if SHORT:
        return
    first = reply(eks(*listing, "--max-items", "1234"))
    token = first.get("NextToken", "none")
    rest = reply(eks(*listing, "--starting-token", token, "--page-size", "50"))
    check("goes on where it stopped", len(first.get("accessEntries", [])) == 1234 and
          first["accessEntries"] + rest.get("accessEntries", []) == wanted, [token, rest.get("failed")])
    done = eks("list-access-policies", "--page-size", "10", "--query", "accessPolicies[].name")
    names = json.loads(done.stdout or "[]")
    check("walks access policies", len(names) > 30 and names == sorted(set(names)), done.stdout + done.stderr)


def cluster():
    name = f"{PREFIX}-made"
    done = eks("create-cluster", "--name", name, "--role-arn", CLUSTER_ROLE, "--resources-vpc-config",
               "subnetIds=" + ",".join(VPC["subnetIds"]), "--access-config", "authenticationMode=API_AND_CONFIG_MAP")
    check("creates a cluster", reply(done)["cluster"].get("name") == name, done.stdout + done.stderr)
    done = eks("wait", "cluster-active", "--name", name)
    check("waits until it is active", done.returncode == 0, done.stdout + done.stderr)
    if not SHORT:
        kubeconfig(name, reply(eks("describe-cluster", "--name", name))["cluster"])
    done = eks("update-cluster-config", "--name", name, "--access-config", "authenticationMode=API")
    update = reply(done)["update"].get("id", "none")
    shown = reply(eks("describe-update", "--name", name, "--update-id", update))["update"]
    check("changes the authentication mode", shown.get("status") == "Successful" and shown.get("type") ==
          "AccessConfigUpdate" and update in reply(eks("list-updates", "--name", name)).get("updateIds", []),
          [done.stdout + done.stderr, shown])
    done = eks("list-clusters")
    check("lists clusters", {name, CLUSTER, "large"} <= set(reply(done).get("clusters", [])), done.stdout + done.stderr)
    done = eks("delete-cluster", "--name", name)
    check("deletes a cluster", done.returncode == 0, done.stdout + done.stderr)
    done = eks("wait", "cluster-deleted", "--name", name)
    check("waits until it is gone", done.returncode == 0 and refused(eks("list-access-entries", "--cluster-name", name),
          "ResourceNotFoundException", f"No cluster found for name: {name}."), done.stdout + done.stderr)


def kubeconfig(name, described):
    """What the CLI writes, as kubectl reads it."""
    file = os.path.join(os.environ["CLIENT_FOLDER"], "kubeconfig")
    done = eks("update-kubeconfig", "--name", name, "--kubeconfig", file, "--alias", "made")
    check("writes a kubeconfig", done.returncode == 0 and os.path.exists(file), done.stdout + done.stderr)
    seen = run("kubectl", "config", "view", "--kubeconfig", file, "--raw", "--output", "json")
    check("writes what kubectl reads", seen.returncode == 0, seen.stderr)
    config = json.loads(seen.stdout or "{}")
    arn = f"arn:aws:eks:us-west-2:012345678910:cluster/{name}"
    found = {cluster["name"]: cluster["cluster"] for cluster in config.get("clusters") or []}
    check("tells kubectl where the cluster is", list(found) == [arn] and found[arn]["server"] == described["endpoint"] and
          found[arn]["server"].startswith("https://"), seen.stdout)
    authority = base64.b64decode(found.get(arn, {}).get("certificate-authority-data", ""), validate=True).decode()
    try:
        trusted = len(ssl.create_default_context(cadata=authority).get_ca_certs())
    except (ssl.SSLError, ValueError) as error:
        trusted = error
    check("tells kubectl whom to trust, in a certificate that holds", trusted == 1, [trusted, authority])
    users = (config.get("users") or [{}])[0].get("user", {}).get("exec", {})
    check("tells kubectl how to log in", users.get("args") == [
        "--region", "us-west-2", "eks", "get-token", "--cluster-name", name, "--output", "json"], users)
    names = run("kubectl", "config", "get-clusters", "--kubeconfig", file)
    check("is listed by kubectl", names.stdout.split() == ["NAME", arn], names.stdout + names.stderr)
    current = run("kubectl", "config", "current-context", "--kubeconfig", file)
    check("is kubectl's current context", current.stdout == "made\n", current.stdout + current.stderr)


def refusals():
    arn = PRINCIPALS[1][0]
    done = eks("describe-access-entry", "--cluster-name", "nowhere", "--principal-arn", arn)
    check("is told of an unknown cluster", refused(done, "ResourceNotFoundException",
                                                   "No cluster found for name: nowhere."), done.stderr)
    done = eks("describe-access-entry", "--cluster-name", CLUSTER, "--principal-arn", arn,
               AWS_SECRET_ACCESS_KEY="a wrong secret")
    check("is refused with a wrong secret", refused(done, "InvalidSignatureException"), done.stderr)
    if not os.environ["LOSSY_ENDPOINT"]:
        return
    done = eks("create-access-entry", "--endpoint-url", os.environ["LOSSY_ENDPOINT"], "--cluster-name", CLUSTER,
               "--principal-arn", f"arn:aws:iam::012345678910:role/{PREFIX}-lossy", AWS_MAX_ATTEMPTS="3")
    check("creates once though the reply is lost", done.returncode == 0, done.stdout + done.stderr)


def callers():
    whoami = [AWS, "sts", "get-caller-identity", "--output", "json"]
    done = run(*whoami)
    check("is told who it is, by AWS_ENDPOINT_URL alone", done.returncode == 0 and json.loads(done.stdout) == CALLER,
          done.stdout + done.stderr)
    done = run(*whoami, AWS_ACCESS_KEY_ID="AKIANOBODY0000000001")
    check("is refused as STS refuses", refused(done, "InvalidClientTokenId",
                                               "The security token included in the request is invalid."), done.stderr)


# The CLI takes longer to start than to ask: what doesn't build on each other runs side by side.
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    jobs = [pool.submit(cluster), pool.submit(round_trip), pool.submit(pages), pool.submit(callers)]
    jobs += [pool.submit(principal, *one) for one in PRINCIPALS[1 if SHORT else 0:2 if SHORT else 3]]
    for job in jobs:
        job.result()
refusals()
finish()
