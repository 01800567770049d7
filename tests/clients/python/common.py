# SPDX-License-Identifier: Apache-2.0
"""What the two Python clients share: the principals, and the lines that tests/clients/run counts."""
import os
import sys

PREFIX = os.environ["CLIENT_PREFIX"]
CLUSTER = "my-cluster"
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

failures = 0


def check(what, good, shown=""):
    global failures
    failures += not good
    print(f"{'ok' if good else 'not ok'} - {what}{'' if good else ': ' + str(shown)[:600]}", flush=True)


def finish():
    sys.exit(1 if failures else 0)
