# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI and boto3 ask AWS's own endpoint, through a gateway that they take for their HTTPS_PROXY: what they sign passes
to a second one, which has that endpoint's name and verifies it."""
import json
import os
import subprocess
import sys

import boto3
import botocore.config
import botocore.exceptions

from common import CLUSTER, PRINCIPALS, check, finish

AWS = os.path.join(os.path.dirname(sys.executable), "aws")
PROXY = os.environ["PASSING_PROXY"]
CA = os.environ["PASSING_CA"]
UNSET = ("ENDPOINT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EKS", "NO_PROXY", "no_proxy")


def eks(*arguments, **environment):
    env = {name: value for name, value in os.environ.items() if name not in UNSET}
    return subprocess.run([AWS, "eks", "--output", "json", "--region", "us-west-2", *arguments], capture_output=True, text=True,
                          timeout=120, check=False, env={**env, "HTTPS_PROXY": PROXY, "AWS_CA_BUNDLE": CA, **environment})


def command_line():
    arn, username = PRINCIPALS[1]
    where = ["--cluster-name", CLUSTER, "--principal-arn", arn]
    done = eks("create-access-entry", *where, "--tags", json.dumps({"team": "blue", "a b": "c+d"}))
    entry = json.loads(done.stdout)["accessEntry"] if done.returncode == 0 else {}
    check("aws: an entry is made at AWS's endpoint", entry.get("username") == username, done.stderr)
    done = eks("describe-access-entry", *where)
    check("aws: and read", done.returncode == 0 and json.loads(done.stdout)["accessEntry"]["tags"] == {"team": "blue", "a b": "c+d"},
          done.stderr)
    done = eks("create-access-entry", *where)
    check("aws: the upstream's refusal arrives", "(ResourceInUseException)" in done.stderr, done.stderr)
    done = eks("create-access-entry", "--cluster-name", CLUSTER, "--principal-arn", PRINCIPALS[0][0], "--type", "EC2_LINUX")
    check("aws: a policy's denial too", "(AccessDeniedException)" in done.stderr and "platform team" in done.stderr, done.stderr)
    done = eks("list-access-entries", "--cluster-name", CLUSTER, AWS_SECRET_ACCESS_KEY="wrong")
    check("aws: a wrong secret is refused by the upstream", "(InvalidSignatureException)" in done.stderr, done.stderr)
    done = eks("list-access-entries", "--cluster-name", CLUSTER, "--region", "eu-central-1")
    check("aws: no tunnel leads to another region", done.returncode != 0 and "connect to proxy" in done.stderr, done.stderr)


def library():
    os.environ.pop("NO_PROXY", None)
    os.environ.pop("no_proxy", None)
    client = boto3.client("eks", region_name="us-west-2", verify=CA,
                          config=botocore.config.Config(proxies={"https": PROXY}, retries={"total_max_attempts": 1}))
    where = {"clusterName": CLUSTER, "principalArn": PRINCIPALS[0][0]}
    entry = client.create_access_entry(**where, kubernetesGroups=["g"])["accessEntry"]
    check("boto3: an entry is made with a proxy of the client's own", entry["kubernetesGroups"] == ["g"], entry)
    for _ in range(5):
        entry = client.describe_access_entry(**where)["accessEntry"]
    check("boto3: and read, again and again in one tunnel", entry["principalArn"] == where["principalArn"], entry)
    try:
        client.describe_access_entry(clusterName=CLUSTER, principalArn=where["principalArn"] + "-absent")
        check("boto3: a refusal is an exception", False, "no exception")
    except client.exceptions.ResourceNotFoundException as problem:
        check("boto3: a refusal is an exception", True, problem)
    try:
        boto3.client("sts", region_name="us-west-2", verify=CA, config=botocore.config.Config(
            proxies={"https": PROXY}, retries={"total_max_attempts": 1})).get_caller_identity()
        check("boto3: no tunnel leads to STS", False, "it answered")
    except botocore.exceptions.ProxyConnectionError as problem:
        check("boto3: no tunnel leads to STS", True, problem)


command_line()
library()
finish()
