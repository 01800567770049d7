# SPDX-License-Identifier: Apache-2.0
"""Terraform keeps clusters, entries and associations in two regions: plans, applies, changes, imports, destroys them.

Three runs of the same steps: with the provider's checks skipped and endpoints in the configuration; with nothing
skipped, by AWS_ENDPOINT_URL alone; and that again while policies choose usernames and require tags. The first two share
a gateway and have an account each. Two more apply, plan and destroy the same over TLS: through a gateway to another, and
through one that keeps access entries of moto's clusters. boto3 looks at what is there in between. Entries alone, in a cluster
that is there, are kept before gateways with the shipped policies: all of them together, and with --full each alone. The
provider comes from this machine, never from the network.
"""
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.environ["CLIENT_FOLDER"], "terraform")
PROVIDER = "registry.terraform.io/hashicorp/aws"
RESOURCES = 17
SHIPPED_RESOURCES = 6
SHIPPED_TAGS = {"team": "team-a", "cost-centre": "4711"}
ODD = "role/team-b/a+b=c,d.e@f-g/odd+=,.@-_name"
PEOPLE = {
    "role/team-a/reader": "arn:aws:sts::{account}:assumed-role/reader/{{{{SessionName}}}}",
    ODD: "arn:aws:sts::{account}:assumed-role/odd+=,.@-_name/{{{{SessionName}}}}",
    "role/plain": "arn:aws:sts::{account}:assumed-role/plain/{{{{SessionName}}}}",
    "user/team-a/anna@example.com": "arn:aws:iam::{account}:user/team-a/anna@example.com",
    "user/bob": "arn:aws:iam::{account}:user/bob",
}
# What lua/policies/team_username.lua makes of them, from the path or else from the tag.
TEAM = {
    "role/team-a/reader": "team-a:{{{{SessionName}}}}",
    ODD: "team-b:{{{{SessionName}}}}",
    "role/plain": "team-a:{{{{SessionName}}}}",
    "user/team-a/anna@example.com": "team-a:anna@example.com",
    "user/bob": "team-a:bob",
}

failures = 0
lock = threading.Lock()


def say(line):
    with lock:
        print(line, flush=True)


def mirrors():
    """Folders where providers may be: what Terraform is told in its own ways, then where machines usually have them."""
    if os.environ.get("EKSGATE_TF_PLUGINS"):
        yield os.environ["EKSGATE_TF_PLUGINS"]
    for settings in (os.environ.get("TF_CLI_CONFIG_FILE"), os.path.expanduser("~/.terraformrc")):
        if settings and os.path.isfile(settings):
            with open(settings, encoding="utf-8") as file:
                yield from re.findall(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', file.read(), re.MULTILINE)
    if os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield os.environ["TF_PLUGIN_CACHE_DIR"]
    yield os.path.expanduser("~/.terraform.d/plugins")
    shares = [os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")]
    shares += (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    yield from (os.path.join(share, "terraform", "plugins") for share in shares)
    yield from (path[:-len("/" + PROVIDER)] for path in sorted(glob.glob("/opt/*/" + PROVIDER)))


def find_mirror():
    """The first that holds the provider's newest 5.x from 5.100 on, unpacked or packed, and that version."""
    for mirror in mirrors():
        names = [os.path.basename(path) for path in glob.glob(os.path.join(mirror, PROVIDER, "*"))]
        found = re.findall(r"(?<![\d.])5\.(\d{3,})\.(\d+)", " ".join(names))
        if found:
            return mirror, "5.%d.%d" % max((int(minor), int(patch)) for minor, patch in found)
    return None, None


class Run:
    """One run: a folder, a gateway, a caller, and the variables as they stand. `creator` is whose a cluster becomes."""

    def __init__(self, name, providers, endpoint, key, usernames, creator="user/terraform", configuration="main.tf"):
        self.name, self.usernames, self.variables, self.commands = name, usernames, {}, 0
        self.creator = creator
        self.account = key["account"]
        self.folder = os.path.join(FOLDER, name)
        shutil.copytree(os.path.join(FOLDER, "base"), self.folder, symlinks=True)
        os.remove(os.path.join(self.folder, "main.tf"))
        shutil.copy(os.path.join(HERE, configuration), os.path.join(self.folder, "main.tf"))
        shutil.copy(os.path.join(HERE, providers), os.path.join(self.folder, "providers.tf"))
        self.environment = {
            **environment(), "AWS_ACCESS_KEY_ID": key["id"], "AWS_SECRET_ACCESS_KEY": key["secret"],
            "TF_VAR_endpoint" if "skipping" in providers else "AWS_ENDPOINT_URL": endpoint,
        }
        self.trust = os.environ["GATEWAY_CA"] if endpoint.startswith("https:") else None
        if self.trust:
            self.environment["AWS_CA_BUNDLE"] = self.trust
        self.api = {region: boto3.client("eks", region_name=region, endpoint_url=endpoint, aws_access_key_id=key["id"],
                                         aws_secret_access_key=key["secret"], verify=self.trust,
                                         config=Config(retries={"mode": "standard", "total_max_attempts": 10}))
                    for region in ("us-west-2", "us-east-1")}

    def check(self, what, good, shown=""):
        global failures
        failures += not good
        say(f"{'ok' if good else 'not ok'} - {self.name}: {what}" + ("" if good else f": {str(shown)[:1500]}"))

    def terraform(self, *arguments):
        """(exit code, the counts of what it would do or did, what it said when it failed)"""
        variables = [f"-var={name}={json.dumps(value) if not isinstance(value, str) else value}"
                     for name, value in self.variables.items()]
        if arguments[-1].endswith(".plan"):
            variables = []
        self.commands += 1
        done = subprocess.run(["terraform", arguments[0], "-json", "-input=false", *variables, *arguments[1:]],
                              cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300,
                              check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        counts = [line["changes"] for line in lines if line["type"] == "change_summary"]
        errors = [line["diagnostic"]["summary"] for line in lines if line.get("@level") == "error"]
        counts = {name: count for name, count in (counts[-1] if counts else {}).items() if count and name != "operation"}
        return done.returncode, counts, errors or done.stderr

    def expect(self, what, wanted, *arguments, code=0):
        result = self.terraform(*arguments)
        self.check(what, result[:2] == (code, wanted), result)

    def entry(self, principal, region="us-west-2"):
        try:
            return self.api[region].describe_access_entry(
                clusterName="main", principalArn=f"arn:aws:iam::{self.account}:{principal}")["accessEntry"]
        except ClientError as error:
            return {"error": error}

    def clusters(self):
        """Its own, of those that are left; others in the account are none of its business."""
        return [[name for name in api.list_clusters()["clusters"] if name == "main"] for api in self.api.values()]


def environment():
    """This process's, without what AWS's tools and Terraform were told elsewhere, and without a way to the network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    settings = os.path.join(FOLDER, "terraform.rc")
    nowhere = {name: "http://127.0.0.1:1" for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}
    return {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": settings,
            "TF_IN_AUTOMATION": "1", "GOGC": "400"}  # many short lives: collecting less is quicker


def prepare(mirror):
    """A folder with the configuration and an initialised provider, to be copied for each run."""
    base = os.path.join(FOLDER, "base")
    os.makedirs(base)
    with open(os.path.join(FOLDER, "terraform.rc"), "w", encoding="utf-8"):
        pass
    shutil.copy(os.path.join(HERE, "main.tf"), base)
    shutil.copy(os.path.join(HERE, "providers-plain.tf"), os.path.join(base, "providers.tf"))
    subprocess.run(["terraform", "init", "-no-color", "-input=false", f"-plugin-dir={mirror}"], cwd=base, timeout=120,
                   env=environment(), check=True, stdout=sys.stderr)


def lacks_tags(run):
    """The required tags are missing: clusters come up, entries are refused in the policy's words."""
    run.variables = {"tags": {}}
    code, _, errors = run.terraform("apply", "-auto-approve")
    run.check("is refused without the required tags", code == 1 and len(errors) == 7 and all(
        "AccessDeniedException" in error and "eksgate policy required-tags" in error and
        "need the tags team, cost-centre" in error for error in errors), errors)
    run.variables = {}


def create(run, wanted):
    run.expect("plans", wanted, "plan", "-out=first.plan")
    run.expect("applies", wanted, "apply", "first.plan")
    return look(run)


def look(run):
    """The deployer's entry, when all is there that was written."""
    made = run.entry("role/team-a/deployer")
    run.check("made the entry as written", made.get("kubernetesGroups") == ["on-call", "viewers"] and
              made["username"] == "deployers:{{SessionName}}" and made["type"] == "STANDARD" and
              made["tags"] == {"team": "team-a", "cost-centre": "4711", "odd key +@": "a = b"}, made)
    usernames = {name: run.entry(name).get("username") for name in PEOPLE}
    run.check("left usernames to the gateway",
              usernames == {name: text.format(account=run.account) for name, text in run.usernames.items()}, usernames)
    run.check("made the node's entry", run.entry("role/nodes").get("kubernetesGroups") == ["system:nodes"],
              run.entry("role/nodes"))
    run.check("made the creator's entry where it was asked for", "error" not in run.entry(run.creator) and
              "error" in run.entry(run.creator, "us-east-1"), run.entry(run.creator))
    return made


def change(run, made):
    run.expect("applies again and finds nothing to do", {}, "apply", "-auto-approve")
    run.variables["groups"] = ["viewers", "on-call", "release"]
    run.expect("changes groups", {"change": 1}, "apply", "-auto-approve")
    now = run.entry("role/team-a/deployer")
    groups = ["on-call", "release", "viewers"]
    run.check("changed groups and tags alone", sorted(now.get("kubernetesGroups", [])) == groups and
              now["username"] == made["username"] and now["accessEntryArn"] == made["accessEntryArn"] and
              now["createdAt"] == made["createdAt"] < now["modifiedAt"] and
              now["tags"] == {"team": "team-a", "cost-centre": "4711", "groups": "3"}, now)
    run.variables["user_name"] = "release-managers:{{SessionName}}"
    run.expect("changes the username", {"change": 1}, "apply", "-auto-approve")
    changed = run.entry("role/team-a/deployer")
    run.check("changed the username alone", changed.get("username") == "release-managers:{{SessionName}}" and
              sorted(changed["kubernetesGroups"]) == groups, changed)
    run.variables.update({"authentication_mode": "API", "namespaces": ["prod-*"]})
    run.expect("changes the authentication mode, and an association's scope", {"add": 1, "change": 1, "remove": 1},
               "apply", "-auto-approve")
    mode = run.api["us-west-2"].describe_cluster(name="main")["cluster"]["accessConfig"]["authenticationMode"]
    run.check("changed the authentication mode", mode == "API", mode)
    run.expect("finds nothing to do after the changes", {}, "plan", "-detailed-exitcode")


def import_and_destroy(run):
    """In a folder that knows nothing yet."""
    for name in "terraform.tfstate", "terraform.tfstate.backup":
        os.rename(os.path.join(run.folder, name), os.path.join(run.folder, name + ".made"))
    shutil.copy(os.path.join(HERE, "imports.tf"), run.folder)
    run.expect("imports all of it without a change", {"import": RESOURCES}, "apply", "-auto-approve")
    run.expect("finds nothing to do after the import", {}, "plan", "-detailed-exitcode")
    destroy(run)


def destroy(run):
    run.expect("destroys", {"remove": RESOURCES}, "destroy", "-auto-approve")
    run.check("left nothing behind", run.clusters() == [[], []], run.clusters())


def short_steps(run):
    began = time.monotonic()
    run.expect("applies", {"add": RESOURCES}, "apply", "-auto-approve")
    look(run)
    run.expect("finds nothing to do", {}, "plan", "-detailed-exitcode")
    destroy(run)
    took = time.monotonic() - began
    say(f"summary: Terraform {run.name}: {RESOURCES} resources, {run.commands} commands, {took:.1f} s")


def shipped_steps(run):
    """The configuration entries.tf before shipped policies: what was there already stays the only admin at last."""
    began = time.monotonic()
    api, cluster = run.api["us-west-2"], "my-cluster"
    named = run.policies
    principal = f"arn:aws:iam::{run.account}:role/team-a/"
    api.create_access_entry(clusterName=cluster, principalArn=principal + "owner", tags=SHIPPED_TAGS)
    api.associate_access_policy(clusterName=cluster, principalArn=principal + "owner", accessScope={"type": "cluster"},
                                policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy")
    if "adopt_on_conflict" in named:  # what the configuration will create is there, as it will be asked for
        api.create_access_entry(clusterName=cluster, principalArn=principal + "deployer", tags=SHIPPED_TAGS,
                                kubernetesGroups=["on-call", "viewers"], username="deployers:{{SessionName}}")
    run.expect("applies", {"add": SHIPPED_RESOURCES}, "apply", "-auto-approve")
    made = api.describe_access_entry(clusterName=cluster, principalArn=principal + "reader")["accessEntry"]
    team = "team-a:{{SessionName}}" if "team_username" in named else \
        f"arn:aws:sts::{run.account}:assumed-role/reader/{{{{SessionName}}}}"
    more = {"managed-by": "eksgate"} if "default_tags" in named else {}
    run.check("made the entry as the policies say", (made["username"], made["tags"]) == (team, {**SHIPPED_TAGS, **more}), made)
    run.expect("finds nothing to do", {}, "plan", "-detailed-exitcode")
    if named == ["default_tags"]:
        ignored = run.environment.pop("TF_AWS_IGNORE_TAGS_KEYS")
        run.expect("would remove default tags without ignore_tags", {"change": 3}, "plan", "-detailed-exitcode", code=2)
        run.environment["TF_AWS_IGNORE_TAGS_KEYS"] = ignored
    run.expect("destroys", {"remove": SHIPPED_RESOURCES}, "destroy", "-auto-approve")
    left = api.list_access_entries(clusterName=cluster)["accessEntries"]
    run.check("left what isn't its own", left == [principal + "owner"], left)
    say(f"summary: Terraform {run.name}: {SHIPPED_RESOURCES} resources, {run.commands} commands, "
        f"{time.monotonic() - began:.1f} s")


def shipped_runs(key):
    """One per gateway that tests/clients/run started with shipped policies."""
    for name, gateway in json.loads(os.environ["SHIPPED"]).items():
        run = Run(f"with {name}", "providers-plain.tf", gateway["endpoint"], key, None, configuration="entries.tf")
        run.policies = gateway["policies"]
        if "default_tags" in run.policies:  # as lua/README.md says; the other default tag is in the configuration
            run.environment["TF_AWS_IGNORE_TAGS_KEYS"] = "managed-by"
        yield run


def steps(run):
    began = time.monotonic()
    wanted = {"add": RESOURCES}
    if run.usernames is TEAM:
        lacks_tags(run)
        wanted = {"add": RESOURCES - 2, "change": 1}  # the clusters are there, one without its tags
    made = create(run, wanted)
    if "error" not in made:
        change(run, made)
        import_and_destroy(run)
    took = time.monotonic() - began
    say(f"summary: Terraform {run.name}: {RESOURCES} resources, {run.commands} commands, {took:.1f} s")


def both_regions(keys):
    """The runs of main.tf, each with its steps."""
    runs = [
        (steps, Run("by AWS_ENDPOINT_URL alone", "providers-plain.tf", os.environ["ENDPOINT"], keys[1], PEOPLE)),
        (steps, Run("with policies", "providers-plain.tf", os.environ["POLICIES_ENDPOINT"], keys[0], TEAM)),
        (short_steps, Run("through a gateway", "providers-plain.tf", os.environ["PAIR_ENDPOINT"], keys[2], PEOPLE,
                          "role/gateway")),
    ]
    if os.environ.get("EKSGATE_FULL") == "1": # half a minute and more for what the others show but for the settings
        runs.append((steps, Run("with the skip_ settings", "providers-skipping.tf", os.environ["ENDPOINT"], keys[0], PEOPLE)))
    if os.environ["OVERLAY_ENDPOINT"]:
        runs.append((short_steps, Run("over moto", "providers-plain.tf", os.environ["OVERLAY_ENDPOINT"], keys[2], PEOPLE)))
    return runs


def main():
    mirror, version = find_mirror()
    if not mirror:
        say("skip: optional tool terraform has no hashicorp/aws provider 5.100 or later 5.x on this machine; "
            "EKSGATE_TF_PLUGINS names a folder with one")
        return
    keys = json.loads(os.environ["TERRAFORM_KEYS"])
    prepare(mirror)
    version_line = subprocess.run(["terraform", "version"], capture_output=True, text=True, timeout=60, check=True,
                                  env=environment()).stdout.splitlines()[0]
    say(f"summary: {version_line}, provider hashicorp/aws {version}")
    runs = both_regions(keys) if os.environ["POLICIES_ENDPOINT"] else []
    shipped = list(shipped_runs(keys[3]))
    # All at once: before it deletes a cluster, the provider waits for up to a minute, at random. Entries wait for nothing.
    with concurrent.futures.ThreadPoolExecutor(len(runs) + 1) as pool:
        others = [pool.submit(todo, run) for todo, run in runs]
        for run in shipped:
            shipped_steps(run)
        for done in others:
            done.result()
    sys.exit(1 if failures else 0)


main()
