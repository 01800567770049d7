# SPDX-License-Identifier: Apache-2.0
"""boto3 creates access entries, reads them back, asks who it is, and is refused."""
import datetime
import os
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from common import CALLER, CLUSTER, IN_USE, PRINCIPALS, check, finish


def client(secret):
    return boto3.client("eks", endpoint_url=os.environ["ENDPOINT"], region_name="us-west-2",
                        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key=secret,
                        config=Config(retries={"max_attempts": 1}))


def refusal(call):
    try:
        call()
    except ClientError as error:
        return error.response
    return {"Error": {"Code": "none", "Message": ""}}


eks = client(os.environ["AWS_SECRET_ACCESS_KEY"])
for arn, username in PRINCIPALS:
    token = str(uuid.uuid4())
    wanted = {"clusterName": CLUSTER, "principalArn": arn, "tags": {"team": "blue", "cost centre": "1"},
              "clientRequestToken": token}
    made = eks.create_access_entry(**wanted)
    entry = made["accessEntry"]
    check(f"creates {arn}", entry["principalArn"] == arn and entry["username"] == username and entry["type"] ==
          "STANDARD" and entry["kubernetesGroups"] == [] and entry["tags"] == wanted["tags"], entry)
    check("reads the request's id", made["ResponseMetadata"]["RequestId"].count("-") == 4, made)
    check("reads times", isinstance(entry["createdAt"], datetime.datetime) and entry["createdAt"] ==
          entry["modifiedAt"], entry)
    again = eks.describe_access_entry(clusterName=CLUSTER, principalArn=arn)["accessEntry"]
    check("reads it back", again == entry, again)
    retried = eks.create_access_entry(**wanted)["accessEntry"]
    check("gets the same for the same token", retried == entry, retried)
    error = refusal(lambda: eks.create_access_entry(clusterName=CLUSTER, principalArn=arn))
    check("is refused a second one", error["Error"]["Code"] == "ResourceInUseException" and
          error["Error"]["Message"] == IN_USE and error["ResponseMetadata"]["HTTPStatusCode"] == 409, error)

try:
    eks.describe_access_entry(clusterName=CLUSTER, principalArn=PRINCIPALS[0][0] + "-not")
    check("raises the modelled exception", False, "nothing was raised")
except eks.exceptions.ResourceNotFoundException as error:
    check("raises the modelled exception", "list-access-entries" in str(error), error)

os.environ["AWS_ENDPOINT_URL"] = os.environ["ENDPOINT"]
for region in "us-west-2", "us-east-1":
    sts = boto3.client("sts", region_name=region)
    identity = sts.get_caller_identity()
    check(f"is told who it is, by AWS_ENDPOINT_URL alone, in {region}",
          {name: identity.get(name) for name in CALLER} == CALLER, identity)
    check("reads that request's id", identity["ResponseMetadata"]["RequestId"].count("-") == 4, identity)
error = refusal(lambda: boto3.client("sts", region_name="us-west-2", aws_secret_access_key="a wrong secret",
                                     aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"]).get_caller_identity())
check("is refused as STS refuses", error["Error"]["Code"] == "SignatureDoesNotMatch" and
      error["ResponseMetadata"]["HTTPStatusCode"] == 403 and error["Error"]["Type"] == "Sender", error)
error = refusal(lambda: sts.get_session_token())
check("is told of an action that isn't served", error["Error"]["Code"] == "InvalidAction", error)
del os.environ["AWS_ENDPOINT_URL"]

stranger = client("a wrong secret")
error = refusal(lambda: stranger.describe_access_entry(clusterName=CLUSTER, principalArn=PRINCIPALS[1][0]))
check("is refused with a wrong secret", error["Error"]["Code"] == "InvalidSignatureException", error)
error = refusal(lambda: stranger.create_access_entry(clusterName=CLUSTER, principalArn=PRINCIPALS[1][0]))
check("is refused to create with a wrong secret", error["Error"]["Code"] == "InvalidSignatureException", error)
finish()
