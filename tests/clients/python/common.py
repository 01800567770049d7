# SPDX-License-Identifier: Apache-2.0
"""What the two Python clients share: the principals, and the lines that tests/clients/run counts."""
import os
import sys
import threading

PREFIX = os.environ["CLIENT_PREFIX"]
CLUSTER = "my-cluster"
# What a gateway before it forwards to: nothing, eksgate, moto; passing: eksgate, unseen.
BEHIND = os.environ["BEHIND"]
# Who is the administrator of a cluster that was made.
CREATOR = os.environ["CREATOR"]
LARGE = [f"arn:aws:iam::012345678910:role/large/r{number}" for number in range(int(os.environ["LARGE_ENTRIES"]))]
POLICY = "arn:aws:eks::aws:cluster-access-policy/"
IN_USE = "The specified access entry resource is already in use on this cluster."

# ARN, and the username that EKS gives it.
PRINCIPALS = [
    (f"arn:aws:iam::012345678910:role/{PREFIX}-plain",
     f"arn:aws:sts::012345678910:assumed-role/{PREFIX}-plain/{{{{SessionName}}}}"),
    (f"arn:aws:iam::012345678910:role/team/a+b=c,d.e@f-g/{PREFIX}+=,.@-_x",
     f"arn:aws:sts::012345678910:assumed-role/{PREFIX}+=,.@-_x/{{{{SessionName}}}}"),
    (f"arn:aws:iam::012345678910:user/people/{PREFIX}@example.com",
     f"arn:aws:iam::012345678910:user/people/{PREFIX}@example.com"),
]

# GetCallerIdentity's answer for the key of tests/clients/run.
CALLER = {"Account": "012345678910", "Arn": "arn:aws:iam::012345678910:user/clients", "UserId": "AIDAZTYAQXAKB2ULZAJA3"}

# Policies that any role may have, as many as an entry takes.
POLICIES = [POLICY + name for name in (
    "AmazonARCRegionSwitchScalingPolicy", "AmazonEKSACKPolicy", "AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSEventPolicy", "AmazonEKSSecretAdminPolicy",
    "AmazonEKSSecretReaderPolicy", "AmazonEKSViewPolicy", "AmazonEMRJobPolicy")]

# What DescribeCluster's kubeconfig and a cluster's creation need.
VPC = {"subnetIds": ["subnet-0a1b2c3d4e5f60001", "subnet-0a1b2c3d4e5f60002"]}
CLUSTER_ROLE = "arn:aws:iam::012345678910:role/cluster"

failures = 0
lock = threading.Lock()


def check(what, good, shown=""):
    global failures
    with lock:
        failures += not good
        shown = " ".join(str(shown).split())[:600]
        print(f"{'ok' if good else 'not ok'} - {what}{'' if good else ': ' + shown}", flush=True)


def finish():
    sys.exit(1 if failures else 0)
