# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI creates access entries, reads them back, asks who it is, and is refused."""
import json
import os
import subprocess
import sys

from common import CALLER, CLUSTER, IN_USE, PRINCIPALS, check, finish

AWS = os.path.join(os.path.dirname(sys.executable), "aws")


def aws(*arguments, **environment):
    command = [AWS, "eks", "--endpoint-url", os.environ["ENDPOINT"], "--region", "us-west-2", "--output", "json",
               *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **environment})


def entry_of(done):
    return json.loads(done.stdout)["accessEntry"] if done.returncode == 0 else {}


for arn, username in PRINCIPALS:
    where = ["--cluster-name", CLUSTER, "--principal-arn", arn]
    done = aws("create-access-entry", *where, "--tags", "team=blue")
    made = entry_of(done)
    check(f"creates {arn}", made.get("principalArn") == arn and made.get("username") == username and
          made.get("tags") == {"team": "blue"}, done.stdout + done.stderr)
    done = aws("describe-access-entry", *where)
    check("reads it back", made and entry_of(done) == made, done.stdout + done.stderr)
    done = aws("create-access-entry", *where)
    check("is refused a second one", done.returncode != 0 and "(ResourceInUseException)" in done.stderr and
          IN_USE in done.stderr, done.stdout + done.stderr)

arn = PRINCIPALS[1][0]
done = aws("describe-access-entry", "--cluster-name", "nowhere", "--principal-arn", arn)
check("is told of an unknown cluster", "(ResourceNotFoundException)" in done.stderr and
      "No cluster found for name: nowhere." in done.stderr, done.stderr)
done = aws("describe-access-entry", "--cluster-name", CLUSTER, "--principal-arn", arn,
           AWS_SECRET_ACCESS_KEY="a wrong secret")
check("is refused with a wrong secret", "(InvalidSignatureException)" in done.stderr, done.stderr)

whoami = [AWS, "sts", "get-caller-identity", "--output", "json"]
environment = {**os.environ, "AWS_ENDPOINT_URL": os.environ["ENDPOINT"], "AWS_DEFAULT_REGION": "us-west-2"}
done = subprocess.run(whoami, capture_output=True, text=True, timeout=60, check=False, env=environment)
check("is told who it is, by AWS_ENDPOINT_URL alone", done.returncode == 0 and json.loads(done.stdout) == CALLER,
      done.stdout + done.stderr)
environment["AWS_ACCESS_KEY_ID"] = "AKIANOBODY0000000001"
done = subprocess.run(whoami, capture_output=True, text=True, timeout=60, check=False, env=environment)
check("is refused as STS refuses", done.returncode != 0 and "(InvalidClientTokenId)" in done.stderr and
      "The security token included in the request is invalid." in done.stderr, done.stderr)
finish()
